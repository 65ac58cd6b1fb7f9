"""At which value of a lever is a target met? Answered with its Monte Carlo error."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asm_sim import __version__
from asm_sim.documents import compact
from asm_sim.engine.execute import run_block
from asm_sim.engine.frame import roster_of
from asm_sim.engine.plan import Plan, make_plan
from asm_sim.engine.simulate import resolve
from asm_sim.engine.threads import thread_count
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.errors import InputError, printable
from asm_sim.population.roster import Roster
from asm_sim.results.describe import HASH_DIGITS, with_settings_in_words
from asm_sim.results.moments import mean_and_error
from asm_sim.results.registry import SETTINGS
from asm_sim.results.statistics import round_to_error
from asm_sim.scenario.schema import Scenario
from asm_sim.solving.lever import Lever, bounds, find_lever, with_lever
from asm_sim.solving.search import Evaluation, Found, Values, find
from asm_sim.solving.target import Reading, Target, check_target, parse_target, read_target

USUAL_DRAWS = 200
_PANEL_BLOCK = 40  # draws held clinician by clinician at a time, about 1.4 MB each


@dataclass(frozen=True, repr=False)
class Solution:
    """The value of a lever at which a target is met, and all that it rests on.

    ``status`` says whether there is one value: ``met``; else ``not met``, ``met everywhere``,
    ``no effect`` (of the lever on the target), ``met more than once`` or ``jumps over``. ``value``
    and ``error`` (Monte Carlo, in units of the lever) are nan without one; ``error`` also where the
    target hardly moves there. ``evaluations`` are in the order of the lever.
    """

    lever: Lever
    target: Target
    found: Found
    low: float
    high: float
    origin: str  # of low and high
    cohorts: tuple[str, ...]  # with a value
    years: tuple[int, ...]  # performance years with a value
    scenario: Scenario
    scenario_hash: str

    @property
    def met(self) -> bool:
        return self.found.status == "met"

    @property
    def status(self) -> str:
        return self.found.status

    @property
    def value(self) -> float:
        return self.found.value

    @property
    def error(self) -> float:
        return self.found.error

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        return self.found.evaluations

    @property
    def basis(self) -> str:
        """What the target is taken over, in words."""
        years = _years(self.years)
        cohorts = " and ".join(self.cohorts)
        of_group = f", {self.target.group}" if self.target.group else ""
        if self.target.way == "pooled":
            together = " pooled" if len(self.cohorts) > 1 else ""
            return f"clinicians of {years}, {cohorts}{together}{of_group}"
        way = self.target.way if len(self.cohorts) * len(self.years) > 1 else "value"
        return f"{way} of {years}, {cohorts}{of_group}"

    @property
    def answer(self) -> str:
        """The answer in words."""
        lever, target = self.lever, self.target
        basis = f"({target.name}, {self.basis})"
        if self.met:
            every = "; the same in every year" if lever.yearly and lever.year is None else ""
            return (
                f"With the {lever.words} at {round_to_error(self.value, self.error)} "
                f"({lever.name}, {lever.unit}{every}; the scenario has {compact(lever.now)}), "
                f"{target.clause} {basis}."
            )
        where = f"with {lever.name} between {self.low:g} and {self.high:g}"
        spans = ", ".join(_span(a, b) for a, b in self.found.between)
        told = {
            "not met": f"This is not met {where}",
            "no effect": f"This is not met, and these draws show no effect {where}",
            "met everywhere": f"This is met everywhere {where}: these draws show no effect of it",
            "met more than once": f"This is met more than once {where}; choose one: {spans}",
            "jumps over": f"This is jumped over {where}: there is a step at {spans}",
        }[self.status]
        first, last = self.evaluations[0], self.evaluations[-1]
        ends = " and ".join(
            f"{target.write(end.mean, end.mcse)} at {end.lever:g}" for end in (first, last)
        )
        return f"Asked was that {target.clause}. {told}. {target.words}: {ends} {basis}."

    @property
    def notes(self) -> list[str]:
        """What a reader of the answer must also know."""
        notes = []
        if self.met and math.isnan(self.error):
            notes.append(
                "The target hardly moves with the lever there, so that the error is not known: "
                "other values of the lever will do as well, or more draws are needed."
            )
        elif self.met and not (self.low < self.value - 2 * self.error):
            notes.append(_beyond("lower", self.low))
        elif self.met and not (self.value + 2 * self.error < self.high):
            notes.append(_beyond("upper", self.high))
        if self.met and self.found.turns:
            notes.append(
                "The target does not go the same way all along: it may be met at other values of "
                "the lever too (--between)."
            )
        if self.status == "not met" and self.lever.range not in {None, (self.low, self.high)}:
            lowest, highest = self.lever.range or (self.low, self.high)
            notes.append(
                f"Looked at {self.origin}; the lever may be set from {lowest:g} to {highest:g} "
                "(--between)."
            )
        return notes

    @property
    def setting(self) -> str:
        """What gives a scenario this value, as ``--set`` takes it; for a solution that is met."""
        path, value = self.lever.setting(float(f"{self.value:.6g}"))
        return f"{path}={compact(value)}"

    @property
    def source(self) -> str:
        """The run that the answer rests on."""
        draws = self.scenario.draws
        return (
            f"asm_sim {__version__}, scenario {printable(self.scenario.name)}{self._assigned} "
            f"({self.scenario_hash[:HASH_DIGITS]}), {draws:,} {'draw' if draws == 1 else 'draws'} "
            f"at each value of the lever, seed {self.scenario.seed}"
        )

    @property
    def _assigned(self) -> str:
        return with_settings_in_words({SETTINGS: json.dumps(self.scenario.assigned)})

    def __str__(self) -> str:
        return "\n".join([self.answer, *self.notes, self.source])

    __repr__ = __str__  # so that a notebook shows the answer

    def table(self) -> pd.DataFrame:
        """The evaluations: columns ``lever``, ``mean`` and ``mcse``, in units of their own."""
        return pd.DataFrame(self.evaluations)

    def as_data(self) -> dict[str, Any]:
        """Plain data for a program; what is not known is None."""
        target, lever, found = self.target, self.lever, self.found
        return {
            "answer": self.answer,
            "status": self.status,
            "value": _known(self.value),
            "error": _known(self.error),
            "slope": _known(found.slope),
            "slope_error": _known(found.slope_error),
            "notes": self.notes,
            "lever": {
                "path": lever.path,
                "year": lever.year,
                "unit": lever.unit,
                "scenario_has": lever.now,
                "low": self.low,
                "high": self.high,
            },
            "target": {
                "statistic": target.statistic,
                "limit": target.limit,
                "value": target.value,
                "units": target.units,
                "aggregation": target.way,
                "cohorts": list(self.cohorts),
                "performance_years": list(self.years),
                "group": target.group,
            },
            "between": [list(span) for span in found.between],
            "evaluations": [
                {"lever": at, "mean": mean, "mcse": _known(error)}
                for at, mean, error in self.evaluations
            ],
            "scenario": self.scenario.name,
            "set": self.scenario.resolved()["set"],
            "scenario_hash": self.scenario_hash,
            "draws": self.scenario.draws,
            "seed": str(self.scenario.seed),
            "asm_sim_version": __version__,
        }


def solve(
    scenario: str | Path | Scenario,
    lever: str,
    target: str,
    low: float | None = None,
    high: float | None = None,
    draws: int | None = None,
    seed: int | None = None,
    tolerance: float | None = None,
    *,
    cohort: str | None = None,
    year: int | None = None,
    group: str | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    report: Callable[[Evaluation], None] | None = None,
) -> Solution:
    """Find the value of ``lever`` at which ``target`` is met, with its Monte Carlo error.

    ``lever`` is the dotted path of a parameter of the rule or the population, set in all years, or
    with a year at its end in that year alone (``rules.payment.risk_level.2029``). ``target`` is
    ``statistic=value``: a variable by draw, cohort and year of :mod:`asm_sim.results.registry`, or
    ``share_above(0.05)`` and ``share_below(-0.05)``, the share of scored clinicians with an
    adjustment strictly above or below a limit, counted clinician by clinician in every draw.
    Amounts in USD are summed over cohorts and performance years, shares and means of clinicians
    are pooled over them, anything else is averaged; ``cohort``, ``year`` and ``group`` (a label
    such as ``"practice_size: solo"``) name one instead. ``low`` and ``high`` are by default the
    values that the evidence leaves plausible, else the parameter's range.

    Every evaluation simulates the same draws (200, or the scenario's own where these are fewer),
    so that the target is a smooth function of the lever; ``error`` is how far the answer would move
    with other draws. The search ends when what is left is small against that error, or below
    ``tolerance``. ``report`` is called with each evaluation. Nothing is written to disk.

    Raises :class:`asm_sim.errors.InputError` for what cannot be asked.
    """
    base = resolve(scenario, draws, seed, settings)
    if draws is None:
        base = base.with_draws(min(USUAL_DRAWS, base.draws), None)
    asked = parse_target(target, cohort, year, group)
    chosen = find_lever(base, lever)
    first, last, origin = bounds(chosen, low, high)
    if tolerance is not None and not 0 < tolerance < math.inf:
        raise InputError(f"tolerance {tolerance:g} must be above 0")
    roster = roster_of(base)
    with ThreadPoolExecutor(thread_count()) as pool:
        function = _Function(base, roster, chosen, asked, pool, report)
        found = find(function, asked.value, first, last, tolerance)
    cohorts, years = function.counted()
    return Solution(
        chosen,
        asked,
        found,
        first,
        last,
        origin,
        cohorts,
        years,
        base,
        base.hash(roster.sha256),
    )


class _Function:
    """The target in every draw as a function of the lever."""

    def __init__(
        self,
        base: Scenario,
        roster: Roster,
        lever: Lever,
        target: Target,
        pool: Executor,
        report: Callable[[Evaluation], None] | None,
    ) -> None:
        self._base, self._roster, self._lever, self._target = base, roster, lever, target
        self._pool, self._report = pool, report
        self._panel = base.draws if target.needs_panel else 0
        block = _PANEL_BLOCK if target.needs_panel else None
        self._block_draws = block
        plan = make_plan(base, roster, block, self._panel, 0)
        check_target(target, plan)
        compile_kernels(plan)
        self._axes = tuple(plan.roster.cohorts), tuple(plan.years)
        self._cells: NDArray[np.bool_] = np.zeros(tuple(map(len, self._axes)), dtype=bool)

    def __call__(self, value: float) -> Values:
        try:
            scenario = with_lever(self._base, self._lever, value)
            plan = make_plan(scenario, self._roster, self._block_draws, self._panel, 0)
            readings = [self._read(plan, number) for number in range(len(plan.blocks()))]
        except InputError as error:
            raise InputError(
                f"{self._lever.name}={value:g} cannot be simulated; choose other bounds "
                "(--between)",
                error.problems or (error.title,),
            ) from error
        values = np.concatenate([reading.values for reading in readings])
        if not np.isfinite(values).any():
            raise InputError(
                f"{self._target.name} has no value in any draw with {self._lever.name}={value:g}; "
                "choose other bounds (--between), years or clinicians"
            )
        for reading in readings:
            self._cells |= reading.cells
        if self._report:
            self._report(Evaluation(value, *mean_and_error(values)))
        return values

    def _read(self, plan: Plan, number: int) -> Reading:
        block = plan.blocks()[number]
        return read_target(self._target, plan, run_block(plan, block, self._pool))

    def counted(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """The cohorts and years that had a value."""
        cohorts, years = self._axes
        return (
            tuple(itertools.compress(cohorts, np.any(self._cells, axis=1).tolist())),
            tuple(itertools.compress(years, np.any(self._cells, axis=0).tolist())),
        )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _years(years: tuple[int, ...]) -> str:
    if len(years) == 1:
        return f"performance year {years[0]}"
    if years[-1] - years[0] == len(years) - 1:
        return f"performance years {years[0]}-{years[-1]}"
    return f"performance years {', '.join(map(str, years))}"


def _span(low: float, high: float) -> str:
    return f"{low:.6g}" if low == high else f"{low:.7g} to {high:.7g}"


def _beyond(which: str, bound: float) -> str:
    return (
        f"The {which} bound, {bound:g}, is within two errors: more draws, or wider bounds "
        "(--between), say more."
    )
