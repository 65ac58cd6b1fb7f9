"""How different the model would be had other areas been drawn."""

from __future__ import annotations

import xarray as xr

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.by_year import Quantity, draw_by_year
from asm_sim.plots.figure import Canvas
from asm_sim.results.describe import one_scenario
from asm_sim.studies import geography

QUANTITIES = (
    Quantity(
        "SD of one clinician's\nadjustment (% of Part B)", "percent", 100.0,
        {"own_adjustment_sd": "one clinician's adjustment"},
    ),
    Quantity(
        "SD of the share with\na penalty (% of clinicians)", "percent", 100.0,
        {"share_negative_sd": "share with a penalty"},
    ),
)  # fmt: skip


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A column per cohort: standard deviations over draws that differ by their areas alone.

    Above of one clinician's adjustment, below of the share of clinicians with a penalty. Bars are
    two Monte Carlo standard errors either way. Takes a run of ``areas-redrawn``; raises
    :class:`InputError` as :func:`asm_sim.studies.geography.redrawn` does.
    """
    run = one_scenario(ds)
    found = geography.redrawn(run, ["share_negative"])
    title = "The same clinicians and performance, had other areas been drawn"
    return draw_by_year(run, found, QUANTITIES, title, asked)
