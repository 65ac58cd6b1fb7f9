"""What one year's adjustments are held against: the year before, and the truth."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.draws.summaries import row_of
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE


@inlined
def _correlation(aa, bb, ab):
    """From the sums of squares and products of deviations; nan where one of two is constant."""
    return ab / np.sqrt(aa * bb) if aa > 0.0 and bb > 0.0 else np.nan


@kernel
def compare_with_year_before(y, outcome, memory, row):
    """Year-over-year statistics, over clinicians with a final score in both years."""
    if y == 0:
        row.rank_correlation = row.sign_change_share = row.adjustment_change_sd = np.nan
        return
    factor, before = outcome.payment_adjustment_factor, memory.adjustment_before
    rank, rank_before = memory.rank[row_of(y)], memory.rank[row_of(y - 1)]
    fifth, fifth_before = memory.fifth[row_of(y)], memory.fifth[row_of(y - 1)]
    transitions = memory.transitions
    count = changed = 0
    total = ranks = ranks_before = 0.0
    for i in range(len(factor)):
        if rank[i] == rank[i] and rank_before[i] == rank_before[i]:
            count += 1
            total += factor[i] - before[i]
            ranks += rank[i]
            ranks_before += rank_before[i]
            changed += (factor[i] < -SIGN_TOLERANCE) != (before[i] < -SIGN_TOLERANCE)
            transitions[np.uint64(fifth_before[i]), np.uint64(fifth[i])] += 1.0
    known = float(count) if count > 0 else np.nan
    mean, mean_rank, mean_before = total / known, ranks / known, ranks_before / known
    squares = aa = bb = ab = 0.0
    for i in range(len(factor)):
        if rank[i] == rank[i] and rank_before[i] == rank_before[i]:
            squares += (factor[i] - before[i] - mean) ** 2
            a, b = rank[i] - mean_rank, rank_before[i] - mean_before
            aa += a * a
            bb += b * b
            ab += a * b
    row.rank_correlation = _correlation(aa, bb, ab)
    row.sign_change_share = changed / known
    row.adjustment_change_sd = np.sqrt(squares / (count - 1)) if count > 1 else np.nan


@kernel
def compare_with_truth(y, outcome, truth, memory, row):
    """Observed adjustments of year y against the noise-free ones of the same draw."""
    factor, true = outcome.payment_adjustment_factor, truth.payment_adjustment_factor
    rank, rank_true = memory.rank[row_of(y)], memory.rank_true
    fifth, fifth_true = memory.fifth[row_of(y)], memory.fifth_true
    count = wrong_sign = wrong_fifth = 0
    sum_a = sum_t = ranks = ranks_true = 0.0
    for i in range(len(factor)):
        if rank[i] == rank[i] and rank_true[i] == rank_true[i]:
            count += 1
            sum_a += factor[i]
            sum_t += true[i]
            ranks += rank[i]
            ranks_true += rank_true[i]
            wrong_sign += (factor[i] < -SIGN_TOLERANCE) != (true[i] < -SIGN_TOLERANCE)
            wrong_fifth += fifth[i] != fifth_true[i]
    known = float(count) if count > 0 else np.nan
    mean_a, mean_t = sum_a / known, sum_t / known
    mean_rank, mean_true = ranks / known, ranks_true / known
    aa = tt = at = cc = rr = ss = rs = 0.0
    for i in range(len(factor)):
        if rank[i] == rank[i] and rank_true[i] == rank_true[i]:
            a, t = factor[i] - mean_a, true[i] - mean_t
            aa += a * a
            tt += t * t
            at += a * t
            cc += (a - t) ** 2
            r, s = rank[i] - mean_rank, rank_true[i] - mean_true
            rr += r * r
            ss += s * s
            rs += r * s
    row.rank_correlation_with_truth = _correlation(rr, ss, rs)
    row.misclassified_share = wrong_sign / known
    row.misclassified_quintile_share = wrong_fifth / known
    row.chance_sd = np.sqrt(cc / (count - 1)) if count > 1 else np.nan
    row.chance_variance_share = cc / aa if aa > 0.0 else np.nan
    row.reliability = at * at / (aa * tt) if aa > 0.0 and tt > 0.0 else np.nan
