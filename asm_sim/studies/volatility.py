"""Volatility: how a clinician's adjustment moves over the years, and what that is in dollars.

Every number is a mean over draws with its Monte Carlo standard error (``*_mcse``, same units).
Means and shares of groups are over clinicians and draws, so that groups weighted by their
clinicians add up to all; spreads over clinicians are the mean over draws of each draw's.
The adjustment of a clinician without a final score is what is paid: 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import one_scenario
from asm_sim.results.statistics import Estimate
from asm_sim.studies.panel import (
    DRAW,
    SIGN_TOLERANCE,
    Floats,
    Panel,
    about,
    estimates,
    indicator,
    mean,
    ratio,
    read,
    sums_by_group,
    with_coordinates,
)

LOSSES = (10_000.0, 25_000.0, 50_000.0)  # USD
QUANTILES = (0.05, 0.5, 0.95)
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

    ``within_clinician_sd`` (fraction) is the mean over clinicians of the sample SD of their
    adjustments over the years, ``within_clinician_sd_quantile`` (quantile, cohort, group) its
    quantiles over clinicians, ``within_clinician_rms`` the square root of the mean variance;
    ``sign_change_share`` the share of pairs of neighbouring years, with a final score in both, of
    which one has a penalty and the other none. ``clinicians`` is the mean number. From the panel.

    Raises :class:`InputError` for several scenarios, without panel, and for a single year.
    """
    panel = read(ds, ["adjustment", "final_score"])
    _need_years(panel.coordinates["performance_year"].size)

    def columns(draw: int, cohort: str) -> Floats:
        adjustment = panel.of("adjustment", draw, cohort)
        scored = np.isfinite(panel.of("final_score", draw, cohort))
        penalty = adjustment < -SIGN_TOLERANCE
        pairs = scored[:, 1:] & scored[:, :-1]
        changes = pairs & (penalty[:, 1:] != penalty[:, :-1])
        spread = adjustment.std(axis=1, ddof=1)
        parts = [np.ones(len(spread)), spread, spread**2, pairs.sum(axis=1), changes.sum(axis=1)]
        return np.stack(parts, axis=1)

    sums = sums_by_group(panel, columns, {"sum": ["count", "sd", "variance", "pairs", "changes"]})
    count, sd, variance, pairs, changes = (sums.isel(sum=k, drop=True) for k in range(5))
    squared = ratio(variance, count)
    rms = squared.mean**0.5
    parts = (
        estimates("clinicians", mean(count), "clinicians", "Clinicians in the group")
        | estimates(
            "within_clinician_sd", ratio(sd, count), "fraction",
            "SD over the years of a clinician's adjustment, mean over clinicians",
        )
        | estimates(
            "within_clinician_rms", Estimate(rms, squared.mcse / (2 * rms.where(rms > 0))),
            "fraction", "Root of the mean variance over the years of a clinician's adjustment",
        )
        | estimates(
            "within_clinician_sd_quantile", mean(_sd_quantiles(panel)), "fraction",
            "SD over the years of a clinician's adjustment, quantile over clinicians",
        )
        | estimates(
            "sign_change_share", ratio(changes, pairs), "fraction",
            "Share of clinicians with another sign than the year before, all years",
        )
    )  # fmt: skip
    return with_coordinates(xr.Dataset(parts, attrs=panel.attrs), panel.coordinates)


def year_to_year(ds: xr.Dataset) -> xr.Dataset:
    """From one year to the next, by cohort and performance year from the second on, all draws.

    ``rank_correlation`` (Spearman, 1), ``sign_change_share`` (fraction of clinicians with a final
    score in both) and ``adjustment_change_sd`` (fraction), and of each the mean over the years
    ``*_all_years`` (cohort).

    Raises :class:`InputError` for several scenarios, a single year, or results without them.
    """
    run = _with(ds, tuple(_YEAR_TO_YEAR))
    _need_years(run.sizes["performance_year"])
    later = run[list(_YEAR_TO_YEAR)].isel(performance_year=slice(1, None)).load()
    parts: dict[str, xr.DataArray] = {}
    for name, (units, words) in _YEAR_TO_YEAR.items():
        parts |= estimates(name, mean(later[name], "draw"), units, words)
        parts |= estimates(
            f"{name}_all_years",
            mean(later[name].mean("performance_year", skipna=False), "draw"),
            units,
            f"{words}, mean over the years",
        )
    return xr.Dataset(parts, attrs=about(run))


