"""The result of a study as a table: a row per number, and for reading, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import xarray as xr

from asm_sim.errors import printable
from asm_sim.results.describe import cohort_title
from asm_sim.results.statistics import ROUNDING, USD_PER_MILLION, bound_of, rounded
from asm_sim.results.terminal import Layout, say, say_fitting, value_and_error, writable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MCSE = "_mcse"
ALL_YEARS = "all years"
BETWEEN = 3  # columns between those of a table, at most
NUMBERS = ["variable", "long_name", "units", "value", "mcse"]
COHORT, YEAR, GROUP = "cohort", "performance_year", "group"
MOST_LINES = 40
NARROWEST = 30  # columns of what the numbers are of
_TITLES = ("_title", "_words")  # of a dim's values, where a study says them
_FRACTIONS = {"fraction", "share"}


def study_table(result: xr.Dataset) -> pd.DataFrame:
    """What a study returned, one row per number.

    Columns: one per dim (NA where a variable has it not), ``variable``, ``long_name``, ``units``,
    ``value`` and ``mcse``, its Monte Carlo standard error: nan where it is not known, None for what
    has none.
    """
    frames = [_frame(result, str(name)) for name in _variables(result)]
    dims = list(dict.fromkeys(dim for frame in frames for dim in frame if dim not in NUMBERS))
    table = pd.concat(frames, ignore_index=True)
    return table.reindex(columns=[*dims, *NUMBERS])


def _variables(result: xr.Dataset) -> list[str]:
    return [str(name) for name in result.data_vars if not str(name).endswith(MCSE)]


def _frame(result: xr.Dataset, name: str) -> pd.DataFrame:
    error, attrs = f"{name}{MCSE}", result[name].attrs
    parts = {"value": result[name]} | ({"mcse": result[error]} if error in result else {})
    if result[name].dims:
        frame = xr.Dataset(parts).reset_coords(drop=True).to_dataframe().reset_index()
    else:
        frame = pd.DataFrame([{key: part.item() for key, part in parts.items()}])
    frame = frame.astype(object)
    if "mcse" not in frame:
        frame["mcse"] = None
    return frame.assign(
        variable=name, long_name=attrs.get("long_name", name), units=attrs.get("units", "")
    )


class Shown(NamedTuple):
    """What a terminal shows of a result: values along some dims, and the groups of these names."""

    values: Mapping[str, tuple[Any, ...]]
    group: str


def print_study(result: xr.Dataset, shown: Shown, console: Console) -> None:
    """Print a table for each cohort: what, down; performance years across; values with errors.

    Of groups those that are named, or of the grouping that is named. What does not fit is counted.
    """
    from rich.text import Text

    some = _chosen(result, shown)
    table = study_table(some)
    cohorts = [str(name) for name in some[COHORT].values] if COHORT in some.dims else []
    of = table[COHORT] if cohorts else pd.Series("", index=table.index)
    for cohort in (*cohorts, None):
        rows = table[of == cohort if cohort else ~of.isin(cohorts)]
        if not len(rows):
            continue
        if cohorts:
            title = f"{cohort_title(some, cohort)} ({printable(cohort)})" if cohort else "Together"
            say(console, Text(f"\n{title}", style="bold"))
        lines = _lines(rows, some)
        say_fitting(console, partial(_table, lines[:MOST_LINES], _years(rows), console))
        if len(lines) > MOST_LINES:
            say(console, Text(f"... and {len(lines) - MOST_LINES:,} more lines; --csv has all"))


def _chosen(result: xr.Dataset, shown: Shown) -> xr.Dataset:
    """The result at what is to be shown of it."""
    at = {dim: list(values) for dim, values in shown.values.items() if dim in result.dims}
    some = result.sel(at)
    if GROUP not in some.dims:
        return some
    labels = [str(label) for label in some[GROUP].values]
    wanted = [label for label in labels if shown.group in {label, label.partition(": ")[0]}]
    return some.sel({GROUP: wanted or labels})


class Line(NamedTuple):
    """A line of a table: what it is of, and its numbers by column; a heading has none."""

    label: str
    cells: dict[str, tuple[Any, float | None]]
    units: str


def _years(rows: pd.DataFrame) -> list[str]:
    """The columns: performance years, and what is of no single one."""
    if YEAR not in rows or rows[YEAR].isna().all():
        return [ALL_YEARS]
    return sorted({_column(year) for year in rows[YEAR]})  # years come before words


def _column(year: Any) -> str:
    return ALL_YEARS if pd.isna(year) else str(int(year))


def _lines(rows: pd.DataFrame, result: xr.Dataset) -> list[Line]:
    dims = [name for name in rows.columns if name not in {*NUMBERS, COHORT, YEAR}]
    lines: list[Line] = []
    for _, of_variable in rows.groupby("variable", sort=False):
        first = of_variable.iloc[0]
        units = str(first["units"])
        heading = printable(str(first["long_name"]))
        if unit := _unit(units):
            heading += f" ({unit})"
        own = [dim for dim in dims if of_variable[dim].notna().any()]
        many = [dim for dim in own if of_variable[dim].nunique() > 1]
        if not many:
            lines.append(Line(heading, _cells(of_variable), units))
            continue
        lines.append(Line(heading, {}, units))
        for key, of_line in of_variable.groupby(many, sort=False):
            words = ", ".join(_words(d, v, result) for d, v in zip(many, key, strict=True))
            lines.append(Line(f"  {words}", _cells(of_line), units))
    return lines


def _cells(rows: pd.DataFrame) -> dict[str, tuple[Any, float | None]]:
    years = rows[YEAR] if YEAR in rows else [None] * len(rows)
    numbers = zip(rows["value"], rows["mcse"], strict=True)
    return {_column(year): number for year, number in zip(years, numbers, strict=True)}


def _words(dim: str, value: Any, result: xr.Dataset) -> str:
    """A value along a dim: in the study's words for it, or with the name of the dim."""
    for ending in _TITLES:
        if f"{dim}{ending}" in result.coords:
            return printable(str(result[f"{dim}{ending}"].sel({dim: value}).item()))
    if isinstance(value, str):
        return printable(value)
    return f"{dim.replace('_', ' ')} {value:g}"


