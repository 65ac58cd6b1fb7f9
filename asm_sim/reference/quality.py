"""The quality category: 42 CFR 512.725, with the benchmarks of 90 FR 49634."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from asm_sim.reference.deviation import (
    DeviationBenchmark,
    deviation_points,
    fit_deviation_benchmark,
)
from asm_sim.reference.rows import Clinician, MeasureResult, input_error
from asm_sim.rules.schema import Measure, RuleSet

Standing = Literal["excluded", "not_reported", "valid"]


@dataclass(frozen=True)
class DecileBenchmark:
    """Cut points of a group, ascending in merit: the k-th earns k points.

    For an inverse measure they are those of the negated rates.
    """

    clinicians: int
    cut_points: tuple[float, ...]


Benchmark = DecileBenchmark | DeviationBenchmark
Benchmarks = Mapping[tuple[str, str], Benchmark]  # by measure and collection type


def standing(clinician: Clinician, name: str, rules: RuleSet, performance_year: int) -> Standing:
    """How a measure counts for a clinician, before benchmarks are looked at (512.725).

    Stated cases below the case minimum exclude it, before anything else. A measure that CMS
    computes from claims is excluded without a rate or without cases. A measure that the clinician
    reports is not reported where its rate is blank or its data completeness blank or too low.

    Raises ``ValueError`` for a reported measure with a rate but blank cases, and for a valid rate
    whose collection type is blank or not one in which anything may be reported.
    """
    measure = rules.measures[name]
    result = clinician.measures[name]
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
        groups: dict[str, list[float]] = {}
        for clinician in clinicians:
            rate = clinician.measures[name].rate
            if standing(clinician, name, rules, performance_year) == "valid" and rate is not None:
                group = benchmark_group(clinician.measures[name], rules.measures[name])
                groups.setdefault(group, []).append(rate)
        for group, rates in groups.items():
            if len(rates) >= minimum:
                benchmarks[name, group] = fit_benchmark(rates, rules.measures[name], rules)
    return benchmarks


def benchmark_group(result: MeasureResult, measure: Measure) -> str:
    """The collection type, or the one group of a measure that CMS computes from claims."""
    if measure.reported and result.collection_type is not None:
        return result.collection_type
    return measure.submission.value


def fit_benchmark(rates: list[float], measure: Measure, rules: RuleSet) -> Benchmark:
    """The benchmark of one group."""
    match measure.scoring.value:
        case "standard_deviation":
            return fit_deviation_benchmark(rates)
        case "decile":
            return fit_decile_benchmark(rates, measure, rules)
        case other:
            raise ValueError(f"a measure cannot be scored by {other!r}")


def fit_decile_benchmark(rates: list[float], measure: Measure, rules: RuleSet) -> DecileBenchmark:
    """The cut points of one group, a percentile each."""
    merits = sorted(merit(rate, measure) for rate in rates)
    return DecileBenchmark(
        clinicians=len(rates),
        cut_points=tuple(
            percentile(merits, percent) for percent in rules.quality.decile_percentiles.value
        ),
    )


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
    benchmark = benchmarks.get((name, benchmark_group(result, measure)))
    if benchmark is None or result.rate is None:
        return None
    if isinstance(benchmark, DecileBenchmark):
        return decile_points(result.rate, benchmark, measure)
    return deviation_points(
        result.rate,
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
