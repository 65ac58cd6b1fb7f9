"""What practices report and attest in a year, by the size they have in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.variates import fill_uniform, fill_uniforms
from asm_sim.kernels.world.practices import LARGE, MEDIUM, SMALL, SOLO
from asm_sim.kernels.world.streams import ATTESTATION, SPECIAL_STATUS

Floats = NDArray[np.float64]


class ReportingModel(NamedTuple):
    """Which practices report no measure in a year."""

    silent_below: Floats  # [4] by size class: the latent normal below which one reports nothing
    persistence: float


class AttestationModel(NamedTuple):
    """What practices attest: all activities and full credit for interoperability, or less."""

    full_credit: Floats  # [4] share by size class
    persistence: float
    all_activities: float  # of the rule: activities completed, and score, that cost no points
    full_interoperability: float
    # of those with full credit
    full_score_share: float
    full_score_lowest: float
    # of the others
    all_activities_share: float
    one_activity_share: float
    interoperability_zero_share: float
    interoperability_lowest: float
    interoperability_highest: float


class CompletenessModel(NamedTuple):
    """How much of a measure that is reported is reported: too little, or uniform up to all."""

    low_share: float
    low: float
    lowest: float


@kernel
def draw_special_status(model, seed, population, clinicians, observed):
    """Of whom MIPS would not ask for interoperability."""
    share, has_one = model.special_status_share, observed.special_status
    if share > 0.0:
        uniform = clinicians.rows[6]
        fill_uniform(seed, model.address, population, SPECIAL_STATUS, 0, 0, uniform)
        for i in range(len(has_one)):
            has_one[i] = 1.0 if uniform[i] < share else 0.0


@kernel
def report_and_attest(model, seed, measurement, y, practices):
    """Which practices report no measure in year y, and what is attested."""
    willingness, silent, below = practices.willingness[y], practices.silent[y], practices.scratch[0]
    _of_size(practices, y, model.reporting.silent_below, below)
    for p in range(len(silent)):
        silent[p] = willingness[p] < below[p]
    _attest(model, seed, measurement, practices, y)


@kernel
def _of_size(practices, y, by_class, values):
    """For every practice [P] what there is for its class of size in year y."""
    solo, small, medium, large = by_class[SOLO], by_class[SMALL], by_class[MEDIUM], by_class[LARGE]
    size_class, joins = practices.size_class, practices.joins
    for p in range(len(values)):
        c = size_class[p]
        value = solo if c == SOLO else (small if c == SMALL else (medium if c == MEDIUM else large))
        values[p] = large if y >= joins[p] else value


@kernel
def _attest(model, seed, measurement, practices, y):
    """Improvement activities and interoperability of one year, each by words of its own.

    With a persistence, that share of the practices attests as in the year before; one that has just
    joined a larger one attests anew.
    """
    activities = practices.activities[y]
    interoperability = practices.interoperability[y]
    full, score, credit = practices.scratch[0], practices.scratch[1], practices.scratch[2]
    done, kind = activities, interoperability  # uniforms, in whose place comes what they decide
    fill_uniforms(seed, model.address, measurement, ATTESTATION, y + 1, 0, full, done, kind, score)
    attestation = model.attestation
    _of_size(practices, y, attestation.full_credit, credit)
    highest, least = attestation.full_interoperability, attestation.full_score_lowest
    lowest = attestation.interoperability_lowest
    width = attestation.interoperability_highest - lowest
    two = attestation.all_activities_share
    some = two + attestation.one_activity_share
    for p in range(len(activities)):
        any_done = 1.0 if done[p] < some else 0.0
        everything = (full[p] < credit[p]) | (done[p] < two)
        activities[p] = attestation.all_activities if everything else any_done
    for p in range(len(interoperability)):
        all_of_it = kind[p] < attestation.full_score_share
        of_full = highest if all_of_it else least + (highest - least) * score[p]
        nothing = kind[p] < attestation.interoperability_zero_share
        of_less = 0.0 if nothing else lowest + width * score[p]
        interoperability[p] = of_full if full[p] < credit[p] else of_less
    persistence = attestation.persistence
    if y > 0 and persistence > 0.0:
        again, joins = full, practices.joins
        fill_uniform(seed, model.address, measurement, ATTESTATION, y + 1, 1, again)
        _attest_as_before(again, persistence, joins, y, practices.activities)
        _attest_as_before(again, persistence, joins, y, practices.interoperability)


@kernel
def _attest_as_before(again, persistence, joins, y, attested):
    """Put what was attested in the year before in place of this year's [Y, P]."""
    before, now = attested[y - 1], attested[y]
    for p in range(len(now)):
        same = (again[p] < persistence) & (joins[p] != y)
        now[p] = before[p] if same else now[p]
