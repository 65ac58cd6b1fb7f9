"""Cells that stand for a suppressed number, blanks that count, and what is said of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import asm_sim.score
from asm_sim.errors import InputError
from asm_sim.rules.load import load_rules
from asm_sim.score.check import check_table
from asm_sim.score.example import example_rows, write_example
from asm_sim.score.scoring import score_table
from asm_sim.score.summary import summarise
from asm_sim.score.suppressed import UNKNOWN, largest_count
from asm_sim.tables.read import read_table

RULES = load_rules()
HF = 15  # an ordinary clinician of the example, by position


def example() -> pd.DataFrame:
    return pd.DataFrame(example_rows(), dtype=object)


def problems(frame: pd.DataFrame, settings: dict[str, Any] | None = None) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        check_table(read_table(frame), load_rules(settings=settings))
    return error.value.problems


@pytest.mark.parametrize(
    ("cell", "most"),
    [
        *[(cell, 10) for cell in ("<11", "< 11", "<=10", "≤10", " 1-10", "0 to 10", "under 11")],
        *[(cell, UNKNOWN) for cell in ("*", "**", "Suppressed", "(D)", "s", ">95", "≥ 95%")],
        *[(cell, None) for cell in ("", "n/a", "x", "-5", "11", "<", ".", "2027-01-01", 5, None)],
    ],
)
def test_what_stands_for_a_suppressed_number(cell: Any, most: float | None) -> None:
    assert largest_count(cell) == most


def test_each_way_of_writing_one_is_told_once_with_what_it_means() -> None:
    frame = example()
    frame.loc[[HF, HF + 1, HF + 2], "q008_cases"] = "<11"
    frame.loc[[HF, HF + 1, HF + 2], "q008_rate"] = "*"
    frame.loc[HF + 3, "q008_cases"] = "*"
    frame.loc[HF + 3, "q005_cases"] = "<26"
    frame.loc[HF + 3, "episodes"] = "1-10"
    frame.loc[HF + 4, "q492_rate"] = "*"
    frame.loc[HF + 4, "q008_completeness"] = "*"
    frame.loc[HF + 4, "practice_size"] = "<16"
    found = dict(text.split(": ", 1) for text in problems(frame))
    assert found == {
        f"row {HF}, column q008_rate": (
            "'*' stands for a suppressed number; leave it blank: with fewer than 20 cases Q008 is "
            "left out, with more, or with blank cases, it counts as not reported (0 points) (also "
            "in 2 rows below)"
        ),
        f"row {HF}, column q008_cases": (
            "'<11' stands for a suppressed number; below the minimum of 20 cases Q008 is left out, "
            "however many there are: write 10, the most that it can be (also in 2 rows below)"
        ),
        f"row {HF + 3}, column episodes": (
            "'1-10' stands for a suppressed number; below the minimum of 20 episodes cost is not "
            "scored, however many there are: write 10, the most that it can be"
        ),
        f"row {HF + 3}, column q008_cases": (
            "'*' stands for a suppressed number; below the minimum of 20 cases Q008 is left out, "
            "however many there are: write the most that it can be, such as 10 where counts below "
            "11 are suppressed"
        ),
        f"row {HF + 3}, column q005_cases": (
            "'<26' stands for a suppressed number; below the minimum of 20 cases Q005 is left out, "
            "however many there are, from 20 on it counts: give the number"
        ),
        f"row {HF + 4}, column practice_size": (
            "'<16' stands for a suppressed number; give a whole number, 1 or more (clinicians)"
        ),
        f"row {HF + 4}, column q492_rate": (
            "'*' stands for a suppressed number; leave it blank: without a rate Q492 is left out"
        ),
        f"row {HF + 4}, column q008_completeness": (
            "'*' stands for a suppressed number; give a number from 0 to 1 (a fraction, not "
            "percent): where it is blank the measure counts as not reported (0 points)"
        ),
    }


def test_what_the_advice_says_is_what_the_score_does() -> None:
    """Any count below the minimum gives the same; a blank rate with enough cases gives 0 points."""
    frame = example()
    frame.loc[HF, "q008_rate"] = ""
    points = {}
    for cases in (0, 1, 10, 19, 20, ""):
        frame.loc[HF, "q008_cases"] = cases
        points[cases] = score_table(frame).table["q008_points"][HF]
    assert [np.isnan(points[cases]) for cases in (0, 1, 10, 19)] == [True] * 4
    assert (points[20], points[""]) == (0, 0)
    frame = example()
    costs = []
    for episodes in (1, 10, 19):
        frame.loc[HF, ["episodes", "episode_cost"]] = [episodes, ""]
        costs.append(score_table(frame).table["cost_points"][HF])
    assert np.isnan(costs).all()
    frame.loc[HF, "q492_rate"] = ""
    assert np.isnan(score_table(frame).table["q492_points"][HF])


def test_counts_that_are_added_up_in_a_practice_are_needed() -> None:
    frame = example()
    frame.loc[HF, "q008_cases"] = "<11"
    (text,) = problems(frame, {"scoring_level.quality": "practice"})
    assert "a practice's cases are added up, so that it is needed" in text


def test_a_measure_that_is_blank_altogether_draws_a_warning_that_it_scores_zero() -> None:
    frame = example()
    names = ["q008_rate", "q008_cases", "q008_completeness", "q008_collection_type"]
    frame.loc[[HF, HF + 1], names] = ""
    scored = score_table(frame)
    assert scored.table["q008_points"][[HF, HF + 1]].tolist() == [0, 0]
    assert scored.warnings == [
        "column q008_rate: rate and cases are blank in 2 rows, where Q008 counts as not reported "
        "and scores 0 points; write the cases, if only 0, where they are fewer than 20 and it is "
        "to be left out"
    ]
    assert "  Q008 not reported, 0 points: 2 (2 no rate)" in summarise(score_table(example()))
    assert "  Q008 not reported, 0 points: 4 (4 no rate)" in summarise(scored)
    frame["extreme_circumstances"] = [int(i in (HF, HF + 1)) for i in range(len(frame))]
    excused = {"rules.final_score.extreme_circumstances": "neutral"}
    assert score_table(frame, settings=excused).warnings == []
    frame.loc[[HF, HF + 1], "q008_cases"] = 0
    assert score_table(frame.drop(columns="extreme_circumstances")).warnings == []


def test_incomplete_reports_are_listed_as_not_reported() -> None:
    frame = example()
    frame.loc[HF, "q236_completeness"] = 0.5
    text = "\n".join(summarise(score_table(frame)))
    assert "Q236 not reported, 0 points: 2 (1 no rate; 1 data completeness below 0.75)" in text


def test_specialties_that_differ_by_capitals_are_one() -> None:
    settings = {"rules.peers.basis": "specialty"}
    plain = score_table(example(), settings=settings)
    frame = example()
    frame["specialty"] = [
        name.upper() + "\xa0" if i % 2 else name for i, name in enumerate(frame["specialty"])
    ]
    mixed = score_table(frame, settings=settings)
    pd.testing.assert_frame_equal(mixed.table, plain.table, check_exact=True)
    assert [group.peers for group in mixed.cohort_years] == [
        group.peers for group in plain.cohort_years
    ]


def test_practices_that_differ_by_capitals_are_one() -> None:
    settings = {"rules.scoring_level.quality": "practice", "rules.scoring_level.cost": "practice"}
    frame = example()
    for name in [name for name in frame if name.endswith("collection_type")]:
        frame[name] = ["" if cell == "" else "ecqm" for cell in frame[name]]
    frame["practice_size"] = 4
    frame["practice_id"] = [f"p{i // 3}" for i in range(len(frame))]
    plain = score_table(frame, settings=settings).table
    frame["practice_id"] = [f"{'pP'[i % 2]}{i // 3} " for i in range(len(frame))]
    pd.testing.assert_frame_equal(score_table(frame, settings=settings).table, plain)
    frame.loc[4, "practice_id"] = "1.23E+09"
    (text,) = problems(frame, {name[6:]: value for name, value in settings.items()})
    assert "column practice_id: '1.23E+09' is a long number in scientific notation" in text


def test_ids_that_are_none_and_ids_that_are_one() -> None:
    frame = example()
    frame.loc[[HF, HF + 1], "clinician_id"] = "1.99280E+09"
    (text,) = problems(frame)
    assert "format the column as text and save it anew (also in 1 row below)" in text
    frame = example().assign(clinician_id=[f"c{i}" for i in range(len(example()))])
    frame.loc[HF, "clinician_id"] = f" C{HF + 1}"
    (text,) = problems(frame)
    assert (
        f"row {HF + 1}, column clinician_id: 'c{HF + 1}' in cohort HF and 2027 is already" in text
    )


def test_many_unknown_columns_are_a_few_lines() -> None:
    more = pd.DataFrame({f"other {i}": [1] * len(example()) for i in range(500)})
    scored = score_table(pd.concat([example(), more], axis="columns"))
    assert len(scored.warnings) == 11
    assert scored.warnings[-1] == "490 more columns are not known and are ignored"
    assert summarise(scored)[1].endswith("'other 9' and 490 more")


def test_a_title_above_the_header_is_left_out_and_told(tmp_path: Path) -> None:
    table = write_example(tmp_path)
    plain = score_table(table)
    text = table.read_text()
    table.write_text(f"sep=,\nOur clinicians,,,\n\n{text}\n,,,,\n")
    scored = score_table(table)
    pd.testing.assert_frame_equal(scored.table, plain.table, check_exact=True)
    assert scored.warnings == [
        "lines 1 to 3, before the header, left out",
        "line 134, without anything in it, left out",
    ]
    table.write_text(f"Title\n{text.replace(',2027,', ',2127,', 1)}")
    with pytest.raises(InputError, match=r"the header is line 2\)\n  - row 3, column performance_"):
        score_table(table)


def test_tables_of_pyarrow_and_open_files(tmp_path: Path) -> None:
    table = write_example(tmp_path)
    plain = asm_sim.score.score(table)
    frame = pd.read_csv(table, dtype={"clinician_id": str})
    arrow = asm_sim.score.score(pa.Table.from_pandas(frame))
    pd.testing.assert_frame_equal(arrow, plain, check_exact=True)
    with table.open() as file:
        pd.testing.assert_frame_equal(asm_sim.score.score(file), plain, check_exact=True)
    with pytest.raises(InputError, match="a table cannot be read from dict"):
        asm_sim.score.score({"clinician_id": ["1"]})  # type: ignore[arg-type]
