"""Shapley shares: where factors add up, where they need each other, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.registry import FACTORS
from asm_sim.studies import decomposition
from tests.unit.volatility_run import ADDITIVE, additive_sets, made_up_run

SETS = 2 ** len(FACTORS)
VARIABLES = ("within_clinician_variance", "year_to_year_variance")


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return made_up_run()


def with_sets(ds: xr.Dataset, sets: npt.ArrayLike) -> xr.Dataset:
    """The run with the same variance of every set in all draws, cohorts and groups."""
    table = np.broadcast_to(np.asarray(sets, dtype=float), ds[VARIABLES[0]].shape)
    return ds.assign({name: ds[name].copy(data=table) for name in VARIABLES})


def sets_of(value) -> list[float]:  # type: ignore[no-untyped-def]
    """The value of every set, given as a function of the names in it."""
    return [
        value({name for k, name in enumerate(FACTORS) if position >> k & 1})
        for position in range(SETS)
    ]


def share_of(result: xr.Dataset, name: str = "share") -> dict[str, float]:
    at = {"variance": "within_clinician", "cohort": "HF", "group": "all"}
    return {factor: float(result[name].sel({"factor": factor, **at})) for factor in FACTORS}


def test_factors_that_add_up(ds: xr.Dataset) -> None:
    result = decomposition.shares(with_sets(ds, additive_sets()))
    whole = sum(ADDITIVE.values())
    for name in ("share", "share_alone", "share_last"):
        for factor, share in share_of(result, name).items():
            assert share == pytest.approx(ADDITIVE[factor] / whole, rel=1e-12), (name, factor)
    np.testing.assert_allclose(result["sd"], math.sqrt(whole), rtol=1e-12)
    np.testing.assert_allclose(result["share_mcse"], 0.0, atol=1e-15)


def test_without_noise_the_share_of_chance_is_exactly_zero(ds: xr.Dataset) -> None:
    """Curved, so that the others depend on each other: v = (sum of the others)^1.5."""

    def value(inside: set[str]) -> float:
        return float(sum(ADDITIVE[name] for name in sorted(inside - {"measurement"})) ** 1.5)

    result = decomposition.shares(with_sets(ds, sets_of(value)))
    for name in ("share", "share_mcse", "share_alone", "share_last"):
        assert (result[name].sel(factor="measurement") == 0.0).all(), name
    np.testing.assert_allclose(result["share"].sum("factor"), 1.0, rtol=1e-12)


def test_two_factors_that_need_each_other(ds: xr.Dataset) -> None:
    """Nothing moves unless peers and performance both do: half each, alone nothing, last all."""
    pair = {"peers", "performance"}
    result = decomposition.shares(with_sets(ds, sets_of(lambda inside: float(pair <= inside))))
    for factor in FACTORS:
        expected = 1.0 if factor in pair else 0.0
        assert share_of(result)[factor] == pytest.approx(expected / 2, abs=1e-15)
        assert share_of(result, "share_alone")[factor] == 0.0
        assert share_of(result, "share_last")[factor] == expected


def test_shapley_is_the_mean_over_orders() -> None:
    values = np.random.default_rng(4).random((3, SETS))
    expected = np.zeros((3, len(FACTORS)))
    orders = list(itertools.permutations(range(len(FACTORS))))
    for order in orders:
        position = 0
        for k in order:
            expected[:, k] += values[:, position | 1 << k] - values[:, position]
            position |= 1 << k
    np.testing.assert_allclose(decomposition.shapley(values), expected / len(orders), atol=1e-14)


def test_shares_sum_to_one_and_do_not_depend_on_the_order_of_sets(ds: xr.Dataset) -> None:
    result = decomposition.shares(ds)
    np.testing.assert_allclose(result["share"].sum("factor"), 1.0, rtol=1e-12)
    assert result["share"].dims == ("variance", "factor", "cohort", "group")
    turned = decomposition.shares(ds.isel(factors=np.arange(SETS)[::-1]))
    xr.testing.assert_identical(result, turned)
    scaled = result["share"].sel(variance="year_to_year", drop=True)
    first = result["share"].sel(variance="within_clinician", drop=True)
    np.testing.assert_allclose(scaled, first, rtol=1e-12)  # 1.7 times the other in every draw
    np.testing.assert_allclose(
        result["sd"].sel(variance="year_to_year"),
        math.sqrt(1.7) * result["sd"].sel(variance="within_clinician"),
    )


def test_the_error_is_that_of_a_ratio_over_draws(ds: xr.Dataset) -> None:
    """Against the jackknife, with clinicians that do not differ between draws."""
    table = ds[VARIABLES[0]].sel(cohort="LBP", group="all").values
    phi = decomposition.shapley(table)[:, 0]
    whole = table[:, -1] - table[:, 0]
    left_out = (phi.sum() - phi) / (whole.sum() - whole)
    n = len(phi)
    jackknife = math.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    result = decomposition.shares(ds).sel(
        variance="within_clinician", cohort="LBP", group="all", factor="measurement"
    )
    assert float(result["share"]) == pytest.approx(phi.sum() / whole.sum())
    assert float(result["share_mcse"]) == pytest.approx(jackknife, rel=0.02)


def test_groups_count_by_their_clinicians(ds: xr.Dataset) -> None:
    """The variance of all is the mean of the groups' weighted by clinicians, draw by draw."""
    inside = ["episodes: 20-29", "episodes: 30-49", "episodes: 50-99"]
    made = ds.copy(deep=True)
    counts = np.random.default_rng(6).integers(5, 30, (12, 2, 1, 3)).astype(float)
    made["clinicians_by_group"].loc[{"group": inside}] = counts
    made["clinicians_by_group"].loc[{"group": "all"}] = counts.sum(axis=3)
    weight = made["clinicians_by_group"].isel(performance_year=0, drop=True)
    weight = weight.rename(draw="lens_draw").sel(group=inside)
    variance = made[VARIABLES[0]]
    everyone = (variance.sel(group=inside) * weight).sum("group") / weight.sum("group")
    made[VARIABLES[0]].loc[{"group": "all"}] = everyone.transpose("lens_draw", "cohort", "factors")
    result = decomposition.shares(made).sel(variance="within_clinician")
    part = result["share"] * result["sd"] ** 2
    mean = weight.mean("lens_draw")
    added = (part.sel(group=inside) * mean).sum("group") / mean.sum("group")
    np.testing.assert_allclose(added, part.sel(group="all"), rtol=1e-10)


