"""MIPS, the comparator: 42 CFR 414.1380 (final score) and 414.1405 (adjustment).

The rows are those of ASM. Benchmarks are national and fixed in advance, so a clinician's score does
not depend on anybody else's. What MIPS has and the rows have not, a free choice among all measures
and reporting as a group, is in the rule set's ``form`` and ``levels``. A measure that ASM suspends
in a performance year is suppressed in MIPS as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import cast

from asm_sim.reference.deviation import DeviationBenchmark, deviation_points
from asm_sim.reference.rows import (
    Clinician,
    MeasureResult,
    Row,
    input_error,
    is_excused,
    read_row,
)
from asm_sim.rules.historical import National
from asm_sim.rules.mips import MipsRules, NationalMoments, Weights, benchmarks
from asm_sim.rules.schema import RuleSet


@dataclass(frozen=True)
class MipsScore:
    """What MIPS makes of one clinician.

    measure_points                    by quality measure, 0-10; ``None`` where it does not count
    quality_score, cost_score         share of the attainable points, 0-1; ``None`` where not scored
    improvement_activities_score      0-1
    promoting_interoperability_score  0-1, also where its weight is 0
    complex_patient_bonus             points
    own_score                         points, before any share of a group's score
    final_score                       points
    adjustment_factor                 fraction of Part B payments
    """

    measure_points: Mapping[str, float | None]
    quality_score: float | None
    cost_score: float | None
    improvement_activities_score: float
    promoting_interoperability_score: float
    complex_patient_bonus: float
    own_score: float
    final_score: float
    adjustment_factor: float


def score(
    row: Row,
    rules: MipsRules,
    asm_rules: RuleSet,
    performance_year: int,
    reporting_rank: float | None = None,
) -> MipsScore:
    """The MIPS score of a row of the wide table, whose ``cohort`` must be one of the rule set.

    ``asm_rules`` and ``performance_year``, one of ASM, say which measures are suspended.
    ``reporting_rank`` is the clinician's place among all, in [0, 1), in how surely they report: one
    below the rule set's ``levels.non_reporting`` submits nothing, nor does a group for them.
    Without it the row is taken as it is. Raises ``ValueError`` for an unknown cohort and for a row
    that cannot be scored.
    """
    cohort = row.get("cohort")
    if cohort not in rules.cohorts:
        raise input_error(
            row.get("clinician_id"), f"cohort is {cohort!r}, not one of {', '.join(rules.cohorts)}"
        )
    # Of a rule set, read_row looks at nothing but the cohorts and their measures.
    clinician = read_row(row, cast("RuleSet", rules), cohort)
    silent = reporting_rank is not None and reporting_rank < rules.levels.non_reporting.value
    if silent:
        clinician = without_submission(clinician, rules)
    excused = is_excused(clinician, rules)
    names = list(clinician.measures)
    suspended = [name for name in names if is_suspended(name, asm_rules, performance_year)]
    clinician = without_measures(clinician, names if excused else suspended)
    measure_points: dict[str, float | None] = dict.fromkeys(names)
    measure_points |= quality_measure_points(clinician, rules)
    quality_score = quality_category(clinician, measure_points, suspended, rules)
    cost_measure = rules.cohorts[cohort].cost_measure.value
    cost_score = None if excused else cost_category(clinician, cost_measure, rules)
    activities = activities_category(clinician, rules)
    interoperability = interoperability_category(clinician, rules)
    bonus = complex_patient_bonus(clinician, rules)
    if quality_score is None and cost_score is None:
        # Nothing weighs for who is excused (414.1380(c)(2)(i)), and the rule is the same for
        # fewer than two categories in a small practice; in a large one our reading (414.1380(c)).
        own_score = rules.payment.performance_threshold.value
    else:
        weights = category_weights(clinician, quality_score, cost_score, rules)
        share = (
            weights.quality.value * (quality_score or 0.0)
            + weights.cost.value * (cost_score or 0.0)
            + weights.improvement_activities.value * activities
            + weights.promoting_interoperability.value * interoperability
        )
        lowest, highest = rules.final_score.minimum.value, rules.final_score.maximum.value
        own_score = min(max(rules.final_score.scale.value * share + bonus, lowest), highest)
    alone = silent or excused
    final_score = own_score if alone else with_group_score(own_score, clinician, rules)
    return MipsScore(
        measure_points=measure_points,
        quality_score=quality_score,
        cost_score=cost_score,
        improvement_activities_score=activities,
        promoting_interoperability_score=interoperability,
        complex_patient_bonus=bonus,
        own_score=own_score,
        final_score=final_score,
        adjustment_factor=adjustment(final_score, rules),
    )


def is_small(clinician: Clinician, rules: MipsRules) -> bool:
    """Whether the practice is small."""
    return clinician.practice_size <= rules.small_maximum_clinicians.value


def is_reported(measure: str, rules: MipsRules) -> bool:
    """Whether the clinician reports the measure (otherwise CMS computes it from claims)."""
    return measure not in rules.quality.claims_measures


def is_suspended(measure: str, asm_rules: RuleSet, performance_year: int) -> bool:
    """Whether MIPS suppresses the measure, since ASM suspends it (414.1380(b)(1)(vii))."""
    entry = asm_rules.measures.get(measure)
    return entry is not None and entry.is_suspended(performance_year)


def without_measures(clinician: Clinician, names: Collection[str]) -> Clinician:
    """The clinician as if these measures were not there."""
    left = {name: result for name, result in clinician.measures.items() if name not in names}
    return dataclasses.replace(clinician, measures=left)


def without_submission(clinician: Clinician, rules: MipsRules) -> Clinician:
    """The clinician as one who submits nothing: what CMS computes from claims stays."""
    return dataclasses.replace(
        clinician,
        improvement_activities=0,
        pi_score=0,
        measures={
            name: dataclasses.replace(result, rate=None, completeness=None)
            if is_reported(name, rules)
            else result
            for name, result in clinician.measures.items()
        },
    )


# Quality, 414.1380(b)(1)


def quality_points(
    measure: str, collection_type: str, rate: float, rules: MipsRules
) -> float | None:
    """Points of a rate against the national benchmark; ``None`` where there is no benchmark.

    ``rate`` is in the unit of the measure, percent or admissions per 100 person-years. The k-th cut
    point earns k points, with partial points to the next one; where several coincide, the highest
    counts. A rate worse than the first earns what the first does. Where lower is better all signs
    turn. Points of a capped measure end at the cap.
    """
    if not is_reported(measure, rules):
        return national_points(rate, rules.quality.claims_measures[measure], rules)
    benchmark = benchmarks(rules).get((measure, collection_type))
    if benchmark is None:
        return None
    sign = -1 if benchmark.inverse else 1
    value = sign * rate
    cut_points = [sign * cut_point for cut_point in benchmark.cut_points]
    reached = sum(1 for cut_point in cut_points if cut_point <= value)
    points = float(max(reached, 1))
    if 0 < reached < len(cut_points):
        below, above = cut_points[reached - 1], cut_points[reached]
        points += (value - below) / (above - below)
    if benchmark.capped:
        return min(points, rules.quality.points_maximum_when_capped.value)
    return points


def national_points(value: float, national: National, rules: MipsRules) -> float:
    """Points by the distance from the national median in standard deviations; lower is better."""
    benchmark = DeviationBenchmark(
        clinicians=0,  # not published, and not looked at
        median=national.median.value,
        standard_deviation=national.standard_deviation.value,
    )
    return deviation_points(value, benchmark, rules.standard_deviation_curve, rules.years[0])


def quality_measure_points(clinician: Clinician, rules: MipsRules) -> dict[str, float | None]:
    """Points by measure; ``None`` where it does not count.

    In the traditional form a measure that is not reported does not count while another one is
    reported: the clinician chose that one.
    """
    chosen = rules.form.value == "traditional" and reports_a_measure(clinician, rules)
    points: dict[str, float | None] = {}
    for name, result in clinician.measures.items():
        if result.cases is not None and result.cases < rules.quality.case_minimum.value:
            points[name] = None
        elif not is_reported(name, rules):
            known = result.rate is not None and result.cases is not None
            points[name] = claims_points(name, result, rules) if known else None
        elif result.rate is None:
            points[name] = None if chosen else rules.quality.points_not_reported.value
        else:
            points[name] = reported_points(clinician, name, result, rules)
    return points


def reports_a_measure(clinician: Clinician, rules: MipsRules) -> bool:
    """Whether a measure is reported with as many cases as it takes to count."""
    return any(
        is_reported(name, rules)
        and result.rate is not None
        and (result.cases is None or result.cases >= rules.quality.case_minimum.value)
        for name, result in clinician.measures.items()
    )


def claims_points(name: str, result: MeasureResult, rules: MipsRules) -> float | None:
    """Points of a measure that CMS computes from claims."""
    if result.rate is None:
        return None
    return quality_points(name, "administrative_claims", result.rate, rules)


def reported_points(
    clinician: Clinician, name: str, result: MeasureResult, rules: MipsRules
) -> float:
    """Points of a measure with a rate.

    Raises ``ValueError`` where the cases are blank, or the collection type of complete data.
    """
    quality = rules.quality
    small = is_small(clinician, rules)
    if result.cases is None or result.rate is None:
        raise input_error(clinician.clinician_id, f"{name} has a rate but its cases are blank")
    if result.completeness is None or result.completeness < quality.completeness_minimum.value:
        incomplete = quality.points_incomplete
        return (incomplete.small if small else incomplete.large).value
    if result.collection_type is None:
        raise input_error(
            clinician.clinician_id, f"{name} has a rate but its collection type is blank"
        )
    points = quality_points(name, result.collection_type, result.rate, rules)
    unbenchmarked = quality.points_without_benchmark
    return (
        (unbenchmarked.small if small else unbenchmarked.large).value if points is None else points
    )


def quality_category(
    clinician: Clinician,
    measure_points: Mapping[str, float | None],
    suspended: Collection[str],
    rules: MipsRules,
) -> float | None:
    """Share of the attainable points, at most 1; ``None`` without a measure that counts.

    Of the reported measures those with the most points count, as many as the form asks for; the
    measures that CMS computes from claims are added. Where fewer are there, those that are missing
    are taken to be as good. The small-practice bonus (414.1380(b)(1)(v)) is over the full number,
    less what is suspended: that takes its points from the attainable ones (414.1380(b)(1)(vii)).
    """
    quality = rules.quality
    counted = (
        quality.measures_counted.traditional
        if rules.form.value == "traditional"
        else quality.measures_counted.value_pathway
    ).value
    stated = {name: value for name, value in measure_points.items() if value is not None}
    reported = [value for name, value in stated.items() if is_reported(name, rules)]
    claims = [value for name, value in stated.items() if not is_reported(name, rules)]
    points = sorted(reported, reverse=True)[:counted] + claims
    if not points:
        return None
    share = sum(points) / (quality.points_maximum.value * len(points))
    if is_small(clinician, rules) and reports_a_measure(clinician, rules):
        in_use = max(counted - sum(1 for name in suspended if is_reported(name, rules)), 1)
        share += quality.small_practice_bonus.value / (quality.points_maximum.value * in_use)
    return min(share, 1.0)


# Cost, 414.1380(b)(2)


def cost_points(cost_measure: str, cost: float, rules: MipsRules) -> float:
    """Points of a cost per episode, in USD, by the national median and standard deviation."""
    return national_points(cost, rules.cost.measures[cost_measure], rules)


def cost_category(clinician: Clinician, cost_measure: str, rules: MipsRules) -> float | None:
    """Share of the attainable points; ``None`` with fewer episodes than the minimum.

    Raises ``ValueError`` where there are enough episodes and the cost is blank.
    """
    if clinician.episodes is None or clinician.episodes < rules.cost.case_minimum.value:
        return None
    if clinician.episode_cost is None:
        raise input_error(
            clinician.clinician_id, f"{clinician.episodes:g} episodes, but episode_cost is blank"
        )
    points = cost_points(cost_measure, clinician.episode_cost, rules)
    return points / rules.cost.points_maximum.value


# Improvement activities and promoting interoperability, 414.1380(b)(3) and (b)(4)


def activities_category(clinician: Clinician, rules: MipsRules) -> float:
    """Completed activities over those required, at most 1; a blank as the rules say."""
    rule = rules.improvement_activities
    completed = clinician.improvement_activities
    if completed is None:
        completed = rule.blank_counts_as.value
    if completed < 0:
        raise input_error(clinician.clinician_id, "improvement_activities is negative")
    if rules.form.value != "traditional":
        required = rule.required.value_pathway.value
    elif is_small(clinician, rules):
        required = rule.required.traditional_small.value
    else:
        required = rule.required.traditional.value
    return min(completed / required, 1.0)


def interoperability_category(clinician: Clinician, rules: MipsRules) -> float:
    """Interoperability score over its maximum; a blank as the rules say.

    Raises ``ValueError`` for a score outside 0 to the maximum.
    """
    rule = rules.promoting_interoperability
    value = clinician.pi_score
    if value is None:
        value = rule.blank_counts_as.value
    maximum = rule.score_maximum.value
    if not 0 <= value <= maximum:
        raise input_error(
            clinician.clinician_id, f"pi_score is {value:g}; it must be 0 to {maximum:g}"
        )
    return value / maximum


# Final score, 414.1380(c)


def category_weights(
    clinician: Clinician, quality_score: float | None, cost_score: float | None, rules: MipsRules
) -> Weights:
    """The weights, where at most one of quality and cost is missing (414.1380(c)(2)(ii))."""
    of_size = rules.category_weights
    practice = of_size.small if is_small(clinician, rules) else of_size.large
    if quality_score is None:
        return practice.without_quality
    return practice.without_cost if cost_score is None else practice.all_categories


def complex_patient_bonus(clinician: Clinician, rules: MipsRules) -> float:
    """Bonus points for complex patients of one who submits anything (414.1380(c)(3))."""
    submits = (
        any(
            is_reported(name, rules) and result.rate is not None
            for name, result in clinician.measures.items()
        )
        or (clinician.improvement_activities or 0) > 0
        or (clinician.pi_score or 0) > 0
    )
    if not submits:
        return 0.0
    rule = rules.complex_patient
    total = complex_patient_component(
        clinician.hcc_risk_score, rule.hcc_risk_score, rules
    ) + complex_patient_component(clinician.dual_share, rule.dual_share, rules)
    return min(max(total, rule.minimum.value), rule.maximum.value)


def complex_patient_component(
    value: float | None, national: NationalMoments, rules: MipsRules
) -> float:
    """One of the two components: none below the median, else intercept + slope x z, at least 0."""
    if value is None or value < national.median.value:
        return 0.0
    z = (value - national.mean.value) / national.standard_deviation.value
    rule = rules.complex_patient
    return max(0.0, rule.intercept.value + rule.slope.value * z)


def with_group_score(own_score: float, clinician: Clinician, rules: MipsRules) -> float:
    """The final score that is expected where the practice may report as a group (levels).

    A group is scored as one in all categories, and of two scores the higher counts: a share of what
    the clinician's own score falls short of a group's is added. Nobody reports as a group alone.
    """
    if clinician.practice_size < rules.group_minimum_clinicians.value:
        return own_score
    levels = rules.levels
    return own_score + levels.group_share.value * max(levels.group_score.value - own_score, 0.0)


# Adjustment, 414.1405 and 42 USC 1395w-4(q)(6)(A)


def adjustment(final_score: float, rules: MipsRules) -> float:
    """The adjustment factor of a final score, a fraction of Part B payments.

    Above the threshold linear from 0 to the applicable percent at the greatest score, times the
    scale. Below it linear from 0 to minus the applicable percent at a score of zero, but the whole
    of that in the lowest quarter: there the adjustment jumps (from -6.75 % to -9 % by the 2026
    numbers), since the sliding scale of the statute ends at zero, not at the quarter.
    """
    payment = rules.payment
    threshold, highest = payment.performance_threshold.value, rules.final_score.maximum.value
    if final_score <= payment.lowest_quarter.value:
        return -payment.applicable_percent.value
    if final_score < threshold:
        return -payment.applicable_percent.value * (threshold - final_score) / threshold
    above = (final_score - threshold) / (highest - threshold)
    return payment.applicable_percent.value * above * payment.scale.value
