"""What a final score is worth under ASM and under MIPS, and where clinicians are under each."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    INK,
    STRIP,
    Canvas,
    add_key,
    house_style,
    panel_title,
    typeset,
)
from asm_sim.plots.parts import (
    PERCENT_OF_PART_B,
    band_key,
    curve,
    curve_keys,
    draw_curves,
    first_and_last,
    numbers_of,
    told,
    written,
)
from asm_sim.results.describe import cohort_title, one_scenario
from asm_sim.results.ranges import answer_of
from asm_sim.studies import mips
from asm_sim.studies.estimates import PANEL, parameter
from asm_sim.studies.mips_levels import HIGHEST, LOWEST, THRESHOLD
from asm_sim.studies.mips_panel import open_panel, score_of

BAR = 5.0  # points, so that the threshold of MIPS parts two bars
NARROWEST = 7.3  # inches, for the key
MIPS_LINE: dict[str, Any] = {"color": INK, "linewidth": 1.5, "linestyle": (0, (4, 1.2, 1, 1.2))}


@asks(most_years=2)
def plot(ds: xr.Dataset, form: str = "traditional", *, asked: Asked) -> Canvas:
    """A panel per cohort: adjustment against final score under ASM and under MIPS.

    ASM in the first and the last year: medians over draws; the bands are the 90 % range over open
    draws or, without these, from the 5th to the 95th percentile over draws, for its curve depends
    on who else is in the cohort. MIPS by the run's
    parameters, the same in every draw and year (42 CFR 414.1405). Below: the final scores of the
    clinicians under each in the first year, MIPS in ``form``, as the share of them in bars of five
    points; a score of one program is not one of the other. Takes a run with a panel; raises
    :class:`InputError` for anything else.
    """
    panels = _panels(ds, form, asked)
    run = one_scenario(ds)
    with house_style():
        title = "What a final score is worth under ASM and under MIPS"
        width = max(3.6 * len(panels), NARROWEST)
        figure = asked.new_figure(run, width, 4.9, title)
        axes = figure.subplots(
            2, len(panels), sharex=True, sharey="row", squeeze=False, height_ratios=[3.2, 1]
        )
        for panel, (above, below) in zip(panels, axes.T, strict=True):
            _draw_curves(panel, above)
            _draw_scores(panel, below)
            panel_title(above, cohort_title(run, panel["cohort"]))
            below.set_xlabel("Final score (points)")
        axes[0, 0].set_ylabel(PERCENT_OF_PART_B)
        year = panels[0]["performance_year_of_clinicians"]
        axes[1, 0].set_ylabel(f"Clinicians {year}\n(% in {BAR:g} pt)")
        add_key(figure, _key(run, panels[0]))
    figure.plotted = {
        "mips_form": form,
        "panel_draws": run.sizes[PANEL],
        "panels": panels,
    }
    return figure


def _panels(ds: xr.Dataset, form: str, asked: Asked) -> list[dict[str, Any]]:
    panel, programs = open_panel(ds, "all", form, scores=True)
    whole = one_scenario(ds)
    run = asked.of(whole)
    years = first_and_last(run)
    first = whole["performance_year"].values.tolist().index(years[0])
    edges = np.arange(0.0, 100.0 + BAR, BAR)
    by_draw = panel.collect(
        lambda view: {
            program: (
                ("bar",),
                _percent_by_bar(view[score_of(program)][:, first], edges),
            )
            for program in programs
        }
    )
    levels = mips.levels(whole, "all", form).isel(performance_year=first, group=0, mips_form=0)
    fixed = _mips_curve(run)
    even = answer_of(run, itemgetter("break_even_score"))
    panels = []
    for cohort in run["cohort"].values:
        at = levels.sel(cohort=cohort)
        share = at["share_below_threshold"], at["share_below_threshold_mcse"]
        heights = {
            f"{name}_clinicians_percent": by_draw[program].sel(cohort=cohort).mean(PANEL).values
            for name, program in zip(("asm", "mips"), programs, strict=True)
        }
        panels.append(
            {
                "cohort": str(cohort),
                "score_points": run["score"].values,
                "asm_curves": [curve(run, str(cohort), year) for year in years],
                "asm_break_even_score_points": {
                    "performance_year": years[0],
                    **numbers_of(even.at(cohort=cohort, performance_year=years[0])),
                },
                **fixed,
                "performance_year_of_clinicians": years[0],
                "bar_edges_points": edges,
                **heights,
                "mips_below_threshold_percent": 100.0 * float(share[0]),
                "mips_below_threshold_percent_mcse": 100.0 * float(share[1]),
            }
        )
    return panels


def _percent_by_bar(
    scores: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    scores = scores[np.isfinite(scores)]
    counts, _ = np.histogram(scores, edges)
    return np.asarray(100.0 * counts / max(len(scores), 1))


def _mips_curve(run: xr.Dataset) -> dict[str, Any]:
    """The corners of the line, the jump at the lowest quarter as two points over each other."""
    lowest, threshold, highest = (parameter(run, path) for path in (LOWEST, THRESHOLD, HIGHEST))
    scores = np.array([0.0, lowest, np.nextafter(lowest, np.inf), threshold, highest])
    return {
        "mips_score_points": scores,
        "mips_adjustment_percent": 100.0 * mips.adjustment_at_score(run, scores).values,
        "mips_threshold_points": float(threshold),
    }


def _draw_curves(panel: dict[str, Any], ax: Axes) -> None:
    draw_curves(panel["score_points"], panel["asm_curves"], ax)
    ax.plot(panel["mips_score_points"], panel["mips_adjustment_percent"], **MIPS_LINE)
    _mark(panel, ax)


def _mark(panel: dict[str, Any], ax: Axes) -> None:
    """Where ASM breaks even, and the threshold and the greatest bonus of MIPS."""
    looks: dict[str, Any] = {
        "ha": "right", "fontsize": 7.5, "textcoords": "offset points", "color": INK,
    }  # fmt: skip
    threshold, even = panel["mips_threshold_points"], panel["asm_break_even_score_points"]
    highest, greatest = (
        float(panel[f"mips_{name}"][-1]) for name in ("score_points", "adjustment_percent")
    )
    ax.annotate(
        f"MIPS: 0 at {threshold:g} points,\n{greatest:+.3g} % at {highest:g}",
        (threshold, 0.0), (-14, 4), va="bottom", **looks,
    )  # fmt: skip
    if np.isfinite(even["mean"]):
        ax.plot(even["mean"], 0.0, "o", color=INK, markersize=5, zorder=5)
        ax.annotate(
            f"ASM {even['performance_year']}: 0 at {told(even)}",
            (even["mean"], 0.0), (-14, 30), va="bottom", **looks,
        )  # fmt: skip


def _draw_scores(panel: dict[str, Any], ax: Axes) -> None:
    edges = panel["bar_edges_points"]
    asm, of_mips = (panel[f"{name}_clinicians_percent"] for name in ("asm", "mips"))
    ax.stairs(asm, edges, fill=True, color=STRIP)
    ax.stairs(of_mips, edges, color=INK, linewidth=1.2)
    below = written(panel, "mips_below_threshold")
    ax.text(
        0.02, 0.94, typeset(f"MIPS: {below} below {panel['mips_threshold_points']:g}"),
        transform=ax.transAxes, va="top", fontsize=7.5, color=INK,
    )  # fmt: skip
    ax.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))


def _key(run: xr.Dataset, panel: dict[str, Any]) -> list[Line2D | Patch]:
    return [
        *curve_keys([f"ASM {one['performance_year']}" for one in panel["asm_curves"]]),
        Line2D([], [], **MIPS_LINE, label="MIPS"),
        band_key(run),
        Patch(color=STRIP, label="scores in ASM"),
        Line2D([], [], color=INK, linewidth=1.2, label="in MIPS"),
    ]
