"""One draw of one cohort: from latent performance to dollars, over all performance years.

A draw has three indices. The calibration is at its central values; the population index says who
the clinicians are and how they truly perform, the measurement index which episodes, cases and
reporting accidents they have, and the selection index which areas are drawn. Cohorts are
independent of each other but for the practices and areas that they share, and those have the same
addresses in both.
"""

from __future__ import annotations

import math

import numpy as np

from asm_sim.kernels.draws.comparisons import compare_with_truth, compare_with_year_before
from asm_sim.kernels.draws.decomposition import decompose_year, new_factors
from asm_sim.kernels.draws.probes import new_probe_room, score_probes
from asm_sim.kernels.draws.summaries import (
    ACO,
    PROGRAMME_SPENDING,
    accumulate,
    begin_draw,
    count_year,
    end_draw,
    keep_panel,
    new_memory,
    rank_scores,
    summarise_year,
)
from asm_sim.kernels.numeric._jit import entry, inlined, kernel
from asm_sim.kernels.rule.cohort import as_scored, score_year
from asm_sim.kernels.rule.fit import (
    begin_year,
    begin_years,
    new_earlier,
    new_fit,
    new_scratch,
)
from asm_sim.kernels.rule.mips import new_mips_room, score_mips
from asm_sim.kernels.rule.observed import new_observed, new_outcome, with_results
from asm_sim.kernels.rule.pooling import pool_practices, pools
from asm_sim.kernels.world.behaviour import (
    choose_collection,
    draw_choosers,
    practices_know,
    programme_spending,
    remember,
)
from asm_sim.kernels.world.clinicians import (
    draw_paid,
    draw_traits,
    draw_year,
    latent_processes,
    new_clinicians,
)
from asm_sim.kernels.world.effects import patients_change
from asm_sim.kernels.world.geography import draw_areas
from asm_sim.kernels.world.participation import adjust_nothing, observe_nothing
from asm_sim.kernels.world.practices import draw_practices, new_practices, practices_in_year
from asm_sim.kernels.world.shocks import organization_dollars


@inlined
def _pool(observed, clinicians, rules, shown):
    """The cohort as it is scored where practices are pooled; nothing is seen of who is absent."""
    pool_practices(observed, clinicians.practice, rules, shown)
    observe_nothing(clinicians.present, shown)


@kernel
def _hide_unreported(observed, clinicians):
    """What is not reported is not scored on the truth either."""
    for m in range(len(observed.rate)):
        observed_rate, true_rate = observed.rate[m], clinicians.true_rate[m]
        for i in range(len(true_rate)):
            true_rate[i] = true_rate[i] if observed_rate[i] == observed_rate[i] else np.nan


@kernel
def _rank_reporting(practice, willingness, rank):
    """How surely a clinician's practice reports, as a share of all practices below it."""
    for i in range(len(rank)):
        rank[i] = 0.5 * math.erfc(-willingness[practice[i]] * math.sqrt(0.5))


