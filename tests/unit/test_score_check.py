"""Every promise about bad cells: named by row and column, all in one message."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from asm_sim.errors import InputError
from asm_sim.rules.load import load_rules
from asm_sim.score.check import CheckedTable, check_table
from asm_sim.score.example import example_rows
from asm_sim.tables.read import read_table

RULES = load_rules()
HF, LBP = 15, 47  # an ordinary clinician of each cohort in the example, by position


def example() -> pd.DataFrame:
    return pd.DataFrame(example_rows(), dtype=object)


def checked(frame: pd.DataFrame) -> CheckedTable:
    return check_table(read_table(frame), RULES)


def problems(frame: pd.DataFrame) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        checked(frame)
    return error.value.problems


def with_cell(row: int, column: str, value: Any) -> pd.DataFrame:
    frame = example()
    frame.at[row, column] = value
    return frame


def test_the_place_may_be_told() -> None:
    """The column may be absent, and blank in a row; else it is 0 or 1."""
    assert np.isnan(checked(example()).frame["rural"]).all()
    frame = example().assign(rural=pd.Series([""] * len(example()), dtype=object))
    frame.loc[[HF, LBP], "rural"] = ["1", 0]
    told = checked(frame)
    assert told.warnings == []
    assert list(told.frame["rural"].dropna()) == [1.0, 0.0]
    frame.loc[[HF, LBP], "rural"] = [True, " FALSE"]
    assert list(checked(frame).frame["rural"].dropna()) == [1.0, 0.0]
    frame.loc[[HF, LBP], "rural"] = [2, "maybe"]
    out_of_range, no_flag = problems(frame)
    assert "column rural: 2 is out of range; give 1 or 0 (1: a rural practice)" in out_of_range
    assert "column rural: 'maybe' is not 1 or 0; give 1 or 0" in no_flag


def test_the_example_has_nothing_wrong() -> None:
    result = checked(example())
    assert result.warnings == []
    assert result.ignored_columns == []


@pytest.mark.parametrize(
    ("row", "column", "value", "expected"),
    [
        (HF, "clinician_id", "", "is blank"),
        (HF, "clinician_id", ["x"], "is not a text"),
        (HF, "cohort", "", "is blank; one of: HF, LBP"),
        (HF, "cohort", "COPD", "'COPD' is no cohort; one of: HF, LBP"),
        (HF, "cohort", 5, "'5' is no cohort"),
        (HF, "performance_year", "", "is blank"),
        (HF, "performance_year", 2026, "2026 is out of range; give a whole number from 2027"),
        (HF, "performance_year", "2027.5", "is not whole"),
        (HF, "performance_year", "next", "'next' is not a number"),
        (HF, "practice_size", "", "is blank"),
        (HF, "practice_size", 0, "out of range; give a whole number, 1 or more"),
        (HF, "practice_size", 2.5, "is not whole"),
        (HF, "hcc_risk_score", -0.1, "out of range"),
        (HF, "dual_share", 1.01, "out of range; give a number from 0 to 1"),
        (HF, "dual_share", "125", "percent belongs in a column dual_share_percent"),
        (HF, "part_b_payments", "", "is blank"),
        (HF, "part_b_payments", -1, "out of range"),
        (HF, "part_b_payments", "1,23,4", "is not a number"),
        (HF, "part_b_payments", "5%", "is not a number"),
        (HF, "pi_score", "$5", "is not a number"),
        (HF, "part_b_payments", "1_000", "is not a number"),
        (HF, "part_b_payments", "１２", "is not a number"),
        (HF, "part_b_payments", "0x10", "is not a number"),
        (HF, "part_b_payments", "1e400", "is infinite"),
        (HF, "part_b_payments", 10**400, "is infinite"),
        pytest.param(HF, "part_b_payments", 10**5000, "is infinite", id="huge"),
        (HF, "part_b_payments", "1e300", "out of range"),
        (HF, "part_b_payments", "inf", "is infinite"),
        (HF, "part_b_payments", -math.inf, "is infinite"),
        (HF, "part_b_payments", True, "True is not a number"),
        (HF, "part_b_payments", 1j, "is not a number"),
        (HF, "part_b_payments", Decimal("sNaN"), "is not a number"),
        (HF, "payment_year_part_b", -1, "out of range"),
        (HF, "improvement_activities", 3, "out of range; give a whole number from 0 to 2"),
        (HF, "improvement_activities", 1.5, "is not whole"),
        (HF, "pi_score", 101, "out of range; give a number from 0 to 100"),
        (HF, "pi_score", "n/a", "is not a number"),
        (HF, "episodes", -1, "out of range"),
        (HF, "episodes", 20.5, "is not whole"),
        (HF, "episode_cost", -0.01, "out of range"),
        (HF, "episode_cost", "", "is blank where there are 20 or more episodes"),
        (HF, "q008_rate", 100.5, "out of range; give a number from 0 to 100 (percent)"),
        (HF, "q008_rate", -1, "out of range"),
        (HF, "q492_rate", -1, "out of range"),
        (HF, "q008_cases", "", "is blank where q008_rate is given"),
        (HF, "q008_cases", 30.5, "is not whole"),
        (HF, "q008_cases", -1, "out of range"),
        (HF, "q008_completeness", 1.2, "out of range; give a number from 0 to 1"),
        (HF, "q008_collection_type", "", "is blank where q008_rate can be scored"),
        (HF, "q008_collection_type", "claims", "is no collection type of Q008; one of: ecqm, cqm"),
        (HF, "q238_rate", 5, "in a row of cohort HF; Q238 belongs to LBP, leave it blank"),
        (LBP, "q492_cases", "many", "in a row of cohort LBP; Q492 belongs to HF"),
        (LBP, "q008_collection_type", "ecqm", "Q008 belongs to HF"),
    ],
)
def test_one_bad_cell_is_one_problem_with_row_and_column(
    row: int, column: str, value: Any, expected: str
) -> None:
    found = problems(with_cell(row, column, value))
    assert len(found) == 1
    assert found[0].startswith(f"row {row}, column {column}: ")
    assert expected in found[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("q492_rate", 180.0),
        ("q492_rate", ""),
        ("q492_cases", ""),
        ("practice_size", "45.0"),
        ("episodes", "4.5e1"),
        ("pi_score", " NA "),
        ("pi_score", "NaN"),
        ("pi_score", None),
        ("pi_score", pd.NA),
        ("pi_score", Decimal("NaN")),
        ("pi_score", Decimal("99.5")),
        ("pi_score", Fraction(1, 3)),
        ("q008_collection_type", " eCQM "),
        ("cohort", "hf"),
        ("clinician_id", 17),
        ("specialty", 5),
    ],
)
def test_cells_that_are_fine(column: str, value: Any) -> None:
    checked(with_cell(HF, column, value))


def test_a_collection_type_is_needed_only_where_the_rate_can_be_scored() -> None:
    frame = with_cell(HF, "q008_collection_type", "")
    frame.at[HF, "q008_cases"] = 19
    checked(frame)
    frame.at[HF, "q008_cases"] = 20
    assert len(problems(frame)) == 1
    frame.at[HF, "q008_completeness"] = 0.74
    checked(frame)


def test_whole_numbers_and_names_come_out_as_the_rule_set_has_them() -> None:
    frame = with_cell(HF, "cohort", " hf ")
    frame.at[HF, "q008_collection_type"] = "CQM"
    row = checked(frame).frame.iloc[HF]
    assert row["cohort"] == "HF"
    assert row["q008_collection_type"] == "cqm"
    assert row["clinician_id"] == frame.at[HF, "clinician_id"]


def test_columns_that_a_claims_measure_does_not_need() -> None:
    frame = example()
    for name in ("q492_completeness", "q492_collection_type"):
        frame[name] = pd.Series([""] * len(frame), dtype=object)
    frame.at[HF, "q492_collection_type"] = "administrative_claims"
    checked(frame)
    frame.at[HF, "q492_completeness"] = 0.9
    assert "computed from claims" in problems(frame)[0]
    frame.at[HF, "q492_completeness"] = ""
    frame.at[HF, "q492_collection_type"] = "ecqm"
    assert "is no collection type of Q492" in problems(frame)[0]


def test_missing_columns_are_all_named_with_the_nearest_name() -> None:
    frame = example().rename(columns={"pi_score": "pi_scor"}).drop(columns="q220_rate")
    found = problems(frame)
    assert found == (
        "column pi_score is missing (did you mean 'pi_scor'?)",
        "column q220_rate is missing (the table has rows of cohort LBP)",
    )


def test_measures_of_a_cohort_without_rows_need_no_columns() -> None:
    frame = example()
    only_hf = frame[frame.cohort == "HF"].drop(
        columns=[c for c in frame.columns if c[:4] in {"q238", "q134", "q128", "q220"}]
    )
    assert checked(only_hf).warnings == []
    optional = ["payment_year_part_b", "practice_id", "specialty"]
    checked(only_hf.drop(columns=optional))


def test_column_names_without_regard_to_case_and_spaces() -> None:
    frame = example()
    frame.columns = [f" {name.upper()} " for name in frame.columns]
    checked(frame)
    frame.insert(3, "pi_score", 5)
    assert "column pi_score is there twice (columns 4 and 13)" in problems(frame)[0]


def test_unknown_columns_are_warned_of_with_the_nearest_name() -> None:
    frame = example().rename(columns={"payment_year_part_b": "payment_year_partb"})
    frame["notes"] = "x"
    result = checked(frame)
    assert result.ignored_columns == ["payment_year_partb", "notes"]
    assert "(did you mean 'payment_year_part_b'?)" in result.warnings[0]
    assert "'notes' is not known and is ignored" in result.warnings[1]


def test_duplicates_name_the_first_row() -> None:
    frame = example()
    frame.at[HF + 1, "clinician_id"] = frame.at[HF, "clinician_id"] + " "
    found = problems(frame)
    assert len(found) == 1
    assert f"row {HF + 1}, column clinician_id" in found[0]
    assert f"in cohort HF and 2027 is already in row {HF}" in found[0]


def test_a_rate_column_of_fractions_draws_a_warning() -> None:
    frame = example()
    for i, rate in enumerate(frame["q008_rate"]):
        frame.at[i, "q008_rate"] = rate if rate == "" else rate / 100
    assert checked(frame).warnings == [
        "column q008_rate never exceeds 1: is it a fraction? The unit is percent (0 to 100)"
    ]
    frame.loc[frame["q008_rate"] != "", "q008_rate"] = 0.0
    assert checked(frame).warnings == []


def test_a_collection_type_that_cms_does_not_offer_draws_a_warning() -> None:
    (warning,) = checked(with_cell(HF, "q377_collection_type", "cqm")).warnings
    assert "1 row has cqm, which CMS does not offer for Q377 (ecqm)" in warning


def test_problems_come_in_row_order_and_the_message_stops_at_twenty() -> None:
    frame = example()
    for i, column in enumerate(frame.columns[5:20]):
        frame.loc[i : i + 1, column] = "x"
    with pytest.raises(InputError) as error:
        checked(frame)
    lines = str(error.value).splitlines()
    assert "30 problems, nothing was scored" in lines[0]
    assert lines[1].startswith("  - row 0, column practice_size")
    assert lines[2].startswith("  - row 1, column practice_size")
    assert lines[3].startswith("  - row 1, column hcc_risk_score")
    assert lines[-1] == "  ... and 10 more"
    assert len(lines) == 22


def test_what_is_wrong_in_a_whole_column_is_one_line() -> None:
    frame = example()
    frame["pi_score"] = "x"
    frame["practice_size"] = 0
    assert problems(frame) == (
        "row 0, column practice_size: 0 is out of range; give a whole number, 1 or more "
        "(clinicians) (and so in 127 more rows: 1, 2, 3, 4, 5, ...)",
        "row 0, column pi_score: 'x' is not a number; give a number from 0 to 100 (points) "
        "(and so in 127 more rows: 1, 2, 3, 4, 5, ...)",
    )


def test_rows_of_a_csv_are_lines_and_ragged_rows_join_the_list(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    example().to_csv(path, index=False)
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("HF", "XX", 1)
    lines[3] += ",5"
    lines[4] = lines[4].replace(",2027,", ",2127,", 1)
    lines.insert(1, "")
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as error:
        check_table(read_table(path), RULES)
    assert "3 problems" in error.value.title
    assert "the header is line 1" in error.value.title
    starts = ["row 3, column cohort", "row 5: 49 cells", "row 6, column performance_year"]
    for problem, start in zip(error.value.problems, starts, strict=True):
        assert problem.startswith(start)


def test_every_type_of_column_gives_the_same_numbers() -> None:
    text = pd.DataFrame([{k: str(v) for k, v in row.items()} for row in example_rows()])
    expected = checked(text).frame
    numeric = text.copy()
    for name in expected.columns:
        if name in numeric.columns and expected[name].dtype == np.float64:
            numeric[name] = pd.to_numeric(numeric[name])
    variants = [
        text.astype("string"),
        text.astype("category"),
        numeric,
        numeric.convert_dtypes(),
        numeric.convert_dtypes(dtype_backend="pyarrow"),
    ]
    for variant in variants:
        frame = checked(variant).frame
        for name in expected.columns.drop(["clinician_id", "practice_id", "specialty"]):
            pd.testing.assert_series_equal(frame[name], expected[name], check_exact=True)


@pytest.mark.parametrize("kind", ["float32", "Float32", "float[pyarrow]", "float16", "cells"])
def test_narrow_numbers_are_those_that_were_written(kind: str, tmp_path: Path) -> None:
    """0.9 in float32 is below 0.9 in float64, and 0.9 meets a minimum of 0.9."""
    completeness = [0.9, 0.75, None, *[0.1] * 125]
    frame = example()
    as_cells = [None if c is None else np.float32(c) for c in completeness]
    frame["q005_completeness"] = (
        pd.Series(as_cells, dtype=object)
        if kind == "cells"
        else pd.Series(completeness, dtype="float64").astype(kind)
    )
    frame.loc[frame["cohort"] != "HF", "q005_completeness"] = None
    read = [checked(frame).frame]
    if kind == "float32":
        cells = frame.drop(columns="q005_completeness").astype(str)
        cells["q005_completeness"] = frame["q005_completeness"].astype(kind)
        cells.to_parquet(tmp_path / "table.parquet")
        read.append(check_table(read_table(tmp_path / "table.parquet"), RULES).frame)
    for result in read:
        in_cohort = result["cohort"] == "HF"
        values = result["q005_completeness"][in_cohort]
        assert set(values.dropna()) == {0.9, 0.75, 0.1}
        assert values.iloc[0] == 0.9
    frame["q005_completeness"] = pd.Series([1.1] * 128).astype("float32")
    assert "column q005_completeness: 1.1 is out of range" in problems(frame)[0]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([True] * 128),
        pd.Series([1j] * 128),
        pd.Series(pd.to_datetime(["2027-01-01"] * 128)),
        pd.Series(pd.to_timedelta([5] * 128, unit="s")),
        pd.Series([b"5"] * 128),
        pd.Series([[5]] * 128),
        pd.Series([{"a": 5}] * 128),
        pd.Series([True] * 128, dtype="boolean"),
    ],
)
def test_columns_of_a_wrong_type_are_a_problem(values: pd.Series[Any]) -> None:
    frame = example()
    frame["pi_score"] = values
    (problem,) = problems(frame)
    assert "is not a number" in problem
    assert "and so in 127 more rows" in problem
    frame = example()
    frame["q008_collection_type"] = values
    frame["cohort"] = values
    frame["clinician_id"] = values
    assert problems(frame)


def test_a_rule_set_of_ones_own_brings_its_own_limits() -> None:
    settings = {
        "improvement_activities.adjustment_by_completed": [-30, -20, -10, 0],
        "cost.case_minimum": 30,
    }
    rules = load_rules(settings=settings)
    frame = with_cell(HF, "improvement_activities", 3)
    frame.at[HF, "episodes"] = 25
    frame.at[HF, "episode_cost"] = ""
    check_table(read_table(frame), rules)
    assert len(problems(frame)) == 2
