"""What Medicare keeps, step by step: from the nominal savings to the actual ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    BONUS,
    FIRST_YEAR,
    INK,
    PENALTY,
    QUIET,
    Canvas,
    add_key,
    house_style,
    panel_title,
    typeset,
)
from asm_sim.plots.parts import BAND, OF_DRAWS, band_of, band_words, number_of, paid_in
from asm_sim.results.describe import cohort_title, one_scenario
from asm_sim.results.ranges import Numbers, answer_of
from asm_sim.results.statistics import PLUS_MINUS, USD_PER_MILLION
from asm_sim.results.terminal import BESIDE, cell
from asm_sim.studies import savings

BAR = 0.62
LONGEST = 20  # characters on one line behind a bar
# Room to the right of the longest bar for its number, of the width of the panel.
MARGIN = 0.42
NARROWEST = 7.0  # inches, for the key
ERROR: dict[str, Any] = {"linewidth": 5, "solid_capstyle": "butt"}  # as long as it is, no longer

# Names of the steps and their labels; ``{kept}`` is 1 - the redistribution share.
STEPS = {
    "nominal": "{kept} of the amount at risk,\nall listed clinicians",
    "without_final_score": "clinicians outside\nthe pool",
    "on_performance_year": "kept, on Part B of\nthe performance year",
    "change_of_part_b": "change of Part B until\nthe payment year",
    "exits": "stopped practising\nbefore the payment year",
    "actual": "kept, on Part B of\nthe payment year",
}
CHANGES = ("without_final_score", "change_of_part_b", "exits")


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per cohort: the steps down, millions of USD over all years across.

    Amounts start at zero, changes where the step before ends. Bars are means over draws. The thin
    line at a bar's end is the 90 % range over open draws, in which everything is drawn that nobody
    knows, where there are such draws; else it runs from the 5th to the 95th percentile of draws
    (how far one history is from another), and the thick line is two Monte Carlo standard errors
    either way. Where open draws read the rule so that zero scorers are outside the pool's base, the
    step of clinicians outside the pool holds what they do not get back, beside who has no score.
    """
    ds = asked.of(one_scenario(ds))
    panels = _panels(ds)
    with house_style():
        title = f"What Medicare keeps, payment years {paid_in(ds)}"
        figure = asked.new_figure(ds, max(1.5 + 3.1 * len(panels), NARROWEST), 4.0, title)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, ax)
            panel_title(ax, cohort_title(ds, panel["cohort"]))
        _scale(panels, axes[0])
        axes[0].set_yticks(range(len(STEPS)), [_label(step, ds) for step in STEPS])
        axes[0].invert_yaxis()
        add_key(figure, _key(ds, panels))
    figure.plotted = {"panels": panels}
    return figure


def _panels(ds: xr.Dataset) -> list[dict[str, Any]]:
    """Per cohort, each step's mean, error and range (or percentiles over draws), in million USD."""
    low, high = _by_draw(ds).quantile(BAND, "draw")
    found = answer_of(ds, lambda part: _by_draw(part, any_pool=True))
    panels = []
    for cohort in ds["cohort"].values:
        rows = []
        for name in STEPS:
            at = {"step": name, "cohort": cohort}
            numbers = found.at(**at)
            row: dict[str, Any] = {"step": name, "million_usd": numbers.value}
            row["million_usd_mcse"] = numbers.mcse
            if numbers.has_range:
                named = dict(zip(Numbers._fields, numbers, strict=True))
                row |= {f"million_usd_{key}": named[key] for key in Numbers._fields[2:]}
            else:
                row |= {
                    f"million_usd_{key}": float(end.sel(at))
                    for key, end in zip(OF_DRAWS, (low, high), strict=True)
                }
            rows.append(row)
        panels.append({"cohort": str(cohort), "steps": rows})
    return panels


def _by_draw(ds: xr.Dataset, any_pool: bool = False) -> xr.DataArray:
    """Each step by draw and cohort, million USD over all years."""
    steps = savings.steps_by_draw(ds, any_pool=any_pool)
    return steps.sum("performance_year") / USD_PER_MILLION


def _label(step: str, ds: xr.Dataset) -> str:
    """The words for a step; the share that is kept where it is the same in all years."""
    kept = np.unique(savings.kept_share(ds).values)
    share = f"{100.0 * kept[0]:.3g} %" if len(kept) == 1 else "nominal share"
    return STEPS[step].format(kept=share)


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    level = 0.0
    for position, row in enumerate(panel["steps"]):
        value, error = row["million_usd"], row["million_usd_mcse"]
        is_change = row["step"] in CHANGES
        start = level if is_change else 0.0
        level = start + value
        colour = BONUS if not is_change else PENALTY if value < 0 else FIRST_YEAR
        ax.barh(position, value, BAR, left=start, color=colour)
        low, high = (start + end for end in band_of(row, "million_usd"))
        ax.plot([low, high], [position, position], color=QUIET, linewidth=0.9)
        if np.isfinite(error) and not _numbers(row).has_range:
            ends_of_error = [level - 2 * error, level + 2 * error]
            ax.plot(ends_of_error, [position] * 2, color=INK, **ERROR)
        if position:
            ax.plot([start if is_change else level] * 2, [position - 1 + BAR / 2,
                    position - BAR / 2], color=INK, linewidth=0.6)  # fmt: skip
        ax.annotate(
            _number(row, is_change), (max(start, level, high), position), (5, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    ax.axvline(0.0, color=INK, linewidth=0.9)
    ax.set_xlabel("Kept over all years (million USD)")
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.tick_params(axis="y", length=0)


def _scale(panels: list[dict[str, Any]], ax: Axes) -> None:
    rows = [row for panel in panels for row in panel["steps"] if row["step"] not in CHANGES]
    ends = [band_of(row, "million_usd") for row in rows]
    highest = max(high for _, high in ends)
    lowest = min(0.0, *(low for low, _ in ends))
    ax.set_xlim(lowest, max(highest, 1e-3) / (1.0 - MARGIN))
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _key(ds: xr.Dataset, panels: list[dict[str, Any]]) -> list[Line2D | Patch]:
    changes = [
        row["million_usd"] for panel in panels for row in panel["steps"] if row["step"] in CHANGES
    ]
    keys: list[Line2D | Patch] = [Patch(color=BONUS, label="amount")]
    if min(changes) < 0:
        keys.append(Patch(color=PENALTY, label="taken away"))
    if max(changes) > 0:
        keys.append(Patch(color=FIRST_YEAR, label="added"))
    error = Line2D([], [], color=INK, **ERROR, label=f"{PLUS_MINUS}2 standard errors")
    band = Line2D([], [], color=QUIET, linewidth=0.9, label=band_words(ds))
    ranged = _numbers(panels[0]["steps"][0]).has_range
    return [*keys, *([] if ranged else [error]), band]


def _numbers(row: dict[str, Any]) -> Numbers:
    values = {"mean": row["million_usd"]}
    return number_of(
        values | {name: row.get(f"million_usd_{name}", math.nan) for name in Numbers._fields[1:]}
    )


def _number(row: dict[str, Any], is_change: bool) -> str:
    """A step's mean with its range or its error; a change with its sign."""
    numbers = _numbers(row)
    written = cell(numbers, BESIDE, errors=False)
    digits = written.partition(" ")[0]
    above = is_change and numbers.value > 0 and any(digit in "123456789" for digit in digits)
    written = written.replace(" (", "\n(") if len(written) > LONGEST else written
    return typeset(f"{'+' if above else ''}{written}")
