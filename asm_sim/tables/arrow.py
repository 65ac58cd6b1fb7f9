"""Parquet files and other tables of Apache Arrow. Nothing is ever unpickled.

What a Parquet file says in its footer is looked at before its data: a column of one value takes a
few bytes however many rows it has. Texts are read as dictionaries for the same reason.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from asm_sim.errors import InputError, printable
from asm_sim.tables.raw import MAXIMUM_BYTES, RawTable, check_size

_INDEX = re.compile(r"__index_level_\d+__")  # what pandas adds to keep an index
_FAULTS = (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, KeyError)


def from_parquet(data: bytes, title: str) -> RawTable:
    """A Parquet file as a raw table; columns whose cells hold lists are left out."""
    try:
        leaves = _check_footer(pq.ParquetFile(pa.BufferReader(data)).metadata, title)
        flat = [leaf.path for leaf in leaves if leaf.max_repetition_level == 0]
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        table = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts).read(columns=flat)
    except InputError:
        raise
    except _FAULTS as error:
        raise InputError(f"{title}: not a readable Parquet file ({_first_line(error)})") from error
    return from_arrow(table, title)


def from_arrow(table: pa.Table, title: str) -> RawTable:
    """A table of Arrow as a raw table; columns that pandas adds for an index are left out."""
    if table.num_rows == 0:
        raise InputError(f"{title}: the table has no rows")
    kept = [i for i, name in enumerate(table.column_names) if not _INDEX.fullmatch(name)]
    check_size(title, table.num_rows, len(kept), len(kept) * table.num_rows)
    return RawTable(
        title=title,
        names=[table.column_names[i] for i in kept],
        cells=[_series(table, i, title) for i in kept],
        rows=np.arange(table.num_rows),
        row_word="row",
        row_meaning="rows are counted from 0",
        index=pd.RangeIndex(table.num_rows),
    )


def _check_footer(metadata: Any, title: str) -> list[Any]:
    """Refuse what would be too large, before it is read; the columns, those within others too.

    Of the footer of a damaged file, what it says of a part of a column must not even be looked at.
    """
    rows, columns = metadata.num_rows, metadata.num_columns
    check_size(title, rows, columns, rows * columns)
    leaves = [metadata.schema.column(c) for c in range(columns)]
    widths = [leaf.length for leaf in leaves if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY"]
    held = sum(metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups))
    if max(held, rows * sum(widths)) > MAXIMUM_BYTES:
        raise InputError(
            f"{title}: its columns take more than {MAXIMUM_BYTES:,} bytes; keep those that are "
            "needed, and split it by cohort"
        )
    return leaves


def _series(table: pa.Table, position: int, title: str) -> pd.Series[Any]:
    column = table.column(position)
    try:
        column = column.cast(_with_texts(column.type))
        column.validate(full=True)  # of texts, that they are UTF-8
        series: pd.Series[Any] = column.to_pandas(integer_object_nulls=True)
    except _FAULTS as error:
        name = printable(table.column_names[position])
        raise InputError(
            f"{title}, column {name}: cannot be read ({_first_line(error)}); texts must be UTF-8"
        ) from error
    return series.reset_index(drop=True)


def _with_texts(kind: pa.DataType) -> pa.DataType:
    """The type with text in place of bytes, as which some programs write text."""
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _with_texts(kind.value_type))
    if pa.types.is_binary(kind):
        return pa.string()
    return pa.large_string() if pa.types.is_large_binary(kind) else kind


def _first_line(error: BaseException) -> str:
    return printable((str(error).splitlines() or [type(error).__name__])[0])
