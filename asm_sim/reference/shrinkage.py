"""Shrinkage: results that rest on few cases are drawn toward the mean of their benchmark group.

No part of the 2026 rule. A result of n cases keeps n / (n + kappa) of its distance from the mean.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from asm_sim.rules.schema import PERCENT, SIGNAL_TOLERANCE


@dataclass(frozen=True)
class Shrinkage:
    """The mean of a group, each clinician counting once, and the cases that halve a distance.

    ``kappa`` is infinite where everybody is put at the mean.
    """

    mean: float
    kappa: float


def fit_shrinkage(
    results: list[tuple[float, float]],
    method: str,
    known_kappa: float,
    *,
    percentages: bool = False,
) -> Shrinkage | None:
    """The shrinkage of a group of (value, cases); ``None`` where there is none.

    The sampling variance of ``percentages`` is known, that of other values is estimated with kappa.
    """
    if method == "none":
        return None
    mean = statistics.mean(value for value, _ in results)
    if method == "known":
        return Shrinkage(mean, known_kappa)
    if percentages:
        return Shrinkage(mean, kappa_of_percentages(results))
    return Shrinkage(mean, estimated_kappa(results, mean))


def kappa_of_percentages(results: list[tuple[float, float]]) -> float:
    """Mean of p (1 - p) over the variance between clinicians.

    That is the sample variance of the rates less what sampling adds to it, the mean of
    p (1 - p) / n. Where nothing is left of it, nothing speaks for a difference between clinicians.
    """
    rates = [(value / PERCENT, cases) for value, cases in results]
    of_one_case = statistics.fmean(p * (1 - p) for p, _ in rates)
    of_sampling = statistics.fmean(p * (1 - p) / cases for p, cases in rates)
    of_rates = statistics.variance(p for p, _ in rates) if len(rates) > 1 else 0.0
    between = of_rates - of_sampling
    return of_one_case / between if between > SIGNAL_TOLERANCE * of_rates else math.inf


def estimated_kappa(results: list[tuple[float, float]], mean: float) -> float:
    """By moments: the noise variance of one case over the variance between clinicians.

    The square of a distance from the mean has the expectation signal + noise / n, a straight line
    in 1 / n. Where all have the same n, or the line does not rise, nothing speaks for noise; where
    it begins at or below zero, nothing speaks for a difference between clinicians.
    """
    if len({cases for _, cases in results}) == 1:
        return 0.0
    squares = [(value - mean) ** 2 for value, _ in results]
    noise, signal = statistics.linear_regression([1 / cases for _, cases in results], squares)
    if noise <= 0:
        return 0.0
    if signal <= SIGNAL_TOLERANCE * statistics.mean(squares):
        return math.inf
    return noise / signal


def shrunk(value: float, cases: float | None, shrinkage: Shrinkage | None) -> float:
    """A result, drawn toward the mean of the group."""
    if shrinkage is None or shrinkage.kappa == 0 or cases is None:
        return value
    reliability = cases / (cases + shrinkage.kappa)
    return shrinkage.mean + reliability * (value - shrinkage.mean)
