"""Reading a table from CSV, Excel, Parquet, a DataFrame or Arrow, its cells not yet interpreted.

CSV is UTF-8 with or without a byte order mark, else Windows-1252, with any line ends. What the
bytes are decides the format, not the name of the file.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from asm_sim.errors import InputError, printable, reason_of
from asm_sim.tables.csv_text import from_csv
from asm_sim.tables.raw import MAXIMUM_BYTES, IsHeader, RawTable

if TYPE_CHECKING:
    import pandas as pd

FIRST_BYTES = 65_536
PARQUET_MAGIC = b"PAR1"
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
WORKBOOK_MAGIC = b"PK\x03\x04"  # of any zip archive
WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xlsm"})
BINARY_FORMATS = (PARQUET_MAGIC, WORKBOOK_MAGIC)
KNOWN_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
_BINARY = "a binary file, neither CSV nor Excel nor Parquet"


@runtime_checkable
class ArrowTable(Protocol):
    """A table of pyarrow, polars or whatever else speaks Arrow's C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@runtime_checkable
class Readable(Protocol):
    """An open file, or text or bytes in memory that are read like one."""

    def read(self, size: int = -1, /) -> str | bytes: ...


Source: TypeAlias = "pd.DataFrame | str | PathLike[str] | ArrowTable | Readable"


def read_table(
    source: Source,
    is_header: IsHeader | None = None,
    title: str | None = None,
) -> RawTable:
    """A DataFrame, a table of Arrow, or a file (CSV, Excel, Parquet; a path, or open) as it is.

    ``is_header`` knows a header by its cells, so that lines before it can be left out and the sheet
    of a workbook be found. ``title`` is what messages call the table, if not by its path. The
    result has at least one row, or problems.

    Raises :class:`InputError` for what is no table: a missing or unreadable file, a folder, an
    empty, header-only or binary file, text that is not CSV; for what is too large (``raw.py``); and
    for a source of another type.
    """
    import pandas as pd

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
    raw = _from_bytes(data, title, suffix, is_header)
    return replace(raw, sha256=hashlib.sha256(data).hexdigest())


def _from_bytes(data: bytes, title: str, suffix: str, is_header: IsHeader | None) -> RawTable:
    if data[:4] == PARQUET_MAGIC:
        from asm_sim.tables.arrow import from_parquet

        return from_parquet(data, title)
    if data[:4] == WORKBOOK_MAGIC:
        from asm_sim.tables.workbook import from_workbook

        return from_workbook(data, title, is_header)
    for kind, suffixes in {
        "a Parquet file": PARQUET_SUFFIXES,
        "an Excel workbook": WORKBOOK_SUFFIXES,
    }.items():
        if suffix in suffixes:
            raise InputError(f"{title}: this is not {kind}, although its name says so")
    encoding, note = _encoding_of(data, title)
    raw = from_csv(data, encoding, title, is_header)
    raw.notes[:0] = note
    return raw


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
            raise InputError(f"{title}: this is a folder, not a CSV, Excel or Parquet file")
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
    if not data.startswith(BINARY_FORMATS) and b"\0" in data:
        raise InputError(f"{title}: {_BINARY}")
    return data


def _encoded(part: str | bytes, title: str) -> bytes:
    try:
        return part.encode() if isinstance(part, str) else bytes(part)
    except (UnicodeEncodeError, TypeError) as error:
        raise InputError(f"{title}: not a text that can be written in UTF-8") from error


def _refuse_binary(data: bytes, title: str) -> None:
    for magic, what in KNOWN_FORMATS.items():
        if data.startswith(magic):
            raise InputError(f"{title}: this is {what}; save it as .xlsx, CSV (UTF-8) or Parquet")
    if not data.startswith(BINARY_FORMATS) and b"\0" in data:
        raise InputError(f"{title}: {_BINARY}")


def _encoding_of(data: bytes, title: str) -> tuple[str, list[str]]:
    """The encoding of a text, and a note where it is not UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        try:
            data.decode("cp1252")
        except UnicodeDecodeError:
            raise InputError(
                f"{title}, line {line}: not text in UTF-8; save the file as CSV in UTF-8"
            ) from error
        return "cp1252", [f"line {line} is not text in UTF-8: the file is read as Windows-1252"]
    return "utf-8-sig", []
