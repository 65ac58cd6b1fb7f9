"""Whose benchmarks a cohort-year is scored against: its own, an earlier year's, the national ones.

Only quality's and cost's benchmarks can be another year's. Complex-patient moments, the median
final score and the scaling are always those of the year itself.
"""

from __future__ import annotations

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import BenchmarkReference
from asm_sim.kernels.rule.cost import score_cost
from asm_sim.kernels.rule.fit import copy_cost_benchmark, copy_quality_benchmarks
from asm_sim.kernels.rule.quality import classify, score_quality


@kernel
def score_categories(observed, rules, y, fit, earlier, refit, classified, outcome, scratch):
    """Quality and cost; ``refit`` puts the benchmarks that the rule refers to into the fit first.

    What this year makes is left in ``earlier`` for the next. Scoring a year again changes nothing.
    ``classified``: what counts of these clinicians is in ``scratch`` already.
    """
    if not classified:
        classify(observed, rules, y, scratch)
    own = refit and rules.quality_reference == BenchmarkReference.SAME_YEAR
    if refit and not own:
        _refer_quality(observed, rules, y, fit, earlier, outcome, scratch)
    score_quality(observed, rules, y, fit, own, outcome, scratch)
    own = refit and rules.cost_reference == BenchmarkReference.SAME_YEAR
    if refit and not own:
        _refer_cost(observed, rules, y, fit, earlier, outcome, scratch)
    score_cost(observed, rules, y, fit, own, outcome, scratch)


@kernel
def _refer_quality(observed, rules, y, fit, earlier, outcome, scratch):
    if rules.quality_reference == BenchmarkReference.NATIONAL:
        fit.cut_points[:] = rules.national_cut_points
        fit.quality_location[:] = rules.national_location
        fit.has_benchmark[:] = rules.national_benchmark
        return
    usable = _has_standard(rules.quality_reference, y, earlier)
    if rules.quality_reference == BenchmarkReference.PREVIOUS_YEAR or not usable:
        score_quality(observed, rules, y, earlier.made, True, outcome, scratch)
    copy_quality_benchmarks(earlier.standard if usable else earlier.made, fit)
    earlier.years[1] = y


@kernel
def _refer_cost(observed, rules, y, fit, earlier, outcome, scratch):
    if rules.cost_reference == BenchmarkReference.NATIONAL:
        fit.cost_location[:] = rules.national_cost[y]
        return
    usable = _has_standard(rules.cost_reference, y, earlier)
    if rules.cost_reference == BenchmarkReference.PREVIOUS_YEAR or not usable:
        score_cost(observed, rules, y, earlier.made, True, outcome, scratch)
    copy_cost_benchmark(earlier.standard if usable else earlier.made, fit)
    earlier.years[1] = y


@kernel
def _has_standard(reference, y, earlier):
    """Of the year before, or of any earlier year; otherwise a year uses its own."""
    year = earlier.years[0]
    return year >= 0 and (reference != BenchmarkReference.PREVIOUS_YEAR or year == y - 1)
