"""Which unknown moves an outcome, and by how much: a scenario run with its unknowns moved."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from asm_sim.errors import InputError, counted
from asm_sim.results.open import BLOCKS, open_results
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import sweep_of_points
from asm_sim.store.carry_out import Mode, carry_out
from asm_sim.store.consolidate import is_consolidated
from asm_sim.store.files import Folder, open_folder
from asm_sim.store.progress import Progress, shown
from asm_sim.store.work import Work, work_of
from asm_sim.studies.sensitivity import FEWEST_DRAWS
from asm_sim.unknowns.answer import answer
from asm_sim.unknowns.outcome import USUAL, Outcome
from asm_sim.unknowns.points import Points, one_at_a_time, paired_sets, sampled
from asm_sim.unknowns.question import (
    EFFECTS,
    LARGEST,
    SOBOL,
    VARIANCE,
    Question,
    ask,
    points_of_design,
)

_HASH_DIGITS = 8
_LARGEST_SEED = 2**32  # of a design
Floats = NDArray[np.float64]


def sensitivity(
    scenario: str | Path | Scenario = "baseline",
    outcome: str | Sequence[str] = USUAL,
    method: str | None = None,
    *,
    levers: Iterable[str] = (),
    only: Iterable[str] = (),
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    year: int | None = None,
    rows: int | None = None,
    store: str | Path | None = None,
    progress: bool | Progress = False,
) -> xr.Dataset:
    """Which of the things that are open in a scenario move an outcome.

    ``outcome`` is a variable by draw, cohort and performance year of
    :mod:`asm_sim.results.registry`, one at a place (``adjustment_at_score(60)``,
    ``adjustment_quantile(0.05)``), or several; ``year`` a performance year, by default the first.
    Unknowns are the numbers of rule and population that have low and high and the readings of the
    rule, but for what the scenario sets (``only`` those that are or lie below these paths), and
    ``levers``: paths, or ``path=low,high``. Every point has the same ``draws`` (8), so that points
    differ by the unknowns alone.

    ``effects``, the usual method, moves one unknown at a time to each of its alternatives
    (``change``); ``morris`` screens all over their whole width, from ``rows`` trajectories (10);
    ``sobol`` splits the variance over the eight with the largest effects (``first``, ``total``),
    from ``rows`` pairs of samples (128). What is luck of the draws is taken out. ``variance`` draws
    everything at once and splits the variance over draws (200) by layer: readings of the rule,
    parameters of the population, the population itself, and measurement (``share``). Every number
    has its standard error (``_mcse``): over draws, and over rows where these are a sample.

    ``scenario`` may also be a sweep with a design of method ``morris`` or ``sobol``, whose points
    are then those of its file.

    ``store`` is a folder or a URL in which the runs are kept: the same question goes on where it
    was stopped, and another outcome of the same runs costs nothing; without one they are made in a
    folder that is removed.

    Raises :class:`asm_sim.errors.InputError` for what cannot be asked.
    """
    question = ask(scenario, outcome, method, levers, draws, seed, settings, year, rows, only)
    place = tempfile.TemporaryDirectory() if store is None else nullcontext(str(store))
    with place as folder, shown(progress) as report:
        return answered(question, folder, report)


def answered(
    question: Question, store: str, progress: Progress | None = None, make: bool = True
) -> xr.Dataset:
    """The answer to a question.

    Its runs are kept in folders below ``store``, whose names hold all that decides their draws;
    those of a sweep in ``store`` itself, as ``asm-sim sweep`` keeps them. :class:`InputError` where
    they are not there and are not to be made.
    """
    if question.sweep is not None:
        folder, work = open_folder(store), work_of(question.sweep)
        _carry_out(folder, work, Mode.GO_ON, progress, make)
        points = points_of_design(question)
        return _read(question, question.method, points, open_results(folder.place))

    def of_points(method: str, points: Points) -> xr.Dataset:
        drawn, shifts = method == VARIANCE, points.shifts
        sweep = sweep_of_points(question.scenario, points.settings, drawn)
        work = work_of(sweep, panel=0, lens=0, open_draws=0, shifts=shifts)
        seed, digits = question.scenario.seed, work.hash[:_HASH_DIGITS]
        name = f"{method}-{work.draws}-draws-seed-{seed}-{digits}"
        folder = open_folder(f"{store.rstrip('/')}/{name}")
        _carry_out(folder, work, Mode.REPLACE, progress, make)
        folder.remove(BLOCKS)  # other draws or points have a folder of their own
        return _read(question, method, points, open_results(folder.place))

    axes, method = question.axes, question.method
    if method == VARIANCE:
        return of_points(VARIANCE, paired_sets(axes))
    if method == EFFECTS or (method == SOBOL and len(axes) > LARGEST):
        effects = of_points(EFFECTS, one_at_a_time(axes))
        if method == EFFECTS:
            return effects
        axes = tuple(axis for axis in axes if axis.path in largest(effects, LARGEST))
    seed = question.scenario.seed % _LARGEST_SEED
    return of_points(method, sampled(axes, method, question.rows, seed))


def _carry_out(
    folder: Folder, work: Work, mode: Mode, progress: Progress | None, make: bool
) -> None:
    if not make and not is_consolidated(folder, work):
        raise InputError(
            f"{folder}: no finished runs of this version are there; asm-sim sensitivity makes "
            "them, or add --make"
        )
    carry_out(folder, work, mode=mode, progress=progress)


def largest(effects: xr.Dataset, most: int) -> list[str]:
    """The unknowns with the largest effects, of any outcome and cohort, as shares of the largest
    effect that there is on it."""
    size = abs(effects["change"])
    relative = (size / size.max("alternative")).fillna(0.0).max(["outcome", "cohort"])
    of_parameter = relative.groupby("parameter").max()
    order = np.argsort(-of_parameter.values, kind="stable")[:most]
    return [str(path) for path in of_parameter["parameter"].values[order]]


def _read(question: Question, method: str, points: Points, ds: xr.Dataset) -> xr.Dataset:
    values = [_known(outcome, ds, question.year) for outcome in question.outcomes]
    cohorts = [str(name) for name in ds["cohort"].values]
    return answer(method, points, values, question.outcomes, cohorts, question.about())


def _known(outcome: Outcome, ds: xr.Dataset, year: int) -> Floats:
    """The outcome at all points, [point, draw, cohort], in the draws in which all have one."""
    values = outcome.of(ds, year).transpose("scenario", "draw", "cohort").values
    known = np.isfinite(values).all(axis=(0, 2))
    if known.sum() < FEWEST_DRAWS:
        raise InputError(
            f"outcome {outcome.name} has a value at every point in {counted(known.sum(), 'draw')} "
            f"of {known.size}, performance year {year}; choose another year (--year), or more "
            "draws (--draws)"
        )
    kept: Floats = values[:, known]
    return kept
