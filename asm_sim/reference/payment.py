"""From final scores to payment adjustments: 42 CFR 512.750."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from asm_sim.reference.final_score import counts_as_zero
from asm_sim.rules.schema import RuleSet


@dataclass(frozen=True)
class ScoredPayment:
    """Final score in points and Part B payments of the performance year in USD."""

    final_score: float
    part_b_payments: float


@dataclass(frozen=True)
class PaymentFit:
    """Median final score of those above zero (points), incentive pool (USD), scaling factor."""

    median_final_score: float | None
    incentive_pool: float
    scaling_factor: float | None


def transformed_score(
    final_score: float, median_final_score: float, rules: RuleSet, performance_year: int
) -> float:
    """The logistic exchange function of a final score above zero, in [0, 1] (512.750(c)(1)(ii))."""
    exchange = rules.payment.exchange
    if (exchange.form.value, exchange.midpoint.value) != ("logistic", "median"):
        raise ValueError("the rule exchanges scores by a logistic function around the median")
    steepness = exchange.steepness.at(performance_year)
    exponent = steepness * (final_score - median_final_score)
    if exponent >= 0:
        return 1 / (1 + math.exp(-exponent))
    return math.exp(exponent) / (1 + math.exp(exponent))  # the same, without overflow


def fit_payment(scored: list[ScoredPayment], rules: RuleSet, performance_year: int) -> PaymentFit:
    """Median, incentive pool and scaling factor over the clinicians that have a final score.

    The median is ``None`` where nobody scores above zero; the scaling factor then too, and where
    the transformed scores weighted by Part B payments sum to zero.
    """
    above_zero = [one for one in scored if not counts_as_zero(one.final_score, rules)]
    base = scored if rules.payment.zero_scorers_in_pool_base.value else above_zero
    redistribution_share = rules.payment.redistribution_share.at(performance_year)
    paid_in_base = math.fsum(one.part_b_payments for one in base)
    incentive_pool = (
        redistribution_share * rules.payment.risk_level.at(performance_year) * paid_in_base
    )
    if not above_zero:
        return PaymentFit(None, incentive_pool, None)
    median = statistics.median(one.final_score for one in above_zero)
    weighted = math.fsum(
        transformed_score(one.final_score, median, rules, performance_year) * one.part_b_payments
        for one in above_zero
    )
    if weighted == 0:
        return PaymentFit(median, incentive_pool, None)
    # The pool over the sum of R T P; the risk level R cancels, and may be 0.
    return PaymentFit(median, incentive_pool, redistribution_share * paid_in_base / weighted)


def payment_adjustment_factor(
    final_score: float | None,
    transformed: float | None,
    scaling_factor: float | None,
    rules: RuleSet,
    performance_year: int,
) -> float:
    """The adjustment as a fraction of Part B payments (512.750(c)).

    A clinician without a final score gets the unscored adjustment; one of zero, the adjustment for
    zero scorers in risk levels; where nothing can be scaled, one above zero gets 0.
    """
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
