"""The floor: the variates of a draw and nothing else.

Every block of words that a draw addresses, turned into its uniforms, normals and exact binomial and
Poisson counts by the kernels' own code. Rates and mean counts are those of one exported draw, so
the counts cost what they cost in a run; in a draw they would be made from the normals, which is
left out here, like everything else that is done with a variate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from asm_sim.kernels.draws.draw import observe_cohort
from asm_sim.kernels.numeric.variates import (
    fill_binomial,
    fill_normal_pair,
    fill_normals,
    fill_normals_and_uniforms,
    fill_poisson,
    fill_uniforms,
)
from asm_sim.kernels.world.streams import (
    ATTESTATION,
    CLINICIAN_TRAITS,
    EPISODES,
    FIRST_SLOT,
    MEASURE,
    PERFORMANCE,
    PRACTICE_PROCESS,
    PRACTICE_TRAITS,
    VOLUME,
)
from tests.bench.model import SEED, Cohort

Floats = NDArray[np.float64]


class Needs(NamedTuple):
    """What decides the cost of a count, from one draw."""

    practice_address: NDArray[np.uint64]
    address: NDArray[np.uint64]
    slot: NDArray[np.int64]
    proportion: NDArray[np.bool_]
    years: int
    calendar_years: int
    performance_blocks: int  # of four normals a clinician and year
    cases_blocks: int
    episodes: Floats  # [Y, n]
    cases: Floats  # [Y, M, n]
    probability: Floats  # [Y, M, n]


def needs(cohort: Cohort) -> Needs:
    years = observe_cohort(cohort.rules, cohort.practices, cohort.model, SEED, 0, 0, 0, True)
    model = cohort.model
    probability = 0.01 * np.array([year.true_rate for year in years])
    # Who reports nothing has a rate all the same: let it be the next clinician's.
    for rows in probability:
        for row in rows:
            blank = np.isnan(row)
            row[blank] = np.resize(row[~blank], blank.sum())
    top = int(model.quality.slot.max()) + 1
    return Needs(
        cohort.practices.address,
        model.address,
        model.quality.slot,
        model.quality.proportion,
        int(model.performance_years),
        int(model.calendar_years),
        -(-(FIRST_SLOT + top) // 4),
        -(-top // 4),
        np.array([year[0].episodes for year in years]),
        np.array([year[0].cases for year in years]),
        np.clip(probability, 0.0, 1.0),
    )


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def make_variates(needs: Any, seed: Any, first: Any, draws: Any) -> Any:
    """All variates of a range of draws; returns something that depends on them."""
    p = needs.practice_address.shape[1]
    n = needs.address.shape[1]
    rows = np.empty((4, n))
    practice_rows = np.empty((4, p))
    counts = np.empty(n)
    a, b, c, d = rows[0], rows[1], rows[2], rows[3]
    pa, pb, pc, pd = practice_rows[0], practice_rows[1], practice_rows[2], practice_rows[3]
    total = 0.0
    for i in range(first, first + draws):
        fill_uniforms(seed, needs.practice_address, i, PRACTICE_TRAITS, 0, 0, pa, pb, pc, pd)
        fill_normal_pair(seed, needs.practice_address, i, PRACTICE_PROCESS, 0, 0, pa, pb)
        for block in range(1 + needs.cases_blocks):
            fill_normals(seed, needs.address, i, CLINICIAN_TRAITS, 0, block, a, b, c, d)
        for block in range(needs.performance_blocks):
            fill_normals(seed, needs.address, i, PERFORMANCE, 0, block, a, b, c, d)
        for y in range(1, needs.calendar_years):
            fill_normal_pair(seed, needs.address, i, VOLUME, y + 1, 0, a, b)
        for y in range(needs.years):
            at = y + 1
            fill_normal_pair(seed, needs.practice_address, i, PRACTICE_PROCESS, at, 0, pa, pb)
            fill_uniforms(seed, needs.practice_address, i, ATTESTATION, at, 0, pa, pb, pc, pd)
            for block in range(needs.performance_blocks):
                fill_normals(seed, needs.address, i, PERFORMANCE, at, block, a, b, c, d)
            fill_normal_pair(seed, needs.address, i, EPISODES, at, 0, a, b)
            fill_poisson(a, needs.episodes[y], counts)
            total += counts[0]
            for m in range(len(needs.slot)):
                fill_normals_and_uniforms(
                    seed, needs.address, i, MEASURE, at, needs.slot[m], a, b, c, d
                )
                cases = needs.cases[y, m]
                fill_poisson(b, cases, counts)
                total += counts[0]
                if needs.proportion[m]:
                    fill_binomial(a, cases, needs.probability[y, m], counts)
                    total += counts[0]
    return total