def transitions(ds: xr.Dataset) -> xr.Dataset:
    """From a quintile of the adjustment to the quintile a year later, all draws and years.

    ``transition`` (cohort, from_quintile, to_quintile; 1 = lowest adjustments): shares of the
    clinicians of a quintile, which sum to 1 over ``to_quintile``. Raises :class:`InputError`.
    """
    run = _with(ds, ("quintile_transition",))
    found = mean(run["quintile_transition"].load(), "draw")
    words = "Share of a quintile of the adjustment that is in each quintile a year later"
    return xr.Dataset(estimates("transition", found, "fraction", words), attrs=about(run))


def penalty_years(ds: xr.Dataset) -> xr.Dataset:
    """Probability of 0, 1, ... years with a penalty, by cohort and group, all draws.

    ``probability`` (cohort, group, n_years), which sums to 1 over ``n_years``; a year without a
    final score is one without a penalty. ``expected_years`` (cohort, group) is its mean.
    Raises :class:`InputError`.
    """
    run = _with(ds, ("penalty_years", "clinicians_by_group"))
    count = run["clinicians_by_group"].isel(performance_year=0, drop=True).load()
    share = run["penalty_years"].load()
    number = (share * count).where(count > 0, 0.0)
    expected = (number * run["n_years"]).sum("n_years", skipna=False)
    words = "Years with a penalty, mean over clinicians"
    parts = estimates(
        "probability", ratio(number, count, "draw"), "fraction",
        "Probability of this number of years with a penalty",
    ) | estimates("expected_years", ratio(expected, count, "draw"), "years", words)  # fmt: skip
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
    panel, limits = read(ds, ["dollars"]), _limits(losses)
    of_draws = [
        [
            _money(
                panel.of("dollars", draw, cohort),
                panel.membership[draw, positions],
                len(panel.groups),
                limits,
            )
            for cohort, positions in panel.of_cohort.items()
        ]
        for draw in range(panel.draws)
    ]
    stacked = {
        name: np.array([[cohort[name] for cohort in draw] for draw in of_draws])
        for name in of_draws[0][0]
    }
    first = {"cohort": list(panel.of_cohort), "group": panel.groups}
    return _money_summary(stacked, first, "clinicians", limits, panel)


def practice_dollars(ds: xr.Dataset, losses: Sequence[float] = LOSSES) -> xr.Dataset:
    """:func:`dollars` per practice: sums over its clinicians of both cohorts.

    Dims ``performance_year`` and ``group``, of which only all practices and the practice sizes are
    kept; ``practices`` is their mean number. A practice is who is listed together at the start.
    """
    panel, limits = read(ds, ["dollars"]), _limits(losses)
    if PRACTICE_SIZE not in panel.groupings:
        raise InputError(
            "the results do not group clinicians by practice_size; run the scenario again"
        )
    size = panel.groupings.index(PRACTICE_SIZE)
    _, first, practice = np.unique(panel.practice, return_index=True, return_inverse=True)
    of_practice = indicator(practice[:, np.newaxis], len(first))
    found = []
    for draw in range(panel.draws):
        summed = of_practice @ panel.values["dollars"][draw].astype(np.float64)
        membership = panel.membership[draw][first][:, [0, size]]
        found.append(_money(summed, membership, len(panel.groups), limits))
    stacked = {name: np.array([draw[name] for draw in found]) for name in found[0]}
    result = _money_summary(stacked, {"group": panel.groups}, "practices", limits, panel)
    kept = [name == "all" or name.startswith(f"{PRACTICE_SIZE}: ") for name in panel.groups]
    return result.isel(group=np.flatnonzero(kept))


