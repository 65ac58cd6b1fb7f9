"""Volatility over the years: three clinicians worked by hand, sums over groups, wrong input."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from asm_sim.studies import volatility
from tests.unit.refusal import refused
from tests.unit.volatility_run import LABELS, made_up_run, panel_run

SOLO, SMALL = "practice_size: solo", "practice_size: 2-15"
FEW, MANY = "episodes: 20-29", "episodes: 30-49"
PAIR = ("", "_mcse")


def three_clinicians() -> xr.Dataset:
    """Two of heart failure, one of low back pain who shares a practice with the first."""
    adjustment = [
        [[-0.02, -0.02, -0.02], [0.01, 0.02, 0.03], [-0.03, 0.01, 0.00]],
        [[-0.01, 0.00, -0.02], [-0.04, -0.02, -0.06], [0.01, 0.01, 0.01]],
    ]
    dollars = [
        [[-8_000, -8_000, -8_000], [1_000, 2_000, 3_000], [-12_000, 4_000, 0]],
        [[-4_000, 0, -10_000], [-20_000, -10_000, -30_000], [2_000, 2_000, 2_000]],
    ]
    return panel_run(
        ["HF", "HF", "LBP"],
        [7, 3, 7],
        [[SMALL, FEW], [SOLO, MANY], [SMALL, MANY]],
        {"adjustment": adjustment, "dollars": dollars, "final_score": np.full((2, 3, 3), 70.0)},
    )


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return made_up_run()


def at(result: xr.Dataset, name: str, **where: object) -> float:
    return float(result[name].sel(where))


# By hand


def test_sd_over_the_years() -> None:
    """Heart failure: SDs 0 and .01 in the first draw, .01 and .02 in the second."""
    result = volatility.over_the_years(three_clinicians())
    everyone = {"cohort": "HF", "group": "all"}
    assert at(result, "within_clinician_sd", **everyone) == pytest.approx(0.01, rel=1e-6)
    assert at(result, "within_clinician_sd_mcse", **everyone) == pytest.approx(0.005, rel=1e-6)
    rms = math.sqrt((0 + 1e-4 + 1e-4 + 4e-4) / 4)
    assert at(result, "within_clinician_rms", **everyone) == pytest.approx(rms, rel=1e-6)
    # The mean variance is .00005 and .00025: an error of .0001, of the root half over the root.
    assert at(result, "within_clinician_rms_mcse", **everyone) == pytest.approx(1e-4 / 2 / rms)
    for group, expected in ((SOLO, 0.015), (SMALL, 0.005)):
        assert at(result, "within_clinician_sd", cohort="HF", group=group) == pytest.approx(
            expected, rel=1e-6
        )
    median = result["within_clinician_sd_quantile"].sel({"quantile": 0.5, **everyone})
    assert float(median) == pytest.approx(0.01, rel=1e-6)
    assert at(result, "clinicians", **everyone) == 2
    back = at(result, "within_clinician_sd", cohort="LBP", group="all")
    assert back == pytest.approx(math.sqrt(13 / 30_000) / 2, rel=1e-6)  # .0208 and 0


def test_a_constant_adjustment_has_no_sd() -> None:
    still = panel_run(
        ["HF", "HF"],
        [1, 2],
        [[SOLO, FEW], [SOLO, FEW]],
        {"adjustment": np.full((3, 2, 4), -0.04), "final_score": np.full((3, 2, 4), 50.0)},
    )
    result = volatility.over_the_years(still).sel(group="all")
    for name in ("within_clinician_sd", "within_clinician_rms", "sign_change_share"):
        assert float(result[name].squeeze()) == 0.0, name


def test_sign_changes_are_between_years_with_a_score() -> None:
    """Only the first changes, in the second draw: 2 of 8 pairs; none of 6 without that score."""
    three = three_clinicians()
    assert at(
        volatility.over_the_years(three), "sign_change_share", cohort="HF", group="all"
    ) == pytest.approx(2 / 8)
    three["panel_final_score"][1, 0, 1] = np.nan
    assert at(
        volatility.over_the_years(three), "sign_change_share", cohort="HF", group="all"
    ) == pytest.approx(0.0)


def test_dollars_by_hand() -> None:
    result = volatility.dollars(three_clinicians())
    everyone = {"cohort": "HF", "group": "all"}
    first, second, third = ({**everyone, "performance_year": year} for year in (2027, 2028, 2029))
    assert at(result, "dollars", **first) == pytest.approx((-3_500 - 12_000) / 2)
    assert at(result, "dollars_mcse", **first) == pytest.approx(8_500 / 2)
    assert at(result, "cumulated", **first) == at(result, "dollars", **first)
    assert at(result, "cumulated", **third) == pytest.approx((-9_000 - 37_000) / 2)
    spread = (30_000 + 46_000) / math.sqrt(2) / 2
    assert at(result, "cumulated_sd", **third) == pytest.approx(spread)
    for q, expected in ((0.05, -40_100), (0.5, -23_000), (0.95, (4_500 - 16_300) / 2)):
        assert at(result, "cumulated_quantile", quantile=q, **third) == pytest.approx(expected)
    for where, losses in ((second, (0.5, 0.25, 0.0)), (third, (0.75, 0.25, 0.25))):
        for loss, expected in zip(volatility.LOSSES, losses, strict=True):
            assert at(result, "loss_probability", loss=loss, **where) == pytest.approx(expected)
    assert list(result["payment_year"].values) == [2029, 2030, 2031]
    only = {"cohort": "LBP", "group": MANY, "performance_year": 2029}
    assert at(result, "cumulated", **only) == pytest.approx((-8_000 + 6_000) / 2)
    assert np.isnan(at(result, "cumulated_sd", **only))  # one clinician has no SD over clinicians
    assert np.isnan(at(result, "dollars", cohort="LBP", group=SOLO, performance_year=2027))


def test_a_loss_is_more_than_the_limit() -> None:
    result = volatility.dollars(three_clinicians(), [24_000, 23_999])
    third = {"cohort": "HF", "group": SMALL, "performance_year": 2029}
    assert at(result, "loss_probability", loss=24_000, **third) == 0.0
    assert at(result, "loss_probability", loss=23_999, **third) == 0.5


def test_practices_are_sums_over_both_cohorts() -> None:
    """The first and the third together: -32,000 and -8,000 after three years."""
    result = volatility.practice_dollars(three_clinicians())
    assert list(result["group"].values) == ["all", SOLO, SMALL]
    small, everyone = ({"group": group, "performance_year": 2029} for group in (SMALL, "all"))
    assert at(result, "practices", group="all") == 2
    assert at(result, "cumulated", **small) == pytest.approx(-20_000)
    assert at(result, "cumulated", **everyone) == pytest.approx((-13_000 - 34_000) / 2)
    assert at(result, "dollars", group=SMALL, performance_year=2027) == pytest.approx(-11_000)
    for loss, expected in zip(volatility.LOSSES, (0.5, 0.5, 0.25), strict=True):
        assert at(result, "loss_probability", loss=loss, **everyone) == pytest.approx(expected)
    assert at(result, "loss_probability", loss=10_000, **small) == pytest.approx(0.5)


# Sums and errors


@pytest.mark.parametrize("grouping", ["practice_size", "episodes"])
def test_groups_weighted_by_their_clinicians_add_up_to_all(ds: xr.Dataset, grouping: str) -> None:
    cases = [
        (volatility.over_the_years(ds), "clinicians", ["within_clinician_sd"]),
        (volatility.dollars(ds), "clinicians", ["dollars", "cumulated", "loss_probability"]),
    ]
    if grouping == "practice_size":
        names = ["dollars", "cumulated", "loss_probability"]
        cases.append((volatility.practice_dollars(ds), "practices", names))
    for result, who, names in cases:
        inside = [group for group in result["group"].values if group.startswith(f"{grouping}: ")]
        weight = result[who]
        np.testing.assert_allclose(
            weight.sel(group=inside).sum("group"), weight.sel(group="all"), rtol=1e-12
        )
        for name in names:
            added = (result[name] * weight).sel(group=inside).sum("group")
            expected = (result[name] * weight).sel(group="all")
            np.testing.assert_allclose(added, expected, rtol=1e-9, atol=1e-12)


def test_practices_and_clinicians_have_the_same_dollars(ds: xr.Dataset) -> None:
    clinicians, practices = volatility.dollars(ds), volatility.practice_dollars(ds)
    by_cohort = (clinicians["cumulated"] * clinicians["clinicians"]).sel(group="all").sum("cohort")
    together = (practices["cumulated"] * practices["practices"]).sel(group="all")
    np.testing.assert_allclose(by_cohort, together, rtol=1e-9)
    dollars, cumulated = (clinicians[name].sel(group="all") for name in ("dollars", "cumulated"))
    np.testing.assert_allclose(dollars.cumsum("performance_year"), cumulated, rtol=1e-9)


def test_practices_take_the_size_of_their_clinicians_in_each_draw(ds: xr.Dataset) -> None:
    positions = ds["panel_group"].isel(membership=0).values
    practice = ds["clinician_practice"].values
    solo = [
        len({p for p, group in zip(practice, row, strict=True) if LABELS[group] == SOLO})
        for row in positions
    ]
    assert at(volatility.practice_dollars(ds), "practices", group=SOLO) == pytest.approx(
        np.mean(solo)
    )


def test_each_number_has_an_error_and_units(ds: xr.Dataset) -> None:
    for function in (
        volatility.over_the_years,
        volatility.year_to_year,
        volatility.transitions,
        volatility.penalty_years,
        volatility.dollars,
        volatility.practice_dollars,
    ):
        result = function(ds)
        names = [str(name) for name in result if not str(name).endswith("_mcse")]
        assert set(result) == {f"{name}{ending}" for name in names for ending in PAIR}
        for name in names:
            assert result[name].attrs["units"] == result[f"{name}_mcse"].attrs["units"]
            assert np.isfinite(result[f"{name}_mcse"]).all(), name
            assert "draw" not in result[name].dims
        assert result.attrs["seed"] == "1"


# Values per draw


def test_year_to_year_and_transitions_are_means_over_draws(ds: xr.Dataset) -> None:
    result = volatility.year_to_year(ds)
    assert list(result["performance_year"].values) == [2028, 2029, 2030, 2031]
    later = ds["rank_correlation"].isel(performance_year=slice(1, None))
    np.testing.assert_allclose(result["rank_correlation"], later.mean("draw"))
    all_years = later.mean("performance_year")
    np.testing.assert_allclose(result["rank_correlation_all_years"], all_years.mean("draw"))
    np.testing.assert_allclose(
        result["rank_correlation_all_years_mcse"], all_years.std("draw", ddof=1) / math.sqrt(12)
    )
    transition = volatility.transitions(ds)["transition"]
    assert transition.dims == ("cohort", "from_quintile", "to_quintile")
    np.testing.assert_allclose(transition.sum("to_quintile"), 1.0)
    np.testing.assert_allclose(transition, ds["quintile_transition"].mean("draw"))


def test_penalty_years_by_hand(ds: xr.Dataset) -> None:
    """Two draws: 2 clinicians of whom half have one year, 6 of whom none has: 1 in 8."""
    count = ds["clinicians_by_group"].isel(draw=slice(0, 2)).copy()
    count[{"draw": 0}], count[{"draw": 1}] = 2.0, 6.0
    share = ds["penalty_years"].isel(draw=slice(0, 2)) * 0.0
    share[{"draw": 0, "n_years": slice(0, 2)}] = 0.5
    share[{"draw": 1, "n_years": 0}] = 1.0
    made = ds.drop_dims("draw").assign(penalty_years=share, clinicians_by_group=count)
    result = volatility.penalty_years(made)
    np.testing.assert_allclose(result["probability"].sel(n_years=1), 1 / 8)
    np.testing.assert_allclose(result["probability"].sum("n_years"), 1.0)
    np.testing.assert_allclose(result["expected_years"], 1 / 8)


def test_a_group_without_clinicians_is_not_known(ds: xr.Dataset) -> None:
    empty = {"cohort": 1, "group": 2}
    made = ds.copy(deep=True)
    made["clinicians_by_group"][{**empty, "draw": slice(None)}] = 0.0
    made["penalty_years"][{**empty, "draw": slice(None)}] = np.nan
    result = volatility.penalty_years(made)
    assert np.isnan(result["probability"].isel(empty)).all()
    assert np.isfinite(result["probability"].isel(cohort=0)).all()


# Wrong input


def test_runs_without_what_is_needed(ds: xr.Dataset) -> None:
    no_draws = ds.isel(draw_sample=slice(0, 0))
    for function in (volatility.over_the_years, volatility.dollars, volatility.practice_dollars):
        for without in (ds.drop_vars("panel_dollars").drop_vars("panel_adjustment"), no_draws):
            said = refused(function, without)
            assert "asm-sim run baseline" in said
            assert "panel_draws" in said
    for function, name in (
        (volatility.transitions, "quintile_transition"),
        (volatility.penalty_years, "penalty_years"),
        (volatility.year_to_year, "rank_correlation"),
    ):
        assert name in refused(function, ds.drop_vars(name))
    other = [str(name).replace("practice_size", "size") for name in ds["grouping"].values]
    ungrouped = ds.assign_coords(grouping=("group", other))
    assert "practice_size" in refused(volatility.practice_dollars, ungrouped)


def test_a_sweep_and_a_single_year(ds: xr.Dataset) -> None:
    sweep = xr.concat([ds, ds], "scenario").assign_coords(scenario=["a", "b"])
    one_year = made_up_run(draws=2, years=1)
    for function in (volatility.over_the_years, volatility.year_to_year):
        assert "choose one" in refused(function, sweep)
        assert "one performance year" in refused(function, one_year)
    for function in (volatility.transitions, volatility.penalty_years, volatility.dollars):
        assert "choose one" in refused(function, sweep)


@pytest.mark.parametrize("losses", [[-1.0], [math.nan], []])
def test_losses_are_given_as_positive_numbers(ds: xr.Dataset, losses: list[float]) -> None:
    for function in (volatility.dollars, volatility.practice_dollars):
        assert "give USD, zero or more" in refused(function, ds, losses)
