"""How numbers are written in a table: with decimal commas, thousands separators, as percent.

What can mean one number alone is read, and a note says how. What may mean two is refused, column
by column, and never guessed. ``1,234`` is 1.234 in a column that holds nothing as large as 1234,
and 1234 in one of whole numbers, or where something in the table shows that commas separate
thousands; but where anything in the table has a decimal comma (``0,5``) it may be both. A decimal
point needs no proof, but ``1.234`` is refused in a table of decimal commas. Percent signs are read
in columns of fractions and of percent, unless the same column has numbers without one; a header
that ends in ``_percent`` says it of all its cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np

from asm_sim.errors import counted
from asm_sim.tables.cells import (
    NUMBER,
    BoolArray,
    FloatArray,
    ObjectArray,
    column_of,
    number_of,
    numbers_of,
    objects_of,
    shown,
    stripped,
)
from asm_sim.tables.raw import RawTable, Row, text_rows

# What the numbers of a column are; only fractions and percent may be written with percent signs,
# only dollars with a currency sign.
Unit = Literal["number", "whole", "fraction", "percent", "dollars"]


class Quantity(NamedTuple):
    """What the numbers of a column are, and the largest that there can be."""

    unit: Unit
    most: float


IN_PERCENT = "_percent"  # the end of a header
SHARES = ("fraction", "percent")

_AS_PERCENT = "as percent"
_COMMAS = "with decimal commas"
_THOUSANDS = "with thousands separators"
_CURRENCY = "with currency signs"

_CURRENCY_SIGN = re.compile(r"^(?:US)?\$\s*|\s*(?:\$|USD)$", re.IGNORECASE)
_GROUPED = re.compile(
    r"(?P<whole>[+-]?[1-9][0-9]{0,2}(?:(?P<mark>[,. '’\u00a0\u2009\u202f])[0-9]{3})"
    r"(?:(?P=mark)[0-9]{3})*)(?:(?P<point>[.,])(?P<part>[0-9]+))?"
)
_WITH_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_LIKE_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_WITH_POINT = re.compile(rf"(?!{_LIKE_THOUSANDS.pattern}$)[+-]?[0-9]*\.[0-9]+")
_LEAST_THOUSANDS = 1000
_COLUMNS_TOLD = 3  # in lines of their own


@dataclass(frozen=True)
class Written:
    """A cell that is no plain number, understood: as one number, or as either of two."""

    number: str
    ways: frozenset[str]
    other: str = ""  # what it means if its comma is a decimal one; "": it means one number alone
    ways_of_other: frozenset[str] = frozenset()
    decimal: str = ""  # the decimal mark that it shows
    thousands: str = ""  # the mark between thousands that it shows, if that is a comma or a point


@dataclass(frozen=True)
class Reading:
    """The numbers of a table as they are meant.

    ``names`` are the columns as known (:func:`column_of`), without ``_percent``; ``headers`` those
    that have it, by that name. ``numbers`` are by position: values, where it is blank, and where it
    is something else (as :func:`asm_sim.tables.cells.numbers_of`). ``notes`` say what was read in
    which way, ``problems`` what cannot be read, a line for a column.
    """

    names: list[str]
    headers: dict[str, str]
    numbers: dict[int, tuple[FloatArray, BoolArray, BoolArray]]
    notes: list[str]
    problems: list[str]


def read_numbers(raw: RawTable, known: Mapping[str, Quantity]) -> Reading:
    """The numeric columns of a table, of which some are ``known`` by name."""
    names = [column_of(name) for name in raw.names]
    headers = {}
    for i, name in enumerate(names):
        base = name.removesuffix(IN_PERCENT)
        if name not in known and base in known and known[base].unit in SHARES:
            names[i], headers[base] = base, name
    columns = [
        _Column(raw, i, headers.get(name, name), *known[name], name in headers)
        for i, name in enumerate(names)
        if name in known
    ]
    marks = _Marks(columns)
    problems = [text for column in columns for text in column.settle(marks)]
    numbers = {column.position: column.numbers for column in columns}
    return Reading(names, headers, numbers, list(_notes(columns)), problems)


@dataclass
class _Column:
    """One numeric column on its way to numbers."""

    raw: RawTable
    position: int
    name: str  # as in the header
    unit: Unit
    most: float
    in_percent: bool  # as the header says
    numbers: tuple[FloatArray, BoolArray, BoolArray] = field(init=False)
    cells: ObjectArray = field(init=False)
    written: dict[int, Written] = field(init=False)  # by row
    ways: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import pandas as pd

        series = self.raw.cells[self.position]
        self.numbers = numbers_of(series)
        texts = not pd.api.types.is_numeric_dtype(series.dtype)
        self.cells = objects_of(series) if texts else np.empty(0, object)
        known: dict[str, Written | None] = {}
        self.written = {}
        for i in np.flatnonzero(self.numbers[2]).tolist() if texts else ():
            cell = self.cells[i]
            if isinstance(cell, str):
                if cell not in known:
                    known[cell] = _understood(stripped(cell), self.unit)
                if (found := known[cell]) is not None:
                    self.written[i] = self._in_range(found)

    def plain(self, form: re.Pattern[str]) -> Iterator[str]:
        """The plain numbers kept as text that have a form, and where they are."""
        for i, cell in enumerate(self.cells):
            if i not in self.written and isinstance(cell, str) and form.fullmatch(stripped(cell)):
                yield self._at(i)

    def settle(self, marks: _Marks) -> list[str]:
        """Take every cell for the number that it means; what is wrong with the column."""
        problems = [*self._mixed(), *self._ambiguous(marks)]
        values, blank, odd = self.numbers
        values, odd = values.copy(), odd.copy()
        for i, cell in self.written.items():
            odd[i] = False
            values[i] = float(cell.number)
            for way in cell.ways:
                self.ways[way] = self.ways.get(way, 0) + 1
        if self.unit == "fraction":
            signed = [i for i, cell in self.written.items() if _AS_PERCENT in cell.ways]
            for i in range(len(values)) if self.in_percent else signed:
                values[i] = _hundredth(values[i])
        self.numbers = values, blank, odd
        return problems

    def _mixed(self) -> list[str]:
        """Percent beside numbers without its sign."""
        if self.in_percent:
            return []
        signed = next((i for i, cell in self.written.items() if _AS_PERCENT in cell.ways), None)
        if signed is None:
            return []
        values, blank, odd = self.numbers
        bare = ~blank & ~odd & (values != 0)
        bare[[i for i, cell in self.written.items() if _AS_PERCENT not in cell.ways]] = True
        if not bare.any():
            return []
        first = int(np.flatnonzero(bare)[0])
        cell = self.raw.cells[self.position].iloc[first]
        return [
            f"column {self.name}: {self._at(signed)} is percent and {shown(cell)} "
            f"({self._row(first)}) has no percent sign: write all cells in one way, or call the "
            f"column {self.name}{IN_PERCENT} if all are percent"
        ]

    def _ambiguous(self, marks: _Marks) -> list[str]:
        """Commas, and points, of which nobody can say what they separate."""
        doubtful = {i: cell for i, cell in self.written.items() if cell.other}
        commas = marks.decimal_comma
        if commas is None and (self.unit == "whole" or marks.commas_are_thousands()):
            doubtful = {}
        problems = []
        for i, cell in list(doubtful.items())[:1]:
            why = f"since {commas} has a decimal comma" if commas else "and nothing says which"
            problems.append(
                f"column {self.name}: {self._at(i)} may be {cell.number} or {cell.other}, {why}; "
                f"write it without its comma, or with a decimal point{self._more(len(doubtful))}"
            )
        other = commas or marks.points_are_thousands
        if other and self.most >= _LEAST_THOUSANDS and not any(self.plain(_WITH_POINT)):
            pointed = list(self.plain(_LIKE_THOUSANDS))
            problems += [
                f"column {self.name}: the point in {first} may separate thousands, as {other} is "
                f"not written with a decimal point; write both in one way{self._more(len(pointed))}"
                for first in pointed[:1]
            ]
        return problems

    def _in_range(self, cell: Written) -> Written:
        """A cell that may mean two numbers, taken for the one that its column can hold."""
        as_percent = self.in_percent or _AS_PERCENT in cell.ways
        most = 100 * self.most if as_percent and self.unit == "fraction" else self.most
        if not cell.other or float(cell.number) <= most:
            return cell
        return Written(cell.other, cell.ways_of_other, decimal=",")

    def _at(self, i: int) -> str:
        return f"{shown(self.cells[i])} ({self._row(i)})"

    def _row(self, i: int) -> str:
        return f"{self.raw.row_word} {self.raw.rows[i]}"

    def _more(self, cells: int) -> str:
        return f" (so in {counted(cells - 1, 'more row')})" if cells > 1 else ""

    def described(self, i: int) -> str:
        return f"{self._at(i)} in column {self.name}"


class _Marks:
    """What the cells of a table show of the marks in its numbers."""

    def __init__(self, columns: list[_Column]) -> None:
        self.columns = columns
        self.decimal_comma = self._first(lambda cell: cell.decimal == ",")
        self.points_are_thousands = self._first(lambda cell: cell.thousands == ".")

    def commas_are_thousands(self) -> bool:
        """Whether a comma, or a point elsewhere, shows that commas separate thousands."""
        shows = self._first(lambda cell: cell.thousands == "," or cell.decimal == ".")
        return shows is not None or any(any(column.plain(_WITH_POINT)) for column in self.columns)

    def _first(self, shows: Callable[[Written], bool]) -> str | None:
        """The first cell that shows something, in words."""
        for column in self.columns:
            for i, cell in column.written.items():
                if not cell.other and shows(cell):
                    return column.described(i)
        return None


def _understood(text: str, unit: Unit) -> Written | None:
    """A text as a number in a notation of its own; None where it is none."""
    ways = set()
    if unit in SHARES and text.endswith("%"):
        text = stripped(text[:-1])
        ways.add(_AS_PERCENT)
    if unit == "dollars" and (bare := _CURRENCY_SIGN.sub("", text)) != text:
        text = stripped(bare)
        ways.add(_CURRENCY)
    if NUMBER.fullmatch(text):
        return Written(text, frozenset(ways)) if ways else None
    if found := _GROUPED.fullmatch(text):
        return _grouped(found, ways)
    if _WITH_COMMA.fullmatch(text):
        return Written(text.replace(",", "."), frozenset({*ways, _COMMAS}), decimal=",")
    return None


def _grouped(found: re.Match[str], ways: set[str]) -> Written | None:
    """A number in groups of three digits."""
    mark, point, part = found["mark"], found["point"], found["part"]
    if mark == point:
        return None
    whole = found["whole"].replace(mark, "")
    ways = {*ways, _THOUSANDS} | ({_COMMAS} if point == "," else set())
    if not point and mark == "," and found["whole"].count(",") == 1:
        other = frozenset({*ways, _COMMAS} - {_THOUSANDS})
        return Written(whole, frozenset(ways), found["whole"].replace(",", "."), other)
    number = f"{whole}.{part}" if point else whole
    thousands = mark if mark in ",." else ""
    return Written(number, frozenset(ways), decimal=point or "", thousands=thousands)


def _hundredth(value: float) -> float:
    """The number that is written with its decimal point two places to the left."""
    return float(Decimal(repr(float(value))).scaleb(-2)) if np.isfinite(value) else value


def plain_rows(raw: RawTable, reading: Reading) -> list[Row]:
    """The rows as texts by column, as :func:`asm_sim.tables.raw.text_rows`, numbers plain."""
    rows = text_rows(raw, reading.names)
    for position, (values, blank, odd) in reading.numbers.items():
        name = reading.names[position]
        for i in np.flatnonzero(~blank & ~odd).tolist():
            if number_of(rows[i][name])[0] != values[i]:
                rows[i][name] = repr(float(values[i])).removesuffix(".0")
    return rows


def _notes(columns: list[_Column]) -> Iterator[str]:
    """What was read in which way, in a line for a column, or for many together."""
    for way in (_AS_PERCENT, _COMMAS, _THOUSANDS, _CURRENCY):
        found = {column.name: column.ways[way] for column in columns if way in column.ways}
        if len(found) <= _COLUMNS_TOLD:
            yield from (
                f"read {name} {way}: {counted(cells, 'value')}" for name, cells in found.items()
            )
        else:
            listed = ", ".join(list(found)[:_COLUMNS_TOLD])
            yield (
                f"read {listed} and {counted(len(found) - _COLUMNS_TOLD, 'more column')} {way}: "
                f"{counted(sum(found.values()), 'value')}"
            )
