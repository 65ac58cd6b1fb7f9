"""Payment adjustment, 42 CFR 512.750: pool, scaling, adjustment factor (see exchange.py)."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import ExchangeForm, ExchangeMidpoint, Peers
from asm_sim.kernels.numeric.order_statistics import percentile, percentiles, sort_pairs
from asm_sim.kernels.numeric.sums import add_lanes, clear, lanes_from, new_room, places, stretches
from asm_sim.kernels.numeric.vectors import compact
from asm_sim.kernels.rule.exchange import (
    adjustment_of,
    exchange,
    exchange_ordered,
    terms_of,
)

_BASE, _WEIGHTED = places(2)


@kernel
def score_payment(observed, rules, y, fit, refit, outcome, scratch):
    """Transformed scores and adjustment factors; with ``refit`` m, S and the pool are made first.

    Leaves the positive scorers of a condition, by ascending final score, in ``scratch.order`` and
    their scores in ``scratch.sorted_keys``. A smaller group is put in order only to exchange by it.
    """
    if (
        rules.peers == Peers.CONDITION
        or rules.exchange_form == ExchangeForm.RANK
        or rules.exchange_midpoint == ExchangeMidpoint.MEAN
    ):
        k = order_positive(outcome.final_score, rules, scratch)
        if refit:
            _fit_scores(rules, scratch.sorted_keys, k, fit)
    elif refit:
        _fit_median(outcome.final_score, rules, fit, scratch)
    if rules.exchange_form == ExchangeForm.RANK:
        exchange_ordered(fit, scratch, k, rules.score_tie, outcome.transformed_score)
    else:
        exchange(rules, y, fit, outcome.final_score, outcome.transformed_score)
    _leave_out_neutral(observed, rules, y, fit, outcome)
    if refit:
        _fit_scaling(observed.part_b_payments, rules, y, fit, outcome)
    _adjust(rules, y, fit, outcome)


@kernel
def order_positive(final, rules, scratch):
    """The positive scorers by ascending final score, left in ``scratch``; their number."""
    k = _take_positive(final, rules, scratch)
    scratch.counts[0].positive = k
    sort_pairs(scratch.keys, scratch.payload, k, scratch.sorted_keys, scratch.order, scratch)
    return k


@kernel
def _take_positive(final, rules, scratch):
    taken = scratch.taken
    for i in range(len(final)):
        taken[i] = final[i] > rules.score_zero
    return compact(final, taken, scratch.keys, scratch.payload)


@kernel
def adjust_scores(observed, rules, y, fit, outcome):
    """Transformed scores and adjustment factors of final scores, against a fit that is made."""
    exchange(rules, y, fit, outcome.final_score, outcome.transformed_score)
    _leave_out_neutral(observed, rules, y, fit, outcome)
    _adjust(rules, y, fit, outcome)


@kernel
def _fit_scores(rules, ascending, k, fit):
    """What the exchange function takes from the k positive final scores."""
    fit.payment[0].median = percentile(ascending, k, 50.0) if k > 0 else np.nan
    if rules.exchange_midpoint == ExchangeMidpoint.MEAN:
        fit.payment[0].mean = ascending[:k].sum() / k if k > 0 else np.nan
    if rules.exchange_form == ExchangeForm.RANK:
        fit.payment[0].number = k
        fit.positive_scores[:k] = ascending[:k]


@kernel
def _fit_median(final, rules, fit, scratch):
    """Where the exchange function takes nothing but the median of the positive final scores."""
    k = _take_positive(final, rules, scratch)
    median = scratch.values[:1]
    median[0] = np.nan
    if k > 0:
        percentiles(scratch.keys, k, scratch.fifty, median, scratch)
    fit.payment[0].median = median[0]


@kernel
def _leave_out_neutral(observed, rules, y, fit, outcome):
    """Take the transformed scores from those in the neutral band around the median.

    By volume the band is as wide as stated at the minimum of episodes, which fewer and blank ones
    count as, and narrows with their square root.
    """
    if not rules.year[y].neutral_band > 0.0:
        return
    final, episodes = outcome.final_score, observed.episodes
    width, minimum = rules.year[y].neutral_band, rules.year[y].cost_case_minimum
    median = fit.payment[0].median
    for i in range(len(final)):
        narrower = rules.neutral_band_by_volume and episodes[i] > minimum
        share = np.sqrt(minimum / episodes[i]) if narrower else 1.0
        if abs(final[i] - median) <= width * share + rules.score_tie:
            outcome.transformed_score[i] = np.nan


@kernel
def _fit_scaling(part_b, rules, y, fit, outcome):
    """Scaling factor and pool; the risk level cancels in the scaling factor.

    With a standard set in advance there is no pool (nan), and nothing is scaled. A score above zero
    without a transformed one is in the neutral band, outside the pool.
    """
    if rules.exchange_form == ExchangeForm.THRESHOLD:
        fit.payment[0].scaling_factor = 1.0
        fit.payment[0].pool = np.nan
        return
    final = outcome.final_score
    transformed = outcome.transformed_score
    zero_counts = rules.zero_scorers_in_pool_base
    n = len(final)
    room = new_room()
    clear(room, 2)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            i = begin + lane
            score, transform, paid = final[i], transformed[i], part_b[i]
            positive = (score > rules.score_zero) & (transform == transform)
            zero = (score <= rules.score_zero) & zero_counts
            room[_BASE + lane] += paid if positive | zero else 0.0
            room[_WEIGHTED + lane] += transform * paid if positive else 0.0
    base, weighted = add_lanes(room, _BASE), add_lanes(room, _WEIGHTED)
    share = rules.year[y].redistribution_share
    fit.payment[0].scaling_factor = share * base / weighted if weighted > 0.0 else np.nan
    fit.payment[0].pool = share * rules.year[y].risk_level * base


@kernel
def _adjust(rules, y, fit, outcome):
    terms, scaling = terms_of(rules, y), fit.payment[0].scaling_factor
    final, transformed = outcome.final_score, outcome.transformed_score
    for i in range(len(final)):
        outcome.payment_adjustment_factor[i] = adjustment_of(
            terms, final[i], transformed[i], scaling
        )