def test_nothing_varies_and_an_empty_group(ds: xr.Dataset) -> None:
    still = decomposition.shares(with_sets(ds, np.zeros(SETS)))
    assert np.isnan(still["share"]).all()
    assert (still["sd"] == 0.0).all()
    made = ds.copy(deep=True)
    made["clinicians_by_group"][{"group": 1, "cohort": 0}] = 0.0
    for name in VARIABLES:
        made[name][{"group": 1, "cohort": 0}] = np.nan
    result = decomposition.shares(made)
    assert np.isnan(result["share"].isel(group=1, cohort=0)).all()
    assert np.isfinite(result["share"].isel(group=1, cohort=1)).all()


def test_runs_without_lens_are_refused(ds: xr.Dataset) -> None:
    for without in (ds.drop_vars(VARIABLES[1]), ds.isel(lens_draw=slice(0, 0))):
        with pytest.raises(InputError, match="lens_draws says for how many draws"):
            decomposition.shares(without)
    with pytest.raises(InputError, match="clinicians_by_group"):
        decomposition.shares(ds.drop_vars("clinicians_by_group"))
    with pytest.raises(InputError, match="lack the factors none"):
        decomposition.shares(ds.isel(factors=slice(1, None)))
    sweep = xr.concat([ds, ds], "scenario").assign_coords(scenario=["a", "b"])
    with pytest.raises(InputError, match="choose one"):
        decomposition.shares(sweep)
