"""Volatility: how a clinician's adjustment moves over the years, and what that is in dollars.

Every number is a mean over draws with its Monte Carlo standard error (``*_mcse``, same units).
Means and shares of groups are over clinicians and draws, so that groups weighted by their
clinicians add up to all; spreads over clinicians are the mean over draws of each draw's.
The adjustment of a clinician without a final score is what is paid: 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.clinicians import EVERYBODY
from asm_sim.results.ranges import QUANTILES
from asm_sim.studies.estimates import (
    PANEL,
    Floats,
    about,
    limits,
    mean,
    mean_share,
    named,
    needed,
    ratio,
    root,
    share_of,
)
from asm_sim.studies.panel import SIGN_TOLERANCE, Measured, Panel, View, read

LOSSES = (10_000.0, 25_000.0, 50_000.0)  # USD
PRACTICE_SIZE = "practice_size"

_YEAR_TO_YEAR = {
    "rank_correlation": ("1", "Rank correlation of the adjustment with the year before"),
    "sign_change_share": ("fraction", "Share with another sign than the year before"),
    "adjustment_change_sd": ("fraction", "SD over clinicians of the change from the year before"),
}
_MONEY = {
    "dollars": "Adjustment in dollars of the payment year",
    "cumulated": "Dollars since the first payment year",
}


def over_the_years(ds: xr.Dataset) -> xr.Dataset:
    """How much one clinician's adjustment varies over the years, by cohort and group.

    Dims (cohort, group). ``within_clinician_sd`` (fraction) is the mean over clinicians of the
    sample SD of their adjustments over the years, ``within_clinician_sd_quantile`` (quantile,
    cohort, group) its quantiles over clinicians, ``within_clinician_rms`` (fraction) the root of
    the mean variance; ``sign_change_share`` (fraction) the share of pairs of neighbouring years,
    with a final score in both, of which one has a penalty and the other none. ``clinicians`` is the
    mean number. From the panel.

    Raises :class:`InputError` for several scenarios, without panel, and for a single year.
    """
    panel = read(ds, ["adjustment", "final_score"])
    _need_years(panel.coordinates["performance_year"].size)

    def measure(view: View) -> Measured:
        adjustment, scored = view["adjustment"], np.isfinite(view["final_score"])
        penalty = adjustment < -SIGN_TOLERANCE
        pairs = scored[:, 1:] & scored[:, :-1]
        changes = pairs & (penalty[:, 1:] != penalty[:, :-1])
        spread = adjustment.std(axis=1, ddof=1)
        quantiles = [_quantiles(spread[inside]) for inside in view.groups()]
        return {
            "count": (("group",), view.count),
            "sd": (("group",), view.total(spread)),
            "variance": (("group",), view.total(spread**2)),
            "pairs": (("group",), view.total(pairs.sum(axis=1))),
            "changes": (("group",), view.total(changes.sum(axis=1))),
            "sd_quantile": (("group", "quantile"), np.array(quantiles)),
        }

    sums = panel.collect(measure).assign_coords(quantile=list(QUANTILES))
    count = sums["count"]
    parts = (
        named("clinicians", mean(count, PANEL), "clinicians", "Clinicians in the group")
        | named(
            "within_clinician_sd", ratio(sums["sd"], count, PANEL), "fraction",
            "SD over the years of a clinician's adjustment, mean over clinicians",
        )
        | named(
            "within_clinician_rms", root(ratio(sums["variance"], count, PANEL)), "fraction",
            "Root of the mean variance over the years of a clinician's adjustment",
        )
        | named(
            "within_clinician_sd_quantile", mean(sums["sd_quantile"], PANEL), "fraction",
            "SD over the years of a clinician's adjustment, quantile over clinicians",
        )
        | named(
            "sign_change_share", share_of(sums["changes"], sums["pairs"], PANEL), "fraction",
            "Share of clinicians with another sign than the year before, all years",
        )
    )  # fmt: skip
    return xr.Dataset(parts, attrs=panel.attrs).transpose("quantile", "cohort", "group")


def year_to_year(ds: xr.Dataset) -> xr.Dataset:
    """From one year to the next, by cohort and performance year from the second on, all draws.

    ``rank_correlation`` (1: Spearman's, of clinicians with a final score in both years, ties at
    their mean rank; for normal values of correlation r it is 6/pi arcsin(r/2), a little less),
    ``sign_change_share`` (fraction of clinicians with a final score in both) and
    ``adjustment_change_sd`` (fraction), and of each the mean over the years ``*_all_years``
    (cohort).

    Raises :class:`InputError` for several scenarios, a single year, or results without them.
    """
    run = needed(ds, tuple(_YEAR_TO_YEAR))
    _need_years(run.sizes["performance_year"])
    later = run[list(_YEAR_TO_YEAR)].isel(performance_year=slice(1, None)).load()
    parts: dict[str, xr.DataArray] = {}
    for name, (units, words) in _YEAR_TO_YEAR.items():
        of_draws = mean_share if units == "fraction" and words.startswith("Share") else mean
        parts |= named(name, of_draws(later[name]), units, words)
        parts |= named(
            f"{name}_all_years",
            of_draws(later[name].mean("performance_year", skipna=False)),
            units,
            f"{words}, mean over the years",
        )
    return xr.Dataset(parts, attrs=about(run))


def transitions(ds: xr.Dataset) -> xr.Dataset:
    """From a quintile of the adjustment to the quintile a year later, all draws and years.

    ``transition`` (cohort, from_quintile, to_quintile; 1 = lowest adjustments): shares of the
    clinicians of a quintile (fraction), which sum to 1 over ``to_quintile``.

    Raises :class:`InputError` for several scenarios, and for results without them.
    """
    run = needed(ds, ("quintile_transition",))
    found = mean_share(run["quintile_transition"].load())
    words = "Share of a quintile of the adjustment that is in each quintile a year later"
    return xr.Dataset(named("transition", found, "fraction", words), attrs=about(run))


def penalty_years(ds: xr.Dataset) -> xr.Dataset:
    """Probability of 0, 1, ... years with a penalty, by cohort and group, all draws.

    ``probability`` (cohort, group, n_years; fraction), which sums to 1 over ``n_years``; a year
    without a final score is one without a penalty. ``expected_years`` (cohort, group; years) is its
    mean.

    Raises :class:`InputError` for several scenarios, and for results without them.
    """
    run = needed(ds, ("penalty_years", "clinicians_by_group"))
    count = run["clinicians_by_group"].isel(performance_year=0, drop=True).load()
    number = (run["penalty_years"].load() * count).where(count > 0, 0.0)
    expected = (number * run["n_years"]).sum("n_years", skipna=False)
    words = "Years with a penalty, mean over clinicians"
    parts = named(
        "probability", share_of(number, count), "fraction",
        "Probability of this number of years with a penalty",
    ) | named("expected_years", ratio(expected, count), "years", words)  # fmt: skip
    return xr.Dataset(parts, attrs=about(run)).transpose("cohort", "group", "n_years")


def dollars(ds: xr.Dataset, losses: Sequence[float] = LOSSES) -> xr.Dataset:
    """What the adjustments are in USD per clinician, by cohort, performance year and group.

    ``payment_year`` is a coordinate along ``performance_year``. ``dollars`` is the mean of a
    payment year, ``cumulated`` that of the sum since the first one; of each ``*_sd`` over
    clinicians and ``*_quantile`` (dim ``quantile``). ``loss_probability`` (dim ``loss``, USD) is
    the share of clinicians who by that payment year have together lost more than ``loss``.
    ``clinicians`` is the mean number. One who has left practice gets and loses nothing from then
    on, but still counts. From the panel, on Part B of the payment year.

    Raises :class:`InputError` for several scenarios, without panel, and for a loss below zero.
    """
    return _money(read(ds, ["dollars"]), "clinicians", _losses(losses))


def practice_dollars(ds: xr.Dataset, losses: Sequence[float] = LOSSES) -> xr.Dataset:
    """:func:`dollars` per practice: sums over its clinicians of both cohorts.

    Dims ``performance_year`` and ``group``, of which only all practices and the practice sizes are
    kept; ``practices`` is their mean number. A practice is who is listed together at the start.
    Raises as :func:`dollars`, and for results without groups by practice size.
    """
    panel = read(ds, ["dollars"], [EVERYBODY, PRACTICE_SIZE])
    return _money(panel.by_practice(), "practices", _losses(losses)).isel(cohort=0, drop=True)


def _money(panel: Panel, who: str, losses: xr.DataArray) -> xr.Dataset:
    """Of the ``dollars`` of a year and since the first one: means, spreads, quantiles, losses."""

    def measure(view: View) -> Measured:
        # [kind, rows, years]
        both = np.stack([view["dollars"], np.cumsum(view["dollars"], axis=1)])
        lost = both[1] < -losses.values[:, np.newaxis, np.newaxis]
        of_groups = [both[:, inside] for inside in view.groups()]
        dims = ("group", "kind", "performance_year")
        return {
            "count": (("group",), view.count),
            "total": (("kind", *dims[::2]), view.total(both, 1)),
            "sd": (dims, np.array([_sd(values) for values in of_groups])),
            "quantiles": (
                ("group", "quantile", *dims[1:]),
                np.array([_quantiles(values, axis=1) for values in of_groups]),
            ),
            "lost": (("loss", *dims[::2]), view.total(lost, 1)),
        }

    found = panel.collect(measure).assign_coords(quantile=list(QUANTILES), loss=losses["loss"])
    count = found["count"]
    parts = named(who, mean(count, PANEL), who, f"Number of {who}")
    for kind, (name, words) in enumerate(_MONEY.items()):
        of_kind = found.isel(kind=kind)
        for ending, estimate, of_what in (
            ("", ratio(of_kind["total"], count, PANEL), "mean"),
            ("_sd", mean(of_kind["sd"], PANEL), "SD"),
            ("_quantile", mean(of_kind["quantiles"], PANEL), "quantile"),
        ):
            parts |= named(f"{name}{ending}", estimate, "USD", f"{words}, {of_what} over {who}")
    parts |= named(
        "loss_probability", share_of(found["lost"], count, PANEL), "fraction",
        f"Share of {who} who have lost more than this since the first payment year",
    )  # fmt: skip
    result = xr.Dataset(parts, attrs=panel.attrs)
    return result.transpose("quantile", "loss", "cohort", "performance_year", "group")


def _quantiles(values: Floats, axis: int = 0) -> Floats:
    """:data:`QUANTILES` along an axis, which is the first of the result; nan of nobody."""
    if not values.shape[axis]:
        return np.full((len(QUANTILES), *np.delete(values.shape, axis)), np.nan)
    return np.asarray(np.quantile(values, QUANTILES, axis=axis))


def _sd(values: Floats) -> Floats:
    """Over the second axis; nan of fewer than two."""
    shape = (values.shape[0], *values.shape[2:])
    return values.std(axis=1, ddof=1) if values.shape[1] > 1 else np.full(shape, np.nan)


def _losses(losses: Sequence[float]) -> xr.DataArray:
    return limits("loss", losses, "USD", "Loss since the first payment year")


def _need_years(years: int) -> None:
    if years < 2:
        raise InputError("these results are of one performance year; volatility needs two or more")
