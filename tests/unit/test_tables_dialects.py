"""Spreadsheets, and numbers in other notations: read and told, or refused and never guessed."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

from asm_sim.errors import InputError
from asm_sim.population.roster import read_roster
from asm_sim.rules.load import load_rules
from asm_sim.scenario.load import load_scenario
from asm_sim.score.check import CheckedTable, check_table
from asm_sim.score.columns import input_columns
from asm_sim.score.example import example_rows
from asm_sim.score.template import write_template
from asm_sim.tables.read import read_table
from asm_sim.tables.workbook import workbook_bytes
from tests.conftest import roster_rows

RULES = load_rules()
KNOWN = set(input_columns(RULES))
EXAMPLE = pd.DataFrame(example_rows(), dtype=object)
HF = 15  # an ordinary clinician of the example, by position


def is_header(cells: Any) -> bool:
    return len(KNOWN & {cell.lower() for cell in cells}) > 1


def checked(table: pd.DataFrame | bytes) -> CheckedTable:
    source = table if isinstance(table, pd.DataFrame) else io.BytesIO(table)
    return check_table(read_table(source, is_header), RULES)


def refused(table: pd.DataFrame | bytes) -> str:
    with pytest.raises(InputError) as error:
        checked(table)
    assert len(error.value.problems) < 2
    return str(error.value)


def with_column(name: str, cells: dict[int, Any] | list[Any]) -> pd.DataFrame:
    table = EXAMPLE.copy()
    for i, cell in cells.items() if isinstance(cells, dict) else enumerate(cells):
        table.at[i, name] = cell
    return table


PLAIN = checked(EXAMPLE).frame
SHARES = [f"{100 * x:.1f}" if x != "" else "" for x in EXAMPLE["dual_share"]]


# One way of writing in a column


@pytest.mark.parametrize(
    ("column", "written", "told"),
    [
        ("dual_share", "{:.1%}", "read dual_share as percent: 124 values"),
        ("q008_completeness", "{:.1%}", "read q008_completeness as percent: 60 values"),
        ("part_b_payments", "{:,.2f}", "read part_b_payments with thousands separators: 124"),
        ("part_b_payments", "${:.2f}", "read part_b_payments with currency signs: 128 values"),
        ("part_b_payments", "{:.2f} USD", "read part_b_payments with currency signs: 128 values"),
        ("q008_rate", "{}%", "read q008_rate as percent: 60 values"),
    ],
)
def test_a_column_written_in_another_way_is_read_and_told(
    column: str, written: str, told: str
) -> None:
    cells = [written.format(cell) if cell != "" else "" for cell in EXAMPLE[column]]
    result = checked(with_column(column, cells))
    (warning,) = result.warnings
    assert warning.startswith(told)
    pd.testing.assert_frame_equal(result.frame, PLAIN, check_exact=True)


@pytest.mark.parametrize("mark", ["'", " ", "\xa0", "\u202f", "."])
def test_thousands_and_decimals_of_other_countries(mark: str) -> None:
    cells = [f"{x:,.2f}".replace(",", mark).replace(".", ",") for x in EXAMPLE["episode_cost"] if x]
    if mark == ".":
        cells = [f"{x:,.2f}".translate({44: 46, 46: 44}) for x in EXAMPLE["episode_cost"] if x]
    filled = EXAMPLE.index[EXAMPLE["episode_cost"] != ""]
    table = with_column("episode_cost", dict(zip(filled, cells, strict=True)))
    result = checked(table)
    assert len(result.warnings) == 2
    pd.testing.assert_series_equal(result.frame["episode_cost"], PLAIN["episode_cost"])


def test_a_table_of_decimal_commas_is_one_line() -> None:
    table = EXAMPLE.map(lambda x: str(x).replace(".", ",") if isinstance(x, float) else x)
    result = checked(table.to_csv(index=False, sep=";").encode())
    assert result.warnings == [
        "columns are separated by semicolons",
        "read hcc_risk_score, dual_share, part_b_payments and 20 more columns with decimal commas: "
        "1,708 values",
    ]
    pd.testing.assert_frame_equal(
        result.frame.drop(columns="clinician_id"), PLAIN.drop(columns="clinician_id")
    )


def test_a_header_says_that_all_cells_are_percent() -> None:
    table = with_column("dual_share", SHARES).rename(columns={"dual_share": "Dual_Share_Percent"})
    result = checked(table)
    assert result.warnings == []
    pd.testing.assert_series_equal(result.frame["dual_share"], PLAIN["dual_share"])
    table.loc[HF, "Dual_Share_Percent"] = "125%"
    assert "column dual_share_percent: '125%' is out of range; give a number from 0 to 100" in (
        refused(table)
    )
    fractions = EXAMPLE.rename(columns={"dual_share": "dual_share_percent"})
    (warning,) = checked(fractions).warnings
    assert warning.startswith("column dual_share_percent never exceeds 1: is it a fraction?")
    assert "column dual_share is there twice" in refused(fractions.assign(dual_share=0.5))


def test_headers_as_people_write_them() -> None:
    written = {name: name.replace("_", " ").title() for name in EXAMPLE.columns}
    table = EXAMPLE.rename(columns=written | {"dual_share": "Dual-Share (%)"})
    table["Dual-Share (%)"] = SHARES
    read = checked(table)
    pd.testing.assert_frame_equal(read.frame, PLAIN, check_exact=False, atol=1e-3)
    assert read.ignored_columns == []
    assert "column dual_share is there twice" in refused(
        EXAMPLE.assign(**{"Dual Share": EXAMPLE["dual_share"]})
    )


def test_percent_without_a_sign_is_one_line_that_says_what_to_do() -> None:
    message = refused(with_column("dual_share", SHARES))
    assert "percent belongs in a column dual_share_percent (and so in 117 more rows" in message


# What may mean two things


def test_percent_beside_fractions_is_refused() -> None:
    message = refused(with_column("dual_share", {HF: "25 %"}))
    assert (
        "column dual_share: '25 %' (row 15) is percent and 0.286 (row 0) has no percent" in message
    )
    zeros = with_column("dual_share", ["0"] * len(EXAMPLE))
    zeros.loc[HF, "dual_share"] = "25 %"
    assert checked(zeros).frame["dual_share"][HF] == 0.25


def test_a_comma_that_may_separate_thousands_or_decimals_is_refused() -> None:
    """``1,234`` beside ``0,5``; beside ``0.5`` it can only be one thousand and some."""
    table = with_column("part_b_payments", {HF: "1,234"}).astype(str)
    result = checked(table)
    assert result.frame["part_b_payments"][HF] == 1234
    table.loc[HF, "dual_share"] = "0,5"
    message = refused(table)
    assert "column part_b_payments: '1,234' (row 15) may be 1234 or 1.234, since '0,5'" in message
    assert "(row 15) in column dual_share has a decimal comma" in message
    bare = table.map(lambda cell: "1" if cell.replace(".", "", 1).isdecimal() else cell)
    bare["performance_year"], bare["clinician_id"] = EXAMPLE.performance_year, EXAMPLE.clinician_id
    bare.loc[HF, "dual_share"] = "1"
    assert "may be 1234 or 1.234, and nothing says which" in refused(bare)


def test_a_comma_in_a_column_that_can_hold_but_one_of_the_two() -> None:
    table = with_column("episodes", {HF: "1,234"})
    table.loc[HF, "q008_cases"] = "2,000"
    table.loc[HF, "hcc_risk_score"] = "1,234"
    whole = table.drop(columns="hcc_risk_score").assign(hcc_risk_score=EXAMPLE["hcc_risk_score"])
    assert checked(whole).frame[["episodes", "q008_cases"]].loc[HF].tolist() == [1234, 2000]
    assert (
        checked(with_column("hcc_risk_score", {HF: "1,234"})).frame["hcc_risk_score"][HF] == 1.234
    )
    with pytest.raises(InputError, match=r"may be 1234 or 1\.234, since '1,234'"):
        checked(table)


def test_a_point_among_decimal_commas_is_refused_where_it_may_separate_thousands() -> None:
    table = with_column("part_b_payments", ["12,5"] * len(EXAMPLE))
    table.loc[HF, "part_b_payments"] = "1.234"
    assert "the point in '1.234' (row 15) may separate thousands, as '12,5'" in refused(table)
    table.loc[HF, "part_b_payments"] = "1.23"
    assert checked(table).frame["part_b_payments"][HF] == 1.23


@pytest.mark.parametrize(
    "cell", ["1,23,4", "1,2.5", "1.2.3", "12,34,567.8", "5%", "%", "$", "1 23"]
)
def test_what_is_no_number_in_any_notation(cell: str) -> None:
    assert f"{cell!r} is not a number" in refused(with_column("episode_cost", {HF: cell}))


# Rows that are no clinician


def test_totals_at_the_end_are_left_out_and_told() -> None:
    text = EXAMPLE.to_csv(index=False)
    blank = "," * (EXAMPLE.shape[1] - 2)
    for end in (f"Total,{blank}\nAverage:,{blank}\n", "Grand total (128),\nMean\n"):
        (warning,) = checked((text + end).encode()).warnings
        assert warning == "2 lines of totals left out (the first is line 130)"
    named = text.replace("00232", "Total")  # a row like all others
    assert checked(named.encode()).warnings == []


# Workbooks


def workbook(table: pd.DataFrame, name: str = "Sheet1") -> Workbook:
    rows = [list(table.columns), *table.itertuples(index=False)]
    return load_workbook(io.BytesIO(workbook_bytes({name: rows})))


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("text", [False, True])
def test_a_workbook_is_read_its_numbers_kept_as_numbers_or_as_text(text: bool) -> None:
    result = checked(saved(workbook(EXAMPLE.astype(str) if text else EXAMPLE.replace("", None))))
    assert result.warnings == []
    pd.testing.assert_frame_equal(result.frame, PLAIN, check_exact=True)


def test_cells_shown_as_percent_are_percent() -> None:
    """0.25 shown as 25 % is a fraction of 0.25, and a rate of 25."""
    book = workbook(EXAMPLE.replace("", None))
    sheet = book.active
    for name, scale in (("dual_share", 1), ("q008_rate", 100)):
        column = list(EXAMPLE.columns).index(name) + 1
        for row in range(2, len(EXAMPLE) + 2):
            cell = sheet.cell(row, column)
            if cell.value is not None:
                cell.value = float(f"{cell.value / scale:.4f}")
                cell.number_format = '0.0% "of all"'
    result = checked(saved(book))
    assert result.warnings == [
        "read dual_share as percent: 124 values",
        "read q008_rate as percent: 60 values",
    ]
    pd.testing.assert_frame_equal(result.frame, PLAIN)


def test_the_sheet_with_the_table_is_found_and_rows_are_those_of_excel() -> None:
    book = workbook(EXAMPLE.replace("", None), "ours")
    book.create_sheet("notes", 0)["A1"] = "Clinicians of ours"
    sheet = book["ours"]
    sheet.insert_rows(1, 2)
    sheet["A1"] = "Our table"
    sheet.cell(140, 1).value = "Total"
    sheet["F140"] = "=SUM(F4:F131)"
    sheet["F6"] = "=1+1"
    with pytest.raises(InputError) as error:
        checked(saved(book))
    assert "(rows are rows of the sheet, the header is row 3)" in error.value.title
    assert error.value.problems[0] == (
        "row 6: cell F6 is a formula without a result: open the workbook in Excel and save it"
    )
    sheet["F6"] = 3
    assert checked(saved(book)).warnings == [
        "read from sheet 'ours', not from 'notes'",
        "rows 1 to 2, before the header, left out",
        "row 140, of totals, left out",
    ]
    book.copy_worksheet(sheet)
    assert "several sheets that may be meant ('ours', 'ours Copy')" in refused(saved(book))


def test_dates_and_errors_in_cells_are_named() -> None:
    book = workbook(EXAMPLE.replace("", None))
    column = list(EXAMPLE.columns).index("episodes") + 1
    book.active.cell(2, column).value = pd.Timestamp("2027-10-01").to_pydatetime()
    assert "row 2, column episodes: '2027-10-01 00:00:00' is not a number" in refused(saved(book))
    book.active.cell(2, column).value = "#REF!"
    assert "row 2, column episodes: '#REF!' is not a number" in refused(saved(book))


def test_damaged_workbooks_are_read_or_refused() -> None:
    """A byte changed in the archive, or in one of its parts: never a fault."""
    whole = workbook_bytes({"a": [list(EXAMPLE.columns), *EXAMPLE.head().itertuples(index=False)]})
    rng = random.Random(1)
    for _ in range(40):
        damaged = bytearray(whole)
        damaged[rng.randrange(4, len(whole))] = rng.randrange(256)
        changed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(changed, "w") as new:
            for name in old.namelist():
                part = bytearray(old.read(name))
                part[rng.randrange(len(part))] = rng.randrange(32, 127)
                new.writestr(name, bytes(part))
        for content in (bytes(damaged), changed.getvalue()):
            with contextlib.suppress(InputError):
                assert len(read_table(io.BytesIO(content)).rows) <= 5


def test_a_text_like_a_formula_is_written_as_text() -> None:
    book = load_workbook(io.BytesIO(workbook_bytes({"a": [["x"], ["=1+1"], [float("nan")], [2]]})))
    cells = [cell.value for cell in book["a"]["A"]]
    assert cells == ["x", "=1+1", None, 2]
    assert book["a"]["A2"].data_type == "s"


def test_a_template_is_filled_in_and_read(tmp_path: Path) -> None:
    path = write_template(tmp_path / "mine.xlsx")
    book = load_workbook(path)
    assert book.sheetnames == ["clinicians", "columns"]
    header = [cell.value for cell in book["clinicians"][1]]
    assert "dual_share_percent" in header
    assert [row[0].value for row in book["columns"].iter_rows(min_row=2)] == header
    for i, row in EXAMPLE.iterrows():
        for j, name in enumerate(header):
            cell = row[name.removesuffix("_percent")]
            share = "completeness" in name or name.startswith("dual")
            value = round(100 * cell, 1) if share and cell != "" else cell
            book["clinicians"].cell(int(str(i)) + 2, j + 1).value = (
                value or None if value == "" else value
            )
    result = checked(saved(book))
    assert result.warnings == ["read from sheet 'clinicians', not from 'columns'"]
    for name in ("dual_share", "q008_completeness", "q008_rate"):
        pd.testing.assert_series_equal(result.frame[name], PLAIN[name])
    with pytest.raises(InputError, match="there already"):
        write_template(path)
    csv = write_template(tmp_path / "mine.csv").read_text().strip().split(",")
    assert csv == header


# The same of rosters


def test_a_roster_in_a_workbook_or_with_other_notations(tmp_path: Path) -> None:
    population = load_scenario("baseline").population
    rows = pd.DataFrame(roster_rows(), dtype=object)
    rows["dual_share_percent"], rows["part_b_payments"] = "25", "1.234.567,5"
    rows.loc[3, "part_b_payments"] = ""
    path = tmp_path / "mine.xlsx"
    path.write_bytes(saved(workbook(rows)))
    roster = read_roster(path, RULES, population)
    assert roster.notes == (
        "read part_b_payments with decimal commas: 149 values",
        "read part_b_payments with thousands separators: 149 values",
    )
    assert set(roster.stated[4]) == {0.25}
    assert sorted(set(roster.stated[2][~pd.isna(roster.stated[2])])) == [1234567.5]
    rows["dual_share_percent"] = "250"
    path.write_bytes(saved(workbook(rows)))
    with pytest.raises(InputError) as error:
        read_roster(path, RULES, population)
    (problem,) = error.value.problems
    assert problem.startswith("row 2, dual_share: '2.5' is not a number from 0 to 1")
    assert problem.endswith("(and so in 149 more rows: row 3, row 4, row 5, row 6, row 7, ...)")
