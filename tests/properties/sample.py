"""Many clinicians of the shipped roster, straight from the sampler, for tests of distributions."""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from typing import Any

import numpy as np

from asm_sim.engine.plan import CohortPlan, Plan, make_plan
from asm_sim.kernels.draws.draw import observe_cohort
from asm_sim.kernels.rule.observed import Observed
from asm_sim.scenario.load import load_scenario

# Draws x years x (measures x) clinicians; nan is blank.
Sample = namedtuple(
    "Sample",
    [
        *Observed._fields,
        *("true_rate", "true_cost", "paid", "specialty", "group", "practice", "present"),
        "part_b_later",
    ],
)


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
        years = observe_cohort(cohort.practices, cohort.model, words, d, d, d, True)
        flat = [[*seen, *rest] for seen, *rest in years]
        kept.append([np.stack(values) for values in zip(*flat, strict=True)])
    return Sample(*(np.stack(values) for values in zip(*kept, strict=True)))


@cache
def sample(cohort: str, draws: int = 8, settings: tuple[tuple[str, Any], ...] = ()) -> Sample:
    """Kept for the other tests: do not change it."""
    return draw_sample(cohort_of(plan_with(settings), cohort), draws)
