"""The rule and the levels of MIPS against published figures, and the two designs side by side."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from asm_sim.errors import InputError
from asm_sim.reference.mips import adjustment as adjustment_of_the_rule
from asm_sim.rules.load import load_mips
from asm_sim.studies import mips, mips_designs
from tests.unit.mips_run import ASM_BY_HAND, MIPS_BY_HAND, PARAMETERS, at, by_hand, panel

# Levels


def test_the_curve_is_the_rule_s() -> None:
    rules = load_mips("mips-2026")
    payment = rules.payment
    parameters = PARAMETERS | {"mips.payment.scale": payment.scale.value}
    ds = by_hand().assign_attrs(parameters=json.dumps(parameters))
    scores = np.array([0.0, 10.0, 18.75, 18.76, 40.0, 74.9, 75.0, 80.0, 100.0])
    expected = [adjustment_of_the_rule(float(score), rules) for score in scores]
    np.testing.assert_allclose(mips.adjustment_at_score(ds, scores), expected, atol=1e-15)


def test_levels_and_calibration() -> None:
    scores = np.array(
        [[[90.0, 90.0], [70.0, 76.0], [10.0, 75.0]], [[80.0, 90], [74, 76], [86, 75]]]
    )
    groups = np.array([[1, 3], [2, 3], [2, 3]])
    ds = panel(ASM_BY_HAND, MIPS_BY_HAND, scores=(70.0, scores), groups=groups)
    result = mips.levels(ds)
    mean = [(170 / 3 + 80) / 2, 241 / 3]
    np.testing.assert_allclose(at(result["mips_final_score_mean"]), mean)
    np.testing.assert_allclose(at(result["share_below_threshold"]), [(2 / 3 + 1 / 3) / 2, 0])
    checked = mips.calibration(ds).sel(mips_form="traditional")
    simulated = checked["simulated"]
    np.testing.assert_allclose(simulated.sel(target="mean"), mean)
    np.testing.assert_allclose(simulated.sel(target="median"), [(70 + 80) / 2, 76])
    np.testing.assert_allclose(simulated.sel(target="lowest_quarter"), [1 / 6, 0])
    np.testing.assert_allclose(simulated.sel(target="below_threshold_solo"), 0.0)
    np.testing.assert_allclose(simulated.sel(target="below_threshold_small"), [0.5, 0])
    for name, target in mips.targets().items():
        gap = checked["gap"].sel(target=name)
        np.testing.assert_allclose(gap, simulated.sel(target=name) - target.value)
    assert list(checked["aimed"].values) == [True, True, False, False, False, False]
    error = float(checked["simulated_mcse"].sel(target="median", performance_year=2027))
    assert error == pytest.approx(5.0)


# The table of designs


def test_designs_need_the_logistic_and_name_its_midpoint() -> None:
    ds = by_hand()
    exchange = "rules.payment.exchange"
    parameters = json.loads(ds.attrs["parameters"])
    linear = ds.assign_attrs(parameters=json.dumps(parameters | {f"{exchange}.form": "linear"}))
    with pytest.raises(InputError, match="takes the exchange function to be a logistic"):
        mips_designs.designs(linear)
    fixed = {f"{exchange}.midpoint": "fixed", f"{exchange}.fixed_midpoint": 50.0}
    table = mips_designs.designs(ds.assign_attrs(parameters=json.dumps(parameters | fixed)))
    rules = " ".join(table["rule"].sel(program="asm").values)
    assert "logistic around 50 points" in rules
    assert "median" not in rules


def test_designs_by_hand() -> None:
    table = mips_designs.designs(by_hand())
    assert list(table["feature"].values) == list(mips_designs.FEATURES)

    def number(feature: str, program: str, ending: str = "") -> float:
        return float(table[f"simulated{ending}"].sel(feature=feature, program=program))

    of_mips = "mips_traditional"
    assert number("standard", "asm") == pytest.approx(72 - math.log(0.7) / 0.1)
    assert number("standard", of_mips) == 75.0
    assert number("peers", "asm") == pytest.approx(1.0)
    assert number("peers", of_mips) == 0.0
    assert number("money", "asm") == pytest.approx(-1_000 / 300_000)
    assert number("money", of_mips) == pytest.approx((-3_000 + 5_000) / 2 / 300_000)
    assert number("penalty_share", "asm") == pytest.approx(2 / 3)
    assert number("penalty_share", of_mips) == pytest.approx(1 / 2)
    assert number("penalty_here_only", "asm") == pytest.approx(1 / 2)
    assert number("penalty_here_only", of_mips) == pytest.approx((1 / 6) / (1 / 2))
    top = 1 / (1 + math.exp(-2.8))
    assert number("range", "asm") == pytest.approx(0.09 * (1.7 * top - 1))
    assert number("range", of_mips) == pytest.approx(0.009)
    # R S k / 4 at the median, and 9 % x 0.1 over 25 points.
    assert number("value_of_a_point", "asm") == pytest.approx(0.09 * 1.7 * 0.1 / 4)
    assert number("value_of_a_point", of_mips) == pytest.approx(0.009 / 25)
    assert number("mean", of_mips, "_mcse") == pytest.approx(0.02 / 3)
    for program in ("asm", of_mips):
        assert number("largest_penalty", program) <= number("largest_bonus", program)
    assert np.isfinite(table["simulated"]).all()
    assert np.isfinite(table["simulated_mcse"]).all()


def test_rules_of_the_designs_are_the_run_s() -> None:
    changed = PARAMETERS | {
        "rules.payment.redistribution_share": {"2027": 0.7, "2028": 0.6},
        "mips.payment.performance_threshold": 60.0,
        "mips.payment.applicable_percent": 0.04,
    }
    table = mips_designs.designs(by_hand().assign_attrs(parameters=json.dumps(changed)))
    words = {
        str(feature): table["rule"].sel(feature=feature).values for feature in table.feature.values
    }
    assert "60 points" in words["standard"][1]
    assert words["money"][0] == "70 % of what is at risk is paid out, 30 % kept"
    assert "-4 % to +0.4 %" in words["range"][1]
    assert "75" not in " ".join(" ".join(rules) for rules in words.values()).replace("18.75", "")
    later = mips_designs.designs(by_hand(), 2028)
    assert "12 %" in str(later["rule"].sel(feature="sd", program="asm").item())
    share = later["simulated"].sel(feature="penalty_share")
    np.testing.assert_allclose(share, [2 / 3, 1 / 3, 1 / 3])


def test_the_table_has_a_rule_and_a_number_in_every_cell() -> None:
    frame = mips_designs.designs_table(mips_designs.designs(by_hand()))
    assert len(frame) == len(mips_designs.FEATURES)
    programs = ["ASM", "traditional MIPS", "MIPS Value Pathway"]
    assert list(frame.columns) == [(p, what) for p in programs for what in ("rule", "simulated")]
    assert (frame.map(lambda cell: len(str(cell))) > 0).all(axis=None)
    standard = frame[("traditional MIPS", "simulated")].iloc[0]
    assert str(standard) == "75 ±0 points"
    assert standard == 75.0  # a number that is written, so that tables of them sort
    shares = frame.loc[:, (slice(None), "simulated")].astype(float)
    assert shares.iloc[0, 1] == 75.0
