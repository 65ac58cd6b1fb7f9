"""Reading tables that people bring: what is a table at all, and on which line things stand."""

from __future__ import annotations

import codecs
import contextlib
import io
import pickle
import random
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import asm_sim.tables.raw
from asm_sim.errors import InputError
from asm_sim.tables.cells import flag_of, identifier_fault, number_of, same, stripped, text_of
from asm_sim.tables.read import read_table


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_table(path)
    return str(error.value)


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"\n  \n\r\n", "the file is empty"),
        (codecs.BOM_UTF8, "the file is empty"),
        (b"a,b\n", "a header but no row"),
        (b"a,b\n\n\n", "a header but no row"),
        (b"a,b\n1,\0\n", "binary file"),
        (b"a,b\n1," + b"x" * 100_000 + b"\0\n", "binary file"),
        (b"a,b\n1,\x81\n", "line 2: not text in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "text in UTF-16"),
        (b"PK\x03\x04rest", "not a readable Excel workbook"),
        (b"\x1f\x8brest", "gzip"),
        (pickle.dumps({"a": 1}), "binary file"),
        (b'a,b\n1,"open\n', "line 2: not valid CSV"),
        (b'a,b\n1,"x"y\n', "line 2: not valid CSV"),
        (b"PAR1 and nothing else", "not a readable Parquet file"),
    ],
)
def test_what_is_no_table_is_refused_in_one_message(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    assert expected in refused(written(tmp_path, content))


def test_missing_file_folder_and_wrong_suffix(tmp_path: Path) -> None:
    assert "there is no such file" in refused(tmp_path / "none.csv")
    assert "this is a folder" in refused(tmp_path)
    assert "not a Parquet file" in refused(written(tmp_path, "a,b\n1,2\n", "table.parquet"))
    assert "not an Excel workbook" in refused(written(tmp_path, "a,b\n1,2\n", "table.xlsx"))
    assert "cannot be read" in refused(Path("nul\0byte.csv"))


def test_control_characters_of_a_file_name_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in refused(Path("red\x1b[31m.csv"))


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_line_ends_byte_order_mark_and_quotes(tmp_path: Path, ends: str, mark: bytes) -> None:
    lines = ['"a", b ,c', '"1,5",2,"say ""so"""', "", '3,"x', 'y",4', "5,6,7"]
    raw = read_table(written(tmp_path, mark + ends.join(lines).encode()))
    assert raw.names == ["a", "b", "c"]
    assert list(raw.cells[0]) == ["1,5", "3", "5"]
    assert list(raw.cells[1]) == ["2", f"x{ends}y", "6"]
    assert list(raw.cells[2]) == ['say "so"', "4", "7"]
    assert raw.rows.tolist() == [2, 4, 6]


def test_ragged_rows_are_problems_and_rows_without_anything_are_left_out(tmp_path: Path) -> None:
    raw = read_table(written(tmp_path, "a,b\n1\n1,2\n1,2,3\n ,\n4,5,,\n,,,\nA,B\na , b\n"))
    assert raw.rows.tolist() == [3, 6, 8]
    assert list(raw.cells[0]) == ["1", "4", "A"]
    assert raw.problems == [
        (2, "1 cell where the header has 2"),
        (4, "3 cells where the header has 2"),
    ]
    assert raw.notes == [
        "2 lines without anything in them left out (the first is line 5)",
        "line 9, that repeats the header, left out",
    ]


def test_a_nameless_column_counts_only_if_something_is_in_it(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, "a,b,\n1,2,\n")).names == ["a", "b"]
    assert read_table(written(tmp_path, "a,b,\n1,2,3\n")).names == ["a", "b", ""]


def test_parquet_is_known_by_its_bytes_and_keeps_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["001", "002"], "b": [1.5, np.nan], "c": pd.Categorical(["x", "y"])})
    path = tmp_path / "table.csv"
    frame.iloc[::-1].to_parquet(path)
    raw = read_table(path)
    assert raw.names == ["a", "b", "c"]
    assert list(raw.cells[0]) == ["002", "001"]
    assert raw.rows.tolist() == [0, 1]


def test_parquet_cut_short_or_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"a": [1, 2, 3]}).to_parquet(path)
    whole = path.read_bytes()
    assert "not a readable Parquet" in refused(written(tmp_path, whole[:-20], "cut.parquet"))
    pd.DataFrame({"a": []}).to_parquet(path)
    assert "has no rows" in refused(path)


def test_a_frame_is_read_by_position_and_not_changed() -> None:
    frame = pd.DataFrame({"a": [1, 2], 7: [3, 4]}, index=[5, 5])
    raw = read_table(frame)
    assert raw.names == ["a", "7"]
    assert raw.rows.tolist() == [0, 1]
    with pytest.raises(InputError, match="no rows"):
        read_table(frame.iloc[:0])


# What stands before the header


def is_header(cells: Sequence[str]) -> bool:
    return {"a", "b"} <= {stripped(cell) for cell in cells}


