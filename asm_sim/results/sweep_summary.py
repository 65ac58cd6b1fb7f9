"""The answer of a sweep: a line per scenario, and how each differs from the reference."""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from asm_sim.errors import counted, printable
from asm_sim.results.describe import cohort_title, title_line, with_settings_in_words
from asm_sim.results.ranges import OUTSIDE_NOTE, PERCENT_OF_RANGE, Numbers, answer, open_part
from asm_sim.results.scenarios import COMPARE_TO, axes, partly_set, scenario_names
from asm_sim.results.statistics import (
    PLUS_MINUS,
    USD_PER_MILLION,
    bound_of,
)
from asm_sim.results.terminal import (
    BESIDE,
    ON_THREE_LINES,
    Layout,
    cell,
    say,
    say_fitting,
    writable,
)

LONGEST_TITLE = 16  # characters of a column's title on one line
NUMBERS_WIDE = 55  # columns that the numbers take where their errors stand below them
SHOWN = 20
MOST_AXES = 3  # with more, a scenario is named, not spelled out

_PERCENT, _MILLION = 100.0, 1 / USD_PER_MILLION


class Outcome(NamedTuple):
    """A number per draw and cohort: a variable averaged, or added, over the performance years."""

    name: str
    variable: str
    added: bool
    units: str
    factor: float  # from units to what the title says
    title: str


OUTCOMES = (
    Outcome("share_negative", "share_negative", False, "fraction", _PERCENT, "with a\npenalty, %"),
    Outcome(
        "adjustment_sd", "adjustment_sd", False, "fraction", _PERCENT, "SD of ad-\njustments, %"
    ),
    Outcome(
        "misclassified_share",
        "misclassified_share",
        False,
        "fraction",
        _PERCENT,
        "wrong sign\nby chance, %",
    ),
    Outcome(
        "retained_by_medicare_all_years",
        "retained_by_medicare_payment_year",
        True,
        "USD",
        _MILLION,
        "kept by\nMedicare,\nmillion USD",
    ),
)


def sweep_table(ds: xr.Dataset) -> pd.DataFrame:
    """Every outcome of every scenario and cohort, with its Monte Carlo standard error and range.

    Columns: scenario, cohort, outcome, units, mean, mcse and, where there are open draws,
    range_low and range_high with errors (``*_mcse``); where the sweep names a scenario to compare
    with, the same of difference (paired within draw). Outcomes are means over the performance
    years, money is added up. One scenario is read at a time.
    """
    reference = reference_of(ds)
    base = None if reference is None else _outcomes(ds.sel(scenario=reference))
    rows: list[dict[str, Any]] = []
    for scenario in ds["scenario"].values:
        own = base if scenario == reference else None
        own = own or _outcomes(ds.sel(scenario=scenario))
        for outcome in OUTCOMES:
            draws = [part[outcome.name] for part in own]
            found = {"": answer(*_with_open(draws))}
            if base is not None:
                pairs = zip(draws, base, strict=True)
                apart = [(one - other[outcome.name]).rename(None) for one, other in pairs]
                found["difference_"] = answer(*_with_open(apart))
            for cohort in ds["cohort"].values:
                row: dict[str, Any] = {
                    "scenario": str(scenario),
                    "cohort": str(cohort),
                    "outcome": outcome.name,
                    "units": outcome.units,
                }
                for what, numbers in found.items():
                    row |= _columns(what, numbers.at(cohort=cohort), len(own) > 1)
                rows.append(row)
    return pd.DataFrame(rows)


def _with_open(draws: list[xr.DataArray]) -> tuple[xr.DataArray, xr.DataArray | None]:
    return draws[0], draws[1] if len(draws) > 1 else None


def _columns(what: str, numbers: Numbers, ranged: bool) -> dict[str, float]:
    """A number under the names of the columns that it has."""
    names = [what.rstrip("_") or "mean", *(what + name for name in Numbers._fields[1:])]
    return dict(zip(names, numbers if ranged else numbers[:2], strict=False))


def _outcomes(ds: xr.Dataset) -> list[dict[str, xr.DataArray]]:
    """Each outcome by draw and cohort; where there are open draws by these, too."""
    parts = [ds, open_part(ds)]
    return [{of.name: _by_draw(of, part) for of in OUTCOMES} for part in parts if part is not None]


def _by_draw(outcome: Outcome, ds: xr.Dataset) -> xr.DataArray:
    values = ds[outcome.variable].load()
    over = values.sum if outcome.added else values.mean
    return over("performance_year", skipna=True).rename(outcome.variable)


