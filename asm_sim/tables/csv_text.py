"""CSV as it comes out of other programs, read record by record so that problems name their line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from asm_sim.errors import InputError
from asm_sim.tables.cells import stripped
from asm_sim.tables.raw import IsHeader, RawTable, check_size

Record = tuple[int, list[str]]  # the line on which it begins, and its cells

LINES_BEFORE_HEADER = 20
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# Excel's own first line, which says what separates the columns below it.
_SEPARATOR_LINE = re.compile(r"\s*sep=", re.IGNORECASE)


def from_csv(data: bytes, encoding: str, title: str, is_header: IsHeader | None) -> RawTable:
    """A CSV text as a raw table; :class:`InputError` where it has no header or no row.

    Lines before the header are left out, if ``is_header`` knows it by its columns; so are rows in
    which every cell is blank, lines that repeat the header and a first column without a name that
    numbers the rows. Each is said in a note.
    """
    records = _records(data, encoding, title)
    if not records:
        raise InputError(f"{title}: the file is empty")
    first = records[0][0]
    if _SEPARATOR_LINE.match(records[0][1][0]):
        del records[0]
    at = _header_at([cells for _, cells in records[:LINES_BEFORE_HEADER]], is_header)
    if not records:
        raise InputError(f"{title}: there is no header")
    line, header = records[at][0], [stripped(name) for name in records[at][1]]
    _check_separator(header, title)
    body = records[at + 1 :]
    if not body:
        raise InputError(f"{title}: there is a header but no row below it")
    notes = []
    if line > first and (at or first != records[0][0]):
        before = f"line {first}" if line == first + 1 else f"lines {first} to {line - 1}"
        notes.append(f"{before}, before the header, left out")
    kept, problems, left_out = _laid_out(header, body)
    columns = list(zip(*(cells for _, cells in kept), strict=True)) or [()] * len(header)
    if not header[0] and _numbers_rows(columns[0]):
        header, columns = header[1:], columns[1:]
        left_out.append("column 1, without a name, numbers the rows: left out")
    named = [
        (name, column)
        for name, column in zip(header, columns, strict=True)
        if name or any(map(stripped, column))
    ]
    check_size(title, len(kept), len(named), 0)
    return RawTable(
        title=title,
        names=[name for name, _ in named],
        cells=[pd.Series(column, dtype=object) for _, column in named],
        rows=np.array([line for line, _ in kept], dtype=np.int64),
        row_word="line",
        row_meaning=f"rows are lines of the file, the header is line {line}",
        index=pd.RangeIndex(len(kept)),
        problems=problems,
        notes=notes + left_out,
    )


def first_records(data: bytes, encoding: str, title: str) -> list[list[str]]:
    """The cells of the lines among which the header must be."""
    lines = data.split(b"\n", LINES_BEFORE_HEADER)[:LINES_BEFORE_HEADER]
    try:
        return [cells for _, cells in _records(b"\n".join(lines), encoding, title)]
    except InputError:  # a quoted cell that goes on below
        return []


def _records(data: bytes, encoding: str, title: str) -> list[Record]:
    """The records of a CSV text, lines without anything in them left out."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    reader = csv.reader(text, strict=True)
    records = []
    begins = 1
    count = 0
    try:
        for cells in reader:
            if cells and not (len(cells) == 1 and not stripped(cells[0])):
                records.append((begins, cells))
                count += len(cells)
                check_size(title, len(records) - 1, 0, count)
            begins = reader.line_num + 1
    except csv.Error as error:
        where = f"{title}, line {begins}"
        raise InputError(f"{where}: not valid CSV ({error}); check its quotation marks") from error
    return records


def _header_at(records: Sequence[Sequence[str]], is_header: IsHeader | None) -> int:
    """Where the header stands: the first record that looks like one, else the first."""
    if is_header is None:
        return 0
    return next((i for i, cells in enumerate(records) if is_header(cells)), 0)


def _check_separator(header: Sequence[str], title: str) -> None:
    if len(header) > 1:
        return
    for separator, what in OTHER_SEPARATORS.items():
        if separator in header[0]:
            raise InputError(
                f"{title}: the columns are separated by {what}; separate them by commas "
                "(and write decimals with a point)"
            )


def _laid_out(
    header: Sequence[str], body: Sequence[Record]
) -> tuple[list[Record], list[tuple[int, str]], list[str]]:
    """Rows with a cell for each column, what is wrong with the others, and notes."""
    width = len(header)
    kept: list[Record] = []
    problems = []
    blank, repeated = [], []
    for line, cells in body:
        if not any(map(stripped, cells)):
            blank.append(line)
        elif len(cells) < width or any(map(stripped, cells[width:])):
            count = "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"
            problems.append((line, f"{count} where the header has {width:,}"))
        elif stripped(cells[0]) == header[0] and [*map(stripped, cells[:width])] == header:
            repeated.append(line)
        else:
            kept.append((line, cells[:width]))
    notes = [_note(blank, "without anything in it", "without anything in them")]
    notes += [_note(repeated, "that repeats the header", "that repeat the header")]
    return kept, problems, [note for note in notes if note]


def _numbers_rows(column: Sequence[str]) -> bool:
    """Whether a column is what R and pandas write of their own accord: a number for each row."""
    numbers = {stripped(cell) for cell in column}
    return len(numbers) == len(column) > 0 and all(map(str.isdecimal, numbers))


def _note(lines: Sequence[int], one: str, several: str) -> str:
    if len(lines) < 2:
        return f"line {lines[0]}, {one}, left out" if lines else ""
    return f"{len(lines):,} lines {several} left out (the first is line {lines[0]})"
