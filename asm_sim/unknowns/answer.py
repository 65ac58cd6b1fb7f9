"""From the outcomes at all points to a Dataset that says which unknown matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from asm_sim.studies.sensitivity import Found, morris, paired, sobol
from asm_sim.unknowns.axes import Axis, written
from asm_sim.unknowns.outcome import Outcome
from asm_sim.unknowns.points import Points

Floats = NDArray[np.float64]
Labels = dict[str, tuple[str, Any]]

_WORDS = {
    "central": "Outcome with everything at its central value",
    "change": "Change of the outcome from its central value",
    "mean": "Mean elementary effect: change over the whole width of the unknown",
    "size": "Root mean square of the elementary effect, whatever its sign",
    "spread": "SD of the elementary effect over trajectories: interactions and bends",
    "first": "Share of the variance that would go if this were known",
    "total": "Share of the variance that would stay if all others were known",
    "sd": "SD of the outcome over what the unknowns may be, without the luck of draws",
}
_SHARES = {"first", "total"}


def answer(
    method: str,
    points: Points,
    values: Sequence[Floats],
    outcomes: Sequence[Outcome],
    cohorts: Sequence[str],
    about: dict[str, Any],
) -> xr.Dataset:
    """The Dataset of a method.

    ``values`` are arrays [point, draw, cohort], one for each outcome. Dims are ``outcome``,
    ``cohort`` and, of effects, ``alternative`` (with coordinates ``parameter``, ``end``, ``value``)
    or ``parameter``. Units are those of the outcome (coordinate ``units``); of shares, fractions.
    """
    of_one = {"effects": _effects, "morris": _morris, "sobol": _sobol}[method]
    found = [
        [of_one(points, every[..., k].copy()) for k in range(len(cohorts))] for every in values
    ]
    dim = "alternative" if method == "effects" else "parameter"
    parts: dict[str, Any] = {}
    for name, first in found[0][0].items():
        dims = ("outcome", "cohort", dim) if np.ndim(first.value) else ("outcome", "cohort")
        units = "fraction" if name in _SHARES else "units of the outcome"
        for end, ending, words in ((0, "", ""), (1, "_mcse", ", standard error")):
            numbers = np.array([[one[name][end] for one in row] for row in found])
            attrs = {"units": units, "long_name": _WORDS[name] + words}
            parts[name + ending] = (dims, numbers, attrs)
    labels = _alternatives(points) if method == "effects" else _parameters(points.axes)
    coords: dict[str, Any] = {
        "outcome": [outcome.name for outcome in outcomes],
        "units": ("outcome", [outcome.units for outcome in outcomes]),
        "words": ("outcome", [outcome.words for outcome in outcomes]),
        "cohort": list(cohorts),
        **labels,
    }
    return xr.Dataset(parts, coords, about | {"method": method})


Estimates = dict[str, Found]


def _effects(points: Points, y: Floats) -> Estimates:
    del points
    return {"central": paired(y[0], np.zeros(1)), "change": paired(y[1:], y[0])}


def _morris(points: Points, y: Floats) -> Estimates:
    x = _quantiles(points)
    return morris(y.reshape(*x.shape[:2], -1), x)._asdict()


def _sobol(points: Points, y: Floats) -> Estimates:
    return sobol(y.reshape(*_quantiles(points).shape[:2], -1))._asdict()


def _quantiles(points: Points) -> Floats:
    assert points.quantiles is not None
    return points.quantiles


def _alternatives(points: Points) -> Labels:
    units = {axis.path: axis.unit for axis in points.axes}
    central = {axis.path: written(axis.central) for axis in points.axes}

    def along(of: Callable[[Any], str]) -> tuple[str, Any]:
        return "alternative", np.array([of(one) for one in points.alternatives], np.str_)

    return {
        "parameter": along(lambda one: one.path),
        "end": along(lambda one: one.end),
        "value": along(lambda one: written(one.value)),
        "central_value": along(lambda one: central[one.path]),
        "unit": along(lambda one: units[one.path]),
    }


def _parameters(axes: Sequence[Axis]) -> Labels:
    return {
        "parameter": ("parameter", np.array([axis.path for axis in axes], np.str_)),
        "central_value": ("parameter", np.array([written(a.central) for a in axes], np.str_)),
        "unit": ("parameter", np.array([axis.unit for axis in axes], np.str_)),
    }
