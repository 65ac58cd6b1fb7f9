"""The answer of a run in plain words: some sentences and a short table, or all that is known.

Every number carries its Monte Carlo standard error and, where there are open draws, its range.
Printed is the range, unless errors are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asm_sim.errors import printable
from asm_sim.results.describe import (
    cohort_title,
    one_scenario,
    provenance,
    scenario_in_words,
    title_line,
    with_settings_in_words,
)
from asm_sim.results.effects import Effect, in_points
from asm_sim.results.in_words import (
    about_sentences,
    answer_sentences,
    effects_json,
    effects_lines,
    held,
    held_lines,
    named_effects,
    sentences,
)
from asm_sim.results.ranges import OUTSIDE_NOTE, Answer, Numbers, answer_of
from asm_sim.results.statistics import WithError, bound_of
from asm_sim.results.terminal import Layout, cell, say, say_fitting, writable

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console
    from rich.table import Table

COLUMNS = [
    "scenario", "cohort", "performance_year", "payment_year", "statistic", *Numbers._fields, "unit"
]  # fmt: skip
# How a unit of the results is printed: the factor, and the unit in words.
PRINTED = {
    "points": (1.0, "points"),
    "fraction": (100.0, "%"),
    "USD": (1e-6, "million USD"),
}


@dataclass(frozen=True)
class Statistic:
    """A row of the summary: its section and label, and the variable that it comes from."""

    name: str
    section: str
    label: str
    variable: str
    quantile: float | None = None

    def of(self, ds: xr.Dataset) -> Answer:
        """The answer, dims cohort and performance_year, in the variable's units."""
        return answer_of(ds, self.by_draw)

    def by_draw(self, ds: xr.Dataset) -> xr.DataArray:
        """The statistic of each draw."""
        values = ds[self.variable]
        if self.quantile is None:
            return values
        return values.sel(quantile=self.quantile, method="nearest", tolerance=1e-9)


SCORE, ADJUSTMENT, MONEY = "Final score", "Adjustment", "Money"
# The statistics of the short table, and what they are called where no section says their unit.
SHORT = {
    "share_negative": "with a penalty, %",
    "adjustment_mean": "mean adjustment, %",
    "retained_by_medicare": "kept, million USD",
}
MORE = "--full prints every statistic by cohort, what is held and what is settled."
MONEY_NOTE = "Adjustments are of Part B payments; money is on Part B of the performance year."
STATISTICS = (
    Statistic("final_score_mean", SCORE, "mean", "final_score_mean"),
    Statistic("final_score_sd", SCORE, "SD", "final_score_sd"),
    Statistic("final_score_median", SCORE, "median", "final_score_median"),
    Statistic("break_even_score", SCORE, "break-even", "break_even_score"),
    Statistic("adjustment_mean", ADJUSTMENT, "mean", "adjustment_mean"),
    Statistic("share_negative", ADJUSTMENT, "share with a penalty", "share_negative"),
    Statistic("share_maximum_penalty", ADJUSTMENT, "at maximum penalty", "share_maximum_penalty"),
    Statistic("adjustment_p05", ADJUSTMENT, "5th percentile", "adjustment_quantile", 0.05),
    Statistic("adjustment_p50", ADJUSTMENT, "median", "adjustment_quantile", 0.5),
    Statistic("adjustment_p95", ADJUSTMENT, "95th percentile", "adjustment_quantile", 0.95),
    Statistic("incentive_pool", MONEY, "incentive pool", "incentive_pool"),
    Statistic("bonuses", MONEY, "bonuses", "bonuses"),
    Statistic("penalties", MONEY, "penalties", "penalties"),
    Statistic("retained_by_medicare", MONEY, "kept by Medicare", "retained_by_medicare"),
)
LABELS = {statistic.name: statistic.label for statistic in STATISTICS}


