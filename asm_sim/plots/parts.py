"""What several figures draw alike: the curve of ASM, its key, that of errors, groups by label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.plots.figure import FIRST_YEAR, INK, LAST_YEAR, QUIET, signed
from asm_sim.results.scenarios import draws_of
from asm_sim.results.statistics import PLUS_MINUS, percent

BAND = (0.05, 0.95)
BAND_WORDS = "5th to 95th percentile of draws"
PERCENT_OF_PART_B = "Payment adjustment factor\n(% of Part B payments)"
_LOOKS: tuple[tuple[str, Literal["-", "--"]], ...] = ((FIRST_YEAR, "-"), (LAST_YEAR, "--"))


def counted(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Clinicians counted over all draws of a run, everyone together.

    Raises :class:`InputError` where these are not the draws that the results hold: counts stay as
    they are where draws are selected.
    """
    counts = ds[name].sel(group="all")
    if counts.attrs.get("draws", draws_of(ds)) != draws_of(ds):
        raise InputError(
            f"{name} counts the clinicians of {counts.attrs['draws']:,} draws, and these results "
            f"hold {draws_of(ds):,} of another choice; draw this figure of the whole run"
        )
    return counts


def first_and_last(ds: xr.Dataset) -> list[int]:
    """The first and the last performance year; one where they are the same."""
    return sorted({int(ds["performance_year"][end]) for end in (0, -1)})


def curve(of_cohort: xr.Dataset, year: int) -> dict[str, Any]:
    """The adjustment of ASM at each score of the grid in percent: median and band over draws."""
    of_year = of_cohort.sel(performance_year=year)
    by_draw = 100.0 * of_year["adjustment_at_score"].transpose("draw", "score").values
    low, middle, high = np.quantile(by_draw, [BAND[0], 0.5, BAND[1]], axis=0)
    return {
        "performance_year": year,
        "payment_year": int(of_year["payment_year"]),
        "adjustment_percent_median": middle,
        "adjustment_percent_p05": low,
        "adjustment_percent_p95": high,
    }


def draw_curves(
    scores: npt.NDArray[np.float64], curves: Sequence[dict[str, Any]], ax: Axes
) -> None:
    """Curves as :func:`curve` gives them, of the first and the last year, on 0 to 100 points."""
    ax.axhline(0.0, color=INK, linewidth=0.9)
    for one, (colour, style) in zip(curves, _LOOKS, strict=False):
        ax.fill_between(
            scores, one["adjustment_percent_p05"], one["adjustment_percent_p95"],
            color=colour, alpha=0.25, linewidth=0,
        )  # fmt: skip
        ax.plot(scores, one["adjustment_percent_median"], color=colour, linestyle=style)
    ax.margins(y=0.08)
    ax.yaxis.set_major_formatter(FuncFormatter(signed))
    ax.set_xlim(0.0, 100.0)


def curve_keys(labels: Sequence[str]) -> list[Line2D]:
    """Lines as :func:`draw_curves` draws them, labelled in their order."""
    return [
        Line2D([], [], color=colour, linestyle=style, label=label)
        for label, (colour, style) in zip(labels, _LOOKS, strict=False)
    ]


def band_key() -> Patch:
    return Patch(color=QUIET, alpha=0.35, label=BAND_WORDS)


def error_key() -> Line2D:
    """Two standard errors either way, drawn as an upright line."""
    return Line2D(
        [], [], color=INK, linestyle="none", marker="|", markersize=8, markeredgewidth=1.0,
        label=f"{PLUS_MINUS}2 standard errors",
    )  # fmt: skip


def written(plotted: dict[str, Any], name: str, units: str = "percent") -> str:
    """The plotted number ``name_units`` (in percent) with its error, as a person reads it."""
    value, error = (plotted[f"{name}_{units}{ending}"] / 100.0 for ending in ("", "_mcse"))
    return percent(value, error)


def labels_of(ds: xr.Dataset, grouping: str) -> dict[str, str]:
    """The groups of a grouping, and their labels without it."""
    groups = [str(name) for name in ds["group"].values]
    prefix = f"{grouping}: "
    return {name: name.removeprefix(prefix) for name in groups if name.startswith(prefix)}


def outcome_of(ds: xr.Dataset, outcome: str | None) -> xr.Dataset:
    """One outcome of what ``asm_sim.sensitivity`` returned, by default the first.

    Raises :class:`InputError` for one that it does not hold.
    """
    known = [str(name) for name in ds["outcome"].values]
    name = known[0] if outcome is None else outcome
    if name not in known:
        raise InputError(
            f"these results hold no outcome {name!r}{did_you_mean(name, known)}; "
            f"they hold {', '.join(known)}"
        )
    return ds.sel(outcome=name)