@entry
def simulate_cohort(
    rules,
    mips,
    pathway,
    practice_model,
    model,
    probes,
    grids,
    seed,
    population_index,
    measurement_index,
    selection_index,
    measured,
    with_truth,
    output,
):
    """Simulate a range of draws of one cohort into ``output``.

    ``mips`` and ``pathway`` are the rules of the comparator in its two forms; ``probes`` are scored
    beside the cohort in the draws that are looked at closely, which need ``with_truth``.
    ``population_index``, ``measurement_index`` and ``selection_index`` (int64 [D]) address the
    draws; ``seed`` is uint64 [2], low and high word. Returns false where an adjustment was too
    large for fixed point.
    """
    n = len(model.practice)
    measures = len(model.slot)
    years = model.performance_years
    practices = new_practices(len(practice_model.small), years)
    clinicians = new_clinicians(model, latent_processes(model))
    observed = new_observed(measures, n)
    truth_observed = with_results(
        observed, clinicians.true_rate, observed.collection, clinicians.true_cost
    )
    pooling = pools(rules)
    shown = new_observed(measures, n) if pooling else observed
    truth_shown = new_observed(measures, n) if pooling else truth_observed
    cuts = len(rules.decile_percentiles)
    fit = new_fit(rules, measures, n)
    truth_fit = new_fit(rules, measures, n)
    earlier = new_earlier(rules, measures, n)
    truth_earlier = new_earlier(rules, measures, n)
    truth_fit.shrinks[0] = truth_earlier.made.shrinks[0] = False  # the truth has no noise
    outcome = new_outcome(measures, n)
    truth = new_outcome(measures, n)
    scratch = new_scratch(measures, n, cuts)
    memory = new_memory(n, output.by_group.shape[2])
    hold_clinicians = output.clinician.shape[1] > 0
    close = len(output.lens.variance)  # draws looked at closely
    factors = new_factors(rules, measures, n if close > 0 else 0, output.by_group.shape[2])
    probe_room = new_probe_room(probes, cuts)
    of_mips = np.empty((4, n))
    reporting_rank = np.empty(n)
    mips_room = new_mips_room(mips, n)
    pathway_room = new_mips_room(pathway, n)
    fits = True
    traits_change = patients_change(model)
    for d in range(len(population_index)):
        population, measurement = population_index[d], measurement_index[d]
        draw_practices(practice_model, seed, population, practices)
        draw_areas(model, seed, selection_index[d], clinicians.areas)
        draw_traits(model, seed, population, practices, clinicians, observed)
        draw_choosers(practice_model, model, seed, population, practices, clinicians)
        begin_draw(memory)
        begin_years(earlier)
        begin_years(truth_earlier)
        scored_before = 0
        for y in range(years):
            practices_know(practice_model, model, y, clinicians, practices)
            practices_in_year(practice_model, seed, population, measurement, y, practices)
            choose_collection(model, rules, y, fit, practices, clinicians, scratch)
            draw_year(
                model, seed, population, measurement, measured, y, practices, clinicians, observed
            )
            draw_paid(model, y, clinicians)
            paid = clinicians.paid
            row = output.yearly[d, y]
            begin_year(earlier)
            begin_year(truth_earlier)
            if pooling:
                _pool(observed, clinicians, rules, shown)
            refit_traits = y == 0 or scored_before < n or traits_change
            while True:
                score_year(
                    shown, clinicians.specialty, rules, y, fit, earlier, refit_traits, outcome,
                    scratch,
                )  # fmt: skip
                scored = scratch.counts[0]
                if refit_traits or scored == n:
                    break
                refit_traits = True  # the moments of traits stay while everyone has a score
            if model.absences:
                adjust_nothing(clinicians.present, outcome.payment_adjustment_factor)
            rank_scores(outcome.final_score, rules.score_zero, scratch, memory.rank)
            summarise_year(
                rules,
                y,
                grids,
                observed,
                fit,
                outcome,
                clinicians.part_b[y + model.payment_lag],
                paid,
                clinicians.group,
                clinicians.present,
                scratch,
                memory,
                d,
                output,
            )
            compare_with_year_before(y, outcome, scored, scored_before, memory, row)
            count_year(
                y, grids, outcome, paid, clinicians.group, clinicians.taken_part, memory, output
            )
            organization_dollars(model, practices, clinicians, observed, outcome, row[ACO:])
            row[PROGRAMME_SPENDING] = programme_spending(model, y, clinicians, observed)
            remember(model, y, outcome, clinicians)
            if with_truth:
                _hide_unreported(observed, clinicians)
                truth_fit.complexity[:] = fit.complexity  # the same clinicians are scored
                if pooling:
                    _pool(truth_observed, clinicians, rules, truth_shown)
                score_year(
                    truth_shown, clinicians.specialty, rules, y, truth_fit, truth_earlier, False,
                    truth, scratch,
                )  # fmt: skip
                if model.absences:
                    adjust_nothing(clinicians.present, truth.payment_adjustment_factor)
                rank_scores(truth.final_score, rules.score_zero, scratch, memory.rank_true)
                compare_with_truth(outcome, truth, scored, memory, row)
            if hold_clinicians:
                fits &= accumulate(y, outcome, memory, output.clinician)
            if d < output.panel.shape[1]:
                _rank_reporting(clinicians.practice, practices.willingness[y], reporting_rank)
                score_mips(observed, mips, y, reporting_rank, mips_room, of_mips[0], of_mips[1])
                score_mips(
                    observed, pathway, y, reporting_rank, pathway_room, of_mips[2], of_mips[3]
                )
                keep_panel(
                    y, outcome, truth, with_truth, paid, of_mips, clinicians.group,
                    clinicians.practice, d, output,
                )  # fmt: skip
            if d < close:
                decompose_year(
                    model, rules, y, seed, measurement, measured, clinicians, observed, fit,
                    outcome, scratch, factors, output.lens.variance[d],
                    output.lens.fixed_standard[d, y],
                )  # fmt: skip
                score_probes(
                    model, rules, probes, y, seed, measurement, measured, fit, truth_fit,
                    probe_room, d, output.lens.probe,
                )  # fmt: skip
            memory.rank_before[:] = memory.rank
            memory.adjustment_before[:] = outcome.payment_adjustment_factor
            scored_before = scored
        end_draw(clinicians.group, clinicians.taken_part, memory, d, output)
    return fits


