"""MIPS, the comparator: 42 CFR 414.1380 (final score) and 414.1405 (adjustment).

National benchmarks are fixed in advance, so that each clinician is scored alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from asm_sim.kernels._jit import entry, kernel
from asm_sim.kernels.cohort import contiguous
from asm_sim.kernels.fit import Floats, Observed
from asm_sim.kernels.points import curve_at

ALL_CATEGORIES = 0
WITHOUT_COST = 1
WITHOUT_QUALITY = 2


@kernel
def score_mips(observed, mips, reporting_rank, final_score, adjustment):
    """Final scores (points) and adjustment factors (fraction), float64 [n], of n clinicians.

    ``mips`` is the cohort's :class:`asm_sim.rules.compile_mips.MipsCohortRules`; reporting_rank
    float64 [n] in [0, 1): who is below the share of non-reporting submits nothing, nor does
    a group for them; nan takes the row as it is.
    """
    if not mips.scored:  # MIPS has no such cohort or measure
        final_score[:] = np.nan
        adjustment[:] = np.nan
        return
    best = np.empty(mips.measures_counted)
    for i in range(len(final_score)):
        silent = reporting_rank[i] < mips.non_reporting
        small = 1 if observed.practice_size[i] <= mips.small_maximum_clinicians else 0
        own = _own_score(observed, mips, i, small, silent, best)
        in_group = observed.practice_size[i] >= mips.group_minimum_clinicians and not silent
        short = max(mips.group_score - own, 0.0) if in_group else 0.0
        final_score[i] = own + mips.group_share * short
        adjustment[i] = _adjustment(final_score[i], mips)


@kernel
def _own_score(observed, mips, i, small, silent, best):
    quality = _quality_score(observed, mips, i, small, silent, best)
    cost = _cost_score(observed, mips, i)
    has_quality, has_cost = quality == quality, cost == cost
    if not has_quality and not has_cost:
        return mips.performance_threshold
    missing = WITHOUT_QUALITY if not has_quality else WITHOUT_COST
    weights = mips.category_weights[small, ALL_CATEGORIES if has_quality and has_cost else missing]
    share = (
        weights[0] * (quality if has_quality else 0.0)
        + weights[1] * (cost if has_cost else 0.0)
        + weights[2] * _activities_score(observed, mips, i, small, silent)
        + weights[3] * _interoperability_score(observed, mips, i, silent)
    )
    total = mips.score_maximum * share + _complex_patient_bonus(observed, mips, i, silent)
    return min(max(total, mips.score_minimum), mips.score_maximum)


# Quality


@kernel
def _quality_score(observed, mips, i, small, silent, best):
    """Share of the attainable points, at most 1; nan without a measure that counts.

    Scratch: best float64 [measures counted], the most points of reported measures, descending.
    """
    reports = _reports_a_measure(observed, mips, i, silent)
    kept = 0
    claims = 0
    points_sum = 0.0
    for m in range(len(mips.measure_reported)):
        points = _measure_points(observed, mips, m, i, small, silent, reports)
        if points != points:
            continue
        if mips.measure_reported[m]:
            kept = _keep(points, best, kept)
        else:
            claims += 1
            points_sum += points
    for k in range(kept):
        points_sum += best[k]
    if kept + claims == 0:
        return np.nan
    share = points_sum / (mips.quality_points_maximum * (kept + claims))
    if small == 1 and reports:
        share += mips.small_practice_bonus / (mips.quality_points_maximum * mips.measures_counted)
    return min(share, 1.0)


@kernel
def _keep(points, best, kept):
    """Insert into ``best``, whose first ``kept`` are in descending order; how many there are now.

    Of more than there is room for the least is dropped.
    """
    if kept < len(best):
        kept += 1
    elif points <= best[kept - 1]:
        return kept
    k = kept - 1
    while k > 0 and best[k - 1] < points:
        best[k] = best[k - 1]
        k -= 1
    best[k] = points
    return kept


@kernel
def _reports_a_measure(observed, mips, i, silent):
    """Whether a measure is reported with as many cases as it takes to count."""
    if silent:
        return False
    for m in range(len(mips.measure_reported)):
        has_rate = observed.rate[m, i] == observed.rate[m, i]
        few = observed.cases[m, i] < mips.quality_case_minimum
        if mips.measure_reported[m] and has_rate and not few:
            return True
    return False


@kernel
def _measure_points(observed, mips, m, i, small, silent, reports):
    """Points of measure m; nan where it does not count."""
    rate, cases = observed.rate[m, i], observed.cases[m, i]
    has_rate = rate == rate
    if cases < mips.quality_case_minimum:
        return np.nan
    if not mips.measure_reported[m]:
        if not has_rate or cases != cases:
            return np.nan
        return _deviation_points(rate, mips.claims_location[m], mips)
    if silent or not has_rate:
        return np.nan if mips.traditional and reports else mips.points_not_reported
    if not observed.completeness[m, i] >= mips.completeness_minimum:
        return mips.points_incomplete[small]
    g = np.int64(observed.collection[m, i])
    if g < 0 or not mips.has_benchmark[m, g]:
        return mips.points_without_benchmark[small]
    value = mips.sign[m, g] * rate
    return min(_decile_points(value, mips.cut_points[m, g]), mips.points_limit[m, g])


@kernel
def _decile_points(value, cut_points):
    """k + (value - b_k) / (b_k+1 - b_k) between cut points; below the first 1, from the last K."""
    reached = 0
    for cut in cut_points:
        reached += 1 if cut <= value else 0
    if reached == 0:
        return 1.0
    if reached == len(cut_points):
        return float(reached)
    below = cut_points[reached - 1]
    return reached + (value - below) / (cut_points[reached] - below)


@kernel
def _deviation_points(value, location, mips):
    """Points by the distance from the national median in SDs, the curve moved to its anchor."""
    z = (value - location[0]) / location[1]
    moved = mips.curve_anchor - curve_at(0.0, mips.curve_z, mips.curve_points)
    points = curve_at(z, mips.curve_z, mips.curve_points) + moved
    return min(max(points, mips.curve_points.min()), mips.curve_points.max())


# The other categories


@kernel
def _cost_score(observed, mips, i):
    """Share of the attainable points; nan with fewer episodes than the minimum."""
    if not observed.episodes[i] >= mips.cost_case_minimum:
        return np.nan
    points = _deviation_points(observed.episode_cost[i], mips.cost_location, mips)
    return points / mips.cost_points_maximum


@kernel
def _activities_score(observed, mips, i, small, silent):
    completed = 0.0 if silent else observed.improvement_activities[i]
    completed = completed if completed == completed else mips.activities_blank
    return min(completed / mips.activities_required[small], 1.0)


@kernel
def _interoperability_score(observed, mips, i, silent):
    score = 0.0 if silent else observed.pi_score[i]
    score = score if score == score else mips.interoperability_blank
    return score / mips.interoperability_maximum


@kernel
def _complex_patient_bonus(observed, mips, i, silent):
    """Points of one who submits anything; a component is 0 for a blank."""
    submits = observed.improvement_activities[i] > 0.0 or observed.pi_score[i] > 0.0
    for m in range(len(mips.measure_reported)):
        has_rate = observed.rate[m, i] == observed.rate[m, i]
        submits = submits or (mips.measure_reported[m] and has_rate)
    if silent or not submits:
        return 0.0
    total = 0.0
    for t in range(2):
        trait = observed.hcc_risk_score[i] if t == 0 else observed.dual_share[i]
        median, mean, sd = mips.complexity[t, 0], mips.complexity[t, 1], mips.complexity[t, 2]
        if trait >= median:
            total += max(0.0, mips.complex_intercept + mips.complex_slope * ((trait - mean) / sd))
    return min(max(total, mips.complex_minimum), mips.complex_maximum)


# Payment


@kernel
def _adjustment(final_score, mips):
    threshold = mips.performance_threshold
    if final_score <= mips.lowest_quarter:
        return -mips.applicable_percent
    if final_score < threshold:
        return -mips.applicable_percent * (threshold - final_score) / threshold
    above = (final_score - threshold) / (mips.score_maximum - threshold)
    return mips.applicable_percent * above * mips.scale


@entry
def _mips_scores(observed, mips, reporting_rank):
    n = len(observed.practice_size)
    final_score, adjustment = np.empty(n), np.empty(n)
    score_mips(observed, mips, reporting_rank, final_score, adjustment)
    return final_score, adjustment


def mips_scores(
    observed: Observed, mips: Any, reporting_rank: Floats | None = None
) -> tuple[Floats, Floats]:
    """MIPS final scores (points) and adjustment factors (fraction), each float64 [n].

    ``mips`` is the cohort's :class:`asm_sim.rules.compile_mips.MipsCohortRules`; without
    ``reporting_rank`` [n] rows are taken as they are. Inputs must have been checked.
    """
    n = len(observed.practice_size)
    rank = np.full(n, np.nan) if reporting_rank is None else reporting_rank
    final_score, adjustment = _mips_scores(
        contiguous(observed), mips, np.ascontiguousarray(rank, np.float64)
    )
    return final_score, adjustment
