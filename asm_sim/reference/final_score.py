"""The final score: 42 CFR 512.745."""

from __future__ import annotations

import math
from collections.abc import Iterable

from asm_sim.reference.quality import is_complete
from asm_sim.reference.rows import Clinician
from asm_sim.rules.schema import SCORE_STEPS, RuleSet


def combined_categories(
    quality_score: float | None, cost_score: float | None, rules: RuleSet, performance_year: int
) -> float | None:
    """Quality and cost by their weights, in [0, 1]; ``None`` where there is no final score.

    There is none where both are missing, and under ``neutral`` where either is. With one missing,
    ``reweight`` gives the other a weight of 1 and ``zero`` counts the missing one as 0.
    """
    if quality_score is None and cost_score is None:
        return None
    if quality_score is None or cost_score is None:
        match rules.final_score.missing_category.value:
            case "neutral":
                return None
            case "reweight":
                return cost_score if quality_score is None else quality_score
            case "zero":
                pass
            case other:
                raise ValueError(f"a missing category cannot be treated as {other!r}")
    weight_quality = rules.final_score.weight_quality.at(performance_year)
    weight_cost = rules.final_score.weight_cost.at(performance_year)
    return weight_quality * (quality_score or 0.0) + weight_cost * (cost_score or 0.0)


def lacks_minimum_submission(clinician: Clinician, rules: RuleSet, performance_year: int) -> bool:
    """Whether there was something to report, and nothing was reported with enough completeness.

    There was something to report where a measure that the clinician reports has a case, or its
    cases are blank. One rate with enough completeness is enough, at any number of cases. A
    suspended measure neither has to be reported nor counts as something submitted.
    """
    to_report = [
        result
        for name, result in clinician.measures.items()
        if rules.measures[name].reported and not rules.measures[name].is_suspended(performance_year)
    ]
    had_cases = any(result.cases is None or result.cases >= 1 for result in to_report)
    submitted = any(
        result.rate is not None and is_complete(result, rules, performance_year)
        for result in to_report
    )
    return had_cases and not submitted


def final_score(
    clinician: Clinician,
    combined: float | None,
    modifiers: float,
    rules: RuleSet,
    performance_year: int,
) -> float | None:
    """The final score of one performance year in points; ``None`` where there is none.

    ``combined`` is the result of :func:`combined_categories`, ``modifiers`` the sum of the four
    adjustments. Having no final score comes before the zero for a lacking minimum submission.
    """
    rule = rules.final_score
    if combined is None:
        return None
    if lacks_minimum_submission(clinician, rules, performance_year):
        return rule.without_minimum_submission.value
    score = rule.scale.value * combined + modifiers
    return min(max(score, rule.minimum.value), rule.maximum.value)


def exchanged_score(
    own: float | None, earlier: Iterable[float | None], rules: RuleSet
) -> float | None:
    """The final score that is exchanged: the mean of the last performance years', rounded.

    ``own`` is the final score of this performance year by itself, ``earlier`` those of the years
    before, the latest first. Years without a final score are left out, and a clinician without one
    this year has none. Zeros for a lacking submission count as zeros; only the mean is rounded.
    """
    if own is None:
        return None
    before = list(earlier)[: rules.final_score.averaging_years.value - 1]
    scores = [own, *(score for score in before if score is not None)]
    mean = math.fsum(scores) / len(scores)
    steps = SCORE_STEPS.get(rules.final_score.rounding.value)
    return mean if steps is None else round_half_up(mean, steps, rules)


def round_half_up(value: float, steps: int, rules: RuleSet) -> float:
    """The nearest multiple of 1 / steps, the greater one of two that are as near.

    Which are as near is decided up to rounding of binary numbers.
    """
    return math.floor(value * steps + 1 / 2 + rules.payment.exchange.counts_as_equal.value) / steps


def counts_as_zero(score: float, rules: RuleSet) -> bool:
    """Whether a final score is one of zero (512.745(a)(2)(ii)), up to rounding."""
    return score <= rules.final_score.counts_as_zero.value
