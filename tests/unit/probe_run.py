"""Made-up runs and sweeps with probes whose adjustments are known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.studies import improvement

Floats = npt.NDArray[np.float64]

# level, gain, episodes; in no order
PROBES = (
    (0.0, 0.0, 50.0), (0.0, 0.0, 20.0), (1.0, 0.0, 50.0), (-1.0, 0.0, 50.0), (0.0, 0.3, 50.0),
    (0.0, -0.1, 50.0), (0.0, 0.1, 50.0), (0.0, 0.2, 50.0), (0.5, 0.0, 50.0),
)  # fmt: skip
GAINS = [-0.1, 0.0, 0.1, 0.2, 0.3]
YEARS = [2027, 2028, 2029]
PER_YEARS, SHARES = [0.0, 0.05, 0.1], [0.5, 1.0]
DRAWS, REPLICATES = 6, 4
LEVEL, GAIN, EPISODES = np.array(PROBES).T
# Noise that is the same for every probe of a draw and replicate: it cancels in differences.
NOISE = np.random.default_rng(4).normal(0, 0.02, (DRAWS, 1, 1, 1, REPLICATES))


def probe_run(adjustment: Floats, extra_draws: int = 0) -> xr.Dataset:
    """A run of which probes [draws, cohorts, years, probes, replicates] are known."""
    shape = (DRAWS, 1, len(YEARS), len(PROBES), REPLICATES)
    values = np.broadcast_to(adjustment, shape).astype(np.float32)
    dims = ("lens_draw", "cohort", "performance_year", "probe", "replicate")
    draws = DRAWS + extra_draws
    by_group = ("draw", "cohort", "performance_year", "group")
    amount = np.where(np.arange(draws) < DRAWS, 3e5, 9e9)[:, None, None, None]
    everyone = (draws, 1, len(YEARS), 1)
    return xr.Dataset(
        {
            "probe_adjustment": (dims, values),
            "probe_true_adjustment": (dims, values),
            "probe_final_score": (dims, 70 + 1000 * values),
            "part_b_payments_by_group": (by_group, np.broadcast_to(2 * amount, everyone)),
            "clinicians_by_group": (by_group, np.full(everyone, 2.0)),
        },
        coords={
            "draw": np.arange(draws),
            "lens_draw": np.arange(DRAWS),
            "cohort": ["HF"],
            "performance_year": YEARS,
            "payment_year": ("performance_year", [year + 2 for year in YEARS]),
            "group": ["all"],
            "probe": [f"probe {k}" for k in range(len(PROBES))],
            "probe_level": ("probe", LEVEL),
            "probe_gain": ("probe", GAIN),
            "probe_episodes": ("probe", EPISODES),
        },
        attrs={"scenario": "toy", "seed": "1", "draws": draws, "parameters": "{}"},
    )


def probe_sweep(adjustment: Callable[[float, float], Floats]) -> xr.Dataset:
    """A sweep over how much peers improve (D) and which share of them (s)."""
    cases = list(itertools.product(PER_YEARS, SHARES))
    runs = [probe_run(adjustment(per_year, share)) for per_year, share in cases]
    names = [f"per_year={per_year}, share={share}" for per_year, share in cases]
    entries = [
        {"name": name, "set": {improvement.PER_YEAR: per_year, improvement.SHARE: share}}
        for name, (per_year, share) in zip(names, cases, strict=True)
    ]
    shared = list(runs[0].coords)
    ds = xr.concat([run.drop_vars(shared) for run in runs], "scenario")
    ds = ds.assign_coords(runs[0].coords).assign_coords(
        {
            "scenario": names,
            improvement.PER_YEAR: ("scenario", [per_year for per_year, _ in cases]),
            improvement.SHARE: ("scenario", [share for _, share in cases]),
        }
    )
    about = {"scenarios": json.dumps(entries), "compare_to": "per_year=0.0, share=1.0"}
    return ds.assign_attrs(runs[0].attrs | about | {"scenario": improvement.SWEEP})


def exact(per_year: float, share: float) -> Floats:
    """0.2 (d - s D) times the years gone by, less for few episodes, and the noise."""
    gone = np.arange(len(YEARS))[:, None, None]
    of_probe = GAIN[:, None] - share * per_year
    result: Floats = 0.2 * gone * of_probe - 0.05 * (EPISODES[:, None] < 50) + NOISE
    return result
