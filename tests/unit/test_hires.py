"""What a practice inherits when it hires: made-up runs, known answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.studies import hires

YEARS = np.array([2027, 2028, 2029, 2030])


def moving_run(dollars: np.ndarray, practice: np.ndarray) -> xr.Dataset:
    """Draws x clinicians x years, of the first two in one cohort and the others in another."""
    panel = ("draw_sample", "clinician", "performance_year")
    return xr.Dataset(
        {
            "panel_dollars": (panel, dollars.astype(np.float32)),
            "panel_final_score": (panel, np.where(dollars == 0, np.nan, 70).astype(np.float32)),
            "panel_part_b": (panel, np.full(dollars.shape, 1e5, dtype=np.float32)),
            "panel_practice": (panel, practice.astype(np.int32)),
        },
        coords={
            "draw_sample": np.arange(len(dollars)),
            "performance_year": YEARS,
            "payment_year": ("performance_year", YEARS + 2),
            "cohort": ["HF", "LBP"],
            "clinician_cohort": ("clinician", ["HF", "HF", "LBP"]),
        },
        attrs={"scenario": "toy", "parameters": json.dumps({hires.MOVES: 0.05})},
    )


def test_what_is_still_to_be_paid_moves_along() -> None:
    dollars = np.array([[[-100.0, 30.0, 5.0, 7.0], [10.0, 20.0, 40.0, 80.0], [1.0, 2.0, 4.0, 8.0]]])
    practice = np.array([[[0, 1, 1, 1], [2, 2, 2, 3], [4, 4, 4, 4]]])
    result = hires.inherited(moving_run(np.repeat(dollars, 3, 0), np.repeat(practice, 3, 0)))
    hf = result.sel(cohort="HF")
    np.testing.assert_array_equal(hf["hires"].values, [np.nan, 1, 0, 1])
    # In 2028 the year 2027 is open; in 2030 2028 and 2029, paid in 2030 and 2031.
    np.testing.assert_allclose(hf["dollars"].values, [np.nan, -100.0, np.nan, 20.0 + 40.0])
    np.testing.assert_allclose(hf["share_losing"].values, [np.nan, 1.0, np.nan, 0.0])
    np.testing.assert_allclose(hf["largest_loss"].values, [np.nan, 100.0, 0.0, 0.0])
    np.testing.assert_allclose(
        hf["dollars_staying"].values, [np.nan, 10.0, (-100 + 30 + 10 + 20) / 2, 35.0]
    )
    lbp = result.sel(cohort="LBP")
    np.testing.assert_array_equal(lbp["hires"].values[1:], 0)
    assert np.isnan(lbp["dollars"]).all()
    np.testing.assert_allclose(lbp["dollars_staying"].values[1:], [1.0, 3.0, 6.0])
    np.testing.assert_allclose(hf["dollars_mcse"].values[1], 0.0, atol=1e-9)  # draws are the same


def test_who_never_had_a_score_is_no_hire() -> None:
    dollars = np.zeros((2, 3, 4))
    dollars[:, 1, 1] = 5.0
    practice = np.broadcast_to(np.arange(4), dollars.shape)  # everybody moves every year
    result = hires.inherited(moving_run(dollars, practice)).sel(cohort="HF")
    np.testing.assert_array_equal(result["hires"].values, [np.nan, 0, 1, 1])
    np.testing.assert_array_equal(result["dollars"].values, [np.nan, np.nan, 5, 5])


def test_who_has_stopped_practising_is_no_hire() -> None:
    dollars = np.broadcast_to([[-9.0, 4.0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]], (2, 3, 4))
    practice = np.broadcast_to([[0, 1, 2, 3], [4, 4, 4, 4], [5, 5, 5, 5]], dollars.shape)
    run = moving_run(dollars, practice)
    left = (run["panel_dollars"] == 0) & (run["clinician_cohort"] == "HF")
    run["panel_final_score"] = run["panel_final_score"].fillna(70.0)  # of the list that is held
    run["panel_part_b"] = run["panel_part_b"].where(~left, 0.0)
    result = hires.inherited(run).sel(cohort="HF")
    np.testing.assert_array_equal(result["hires"].values, [np.nan, 1, 1, 1])
    np.testing.assert_array_equal(result["dollars"].values, [np.nan, -9, -5, 4])
    gone = run.assign(panel_part_b=run["panel_part_b"].where(run["performance_year"] < 2028, 0.0))
    np.testing.assert_array_equal(hires.inherited(gone).sel(cohort="HF")["hires"][1:], [1, 1, 0])


def test_errors_are_over_draws() -> None:
    random = np.random.default_rng(8)
    dollars = random.normal(0, 100, (200, 3, 4))
    practice = np.broadcast_to([[0, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3]], dollars.shape)
    result = hires.inherited(moving_run(dollars, practice)).sel(cohort="HF", performance_year=2028)
    of_draws = dollars[:, 0, 0].astype(np.float32).astype(float)
    np.testing.assert_allclose(result["dollars"], of_draws.mean(), rtol=1e-6)
    np.testing.assert_allclose(result["dollars_mcse"], of_draws.std(ddof=1) / 200**0.5, rtol=1e-6)


def test_a_run_in_which_nobody_moves_is_refused() -> None:
    run = moving_run(np.zeros((2, 3, 4)), np.zeros((2, 3, 4)))
    still = run.assign_attrs(parameters=json.dumps({hires.MOVES: 0}))
    with pytest.raises(InputError, match=r"nobody moves.*movers-and-entrants"):
        hires.inherited(still)
    for name in ("panel_dollars", "panel_practice", "panel_part_b"):
        with pytest.raises(InputError, match=name):
            hires.inherited(run.drop_vars(name))
