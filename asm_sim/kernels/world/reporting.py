"""What practices report and attest in a year, by the size they have in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.variates import fill_uniform, fill_uniforms
from asm_sim.kernels.world.practices import size_class_in
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
    willingness, silent = practices.willingness[y], practices.silent[y]
    silent_below = model.reporting.silent_below
    for p in range(len(willingness)):
        silent[p] = willingness[p] < silent_below[size_class_in(practices, p, y)]
    _attest(model, seed, measurement, practices, y)


@kernel
def _attest(model, seed, measurement, practices, y):
    """Improvement activities and interoperability of one year, each by words of its own.

    With a persistence, that share of the practices attests as in the year before; one that has just
    joined a larger one attests anew.
    """
    full, done, kind, score = (
        practices.scratch[0],
        practices.scratch[1],
        practices.interoperability[y],
        practices.scratch[3],
    )
    fill_uniforms(seed, model.address, measurement, ATTESTATION, y + 1, 0, full, done, kind, score)
    activities = practices.activities[y]
    interoperability = practices.interoperability[y]
    attestation = model.attestation
    highest, least = attestation.full_interoperability, attestation.full_score_lowest
    lowest = attestation.interoperability_lowest
    width = attestation.interoperability_highest - lowest
    two = attestation.all_activities_share
    some = two + attestation.one_activity_share
    for p in range(len(full)):
        if full[p] < attestation.full_credit[size_class_in(practices, p, y)]:
            activities[p] = attestation.all_activities
            all_of_it = kind[p] < attestation.full_score_share
            interoperability[p] = highest if all_of_it else least + (highest - least) * score[p]
        else:
            any_done = 1.0 if done[p] < some else 0.0
            activities[p] = attestation.all_activities if done[p] < two else any_done
            nothing = kind[p] < attestation.interoperability_zero_share
            interoperability[p] = 0.0 if nothing else lowest + width * score[p]
    persistence = attestation.persistence
    if y > 0 and persistence > 0.0:
        again = full
        fill_uniform(seed, model.address, measurement, ATTESTATION, y + 1, 1, again)
        for p in range(len(again)):
            if again[p] < persistence and practices.joins[p] != y:
                activities[p] = practices.activities[y - 1, p]
                interoperability[p] = practices.interoperability[y - 1, p]
