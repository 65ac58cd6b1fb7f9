"""Estimates over draws: their errors against the jackknife and closed forms; what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results import ranges
from asm_sim.studies import estimates
from asm_sim.studies.jackknife import sd_over_draws


def test_a_ratio_over_draws() -> None:
    """Against the jackknife over draws, and as the plain mean where the denominator is constant."""
    generator = np.random.default_rng(5)
    below = xr.DataArray(generator.uniform(50, 60, 400), dims="draw")
    above = 0.3 * below + xr.DataArray(generator.normal(0, 2, 400), dims="draw")
    found = estimates.ratio(above, below)
    assert float(found.mean) == pytest.approx(float(above.sum() / below.sum()))
    left_out = ((above.sum() - above) / (below.sum() - below)).values
    jackknife = math.sqrt(399 / 400 * ((left_out - left_out.mean()) ** 2).sum())
    assert float(found.mcse) == pytest.approx(jackknife, rel=0.01)
    constant = estimates.ratio(above, below * 0 + 2)
    assert float(constant.mcse) == pytest.approx(float(above.std(ddof=1)) / 20 / 2)
    assert np.isnan(estimates.ratio(above, below * 0).mean)


def test_error_of_a_standard_deviation() -> None:
    """The jackknife done by leaving draws out, and the known error of a normal's SD."""
    values = xr.DataArray(np.random.default_rng(2).normal(size=(7, 3)), dims=("draw", "x"))
    found = sd_over_draws(values)
    without = np.array([np.delete(values.values, i, axis=0).std(axis=0, ddof=1) for i in range(7)])
    expected = np.sqrt(6 / 7 * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(found.mcse, expected, rtol=1e-9)
    many = xr.DataArray(np.random.default_rng(3).normal(size=(4000, 50)), dims=("draw", "x"))
    error = float(sd_over_draws(many).mcse.mean("x"))
    assert error == pytest.approx(1 / math.sqrt(2 * 3999), rel=0.02)


def test_error_of_a_quantile() -> None:
    """Against the known one: sqrt(q (1 - q) / n) over the density, of a normal."""
    values = xr.DataArray(np.random.default_rng(2).normal(size=(4000, 200)), dims=("draw", "run"))
    errors = ranges.quantiles(values).mcse.mean("run")
    for q, density in ((0.05, 0.103136), (0.5, 0.398942), (0.95, 0.103136)):
        expected = math.sqrt(q * (1 - q) / 4000) / density
        assert float(errors.sel(quantile=q)) == pytest.approx(expected, rel=0.05)


def covered(draws: int, q: float) -> float:
    """In how many of 2,000 runs value and two errors cover the quantile of an exponential."""
    values = np.random.default_rng(draws).exponential(size=(draws, 2000))
    found = ranges.quantiles(xr.DataArray(values, dims=("draw", "run")))
    away = abs(found.mean.sel(quantile=q) + math.log(1 - q))
    return float((away <= 2 * found.mcse.sel(quantile=q)).mean())


@pytest.mark.parametrize(("draws", "least"), [(80, 0.90), (200, 0.93), (500, 0.93)])
@pytest.mark.parametrize("q", [0.05, 0.5, 0.95])
def test_two_errors_cover_a_quantile(draws: int, least: float, q: float) -> None:
    assert least <= covered(draws, q) <= 0.985


def test_few_draws_do_not_say_how_sure_a_rare_quantile_is() -> None:
    for draws, known in ((20, [False, True, False]), (73, [False, True, False]), (74, [True] * 3)):
        values = xr.DataArray(np.random.default_rng(1).normal(size=draws), dims="draw")
        found = ranges.quantiles(values)
        assert np.isfinite(found.mean).all()
        assert np.isfinite(found.mcse).values.tolist() == known
    three = ranges.quantiles(xr.DataArray([1.0, np.nan, 3.0, np.inf, 2.0], dims="draw"))
    assert float(three.mean.sel(quantile=0.5)) == 2.0
    assert not np.isfinite(three.mcse).any()


def test_a_share_that_no_draw_shows_has_a_bound() -> None:
    """Rule of three: value and two errors reach 1 - 0.05 ** (1 / n), about 3 / n."""
    happened = xr.DataArray(np.zeros((300, 3)), dims=("draw", "x"))
    happened[:, 1] = 10.0
    happened[7, 2] = 1.0
    found = estimates.share_of(happened, 0.0 * happened + 10.0)
    assert found.mean.values.tolist() == [0.0, 1.0, pytest.approx(1 / 3000)]
    np.testing.assert_allclose(2 * found.mcse[:2], 3 / 300, rtol=0.01)
    assert float(found.mcse[2]) == pytest.approx(1 / 3000)
    few = estimates.share_of(happened.isel(draw=[0]), happened.isel(draw=[0]) + 10.0)
    assert np.isnan(few.mcse[0])
    nobody = estimates.share_of(happened * 0.0, happened * 0.0)
    assert nobody.mean.isnull().all()
    assert nobody.mcse.isnull().all()
    of_ten = estimates.share_of(
        happened[:, 0], xr.DataArray([10.0] * 10 + [0.0] * 290, dims="draw")
    )
    assert 2 * float(of_ten.mcse) == pytest.approx(1 - 0.05**0.1)
    assert float(found.minus(found).mcse[0]) == 0.0
    assert float(found.sel(x=0).mcse) == float(found.mcse[0])


def test_estimates_are_linear() -> None:
    """A root of a square that is 0 has no error; a ratio of a constant count is a mean."""
    values = xr.DataArray([4.0, 16.0, 1.0], dims="draw")
    ratio = estimates.ratio(values, 0.0 * values + 2.0)
    assert float(ratio.mean) == pytest.approx(3.5)
    root = estimates.root(ratio)
    assert float(root.mean) == pytest.approx(math.sqrt(3.5))
    np.testing.assert_allclose(root.influence, ratio.influence / (2 * math.sqrt(3.5)))
    nothing = estimates.root(estimates.mean(0.0 * values))
    assert float(nothing.mean) == 0.0
    assert (nothing.influence == 0).all()


def test_an_error_of_a_difference_is_paired() -> None:
    """Against the plain mean of the differences, and none where both move alike."""
    generator = np.random.default_rng(6)
    first = xr.DataArray(generator.normal(0, 5, 50), dims="draw")
    second = first + xr.DataArray(generator.normal(1, 0.1, 50), dims="draw")
    apart = estimates.mean(second).minus(estimates.mean(first))
    assert float(apart.mean) == pytest.approx(float((second - first).mean()))
    assert float(apart.mcse) == pytest.approx(float((second - first).std(ddof=1)) / math.sqrt(50))
    alike = estimates.mean(first + 3.0).minus(estimates.mean(first))
    assert float(alike.mcse) == pytest.approx(0.0, abs=1e-14)


def test_parameters_by_year() -> None:
    def run(value: object) -> xr.Dataset:
        return xr.Dataset(
            coords={"performance_year": [2027, 2028]},
            attrs={"parameters": json.dumps({"a": value})},
        )

    assert list(estimates.by_year(run(0.5), "a").values) == [0.5, 0.5]
    assert list(estimates.by_year(run({"2027": 1, "2028": 2.0}), "a").values) == [1.0, 2.0]
    for value in ({"2027": 1}, "none"):
        with pytest.raises(InputError, match="a in 2027, 2028"):
            estimates.by_year(run(value), "a")
    with pytest.raises(InputError, match="run the scenario again"):
        estimates.by_year(run(1.0), "b")
