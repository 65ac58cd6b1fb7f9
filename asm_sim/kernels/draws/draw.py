"""One draw of one cohort: from latent performance to dollars, over all performance years.

A draw has three indices. The calibration is at its central values; the population index says who
the clinicians are and how they truly perform, the measurement index which episodes, cases and
reporting accidents they have, and the selection index which areas are drawn. Cohorts are
independent of each other but for the practices and areas that they share, and those have the same
addresses in both.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import entry, kernel
from asm_sim.kernels.draws.comparisons import compare_with_truth, compare_with_year_before
from asm_sim.kernels.draws.counts import accumulate, count_year, end_draw
from asm_sim.kernels.draws.decomposition import decompose_year, new_factors
from asm_sim.kernels.draws.output import Comparison, keep_panel
from asm_sim.kernels.draws.probes import new_probe_room, score_probes
from asm_sim.kernels.draws.summaries import begin_draw, new_memory, rank_scores, summarise_year
from asm_sim.kernels.draws.year import (
    Address,
    begin_cohort,
    hide_unreported,
    live_year,
    settle_year,
)
from asm_sim.kernels.rule.fit import begin_years, new_earlier, new_fit, new_scratch
from asm_sim.kernels.rule.mips import new_mips_room, score_mips
from asm_sim.kernels.rule.observed import (
    Observed,
    copy_observed,
    new_observed,
    new_outcome,
    with_results,
)
from asm_sim.kernels.rule.pooling import pools
from asm_sim.kernels.world.behaviour import programme_spending, remember
from asm_sim.kernels.world.patients import patients_change
from asm_sim.kernels.world.practices import new_practices
from asm_sim.kernels.world.shocks import organization_dollars
from asm_sim.kernels.world.traits import latent_processes, new_clinicians

Floats = NDArray[np.float64]


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
    measures = len(model.quality.slot)
    years = model.performance_years
    groups = output.by_group.shape[2]
    close = len(output.lens.fixed_standard)  # draws looked at closely
    practices = new_practices(len(practice_model.small), years)
    clinicians = new_clinicians(model, latent_processes(model))
    observed = new_observed(measures, n)
    true_observed = with_results(
        observed, clinicians.true_rate, observed.collection, clinicians.true_cost
    )
    pooling = pools(rules)
    shown = new_observed(measures, n) if pooling else observed
    true_shown = new_observed(measures, n) if pooling else true_observed
    fit, earlier = new_fit(rules, measures, n), new_earlier(rules, measures, n)
    true_fit, true_earlier = new_fit(rules, measures, n), new_earlier(rules, measures, n)
    true_fit.shrinks[0] = true_earlier.made.shrinks[0] = False  # the truth has no noise
    outcome, truth = new_outcome(measures, n), new_outcome(measures, n)
    cuts = len(rules.decile_percentiles)
    scratch = new_scratch(measures, n, cuts)
    memory = new_memory(n, groups)
    factors = new_factors(rules, measures, n if close > 0 else 0, groups)
    probe_room = new_probe_room(probes, cuts)
    of_mips = Comparison(final_score=np.empty(n), adjustment=np.empty(n))
    of_pathway = Comparison(final_score=np.empty(n), adjustment=np.empty(n))
    mips_room, pathway_room = new_mips_room(mips, n), new_mips_room(pathway, n)
    reporting_rank = np.empty(n)
    traits_change = patients_change(model)
    hold_clinicians = len(output.clinician.scored) > 0
    fits = True
    for d in range(len(population_index)):
        address = Address(
            seed, population_index[d], measurement_index[d], selection_index[d], measured
        )
        begin_cohort(practice_model, model, address, practices, clinicians, observed)
        begin_draw(memory)
        begin_years(earlier)
        begin_years(true_earlier)
        scored_before = 0
        for y in range(years):
            live_year(
                practice_model, model, rules, address, y, fit, practices, clinicians, observed,
                scratch,
            )  # fmt: skip
            refit_traits = y == 0 or scored_before < n or traits_change
            scored = settle_year(
                model, rules, y, fit, earlier, refit_traits, False, clinicians, observed, shown,
                outcome, scratch,
            )  # fmt: skip
            row = output.yearly[d, y]
            rank_scores(outcome.final_score, rules.score_zero, scratch, memory.rank)
            summarise_year(
                rules, y, grids, observed, fit, outcome,
                clinicians.part_b[y + model.payment_lag], clinicians.paid, clinicians.group,
                clinicians.present, scratch, memory, d, output,
            )  # fmt: skip
            compare_with_year_before(y, outcome, scored, scored_before, memory, row)
            count_year(
                y, grids, outcome, clinicians.paid, clinicians.group, clinicians.taken_part,
                memory, output,
            )  # fmt: skip
            organization_dollars(model, practices, clinicians, observed, outcome, row)
            row.programme_spending = programme_spending(model, y, clinicians, observed)
            remember(model, y, outcome, clinicians)
            if with_truth:
                hide_unreported(observed, clinicians)
                true_fit.complexity[:] = fit.complexity  # the same clinicians are scored
                settle_year(
                    model, rules, y, true_fit, true_earlier, False, True, clinicians,
                    true_observed, true_shown, truth, scratch,
                )  # fmt: skip
                rank_scores(truth.final_score, rules.score_zero, scratch, memory.rank_true)
                compare_with_truth(outcome, truth, scored, memory, row)
            if hold_clinicians:
                fits &= accumulate(y, outcome, memory, output.clinician)
            if d < len(output.panel.final_score):
                _rank_reporting(clinicians.practice, practices.willingness[y], reporting_rank)
                score_mips(
                    observed, mips, y, reporting_rank, mips_room, of_mips.final_score,
                    of_mips.adjustment,
                )  # fmt: skip
                score_mips(
                    observed, pathway, y, reporting_rank, pathway_room, of_pathway.final_score,
                    of_pathway.adjustment,
                )  # fmt: skip
                keep_panel(
                    y, outcome, truth, with_truth, clinicians.paid, of_mips, of_pathway,
                    clinicians.group, clinicians.practice, d, output.panel,
                )  # fmt: skip
            if d < close:
                decompose_year(
                    model, rules, y, address, clinicians, observed, fit, outcome, scratch,
                    factors, output.lens.within_clinician_variance[d],
                    output.lens.year_to_year_variance[d], output.lens.fixed_standard[d, y],
                )  # fmt: skip
                score_probes(
                    model, rules, probes, y, address, fit, true_fit, probe_room, d,
                    output.lens.probe,
                )  # fmt: skip
            memory.rank_before[:] = memory.rank
            memory.adjustment_before[:] = outcome.payment_adjustment_factor
            scored_before = scored
        end_draw(clinicians.group, clinicians.taken_part, memory, d, output)
    return fits


class ObservedYear(NamedTuple):
    """What there is of a cohort in one year of a draw, to be put in a table."""

    observed: Observed
    true_rate: Floats  # [M, n]
    true_cost: Floats  # [n]
    paid: Floats  # [n] Part B of the payment year, 0 of one who has left
    specialty: NDArray[np.int8]  # [n]
    group: NDArray[np.int16]  # [GROUPINGS, n]
    practice: NDArray[np.int64]  # [n]
    present: NDArray[np.bool_]  # [n] takes part
    part_b_later: Floats  # [n] Part B of the payment year had nobody left


@entry
def observe_cohort(
    rules, practice_model, model, seed, population, measurement, selection, measured
):
    """Every year of the draw with these three indices, a list of :class:`ObservedYear`."""
    n, measures = len(model.practice), len(model.quality.slot)
    address = Address(seed, population, measurement, selection, measured)
    practices = new_practices(len(practice_model.small), model.performance_years)
    clinicians = new_clinicians(model, latent_processes(model))
    observed = new_observed(measures, n)
    shown = new_observed(measures, n) if pools(rules) else observed
    fit, earlier = new_fit(rules, measures, n), new_earlier(rules, measures, n)
    outcome = new_outcome(measures, n)
    scratch = new_scratch(measures, n, len(rules.decile_percentiles))
    begin_cohort(practice_model, model, address, practices, clinicians, observed)
    result = []
    for y in range(model.performance_years):
        live_year(
            practice_model, model, rules, address, y, fit, practices, clinicians, observed, scratch
        )
        settle_year(
            model, rules, y, fit, earlier, True, False, clinicians, observed, shown, outcome,
            scratch,
        )  # fmt: skip
        remember(model, y, outcome, clinicians)
        hide_unreported(observed, clinicians)
        kept = new_observed(measures, n)
        copy_observed(observed, kept)
        result.append(
            ObservedYear(
                observed=kept,
                true_rate=clinicians.true_rate.copy(),
                true_cost=clinicians.true_cost.copy(),
                paid=clinicians.paid.copy(),
                specialty=clinicians.specialty.copy(),
                group=clinicians.group.copy(),
                practice=clinicians.practice.copy(),
                present=clinicians.present.copy(),
                part_b_later=clinicians.part_b[y + model.payment_lag].copy(),
            )
        )
    return result
