"""The exchange function, 42 CFR 512.750: from a final score to a transformed one, and its curve.

The rule exchanges scores by a logistic function; the other forms are alternatives. A threshold is a
standard set in advance: its transformed scores are 1 there, and the scaling factor is 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.choices import ExchangeForm, ExchangeMidpoint, Peers
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.rule.final_score import round_half_up

SIGN_TOLERANCE = 1e-12  # an adjustment this close to zero is no penalty
_UNDERFLOW = -700.0


@inlined
def logistic(x):
    """1 / (1 + exp(-x)), 0 where it underflows."""
    share = 1.0 / (1.0 + exp(-x))
    return share if x > _UNDERFLOW else 0.0


@inlined
def midpoint_of(rules, y, fit):
    """The final score at which the logistic is one half; nan where the fit has none."""
    if rules.exchange_midpoint == ExchangeMidpoint.FIXED:
        return rules.year[y].fixed_midpoint
    return (
        fit.payment[0].mean
        if rules.exchange_midpoint == ExchangeMidpoint.MEAN
        else fit.payment[0].median
    )


@kernel
def exchange(rules, y, fit, scores, transformed):
    """Transformed scores of final scores above zero; nan where the fit has nothing to compare.

    Nan too without a score above zero. A loop to each form, so that each one vectorises.
    """
    zero, highest = rules.score_zero, rules.score_maximum
    if rules.exchange_form == ExchangeForm.LINEAR:
        for i in range(len(scores)):
            transformed[i] = scores[i] / highest if scores[i] > zero else np.nan
    elif rules.exchange_form == ExchangeForm.RANK:
        _share_ranks(fit, scores, zero, rules.score_tie, transformed)
    elif rules.exchange_form == ExchangeForm.THRESHOLD:
        threshold = rules.year[y].threshold
        for i in range(len(scores)):
            above = (scores[i] - threshold) / (highest - threshold)
            share = scores[i] / threshold if scores[i] < threshold else 1.0 + above
            transformed[i] = share if scores[i] > zero else np.nan
    else:
        midpoint = midpoint_of(rules, y, fit)
        has_midpoint = midpoint == midpoint  # a foreign fit may have none
        steepness = rules.year[y].steepness
        for i in range(len(scores)):
            positive = (scores[i] > zero) & has_midpoint
            share = logistic(steepness * (scores[i] - midpoint))
            transformed[i] = share if positive else np.nan


@kernel
def _share_ranks(fit, scores, zero, tie, transformed):
    """(Number below + half the number equal) / number of the fit's positive final scores."""
    number = fit.payment[0].number
    if not number > 0.0:
        transformed[:] = np.nan
        return
    ascending, count = fit.positive_scores, np.int64(number)
    for i in range(len(scores)):
        share = _rank_share(ascending, count, scores[i], tie)
        transformed[i] = share if scores[i] > zero else np.nan


@kernel
def exchange_ordered(fit, scratch, k, tie, transformed):
    """The same by ranks, walking along the k positive scores that payment has put in order."""
    transformed[:] = np.nan
    number, ascending = fit.payment[0].number, fit.positive_scores
    if not number > 0.0:
        return
    scores, order = scratch.sorted_keys, scratch.order
    below = up_to = 0
    for t in range(k):
        low, high = scores[t] - tie, scores[t] + tie
        while below < number and ascending[below] < low:
            below += 1
        while up_to < number and ascending[up_to] <= high:
            up_to += 1
        transformed[np.int64(order[t])] = 0.5 * (below + up_to) / number


@inlined
def _rank_share(ascending, count, score, tie):
    """That of one score among count > 0 ascending ones.

    Two binary searches at once, whose steps do not branch: a processor cannot guess where they go.
    """
    low, high = score - tie, score + tie
    below = up_to = 0
    left = count
    while left > 1:
        half = left >> 1
        below += half * (ascending[below + half - 1] < low)
        up_to += half * (ascending[up_to + half - 1] <= high)
        left -= half
    below += ascending[below] < low
    up_to += ascending[up_to] <= high
    return 0.5 * (below + up_to) / count


