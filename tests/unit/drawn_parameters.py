"""Made-up runs whose variances are known, with and without parameters that are drawn."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import xarray as xr

PATHS = ["population.a", "population.b", "population.set"]
COEFFICIENTS = np.array([3.0, -1.0])
NOISE = 2.0
Floats = npt.NDArray[np.float64]


def run(values: Floats, drawn: Floats | None = None, measurement: str = "on") -> xr.Dataset:
    """A run with the outcome ``values`` [draws, 2]; where parameters are drawn, one is held."""
    layers = {"population": "on", "measurement": measurement}
    layers["parameters"] = "off" if drawn is None else "on"
    ds = xr.Dataset(
        {"outcome": (("draw", "cohort"), values, {"units": "USD", "long_name": "Outcome"})},
        coords={"draw": np.arange(len(values)), "cohort": ["HF", "LBP"]},
        attrs={"seed": "1", "scenario_yaml": json.dumps({"layers": layers}), "rules_hash": "r"},
    )
    if drawn is None:
        return ds
    held = np.full((len(drawn), 1), np.nan)
    return ds.assign(
        parameter_value=(("draw", "parameter"), np.hstack([drawn, held]))
    ).assign_coords(parameter=PATHS)


def linear(draws: int, seed: int = 3) -> tuple[xr.Dataset, xr.Dataset]:
    """Two parameters of unit variance that add to noise in HF and do nothing in LBP."""
    generator = np.random.default_rng(seed)
    drawn = generator.uniform(-(3**0.5), 3**0.5, (draws, 2))
    noise = generator.normal(0.0, NOISE, (draws, 2))
    moved = noise.copy()
    moved[:, 0] += drawn @ COEFFICIENTS
    return run(moved, drawn), run(noise)