def print_sweep(
    table: pd.DataFrame, ds: xr.Dataset, console: Console, errors: bool = False
) -> None:
    """A table per cohort: the reference's values, and the others' differences from them.

    With ranges where there are open draws, unless ``errors`` asks for Monte Carlo errors.
    """
    ranged = "range_low" in table and not errors
    reference = reference_of(ds)
    names = scenario_names(ds)
    titles, labels = labels_of(ds, names)
    say(console, Text(title_line(ds), style="bold"))
    if reference in names:
        names.remove(reference)
        names.insert(0, reference)
    for cohort in ds["cohort"].values:
        here = table[table["cohort"] == cohort].set_index(["scenario", "outcome"])

        def grid(layout: Layout, here: pd.DataFrame = here) -> Table:
            """All scenarios of the cohort."""
            is_last = layout is ON_THREE_LINES and len(titles) == 1  # names run on below
            room = max(LONGEST_TITLE, console.width - NUMBERS_WIDE) if is_last else None
            lines = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            for title in titles:
                lines.add_column(Text(_broken(printable(title))), overflow="fold", max_width=room)
            for outcome in OUTCOMES:
                lines.add_column(outcome.title, justify="right", no_wrap=True)
            for name in names[:SHOWN]:
                column = "mean" if reference is None or name == reference else "difference"
                cells = [
                    cell_of(here.loc[(name, outcome.name)], outcome, column, ranged, layout)
                    for outcome in OUTCOMES
                ]
                lines.add_row(
                    *(Text(printable(label)) for label in labels[name]),
                    *(writable(one, console) for one in cells),
                    style="bold" if name == reference else "",
                )
            return lines

        heading = f"\n{cohort_title(ds, cohort)} ({printable(str(cohort))})"
        say(console, Text(f"{heading}{with_settings_in_words(ds.attrs)}", style="bold"))
        say_fitting(console, grid)
        if len(names) > SHOWN:
            say(console, Text(f"... and {len(names) - SHOWN:,} more scenarios"))
    years = [int(ds["payment_year"].values[i]) for i in (0, -1)]
    said = (
        ""
        if reference is None
        else f"The first line is the reference ({printable(reference)}); the others are "
        "differences from it, paired within draws. "
    )
    text = (
        f"\n{said}Means over the performance years; money is added up over payment years "
        f"{years[0]}-{years[1]}. "
    )
    text += (
        f"The range beside a number holds the middle {PERCENT_OF_RANGE} % of the open draws of "
        "each scenario, in which everything is drawn that nobody knows."
        if ranged
        else f"{PLUS_MINUS} is the Monte Carlo standard error "
        f"({counted(ds.sizes['draw'], 'draw')} of each scenario)."
    )
    say(console, Text(writable(text, console)))
    shown = table[table["scenario"].isin(names[:SHOWN])]
    if ranged and any(
        _numbers(row, column).is_outside
        for _, row in shown.iterrows()
        for column in ("mean", "difference")
    ):
        say(console, Text(OUTSIDE_NOTE))


def _broken(title: str) -> str:
    """The name of a parameter on two lines where it is long."""
    middle = title.rfind("_", 0, LONGEST_TITLE) + 1
    broken = f"{title[:middle]}\n{title[middle:]}"
    return broken if len(title) > LONGEST_TITLE and middle else title


def _numbers(row: Any, column: str) -> Numbers:
    """The mean of a row, or its difference from the reference; nan where it has none."""
    what = "" if column == "mean" else "difference_"
    fields = [column, *(what + name for name in Numbers._fields[1:])]
    return Numbers(*(float(row.get(name, math.nan)) for name in fields))


def labels_of(ds: xr.Dataset, names: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Titles of the columns that say which scenario a line is, and what they say of each.

    Scenarios that were given names are called by them; those of a grid or a design, whose names
    are made of their values, by the values.
    """
    known = axes(ds)
    short = [axis.rpartition(".")[2] for axis in known]
    given = json.loads(ds.attrs.get("scenario_yaml", "{}")).get("sweep", {})
    spelled_out = 0 < len(known) <= MOST_AXES and len(set(short)) == len(short)
    if {"list", "scenarios"} & set(given) or not spelled_out or partly_set(ds):
        return ["scenario"], {name: [name] for name in names}
    rows = zip(*(ds[axis].values.tolist() for axis in known), strict=True)
    return short, {
        name: [f"{value:g}" if isinstance(value, float) else str(value) for value in row]
        for name, row in zip(names, rows, strict=True)
    }


def reference_of(ds: xr.Dataset) -> str | None:
    """The scenario that the others are compared with; None where there is none among these."""
    name = ds.attrs.get(COMPARE_TO)
    return name if name in scenario_names(ds) else None


def cell_of(row: Any, outcome: Outcome, column: str, ranged: bool, layout: Layout) -> str:
    numbers = _numbers(row, column)
    if column == "mean" and outcome.units == "fraction" and not (ranged and numbers.has_width):
        bound = bound_of(numbers.value, numbers.mcse)
        if bound:
            return bound
    written = cell(numbers.times(outcome.factor), layout, not ranged)
    above = column == "difference" and numbers.value > 0
    digits = written.partition(layout.before_error)[0]
    return f"+{written}" if above and digits.strip("0.,") else written


def sweep_sentences(ds: xr.Dataset, table: pd.DataFrame) -> list[str]:
    """The answer of a sweep in words: how many scenarios, how far penalties and savings go in them.

    ``table`` is the :func:`sweep_table` of the same results. Numbers have their ranges or, without
    open draws, their Monte Carlo errors.
    """
    names, reference = scenario_names(ds), reference_of(ds)
    against = "" if reference is None else f", set against {reference}"
    said = [f"{counted(len(names), 'scenario')}{against}."]
    ranged = "range_low" in table
    for outcome in (OUTCOMES[0], OUTCOMES[-1]):
        here = table[table["outcome"] == outcome.name]
        what = on_one_line(outcome.title).rpartition(", ")[0]
        unit = "%" if outcome.units == "fraction" else "million USD"
        parts = []
        for cohort in ds["cohort"].values:
            rows = here[(here["cohort"] == cohort) & here["mean"].notna()]
            if not len(rows):
                continue
            ends = [rows.loc[rows["mean"].idxmin()], rows.loc[rows["mean"].idxmax()]]
            low, high = (cell_of(row, outcome, "mean", ranged, BESIDE) for row in ends)
            parts.append(
                f"{cohort}: {low} {unit} in every scenario"
                if ends[0]["mean"] == ends[1]["mean"]
                else f"{cohort}: from {low} {unit} ({ends[0]['scenario']}) to {high} {unit} "
                f"({ends[1]['scenario']})"
            )
        if parts:
            said.append(f"{what}, {'; '.join(parts)}.")
    return said


def on_one_line(title: str) -> str:
    """What an outcome is called where it begins a line."""
    return f"{title[0].upper()}{title[1:]}".replace("\n", " ")
