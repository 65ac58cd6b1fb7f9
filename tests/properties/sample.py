"""Many clinicians of the shipped roster, straight from the sampler, for tests of distributions."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from asm_sim.engine.plan import CohortPlan, Plan, make_plan
from asm_sim.kernels.draws.draw import observe_cohort
from asm_sim.scenario.load import load_scenario


class Sample(NamedTuple):
    """Draws x years x (measures x) clinicians; nan is blank."""

    rate: np.ndarray
    cases: np.ndarray
    completeness: np.ndarray
    collection: np.ndarray
    episodes: np.ndarray
    episode_cost: np.ndarray
    improvement_activities: np.ndarray
    pi_score: np.ndarray
    practice_size: np.ndarray
    hcc_risk_score: np.ndarray
    dual_share: np.ndarray
    part_b_payments: np.ndarray
    rural: np.ndarray
    extreme_circumstances: np.ndarray
    true_rate: np.ndarray
    true_cost: np.ndarray
    paid: np.ndarray
    specialty: np.ndarray
    group: np.ndarray
    practice: np.ndarray
    present: np.ndarray
    part_b_later: np.ndarray


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
