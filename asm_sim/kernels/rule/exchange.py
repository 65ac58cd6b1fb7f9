"""The exchange function, 42 CFR 512.750: from a final score to a transformed one, and its curve.

The rule exchanges scores by a logistic function; the other forms are alternatives. A threshold is a
standard set in advance: its transformed scores are 1 there, and the scaling factor is 1.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels.choices import ExchangeForm, ExchangeMidpoint, Peers
from asm_sim.kernels.numeric._jit import inlined, kernel
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
def exchange(rules, y, fit, score):
    """Transformed score of a final score above zero; nan where the fit has nothing to compare."""
    if rules.exchange_form == ExchangeForm.LINEAR:
        return score / rules.score_maximum
    if rules.exchange_form == ExchangeForm.RANK:
        return _rank_share(fit, score, rules.score_tie)
    if rules.exchange_form == ExchangeForm.THRESHOLD:
        threshold = rules.year[y].threshold
        if score < threshold:
            return score / threshold
        return 1.0 + (score - threshold) / (rules.score_maximum - threshold)
    return logistic(rules.year[y].steepness * (score - midpoint_of(rules, y, fit)))


@kernel
def _rank_share(fit, score, tie):
    """(Number below + half the number equal) / number of the fit's positive final scores."""
    number = fit.payment[0].number
    if not number > 0.0:
        return np.nan
    scores = fit.positive_scores[: np.int64(number)]
    below = np.searchsorted(scores, score - tie, "left")
    up_to = np.searchsorted(scores, score + tie, "right")
    return 0.5 * (below + up_to) / number


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
        return _break_even_rank(rules, y, fit)
    steepness = rules.year[y].steepness
    if not (scaling > 1.0 and steepness > 0.0):
        return np.nan
    even = midpoint_of(rules, y, fit) - np.log(scaling - 1.0) / steepness
    return even if even <= rules.score_maximum else np.nan


@inlined
def _break_even_rank(rules, y, fit):
    """The score up to which 1 / S of the positive scores lie: just above it nobody loses."""
    scaling = fit.payment[0].scaling_factor
    if not scaling >= 1.0:
        return np.nan
    wanted = np.ceil(fit.payment[0].number / scaling * (1.0 - SIGN_TOLERANCE))
    even = fit.positive_scores[max(np.int64(wanted), 1) - 1]
    reached = exchange(rules, y, fit, even) * scaling - 1.0 >= -SIGN_TOLERANCE
    return even if reached or even < rules.score_maximum else np.nan


@kernel
def adjustment_curve(rules, y, scores, fit, row):
    """The adjustment that a clinician with a given final score would get.

    One in the neutral band gets 0; by volume it is as wide here as at the minimum of episodes.
    """
    risk = rules.year[y].risk_level
    band = rules.year[y].neutral_band
    for s in range(len(row)):
        score = scores[s]
        if score <= rules.score_zero:
            row[s] = rules.year[y].zero_score_adjustment * risk
        elif band > 0.0 and abs(score - fit.payment[0].median) <= band + rules.score_tie:
            row[s] = 0.0
        elif fit.payment[0].scaling_factor == fit.payment[0].scaling_factor:
            factor = risk * exchange(rules, y, fit, score) * fit.payment[0].scaling_factor - risk
            row[s] = min(factor, rules.year[y].cap * risk if risk > 0.0 else 0.0)
        else:  # nothing to share out, or every group of peers has a curve of its own
            row[s] = 0.0 if rules.peers == Peers.CONDITION else np.nan
        if rules.adjustment_steps > 0.0:
            row[s] = round_half_up(row[s], rules.adjustment_steps, rules.score_tie)
