"""Estimates with their Monte Carlo error, and how they are written."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.statistics import (
    estimate,
    mcse,
    mcse_of_share,
    mean_over_draws,
    million_usd,
    millions,
    paired_difference,
    percent,
    percentage_points,
    round_to_error,
    rounded_to_range,
    written,
)
from tests.unit.synthetic_run import synthetic_dataset

NAN = float("nan")


def by_draw(values: list[float]) -> xr.DataArray:
    return xr.DataArray(values, dims="draw")


def test_error_of_a_mean_by_hand() -> None:
    # deviations -1.5, -0.5, 0.5, 1.5: variance 5/3 over n - 1 = 3, over n = 4: 5/12
    assert float(mcse(by_draw([1.0, 2.0, 3.0, 4.0]))) == pytest.approx(math.sqrt(5 / 12))


def test_error_is_the_spread_of_the_mean_over_repetitions() -> None:
    runs = xr.DataArray(
        np.random.default_rng(7).gamma(2.0, 3.0, size=(4000, 25)), dims=("run", "draw")
    )
    spread_of_means = float(mean_over_draws(runs).std(ddof=1))
    assert spread_of_means == pytest.approx(math.sqrt(2.0 * 3.0**2 / 25), rel=0.05)
    assert float(np.sqrt((mcse(runs) ** 2).mean())) == pytest.approx(spread_of_means, rel=0.05)


def test_error_falls_with_the_root_of_the_draws() -> None:
    values = xr.DataArray(np.random.default_rng(8).normal(size=40_000), dims="draw")
    ratio = float(mcse(values[:400]) / mcse(values))
    assert ratio == pytest.approx(10.0, rel=0.1)


def test_only_finite_draws_count() -> None:
    with_gaps = by_draw([1.0, NAN, 2.0, math.inf, 3.0, 4.0])
    without = by_draw([1.0, 2.0, 3.0, 4.0])
    assert float(mean_over_draws(with_gaps)) == float(mean_over_draws(without))
    assert float(mcse(with_gaps)) == float(mcse(without))


@pytest.mark.parametrize("values", [[5.0], [5.0, NAN], [NAN, NAN], []])
def test_fewer_than_two_draws_have_no_error_and_raise_no_warning(values: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(float(mcse(by_draw(values))))
        mean = float(mean_over_draws(by_draw(values)))
    assert mean == 5.0 if 5.0 in values else math.isnan(mean)


def test_estimate_keeps_the_other_dims_and_is_over_draws_not_clinicians() -> None:
    ds = synthetic_dataset(draws=12)
    score = estimate(ds, "final_score_mean")
    assert score.mean.dims == score.mcse.dims == ("cohort", "performance_year")
    by_hand = ds["final_score_mean"].std("draw", ddof=1) / math.sqrt(12)
    np.testing.assert_allclose(score.mcse, by_hand, rtol=1e-12)
    year_over_year = estimate(ds, "sign_change_share").mean
    assert np.isnan(year_over_year.isel(performance_year=0)).all()
    assert np.isfinite(year_over_year.isel(performance_year=1)).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [("no_such_variable", "no variable"), ("adjustment_histogram", "not a value per draw")],
)
def test_estimate_of_what_has_no_draws_is_refused(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        estimate(synthetic_dataset(draws=2), name)


def test_paired_difference_is_sharper_than_that_of_two_runs() -> None:
    ds = synthetic_dataset(draws=25)
    changed = ds.copy()
    noise = np.random.default_rng(3).normal(0.5, 0.01, ds["final_score_mean"].shape)
    changed["final_score_mean"] = ds["final_score_mean"] + noise
    difference = paired_difference(changed, ds, "final_score_mean")
    np.testing.assert_allclose(difference.mean, 0.5, atol=0.02)
    np.testing.assert_allclose(difference.mcse, 0.01 / 5, rtol=0.6)
    assert (estimate(ds, "final_score_mean").mcse > 10 * difference.mcse).all()


def test_paired_difference_uses_the_draws_that_both_have() -> None:
    ds = synthetic_dataset(draws=20)
    shorter = ds.isel(draw=slice(0, 8))
    difference = paired_difference(ds, shorter, "share_negative")
    assert (difference.mean == 0).all()
    assert (difference.mcse == 0).all()


def test_paired_difference_of_unpaired_runs_is_refused() -> None:
    ds = synthetic_dataset(draws=3)
    with pytest.raises(InputError, match="different seeds"):
        paired_difference(ds, ds.assign_coords(seed=ds["seed"] + 98), "share_negative")
    with pytest.raises(InputError, match="share no draw"):
        paired_difference(ds, ds.assign_coords(draw=[7, 8, 9]), "share_negative")
    with pytest.raises(InputError, match="cannot be compared"):
        paired_difference(ds, ds.isel(cohort=[0]), "share_negative")
    with pytest.raises(InputError, match="no variable"):
        paired_difference(ds, ds.drop_vars("share_negative"), "share_negative")


@pytest.mark.parametrize(
    ("value", "error", "written"),
    [
        (73.934, 0.0213, "73.93 ±0.02"),
        (1e300, 0.0, f"1{',000' * 100} ±0"),
        (1e300, 1e-300, f"1{',000' * 100} ±0"),
        (73.934, 0.0153, "73.934 ±0.015"),  # two digits where the first is 1
        (73.9, 0.096, "73.90 ±0.10"),  # 0.096 rounds to 0.10
        (73.9, 0.196, "73.90 ±0.20"),
        (1234567.8, 4321.0, "1,235,000 ±4,000"),
        (1234567.8, 96.0, "1,234,570 ±100"),
        (-0.001, 0.02, "0.00 ±0.02"),  # no negative zero
        (-0.0, 0.3, "0.0 ±0.3"),
        (3.0, 250.0, "0 ±200"),  # half to even, value below its error
        (3.0, 120.0, "0 ±120"),
        (-8.6, 7.0, "-9 ±7"),
        (2.5e-7, 3.1e-8, "0.00000025 ±0.00000003"),
        (73.934, -0.0213, "73.93 ±0.02"),
        (5.0, 0.0, "5 ±0"),
        (0.0, 0.0, "0 ±0"),
        (1234567.0, 0.0, "1,234,567 ±0"),
        (1 / 3, 0.0, "0.333333 ±0"),
        (0.15, 1e-17, "0.15 ±0"),  # rounding of binary numbers is no Monte Carlo error
        (100.0, 1e-6, "100 ±0"),
        (73.934, NAN, "73.9 ±?"),  # one draw
        (73.934, math.inf, "73.9 ±?"),
        (-0.0, NAN, "0.0 ±?"),
        (NAN, 0.1, "none"),
        (NAN, NAN, "none"),
        (math.inf, 0.1, "none"),
        (1e15, 3e12, "1,000,000,000,000,000 ±3,000,000,000,000"),
    ],
)
def test_rounding(value: float, error: float, written: str) -> None:
    assert round_to_error(value, error) == written
    assert round_to_error(np.float64(value), np.float64(error)) == written


def test_nothing_is_printed_below_the_error() -> None:
    generator = np.random.default_rng(11)
    for _ in range(2000):
        value = generator.normal() * 10.0 ** generator.integers(-4, 9)
        error = abs(value) * 10.0 ** generator.uniform(-6, 3)
        value_text, error_text = round_to_error(value, error).replace(",", "").split(" ±")
        significant = error_text.replace(".", "").lstrip("0").rstrip("0")
        assert re.fullmatch(r"\d|1\d|10*|20*", significant), error_text
        decimals = [len(text.partition(".")[2]) for text in (value_text, error_text)]
        assert decimals[0] == decimals[1]
        assert abs(float(error_text) - error) <= 0.5 * error
        assert abs(float(value_text) - value) <= 0.5 * float(error_text) * (1 + 1e-12)


def test_units() -> None:
    assert percent(-0.015, 0.00021) == "-1.50 ±0.02 %"
    assert million_usd(112.43e6, 3.1e5) == "112.4 ±0.3 million USD"
    assert million_usd(-4e3, NAN) == "-0.00400 ±? million USD"
    assert percent(NAN, NAN) == million_usd(NAN, 0.1) == "none"


def test_a_variable_is_written_with_its_error() -> None:
    of = {"kept": [1_234_567.0, -2e6], "kept_mcse": [50_000.0, 4_000.0]}
    result = xr.Dataset({name: ("step", values) for name, values in of.items()})
    texts = list(map(str, written(result, "kept", millions).values))
    assert texts == ["1.23 ±0.05", "-2.000 ±0.004"]
    share = xr.Dataset({"share": 0.5761, "share_mcse": 0.002})
    assert str(written(share, "share").item()) == round_to_error(0.5761, 0.002)
    assert str(written(share, "share", percentage_points).item()) == "57.6 ±0.2"
    assert str(written(share, "share", percent).item()) == "57.6 ±0.2 %"


@pytest.mark.parametrize(
    ("draws", "value", "written"),
    [
        (4, 0.0, "below 53 %"),
        (300, 0.0, "below 1.00 %"),
        (2000, 0.0, "below 0.15 %"),
        (2000, 1.0, "above 99.85 %"),
        (1, 0.0, "0.0 ±? %"),
    ],
)
def test_what_no_draw_shows_is_told_by_a_bound(draws: int, value: float, written: str) -> None:
    values = xr.DataArray(np.full(draws, value), dims="draw")
    assert percent(value, float(mcse_of_share(values))) == written
    assert float(mcse(values)) == 0.0 or draws == 1


def test_only_shares_of_clinicians_have_a_bound() -> None:
    ds = synthetic_dataset(draws=30)
    names = ("share_negative", "quintile_transition", "adjustment_mean", "chance_variance_share")
    never = ds[list(names)] * 0.0
    bounds = [float(estimate(never, name).mcse.max()) for name in names]
    assert bounds == [pytest.approx(0.0951 / 2, rel=0.01)] * 2 + [0.0, 0.0]
    assert (estimate(ds, "share_negative").mcse == mcse(ds["share_negative"])).all()


@pytest.mark.parametrize(
    ("value", "low", "high", "texts"),
    [
        (57.786, 51.2, 66.4, ("58", "51", "66")),  # a width of 15
        (57.786, 57.02, 58.61, ("57.8", "57.0", "58.6")),  # of 1.6
        (57.786, 57.7, 57.799, ("57.786", "57.700", "57.799")),  # of .099
        (57.786, 47.99, 57.99, ("58", "48", "58")),  # of 10
        (57.786, 48.0, 57.99, ("57.8", "48.0", "58.0")),  # of 9.99: its two digits are 9.9
        (-8.6, -9.94, -7.36, ("-8.6", "-9.9", "-7.4")),
        (0.04, -1.0, 1.2, ("0.0", "-1.0", "1.2")),  # no negative zero
        (-0.04, -1.0, 1.2, ("0.0", "-1.0", "1.2")),
        (15.0, 15.0, 15.0, ("15", "", "")),  # no width
        (15.000000001, 15.0, 15.00000001, ("15", "", "")),  # rounding of binary numbers
        (0.0, 0.0, 0.0, ("0", "", "")),
        (0.0, 0.0, 1e-12, ("0", "", "")),
        (1_234_567.0, -8.7e8, 1.3e9, ("0", "-900,000,000", "1,300,000,000")),  # huge
        (1.5e300, 1e300, 2e300, (f"15{'0' * 299}", f"10{'0' * 299}", f"20{'0' * 299}")),
        (math.nan, 1.0, 2.0, ("none", "", "")),
        (1.23456, math.nan, 2.0, ("1.23", "", "")),
        (1.23456, 1.0, math.inf, ("1.23", "", "")),
    ],
)
def test_a_range_has_two_digits_of_its_width(
    value: float, low: float, high: float, texts: tuple[str, str, str]
) -> None:
    plain = tuple(part.replace(",", "") for part in rounded_to_range(value, low, high))
    assert plain == tuple(part.replace(",", "") for part in texts)


def test_a_number_with_its_error_prints_as_text_and_sorts_and_counts_as_a_number() -> None:
    values = xr.DataArray([0.5, -0.02, 0.1], dims="x", name="share")
    study = xr.Dataset({"share": values, "share_mcse": values * 0 + 0.002})
    numbers = written(study, "share", "percent").to_pandas()
    assert str(numbers[0]) == f"{numbers[0]}" == percent(0.5, 0.002)
    assert percent(0.5, 0.002) in numbers.to_string()
    assert [float(one) for one in numbers.sort_values()] == [-0.02, 0.1, 0.5]
    np.testing.assert_array_equal(numbers.astype(float), values)
    frame = numbers.to_frame("a").sort_values("a", ascending=False)
    assert frame.index.tolist() == [0, 2, 1]
    assert frame.astype(float).plot() is not None
    assert numbers[0] == 0.5
    assert f"{numbers[0]:>20}" == f"{percent(0.5, 0.002):>20}"


def test_of_a_run_what_is_written_is_the_mean_over_draws() -> None:
    run = synthetic_dataset(6)
    numbers = written(run, "share_negative", "percent")
    expected = estimate(run, "share_negative")
    assert numbers.dims == expected.mean.dims
    at = {"cohort": "HF", "performance_year": 2029}
    pair = [float(part.sel(at)) for part in expected]
    assert str(numbers.sel(at).item()) == percent(*pair)
    assert float(numbers.sel(at).item()) == pair[0]
