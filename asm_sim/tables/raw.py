"""A table as it was found, and how large one may be.

The limits hold while a table is read, so that what is too large is refused before it takes the
memory. They leave room for every participant of the country in every year.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from asm_sim.errors import InputError, counted
from asm_sim.tables.cells import text_of

if TYPE_CHECKING:
    import pandas as pd

MAXIMUM_BYTES = 100_000_000
MAXIMUM_ROWS = 500_000
MAXIMUM_CELLS = 8_000_000
MAXIMUM_COLUMNS = 1_000
ROWS_TOLD = 3  # in which the same is wrong; of more the first is told and others are counted
ROWS_LISTED = 5  # of those by their number

IsHeader = Callable[[Sequence[str]], bool]
Row = dict[str, str]


@dataclass(frozen=True)
class RawTable:
    """A table whose cells nobody has interpreted yet.

    ``names`` are the columns as written, ``cells`` their contents (one Series each, in file order),
    ``rows`` the number by which messages call each row, ``row_word`` what it is called by
    and ``row_meaning`` what the number counts. ``problems`` are (row, text) of rows that could not
    be laid into columns and are left out; ``notes`` say what was left out on purpose. ``sha256`` is
    that of the bytes, "" where there are none.
    """

    title: str
    names: list[str]
    cells: list[pd.Series[Any]]
    rows: npt.NDArray[np.int64]
    row_word: str
    row_meaning: str
    index: pd.Index[Any]
    problems: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sha256: str = ""


def check_size(title: str, rows: int, columns: int, cells: int) -> None:
    """Refuse a table with too many rows, columns or cells."""
    if rows > MAXIMUM_ROWS:
        raise InputError(f"{title}: more than {MAXIMUM_ROWS:,} rows; split the table by cohort")
    if columns > MAXIMUM_COLUMNS:
        raise InputError(
            f"{title}: {columns:,} columns are more than {MAXIMUM_COLUMNS:,}; keep those that are "
            "needed"
        )
    if cells > MAXIMUM_CELLS:
        raise InputError(
            f"{title}: the table has more than {MAXIMUM_CELLS:,} cells; keep the columns that are "
            "needed, and split it by cohort"
        )


def text_rows(raw: RawTable, names: Sequence[str]) -> list[Row]:
    """The rows as texts by column under other names, one for each; "" is blank."""
    columns = [[text_of(cell) for cell in series] for series in raw.cells]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def so_in(places: Sequence[Any]) -> str:
    """That what was said of the first of several rows is true of the others too."""
    listed = ", ".join(map(str, places[1 : 1 + ROWS_LISTED]))
    more = ", ..." if len(places) > 1 + ROWS_LISTED else ""
    return f" (and so in {counted(len(places) - 1, 'more row')}: {listed}{more})"


def gathered(found: Sequence[tuple[str, str, str]]) -> list[str]:
    """Problems as lines: the same kind in many rows is one, told where it is met first.

    ``found`` are the kind, the place and what is wrong there, from the mark after the place on.
    """
    places: dict[str, list[str]] = {}
    for kind, place, _ in found:
        places.setdefault(kind, []).append(place)
    lines = []
    for kind, place, text in found:
        if len(places[kind]) <= ROWS_TOLD:
            lines.append(place + text)
        elif place == places[kind][0]:
            lines.append(place + text + so_in(places[kind]))
    return lines