@entry
def observe_cohort(
    practice_model, model, seed, population, measurement, selection, measured, rules=None
):
    """What CMS observes in every year of the draw with these three indices, to be put in a table.

    ``rules`` are needed where clinicians answer to adjustments and benchmarks of earlier years;
    without them nobody does. Returns per year the cohort as observed, the true rates and costs,
    what is paid in the payment year (0 of one who has left), specialties, groups, practices, who
    takes part, and Part B there had nobody left.
    """
    n = len(model.practice)
    measures = len(model.slot)
    practices = new_practices(len(practice_model.small), model.performance_years)
    clinicians = new_clinicians(model, latent_processes(model))
    draw_practices(practice_model, seed, population, practices)
    draw_areas(model, seed, selection, clinicians.areas)
    result = []
    before = new_observed(measures, n)
    draw_traits(model, seed, population, practices, clinicians, before)
    if rules is not None:
        draw_choosers(practice_model, model, seed, population, practices, clinicians)
        fit = new_fit(rules, measures, n)
        earlier = new_earlier(rules, measures, n)
        outcome = new_outcome(measures, n)
        scratch = new_scratch(measures, n, len(rules.decile_percentiles))
    for y in range(model.performance_years):
        if rules is not None:
            practices_know(practice_model, model, y, clinicians, practices)
            choose_collection(model, rules, y, fit, practices, clinicians, scratch)
        practices_in_year(practice_model, seed, population, measurement, y, practices)
        observed = new_observed(measures, n)
        observed.practice_size[:] = before.practice_size
        observed.hcc_risk_score[:] = before.hcc_risk_score
        observed.dual_share[:] = before.dual_share
        observed.rural[:] = before.rural
        draw_year(
            model, seed, population, measurement, measured, y, practices, clinicians, observed
        )
        before = observed
        if rules is not None:
            begin_year(earlier)
            scored = as_scored(observed, clinicians.practice, rules)
            observe_nothing(clinicians.present, scored)
            score_year(scored, clinicians.specialty, rules, y, fit, earlier, True, outcome, scratch)
            if model.absences:
                adjust_nothing(clinicians.present, outcome.payment_adjustment_factor)
            remember(model, y, outcome, clinicians)
        _hide_unreported(observed, clinicians)
        rate, cost = clinicians.true_rate.copy(), clinicians.true_cost.copy()
        draw_paid(model, y, clinicians)
        part_b_later = clinicians.part_b[y + model.payment_lag].copy()
        paid, specialty = clinicians.paid.copy(), clinicians.specialty.copy()
        group = clinicians.group.copy()
        practice, present = clinicians.practice.copy(), clinicians.present.copy()
        result.append(
            (observed, rate, cost, paid, specialty, group, practice, present, part_b_later)
        )
    return result
