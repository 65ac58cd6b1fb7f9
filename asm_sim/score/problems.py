"""The problems of one table under check, in the order in which a reader of the table meets them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from asm_sim.errors import InputError, counted
from asm_sim.score.columns import Column
from asm_sim.tables.cells import BoolArray
from asm_sim.tables.raw import ROWS_TOLD, RawTable, so_in

BEFORE_ROWS = -1  # where the problems of whole columns stand in the list


class Problems:
    """What was found so far; ``columns`` are all known ones in their order."""

    def __init__(self, raw: RawTable, columns: Iterable[str]) -> None:
        self._raw = raw
        self._order = {name: i for i, name in enumerate(columns)}
        self.hint = ""  # what else to do, for the end of the first line
        self._listed: list[tuple[int, int, str]] = []
        by_text: dict[str, list[int]] = {}
        for row, text in raw.problems:
            by_text.setdefault(text, []).append(row)
        for text, rows in by_text.items():
            told = [f"{text}{so_in(rows)}"] if len(rows) > ROWS_TOLD else [text] * len(rows)
            for row, line in zip(rows, told, strict=False):
                self._listed.append((row, -1, f"row {row}: {line}"))

    def row(self, i: int) -> int:
        """What messages call a row."""
        return int(self._raw.rows[i])

    def add(self, where: BoolArray, column: Column, message: Callable[[int], str]) -> None:
        """One for each row where there is something wrong, or one for many rows together.

        ``message`` is of a position.
        """
        rows = np.flatnonzero(where).tolist()
        if len(rows) > ROWS_TOLD:
            more = so_in([self.row(i) for i in rows])
            self._list(rows[0], column, message(rows[0]) + more)
            return
        for i in rows:
            self._list(i, column, message(i))

    def add_once(self, rows: Sequence[int], column: Column, message: str) -> None:
        """One for the same thing in several rows, told where it is met first."""
        again = len(rows) - 1
        more = f" (also in {again:,} {'row' if again == 1 else 'rows'} below)" if again else ""
        self._list(rows[0], column, message + more)

    def add_column(self, text: str) -> None:
        """One of a column as a whole."""
        self._listed.append((BEFORE_ROWS, len(self._listed), text))

    def give_up_if_any(self) -> None:
        """Raise :class:`InputError` with all that was found."""
        if not self._listed:
            return
        texts = [text for _, _, text in sorted(self._listed, key=lambda found: found[:2])]
        count = counted(len(texts), "problem")
        title = f"{self._raw.title}: {count}, nothing was scored ({self._raw.row_meaning})"
        title += self.hint
        raise InputError(title, texts)

    def _list(self, i: int, column: Column, message: str) -> None:
        row = self.row(i)
        text = f"row {row}, column {column.title}: {message}"
        self._listed.append((row, self._order[column.name], text))
