"""What is open in a scenario, as axes: what each may be, by quantiles of what it is drawn from.

Open are the numbers and readings that the layers of a scenario draw where they are on: so what it
sets is decided, and no axis, unless it is named as a lever. MIPS is scored beside ASM and moves
none of the outcomes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from asm_sim.documents import compact, did_you_mean, parse_document, quoted
from asm_sim.drawn import Drawable, chosen_reading, two_piece_uniform
from asm_sim.errors import InputError
from asm_sim.parameters import (
    Choice,
    Count,
    Number,
    Parameter,
    Switch,
    YearlyNumber,
)
from asm_sim.population.parameter_layer import kept_to_sum
from asm_sim.population.ranges import mixes
from asm_sim.rules.leaves import Cap
from asm_sim.scenario.schema import Scenario

LOW, HIGH = "low", "high"
_CLAUSE = re.compile(r"[.;:] ")
_ROUNDING = 1e-12  # of a sum of shares
_ROOTS = ("rules", "population")
_NUMBERS = (Number, YearlyNumber, Cap, Count)
Settings = dict[str, Any]


@dataclass(frozen=True)
class Axis:
    """One open parameter, or a lever.

    A number lies between ``low`` and ``high``, half of the time on either side of ``central``; a
    choice is one of ``readings`` (value and weight; the weights sum to one).
    """

    path: str
    unit: str
    central: Any
    low: float = np.nan
    high: float = np.nan
    readings: tuple[tuple[Any, float], ...] = ()
    whole: bool = False
    mix: str = ""  # of a share: what must keep its sum
    words: str = ""  # what it is

    def at(self, quantile: float) -> Any:
        """The value at a quantile, 0 to 1."""
        if not self.readings:
            given = (np.array([number]) for number in (quantile, self.low, self.central, self.high))
            value = float(two_piece_uniform(*given)[0])
            return round(value) if self.whole else value
        return self.readings[chosen_reading(quantile, [w for _, w in self.readings])][0]

    def alternatives(self) -> list[tuple[str, Any]]:
        """What it may be instead of the central value: low and high, or each other reading."""
        ends: list[tuple[str, Any]] = [(LOW, self.low), (HIGH, self.high)]
        readings = [(compact(value), value) for value, _ in self.readings]
        return [(name, value) for name, value in readings or ends if value != self.central]


def open_axes(scenario: Scenario) -> list[Axis]:
    """Everything that is drawn where all layers are on, the rule first; nothing held.

    Raises :class:`InputError` where something cannot be drawn.
    """
    opened, known = scenario.opened(), scenario.leaves()
    ranges = opened.ranges
    in_mix = {ranges[k].path: ranges[k].path.rpartition(".")[0] for m in mixes(ranges) for k in m}
    return [
        _told(_drawn(item, in_mix.get(item.path, "")), known[item.path])
        for item in (*opened.readings, *ranges)
        if not item.held and (item.readings or item.low < item.high)
    ]


def _drawn(item: Drawable, mix: str) -> Axis:
    if not item.readings:
        return Axis(item.path, item.unit, item.value, item.low, item.high, mix=mix)
    values = [value for _, value in item.readings]
    weighted = tuple(zip(values, item.weights, strict=True))
    return Axis(item.path, item.unit, values[int(item.value)], readings=weighted)


def _told(axis: Axis, leaf: Parameter) -> Axis:
    """The axis with the first clause of what its parameter is."""
    return replace(axis, words=_CLAUSE.split(leaf.description, maxsplit=1)[0])


def _central(leaf: Parameter) -> Any:
    """The value; of one that is the same in every year, that one."""
    value: Any = leaf.value  # type: ignore[attr-defined]
    if isinstance(value, dict) and len({compact(item) for item in value.values()}) == 1:
        return next(iter(value.values()))
    return value


def with_levers(axes: Sequence[Axis], scenario: Scenario, levers: Iterable[str]) -> list[Axis]:
    """The axes and those of the levers named; one that is an axis already moves as it is asked to.

    A lever is the path of a parameter, or ``path=low,high`` for a number and ``path=a,b,c`` for
    alternatives of the same weight. Raises :class:`InputError` for one that cannot be moved.
    """
    found = {axis.path: axis for axis in axes}
    for text in levers:
        path, _, written = text.partition("=")
        axis = _lever(scenario, path.strip(), written)
        axis = _told(axis, scenario.leaves()[axis.path])
        known = found.get(axis.path)
        if known is None or written:
            found[axis.path] = axis
    return list(found.values())


def among(axes: Sequence[Axis], only: Iterable[str]) -> list[Axis]:
    """The axes whose paths are ``only`` these, or lie below them; all where none is given.

    Raises :class:`InputError` for a path below which nothing is open.
    """
    wanted = list(only)
    for path in wanted:
        if not any(f"{axis.path}.".startswith(f"{path}.") for axis in axes):
            hint = did_you_mean(path, [axis.path for axis in axes])
            raise InputError(f"only {quoted(path)}: nothing open is called so{hint}")
    return [
        axis
        for axis in axes
        if not wanted or any(f"{axis.path}.".startswith(f"{path}.") for path in wanted)
    ]


def _lever(scenario: Scenario, path: str, written: str) -> Axis:
    place = f"lever {quoted(path)}"
    if path.partition(".")[0] == "mips":
        raise InputError(f"{place}: MIPS is scored beside ASM and moves none of its results")
    known = {p: leaf for p, leaf in scenario.leaves().items() if p.partition(".")[0] in _ROOTS}
    if path not in known:
        inside = [leaf for leaf in known if leaf.startswith(f"{path}.")]
        ends = [leaf for leaf in known if leaf.endswith(f".{path}")]
        hint = f" (did you mean {ends[0]!r}?)" if ends else did_you_mean(path, list(known))
        told = f"it is a group; name one of: {', '.join(inside[:8])}" if inside else ""
        raise InputError(f"{place}: {told or f'no parameter is called so{hint}'}")
    leaf, values = known[path], _values(place, written)
    central = _central(leaf)
    between = values or _ends(leaf)
    if _is_number(central) and len(between) == 2 and all(map(_is_number, between)):
        low, high = sorted(map(float, between))
        if low == high or not low <= central <= high:
            raise InputError(
                f"{place}: the scenario has {central:g}, which must lie between low and high; got "
                f"{low:g} and {high:g}"
            )
        return Axis(path, leaf.unit, central, low, high, whole=isinstance(leaf, Count))
    alternatives = values or _alternatives(leaf)
    alternatives = alternatives if central in alternatives else [central, *alternatives]
    if len(alternatives) < 2:
        raise InputError(
            f"{place}: nothing says between what it may move; write {path}=LOW,HIGH for a number, "
            f"or {path}=a,b for alternatives"
        )
    weight = 1.0 / len(alternatives)
    return Axis(path, leaf.unit, central, readings=tuple((v, weight) for v in alternatives))


def _values(place: str, written: str) -> list[Any]:
    """What a lever is to move between, read as YAML."""
    if not written:
        return []
    document = parse_document(f"values: [{written}]", place)
    if len(document.data) > 1:
        raise InputError(f"{place}: write low and high, or alternatives, with a comma between them")
    values: list[Any] = document.data["values"]
    return values


def _ends(leaf: Parameter) -> list[float]:
    """Low and high, else the range; of one that has readings neither."""
    if leaf.readings or not isinstance(leaf, _NUMBERS):
        return []
    if leaf.low is not None and leaf.high is not None:
        return [leaf.low, leaf.high]
    return list(leaf.range or ())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _alternatives(leaf: Parameter) -> list[Any]:
    if leaf.readings:
        return [leaf.reading(name) for name in leaf.readings]
    if isinstance(leaf, Switch):
        return [True, False]
    return list(leaf.choices) if isinstance(leaf, Choice) else []


def written(value: Any) -> str:
    """A value as a table shows it."""
    return f"{value:g}" if isinstance(value, float) else compact(value)


def settled(axes: Sequence[Axis], values: Mapping[str, Any]) -> Settings:
    """Values by path, with those of a mix that they belong to so that it keeps its sum.

    The shares that are not given make up for those that are, each by the room in its range; what
    they cannot make up for, those that are given do.
    """
    result = dict(values)
    for mix in dict.fromkeys(axis.mix for axis in axes if axis.mix and axis.path in values):
        members = [axis for axis in axes if axis.mix == mix]
        total = sum(axis.central for axis in members)
        given = [axis for axis in members if axis.path in values]
        free = [axis for axis in members if axis.path not in values]
        left = total - sum(values[axis.path] for axis in given)
        left = min(max(left, sum(a.low for a in free)), sum(a.high for a in free))
        result |= _kept(given, [values[axis.path] for axis in given], total - left)
        result |= _kept(free, [axis.central for axis in free], left)
    return result


def _kept(axes: Sequence[Axis], shares: Sequence[float], total: float) -> Settings:
    """The shares, moved to sum to ``total`` where they do not."""
    kept = np.array(shares)
    if not math.isclose(kept.sum(), total, abs_tol=_ROUNDING):
        low, high = (np.array([getattr(axis, end) for axis in axes]) for end in (LOW, HIGH))
        kept = kept_to_sum(kept, low, high, total)
    return {axis.path: float(share) for axis, share in zip(axes, kept, strict=True)}
