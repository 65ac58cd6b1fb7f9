"""Printing answers: texts and tables on a console of rich, of whatever width and encoding it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from asm_sim.results.statistics import PLUS_MINUS, rounded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

# Where + and - do for a terminal that cannot write the sign.
ASCII_PLUS_MINUS = "+/-"


def say(console: Console, what: Text | Table) -> None:
    """Print without reading anything into it: what a user called something is only text."""
    console.print(what, highlight=False, markup=False, emoji=False)


def say_whole(console: Console, table: Table) -> None:
    """Print a table; where it is wider than the console it runs on, and no number is cut off."""
    given = console.width
    console.width = max(given, width_of(table, console))
    say(console, table)
    console.width = given


def say_fitting(console: Console, table: Callable[[str], Table]) -> None:
    """Print ``table(between)``: errors beside values where there is room, else below them."""
    beside = table(" ")
    fits = width_of(beside, console) <= console.width
    say_whole(console, beside if fits else table("\n"))


def writable(text: str, console: Console) -> str:
    """The text with a sign for plus and minus that the console can write."""
    can_write = console.encoding.lower().startswith("utf")
    return text if can_write else text.replace(PLUS_MINUS, ASCII_PLUS_MINUS)


def width_of(table: Table, console: Console) -> int:
    """Columns that the table takes where it has all the room it wants."""
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update(width=10_000), table).maximum


def value_and_error(value: float, error: float, between: str) -> str:
    """A value and its error as a cell of a table, ``between`` them a blank or a new line."""
    written, written_error = rounded(value, error)
    return f"{written}{between}{PLUS_MINUS}{written_error}" if written_error else written
