"""Levers that make draws dearer: processor time of the same draws over that of the baseline."""

from __future__ import annotations

import time

import numpy as np

from asm_sim.engine.execute import run_block
from asm_sim.engine.frame import Block
from asm_sim.engine.plan import Plan, make_plan
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.memory import keep_what_is_freed
from asm_sim.scenario.load import load_scenario
from tests.bench.checks import Check, Part

DRAWS = 10
# What is moved, the shipped scenario that does so, and the limit.
LEVERS = {
    "Linear exchange": ("linear-exchange", 1.15),
    "Rank exchange": ("rank-exchange", 1.5),
    "Peers by specialty": ("peers-by-specialty", 1.5),
    "Peers by practice size": ("peers-by-practice-size", 1.5),
    "Practices as a whole": ("practice-scoring", 1.5),
    "Parameters drawn": ("parameter-uncertainty", 1.3),
    "Readings drawn": ("open-readings", 1.3),
    "Synthetic frame, per clinician": ("synthetic-frame", 1.0),
}


def _plan(name: str) -> Plan:
    return make_plan(load_scenario(name, []), panel=0, lens=0)


def _cost(plan: Plan, first: int) -> float:
    """Seconds of this thread for a clinician, with the truth lens, as every run has it."""
    begun = time.thread_time()
    run_block(plan, Block(0, first, DRAWS))
    return (time.thread_time() - begun) / sum(cohort.clinicians for cohort in plan.cohorts)


def measure(repetitions: int) -> Part:
    keep_what_is_freed()  # as the engine does
    baseline = _plan("baseline")
    compile_kernels(baseline)
    plans = {name: _plan(scenario) for name, (scenario, _) in LEVERS.items()}
    ratios: dict[str, list[float]] = {name: [] for name in LEVERS}
    for repetition in range(repetitions):
        first = repetition * DRAWS
        for name, plan in plans.items():
            around = [_cost(baseline, first)]
            cost = _cost(plan, first)
            around.append(_cost(baseline, first))
            ratios[name].append(cost / float(np.mean(around)))
    return Part(
        "Levers over the baseline, one thread's processor time",
        checks=[Check(name, ratios[name], at_most=limit) for name, (_, limit) in LEVERS.items()],
    )
