"""The problems of one table under check, in the order in which a reader of the table meets them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from asm_sim.errors import InputError
from asm_sim.score.columns import Column
from asm_sim.tables.cells import BoolArray
from asm_sim.tables.raw import RawTable

BEFORE_ROWS = -1  # where the problems of whole columns stand in the list
LISTED = 1_000  # at most, and of one column; all are counted


class Problems:
    """What was found so far; ``columns`` are all known ones in their order."""

    def __init__(self, raw: RawTable, columns: Iterable[str]) -> None:
        self._raw = raw
        self._order = {name: i for i, name in enumerate(columns)}
        self._listed = [(row, -1, f"row {row}: {text}") for row, text in raw.problems]
        self._found = len(self._listed)

    def add(self, where: BoolArray, column: Column, message: Callable[[int], str]) -> None:
        """One for each row where there is something wrong; ``message`` is of a position."""
        rows = np.flatnonzero(where).tolist()
        self._found += len(rows)
        for i in rows[:LISTED]:
            self._list(i, column, message(i))

    def add_once(self, rows: Sequence[int], column: Column, message: str) -> None:
        """One for the same thing in several rows, told where it is met first."""
        again = len(rows) - 1
        more = f" (also in {again:,} {'row' if again == 1 else 'rows'} below)" if again else ""
        self._found += 1
        self._list(rows[0], column, message + more)

    def add_column(self, text: str) -> None:
        """One of a column as a whole."""
        self._found += 1
        self._listed.append((BEFORE_ROWS, len(self._listed), text))

    def give_up_if_any(self) -> None:
        """Raise :class:`InputError` with all that was found."""
        if not self._found:
            return
        texts = [text for _, _, text in sorted(self._listed, key=lambda found: found[:2])]
        count = "1 problem" if self._found == 1 else f"{self._found:,} problems"
        if self._found > LISTED:
            count += f" (the first {LISTED:,} listed)"
        title = f"{self._raw.title}: {count}, nothing was scored ({self._raw.row_meaning})"
        raise InputError(title, texts[:LISTED])

    def _list(self, i: int, column: Column, message: str) -> None:
        row = int(self._raw.rows[i])
        text = f"row {row}, column {column.name}: {message}"
        self._listed.append((row, self._order[column.name], text))
