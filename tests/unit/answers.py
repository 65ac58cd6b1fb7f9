"""Made-up answers of ``asm_sim.sensitivity``, of three unknowns and two outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

LONG = "population.specialty_mix.LBP.physical_medicine_and_rehabilitation"
PATHS = ["rules.a.steepness", LONG, "population.b.nothing"]
ABOUT: dict[str, Any] = {
    "title": "A scenario", "scenario": "one", "scenario_hash": "0123456789", "draws": 8,
    "seed": "1", "asm_sim_version": "0", "performance_year": 2027,
}  # fmt: skip


def coords(paths: list[str], dim: str) -> dict[str, Any]:
    return {
        "outcome": ["share_negative", "retained_by_medicare"],
        "units": ("outcome", ["fraction", "USD"]),
        "words": ("outcome", ["Share with a penalty", "Kept by Medicare"]),
        "cohort": ["HF", "LBP"],
        "parameter": (dim, paths),
        "central_value": (dim, ["0.1"] * len(paths)),
        "unit": (dim, ["per point"] * len(paths)),
        "description": (dim, ["What it is"] * len(paths)),
    }


def effects() -> xr.Dataset:
    paths = [PATHS[0], PATHS[0], PATHS[1], PATHS[2]]
    change = np.array([0.01, -0.05, 0.11, 0.0004])
    numbers = np.stack([np.stack([change, change / 2]), 1e8 * np.stack([change, 0 * change])])
    error = np.abs(numbers) / 10 + np.array([0, 0, 0, 1.0]) * np.abs(numbers)
    dims = ("outcome", "cohort", "alternative")
    whole = np.array([[0.5, 0.6], [1e7, 2e7]])
    return xr.Dataset(
        {
            "central": (dims[:2], whole),
            "central_mcse": (dims[:2], whole / 50),
            "change": (dims, numbers),
            "change_mcse": (dims, error),
        },
        coords(paths, "alternative")
        | {
            "end": ("alternative", ["low", "high", "low", "zero"]),
            "value": ("alternative", ["0.05", "0.2", "0.15", "zero"]),
        },
        ABOUT | {"method": "effects"},
    )


def sampled(method: str) -> xr.Dataset:
    names = {"morris": ("mean", "size", "spread"), "sobol": ("first", "total")}[method]
    numbers = np.array([0.2, 0.7, -0.01]) * np.ones((2, 2, 3))
    dims = ("outcome", "cohort", "parameter")
    found: dict[str, Any] = dict.fromkeys(names, (dims, numbers))
    found |= {f"{name}_mcse": (dims, np.full((2, 2, 3), 0.03)) for name in names}
    if method == "sobol":
        found |= {"sd": (dims[:2], np.full((2, 2), 0.04))}
        found |= {"sd_mcse": (dims[:2], np.full((2, 2), 0.001))}
    return xr.Dataset(found, coords(PATHS, "parameter"), ABOUT | {"method": method})


def layers() -> xr.Dataset:
    """Shares of layers; the second outcome is the same in every draw."""
    known = np.array([0.5, 0.3, 0.25, -0.05]) * np.ones((2, 1))
    share = np.stack([known, known * np.nan])
    dims = ("outcome", "cohort", "layer")
    whole = np.array([[0.02, 0.01], [0.0, 0.0]])
    base = coords([], "parameter")
    kept = {name: base[name] for name in ("outcome", "units", "words", "cohort")}
    return xr.Dataset(
        {
            "share": (dims, share),
            "share_mcse": (dims, 0.0 * share + 0.06),
            "sd": (dims[:2], whole),
            "sd_mcse": (dims[:2], whole / 20),
        },
        kept | {"layer": ["readings", "parameters", "population", "measurement"]},
        ABOUT | {"method": "variance"},
    )
