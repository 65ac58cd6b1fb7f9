"""Which unknown matters, printed: the largest first, in words, with errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from asm_sim.errors import counted, printable
from asm_sim.results.describe import provenance, title_line
from asm_sim.results.effects import ERRORS
from asm_sim.results.statistics import (
    NOT_KNOWN,
    PLUS_MINUS,
    USD_PER_MILLION,
    round_to_error,
    rounded,
)
from asm_sim.results.summary import json_value
from asm_sim.results.terminal import say, writable

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

SHOWN = 8  # unknowns in a table
WIDTH, BETWEEN = 80, "   "  # characters of a table, and between its columns
COLUMNS = ["outcome", "units", "cohort", "statistic", "parameter", "set_to", "value", "mcse"]
HALF = 0.5  # of a percent: an error that is written
SHARES = {"first", "total", "share"}  # fractions, whatever the outcome's units
# What a method's answers are ordered by, and what a table shows of them.
LEADING = {"effects": "change", "morris": "size", "sobol": "total"}
LAYER_WORDS = {
    "readings": "how the rule is read",
    "parameters": "unknown numbers of the population",
    "population": "luck: who the clinicians are",
    "measurement": "luck: few episodes and cases",
}
FIXED = "fixed by the rule"
COLUMNS_OF = {
    "morris": {"size": "size", "mean": "mean", "spread": "spread"},
    "sobol": {"first": "goes if known", "total": "left by the others"},
}
_NOTES = {
    "effects": "One unknown moved at a time, all others at their central values, in paired draws.",
    "morris": "Changes over the whole width of an unknown, wherever the others are: root mean "
    "square (size), mean, and SD (spread: bends and interactions).",
    "sobol": "Shares of the variance over all that the unknowns may be: what would go if this one "
    "were known, and what would be left if all others were. Luck of draws is taken out.",
    "variance": "Shares of the variance over draws in which everything open is drawn; what layers "
    "do together goes to the later one. Luck stays whatever is known; better data, and the text of "
    "the rule, can reduce the rest; more draws reduce the errors alone.",
}


class Unit(NamedTuple):
    """How an outcome is printed: a factor, and the units of its values and of its changes."""

    factor: float
    value: str
    change: str


def unit_of(units: str) -> Unit:
    """The unit in which an outcome of these units is printed."""
    if units in {"fraction", "share"}:
        return Unit(100.0, "%", "percentage points")
    if units == "USD":
        return Unit(1.0 / USD_PER_MILLION, "million USD", "million USD")
    return Unit(1.0, units, units)


def leading(ds: xr.Dataset, outcome: str) -> list[str]:
    """The unknowns by what they do to an outcome in any cohort, the largest first.

    ``ds`` is what ``asm_sim.sensitivity`` returned, with its outcomes.
    """
    sizes = abs(ds[LEADING[ds.attrs["method"]]].sel(outcome=outcome)).max("cohort").values
    found: dict[str, float] = {}
    for path, size in zip(ds["parameter"].values, sizes, strict=True):
        found[str(path)] = max(found.get(str(path), 0.0), float(np.nan_to_num(size)))
    return sorted(found, key=lambda path: -found[path])


def sensitivity_table(ds: xr.Dataset) -> pd.DataFrame:
    """Every number of an answer: a row per outcome, cohort, statistic and unknown.

    Columns ``outcome``, ``units`` (of value and error), ``cohort``, ``statistic``, ``parameter``
    (of variance the layer) and ``set_to`` (both empty where a number is of no one), ``value`` and
    ``mcse``.
    """
    rows = []
    names = [str(name) for name in ds.data_vars if not str(name).endswith("_mcse")]
    for outcome in ds["outcome"].values:
        for cohort in ds["cohort"].values:
            here = ds.sel(outcome=outcome, cohort=cohort)
            for name in names:
                units = "fraction" if name in SHARES else str(here["units"].item())
                values, errors = (np.atleast_1d(here[n].values) for n in (name, f"{name}_mcse"))
                of_one = here[name].ndim > 0
                along = "layer" if "layer" in here.coords else "parameter"
                paths = here[along].values if of_one else [""]
                ends = here["value"].values if of_one and "value" in here.coords else [""]
                for k, (value, error) in enumerate(zip(values, errors, strict=True)):
                    what = (str(paths[k]), str(ends[k % len(ends)]), float(value), float(error))
                    rows.append((str(outcome), units, str(cohort), name, *what))
    return pd.DataFrame(rows, columns=COLUMNS)


def sensitivity_json(ds: xr.Dataset) -> dict[str, Any]:
    """The answer for a program: ``run``, and ``numbers``, the rows of :func:`sensitivity_table` at
    full precision, null for what is not known."""
    rows = sensitivity_table(ds).to_dict(orient="records")
    numbers = [{str(name): json_value(value) for name, value in row.items()} for row in rows]
    return {"run": provenance(ds), "numbers": numbers}


def print_sensitivity(ds: xr.Dataset, console: Console) -> None:
    """A table for each outcome, readable from 80 columns."""
    from rich.text import Text

    method = str(ds.attrs["method"])
    say(console, Text(title_line(ds), style="bold"))
    for outcome in ds["outcome"].values:
        here = ds.sel(outcome=outcome)
        unit, words = unit_of(str(here["units"].item())), str(here["words"].item())
        year = ds.attrs["performance_year"]
        say(console, Text(f"\n{printable(words)}, performance year {year}\n", style="bold"))
        if method == "variance":
            for line, style in _laid_out("shares of the variance (%)", *_layers(here, unit)):
                say(console, Text(writable(line, console), style=style))
            continue
        order = leading(ds, str(outcome))
        shown = _moving(here, order) if method == "effects" else list(order[:SHOWN])
        blocks = [_heading(here, path, unit) for path in shown]
        title = f"changes in {unit.change}"
        if method == "effects":
            columns = [printable(str(name)) for name in here["cohort"].values]
            blocks.insert(0, Block("", "", [_central(here, unit)]))
        else:
            columns = list(COLUMNS_OF[method].values())
            title = "shares of the variance (%)" if method == "sobol" else title
        for line, style in _laid_out(title, columns, blocks):
            say(console, Text(writable(line, console), style=style))
        if method == "sobol":
            say(console, Text(writable(f"\n{narrowing(here, order[0], unit)}", console)))
        if len(shown) < len(order):
            left = counted(len(order) - len(shown), "other unknown")
            say(console, Text(f"\nNot shown: {left} with less or nothing clear.", style="dim"))
    note = f"{_NOTES[method]} {PLUS_MINUS} is the standard error."
    say(console, Text(writable(f"\n{note}", console), style="dim"))


def narrowing(here: xr.Dataset, path: str, unit: Unit) -> str:
    """How far an outcome is spread by what the unknowns may be, and if one were known.

    Of a variance V the share S1 would go, so that the SD would be the root of (1 - S1) V.
    """
    told = []
    for one in _by_cohort(here):
        known = np.clip(float(one["first"].sel(parameter=path)), 0.0, 1.0)
        spread, error = (unit.factor * float(one[name]) for name in ("sd", "sd_mcse"))
        left = rounded(spread * (1.0 - known) ** 0.5, error)[0]
        cohort = printable(str(one["cohort"].item()))
        told.append(f"{round_to_error(spread, error)} ({cohort}), {left} if it were known")
    return f"Over all that these may be, the SD in {unit.change} is {'; '.join(told)}. It: {path}."


class Block(NamedTuple):
    """An unknown: what stands above its numbers, and rows of a label and cells."""

    title: str
    words: str
    rows: list[tuple[str, list[str]]]


def _laid_out(
    title: str, columns: Sequence[str], blocks: Sequence[Block]
) -> Iterator[tuple[str, str]]:
    """Lines and their styles: numbers in columns at the right, titles across."""
    rows = [row for block in blocks for row in block.rows]
    widths = [
        max(len(name), *(len(cells[k]) for _, cells in rows)) for k, name in enumerate(columns)
    ]
    room = WIDTH - sum(width + len(BETWEEN) for width in widths)
    longest = max(len(label) for label, _ in [(title, []), *rows])

    def line(label: str, cells: Sequence[str]) -> str:
        numbers = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
        return BETWEEN.join([label.ljust(max(room, longest)), *numbers])

    yield line(title, columns), ""
    for block in blocks:
        if block.title:
            yield f"\n{block.title}", ""
        if block.words:
            yield f"  {block.words}", "dim"
        yield from ((line(label, cells), "") for label, cells in block.rows)


def _heading(here: xr.Dataset, path: str, unit: Unit) -> Block:
    """An unknown: its path with its central value, what it is, and its numbers."""
    at = np.flatnonzero(here["parameter"].values == path)
    dim = here["parameter"].dims[0]
    first = here.isel({dim: at[0]})
    title = printable(f"{path} ({first['central_value'].item()} {first['unit'].item()})")
    words = printable(str(first["description"].item()), WIDTH - 2)
    if "change" in here:
        return Block(title, words, [_alternative(here.isel({dim: k}), unit) for k in at])
    return Block(title, words, [_cohort(one, unit) for _, one in first.groupby("cohort")])


def _layers(here: xr.Dataset, unit: Unit) -> tuple[list[str], list[Block]]:
    """The shares of the layers, cohorts across, and the SD that they are of."""
    rows = []
    for layer, words in LAYER_WORDS.items():
        cells = [_cell(one.sel(layer=layer), "share", 100.0) for one in _by_cohort(here)]
        rows.append((f"  {words}", [FIXED if cell == NOT_KNOWN else cell for cell in cells]))
    spread = [_cell(one, "sd", unit.factor) for one in _by_cohort(here)]
    rows.append((f"  SD over draws ({unit.change})", spread))
    return [printable(str(name)) for name in here["cohort"].values], [Block("", "", rows)]


def _central(here: xr.Dataset, unit: Unit) -> tuple[str, list[str]]:
    cells = [_cell(one, "central", unit.factor) for one in _by_cohort(here)]
    return f"  at the central values ({unit.value})", cells


def _alternative(here: xr.Dataset, unit: Unit) -> tuple[str, list[str]]:
    """One alternative: its changes by cohort."""
    cells = [_cell(one, "change", unit.factor, signed=True) for one in _by_cohort(here)]
    return printable(f"  at {here['value'].item()}"), cells


def _cohort(here: xr.Dataset, unit: Unit) -> tuple[str, list[str]]:
    """One cohort: the statistics of a method."""
    here = here.squeeze("cohort") if "cohort" in here.dims else here
    cells = [
        _cell(here, name, 100.0 if name in SHARES else unit.factor, signed=name == "mean")
        for name in COLUMNS_OF[str(here.attrs["method"])]
    ]
    return printable(f"  {here['cohort'].item()}"), cells


def _by_cohort(here: xr.Dataset) -> list[xr.Dataset]:
    return [here.sel(cohort=cohort) for cohort in here["cohort"].values]


def _moving(here: xr.Dataset, order: Sequence[str]) -> list[str]:
    """The unknowns that clearly move an outcome, as many as a table shows."""
    clear = (abs(here["change"]) > ERRORS * here["change_mcse"]).any("cohort").values
    paths = set(here["parameter"].values[clear].tolist())
    return [path for path in order if path in paths][:SHOWN]


def _cell(one: xr.Dataset, name: str, factor: float, signed: bool = False) -> str:
    """A value and its error; a share in whole percent, 0 where luck carries it below."""
    value, error = (factor * float(one[part]) for part in (name, f"{name}_mcse"))
    if name in SHARES and np.isfinite(value):
        return f"{max(value, 0.0):.0f}" + (f" {PLUS_MINUS}{error:.0f}" if error >= HALF else "")
    text, of_error = rounded(value, error)
    sign = "+" if signed and value > 0 and text.strip("0.,") else ""
    return f"{sign}{text} {PLUS_MINUS}{of_error}" if of_error not in {"", "0"} else sign + text
