"""From the outcomes at all points to a Dataset that says which unknown matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from asm_sim.results.sensitivity import SHARES
from asm_sim.studies.estimates import DRAW
from asm_sim.studies.jackknife import sd_over_draws
from asm_sim.studies.sensitivity import LAYERS, Found, morris, paired, sobol, variance_shares
from asm_sim.unknowns.axes import written
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
    "share": "Share of the variance over draws that comes from a layer",
    "sd": "SD of the outcome over what the unknowns may be, without the luck of draws; of variance "
    "with it",
}
ALTERNATIVE, PARAMETER, LAYER = "alternative", "parameter", "layer"


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
    ``cohort`` and ``alternative`` of effects (with coordinates ``parameter``, ``end``, ``value``),
    ``layer`` of variance, else ``parameter``. Units are those of the outcome (coordinate
    ``units``); of shares, fractions.
    """
    of_one = {
        "effects": _effects, "morris": _morris, "sobol": _sobol, "variance": _variance
    }[method]  # fmt: skip
    found = [
        [of_one(points, every[..., k].copy()) for k in range(len(cohorts))] for every in values
    ]
    labels = _labels(points)
    dim = next(iter(labels.values()))[0]
    parts: dict[str, Any] = {}
    for name, first in found[0][0].items():
        dims = ("outcome", "cohort", dim) if np.ndim(first.value) else ("outcome", "cohort")
        units = "fraction" if name in SHARES else "units of the outcome"
        for end, ending, words in ((0, "", ""), (1, "_mcse", ", standard error")):
            numbers = np.array([[one[name][end] for one in row] for row in found])
            attrs = {"units": units, "long_name": _WORDS[name] + words}
            parts[name + ending] = (dims, numbers, attrs)
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
    """Of a design with second-order indices, the columns that the first and total ones need."""
    rows, columns, inputs = _quantiles(points).shape
    kept = [*range(inputs + 1), columns - 1]
    return sobol(y.reshape(rows, columns, -1)[:, kept])._asdict()


def _variance(points: Points, y: Floats) -> Estimates:
    del points
    sd = sd_over_draws(xr.DataArray(y[0], dims=DRAW))
    return {"share": variance_shares(y), "sd": Found(sd.mean.values, sd.mcse.values)}


def _quantiles(points: Points) -> Floats:
    assert points.quantiles is not None
    return points.quantiles


def _labels(points: Points) -> Labels:
    """What stands along the alternatives of effects, the layers, or else along the parameters."""
    if points.shifts:
        return {LAYER: (LAYER, np.array(LAYERS, np.str_))}
    axes = {axis.path: axis for axis in points.axes}
    paths = [one.path for one in points.alternatives] or list(axes)
    dim = ALTERNATIVE if points.alternatives else PARAMETER
    columns = {
        PARAMETER: paths,
        "central_value": [written(axes[path].central) for path in paths],
        "unit": [axes[path].unit for path in paths],
        "description": [axes[path].words for path in paths],
    }
    if points.alternatives:
        columns |= {
            "end": [one.end for one in points.alternatives],
            "value": [written(one.value) for one in points.alternatives],
        }
    return {name: (dim, np.array(column, np.str_)) for name, column in columns.items()}
