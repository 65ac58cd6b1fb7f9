"""What is asked: which outcomes of which scenario, by which method, over which unknowns."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asm_sim import __version__
from asm_sim.documents import did_you_mean, quoted
from asm_sim.engine.frame import roster_of
from asm_sim.engine.simulate import resolve
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.errors import InputError, counted
from asm_sim.results.registry import COHORT_TITLES, SEED, SETTINGS
from asm_sim.scenario.load import SWEEP_KEYS, read_source
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import Sweep, load_sweep, sweep_of_points
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import open_folder
from asm_sim.store.work import Work, work_of
from asm_sim.studies.sensitivity import FEWEST_DRAWS, FEWEST_FOR_SHARES
from asm_sim.unknowns.axes import Axis, Settings, among, open_axes, with_levers
from asm_sim.unknowns.outcome import USUAL, Outcome, parse_outcome
from asm_sim.unknowns.points import SETS, Points, check_size, one_at_a_time

EFFECTS, MORRIS, SOBOL, VARIANCE = METHODS = ("effects", "morris", "sobol", "variance")
USUAL_DRAWS, DRAWS_OF_VARIANCE = 8, 200
USUAL_ROWS = {MORRIS: 10, SOBOL: 128}
LARGEST = 8  # unknowns whose indices are computed
_TRIED = (2, 6)  # points that are timed


class Stage(NamedTuple):
    """Runs of one method: so many points."""

    method: str
    points: int


class Expected(NamedTuple):
    """What a question takes on this machine, from a few of its runs."""

    seconds: float
    disk_bytes: int  # of the results that are kept


@dataclass(frozen=True)
class Question:
    """What is asked; everything in it has been checked.

    ``scenario`` has the draws of each point. Of a design that a file describes, ``sweep`` holds the
    points; otherwise they are those of the method.
    """

    scenario: Scenario
    outcomes: tuple[Outcome, ...]
    method: str
    axes: tuple[Axis, ...]
    year: int
    rows: int
    sweep: Sweep | None = None

    def stages(self) -> list[Stage]:
        """What is run, one after the other."""
        if self.sweep is not None:
            return [Stage(self.method, len(self.sweep))]
        if self.method == VARIANCE:
            return [Stage(VARIANCE, len(SETS))]
        effects = Stage(EFFECTS, len(one_at_a_time(self.axes).settings))
        if self.method == EFFECTS:
            return [effects]
        if self.method == MORRIS:
            return [Stage(MORRIS, self.rows * (len(self.axes) + 1))]
        few = len(self.axes) <= LARGEST
        indices = Stage(SOBOL, self.rows * (min(LARGEST, len(self.axes)) + 2))
        return [indices] if few else [effects, indices]

    def expected(self) -> Expected:
        """Time and room for all runs, from a few and a few more; nothing is kept of them."""
        asked, runs = self, sum(stage.points for stage in self.stages())
        if self.method == VARIANCE:  # few runs of many draws: timed by as many draws in runs
            asked = replace(self, scenario=self.scenario.with_draws(USUAL_DRAWS, None))
            runs = math.ceil(runs * self.scenario.draws / USUAL_DRAWS)
        points = list(one_at_a_time(self.axes).settings.items())
        tried = [min(count, len(points)) for count in _TRIED]
        seconds, size = [], 0
        compile_kernels(asked._work(points[:1]).plan(0))
        for count in tried:
            work = asked._work(points[:count])
            with tempfile.TemporaryDirectory() as place:
                begun = time.perf_counter()
                carry_out(open_folder(place), work)
                seconds.append(time.perf_counter() - begun)
                results = Path(place).glob("results.zarr/**/*")
                size = sum(path.stat().st_size for path in results if path.is_file())
        each = max(0.0, seconds[1] - seconds[0]) / max(tried[1] - tried[0], 1)
        return Expected(seconds[0] + runs * each, round(runs * size / tried[1]))

    def _work(self, points: Iterable[tuple[str, Settings]]) -> Work:
        drawn = self.method == VARIANCE
        sweep = sweep_of_points(self.scenario, dict(points), drawn)
        return work_of(sweep, panel=0, lens=0, open_draws=0)

    def about(self) -> dict[str, Any]:
        """The attributes that say of what an answer is, as a run's say it."""
        scenario = self.scenario
        roster = roster_of(scenario).sha256
        return {
            "title": scenario.title,
            "scenario": scenario.name if self.sweep is None else self.sweep.name,
            SETTINGS: json.dumps(scenario.assigned),
            "scenario_hash": scenario.hash(roster),
            "rules": scenario.rules.id,
            "rule_year": scenario.rules.rule_year,
            "rules_hash": scenario.rules_hash,
            COHORT_TITLES: json.dumps(
                {name: cohort.title for name, cohort in scenario.rules.cohorts.items()}
            ),
            "population": scenario.population.id,
            "population_hash": scenario.population_hash,
            "roster_hash": roster,
            "draws": scenario.draws,
            SEED: str(scenario.seed),
            "asm_sim_version": __version__,
            "performance_year": self.year,
            "rows": self.rows,
        }


