"""The floor: the variates of a draw and nothing else.

Every block of words that a draw of the baseline addresses, turned into its uniforms, normals and
exact binomial and Poisson counts by the kernels' own code. Rates and mean counts are those of one
exported draw, so the counts cost what they cost in a run; in a draw they would be made from the
normals, which is left out here, like everything else that is done with a variate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from asm_sim.kernels.draws.draw import observe_cohort
from asm_sim.kernels.numeric.counts import fill_binomial, fill_poisson
from asm_sim.kernels.numeric.variates import (
    fill_first_normals,
    fill_normal_pair,
    fill_normals,
    fill_normals_and_uniforms,
    fill_uniform,
    fill_uniforms,
)
from asm_sim.kernels.world.streams import (
    ATTESTATION,
    CLINICIAN_TRAITS,
    DEPARTURE,
    EPISODES,
    FIRST_SLOT,
    MEASURE,
    PERFORMANCE,
    PRACTICE_PROCESS,
    PRACTICE_TRAITS,
    VOLUME,
)
from tests.bench.compiled import entry
from tests.bench.model import SEED, Cohort

Floats = NDArray[np.float64]

# What is made: normals and uniforms always, and counts of some of them.
NORMAL, POISSON, BINOMIAL = 0, 1, 2
ALL = NORMAL | POISSON | BINOMIAL


class Needs(NamedTuple):
    """What decides the cost of a count, from one draw."""

    practice_address: NDArray[np.uint64]
    address: NDArray[np.uint64]
    slot: NDArray[np.int64]
    proportion: NDArray[np.bool_]
    years: int
    calendar_years: int
    slots: int  # of measures, and each has a latent process beside the first ones
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
    return Needs(
        cohort.practices.address,
        model.address,
        model.quality.slot,
        model.quality.proportion,
        int(model.performance_years),
        int(model.calendar_years),
        int(model.quality.slot.max()) + 1,
        np.array([year[0].episodes for year in years]),
        np.array([year[0].cases for year in years]),
        np.clip(probability, 0.0, 1.0),
    )


@njit  # type: ignore[untyped-decorator]
def _performance(needs: Any, seed: Any, i: Any, year: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    for at in range(0, FIRST_SLOT + needs.slots, 4):
        fill_first_normals(
            FIRST_SLOT + needs.slots - at, seed, needs.address, i, PERFORMANCE, year, at // 4,
            a, b, c, d,
        )  # fmt: skip


@entry
def make_variates(needs: Any, seed: Any, first: Any, draws: Any, kinds: Any) -> Any:
    """The variates of a range of draws; returns something that depends on them."""
    p = needs.practice_address.shape[1]
    n = needs.address.shape[1]
    rows = np.empty((4, n))
    practice_rows = np.empty((4, p))
    counts, work = np.empty(n), np.empty((4, n))
    a, b, c, d = rows[0], rows[1], rows[2], rows[3]
    pa, pb, pc, pd = practice_rows[0], practice_rows[1], practice_rows[2], practice_rows[3]
    total = 0.0
    for i in range(first, first + draws):
        fill_uniforms(seed, needs.practice_address, i, PRACTICE_TRAITS, 0, 0, pa, pb, pc, pd)
        fill_normal_pair(seed, needs.practice_address, i, PRACTICE_PROCESS, 0, 0, pa, pb)
        fill_normals(seed, needs.address, i, CLINICIAN_TRAITS, 0, 0, a, b, c, d)
        for at in range(0, needs.slots, 4):
            fill_first_normals(
                needs.slots - at, seed, needs.address, i, CLINICIAN_TRAITS, 0, 1 + at // 4,
                a, b, c, d,
            )  # fmt: skip
        _performance(needs, seed, i, 0, a, b, c, d)
        for y in range(1, needs.calendar_years):
            fill_normal_pair(seed, needs.address, i, VOLUME, y + 1, 0, a, b)
        for block in range((needs.calendar_years + 3) // 4):
            fill_uniforms(seed, needs.address, i, DEPARTURE, 0, block, a, b, c, d)
        for y in range(needs.years):
            at = y + 1
            fill_normal_pair(seed, needs.practice_address, i, PRACTICE_PROCESS, at, 0, pa, pb)
            fill_uniforms(seed, needs.practice_address, i, ATTESTATION, at, 0, pa, pb, pc, pd)
            if y > 0:
                fill_uniform(seed, needs.practice_address, i, ATTESTATION, at, 1, pa)
            _performance(needs, seed, i, at, a, b, c, d)
            fill_normal_pair(seed, needs.address, i, EPISODES, at, 0, a, b)
            if kinds & POISSON:
                fill_poisson(a, needs.episodes[y], counts)
            total += counts[0]
            for m in range(len(needs.slot)):
                fill_normals_and_uniforms(
                    seed, needs.address, i, MEASURE, at, needs.slot[m], a, b, c, d
                )
                cases = needs.cases[y, m]
                if kinds & POISSON:
                    fill_poisson(b, cases, counts)
                total += counts[0]
                if needs.proportion[m] and kinds & BINOMIAL:
                    fill_binomial(a, cases, needs.probability[y, m], counts, work)
                    total += counts[0]
    return total


def make_by_numpy(needs: Needs, rng: np.random.Generator) -> None:
    """As many variates of each kind as one draw uses, by NumPy's own generator."""
    p, n, years = needs.practice_address.shape[1], needs.address.shape[1], needs.years
    measures, later = len(needs.slot), needs.calendar_years - 1
    once = 4 + measures + 2 + measures + later + years - 1
    yearly = 2 + measures + 1 + np.count_nonzero(~needs.proportion)
    rng.standard_normal(p * (1 + 2 * years))
    rng.standard_normal(n * (once + yearly * years))
    rng.random(p * (4 + 5 * years - 1))
    rng.random(n * (needs.calendar_years + 2 * measures * years))
    for y in range(years):
        rng.poisson(needs.episodes[y])
        for m in range(measures):
            rng.poisson(needs.cases[y, m])
            if needs.proportion[m]:
                rng.binomial(needs.cases[y, m].astype(np.int64), needs.probability[y, m])
