"""The answer of a run in plain words: one table per cohort, and three sentences.

Every number carries its Monte Carlo standard error and is rounded to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asm_sim.errors import printable
from asm_sim.results.describe import (
    cohort_title,
    leading_assumptions,
    one_scenario,
    provenance,
    scenario_in_words,
    title_line,
    with_settings_in_words,
)
from asm_sim.results.sentences import sentences
from asm_sim.results.statistics import (
    Estimate,
    bound_of,
    estimate,
)
from asm_sim.results.terminal import say, say_fitting, value_and_error, writable

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console
    from rich.table import Table

COLUMNS = [
    "scenario", "cohort", "performance_year", "payment_year", "statistic", "value", "mcse", "unit"
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

    def of(self, ds: xr.Dataset) -> Estimate:
        """Mean over draws and error, dims cohort and performance_year, in the variable's units."""
        if self.quantile is None:
            return estimate(ds, self.variable)
        mean, error = (
            part.sel(quantile=self.quantile, method="nearest", tolerance=1e-9)
            for part in estimate(ds, self.variable)
        )
        return Estimate(mean, error)


SCORE, ADJUSTMENT, MONEY = "Final score", "Adjustment", "Money"
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


def summary_table(ds: xr.Dataset) -> pd.DataFrame:
    """One row per cohort, performance year and statistic of a run.

    Columns ``scenario`` (its name, and what was set beside its file), ``cohort``,
    ``performance_year``, ``payment_year``, ``statistic`` (a name of
    :data:`STATISTICS`), ``value`` and ``mcse`` (float64: mean over draws and its Monte Carlo
    standard error, nan with one draw) and ``unit`` (points, fraction or USD, of both).
    """
    ds = one_scenario(ds)
    scenario = scenario_in_words(ds)
    estimates = {statistic.name: statistic.of(ds) for statistic in STATISTICS}
    rows = [
        (
            scenario,
            str(cohort),
            int(year),
            int(ds["payment_year"].sel(performance_year=year)),
            statistic.name,
            float(estimates[statistic.name].mean.sel(cohort=cohort, performance_year=year)),
            float(estimates[statistic.name].mcse.sel(cohort=cohort, performance_year=year)),
            ds[statistic.variable].attrs["units"],
        )
        for cohort in ds["cohort"].values
        for year in ds["performance_year"].values
        for statistic in STATISTICS
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def summary_json(ds: xr.Dataset) -> dict[str, Any]:
    """The summary for a program: ``run`` (what it was), ``statistics`` (the rows of
    :func:`summary_table`, at full precision, null for what is not known), ``sentences`` and
    ``assumptions``. Holds nothing that JSON cannot write.
    """
    ds = one_scenario(ds)
    rows = summary_table(ds).to_dict(orient="records")
    return {
        "run": provenance(ds),
        "statistics": [
            {str(name): json_value(value) for name, value in row.items()} for row in rows
        ],
        "sentences": sentences(ds),
        "assumptions": [
            {"path": part.path, "value": part.value or None, "status": part.status or None}
            for part in leading_assumptions(ds)
        ],
    }


def json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_summary(ds: xr.Dataset, console: Console) -> None:
    """Print a table per cohort and the sentences.

    Readable from 80 columns, where each error stands below its value; beside it where the terminal
    is wide enough. Where the console cannot write the sign of plus and minus it is ``+/-``.
    """
    from rich.text import Text

    ds = one_scenario(ds)
    rows = summary_table(ds)
    say(console, Text(title_line(ds), style="bold"))
    for cohort in dict.fromkeys(rows["cohort"]):
        of_cohort = rows[rows["cohort"] == cohort]
        heading = f"\n{cohort_title(ds, cohort)} ({printable(cohort)})"
        say(console, Text(f"{heading}{with_settings_in_words(ds.attrs)}", style="bold"))
        say_fitting(console, partial(_table, of_cohort, console))
        for note in (MONEY_NOTE, *_bounds(of_cohort), *_without_break_even(ds, cohort)):
            say(console, Text(note, style="dim"))
    say(console, Text())
    for sentence in sentences(ds):
        say(console, Text(writable(sentence, console) + "\n"))


def _bounds(rows: pd.DataFrame) -> list[str]:
    """A note where a share is told by a bound."""
    shares = rows[rows["unit"] == "fraction"]
    if not any(map(bound_of, shares["value"], shares["mcse"])):
        return []
    return ["< and >: of nobody, or of all, in every draw; the bound holds with 95 % confidence."]


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


def _table(rows: pd.DataFrame, console: Console, between: str) -> Table:
    """One cohort: statistics down, performance years across; ``between`` value and error."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    years = rows[["performance_year", "payment_year"]].drop_duplicates()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("performance year\npaid in", no_wrap=True)
    for year, payment_year in years.itertuples(index=False):
        table.add_column(f"{year}\n{payment_year}", justify="right", no_wrap=True)
    section = ""
    for statistic in STATISTICS:
        of_statistic = rows[rows["statistic"] == statistic.name]
        _, unit = PRINTED[of_statistic["unit"].iloc[0]]
        if statistic.section != section:
            section = statistic.section
            table.add_row(Text(f"{section} ({unit})", style="italic"))
        cells = [
            writable(_cell(value, error, of_statistic["unit"].iloc[0], between), console)
            for value, error in zip(of_statistic["value"], of_statistic["mcse"], strict=True)
        ]
        table.add_row(f"  {statistic.label}", *cells)
    return table


def _cell(value: float, error: float, unit: str, between: str) -> str:
    factor, _ = PRINTED[unit]
    bound = bound_of(value, error) if unit == "fraction" else ""
    return bound or value_and_error(factor * value, factor * error, between)
