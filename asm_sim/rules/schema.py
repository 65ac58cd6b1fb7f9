"""The shape of a rule set: what the law says, as typed, frozen data.

A rule set is a tree of parameters (see :mod:`asm_sim.parameters`). Cohorts and measures are data: a
new condition is a new entry in the YAML, not new code.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator

from asm_sim.kernels import choices
from asm_sim.parameters import (
    Choice,
    Count,
    Names,
    Number,
    Numbers,
    Strict,
    Switch,
    Text,
    YearlyNumber,
    leaves,
)
from asm_sim.rules.historical import CUT_POINTS, National, benchmarks_of
from asm_sim.rules.leaves import Cap, Years
from asm_sim.rules.programmed import Programmed, check_choices

# Some numbers are the same by the meaning of the words, not by a choice of the rule.
WEIGHT_TOLERANCE = 1e-9
PERCENT = 100.0
# Steps to one point, and to an adjustment of one, where there is rounding at all.
SCORE_STEPS = {step.name.lower(): int(step) for step in choices.ScoreRounding if step}
ADJUSTMENT_STEPS = {step.name.lower(): int(step) for step in choices.AdjustmentRounding if step}
SIGNAL_TOLERANCE = 1e-9  # share of all variance below which one between clinicians is rounding


class Cohort(Strict):
    title: str
    specialties: Names
    quality_measures: Names
    cost_measure: Text


class Measure(Strict):
    title: str
    inverse: Switch
    scoring: Annotated[Choice, Programmed(choices.Scoring)]
    submission: Annotated[Choice, Programmed(choices.Submission)]
    collection_types: Names
    rate_unit: Text
    suspended: YearlyNumber

    @model_validator(mode="after")
    def _suspended_or_not(self) -> Self:
        for number in self.suspended.numbers():
            if number not in (0, 1):
                raise ValueError(f"suspended: {number:g} is neither 0 (in use) nor 1 (suspended)")
        return self

    def is_suspended(self, performance_year: int) -> bool:
        """Whether nobody is scored on it that year, in MIPS neither."""
        return self.suspended.at(performance_year) == 1

    @property
    def reported(self) -> bool:
        """Whether the clinician reports it (otherwise CMS computes it from claims)."""
        return self.submission.value == "reported"

    @property
    def is_percentage(self) -> bool:
        """Whether a rate is the share of the cases that meet the measure."""
        return self.rate_unit.value == "percent"

    @property
    def can_top_out(self) -> bool:
        """Whether everybody can come near the best rate: a percentage, scored by deciles."""
        return self.scoring.value == "decile" and self.is_percentage


class Participation(Strict):
    """Who of those that could be in the model is in it."""

    episode_minimum: YearlyNumber


class Curve(Strict):
    """Points, piecewise linear in z = (value - median) / SD and flat outside the knots."""

    z: Numbers
    points: Numbers
    anchor: YearlyNumber

    @model_validator(mode="after")
    def _knots(self) -> Self:
        if len(self.z.value) != len(self.points.value) or len(self.z.value) < 2:
            raise ValueError("z and points must have the same number of knots, two or more")
        if any(b <= a for a, b in zip(self.z.value, self.z.value[1:], strict=False)):
            raise ValueError("z must ascend")
        return self


class ScoringLevel(Strict):
    quality: Annotated[Choice, Programmed(choices.ScoringLevel, "quality_level")]
    cost: Annotated[Choice, Programmed(choices.ScoringLevel, "cost_level")]

    @property
    def pools(self) -> bool:
        """Whether anything is scored for a practice as a whole."""
        return {self.quality.value, self.cost.value} != {"clinician"}


class Peers(Strict):
    basis: Annotated[Choice, Programmed(choices.Peers, "peers")]
    size_limits: Numbers

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        limits = self.size_limits.value
        if not limits or sorted(set(limits)) != limits:
            raise ValueError("size_limits must ascend, one or more")
        return self


class NationalQuality(Strict):
    """Where the national benchmarks are: a table of deciles; median and SD of other measures."""

    benchmarks: Text
    benchmark_year: Count
    measures: dict[str, National]


class ToppedOut(Strict):
    treatment: Annotated[Choice, Programmed(choices.ToppedOut, "topped_out")]
    median_at_least: YearlyNumber
    cap: YearlyNumber


class Quality(Strict):
    collection_types: Names
    case_minimum: YearlyNumber
    completeness_minimum: YearlyNumber
    benchmark_minimum_clinicians: YearlyNumber
    points_not_reported: YearlyNumber
    points_maximum: Number
    decile_percentiles: Numbers
    standard_deviation_curve: Curve
    benchmark_reference: Annotated[
        Choice, Programmed(choices.BenchmarkReference, "quality_reference")
    ]
    national: NationalQuality
    pool_collection_types: Switch
    topped_out: ToppedOut
    shrinkage: Annotated[Choice, Programmed(choices.Shrinkage, "quality_shrinkage")]
    shrinkage_kappa: YearlyNumber

    @model_validator(mode="after")
    def _cut_points(self) -> Self:
        percentiles = self.decile_percentiles.value
        if len(percentiles) < 2 or sorted(set(percentiles)) != percentiles:
            raise ValueError("decile_percentiles must ascend")
        return self


class NationalCost(National):
    """And how both grow from the year that they are of."""

    base_year: Count
    trend: Number

    def at(self, performance_year: int) -> tuple[float, float]:
        """Median and standard deviation of a performance year, USD."""
        growth = (1 + self.trend.value) ** (performance_year - self.base_year.value)
        return self.median.value * growth, self.standard_deviation.value * growth


class Cost(Strict):
    case_minimum: YearlyNumber
    points_maximum: Number
    standard_deviation_curve: Curve
    benchmark_reference: Annotated[Choice, Programmed(choices.BenchmarkReference, "cost_reference")]
    national: dict[str, NationalCost]
    shrinkage: Annotated[Choice, Programmed(choices.Shrinkage, "cost_shrinkage")]
    shrinkage_kappa: YearlyNumber


class ImprovementActivities(Strict):
    adjustment_by_completed: Numbers
    blank_counts_as: Count
    small_practice_scale: YearlyNumber
    rural_scale: YearlyNumber

    @model_validator(mode="after")
    def _blank_is_possible(self) -> Self:
        if not 0 <= self.blank_counts_as.value < len(self.adjustment_by_completed.value):
            raise ValueError("blank_counts_as is not a number of activities that can be completed")
        return self


class PromotingInteroperability(Strict):
    adjustment_at_zero: YearlyNumber
    score_maximum: Number
    form: Annotated[Choice, Programmed(choices.InteroperabilityForm)]
    exempt: Annotated[Choice, Programmed(choices.InteroperabilityExempt, "interoperability_exempt")]
    blank_counts_as: Number
    small_practice_scale: YearlyNumber
    rural_scale: YearlyNumber


class SmallPractice(Strict):
    solo_bonus: YearlyNumber
    small_bonus: YearlyNumber
    small_maximum_clinicians: Count


class ComplexPatient(Strict):
    form: Annotated[Choice, Programmed(choices.ComplexPatientForm, "complex_form")]
    intercept: YearlyNumber
    slope: YearlyNumber
    minimum: YearlyNumber
    maximum: YearlyNumber
    component_maximum: Cap
    reference_population: Annotated[Choice, Programmed(choices.ComplexPatientReference)]


class FinalScore(Strict):
    weight_quality: YearlyNumber
    weight_cost: YearlyNumber
    missing_category: Annotated[Choice, Programmed(choices.MissingCategory, "missing_category")]
    scale: Number
    minimum: Number
    maximum: Number
    without_minimum_submission: Number
    counts_as_zero: Number
    averaging_years: Count
    rounding: Annotated[Choice, Programmed(choices.ScoreRounding)]
    several_tins: Annotated[Choice, Programmed(choices.SeveralTins)]
    extreme_circumstances: Annotated[Choice, Programmed(choices.ExtremeCircumstances)]


class Exchange(Strict):
    form: Annotated[Choice, Programmed(choices.ExchangeForm, "exchange_form")]
    midpoint: Annotated[Choice, Programmed(choices.ExchangeMidpoint, "exchange_midpoint")]
    fixed_midpoint: YearlyNumber
    steepness: YearlyNumber
    threshold: YearlyNumber
    counts_as_equal: Number


class Payment(Strict):
    risk_level: YearlyNumber
    redistribution_share: YearlyNumber
    zero_scorers_in_pool_base: Switch
    zero_score_adjustment: YearlyNumber
    unscored_adjustment: YearlyNumber
    exchange: Exchange
    neutral_band: YearlyNumber
    neutral_band_form: Annotated[Choice, Programmed(choices.NeutralBandForm)]
    rounding: Annotated[Choice, Programmed(choices.AdjustmentRounding)]
    cap: Cap


class BeneficiaryIncentives(Strict):
    limit_per_patient_year: Number


class RuleSet(Strict):
    """One version of the rule: everything that the arithmetic of a score and a payment needs."""

    id: str
    title: str
    rule_year: str  # whose rulemaking it is, and how far that was
    performance_years: Years
    payment_year_lag: Count
    cohorts: dict[str, Cohort]
    measures: dict[str, Measure]
    scoring_level: ScoringLevel
    peers: Peers
    participation: Participation
    quality: Quality
    cost: Cost
    improvement_activities: ImprovementActivities
    promoting_interoperability: PromotingInteroperability
    small_practice: SmallPractice
    complex_patient: ComplexPatient
    final_score: FinalScore
    payment: Payment
    beneficiary_incentives: BeneficiaryIncentives

    @property
    def years(self) -> list[int]:
        """The performance years."""
        return self.performance_years.value

    def payment_year(self, performance_year: int) -> int:
        return performance_year + self.payment_year_lag.value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.cohorts:
            raise ValueError("a rule set needs at least one cohort")
        known_types = set(self.quality.collection_types.value) | {"administrative_claims"}
        for name, cohort in self.cohorts.items():
            path = f"cohorts.{name}.quality_measures"
            if not cohort.quality_measures.value:
                raise ValueError(f"{path}: needs at least one quality measure")
            for measure in cohort.quality_measures.value:
                if measure not in self.measures:
                    raise ValueError(f"{path}: no entry for measure {measure!r}")
            if len(set(cohort.quality_measures.value)) != len(cohort.quality_measures.value):
                raise ValueError(f"{path}: a quality measure is named twice")
        for name, measure_entry in self.measures.items():
            for kind in measure_entry.collection_types.value:
                if kind not in known_types:
                    path = f"measures.{name}.collection_types"
                    raise ValueError(f"{path}: unknown collection type {kind!r}")
        if self.final_score.minimum.value > self.final_score.maximum.value:
            raise ValueError("final_score: minimum is above maximum")
        check_choices(self)
        self._check_years()
        self.check_together()
        return self

    def check_together(self) -> None:
        """``ValueError`` where numbers and choices of which each makes sense do not go together."""
        self._check_exchange()
        if self.scoring_level.pools and self.peers.basis.value == "specialty":
            raise ValueError(
                "peers.basis: 'specialty' does not go with scoring practices as a whole "
                "(scoring_level), since a practice may have several specialties"
            )
        self._check_averaging()
        self._check_benchmarks()
        for year in self.years:
            total = self.final_score.weight_quality.at(year) + self.final_score.weight_cost.at(year)
            if abs(total - 1) > WEIGHT_TOLERANCE:
                weights = "the weights of quality and cost"
                raise ValueError(f"final_score: {weights} sum to {total:g} in {year}, not 1")
            if self.complex_patient.minimum.at(year) > self.complex_patient.maximum.at(year):
                raise ValueError(f"complex_patient: minimum is above maximum in {year}")

    def _check_exchange(self) -> None:
        exchange, highest = self.payment.exchange, self.final_score.maximum.value
        form, midpoint = exchange.form.value, exchange.midpoint.value
        if form != "logistic" and midpoint != "median":
            raise ValueError(
                f"payment.exchange.midpoint: {midpoint!r} would do nothing, since the form "
                f"{form!r} has no midpoint; leave it at 'median'"
            )
        for year in self.years if form == "threshold" else []:
            threshold = exchange.threshold.at(year)
            if not 0 < threshold < highest:
                raise ValueError(
                    f"payment.exchange.threshold: {threshold:g} in {year} is not between 0 and "
                    f"the highest final score, {highest:g}"
                )
            if self.payment.neutral_band.at(year) > 0:
                raise ValueError(
                    "payment.neutral_band: a neutral band lies around the median of the final "
                    f"scores, and the form {form!r} compares with a standard set in advance; "
                    "leave it at 0"
                )

    def _check_averaging(self) -> None:
        years = self.final_score.averaging_years.value
        if years > len(self.years):
            raise ValueError(
                f"final_score.averaging_years: {years} is more than the number of performance "
                f"years, {len(self.years)}"
            )

    def _check_benchmarks(self) -> None:
        basis = self.peers.basis.value
        for name, category in (("quality", self.quality), ("cost", self.cost)):
            path = f"{name}.benchmark_reference"
            reference, shrinkage = category.benchmark_reference.value, category.shrinkage.value
            if reference in {"previous_year", "baseline_year"} and basis != "condition":
                raise ValueError(
                    f"{path}: {reference!r} goes with peers.basis 'condition' alone, since the "
                    f"members of a group by {basis} change from year to year"
                )
            if reference in {"previous_year", "baseline_year"} and len(self.years) == 1:
                raise ValueError(
                    f"{path}: {reference!r} would do nothing, since there is one performance year"
                )
            if reference == "national" and shrinkage != "none":
                raise ValueError(
                    f"{name}.shrinkage: {shrinkage!r} does not go with national benchmarks, which "
                    "are of values that are not shrunk"
                )
        if self.quality.benchmark_reference.value == "national":
            self._check_national_quality()
        if self.cost.benchmark_reference.value == "national":
            for cohort in self.cohorts.values():
                if cohort.cost_measure.value not in self.cost.national:
                    raise ValueError(
                        "cost.benchmark_reference: no national median and standard deviation of "
                        f"{cohort.cost_measure.value} in cost.national"
                    )
        topped_out, best = self.quality.topped_out, self.quality.points_maximum.value
        for year in self.years if topped_out.treatment.value == "capped" else []:
            if topped_out.cap.at(year) >= best:
                raise ValueError(
                    f"quality.topped_out.cap: {topped_out.cap.at(year):g} in {year} would do "
                    f"nothing, since no measure earns more than {best:g} points"
                )

    def _check_national_quality(self) -> None:
        """Every measure must have a national benchmark in every collection type it is offered."""
        quality, path = self.quality, "quality.benchmark_reference"
        if quality.pool_collection_types.value:
            raise ValueError(
                "quality.pool_collection_types: national benchmarks are published for each "
                "collection type, none for all of them"
            )
        table, year = quality.national.benchmarks.value, quality.national.benchmark_year.value
        try:
            deciles = benchmarks_of(table, year)
        except ValueError as error:
            problem = str(error).removeprefix("quality.")
            raise ValueError(f"quality.national.{problem}") from error
        if len(quality.decile_percentiles.value) != CUT_POINTS:
            raise ValueError(
                f"quality.decile_percentiles: national benchmarks have {CUT_POINTS} cut points"
            )
        for measure in dict.fromkeys(
            name for cohort in self.cohorts.values() for name in cohort.quality_measures.value
        ):
            entry = self.measures[measure]
            if entry.scoring.value != "decile":
                if measure not in quality.national.measures:
                    raise ValueError(
                        f"{path}: no national median and standard deviation of {measure} in "
                        "quality.national.measures"
                    )
                continue
            for kind in entry.collection_types.value:
                benchmark = deciles.get((measure, kind))
                if benchmark is None:
                    raise ValueError(
                        f"{path}: no national benchmark of {measure} by {kind} for {year} in "
                        f"the table {table}"
                    )
                if benchmark.inverse != entry.inverse.value:
                    raise ValueError(
                        f"{path}: {measure} is inverse here or in the table {table}, not in both"
                    )

    def _check_years(self) -> None:
        for path, parameter in leaves(self):
            value = getattr(parameter, "value", None)
            if not isinstance(value, dict):
                continue
            for year in value:
                if year not in self.years:
                    raise ValueError(f"{path}: {year} is not a performance year")
            for year in self.years:
                if year not in value:
                    raise ValueError(f"{path}: no value for {year}")
