"""MIPS, the comparator: 42 CFR 414.1380 (final score) and 414.1405 (adjustment).

National benchmarks are fixed in advance, so that each clinician is scored alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import entry, kernel
from asm_sim.kernels._reference import by_reference, keep
from asm_sim.kernels.rule.cohort import contiguous
from asm_sim.kernels.rule.fit import Floats
from asm_sim.kernels.rule.observed import Observed
from asm_sim.kernels.rule.points import add_points, decile_points, deviation_points

ALL_CATEGORIES = 0
WITHOUT_COST = 1
WITHOUT_QUALITY = 2


class MipsRoom(NamedTuple):
    """Room to work in: n clinicians, M measures, K cut points."""

    national: Floats  # [M, n] points against the national benchmark; nan without one
    points: Floats  # [M, n] of reported measures; nan where one does not count
    silent: NDArray[np.bool_]  # [n] submits nothing
    reports: NDArray[np.bool_]  # [n] a measure with as many cases as it takes to count
    submits: NDArray[np.bool_]  # [n] anything at all
    quality: Floats  # [n] share of the attainable points
    cost: Floats  # [n]
    bonus: Floats  # [n] of complex patients, before it is clipped
    best: Floats  # [M, n] the most points of a clinician, descending
    values: Floats  # [n]
    work: Floats  # [n]


@kernel
def new_mips_room(mips, n):
    measures = len(mips.cut_points)
    return MipsRoom(
        national=np.empty((measures, n)),
        points=np.empty((measures, n)),
        silent=np.zeros(n, np.bool_),
        reports=np.zeros(n, np.bool_),
        submits=np.zeros(n, np.bool_),
        quality=np.empty(n),
        cost=np.empty(n),
        bonus=np.empty(n),
        best=np.empty((measures, n)),
        values=np.empty(n),
        work=np.empty(n),
    )


@kernel
def prepare_mips(observed, mips, y, reporting_rank, room):
    """What both forms of MIPS make of n clinicians alike, left in ``room`` for score_mips.

    ``mips`` is one of the cohort's two :class:`asm_sim.kernels.rule.law.MipsCohortRules`, which
    differ in how many measures and activities they take and in what becomes of a measure that is
    not reported. y counts the performance years of ASM from 0; reporting_rank float64 [n] in
    [0, 1): who is below the share of non-reporting submits nothing, nor does a group for them; nan
    takes the row as it is.
    """
    if not mips.scored:
        return
    _who_submits(observed, mips, y, reporting_rank, room)
    for m in range(len(room.national)):
        if mips.measure_suspended[m, y]:
            room.national[m, :] = np.nan
        elif mips.measure_reported[m]:
            _benchmark_points(observed, mips, m, room)
        else:
            _claims_points(observed, mips, m, room)
    _cost_scores(observed, mips, room)
    _complex_patients(observed, mips, room.bonus)


@kernel
def score_mips(observed, mips, y, room, final_score, adjustment):
    """Final scores (points) and adjustment factors (fraction), float64 [n], by one form."""
    if not mips.scored:  # MIPS has no such cohort or measure
        final_score[:] = np.nan
        adjustment[:] = np.nan
        return
    for m in range(len(room.points)):
        if mips.measure_suspended[m, y]:
            room.points[m, :] = np.nan
        elif mips.measure_reported[m]:
            _reported_points(observed, mips, m, room)
    _quality_scores(observed, mips, y, room)
    _own_scores(observed, mips, room, final_score)
    _add_bonus(mips, room, final_score)
    _with_group(observed, mips, room, final_score)
    if mips.circumstances_neutral:
        _excuse(observed.extreme_circumstances, mips.performance_threshold, final_score)
    _adjust(mips, final_score, adjustment)


@kernel
def _who_submits(observed, mips, y, reporting_rank, room):
    silent, reports, submits = room.silent, room.reports, room.submits
    activities, interoperability = observed.improvement_activities, observed.pi_score
    share, minimum = mips.non_reporting, mips.quality_case_minimum
    for i in range(len(silent)):
        silent[i] = reporting_rank[i] < share
        reports[i] = False
        submits[i] = (activities[i] > 0.0) | (interoperability[i] > 0.0)
    for m in range(len(mips.measure_reported)):
        if mips.measure_reported[m] and not mips.measure_suspended[m, y]:
            rate, cases = observed.rate[m], observed.cases[m]
            for i in range(len(silent)):
                has_rate = rate[i] == rate[i]
                submits[i] |= has_rate
                reports[i] |= has_rate & (not cases[i] < minimum)
    for i in range(len(silent)):
        submits[i] &= not silent[i]
        reports[i] &= not silent[i]


# Quality


@kernel
def _claims_points(observed, mips, m, room):
    """Points of a measure that CMS computes from claims."""
    rate, cases, points = observed.rate[m], observed.cases[m], room.national[m]
    median, sd = mips.claims_location[m, 0], mips.claims_location[m, 1]
    deviation_points(
        rate, len(rate), median, sd, mips.curve_z, mips.curve_points, mips.curve_anchor,
        room.work, points,
    )  # fmt: skip
    minimum = mips.quality_case_minimum
    for i in range(len(rate)):
        known = (rate[i] == rate[i]) & (cases[i] >= minimum)
        points[i] = points[i] if known else np.nan


@kernel
def _benchmark_points(observed, mips, m, room):
    """Points of a reported measure against the benchmark of its collection type."""
    rate, collection, points = observed.rate[m], observed.collection[m], room.national[m]
    values, against = room.values, room.work
    points[:] = np.nan
    for g in range(mips.cut_points.shape[1]):
        if mips.has_benchmark[m, g]:
            sign, limit = mips.sign[m, g], mips.points_limit[m, g]
            for i in range(len(rate)):
                values[i] = sign * rate[i]
            cuts = mips.cut_points[m, g]
            decile_points(values, len(rate), cuts, against)
            for i in range(len(rate)):
                points[i] = min(against[i], limit) if collection[i] == g else points[i]


@kernel
def _reported_points(observed, mips, m, room):
    """What a reported measure earns: by its benchmark, without one, incomplete, not reported."""
    rate, cases, national = observed.rate[m], observed.cases[m], room.national[m]
    completeness, points = observed.completeness[m], room.points[m]
    size, silent, reports = observed.practice_size, room.silent, room.reports
    largest_small = mips.small_maximum_clinicians
    without, of_small = mips.points_without_benchmark[0], mips.points_without_benchmark[1]
    partly, partly_of_small = mips.points_incomplete[0], mips.points_incomplete[1]
    minimum, least = mips.quality_case_minimum, mips.completeness_minimum
    traditional, not_reported = mips.traditional, mips.points_not_reported
    for i in range(len(rate)):
        small = size[i] <= largest_small
        earned = national[i]
        unmeasured = of_small if small else without
        earned = earned if earned == earned else unmeasured
        incomplete = partly_of_small if small else partly
        earned = earned if completeness[i] >= least else incomplete
        has_rate = (rate[i] == rate[i]) & (not silent[i])
        another = np.nan if traditional & reports[i] else not_reported
        earned = earned if has_rate else another
        points[i] = np.nan if cases[i] < minimum else earned


@kernel
def _quality_scores(observed, mips, y, room):
    """Share of the attainable points, at most 1; nan without a measure that counts."""
    size, reports, quality = observed.practice_size, room.reports, room.quality
    attainable = mips.quality_points_maximum
    in_use = mips.measures_counted
    for m in range(len(room.points)):
        in_use -= mips.measure_reported[m] and mips.measure_suspended[m, y]
    bonus = mips.small_practice_bonus / (attainable * max(in_use, 1))
    places = _find_best(mips, room)
    best, total, counted = room.best, room.values, room.work
    total[:] = 0.0
    counted[:] = 0.0
    for m in range(len(room.points)):
        if not mips.measure_reported[m]:
            add_points(room.national[m], 0, total, counted)
    for k in range(places):
        add_points(best[k], 0, total, counted)
    largest_small = mips.small_maximum_clinicians
    for i in range(len(quality)):
        share = total[i] / (attainable * counted[i])  # 0 / 0 is nan: no measure counts
        share += bonus if (size[i] <= largest_small) & reports[i] else 0.0
        quality[i] = 1.0 if share > 1.0 else share


@kernel
def _find_best(mips, room):
    """The most points of reported measures, in descending order; how many are looked at.

    nan where there are no more. Every measure is put in its place among those before it, which is
    the same step for everyone.
    """
    best, next_one = room.best, room.work
    places = 0
    for m in range(len(room.points)):
        if not mips.measure_reported[m]:
            continue
        points = room.points[m]
        for i in range(len(points)):
            next_one[i] = points[i] if points[i] == points[i] else -np.inf
        for k in range(places):
            of_place = best[k]
            for i in range(len(points)):
                before, after = of_place[i], next_one[i]
                of_place[i] = max(before, after)
                next_one[i] = min(before, after)
        if places < mips.measures_counted:
            best[places] = next_one
            places += 1
    for k in range(places):
        of_place = best[k]
        for i in range(len(of_place)):
            of_place[i] = of_place[i] if of_place[i] > -np.inf else np.nan
    return places


# The other categories


@kernel
def _cost_scores(observed, mips, room):
    """Share of the attainable points; nan with fewer episodes than the minimum."""
    episodes, cost = observed.episodes, room.cost
    median, sd = mips.cost_location[0], mips.cost_location[1]
    deviation_points(
        observed.episode_cost, len(cost), median, sd, mips.curve_z, mips.curve_points,
        mips.curve_anchor, room.work, cost,
    )  # fmt: skip
    for i in range(len(cost)):
        enough = episodes[i] >= mips.cost_case_minimum
        cost[i] = cost[i] / mips.cost_points_maximum if enough else np.nan


@kernel
def _own_scores(observed, mips, room, total):
    """Weighted categories in points, before the complex-patient bonus; nan without two of them."""
    quality, cost, silent = room.quality, room.cost, room.silent
    done, interoperability = observed.improvement_activities, observed.pi_score
    size, weights = observed.practice_size, mips.category_weights
    for i in range(len(total)):
        small = 1 if size[i] <= mips.small_maximum_clinicians else 0
        has_quality, has_cost = quality[i] == quality[i], cost[i] == cost[i]
        case = ALL_CATEGORIES if has_cost else WITHOUT_COST
        case = case if has_quality else WITHOUT_QUALITY
        activities = 0.0 if silent[i] else done[i]
        activities = activities if activities == activities else mips.activities_blank
        score = 0.0 if silent[i] else interoperability[i]
        score = score if score == score else mips.interoperability_blank
        share = (
            weights[small, case, 0] * (quality[i] if has_quality else 0.0)
            + weights[small, case, 1] * (cost[i] if has_cost else 0.0)
            + weights[small, case, 2] * min(activities / mips.activities_required[small], 1.0)
            + weights[small, case, 3] * (score / mips.interoperability_maximum)
        )
        total[i] = mips.score_scale * share if has_quality or has_cost else np.nan


@kernel
def _complex_patients(observed, mips, bonus):
    """The points of complex patients, before they are clipped; a component is 0 for a blank."""
    bonus[:] = 0.0
    for t in range(2):
        trait = observed.hcc_risk_score if t == 0 else observed.dual_share
        median, mean, sd = mips.complexity[t, 0], mips.complexity[t, 1], mips.complexity[t, 2]
        for i in range(len(bonus)):
            part = max(0.0, mips.complex_intercept + mips.complex_slope * ((trait[i] - mean) / sd))
            bonus[i] += part if trait[i] >= median else 0.0


@kernel
def _add_bonus(mips, room, total):
    """Add the points of complex patients to one who submits anything, and clip."""
    submits, bonus = room.submits, room.bonus
    lowest, highest = mips.score_minimum, mips.score_maximum
    for i in range(len(total)):
        added = min(max(bonus[i], mips.complex_minimum), mips.complex_maximum)
        final = min(max(total[i] + (added if submits[i] else 0.0), lowest), highest)
        total[i] = final if total[i] == total[i] else mips.performance_threshold


@kernel
def _with_group(observed, mips, room, final_score):
    """A group's submission closes a share of what a clinician's own score falls short of it."""
    size, silent = observed.practice_size, room.silent
    for i in range(len(final_score)):
        in_group = (size[i] >= mips.group_minimum_clinicians) & (not silent[i])
        short = max(mips.group_score - final_score[i], 0.0) if in_group else 0.0
        final_score[i] += mips.group_share * short


@kernel
def _excuse(extreme_circumstances, threshold, final_score):
    """Who met extreme circumstances has the final score that is not adjusted."""
    for i in range(len(final_score)):
        final_score[i] = threshold if extreme_circumstances[i] == 1.0 else final_score[i]


# Payment


@kernel
def _adjust(mips, final_score, adjustment):
    threshold, full = mips.performance_threshold, mips.applicable_percent
    width = mips.score_maximum - threshold
    for i in range(len(final_score)):
        score = final_score[i]
        penalty = -full if score <= mips.lowest_quarter else -full * (threshold - score) / threshold
        bonus = full * ((score - threshold) / width) * mips.scale
        adjustment[i] = penalty if (score <= mips.lowest_quarter) | (score < threshold) else bonus


@entry
def _mips_scores(observed, mips, y, reporting_rank):
    mips, observed = by_reference(mips), by_reference(observed)
    n = len(observed.practice_size)
    final_score, adjustment = np.empty(n), np.empty(n)
    room = new_mips_room(mips, n)
    work = by_reference(room)
    prepare_mips(observed, mips, y, reporting_rank, work)
    score_mips(observed, mips, y, work, final_score, adjustment)
    keep(room)
    return final_score, adjustment


def mips_scores(
    observed: Observed, mips: Any, year_index: int, reporting_rank: Floats | None = None
) -> tuple[Floats, Floats]:
    """MIPS final scores (points) and adjustment factors (fraction), each float64 [n].

    ``mips`` is the cohort's :class:`asm_sim.kernels.rule.law.MipsCohortRules`; ``year_index``
    counts the performance years of the ASM rule set from 0; without ``reporting_rank`` [n] rows are
    taken as they are. Inputs must have been checked.
    """
    n = len(observed.practice_size)
    rank = np.full(n, np.nan) if reporting_rank is None else reporting_rank
    final_score, adjustment = _mips_scores(
        contiguous(observed), mips, year_index, np.ascontiguousarray(rank, np.float64)
    )
    return final_score, adjustment
