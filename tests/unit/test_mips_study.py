"""ASM against MIPS: three clinicians by hand, identities on made-up panels, wrong input."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from asm_sim.studies import mips, mips_designs
from tests.unit.mips_run import (
    ASM_BY_HAND,
    GROUPINGS,
    GROUPS,
    MIPS_BY_HAND,
    PARAMETERS,
    PART_B_BY_HAND,
    at,
    by_hand,
    panel,
    random_panel,
)
from tests.unit.refusal import refused

Floats = npt.NDArray[np.float64]


# By hand


def test_three_clinicians_in_dollars() -> None:
    """2027: -0.06 of 100,000 and 0.02 or 0.06 of 200,000: (-6,000 + 4,000 or 12,000 + 0) / 3."""
    result = mips.difference(by_hand())
    means = np.array([-2_000 / 3, 2_000.0])
    dollars = at(result["asm_minus_mips_dollars"])
    assert dollars[0] == pytest.approx(means.mean())
    error = at(result["asm_minus_mips_dollars_mcse"])
    assert error[0] == pytest.approx(means.std(ddof=1) / math.sqrt(2))
    # 2028: 0.01 of 100,000 and 0.01 of 200,000, in both draws.
    assert dollars[1] == pytest.approx(1_000.0)
    assert error[1] == pytest.approx(0.0, abs=1e-9)
    spread = [np.std([-6_000, extra, 0], ddof=1) for extra in (4_000, 12_000)]
    assert at(result["asm_minus_mips_dollars_sd"])[0] == pytest.approx(np.mean(spread))
    middle = at(result["asm_minus_mips_dollars_quantile"].sel(quantile=0.5))
    np.testing.assert_allclose(middle, [0.0, 1_000.0])


def test_three_clinicians_adjustments_and_scores() -> None:
    result = mips.difference(by_hand())
    np.testing.assert_allclose(at(result["asm_adjustment_mean"]), [-0.11 / 3, -0.08 / 3])
    traditional = [(-0.07 - 0.11) / 2 / 3, -0.01 / 3]
    np.testing.assert_allclose(at(result["mips_adjustment_mean"]), traditional)
    np.testing.assert_allclose(
        at(result["asm_minus_mips_adjustment"]),
        at(result["asm_adjustment_mean"]) - at(result["mips_adjustment_mean"]),
    )
    np.testing.assert_allclose(at(result["asm_minus_mips_score"]), -10.0)
    np.testing.assert_allclose(at(result["asm_minus_mips_score_sd"]), 0.0)


def test_three_clinicians_who_gains() -> None:
    result = mips.difference(by_hand())
    for name, expected in (
        ("share_gaining", [1 / 3, 2 / 3]),
        ("share_losing", [1 / 3, 1 / 3]),
        ("share_same", [1 / 3, 0]),
    ):
        np.testing.assert_allclose(at(result[name]), expected, err_msg=name)


def test_three_clinicians_in_quadrants() -> None:
    result = mips.quadrants(by_hand())
    share = at(result["share"])
    expected = {
        "penalty_under_both": [1 / 3, 1 / 3],  # the third; in 2028 the second
        "penalty_under_asm_only": [1 / 3, 1 / 3],  # the first; in 2028 the third, with 0 in MIPS
        "penalty_under_mips_only": [1 / 6, 0],  # the second, in one draw
        "penalty_under_neither": [1 / 6, 1 / 3],
    }
    for quadrant, found in zip(result["quadrant"].values, share, strict=True):
        np.testing.assert_allclose(found, expected[str(quadrant)], err_msg=str(quadrant))
    one_of_two = at(result["share_mcse"].sel(quadrant="penalty_under_mips_only"))[0]
    assert one_of_two == pytest.approx(1 / 6)


def test_three_clinicians_and_the_money() -> None:
    result = mips.money(by_hand())
    usd = {name: result[name].sel(cohort="HF", group="all") for name in ("bonuses", "penalties")}
    np.testing.assert_allclose(usd["bonuses"].sel(program="asm"), [6_000, 2_000])
    np.testing.assert_allclose(usd["penalties"].sel(program="asm"), [5_000, 2_000])
    of_mips = {"program": "mips_traditional"}
    np.testing.assert_allclose(usd["bonuses"].sel(of_mips), [(3_000 + 1_000) / 2, 1_000])
    np.testing.assert_allclose(usd["penalties"].sel(of_mips), [6_000 / 2, 4_000])
    total = result["net_to_medicare_total"].sel(group="all")
    assert float(total.sel(program="asm")) == pytest.approx(-1_000)
    assert float(total.sel(of_mips)) == pytest.approx((0 + 8_000) / 2)
    apart = np.array([-1_000 - 0, -1_000 - 8_000])
    difference = result.sel(of_mips).sel(group="all")
    assert float(difference["net_to_medicare_difference_total"]) == pytest.approx(apart.mean())
    assert float(difference["net_to_medicare_difference_total_mcse"]) == pytest.approx(
        apart.std(ddof=1) / math.sqrt(2)
    )


def test_three_clinicians_over_the_years() -> None:
    result = mips.volatility(by_hand())
    of_asm = result.sel(program="asm", cohort="HF", group="all")
    variance = np.mean([0.07**2 / 2, 0.04**2 / 2, 0.0])
    assert float(of_asm["within_clinician_sd"]) == pytest.approx(math.sqrt(variance))
    assert float(of_asm["sign_change_share"]) == pytest.approx(2 / 3)
    assert float(of_asm["rank_correlation"]) == pytest.approx(0.5)  # 2, 3, 1 and 3, 2, 1
    level = result.sel(program="asm_at_first_risk", cohort="HF", group="all")
    changes = [0.02 * 0.75 + 0.05, -0.01 * 0.75 - 0.03, -0.09 * 0.75 + 0.09]
    assert float(level["within_clinician_sd"]) == pytest.approx(
        math.sqrt(np.mean(np.square(changes)) / 2)
    )
    of_mips = result.sel(program="mips_traditional", cohort="HF", group="all")
    # Signs change of the third, in one of two draws of the second (and 0 is no penalty).
    assert float(of_mips["sign_change_share"]) == pytest.approx((2 + 1) / 6)
    assert float(of_mips["sign_change_share_difference"]) == pytest.approx(2 / 3 - 1 / 2)
    assert result.attrs["group_share"] == 0.5


# What holds whatever the numbers


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return random_panel()


def test_equal_adjustments_are_no_difference(ds: xr.Dataset) -> None:
    same = ds["panel_adjustment"]
    ds = ds.assign(panel_mips_adjustment=same, panel_mips_pathway_adjustment=same)
    ds = ds.assign_attrs(parameters=json.dumps(PARAMETERS | {"rules.payment.risk_level": 0.09}))
    result = mips.difference(ds)
    for name in ("adjustment", "dollars"):
        for ending in ("", "_sd", "_quantile", "_mcse"):
            assert (result[f"asm_minus_mips_{name}{ending}"] == 0).all(), (name, ending)
    assert (result["share_same"] == 1).all()
    share = mips.quadrants(ds)["share"]
    assert (share.sel(quadrant=["penalty_under_asm_only", "penalty_under_mips_only"]) == 0).all()
    moved = mips.volatility(ds)
    for name in ("within_clinician_sd", "rank_correlation", "sign_change_share"):
        np.testing.assert_allclose(moved[f"{name}_difference"], 0.0, atol=1e-12)
        np.testing.assert_allclose(moved[f"{name}_difference_mcse"], 0.0, atol=1e-12)
        assert float(moved[name].sel(program="asm", cohort="HF", group="all")) != 0
    money = mips.money(ds)
    assert (money["net_to_medicare_difference_total"] == 0).all()


def test_groups_add_up_to_all(ds: xr.Dataset) -> None:
    result, quadrants = mips.difference(ds), mips.quadrants(ds)
    weights = result["clinicians"]
    for values in (
        result["asm_minus_mips_dollars"],
        result["asm_minus_mips_adjustment"],
        result["share_gaining"],
        result["mips_adjustment_mean"],
        quadrants["share"],
        mips.volatility(ds)["within_clinician_sd"] ** 2,
        mips.volatility(ds)["sign_change_share"],
        mips.levels(ds)["mips_final_score_mean"],
    ):
        whole = values.sel(group="all")
        for grouping in ("practice_size", "place"):
            inside = [g for g, of in zip(GROUPS, GROUPINGS, strict=True) if of == grouping]
            parts = (values * weights).sel(group=inside).sum("group")
            np.testing.assert_allclose(
                parts.transpose(*whole.dims), whole * weights.sel(group="all"), rtol=1e-10
            )
    money = mips.money(ds)["net_to_medicare"]
    parts = money.sel(group=GROUPS[1:3]).sum("group")
    np.testing.assert_allclose(parts, money.sel(group="all"))


def test_shares_sum_to_one(ds: xr.Dataset) -> None:
    np.testing.assert_allclose(mips.quadrants(ds)["share"].sum("quadrant"), 1.0)
    result = mips.difference(ds)
    total = result["share_gaining"] + result["share_losing"] + result["share_same"]
    np.testing.assert_allclose(total, 1.0)


def test_constant_mips_does_not_move(ds: xr.Dataset) -> None:
    ds = ds.assign(panel_mips_adjustment=0.0 * ds["panel_mips_adjustment"] - 0.01)
    of_mips = mips.volatility(ds).sel(program="mips_traditional")
    assert (of_mips["within_clinician_sd"] == 0).all()
    assert (of_mips["within_clinician_sd_mcse"] == 0).all()
    assert (of_mips["sign_change_share"] == 0).all()
    assert np.isnan(of_mips["rank_correlation"]).all()  # constant: there is no order


def test_spread_is_numpy_s_within_each_draw(ds: xr.Dataset) -> None:
    result = mips.difference(ds)
    lbp = (ds["clinician_cohort"] == "LBP").values
    gap = (ds["panel_adjustment"] - ds["panel_mips_pathway_adjustment"]).values[:, lbp, 1]
    solo = (ds["panel_group"].values == 1).any(axis=2)[:, lbp]
    expected = [gap[d, solo[d]] for d in range(len(gap))]
    where = {
        "cohort": "LBP", "group": GROUPS[1], "mips_form": "value_pathway",
        "performance_year": 2028,
    }  # fmt: skip
    by_draw = np.array([part.std(ddof=1) for part in expected])
    found = result["asm_minus_mips_adjustment_sd"].sel(where)
    assert float(found) == pytest.approx(by_draw.mean())
    error = result["asm_minus_mips_adjustment_sd_mcse"].sel(where)
    assert float(error) == pytest.approx(by_draw.std(ddof=1) / math.sqrt(len(by_draw)))
    quantiles = np.mean([np.quantile(part, mips_quantiles(result)) for part in expected], axis=0)
    np.testing.assert_allclose(result["asm_minus_mips_adjustment_quantile"].sel(where), quantiles)


def mips_quantiles(result: xr.Dataset) -> Floats:
    return np.asarray(result["quantile"].values)


def test_error_of_a_share_in_a_group_of_changing_size(ds: xr.Dataset) -> None:
    """The delta method against the jackknife over draws."""
    lbp = (ds["clinician_cohort"] == "LBP").values
    solo = (ds["panel_group"].values == 1).any(axis=2)[:, lbp]
    gap = (ds["panel_adjustment"] - ds["panel_mips_adjustment"]).values[:, lbp, 0] > mips.SAME
    totals, counts = (gap & solo).sum(axis=1), solo.sum(axis=1)
    left_out = [np.delete(totals, d).sum() / np.delete(counts, d).sum() for d in range(6)]
    jackknife = math.sqrt(5 / 6 * np.sum((left_out - np.mean(left_out)) ** 2))
    where = {"cohort": "LBP", "group": GROUPS[1], "mips_form": "traditional"}
    found = mips.difference(ds).sel(where).isel(performance_year=0)
    assert float(found["share_gaining"]) == pytest.approx(totals.sum() / counts.sum())
    assert float(found["share_gaining_mcse"]) == pytest.approx(jackknife, rel=0.15)


def test_clinicians_without_a_final_score_have_no_difference_of_scores() -> None:
    scores = np.full((2, 3, 2), 70.0)
    scores[:, 0] = np.nan
    scores[:, 1, 0] = 60.0
    ds = panel(ASM_BY_HAND, MIPS_BY_HAND, part_b=PART_B_BY_HAND, scores=(scores, 80.0))
    result = mips.difference(ds)
    np.testing.assert_allclose(at(result["asm_minus_mips_score"]), [-15.0, -10.0])
    moved = mips.volatility(ds).sel(program="asm", cohort="HF", group="all")
    assert float(moved["within_clinician_score_sd"]) == pytest.approx(math.sqrt(50 / 2))
    table = mips_designs.designs(ds).sel(program="asm", feature="measures")
    assert float(table["simulated"]) == pytest.approx(65.0)


# Wrong input


FUNCTIONS = [
    mips.difference, mips.quadrants, mips.volatility, mips.money, mips.levels, mips.calibration,
]  # fmt: skip


@pytest.mark.parametrize("function", [*FUNCTIONS, mips_designs.designs])
def test_results_without_clinicians_or_mips(function: Any, ds: xr.Dataset) -> None:
    without = ds.drop_vars([name for name in ds.data_vars if str(name).startswith("panel_mips")])
    said = refused(function, without)
    assert "panel_mips_adjustment" in said
    assert "asm-sim run baseline" in said
    said = refused(function, ds.isel(draw_sample=slice(0, 0)))
    assert "panel_draws" in said
    sweep = ds.expand_dims(scenario=["a", "b"])
    assert "choose one" in refused(function, sweep)


def test_unknown_group_form_and_year(ds: xr.Dataset) -> None:
    for function in FUNCTIONS[:-1]:
        assert "practice_size: solo" in refused(function, ds, "practice_size: sole")
    for function in FUNCTIONS:
        assert "traditional, value_pathway" in refused(function, ds, form="pathway")
    assert "2030" in refused(mips_designs.designs, ds, 2030)
    assert "at least one" in refused(mips.difference, ds, [])
    assert "two performance years" in refused(mips.volatility, ds.isel(performance_year=[0]))
    silent = ds.assign_attrs(parameters="{}")
    for function in (mips.levels, mips.volatility, mips.calibration, mips_designs.designs):
        assert "run the scenario again" in refused(function, silent)


def test_chosen_groups_and_forms(ds: xr.Dataset) -> None:
    some = mips.difference(ds, "practice_size", "value_pathway")
    assert list(some["group"].values) == GROUPS[1:3]
    assert list(some["mips_form"].values) == ["value_pathway"]
    every = mips.difference(ds)
    xr.testing.assert_identical(
        some["asm_minus_mips_dollars"],
        every["asm_minus_mips_dollars"].sel(group=GROUPS[1:3], mips_form=["value_pathway"]),
    )
    assert list(mips.money(ds, form="traditional")["program"].values) == [
        "asm",
        "mips_traditional",
    ]


def test_units_and_names(ds: xr.Dataset) -> None:
    for function in FUNCTIONS:
        for name, values in function(ds).data_vars.items():
            assert values.attrs["units"], name
            assert values.attrs["long_name"], name


def test_one_draw_tells_no_error() -> None:
    result = mips.difference(by_hand().isel(draw_sample=[0], draw=[0]))
    assert np.isnan(at(result["asm_minus_mips_dollars_mcse"])).all()
    assert at(result["asm_minus_mips_dollars"])[0] == pytest.approx(-2_000 / 3)