def ask(
    scenario: str | Path | Scenario = "baseline",
    outcome: str | Sequence[str] = USUAL,
    method: str | None = None,
    levers: Iterable[str] = (),
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    year: int | None = None,
    rows: int | None = None,
    only: Iterable[str] = (),
) -> Question:
    """The question of :func:`asm_sim.unknowns.sensitivity.sensitivity`, checked."""
    names = [outcome] if isinstance(outcome, str) else list(dict.fromkeys(outcome))
    outcomes = tuple(parse_outcome(name) for name in names or [USUAL])
    if method is not None and method not in METHODS:
        raise InputError(
            f"no method is called {quoted(method)}{did_you_mean(method, list(METHODS))}; "
            f"one of: {', '.join(METHODS)}"
        )
    settings = settings if isinstance(settings, dict) else list(settings)
    levers, only = list(levers), list(only)
    pairs = list(settings.items()) if isinstance(settings, dict) else settings
    if not isinstance(scenario, Scenario):
        source = read_source(scenario, pairs)
        if any(key in source.document.data for key in SWEEP_KEYS):
            if method or rows or levers or only:
                raise InputError(
                    f"{scenario}: this file describes a sweep, whose design says method, rows and "
                    "what moves; leave out --method, --rows, --lever and --only, or name a scenario"
                )
            return _of_design(load_sweep(scenario, pairs).with_draws(draws, seed), outcomes, year)
    method = method or EFFECTS
    if method == VARIANCE and (levers or only):
        raise InputError(
            "variance is split over all that is open; --lever and --only belong to other methods"
        )
    usual = DRAWS_OF_VARIANCE if method == VARIANCE else USUAL_DRAWS
    base = resolve(scenario, usual if draws is None else draws, seed, settings)
    axes = with_levers(among(open_axes(base), only), base, levers)
    if not axes:
        raise InputError("nothing is open in this scenario: all is set; name a lever (--lever)")
    rows = _rows(method, rows)
    if method in USUAL_ROWS:
        check_size(method, rows, len(axes) if method == MORRIS else min(LARGEST, len(axes)))
    return _checked(Question(base, outcomes, method, tuple(axes), _year(base, year), rows))


def _checked(question: Question) -> Question:
    draws = question.scenario.draws
    fewest = FEWEST_FOR_SHARES if question.method == VARIANCE else FEWEST_DRAWS
    if draws < fewest:
        raise InputError(
            f"{counted(draws, 'draw')} at each point cannot tell luck from sensitivity; give "
            f"{fewest} or more (--draws)"
        )
    return question


def _year(scenario: Scenario, year: int | None) -> int:
    years = scenario.rules.years
    if year is not None and year not in years:
        raise InputError(f"{year} is no performance year; there are: {', '.join(map(str, years))}")
    return years[0] if year is None else year


def _rows(method: str, rows: int | None) -> int:
    if method not in USUAL_ROWS:
        if rows is not None:
            raise InputError(f"rows belong to {' and '.join(USUAL_ROWS)}, not to {method}")
        return 1
    rows = USUAL_ROWS[method] if rows is None else rows
    if rows < FEWEST_DRAWS:
        raise InputError(f"{counted(rows, 'row')}: too few; give {FEWEST_DRAWS} or more (--rows)")
    if method == SOBOL and rows & (rows - 1):
        raise InputError(f"{rows} rows of sobol: their number must be a power of two (--rows)")
    return rows


def _of_design(sweep: Sweep, outcomes: tuple[Outcome, ...], year: int | None) -> Question:
    """The question that a design of a file asks: its own method, rows and axes."""
    design = sweep.design or {}
    if design.get("method") not in USUAL_ROWS:
        raise InputError(
            f"{sweep.name}: indices come from a design of method {' or '.join(USUAL_ROWS)}, and "
            "this sweep has none; write sweep: {design: {method: sobol, n: 64, over: ...}}, or "
            "name a scenario"
        )
    first = sweep.scenario(0)
    leaves = first.leaves()
    spans = dict(zip(design["problem"]["names"], design["problem"]["bounds"], strict=True))
    axes = []
    for path, (low, high) in spans.items():
        unit = next(
            leaf.unit for known, leaf in leaves.items() if f"{known}.".startswith(f"{path}.")
        )
        axes.append(Axis(path, unit, (low + high) / 2.0, low, high))
    year = _year(first, year)
    return _checked(
        Question(first, outcomes, design["method"], tuple(axes), year, design["n"], sweep)
    )


def points_of_design(question: Question) -> Points:
    """The points of a design that a file describes, without their settings."""
    sweep, axes = question.sweep, question.axes
    assert sweep is not None
    values = np.array([[sweep.value(k, axis.path) for axis in axes] for k in range(len(sweep))])
    low, high = (np.array([getattr(axis, end) for axis in axes]) for end in ("low", "high"))
    quantiles = ((values - low) / (high - low)).reshape(question.rows, -1, len(axes))
    return Points(axes, {}, (), quantiles)
