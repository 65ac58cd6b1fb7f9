"""Running a block: its draws spread over threads, its results as named arrays.

Threads share the draws of a block; the kernel holds no lock while it runs. Everything that a thread
returns is per draw or an integer count, so nothing depends on who did what.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.engine.frame import ADJUSTMENT_BINS, DOLLARS_BINS, QUANTILES, SCORE_BINS, SCORES, Block
from asm_sim.engine.plan import CohortPlan, Plan, grids
from asm_sim.errors import InputError
from asm_sim.kernels._memory import Laid, held
from asm_sim.kernels.draws.decomposition import FACTOR_SETS
from asm_sim.kernels.draws.draw import Draws, simulate_cohort
from asm_sim.kernels.draws.output import ClinicianSums, Lens, Output, Panel, ProbePanel
from asm_sim.kernels.draws.summaries import QUINTILES
from asm_sim.kernels.world.groups import GROUPINGS
from asm_sim.population.probes import PROBES
from asm_sim.results.registry import (
    BY_GROUP,
    DRAW_LEVEL,
    FIXED_STANDARD,
    HISTOGRAMS,
    OPEN,
    PANEL,
    PANEL_GROUP,
    PANEL_PRACTICE,
    PARAMETER,
    PROBE,
    VARIANCE,
    YEARLY,
    Variable,
    record,
)

Arrays = dict[str, NDArray[Any]]

DRAWS_PER_TASK = 10
CLINICIAN_SUMS_NAME = "clinician_sums"  # fixed point; turned into clinician_* at the end
# The variables of these parts of an output, and of HISTOGRAMS those in which draws are added up.
_DRAW_LEVEL = ("quantile", "curve", "transition", "penalty_years")
_ADDED = ("adjustment_histogram", "score_histogram", "dollars_histogram")


def run_block(plan: Plan, block: Block, pool: Executor | None = None) -> Arrays:
    """All variables of a block, named and laid out as in the registry.

    The draws are shared by the threads of ``pool``; without one they run in this thread.
    """
    # Parameters of a draw are drawn for all cohorts at once; without any each cohort is by itself.
    teams = (plan.cohorts,) if plan.drawables else tuple((cohort,) for cohort in plan.cohorts)
    end = block.first + block.draws
    tasks = [
        (team, first, min(DRAWS_PER_TASK, end - first))
        for team in teams
        for first in range(block.first, end, DRAWS_PER_TASK)
    ]
    panel = _panel_room(plan, block)

    def run(task: tuple[tuple[CohortPlan, ...], int, int]) -> list[Output]:
        cohorts, first, _ = task
        outputs = zip(cohorts, _run_task(plan, *task), strict=True)
        return [_moved(plan, output, c, first - block.first, panel) for c, output in outputs]

    spread = map if pool is None else pool.map
    parts: dict[str, list[Output]] = {cohort.name: [] for cohort in plan.cohorts}
    for (team, *_), outputs in zip(tasks, spread(run, tasks), strict=True):
        for cohort, output in zip(team, outputs, strict=True):
            parts[cohort.name].append(output)
    arrays = _named(plan, block, list(parts.values()), panel)
    return {v.name: arrays[v.field] for v in OPEN} if plan.is_open else arrays


def _run_task(plan: Plan, cohorts: tuple[CohortPlan, ...], first: int, draws: int) -> list[Output]:
    """So many draws of several cohorts."""
    outputs = [_empty_output(plan, cohort, first, draws) for cohort in cohorts]
    if not plan.drawables:
        for cohort, output in zip(cohorts, outputs, strict=True):
            _simulate(plan, _laid(cohort), first, draws, output)
        return outputs
    # Each has parameters of its own. All are made first: a draw leaves nothing else in the caches.
    drawn = [plan.drawn(draw) for draw in range(first, first + draws)]
    laid = [[_laid(plan.with_drawn(cohort, one)) for one in drawn] for cohort in cohorts]
    for parts, output in zip(laid, outputs, strict=True):
        for position, of_draw in enumerate(parts):
            _simulate(plan, of_draw, first + position, 1, _of_one(output, position))
    return outputs


def _laid(cohort: CohortPlan) -> list[Laid]:
    """What the draw kernel takes of a cohort; most of it comes again with other draws."""
    parts = (
        cohort.rules,
        cohort.mips,
        cohort.pathway,
        cohort.practices,
        cohort.model,
        cohort.probes,
        grids(),
    )
    return [held(part) for part in parts]


def _simulate(plan: Plan, laid: list[Laid], first: int, draws: int, output: Output) -> None:
    """Fill ``output`` with so many draws of a cohort."""
    population, measurement, selection = plan.indices(first, draws)
    which = Draws(
        plan.seed_words(),
        population,
        measurement,
        selection,
        measured=plan.measures,
        with_truth=True,
        fit=np.ones(1, np.bool_),
    )
    simulate_cohort(*laid, which, output)
    if not which.fit[0]:
        raise InputError(
            "an adjustment lies beyond +-800 % of Part B payments, more than the sums over draws "
            "can hold; look at rules.payment.exchange and rules.payment.cap"
        )


def simulate_none(plan: Plan) -> None:
    """Have all compiled, or loaded, that draws of a plan need."""
    for cohort in plan.cohorts:
        _simulate(plan, _laid(cohort), 0, 0, _empty_output(plan, cohort, 0, 0))


def _of_one(output: Any, position: int) -> Any:
    """The room of one of the draws in that of several; what draws are added up in is all of it."""
    parts = {}
    for name, part in zip(output._fields, output, strict=True):
        if isinstance(part, ClinicianSums) or name in _ADDED:
            parts[name] = part
        elif isinstance(part, tuple):
            parts[name] = _of_one(part, position)
        else:
            parts[name] = part[position : position + 1]  # nothing where no more are kept
    return type(output)(**parts)


def _empty_output(plan: Plan, cohort: CohortPlan, first: int, draws: int) -> Output:
    panel = max(0, min(draws, plan.panel_draws - first))
    close = max(0, min(draws, plan.lens_draws - first))
    held = cohort.clinicians if plan.holds_population else 0
    size = cohort.clinicians, len(plan.years), len(plan.groups)
    replicates = cohort.probes.replicates
    probes = len(cohort.probes.level) // replicates
    return new_output(draws, *size, panel, close, held, replicates, probes)


def new_output(
    draws: int,
    clinicians: int,
    years: int,
    groups: int,
    panel: int = 0,
    close: int = 0,
    held: int = 0,
    replicates: int = 1,
    probes: int = len(PROBES),
) -> Output:
    """Room for so many draws of a cohort.

    The first ``panel`` of them are kept clinician by clinician and the first ``close`` looked at
    closely, with ``replicates`` of each probe; sums over draws are kept of ``held`` clinicians.
    """

    def histogram(bins: tuple[float, float, int]) -> NDArray[np.int64]:
        return np.zeros((years, groups, bins[2] + 2), np.int64)

    yearly = panel, years, clinicians
    of_probe = close, years, probes, replicates
    fixed_standard = np.zeros((close, years, groups), record(FIXED_STANDARD))
    return Output(
        yearly=_nothing((draws, years), YEARLY),
        by_group=_nothing((draws, years, groups), BY_GROUP),
        quantile=np.empty((draws, years, len(QUANTILES))),
        curve=np.empty((draws, years, len(SCORES))),
        transition=np.empty((draws, QUINTILES, QUINTILES)),
        penalty_years=np.empty((draws, groups, years + 1)),
        panel=Panel(
            **{variable.column: np.empty(yearly, np.float32) for variable in PANEL},
            group=np.empty((panel, clinicians, GROUPINGS), np.int16),
            practice=np.empty(yearly, np.int32),
        ),
        lens=Lens(
            **{v.column: np.empty((close, groups, FACTOR_SETS)) for v in VARIANCE},
            fixed_standard=fixed_standard,
            probe=ProbePanel(**{v.column: np.empty(of_probe, np.float32) for v in PROBE}),
        ),
        adjustment_histogram=histogram(ADJUSTMENT_BINS),
        score_histogram=histogram(SCORE_BINS),
        dollars_histogram=histogram(DOLLARS_BINS),
        clinician=ClinicianSums(
            *(np.zeros((held, years), np.int64) for _ in ClinicianSums._fields)
        ),
    )


def _nothing(shape: tuple[int, ...], variables: tuple[Variable, ...]) -> NDArray[np.void]:
    """Records of which nothing is known: nan in every field."""
    records = np.empty(shape, record(variables))
    for variable in variables:
        records[variable.column] = np.nan
    return records


def _named(plan: Plan, block: Block, parts: list[list[Output]], panel: Arrays) -> Arrays:
    """The outputs of all tasks as variables: draws joined, cohorts stacked, counts added."""

    sizes = [k for k, group in enumerate(plan.groups) if group.grouping == "practice_size"]

    def by_draw(of: Callable[[Output], NDArray[Any]]) -> NDArray[Any]:
        joined = [np.concatenate([of(output) for output in outputs]) for outputs in parts]
        return np.stack(joined, axis=1)  # draw, cohort, ...

    def added(name: str) -> NDArray[np.int64]:
        total = np.stack([sum(getattr(o, name) for o in outputs) for outputs in parts])
        total[:, :, 0] = total[:, :, sizes].sum(axis=2)  # everyone has one practice size
        return total

    def columns(records: NDArray[np.void], variables: tuple[Variable, ...]) -> Arrays:
        return {v.name: np.ascontiguousarray(records[v.column]) for v in variables}

    arrays = columns(by_draw(lambda output: output.yearly), YEARLY)
    arrays |= columns(by_draw(lambda output: output.by_group), BY_GROUP)
    for variable, name in zip(DRAW_LEVEL, _DRAW_LEVEL, strict=True):
        arrays[variable.name] = by_draw(attrgetter(name))
    for variable, name in zip(HISTOGRAMS, _ADDED, strict=True):
        arrays[variable.name] = added(name)
    arrays |= panel
    if block.first < plan.lens_draws:
        for variable in VARIANCE:
            arrays[variable.name] = by_draw(attrgetter(f"lens.{variable.column}"))
        arrays |= columns(by_draw(attrgetter("lens.fixed_standard")), FIXED_STANDARD)
        for variable in PROBE:
            arrays[variable.name] = by_draw(attrgetter(f"lens.probe.{variable.column}"))
    if plan.drawables:
        arrays[PARAMETER.name] = plan.parameter_values(block.first, block.draws)
    if plan.holds_population:
        sums = [sum(np.stack(output.clinician) for output in outputs) for outputs in parts]
        arrays[CLINICIAN_SUMS_NAME] = np.concatenate(sums, axis=1)
    return arrays


def _panel_room(plan: Plan, block: Block) -> Arrays:
    """Room for the draws of a block that are kept clinician by clinician, if there are any."""
    draws = min(block.draws, plan.panel_draws - block.first)
    if draws <= 0:
        return {}
    yearly = draws, plan.clinicians, len(plan.years)
    arrays: Arrays = {variable.name: np.empty(yearly, np.float32) for variable in PANEL}
    arrays[PANEL_GROUP.name] = np.empty((draws, plan.clinicians, GROUPINGS), np.int16)
    arrays[PANEL_PRACTICE.name] = np.empty(yearly, np.int32)
    return arrays


def _moved(plan: Plan, output: Output, cohort: CohortPlan, first: int, panel: Arrays) -> Output:
    """The output of draws from the ``first`` of a block on, its panel moved to that of the block.

    So that it is held in memory once: it is most of what a block is.
    """
    kept = output.panel
    draws = len(kept.group)
    if not draws:
        return output
    here = slice(first, first + draws), plan.roster.slice_of(cohort.name)
    for variable in PANEL:
        panel[variable.name][here] = getattr(kept, variable.column).transpose(0, 2, 1)
    panel[PANEL_GROUP.name][here] = kept.group
    numbers = plan.roster.practices_of(cohort.name)[0].astype(np.int32)  # on the roster
    panel[PANEL_PRACTICE.name][here] = numbers[kept.practice].transpose(0, 2, 1)
    return output._replace(panel=Panel._make(values[:0].copy() for values in kept))
