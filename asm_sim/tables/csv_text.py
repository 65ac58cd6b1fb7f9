"""CSV as it comes out of other programs, read record by record so that problems name their line."""

from __future__ import annotations

import csv
import io
import re

from asm_sim.errors import InputError
from asm_sim.tables.cells import stripped
from asm_sim.tables.raw import IsHeader, RawTable, check_size
from asm_sim.tables.rows import LINES_BEFORE_HEADER, Record, header_at, under_header

# What may separate columns, the most usual first; the name is for a note.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# Excel's own first line, which says what separates the columns below it.
_SEPARATOR_LINE = re.compile(r"\s*\"?\s*sep=(.?)", re.IGNORECASE)


def from_csv(data: bytes, encoding: str, title: str, is_header: IsHeader | None) -> RawTable:
    """A CSV text as a raw table; :class:`InputError` where it has no header or no row.

    Columns may be separated by any of :data:`SEPARATORS`: the one that a line of Excel's own
    tells, that gives a header which ``is_header`` knows, or else the first that separates the first
    line. Another one than commas is said in a note. See :func:`asm_sim.tables.rows.under_header`
    for what is left out.
    """
    separator = _separator(data, encoding, title, is_header)
    records = _records(data, encoding, title, separator)
    if not records:
        raise InputError(f"{title}: the file is empty")
    first = records[0][0]
    if _SEPARATOR_LINE.match(str(records[0][1][0])):
        del records[0]
    raw = under_header(records, title, is_header, "line", "file", first)
    if separator != ",":
        raw.notes.insert(0, f"columns are separated by {SEPARATORS[separator]}")
    return raw


def _separator(data: bytes, encoding: str, title: str, is_header: IsHeader | None) -> str:
    """What separates the columns, seen from the lines among which the header must be."""
    lines = data.split(b"\n", LINES_BEFORE_HEADER)[:LINES_BEFORE_HEADER]
    begin = b"\n".join(lines)
    told = _SEPARATOR_LINE.match(begin[:40].decode(encoding, errors="replace"))
    if told and told[1] in SEPARATORS:
        return told[1]
    first_cells = {}
    for separator in SEPARATORS:
        try:
            records = [cells for _, cells in _records(begin, encoding, title, separator)]
        except InputError:  # a quoted cell that goes on below
            continue
        if is_header and any(map(is_header, records)):
            return separator
        first_cells[separator] = len(records[header_at(records, is_header)]) if records else 0
    return next((one for one, cells in first_cells.items() if cells > 1), ",")


def _records(data: bytes, encoding: str, title: str, separator: str) -> list[Record]:
    """The records of a CSV text, lines without anything in them left out."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    reader = csv.reader(text, delimiter=separator, strict=True)
    records: list[Record] = []
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
