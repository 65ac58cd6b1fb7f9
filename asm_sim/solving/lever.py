"""A lever: a parameter that can be moved without steps, and a scenario with another value of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from asm_sim.documents import Document, Place, did_you_mean
from asm_sim.errors import InputError
from asm_sim.parameters import (
    YEAR_DIGITS,
    Choice,
    Count,
    Number,
    Parameter,
    Switch,
    YearlyNumber,
    plain_value,
)
from asm_sim.rules.leaves import Cap
from asm_sim.scenario.schema import CHECKS, Scenario, laid_on

_LEVER_ROOTS = ("rules.", "population.")
_NOT_SAID = {"payment", "exchange"}  # where a path is put in words
_SHOWN = 8  # parameters of a group, in a message


@dataclass(frozen=True)
class Lever:
    """A parameter, a group of alike parameters, or one year of a parameter.

    ``low`` and ``high`` are the values that the evidence leaves plausible, ``range`` those that
    make sense at all; None where they are not known. ``now`` is what the scenario has.
    """

    path: str
    year: int | None
    unit: str
    yearly: bool
    now: Any
    low: float | None
    high: float | None
    range: tuple[float, float] | None

    @property
    def name(self) -> str:
        """The path, with the year."""
        return self.path if self.year is None else f"{self.path}.{self.year}"

    @property
    def words(self) -> str:
        parts = [part for part in self.path.split(".")[1:] if part not in _NOT_SAID]
        words = " ".join(parts).replace("_", " ")
        return words if self.year is None else f"{words} in {self.year}"

    def setting(self, value: float) -> tuple[str, Any]:
        """What sets it, as a scenario's ``set`` has it."""
        return self.path, value if self.year is None else {self.year: value}


def find_lever(scenario: Scenario, text: str) -> Lever:
    """The lever called ``text``: a dotted path, with a year at the end for that year alone.

    Raises :class:`InputError` for one that there is not, or that only takes steps.
    """
    known = {
        leaf: parameter
        for leaf, parameter in scenario.leaves().items()
        if leaf.startswith(_LEVER_ROOTS)
    }
    path, year = text, None
    head, _, last = text.rpartition(".")
    if (
        last.isdecimal()
        and len(last) <= YEAR_DIGITS
        and any(leaf == head or leaf.startswith(f"{head}.") for leaf in known)
    ):
        path, year = head, int(last)
    found = {leaf: known[leaf] for leaf in known if leaf == path or leaf.startswith(f"{path}.")}
    if not found:
        raise InputError(_unknown(text, list(known)))
    if path not in found and (len({leaf.unit for leaf in found.values()}) > 1 or year is not None):
        shown = ", ".join([*list(found)[:_SHOWN], *(["..."] if len(found) > _SHOWN else [])])
        raise InputError(f"lever {text!r} is a group of parameters; name one: {shown}")
    for leaf in found.values():
        _check_moves(text, leaf)
    first = next(iter(found.values()))
    yearly = isinstance(first, YearlyNumber | Cap)
    if year is not None and not yearly:
        raise InputError(f"lever {text!r}: {path} has no values by year; leave {year} out")
    if year is not None and year not in scenario.rules.years:
        listed = ", ".join(map(str, scenario.rules.years))
        raise InputError(f"lever {text!r}: {year} is not a performance year; there are: {listed}")
    now: Any = {leaf.removeprefix(f"{path}."): plain_value(known[leaf]) for leaf in found}
    if path in found:
        now = plain_value(first)
        if year is not None and isinstance(now, dict):
            now = now[str(year)]
    spans = [(leaf.low, leaf.high) for leaf in found.values()]
    ranges = [leaf.range for leaf in found.values() if leaf.range is not None]
    low, high = _shared([(a, b) for a, b in spans if a is not None and b is not None], len(found))
    return Lever(
        path,
        year,
        first.unit,
        yearly,
        now,
        low,
        high,
        None if not ranges else (max(a for a, _ in ranges), min(b for _, b in ranges)),
    )


def _shared(spans: list[tuple[float, float]], count: int) -> tuple[float | None, float | None]:
    """What ``count`` spans have in common; nothing where one is missing or they are apart."""
    if len(spans) < count:
        return None, None
    low, high = max(a for a, _ in spans), min(b for _, b in spans)
    return (low, high) if low < high else (None, None)


def _unknown(text: str, known: list[str]) -> str:
    if text.partition(".")[0] == "mips":
        return f"lever {text!r}: MIPS is scored beside ASM and moves none of its results"
    ends = [path for path in known if path.endswith(f".{text}")]
    hint = f" (did you mean {ends[0]!r}?)" if ends else did_you_mean(text, known)
    return (
        f"lever {text!r}: no parameter is called so{hint}; `asm-sim rules` lists those of the rule"
    )


def _check_moves(text: str, leaf: Parameter) -> None:
    """:class:`InputError` for a parameter that has no values between its values."""
    if isinstance(leaf, Number | YearlyNumber | Cap):
        return
    if isinstance(leaf, Count):
        why = "takes whole numbers only, and what meets a target lies between them"
    elif isinstance(leaf, Switch):
        why = "is on or off"
    elif isinstance(leaf, Choice):
        why = f"is one of: {', '.join(leaf.choices)}"
    else:
        why = "is a text or a list, not a number"
    raise InputError(
        f"lever {text!r} {why}; try values of it side by side with a grid (`asm-sim sweep`)"
    )


def bounds(lever: Lever, low: float | None, high: float | None) -> tuple[float, float, str]:
    """Between which values to look, and where these come from; :class:`InputError` if unusable."""
    own, origin = (lever.low, lever.high), "the values that the evidence leaves plausible"
    if own == (None, None) and lever.range is not None:
        own, origin = lever.range, "all values that make sense"
    if low is not None or high is not None:
        origin = "as asked"
    low, high = own[0] if low is None else low, own[1] if high is None else high
    if low is None or high is None:
        raise InputError(
            f"lever {lever.name!r} has no bounds of its own; say between which values to look "
            "(--between LOW HIGH)"
        )
    if not low < high:
        raise InputError(f"lever {lever.name!r}: {low:g} is not below {high:g}")
    for bound in (low, high):
        if lever.range is not None and not lever.range[0] <= bound <= lever.range[1]:
            limits = f"{lever.range[0]:g} to {lever.range[1]:g}"
            raise InputError(f"lever {lever.name!r}: {bound:g} is out of range: {limits}")
    return float(low), float(high), origin


def with_lever(scenario: Scenario, lever: Lever, value: float) -> Scenario:
    """The scenario with another value of the lever; :class:`InputError` where it has no sense."""
    path, given = lever.setting(float(value))
    root = path.partition(".")[0]
    place = Place(f"{lever.name}={value:g}")
    document = Document(getattr(scenario, root).model_dump())
    parts: dict[str, Any] = {root: CHECKS[root](laid_on(document, root, [(path, given, place)]))}
    return replace(scenario, settings=(*scenario.settings, (path, given)), **parts)
