"""Who has the wrong sign by chance, by the number of episodes."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from asm_sim.errors import counted
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    LAST_YEAR,
    Canvas,
    add_key,
    house_style,
    panel_title,
)
from asm_sim.plots.parts import error_key, first_and_last, labels_of
from asm_sim.results.describe import cohort_title
from asm_sim.studies import chance

BANDS = "episodes"  # the grouping that is drawn
APART = 0.10  # between the years of a band


class Look(NamedTuple):
    """How one line is drawn: years by colour and marker, who it is of by style and filling."""

    colour: str
    style: Literal["-", "--"]
    marker: str
    filled: bool


YEARS = ((FIRST_YEAR, "o"), (LAST_YEAR, "s"))
AMONG: dict[str, tuple[Literal["-", "--"], bool]] = {
    "all": ("-", True),
    "middle fifth": ("--", False),
}


@asks(most_years=2)
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per cohort: share with the wrong sign by band of episodes, first and last year.

    The sign of the adjustment against that of the noise-free one, in percent of clinicians with a
    final score: all of them, and those whose noise-free score is in the middle fifth. Bars are two
    Monte Carlo standard errors either way.
    """
    found = asked.of(chance.misclassification(ds))
    lines = _lines(found)
    with house_style():
        cohorts = [str(cohort) for cohort in found["cohort"].values]
        title = (
            "Bonus or penalty decided by chance, by episodes "
            f"(first {counted(found.attrs['panel_draws'], 'draw')})"
        )
        figure = asked.new_figure(found, max(3.6 * len(cohorts), 7.2), 3.7, title)
        axes = figure.subplots(1, len(cohorts), sharey=True, squeeze=False)[0]
        for cohort, ax in zip(cohorts, axes, strict=True):
            _draw([line for line in lines if line["cohort"] == cohort], ax)
            panel_title(ax, cohort_title(found, cohort))
            ax.set_xlabel("Episodes of the clinician (a year)")
        axes[0].set_ylabel("With the wrong sign\n(% of clinicians with a final score)")
        axes[0].set_ylim(bottom=0.0)
        add_key(figure, _key(lines))
    figure.plotted = {"lines": lines}
    return figure


def _lines(found: xr.Dataset) -> list[dict[str, Any]]:
    years, bands = first_and_last(found), labels_of(found, BANDS)
    lines = []
    for cohort in found["cohort"].values:
        for among in AMONG:
            for year in years:
                at = {"cohort": cohort, "performance_year": year, "among": among}
                of_line = found.sel(at)
                line: dict[str, Any] = {
                    "cohort": str(cohort),
                    "among": among,
                    "performance_year": year,
                    "episodes_a_year": list(bands.values()),
                }
                for ending in ("", "_mcse"):
                    shares = 100.0 * of_line[f"misclassified_share{ending}"]
                    line[f"wrong_sign_percent{ending}"] = shares.sel(group=list(bands)).values
                    line[f"wrong_sign_percent_of_all_bands{ending}"] = float(
                        shares.sel(group="all")
                    )
                lines.append(line)
    return lines


def _draw(lines: list[dict[str, Any]], ax: Axes) -> None:
    names = lines[0]["episodes_a_year"]
    years = sorted({line["performance_year"] for line in lines})
    for line in lines:
        look = _look(line, lines)
        beside = years.index(line["performance_year"]) - (len(years) - 1) / 2
        ax.errorbar(
            np.arange(len(names)) + APART * beside,
            line["wrong_sign_percent"], 2 * line["wrong_sign_percent_mcse"],
            color=look.colour, linestyle=look.style, marker=look.marker, markersize=4.5,
            markerfacecolor=look.colour if look.filled else "white", markeredgewidth=1.1,
            linewidth=1.2, elinewidth=1.0, capsize=2.0,
        )  # fmt: skip
    ax.set_xticks(np.arange(len(names)), names)
    ax.margins(x=0.08)


def _look(line: dict[str, Any], lines: list[dict[str, Any]]) -> Look:
    years = list(dict.fromkeys(other["performance_year"] for other in lines))
    colour, marker = YEARS[years.index(line["performance_year"])]
    style, filled = AMONG[line["among"]]
    return Look(colour, style, marker, filled)


def _key(lines: list[dict[str, Any]]) -> list[Line2D]:
    of_first = [line for line in lines if line["cohort"] == lines[0]["cohort"]]
    keys = []
    for line in of_first:
        look = _look(line, of_first)
        keys.append(
            Line2D(
                [], [], color=look.colour, linestyle=look.style, marker=look.marker, markersize=4.5,
                markerfacecolor=look.colour if look.filled else "white", markeredgewidth=1.1,
                linewidth=1.2, label=f"{line['among']}, {line['performance_year']}",
            )
        )  # fmt: skip
    return [*keys, error_key()]