@pytest.mark.parametrize(
    ("before", "line", "note"),
    [
        ("sep=,\n", 2, "line 1, before the header, left out"),
        ("SEP=,,\r\n", 2, "line 1, before the header, left out"),
        ('"sep=,"\n', 2, "line 1, before the header, left out"),
        ("Our clinicians, 2027\n\n", 3, "lines 1 to 2, before the header, left out"),
        ("Title,,\n,Who,Quality\n", 3, "lines 1 to 2, before the header, left out"),
        ("sep=,\nTitle\n", 3, "lines 1 to 2, before the header, left out"),
        ("\n", 2, None),
    ],
)
def test_lines_before_the_header_are_left_out_with_a_note(
    tmp_path: Path, before: str, line: int, note: str | None
) -> None:
    raw = read_table(written(tmp_path, f"{before}a,b,c\n1,2,3\n"), is_header)
    assert raw.names == ["a", "b", "c"]
    assert raw.rows.tolist() == [line + 1]
    assert raw.row_meaning == f"rows are lines of the file, the header is line {line}"
    assert raw.notes == ([note] if note else [])


def test_what_looks_like_no_header_is_taken_for_one(tmp_path: Path) -> None:
    raw = read_table(written(tmp_path, "x,y\n1,2\n"), is_header)
    assert (raw.names, raw.notes) == (["x", "y"], [])
    assert "there is no header" in refused(written(tmp_path, "sep=,\n"))


@pytest.mark.parametrize("numbers", ["12", "01", "90"])
def test_a_column_that_numbers_the_rows_is_left_out_with_a_note(
    tmp_path: Path, numbers: str
) -> None:
    one, other = numbers
    raw = read_table(written(tmp_path, f'"","a"\n"{one}",x\n"{other}",y\n'))
    assert raw.names == ["a"]
    assert raw.notes == ["column 1, without a name, numbers the rows: left out"]
    raw = read_table(written(tmp_path, f",a\n{one},x\n{one},y\n"))
    assert (raw.names, raw.notes) == (["", "a"], [])


# How large a table may be


def test_a_parquet_file_of_many_rows_is_refused_by_its_footer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ones = pa.table({"clinician_id": np.ones(600_000)})
    pq.write_table(ones, tmp_path / "long.parquet", compression="zstd")
    large = pa.table({f"c{i}": np.ones(400_000, np.int8) for i in range(21)})
    pq.write_table(large, tmp_path / "large.parquet")
    wide = pa.table({f"c{i}": [1.0] for i in range(1001)})
    pq.write_table(wide, tmp_path / "wide.parquet")
    heavy = pa.table({"a": pa.array([b"x" * 1000] * 200_000, pa.binary(1000))})
    pq.write_table(heavy, tmp_path / "heavy.parquet", compression="zstd")
    assert (tmp_path / "heavy.parquet").stat().st_size < 100_000

    def unread(*_: object, **__: object) -> None:
        raise AssertionError("the data were read")

    monkeypatch.setattr(pq, "read_table", unread)
    assert "more than 500,000 rows" in refused(tmp_path / "long.parquet")
    assert "more than 8,000,000 cells" in refused(tmp_path / "large.parquet")
    assert "1,001 columns are more than 1,000" in refused(tmp_path / "wide.parquet")
    assert "more than 100,000,000 bytes" in refused(tmp_path / "heavy.parquet")


