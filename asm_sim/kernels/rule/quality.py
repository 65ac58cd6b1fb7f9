"""Quality category, 42 CFR 512.725: which measures count, their benchmarks and points."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import Shrinkage, ToppedOut
from asm_sim.kernels.numeric.eight import (
    EIGHT,
    chosen,
    eight_are,
    eight_from,
    greater,
    how_many,
    in_all,
    least_of,
    lesser,
    most_of,
    pack_eight,
    put_eight,
    unpack_eight,
)
from asm_sim.kernels.numeric.order_statistics import percentiles, percentiles_between
from asm_sim.kernels.numeric.sums import mean_and_sd
from asm_sim.kernels.numeric.vectors import compact, has_wide_vectors
from asm_sim.kernels.rule.points import (
    add_points,
    decile_points,
    deviation_points,
    middle_points,
)
from asm_sim.kernels.rule.shrinkage import shrink

# The status of a measure is the benchmark that its result enters, by collection type, or one of:
EXCLUDED = np.int8(-1)  # counts neither for nor against
NOT_REPORTED = np.int8(-2)  # counted, without achievement
_FIRST, _SECOND = np.int8(0), np.int8(1)


@kernel
def classify(observed, rules, y, scratch):
    """Status of every measure of every clinician, and who submitted anything at all."""
    measures, n = observed.rate.shape
    case_minimum = rules.year[y].quality_case_minimum
    completeness_minimum = rules.year[y].completeness_minimum
    must_submit = scratch.must_submit
    submitted = scratch.submitted
    for i in range(n):
        must_submit[i] = False
        submitted[i] = False
    for m in range(measures):
        rate = observed.rate[m]
        cases = observed.cases[m]
        completeness = observed.completeness[m]
        collection = observed.collection[m]  # blank is EXCLUDED
        apart = not rules.measure_pooled[m]
        status = scratch.status[m]
        if rules.measure_suspended[m, y]:
            status[:] = EXCLUDED
        elif rules.measure_reported[m]:
            for i in range(n):
                reported = (rate[i] == rate[i]) & (completeness[i] >= completeness_minimum)
                must_submit[i] |= not (cases[i] < 1.0)  # blank cases count as some
                submitted[i] |= reported
                entered = collection[i] if apart else np.int8(0)
                counted = entered if reported else NOT_REPORTED
                status[i] = EXCLUDED if cases[i] < case_minimum else counted
        else:
            for i in range(n):
                known = (rate[i] == rate[i]) & (cases[i] >= case_minimum)
                entered = collection[i] if apart else np.int8(0)
                status[i] = entered if known else EXCLUDED
    if rules.circumstances_neutral:
        _excuse(observed.extreme_circumstances, scratch.status)


@kernel
def _excuse(extreme_circumstances, status):
    """Exclude every measure of one who met extreme circumstances (42 CFR 512.780)."""
    for i in range(len(extreme_circumstances)):
        if extreme_circumstances[i] == 1.0:
            status[:, i] = EXCLUDED


@kernel
def score_quality(observed, rules, y, fit, refit, outcome, scratch):
    """Points of every measure and the quality score; ``refit`` makes the benchmarks first.

    Needs what has been classified.
    """
    keys, payload = scratch.keys, scratch.payload
    for m in range(len(observed.rate)):
        if _are_plain_deciles(rules, m, fit):
            _score_plain_deciles(
                observed.rate[m], rules, m, y, refit, fit, outcome.points[m], scratch
            )
            continue
        points = outcome.points[m]
        status = scratch.status[m]
        _begin_points(status, rules.year[y].points_not_reported, points)
        groups = 1 if rules.measure_pooled[m] else rules.collection_types
        highest = _highest(status)
        for g in range(groups):
            k = _gather(observed, rules, m, g, scratch) if g <= highest else 0
            if refit:
                fit.has_benchmark[m, g] = k >= rules.year[y].benchmark_minimum_clinicians
            if k == 0 or not fit.has_benchmark[m, g]:
                continue
            location = fit.quality_location[m, g]
            shrinks = rules.quality_shrinkage != Shrinkage.NONE and fit.shrinks[0]
            if shrinks:
                shrink(
                    keys,
                    payload,
                    k,
                    observed.cases[m],
                    rules.quality_shrinkage,
                    rules.measure_is_percentage[m],
                    rules.year[y].quality_kappa,
                    refit,
                    fit.quality_shrinkage[m, g],
                )
            if rules.measure_by_deciles[m]:
                cuts = fit.cut_points[m, g]
                if refit:
                    percentiles(keys, k, rules.decile_percentiles, cuts, scratch)
                    if rules.topped_out != ToppedOut.KEPT:
                        percentiles(keys, k, scratch.fifty, location, scratch)
                    if shrinks:
                        location[1] = mean_and_sd(keys, k)[1]
                topped_out = (
                    rules.topped_out != ToppedOut.KEPT
                    and location[0] >= rules.topped_out_merit[m, y]
                )
                if topped_out and rules.topped_out == ToppedOut.DROPPED:
                    continue
                if shrinks and location[1] == 0.0:
                    middle = middle_points(rules.quality_curve_points, rules.year[y].quality_anchor)
                    for t in range(k):
                        scratch.values[t] = middle
                else:
                    decile_points(keys, k, cuts, scratch.values)
                if topped_out:
                    most = rules.year[y].topped_out_points
                    for t in range(k):
                        scratch.values[t] = min(scratch.values[t], most)
            else:
                if refit:
                    percentiles(keys, k, scratch.fifty, location, scratch)
                    location[1] = mean_and_sd(keys, k)[1]
                deviation_points(
                    keys,
                    k,
                    location[0],
                    location[1],
                    rules.quality_curve_z,
                    rules.quality_curve_points,
                    rules.year[y].quality_anchor,
                    scratch.sorted_keys,
                    scratch.values,
                )
            for t in range(k):
                points[np.uint64(payload[t])] = scratch.values[t]
    _score_points(outcome.points, rules.quality_points_maximum, outcome.quality_score, scratch)


@kernel
def _score_points(points, most, score, scratch):
    """The quality score of everyone; 0 / 0 is nan: no counted measure, no quality score."""
    measures, n = points.shape
    total, counted = scratch.points_sum, scratch.counted
    done = 0
    if has_wide_vectors():
        done = n - n % EIGHT
        in_rows = points.reshape(points.size)
        for i in range(0, done, EIGHT):
            sum_of_eight, number = in_all(0.0), in_all(0.0)
            for m in range(measures):
                earned = eight_from(in_rows, m * n + i)
                present = earned >= earned
                sum_of_eight = sum_of_eight + chosen(present, earned, 0.0)
                number = number + chosen(present, 1.0, 0.0)
            put_eight(sum_of_eight / (number * most), score, i)
    for i in range(done, n):
        total[i] = counted[i] = 0.0
    for m in range(measures):
        add_points(points[m], done, total, counted)
    for i in range(done, n):
        score[i] = total[i] / (most * counted[i])


@kernel
def _are_plain_deciles(rules, m, fit):
    """Whether a measure has deciles and nothing else, and eight results can be packed at once."""
    of_measure = rules.measure_by_deciles[m] and rules.topped_out == ToppedOut.KEPT
    shrinks = rules.quality_shrinkage != Shrinkage.NONE and fit.shrinks[0]
    return has_wide_vectors() and of_measure and not shrinks and rules.collection_types <= 2


@kernel
def _score_plain_deciles(rate, rules, m, y, refit, fit, points, scratch):
    """Points of a measure with plain deciles, of both collection types at once.

    Results are packed type by type, eight at once, and points put back to whom they belong.
    """
    of_first, of_second = scratch.keys, scratch.values
    first, second = _pack_types(
        rate, rules.measure_inverse[m], scratch.status[m], of_first, of_second
    )
    two = rules.collection_types > 1 and not rules.measure_pooled[m]
    if refit:
        _find_cuts(of_first, first, rules, m, 0, y, fit, scratch)
        if two:
            _find_cuts(of_second, second, rules, m, 1, y, fit, scratch)
    for_first, for_second = scratch.sorted_keys, scratch.cells[1].view(np.float64)
    _earn(of_first, first[0], m, 0, fit, for_first)
    if two:
        _earn(of_second, second[0], m, 1, fit, for_second)
    unreported = rules.year[y].points_not_reported
    _put_back(scratch.status[m], for_first, for_second, unreported, points)


@kernel
def _pack_types(rate, inverse, status, of_first, of_second):
    """The results by collection type, better ones higher: how many, the lowest, the highest."""
    sign = -1.0 if inverse else 1.0
    least = least_b = in_all(np.inf)
    most = most_b = in_all(-np.inf)
    k = k_b = 0
    done = len(rate) - len(rate) % EIGHT
    for i in range(0, done, EIGHT):
        value = eight_from(rate, i) * sign
        first, second = eight_are(status, i, _FIRST), eight_are(status, i, _SECOND)
        k += pack_eight(first, value, of_first, k)
        k_b += pack_eight(second, value, of_second, k_b)
        least, most = (
            lesser(chosen(first, value, least), least), greater(chosen(first, value, most), most)
        )  # fmt: skip
        least_b, most_b = (
            lesser(chosen(second, value, least_b), least_b),
            greater(chosen(second, value, most_b), most_b),
        )
    low, high, low_b, high_b = least_of(least), most_of(most), least_of(least_b), most_of(most_b)
    for i in range(done, len(rate)):
        value = sign * rate[i]
        if status[i] == _FIRST:
            of_first[k] = value
            k += 1
            low, high = min(low, value), max(high, value)
        elif status[i] == _SECOND:
            of_second[k_b] = value
            k_b += 1
            low_b, high_b = min(low_b, value), max(high_b, value)
    return (k, low, high), (k_b, low_b, high_b)


@kernel
def _find_cuts(values, ends, rules, m, g, y, fit, scratch):
    """Make the benchmark of one collection type from its packed results."""
    k, low, high = ends
    known = k >= rules.year[y].benchmark_minimum_clinicians
    fit.has_benchmark[m, g] = known
    if k > 0 and known:
        cuts = fit.cut_points[m, g]
        percentiles_between(values, k, low, high, rules.decile_percentiles, cuts, scratch)


@kernel
def _earn(values, k, m, g, fit, points):
    """Points of the packed results of one collection type; blank without a benchmark."""
    if fit.has_benchmark[m, g]:
        decile_points(values, k, fit.cut_points[m, g], points)
    else:
        points[:k] = np.nan


@kernel
def _put_back(status, of_first, of_second, unreported, points):
    """Give everyone the points that were earned type by type."""
    k = k_b = 0
    done = len(status) - len(status) % EIGHT
    for i in range(0, done, EIGHT):
        first, second = eight_are(status, i, _FIRST), eight_are(status, i, _SECOND)
        result = chosen(eight_are(status, i, NOT_REPORTED), unreported, np.nan)
        result = chosen(first, unpack_eight(first, of_first, k), result)
        result = chosen(second, unpack_eight(second, of_second, k_b), result)
        k += how_many(first)
        k_b += how_many(second)
        put_eight(result, points, i)
    for i in range(done, len(status)):
        points[i] = unreported if status[i] == NOT_REPORTED else np.nan
        if status[i] == _FIRST:
            points[i] = of_first[k]
            k += 1
        elif status[i] == _SECOND:
            points[i] = of_second[k_b]
            k_b += 1


@kernel
def _begin_points(status, not_reported, points):
    for i in range(len(points)):
        points[i] = not_reported if status[i] == NOT_REPORTED else np.nan


@kernel
def _gather(observed, rules, m, g, scratch):
    """Leave the valid results of measure m by collection type g in ``scratch.keys``; how many.

    Deciles count upward and distances from the median downward: the sign makes better higher for
    the one and lower for the other.
    """
    status, taken, keys = scratch.status[m], scratch.taken, scratch.keys
    entered = np.int8(g)  # several times as many bytes are compared at once as whole numbers
    for i in range(len(status)):
        taken[i] = status[i] == entered
    k = compact(observed.rate[m], taken, keys, scratch.payload)
    if rules.measure_inverse[m] == rules.measure_by_deciles[m]:
        for t in range(k):
            keys[t] = -keys[t]
    return k


@kernel
def _highest(status):
    """The last benchmark that any result enters; negative without one."""
    highest = NOT_REPORTED
    for i in range(len(status)):
        highest = max(highest, status[i])
    return highest
