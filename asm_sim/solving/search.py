"""Where a noisy function of one number meets a target, and how well that is known.

Every evaluation sees the same draws, so the mean over draws is a function without fresh noise: it
has a root of its own, which is found by bracketing. How far that root would move with other draws
is the standard error of the mean there over the slope (delta method); the slope is a difference
paired within draws.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.results.moments import mean_and_error

Status = Literal[
    "met", "not met", "met everywhere", "no effect", "met more than once", "jumps over"
]
Values = NDArray[np.float64]  # [draw]

_CLEAR = 3.0  # standard errors
_SMALL = 0.05  # of the standard error: a distance from the target that is no matter
_ROUNDING = 1e-12  # relative
_FINEST = 1e-6  # of the width searched: the search ends here at the latest
_JUMP = 0.01  # of the change between both ends, within the finest width
_INSIDE = 3  # points between the ends where these do not bracket the target


class Evaluation(NamedTuple):
    """The target's mean over draws at a value of the lever, with its Monte Carlo error."""

    lever: float
    mean: float
    mcse: float


@dataclass(frozen=True)
class Found:
    """What the search found.

    ``value`` and ``error`` are nan where the target is not met at one value; ``error`` also where
    the slope is not known from zero. ``between`` holds, for a target that is met more than once or
    jumped over, the spans in which that happens.
    """

    status: Status
    evaluations: tuple[Evaluation, ...]  # ascending
    value: float = math.nan
    error: float = math.nan
    slope: float = math.nan
    slope_error: float = math.nan
    between: tuple[tuple[float, float], ...] = ()
    turns: bool = False  # the evaluations do not all go the same way


def find(
    evaluate: Callable[[float], Values],
    target: float,
    low: float,
    high: float,
    tolerance: float | None = None,
) -> Found:
    """The value between ``low`` and ``high`` at which the mean of ``evaluate`` is ``target``.

    ``evaluate`` gives one value per draw, of the same draws at every call. The search ends when the
    mean is within a twentieth of its standard error, or when the value is known to ``tolerance``
    (by default a millionth of the width); what is left then is part of the error.
    """
    curve = _Curve(evaluate, target)
    span = (low, high)
    if curve.side(low) * curve.side(high) >= 0 or not curve.differ(low, high):
        inside = np.linspace(low, high, _INSIDE + 2).tolist()[1:-1]
        for value in inside:
            curve.at(value)
        points = [low, *inside, high]
        if not any(curve.differ(a, b) for a, b in itertools.combinations(points, 2)):
            return Found("met everywhere" if curve.near(low) else "no effect", curve.evaluations())
        met = [value for value in points if curve.side(value) == 0]
        crossed = [
            (a, b) for a, b in itertools.pairwise(points) if curve.side(a) * curve.side(b) < 0
        ]
        if len(crossed) + len(met) > 1:
            spans = tuple(crossed) + tuple((value, value) for value in met)
            return Found("met more than once", curve.evaluations(), between=tuple(sorted(spans)))
        if not crossed and not met:
            return Found("not met", curve.evaluations())
        span = crossed[0] if crossed else (met[0], met[0])
    finest = _FINEST * (high - low)
    width = finest if tolerance is None else tolerance
    value = span[0] if span[0] == span[1] else _bracket(curve, *span, width)
    jump = curve.jump(value, low, high, 4 * finest)
    if jump is not None:
        return Found("jumps over", curve.evaluations(), between=(jump,))
    slope, slope_error = _slope(curve, value, low, high)
    error = math.nan
    if abs(slope) > _CLEAR * slope_error:
        error = math.hypot(curve.mcse(value), curve.gap(value)) / abs(slope)
    return Found(
        "met", curve.evaluations(), value, error, slope, slope_error, turns=curve.turns()
    )  # fmt: skip


def _bracket(curve: _Curve, low: float, high: float, width: float) -> float:
    from scipy.optimize import brentq

    def gap(value: float) -> float:
        return curve.gap(value) if curve.side(value) else 0.0

    return float(brentq(gap, low, high, xtol=width, rtol=4 * np.finfo(float).eps, maxiter=200))


