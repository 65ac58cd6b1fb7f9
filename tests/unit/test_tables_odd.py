"""Tables as other programs export them: read as they are meant, or refused in one message."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asm_sim.errors import InputError
from asm_sim.population.roster import read_roster
from asm_sim.rules.load import load_rules
from asm_sim.scenario.load import load_scenario
from asm_sim.score.check import check_table
from asm_sim.score.columns import input_columns
from asm_sim.score.example import example_rows
from asm_sim.tables.read import read_table
from tests.conftest import roster_rows
from tests.unit.participant_file import HEADER, listed

RULES = load_rules()
POPULATION = load_scenario("baseline").population
TABLES = {
    "score": pd.DataFrame(example_rows(), dtype=object),
    "roster": pd.DataFrame(roster_rows(), dtype=object),
    "cms": pd.DataFrame(
        [listed(("HF", "LBP")[i % 2], f"Group {i // 3}") for i in range(40)], columns=HEADER
    ),
}
Write = Callable[[pd.DataFrame], str | bytes]


def text(table: pd.DataFrame) -> str:
    return table.to_csv(index=False)


def lines(table: pd.DataFrame) -> list[str]:
    return text(table).splitlines()


def with_commas(table: pd.DataFrame) -> pd.DataFrame:
    """Decimals as on most of the European continent."""
    return table.map(lambda cell: f"{cell}".replace(".", ",") if isinstance(cell, float) else cell)


def read(kind: str, path: Path) -> tuple[list[str], tuple[str, ...]]:
    """Who was found, and the notes."""
    if kind != "score":
        roster = read_roster(path, RULES, POPULATION)
        return sorted(roster.clinician_id), roster.notes
    known = set(input_columns(RULES))
    raw = read_table(path, lambda cells: len(known & {cell.strip().lower() for cell in cells}) > 1)
    checked = check_table(raw, RULES)
    return sorted(checked.frame["clinician_id"]), tuple(checked.warnings)


def outcome(kind: str, content: str | bytes, folder: Path) -> str:
    """What is said of a table: "" where it was read without a note; never more than 60 lines."""
    path = folder / "table.csv"
    path.write_bytes(
        content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    )
    try:
        said = "\n".join(read(kind, path)[1])
    except InputError as error:
        said = str(error)
        assert said
    assert len(said.splitlines()) <= 60
    assert len(said) < 50_000
    assert all(line.isprintable() for line in said.splitlines())
    return said


READ: dict[str, Write] = {
    "byte order mark and line ends of Windows": lambda t: "\ufeff" + text(t).replace("\n", "\r\n"),
    "line ends of old Macs": lambda t: text(t).replace("\n", "\r"),
    "Excel's line about the separator": lambda t: "sep=,\n" + text(t),
    "a title": lambda t: "Clinicians of ours\n\n" + text(t),
    "merged cells above the header": lambda t: (
        ",Group A,,B" + "," * (t.shape[1] - 4) + "\n" + text(t)
    ),
    "pandas' index": lambda t: t.to_csv(),
    "R's row names": lambda t: t.rename(lambda i: i + 1).to_csv(quoting=csv.QUOTE_NONNUMERIC),
    "everything in quotes": lambda t: t.to_csv(index=False, quoting=csv.QUOTE_ALL),
    "columns and rows without anything": lambda t: (
        "\n".join(line + ",,," for line in lines(t)) + "\n" + "," * (t.shape[1] + 2)
    ),
    "a line break in the header": lambda t: text(t).replace(",", '\n",', 1).join(['"', ""]),
    "capitals in the header": lambda t: "\n".join([lines(t)[0].upper(), *lines(t)[1:]]),
    "a non-breaking blank before the header": lambda t: "\xa0" + text(t),
    "blanks without width": lambda t: text(t).replace(",", ",\u200b"),
    "empty lines between": lambda t: "\n\n".join(lines(t)),
    "no last line end": lambda t: text(t).rstrip("\n"),
    "semicolons": lambda t: t.to_csv(index=False, sep=";"),
    "semicolons and decimal commas": lambda t: with_commas(t).to_csv(index=False, sep=";"),
    "semicolons that are told": lambda t: "sep=;\n" + t.to_csv(index=False, sep=";"),
    "tabs": lambda t: t.to_csv(index=False, sep="\t"),
    "a line of totals": lambda t: text(t) + "Total,,,123" + "," * (t.shape[1] - 4) + "\n",
    "Windows-1252": lambda t: (text(t) + "\n\xa0" + "," * (t.shape[1] - 1)).encode("cp1252"),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("name", READ)
def test_what_other_programs_write_is_read_as_it_is_meant(
    name: str, kind: str, tmp_path: Path
) -> None:
    plain, odd = tmp_path / "plain.csv", tmp_path / "odd.csv"
    plain.write_text(text(TABLES[kind]))
    content = READ[name](TABLES[kind])
    odd.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read(kind, odd)[0] == read(kind, plain)[0]


REFUSED: dict[str, tuple[Write, str]] = {
    "UTF-16": (lambda t: text(t).encode("utf-16"), "text in UTF-16"),
    "UTF-16 without a mark": (lambda t: text(t).encode("utf-16-le"), "a binary file"),
    "an open quotation mark": (lambda t: text(t) + '"', "check its quotation marks"),
    "quotation marks in R's other way": (
        lambda t: text(t).replace("\n", '\n"a \\" b"', 1),
        "check its quotation marks",
    ),
    "one line": (lambda t: " ".join(lines(t)), "no row below it"),
    "no header": (lambda t: "\n".join(lines(t)[1:]), "column"),
    "rows for columns": (lambda t: t.T.to_csv(), "column"),
    "HTML": (lambda t: t.head().to_html(), "column"),
    "JSON": (lambda t: t.to_json(), "check its quotation marks"),
    "Markdown": (lambda t: f"| a | b |\n|---|---|\n| {len(t)} | 2 |\n", "column"),
    "half a workbook": (lambda t: b"PK\x03\x04" + bytes(len(t)), "not a readable Excel workbook"),
    "nothing but a mark": (lambda t: b"\xef\xbb\xbf" + b"\n" * len(t), "the file is empty"),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_of_ours_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    write, words = REFUSED[name]
    path = tmp_path / "table.csv"
    content = write(TABLES[kind])
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=words):
        read(kind, path)


@pytest.mark.parametrize("kind", ["score", "roster"])
@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("Total HF,,,123", "cohort"),
        ("* counts below 11 are suppressed", "1 cell where the header has"),
        ("\x1a", "1 cell where the header has"),
    ],
)
def test_a_line_that_is_no_clinician_is_named(
    kind: str, last: str, words: str, tmp_path: Path
) -> None:
    table = TABLES[kind]
    wide = last + "," * (table.shape[1] - last.count(",") - 1) if "," in last else last
    said = outcome(kind, text(table) + wide + "\n", tmp_path)
    assert words in said
    assert str(len(table) + 2) in said


def test_a_table_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    table = TABLES["roster"].copy()
    table.loc[3, "practice_id"] = "Müller"
    assert outcome("roster", text(table).encode("cp1252"), tmp_path) == (
        "line 5 is not text in UTF-8: the file is read as Windows-1252"
    )
    assert outcome("roster", text(table), tmp_path) == ""
    spoilt = text(table).encode().replace(b"\xc3", b"\x81")
    assert "line 5: not text in UTF-8" in outcome("roster", spoilt, tmp_path)


ODD_CELLS = (
    *("", "NA", ".", "#N/A", "#REF!", "-", "N/A", "<NA>", "\\N", "inf", "1e999", "0x10", "1_000"),
    *("1 000", "1.000,5", "$5", "5%", "<11", "*", "TRUE", "=1+1", "1/1/2027", "２", "9" * 5000),
    *("\x1b[31m", "\u202e5", "\ud800", "1e-400", "-0", "1.23E+09", "x" * 120_000, '"', "\n", "0"),
)
FUZZ = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(
    kind=st.sampled_from(list(TABLES)),
    changes=st.lists(
        st.tuples(
            st.integers(0, 40),
            st.integers(0, 47),
            st.one_of(st.sampled_from(ODD_CELLS), st.text(max_size=6)),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_fuzzed_cells_are_read_or_refused(
    tmp_path: Path, kind: str, changes: list[tuple[int, int, str]]
) -> None:
    cells = list(csv.reader(io.StringIO(text(TABLES[kind]))))
    for row, column, cell in changes:
        cells[row][column % len(cells[0])] = cell
    content = io.StringIO(newline="")
    csv.writer(content).writerows(cells)
    outcome(kind, content.getvalue(), tmp_path)


@FUZZ
@given(
    kind=st.sampled_from(list(TABLES)),
    start=st.integers(0, 3000),
    length=st.integers(0, 300),
    put=st.binary(max_size=30),
)
def test_fuzzed_slices_are_read_or_refused(
    tmp_path: Path, kind: str, start: int, length: int, put: bytes
) -> None:
    whole = text(TABLES[kind]).encode()
    outcome(kind, whole[:start] + put + whole[start + length :], tmp_path)
