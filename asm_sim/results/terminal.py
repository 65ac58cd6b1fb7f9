"""Printing answers: texts and tables on a console of rich, of whatever width and encoding it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from asm_sim.results.statistics import PLUS_MINUS, rounded

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from asm_sim.results.ranges import Numbers

# Where + and - do for a terminal that cannot write the sign.
ASCII_PLUS_MINUS = "+/-"


def say(console: Console, what: RenderableType) -> None:
    """Print without reading anything into it: what a user called something is only text."""
    console.print(what, highlight=False, markup=False, emoji=False)


def say_whole(console: Console, table: Table) -> None:
    """Print a table; where it is wider than the console it runs on, and no number is cut off."""
    given = console.width
    console.width = max(given, width_of(table, console))
    say(console, table)
    console.width = given


class Layout(NamedTuple):
    """What stands in a cell before an error, before a range, between its ends and after it."""

    before_error: str
    before_range: str
    between: str
    after: str


BESIDE = Layout(" ", " (", " to ", ")")
BELOW = Layout("\n", "\n", " to ", "")
ON_THREE_LINES = Layout("\n", "\n", " to\n", "")
LAYOUTS = (BESIDE, BELOW, ON_THREE_LINES)
CLOSE = (0, 1, 0, 0)  # the padding of cells where columns stand close


def say_fitting(console: Console, table: Callable[[Layout], Table]) -> None:
    """Print ``table(layout)``: errors and ranges beside values where there is room, else below."""
    for layout in LAYOUTS:
        laid_out = table(layout)
        if layout is ON_THREE_LINES:
            laid_out.padding = CLOSE
        if width_of(laid_out, console) <= console.width:
            break
    say_whole(console, laid_out)


def writable(text: str, console: Console) -> str:
    """The text with a sign for plus and minus that the console can write."""
    can_write = console.encoding.lower().startswith("utf")
    return text if can_write else text.replace(PLUS_MINUS, ASCII_PLUS_MINUS)


def width_of(table: Table, console: Console) -> int:
    """Columns that the table takes where it has all the room it wants."""
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update(width=10_000), table).maximum


def cell(numbers: Numbers, layout: Layout, errors: bool) -> str:
    """A value and its range as a cell of a table; with its error where it has no range.

    ``errors`` asks for the error where it has one, too.
    """
    if numbers.has_range and not errors:
        return numbers.written(*layout[1:])
    return value_and_error(numbers.value, numbers.mcse, layout.before_error)


def value_and_error(value: float, error: float, between: str) -> str:
    """A value and its error as a cell of a table, ``between`` them a blank or a new line."""
    written, written_error = rounded(value, error)
    return f"{written}{between}{PLUS_MINUS}{written_error}" if written_error else written