@kernel
def break_even_score(rules, y, fit):
    """The final score with an adjustment of zero; nan where no score has one.

    Where ranks decide it is the lowest one of which no score above it has a penalty. It is that of
    the exchange function, whether or not it lies in the neutral band, and before any rounding.
    """
    scaling = fit.payment[0].scaling_factor
    if rules.exchange_form == ExchangeForm.THRESHOLD:
        return rules.year[y].threshold
    if rules.peers != Peers.CONDITION:
        return np.nan
    if rules.exchange_form == ExchangeForm.LINEAR:
        return rules.score_maximum / scaling if scaling >= 1.0 else np.nan
    if rules.exchange_form == ExchangeForm.RANK:
        return _break_even_rank(rules, fit)
    steepness = rules.year[y].steepness
    if not (scaling > 1.0 and steepness > 0.0):
        return np.nan
    even = midpoint_of(rules, y, fit) - np.log(scaling - 1.0) / steepness
    return even if even <= rules.score_maximum else np.nan


@kernel
def _break_even_rank(rules, fit):
    """The score up to which 1 / S of the positive scores lie: just above it nobody loses."""
    scaling, number = fit.payment[0].scaling_factor, fit.payment[0].number
    if not scaling >= 1.0:
        return np.nan
    wanted = np.ceil(number / scaling * (1.0 - SIGN_TOLERANCE))
    even = fit.positive_scores[max(np.int64(wanted), 1) - 1]
    share = _rank_share(fit.positive_scores, np.int64(number), even, rules.score_tie)
    reached = share * scaling - 1.0 >= -SIGN_TOLERANCE
    return even if reached or even < rules.score_maximum else np.nan


class Terms(NamedTuple):
    """What a year's rule makes of a transformed score; numbers that loops keep in registers."""

    risk: float
    highest: float  # adjustment
    of_zero_scorers: float  # in risk levels
    of_unscored: float
    spares_neutral: bool  # those without a transformed score are in the neutral band
    score_zero: float
    steps: float  # to an adjustment of one; 0 is no rounding
    tie: float


@inlined
def terms_of(rules, y):
    of_year = rules.year[y]
    risk = of_year.risk_level
    return Terms(
        risk=risk,
        highest=of_year.cap * risk if risk > 0.0 else 0.0,
        of_zero_scorers=of_year.zero_score_adjustment,
        of_unscored=of_year.unscored_adjustment,
        spares_neutral=of_year.neutral_band > 0.0,
        score_zero=rules.score_zero,
        steps=rules.adjustment_steps,
        tie=rules.score_tie,
    )


@inlined
def adjustment_of(terms, score, transformed, scaling):
    """The payment adjustment factor of one clinician, rounded as the rule says (512.750(c)).

    A scaling factor of nan is one of a year with nothing to share out: no adjustment.
    """
    if score > terms.score_zero:
        factor = terms.risk * transformed * scaling - terms.risk if scaling == scaling else 0.0
        factor = min(factor, terms.highest)
        factor = 0.0 if terms.spares_neutral and transformed != transformed else factor
    elif score == score:
        factor = terms.of_zero_scorers * terms.risk
    else:
        factor = terms.of_unscored
    return round_half_up(factor, terms.steps, terms.tie) if terms.steps > 0.0 else factor


@kernel
def adjustment_curve(rules, y, scores, fit, row):
    """The adjustment that a clinician with a given final score would get.

    One in the neutral band gets 0; by volume it is as wide here as at the minimum of episodes.
    Several groups of peers have a curve each, so none is told.
    """
    terms = terms_of(rules, y)
    band = rules.year[y].neutral_band
    median, scaling = fit.payment[0].median, fit.payment[0].scaling_factor
    untold = 0.0 if rules.peers == Peers.CONDITION else np.nan
    exchange(rules, y, fit, scores, row)
    for s in range(len(row)):
        score = scores[s]
        neutral = band > 0.0 and abs(score - median) <= band + rules.score_tie
        if score <= rules.score_zero or neutral:
            row[s] = adjustment_of(terms, score, np.nan, scaling)
        elif scaling == scaling:
            row[s] = adjustment_of(terms, score, row[s], scaling)
        else:
            row[s] = untold
