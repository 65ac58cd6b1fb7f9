"""Chance: none without noise, a normal one, draws as clusters, wrong signs by hand."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from asm_sim.studies import chance
from tests.unit.refusal import refused
from tests.unit.volatility_run import EPISODES, made_up_run, panel_run

LENS_DIMS = ("lens_draw", "cohort", "performance_year", "probe", "replicate")


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return made_up_run()


def probes(deviation: npt.NDArray[np.float64], true: float = -0.01) -> xr.Dataset:
    """One average probe of one cohort and year, moved by ``deviation`` [draws, replicates]."""
    moved = deviation[:, np.newaxis, np.newaxis, np.newaxis]
    return xr.Dataset(
        {
            "probe_adjustment": (LENS_DIMS, true + moved),
            "probe_true_adjustment": (LENS_DIMS, np.full(moved.shape, true)),
        },
        coords={
            "cohort": ["HF"],
            "performance_year": [2027],
            "payment_year": ("performance_year", [2029]),
            "probe": ["average"],
            "probe_level": ("probe", [0.0]),
            "probe_gain": ("probe", [0.0]),
            "probe_episodes": ("probe", [50.0]),
        },
    )


def ten_clinicians() -> xr.Dataset:
    """Noise-free scores 1 to 10, the sign at 5.5; the fifth and the ninth have the other sign.

    Two draws, one year; in the second the tenth has no final score.
    """
    true_score = np.tile(np.arange(1.0, 11.0), (2, 1))
    true = 0.01 * (true_score - 5.5)
    adjustment = true.copy()
    adjustment[:, 4] = 0.015  # moved by 2 points
    adjustment[:, 8] = -0.005  # by 4 points
    score = true_score.copy()
    score[1, 9], true_score[1, 9], adjustment[1, 9], true[1, 9] = np.nan, np.nan, 0.0, 0.0
    bands = ["episodes: 20-29"] * 5 + ["episodes: 30-49"] * 5
    tables = {
        "adjustment": adjustment,
        "true_adjustment": true,
        "final_score": score,
        "true_final_score": true_score,
    }
    return panel_run(
        ["HF"] * 10,
        np.arange(10),
        [["practice_size: solo", band] for band in bands],
        {name: table[..., np.newaxis] for name, table in tables.items()},
    )


# The average clinician


def test_without_noise_nobody_is_moved(ds: xr.Dataset) -> None:
    quiet = ds.assign(
        probe_adjustment=ds["probe_true_adjustment"],
        panel_adjustment=ds["panel_true_adjustment"],
    )
    result = chance.average_clinician(quiet)
    for name in ("chance_mean", "chance_sd", "chance_quantile", "moved_share"):
        assert (result[name] == 0.0).all(), name
    of_panel = chance.misclassification(quiet)
    for name in ("misclassified_share", "moved_share"):
        assert (of_panel[name] == 0.0).all(), name
        bound = 1 - 0.05 ** (1 / quiet.sizes["draw_sample"])
        assert (2 * of_panel[f"{name}_mcse"] > bound - 1e-9).all()  # more where a group is missing


def test_a_normal_chance_and_its_errors() -> None:
    """Mean 1 point, SD 2 points, independent: all in closed form."""
    draws, replicates, mean, sd = 500, 32, 0.01, 0.02
    normal = NormalDist(mean, sd)
    noise = np.random.default_rng(8).normal(mean, sd, (draws, replicates))
    result = chance.average_clinician(probes(noise)).squeeze()
    n = draws * replicates
    assert float(result["chance_mean_mcse"]) == pytest.approx(sd / math.sqrt(n), rel=0.1)
    assert float(result["chance_sd_mcse"]) == pytest.approx(sd / math.sqrt(2 * n), rel=0.1)
    known = {"chance_mean": mean, "chance_sd": sd, "noise_free_adjustment": -0.01}
    for name, expected in known.items():
        error = float(result[f"{name}_mcse"])
        assert abs(float(result[name]) - expected) <= 4 * error + 1e-15, name
    for q in chance.QUANTILES:
        value = normal.inv_cdf(q)
        error = math.sqrt(q * (1 - q) / n) / normal.pdf(value)
        assert float(result["chance_quantile_mcse"].sel(quantile=q)) == pytest.approx(
            error, rel=0.25
        )
        assert float(result["chance_quantile"].sel(quantile=q)) == pytest.approx(
            value, abs=4 * error
        )
    for points in chance.POINTS:
        limit = points / 100
        share = normal.cdf(-limit) + 1 - normal.cdf(limit)
        error = float(result["moved_share_mcse"].sel(points=points))
        assert error == pytest.approx(math.sqrt(share * (1 - share) / n), rel=0.15)
        assert float(result["moved_share"].sel(points=points)) == pytest.approx(
            share, abs=4 * error
        )


def test_replicates_of_a_draw_are_one_cluster() -> None:
    """Where a draw's replicates are all the same, they tell no more than one does."""
    by_draw = np.random.default_rng(9).normal(0.0, 0.02, (400, 1))
    one = chance.average_clinician(probes(by_draw)).squeeze()
    repeated = chance.average_clinician(probes(np.repeat(by_draw, 32, axis=1))).squeeze()
    for name in ("chance_mean_mcse", "chance_sd_mcse", "moved_share_mcse"):
        np.testing.assert_allclose(repeated[name], one[name], rtol=1e-9)
    np.testing.assert_allclose(
        repeated["chance_quantile_mcse"], one["chance_quantile_mcse"], rtol=0.05
    )


