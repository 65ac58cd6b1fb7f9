"""What several figures draw alike: the curve of ASM, its key, that of errors, groups by label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.plots.figure import FIRST_YEAR, INK, LAST_YEAR, QUIET, signed
from asm_sim.results.ranges import PERCENT_OF_RANGE, Numbers, open_part
from asm_sim.results.scenarios import draws_of
from asm_sim.results.statistics import PLUS_MINUS, percent, round_to_error

Floats = npt.NDArray[np.float64]

BAND = (0.05, 0.95)
# What the ends of a band are called, after the number: over draws, and of a range.
OF_DRAWS, OF_OPEN_DRAWS = ("p05", "p95"), ("range_low", "range_high")
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


def curve(run: xr.Dataset, cohort: str, year: int) -> dict[str, Any]:
    """The adjustment of ASM at each score of the grid in percent: median and band over draws.

    The band is the range over open draws where there are any.
    """
    at = {"cohort": cohort, "performance_year": year}
    part = open_part(run)
    by_draw, of_band = (
        100.0 * of["adjustment_at_score"].sel(at).transpose("draw", "score").values
        for of in (run, run if part is None else part)
    )
    low, high = np.quantile(of_band, BAND, axis=0)
    names = OF_DRAWS if part is None else OF_OPEN_DRAWS
    return {
        "performance_year": year,
        "payment_year": int(run["payment_year"].sel(performance_year=year)),
        "adjustment_percent_median": np.median(by_draw, axis=0),
        **dict(zip((f"adjustment_percent_{name}" for name in names), (low, high), strict=True)),
    }


def band_of(plotted: dict[str, Any], name: str) -> tuple[Any, Any]:
    """The ends of the band of a plotted number: of its range, else over its draws."""
    names = next(names for names in (OF_OPEN_DRAWS, OF_DRAWS) if f"{name}_{names[0]}" in plotted)
    return plotted[f"{name}_{names[0]}"], plotted[f"{name}_{names[1]}"]


def paid_in(ds: xr.Dataset) -> str:
    """The payment years of results, from the first to the last, or one by one where some lack."""
    years = [int(year) for year in ds["payment_year"].values]
    if len(years) > 1 and years == list(range(years[0], years[-1] + 1)):
        return f"{years[0]}\N{EN DASH}{years[-1]}"
    return ", ".join(map(str, years))


def numbers_of(found: Numbers, factor: float = 1.0) -> dict[str, float]:
    """A number for the sidecar: its mean, its error and, where it is known, its range."""
    values = dict(zip(("mean", *Numbers._fields[1:]), found.times(factor), strict=True))
    return values if found.has_range else {name: values[name] for name in ("mean", "mcse")}


def number_of(plotted: dict[str, float]) -> Numbers:
    """What :func:`numbers_of` has made."""
    return Numbers(*(plotted.get(name, math.nan) for name in ("mean", *Numbers._fields[1:])))


def told(plotted: dict[str, float]) -> str:
    """``58 (51 to 66)``: a plotted number with its range, or else with its error."""
    found = number_of(plotted)
    return found.written() if found.has_range else round_to_error(found.value, found.mcse)


def told_percent(plotted: dict[str, float]) -> str:
    """A plotted fraction in percent, with its range, or else with its error or bound."""
    found = number_of(plotted).times(100.0)
    return f"{found.written()} %" if found.has_width else percent(plotted["mean"], plotted["mcse"])


def draw_bars(ax: Axes, left: Floats, widths: Floats, heights: Floats, colour: str) -> None:
    """Bars from zero up, of one colour, as one artist: each for itself takes long."""
    right = left + widths
    corners = [(left, 0.0 * left), (left, heights), (right, heights), (right, 0.0 * left)]
    closed = [*corners, corners[0]]
    vertices = np.stack([np.stack(corner, axis=-1) for corner in closed], axis=1).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, *3 * [Path.LINETO], Path.CLOSEPOLY], len(left))
    bars = PathPatch(Path(vertices, codes), facecolor=colour, edgecolor="white", linewidth=0.4)
    ax.add_artist(bars)  # limits are set for all panels together


def draw_curves(scores: Floats, curves: Sequence[dict[str, Any]], ax: Axes) -> None:
    """Curves as :func:`curve` gives them, of the first and the last year, on 0 to 100 points."""
    ax.axhline(0.0, color=INK, linewidth=0.9)
    for one, (colour, style) in zip(curves, _LOOKS, strict=False):
        ax.fill_between(
            scores, *band_of(one, "adjustment_percent"), color=colour, alpha=0.25, linewidth=0,
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


def band_words(ds: xr.Dataset) -> str:
    """What a band shows: the range, and what is drawn in it; or how far draws lie apart."""
    part = open_part(ds)
    if part is None:
        return BAND_WORDS
    return f"{PERCENT_OF_RANGE} % range: {part.sizes['draw']:,} draws of all that nobody knows"


def band_key(ds: xr.Dataset) -> Patch:
    return Patch(color=QUIET, alpha=0.35, label=band_words(ds))


def error_key(upright: bool = True) -> Line2D:
    """Two standard errors either way, drawn as an upright or a level line."""
    return Line2D(
        [], [], color=INK, linestyle="none", marker="|" if upright else "_", markersize=8,
        markeredgewidth=1.0, label=f"{PLUS_MINUS}2 standard errors",
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
