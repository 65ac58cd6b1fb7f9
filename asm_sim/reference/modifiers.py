"""The modifiers, in points of the final score: 42 CFR 512.735, 512.740 and 512.745."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from asm_sim.reference.rows import Clinician, input_error
from asm_sim.rules.schema import ImprovementActivities, PromotingInteroperability, RuleSet

SOLO = 1  # clinicians in the practice: what the word means


@dataclass(frozen=True)
class Moments:
    """Median, mean and sample SD (ddof 1) over the clinicians with a final score and the value."""

    median: float
    mean: float
    standard_deviation: float


def improvement_activities_adjustment(
    clinician: Clinician, rules: RuleSet, performance_year: int
) -> float:
    """Points for completed activities (512.735), 0 or less; a blank counts as the rules say.

    Raises ``ValueError`` for a number of activities for which the rules have no adjustment.
    """
    rule = rules.improvement_activities
    completed = clinician.improvement_activities
    if completed is None:
        completed = rule.blank_counts_as.value
    adjustments = dict(enumerate(rule.adjustment_by_completed.value))
    if completed not in adjustments:
        raise input_error(
            clinician.clinician_id,
            f"improvement_activities is {completed:g}; it must be 0 to {len(adjustments) - 1}",
        )
    return adjustments[int(completed)] * proportion(clinician, rule, rules, performance_year)


def promoting_interoperability_adjustment(
    clinician: Clinician, rules: RuleSet, performance_year: int
) -> float:
    """Points for the interoperability score (512.740), 0 or less, linear in the score.

    Nothing is deducted of those whom the rules exempt. Raises ``ValueError`` for a score outside 0
    to the maximum.
    """
    rule = rules.promoting_interoperability
    score = clinician.pi_score
    if score is None:
        score = rule.blank_counts_as.value
    maximum = rule.score_maximum.value
    if not 0 <= score <= maximum:
        raise input_error(
            clinician.clinician_id, f"pi_score is {score:g}; it must be 0 to {maximum:g}"
        )
    if rule.exempt.value == "special_status" and clinician.special_status:
        return 0.0
    adjustment = rule.adjustment_at_zero.at(performance_year) * (1 - score / maximum)
    return adjustment * proportion(clinician, rule, rules, performance_year)


def proportion(
    clinician: Clinician,
    rule: ImprovementActivities | PromotingInteroperability,
    rules: RuleSet,
    performance_year: int,
) -> float:
    """Share of an adjustment that applies to the practice: the smaller one where it has two."""
    shares = [1.0]
    if is_small(clinician, rules):
        shares.append(rule.small_practice_scale.at(performance_year))
    if clinician.rural:
        shares.append(rule.rural_scale.at(performance_year))
    return min(shares)


def is_small(clinician: Clinician, rules: RuleSet) -> bool:
    """Whether the practice is small; a solo practice is."""
    return clinician.practice_size <= rules.small_practice.small_maximum_clinicians.value


def small_practice_adjustment(clinician: Clinician, rules: RuleSet, performance_year: int) -> float:
    """Bonus points for a solo or a small practice (512.745)."""
    if clinician.practice_size == SOLO:
        return rules.small_practice.solo_bonus.at(performance_year)
    if is_small(clinician, rules):
        return rules.small_practice.small_bonus.at(performance_year)
    return 0.0


def fit_moments(values: Iterable[float | None]) -> Moments | None:
    """Moments of the stated values; ``None`` with fewer than two, or where all are equal."""
    stated = [value for value in values if value is not None]
    if len(set(stated)) < 2:
        return None
    return Moments(statistics.median(stated), statistics.mean(stated), statistics.stdev(stated))


def complex_patient_adjustment(
    clinician: Clinician,
    hcc_risk_score: Moments | None,
    dual_share: Moments | None,
    rules: RuleSet,
    performance_year: int,
) -> float:
    """Bonus points for complex patients (512.745; the formula is that of 414.1380(c)(3))."""
    rule = rules.complex_patient
    total = complex_patient_component(
        clinician.hcc_risk_score, hcc_risk_score, rules, performance_year
    ) + complex_patient_component(clinician.dual_share, dual_share, rules, performance_year)
    lowest, highest = rule.minimum.at(performance_year), rule.maximum.at(performance_year)
    return min(max(total, lowest), highest)


def complex_patient_component(
    value: float | None, moments: Moments | None, rules: RuleSet, performance_year: int
) -> float:
    """One of the two components: intercept + slope x z, at least 0; by ``mips`` 0 below the median.

    It is 0 for a blank too, and where the values have no spread, and it may have a greatest value.
    """
    rule = rules.complex_patient
    if value is None or moments is None:
        return 0.0
    if rule.form.value == "mips" and value < moments.median:
        return 0.0
    z = (value - moments.mean) / moments.standard_deviation
    component = rule.intercept.at(performance_year) + rule.slope.at(performance_year) * z
    return min(max(0.0, component), rule.component_maximum.at(performance_year))
