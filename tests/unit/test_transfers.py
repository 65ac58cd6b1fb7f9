"""Who pays whom: worked by hand, and on made-up results."""

from __future__ import annotations

import json
import math

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.studies import transfers
from asm_sim.studies.transfers import MEDICARE, PAYER, RECEIVER
from tests.unit.refusal import refused
from tests.unit.synthetic_run import synthetic_dataset, synthetic_sweep

Floats = npt.NDArray[np.float64]


def by_hand(penalties: npt.ArrayLike, bonuses: npt.ArrayLike) -> Floats:
    """The matrix of groups a, b and Medicare, payers down."""
    arrays = [
        xr.DataArray(np.asarray(x, dtype=float), dims="group", coords={"group": ["a", "b"]})
        for x in (penalties, bonuses)
    ]
    result: Floats = transfers.matrix_of(*arrays).transpose(PAYER, RECEIVER).values
    return result


def two_groups(
    penalties: npt.ArrayLike,
    bonuses: npt.ArrayLike,
    part_b: tuple[float, float] = (1000.0, 500.0),
    clinicians: tuple[float, float] = (4.0, 2.0),
) -> xr.Dataset:
    """A run of [draws, years, groups a and b]; one cohort."""
    p, b = (np.asarray(x, dtype=float)[:, None] for x in (penalties, bonuses))

    def by_group(values: Floats, whole: Floats) -> tuple[tuple[str, ...], Floats]:
        dims = ("draw", "cohort", "performance_year", "group")
        return dims, np.concatenate([whole, values], axis=-1)

    payments, heads = (np.broadcast_to(x, p.shape).astype(float) for x in (part_b, clinicians))
    factor = (b - p) / np.where(payments > 0, payments, np.nan)
    negative = p / np.where(p + b > 0, p + b, np.nan)
    return xr.Dataset(
        {
            "penalties_by_group": by_group(p, p.sum(-1, keepdims=True)),
            "bonuses_by_group": by_group(b, b.sum(-1, keepdims=True)),
            "part_b_payments_by_group": by_group(payments, payments.sum(-1, keepdims=True)),
            "clinicians_by_group": by_group(heads, heads.sum(-1, keepdims=True)),
            "adjustment_mean_by_group": by_group(factor, factor.mean(-1, keepdims=True)),
            "share_negative_by_group": by_group(negative, negative.mean(-1, keepdims=True)),
        },
        coords={
            "draw": np.arange(len(p)),
            "cohort": ["HF"],
            "performance_year": 2027 + np.arange(p.shape[2]),
            "payment_year": ("performance_year", 2029 + np.arange(p.shape[2])),
            "group": ["all", "size: a", "size: b"],
            "grouping": ("group", ["all", "size", "size"]),
        },
        attrs={"scenario": "toy", "seed": "1", "draws": len(p)},
    )


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=12)


# The matrix


