"""What a practice inherits when it hires: adjustments that were earned elsewhere."""

from __future__ import annotations

import xarray as xr

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.by_year import Quantity, draw_by_year
from asm_sim.plots.figure import Canvas
from asm_sim.results.describe import one_scenario
from asm_sim.studies import hires

QUANTITIES = (
    Quantity(
        "Still to be paid\n(thousand USD a clinician)", "thousand_usd", 1e-3,
        {"dollars": "to one who moves", "dollars_staying": "to one who stays"},
    ),
    Quantity(
        "Movers who bring a loss\n(% of those who move)", "percent", 100.0,
        {"share_losing": "who bring a loss"},
    ),
)  # fmt: skip


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A column per cohort: what is still to be paid for performance elsewhere, and who has a loss.

    By the first performance year in the new practice: what the adjustments of the years before are
    worth that are yet to be paid, of who moves and of who stays; below, the share of the movers
    with a loss. Bars are two Monte Carlo standard errors either way. Takes a run in which some move
    (``movers-and-entrants``); raises :class:`InputError` as
    :func:`asm_sim.studies.hires.inherited` does.
    """
    run = one_scenario(ds)
    title = "What a clinician who changes practices brings along"
    return draw_by_year(run, hires.inherited(run), QUANTITIES, title, asked)
