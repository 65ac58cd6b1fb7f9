"""A MIPS rule set as flat typed arrays, one set for each cohort of an ASM rule set.

The kernels score MIPS from the arrays that they score ASM from, so measures and collection types
come in the order of the ASM rule set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asm_sim.errors import InputError
from asm_sim.kernels.rule.law import MipsCohortRules
from asm_sim.rules.historical import CUT_POINTS, HistoricalBenchmark, National
from asm_sim.rules.mips import BySize, MipsRules, Weights, benchmarks
from asm_sim.rules.schema import RuleSet

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def compile_mips(
    mips: MipsRules, rules: RuleSet, cohort: str, form: str | None = None
) -> MipsCohortRules:
    """The arrays of one cohort, with measures and collection types in the order of ``rules``.

    Measures of MIPS that ``rules`` has not are not simulated and left out. ``form`` stands in for
    that of the MIPS rule set. A cohort that MIPS has not, or with other measures, is not scored
    (:func:`unscored_because`). Raises :class:`asm_sim.errors.InputError` for an unknown form.
    """
    form = mips.form.value if form is None else form
    if form not in mips.form.choices:
        raise InputError(f"{mips.id}: form is {form!r}, not one of {', '.join(mips.form.choices)}")
    traditional = form == "traditional"
    scored = not unscored_because(mips, rules, cohort)
    measures = rules.cohorts[cohort].quality_measures.value
    types = rules.quality.collection_types.value
    table = benchmarks(mips)
    found = [[table.get((measure, kind)) for kind in types] for measure in measures]
    unknown = [np.nan] * CUT_POINTS
    quality, cost, curve = mips.quality, mips.cost, mips.standard_deviation_curve
    claims, weights = quality.claims_measures, mips.category_weights
    required, complex_patient = mips.improvement_activities.required, mips.complex_patient
    by_form = quality.measures_counted
    return MipsCohortRules(
        scored=scored,
        traditional=traditional,
        small_maximum_clinicians=mips.small_maximum_clinicians.value,
        group_minimum_clinicians=mips.group_minimum_clinicians.value,
        category_weights=np.array(
            [
                [_shares(case) for case in (w.all_categories, w.without_cost, w.without_quality)]
                for w in (weights.large, weights.small)
            ]
        ),
        measure_reported=np.array([measure not in claims for measure in measures]),
        measure_suspended=np.array(
            [[rules.measures[measure].is_suspended(y) for y in rules.years] for measure in measures]
        ),
        claims_location=np.array(
            [_location(claims[m]) if m in claims else [np.nan, np.nan] for m in measures]
        ),
        has_benchmark=np.array([[b is not None for b in row] for row in found]),
        cut_points=np.array(
            [
                [[_sign(b) * cut for cut in b.cut_points] if b else unknown for b in row]
                for row in found
            ]
        ),
        sign=np.array([[_sign(b) if b else 1.0 for b in row] for row in found]),
        points_limit=np.array(
            [
                [
                    quality.points_maximum_when_capped.value if b and b.capped else np.inf
                    for b in row
                ]
                for row in found
            ]
        ),
        measures_counted=(by_form.traditional if traditional else by_form.value_pathway).value,
        quality_case_minimum=quality.case_minimum.value,
        completeness_minimum=quality.completeness_minimum.value,
        points_not_reported=quality.points_not_reported.value,
        points_incomplete=_by_size(quality.points_incomplete),
        points_without_benchmark=_by_size(quality.points_without_benchmark),
        quality_points_maximum=quality.points_maximum.value,
        small_practice_bonus=quality.small_practice_bonus.value,
        cost_case_minimum=cost.case_minimum.value,
        cost_points_maximum=cost.points_maximum.value,
        cost_location=np.array(
            _location(cost.measures[mips.cohorts[cohort].cost_measure.value])
            if scored
            else [np.nan, np.nan]
        ),
        curve_z=np.array(curve.z.value, dtype=np.float64),
        curve_points=np.array(curve.points.value, dtype=np.float64),
        curve_anchor=curve.anchor.at(mips.years[0]),
        activities_required=np.array(
            [required.traditional.value, required.traditional_small.value]
            if traditional
            else [required.value_pathway.value] * 2,
            dtype=np.float64,
        ),
        activities_blank=mips.improvement_activities.blank_counts_as.value,
        interoperability_maximum=mips.promoting_interoperability.score_maximum.value,
        interoperability_blank=mips.promoting_interoperability.blank_counts_as.value,
        complex_intercept=complex_patient.intercept.value,
        complex_slope=complex_patient.slope.value,
        complex_minimum=complex_patient.minimum.value,
        complex_maximum=complex_patient.maximum.value,
        complexity=np.array(
            [
                [moments.median.value, moments.mean.value, moments.standard_deviation.value]
                for moments in (complex_patient.hcc_risk_score, complex_patient.dual_share)
            ]
        ),
        score_scale=mips.final_score.scale.value,
        score_minimum=mips.final_score.minimum.value,
        score_maximum=mips.final_score.maximum.value,
        circumstances_neutral=mips.final_score.extreme_circumstances.value == "neutral",
        performance_threshold=mips.payment.performance_threshold.value,
        lowest_quarter=mips.payment.lowest_quarter.value,
        applicable_percent=mips.payment.applicable_percent.value,
        scale=mips.payment.scale.value,
        group_share=mips.levels.group_share.value,
        group_score=mips.levels.group_score.value,
        non_reporting=mips.levels.non_reporting.value,
    )


def unscored_because(mips: MipsRules, rules: RuleSet, cohort: str) -> str:
    """Why MIPS cannot score what is simulated for a cohort of ``rules``; blank where it can."""
    if cohort not in mips.cohorts:
        return f"{mips.id} has no cohort {cohort!r}, only {', '.join(mips.cohorts)}"
    of_mips = mips.cohorts[cohort]
    for measure in rules.cohorts[cohort].quality_measures.value:
        if measure not in of_mips.quality_measures.value:
            return f"{mips.id} has no measure {measure!r} in cohort {cohort}"
        if rules.measures[measure].reported == (measure in mips.quality.claims_measures):
            return f"{measure} is reported in {rules.id} or {mips.id}, but not in both"
    cost_measure = rules.cohorts[cohort].cost_measure.value
    if cost_measure != of_mips.cost_measure.value:
        return f"{mips.id} has no cost measure {cost_measure!r} in cohort {cohort}"
    return ""


def _sign(benchmark: HistoricalBenchmark) -> float:
    return -1.0 if benchmark.inverse else 1.0


def _location(national: National) -> list[float]:
    return [national.median.value, national.standard_deviation.value]


def _by_size(points: BySize) -> Floats:
    return np.array([points.large.value, points.small.value], dtype=np.float64)


def _shares(weights: Weights) -> list[float]:
    return [
        weights.quality.value,
        weights.cost.value,
        weights.improvement_activities.value,
        weights.promoting_interoperability.value,
    ]
