"""How many episodes it takes until the sign of an adjustment can be trusted."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    INK,
    LAST_YEAR,
    QUIET,
    Canvas,
    add_foot_note,
    add_key,
    house_style,
)
from asm_sim.results.describe import cohort_title
from asm_sim.studies import theory

LOOKS: tuple[tuple[str, Literal["-", "--", ":"], str], ...] = (
    (FIRST_YEAR, "-", "o"),
    (LAST_YEAR, "--", "s"),
    (INK, ":", "D"),
)
CURVE = tuple(np.geomspace(0.2, 2.5, 60).tolist())  # SDs of true cost


@asks(no_years="episodes count the same in each")
def plot(ds: xr.Dataset, probability: float = theory.RIGHT_SIGN, *, asked: Asked) -> Canvas:
    """A line per cohort: episodes for the right sign, by true distance from the break-even score.

    Were the sign decided by cost alone, with the reliability that the run gives its cost measures:
    closed forms of :func:`asm_sim.studies.theory.power`, which have no Monte Carlo error. The
    dashed line is the least number of episodes that the rule scores.
    """
    table, curve = (asked.of(theory.power(ds, of, probability)) for of in (theory.DISTANCES, CURVE))
    lines = [_line(ds, table.sel(cohort=c), curve.sel(cohort=c)) for c in table["cohort"].values]
    minimum = float(table["case_minimum"])
    with house_style():
        title = f"Episodes until the sign is right {100 * probability:g} times in 100"
        figure = asked.new_figure(ds, 6.4, 4.1, title)
        ax = figure.subplots()
        ax.axhline(minimum, color=QUIET, linewidth=1.0, linestyle=(0, (4, 2)))
        for line, look in zip(lines, LOOKS, strict=False):
            _draw(line, look, ax)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(theory.DISTANCES)
        ax.set_yticks([5, 10, 20, 50, 100, 200, 500])
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
        ax.set_xlabel("True cost's distance from the break-even score (SD of true cost)")
        ax.set_ylabel("Episodes needed (a year)")
        add_key(figure, _key(lines, minimum))
        needed = ", ".join(
            f"{line['cohort']} {np.ceil(line['episodes_for_all']):,.0f}" for line in lines
        )
        add_foot_note(figure, f"Over all clinicians, with the break-even at the median: {needed}")
    figure.plotted = {"probability": probability, "case_minimum_episodes": minimum, "lines": lines}
    return figure


def _line(ds: xr.Dataset, table: xr.Dataset, curve: xr.Dataset) -> dict[str, Any]:
    cohort = str(table["cohort"].values)
    return {
        "cohort": cohort,
        "title": cohort_title(ds, cohort),
        "reliability": float(table["reliability"]),
        "kappa_episodes": float(table["kappa"]),
        "distance_sd": table["distance"].values,
        "episodes": table["episodes"].values,
        "episodes_for_all": float(table["episodes_for_all"]),
        "curve_distance_sd": curve["distance"].values,
        "curve_episodes": curve["episodes"].values,
    }


def _draw(line: dict[str, Any], look: tuple[str, Literal["-", "--", ":"], str], ax: Axes) -> None:
    colour, style, marker = look
    ax.plot(line["curve_distance_sd"], line["curve_episodes"], color=colour, linestyle=style)
    ax.plot(
        line["distance_sd"], line["episodes"],
        color=colour, linestyle="none", marker=marker, markersize=4.5,
    )  # fmt: skip


def _key(lines: list[dict[str, Any]], minimum: float) -> list[Line2D]:
    keys = [
        Line2D(
            [], [], color=colour, linestyle=style, marker=marker, markersize=4.5,
            label=f"{line['title']} (reliability {line['reliability']:g})",
        )
        for line, (colour, style, marker) in zip(lines, LOOKS, strict=False)
    ]  # fmt: skip
    dashes = Line2D(
        [], [], color=QUIET, linewidth=1.0, linestyle=(0, (4, 2)),
        label=f"{minimum:g} episodes: the least that is scored",
    )  # fmt: skip
    return [*keys, dashes]
