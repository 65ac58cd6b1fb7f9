"""What is paid twice for the same savings: clinicians in accountable care organizations."""

from __future__ import annotations

import xarray as xr

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.by_year import Quantity, draw_by_year
from asm_sim.plots.figure import Canvas
from asm_sim.results.describe import one_scenario
from asm_sim.studies import overlap

QUANTITIES = (
    Quantity(
        "A year (million USD)", "million_usd", 1e-6,
        {
            "savings": "saved by organizations",
            "shared_savings": "paid to them of it",
            "adjustments": "paid more by the model to their clinicians",
            "others": "paid more by it to all others",
        },
    ),
)  # fmt: skip


@asks()
def plot(ds: xr.Dataset, without: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per cohort: savings of organizations, and what is paid for them, year by year.

    ``ds`` is a run with organizations that save (``aco-overlap``), ``without`` the same with
    effects of 0. Savings and what Medicare shares of them; what the model pays more to clinicians
    in organizations, and to all others, against a world in which organizations save nothing. Bars
    are two Monte Carlo standard errors either way. Raises :class:`InputError` as
    :func:`asm_sim.studies.overlap.double_incentive` does.
    """
    found = overlap.double_incentive(ds, without)
    title = "Two incentives for the same savings"
    return draw_by_year(one_scenario(ds), found, QUANTITIES, title, asked)
