"""The quality category: 42 CFR 512.725, with the benchmarks of 90 FR 49634."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from asm_sim.reference.deviation import (
    DeviationBenchmark,
    deviation_points,
    fit_deviation_benchmark,
    middle_points,
)
from asm_sim.reference.rows import Clinician, MeasureResult, input_error, is_excused
from asm_sim.reference.shrinkage import Shrinkage, fit_shrinkage, shrunk
from asm_sim.rules.historical import benchmarks_of
from asm_sim.rules.schema import Measure, RuleSet

Standing = Literal["excluded", "not_reported", "valid"]


@dataclass(frozen=True)
class DecileBenchmark:
    """Cut points of a group, ascending in merit: the k-th earns k points.

    For an inverse measure they are those of the negated rates. ``clinicians`` is how many made it,
    ``None`` for a national one; ``median_rate`` is ``None`` where it is not known. Where there is
    shrinkage both are those of shrunk rates, and rates are shrunk before they are compared.
    ``without_spread``: shrinkage has left no difference between the clinicians, so that no rate is
    nearer to the top of the benchmark than to its middle.
    """

    clinicians: int | None
    cut_points: tuple[float, ...]
    median_rate: float | None
    shrinkage: Shrinkage | None = None
    without_spread: bool = False


Benchmark = DecileBenchmark | DeviationBenchmark
Benchmarks = Mapping[tuple[str, str], Benchmark]  # by measure and collection type


def standing(clinician: Clinician, name: str, rules: RuleSet, performance_year: int) -> Standing:
    """How a measure counts for a clinician, before benchmarks are looked at (512.725).

    A suspended measure is excluded, and so is every measure of a clinician whom extreme
    circumstances excuse. Otherwise stated cases below the case minimum exclude it, before anything
    else. A measure that CMS
    computes from claims is excluded without a rate or without cases. A measure that the clinician
    reports is not reported where its rate is blank or its data completeness blank or too low.

    Raises ``ValueError`` for a reported measure with a rate but blank cases, and for a valid rate
    whose collection type is blank or not one in which anything may be reported.
    """
    measure = rules.measures[name]
    result = clinician.measures[name]
    if measure.is_suspended(performance_year) or is_excused(clinician, rules):
        return "excluded"
    case_minimum = rules.quality.case_minimum.at(performance_year)
    if result.cases is not None and result.cases < case_minimum:
        return "excluded"
    if not measure.reported:
        return "excluded" if result.rate is None or result.cases is None else "valid"
    if result.rate is None:
        return "not_reported"
    if result.cases is None:
        raise input_error(clinician.clinician_id, f"{name} has a rate but its cases are blank")
    if not is_complete(result, rules, performance_year):
        return "not_reported"
    if result.collection_type is None:
        raise input_error(
            clinician.clinician_id, f"{name} has a rate but its collection type is blank"
        )
    if result.collection_type not in rules.quality.collection_types.value:
        raise input_error(
            clinician.clinician_id,
            f"{name} cannot be reported as {result.collection_type!r}, only as "
            + " or ".join(rules.quality.collection_types.value),
        )
    return "valid"


def is_complete(result: MeasureResult, rules: RuleSet, performance_year: int) -> bool:
    """Whether the data completeness is stated and high enough."""
    minimum = rules.quality.completeness_minimum.at(performance_year)
    return result.completeness is not None and result.completeness >= minimum


def fit_benchmarks(
    clinicians: list[Clinician], rules: RuleSet, cohort: str, performance_year: int
) -> Benchmarks:
    """The cohort's benchmarks, by measure and collection type.

    A group is made of the clinicians with a valid result; one with fewer clinicians than the
    minimum has no benchmark and is left out. A measure that CMS computes from claims has one group.
    """
    minimum = rules.quality.benchmark_minimum_clinicians.at(performance_year)
    benchmarks: dict[tuple[str, str], Benchmark] = {}
    for name in rules.cohorts[cohort].quality_measures.value:
        groups: dict[str, list[tuple[float, float]]] = {}
        for clinician in clinicians:
            result = clinician.measures[name]
            if standing(clinician, name, rules, performance_year) != "valid":
                continue
            if result.rate is not None and result.cases is not None:
                group = benchmark_group(result, rules.measures[name], rules)
                groups.setdefault(group, []).append((result.rate, result.cases))
        for group, results in groups.items():
            if len(results) >= minimum:
                shrinkage = fit_shrinkage(
                    results,
                    rules.quality.shrinkage.value,
                    rules.quality.shrinkage_kappa.at(performance_year),
                    percentages=rules.measures[name].is_percentage,
                )
                rates = [shrunk(rate, cases, shrinkage) for rate, cases in results]
                benchmarks[name, group] = fit_benchmark(
                    rates, rules.measures[name], rules, shrinkage
                )
    return benchmarks


def benchmark_group(result: MeasureResult, measure: Measure, rules: RuleSet) -> str:
    """The collection type, or the one group of a measure that CMS computes from claims.

    One group as well where collection types are pooled.
    """
    pooled = rules.quality.pool_collection_types.value
    if measure.reported and result.collection_type is not None and not pooled:
        return result.collection_type
    return measure.submission.value


def fit_benchmark(
    rates: list[float], measure: Measure, rules: RuleSet, shrinkage: Shrinkage | None
) -> Benchmark:
    """The benchmark of one group, from rates that are shrunk already."""
    match measure.scoring.value:
        case "standard_deviation":
            return fit_deviation_benchmark(rates, shrinkage)
        case "decile":
            return fit_decile_benchmark(rates, measure, rules, shrinkage)
        case other:
            raise ValueError(f"a measure cannot be scored by {other!r}")


def fit_decile_benchmark(
    rates: list[float], measure: Measure, rules: RuleSet, shrinkage: Shrinkage | None
) -> DecileBenchmark:
    """The cut points of one group, a percentile each."""
    merits = sorted(merit(rate, measure) for rate in rates)
    return DecileBenchmark(
        clinicians=len(rates),
        cut_points=tuple(
            percentile(merits, percent) for percent in rules.quality.decile_percentiles.value
        ),
        median_rate=statistics.median(rates),
        shrinkage=shrinkage,
        without_spread=shrinkage is not None and len(set(rates)) == 1,
    )


def national_benchmarks(rules: RuleSet, cohort: str) -> Benchmarks:
    """The national benchmarks of MIPS, fixed in advance; a collection type may have none."""
    national = rules.quality.national
    published = benchmarks_of(national.benchmarks.value, national.benchmark_year.value)
    benchmarks: dict[tuple[str, str], Benchmark] = {}
    for name in rules.cohorts[cohort].quality_measures.value:
        measure = rules.measures[name]
        kinds = rules.quality.collection_types.value
        for group in kinds if measure.reported else [measure.submission.value]:
            if measure.scoring.value == "standard_deviation":
                location = national.measures[name]
                benchmarks[name, group] = DeviationBenchmark(
                    clinicians=None,
                    median=location.median.value,
                    standard_deviation=location.standard_deviation.value,
                )
            elif (name, group) in published:
                historical = published[name, group]
                benchmarks[name, group] = DecileBenchmark(
                    clinicians=None,
                    cut_points=tuple(merit(cut, measure) for cut in historical.cut_points),
                    median_rate=historical.median,
                )
    return benchmarks


def is_topped_out(
    benchmark: DecileBenchmark, measure: Measure, rules: RuleSet, performance_year: int
) -> bool:
    """Whether the median of a percentage is as good as 42 CFR 414.1305 has it.

    For an inverse measure the mirror image: 5 percent or lower where it is 95 percent or higher.
    """
    if not measure.is_percentage or benchmark.median_rate is None:
        return False
    least = rules.quality.topped_out.median_at_least.at(performance_year)
    if measure.inverse.value:
        return benchmark.median_rate <= 100 - least
    return benchmark.median_rate >= least


def merit(rate: float, measure: Measure) -> float:
    """The rate, negated for an inverse measure, so that more is better."""
    return -rate if measure.inverse.value else rate


def percentile(ascending: list[float], percent: float) -> float:
    """Percentile by linear interpolation of the order statistics (Hyndman-Fan type 7).

    The position is computed as (n - 1) * percent / 100, in this order, so that a percentile that
    falls on an order statistic is exactly that value.
    """
    position = (len(ascending) - 1) * percent / 100
    below = int(position)
    if below + 1 == len(ascending):
        return ascending[below]
    return ascending[below] + (position - below) * (ascending[below + 1] - ascending[below])


def decile_points(rate: float, benchmark: DecileBenchmark, measure: Measure) -> float:
    """Points from the first cut point's (also below it) to the last one's, with partial points."""
    value = merit(rate, measure)
    cut_points = benchmark.cut_points
    reached = sum(1 for cut_point in cut_points if cut_point <= value)
    if reached == 0:
        return 1.0  # what the first cut point earns
    if reached == len(cut_points):
        return float(reached)
    below, above = cut_points[reached - 1], cut_points[reached]
    return reached + (value - below) / (above - below)


def measure_points(
    clinician: Clinician, name: str, benchmarks: Benchmarks, rules: RuleSet, performance_year: int
) -> float | None:
    """Achievement points on one measure, 0 to 10; ``None`` where the measure is excluded."""
    match standing(clinician, name, rules, performance_year):
        case "excluded":
            return None
        case "not_reported":
            return rules.quality.points_not_reported.at(performance_year)
    measure = rules.measures[name]
    result = clinician.measures[name]
    benchmark = benchmarks.get((name, benchmark_group(result, measure, rules)))
    if benchmark is None or result.rate is None:
        return None
    rate = shrunk(result.rate, result.cases, benchmark.shrinkage)
    if isinstance(benchmark, DecileBenchmark):
        if benchmark.without_spread:
            points = middle_points(rules.quality.standard_deviation_curve, performance_year)
        else:
            points = decile_points(rate, benchmark, measure)
        topped_out = is_topped_out(benchmark, measure, rules, performance_year)
        treatment = rules.quality.topped_out.treatment.value
        if topped_out and treatment == "dropped":
            return None
        if topped_out and treatment == "capped":
            return min(points, rules.quality.topped_out.cap.at(performance_year))
        return points
    return deviation_points(
        rate,
        benchmark,
        rules.quality.standard_deviation_curve,
        performance_year,
        lower_is_better=measure.inverse.value,
    )


def quality_score(points: Mapping[str, float | None], rules: RuleSet) -> float | None:
    """Share of the attainable points, in [0, 1]; ``None`` without a measure that counts."""
    counted = [value for value in points.values() if value is not None]
    if not counted:
        return None
    return sum(counted) / (rules.quality.points_maximum.value * len(counted))
