"""What each unknown does alone: bars either way from the central value, the longest on top."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from asm_sim.errors import InputError
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    BONUS,
    INK,
    PENALTY,
    QUIET,
    Canvas,
    add_key,
    house_style,
    panel_title,
    signed,
    typeset,
)
from asm_sim.plots.parts import outcome_of
from asm_sim.results.describe import cohort_title
from asm_sim.results.sensitivity import leading, unit_of
from asm_sim.results.statistics import PLUS_MINUS, round_to_error

MOST = 10  # unknowns
BAR, ROW = 0.36, 0.42  # inches
ROOM = 0.34  # for the texts at the ends, of the widest bar either way
COLOURS = {"low": PENALTY, "high": BONUS}
WORDS = {"low": "at its low", "high": "at its high"}


@asks(no_years="it is of the one that was asked for, in `asm_sim.sensitivity`")
def plot(ds: xr.Dataset, outcome: str | None = None, *, asked: Asked) -> Canvas:
    """A panel per cohort, the unknowns with the largest effects down.

    ``ds`` is what ``asm_sim.sensitivity`` returned by its method ``effects``; ``outcome`` is by
    default the first that it holds. Bars are changes from the central values, lines two standard
    errors either way. Raises :class:`InputError` for the answer of another method.
    """
    if ds.attrs.get("method") != "effects":
        raise InputError("a tornado shows effects; give the answer of asm-sim sensitivity's own")
    ds = asked.of(ds)
    here = outcome_of(ds, outcome)
    unit = unit_of(str(here["units"].item()))
    order = leading(ds, str(here["outcome"].item()))[:MOST]
    panels = [_panel(here.sel(cohort=cohort), order, unit.factor) for cohort in ds["cohort"].values]
    with house_style():
        title = f"{here['words'].item()}, {ds.attrs['performance_year']}: one unknown moved"
        width = 3.6 + 2.6 * len(panels)
        figure = asked.new_figure(ds, width, 1.7 + ROW * len(order), title)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, ax)
            panel_title(ax, _heading(ds, panel, unit.value), fontsize=8.5)
            ax.set_xlabel(f"change ({unit.change})")
        _arrange(panels, axes)
        add_key(figure, _key(panels))
    figure.plotted = {"outcome": str(here["outcome"].item()), "panels": panels}
    return figure


def _panel(here: xr.Dataset, order: list[str], factor: float) -> dict[str, Any]:
    paths = here["parameter"].values
    return {
        "cohort": str(here["cohort"].item()),
        "units": str(here["units"].item()),
        "factor": factor,
        "central": factor * float(here["central"]),
        "central_mcse": factor * float(here["central_mcse"]),
        "unknowns": [
            {
                "parameter": path,
                "central_value": str(here["central_value"].values[paths == path][0]),
                "changes": [
                    {
                        "end": str(here["end"].values[k]),
                        "set_to": str(here["value"].values[k]),
                        "change": factor * float(here["change"].values[k]),
                        "change_mcse": factor * float(here["change_mcse"].values[k]),
                    }
                    for k in np.flatnonzero(paths == path)
                ],
            }
            for path in order
        ],
    }


def _heading(ds: xr.Dataset, panel: dict[str, Any], unit: str) -> str:
    central = round_to_error(panel["central"], panel["central_mcse"])
    return f"{cohort_title(ds, panel['cohort'])}\ncentral {typeset(central)} {unit}"


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    for row, unknown in enumerate(panel["unknowns"]):
        changes = unknown["changes"]
        apart = BAR / ROW / max(len(changes), 1)
        for k, change in enumerate(changes):
            at = row + (k - (len(changes) - 1) / 2) * apart
            value, error = change["change"], change["change_mcse"]
            colour = COLOURS.get(change["end"], QUIET)
            ax.barh(at, value, 0.86 * apart, color=colour)
            ends = [value - 2 * error, value + 2 * error]
            ax.plot(ends, [at, at], color=INK, linewidth=1.0, solid_capstyle="butt")
            right = value > 0 or (value == 0 and k > 0)
            if value or error:
                ax.annotate(
                    typeset(change["set_to"]), (max(ends) if right else min(ends), at),
                    (3 if right else -3, 0), textcoords="offset points", fontsize=6.5,
                    va="center", ha="left" if right else "right",
                )  # fmt: skip
    ax.axvline(0.0, color=INK, linewidth=0.9)
    ax.xaxis.set_major_formatter(FuncFormatter(signed))
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.tick_params(axis="y", length=0)


def _arrange(panels: list[dict[str, Any]], axes: Any) -> None:
    """Labels of the unknowns, and room for what stands at the ends of the bars."""
    unknowns = panels[0]["unknowns"]
    labels = [f"{short(one['parameter'])}\n({one['central_value']})" for one in unknowns]
    axes[0].set_yticks(range(len(labels)), labels, fontsize=7)
    axes[0].set_ylim(len(labels) - 0.4, -0.6)
    changes = [change for panel in panels for one in panel["unknowns"] for change in one["changes"]]
    reach = max(abs(change["change"]) for change in changes) or 1.0
    axes[0].set_xlim(-(1 + ROOM) * reach, (1 + ROOM) * reach)


def short(path: str) -> str:
    """A path without its root, in words."""
    return path.partition(".")[2].replace("_", " ").replace(".", ", ")


def _key(panels: list[dict[str, Any]]) -> list[Line2D | Patch]:
    ends = {change["end"] for one in panels[0]["unknowns"] for change in one["changes"]}
    keys: list[Line2D | Patch] = [
        Patch(color=COLOURS[end], label=WORDS[end]) for end in COLOURS if end in ends
    ]
    if ends - set(COLOURS):
        keys.append(Patch(color=QUIET, label="at another reading"))
    error = Line2D([], [], color=INK, linewidth=1.0, label=f"{PLUS_MINUS}2 standard errors")
    return [*keys, error]
