"""What can be moved: a few numbers of the rule, each with the positions that its slider has.

The values, units, ranges and statuses are those of the scenario's rule set. Positions lie on a grid
that is a matter of the page; the scenario's own value is one of them, exactly as it is, also where
it has another in each year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from asm_sim.parameters import Parameter, plain_value
from asm_sim.scenario.schema import Scenario

PAYMENT, EXCHANGE = "rules.payment", "rules.payment.exchange"
MIDPOINT, FIXED_MIDPOINT = f"{EXCHANGE}.midpoint", f"{EXCHANGE}.fixed_midpoint"
WEIGHTS = ("rules.final_score.weight_cost", "rules.final_score.weight_quality")
AS_IS = "as it is"
_DIGITS = 10  # more than a slider has steps

Settings = dict[str, Any]


class Position(NamedTuple):
    """A place on a slider: what it says, and what it sets (nothing: as the scenario has it)."""

    label: str
    settings: Settings


@dataclass(frozen=True)
class Lever:
    """Something that can be moved; ``own`` is the position that the scenario has it in."""

    name: str
    title: str
    about: str
    status: str
    paths: tuple[str, ...]
    positions: tuple[Position, ...]
    own: int

    def at(self, label: str) -> Settings:
        """What the position of this label sets."""
        return next(one.settings for one in self.positions if one.label == label)


class _Grid(NamedTuple):
    """Positions ``first``, ``first + step``, ...: so many, each with its label."""

    first: float
    step: float
    number: int
    written: Callable[[float], str]
    whole: bool = False

    def values(self, leaf: Parameter) -> list[float]:
        """Those that make sense."""
        every = [round(self.first + k * self.step, _DIGITS) for k in range(self.number)]
        low, high = leaf.range or (min(every), max(every))
        kept = [value for value in every if low <= value <= high]
        return [int(value) for value in kept] if self.whole else kept


def _percent(value: float) -> str:
    return f"{round(100 * value, _DIGITS):.10g} %"


def _number(value: float) -> str:
    return f"{value:.10g}"


def _points(value: float) -> str:
    return f"{value:.10g} points"


_GRIDS = {
    "risk": _Grid(0.0, 0.01, 21, _percent),
    "share": _Grid(0.0, 0.05, 21, _percent),
    "steepness": _Grid(0.01, 0.01, 30, _number),
    "midpoint": _Grid(20.0, 1.0, 71, _points),
    "cost_weight": _Grid(0.0, 0.05, 21, _percent),
    "case_minimum": _Grid(5, 5, 20, _number, whole=True),
}
_TITLES = {
    "risk": "Payments at risk",
    "share": "Share that is paid out again",
    "steepness": "Steepness of the curve, per point",
    "midpoint": "Midpoint of the curve",
    "cost_weight": "Weight of cost (quality has the rest)",
    "case_minimum": "Fewest episodes with a cost score",
}
_PATHS = {
    "risk": (f"{PAYMENT}.risk_level",),
    "share": (f"{PAYMENT}.redistribution_share",),
    "steepness": (f"{EXCHANGE}.steepness",),
    "midpoint": (MIDPOINT, FIXED_MIDPOINT),
    "cost_weight": WEIGHTS,
    "case_minimum": ("rules.cost.case_minimum",),
}
# What a form of the exchange does not read, so that it would move nothing or is refused.
_UNREAD = {
    "logistic": (),
    "linear": ("steepness", "midpoint"),
    "rank": ("steepness", "midpoint"),
    "threshold": ("share", "steepness", "midpoint"),
}


def levers_of(scenario: Scenario) -> list[Lever]:
    """What can be moved of a scenario: what its exchange function reads, weights, the minimum."""
    known = scenario.leaves()
    form = str(plain_value(known[f"{EXCHANGE}.form"]))
    return [_lever(name, known) for name in _GRIDS if name not in _UNREAD[form]]


def settings_of(levers: list[Lever], labels: Mapping[str, str]) -> Settings:
    """What levers set that stand where ``labels`` say, by the names of levers."""
    settings: Settings = {}
    for lever in levers:
        settings |= lever.at(labels[lever.name])
    return settings


def in_words(levers: list[Lever], settings: Settings) -> str:
    """What levers were moved where, as a person reads it; that nothing was, where nothing was."""
    moved = [
        f"{lever.title[0].lower()}{lever.title[1:]}: {position.label}"
        for lever in levers
        for position in lever.positions
        if position.settings and position.settings.items() <= settings.items()
    ]
    return "; ".join(moved) or AS_IS


def _lever(name: str, known: Mapping[str, Parameter]) -> Lever:
    paths = _PATHS[name]
    if name == "midpoint":
        positions, own = _midpoints(known)
    else:
        leaf = known[paths[0]]
        grid = [(value, _set(paths, value)) for value in _GRIDS[name].values(leaf)]
        positions, own = _with_own(plain_value(leaf), grid, _GRIDS[name].written)
    leaf = known[paths[0]]
    return Lever(name, _TITLES[name], leaf.description, leaf.status, paths, positions, own)


def _set(paths: tuple[str, ...], value: float) -> Settings:
    """A value of a lever; the weights of cost and quality sum to 1."""
    if paths == WEIGHTS:
        return dict(zip(WEIGHTS, (value, round(1 - value, _DIGITS)), strict=True))
    return {paths[0]: value}


def _midpoints(known: Mapping[str, Parameter]) -> tuple[tuple[Position, ...], int]:
    """The median and the mean of the cohort's scores, and then fixed points."""
    chosen, fixed = str(plain_value(known[MIDPOINT])), known[FIXED_MIDPOINT]
    grid = _GRIDS["midpoint"]
    named = [Position(name, {MIDPOINT: name}) for name in ("median", "mean") if name != chosen]
    points = [(v, {MIDPOINT: "fixed", FIXED_MIDPOINT: v}) for v in grid.values(fixed)]
    if chosen == "fixed":
        places, own = _with_own(plain_value(fixed), points, grid.written)
        return (*named, *places), own + len(named)
    places = tuple(Position(grid.written(value), setting) for value, setting in points)
    return (Position(_as_is(chosen), {}), *named, *places), 0


def _with_own(
    own: Any, grid: list[tuple[float, Settings]], written: Callable[[float], str]
) -> tuple[tuple[Position, ...], int]:
    """The positions of a grid with the scenario's own value among them, and where that is."""
    by_year = own if isinstance(own, dict) else {}
    first = float(next(iter(by_year.values()))) if by_year else float(own)
    label = _as_is(_by_year(by_year, written) if by_year else written(first))
    before = [Position(written(v), setting) for v, setting in grid if v < first]
    same = bool(by_year)  # a value in every year is another than one of the first year alone
    after = [Position(written(v), s) for v, s in grid if v > first or (same and v == first)]
    return (*before, Position(label, {}), *after), len(before)


def _by_year(values: Mapping[Any, float], written: Callable[[float], str]) -> str:
    low, high = values[min(values)], values[max(values)]
    return f"{written(low)} to {written(high)}"


def _as_is(label: str) -> str:
    return f"{label} ({AS_IS})"
