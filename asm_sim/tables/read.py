"""Reading a table from CSV, Parquet, a DataFrame or Arrow, without interpreting its cells.

CSV is UTF-8 with or without a byte order mark, with any line ends. What the bytes are decides the
format, not the name of the file.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from asm_sim.errors import InputError, printable, reason_of
from asm_sim.tables.csv_text import first_records, from_csv
from asm_sim.tables.raw import MAXIMUM_BYTES, IsHeader, RawTable

FIRST_BYTES = 65_536
PARQUET_MAGIC = b"PAR1"
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
KNOWN_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


@runtime_checkable
class ArrowTable(Protocol):
    """A table of pyarrow, polars or whatever else speaks Arrow's C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@runtime_checkable
class Readable(Protocol):
    """An open file, or text or bytes in memory that are read like one."""

    def read(self, size: int = -1, /) -> str | bytes: ...


Source = pd.DataFrame | str | PathLike[str] | ArrowTable | Readable


def read_table(
    source: Source,
    is_header: IsHeader | None = None,
    in_latin_1: IsHeader | None = None,
    title: str | None = None,
) -> RawTable:
    """A DataFrame, a table of Arrow, or CSV or Parquet (a path, or an open file) as a raw table.

    ``is_header`` knows a header of CSV by its cells, so that lines before it can be left out.
    ``in_latin_1`` says of a header that the file may be in Latin-1. ``title`` is what messages call
    the table, if not by its path. The result has at least one row, or problems.

    Raises :class:`InputError` for what is no table: a missing or unreadable file, a folder, an
    empty, header-only or binary file, text that is not CSV; for what is too large (``raw.py``); and
    for a source of another type.
    """
    if isinstance(source, pd.DataFrame):
        return _from_frame(source, title or "table")
    if isinstance(source, str | PathLike):
        path = Path(source)
        title = title or printable(str(path))
        data = _bytes_of(path, title)
        suffix = path.suffix.lower()
    elif isinstance(source, Readable):
        title, suffix = title or "table", ""
        data = _bytes_in(source, title)
    elif isinstance(source, ArrowTable):
        return _from_arrow(source, title or "table")
    else:
        raise InputError(
            f"a table cannot be read from {type(source).__name__}; give a DataFrame, a table of "
            "pyarrow or polars, or a path"
        )
    if data[:4] == PARQUET_MAGIC:
        from asm_sim.tables.arrow import from_parquet

        raw = from_parquet(data, title)
    elif suffix in PARQUET_SUFFIXES:
        raise InputError(f"{title}: this is not a Parquet file, although its name says so")
    else:
        raw = from_csv(data, _encoding_of(data, title, in_latin_1), title, is_header)
    return replace(raw, sha256=hashlib.sha256(data).hexdigest())


def _from_frame(frame: pd.DataFrame, title: str) -> RawTable:
    if len(frame) == 0:
        raise InputError(f"{title}: the table has no rows")
    return RawTable(
        title=title,
        names=[str(name) for name in frame.columns],
        cells=[frame.iloc[:, i] for i in range(frame.shape[1])],
        rows=np.arange(len(frame)),
        row_word="row",
        row_meaning="rows are counted from 0",
        index=frame.index,
    )


def _from_arrow(source: Any, title: str) -> RawTable:
    import pyarrow as pa

    from asm_sim.tables.arrow import from_arrow

    try:
        table = pa.table(source)
    except (pa.ArrowException, ValueError, TypeError) as error:
        reason = printable(str(error))
        raise InputError(f"{title}: not a table that Arrow can read ({reason})") from error
    return from_arrow(table, title)


def _bytes_of(path: Path, title: str) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"{title}: this is a folder, not a CSV or Parquet file")
        with path.open("rb") as file:
            return _bytes_in(file, title)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{title}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{title}: cannot be read ({reason_of(error)})") from error
    except ValueError as error:
        raise InputError(f"{title}: cannot be read ({error})") from error


def _bytes_in(file: Readable, title: str) -> bytes:
    """What is in a file, first looked at and then read, never more than is allowed."""
    data = _encoded(file.read(FIRST_BYTES), title)
    _refuse_binary(data, title)
    data += _encoded(file.read(MAXIMUM_BYTES + 1 - len(data)), title)
    if len(data) > MAXIMUM_BYTES:
        raise InputError(
            f"{title}: larger than {MAXIMUM_BYTES:,} bytes; keep the columns that are needed, and "
            "split it by cohort"
        )
    if not data.startswith(PARQUET_MAGIC) and b"\0" in data:
        raise InputError(f"{title}: a binary file, neither CSV nor Parquet")
    return data


def _encoded(part: str | bytes, title: str) -> bytes:
    try:
        return part.encode() if isinstance(part, str) else bytes(part)
    except (UnicodeEncodeError, TypeError) as error:
        raise InputError(f"{title}: not a text that can be written in UTF-8") from error


def _refuse_binary(data: bytes, title: str) -> None:
    for magic, what in KNOWN_FORMATS.items():
        if data.startswith(magic):
            raise InputError(f"{title}: this is {what}; save it as CSV (UTF-8) or Parquet")
    if not data.startswith(PARQUET_MAGIC) and b"\0" in data:
        raise InputError(f"{title}: a binary file, neither CSV nor Parquet")


def _encoding_of(data: bytes, title: str, in_latin_1: IsHeader | None) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if in_latin_1 and any(map(in_latin_1, first_records(data, "latin-1", title))):
            return "latin-1"
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{title}, line {line}: not text in UTF-8; save the file as CSV in UTF-8"
        ) from error
    return "utf-8-sig"