def test_columns_of_lists_are_left_out_of_a_parquet_file(tmp_path: Path) -> None:
    """However long they are: nothing here is a list."""
    columns = {"a.b": ["x", "y"], "lists": [[1.0] * 5, []], "inner": [{"c": 1}, {"c": 2}]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    raw = read_table(tmp_path / "t.parquet")
    assert raw.names == ["a.b", "inner"]
    assert list(raw.cells[0]) == ["x", "y"]


@pytest.mark.parametrize("end", [0, 2000])
def test_damaged_parquet_files_are_read_or_refused(end: int) -> None:
    """A byte changed in the data, or in the footer: never a fault of the process."""
    content = io.BytesIO()
    texts = pa.table({"a": [f"t{i}" for i in range(99)], "b": range(99)})
    pq.write_table(texts, content, compression="gzip")
    whole = content.getvalue()
    rng = random.Random(end)
    for _ in range(60):
        damaged = bytearray(whole)
        first = max(4, len(whole) - end if end else 0)
        damaged[rng.randrange(first, len(whole) - 8)] = rng.randrange(256)
        with contextlib.suppress(InputError):
            assert len(read_table(io.BytesIO(damaged)).rows) == 99


def test_one_long_text_in_every_row_is_held_once(tmp_path: Path) -> None:
    """A column of one value takes no room in the file, nor here."""
    texts = pa.table({"a": pa.array(["x" * 1_000_000] * 2000).dictionary_encode()})
    pq.write_table(texts, tmp_path / "texts.parquet")
    (column,) = read_table(tmp_path / "texts.parquet").cells
    assert len(column.cat.categories) == 1


def test_a_csv_that_is_too_large_is_refused_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = ",".join(f"c{i}" for i in range(16_384))
    assert "16,384 columns are more than 1,000" in refused(
        written(tmp_path, f"{header}\n{header.replace('c', '')}\n")
    )
    monkeypatch.setattr(asm_sim.tables.raw, "MAXIMUM_CELLS", 8)
    monkeypatch.setattr(asm_sim.tables.raw, "MAXIMUM_ROWS", 3)
    read_table(written(tmp_path, "a,b\n1,2\n3,4\n5,6\n"))
    assert "more than 8 cells" in refused(written(tmp_path, "a,b,c\n1,2,3\n4,5,6\n"))
    assert "more than 3 rows" in refused(written(tmp_path, "a\n1\n2\n3\n4\n"))


def test_columns_of_excel_without_anything_in_them_do_not_count(tmp_path: Path) -> None:
    line = "," * 16_382
    assert read_table(written(tmp_path, f"a,b{line}\n1,2{line}\n")).names == ["a", "b"]


def test_devices_and_names_that_are_no_files() -> None:
    assert "binary file" in refused(Path("/dev/zero"))
    assert "the file is empty" in refused(Path("/dev/null"))
    assert "File name too long" in refused(Path("x" * 300))
    message = refused(Path("\udcff\x1b.csv"))
    assert message == "\\udcff\\x1b.csv: there is no such file"


# Tables in memory


class Arrow:
    """Nothing but Arrow's interface, as polars and DuckDB have it."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def test_tables_of_other_libraries_and_open_files(tmp_path: Path) -> None:
    table = pa.table({"a": ["001", None], "b": [2**60 + 1, None], "c": [b"x", b"y"]})
    pq.write_table(table, tmp_path / "t.parquet")
    for source in (
        table,
        Arrow(table),
        tmp_path / "t.parquet",
        (tmp_path / "t.parquet").open("rb"),
    ):
        raw = read_table(source)
        assert raw.names == ["a", "b", "c"]
        assert text_of(raw.cells[0][0]) == "001"
        assert text_of(raw.cells[0][1]) == ""
        assert int(raw.cells[1][0]) == 2**60 + 1
        assert [text_of(cell) for cell in raw.cells[2]] == ["x", "y"]
    for opened in (io.StringIO("a,b\n1,é\n"), io.BytesIO("a,b\n1,é\n".encode())):
        raw = read_table(opened)
        assert raw.title == "table"
        assert [list(column) for column in raw.cells] == [["1"], ["é"]]


@pytest.mark.parametrize("source", [None, 5, {"a": [1]}, [[1]], b"a,b", np.ones(3)])
def test_what_is_no_source_is_refused_at_once(source: Any) -> None:
    with pytest.raises(InputError, match="a table cannot be read from"):
        read_table(source)


def test_texts_that_are_not_utf8_name_their_column(tmp_path: Path) -> None:
    for kind in (pa.string(), pa.binary()):
        ids = pa.array([b"\xff1", b"2"]).cast(pa.binary()).view(kind)
        pq.write_table(pa.table({"b": ["x", "y"], "id": ids}), tmp_path / "t.parquet")
        assert "column id: cannot be read" in refused(tmp_path / "t.parquet")


# What a cell means


@pytest.mark.parametrize("cell", ["", " ", "\xa0", "\u200b\ufeff ", "NA", "nan", " Null ", None])
def test_blank_cells(cell: Any) -> None:
    assert text_of(cell) == ""
    assert number_of(cell)[1] is False
    assert np.isnan(number_of(cell)[0])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[(cell, 1) for cell in ("TRUE", " yes\xa0", "Y", "t", "1.0", "1", True, 1.0, np.True_)],
        *[(cell, 0) for cell in ("False", "NO", "n", "f", "0.0", "0", False, 0)],
        ("2", 2),
    ],
)
def test_flags(cell: Any, value: float) -> None:
    assert flag_of(cell) == (value, False)


def test_what_is_no_flag() -> None:
    assert flag_of("maybe")[1]
    assert number_of("yes")[1]
    assert number_of(True)[1]


@pytest.mark.parametrize("text", ["1.23E+09", "2.00000E+11", "1,99280E+09", "1e+05", "2E+11"])
def test_numbers_that_excel_has_shortened_are_no_identifiers(text: str) -> None:
    assert "scientific notation" in str(identifier_fault(text))


@pytest.mark.parametrize("text", ["1e10", "12e4567", "12E-4", "00123", "C1.5E+3x", "é" * 200])
def test_identifiers(text: str) -> None:
    assert identifier_fault(text) is None


@pytest.mark.parametrize(
    "text", ["x" * 120_000, "N/A", ".", "-", "***", "#REF!", "\\N", "a\x1b[31m", "a\nb", "a\u202eb"]
)
def test_what_is_no_identifier(text: str) -> None:
    assert identifier_fault(text)


@given(st.text(string.whitespace + "\xa0\u2007\u3000\u200b\ufeff"), st.text("aBc 1", min_size=1))
def test_blanks_around_and_capitals_mean_nothing(blanks: str, text: str) -> None:
    assert same(text_of(blanks + text.upper() + blanks)) == same(text_of(text.strip()))
