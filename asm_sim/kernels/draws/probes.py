"""Probe clinicians: whom nobody is compared with, but who are scored like everybody.

A probe's true performance is given: so many standard deviations from the average in every measure
and in cost, and so much more every year. It is measured again and again (replicates), each time
with the same random numbers for every probe, and scored against the cohort's fit. Its modifiers are
a fixed number of points, such that an average probe truly is the median of the first year, but
for the rounding of scores. Where it has no final score then, or the cohort no median, all that is
said of the probes is nan.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.variates import fill_normals
from asm_sim.kernels.rule.cohort import final_scores_against
from asm_sim.kernels.rule.final_score import round_scores
from asm_sim.kernels.rule.fit import Scratch, new_scratch
from asm_sim.kernels.rule.observed import Observed, Outcome, new_observed, new_outcome
from asm_sim.kernels.rule.payment import adjust_scores
from asm_sim.kernels.world.performance import cost_at, rate_at, sample_cost, sample_rate
from asm_sim.kernels.world.streams import PROBE

Floats = NDArray[np.float64]


class Probes(NamedTuple):
    """P probes of R replicates each, N = P R rows, replicate by replicate; the first is average."""

    replicates: int
    address: NDArray[np.uint64]  # [2, N] of the replicate
    level: Floats  # [N] SDs above the average in the first year
    gain: Floats  # [N] SDs a year
    episodes: Floats  # [N]
    cases: Floats  # [M, N]
    collection: NDArray[np.int8]  # [M, N]


class ProbeRoom(NamedTuple):
    """Room to work in, for N rows."""

    observed: Observed
    true_rate: Floats  # [M, N]
    true_cost: Floats  # [N]
    modifiers: Floats  # [N] points
    outcome: Outcome
    scratch: Scratch
    segment: NDArray[np.int64]
    rows: Floats  # [9, N]


@kernel
def new_probe_room(probes):
    measures, n = probes.cases.shape
    return ProbeRoom(
        observed=new_observed(measures, n),
        true_rate=np.empty((measures, n)),
        true_cost=np.empty(n),
        modifiers=np.empty(n),
        outcome=new_outcome(measures, n),
        scratch=new_scratch(measures, n),
        segment=np.zeros(n, np.int64),
        rows=np.empty((9, n)),
    )


@kernel
def score_probes(model, rules, probes, y, address, fit, truth_fit, room, d, panel):
    """Fill year y of draw d in ``panel``, an :class:`output.ProbePanel`.

    ``truth_fit`` is the cohort's fit on true performance, against which the noise-free adjustment
    is made. Call it for the first year first: the modifiers are set there.
    """
    _state(model, rules, probes, y, room)
    seen = room.observed
    seen.rate[:] = room.true_rate
    seen.episode_cost[:] = room.true_cost
    _score(rules, probes, y, truth_fit, y == 0, room)
    _keep(probes, room.outcome.payment_adjustment_factor, panel.true_adjustment[d, y])
    if address.measured:
        _measure(model, probes, address.seed, address.measurement, y, room)
    _score(rules, probes, y, fit, False, room)
    _keep(probes, room.outcome.final_score, panel.final_score[d, y])
    _keep(probes, room.outcome.payment_adjustment_factor, panel.adjustment[d, y])


@kernel
def _state(model, rules, probes, y, room):
    """Who the probes are this year: their true performance, and full credit for the rest."""
    seen, rows = room.observed, room.rows
    n, spread = len(probes.level), model.quality.spread
    for m in range(len(probes.cases)):
        for i in range(n):
            rows[0, i] = spread * (probes.level[i] + probes.gain[i] * y)
        collection = probes.collection[m]
        rate_at(model, m, y, collection, rows[0], room.segment, room.true_rate[m])
    for i in range(n):
        rows[0, i] = -(probes.level[i] + probes.gain[i] * y)
    cost_at(model, y, rows[0], room.true_cost)
    seen.cases[:] = probes.cases
    seen.completeness[:] = 1.0
    seen.collection[:] = probes.collection
    seen.episodes[:] = probes.episodes
    seen.improvement_activities[:] = len(rules.activities_adjustment) - 1.0
    seen.pi_score[:] = rules.interoperability_maximum
    seen.practice_size[:] = rules.small_maximum_clinicians + 1.0
    seen.hcc_risk_score[:] = np.nan  # no complex-patient adjustment
    seen.dual_share[:] = np.nan
    seen.part_b_payments[:] = 1.0


@kernel
def _measure(model, probes, seed, measurement, y, room):
    seen, rows = room.observed, room.rows
    for m in range(len(probes.cases)):
        fill_normals(
            seed, probes.address, measurement, PROBE, y + 1, model.quality.slot[m] + 1,
            rows[0], rows[1], rows[2], rows[3],
        )  # fmt: skip
        true = room.true_rate[m]
        sample_rate(model, m, rows[0], probes.cases[m], true, rows[4:9], seen.rate[m])
    fill_normals(
        seed, probes.address, measurement, PROBE, y + 1, 0, rows[0], rows[1], rows[2], rows[3]
    )
    sample_cost(model, rows[0], probes.episodes, room.true_cost, seen.episode_cost)


@kernel
def _score(rules, probes, y, fit, set_modifiers, room):
    final, modifiers = room.outcome.final_score, room.modifiers
    final_scores_against(room.observed, rules, y, fit, room.outcome, room.scratch)
    if set_modifiers:
        for i in range(len(final)):
            modifiers[i] = fit.payment[0].median - final[i % probes.replicates]
    lowest, highest = rules.score_minimum, rules.score_maximum
    for i in range(len(final)):
        total = final[i] + modifiers[i]
        final[i] = min(max(total, lowest), highest) if total == total else np.nan
    round_scores(rules, final)
    adjust_scores(room.observed, rules, y, fit, room.outcome)
    factor = room.outcome.payment_adjustment_factor
    for i in range(len(final)):
        factor[i] = factor[i] if final[i] == final[i] else np.nan


@kernel
def _keep(probes, values, table):
    for i in range(len(values)):
        table[i // probes.replicates, i % probes.replicates] = values[i]
