"""What benchmarks of quality and cost have in common: whose they are, shrinkage, the curve."""

from __future__ import annotations

import math

from asm_sim.explain.case import Case, Telling
from asm_sim.explain.written import given, number
from asm_sim.reference.deviation import DeviationBenchmark, middle_points, points_at
from asm_sim.reference.shrinkage import Shrinkage


def whose(case: Case, category: str, preposition: str = "of") -> str:
    """The clinicians and the year that make the benchmarks of a category."""
    rule = case.rules.quality if category == "quality" else case.rules.cost
    year = case.group.reference_year(rule.benchmark_reference.value)
    return f"{preposition} {case.group.called} in {year}"


def say_shrinkage(
    telling: Telling,
    category: str,
    value: float,
    shrunk: float,
    cases: float | None,
    of: str,
    shrinkage: Shrinkage,
) -> None:
    """How far few cases draw a result toward the mean of its benchmark group."""
    paths = [f"{category}.shrinkage"]
    rule = telling.case.rules.quality if category == "quality" else telling.case.rules.cost
    if rule.shrinkage.value == "known":
        paths.append(f"{category}.shrinkage_kappa")
    if math.isinf(shrinkage.kappa):
        kept = "nothing tells the clinicians apart, so everyone is put at the mean"
    else:
        left = 1.0 if cases is None else cases / (cases + shrinkage.kappa)
        kept = f"with {of}, {number(100 * left)}% of the distance from the mean is left"
        kept += f" (kappa {given(shrinkage.kappa)})"
    telling.say(
        "Shrunk",
        f"{number(value)} becomes {number(shrunk)}: {kept}; the mean is {number(shrinkage.mean)}",
        *paths,
        shrunk=shrunk,
        shrinkage_mean=shrinkage.mean,
        shrinkage_kappa=shrinkage.kappa,
    )


def say_curve(
    telling: Telling,
    curve: str,
    value: float,
    benchmark: DeviationBenchmark,
    made_by: str,
    *,
    lower_is_better: bool,
) -> None:
    """A value's distance from the median in standard deviations, and the points for it."""
    case = telling.case
    rule = case.rules.quality if curve.startswith("quality") else case.rules.cost
    of_curve, deviation = rule.standard_deviation_curve, benchmark.standard_deviation
    telling.say(
        "Benchmark",
        f"{made_by}; median {number(benchmark.median)}, standard deviation {number(deviation)}",
        median=benchmark.median,
        standard_deviation=deviation,
    )
    if deviation == 0:
        middle = number(middle_points(of_curve, case.year))
        text = f"the results have no spread, so everyone has the points of the median, {middle}"
        telling.say("Points", text, f"{curve}.anchor")
        return
    z = (value - benchmark.median) / deviation
    telling.say(
        "Points",
        f"({number(value)} - {number(benchmark.median)}) / {number(deviation)} = {number(z)} "
        f"standard deviations from the median, which earns "
        f"{number(points_at(z if lower_is_better else -z, of_curve, case.year))} on the curve",
        f"{curve}.z",
        f"{curve}.points",
        f"{curve}.anchor",
        standard_deviations_from_median=z,
    )
