"""How different the model would be had other areas been drawn: made-up runs, known answers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.studies import geography

DRAWS, SAMPLE = 400, 300
YEARS = [2027, 2028]
HELD = {"population": "off", "measurement": "off", "selection": "on", "parameters": "off"}


def redrawn_run(seed: int = 3, frame: str = "synthetic", **layers: str) -> xr.Dataset:
    """4 clinicians; a draw takes three of them, and shifts all adjustments by what it drew."""
    random = np.random.default_rng(seed)
    shift = random.normal(0.0, 0.01, (DRAWS, 1, 2))
    count = random.integers(80, 120, (DRAWS, 1, 2)).astype(float)
    own = np.array([-0.05, 0.0, 0.02, 0.04])
    adjustment = own[None, :, None] + shift[:SAMPLE, :, :].transpose(0, 1, 2)
    score = np.full((SAMPLE, 4, 2), 70.0)
    left_out = random.integers(0, 4, SAMPLE)
    score[np.arange(SAMPLE), left_out] = np.nan
    adjustment[np.arange(SAMPLE), left_out] = 0.0  # who is absent is not adjusted
    yearly = ("draw", "cohort", "performance_year")
    panel = ("draw_sample", "clinician", "performance_year")
    return xr.Dataset(
        {
            "clinicians_by_group": ((*yearly, "group"), count[..., None]),
            "adjustment_mean": (yearly, shift),
            "panel_adjustment": (panel, adjustment.astype(np.float32)),
            "panel_final_score": (panel, score.astype(np.float32)),
        },
        coords={
            "draw": np.arange(DRAWS),
            "draw_sample": np.arange(SAMPLE),
            "cohort": ["HF"],
            "performance_year": YEARS,
            "group": ["all"],
            "clinician_cohort": ("clinician", ["HF"] * 4),
        },
        attrs={
            "scenario": "toy",
            "scenario_yaml": json.dumps({"layers": HELD | layers}),
            "parameters": json.dumps({geography.FRAME: frame}),
        },
    )


def test_means_and_spreads_over_areas() -> None:
    run = redrawn_run()
    result = geography.redrawn(run, "adjustment_mean").sel(cohort="HF")
    shift = run["adjustment_mean"].sel(cohort="HF")
    np.testing.assert_allclose(result["adjustment_mean"], shift.mean("draw"))
    np.testing.assert_allclose(result["adjustment_mean_mcse"], shift.std("draw", ddof=1) / 20)
    np.testing.assert_allclose(result["adjustment_mean_sd"], shift.std("draw", ddof=1))
    assert (abs(result["adjustment_mean_sd"] - 0.01) < 4 * result["adjustment_mean_sd_mcse"]).all()
    assert (result["adjustment_mean_sd_mcse"] > 0).all()
    counts = run["clinicians_by_group"].sel(cohort="HF", group="all")
    np.testing.assert_allclose(result["participants"], counts.mean("draw"))
    np.testing.assert_allclose(result["participants_sd"], counts.std("draw", ddof=1))
    assert result["participants"].attrs["units"] == "clinicians"


def test_the_error_of_one_clinicians_movement_covers_what_is_true() -> None:
    """In as many runs as 60, each with few draws."""
    apart = []
    for seed in range(60):
        run = redrawn_run(seed).isel(draw_sample=slice(0, 24))
        result = geography.redrawn(run, "adjustment_mean").isel(cohort=0, performance_year=0)
        apart.append(float((result["own_adjustment_sd"] - 0.01) / result["own_adjustment_sd_mcse"]))
    assert 0.7 < np.std(apart) < 1.4
    assert abs(np.median(apart)) < 1


def test_one_clinician_moves_with_the_draw_and_absence_is_no_movement() -> None:
    result = geography.redrawn(redrawn_run(), "adjustment_mean").sel(cohort="HF")
    error = result["own_adjustment_sd_mcse"]
    assert ((error > 0) & (error < 0.001)).all()
    assert (abs(result["own_adjustment_sd"] - 0.01) < 4 * error).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"population": "on"}, "layers.population is not off"),
        ({"measurement": "on"}, "layers.measurement is not off"),
        ({"selection": "off"}, "layers.selection is not on"),
        ({"frame": "roster"}, "frame is roster"),
    ],
)
def test_other_runs_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=f"{words}.*areas-redrawn"):
        geography.redrawn(redrawn_run(**given), "adjustment_mean")


def test_too_few_draws_and_unknown_statistics_are_refused() -> None:
    run = redrawn_run()
    with pytest.raises(InputError, match="at least 3 draws"):
        geography.redrawn(run.isel(draw=slice(0, 2), draw_sample=slice(0, 2)), "adjustment_mean")
    with pytest.raises(InputError, match="no statistic is called 'mean'"):
        geography.redrawn(run, "mean")
    with pytest.raises(InputError, match="panel_adjustment"):
        geography.redrawn(run.drop_vars("panel_adjustment"), "adjustment_mean")
