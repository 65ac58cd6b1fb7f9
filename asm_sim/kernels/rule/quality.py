"""Quality category, 42 CFR 512.725: which measures count, their benchmarks and points."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import Shrinkage, ToppedOut
from asm_sim.kernels.numeric.order_statistics import MEDIAN, percentiles
from asm_sim.kernels.numeric.sums import mean_and_sd
from asm_sim.kernels.numeric.vectors import compact
from asm_sim.kernels.rule.points import add_points, decile_points, deviation_points, middle_points
from asm_sim.kernels.rule.shrinkage import shrink

# The status of a measure is the benchmark that its result enters, by collection type, or one of:
EXCLUDED = np.int8(-1)  # counts neither for nor against
NOT_REPORTED = np.int8(-2)  # counted, without achievement


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
                        percentiles(keys, k, MEDIAN, location, scratch)
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
                    percentiles(keys, k, MEDIAN, location, scratch)
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
        add_points(points, points_sum, counted)
    quality_score = outcome.quality_score
    for i in range(n):  # 0 / 0 is nan: no counted measure, no quality score
        quality_score[i] = points_sum[i] / (rules.quality_points_maximum * counted[i])


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
