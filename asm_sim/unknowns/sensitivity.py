"""Which unknown moves an outcome, and by how much: a scenario run with its unknowns moved."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from asm_sim import __version__
from asm_sim.documents import did_you_mean, quoted
from asm_sim.engine.frame import roster_of
from asm_sim.engine.simulate import resolve
from asm_sim.errors import InputError, counted
from asm_sim.results.open import BLOCKS, open_results
from asm_sim.results.registry import SEED, SETTINGS
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import sweep_of_points
from asm_sim.store.carry_out import Mode, carry_out
from asm_sim.store.files import Folder, open_folder
from asm_sim.store.progress import Progress, shown
from asm_sim.store.work import Work, work_of
from asm_sim.studies.sensitivity import FEWEST_DRAWS
from asm_sim.unknowns.answer import answer
from asm_sim.unknowns.axes import Axis, open_axes, with_levers
from asm_sim.unknowns.outcome import USUAL, Outcome, parse_outcome
from asm_sim.unknowns.points import Points, one_at_a_time, sampled

METHODS = ("effects", "morris", "sobol")
USUAL_DRAWS = 8
USUAL_ROWS = {"morris": 10, "sobol": 64}
LARGEST = 8  # unknowns whose indices are computed
_HASH_DIGITS = 8
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """What is asked of which scenario; everything in it has been checked."""

    scenario: Scenario  # with the draws of each point
    outcomes: tuple[Outcome, ...]
    method: str
    axes: tuple[Axis, ...]
    year: int
    rows: int

    def stages(self) -> list[tuple[str, int]]:
        """The methods that are run, one after the other, and the points of each."""
        every = len(one_at_a_time(self.axes).settings)
        largest = min(LARGEST, len(self.axes))
        return {
            "effects": [("effects", every)],
            "morris": [("morris", self.rows * (len(self.axes) + 1))],
            "sobol": [("effects", every), ("sobol", self.rows * (largest + 2))],
        }[self.method]


def ask(
    scenario: str | Path | Scenario = "baseline",
    outcome: str | Sequence[str] = USUAL,
    method: str = "effects",
    levers: Iterable[str] = (),
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    year: int | None = None,
    rows: int | None = None,
) -> Question:
    """The question of :func:`sensitivity`, checked."""
    if method not in METHODS:
        raise InputError(
            f"no method is called {quoted(method)}{did_you_mean(method, list(METHODS))}; "
            f"one of: {', '.join(METHODS)}"
        )
    names = [outcome] if isinstance(outcome, str) else list(dict.fromkeys(outcome))
    outcomes = tuple(parse_outcome(name) for name in names or [USUAL])
    draws = USUAL_DRAWS if draws is None else draws
    base = resolve(scenario, draws, seed, settings)
    if base.draws < FEWEST_DRAWS:
        raise InputError(
            f"{counted(base.draws, 'draw')} at each point cannot tell luck from sensitivity; give "
            f"{FEWEST_DRAWS} or more (--draws)"
        )
    years = base.rules.years
    if year is not None and year not in years:
        raise InputError(f"{year} is no performance year; there are: {', '.join(map(str, years))}")
    axes = with_levers(open_axes(base), base, levers)
    if not axes:
        raise InputError("nothing is open in this scenario: all is set; name a lever (--lever)")
    if rows is not None and method not in USUAL_ROWS:
        raise InputError(f"rows belong to {' and '.join(USUAL_ROWS)}, not to {method}")
    if rows is not None and rows < FEWEST_DRAWS:
        raise InputError(f"{rows} rows are too few; give {FEWEST_DRAWS} or more (--rows)")
    rows = USUAL_ROWS.get(method, 1) if rows is None else rows
    if method == "sobol" and rows & (rows - 1):
        raise InputError(f"{rows} rows of sobol: their number must be a power of two (--rows)")
    if method in USUAL_ROWS:
        sampled_axes = axes[:LARGEST] if method == "sobol" else axes
        sampled(sampled_axes, method, rows, 0)  # refused before anything runs
    return Question(base, outcomes, method, tuple(axes), year or years[0], rows)


def sensitivity(
    scenario: str | Path | Scenario = "baseline",
    outcome: str | Sequence[str] = USUAL,
    method: str = "effects",
    *,
    levers: Iterable[str] = (),
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
    rule, but for what the scenario sets, and ``levers``: paths, or ``path=low,high``. Every point
    has the same ``draws`` (8), so that points differ by the unknowns alone.

    ``effects`` moves one unknown at a time to each of its alternatives (``change``); ``morris``
    screens all over their whole width, from ``rows`` trajectories (10); ``sobol`` splits the
    variance over the eight with the largest effects (``first``, ``total``), from ``rows`` pairs of
    samples (64). What is luck of the draws is taken out. Every number has its standard error
    (``_mcse``): over draws, and over rows where these are a sample.

    ``store`` is a folder or a URL in which the runs are kept: the same question goes on where it
    was stopped, and another outcome of the same runs costs nothing; without one they are made in a
    folder that is removed.

    Raises :class:`asm_sim.errors.InputError` for what cannot be asked.
    """
    question = ask(scenario, outcome, method, levers, draws, seed, settings, year, rows)
    place = tempfile.TemporaryDirectory() if store is None else nullcontext(str(store))
    with place as folder, shown(progress) as report:
        return answered(question, folder, report)