def summary_table(ds: xr.Dataset) -> pd.DataFrame:
    """One row per cohort, performance year and statistic of a run.

    Columns ``scenario`` (its name, and what was set beside its file), ``cohort``,
    ``performance_year``, ``payment_year``, ``statistic`` (a name of :data:`STATISTICS`), ``value``
    and ``mcse`` (float64: mean over draws and its Monte Carlo standard error, nan with one draw),
    ``range_low`` and ``range_high`` (between what the middle 90 % of open draws lie, nan without
    them) with errors ``range_low_mcse`` and ``range_high_mcse``, and ``unit`` (points, fraction or
    USD, of all of these).
    """
    ds = one_scenario(ds)
    scenario = scenario_in_words(ds)
    answers = {statistic: statistic.of(ds) for statistic in STATISTICS}
    units = {statistic: ds[statistic.variable].attrs["units"] for statistic in STATISTICS}
    years = [int(year) for year in ds["performance_year"].values]
    paid_in = dict(zip(years, ds["payment_year"].values.tolist(), strict=True))
    rows = [
        (
            scenario,
            str(cohort),
            year,
            paid_in[year],
            statistic.name,
            *answer.at(cohort=cohort, performance_year=year),
            units[statistic],
        )
        for cohort in ds["cohort"].values
        for year in years
        for statistic, answer in answers.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def summary_json(ds: xr.Dataset) -> dict[str, Any]:
    """The summary for a program: ``run`` (what it was), ``statistics`` (the rows of
    :func:`summary_table`, at full precision, null for what is not known), ``sentences``,
    ``held`` (what is open and held in all open draws, and why) and ``effects`` (of which scenario
    they are, and those that are named). Holds nothing that JSON cannot write.
    """
    ds = one_scenario(ds)
    rows = summary_table(ds).to_dict(orient="records")
    return {
        "run": provenance(ds),
        "statistics": [
            {str(name): json_value(value) for name, value in row.items()} for row in rows
        ],
        "sentences": sentences(ds),
        "held": held(ds),
        "effects": effects_json(ds),
    }


def effects_table(ds: xr.Dataset) -> pd.DataFrame:
    """What nobody knows and moves the share of penalties most: a row for each end of each.

    The effects of the scenario of a run, else of the shipped baseline. Columns ``cohort``,
    ``parameter``, ``central value``, ``at`` and ``percentage points`` (of the share).
    """
    return pd.DataFrame(
        [(row.cohort, row.path, row.central, row.value, _points(row)) for row in named_effects(ds)],
        columns=["cohort", "parameter", "central value", "at", "percentage points"],
    )


def _points(row: Effect) -> WithError:
    return WithError(100.0 * row.change, 100.0 * row.mcse, in_points(row))


def json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_summary(
    ds: xr.Dataset,
    console: Console,
    errors: bool = False,
    full: bool = False,
    table: pd.DataFrame | None = None,
) -> None:
    """Print the answer in sentences and a short table, then what is behind it.

    ``full`` prints every statistic, a table per cohort, what is held and what is settled. Numbers
    have their ranges or, where ``errors`` asks, errors. Readable from 80 columns, where each range
    or error stands below its value; beside it where the terminal is wide enough. Where the console
    cannot write the sign of plus and minus it is ``+/-``. ``table`` is :func:`summary_table` of the
    run where that is there already.
    """
    from rich.text import Text

    ds = one_scenario(ds)
    rows = list((summary_table(ds) if table is None else table).itertuples(index=False))
    say(console, Text(title_line(ds), style="bold"))
    _say_lines(console, answer_sentences(ds, errors))
    by_cohort = {cohort: [row for row in rows if row.cohort == cohort] for cohort in _cohorts(ds)}
    if full:
        for cohort, of_cohort in by_cohort.items():
            heading = f"\n{_heading(ds, cohort)}{with_settings_in_words(ds.attrs)}"
            say(console, Text(heading, style="bold"))
            sections = _sections(of_cohort)
            say_fitting(console, partial(_table, sections, LABELS, console, errors))
            for note in notes(ds, cohort, of_cohort, errors):
                say(console, Text(note, style="dim"))
    else:
        sections = {_heading(ds, cohort): _short(part) for cohort, part in by_cohort.items()}
        say(console, Text())
        say_fitting(console, partial(_table, sections, SHORT, console, errors))
        for note in _below([row for part in sections.values() for row in part], errors):
            say(console, Text(note, style="dim"))
    *kind, settled, origin = about_sentences(ds, errors)
    fixed = [] if errors else held_lines(ds)
    if full:
        behind = [kind, fixed, effects_lines(ds), [settled, origin]]
    else:
        behind = [kind, effects_lines(ds), [MORE]]
    for lines in filter(None, behind):
        _say_lines(console, lines)
    say(console, Text())


def _say_lines(console: Console, lines: Iterable[str]) -> None:
    from rich.text import Text

    say(console, Text())
    for line in lines:
        say(console, Text(writable(line, console)))


def _cohorts(ds: xr.Dataset) -> list[str]:
    return [str(cohort) for cohort in ds["cohort"].values]


def _heading(ds: xr.Dataset, cohort: str) -> str:
    return f"{cohort_title(ds, cohort)} ({printable(cohort)})"


def _short(rows: list[Any]) -> list[Any]:
    return [row for name in SHORT for row in rows if row.statistic == name]


def _sections(rows: list[Any]) -> dict[str, list[Any]]:
    """The rows of a cohort by section, which says their unit."""
    found: dict[str, list[Any]] = {}
    for statistic in STATISTICS:
        part = [row for row in rows if row.statistic == statistic.name]
        heading = f"{statistic.section} ({PRINTED[part[0].unit][1]})"
        found.setdefault(heading, []).extend(part)
    return found


def notes(ds: xr.Dataset, cohort: str, rows: list[Any], errors: bool = False) -> Iterator[str]:
    """What stands below the table of a cohort: of what money is, what its signs mean if any."""
    yield from _below(rows, errors)
    yield from _without_break_even(ds, cohort)


def _below(rows: list[Any], errors: bool) -> Iterator[str]:
    yield MONEY_NOTE
    cells = [(_numbers(row), row.unit) for row in rows]
    if any(_bound(numbers, unit, errors) for numbers, unit in cells):
        yield "< and >: of nobody, or of all, in every draw; the bound holds with 95 % confidence."
    if not errors and any(numbers.is_outside for numbers, _ in cells):
        yield OUTSIDE_NOTE


def _numbers(row: Any) -> Numbers:
    return Numbers(*(float(getattr(row, name)) for name in Numbers._fields))


def _without_break_even(ds: xr.Dataset, cohort: str) -> list[str]:
    """A note where some draws have no break-even score, so that the mean is over the others."""
    values = ds["break_even_score"].sel(cohort=cohort)
    missing = int((~np.isfinite(values)).sum())
    if not missing:
        return []
    return [
        f"In {missing:,} of {values.size:,} draws and years no score breaks even; "
        "the mean is over the others."
    ]


def _table(
    sections: Mapping[str, list[Any]],
    labels: Mapping[str, str],
    console: Console,
    errors: bool,
    layout: Layout,
) -> Table:
    """Statistics down, performance years across; ``sections`` of rows of :func:`summary_table`."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    every = [row for rows in sections.values() for row in rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("performance year\npaid in", no_wrap=True)
    for year, paid in dict.fromkeys((row.performance_year, row.payment_year) for row in every):
        table.add_column(f"{year}\n{paid}", justify="right", no_wrap=True)
    for heading, rows in sections.items():
        table.add_row(Text(heading, style="italic"))
        for name in dict.fromkeys(row.statistic for row in rows):
            of_name = [row for row in rows if row.statistic == name]
            cells = [writable(cell_of(row, layout, errors), console) for row in of_name]
            table.add_row(f"  {labels[name]}", *cells)
    return table


def cell_of(row: Any, layout: Layout, errors: bool = False) -> str:
    """A row of :func:`summary_table` as a cell, in the unit in which it is printed."""
    numbers, unit = _numbers(row), row.unit
    factor, _ = PRINTED[unit]
    return _bound(numbers, unit, errors) or cell(numbers.times(factor), layout, errors)


def _bound(numbers: Numbers, unit: str, errors: bool) -> str:
    """The bound of a share that no draw shows, and no open draw where ranges are shown."""
    ranged = not errors and numbers.has_width
    return bound_of(numbers.value, numbers.mcse) if unit == "fraction" and not ranged else ""
