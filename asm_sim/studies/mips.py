"""ASM and MIPS: what each pays the same clinicians, how steady that is, and what it costs.

MIPS is computed from the same simulated performance as ASM, in the same draw, by its rule of 2026
in every performance year, in two forms (``mips_form``): measures chosen freely (``traditional``)
and a fixed set (``value_pathway``). Its scores stand on a calibration of levels to the published
ones of all MIPS (:func:`calibration`), which also lets practices report as groups: below the score
of a group (``mips.levels.group_score``) a clinician's own change moves the MIPS score by
1 - ``mips.levels.group_share`` of itself only. How much steadier MIPS is rests on that.

All clinicians count; one without a final score has an adjustment of 0. Every number is a mean over
draws with its Monte Carlo standard error (``*_mcse``, same units); differences are paired within
draw. By group, means and shares are those of all draws together, so that groups, weighted by
``clinicians``, add up to the whole.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from asm_sim.errors import InputError
from asm_sim.results.describe import one_scenario
from asm_sim.studies.estimates import (
    PANEL,
    RISK,
    TOTALS,
    Floats,
    Names,
    by_year,
    mean,
    named,
    parameter,
    ratio,
    root,
    share_of,
)
from asm_sim.studies.mips_levels import adjustment_at_score, calibration, levels, targets
from asm_sim.studies.mips_panel import (
    ASM,
    FORMS,
    PROGRAMS,
    adjustments,
    final_scores,
    forms_of,
    open_panel,
)
from asm_sim.studies.panel import Measured, View

__all__ = [
    "FORMS",
    "PROGRAMS",
    "QUADRANTS",
    "adjustment_at_score",
    "calibration",
    "difference",
    "levels",
    "money",
    "quadrants",
    "targets",
    "volatility",
]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Adjustments are written as 1.05 %: less than half of the last digit is no difference.
SAME = 5e-5
QUADRANTS = {
    "penalty_under_both": "penalty under ASM and under MIPS",
    "penalty_under_asm_only": "penalty under ASM, none under MIPS",
    "penalty_under_mips_only": "none under ASM, penalty under MIPS",
    "penalty_under_neither": "no penalty under either",
}
WHAT = {"score": "Final score", "adjustment": "Adjustment factor", "dollars": "Dollars"}
ASM_AT_FIRST_RISK = "asm_at_first_risk"


def difference(ds: xr.Dataset, groups: Names = None, form: Names = None) -> xr.Dataset:
    """ASM minus MIPS for each clinician, by MIPS form, cohort, performance year and group.

    ``groups`` are labels or groupings of the run (by default all), ``form`` one of :data:`FORMS`
    (by default both). Dims (mips_form, cohort, performance_year, group), float64:

    - ``asm_adjustment_mean`` (without mips_form), ``mips_adjustment_mean``: fraction;
    - ``asm_minus_mips_adjustment`` (fraction), ``asm_minus_mips_score`` (points, of those with a
      final score under ASM) and ``asm_minus_mips_dollars`` (USD on payment-year Part B, 0 of those
      who have left): means; with ``_sd`` the standard deviation over clinicians (within a draw,
      mean of draws) and with ``_quantile`` (dim quantile) the quantiles over clinicians;
    - ``share_gaining``, ``share_losing``, ``share_same``: the ASM adjustment is above, below or
      within :data:`SAME` of that of MIPS; they sum to 1;
    - ``clinicians``: mean number in the group.

    Each with ``*_mcse``. Nan for a group that a cohort does not have. Raises :class:`InputError`
    for several scenarios, results without a panel, an unknown group or form.
    """
    panel, programs = open_panel(ds, groups, form, scores=True)
    by_draw = panel.collect(lambda view: _differences(view, programs))
    by_draw = by_draw.assign_coords(mips_form=forms_of(programs), quantile=list(QUANTILES))
    count = by_draw["clinicians"]
    parts = named("clinicians", mean(count, PANEL), "clinicians", "Clinicians in the group")
    for name, words in (
        ("asm_adjustment_mean", "Mean payment adjustment factor of ASM"),
        ("mips_adjustment_mean", "Mean adjustment factor of MIPS"),
    ):
        parts |= named(name, ratio(by_draw[name], count, PANEL), "fraction", words)
    for what, units in (("adjustment", "fraction"), ("score", "points"), ("dollars", "USD")):
        name = f"asm_minus_mips_{what}"
        said = f"{WHAT[what]} of ASM minus that of MIPS"
        counted = by_draw["scored"] if what == "score" else count
        parts |= named(name, ratio(by_draw[name], counted, PANEL), units, f"{said}, mean")
        for ending, of in (("sd", "standard deviation"), ("quantile", "quantile")):
            whole = mean(by_draw[f"{name}_{ending}"], PANEL)
            parts |= named(f"{name}_{ending}", whole, units, f"{said}, {of} over clinicians")
    for name, words in (
        ("share_gaining", "Share with more under ASM than under MIPS"),
        ("share_losing", "Share with less under ASM than under MIPS"),
        ("share_same", "Share with the same under both"),
    ):
        parts |= named(name, share_of(by_draw[name], count, PANEL), "fraction", words)
    result = xr.Dataset(parts, attrs=panel.attrs)
    return result.transpose("mips_form", "cohort", "performance_year", "group", ...)


def quadrants(ds: xr.Dataset, groups: Names = None, form: Names = None) -> xr.Dataset:
    """How many have a penalty under both, one or neither of ASM and MIPS.

    ``share`` (quadrant, mips_form, cohort, performance_year, group), a fraction of clinicians, and
    ``share_mcse``; the coordinate ``quadrant_title`` says each of :data:`QUADRANTS` in words. A
    penalty is an adjustment below zero. The four sum to 1. Arguments and errors as
    :func:`difference`.
    """
    panel, programs = open_panel(ds, groups, form)
    by_draw = panel.collect(lambda view: _quadrants(view, programs))
    by_draw = by_draw.assign_coords(
        mips_form=forms_of(programs),
        quadrant=list(QUADRANTS),
        quadrant_title=("quadrant", list(QUADRANTS.values())),
    )
    found = share_of(by_draw["members"], by_draw["clinicians"], PANEL)
    parts = named("share", found, "fraction", "Share of clinicians in the quadrant")
    result = xr.Dataset(parts, attrs=panel.attrs)
    return result.transpose("quadrant", "mips_form", "cohort", "performance_year", "group")


def volatility(ds: xr.Dataset, groups: Names = None, form: Names = None) -> xr.Dataset:
    """How much one clinician's result moves over the years, by program, cohort and group.

    Dim ``program``: ``asm``, ``asm_at_first_risk`` (its adjustments divided by the risk level of
    their year and multiplied by the first year's: without the growth of the stakes) and MIPS in
    each form. Dims (program, cohort, group), float64:

    - ``within_clinician_sd`` (fraction): root of the mean over clinicians of the variance (n - 1)
      of the adjustment over the years; ``within_clinician_score_sd`` (points) of the final score,
      over clinicians with a final score under ASM in every year;
    - ``rank_correlation``: correlation of the rank of the adjustment in the cohort with that of the
      year before, over the members of the group, mean of years; for everybody it is Spearman's;
    - ``sign_change_share``: share with a penalty in one year and none in the other of two
      successive ones, mean of years.

    Each with ``*_mcse``, and ``*_difference`` = ASM minus the program, with ``*_difference_mcse``.
    Below ``mips.levels.group_score`` the group levels of MIPS damp a clinician's own change by
    1 - ``mips.levels.group_share`` (attributes ``group_score``, ``group_share``): the contrast of
    ASM and MIPS rests on it. Raises as :func:`difference`, and for a single performance year.
    """
    panel, programs = open_panel(ds, groups, form, scores=True)
    run = one_scenario(ds)
    if run.sizes["performance_year"] < 2:
        raise InputError("volatility needs two performance years or more; these results have one")
    risk = by_year(run, RISK).values
    by_draw = panel.collect(lambda view: _movements(view, programs, risk[0] / risk))
    by_draw = by_draw.assign_coords(program=[ASM, ASM_AT_FIRST_RISK, *programs[1:]])
    count = by_draw["clinicians"]
    found = {
        "within_clinician_sd": (
            root(ratio(by_draw["variance"], count, PANEL)),
            "fraction",
            "SD of a clinician's adjustment factor over the years",
        ),
        "within_clinician_score_sd": (
            root(ratio(by_draw["score_variance"], by_draw["scored"], PANEL)),
            "points",
            "SD of a clinician's final score over the years",
        ),
        "rank_correlation": (
            mean(by_draw["rank_correlation"], PANEL),
            "1",
            "Rank correlation of the adjustment with the year before",
        ),
        "sign_change_share": (
            share_of(by_draw["sign_changes"], count, PANEL),
            "fraction",
            "Share with a penalty in only one of two successive years",
        ),
    }
    parts: dict[str, xr.DataArray] = {}
    for name, (estimate, units, words) in found.items():
        parts |= named(name, estimate, units, words)
        apart = estimate.sel(program=ASM).minus(estimate)
        parts |= named(f"{name}_difference", apart, units, f"{words}, ASM minus the program")
    attrs = panel.attrs | {
        name: parameter(run, f"mips.levels.{name}") for name in ("group_share", "group_score")
    }
    return xr.Dataset(parts, attrs=attrs).transpose("program", "cohort", "group")


def money(ds: xr.Dataset, groups: Names = None, form: Names = None) -> xr.Dataset:
    """Bonuses, penalties and what Medicare keeps under each program, USD on payment-year Part B.

    ``bonuses``, ``penalties`` (both positive) and ``net_to_medicare`` = penalties - bonuses: dims
    (program, cohort, performance_year, group), totals over clinicians, with their sums
    ``*_all_years``, ``*_all_cohorts`` and ``*_total``; and ``net_to_medicare_difference`` (with the
    same sums) = ASM minus the program, paired within draw. Each with ``*_mcse``. MIPS is budget
    neutral over all of its clinicians, not over these: the scale of its bonuses is set nationally
    and is an input (``mips.payment.scale``); :mod:`asm_sim.studies.mips_pool` asks what becomes of
    it when these leave. Arguments and errors as :func:`difference`.
    """
    panel, programs = open_panel(ds, groups, form)
    by_draw = panel.collect(lambda view: _money(view, programs))
    by_draw = by_draw.assign_coords(program=programs)
    net = by_draw["penalties"] - by_draw["bonuses"]
    by_draw["net_to_medicare"] = net
    by_draw["net_to_medicare_difference"] = net.sel(program=ASM, drop=True) - net
    words = {
        "bonuses": "Positive adjustments",
        "penalties": "Negative adjustments",
        "net_to_medicare": "Penalties minus bonuses",
        "net_to_medicare_difference": "Penalties minus bonuses, ASM minus the program",
    }
    parts: dict[str, xr.DataArray] = {}
    for name, said in words.items():
        said = f"{said}, on payment-year Part B"
        parts |= named(name, mean(by_draw[name], PANEL), "USD", said)
        for ending, dims in TOTALS.items():
            whole = mean(by_draw[name].sum(dims), PANEL)
            said_of = f"{said}, summed over {' and '.join(dims)}"
            parts |= named(f"{name}_{ending}", whole, "USD", said_of)
    result = xr.Dataset(parts, attrs=panel.attrs)
    return result.transpose("program", "cohort", "performance_year", "group")


# Of one cohort in one draw


def _differences(view: View, programs: list[str]) -> Measured:
    """Totals by group of ASM, of each form of MIPS and of the gaps, and the spread of these."""
    (asm, *_), (score, *_) = adjustments(view, programs), final_scores(view, programs)
    mips = adjustments(view, programs[1:])
    points = score - final_scores(view, programs[1:])
    scored = np.isfinite(points[0])
    gap = asm - mips
    gaps = {"adjustment": gap, "score": points, "dollars": gap * view["part_b"]}
    by_form = ("mips_form", "group", "performance_year")
    found: Measured = {
        "clinicians": (("group",), view.count),
        "scored": (by_form[1:], view.total(scored)),
        "asm_adjustment_mean": (by_form[1:], view.total(asm)),
        "mips_adjustment_mean": (by_form, view.total(mips, 1)),
        "share_gaining": (by_form, view.total(gap > SAME, 1)),
        "share_losing": (by_form, view.total(gap < -SAME, 1)),
        "share_same": (by_form, view.total(abs(gap) <= SAME, 1)),
    }
    for what, values in gaps.items():
        name = f"asm_minus_mips_{what}"
        found[name] = (by_form, view.total(np.where(np.isfinite(values), values, 0.0), 1))
        sd, quantiles = _spread(values, view)
        found[f"{name}_sd"] = (by_form, sd)
        found[f"{name}_quantile"] = ((*by_form, "quantile"), quantiles)
    return found


def _spread(values: Floats, view: View) -> tuple[Floats, Floats]:
    """Over the finite values of each group: SD (n - 1) and quantiles; nan where there are none.

    [form, clinician, year] to [form, group, year] and [form, group, year, quantile].
    """
    forms, _, years = values.shape
    sd = np.full((forms, len(view.count), years), np.nan)
    quantiles = np.full((*sd.shape, len(QUANTILES)), np.nan)
    columns = np.ascontiguousarray(values.transpose(0, 2, 1)).reshape(forms * years, -1)
    for g, inside in enumerate(view.groups()):
        part = np.sort(columns[:, inside], axis=1)  # nan last
        count = np.isfinite(part).sum(axis=1)
        for n in np.unique(count[count > 0]):  # one, where everybody has a value
            rows = np.flatnonzero(count == n)
            values_in_order = part[rows, :n]
            at = (rows // years, g, rows % years)
            quantiles[at] = _quantiles_of_sorted(values_in_order)
            if n > 1:
                sd[at] = values_in_order.std(axis=1, ddof=1)
    return sd, quantiles


def _quantiles_of_sorted(values: Floats) -> Floats:
    """Linear between the order statistics, as numpy's, of rows in order: [row, quantile]."""
    place = np.array(QUANTILES) * (values.shape[1] - 1)
    below = place.astype(int)
    low, high = values[:, below], values[:, np.minimum(below + 1, values.shape[1] - 1)]
    return np.asarray(low + (place - below) * (high - low))


def _quadrants(view: View, programs: list[str]) -> Measured:
    asm, *_ = adjustments(view, programs) < 0
    mips = adjustments(view, programs[1:]) < 0
    inside = np.stack([asm & mips, asm & ~mips, ~asm & mips, ~asm & ~mips])
    return {
        "clinicians": (("group",), view.count),
        "members": (("quadrant", "mips_form", "group", "performance_year"), view.total(inside, 2)),
    }


def _movements(view: View, programs: list[str], to_first_risk: Floats) -> Measured:
    """Totals over clinicians of their variance over the years and of changes of sign; ranks.

    By program, the second ASM at the first year's risk level.
    """
    every, scores = adjustments(view, programs), final_scores(view, programs)
    adjustment = np.insert(every, 1, every[0] * to_first_risk, axis=0)
    score = np.insert(scores, 1, scores[0], axis=0)
    scored = np.isfinite(score[0]).all(axis=1)
    of_score = np.where(scored[:, np.newaxis], score, 0.0).var(axis=2, ddof=1)
    changes = np.diff(adjustment < 0.0, axis=2).mean(axis=2)
    persistence = [_year_to_year(rankdata(values, axis=0), view) for values in every]
    dims = ("program", "group")
    return {
        "clinicians": (("group",), view.count),
        "scored": (("group",), view.total(scored)),
        "variance": (dims, view.total(adjustment.var(axis=2, ddof=1), 1)),
        "score_variance": (dims, view.total(of_score, 1)),
        "sign_changes": (dims, view.total(changes, 1)),
        "rank_correlation": (dims, np.stack([persistence[0], *persistence])),
    }


def _year_to_year(rank: Floats, view: View) -> Floats:
    """Correlation with the year before by group, mean of years; nan where a year has no spread."""
    rank = rank - rank.mean(axis=0)
    count = np.where(view.count > 0, view.count, np.nan)[:, np.newaxis]
    mean = view.total(rank) / count
    variance = view.total(rank**2) / count - mean**2
    together = view.total(rank[:, 1:] * rank[:, :-1]) / count - mean[:, 1:] * mean[:, :-1]
    spread = variance[:, 1:] * variance[:, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = together / np.sqrt(np.where(spread > 1e-9, spread, np.nan))
    return np.asarray(correlation.mean(axis=1))


def _money(view: View, programs: list[str]) -> Measured:
    dollars = adjustments(view, programs) * view["part_b"]
    dims = ("program", "group", "performance_year")
    return {
        "bonuses": (dims, view.total(np.maximum(dollars, 0.0), 1)),
        "penalties": (dims, view.total(np.maximum(-dollars, 0.0), 1)),
    }
