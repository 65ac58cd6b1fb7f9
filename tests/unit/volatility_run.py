"""Small made-up runs with a panel, factor sets and probes, for the studies of volatility."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.results.registry import FACTORS, factor_sets

GROUPS = {
    "all": ["all"],
    "practice_size": ["solo", "2-15"],
    "episodes": ["20-29", "30-49", "50-99"],
}
LABELS = [
    "all" if grouping == "all" else f"{grouping}: {label}"
    for grouping, labels in GROUPS.items()
    for label in labels
]
ATTRS = {
    "scenario": "made up",
    "scenario_hash": "0123456789abcdef" * 4,
    "seed": "1",
    "asm_sim_version": "0.1.0",
    "rules": "asm-2026-final",
    "population": "roster-2027-preliminary",
    "parameters": json.dumps({}),
}
EPISODES = (50.0, 20.0, 30.0, 100.0, 200.0)  # in the order of a run: the usual one first
# What each factor alone makes of the variance, in fraction^2, where factors simply add up.
ADDITIVE = dict(zip(FACTORS, (3e-4, 1e-3, 4e-4, 1e-4, 2e-4), strict=True))


def panel_run(
    cohorts: npt.ArrayLike,
    practices: npt.ArrayLike,
    membership: npt.ArrayLike,
    panel: dict[str, npt.ArrayLike],
) -> xr.Dataset:
    """A run of ``panel`` variables [draws, clinicians, years]; membership by label, per grouping.

    ``membership`` [clinicians, groupings] or [draws, clinicians, groupings].
    """
    values = {name: np.asarray(table, dtype=np.float32) for name, table in panel.items()}
    draws, n, years = next(iter(values.values())).shape
    position = np.vectorize(LABELS.index)(np.asarray(membership))
    groups = np.broadcast_to(position, (draws, n, len(GROUPS) - 1)).astype(np.int16)
    return xr.Dataset(
        {
            **{
                f"panel_{name}": (("draw_sample", "clinician", "performance_year"), table)
                for name, table in values.items()
            },
            "panel_group": (("draw_sample", "clinician", "membership"), groups),
        },
        coords={
            "draw_sample": np.arange(draws),
            "clinician": np.arange(n),
            "clinician_cohort": ("clinician", np.asarray(cohorts)),
            "clinician_practice": ("clinician", np.asarray(practices)),
            "membership": list(GROUPS)[1:],
            "cohort": list(dict.fromkeys(np.asarray(cohorts).tolist())),
            "performance_year": 2027 + np.arange(years),
            "payment_year": ("performance_year", 2029 + np.arange(years)),
            "group": LABELS,
            "grouping": ("group", [name for name, labels in GROUPS.items() for _ in labels]),
        },
        attrs={**ATTRS, "draws": draws},
    )


def made_up_run(draws: int = 12, years: int = 5, seed: int = 3) -> xr.Dataset:
    """90 clinicians of two cohorts with everything that the studies and figures read."""
    generator = np.random.default_rng(seed)
    cohorts = np.repeat(["HF", "LBP"], [40, 50])
    n = len(cohorts)
    practices = generator.integers(0, 30, n)
    of_practice = generator.integers(0, 2, (draws, 30))[:, practices]
    size = np.array([f"practice_size: {label}" for label in GROUPS["practice_size"]])[of_practice]
    band = generator.integers(0, 3, (draws, n))
    episodes = np.array([f"episodes: {label}" for label in GROUPS["episodes"]])[band]
    permanent = generator.normal(0.0, 10.0, (draws, n, 1))
    true_score = 70.0 + permanent + generator.normal(0.0, 6.0, (draws, n, years))
    noise = generator.normal(0.0, 1.0, (draws, n, years)) * (9.0 - 2.5 * band[..., np.newaxis])
    true = 0.002 * (true_score - 73.0)
    score = true_score + noise
    score[generator.random(score.shape) < 0.02] = np.nan
    adjustment = np.where(np.isfinite(score), 0.002 * (score - 73.0), 0.0)
    dollars = adjustment * generator.lognormal(12.0, 0.8, (draws, n, 1))
    ds = panel_run(
        cohorts,
        practices,
        np.stack([size, episodes], axis=2),
        {
            "adjustment": adjustment,
            "true_adjustment": true,
            "final_score": score,
            "true_final_score": true_score,
            "dollars": dollars,
        },
    )
    return ds.merge(draw_level(draws, years, generator)).merge(lens(draws, years, generator))


def draw_level(draws: int, years: int, generator: np.random.Generator) -> xr.Dataset:
    shape = (draws, 2, years)
    yearly = ("draw", "cohort", "performance_year")
    values: dict[str, Any] = {
        name: (yearly, middle + generator.normal(0.0, 0.01, shape))
        for name, middle in (
            ("rank_correlation", 0.5),
            ("sign_change_share", 0.3),
            ("adjustment_change_sd", 0.05),
        )
    }
    for _, table in values.values():
        table[:, :, 0] = np.nan
    transition = generator.dirichlet(np.arange(5.0, 0.0, -1.0) * 20, (draws, 2, 5))
    penalty = generator.dirichlet(np.full(years + 1, 30.0), (draws, 2, len(LABELS)))
    counts = np.array([1.0, 0.4, 0.6, 0.3, 0.3, 0.4]) * np.array([[40.0], [50.0]])
    values["quintile_transition"] = (("draw", "cohort", "from_quintile", "to_quintile"), transition)
    values["penalty_years"] = (("draw", "cohort", "group", "n_years"), penalty)
    values["clinicians_by_group"] = (
        (*yearly, "group"),
        np.broadcast_to(counts[:, np.newaxis], (*shape, len(LABELS))).copy(),
    )
    coords = {
        "draw": np.arange(draws),
        "from_quintile": np.arange(1, 6),
        "to_quintile": np.arange(1, 6),
        "n_years": np.arange(years + 1),
    }
    return xr.Dataset(values, coords=coords)


def lens(draws: int, years: int, generator: np.random.Generator) -> xr.Dataset:
    sets = additive_sets()
    level = generator.lognormal(0.0, 0.05, (draws, 2, len(LABELS), 1))
    table = level * sets * (1.0 + generator.normal(0.0, 0.01, (draws, 2, len(LABELS), 32)))
    probes = len(EPISODES) + 2
    replicates = 8
    true = np.full((draws, 2, years, probes, replicates), -0.01, dtype=np.float32)
    sd = 0.1 / np.sqrt(np.array([*EPISODES, 50.0, 50.0]))
    noise = generator.normal(0.0, 1.0, true.shape) * sd[:, np.newaxis]
    probe_dims = ("lens_draw", "cohort", "performance_year", "probe", "replicate")
    variance_dims = ("lens_draw", "cohort", "group", "factors")
    return xr.Dataset(
        {
            "within_clinician_variance": (variance_dims, table),
            "year_to_year_variance": (variance_dims, 1.7 * table),
            "probe_adjustment": (probe_dims, (true + noise).astype(np.float32)),
            "probe_true_adjustment": (probe_dims, true),
        },
        coords={
            "lens_draw": np.arange(draws),
            "factors": factor_sets(),
            "probe": [f"probe {number}" for number in range(probes)],
            "probe_level": ("probe", [0.0] * len(EPISODES) + [1.0, 0.0]),
            "probe_gain": ("probe", [0.0] * len(EPISODES) + [0.0, 0.1]),
            "probe_episodes": ("probe", [*EPISODES, 50.0, 50.0]),
            "replicate": np.arange(replicates),
        },
    )


def additive_sets() -> npt.NDArray[np.float64]:
    """The variance of every set where each factor adds its own part of :data:`ADDITIVE`."""
    parts = np.array(list(ADDITIVE.values()))
    inside = np.arange(2 ** len(parts))[:, np.newaxis] >> np.arange(len(parts)) & 1
    return np.asarray((inside * parts).sum(axis=1), dtype=np.float64)
