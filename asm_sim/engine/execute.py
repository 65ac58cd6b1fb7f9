"""Running a block: its draws spread over threads, its results as named arrays.

Threads share the draws of a block; the kernel holds no lock while it runs. Everything that a thread
returns is per draw or an integer count, so nothing depends on who did what.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.engine.plan import (
    ADJUSTMENT_BINS,
    DOLLARS_BINS,
    QUANTILES,
    SCORE_BINS,
    SCORES,
    Block,
    CohortPlan,
    Plan,
    grids,
)
from asm_sim.errors import InputError
from asm_sim.kernels.draws.decomposition import FACTOR_SETS, FIXED_STATISTICS
from asm_sim.kernels.draws.draw import simulate_cohort
from asm_sim.kernels.draws.probes import PROBE_VARIABLES
from asm_sim.kernels.draws.summaries import (
    CLINICIAN_SUMS,
    GROUP_STATISTICS,
    PANEL_VARIABLES,
    QUINTILES,
    YEARLY_STATISTICS,
    Lens,
    Output,
)
from asm_sim.kernels.world.clinicians import GROUPINGS
from asm_sim.population.probes import PROBES
from asm_sim.results.registry import (
    BY_GROUP,
    DRAW_LEVEL,
    FIXED_STANDARD,
    HISTOGRAMS,
    PANEL,
    PANEL_GROUP,
    PANEL_PRACTICE,
    PARAMETER,
    PROBE,
    VARIANCE,
    YEARLY,
)

Arrays = dict[str, NDArray[Any]]

DRAWS_PER_TASK = 10
CLINICIAN_SUMS_NAME = "clinician_sums"  # fixed point; turned into clinician_* at the end
_EVERYONE, _SIZES = 0, slice(1, 5)
# The results of a task: along which axis the draws lie, and what is a sum over draws.
_DRAW_AXIS = {
    **dict.fromkeys(("yearly", "by_group", "quantile", "curve", "transition", "penalty_years"), 0),
    "panel": 1,
    "panel_group": 0,
    "panel_practice": 0,
    "variance": 0,
    "fixed_standard": 0,
    "probe": 1,
}
_COUNTS = ("adjustment_histogram", "score_histogram", "dollars_histogram", "clinician")


def run_block(plan: Plan, block: Block, pool: Executor | None = None) -> Arrays:
    """All variables of a block, named and laid out as in the registry.

    The draws are shared by the threads of ``pool``; without one they run in this thread.
    """
    tasks = [
        (cohort, first, min(DRAWS_PER_TASK, block.first + block.draws - first))
        for cohort in plan.cohorts
        for first in range(block.first, block.first + block.draws, DRAWS_PER_TASK)
    ]
    spread = map if pool is None else pool.map
    outputs = list(spread(lambda task: _run_task(plan, *task), tasks))
    per_cohort = len(tasks) // len(plan.cohorts)
    parts = [outputs[i : i + per_cohort] for i in range(0, len(outputs), per_cohort)]
    return _named(plan, block, parts)


def _run_task(plan: Plan, cohort: CohortPlan, first: int, draws: int) -> Output:
    output = _empty_output(plan, cohort, first, draws)
    if plan.parameters is None:
        _simulate(plan, cohort, first, draws, output)
        return output
    for draw in range(first, first + draws):  # each with parameters of its own
        alone = _empty_output(plan, cohort, draw, 1)
        _simulate(plan, plan.of_draw(cohort, draw), draw, 1, alone)
        _gather(output, alone, draw - first)
    return output


def _simulate(plan: Plan, cohort: CohortPlan, first: int, draws: int, output: Output) -> None:
    """Fill ``output`` with so many draws of a cohort."""
    population, measurement, selection = plan.indices(first, draws)
    fits = simulate_cohort(
        cohort.rules,
        cohort.mips,
        cohort.pathway,
        cohort.practices,
        cohort.model,
        cohort.probes,
        grids(),
        plan.seed_words(),
        population,
        measurement,
        selection,
        plan.measures,
        True,
        output,
    )
    if not fits:
        raise InputError(
            "an adjustment lies beyond +-800 % of Part B payments, more than the sums over draws "
            "can hold; look at rules.payment.exchange and rules.payment.cap"
        )


def _gather(output: Output, alone: Output, position: int) -> None:
    """Put the results of one draw where they belong in those of several."""
    for part, of_draw in ((output, alone), (output.lens, alone.lens)):
        for name, axis in _DRAW_AXIS.items():
            if hasattr(part, name):
                into, values = getattr(part, name), getattr(of_draw, name)
                where = slice(position, position + values.shape[axis])  # no more than are kept
                into[(slice(None),) * axis + (where,)] = values
    for name in _COUNTS:
        total = getattr(output, name)
        total += getattr(alone, name)


def _empty_output(plan: Plan, cohort: CohortPlan, first: int, draws: int) -> Output:
    years, count, n = len(plan.years), len(plan.groups), cohort.clinicians
    panel = max(0, min(draws, plan.panel_draws - first))
    close = max(0, min(draws, plan.lens_draws - first))
    held = n if plan.holds_population else 0

    def histogram(bins: tuple[float, float, int]) -> NDArray[np.int64]:
        return np.zeros((years, count, bins[2] + 2), np.int64)

    return Output(
        yearly=np.full((draws, years, YEARLY_STATISTICS), np.nan),
        by_group=np.full((draws, years, count, GROUP_STATISTICS), np.nan),
        quantile=np.empty((draws, years, len(QUANTILES))),
        curve=np.empty((draws, years, len(SCORES))),
        transition=np.empty((draws, QUINTILES, QUINTILES)),
        penalty_years=np.empty((draws, count, years + 1)),
        adjustment_histogram=histogram(ADJUSTMENT_BINS),
        score_histogram=histogram(SCORE_BINS),
        dollars_histogram=histogram(DOLLARS_BINS),
        panel=np.empty((PANEL_VARIABLES, panel, years, n), np.float32),
        panel_group=np.empty((panel, n, GROUPINGS), np.int16),
        panel_practice=np.empty((panel, years, n), np.int32),
        lens=Lens(
            variance=np.empty((close, count, FACTOR_SETS, len(VARIANCE))),
            fixed_standard=np.empty((close, years, count, FIXED_STATISTICS)),
            probe=np.empty(
                (PROBE_VARIABLES, close, years, len(PROBES), cohort.probes.replicates), np.float32
            ),
        ),
        clinician=np.zeros((CLINICIAN_SUMS, held, years), np.int64),
    )


def _named(plan: Plan, block: Block, parts: list[list[Output]]) -> Arrays:
    """The outputs of all tasks as variables: draws joined, cohorts stacked, counts added."""

    def by_draw(name: str) -> NDArray[np.float64]:
        joined = [np.concatenate([getattr(o, name) for o in outputs]) for outputs in parts]
        return np.stack(joined, axis=1)  # draw, cohort, ...

    def added(name: str) -> NDArray[np.int64]:
        total = np.stack([sum(getattr(o, name) for o in outputs) for outputs in parts])
        total[:, :, _EVERYONE] = total[:, :, _SIZES].sum(axis=2)
        return total

    arrays: Arrays = {}
    yearly, by_group = by_draw("yearly"), by_draw("by_group")
    for k, variable in enumerate(YEARLY):
        arrays[variable.name] = np.ascontiguousarray(yearly[..., k])
    for k, variable in enumerate(BY_GROUP):
        arrays[variable.name] = np.ascontiguousarray(by_group[..., k])
    for variable, name in zip(
        DRAW_LEVEL, ("quantile", "curve", "transition", "penalty_years"), strict=True
    ):
        arrays[variable.name] = by_draw(name)
    for variable, name in zip(
        HISTOGRAMS,
        ("adjustment_histogram", "score_histogram", "dollars_histogram"),
        strict=True,
    ):
        arrays[variable.name] = added(name)
    if block.first < plan.panel_draws:
        panel = np.concatenate(
            [np.concatenate([o.panel for o in outputs], axis=1) for outputs in parts], axis=3
        )
        for k, variable in enumerate(PANEL):
            arrays[variable.name] = np.ascontiguousarray(panel[k].transpose(0, 2, 1))
        groups = [np.concatenate([o.panel_group for o in outputs]) for outputs in parts]
        arrays[PANEL_GROUP.name] = np.concatenate(groups, axis=1)
        arrays[PANEL_PRACTICE.name] = _practices(plan, parts)
    if block.first < plan.lens_draws:
        arrays |= _of_lens(parts)
    if plan.parameters is not None:
        arrays[PARAMETER.name] = plan.parameter_values(block.first, block.draws)
    if plan.holds_population:
        sums = [sum(o.clinician for o in outputs) for outputs in parts]
        arrays[CLINICIAN_SUMS_NAME] = np.concatenate(sums, axis=1)
    return arrays


def _practices(plan: Plan, parts: list[list[Output]]) -> NDArray[np.int32]:
    """The practice of each clinician in each year of the panel, by its number on the roster."""
    numbers = []
    for cohort, outputs in zip(plan.cohorts, parts, strict=True):
        own = np.unique(plan.roster.practice[plan.roster.slice_of(cohort.name)])
        index = np.concatenate([output.panel_practice for output in outputs])
        numbers.append(own.astype(np.int32)[index].transpose(0, 2, 1))
    return np.concatenate(numbers, axis=1)


def _of_lens(parts: list[list[Output]]) -> Arrays:
    """What the first draws were looked at closely for."""

    def by_draw(name: str, axis: int) -> NDArray[Any]:
        joined = [
            np.concatenate([getattr(o.lens, name) for o in outputs], axis) for outputs in parts
        ]
        return np.stack(joined, axis=axis + 1)

    arrays: Arrays = {}
    for variables, name in ((VARIANCE, "variance"), (FIXED_STANDARD, "fixed_standard")):
        values = by_draw(name, 0)
        for k, variable in enumerate(variables):
            arrays[variable.name] = np.ascontiguousarray(values[..., k])
    probe = by_draw("probe", 1)
    for k, variable in enumerate(PROBE):
        arrays[variable.name] = np.ascontiguousarray(probe[k])
    return arrays
