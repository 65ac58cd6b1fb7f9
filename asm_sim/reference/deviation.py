"""Points by the distance from the benchmark group's median, in standard deviations.

The curve is the one of MIPS (42 CFR 414.1380(b)(2)), as used for the cost measure (512.730(e)) and
for quality measures that CMS computes from claims.
"""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass

from asm_sim.reference.shrinkage import Shrinkage
from asm_sim.rules.schema import Curve


@dataclass(frozen=True)
class DeviationBenchmark:
    """Median and sample standard deviation (ddof 1) of a group, in the unit of the measure.

    ``clinicians`` is how many made it; ``None`` for a national one.

    The standard deviation of a group of one is 0. Where there is shrinkage they are those of shrunk
    values, and values are shrunk before they are compared with them.
    """

    clinicians: int | None
    median: float
    standard_deviation: float
    shrinkage: Shrinkage | None = None


def fit_deviation_benchmark(
    values: list[float], shrinkage: Shrinkage | None = None
) -> DeviationBenchmark:
    """The benchmark of a group of one or more clinicians, from values that are shrunk already."""
    return DeviationBenchmark(
        clinicians=len(values),
        median=statistics.median(values),
        standard_deviation=statistics.stdev(values) if len(values) > 1 else 0.0,
        shrinkage=shrinkage,
    )


def deviation_points(
    value: float,
    benchmark: DeviationBenchmark,
    curve: Curve,
    performance_year: int,
    *,
    lower_is_better: bool = True,
) -> float:
    """Achievement points of a value.

    The curve descends with z = (value - median) / SD: it is written for measures where lower is
    better. Where higher is better, z is counted the other way round (our reading; no such measure
    is in the 2026 rule). Where the group has no spread, everyone gets the points of the median.
    """
    if benchmark.standard_deviation == 0:
        return middle_points(curve, performance_year)
    z = (value - benchmark.median) / benchmark.standard_deviation
    return points_at(z if lower_is_better else -z, curve, performance_year)


def middle_points(curve: Curve, performance_year: int) -> float:
    """Achievement points at the median, and of everyone in a group without spread."""
    return points_at(0.0, curve, performance_year)


def points_at(z: float, curve: Curve, performance_year: int) -> float:
    """Achievement points of a distance, by the curve as its anchor moves it."""
    shift = curve.anchor.at(performance_year) - curve_value(curve, 0.0)
    lowest, highest = min(curve.points.value), max(curve.points.value)
    return min(max(curve_value(curve, z) + shift, lowest), highest)


def curve_value(curve: Curve, z: float) -> float:
    """The curve as written, before its anchor moves it: linear between knots, flat outside."""
    knots = list(zip(curve.z.value, curve.points.value, strict=True))
    if z <= knots[0][0]:
        return knots[0][1]
    for (z_left, points_left), (z_right, points_right) in itertools.pairwise(knots):
        if z <= z_right:
            share = (z - z_left) / (z_right - z_left)
            return points_left + share * (points_right - points_left)
    return knots[-1][1]