def _slope(curve: _Curve, value: float, low: float, high: float) -> tuple[float, float]:
    """The slope at a value and its error: over a span as wide as what noise leaves open."""
    largest = 0.1 * (high - low)
    smallest = 1e-3 * min(high - low, abs(value) or high - low)
    step = smallest
    below, above = curve.neighbours(value)
    rough = (curve.mean(above) - curve.mean(below)) / (above - below)
    if rough:
        step = min(max(smallest, 3 * curve.mcse(value) / abs(rough)), largest)
    while True:
        first, second = max(low, value - step), min(high, value + step)
        change, error = curve.difference(first, second)
        slope, slope_error = change / (second - first), error / (second - first)
        clear = abs(slope) > _CLEAR * slope_error
        if step >= largest or (clear and curve.mcse(value) / abs(slope) <= step):
            return slope, slope_error
        step = min(4 * step, largest)


class _Curve:
    """The function, remembering what it was at every value that was asked for."""

    def __init__(self, evaluate: Callable[[float], Values], target: float) -> None:
        self._evaluate, self._target = evaluate, target
        self._known: dict[float, Values] = {}

    def at(self, value: float) -> Values:
        if value not in self._known:
            self._known[value] = np.asarray(self._evaluate(value), dtype=np.float64)
        return self._known[value]

    def mean(self, value: float) -> float:
        return mean_and_error(self.at(value))[0]

    def mcse(self, value: float) -> float:
        """nan for a single draw counts as zero: nothing is known of the noise."""
        return float(np.nan_to_num(mean_and_error(self.at(value))[1]))

    def gap(self, value: float) -> float:
        return self.mean(value) - self._target

    def side(self, value: float) -> int:
        """-1 below the target, 1 above, 0 where the distance is no matter."""
        gap = self.gap(value)
        if abs(gap) <= max(_SMALL * self.mcse(value), self._rounding(value)):
            return 0
        return 1 if gap > 0 else -1

    def near(self, value: float) -> bool:
        return abs(self.gap(value)) <= max(_CLEAR * self.mcse(value), self._rounding(value))

    def _rounding(self, value: float) -> float:
        return _ROUNDING * max(abs(self._target), abs(self.mean(value)))

    def difference(self, first: float, second: float) -> tuple[float, float]:
        """Mean of the paired difference, second minus first, and its error."""
        mean, error = mean_and_error(self.at(second) - self.at(first))
        return mean, float(np.nan_to_num(error))

    def differ(self, first: float, second: float) -> bool:
        change, error = self.difference(first, second)
        rounding = max(self._rounding(first), self._rounding(second))
        return abs(change) > max(_CLEAR * error, rounding)

    def neighbours(self, value: float) -> tuple[float, float]:
        """The nearest values that are known, one below and one above where there are both."""
        known = sorted(self._known)
        position = known.index(value)
        return known[max(0, position - 1)], known[min(len(known) - 1, position + 1)]

    def jump(
        self, value: float, low: float, high: float, width: float
    ) -> tuple[float, float] | None:
        """The span, no wider than ``width``, in which the function jumps over the target."""
        below, above = self.neighbours(value)
        for a, b in ((below, value), (value, above)):
            if self.side(a) * self.side(b) < 0 and b - a <= width:
                change = abs(self.difference(a, b)[0])
                if self.differ(a, b) and change > _JUMP * abs(self.mean(high) - self.mean(low)):
                    return a, b
        return None

    def turns(self) -> bool:
        """Whether the function goes up somewhere and down elsewhere, beyond what noise may do."""
        known = sorted(self._known)
        ways = {
            self.difference(a, b)[0] > 0 for a, b in itertools.pairwise(known) if self.differ(a, b)
        }
        return len(ways) > 1

    def evaluations(self) -> tuple[Evaluation, ...]:
        return tuple(
            Evaluation(value, *mean_and_error(self._known[value])) for value in sorted(self._known)
        )