def _unit(units: str) -> str:
    return "%" if units in _FRACTIONS else "" if units == "1" else units


def _table(lines: list[Line], columns: list[str], console: Console, layout: Layout) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    written = [
        [
            writable(_cell(*line.cells[name], line.units, layout.before_error), console)
            if name in line.cells
            else ""
            for name in columns
        ]
        for line in lines
    ]
    across = zip(columns, *written, strict=True)
    widths = [max(map(len, "\n".join(column).split("\n"))) for column in across]
    room = console.width - sum(widths) - BETWEEN * len(widths)
    only = columns == [ALL_YEARS]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=not only)
    table.add_column("performance year", overflow="fold", max_width=max(room, NARROWEST))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for line, cells in zip(lines, written, strict=True):
        table.add_row(Text(line.label, style="" if line.cells else "italic"), *map(Text, cells))
    return table


def _cell(value: Any, error: float | None, units: str, between: str) -> str:
    """A number with its error; without one where it is exact, or has none."""
    if isinstance(value, str):
        return printable(value)
    factor = 100.0 if units in _FRACTIONS else 1.0
    if abs(value) < ROUNDING * (USD_PER_MILLION if units == "USD" else 1.0) and not error:
        return "0"  # what is left of an exact zero
    if error is None:
        return rounded(factor * value, 0.0)[0]
    if units in _FRACTIONS and (bound := bound_of(value, error)):
        return bound
    exact, none = rounded(factor * value, factor * error)
    return exact if none == "0" else value_and_error(factor * value, factor * error, between)
