"""A few clinicians on a terminal: each with score, adjustment, dollars and penalties."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from asm_sim.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

CLINICIANS_TOLD = 20
_LONGEST_ID = 12
_COLUMNS = ("final score", "adjustment, %", "USD a year", "penalty")


class Line(NamedTuple):
    """One clinician, as it is printed."""

    clinician_id: str
    final_score: str
    adjustment: str
    dollars: str
    penalty: str  # in how many draws of how many


def shown_id(clinician_id: object) -> str:
    """An identifier of a user's, as it may go to a terminal."""
    return printable(str(clinician_id), 40)


def clinician_table(lines: Iterable[Line]) -> Table:
    """The first :data:`CLINICIANS_TOLD` of them."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("clinician", overflow="fold", max_width=_LONGEST_ID)
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for line in islice(lines, CLINICIANS_TOLD):
        table.add_row(Text(shown_id(line.clinician_id)), *line[1:])
    return table
