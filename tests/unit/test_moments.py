"""Means over draws and their errors, each computed in one place."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from asm_sim.results.moments import jackknife, mean_and_error, moments
from asm_sim.results.statistics import mcse, mean_over_draws
from asm_sim.studies.jackknife import sd_over_draws

VALUES = np.random.default_rng(3).normal(5.0, 2.0, (40, 3))
VALUES[::7, 1] = np.nan
VALUES[1:, 2] = np.inf


def test_mean_and_error_by_hand() -> None:
    """Of 2, 4, 9: mean 5, squares 9 + 1 + 16, so that the error is sqrt(26 / 2 / 3)."""
    assert mean_and_error([2.0, np.nan, 4.0, 9.0]) == pytest.approx((5.0, math.sqrt(26 / 6)))
    assert mean_and_error([2.0])[0] == 2.0
    for values in ([2.0], [], [np.nan]):
        assert math.isnan(mean_and_error(values)[1])


@pytest.mark.parametrize("cut", [1, 7, 39])
def test_blocks_joined_are_the_whole(cut: int) -> None:
    joined, whole = moments(VALUES[:cut]).joined(moments(VALUES[cut:])), moments(VALUES)
    for part, of_whole in zip(joined, whole, strict=True):
        np.testing.assert_allclose(part, of_whole, rtol=1e-12)
    np.testing.assert_array_equal(whole.number, [40, 34, 1])
    np.testing.assert_array_equal(np.isnan(joined.error), [False, False, True])


def test_of_nothing_there_is_no_mean() -> None:
    nothing = moments(np.full((2, 1), np.nan))
    assert np.isnan(nothing.mean).all()
    assert np.isnan(nothing.joined(nothing).mean).all()
    assert nothing.joined(moments(VALUES[:, :1])).error == moments(VALUES[:, :1]).error


def test_arrays_with_names_are_the_same_numbers() -> None:
    named = xr.DataArray(VALUES, dims=("draw", "cohort"))
    np.testing.assert_array_equal(mean_over_draws(named), moments(VALUES).mean)
    np.testing.assert_array_equal(mcse(named.transpose()), moments(VALUES).error)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    of_two = VALUES[:, :2]
    counts = np.isfinite(of_two)
    number, known = counts.sum(0), np.where(counts, of_two, 0.0)
    without = (known.sum(0) - known) / (number - counts)
    np.testing.assert_allclose(jackknife(without, counts), moments(of_two).error, rtol=1e-12)
    np.testing.assert_allclose(
        jackknife(without[:, :1].T, axis=1), moments(of_two[:, :1]).error, rtol=1e-12
    )


def test_what_is_not_known_without_a_draw_has_no_error() -> None:
    """Unless that draw is none of those that the statistic is of."""
    without = np.array([1.0, 2.0, np.nan, 4.0])
    assert np.isnan(jackknife(without))
    assert jackknife(without, np.isfinite(without)) == jackknife(without[[0, 1, 3]])
    assert np.isnan(jackknife(without[:1]))


def test_a_standard_deviation_is_over_the_draws_that_have_a_value() -> None:
    known = xr.DataArray(VALUES[::7, 0], dims="draw")
    gaps = xr.DataArray(np.where(np.arange(40) % 7 == 0, VALUES[:, 0], np.nan), dims="draw")
    for with_gaps, without_gaps in zip(sd_over_draws(gaps), sd_over_draws(known), strict=True):
        assert float(with_gaps) == pytest.approx(float(without_gaps), rel=1e-12)
    assert float(sd_over_draws(known).mean) == pytest.approx(np.std(known.values, ddof=1))
    two = sd_over_draws(known.isel(draw=slice(2)))
    assert np.isfinite(two.mean)
    assert np.isnan(two.mcse)
