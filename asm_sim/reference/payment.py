"""From final scores to payment adjustments: 42 CFR 512.750."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from functools import cached_property

from asm_sim.reference.final_score import counts_as_zero, round_half_up
from asm_sim.rules.schema import ADJUSTMENT_STEPS, RuleSet


@dataclass(frozen=True)
class ScoredPayment:
    """Final score in points, Part B payments of the performance year in USD, and episodes."""

    final_score: float
    part_b_payments: float
    episodes: float | None = None


@dataclass(frozen=True)
class PositiveScores:
    """The final scores above zero that others are compared with, points."""

    scores: tuple[float, ...]

    @cached_property
    def median(self) -> float | None:
        return statistics.median(self.scores) if self.scores else None

    @cached_property
    def mean(self) -> float | None:
        return math.fsum(self.scores) / len(self.scores) if self.scores else None


@dataclass(frozen=True)
class PaymentFit:
    """Final scores above zero, incentive pool (USD; ``None``: there is none), scaling factor."""

    positive_scores: PositiveScores
    incentive_pool: float | None
    scaling_factor: float | None


def transformed_score(
    final_score: float, positive_scores: PositiveScores, rules: RuleSet, performance_year: int
) -> float | None:
    """The exchange function of a final score above zero (512.750(c)(1)(ii)).

    The rule has a logistic around the median of the positive final scores, in [0, 1]. Linear and
    rank are in [0, 1] too; against a threshold it is 1 at the threshold, 0 at no points and 2 at
    the greatest score. ``None`` where there is no score to compare with.
    """
    exchange = rules.payment.exchange
    highest = rules.final_score.maximum.value
    if exchange.form.value == "linear":
        return final_score / highest
    if exchange.form.value == "rank":
        return _rank(final_score, positive_scores, exchange.counts_as_equal.value)
    if exchange.form.value == "threshold":
        threshold = exchange.threshold.at(performance_year)
        if final_score >= threshold:
            return 1 + (final_score - threshold) / (highest - threshold)
        return 1 - (threshold - final_score) / threshold
    midpoint = _midpoint(positive_scores, rules, performance_year)
    if midpoint is None:
        return None
    exponent = exchange.steepness.at(performance_year) * (final_score - midpoint)
    if exponent >= 0:
        return 1 / (1 + math.exp(-exponent))
    return math.exp(exponent) / (1 + math.exp(exponent))  # the same, without overflow


def is_neutral(
    final_score: float,
    episodes: float | None,
    positive_scores: PositiveScores,
    rules: RuleSet,
    performance_year: int,
) -> bool:
    """Whether a final score above zero lies in the neutral band around their median.

    By volume the band is as wide as stated at the minimum of episodes, which fewer and blank ones
    count as, and narrows with their square root.
    """
    half_width = rules.payment.neutral_band.at(performance_year)
    median = positive_scores.median
    if half_width == 0 or median is None:
        return False
    if rules.payment.neutral_band_form.value == "by_volume":
        minimum = rules.cost.case_minimum.at(performance_year)
        half_width *= math.sqrt(minimum / max(episodes or 0, minimum))
    return abs(final_score - median) <= half_width + rules.payment.exchange.counts_as_equal.value


def _midpoint(
    positive_scores: PositiveScores, rules: RuleSet, performance_year: int
) -> float | None:
    """The final score at which the logistic is one half; the rule has the median."""
    exchange = rules.payment.exchange
    if exchange.midpoint.value == "fixed":
        return exchange.fixed_midpoint.at(performance_year)
    if exchange.midpoint.value == "mean":
        return positive_scores.mean
    return positive_scores.median


def _rank(final_score: float, positive_scores: PositiveScores, tie: float) -> float | None:
    """(Midrank - 1/2) / n: the share of the positive scores below, those equal by half."""
    scores = positive_scores.scores
    if not scores:
        return None
    equal = sum(1 for other in scores if abs(other - final_score) <= tie)
    below = sum(1 for other in scores if other < final_score - tie)
    return (below + equal / 2) / len(scores)


def fit_payment(scored: list[ScoredPayment], rules: RuleSet, performance_year: int) -> PaymentFit:
    """Scores, incentive pool and scaling factor over the clinicians that have a final score.

    The scaling factor is ``None`` where nobody scores above zero, and where the transformed scores
    weighted by Part B payments sum to zero. With a standard set in advance there is no pool and
    nothing is scaled: the factor is 1. Clinicians in the neutral band weigh in the median alone.
    """
    above_zero = [one for one in scored if not counts_as_zero(one.final_score, rules)]
    positive_scores = PositiveScores(tuple(one.final_score for one in above_zero))
    if rules.payment.exchange.form.value == "threshold":
        return PaymentFit(positive_scores, None, 1)
    exchanged = [
        one
        for one in above_zero
        if not is_neutral(one.final_score, one.episodes, positive_scores, rules, performance_year)
    ]
    zero = [one for one in scored if counts_as_zero(one.final_score, rules)]
    base = exchanged + zero if rules.payment.zero_scorers_in_pool_base.value else exchanged
    redistribution_share = rules.payment.redistribution_share.at(performance_year)
    paid_in_base = math.fsum(one.part_b_payments for one in base)
    incentive_pool = (
        redistribution_share * rules.payment.risk_level.at(performance_year) * paid_in_base
    )
    transformed = [
        transformed_score(one.final_score, positive_scores, rules, performance_year) or 0
        for one in exchanged
    ]
    weighted = math.fsum(
        share * one.part_b_payments for share, one in zip(transformed, exchanged, strict=True)
    )
    if weighted == 0:
        return PaymentFit(positive_scores, incentive_pool, None)
    # The pool over the sum of R T P; the risk level R cancels, and may be 0.
    scaling_factor = redistribution_share * paid_in_base / weighted
    return PaymentFit(positive_scores, incentive_pool, scaling_factor)


def payment_adjustment_factor(
    final_score: float | None,
    transformed: float | None,
    scaling_factor: float | None,
    rules: RuleSet,
    performance_year: int,
) -> float:
    """The adjustment as a fraction of Part B payments (512.750(c)), rounded as the rules say.

    A clinician without a final score gets the unscored adjustment; one of zero, the adjustment for
    zero scorers in risk levels; one above zero gets 0 where nothing can be scaled and in the
    neutral band (``transformed`` is ``None``).
    """
    exact = _exact_adjustment(final_score, transformed, scaling_factor, rules, performance_year)
    steps = ADJUSTMENT_STEPS.get(rules.payment.rounding.value)
    return exact if steps is None else round_half_up(exact, steps, rules)


def _exact_adjustment(
    final_score: float | None,
    transformed: float | None,
    scaling_factor: float | None,
    rules: RuleSet,
    performance_year: int,
) -> float:
    payment = rules.payment
    if final_score is None:
        return payment.unscored_adjustment.at(performance_year)
    risk_level = payment.risk_level.at(performance_year)
    if counts_as_zero(final_score, rules):
        return payment.zero_score_adjustment.at(performance_year) * risk_level
    if transformed is None or scaling_factor is None:
        return 0.0
    adjustment = risk_level * transformed * scaling_factor - risk_level
    cap = payment.cap.at(performance_year)  # in risk levels; infinite where there is none
    return adjustment if math.isinf(cap) else min(adjustment, cap * risk_level)
