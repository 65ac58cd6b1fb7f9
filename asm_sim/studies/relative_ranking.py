"""The relative-ranking effect: what a score is worth depends on the scores of everybody else.

An adjustment is read off a curve that is laid through the cohort's own scores, anew every year: its
midpoint is their median, its height what the pool allows (42 CFR 512.750). The same score has
another result in another cohort or year, and whoever keeps a score while the others gain loses.
What true improvement is worth, and what standing still costs, is in
:mod:`asm_sim.studies.improvement`; who pays whom is in :mod:`asm_sim.studies.transfers`.

Every number is a mean over draws with its Monte Carlo standard error (``*_mcse``, same units).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.ranges import quantiles
from asm_sim.results.registry import YEARLY_DIMS
from asm_sim.studies.estimates import (
    LENS,
    PANEL,
    PART_B_EXAMPLE,
    PER_POINT,
    RISK,
    Floats,
    about,
    by_year,
    check_amount,
    looked_at_closely,
    mean,
    mean_share,
    named,
    needed,
    on_draws_of,
    ratio,
)
from asm_sim.studies.jackknife import sd_over_draws
from asm_sim.studies.panel import Measured, View, read

STEEPNESS = "rules.payment.exchange.steepness"
LENS_DIMS = (LENS, "cohort", "performance_year", "group")

_CURVE = ("adjustment_at_score", "scaling_factor", "median_final_score")
# What an adjustment may differ by from the closed form of the logistic.
_IDENTITY = 1e-9


def same_score(ds: xr.Dataset, part_b_payments: float = PART_B_EXAMPLE) -> xr.Dataset:
    """How far apart the results of one final score are, across draws and across years.

    A draw is another cohort that could have been: other performance, luck and payments of the same
    clinicians. Dims ``cohort``, ``performance_year`` and ``score`` (points), fractions:

    - ``adjustment``: the mean over draws, its median and the rest in
    - ``adjustment_quantile``: 5 %, 50 % and 95 % quantile over draws (dim ``quantile``)
    - ``adjustment_sd``: standard deviation over draws
    - ``adjustment_range``: highest minus lowest draw; it grows with the number of draws

    Without ``performance_year``, of one history each: ``adjustment_over_years`` is the range over
    the years, ``adjustment_over_years_same_risk`` that at the first year's risk level, so that only
    the competitors change. All but the range have ``*_mcse``; ``dollars*`` are the same in USD on
    ``part_b_payments`` of the payment year.

    Raises :class:`InputError` for several scenarios and for a run of another version.
    """
    check_amount(part_b_payments)
    run = needed(ds, ("adjustment_at_score",))
    values = run["adjustment_at_score"].load()
    values = values.transpose(*YEARLY_DIMS, "score").astype(np.float64)
    risk = by_year(run, RISK)
    at_first = values * (float(risk[0]) / risk.where(risk > 0))
    words = "Adjustment at this final score"
    found = named("adjustment", mean(values), "fraction", words)
    found |= named(
        "adjustment_quantile", quantiles(values), "fraction", f"{words}, quantile over draws"
    )
    found |= named("adjustment_sd", sd_over_draws(values), "fraction", f"{words}, SD over draws")
    found["adjustment_range"] = (values.max("draw") - values.min("draw")).assign_attrs(
        units="fraction", long_name=f"{words}, highest minus lowest draw"
    )
    for ending, of_years, said in (
        ("over_years", values, "range over the years of one history"),
        ("over_years_same_risk", at_first, "the same at the first year's risk level"),
    ):
        of_history = of_years.max("performance_year") - of_years.min("performance_year")
        found |= named(f"adjustment_{ending}", mean(of_history), "fraction", f"{words}, {said}")
    for name, array in list(found.items()):
        found[name.replace("adjustment", "dollars", 1)] = (array * part_b_payments).assign_attrs(
            units="USD", long_name=f"{array.attrs['long_name']}, in dollars"
        )
    return xr.Dataset(found, attrs=about(run) | {"part_b_payments": float(part_b_payments)})


def against_peers(
    ds: xr.Dataset, scores: npt.ArrayLike, peers_points: npt.ArrayLike = 0.0
) -> xr.Dataset:
    """The adjustment at a score of one's own when the scores of all peers move by some points.

    Their median moves with them and the pool's scaling stays, so that it is the adjustment at
    ``score`` less ``peers_points`` among peers who stay: exact as long as nobody is moved past 100
    or to zero points. ``adjustment`` (score, peers_points, cohort, performance_year), a fraction,
    with ``*_mcse``. Raises :class:`InputError` where a score is not above 0 and at most 100, and
    for an exchange curve that is not the rule's logistic about the median.
    """
    own, moved = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (scores, peers_points))
    if not (np.isfinite(moved).all() and (own > 0).all() and (own <= 100).all()):
        raise InputError(
            "give own scores above 0 and at most 100 points, and a number of points for the peers; "
            "at zero points the adjustment is the maximum penalty whatever the peers do"
        )
    run = _logistic(ds)
    score = xr.DataArray(own, dims="score", coords={"score": own})
    shift = xr.DataArray(moved, dims="peers_points", coords={"peers_points": moved})
    share = _transformed(run, score - shift)
    adjustment = by_year(run, RISK) * (run["scaling_factor"] * share - 1.0)
    adjustment = adjustment.transpose("score", "peers_points", *YEARLY_DIMS)
    words = "Adjustment at one's own score when the peers' scores move"
    found = named("adjustment", mean(adjustment), "fraction", words)
    result = xr.Dataset(found, attrs=about(run))
    result["score"].attrs = {"units": "points", "long_name": "Own final score"}
    result["peers_points"].attrs = {"units": "points", "long_name": "Change of all peers' scores"}
    return result


def value_of_a_point(ds: xr.Dataset, part_b_payments: float | None = None) -> xr.Dataset:
    """What one more point of final score is worth to one clinician, the others as they are.

    The slope of the exchange curve, R S k T (1 - T) of the transformed score T (42 CFR 512.750),
    as a fraction of Part B per point and in USD per point. ``at_median`` and ``dollars_at_median``
    (cohort, performance_year) are at the median of the positive scores, where T is 1/2 and the
    curve is steepest, over all draws. ``average`` and ``dollars_average`` (cohort,
    performance_year, group; ``grouping`` a coordinate) are averaged over the panel's clinicians of
    each group with a score above zero; groups weighted by ``clinicians`` (those clinicians, mean
    over draws) give the average of all. Dollars are on ``part_b_payments`` USD, or on the mean
    performance-year Part B of the cohort or group where that is None. Each with ``*_mcse``; nan for
    a group without clinicians in the cohort.

    It is a price at the score that was observed, not a return: who truly improves by a point moves
    along the curve from wherever chance puts the score, which with own noise of s points (SD) is
    worth at the median about sqrt(1 + (k s / 1.7)^2) times less, and nothing where all others
    improve as much (:mod:`asm_sim.studies.improvement`).

    Raises :class:`InputError` for several scenarios, for results without a panel, and for an
    exchange curve that is not the rule's logistic about the median.
    """
    if part_b_payments is not None:
        check_amount(part_b_payments)
    panel = read(ds, ["final_score"])
    run = _logistic(ds, ("part_b_payments_by_group", "clinicians_by_group"))
    slope = by_year(run, RISK) * by_year(run, STEEPNESS) * run["scaling_factor"]
    at_median = slope.transpose(*YEARLY_DIMS) / 4.0
    payments, clinicians = run["part_b_payments_by_group"], run["clinicians_by_group"]
    everyone = (payments / clinicians).sel(group="all", drop=True)
    amount = everyone if part_b_payments is None else float(part_b_payments)
    words = "Worth of one point at the median score"
    found = named("at_median", mean(at_median), PER_POINT, words)
    found |= named("dollars_at_median", mean(at_median * amount), "USD per point", words)

    medians = on_draws_of(ds, run["median_final_score"], PANEL)
    medians = medians.transpose(PANEL, "cohort", "performance_year")
    steepness: Floats = by_year(run, STEEPNESS).values

    def measure(view: View) -> Measured:
        score = view["final_score"]
        median = medians.isel({PANEL: view.draw}).sel(cohort=view.cohort).values
        positive = score > 0
        share = _logistic_of(np.where(positive, steepness * (score - median), 0.0))
        slopes = np.where(positive, share * (1.0 - share), 0.0)
        dims = ("group", "performance_year")
        return {"slope": (dims, view.total(slopes)), "count": (dims, view.total(positive))}

    sums = panel.collect(measure)
    count = sums["count"]
    total = sums["slope"] * on_draws_of(ds, slope, PANEL)
    average = ratio(total, count.where(count.sum(PANEL) > 0), PANEL)
    each = on_draws_of(ds, payments / clinicians.where(clinicians > 0), PANEL)
    if part_b_payments is not None:
        each = xr.full_like(each, part_b_payments)
    in_dollars = mean(total / count.where(count > 0) * each, PANEL)
    words = "Worth of one point, mean of clinicians with a score above zero"
    found |= named("average", average, PER_POINT, words)
    found |= named("dollars_average", in_dollars, "USD per point", words)
    found |= named(
        "clinicians", mean(count, PANEL), "clinicians", "Clinicians with a score above 0"
    )
    result = xr.Dataset(found, attrs=panel.attrs)
    return result.transpose("cohort", "performance_year", "group")


def fixed_standard(ds: xr.Dataset) -> xr.Dataset:
    """What a standard fixed in advance would pay the clinicians of a run, luck and all, beside ASM.

    The fixed standard is the first year's: its benchmarks, median score and scaling hold in all
    years (trends that all have in common carry over to it). Dims ``cohort``, ``performance_year``,
    ``group`` (``grouping`` a coordinate); money in USD of performance-year Part B:

    ``adjustment_mean``, ``share_negative``, ``bonuses``, ``penalties``, ``kept`` (penalties minus
    bonuses: what Medicare keeps, no longer bound to 15 % of the amount at risk), each under the
    fixed standard, with ``*_rule`` under the rule and ``*_difference`` (fixed minus rule), paired
    within draw; ``sign_differs_share``, of clinicians with a final score, those whom one standard
    gives a penalty and the other none. ``kept_share`` (cohort, performance_year) is ``kept`` of all
    over the amount at risk, ``kept_share_sd`` its standard deviation over draws: by how much one
    history differs from another. Each with ``*_mcse``.

    Raises :class:`InputError` for several scenarios, and for results without the closer look at the
    first draws (``lens_draws``).
    """
    names = ("adjustment_mean", "share_negative", "bonuses", "penalties")
    wanted = [f"fixed_standard_{name}" for name in (*names, "sign_differs_share")]
    run = looked_at_closely(
        ds, (*wanted, *(f"{name}_by_group" for name in names), "amount_at_risk")
    )
    fixed = {name: run[f"fixed_standard_{name}"].transpose(*LENS_DIMS) for name in names}
    rule = {name: run[f"{name}_by_group"].transpose(*LENS_DIMS) for name in names}
    for standard in (fixed, rule):
        standard["kept"] = standard["penalties"] - standard["bonuses"]
    found: dict[str, xr.DataArray] = {}
    for name, (units, words) in {
        "adjustment_mean": ("fraction", "Mean payment adjustment factor"),
        "share_negative": ("fraction", "Share with a penalty"),
        "bonuses": ("USD", "Positive adjustments"),
        "penalties": ("USD", "Negative adjustments"),
        "kept": ("USD", "Penalties minus bonuses"),
    }.items():
        apart = fixed[name] - rule[name]
        of_draws = mean_share if name == "share_negative" else mean
        found |= named(name, of_draws(fixed[name], LENS), units, f"{words}, fixed standard")
        found |= named(f"{name}_rule", of_draws(rule[name], LENS), units, f"{words}, the rule")
        found |= named(f"{name}_difference", mean(apart, LENS), units, f"{words}, fixed minus rule")
    found |= named(
        "sign_differs_share",
        mean_share(run["fixed_standard_sign_differs_share"].transpose(*LENS_DIMS), LENS),
        "fraction",
        "Share whom only one of the standards gives a penalty",
    )
    at_risk = run["amount_at_risk"].where(run["amount_at_risk"] > 0)
    for ending, standard, said in (("", fixed, "fixed standard"), ("_rule", rule, "the rule")):
        share = standard["kept"].sel(group="all", drop=True) / at_risk
        words = f"Kept by Medicare over the amount at risk, {said}"
        found |= named(f"kept_share{ending}", mean(share, LENS), "fraction", words)
        found |= named(
            f"kept_share_sd{ending}",
            sd_over_draws(share, LENS),
            "fraction",
            f"{words}, SD over draws",
        )
    return xr.Dataset(found, attrs=run.attrs)


def _logistic(ds: xr.Dataset, names: Sequence[str] = ()) -> xr.Dataset:
    """One run whose adjustments are sure to be R S T(F) - R, T the logistic about the median."""
    names = (*_CURVE, *names)
    run = needed(ds, names)[list(names)].load()
    curve = run["adjustment_at_score"]
    positive = curve.sel(score=curve["score"] > 0)
    by_rule = by_year(run, RISK) * (
        run["scaling_factor"] * _transformed(run, positive["score"]) - 1.0
    )
    if bool((abs(positive - by_rule) > _IDENTITY).any()):
        raise InputError(
            "in these results the adjustment is not the rule's logistic about the median without a "
            "cap, so that the worth of a point has no closed form; run a scenario with "
            "rules.payment.exchange and rules.payment.cap as in the rule"
        )
    return run


def _transformed(run: xr.Dataset, score: xr.DataArray) -> xr.DataArray:
    odds = by_year(run, STEEPNESS) * (score - run["median_final_score"])
    return odds.copy(data=_logistic_of(odds.values))


def _logistic_of(odds: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(odds / 2.0))
