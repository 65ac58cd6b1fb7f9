"""What is drawn once per draw of a parameter that the evidence leaves open.

One value holds for the whole draw, all clinicians and years. The distribution of a number uses
nothing but low, value and high: half the mass uniform from low to value, half uniform from value to
high. The central value is the median; nothing lies outside; where the value is itself an end, half
of the draws have just that. No shape is read into three numbers that no source gives. Of readings
each is drawn as often as its weight says.

Each parameter has an address of its own (the hash of its dotted path, at layer index draw + 1; 0
is the central values), so that it is drawn alike whatever else is drawn or held.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.addresses import address, words
from asm_sim.kernels.numeric.variates import uniforms_at
from asm_sim.parameters import Parameter

SET = "set by the scenario"
OUTSIDE = "its value lies outside low to high"
NO_READING = "its value is none of its readings"
BY_YEAR = "its value differs by year"

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
_ENDS = ("low", "value", "high")


class Drawable(NamedTuple):
    """A parameter that could be drawn, by its dotted path.

    ``held`` says why it is not; empty where it is drawn. What has ``readings`` (the value of each
    by its name) is drawn as the position of one of them: ``low``, ``value`` and ``high`` are
    positions then, and ``weights`` says how often each is drawn, as shares that sum to 1.
    """

    path: str
    low: float
    value: float
    high: float
    unit: str
    held: str = ""
    readings: tuple[tuple[str, Any], ...] = ()
    weights: tuple[float, ...] = ()

    def given(self, drawn: float) -> Any:
        """The parameter's value where ``drawn`` was drawn."""
        return self.readings[int(drawn)][1] if self.readings else float(drawn)

    @property
    def examples(self) -> list[float]:
        """All readings; of a number both ends and one in between, which is no round number."""
        between = self.low + (self.high - self.low) / 2**0.5
        return [float(k) for k in range(len(self.readings))] or [self.low, between, self.high]

    @property
    def span(self) -> list[float] | dict[str, float]:
        """Low, value and high, or the weight of each reading."""
        names = [name for name, _ in self.readings]
        return dict(zip(names, self.weights, strict=True)) or [self.low, self.value, self.high]


def drawable(path: str, leaf: Parameter, chosen: bool) -> Drawable | None:
    """How a parameter could be drawn; None for one without low and high or readings.

    ``chosen`` are held, since the user has decided them. What differs by year has no central value
    to draw around and is held too.
    """
    value = leaf.value  # type: ignore[attr-defined]
    differs = isinstance(value, Mapping) and len(set(value.values())) > 1
    if isinstance(value, Mapping):
        value = next(iter(value.values()))
    if leaf.readings is not None:
        names = list(leaf.readings)
        values = [leaf.reading(name) for name in names]
        at = values.index(value) if value in values else -1
        total = sum(leaf.readings.values())
        held = NO_READING if at < 0 else ""
        held = SET if chosen else BY_YEAR if differs else held
        weights = tuple(weight / total for weight in leaf.readings.values())
        positions = (0.0, float(at), len(names) - 1.0)
        return Drawable(
            path, *positions, leaf.unit, held, tuple(zip(names, values, strict=True)), weights
        )
    if leaf.low is None or leaf.high is None:
        return None
    number = float(value) if isinstance(value, int | float) else np.nan
    held = "" if leaf.low <= number <= leaf.high else OUTSIDE
    held = SET if chosen else BY_YEAR if differs else held
    return Drawable(path, leaf.low, number, leaf.high, leaf.unit, held)


def set_by(settings: Iterable[tuple[str, Any]], paths: Collection[str]) -> set[str]:
    """Those of the paths that settings give a value: by name, by their group, in a mapping."""
    found: set[str] = set()
    for path, value in settings:
        if isinstance(value, Mapping) and path not in paths:
            found |= set_by([(f"{path}.{part}", item) for part, item in value.items()], paths)
        else:
            found |= {leaf for leaf in paths if leaf == path or leaf.startswith(f"{path}.")}
    return found


def senseless(items: Iterable[Drawable], leaves: Mapping[str, Parameter]) -> list[str]:
    """The ends of what is drawn that make no sense."""
    problems = []
    for item in items:
        limits = leaves[item.path].range
        if not item.held and not item.readings and limits is not None:
            problems += [
                f"{item.path}: {end:g} is out of range: {limits[0]:g} to {limits[1]:g}"
                for end in (item.low, item.high)
                if not limits[0] <= end <= limits[1]
            ]
    return problems


def drawn_values(drawn: Selection, stream: int, seed: Words, index: int) -> Floats:
    """What is drawn of each parameter [P]; nan of one that is held.

    ``seed`` is uint64 [2], low and high word; ``index`` is that of the layer in the draw.
    """
    result = np.full(drawn.parameters, np.nan)
    if not len(drawn.at):
        return result
    uniform = uniforms_at(seed, drawn.words, index + 1, stream, 0, 0)[0]
    result[drawn.at] = two_piece_uniform(uniform, *drawn.ends)
    for position, weights in drawn.with_readings:
        result[drawn.at[position]] = chosen_reading(uniform[position], weights)
    return result


class Selection(NamedTuple):
    """Of several parameters those that are drawn."""

    parameters: int  # of all
    at: NDArray[np.int64]  # where they stand
    words: Words  # of their addresses
    ends: list[Floats]  # low, value and high
    with_readings: list[tuple[int, tuple[float, ...]]]  # position among these, and weights


def selected(items: Sequence[Drawable]) -> Selection:
    """Those that are not held."""
    at = [k for k, item in enumerate(items) if not item.held]
    entities = np.array([address("parameter", items[k].path) for k in at], np.uint64)
    ends = [np.array([getattr(items[k], end) for k in at]) for end in _ENDS]
    weights = [(position, items[k].weights) for position, k in enumerate(at) if items[k].readings]
    return Selection(len(items), np.array(at, np.int64), words(entities), ends, weights)


def two_piece_uniform(uniform: Floats, low: Floats, value: Floats, high: Floats) -> Floats:
    """The quantile at ``uniform``: from low to value for its lower half, then on to high."""
    below = low + 2.0 * uniform * (value - low)
    above = value + (2.0 * uniform - 1.0) * (high - value)
    drawn: Floats = np.minimum(np.maximum(np.where(uniform < 0.5, below, above), low), high)
    return drawn


def chosen_reading(uniform: float, weights: Sequence[float]) -> int:
    """The position of the reading at ``uniform``: the first whose weights up to it exceed it."""
    return min(bisect_right(list(accumulate(weights)), uniform), len(weights) - 1)
