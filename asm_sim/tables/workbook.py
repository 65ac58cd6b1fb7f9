"""Workbooks of Excel (.xlsx), read and written; of one that is read, the sheet that holds a table.

A number that is shown as percent is one, so that 0.25 shown as 25 % means the same as in a text.
Of a formula the result counts that was stored with it; without one the cell is no blank but a
problem. Macros, links and styles are never looked at.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice, repeat
from typing import Any

from asm_sim.errors import InputError, printable
from asm_sim.tables.cells import is_blank
from asm_sim.tables.raw import IsHeader, RawTable, check_size
from asm_sim.tables.rows import (
    LINES_BEFORE_HEADER,
    Record,
    header_at,
    is_filled,
    name_of,
    under_header,
)

MAXIMUM_UNPACKED_BYTES = 400_000_000
MAXIMUM_SHEET_ROWS = 1_048_576  # of Excel itself
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # parts of a format that mean nothing


def from_workbook(data: bytes, title: str, is_header: IsHeader | None) -> RawTable:
    """The sheet of a workbook that holds the table, as a raw table.

    It is the only visible one that has anything in it, or the only one with a header that
    ``is_header`` knows. Raises :class:`InputError` for what is no workbook, is too large, or has
    several sheets of which any might be meant.
    """
    has_formulas = _check_archive(data, title)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that are not read
        try:
            return _read(data, title, is_header, has_formulas)
        except InputError:
            raise
        except Exception as error:  # a damaged file makes the reader stumble over anything
            reason = printable(str(error) or type(error).__name__)
            raise InputError(f"{title}: not a readable Excel workbook ({reason})") from error


def _check_archive(data: bytes, title: str) -> bool:
    """Refuse what is no workbook, or too large a one; whether there are formulas in its sheets."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            unpacked = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise InputError(
            f"{title}: not a readable Excel workbook ({printable(str(error))})"
        ) from error
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise InputError(
            f"{title}: a zip archive, not an Excel workbook; save the table as .xlsx, CSV or "
            "Parquet"
        )
    if unpacked > MAXIMUM_UNPACKED_BYTES:
        raise InputError(
            f"{title}: a workbook of more than {MAXIMUM_UNPACKED_BYTES:,} bytes; save the sheet as "
            "CSV or Parquet"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sheets = (archive.read(name) for name in names if name.startswith("xl/worksheets/"))
            return any(_FORMULA.search(sheet) for sheet in sheets)
    except Exception:  # a damaged part, which the reader will tell
        return True


def _read(data: bytes, title: str, is_header: IsHeader | None, has_formulas: bool) -> RawTable:
    from openpyxl import load_workbook

    # Once for what is shown and, if there are any, once for which cells are formulas.
    results = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    formulas = load_workbook(io.BytesIO(data), read_only=True) if has_formulas else None
    name, others = _sheet(results, title, is_header)
    records: list[Record] = []
    empty: list[tuple[int, str]] = []
    count = 0
    written = _rows(formulas[name], title) if formulas else repeat(())
    pairs = zip(_rows(results[name], title), written)  # noqa: B905 (the second may have no end)
    for number, (shown, of_row) in enumerate(pairs, start=1):
        cells = [_plain(cell) for cell in shown]
        for cell, formula in zip(cells, of_row, strict=formulas is not None):
            if cell is None and formula.data_type == "f":
                empty.append((number, f"cell {formula.coordinate}"))
        while cells and cells[-1] is None:
            cells.pop()
        if any(map(is_filled, cells)):
            records.append((number, cells))
            count += len(cells)
            check_size(title, len(records) - 1, 0, count)
    if not records:
        raise InputError(f"{title}: the file is empty")
    at = header_at([cells for _, cells in records[:LINES_BEFORE_HEADER]], is_header)
    width = len(records[at][1])
    padded = [(row, cells + [None] * (width - len(cells))) for row, cells in records]
    raw = under_header(padded, title, is_header, "row", "sheet", records[0][0])
    left_out = {row for row, _ in records} - set(raw.rows.tolist())  # titles, totals
    raw.problems.extend(
        (row, f"{cell} is a formula without a result: open the workbook in Excel and save it")
        for row, cell in empty
        if row not in left_out
    )
    if others:
        raw.notes.insert(0, f"read from sheet {printable(name)!r}, not from {others}")
    return raw


def _rows(sheet: Any, title: str) -> Iterator[Any]:
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number > MAXIMUM_SHEET_ROWS:
            raise InputError(f"{title}: more than {MAXIMUM_SHEET_ROWS:,} rows in a sheet")
        yield cells


def _sheet(workbook: Any, title: str, is_header: IsHeader | None) -> tuple[str, str]:
    """The name of the sheet to be read, and those that are not, for a note."""
    visible = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    begins = {}
    for sheet in visible:
        rows = islice(_rows(sheet, title), LINES_BEFORE_HEADER)
        begin = [[name_of(_plain(cell)) for cell in cells] for cells in rows]
        if any(map(any, begin)):
            begins[sheet.title] = begin
    if not begins:
        raise InputError(f"{title}: the file is empty")
    known = [
        name
        for name, begin in begins.items()
        if is_header is not None and any(map(is_header, begin))
    ]
    if len(known) > 1 or (not known and len(begins) > 1):
        listed = ", ".join(repr(printable(name)) for name in known or begins)
        raise InputError(
            f"{title}: the workbook has several sheets that may be meant ({listed}); leave one, or "
            "save it as a file of its own"
        )
    (chosen,) = known or begins
    return chosen, ", ".join(repr(printable(name)) for name in begins if name != chosen)


def _plain(cell: Any) -> Any:
    """A cell's content: text, number, truth or None; what is shown as percent with its sign."""
    value = cell.value
    if isinstance(value, datetime | date | time | timedelta):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if "%" in _LITERAL.sub("", str(cell.number_format or "")):
        return f"{Decimal(repr(value)).scaleb(2):f}%"
    return int(value) if isinstance(value, float) and value.is_integer() else value


def workbook_bytes(sheets: Mapping[str, Iterable[Iterable[Any]]]) -> bytes:
    """A workbook of sheets by name, each rows of cells: texts, numbers, truths, None and NaN.

    A text is one, also where it begins like a formula; NaN is an empty cell. Of a number
    16 digits are kept.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    workbook = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        sheet.freeze_panes = "A2"
        for row in rows:
            cells = []
            for value in row:
                cell = WriteOnlyCell(
                    sheet, value if isinstance(value, str) or not is_blank(value) else None
                )
                if isinstance(value, str):
                    cell.data_type = "s"
                cells.append(cell)
            sheet.append(cells)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()
