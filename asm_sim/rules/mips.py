"""The shape of a MIPS rule set, the comparator of ASM: 42 CFR 414.1380 and 414.1405.

Its leaves are parameters as those of :mod:`asm_sim.rules.schema`. The benchmarks by deciles, fixed
in advance, are a table beside the rule set (``mips-benchmarks.csv``, from CMSgov/qpp-measures-data;
each row names its file there).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from asm_sim.kernels.choices import ExtremeCircumstances, MipsForm
from asm_sim.parameters import Choice, Count, Names, Number, Strict, Text
from asm_sim.rules.historical import Benchmarks, National, benchmarks_of
from asm_sim.rules.leaves import Years
from asm_sim.rules.programmed import Programmed, check_choices
from asm_sim.rules.schema import WEIGHT_TOLERANCE, Curve

PROGRAM = "mips"


class MipsCohort(Strict):
    title: str
    quality_measures: Names
    cost_measure: Text


class NationalMoments(National):
    """And the mean."""

    mean: Number


class BySize(Strict):
    """A number for large and one for small practices."""

    large: Number
    small: Number


class CountByForm(Strict):
    traditional: Count
    value_pathway: Count


class MipsQuality(Strict):
    measures_counted: CountByForm
    case_minimum: Number
    completeness_minimum: Number
    points_not_reported: Number
    points_incomplete: BySize
    points_without_benchmark: BySize
    points_maximum: Number
    points_maximum_when_capped: Number
    small_practice_bonus: Number
    benchmarks: Text
    claims_measures: dict[str, National]


class MipsCost(Strict):
    case_minimum: Number
    points_maximum: Number
    measures: dict[str, National]


class RequiredActivities(CountByForm):
    traditional_small: Count


class MipsActivities(Strict):
    required: RequiredActivities
    blank_counts_as: Number


class MipsInteroperability(Strict):
    score_maximum: Number
    blank_counts_as: Number


class Weights(Strict):
    """Category weights, which sum to 1."""

    quality: Number
    cost: Number
    improvement_activities: Number
    promoting_interoperability: Number

    @model_validator(mode="after")
    def _sum(self) -> Self:
        total = sum(getattr(self, name).value for name in type(self).model_fields)
        if abs(total - 1) > WEIGHT_TOLERANCE:
            raise ValueError(f"the weights sum to {total:g}, not 1")
        return self


class WeightsOfPractice(Strict):
    all_categories: Weights
    without_cost: Weights
    without_quality: Weights


class CategoryWeights(Strict):
    large: WeightsOfPractice
    small: WeightsOfPractice


class MipsComplexPatient(Strict):
    intercept: Number
    slope: Number
    minimum: Number
    maximum: Number
    hcc_risk_score: NationalMoments
    dual_share: NationalMoments


class MipsFinalScore(Strict):
    scale: Number
    minimum: Number
    maximum: Number
    extreme_circumstances: Annotated[Choice, Programmed(ExtremeCircumstances)]


class MipsPayment(Strict):
    performance_threshold: Number
    lowest_quarter: Number
    applicable_percent: Number
    scale: Number


class Levels(Strict):
    """What stands for reporting as a group and by measures of one's own choice, and for silence."""

    group_share: Number
    group_score: Number
    non_reporting: Number


class MipsRules(Strict):
    """One version of MIPS: everything that its final score and its adjustment need."""

    program: Literal["mips"]
    id: str
    title: str
    rule_year: str
    performance_years: Years
    form: Annotated[Choice, Programmed(MipsForm)]
    cohorts: dict[str, MipsCohort]
    small_maximum_clinicians: Count
    group_minimum_clinicians: Count
    category_weights: CategoryWeights
    quality: MipsQuality
    cost: MipsCost
    standard_deviation_curve: Curve
    improvement_activities: MipsActivities
    promoting_interoperability: MipsInteroperability
    complex_patient: MipsComplexPatient
    final_score: MipsFinalScore
    payment: MipsPayment
    levels: Levels

    @property
    def years(self) -> list[int]:
        """The one performance year whose rule and benchmarks these are."""
        return self.performance_years.value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.years) != 1:
            raise ValueError("performance_years: a MIPS rule set is that of one year")
        check_choices(self)
        year, payment = self.years[0], self.payment
        anchor = self.standard_deviation_curve.anchor.value
        if isinstance(anchor, dict) and list(anchor) != self.years:
            raise ValueError(f"standard_deviation_curve.anchor: only {year} is a performance year")
        if not self.cohorts:
            raise ValueError("cohorts: a rule set needs at least one")
        benchmarked = {measure for measure, _ in benchmarks_of(self.quality.benchmarks.value, year)}
        if not benchmarked:
            raise ValueError(f"performance_years: no benchmarks for {year}")
        for name, cohort in self.cohorts.items():
            path = f"cohorts.{name}"
            for measure in cohort.quality_measures.value:
                if measure not in benchmarked | set(self.quality.claims_measures):
                    raise ValueError(f"{path}.quality_measures: no benchmark for {measure!r}")
            if cohort.cost_measure.value not in self.cost.measures:
                measure = cohort.cost_measure.value
                raise ValueError(f"{path}.cost_measure: no entry in cost.measures for {measure!r}")
        lowest, highest = self.final_score.minimum.value, self.final_score.maximum.value
        threshold, quarter = payment.performance_threshold.value, payment.lowest_quarter.value
        if not lowest <= quarter < threshold < highest:
            raise ValueError(
                "payment: lowest_quarter, performance_threshold and the greatest final score "
                "must ascend"
            )
        if self.complex_patient.minimum.value > self.complex_patient.maximum.value:
            raise ValueError("complex_patient: minimum is above maximum")
        return self


def benchmarks(rules: MipsRules) -> Benchmarks:
    """The benchmarks by deciles of a rule set, by measure and collection type."""
    return benchmarks_of(rules.quality.benchmarks.value, rules.years[0])
