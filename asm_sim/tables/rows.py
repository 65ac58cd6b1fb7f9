"""Rows of cells laid out under their header, whether they stood in a text or in a sheet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from asm_sim.errors import InputError, counted
from asm_sim.tables.cells import stripped
from asm_sim.tables.raw import IsHeader, RawTable, check_size

Record = tuple[int, list[Any]]  # the number of the row, or the line on which it begins; its cells

LINES_BEFORE_HEADER = 20
_TOTALS = re.compile(r"(?:(?:grand|sub)[ -]?)?totals?|sum|averages?|mean|median", re.IGNORECASE)


def under_header(
    records: list[Record],
    title: str,
    is_header: IsHeader | None,
    word: str,
    whole: str,
    first: int,
) -> RawTable:
    """Records as a raw table; :class:`InputError` where there is no header or no row.

    Rows before the header are left out, if ``is_header`` knows it by its columns; so are rows in
    which every cell is blank, rows that repeat the header, rows of totals at the end and a first
    column without a name that numbers the rows. Each is said in a note. Messages call a row by
    ``word`` (row, line) and say that it is one of the ``whole``, in which something stands from
    ``first`` on.
    """
    import pandas as pd

    at = header_at([cells for _, cells in records[:LINES_BEFORE_HEADER]], is_header)
    if not records:
        raise InputError(f"{title}: there is no header")
    row, header = records[at][0], [name_of(cell) for cell in records[at][1]]
    body = records[at + 1 :]
    if not body:
        raise InputError(f"{title}: there is a header but no row below it")
    notes = []
    if row > first and (at or first != records[0][0]):
        before = f"{word} {first}" if row == first + 1 else f"{word}s {first} to {row - 1}"
        notes.append(f"{before}, before the header, left out")
    kept, problems, left_out = _laid_out(header, body, word)
    columns = list(zip(*(cells for _, cells in kept), strict=True)) or [()] * len(header)
    if not header[0] and _numbers_rows(columns[0]):
        header, columns = header[1:], columns[1:]
        left_out.append("column 1, without a name, numbers the rows: left out")
    named = [
        (name, column)
        for name, column in zip(header, columns, strict=True)
        if name or any(map(is_filled, column))
    ]
    check_size(title, len(kept), len(named), 0)
    return RawTable(
        title=title,
        names=[name for name, _ in named],
        cells=[pd.Series(column, dtype=object) for _, column in named],
        rows=np.array([number for number, _ in kept], dtype=np.int64),
        row_word=word,
        row_meaning=f"rows are {word}s of the {whole}, the header is {word} {row}",
        index=pd.RangeIndex(len(kept)),
        problems=problems,
        notes=notes + left_out,
    )


def header_at(records: Sequence[Sequence[Any]], is_header: IsHeader | None) -> int:
    """Where the header stands: the first record that looks like one, else the first."""
    if is_header is None:
        return 0
    found = (i for i, cells in enumerate(records) if is_header(list(map(name_of, cells))))
    return next(found, 0)


def name_of(cell: Any) -> str:
    """A cell of a header as text."""
    return stripped(str(cell)) if is_filled(cell) else ""


def is_filled(cell: Any) -> bool:
    """Whether there is anything in a cell, if only a word for nothing."""
    return cell is not None and (not isinstance(cell, str) or stripped(cell) != "")


def _laid_out(
    header: Sequence[str], body: Sequence[Record], word: str
) -> tuple[list[Record], list[tuple[int, str]], list[str]]:
    """Rows with a cell for each column, what is wrong with the others, and notes."""
    width = len(header)
    kept: list[Record] = []
    problems = []
    blank, repeated, totals = [], [], []
    for row, cells in body:
        if not any(map(is_filled, cells)):
            blank.append(row)
        elif len(cells) < width and _is_of_totals(cells):
            totals.append(row)
        elif len(cells) < width or any(map(is_filled, cells[width:])):
            problems.append((row, f"{counted(len(cells), 'cell')} where the header has {width:,}"))
        elif name_of(cells[0]) == header[0] and [*map(name_of, cells[:width])] == header:
            repeated.append(row)
        else:
            kept.append((row, cells[:width]))
    totals += _drop_totals(kept)
    notes = [
        _note(word, blank, "without anything in it", "without anything in them"),
        _note(word, repeated, "that repeats the header", "that repeat the header"),
        _note(word, totals, "of totals", "of totals"),
    ]
    return kept, problems, [note for note in notes if note]


def _drop_totals(kept: list[Record]) -> list[int]:
    """Take rows of totals from the end: they leave blank what all others fill."""
    last = len(kept)
    while last > 1 and _is_of_totals(kept[last - 1][1]):
        last -= 1
    filled = [all(map(is_filled, column)) for column in zip(*(c for _, c in kept[:last]))]  # noqa: B905
    dropped = [
        record
        for record in kept[last:]
        if any(full and not is_filled(cell) for full, cell in zip(filled, record[1], strict=True))
    ]
    kept[last:] = [record for record in kept[last:] if record not in dropped]
    return [row for row, _ in dropped]


def _is_of_totals(cells: Sequence[Any]) -> bool:
    first = next((name_of(cell) for cell in cells if is_filled(cell)), "")
    return _TOTALS.fullmatch(first.rstrip(" :()0123456789")) is not None


def _numbers_rows(column: Sequence[Any]) -> bool:
    """Whether a column is what R and pandas write of their own accord: a number for each row."""
    numbers = {name_of(cell) for cell in column}
    return len(numbers) == len(column) > 0 and all(map(str.isdecimal, numbers))


def _note(word: str, rows: Sequence[int], one: str, several: str) -> str:
    if len(rows) < 2:
        return f"{word} {rows[0]}, {one}, left out" if rows else ""
    return f"{len(rows):,} {word}s {several} left out (the first is {word} {min(rows)})"
