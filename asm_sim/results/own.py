"""One's own clinicians, of a roster set among the shipped one, each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asm_sim.errors import counted
from asm_sim.results.clinician_table import CLINICIANS_TOLD, Line, clinician_table
from asm_sim.results.moments import moments
from asm_sim.results.registry import OWN
from asm_sim.results.spread import in_range, spread
from asm_sim.results.terminal import say

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console, RenderableType

# Variables of the panel, by the column that asm.score has of them.
_COLUMNS = {
    "final_score": "panel_final_score",
    "payment_adjustment_factor": "panel_adjustment",
    "payment_change_usd": "panel_dollars",
}


def own_clinicians(ds: xr.Dataset) -> pd.DataFrame | None:
    """What each of one's own clinicians gets in a run, by performance year; None where none is one.

    One row a clinician and year: ``clinician_id``, ``cohort``, ``performance_year``,
    ``payment_year``, ``draws`` (those that a run keeps clinician by clinician) and, over these, of
    ``final_score`` (points), ``payment_adjustment_factor`` (a fraction) and ``payment_change_usd``
    the mean, its Monte Carlo standard error ``_mcse`` and the percentiles ``_p5`` to ``_p95``;
    ``share_penalty`` with its error. Whoever has no final score in a draw counts there with neither
    bonus nor penalty.
    """
    if OWN not in ds.coords or not ds.sizes.get("draw_sample"):
        return None
    own = ds[[*_COLUMNS.values()]].isel(clinician=np.flatnonzero(ds[OWN].values))
    values = {
        name: own[panel].transpose("draw_sample", "clinician", "performance_year").values
        for name, panel in _COLUMNS.items()
    }
    years, n = own.sizes["performance_year"], own.sizes["clinician"]
    columns: dict[str, Any] = {
        "clinician_id": np.repeat(own["clinician_id"].values, years),
        "cohort": np.repeat(own["clinician_cohort"].values, years),
        "performance_year": np.tile(own["performance_year"].values, n),
        "payment_year": np.tile(own["payment_year"].values, n),
        "draws": own.sizes["draw_sample"],
    }
    for name, of_draws in values.items():
        columns |= spread(name, of_draws.astype(np.float64))
    penalty = moments(values["payment_adjustment_factor"] < 0)
    columns |= {
        "share_penalty": penalty.mean.ravel(),
        "share_penalty_mcse": penalty.error.ravel(),
    }
    return pd.DataFrame(columns)


def print_own(table: pd.DataFrame, console: Console) -> None:
    """Print one's own clinicians in the first performance year, and their dollars in all years."""
    for part in _parts(table):
        say(console, part)


def _parts(table: pd.DataFrame) -> Iterator[RenderableType]:
    from rich.text import Text

    first = table[table["performance_year"] == table["performance_year"].min()]
    year, paid, draws = (
        int(first[name].iloc[0]) for name in ("performance_year", "payment_year", "draws")
    )
    yield Text(
        f"Your own clinicians among CMS's list, performance year {year}, paid in {paid}",
        style="bold",
    )
    yield clinician_table(_line(row, draws) for _, row in first.iterrows())
    more = len(first) - CLINICIANS_TOLD
    if more > 0:
        yield Text(f"and {counted(more, 'more clinician')}, in own_clinicians.csv")
    yield Text(
        f"A number is the mean of {counted(draws, 'draw')}; in brackets the middle 90 % of them. "
        "What the roster does not say of a clinician, how they perform and their luck are "
        "drawn. Penalty: in how many the adjustment is below zero."
    )
    yield Text()


def _line(row: pd.Series[Any], draws: int) -> Line:
    return Line(
        row["clinician_id"],
        _with_range(row, "final_score"),
        _with_range(row, "payment_adjustment_factor", 100, sign=True),
        _with_range(row, "payment_change_usd", sign=True),
        f"{round(row['share_penalty'] * draws)} of {draws}",
    )


def _with_range(row: pd.Series[Any], name: str, scale: float = 1, sign: bool = False) -> str:
    return in_range(row[name], row[f"{name}_p5"], row[f"{name}_p95"], scale, sign)