def test_two_groups_and_medicare_by_hand() -> None:
    """a pays 60 and gets 10, b pays 40 and gets 50; of each dollar 60 cents are paid out."""
    expected = [[6.0, 30.0, 24.0], [4.0, 20.0, 16.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(by_hand([60, 40], [10, 50]), expected, rtol=1e-12)


def test_full_redistribution_leaves_medicare_nothing() -> None:
    found = by_hand([60, 40], [30, 70])
    np.testing.assert_allclose(found[:, 2], 0.0, atol=1e-12)
    np.testing.assert_allclose(found[2], 0.0, atol=1e-12)
    np.testing.assert_allclose(found[:2, :2], [[18, 42], [12, 28]], rtol=1e-12)


def test_bonuses_above_penalties_are_paid_by_medicare() -> None:
    """40 in penalties, 100 in bonuses: Medicare pays 60 % of each bonus."""
    found = by_hand([30, 10], [20, 80])
    np.testing.assert_allclose(found, [[6, 24, 0], [2, 8, 0], [12, 48, 0]], rtol=1e-12)
    nobody = by_hand([0, 0], [20, 80])
    np.testing.assert_allclose(nobody, [[0, 0, 0], [0, 0, 0], [20, 80, 0]], rtol=1e-12)
    np.testing.assert_array_equal(by_hand([0, 0], [0, 0]), np.zeros((3, 3)))
    np.testing.assert_allclose(by_hand([30, 10], [0, 0])[:, 2], [30, 10, 0], rtol=1e-12)


def test_draws_are_averaged_after_and_years_added() -> None:
    first, second = ([60.0, 40.0], [10.0, 50.0]), ([20.0, 80.0], [40.0, 10.0])
    run = two_groups([[first[0], second[0]]] * 2, [[first[1], second[1]], [second[1], first[1]]])
    result = transfers.matrix(run, "size")
    assert result["transfer"].dims == (PAYER, RECEIVER, "cohort", "performance_year")
    assert result["transfer_total"].dims == (PAYER, RECEIVER)
    draws = [
        [by_hand(*first), by_hand(*second)],
        [by_hand(first[0], second[1]), by_hand(second[0], first[1])],
    ]
    of_years = np.sum(draws, axis=1)
    mean = of_years.mean(axis=0)
    error = of_years.std(axis=0, ddof=1) / math.sqrt(2)
    found = result["transfer_all_years"].sel(cohort="HF")
    np.testing.assert_allclose(found, mean, rtol=1e-12)
    np.testing.assert_allclose(result["transfer_all_years_mcse"].sel(cohort="HF"), error)
    np.testing.assert_allclose(result["transfer_total"], mean, rtol=1e-12)
    np.testing.assert_allclose(
        result["transfer"].isel(performance_year=0).squeeze(),
        (draws[0][0] + draws[1][0]) / 2,
        rtol=1e-12,
    )


@pytest.mark.parametrize("grouping", ["practice_size", "specialty", "episodes"])
def test_rows_are_penalties_and_columns_bonuses(ds: xr.Dataset, grouping: str) -> None:
    result, sums = transfers.matrix(ds, grouping), transfers.net(ds, grouping)
    groups = sums["group"].values
    for ending in ("", "_all_years"):
        paid = result[f"transfer{ending}"]
        rows, columns = paid.sum(RECEIVER), paid.sum(PAYER)
        for name, found in (("penalties", rows), ("bonuses", columns)):
            dim = PAYER if name == "penalties" else RECEIVER
            expected = sums[f"{name}{ending}"].transpose("group", ...)
            np.testing.assert_allclose(found.sel({dim: groups}), expected, rtol=1e-9)
        np.testing.assert_allclose(columns.sel({RECEIVER: MEDICARE}), sums[f"kept{ending}"])
        np.testing.assert_allclose(rows.sel({PAYER: MEDICARE}), 0.0)
    kept = ds["retained_by_medicare"].mean("draw").transpose("cohort", ...)
    np.testing.assert_allclose(sums["kept"], kept, rtol=1e-9)


# Net


def test_net_by_hand() -> None:
    run = two_groups([[[60.0, 40.0], [30.0, 20.0]]], [[[10.0, 50.0], [0.0, 30.0]]])
    result = transfers.net(run, "size").squeeze("cohort")
    assert list(result["group"].values) == ["a", "b"]
    np.testing.assert_allclose(result["net"], [[-50.0, 10.0], [-30.0, 10.0]])
    np.testing.assert_allclose(result["net_per_clinician"], [[-12.5, 5.0], [-7.5, 5.0]])
    np.testing.assert_allclose(result["net_share"], [[-0.05, 0.02], [-0.03, 0.02]])
    np.testing.assert_allclose(result["net_all_years"], [-80.0, 20.0])
    np.testing.assert_allclose(result["net_per_clinician_all_years"], [-20.0, 10.0])
    np.testing.assert_allclose(result["net_share_all_years"], [-0.04, 0.02])
    np.testing.assert_allclose(result["kept"], [40.0, 20.0])
    assert float(result["kept_all_years"]) == pytest.approx(60.0)


def test_medicare_s_part_is_negative_where_bonuses_exceed_penalties() -> None:
    result = transfers.net(two_groups([[[30.0, 10.0]]], [[[20.0, 80.0]]]), "size")
    assert float(result["kept_all_years"].squeeze()) == pytest.approx(-60.0)
    assert float(result["net_all_years"].sum() + result["kept_all_years"].sum()) == 0.0


def test_net_of_groups_and_medicare_is_nothing(ds: xr.Dataset) -> None:
    result = transfers.net(ds)
    np.testing.assert_allclose(result["net"].sum("group"), -result["kept"], rtol=1e-9)
    of_draws = ds["bonuses_by_group"] - ds["penalties_by_group"]
    solo = of_draws.sel(group="practice_size: solo").transpose("draw", "cohort", ...)
    error = solo.std("draw", ddof=1) / math.sqrt(12)
    np.testing.assert_allclose(result["net_mcse"].sel(group="solo"), error)
    # The delta method, by leaving out one draw at a time.
    heads = ds["clinicians_by_group"].sel(group="practice_size: solo").transpose(*solo.dims)
    without = (solo.sum("draw") - solo) / (heads.sum("draw") - heads)
    jackknife = (11 / 12 * ((without - without.mean("draw")) ** 2).sum("draw")) ** 0.5
    found = result["net_per_clinician_mcse"].sel(group="solo")
    np.testing.assert_allclose(found, jackknife, rtol=0.05)


def test_a_group_that_the_cohort_does_not_have() -> None:
    run = two_groups([[[60.0, 0.0]]] * 2, [[[10.0, 0.0]]] * 2, (1000.0, 0.0), (4.0, 0.0))
    sums = transfers.net(run, "size").sel(group="b")
    assert np.isnan(sums["net_per_clinician"]).all()
    assert np.isnan(sums["net_share_all_years"]).all()
    assert float(sums["net_all_years"].squeeze()) == 0.0
    paid = transfers.matrix(run, "size")["transfer_all_years"].squeeze("cohort")
    np.testing.assert_allclose(paid.sel({PAYER: "b"}), 0.0)
    np.testing.assert_allclose(paid.sel({PAYER: "a"}), [10.0, 0.0, 50.0])


# What the adjustments move


def without_adjustments() -> xr.Dataset:
    """The rule, and without the adjustments group a 5 and 7 USD a year worse off, b better."""
    rule = ([[[60.0, 40.0]] * 2, [[70.0, 40.0]] * 2], [[[10.0, 50.0]] * 2, [[20.0, 60.0]] * 2])
    shift = np.array([5.0, 7.0])[:, None, None] * [[[1.0, -1.0]]]
    runs = [
        two_groups(*rule),
        two_groups(np.array(rule[0]) + shift, rule[1]),
        two_groups(rule[0], np.array(rule[1]) - 2 * shift),
    ]
    names = ["the rule", "without one", "without both"]
    shared = list(runs[0].coords)
    ds = xr.concat([run.drop_vars(shared) for run in runs], "scenario")
    along = {
        "scenario": names,
        **{path: ("scenario", [np.nan, 0.0, 0.0]) for path in transfers.ADJUSTMENTS},
    }
    entries = [{"name": name, "set": {}} for name in names]
    return (
        ds.assign_coords(runs[0].coords)
        .assign_coords(along)
        .assign_attrs(runs[0].attrs, compare_to="the rule", scenarios=json.dumps(entries))
    )


def test_what_adjustments_move_by_hand() -> None:
    result = transfers.moved_by_adjustments(without_adjustments(), "size").squeeze("cohort")
    assert list(result["scenario"].values) == ["without one", "without both"]
    one, both = result.isel(scenario=0), result.isel(scenario=1)
    np.testing.assert_allclose(one["net_moved"], [[6.0, -6.0]] * 2)
    np.testing.assert_allclose(one["net_moved_mcse"], [[1.0, 1.0]] * 2)
    np.testing.assert_allclose(one["net_moved_all_years"], [12.0, -12.0])
    np.testing.assert_allclose(both["net_moved_all_years"], [24.0, -24.0])
    np.testing.assert_allclose(one["net_moved_per_clinician_all_years"], [3.0, -6.0])
    np.testing.assert_allclose(one["adjustment_mean_moved_all_years"], [0.006, -0.012])
    np.testing.assert_allclose(result["kept_moved"], 0.0, atol=1e-12)
    np.testing.assert_allclose(
        result["net_moved_all_years"].sum("group") + result["kept_moved_all_years"], 0.0, atol=1e-12
    )
    expected = np.mean([60 / 70 - 65 / 75, 70 / 90 - 77 / 97])
    found = one["share_negative_moved_all_years"].sel(group="a")
    assert float(found) == pytest.approx(expected)


# Wrong input


def test_what_cannot_be_studied_is_refused_and_says_why(ds: xr.Dataset) -> None:
    for function in (transfers.matrix, transfers.net):
        said = refused(function, ds, "practise_size")
        assert "practice_size" in said
        assert "specialty" in said
        assert "choose one" in refused(function, synthetic_sweep())
        assert "run the scenario again" in refused(function, ds.drop_vars("bonuses_by_group"))
        assert "no grouping is called 'all'" in refused(function, ds, "all")
        short = ds.isel(group=[k for k in range(ds.sizes["group"]) if k != 2])
        assert "do not add up" in refused(function, short)
    moved = transfers.moved_by_adjustments
    assert "asm-sim sweep without-group-adjustments" in refused(moved, ds)
    assert "asm-sim sweep without-group-adjustments" in refused(moved, synthetic_sweep())
    sweep = without_adjustments()
    assert "no grouping is called 'sizes' (did you mean" in refused(moved, sweep, "sizes")
    assert "the rule only" in refused(moved, sweep.isel(scenario=[0]), "size")
    nameless = sweep.assign_attrs()
    del nameless.attrs["compare_to"]
    assert "compare_to" in refused(moved, nameless, "size")


def test_the_shipped_sweep_is_what_the_study_needs() -> None:
    shipped = asm.load_sweep(transfers.SWEEP)
    assert set(shipped.axes) == set(transfers.ADJUSTMENTS)
    assert shipped.compare_to is not None
    assert shipped.cases[shipped.compare_to].name == "the rule"
    assert len(shipped) == 4
