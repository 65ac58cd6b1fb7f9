"""Modifiers and final score, 42 CFR 512.735, 512.740 and 512.745."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.order_statistics import MEDIAN, mean_and_sd, percentiles

REWEIGHT = 0
NEUTRAL = 1
ZERO = 2


@kernel
def score_final(observed, rules, y, fit, refit, outcome, scratch):
    """Final scores; with ``refit`` the complex-patient moments are made first.

    Needs the quality and cost scores in ``outcome`` and who submitted in ``scratch``.
    """
    _modifiers(observed, rules, y, outcome)
    _base_score(rules, y, outcome, scratch)
    if refit:
        _fit_complexity(observed.hcc_risk_score, outcome.final_score, fit.complexity[0], scratch)
        _fit_complexity(observed.dual_share, outcome.final_score, fit.complexity[1], scratch)
    final = outcome.final_score
    complexity = outcome.complex_patient_adjustment
    for i in range(len(final)):
        extra = _component(observed.hcc_risk_score[i], fit.complexity[0], rules, y)
        extra += _component(observed.dual_share[i], fit.complexity[1], rules, y)
        extra = min(max(extra, rules.complex_minimum[y]), rules.complex_maximum[y])
        score = final[i] + extra
        score = min(max(score, rules.score_minimum), rules.score_maximum)
        if scratch.must_submit[i] and not scratch.submitted[i]:
            score = rules.score_without_submission
        has_score = final[i] == final[i]
        final[i] = score if has_score else np.nan
        complexity[i] = extra if has_score else np.nan


@kernel
def _modifiers(observed, rules, y, outcome):
    at_zero = rules.interoperability_at_zero[y]
    for i in range(len(observed.practice_size)):
        activities = observed.improvement_activities[i]
        done = int(activities) if activities == activities else rules.activities_blank
        outcome.improvement_activities_adjustment[i] = rules.activities_adjustment[done]
        pi = observed.pi_score[i]
        pi = pi if pi == pi else rules.interoperability_blank
        size = observed.practice_size[i]
        small = size <= rules.small_maximum_clinicians
        scale = rules.interoperability_small_scale[y] if small else 1.0
        missing = 1.0 - pi / rules.interoperability_maximum
        outcome.promoting_interoperability_adjustment[i] = at_zero * missing * scale
        bonus = rules.small_bonus[y] if small else 0.0
        outcome.small_practice_adjustment[i] = rules.solo_bonus[y] if size == 1.0 else bonus


@kernel
def _base_score(rules, y, outcome, scratch):
    """Everything but the complex-patient adjustment, not yet clipped; nan without a final score."""
    weight_quality = rules.weight_quality[y]
    weight_cost = rules.weight_cost[y]
    final = outcome.final_score
    scored = 0
    for i in range(len(final)):
        quality = outcome.quality_score[i]
        cost = outcome.cost_score[i]
        has_quality = quality == quality
        has_cost = cost == cost
        if has_quality and has_cost:
            performance = weight_quality * quality + weight_cost * cost
        elif (has_quality or has_cost) and rules.missing_category == REWEIGHT:
            performance = quality if has_quality else cost
        elif (has_quality or has_cost) and rules.missing_category == ZERO:
            performance = weight_quality * quality if has_quality else weight_cost * cost
        else:
            performance = np.nan
        scored += performance == performance
        final[i] = (
            rules.score_maximum * performance
            + outcome.improvement_activities_adjustment[i]
            + outcome.promoting_interoperability_adjustment[i]
            + outcome.small_practice_adjustment[i]
        )
    scratch.counts[0] = scored


@kernel
def _fit_complexity(trait, final_score, moments, scratch):
    """Median, mean and SD of a trait over the clinicians with a final score and a value."""
    keys = scratch.keys
    k = 0
    for i in range(len(trait)):
        if trait[i] == trait[i] and final_score[i] == final_score[i]:
            keys[k] = trait[i]
            k += 1
    moments[1], moments[2] = mean_and_sd(keys, k)
    if k > 0:
        percentiles(keys, k, MEDIAN, moments, scratch)


@kernel
def _component(value, moments, rules, y):
    """One component of the complex-patient adjustment; 0 for a blank and without a spread."""
    if not (moments[2] > 0.0 and value >= moments[0]):
        return 0.0
    z = (value - moments[1]) / moments[2]
    return max(0.0, rules.complex_intercept[y] + rules.complex_slope[y] * z)
