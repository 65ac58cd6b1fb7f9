"""Many clinicians of the shipped roster, straight from the sampler, for tests of distributions."""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from typing import Any

import numpy as np

from asm_sim.engine.plan import CohortPlan, Plan, make_plan
from asm_sim.kernels.draws.draw import ObservedYear, observe_cohort
from asm_sim.kernels.rule.observed import Observed
from asm_sim.scenario.load import load_scenario

# Draws x years x (measures x) clinicians; nan is blank.
Sample = namedtuple("Sample", [*Observed._fields, *ObservedYear._fields[1:]])


def flat(year: ObservedYear) -> dict[str, np.ndarray]:
    """A year of a cohort by the names of everything in it."""
    return {**Observed(*year[0])._asdict(), **dict(zip(year._fields[1:], year[1:], strict=True))}


def stacked(years: list[ObservedYear]) -> dict[str, np.ndarray]:
    """The years of a draw, stacked."""
    by_year = [flat(year) for year in years]
    return {name: np.stack([one[name] for one in by_year]) for name in Sample._fields}


@cache
def plan_with(settings: tuple[tuple[str, Any], ...] = ()) -> Plan:
    """The shipped baseline with some parameters set."""
    return make_plan(load_scenario("baseline", settings))


def cohort_of(plan: Plan, name: str) -> CohortPlan:
    return next(cohort for cohort in plan.cohorts if cohort.name == name)


def draw_sample(cohort: CohortPlan, draws: int, seed: int = 20) -> Sample:
    words = np.array([seed, 0], np.uint64)
    kept = []
    for d in range(draws):
        years = observe_cohort(cohort.rules, cohort.practices, cohort.model, words, d, d, d, True)
        kept.append(stacked(years))
    return Sample(**{name: np.stack([one[name] for one in kept]) for name in Sample._fields})


@cache
def sample(cohort: str, draws: int = 8, settings: tuple[tuple[str, Any], ...] = ()) -> Sample:
    """Kept for the other tests: do not change it."""
    return draw_sample(cohort_of(plan_with(settings), cohort), draws)
