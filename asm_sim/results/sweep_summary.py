"""The answer of a sweep: a line per scenario, and how each differs from the reference."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from asm_sim.errors import counted, printable
from asm_sim.results.describe import cohort_title, title_line, with_settings_in_words
from asm_sim.results.scenarios import COMPARE_TO, axes, partly_set, scenario_names
from asm_sim.results.statistics import (
    PLUS_MINUS,
    USD_PER_MILLION,
    bound_of,
    estimate_of,
    mcse,
    mean_over_draws,
    rounded,
)
from asm_sim.results.terminal import say, say_whole, writable

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
    Outcome("adjustment_sd", "adjustment_sd", False, "fraction", _PERCENT, "SD of\nadjustments, %"),
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
        "kept by Medicare,\nmillion USD",
    ),
)


def sweep_table(ds: xr.Dataset) -> pd.DataFrame:
    """Every outcome of every scenario and cohort, with its Monte Carlo standard error.

    Columns: scenario, cohort, outcome, units, mean, mcse, and, where the sweep names a scenario to
    compare with, difference (paired within draw) and difference_mcse. Outcomes are means over the
    performance years, money is added up. One scenario is read at a time.
    """
    reference = _reference(ds)
    base = None if reference is None else _outcomes(ds.sel(scenario=reference))
    rows: list[dict[str, Any]] = []
    for scenario in ds["scenario"].values:
        values = base if base is not None and scenario == reference else None
        values = values or _outcomes(ds.sel(scenario=scenario))
        for outcome in OUTCOMES:
            value = values[outcome.name]
            mean, error = estimate_of(value.rename(outcome.variable))
            apart = None if base is None else value - base[outcome.name]
            for cohort in ds["cohort"].values:
                row = {
                    "scenario": str(scenario),
                    "cohort": str(cohort),
                    "outcome": outcome.name,
                    "units": outcome.units,
                    "mean": float(mean.sel(cohort=cohort)),
                    "mcse": float(error.sel(cohort=cohort)),
                }
                if apart is not None:
                    row["difference"] = float(mean_over_draws(apart).sel(cohort=cohort))
                    row["difference_mcse"] = float(mcse(apart).sel(cohort=cohort))
                rows.append(row)
    return pd.DataFrame(rows)


def _outcomes(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """Each outcome by draw and cohort."""
    found = {}
    for outcome in OUTCOMES:
        values = ds[outcome.variable].load()
        over = values.sum if outcome.added else values.mean
        found[outcome.name] = over("performance_year", skipna=True)
    return found


def print_sweep(table: pd.DataFrame, ds: xr.Dataset, console: Console) -> None:
    """A table per cohort: the reference's values, and the others' differences from them."""
    reference = _reference(ds)
    names = scenario_names(ds)
    titles, labels = _labels(ds, names)
    say(console, Text(title_line(ds), style="bold"))
    if reference in names:
        names.remove(reference)
        names.insert(0, reference)
    for cohort in ds["cohort"].values:
        here = table[table["cohort"] == cohort].set_index(["scenario", "outcome"])
        grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for title in titles:
            grid.add_column(Text(printable(title)), overflow="fold")
        for outcome in OUTCOMES:
            grid.add_column(outcome.title, justify="right", no_wrap=True)
        for name in names[:SHOWN]:
            column = "mean" if reference is None or name == reference else "difference"
            cells = [
                writable(_cell(here.loc[(name, outcome.name)], outcome, column), console)
                for outcome in OUTCOMES
            ]
            grid.add_row(
                *(Text(printable(label)) for label in labels[name]),
                *cells,
                style="bold" if name == reference else "",
            )
        heading = f"\n{cohort_title(ds, cohort)} ({printable(str(cohort))})"
        say(console, Text(f"{heading}{with_settings_in_words(ds.attrs)}", style="bold"))
        say_whole(console, grid)
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
        f"{years[0]}-{years[1]}. {PLUS_MINUS} is the Monte Carlo standard error "
        f"({counted(ds.sizes['draw'], 'draw')} of each scenario)."
    )
    say(console, Text(writable(text, console)))


def _labels(ds: xr.Dataset, names: list[str]) -> tuple[list[str], dict[str, list[str]]]:
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


def _reference(ds: xr.Dataset) -> str | None:
    """The scenario that the others are compared with; None where there is none among these."""
    name = ds.attrs.get(COMPARE_TO)
    return name if name in scenario_names(ds) else None


def _cell(row: pd.Series[Any], outcome: Outcome, column: str) -> str:
    error = row["mcse" if column == "mean" else "difference_mcse"]
    if column == "mean" and outcome.units == "fraction" and (bound := bound_of(row[column], error)):
        return bound
    value, error = rounded(outcome.factor * row[column], outcome.factor * error)
    above = column == "difference" and row[column] > 0 and value.strip("0.,") != ""
    return f"{'+' if above else ''}{value} {PLUS_MINUS}{error}" if error else value
