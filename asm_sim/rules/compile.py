"""A rule set as flat typed arrays, one set for each cohort, indexed by performance year.

The compiled kernels read nothing else of the rule (kernels/rule/law.py).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.choices import AdjustmentRounding, ScoreRounding
from asm_sim.kernels.rule.law import CohortRules
from asm_sim.parameters import YearlyNumber
from asm_sim.rules.historical import benchmarks_of
from asm_sim.rules.leaves import Cap
from asm_sim.rules.programmed import numbers
from asm_sim.rules.schema import (
    PERCENT,
    Curve,
    Measure,
    RuleSet,
)
from asm_sim.same import Same

Floats = NDArray[np.float64]


def compile_cohort(rules: RuleSet, cohort: str) -> CohortRules:
    """The arrays of one cohort (``rules.cohorts`` key)."""

    measures = [rules.measures[m] for m in rules.cohorts[cohort].quality_measures.value]
    quality, cost = rules.quality, rules.cost
    activities, interoperability = rules.improvement_activities, rules.promoting_interoperability
    final, payment = rules.final_score, rules.payment
    exchange = payment.exchange
    return CohortRules(
        year=_by_year(Same(rules)),
        **numbers(rules),
        peer_size_limits=_floats(rules.peers.size_limits.value),
        measure_by_deciles=np.array([m.scoring.value == "decile" for m in measures]),
        measure_inverse=np.array([m.inverse.value for m in measures]),
        measure_reported=np.array([m.reported for m in measures]),
        measure_is_percentage=np.array([m.is_percentage for m in measures]),
        measure_pooled=np.array(
            [quality.pool_collection_types.value or not m.reported for m in measures]
        ),
        measure_suspended=np.array([[m.is_suspended(y) for y in rules.years] for m in measures]),
        collection_types=len(quality.collection_types.value),
        quality_points_maximum=quality.points_maximum.value,
        decile_percentiles=_floats(quality.decile_percentiles.value),
        **_curve("quality", quality.standard_deviation_curve),
        **_national_quality(rules, cohort),
        topped_out_merit=np.array([_topped_out_merit(m, rules) for m in measures]),
        cost_points_maximum=cost.points_maximum.value,
        **_curve("cost", cost.standard_deviation_curve),
        national_cost=_national_cost(rules, cohort),
        activities_adjustment=_floats(activities.adjustment_by_completed.value),
        activities_blank=activities.blank_counts_as.value,
        interoperability_maximum=interoperability.score_maximum.value,
        interoperability_blank=interoperability.blank_counts_as.value,
        small_maximum_clinicians=rules.small_practice.small_maximum_clinicians.value,
        circumstances_neutral=final.extreme_circumstances.value == "neutral",
        score_scale=final.scale.value,
        score_minimum=final.minimum.value,
        score_maximum=final.maximum.value,
        score_without_submission=final.without_minimum_submission.value,
        score_zero=final.counts_as_zero.value,
        averaging_years=final.averaging_years.value,
        score_steps=float(ScoreRounding.number(final.rounding.value)),
        zero_scorers_in_pool_base=payment.zero_scorers_in_pool_base.value,
        score_tie=exchange.counts_as_equal.value,
        neutral_band_by_volume=payment.neutral_band_form.value == "by_volume",
        adjustment_steps=float(AdjustmentRounding.number(payment.rounding.value)),
    )


@lru_cache(maxsize=32)
def _by_year(of: Same) -> NDArray[np.void]:
    """One record for each performance year of everything that has a value of its own in each.

    It is the same for all cohorts of a rule set, and the draws of a task follow by cohort.
    """
    rules: RuleSet = of.objects[0]
    quality, cost = rules.quality, rules.cost
    activities, interoperability = rules.improvement_activities, rules.promoting_interoperability
    final, payment = rules.final_score, rules.payment
    exchange = payment.exchange
    numbers: dict[str, YearlyNumber | Cap] = {
        "quality_case_minimum": quality.case_minimum,
        "completeness_minimum": quality.completeness_minimum,
        "benchmark_minimum_clinicians": quality.benchmark_minimum_clinicians,
        "points_not_reported": quality.points_not_reported,
        "quality_anchor": quality.standard_deviation_curve.anchor,
        "topped_out_points": quality.topped_out.cap,
        "quality_kappa": quality.shrinkage_kappa,
        "cost_case_minimum": cost.case_minimum,
        "cost_anchor": cost.standard_deviation_curve.anchor,
        "cost_kappa": cost.shrinkage_kappa,
        "activities_small_scale": activities.small_practice_scale,
        "activities_rural_scale": activities.rural_scale,
        "interoperability_at_zero": interoperability.adjustment_at_zero,
        "interoperability_small_scale": interoperability.small_practice_scale,
        "interoperability_rural_scale": interoperability.rural_scale,
        "solo_bonus": rules.small_practice.solo_bonus,
        "small_bonus": rules.small_practice.small_bonus,
        "complex_intercept": rules.complex_patient.intercept,
        "complex_slope": rules.complex_patient.slope,
        "complex_minimum": rules.complex_patient.minimum,
        "complex_maximum": rules.complex_patient.maximum,
        "complex_component_maximum": rules.complex_patient.component_maximum,
        "weight_quality": final.weight_quality,
        "weight_cost": final.weight_cost,
        "risk_level": payment.risk_level,
        "redistribution_share": payment.redistribution_share,
        "zero_score_adjustment": payment.zero_score_adjustment,
        "unscored_adjustment": payment.unscored_adjustment,
        "fixed_midpoint": exchange.fixed_midpoint,
        "steepness": exchange.steepness,
        "threshold": exchange.threshold,
        "neutral_band": payment.neutral_band,
        "cap": payment.cap,
    }
    records = [tuple(number.at(year) for number in numbers.values()) for year in rules.years]
    return np.array(records, dtype=[(name, np.float64) for name in numbers])


def _floats(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)


def _curve(name: str, curve: Curve) -> dict[str, Any]:
    return {
        f"{name}_curve_z": _floats(curve.z.value),
        f"{name}_curve_points": _floats(curve.points.value),
    }


def _national_quality(rules: RuleSet, cohort: str) -> dict[str, Any]:
    """The national benchmarks in the order and with the signs of a fit's, if they are used."""
    quality = rules.quality
    measures = rules.cohorts[cohort].quality_measures.value
    types = quality.collection_types.value
    shape = len(measures), len(types)
    cut_points = np.full((*shape, len(quality.decile_percentiles.value)), np.nan)
    location = np.full((*shape, 2), np.nan)
    present = np.zeros(shape, dtype=np.bool_)
    if quality.benchmark_reference.value == "national":
        national = quality.national
        deciles = benchmarks_of(national.benchmarks.value, national.benchmark_year.value)
        for m, name in enumerate(measures):
            measure = rules.measures[name]
            sign = -1.0 if measure.inverse.value == (measure.scoring.value == "decile") else 1.0
            for g, reported in enumerate(types):
                kind = reported if measure.reported else measure.submission.value
                if measure.scoring.value != "decile":
                    found = national.measures[name]
                    location[m, g] = sign * found.median.value, found.standard_deviation.value
                    present[m, g] = True
                elif (name, kind) in deciles:
                    benchmark = deciles[name, kind]
                    cut_points[m, g] = sign * np.array(benchmark.cut_points)
                    if benchmark.median is not None:
                        location[m, g, 0] = sign * benchmark.median
                    present[m, g] = True
    return {
        "national_cut_points": cut_points,
        "national_location": location,
        "national_benchmark": present,
    }


def _national_cost(rules: RuleSet, cohort: str) -> Floats:
    if rules.cost.benchmark_reference.value != "national":
        return np.full((len(rules.years), 2), np.nan)
    national = rules.cost.national[rules.cohorts[cohort].cost_measure.value]
    return np.array([national.at(year) for year in rules.years])


def _topped_out_merit(measure: Measure, rules: RuleSet) -> Floats:
    if not measure.can_top_out:
        return np.full(len(rules.years), np.inf)
    median = _floats([rules.quality.topped_out.median_at_least.at(year) for year in rules.years])
    return median - PERCENT if measure.inverse.value else median
