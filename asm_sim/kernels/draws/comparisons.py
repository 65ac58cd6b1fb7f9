"""What one year's adjustments are held against: the year before, and the truth."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.draws.summaries import quintile
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE


@kernel
def _correlation(a, b):
    """Correlation over the entries where neither is nan."""
    count = 0
    sum_a = sum_b = 0.0
    for i in range(len(a)):
        if a[i] == a[i] and b[i] == b[i]:
            count += 1
            sum_a += a[i]
            sum_b += b[i]
    if count < 2:
        return np.nan
    mean_a = sum_a / count
    mean_b = sum_b / count
    aa = bb = ab = 0.0
    for i in range(len(a)):
        if a[i] == a[i] and b[i] == b[i]:
            aa += (a[i] - mean_a) ** 2
            bb += (b[i] - mean_b) ** 2
            ab += (a[i] - mean_a) * (b[i] - mean_b)
    return ab / np.sqrt(aa * bb) if aa > 0.0 and bb > 0.0 else np.nan


@kernel
def compare_with_year_before(y, outcome, scored, scored_before, memory, row):
    """Year-over-year statistics, over clinicians with a final score in both years."""
    if y == 0:
        row.rank_correlation = row.sign_change_share = row.adjustment_change_sd = np.nan
        return
    factor = outcome.payment_adjustment_factor
    before = memory.adjustment_before
    rank, rank_before = memory.rank, memory.rank_before
    count = changed = 0
    total = 0.0
    for i in range(len(factor)):
        if rank[i] == rank[i] and rank_before[i] == rank_before[i]:
            count += 1
            total += factor[i] - before[i]
            changed += (factor[i] < -SIGN_TOLERANCE) != (before[i] < -SIGN_TOLERANCE)
            was, now = quintile(rank_before[i], scored_before), quintile(rank[i], scored)
            memory.transitions[was, now] += 1.0
    squares = 0.0
    mean = total / count if count > 0 else np.nan
    for i in range(len(factor)):
        if rank[i] == rank[i] and rank_before[i] == rank_before[i]:
            squares += (factor[i] - before[i] - mean) ** 2
    row.rank_correlation = _correlation(rank, rank_before)
    row.sign_change_share = changed / count if count > 0 else np.nan
    row.adjustment_change_sd = np.sqrt(squares / (count - 1)) if count > 1 else np.nan


@kernel
def compare_with_truth(outcome, truth, scored, memory, row):
    """Observed adjustments against the noise-free ones of the same draw."""
    factor = outcome.payment_adjustment_factor
    true = truth.payment_adjustment_factor
    rank, rank_true = memory.rank, memory.rank_true
    count = wrong_sign = wrong_quintile = 0
    sum_a = sum_t = 0.0
    for i in range(len(factor)):
        if rank[i] == rank[i] and rank_true[i] == rank_true[i]:
            count += 1
            sum_a += factor[i]
            sum_t += true[i]
            wrong_sign += (factor[i] < -SIGN_TOLERANCE) != (true[i] < -SIGN_TOLERANCE)
            wrong_quintile += quintile(rank[i], scored) != quintile(rank_true[i], scored)
    known = float(count) if count > 0 else np.nan
    mean_a, mean_t = sum_a / known, sum_t / known
    aa = tt = at = cc = 0.0
    for i in range(len(factor)):
        if rank[i] == rank[i] and rank_true[i] == rank_true[i]:
            a, t = factor[i] - mean_a, true[i] - mean_t
            aa += a * a
            tt += t * t
            at += a * t
            cc += (a - t) ** 2
    row.rank_correlation_with_truth = _correlation(rank, rank_true)
    row.misclassified_share = wrong_sign / known
    row.misclassified_quintile_share = wrong_quintile / known
    row.chance_sd = np.sqrt(cc / (count - 1)) if count > 1 else np.nan
    row.chance_variance_share = cc / aa if aa > 0.0 else np.nan
    row.reliability = at * at / (aa * tt) if aa > 0.0 and tt > 0.0 else np.nan
