"""Tiers of the final score against true tiers: counted by hand, and of normal scores."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from asm_sim.studies import chance, normal
from tests.unit.refusal import refused
from tests.unit.volatility_run import made_up_run, panel_run


def ranked(score: list[float], true: list[float], groups: list[str]) -> xr.Dataset:
    """One draw of one year with these scores."""
    n = len(score)
    scores = {"final_score": score, "true_final_score": true}
    tables = {name: np.array(of, dtype=float)[None, :, None] for name, of in scores.items()}
    groups_of = [["practice_size: solo", group] for group in groups]
    return panel_run(["HF"] * n, np.arange(n), groups_of, tables)


def test_counted_by_hand() -> None:
    """Eight clinicians, cut in the middle: two of the lower half are found in the upper one."""
    true = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    found = [1.0, 2.0, 7.0, 8.0, 3.0, 4.0, 5.5, 6.0]  # 3 and 4 seem best, 5 and 6 seem worse
    bands = ["episodes: 20-29"] * 4 + ["episodes: 30-49"] * 4
    result = chance.tiers(ranked(found, true, bands), [0.5]).squeeze(drop=True)
    everybody = result.sel(group="all")
    assert everybody["share"].transpose("tier", "true_tier").values.tolist() == [
        [0.25, 0.25],
        [0.25, 0.25],
    ]
    assert everybody["sensitivity"].values.tolist() == [0.5, 0.5]
    few = result.sel(group="episodes: 20-29")  # all truly in the lower half
    assert float(few["clinicians"]) == 4
    assert float(few["sensitivity"].sel(tier=1)) == 0.5
    assert np.isnan(few["sensitivity"].sel(tier=2))
    assert float(few["predictive_value"].sel(tier=1)) == 1.0
    assert float(few["predictive_value"].sel(tier=2)) == 0.0
    assert float(few["false_discovery_rate"].sel(tier=2)) == 1.0


def test_nobody_is_misplaced_without_noise_and_ties_share_a_tier() -> None:
    true = [5.0, 5.0, 5.0, 5.0, 9.0, np.nan]
    result = chance.tiers(ranked(true, true, ["episodes: 20-29"] * 6), [0.25, 0.75])
    of_all = result.sel(group="all").squeeze(drop=True)
    assert float(of_all["clinicians"]) == 5
    assert np.diag(of_all["share"].transpose("tier", "true_tier")).tolist() == [0.0, 0.8, 0.2]
    assert of_all["false_discovery_rate"].values[1:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("reliability", [0.25, 0.61])
def test_normal_scores_in_closed_form(reliability: float) -> None:
    rng = np.random.default_rng(4)
    draws, n, cuts = 40, 500, [0.25, 0.8]
    true = rng.standard_normal((draws, n, 1))
    found = np.sqrt(reliability) * true + np.sqrt(1 - reliability) * rng.standard_normal(true.shape)
    tables = {"final_score": found, "true_final_score": true}
    ds = panel_run(
        ["HF"] * n, np.arange(n), [["practice_size: solo", "episodes: 30-49"]] * n, tables
    )
    result = chance.tiers(ds, cuts).sel(group="all").squeeze(drop=True)
    known = normal.in_same_tiers(cuts, reliability).T  # [found, true]
    share = result["share"].transpose("tier", "true_tier")
    error = result["share_mcse"].transpose("tier", "true_tier").values
    assert (np.abs(share.values - known) < 4.5 * error + 1.0 / n).all()
    worst = 1.0 - known[0, 0] / 0.25
    for name in ("false_discovery_rate", "sensitivity", "predictive_value"):
        wanted = worst if name == "false_discovery_rate" else 1.0 - worst
        value, mcse = (float(result[part].sel(tier=1)) for part in (name, f"{name}_mcse"))
        assert value == pytest.approx(wanted, abs=4.5 * mcse + 1.0 / n)
        assert 0 < mcse < 0.01


def test_all_shares_of_a_group_are_one() -> None:
    result = chance.tiers(made_up_run())
    total = result["share"].sum(("tier", "true_tier"), skipna=False).values
    np.testing.assert_allclose(total[np.isfinite(total)], 1.0)
    assert np.isfinite(total[..., 0]).all()


@pytest.mark.parametrize("cuts", [[], [0.5, 0.5], [0.0], [0.9, 0.1], [np.nan], [1.0]])
def test_cuts_that_are_none(cuts: list[float]) -> None:
    assert "give shares between 0 and 1, ascending" in refused(chance.tiers, made_up_run(), cuts)
