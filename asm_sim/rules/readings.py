"""The readings layer of a draw: what is open of a rule set, drawn once per draw.

A parameter of status precedent or assumption that has low and high, or readings with weights, is
drawn in every draw where a scenario's readings layer is on (:mod:`asm_sim.drawn` says how). What
the scenario sets is held, and so is a value that lies outside. A number by year takes one value for
all years. Lists, texts and whole numbers stay as they are, and so does what is no open question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from pydantic import ValidationError

from asm_sim.drawn import (
    Drawable,
    Floats,
    Selection,
    Words,
    drawable,
    drawn_values,
    selected,
    senseless,
    set_by,
)
from asm_sim.errors import InputError
from asm_sim.kernels.world.streams import READING
from asm_sim.parameters import (
    Choice,
    Number,
    Parameter,
    Switch,
    YearlyNumber,
    fingerprint,
    leaves,
    with_values,
)
from asm_sim.rules.leaves import Cap
from asm_sim.rules.schema import RuleSet

ROOT = "rules"
_KINDS = (Number, YearlyNumber, Cap, Switch, Choice)


@dataclass(frozen=True)
class ReadingsLayer:
    """The parameters that could be drawn, and the rule set at their central values."""

    ranges: tuple[Drawable, ...]
    rules: RuleSet

    def values(self, seed: Words, index: int) -> Floats:
        """What is drawn of each parameter [P] at an index of the layer; nan of one that is held.

        Of one with readings that is the position of one of them. ``seed`` is uint64 [2], low and
        high word.
        """
        return drawn_values(self._drawn, READING, seed, index)

    @cached_property
    def _drawn(self) -> Selection:
        return selected(self.ranges)

    def at(self, seed: Words, index: int) -> RuleSet:
        """The rule set of a draw."""
        drawn = zip(self.ranges, self.values(seed, index), strict=True)
        return _with(self.rules, [(item, value) for item, value in drawn if not item.held])

    def alternatives(self) -> Iterator[RuleSet]:
        """The rule set with each parameter alone at each of its readings, or ends and between."""
        for item in self.ranges:
            for end in item.examples if not item.held else ():
                yield _with(self.rules, [(item, end)])

    def draws(self, *beginnings: str) -> bool:
        """Whether a parameter is drawn whose path, below the root, begins so."""
        begin = tuple(f"{ROOT}.{beginning}" for beginning in beginnings)
        return any(item.path.startswith(begin) for item in self.ranges if not item.held)


def open_leaves(rules: RuleSet) -> dict[str, Parameter]:
    """What a readings layer could draw, by path."""
    return {
        path: leaf
        for path, leaf in leaves(rules, ROOT)
        if leaf.is_open and isinstance(leaf, _KINDS) and drawable(path, leaf, False) is not None
    }


def readings_of(rules: RuleSet, settings: Iterable[tuple[str, Any]]) -> tuple[Drawable, ...]:
    """Everything open of a rule set, what ``settings`` (path and value) give held.

    Raises :class:`InputError` where there is nothing, where an end of a range makes no sense, and
    where values that could be drawn together do not fit together.
    """
    known = open_leaves(rules)
    chosen = set_by(settings, known)
    could = (drawable(path, leaf, path in chosen) for path, leaf in known.items())
    found = tuple(item for item in could if item is not None)
    if not found:
        raise InputError(
            "layers.readings is on, but no parameter of the rule set of status precedent or "
            "assumption has low and high, or readings; give some in a rule set, or leave the layer "
            "off"
        )
    problems = senseless(found, known) or _unfit(rules, found)
    if problems:
        raise InputError("layers.readings is on, and these cannot be drawn:", problems)
    return found


def _with(rules: RuleSet, drawn: Iterable[tuple[Drawable, float]]) -> RuleSet:
    values = {item.path.removeprefix(f"{ROOT}."): item.given(value) for item, value in drawn}
    return with_values(rules, values)


# What was found to fit together: values of a rule set by their hash, and what is drawn of it.
_fitting: set[tuple[str, tuple[Drawable, ...]]] = set()


def _unfit(rules: RuleSet, items: tuple[Drawable, ...]) -> list[str]:
    """What the rule set refuses of each alternative alone, and of any two of them together."""
    key = fingerprint(rules), items
    if key in _fitting:
        return []
    alone = [(item, end) for item in items if not item.held for end in item.examples]
    problems = _refused(rules, [(one,) for one in alone], _check_whole)
    if problems:
        return problems
    apart = [pair for pair in combinations(alone, 2) if pair[0][0] != pair[1][0]]
    problems = _refused(rules, apart, RuleSet.check_together)
    if not problems:
        _fitting.add(key)
    return problems


def _check_whole(rules: RuleSet) -> None:
    RuleSet.model_validate(rules.model_dump())


def _refused(
    rules: RuleSet,
    several: Iterable[tuple[tuple[Drawable, float], ...]],
    check: Callable[[RuleSet], None],
) -> list[str]:
    problems: dict[str, str] = {}  # the first of each kind
    for drawn in several:
        try:
            check(_with(rules, drawn))
        except ValueError as error:  # pydantic's is one too
            reason = str(error)
            if isinstance(error, ValidationError):
                first = error.errors(include_url=False)[0]["msg"]
                reason = first.removeprefix("Value error, ")
            given = " and ".join(f"{item.path} {item.given(end)}" for item, end in drawn)
            problems.setdefault(reason, f"with {given}: {reason}")
    return list(problems.values())
