"""Payment adjustment, 42 CFR 512.750: logistic exchange, pool, scaling, adjustment factor."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.elementary import exp
from asm_sim.kernels.order_statistics import percentile, sort_pairs

_UNDERFLOW = -700.0


@inlined
def logistic(x):
    """1 / (1 + exp(-x)), 0 where it underflows."""
    share = 1.0 / (1.0 + exp(-x))
    return share if x > _UNDERFLOW else 0.0


@kernel
def score_payment(observed, rules, y, fit, refit, outcome, scratch):
    """Transformed scores and adjustment factors; with ``refit`` m, S and the pool are made first.

    Leaves the positive scorers, by ascending final score, in ``scratch.order`` and their scores in
    ``scratch.sorted_keys``.
    """
    final = outcome.final_score
    n = len(final)
    keys = scratch.keys
    payload = scratch.payload
    k = 0
    for i in range(n):
        keys[k] = final[i]  # overwritten by the next where this one is not taken
        payload[k] = i
        k += final[i] > rules.score_zero
    scratch.counts[1] = k
    sort_pairs(
        keys,
        scratch.payload,
        k,
        scratch.sorted_keys,
        scratch.order,
        scratch.bucket_of,
        scratch.starts,
    )
    if refit:
        fit.payment[0] = percentile(scratch.sorted_keys, k, 50.0) if k > 0 else np.nan
    _transform(rules, y, fit, outcome)
    if refit:
        _fit_scaling(observed.part_b_payments, rules, y, fit, outcome)
    _adjust(rules, y, fit, outcome)


@kernel
def adjust_scores(rules, y, fit, outcome):
    """Transformed scores and adjustment factors of final scores, against a fit that is made."""
    _transform(rules, y, fit, outcome)
    _adjust(rules, y, fit, outcome)


@kernel
def _transform(rules, y, fit, outcome):
    final = outcome.final_score
    transformed = outcome.transformed_score
    median = fit.payment[0]
    has_median = median == median  # a foreign fit may have none
    steepness = rules.steepness[y]
    for i in range(len(final)):
        positive = (final[i] > rules.score_zero) & has_median
        transformed[i] = logistic(steepness * (final[i] - median)) if positive else np.nan


@kernel
def _fit_scaling(part_b, rules, y, fit, outcome):
    """Scaling factor and pool; the risk level cancels in the scaling factor."""
    final = outcome.final_score
    transformed = outcome.transformed_score
    base = 0.0
    weighted = 0.0
    for i in range(len(final)):
        positive = final[i] > rules.score_zero
        zero = final[i] <= rules.score_zero and rules.zero_scorers_in_pool_base
        base += part_b[i] if positive or zero else 0.0
        weighted += transformed[i] * part_b[i] if positive else 0.0
    share = rules.redistribution_share[y]
    fit.payment[1] = share * base / weighted if weighted > 0.0 else np.nan
    fit.payment[2] = share * rules.risk_level[y] * base


@kernel
def _adjust(rules, y, fit, outcome):
    risk = rules.risk_level[y]
    scaling = fit.payment[1]
    has_scaling = scaling == scaling
    highest = rules.cap[y] * risk if risk > 0.0 else 0.0
    for i in range(len(outcome.final_score)):
        score = outcome.final_score[i]
        if score > rules.score_zero:
            factor = risk * outcome.transformed_score[i] * scaling - risk if has_scaling else 0.0
            factor = min(factor, highest)
        elif score == score:
            factor = rules.zero_score_adjustment[y] * risk
        else:
            factor = rules.unscored_adjustment[y]
        outcome.payment_adjustment_factor[i] = factor
