"""A table through the rule: equal to the plain-Python reference, in input order, in dollars."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import asm_sim.score
from asm_sim.reference.cohort import score_cohort
from asm_sim.rules.load import load_rules
from asm_sim.score.check import check_table
from asm_sim.score.example import YEARS, example_rows, write_example
from asm_sim.score.scoring import groups, observed, score_table
from asm_sim.score.summary import summarise
from asm_sim.tables.read import read_table

RULES = load_rules()
COLUMNS = [
    *("clinician_id", "cohort", "performance_year"),
    *("q492_points", "q008_points", "q005_points", "q236_points", "q377_points"),
    *("q238_points", "q134_points", "q128_points", "q220_points"),
    *("quality_score", "cost_points", "cost_score"),
    *("improvement_activities_adjustment", "promoting_interoperability_adjustment"),
    *("small_practice_adjustment", "complex_patient_adjustment"),
    *("final_score", "transformed_score", "scaling_factor"),
    *("payment_adjustment_factor", "payment_multiplier", "payment_change_usd"),
]


def example() -> pd.DataFrame:
    return pd.DataFrame(example_rows(), dtype=object)


def test_it_equals_the_reference() -> None:
    frame = example()
    result = asm_sim.score.score(frame)
    for cohort in RULES.cohorts:
        for year in YEARS:
            chosen = (frame["cohort"] == cohort) & (frame["performance_year"] == year)
            rows = [
                {name: None if value == "" else value for name, value in row.items()}
                for row in frame[chosen].to_dict("records")
            ]
            expected = pd.DataFrame(score_cohort(rows, RULES, cohort, year), dtype=object)
            numbers = expected.drop(columns="clinician_id").astype(np.float64)
            actual = result.loc[chosen, numbers.columns].reset_index(drop=True)
            pd.testing.assert_frame_equal(actual, numbers, rtol=0, atol=1e-9)


def test_the_output_has_its_columns_the_input_order_and_the_input_index() -> None:
    frame = example().sample(frac=1, random_state=3)
    before = frame.copy()
    result = asm_sim.score.score(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert list(result.columns) == COLUMNS
    assert result.index.equals(frame.index)
    assert list(result["clinician_id"]) == list(frame["clinician_id"])
    straight = asm_sim.score.score(example())
    close = result.sort_index().drop(columns=["clinician_id", "cohort"])
    pd.testing.assert_frame_equal(
        close, straight.drop(columns=["clinician_id", "cohort"]), rtol=1e-12
    )


def test_the_package_can_be_called_like_the_function() -> None:
    assert asm_sim.score(example()).equals(asm_sim.score.score(example()))  # type: ignore[operator]


def test_importing_the_package_is_cheap() -> None:
    code = "import sys, asm_sim.score; print([m for m in ('pandas', 'numba') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_each_cohort_and_year_stands_alone() -> None:
    frame = example()
    whole = asm_sim.score.score(frame)
    chosen = (frame["cohort"] == "LBP") & (frame["performance_year"] == 2028)
    alone = asm_sim.score.score(frame[chosen])
    assert list(alone.columns[3:7]) == ["q238_points", "q134_points", "q128_points", "q220_points"]
    pd.testing.assert_frame_equal(alone, whole.loc[chosen, alone.columns], check_exact=True)


def test_the_pool_pays_85_percent_of_the_amount_at_risk() -> None:
    frame = example()
    result = asm_sim.score.score(frame)
    part_b = frame["part_b_payments"].astype(float)
    scored = result["final_score"].notna()
    for (_, year), rows in result[scored].groupby(["cohort", "performance_year"]):
        paid = (rows["payment_adjustment_factor"] * part_b[rows.index]).sum()
        at_risk = RULES.payment.risk_level.at(int(year)) * part_b[rows.index].sum()
        assert paid == pytest.approx(-0.15 * at_risk, rel=1e-9)


def test_dollars_follow_the_payment_year_where_it_is_known() -> None:
    frame = example()
    result = asm_sim.score.score(frame)
    payment_year = frame["payment_year_part_b"].replace("", np.nan).astype(float)
    assert payment_year.isna().any()
    assert payment_year.notna().any()
    base = payment_year.fillna(frame["part_b_payments"].astype(float))
    expected = result["payment_adjustment_factor"] * base
    np.testing.assert_allclose(result["payment_change_usd"], expected, rtol=1e-15)
    np.testing.assert_array_equal(
        result["payment_multiplier"], 1 + result["payment_adjustment_factor"]
    )


def test_blanks_of_a_row_without_a_final_score_and_of_a_zero() -> None:
    result = asm_sim.score.score(example())
    without = result[result["final_score"].isna()].iloc[0]
    blank = ["quality_score", "complex_patient_adjustment", "transformed_score"]
    assert without[blank].isna().all()
    assert without["payment_adjustment_factor"] == 0
    assert without["payment_multiplier"] == 1
    assert without["small_practice_adjustment"] == without["small_practice_adjustment"]
    zero = result[result["final_score"] == 0].iloc[0]
    assert zero["payment_adjustment_factor"] == -0.09
    assert zero["quality_score"] > 0
    assert np.isnan(zero["transformed_score"])


def test_settings_and_rule_sets() -> None:
    frame = example()
    plain = asm_sim.score.score(frame)
    steep = asm_sim.score.score(frame, settings={"rules.payment.exchange.steepness": 0.2})
    loaded = asm_sim.score.score(
        frame, rules=load_rules(settings={"payment.exchange.steepness": 0.2})
    )
    pd.testing.assert_frame_equal(steep, loaded)
    assert not np.allclose(plain["payment_adjustment_factor"], steep["payment_adjustment_factor"])
    np.testing.assert_array_equal(plain["final_score"], steep["final_score"])


def test_one_clinician_is_enough() -> None:
    frame = example()
    result = asm_sim.score.score(frame.iloc[[15]])
    assert len(result) == 1
    assert result["q008_points"].isna().all()
    assert result["cost_points"].item() == 7.5


def test_warnings_come_as_warnings_in_python() -> None:
    frame = example()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asm_sim.score.score(frame)
    frame["notes"] = ""
    with pytest.warns(UserWarning, match="'notes' is not known and is ignored"):
        asm_sim.score.score(frame)


def test_observed_holds_what_the_kernels_expect() -> None:
    checked = check_table(read_table(example()), RULES)
    for cohort, _, positions in groups(checked.frame, RULES):
        measures = RULES.cohorts[cohort].quality_measures.value
        seen = observed(checked.frame.iloc[positions], RULES, cohort)
        assert seen.rate.shape == (len(measures), len(positions))
        assert seen.collection.dtype == np.int8
        for name, array in seen._asdict().items():
            assert array.flags.c_contiguous, name
            if name != "collection":
                assert array.dtype == np.float64
        if cohort == "HF":
            assert (seen.collection[0] == 0).all()
            assert np.isnan(seen.completeness[0]).all()
        blank = np.isnan(seen.rate[1])
        assert (seen.collection[1][blank] == -1).all()


def test_the_example_shows_every_fate(tmp_path: Path) -> None:
    path = write_example(tmp_path)
    assert path.read_text().splitlines()[1].startswith("00101,HF,2027,")
    again = tmp_path / "again"
    again.mkdir()
    assert write_example(again).read_bytes() == path.read_bytes()
    scored = score_table(path)
    assert scored.warnings == []
    lines = summarise(scored)
    text = "\n".join(lines)
    for said in (
        "HF 2027 (paid in 2029): 32 clinicians, 31 with a final score",
        "LBP 2028 (paid in 2030)",
        "without a final score: 1 (1 neither quality nor cost could be scored)",
        "final score of zero: 1 (1 minimum submission not met)",
        "fewer than 20 cases",
        "6 fewer than 20 clinicians to compare with",
        "cost not scored: 2 (2 fewer than 20 episodes)",
        "incentive pool",
        "scaling factor",
    ):
        assert said in text
    both = scored.table[scored.table["clinician_id"] == "00042"]
    assert set(both["cohort"]) == {"HF", "LBP"}


def test_the_summary_tells_a_sum_of_nothing_from_a_missing_submission() -> None:
    frame = example()
    row = frame.iloc[15]
    for measure in ("q008", "q005", "q236", "q377"):
        frame.at[15, f"{measure}_rate"] = 0.0
    frame.at[15, "q492_rate"] = 900.0
    frame.at[15, "episode_cost"] = 10 * row["episode_cost"]
    frame.at[15, "improvement_activities"] = 0
    frame.at[15, "pi_score"] = 0
    frame.at[15, "practice_size"] = 100
    frame.at[15, "hcc_risk_score"] = ""
    frame.at[15, "dual_share"] = ""
    text = "\n".join(summarise(score_table(frame)))
    assert "(1 minimum submission not met; 1 nothing left after the adjustments)" in text
