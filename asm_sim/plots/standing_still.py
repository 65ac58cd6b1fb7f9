"""Running to stand still: what one's own improvement is worth while the peers improve."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from asm_sim.errors import InputError
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    INK,
    Canvas,
    add_foot_note,
    add_key,
    house_style,
    panel_title,
    signed,
)
from asm_sim.results.describe import cohort_title
from asm_sim.results.statistics import PLUS_MINUS, rounded
from asm_sim.studies import improvement
from asm_sim.studies.improvement import OF_PEERS, OWN, PEERS

Floats = npt.NDArray[np.float64]

# Dark where much is lost, light where much is gained, in grey too.
LADDER = ("#3B1503", "#8C3A0E", "#C9783F", "#E9B98F", "#F1DCC6", "#DCE9F2", "#EAF6FD")
COLOURS = LinearSegmentedColormap.from_list("loss_to_gain", LADDER)
NARROWEST = 7.0  # inches, for the key
STEP = 2.0  # percentage points between contours
MIDDLE = 12.0  # percent, the ends of the scale of shades
CLEAR = 0.04  # of the height: how far from the thick line and the edges a number stays
DASHES: Any = (0, (2.2, 0.8))


@asks(most_years=1)
def plot(ds: xr.Dataset, share: float | None = None, *, asked: Asked) -> Canvas:
    """A panel per cohort: the expected adjustment of the last year, by own and peers' improvement.

    Across is how much the peers improve, up how much the clinician does, both in standard
    deviations of true performance a year; shades and contours are the adjustment of one who was
    truly average in the first year, straight between the simulated points (dots). The dashed line
    joins the own improvement that keeps the adjustment of a world in which nobody improves, with
    two Monte Carlo standard errors either way; the largest error of an adjustment is written at the
    foot. ``share`` of the clinicians improve, by default the largest share of the sweep.

    Takes the sweep ``peers-improve``; raises :class:`InputError` for other results, and for a share
    that is not in it.
    """
    result = asked.of(improvement.standing_still(ds))
    shares = [float(value) for value in result[OF_PEERS].values]
    share = max(shares) if share is None else float(share)
    if share not in shares:
        known = ", ".join(f"{value:g}" for value in shares)
        raise InputError(f"{share:g} of the peers improve in no scenario; known shares: {known}")
    of_share = result.sel({OF_PEERS: share}).isel(performance_year=-1)
    panels = [_panel(of_share.sel(cohort=cohort)) for cohort in result["cohort"].values]
    year, paid = int(of_share["performance_year"]), int(of_share["payment_year"])
    with house_style():
        who = "all peers" if share == 1 else f"{100 * share:g} % of the peers"
        title = f"Adjustment for {year} (paid in {paid}) when {who} improve"
        figure = asked.new_figure(ds, max(3.5 * len(panels), NARROWEST), 4.1, title)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, ax)
            panel_title(ax, cohort_title(ds, panel["cohort"]))
            ax.set_xlabel("Improvement of the peers (SD a year)")
        axes[0].set_ylabel("Own improvement (SD a year)")
        error = f"{_worst_error(panels)} percentage points or less"
        add_foot_note(figure, f"Standard errors of the adjustments: {error}")
        add_key(figure, _key())
    figure.plotted = {
        "performance_year": year,
        "payment_year": paid,
        "share_of_peers_who_improve": share,
        "panels": panels,
    }
    return figure


def _panel(of_cohort: xr.Dataset) -> dict[str, Any]:
    by_improvement = of_cohort.transpose(OWN, PEERS)
    return {
        "cohort": str(of_cohort["cohort"].item()),
        "own_improvement_sd_a_year": by_improvement[OWN].values,
        "peers_improvement_sd_a_year": by_improvement[PEERS].values,
        "adjustment_percent": 100.0 * by_improvement["adjustment"].values,
        "adjustment_percent_mcse": 100.0 * by_improvement["adjustment_mcse"].values,
        "keeping_up_sd_a_year": by_improvement["keeping_up"].values,
        "keeping_up_sd_a_year_mcse": by_improvement["keeping_up_mcse"].values,
    }


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    own, peers = panel["own_improvement_sd_a_year"], panel["peers_improvement_sd_a_year"]
    values = panel["adjustment_percent"]
    low, high = STEP * np.floor(values.min() / STEP), STEP * np.ceil(values.max() / STEP)
    levels = np.arange(low, max(high, low + STEP) + STEP / 2, STEP)
    ax.contourf(peers, own, values, levels=levels, cmap=COLOURS, vmin=-MIDDLE, vmax=MIDDLE)
    ax.contour(
        peers, own, values, levels=levels, colors=INK, linestyles="solid",
        linewidths=[1.5 if abs(level) < STEP / 2 else 0.6 for level in levels],
    )  # fmt: skip
    across, up = np.meshgrid(peers, own)
    ax.plot(across, up, ".", color=INK, markersize=2.5, alpha=0.8)
    keeping, error = panel["keeping_up_sd_a_year"], panel["keeping_up_sd_a_year_mcse"]
    wide = [withStroke(linewidth=4.5, foreground="white")]
    ax.plot(peers, keeping, color=INK, linewidth=2.4, linestyle=DASHES, path_effects=wide, zorder=4)
    ax.errorbar(
        peers, keeping, 2 * error, fmt="o", color=INK, markerfacecolor="white", markersize=5,
        markeredgewidth=1.3, capsize=3, elinewidth=1.2, zorder=5,
    )  # fmt: skip
    for x, y, level in _labels(peers, own, values, keeping, levels):
        ax.text(
            x, y, f"{signed(level)} %", ha="center", va="center", fontsize=7.5, color=INK,
            path_effects=[withStroke(linewidth=2.5, foreground="white")], zorder=6,
        )  # fmt: skip
    ax.grid(visible=False)
    ax.set_xticks(peers)
    ax.set_yticks(own)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_major_formatter(FuncFormatter(signed))
    margin = 0.03 * (peers[-1] - peers[0]), 0.03 * (own[-1] - own[0])
    ax.set_xlim(peers[0] - margin[0], peers[-1] + margin[0])
    ax.set_ylim(own[0] - margin[1], own[-1] + margin[1])


def _labels(
    peers: Floats, own: Floats, values: Floats, keeping: Floats, levels: Floats
) -> list[tuple[float, float, float]]:
    """A place for the number of each contour, off the simulated points and off the thick line."""
    places = []
    between = [(peers[k] + peers[k + 1]) / 2 for k in reversed(range(len(peers) - 1))]
    apart = CLEAR * (own[-1] - own[0])
    for level in levels:
        for x in between:
            column = [float(np.interp(x, peers, row)) for row in values]
            if not column[0] < level < column[-1]:
                continue
            y = float(np.interp(level, column, own))
            clear = own[0] + apart < y < own[-1] - apart
            if clear and not abs(y - np.interp(x, peers, keeping)) < 1.5 * apart:
                places.append((float(x), y, float(level)))
                break
    return places


def _worst_error(panels: list[dict[str, Any]]) -> str:
    """The largest standard error of an adjustment that is drawn, percentage points."""
    errors = np.concatenate([panel["adjustment_percent_mcse"].ravel() for panel in panels])
    known = errors[np.isfinite(errors)]
    return rounded(0.0, float(known.max()))[1] if len(known) else "?"


def _key() -> list[Line2D]:
    keeping = Line2D(
        [], [], color=INK, linewidth=2.4, linestyle=DASHES, marker="o", markerfacecolor="white",
        markersize=5, markeredgewidth=1.3,
        label=f"adjustment as if nobody had improved, {PLUS_MINUS}2 standard errors",
    )  # fmt: skip
    dot = Line2D([], [], color=INK, linestyle="none", marker=".", markersize=4, label="simulated")
    zero = Line2D([], [], color=INK, linewidth=1.5, label="adjustment of zero")
    return [keeping, zero, dot]