def answered(question: Question, store: str, progress: Progress | None = None) -> xr.Dataset:
    """The answer to a question, its runs in a folder of their own below ``store``."""
    first = one_at_a_time(question.axes)
    if question.method == "effects":
        return _of_points(question, "effects", first, store, progress)
    axes = question.axes
    if question.method == "sobol" and len(axes) > LARGEST:
        effects = _of_points(question, "effects", first, store, progress)
        axes = tuple(axis for axis in axes if axis.path in largest(effects, LARGEST))
    points = sampled(axes, question.method, question.rows, question.scenario.seed % 2**32)
    return _of_points(question, question.method, points, store, progress)


def largest(effects: xr.Dataset, most: int) -> list[str]:
    """The unknowns with the largest effects, of any outcome and cohort, as shares of the largest
    effect that there is on it."""
    size = abs(effects["change"])
    relative = (size / size.max("alternative")).fillna(0.0).max(["outcome", "cohort"])
    of_parameter = relative.groupby("parameter").max()
    order = np.argsort(-of_parameter.values, kind="stable")[:most]
    return [str(path) for path in of_parameter["parameter"].values[order]]


def work_at(question: Question, points: Points) -> Work:
    """The runs at all points."""
    return work_of(sweep_of_points(question.scenario, points.settings), panel=0, lens=0)


def folder_of(store: str, method: str, work: Work) -> Folder:
    """Where runs go; the name holds what decides their draws."""
    seed = work.scenario(0).seed
    name = f"{method}-{work.draws}-draws-seed-{seed}-{work.hash[:_HASH_DIGITS]}"
    return open_folder(f"{store.rstrip('/')}/{name}")


def _of_points(
    question: Question, method: str, points: Points, store: str, progress: Progress | None
) -> xr.Dataset:
    work = work_at(question, points)
    folder = folder_of(store, method, work)
    carry_out(folder, work, mode=Mode.REPLACE, progress=progress)
    folder.remove(BLOCKS)  # other draws or points have a folder of their own
    ds = open_results(folder.place)
    values = [_known(outcome, ds, question.year) for outcome in question.outcomes]
    cohorts = [str(name) for name in ds["cohort"].values]
    about = about_of(question)
    return answer(method, points, values, question.outcomes, cohorts, about)


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


def about_of(question: Question) -> dict[str, Any]:
    """The attributes that say of what an answer is, as a run's say it."""
    scenario = question.scenario
    roster = roster_of(scenario).sha256
    return {
        "title": scenario.title,
        "scenario": scenario.name,
        SETTINGS: json.dumps(scenario.assigned),
        "scenario_hash": scenario.hash(roster),
        "rules": scenario.rules.id,
        "rules_hash": scenario.rules_hash,
        "population": scenario.population.id,
        "population_hash": scenario.population_hash,
        "roster_hash": roster,
        "draws": scenario.draws,
        SEED: str(scenario.seed),
        "asm_sim_version": __version__,
        "performance_year": question.year,
        "rows": question.rows,
    }
