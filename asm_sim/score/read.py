"""Reading a clinician table from CSV, Parquet or a DataFrame, without interpreting its cells.

CSV is read record by record, so that every problem can name the line on which it stands: UTF-8 with
or without a byte order mark, any line ends, quoted cells. Parquet is read as plain columns; nothing
is ever unpickled. What the bytes are decides the format, not the name of the file.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from asm_sim.errors import InputError, printable

MAXIMUM_BYTES = 1_000_000_000
FIRST_BYTES = 65_536
PARQUET_MAGIC = b"PAR1"
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
KNOWN_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


@dataclass(frozen=True)
class RawTable:
    """A table as it was found.

    ``names`` are the columns as written, ``cells`` their contents (one Series each, in file order),
    ``rows`` the number by which messages call each row, ``row_meaning`` what that number counts;
    ``problems`` are (row, text) of rows that could not be laid into columns and are left out.
    """

    title: str
    names: list[str]
    cells: list[pd.Series[Any]]
    rows: npt.NDArray[np.int64]
    row_meaning: str
    index: pd.Index[Any]
    problems: list[tuple[int, str]] = field(default_factory=list)


def read_table(table: pd.DataFrame | str | Path) -> RawTable:
    """A DataFrame, or the CSV or Parquet file at a path, as a raw table with at least one row.

    Raises :class:`InputError` for a missing or unreadable file, a folder, an empty, header-only or
    binary file and for text that is not CSV.
    """
    if isinstance(table, pd.DataFrame):
        return _from_frame(table)
    path = Path(table)
    title = printable(str(path))
    data = _bytes_of(path, title)
    if data[:4] == PARQUET_MAGIC:
        return _from_parquet(data, title)
    if path.suffix.lower() in PARQUET_SUFFIXES:
        raise InputError(f"{title}: this is not a Parquet file, although its name says so")
    return _from_csv(_text_of(data, title), title)


def _from_frame(frame: pd.DataFrame) -> RawTable:
    if len(frame) == 0:
        raise InputError("the table has no rows")
    return RawTable(
        title="table",
        names=[str(name) for name in frame.columns],
        cells=[frame.iloc[:, i] for i in range(frame.shape[1])],
        rows=np.arange(len(frame)),
        row_meaning="rows are counted from 0",
        index=frame.index,
    )


def _bytes_of(path: Path, title: str) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"{title}: this is a folder, not a CSV or Parquet file")
        with path.open("rb") as file:
            data = file.read(FIRST_BYTES)
            _refuse_binary(data, title)
            data += file.read(MAXIMUM_BYTES + 1 - len(data))
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{title}: there is no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{title}: cannot be read ({reason})") from error
    if len(data) > MAXIMUM_BYTES:
        raise InputError(f"{title}: larger than {MAXIMUM_BYTES:,} bytes; split it by cohort")
    return data


def _refuse_binary(data: bytes, title: str) -> None:
    if data[:4] == PARQUET_MAGIC:
        return
    for magic, what in KNOWN_FORMATS.items():
        if data.startswith(magic):
            raise InputError(f"{title}: this is {what}; save it as CSV (UTF-8) or Parquet")
    if b"\0" in data:
        raise InputError(f"{title}: a binary file, neither CSV nor Parquet")


def _text_of(data: bytes, title: str) -> str:
    if b"\0" in data:
        raise InputError(f"{title}: a binary file, neither CSV nor Parquet")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{title}, line {line}: not text in UTF-8; save the file as CSV in UTF-8"
        ) from error


def _from_csv(text: str, title: str) -> RawTable:
    records = _records(text, title)
    if not records:
        raise InputError(f"{title}: the file is empty")
    header = [name.strip() for name in records[0][1]]
    if len(header) == 1:
        for separator, what in OTHER_SEPARATORS.items():
            if separator in header[0]:
                raise InputError(
                    f"{title}: the columns are separated by {what}; separate them by commas "
                    "(and write decimals with a point)"
                )
    body = records[1:]
    if not body:
        raise InputError(f"{title}: there is a header but no row below it")
    problems: list[tuple[int, str]] = []
    kept: list[tuple[int, list[str]]] = []
    for line, cells in body:
        if len(cells) != len(header):
            count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            problems.append((line, f"row {line}: {count} where the header has {len(header)}"))
        elif not any(cell.strip() for cell in cells):
            problems.append((line, f"row {line}: every cell is empty; delete the row"))
        else:
            kept.append((line, cells))
    columns = list(zip(*(cells for _, cells in kept), strict=True)) or [()] * len(header)
    named = [
        (name, column)
        for name, column in zip(header, columns, strict=True)
        if name or any(cell.strip() for cell in column)
    ]
    return RawTable(
        title=title,
        names=[name for name, _ in named],
        cells=[pd.Series(column, dtype=object) for _, column in named],
        rows=np.array([line for line, _ in kept], dtype=np.int64),
        row_meaning="rows are lines of the file, the header is line 1",
        index=pd.RangeIndex(len(kept)),
        problems=problems,
    )


def _records(text: str, title: str) -> list[tuple[int, list[str]]]:
    """The records of a CSV text, each with the line on which it begins; empty lines left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records = []
    begins = 1
    try:
        for cells in reader:
            if cells and not (len(cells) == 1 and not cells[0].strip()):
                records.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        where = f"{title}, line {begins}"
        raise InputError(f"{where}: not valid CSV ({error}); check its quotation marks") from error
    return records


def _from_parquet(data: bytes, title: str) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
        names = [str(name) for name in table.column_names]
        kept = [i for i, name in enumerate(names) if not re.fullmatch(r"__index_level_\d+__", name)]
        cells = [table.column(i).to_pandas().reset_index(drop=True) for i in kept]
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{title}: not a readable Parquet file ({_first_line(error)})") from error
    if table.num_rows == 0:
        raise InputError(f"{title}: the table has no rows")
    return RawTable(
        title=title,
        names=[names[i] for i in kept],
        cells=cells,
        rows=np.arange(table.num_rows),
        row_meaning="rows are counted from 0",
        index=pd.RangeIndex(table.num_rows),
    )


def _first_line(error: BaseException) -> str:
    return printable((str(error).splitlines() or [type(error).__name__])[0])
