"""The 15 % savings: what Medicare keeps of the payments that the model puts at risk.

Of the amount at risk, the risk level R times Part B, the share rho (85 %) is paid back as the
incentive pool (42 CFR 512.750(c)(1)). Medicare keeps (1 - rho) R of the Part B payments that count,
whatever the scores: an identity, not a finding. What varies is which payments count. Only payment
adjustments are meant; what care itself costs, and whether it changes, is not in these numbers.

Every number is a mean over draws with its Monte Carlo standard error (``*_mcse``, same units);
differences are paired within draw.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.compare import reference_of
from asm_sim.results.describe import one_scenario
from asm_sim.results.ranges import quantiles
from asm_sim.results.registry import YEARLY_DIMS
from asm_sim.results.scenarios import (
    SCENARIO,
    SCENARIO_HASH,
    by_axis,
    position_of,
    scenario_of,
)
from asm_sim.studies.estimates import (
    PART_B_EXAMPLE,
    RISK,
    TOTALS,
    Floats,
    about,
    by_year,
    check_amount,
    check_logistic,
    check_sweep,
    exchange_form,
    has_neutral_band,
    mean,
    named,
    needed,
)
from asm_sim.studies.published import published

SHARE = "rules.payment.redistribution_share"
SWEEP = "redistribution-by-risk"

STEPS = {
    "nominal": "(1 - rho) x R x Part B of all listed clinicians",
    "without_final_score": "less what clinicians without a final score take out of it",
    "on_performance_year": "kept, on Part B of the performance year",
    "change_of_part_b": "change of Part B from the performance year to the payment year",
    "exits": "less what those would have paid or got who stop practising before the payment year",
    "actual": "kept, on Part B of the payment year",
}

_KEPT, _KEPT_PAID = "retained_by_medicare", "retained_by_medicare_payment_year"
_BEFORE_EXITS = "retained_by_medicare_before_exits"
_AT_RISK, _PART_B = "amount_at_risk", "part_b_payments"
_MONEY = (_PART_B, _AT_RISK, _KEPT, _BEFORE_EXITS, _KEPT_PAID)
_LEVER_OUTCOMES = ("share_negative", "break_even_score")
# What the kept money may differ by from (1 - rho) x the amount at risk, of the amount at risk.
_IDENTITY = 1e-6


def nominal_savings(part_b_payments: Any, risk_level: Any, redistribution_share: Any) -> Any:
    """(1 - rho) R P in the units of ``part_b_payments``, numbers or arrays (42 CFR 512.750).

    With a redistribution share of 0 it is the amount at stake downward: 500,000 USD of Part B at
    9 % put 45,000 USD at stake.
    """
    return (1.0 - redistribution_share) * risk_level * part_b_payments


def steps(ds: xr.Dataset) -> xr.Dataset:
    """From the nominal savings to the actual ones, in USD.

    Dim ``step`` is :data:`STEPS`: ``nominal`` + ``without_final_score`` = ``on_performance_year``
    (which is (1 - rho) x the amount at risk), + ``change_of_part_b`` + ``exits`` = ``actual``;
    ``step_title`` says each in words. Whoever stops practising before the payment year
    (``population.departure.exit_share`` a year) has no payments to be adjusted there.

    Returns ``savings`` (step, cohort, performance_year; ``payment_year`` a coordinate) and its sums
    ``savings_all_years`` (step, cohort), ``savings_all_cohorts`` (step, performance_year) and
    ``savings_total`` (step), each with ``*_mcse``. The sums also have ``*_quantile`` over draws
    (5 %, 50 %, 95 %): how much one history differs from another, not how sure the mean is. Their
    own errors ``*_quantile_mcse`` are nan where there are too few draws to tell. The step
    ``without_final_score`` is that of very few clinicians, in some draws of none: its error is too
    small where few draws have one.

    Raises :class:`InputError` for several scenarios, for results without Part B of all clinicians,
    and for rules under which Medicare does not keep (1 - rho) of the amount at risk.
    """
    run = _loaded(ds, _MONEY)
    return _summary(_steps_by_draw(run), run)


def steps_by_draw(ds: xr.Dataset, *, any_pool: bool = False) -> xr.DataArray:
    """Every step of :func:`steps` in USD, draw by draw: (step, draw, cohort, performance_year).

    Raises as :func:`steps`. With ``any_pool`` Medicare may keep another share in some draws, as in
    open draws that read the rule so that zero scorers are outside the pool's base; what they do
    not get back is then in the step ``without_final_score``.
    """
    return _steps_by_draw(_loaded(ds, _MONEY), any_pool)


def kept_share(ds: xr.Dataset) -> xr.DataArray:
    """1 - the redistribution share of a run (fraction), by performance year.

    Raises :class:`InputError` for several scenarios, and where the run does not say the share.
    """
    return 1.0 - by_year(one_scenario(ds), SHARE)


def scaled_to(
    ds: xr.Dataset, clinicians: float | None = None, source: str = "given in the call"
) -> xr.Dataset:
    """:func:`steps` scaled to another number of participants, in USD.

    A plain proportion: the amount per listed clinician, of both cohorts together, times
    ``clinicians``, by default CMS's estimate (data/published.yaml). It takes the clinicians that
    the list lacks to be like those on it, divided between the cohorts as they are: CMS listed
    fewer than it had estimated. ``source`` says where a number given is from; it is kept as an
    attribute. Variables as :func:`steps` returns them. Raises as it does, and for a number that is
    not above zero.
    """
    if clinicians is None:
        estimate = published().asm_participants
        clinicians, source = estimate.value, estimate.source
    if not (math.isfinite(clinicians) and clinicians > 0):
        raise InputError(f"clinicians is {clinicians!r}; give a number above zero")
    run = _loaded(ds, (*_MONEY, "clinicians_by_group"))
    if "all" not in run["group"].values:
        raise InputError("the results do not count all clinicians: they lack the group 'all'")
    listed = run["clinicians_by_group"].sel(group="all", drop=True).sum("cohort")
    result = _summary(_steps_by_draw(run) * (clinicians / listed), run)
    return result.assign_attrs(
        clinicians=float(clinicians),
        clinicians_source=source,
        clinicians_listed=float(listed.mean()),
    )


def payment_weighted_mean(ds: xr.Dataset) -> xr.Dataset:
    """The mean adjustment weighted by Part B payments, over clinicians with a final score.

    Minus what is kept over the Part B payments of the scored, as a fraction, by cohort and
    performance year: ``payment_weighted_mean`` and ``*_mcse``, and ``by_rule`` = -(1 - rho) R,
    which it equals whatever the scores (42 CFR 512.750): -1.35 % in 2027 and 2028. Nan where
    nothing is at risk. Raises :class:`InputError` for several scenarios, for results without them,
    where the exchange function is a threshold, with which there is no pool, and where a neutral
    band keeps clinicians out of it.
    """
    run = _loaded(ds, (_AT_RISK, _KEPT))
    if exchange_form(run) == "threshold":
        raise InputError(
            "in these results the adjustment is set by a threshold fixed in advance: there is no "
            "pool, and what Medicare keeps is not a share of the amount at risk that the rule "
            "states; penalties minus bonuses are in retained_by_medicare"
        )
    if has_neutral_band(run):
        raise InputError(
            "in these results clinicians in the neutral band are outside the pool, so that what "
            "Medicare keeps is not the share of the amount at risk that the rule states; penalties "
            "minus bonuses are in retained_by_medicare"
        )
    risk = by_year(run, RISK)
    of_scored = run[_AT_RISK] / risk.where(risk > 0)
    weighted = -run[_KEPT] / of_scored.where(of_scored > 0)
    parts = named(
        "payment_weighted_mean", mean(weighted), "fraction", "Payment-weighted mean adjustment"
    )
    parts["by_rule"] = -nominal_savings(1.0, risk, by_year(run, SHARE)).assign_attrs(
        units="fraction", long_name="-(1 - rho) R"
    )
    return xr.Dataset(parts, attrs=about(run))


def average_clinician(ds: xr.Dataset, part_b_payments: float = PART_B_EXAMPLE) -> xr.Dataset:
    """What an exactly average clinician is left with, by cohort and performance year.

    Dim ``average``: ``median`` is the median of the positive final scores, the midpoint of the
    logistic; ``mean`` the mean final score, zero scores included. ``score`` (points),
    ``adjustment`` (fraction) and ``dollars`` (USD on ``part_b_payments`` of the payment year), each
    with ``*_mcse``. The adjustment is read off each draw's ``adjustment_at_score``, between the
    scores in the log-odds of the transformed score: exact for the logistic (42 CFR 512.750). Nan
    where nothing is at risk. Raises :class:`InputError` for several scenarios, for results without
    the curve, for an exchange function that is no logistic, and for an amount below zero.
    """
    check_amount(part_b_payments)
    at = {"median": "median_final_score", "mean": "final_score_mean"}
    run = _loaded(ds, (*at.values(), "adjustment_at_score", "scaling_factor"))
    check_logistic(run)
    scores = [run[name].transpose(*YEARLY_DIMS) for name in at.values()]
    score = xr.concat(scores, "average").assign_coords(average=list(at))
    adjustment = score.copy(data=np.stack([_adjustment_at(run, part).values for part in scores]))
    dollars = adjustment * part_b_payments
    parts = (
        named("score", mean(score), "points", "Average final score")
        | named("adjustment", mean(adjustment), "fraction", "Adjustment at the average score")
        | named("dollars", mean(dollars), "USD", "Adjustment at the average score in dollars")
    )
    return xr.Dataset(parts, attrs=about(run) | {"part_b_payments": float(part_b_payments)})


def by_lever(ds: xr.Dataset) -> xr.Dataset:
    """What Medicare keeps and who loses, by redistribution share and risk level, of a sweep.

    Dims ``redistribution_share`` and ``risk_level`` (fractions) and ``cohort``. ``kept_nominal``,
    ``kept_on_performance_year`` and ``kept_actual`` are steps of :func:`steps`, USD over all years,
    and of both cohorts together with the ending ``_total``; ``share_negative`` (fraction of
    clinicians with a final score) and ``break_even_score`` (points) are means over the years, the
    latter over draws in which every year has one. Each with ``*_mcse``, and ``*_difference`` from
    the sweep's reference (attribute ``reference``), paired within draw, with ``*_difference_mcse``.

    Takes the sweep ``redistribution-by-risk`` or another full grid over just these two parameters;
    raises :class:`InputError` for anything else.
    """
    check_sweep(ds, SWEEP, (SHARE, RISK))
    reference = position_of(ds, reference_of(ds))
    runs = [_levers_by_draw(scenario_of(ds, i)) for i in range(ds.sizes[SCENARIO])]
    every = xr.concat(runs, SCENARIO)
    apart = every - every.isel({SCENARIO: reference})
    parts: dict[str, xr.DataArray] = {}
    for name, values in every.data_vars.items():
        units, words = values.attrs["units"], values.attrs["long_name"]
        parts |= named(str(name), mean(values), units, words)
        parts |= named(
            f"{name}_difference",
            mean(apart[name]),
            units,
            f"{words}, difference from the reference",
        )
    known = [name for name in (SCENARIO, SCENARIO_HASH, SHARE, RISK) if name in ds.coords]
    result = xr.Dataset(parts).assign_coords({name: ds[name] for name in known})
    result.attrs = about(ds) | {"reference": reference_of(ds)}
    grid = by_axis(result).rename({axis: axis.rpartition(".")[2] for axis in (SHARE, RISK)})
    return grid.transpose("redistribution_share", "risk_level", ...).load()


def _loaded(ds: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    return needed(ds, names)[list(names)].load()


def _steps_by_draw(run: xr.Dataset, any_pool: bool = False) -> xr.DataArray:
    """Every step in USD: dims step, draw, cohort, performance_year."""
    kept, before_exits, actual = run[_KEPT], run[_BEFORE_EXITS], run[_KEPT_PAID]
    share = by_year(run, SHARE)
    apart = abs(kept - (1.0 - share) * run[_AT_RISK]) > _IDENTITY * run[_AT_RISK]
    if not any_pool and bool(apart.any()):
        raise InputError(
            "in these results Medicare does not keep (1 - redistribution share) of the amount at "
            "risk, so that the steps do not add up; they need the rule's pool (zero scorers in its "
            "base and at the maximum penalty, no cap, no threshold in place of the pool) and "
            "somebody with a score above zero"
        )
    nominal: xr.DataArray = nominal_savings(run[_PART_B], by_year(run, RISK), share)
    parts = [
        nominal, kept - nominal, kept, before_exits - kept, actual - before_exits, actual,
    ]  # fmt: skip
    savings = xr.concat([part.transpose(*YEARLY_DIMS) for part in parts], "step")
    return savings.assign_coords(step=list(STEPS), step_title=("step", list(STEPS.values())))


def _levers_by_draw(run: xr.Dataset) -> xr.Dataset:
    """What :func:`by_lever` reports, per draw."""
    run = _loaded(run, (*_MONEY, *_LEVER_OUTCOMES))
    money = _steps_by_draw(run).sum("performance_year").drop_vars("step_title")
    parts = {}
    for step in ("nominal", "on_performance_year", "actual"):
        words = f"Kept by Medicare over all years: {STEPS[step]}"
        values = money.sel(step=step, drop=True)
        parts[f"kept_{step}"] = values.assign_attrs(units="USD", long_name=words)
        parts[f"kept_{step}_total"] = values.sum("cohort").assign_attrs(
            units="USD", long_name=f"{words}, all cohorts"
        )
    for name in _LEVER_OUTCOMES:
        attrs = run[name].attrs
        words = f"{attrs.get('long_name', name)}, mean over the years"
        parts[name] = (
            run[name]
            .mean("performance_year", skipna=False)
            .assign_attrs(units=attrs.get("units", ""), long_name=words)
        )
    return xr.Dataset(parts)


def _adjustment_at(run: xr.Dataset, score: xr.DataArray) -> xr.DataArray:
    """Each draw's adjustment at a score of its own, from the grid of scores around it."""
    risk = by_year(run, RISK)
    transformed = (run["adjustment_at_score"] / risk.where(risk > 0) + 1.0) / run["scaling_factor"]
    share: Floats = transformed.transpose(*YEARLY_DIMS, "score").values.clip(1e-12, 1.0 - 1e-12)
    log_odds = np.log(share) - np.log1p(-share)
    grid = run["score"].values.astype(np.float64)
    points: Floats = score.values[..., np.newaxis]
    below = np.clip(np.searchsorted(grid, points, side="right") - 1, 0, len(grid) - 2)
    weight = (points - grid[below]) / (grid[below + 1] - grid[below])
    low, high = (np.take_along_axis(log_odds, below + i, axis=-1) for i in (0, 1))
    between = ((1.0 - weight) * low + weight * high)[..., 0]
    at_score = score.copy(data=1.0 / (1.0 + np.exp(-between)))
    adjustment = risk * (at_score * run["scaling_factor"] - 1.0)
    return adjustment.transpose(*YEARLY_DIMS)


def _summary(savings: xr.DataArray, run: xr.Dataset) -> xr.Dataset:
    """Means, errors and, of the sums, quantiles over draws, of amounts by step and draw."""
    parts = named("savings", mean(savings), "USD", "Savings of Medicare")
    for ending, dims in TOTALS.items():
        name, words = f"savings_{ending}", f"Savings of Medicare, summed over {' and '.join(dims)}"
        values = savings.sum(dims)
        parts |= named(name, mean(values), "USD", words)
        parts |= named(
            f"{name}_quantile", quantiles(values), "USD", f"{words}, quantile over draws"
        )
    return xr.Dataset(parts, attrs=about(run))
