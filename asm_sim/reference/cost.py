"""The cost category: 42 CFR 512.730, one episode-based measure per cohort."""

from __future__ import annotations

from asm_sim.reference.deviation import (
    DeviationBenchmark,
    deviation_points,
    fit_deviation_benchmark,
)
from asm_sim.reference.rows import Clinician, input_error, is_excused
from asm_sim.reference.shrinkage import fit_shrinkage, shrunk
from asm_sim.rules.schema import RuleSet


def scored_cost(clinician: Clinician, rules: RuleSet, performance_year: int) -> float | None:
    """The cost per episode in USD; ``None`` with fewer episodes than the minimum (512.730(d)).

    ``None`` as well where extreme circumstances excuse the clinician. Raises ``ValueError`` where
    there are enough episodes and the cost is blank.
    """
    if is_excused(clinician, rules):
        return None
    minimum = rules.cost.case_minimum.at(performance_year)
    if clinician.episodes is None or clinician.episodes < minimum:
        return None
    if clinician.episode_cost is None:
        raise input_error(
            clinician.clinician_id, f"{clinician.episodes:g} episodes, but episode_cost is blank"
        )
    return clinician.episode_cost


def fit_cost_benchmark(
    clinicians: list[Clinician], rules: RuleSet, performance_year: int
) -> DeviationBenchmark | None:
    """Median and SD over the cohort's clinicians with enough episodes; no minimum number of them.

    ``None`` where there are none.
    """
    results = []
    for clinician in clinicians:
        cost = scored_cost(clinician, rules, performance_year)
        if cost is not None and clinician.episodes is not None:
            results.append((cost, clinician.episodes))
    if not results:
        return None
    shrinkage = fit_shrinkage(
        results, rules.cost.shrinkage.value, rules.cost.shrinkage_kappa.at(performance_year)
    )
    return fit_deviation_benchmark(
        [shrunk(cost, episodes, shrinkage) for cost, episodes in results], shrinkage
    )


def national_benchmark(rules: RuleSet, cohort: str, performance_year: int) -> DeviationBenchmark:
    """The national median and SD of the cohort's measure, grown from their year to this one."""
    national = rules.cost.national[rules.cohorts[cohort].cost_measure.value]
    growth = (1 + national.trend.value) ** (performance_year - national.base_year.value)
    return DeviationBenchmark(
        clinicians=None,
        median=national.median.value * growth,
        standard_deviation=national.standard_deviation.value * growth,
    )


def cost_points(
    clinician: Clinician,
    benchmark: DeviationBenchmark | None,
    rules: RuleSet,
    performance_year: int,
) -> float | None:
    """Achievement points on the cost measure, 1 to 10; ``None`` where it is not scored."""
    cost = scored_cost(clinician, rules, performance_year)
    if cost is None or benchmark is None:
        return None
    cost = shrunk(cost, clinician.episodes, benchmark.shrinkage)
    return deviation_points(cost, benchmark, rules.cost.standard_deviation_curve, performance_year)


def cost_score(points: float | None, rules: RuleSet) -> float | None:
    """Share of the attainable points, in [0, 1]; ``None`` where cost is not scored."""
    return None if points is None else points / rules.cost.points_maximum.value
