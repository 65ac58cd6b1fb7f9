"""Running a block: its draws spread over threads, its results as named arrays.

Threads share the draws of a block; the kernel holds no lock while it runs. Everything that a thread
returns is per draw or an integer count, so nothing depends on who did what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.engine.frame import (
    ADJUSTMENT_BINS,
    DOLLARS_BINS,
    QUANTILES,
    SCORE_BINS,
    SCORES,
    Block,
    panel_chunk,
)
from asm_sim.engine.plan import CohortPlan, Plan, grids
from asm_sim.engine.threads import thread_count
from asm_sim.errors import InputError
from asm_sim.kernels._memory import Laid, held, laid_out
from asm_sim.kernels.draws.decomposition import FACTOR_SETS
from asm_sim.kernels.draws.draw import Draws, simulate_cohort
from asm_sim.kernels.draws.output import ClinicianSums, Lens, Output, Panel, ProbePanel
from asm_sim.kernels.draws.summaries import QUINTILES
from asm_sim.kernels.world.groups import GROUPINGS
from asm_sim.memory import keep_what_is_freed
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
Keep = Callable[[str, int, NDArray[Any]], None]  # a variable, its first draw here, its values
Task = tuple[tuple[CohortPlan, ...], int, int]  # cohorts, the first draw, how many

DRAWS_PER_TASK = 25  # room is made once for all of them
_FEWER_DRAWS, _MANY_THREADS = 10, 9  # so many threads need more tasks than that makes of a block
CLINICIAN_SUMS_NAME = "clinician_sums"  # fixed point; turned into clinician_* at the end
# The variables of these parts of an output, and of HISTOGRAMS those in which draws are added up.
_DRAW_LEVEL = ("quantile", "curve", "transition", "penalty_years")
_ADDED = ("adjustment_histogram", "score_histogram", "dollars_histogram")


def run_block(
    plan: Plan, block: Block, pool: Executor | None = None, keep: Keep | None = None
) -> Arrays:
    """All variables of a block, named and laid out as in the registry.

    The draws are shared by the threads of ``pool``; without one they run in this thread. With
    ``keep`` what is kept clinician by clinician, most of what a block is, is not among them: it is
    handed over in chunks of draws (:func:`asm_sim.engine.frame.panel_chunk`) as they are done.
    """
    keep_what_is_freed()
    # Parameters of a draw are drawn for all cohorts at once; without any each cohort is by itself.
    teams = (plan.cohorts,) if plan.drawables else tuple((cohort,) for cohort in plan.cohorts)
    starts = _starts(plan, block)
    most = DRAWS_PER_TASK
    if thread_count() >= _MANY_THREADS:
        most = min(most, _FEWER_DRAWS)
    most = max(1, most // len(teams[0]))
    if pool is None and not plan.drawables:
        most = block.draws  # nobody shares them, and room is made once
    tasks = [
        (team, first, min(most, after - first))
        for start, after in pairwise(starts)
        for first in range(start, after, most)
        for team in teams
    ]
    panel: dict[str, list[NDArray[Any]]] = {}

    def run(task: Task, laid: list[list[list[Laid]]]) -> list[Output]:
        return _run_task(plan, task, laid)

    def hold(name: str, _first: int, values: NDArray[Any]) -> None:
        panel.setdefault(name, []).append(values)

    # Draws that have parameters of their own are compiled in this thread, while those of the pool
    # simulate others: two that compile at once would wait for each other.
    laid = (_all_laid(plan, task) for task in tasks)
    spread = map if pool is None else pool.map
    parts: dict[str, list[Output]] = {cohort.name: [] for cohort in plan.cohorts}
    for (team, first, draws), outputs in zip(tasks, spread(run, tasks, laid), strict=True):
        for cohort, output in zip(team, outputs, strict=True):
            parts[cohort.name].append(output)
        if team is teams[-1] and first + draws in starts and first < plan.panel_draws:
            start = starts[starts.index(first + draws) - 1]
            for name, values in _taken_out(plan, parts):
                (keep or hold)(name, start, values)
    whole = {name: np.concatenate(panel.pop(name)) for name in list(panel)}
    arrays = _named(plan, block, list(parts.values()), whole)
    return {v.name: arrays[v.field] for v in OPEN} if plan.is_open else arrays


def _starts(plan: Plan, block: Block) -> list[int]:
    """Where the chunks of the panel in a block begin, then its other draws, and where it ends."""
    end = block.first + block.draws
    kept = max(block.first, min(end, plan.panel_draws))
    chunk = max(1, panel_chunk(plan.block_draws, plan.panel_draws))
    return list(dict.fromkeys([*range(block.first, kept, chunk), kept, end]))


def _run_task(plan: Plan, task: Task, laid: list[list[list[Laid]]]) -> list[Output]:
    """So many draws of several cohorts."""
    cohorts, first, draws = task
    outputs = [_empty_output(plan, cohort, first, draws) for cohort in cohorts]
    if not plan.drawables:
        for [of_all], output in zip(laid, outputs, strict=True):
            _simulate(plan, of_all, first, draws, output)
        return outputs
    for parts, room in zip(laid, map(laid_out, outputs), strict=True):
        for position, of_draw in enumerate(parts):
            _simulate(plan, of_draw, first + position, 1, room, position)
    return outputs


def _all_laid(plan: Plan, task: Task) -> list[list[list[Laid]]]:
    """What the draw kernel takes of each cohort: of every draw, or of all where none differs."""
    cohorts, first, draws = task
    if not plan.drawables:
        return [[_laid(cohort)] for cohort in cohorts]
    drawn = [plan.drawn(draw) for draw in range(first, first + draws)]
    # Step by step for all of them: the next draw finds in the caches what a step works with.
    made = [[plan.with_drawn(cohort, one) for one in drawn] for cohort in cohorts]
    return [[_laid(of_draw) for of_draw in of_cohort] for of_cohort in made]


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


def _simulate(
    plan: Plan, laid: list[Laid], first: int, draws: int, output: Output | Laid, position: int = 0
) -> None:
    """Fill ``output`` with so many draws of a cohort, from a position on."""
    population, measurement, selection = plan.indices(first, draws)
    which = Draws(
        plan.seed_words(),
        population,
        measurement,
        selection,
        position,
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


def _taken_out(plan: Plan, parts: dict[str, list[Output]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """The panel of the last draws, by variable, laid out as in the registry.

    It is held once: the outputs of the tasks have none any more when all of it is taken.
    """
    latest = {name: [o for o in outputs if len(o.panel.group)] for name, outputs in parts.items()}
    draws = sum(len(output.panel.group) for output in latest[plan.cohorts[0].name])
    yearly = draws, plan.clinicians, len(plan.years)
    for variable in (*PANEL, PANEL_GROUP, PANEL_PRACTICE):
        shape = (*yearly[:2], GROUPINGS) if variable is PANEL_GROUP else yearly
        values = np.empty(shape, variable.dtype)
        for cohort, outputs in latest.items():
            here, first = values[:, plan.roster.slice_of(cohort)], 0
            for output in outputs:
                kept = getattr(output.panel, variable.column)
                _lay(plan, cohort, variable, kept, here[first : first + len(kept)])
                first += len(kept)
        yield variable.name, values
    for name, outputs in parts.items():
        parts[name] = [
            o._replace(panel=Panel._make(part[:0].copy() for part in o.panel)) for o in outputs
        ]


def _lay(
    plan: Plan, cohort: str, variable: Variable, kept: NDArray[Any], room: NDArray[Any]
) -> None:
    """Put what a kernel has kept of some draws of a cohort into their room."""
    if variable is PANEL_GROUP:
        room[:] = kept
        return
    if variable is PANEL_PRACTICE:  # their numbers on the roster
        kept = plan.roster.members[cohort].practices.astype(np.int32)[kept]
    for year in range(len(plan.years)):  # much faster than to transpose all of it
        room[:, :, year] = kept[:, year]
