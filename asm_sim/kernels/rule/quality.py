"""Quality category, 42 CFR 512.725: which measures count, their benchmarks and points."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import Shrinkage, ToppedOut
from asm_sim.kernels.numeric.eight import (
    EIGHT,
    MOST_KNOTS,
    as_float,
    both,
    chosen,
    eight_are,
    eight_from,
    greater,
    in_all,
    least_of,
    lesser,
    look_up_either,
    most_of,
    pack_eight,
    put_eight,
    reached,
    table_from,
)
from asm_sim.kernels.numeric.order_statistics import percentiles, percentiles_between
from asm_sim.kernels.numeric.sums import mean_and_sd
from asm_sim.kernels.numeric.vectors import compact, has_wide_vectors
from asm_sim.kernels.rule.points import add_points, decile_points, deviation_points, middle_points
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
    measures, n = observed.rate.shape
    points_sum = scratch.points_sum
    counted = scratch.counted
    keys, payload = scratch.keys, scratch.payload
    for i in range(n):
        points_sum[i] = 0.0
        counted[i] = 0.0
    for m in range(measures):
        if _are_plain_deciles(rules, m, fit):
            if refit:
                _find_cuts(observed.rate[m], rules, m, y, fit, scratch)
            _add_decile_points(observed.rate[m], rules, m, y, fit, outcome.points[m], scratch)
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
                        location[1] = mean_and_sd(keys, k, scratch.lanes)[1]
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
                    location[1] = mean_and_sd(keys, k, scratch.lanes)[1]
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
        add_points(points, 0, points_sum, counted)
    quality_score = outcome.quality_score
    for i in range(n):  # 0 / 0 is nan: no counted measure, no quality score
        quality_score[i] = points_sum[i] / (rules.quality_points_maximum * counted[i])


@kernel
def _are_plain_deciles(rules, m, fit):
    """Whether a measure has deciles and nothing else, few enough to be looked up at once."""
    of_measure = rules.measure_by_deciles[m] and rules.topped_out == ToppedOut.KEPT
    shrinks = rules.quality_shrinkage != Shrinkage.NONE and fit.shrinks[0]
    few = rules.collection_types <= 2 and len(rules.decile_percentiles) <= MOST_KNOTS
    return has_wide_vectors() and of_measure and not shrinks and few


@kernel
def _find_cuts(rate, rules, m, y, fit, scratch):
    """Make the benchmarks of a measure with plain deciles, of both collection types at once."""
    status, of_first, of_second = scratch.status[m], scratch.keys, scratch.values
    sign = -1.0 if rules.measure_inverse[m] else 1.0  # better is higher
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
    _find_cuts_of_type(of_first, k, low, high, rules, m, 0, y, fit, scratch)
    if rules.collection_types > 1 and not rules.measure_pooled[m]:
        _find_cuts_of_type(of_second, k_b, low_b, high_b, rules, m, 1, y, fit, scratch)


@kernel
def _find_cuts_of_type(values, k, low, high, rules, m, g, y, fit, scratch):
    fit.has_benchmark[m, g] = k >= rules.year[y].benchmark_minimum_clinicians
    if k == 0 or not fit.has_benchmark[m, g]:
        return
    percentiles_between(
        values, k, low, high, rules.decile_percentiles, fit.cut_points[m, g], scratch
    )


@kernel
def _add_decile_points(rate, rules, m, y, fit, points, scratch):
    """Points of a measure with plain deciles, of everyone eight at once, added to those before."""
    status, total, counted = scratch.status[m], scratch.points_sum, scratch.counted
    cuts, known = fit.cut_points[m], fit.has_benchmark[m]
    unreported = rules.year[y].points_not_reported
    sign = -1.0 if rules.measure_inverse[m] else 1.0  # better is higher
    last = len(cuts) - 1
    tables = scratch.tables
    _tabulate(cuts[0], tables[0], tables[1], tables[2])
    _tabulate(cuts[last], tables[3], tables[4], tables[5])
    knots = table_from(tables[0]), table_from(tables[3])
    lowers = table_from(tables[1]), table_from(tables[4])
    widths = table_from(tables[2]), table_from(tables[5])
    first_known, second_known = in_all(known[0]), in_all(known[last])
    done = len(rate) - len(rate) % EIGHT
    for i in range(0, done, EIGHT):
        of_second = eight_are(status, i, _SECOND)
        value = eight_from(rate, i) * sign
        k = reached(knots, of_second, value)
        above = value - look_up_either(lowers, of_second, k)
        number = as_float(k)
        earned = greater(number, 1.0) + above / look_up_either(widths, of_second, k)
        result = chosen(eight_are(status, i, NOT_REPORTED), unreported, np.nan)
        result = chosen(both(eight_are(status, i, _FIRST), first_known), earned, result)
        result = chosen(both(of_second, second_known), earned, result)
        put_eight(result, points, i)
        present = result >= result
        put_eight(eight_from(total, i) + chosen(present, result, 0.0), total, i)
        put_eight(eight_from(counted, i) + chosen(present, 1.0, 0.0), counted, i)
    for i in range(done, len(rate)):
        g, value, k = np.int64(status[i]), sign * rate[i], 0
        points[i] = unreported if g == NOT_REPORTED else np.nan
        if g >= 0 and known[g]:
            while k < cuts.shape[1] and value >= cuts[g, k]:
                k += 1
            of_type = tables[3 * g : 3 * g + 3]
            points[i] = max(float(k), 1.0) + (value - of_type[1, k]) / of_type[2, k]
    add_points(points, done, total, counted)


@kernel
def _tabulate(cut_points, knots, lowers, widths):
    """Tables of up to 15 cuts: each, and of the segment above so many its lower end and width."""
    knots[:] = np.nan
    lowers[0], widths[0] = 0.0, np.inf
    for k in range(len(cut_points)):
        cut = cut_points[k]
        knots[k] = lowers[k + 1] = cut
        widths[k + 1] = cut_points[k + 1] - cut if k + 1 < len(cut_points) else np.inf


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
