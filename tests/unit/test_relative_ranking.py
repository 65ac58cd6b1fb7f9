"""What a score is worth among others: worked by hand, in closed form, and on made-up results."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from asm_sim.studies import relative_ranking
from tests.unit.refusal import refused
from tests.unit.synthetic_run import YEARS, synthetic_dataset, synthetic_sweep

K = 0.1
GRID = np.arange(0.0, 101.0, 5.0)
PARAMETERS = {relative_ranking.RISK: {"2027": 0.09, "2028": 0.12}, relative_ranking.STEEPNESS: K}
RISKS = np.array([0.09, 0.12])
NAMES = ("adjustment_mean", "share_negative", "bonuses", "penalties")


def transformed(score: npt.ArrayLike, median: npt.ArrayLike) -> npt.NDArray[np.float64]:
    apart = np.asarray(score, dtype=np.float64) - np.asarray(median, dtype=np.float64)
    share: npt.NDArray[np.float64] = 1.0 / (1.0 + np.exp(-K * apart))
    return share


def curves(scaling: npt.ArrayLike, median: npt.ArrayLike) -> xr.Dataset:
    """The exchange curve of one cohort and two years; a scaling and a median per draw."""
    s, m = (np.repeat(np.asarray(x, dtype=float)[:, None], 2, axis=1) for x in (scaling, median))
    share = transformed(GRID, m[..., None])
    at_score = RISKS[:, None] * (share * s[..., None] - 1.0)
    at_score[..., 0] = -RISKS
    yearly = ("draw", "cohort", "performance_year")
    return xr.Dataset(
        {
            "scaling_factor": (yearly, s[:, None]),
            "median_final_score": (yearly, m[:, None]),
            "adjustment_at_score": ((*yearly, "score"), at_score[:, None]),
        },
        coords={
            "draw": np.arange(len(s)),
            "cohort": ["HF"],
            "performance_year": [2027, 2028],
            "payment_year": ("performance_year", [2029, 2030]),
            "score": GRID,
        },
        attrs={"scenario": "toy", "seed": "1", "parameters": json.dumps(PARAMETERS)},
    )


def with_panel(
    ds: xr.Dataset, scores: npt.ArrayLike, group: npt.ArrayLike, part_b: list[float]
) -> xr.Dataset:
    """With the final scores of clinicians, the same in all draws and years, in groups a and b."""
    final, position = np.asarray(scores, dtype=float), np.asarray(group)
    draws, n = ds.sizes["draw"], len(final)
    counts = [n, int((position == 1).sum()), int((position == 2).sum())]
    by_group = ("draw", "cohort", "performance_year", "group")
    return ds.assign(
        panel_final_score=(
            ("draw_sample", "clinician", "performance_year"),
            np.broadcast_to(final[None, :, None], (draws, n, 2)).astype(np.float32),
        ),
        panel_group=(
            ("draw_sample", "clinician", "membership"),
            np.broadcast_to(position[None, :, None], (draws, n, 1)).astype(np.int16),
        ),
        clinicians_by_group=(by_group, np.broadcast_to(counts, (draws, 1, 2, 3)).astype(float)),
        part_b_payments_by_group=(
            by_group, np.broadcast_to(np.multiply(counts, part_b), (draws, 1, 2, 3)).astype(float),
        ),
    ).assign_coords(
        draw_sample=np.arange(draws),
        clinician_cohort=("clinician", ["HF"] * n),
        membership=["practice_size"],
        group=["all", "practice_size: a", "practice_size: b"],
        grouping=("group", ["all", "practice_size", "practice_size"]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=24)


# Same score


def test_two_draws_of_one_score_by_hand() -> None:
    """At 75 points: T = 1/2 with a median of 75, S of 1.7 and 1.5: -1.35 % and -2.25 %."""
    result = relative_ranking.same_score(curves([1.7, 1.5], [75.0, 75.0]), 200_000.0)
    at = result.sel(cohort="HF", score=75.0)
    np.testing.assert_allclose(at["adjustment"], [-0.018, -0.024])
    np.testing.assert_allclose(at["adjustment_sd"], np.array([0.009, 0.012]) / math.sqrt(2))
    np.testing.assert_allclose(at["adjustment_range"], [0.009, 0.012])
    np.testing.assert_allclose(at["adjustment_mcse"], [0.0045, 0.006])
    np.testing.assert_allclose(at["adjustment_quantile"].sel(quantile=0.5), [-0.018, -0.024])
    # From 9 % to 12 % at risk: a third more; -0.45 % and -0.75 %, and nothing else changes.
    assert float(at["adjustment_over_years"]) == pytest.approx(0.006)
    assert float(at["adjustment_over_years_mcse"]) == pytest.approx(0.0015)
    assert float(at["adjustment_over_years_same_risk"]) == pytest.approx(0.0, abs=1e-15)
    for name in ("", "_sd", "_range", "_quantile", "_over_years"):
        np.testing.assert_allclose(at[f"dollars{name}"], 200_000 * at[f"adjustment{name}"])
        assert at[f"dollars{name}"].attrs["units"] == "USD"
    assert np.isnan(at["adjustment_sd_mcse"]).all()  # two draws do not tell


def test_zero_points_bring_the_maximum_penalty_whoever_competes() -> None:
    at = relative_ranking.same_score(curves([1.7, 1.5, 1.6], [70.0, 75.0, 72.0])).sel(score=0.0)
    np.testing.assert_allclose(at["adjustment"].values[0], -RISKS)
    np.testing.assert_allclose(at["adjustment_sd"], 0.0, atol=1e-16)
    np.testing.assert_allclose(at["dollars_range"], 0.0, atol=1e-9)


def test_quantiles_are_over_draws(ds: xr.Dataset) -> None:
    result = relative_ranking.same_score(ds)
    for q in (0.05, 0.5, 0.95):
        np.testing.assert_allclose(
            result["adjustment_quantile"].sel(quantile=q),
            ds["adjustment_at_score"].quantile(q, "draw"),
        )
    np.testing.assert_allclose(
        result["adjustment_sd"], ds["adjustment_at_score"].std("draw", ddof=1), atol=1e-15
    )
    apart = ds["adjustment_at_score"].max("performance_year") - ds["adjustment_at_score"].min(
        "performance_year"
    )
    np.testing.assert_allclose(result["adjustment_over_years"], apart.mean("draw"))


# Against peers


def test_peers_who_all_gain_points_are_the_rule_done_again() -> None:
    """The pool, median and scaling made anew of scores that are all five points higher."""
    generator = np.random.default_rng(1)
    part_b = generator.lognormal(12, 0.8, 80)

    def fit(scores: npt.NDArray[np.float64]) -> tuple[float, float]:
        median = float(np.median(scores))
        return 0.85 * part_b.sum() / (transformed(scores, median) * part_b).sum(), median

    scores = generator.uniform(40, 90, 80)
    before, after = fit(scores), fit(scores + 5.0)
    run = curves([before[0]], [before[1]])
    result = relative_ranking.against_peers(run, [62.0, 80.0], [0.0, 5.0])
    for k, (scaling, median) in enumerate((before, after)):
        expected = RISKS * (scaling * transformed([[62.0], [80.0]], median) - 1.0)
        found = result["adjustment"].isel(peers_points=k, cohort=0)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_peers_who_stay_leave_the_curve(ds: xr.Dataset) -> None:
    grid = ds["score"].values[1:]
    result = relative_ranking.against_peers(ds, grid)["adjustment"].squeeze("peers_points")
    expected = ds["adjustment_at_score"].mean("draw").sel(score=grid)
    np.testing.assert_allclose(result.transpose(*expected.dims), expected, atol=1e-14)


# The value of a point


def test_value_of_a_point_by_hand() -> None:
    """Clinicians at the median, 10 points above, at zero and without a score; S = 1.6."""
    run = with_panel(curves([1.6], [70.0]), [70, 80, 0, np.nan], [1, 2, 2, 1], [1e5, 2e5, 3e5])
    result = relative_ranking.value_of_a_point(run).isel(cohort=0)
    at_median = RISKS * 1.6 * K / 4
    np.testing.assert_allclose(result["at_median"], at_median)
    np.testing.assert_allclose(result["dollars_at_median"], 1e5 * at_median)
    above = RISKS * 1.6 * K * math.e / (1 + math.e) ** 2
    of_group = np.stack([(at_median + above) / 2, at_median, above], axis=-1)
    np.testing.assert_allclose(result["average"], of_group, rtol=1e-6)  # scores are float32
    np.testing.assert_allclose(result["dollars_average"], of_group * [1e5, 2e5, 3e5], rtol=1e-6)
    np.testing.assert_array_equal(result["clinicians"], [[2, 1, 1]] * 2)
    stated = relative_ranking.value_of_a_point(run, 4e5).isel(cohort=0)
    np.testing.assert_allclose(stated["dollars_average"], 4e5 * of_group, rtol=1e-6)
    np.testing.assert_allclose(stated["dollars_at_median"], 4e5 * at_median)


def test_identical_clinicians_are_all_at_the_median() -> None:
    run = with_panel(curves([1.7, 1.7], [64.0, 64.0]), [64] * 5, [1, 1, 1, 2, 2], [1e5] * 3)
    result = relative_ranking.value_of_a_point(run).isel(cohort=0)
    for group in range(3):
        np.testing.assert_allclose(result["average"].isel(group=group), 1.7 * RISKS * K / 4)
    np.testing.assert_allclose(result["average_mcse"], 0.0, atol=1e-15)


def test_value_of_a_point_is_the_slope_of_the_curve(ds: xr.Dataset) -> None:
    of_panel = relative_ranking.value_of_a_point(ds)
    mean = float(ds["median_final_score"].isel(draw=0, cohort=0, performance_year=0))
    one = ds.isel(draw=[0], draw_sample=[0])
    ends = relative_ranking.against_peers(one, [mean - 1e-3, mean + 1e-3])["adjustment"]
    slope = float(ends.isel(cohort=0, performance_year=0).diff("score").squeeze()) / 2e-3
    at = relative_ranking.value_of_a_point(one)["at_median"].isel(cohort=0, performance_year=0)
    assert float(at) == pytest.approx(slope, rel=1e-6)
    expected = ds["scaling_factor"].mean("draw").transpose("cohort", ...) * K / 4
    np.testing.assert_allclose(of_panel["at_median"], expected * list(YEARS.values()))


def test_groups_add_up_and_the_other_cohort_has_none(ds: xr.Dataset) -> None:
    far = ds.copy(deep=True)
    far["panel_group"][:, (ds["clinician_cohort"] == "HF").values, 1] = 5
    far["panel_group"][:, (ds["clinician_cohort"] == "LBP").values, 1] = 6
    result = relative_ranking.value_of_a_point(far)
    for grouping in ("practice_size", "specialty", "episodes"):
        of_groups = result.sel(group=result["grouping"] == grouping)
        weighted = (of_groups["average"] * of_groups["clinicians"]).sum("group")
        whole = result.sel(group="all")
        np.testing.assert_allclose(weighted, whole["average"] * whole["clinicians"], rtol=1e-9)
    surgeons = result.sel(group="specialty: orthopaedic_surgery", cohort="HF")
    assert np.isnan(surgeons["average"]).all()
    assert np.isnan(surgeons["average_mcse"]).all()
    assert (surgeons["clinicians"] == 0).all()


# A fixed standard


def lens_run(rule: dict[str, Any], fixed: dict[str, Any], differs: float = 0.0) -> xr.Dataset:
    """Four draws, the first three looked at closely; values by draw, one cohort, year and group."""
    by_group = ("draw", "cohort", "performance_year", "group")
    closely = ("lens_draw", *by_group[1:])
    values: dict[str, Any] = {f"{n}_by_group": (by_group, _filled(rule[n], 1e9)) for n in NAMES}
    values |= {f"fixed_standard_{n}": (closely, _filled(fixed[n])) for n in NAMES}
    values["fixed_standard_sign_differs_share"] = (closely, _filled([differs] * 3))
    values["amount_at_risk"] = (by_group[:-1], _filled([1000.0] * 3, 1e9)[..., 0])
    return xr.Dataset(
        values,
        coords={
            "draw": np.arange(4),
            "lens_draw": np.arange(3),
            "cohort": ["HF"],
            "performance_year": [2028],
            "group": ["all"],
            "grouping": ("group", ["all"]),
        },
        attrs={"scenario": "toy"},
    )


def _filled(values: Any, *more: float) -> npt.NDArray[np.float64]:
    return np.array([*values, *more], dtype=float)[:, None, None, None]


RULE = {
    "adjustment_mean": [-0.013, -0.014, -0.012],
    "share_negative": [0.6, 0.5, 0.55],
    "bonuses": [50.0, 60.0, 55.0],
    "penalties": [200.0, 210.0, 205.0],
}


def test_a_fixed_standard_equal_to_the_moving_one_changes_nothing() -> None:
    result = relative_ranking.fixed_standard(lens_run(RULE, RULE)).squeeze()
    for name in (*NAMES, "kept"):
        assert float(result[f"{name}_difference"]) == 0.0
        assert float(result[f"{name}_difference_mcse"]) == 0.0
    assert float(result["kept_share"]) == float(result["kept_share_rule"]) == pytest.approx(0.15)
    assert float(result["kept_share_sd"]) == pytest.approx(0.0, abs=1e-15)


def test_a_fixed_standard_by_hand() -> None:
    """30, 60 and 90 USD more in bonuses; the draw that was not looked at does not count."""
    fixed = {**RULE, "bonuses": [80.0, 120.0, 145.0], "adjustment_mean": [-0.01, -0.01, -0.01]}
    result = relative_ranking.fixed_standard(lens_run(RULE, fixed, 0.04)).squeeze()
    assert float(result["kept"]) == pytest.approx((120 + 90 + 60) / 3)
    assert float(result["kept_rule"]) == pytest.approx(150.0)
    assert float(result["kept_difference"]) == pytest.approx(-60.0)
    assert float(result["kept_difference_mcse"]) == pytest.approx(30 / math.sqrt(3))
    assert float(result["adjustment_mean_difference"]) == pytest.approx(0.003)
    assert float(result["kept_share"]) == pytest.approx(0.09)
    assert float(result["kept_share_sd"]) == pytest.approx(0.03)
    assert float(result["sign_differs_share"]) == pytest.approx(0.04)


# Wrong input


def test_what_cannot_be_studied_is_refused_and_says_why(ds: xr.Dataset) -> None:
    bare = ds.drop_vars(["adjustment_at_score", "panel_final_score"])
    assert "run the scenario again" in refused(relative_ranking.same_score, bare)
    assert "asm-sim run baseline" in refused(relative_ranking.value_of_a_point, bare)
    no_panel = ds.isel(draw_sample=slice(0, 0))
    assert "panel_draws" in refused(relative_ranking.value_of_a_point, no_panel)
    said = refused(relative_ranking.fixed_standard, ds)
    assert "asm-sim run baseline" in said
    assert "lens_draws" in said
    no_lens = lens_run(RULE, RULE).isel(lens_draw=slice(0, 0))
    assert "lens_draws" in refused(relative_ranking.fixed_standard, no_lens)
    for function in (relative_ranking.same_score, relative_ranking.fixed_standard):
        assert "choose one" in refused(function, synthetic_sweep())
    assert "part_b_payments is -1" in refused(relative_ranking.same_score, ds, -1)
    assert "part_b_payments is nan" in refused(relative_ranking.value_of_a_point, ds, math.nan)
    for score in (0.0, -3.0, 101.0, math.nan):
        assert "own scores above 0" in refused(relative_ranking.against_peers, ds, score)
    mute = ds.assign_attrs(parameters="{}")
    assert "rules.payment.risk_level" in refused(relative_ranking.against_peers, mute, 70.0)


def test_another_exchange_curve_has_no_closed_form(ds: xr.Dataset) -> None:
    linear = ds.assign(adjustment_at_score=ds["adjustment_at_score"] * 1.001)
    for function, more in (
        (relative_ranking.value_of_a_point, ()),
        (relative_ranking.against_peers, (70.0,)),
    ):
        assert "not the rule's logistic" in refused(function, linear, *more)
