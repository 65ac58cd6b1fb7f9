"""How the payment adjustment is distributed over clinicians, by cohort and year."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    BONUS,
    INK,
    MAXIMUM_PENALTY,
    PENALTY,
    Canvas,
    add_key,
    house_style,
    panel_title,
    signed,
    typeset,
)
from asm_sim.plots.parts import counted, draw_bars, numbers_of, told_percent
from asm_sim.results.describe import cohort_title, one_scenario
from asm_sim.results.ranges import answer_of

Floats = npt.NDArray[np.float64]

SHARES = ("share_negative", "share_maximum_penalty")
# Percentage points: finer bins of the run are put together to bars of this width.
BAR_WIDTH = 1.0
# Room above the highest bar for the text, of the height of the panel.
HEADROOM = 0.42


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """Small multiples: a panel per performance year (down) and cohort (across).

    Clinicians with a final score over all draws, in percent of them: a bar of one percentage point
    of adjustment is as high as the share of them whose adjustment is in it, and its black foot as
    the share exactly at the maximum penalty. The share with a penalty is written with its range
    over open draws or, without these, with its Monte Carlo error.
    """
    ds = asked.of(one_scenario(ds))
    panels = _panels(ds)
    with house_style():
        rows, columns = ds.sizes["performance_year"], ds.sizes["cohort"]
        title = "Payment adjustment of clinicians with a final score"
        figure = asked.new_figure(ds, 3.6 * columns, 1.3 + 1.35 * rows, title)
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for panel, ax in zip(panels, axes.ravel(), strict=True):
            _draw(panel, ax)
        for cohort, ax in zip(ds["cohort"].values, axes[0], strict=True):
            panel_title(ax, cohort_title(ds, cohort))
        _scale(panels, axes[0, 0])
        for ax in axes[-1]:
            ax.set_xlabel("Payment adjustment factor (% of Part B payments)")
        figure.supylabel(f"Clinicians (% in a bar of {BAR_WIDTH:g} percentage point)")
        key = {
            "at the maximum penalty": MAXIMUM_PENALTY,
            "other penalty": PENALTY,
            "bonus": BONUS,
        }
        add_key(figure, [Patch(color=colour, label=label) for label, colour in key.items()])
    figure.plotted = {"panels": panels}
    return figure


def _panels(ds: xr.Dataset) -> list[dict[str, Any]]:
    """The numbers of each panel, year by year."""
    counts = counted(ds, "adjustment_histogram").load()
    # The adjustment of a final score of zero is the maximum penalty.
    lowest = 100.0 * ds["adjustment_at_score"].min(["draw", "score"])
    shares = {name: answer_of(ds, itemgetter(name)) for name in SHARES}
    edges = 100.0 * ds["adjustment_bin"].values[1:].astype(np.float64)
    panels = []
    for year in ds["performance_year"].values:
        for cohort in ds["cohort"].values:
            at = {"cohort": cohort, "performance_year": year}
            about = {
                "cohort": str(cohort),
                "performance_year": int(year),
                "payment_year": int(ds["payment_year"].sel(performance_year=year)),
            }
            bars = _bars_of(counts.sel(at).values, edges, float(lowest.sel(at)))
            panels.append(
                about | bars | {name: numbers_of(of.at(**at)) for name, of in shares.items()}
            )
    return panels


def _bars_of(counts: npt.NDArray[np.int64], edges: Floats, lowest: float) -> dict[str, Any]:
    """What is drawn of one panel; edges in percent, lower edges inclusive."""
    inner, edges = _bars(counts[1:-1], edges)
    inner, edges = _nothing_below(lowest, inner, edges)
    total = int(counts.sum())
    return {
        "bar_edges_percent": edges,
        "clinician_draws": inner,
        "clinician_draws_below": int(counts[0]),
        "clinician_draws_above": int(counts[-1]),
        "clinicians_percent": 100.0 * inner / max(total, 1),
        "maximum_penalty_percent": lowest,
    }


def _bars(counts: npt.NDArray[np.int64], edges: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Neighbouring bins put together to bars of about ``BAR_WIDTH``, zero an edge where it was."""
    together = max(1, round(BAR_WIDTH / float(np.median(np.diff(edges)))))
    first = int(np.argmin(np.abs(edges))) % together
    starts = np.unique([0, *range(first, len(counts), together)])
    return np.add.reduceat(counts, starts), np.append(edges[starts], edges[-1])


def _nothing_below(
    lowest: float, counts: npt.NDArray[np.int64], edges: Floats
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Bars from the one that holds the lowest possible adjustment on.

    Binary rounding may leave -9 % a hair below the edge at -9 %, in the bar before.
    """
    first = int(np.searchsorted(edges, lowest + 1e-9 * max(1.0, abs(lowest)), side="right")) - 1
    first = max(first, 0)
    kept = counts[first:].copy()
    kept[0] += counts[:first].sum()
    return kept, edges[first:]


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    edges, heights = panel["bar_edges_percent"], panel["clinicians_percent"]
    is_penalty = edges[:-1] + np.diff(edges) / 2 < 0
    for colour, those in ((PENALTY, is_penalty), (BONUS, ~is_penalty)):
        draw_bars(ax, edges[:-1][those], np.diff(edges)[those], heights[those], colour)
    at_maximum = min(100.0 * panel["share_maximum_penalty"]["mean"], heights[0])
    draw_bars(ax, edges[:1], np.diff(edges)[:1], np.array([at_maximum]), MAXIMUM_PENALTY)
    ax.axvline(0.0, ymax=1.0 - HEADROOM, color=INK, linewidth=0.9)
    negative, maximum = panel["share_negative"], panel["share_maximum_penalty"]
    lines = (
        (0.98, f"{panel['performance_year']}, paid in {panel['payment_year']}", "bold"),
        (0.84, f"{told_percent(negative)} with a penalty", "normal"),
        (
            0.71,
            f"{told_percent(maximum)} at {panel['maximum_penalty_percent']:.3g} %",
            "normal",
        ),
    )
    for height, line, weight in lines:
        ax.text(
            0.01, height, typeset(line), transform=ax.transAxes, va="top",
            fontsize=7.5, fontweight=weight, in_layout=False,
        )  # fmt: skip
    beyond = panel["clinician_draws_below"] + panel["clinician_draws_above"]
    if beyond:
        share = 100.0 * beyond / (beyond + panel["clinician_draws"].sum())
        ax.text(
            1.0, 0.83, f"{share:.2g} % beyond the axis",
            transform=ax.transAxes, va="top", ha="right", fontsize=7.5, color=INK,
        )  # fmt: skip


def _scale(panels: list[dict[str, Any]], ax: Axes) -> None:
    occupied = [panel["bar_edges_percent"][:-1][panel["clinician_draws"] > 0] for panel in panels]
    everywhere = np.concatenate([*occupied, [0.0]])
    ax.set_xlim(everywhere.min() - BAR_WIDTH, everywhere.max() + 2 * BAR_WIDTH)
    highest = max(float(panel["clinicians_percent"].max()) for panel in panels)
    ax.set_ylim(0.0, max(highest, 1.0) / (1.0 - HEADROOM))
    ticks = MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(0.0, max(highest, 1.0))
    ax.set_yticks([tick for tick in ticks if tick <= max(highest, 1.0)])
    ax.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(signed))
