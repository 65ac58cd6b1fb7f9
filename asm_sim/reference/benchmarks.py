"""Whose benchmarks a cohort is scored against.

By the rule those of the performance year itself (90 FR 49634, 42 CFR 512.730(e)(2)(i)). The
alternatives are known before the year begins, or are over: those that the same cohort made the year
before or in its first year, or the national ones of MIPS. Nothing but benchmarks is taken from
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from asm_sim.reference import cost, quality
from asm_sim.reference.deviation import DeviationBenchmark
from asm_sim.reference.rows import Clinician
from asm_sim.rules.schema import RuleSet


@dataclass(frozen=True)
class Standard:
    """The benchmarks of both categories, as in a fit."""

    quality: quality.Benchmarks
    cost: DeviationBenchmark | None


def own_standard(
    clinicians: list[Clinician], rules: RuleSet, cohort: str, performance_year: int
) -> Standard:
    """The benchmarks that these clinicians make."""
    return Standard(
        quality=quality.fit_benchmarks(clinicians, rules, cohort, performance_year),
        cost=cost.fit_cost_benchmark(clinicians, rules, performance_year),
    )


def standard_in_use(
    own: Standard,
    rules: RuleSet,
    cohort: str,
    performance_year: int,
    standards: Mapping[int, Standard],
) -> Standard:
    """The benchmarks that the rule applies, from this year's own and those of earlier years."""
    if rules.quality.benchmark_reference.value == "national":
        quality_benchmarks = quality.national_benchmarks(rules, cohort)
    else:
        reference = rules.quality.benchmark_reference.value
        quality_benchmarks = _of_cohort(reference, own, performance_year, standards).quality
    if rules.cost.benchmark_reference.value == "national":
        cost_benchmark: DeviationBenchmark | None = cost.national_benchmark(
            rules, cohort, performance_year
        )
    else:
        reference = rules.cost.benchmark_reference.value
        cost_benchmark = _of_cohort(reference, own, performance_year, standards).cost
    return Standard(quality_benchmarks, cost_benchmark)


def _of_cohort(
    reference: str, own: Standard, performance_year: int, standards: Mapping[int, Standard]
) -> Standard:
    """Of the year before if there is one, of the first year if there is an earlier one, or own."""
    match reference:
        case "same_year":
            return own
        case "previous_year":
            return standards.get(performance_year - 1, own)
        case "baseline_year":
            return standards[min(standards)] if standards else own
        case other:
            raise ValueError(f"benchmarks cannot be those of {other!r}")
