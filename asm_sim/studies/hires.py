"""What a practice inherits when it hires: adjustments that a clinician has earned elsewhere.

The adjustment goes with the clinician's NPI. Who moves brings along what is still to be paid by
then: the adjustments of the performance years in the old practice whose payment years begin with
the move or later (42 CFR 512.750: two years after the performance year).

Every number is a mean over draws with its Monte Carlo standard error (``*_mcse``, same units).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.studies.estimates import PANEL, about, mean, named, needed, parameter, ratio, share_of
from asm_sim.studies.panel import SIGN_TOLERANCE

SCENARIO = "movers-and-entrants"
MOVES = "population.churn.move_share"
_NEEDED = (
    "panel_final_score", "panel_dollars", "panel_part_b", "panel_practice", "clinician_cohort",
)  # fmt: skip


def inherited(ds: xr.Dataset) -> xr.Dataset:
    """What hires bring along, by ``cohort`` and ``performance_year``: the first after the move.

    - ``hires``: clinicians who are in another practice than the year before and have a final score
      that is still to be paid for; not who has stopped practising
    - ``dollars``: adjustments of a hire that are still to be paid, USD
    - ``share_losing``: share of the hires who bring a loss
    - ``largest_loss``: loss of the hire who brings the largest, mean over draws, USD
    - ``dollars_staying``: what is still to be paid to one of the others, USD

    In the first year nobody has anything to bring. Raises :class:`InputError` for several
    scenarios and for results in which nobody moves.
    """
    run = needed(ds, _NEEDED, PANEL)
    if parameter(run, MOVES) == 0:
        raise InputError(
            f"nobody moves in these results ({MOVES} is 0); `asm-sim run {SCENARIO}` makes a run "
            "in which some do"
        )
    some = run[[*_NEEDED]].load()
    practice, years = some["panel_practice"], some["performance_year"]
    still, has_any = _still_to_be_paid(some)
    moved = practice != practice.shift(performance_year=1, fill_value=-1)
    hires, stay = moved & has_any, ~moved & has_any

    def by_cohort(values: xr.DataArray, how: str) -> xr.DataArray:
        grouped: xr.DataArray = getattr(values.groupby("clinician_cohort"), how)("clinician")
        return grouped.rename(clinician_cohort="cohort").sel(cohort=run["cohort"].values)

    def total(values: xr.DataArray) -> xr.DataArray:
        return by_cohort(values, "sum")

    count = total(hires.astype(np.float64))
    losing = total((hires & (still < -SIGN_TOLERANCE)).astype(np.float64))
    worst = by_cohort((-still.where(hires, 0.0)).clip(min=0.0), "max")
    later = count.performance_year > years[0]
    found = named("hires", mean(count.where(later), PANEL), "clinicians", "Clinicians who moved")
    for name, linear, units, words in (
        ("dollars", ratio(total(still.where(hires, 0.0)), count, PANEL), "USD",
         "Still to be paid to a hire for performance elsewhere"),
        ("share_losing", share_of(losing, count, PANEL), "fraction", "Share of hires with a loss"),
        ("largest_loss", mean(worst.where(later), PANEL), "USD", "Largest loss that a hire brings"),
        ("dollars_staying",
         ratio(total(still.where(stay, 0.0)), total(stay.astype(np.float64)), PANEL), "USD",
         "Still to be paid to one who stays"),
    ):  # fmt: skip
        found |= named(name, linear, units, words)
    return xr.Dataset(found, attrs=about(run) | {"panel_draws": run.sizes[PANEL]})


def _still_to_be_paid(run: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """USD of earlier performance years paid in this calendar year or later; if there are any."""
    years, paid_in = run["performance_year"].values, run["payment_year"].values
    dollars = run["panel_dollars"].astype(np.float64)
    scored = run["panel_final_score"].notnull() & (run["panel_part_b"] > 0)
    sums, any_score = [], []
    for year in years:
        at = {"performance_year": (years < year) & (paid_in >= year)}
        sums.append(dollars.isel(at).sum("performance_year"))
        any_score.append(scored.isel(at).any("performance_year"))
    by_year = run["performance_year"]
    return xr.concat(sums, by_year), xr.concat(any_score, by_year)