def test_only_average_probes_count_in_the_order_of_episodes(ds: xr.Dataset) -> None:
    result = chance.average_clinician(ds)
    assert list(result["episodes"].values) == sorted(EPISODES)
    assert result["chance_sd"].dims == ("cohort", "performance_year", "episodes")
    apart = (ds["probe_adjustment"] - ds["probe_true_adjustment"]).isel(probe=1)
    of_twenty = result["chance_mean"].sel(episodes=20.0)
    np.testing.assert_allclose(of_twenty, apart.mean(("lens_draw", "replicate")), rtol=1e-4)
    assert (result["chance_sd"].diff("episodes") < 0).all()


# Wrong signs


def test_wrong_signs_by_hand() -> None:
    """2 of 10 and 2 of 9; the middle fifth are the fifth and sixth, then the fifth alone."""
    result = chance.misclassification(ten_clinicians()).squeeze()
    of_all = result.sel(among="all", group="all")
    assert float(of_all["clinicians"]) == 9.5
    assert float(of_all["misclassified_share"]) == pytest.approx(4 / 19)
    for points, expected in ((1.0, 4 / 19), (3.0, 2 / 19), (5.0, 0.0)):
        assert float(of_all["moved_share"].sel(points=points)) == pytest.approx(expected)
    middle = result.sel(among="middle fifth", group="all")
    assert float(middle["clinicians"]) == 1.5
    assert float(middle["misclassified_share"]) == pytest.approx(2 / 3)
    low, high = (result.sel(among="all", group=f"episodes: {band}") for band in ("20-29", "30-49"))
    assert float(low["misclassified_share"]) == pytest.approx(2 / 10)
    assert float(high["misclassified_share"]) == pytest.approx(2 / 9)


def test_the_error_of_a_share_is_over_draws() -> None:
    """4 of 19, from draws of 2 in 10 and 2 in 9: residuals +-2/19 over a mean of 9.5."""
    of_all = chance.misclassification(ten_clinicians()).sel(among="all", group="all").squeeze()
    residuals = np.array([2 - 40 / 19, 2 - 36 / 19])
    expected = residuals.std(ddof=1) / math.sqrt(2) / 9.5
    assert float(of_all["misclassified_share_mcse"]) == pytest.approx(expected)


def test_bands_weighted_by_their_clinicians_add_up(ds: xr.Dataset) -> None:
    result = chance.misclassification(ds)
    weight = result["clinicians"]
    for grouping in ("episodes: ", "practice_size: "):
        inside = [group for group in result["group"].values if group.startswith(grouping)]
        for name in ("misclassified_share", "moved_share"):
            added = (result[name] * weight).sel(group=inside).sum("group")
            np.testing.assert_allclose(
                added, (result[name] * weight).sel(group="all"), rtol=1e-9, atol=1e-12
            )
    assert (result["moved_share"].diff("points") <= 0).all()
    assert (weight.sel(among="middle fifth") < weight.sel(among="all")).all()


# Wrong input


def test_runs_without_probes_or_panel(ds: xr.Dataset) -> None:
    for without in (ds.drop_vars("probe_adjustment"), ds.isel(lens_draw=slice(0, 0))):
        assert "lens_draws" in refused(chance.average_clinician, without)
    unusual = ds.assign_coords(probe_level=ds["probe_level"] + 1.0)
    assert "none of the probe" in refused(chance.average_clinician, unusual)
    for without in (ds.drop_vars("panel_true_adjustment"), ds.isel(draw_sample=slice(0, 0))):
        assert "panel_draws" in refused(chance.misclassification, without)
    sweep = xr.concat([ds, ds], "scenario").assign_coords(scenario=["a", "b"])
    for function in (chance.average_clinician, chance.misclassification):
        assert "choose one" in refused(function, sweep)
        for points in ([-1.0], [math.nan], []):
            assert "give percentage points" in refused(function, ds, points)
