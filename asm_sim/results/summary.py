"""The answer of a run in plain words: one table per cohort, and three sentences.

Every number carries its Monte Carlo standard error and is rounded to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asm_sim.errors import printable
from asm_sim.results.describe import (
    cohort_title,
    drawn_parameters,
    draws_in_words,
    layers_of,
    leading_assumptions,
    one_scenario,
    provenance,
    scenario_in_words,
    title_line,
    with_settings_in_words,
)
from asm_sim.results.statistics import (
    PLUS_MINUS,
    Estimate,
    bound_of,
    estimate,
    estimate_of,
    mean_over_draws,
    million_usd,
    percent,
    rounded,
)

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

COLUMNS = [
    "scenario", "cohort", "performance_year", "payment_year", "statistic", "value", "mcse", "unit"
]  # fmt: skip
# How a unit of the results is printed: the factor, and the unit in words.
PRINTED = {
    "points": (1.0, "points"),
    "fraction": (100.0, "%"),
    "USD": (1e-6, "million USD"),
}
# Where + and - do for a terminal that cannot write the sign.
ASCII_PLUS_MINUS = "+/-"


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
        table = _table(of_cohort, " ", console)
        if width_of(table, console) > console.width:
            table = _table(of_cohort, "\n", console)
        heading = f"\n{cohort_title(ds, cohort)} ({printable(cohort)})"
        say(console, Text(f"{heading}{with_settings_in_words(ds.attrs)}", style="bold"))
        given = console.width
        console.width = max(given, width_of(table, console))  # never cut a number off
        say(console, table)
        console.width = given
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


def say(console: Console, what: Text | Table) -> None:
    console.print(what, highlight=False, markup=False, emoji=False)


def writable(text: str, console: Console) -> str:
    can_write = console.encoding.lower().startswith("utf")
    return text if can_write else text.replace(PLUS_MINUS, ASCII_PLUS_MINUS)


def width_of(table: Table, console: Console) -> int:
    """Columns that the table takes where it has all the room it wants."""
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update(width=10_000), table).maximum


def _table(rows: pd.DataFrame, between: str, console: Console) -> Table:
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


def value_and_error(value: float, error: float, between: str) -> str:
    written, written_error = rounded(value, error)
    return f"{written}{between}{PLUS_MINUS}{written_error}" if written_error else written


def sentences(ds: xr.Dataset) -> list[str]:
    """Three sentences: what the numbers mean, how much is chance, what all of it rests on.

    Where the parameter layer is on, a fourth says so.
    """
    ds = one_scenario(ds)
    return [_meaning(ds), _chance(ds), _assumptions(ds), *_parameter_uncertainty(ds)]


def _meaning(ds: xr.Dataset) -> str:
    first = ds.isel(performance_year=0)
    negative, mean = _by_cohort(first["share_negative"]), _by_cohort(first["adjustment_mean"])
    money = ["retained_by_medicare", "amount_at_risk", "retained_by_medicare_payment_year"]
    over_all = ds[money].sum(["cohort", "performance_year"], skipna=False)
    retained = over_all["retained_by_medicare"]
    actual = over_all["retained_by_medicare_payment_year"]
    if mean_over_draws(retained) >= 0:
        more, less, medicare = "penalties", "bonuses", "keeps"
    else:
        more, less, medicare = "bonuses", "penalties", "adds"
        retained, actual = -retained, -actual
    share = _percent(retained / over_all["amount_at_risk"])
    settings = with_settings_in_words(ds.attrs).strip()
    return (
        f"{f'{settings[0].upper()}{settings[1:]}: in' if settings else 'In'} "
        f"performance year {int(first['performance_year'])}, {negative} of scored clinicians "
        f"get a penalty and the mean adjustment is {mean}; over payment "
        f"{_span(ds['payment_year'].values)} {more} exceed {less} by {_usd(retained)}, which "
        f"Medicare {medicare}: {share} of the amount at risk; on what is paid in those years, "
        f"after the trend of payments and exits, it is {_usd(actual)}."
    )


def _chance(ds: xr.Dataset) -> str:
    error = (
        f"{PLUS_MINUS} is the Monte Carlo standard error over {draws_in_words(ds)} and says "
        "nothing about the assumptions"
    )
    if layers_of(ds).get("measurement") == "off":
        return f"True rates and costs are shown, so that nothing of it is chance; {error}."
    first = ds.isel(performance_year=0)
    names = ("chance_variance_share", "misclassified_share")
    if any(name not in ds or not np.isfinite(first[name]).any() for name in names):
        return f"How much of the adjustment is chance was not computed in this run; {error}."
    share, misclassified = (_by_cohort(first[name]) for name in names)
    return (
        "Chance, that is few episodes and few cases rather than performance, makes up "
        f"{share} of the variance of the adjustment in performance year "
        f"{int(first['performance_year'])} and gives {misclassified} of clinicians the opposite "
        f"sign; {error}."
    )


def _assumptions(ds: xr.Dataset) -> str:
    first, *others = leading_assumptions(ds)
    unseen = ", which no source states" if first.status == "assumption" else ""
    return (
        f"All of this rests on assumptions: above all {first}{unseen}, then "
        f"{'; '.join(str(part) for part in others[:-1])}; and {others[-1]}."
    )


def _parameter_uncertainty(ds: xr.Dataset) -> list[str]:
    count = len(drawn_parameters(ds))
    if not count:
        return []
    return [
        f"Each draw has its own values of {count} parameters of the population, drawn from low to "
        "high: the spread over draws, and every interval taken from it, includes uncertainty about "
        "them beside that of the other layers; parameters without low and high, and the rule, stay "
        "as they are."
    ]


def _by_cohort(values: xr.DataArray) -> str:
    """Fractions by draw and cohort as words, such as ``59 ±1 % (HF) and 57 ±1 % (LBP)``."""
    told = [
        f"{_percent(values.sel(cohort=cohort))} ({cohort})" for cohort in values["cohort"].values
    ]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _percent(values: xr.DataArray) -> str:
    return _without_zero_error(percent(*_numbers(values)))


def _usd(values: xr.DataArray) -> str:
    return _without_zero_error(million_usd(*_numbers(values)))


def _numbers(values: xr.DataArray) -> tuple[float, float]:
    mean, error = estimate_of(values)
    return float(mean), float(error)


def _without_zero_error(written: str) -> str:
    return written.replace(f" {PLUS_MINUS}0 ", " ")


def _span(years: np.ndarray[Any, Any]) -> str:
    first, last = int(years[0]), int(years[-1])
    return f"year {first}" if first == last else f"years {first} to {last}"
