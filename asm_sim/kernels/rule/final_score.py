"""Modifiers and final score, 42 CFR 512.735, 512.740 and 512.745."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.choices import ComplexPatientForm, InteroperabilityExempt, MissingCategory
from asm_sim.kernels.numeric.order_statistics import percentiles
from asm_sim.kernels.numeric.sums import mean_and_sd
from asm_sim.kernels.numeric.vectors import compact

# When the complex-patient moments are made anew. Beyond never: of these clinicians with the same
# reports all adjustments are in the outcome, and what counts of them is in the scratch.
ADJUSTED, NEVER, IF_SOME_UNSCORED, ALWAYS = range(4)


@inlined
def round_half_up(x, steps, tie):
    """The nearest multiple of 1 / steps, the greater one of two that are as near up to ``tie``."""
    return np.floor(x * steps + (0.5 + tie)) / steps


@kernel
def score_final(observed, rules, y, fit, refit, outcome, scratch):
    """Final scores; ``refit`` says when the complex-patient moments are made first.

    Needs the quality and cost scores in ``outcome`` and who submitted in ``scratch``.
    """
    if refit != ADJUSTED:
        _modifiers(observed, rules, y, outcome)
    scored = _base_score(rules, y, outcome)
    scratch.counts[0].scored = scored
    if refit == ALWAYS or (refit == IF_SOME_UNSCORED and scored < len(outcome.final_score)):
        _fit_complexity(observed, outcome.final_score, fit.complexity, scratch)
    if refit != ADJUSTED:
        _complexity(observed, rules, y, fit, outcome.complex_patient_adjustment)
    final = outcome.final_score
    complexity = outcome.complex_patient_adjustment
    lowest, highest = rules.score_minimum, rules.score_maximum
    without_submission = rules.score_without_submission
    must_submit, submitted = scratch.must_submit, scratch.submitted
    for i in range(len(final)):
        score = min(max(final[i] + complexity[i], lowest), highest)
        lacking = must_submit[i] & (not submitted[i])
        score = without_submission if lacking else score
        has_score = final[i] == final[i]
        final[i] = score if has_score else np.nan
        complexity[i] = complexity[i] if has_score else np.nan


@kernel
def state_adjustments(observed, rules, y, fit, outcome):
    """The adjustments of everyone, as one has them with a final score."""
    _modifiers(observed, rules, y, outcome)
    _complexity(observed, rules, y, fit, outcome.complex_patient_adjustment)


@kernel
def average_years(rules, earlier, final):
    """Turn this year's final scores into means over the last performance years.

    This year's are kept in ``earlier`` by themselves. Years without a final score are left out, and
    a clinician without one this year has none.
    """
    own = earlier.own_score
    own[0] = final
    for i in range(len(final)):
        total = count = 0.0
        for back in range(rules.averaging_years):
            score = own[back, i]
            total += score if score == score else 0.0
            count += 1.0 if score == score else 0.0
        final[i] = total / count if final[i] == final[i] else np.nan


@kernel
def round_scores(rules, final):
    """Round final scores as the rule says; nan stays."""
    if rules.score_steps > 0.0:
        for i in range(len(final)):
            final[i] = round_half_up(final[i], rules.score_steps, rules.score_tie)


@kernel
def _modifiers(observed, rules, y, outcome):
    """The three adjustments of what is stated, loop by loop so that each one vectorises."""
    activities = observed.improvement_activities
    of_activities = outcome.improvement_activities_adjustment
    blank = rules.activities_adjustment[rules.activities_blank]
    for i in range(len(activities)):
        of_activities[i] = blank
    for done in range(len(rules.activities_adjustment)):
        adjustment = rules.activities_adjustment[done]
        for i in range(len(activities)):
            of_activities[i] = adjustment if activities[i] == done else of_activities[i]
    _in_proportion(
        observed, rules, rules.year[y].activities_small_scale, rules.year[y].activities_rural_scale,
        of_activities,
    )  # fmt: skip

    score = observed.pi_score
    of_interoperability = outcome.promoting_interoperability_adjustment
    at_zero = rules.year[y].interoperability_at_zero
    full, unstated = rules.interoperability_maximum, rules.interoperability_blank
    for i in range(len(score)):
        stated = score[i] if score[i] == score[i] else unstated
        of_interoperability[i] = at_zero * (1.0 - stated / full)
    _in_proportion(
        observed, rules, rules.year[y].interoperability_small_scale,
        rules.year[y].interoperability_rural_scale, of_interoperability,
    )  # fmt: skip
    if rules.interoperability_exempt == InteroperabilityExempt.SPECIAL_STATUS:
        exempt = observed.special_status
        for i in range(len(exempt)):
            of_interoperability[i] = 0.0 if exempt[i] > 0.0 else of_interoperability[i]

    size = observed.practice_size
    of_size = outcome.small_practice_adjustment
    solo_bonus, small_bonus = rules.year[y].solo_bonus, rules.year[y].small_bonus
    largest_small = rules.small_maximum_clinicians
    for i in range(len(size)):
        bonus = small_bonus if size[i] <= largest_small else 0.0
        of_size[i] = solo_bonus if size[i] == 1.0 else bonus


@kernel
def _in_proportion(observed, rules, of_small, of_rural, adjustment):
    """Scale an adjustment in small and in rural practices, by the smaller share in those of both.

    A blank counts as not rural.
    """
    if of_small == 1.0 and of_rural == 1.0:
        return
    size, rural = observed.practice_size, observed.rural
    largest_small = rules.small_maximum_clinicians
    for i in range(len(adjustment)):
        scale = of_small if size[i] <= largest_small else 1.0
        adjustment[i] *= min(scale, of_rural) if rural[i] > 0.0 else scale


@kernel
def _base_score(rules, y, outcome):
    """Everything but the complex-patient adjustment, not yet clipped; nan without a final score.

    Returns how many have one.
    """
    weight_quality = rules.year[y].weight_quality
    weight_cost = rules.year[y].weight_cost
    # What a category weighs without the other.
    reweighted = rules.missing_category == MissingCategory.REWEIGHT
    counts_alone = reweighted or rules.missing_category == MissingCategory.ZERO
    quality_alone = 1.0 if reweighted else weight_quality
    cost_alone = 1.0 if reweighted else weight_cost
    final, quality, cost = outcome.final_score, outcome.quality_score, outcome.cost_score
    for i in range(len(final)):
        both = weight_quality * quality[i] + weight_cost * cost[i]
        has_quality = quality[i] == quality[i]
        alone = quality_alone * quality[i] if has_quality else cost_alone * cost[i]
        final[i] = alone if counts_alone & (both != both) else both
    scored = 0
    for i in range(len(final)):
        scored += final[i] == final[i]
    of_activities = outcome.improvement_activities_adjustment
    of_interoperability = outcome.promoting_interoperability_adjustment
    of_size = outcome.small_practice_adjustment
    for i in range(len(final)):
        score = rules.score_scale * final[i] + of_activities[i] + of_interoperability[i]
        final[i] = score + of_size[i]
    return scored


@kernel
def _fit_complexity(observed, final_score, complexity, scratch):
    """Median, mean and SD of both traits over the clinicians with a final score and a value."""
    hcc, dual = observed.hcc_risk_score, observed.dual_share
    for t in range(2):
        trait = hcc if t == 0 else dual
        for i in range(len(trait)):
            scratch.taken[i] = (trait[i] == trait[i]) & (final_score[i] == final_score[i])
        k = compact(trait, scratch.taken, scratch.keys, scratch.payload)
        if k > 0:
            percentiles(scratch.keys, k, scratch.fifty, complexity[t], scratch)
        complexity[t, 1], complexity[t, 2] = mean_and_sd(scratch.keys, k)


@kernel
def _complexity(observed, rules, y, fit, complexity):
    """The complex-patient adjustment; a component is 0 for a blank and without a spread.

    By the form of MIPS it is 0 below the median too. Each may have a greatest value of its own.
    """
    intercept, slope = rules.year[y].complex_intercept, rules.year[y].complex_slope
    limit = rules.year[y].complex_component_maximum
    for i in range(len(complexity)):
        complexity[i] = 0.0
    for t in range(2):
        trait = observed.hcc_risk_score if t == 0 else observed.dual_share
        median, mean, sd = fit.complexity[t, 0], fit.complexity[t, 1], fit.complexity[t, 2]
        if not sd > 0.0:
            continue
        if rules.complex_form == ComplexPatientForm.WITHOUT_MEDIAN:
            median = -np.inf
        for i in range(len(complexity)):
            component = min(max(0.0, intercept + slope * ((trait[i] - mean) / sd)), limit)
            complexity[i] += component if trait[i] >= median else 0.0
    least, most = rules.year[y].complex_minimum, rules.year[y].complex_maximum
    for i in range(len(complexity)):
        complexity[i] = min(max(complexity[i], least), most)