def _money(
    amounts: Floats, membership: npt.NDArray[np.int16], groups: int, limits: Floats
) -> dict[str, Floats]:
    """One draw's counts, sums, SDs, quantiles and losses by group of [rows, years] USD."""
    both = np.stack([amounts, np.cumsum(amounts, axis=1)])  # [2, rows, years]
    members = indicator(membership, groups)
    shape = (2, amounts.shape[1])
    sd = np.full((groups, *shape), np.nan)
    quantile = np.full((groups, len(QUANTILES), *shape), np.nan)
    lost = np.zeros((groups, len(limits), shape[1]))
    for g in range(groups):
        inside = both[:, members.indices[members.indptr[g] : members.indptr[g + 1]]]
        if inside.shape[1]:
            quantile[g] = np.quantile(inside, QUANTILES, axis=1)
        if inside.shape[1] > 1:
            sd[g] = inside.std(axis=1, ddof=1)
        for t, limit in enumerate(limits):
            lost[g, t] = (inside[1] < -limit).sum(axis=0)
    total = np.stack([members @ part for part in both], axis=1)
    count: Floats = np.diff(members.indptr).astype(np.float64)
    return {"count": count, "total": total, "sd": sd, "quantile": quantile, "lost": lost}


def _money_summary(
    found: dict[str, Floats], first: dict[str, list[str]], who: str, limits: Floats, panel: Panel
) -> xr.Dataset:
    """Estimates over draws of what :func:`_money` found, dims ``draw_sample`` and ``first``."""
    years: dict[str, npt.ArrayLike] = {
        "performance_year": panel.coordinates["performance_year"].values
    }
    kinds: dict[str, npt.ArrayLike] = {"kind": list(_MONEY), **years}

    def array(name: str, dims: dict[str, npt.ArrayLike]) -> xr.DataArray:
        coords = {**first, **dims}
        return xr.DataArray(found[name], dims=(DRAW, *coords), coords=coords)

    count, total, sd = array("count", {}), array("total", kinds), array("sd", kinds)
    quantile = array("quantile", {"quantile": list(QUANTILES), **kinds})
    lost = array("lost", {"loss": limits, **years})
    parts = estimates(who, mean(count), who, f"Number of {who}")
    for kind, words in _MONEY.items():
        at = {"kind": kind}
        for name, estimate, of_what in (
            (kind, ratio(total.sel(at, drop=True), count), "mean"),
            (f"{kind}_sd", mean(sd.sel(at, drop=True)), "SD"),
            (f"{kind}_quantile", mean(quantile.sel(at, drop=True)), "quantile"),
        ):
            parts |= estimates(name, estimate, "USD", f"{words}, {of_what} over {who}")
    parts |= estimates(
        "loss_probability", ratio(lost, count), "fraction",
        f"Share of {who} who have lost more than this since the first payment year",
    )  # fmt: skip
    result = with_coordinates(xr.Dataset(parts, attrs=panel.attrs), panel.coordinates)
    result["loss"].attrs.update(units="USD", long_name="Loss since the first payment year")
    return result.transpose("quantile", "loss", "cohort", ..., "group", missing_dims="ignore")


def _sd_quantiles(panel: Panel) -> xr.DataArray:
    """Quantiles over clinicians of their SD over the years: draw, quantile, cohort, group."""
    shape = (panel.draws, len(QUANTILES), len(panel.of_cohort), len(panel.groups))
    found = np.full(shape, np.nan)
    for d in range(panel.draws):
        for c, cohort in enumerate(panel.of_cohort):
            spread = panel.of("adjustment", d, cohort).std(axis=1, ddof=1)
            members = panel.members(d, cohort)
            for g in range(len(panel.groups)):
                inside = spread[members.indices[members.indptr[g] : members.indptr[g + 1]]]
                if inside.size:
                    found[d, :, c, g] = np.quantile(inside, QUANTILES)
    coords = {
        "quantile": list(QUANTILES), "cohort": list(panel.of_cohort), "group": panel.groups,
    }  # fmt: skip
    return xr.DataArray(found, dims=(DRAW, *coords), coords=coords)


def _with(ds: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    """One scenario, sure to hold these variables."""
    run = one_scenario(ds)
    missing = [name for name in names if name not in run]
    if missing:
        raise InputError(
            f"the results hold no {', '.join(missing)}, which this study needs; `asm-sim run "
            "baseline` makes a run that has all"
        )
    return run


def _need_years(years: int) -> None:
    if years < 2:
        raise InputError("these results are of one performance year; volatility needs two or more")


def _limits(losses: Sequence[float]) -> Floats:
    limits = np.atleast_1d(np.asarray(losses, dtype=np.float64))
    if not (np.isfinite(limits).all() and (limits >= 0).all() and limits.size):
        raise InputError(f"losses are {list(losses)!r}; give USD, zero or more, as positive")
    return limits
