"""Each clinician's adjustment under ASM against that under MIPS, and the four quadrants."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    INK,
    LAST_YEAR,
    Canvas,
    add_key,
    house_style,
    panel_title,
    signed,
)
from asm_sim.plots.parts import written
from asm_sim.results.describe import cohort_title, one_scenario
from asm_sim.studies import mips
from asm_sim.studies.mips_panel import adjustment_of, open_panel

Floats = npt.NDArray[np.float64]

ACROSS, UP = 0.25, 0.5  # percentage points: a cell
ROOM = 5.0  # percentage points to the right of the greatest MIPS bonus, for words
# From nearly white to nearly black, so that it is legible in grey.
DENSITY = LinearSegmentedColormap.from_list("density", ["#E8F1F8", "#7FB8DA", "#2A6FA8", "#0B1F33"])
LEAST, MOST = 5e-3, 20.0  # % of clinicians in a cell; with fewer it stays white

PLACES = {
    "penalty_under_asm_only": (0.985, 0.03, "right", "bottom"),
    "penalty_under_both": (0.02, 0.03, "left", "bottom"),
    "penalty_under_mips_only": (0.02, 0.97, "left", "top"),
    "penalty_under_neither": (0.985, 0.97, "right", "top"),
}
WORDS = {
    "penalty_under_asm_only": "penalty under\nASM only",
    "penalty_under_both": "penalty under both",
    "penalty_under_mips_only": "penalty under MIPS only",
    "penalty_under_neither": "penalty under\nneither",
}


@asks()
def plot(ds: xr.Dataset, form: str = "traditional", *, asked: Asked) -> Canvas:
    """A panel per year (first and last, down) and cohort (across): ASM up, MIPS in ``form`` across.

    Cells hold clinicians over all draws of the panel, in percent of them; on the dashed line both
    adjustments are the same. Each quadrant has its share of clinicians with its Monte Carlo error.
    Takes a run with a panel; raises :class:`InputError` for anything else and an unknown form.
    """
    panels = _panels(ds, form, asked)
    run = one_scenario(ds)
    rows = len({panel["performance_year"] for panel in panels})
    columns = len(panels) // rows
    with house_style():
        title = f"Each clinician's adjustment under ASM and under {mips.FORMS[form]}"
        figure = asked.new_figure(run, max(3.6 * columns, 6.0), 1.1 + 2.5 * rows, title)
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for panel, ax in zip(panels, axes.ravel(), strict=True):
            mesh = _draw(panel, ax)
        for panel, ax in zip(panels, axes[0], strict=False):
            panel_title(ax, cohort_title(run, panel["cohort"]))
        for ax in axes[-1]:
            ax.set_xlabel("Adjustment under MIPS (% of Part B)")
        figure.supylabel("Adjustment under ASM (% of Part B)")
        bar = figure.colorbar(mesh, ax=axes, aspect=40, pad=0.015, fraction=0.05)
        bar.set_label(
            f"Clinicians (% in a cell of {ACROSS:g} x {UP:g} percentage points)", fontsize=8
        )
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        bar.outline.set_visible(False)
        same = Line2D([], [], color=LAST_YEAR, linestyle="--", linewidth=1.1)
        same.set_label("the same adjustment under both")
        add_key(figure, [same])
    figure.plotted = {
        "mips_form": form,
        "panel_draws": run.sizes["draw_sample"],
        "panels": panels,
    }
    return figure


def _panels(ds: xr.Dataset, form: str, asked: Asked) -> list[dict[str, Any]]:
    """Counts and shares of each year and cohort."""
    panel, programs = open_panel(ds, "all", form)
    run = one_scenario(ds)
    years = [int(year) for year in run["performance_year"].values]
    asm, of_mips = (100.0 * panel.values[adjustment_of(program)] for program in programs)
    across, up = _edges(of_mips, ACROSS), _edges(asm, UP)
    shares = asked.of(mips.quadrants(run, "all", form)).isel(mips_form=0, group=0)
    panels = []
    for year in asked.first_and_last(run):
        for cohort in map(str, shares["cohort"].values):
            at = (slice(None), panel.of_cohort[cohort], years.index(year))
            counts, _, _ = np.histogram2d(of_mips[at].ravel(), asm[at].ravel(), [across, up])
            here = shares.sel(cohort=cohort, performance_year=year)
            panels.append(
                {
                    "cohort": cohort,
                    "performance_year": year,
                    "payment_year": int(run["payment_year"].sel(performance_year=year)),
                    "mips_adjustment_edges_percent": across,
                    "asm_adjustment_edges_percent": up,
                    "clinicians_percent": 100.0 * counts / max(counts.sum(), 1.0),
                    "quadrants": {
                        str(name): {
                            "share_percent": 100.0 * float(here["share"].sel(quadrant=name)),
                            "share_percent_mcse": 100.0
                            * float(here["share_mcse"].sel(quadrant=name)),
                        }
                        for name in here["quadrant"].values
                    },
                }
            )
    return panels


def _edges(values: npt.NDArray[Any], width: float) -> Floats:
    """Cells of one width from below the least to above the greatest value, zero an edge."""
    first = np.floor(float(values.min()) / width + 1e-6)
    last = np.floor(float(values.max()) / width + 1e-6) + 1.0
    edges = width * np.arange(min(first, -1.0), max(last, 1.0) + 1.0)
    edges[0] -= 1e-6  # what binary rounding leaves below
    return np.asarray(edges)


def _draw(panel: dict[str, Any], ax: Axes) -> QuadMesh:
    across, up = panel["mips_adjustment_edges_percent"], panel["asm_adjustment_edges_percent"]
    shares = np.where(panel["clinicians_percent"] >= LEAST, panel["clinicians_percent"], np.nan)
    mesh = ax.pcolormesh(across, up, shares.T, cmap=DENSITY, norm=LogNorm(LEAST, MOST))
    ax.axhline(0.0, color=INK, linewidth=0.9)
    ax.axvline(0.0, color=INK, linewidth=0.9)
    ends = [max(across[0], up[0]), min(across[-1], up[-1])]
    ax.plot(ends, ends, color=LAST_YEAR, linestyle="--", linewidth=1.1)
    ax.set_xlim(across[0] - 0.3, across[-1] + ROOM)
    height = up[-1] - up[0]
    ax.set_ylim(up[0] - 0.2 * height, up[-1] + 0.1 * height)
    for name, (x, y, horizontal, vertical) in PLACES.items():
        share = panel["quadrants"][name]
        number = written(share, "share")
        ax.text(
            x, y, f"{WORDS[name]}\n{number}", transform=ax.transAxes, fontsize=7.5, color=INK,
            ha=horizontal, va=vertical,
        )  # fmt: skip
    ax.annotate(
        f"{panel['performance_year']},\npaid in {panel['payment_year']}",
        (0.985, 0.0), (0, -4), xycoords=("axes fraction", "data"), textcoords="offset points",
        fontsize=7.5, fontweight="bold", ha="right", va="top",
    )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 3, 5, 10]))
        axis.set_major_formatter(FuncFormatter(signed))
    ax.grid(visible=False)
    return mesh
