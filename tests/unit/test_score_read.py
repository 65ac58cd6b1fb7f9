"""Reading clinician tables: what is a table at all, and on which line things stand."""

from __future__ import annotations

import codecs
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from asm_sim.errors import InputError
from asm_sim.score.read import read_table


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
        (b"a;b\n1;2\n", "separated by semicolons"),
        (b"a\tb\n1\t2\n", "separated by tabs"),
        (b"a,b\n1,\0\n", "binary file"),
        (b"a,b\n1," + b"x" * 100_000 + b"\0\n", "binary file"),
        (b"a,b\n1,\xe9\n", "line 2: not text in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "text in UTF-16"),
        (b"PK\x03\x04rest", "an Excel workbook"),
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


def test_ragged_and_empty_rows_are_named_and_left_out(tmp_path: Path) -> None:
    raw = read_table(written(tmp_path, "a,b\n1\n1,2\n1,2,3\n ,\n"))
    assert raw.rows.tolist() == [3]
    assert [row for row, _ in raw.problems] == [2, 4, 5]
    assert raw.problems[0][1] == "row 2: 1 cell where the header has 2"
    assert "every cell is empty" in raw.problems[2][1]


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
