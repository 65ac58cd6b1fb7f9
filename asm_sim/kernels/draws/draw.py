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

from asm_sim.kernels._jit import direct_entry, entry, kernel, stage
from asm_sim.kernels._reference import by_reference, keep, own_copy
from asm_sim.kernels.draws.by_group import mark_groups
from asm_sim.kernels.draws.comparisons import compare_with_truth, compare_with_year_before
from asm_sim.kernels.draws.counts import (
    accumulate,
    count_year,
    empty_tallies,
    end_draw,
    new_tallies,
)
from asm_sim.kernels.draws.decomposition import decompose_year, new_factors
from asm_sim.kernels.draws.output import keep_panel, new_comparison
from asm_sim.kernels.draws.probes import new_probe_room, score_probes
from asm_sim.kernels.draws.summaries import (
    begin_draw,
    end_year,
    new_memory,
    rank_scores,
    row_of,
    summarise_year,
)
from asm_sim.kernels.draws.year import (
    Address,
    begin_cohort,
    hide_unreported,
    live_year,
    settle_year,
)
from asm_sim.kernels.rule.final_score import ADJUSTED, ALWAYS, IF_SOME_UNSCORED
from asm_sim.kernels.rule.fit import (
    begin_years,
    new_earlier,
    new_fit,
    new_scratch,
)
from asm_sim.kernels.rule.mips import new_mips_room, prepare_mips, score_mips
from asm_sim.kernels.rule.observed import (
    Observed,
    copy_observed,
    new_observed,
    new_outcome,
    with_adjustments,
    with_results,
)
from asm_sim.kernels.rule.peers import new_peer_room
from asm_sim.kernels.rule.pooling import new_pool_room, pools, with_pooled
from asm_sim.kernels.world.behaviour import programme_spending, remember
from asm_sim.kernels.world.patients import patients_change
from asm_sim.kernels.world.practices import new_practices
from asm_sim.kernels.world.shocks import organization_dollars
from asm_sim.kernels.world.traits import latent_processes, new_clinicians

Floats = NDArray[np.float64]


@kernel
def _rank_reporting(y, practices, practice, rank):
    """How surely a clinician's practice reports in year y, as a share of all practices below it."""
    willingness, below = practices.willingness[y], practices.scratch[0]
    for p in range(len(below)):
        below[p] = 0.5 * math.erfc(-willingness[p] * math.sqrt(0.5))
    for i in range(len(rank)):
        rank[i] = below[practice[i]]


@stage
def _sum_up(
    model, rules, grids, y, d, practices, clinicians, observed, fit, outcome,
    scratch, memory, tallies, output,
):  # fmt: skip
    """What is told of year y of draw d, but for the truth."""
    row = output.yearly[d, y]
    scored = scratch.counts[0].scored
    zero = rules.score_zero
    ranks, fifths = memory.rank[row_of(y)], memory.fifth[row_of(y)]
    rank_scores(outcome.final_score, zero, scored, scratch, ranks, fifths)
    if y == 0 or model.participation.places_change:
        mark_groups(clinicians.group, memory.marks)
    summarise_year(
        rules, y, grids, observed, fit, outcome, clinicians.part_b[y + model.payment_lag],
        clinicians.paid, clinicians.group, clinicians.present, scratch, memory, d, output,
    )  # fmt: skip
    compare_with_year_before(y, outcome, memory, row)
    count_year(
        y, grids, outcome, clinicians.paid, clinicians.taken_part, memory, tallies, output
    )  # fmt: skip
    organization_dollars(model, practices, clinicians, observed, outcome, row)
    row.programme_spending = programme_spending(model, y, clinicians, observed)
    remember(model, y, outcome, clinicians)


@stage
def _keep_in_panel(
    mips, pathway, y, d, with_truth, practices, clinicians, observed, outcome, truth, room, rank,
    of_mips, of_pathway, output,
):  # fmt: skip
    """Year y of draw d clinician by clinician, and what MIPS makes of them in both forms."""
    _rank_reporting(y, practices, clinicians.practice, rank)
    prepare_mips(observed, mips, y, rank, room)
    score_mips(observed, mips, y, room, of_mips.final_score, of_mips.adjustment)
    score_mips(observed, pathway, y, room, of_pathway.final_score, of_pathway.adjustment)
    keep_panel(
        y, outcome, truth, with_truth, clinicians.paid, of_mips, of_pathway, clinicians.group,
        clinicians.practice, d, output.panel,
    )  # fmt: skip


@stage
def _look_closely(
    model, rules, probes, y, d, address, clinicians, observed, fit, true_fit, outcome, scratch,
    factors, probe_room, output,
):  # fmt: skip
    """Where the movement of year y of draw d comes from, and how the probes fare in it."""
    decompose_year(
        model, rules, y, address, clinicians, observed, fit, outcome, scratch, factors,
        output.lens.within_clinician_variance[d], output.lens.year_to_year_variance[d],
        output.lens.fixed_standard[d, y],
    )  # fmt: skip
    score_probes(model, rules, probes, y, address, fit, true_fit, probe_room, d, output.lens.probe)


class Draws(NamedTuple):
    """D draws of a cohort, and what is made of them."""

    seed: NDArray[np.uint64]  # [2] low and high word
    population: NDArray[np.int64]  # [D] indices, which address a draw
    measurement: NDArray[np.int64]
    selection: NDArray[np.int64]
    position: int  # where the first of them stands among the draws of the output
    measured: bool  # with episodes, cases and accidents; otherwise nothing is left to chance
    with_truth: bool  # beside it what is true of everyone
    fit: NDArray[np.bool_]  # [1] made false where an adjustment is too large for fixed point


@direct_entry
def simulate_cohort(rules, mips, pathway, practice_model, model, probes, grids, draws, output):
    """Simulate :class:`Draws` of one cohort into ``output``.

    ``mips`` and ``pathway`` are the rules of the comparator in its two forms; ``probes`` are scored
    beside the cohort in the draws that are looked at closely, which need the truth.
    """
    n = len(model.practice)
    years = model.performance_years
    close = len(output.lens.fixed_standard)  # draws looked at closely
    measures, groups = len(model.quality.slot), output.by_group.shape[2]
    pooled = n if pools(rules) else 0
    own_practices = new_practices(len(practice_model.small), years)
    own_clinicians = new_clinicians(model, latent_processes(model))
    own_observed = new_observed(measures, n)
    own_shown = new_observed(measures, pooled)
    own_shown_rate, own_shown_cost = np.empty((measures, pooled)), np.empty(pooled)  # of the truth
    own_pool = new_pool_room(rules, n, len(practice_model.small))
    own_fit, own_earlier = new_fit(rules, measures, n), new_earlier(rules, measures, n)
    own_true_fit, own_true_earlier = new_fit(rules, measures, n), new_earlier(rules, measures, n)
    own_outcome, own_truth = new_outcome(measures, n), new_outcome(measures, n)
    own_scratch, own_memory = new_scratch(measures, n), new_memory(n, groups)
    specialties = len(model.patients.specialty_cumulative)
    own_peers = new_peer_room(rules, measures, n, specialties)
    own_tallies = new_tallies(grids, years, groups)
    own_factors = new_factors(rules, measures, n if close > 0 else 0, years, groups)
    own_probes = new_probe_room(probes)
    own_mips, own_pathway = new_comparison(n), new_comparison(n)
    own_mips_room, reporting_rank = new_mips_room(mips, n), np.empty(n)

    practices, clinicians = by_reference(own_practices), by_reference(own_clinicians)
    observed = by_reference(own_observed)
    true_observed = by_reference(
        with_results(observed, clinicians.true_rate, observed.collection, clinicians.true_cost)
    )
    pooling = pools(rules)
    shown = by_reference(with_pooled(observed, own_shown)) if pooling else observed
    true_shown = true_observed
    if pooling:
        true_shown = by_reference(
            with_results(shown, own_shown_rate, shown.collection, own_shown_cost)
        )
    fit, earlier = by_reference(own_fit), by_reference(own_earlier)
    true_fit, true_earlier = by_reference(own_true_fit), by_reference(own_true_earlier)
    true_fit.shrinks[0] = true_earlier.made.shrinks[0] = False  # the truth has no noise
    outcome = by_reference(own_outcome)
    truth = by_reference(with_adjustments(by_reference(own_truth), outcome))
    scratch, memory = by_reference(own_scratch), by_reference(own_memory)
    pool, peers = by_reference(own_pool), by_reference(own_peers)
    tallies = by_reference(own_tallies)
    factors, probe_room = by_reference(own_factors), by_reference(own_probes)
    of_mips, of_pathway = by_reference(own_mips), by_reference(own_pathway)
    mips_room = by_reference(own_mips_room)
    traits_change = patients_change(model)
    hold_clinicians = len(output.clinician.scored) > 0
    with_truth = draws.with_truth
    fits = True
    for k in range(len(draws.population)):
        d = draws.position + k
        address = by_reference(
            Address(
                draws.seed, draws.population[k], draws.measurement[k], draws.selection[k],
                draws.measured,
            )
        )  # fmt: skip
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
            others = y == 0 or scored_before < n or traits_change
            settle_year(
                model, rules, y, fit, earlier, ALWAYS if others else IF_SOME_UNSCORED, clinicians,
                observed, shown, outcome, scratch, pool, peers,
            )  # fmt: skip
            scored = scratch.counts[0].scored
            _sum_up(
                model, rules, grids, y, d, practices, clinicians, observed, fit,
                outcome, scratch, memory, tallies, output,
            )  # fmt: skip
            if with_truth:
                if pooling:
                    hide_unreported(observed, clinicians)
                true_fit.complexity[:] = fit.complexity  # the same clinicians are scored
                settle_year(
                    model, rules, y, true_fit, true_earlier, ADJUSTED, clinicians, true_observed,
                    true_shown, truth, scratch, pool, peers,
                )  # fmt: skip
                rank_scores(
                    truth.final_score, rules.score_zero, scored, scratch, memory.rank_true,
                    memory.fifth_true,
                )  # fmt: skip
                row = output.yearly[d, y]
                compare_with_truth(y, outcome, truth, memory, row)
            if hold_clinicians:
                fits &= accumulate(y, outcome, memory, output.clinician)
            if d < len(output.panel.final_score):
                _keep_in_panel(
                    mips, pathway, y, d, with_truth, practices, clinicians, observed, outcome,
                    truth, mips_room, reporting_rank, of_mips, of_pathway, output,
                )  # fmt: skip
            if d < close:
                _look_closely(
                    model, rules, probes, y, d, address, clinicians, observed, fit, true_fit,
                    outcome, scratch, factors, probe_room, output,
                )  # fmt: skip
            end_year(outcome, memory)
            scored_before = scored
        end_draw(clinicians.group, clinicians.taken_part, memory, d, output)
    empty_tallies(tallies, output)
    keep(own_practices)
    keep(own_clinicians)
    keep(own_observed)
    keep(own_shown)
    keep(own_shown_rate)
    keep(own_shown_cost)
    keep(own_pool)
    keep(own_fit)
    keep(own_earlier)
    keep(own_true_fit)
    keep(own_true_earlier)
    keep(own_outcome)
    keep(own_truth)
    keep(own_scratch)
    keep(own_memory)
    keep(own_peers)
    keep(own_tallies)
    keep(own_factors)
    keep(own_probes)
    keep(own_mips)
    keep(own_pathway)
    keep(own_mips_room)
    draws.fit[0] = fits


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
    rules, practice_model = by_reference(rules), by_reference(practice_model)
    model = by_reference(model)
    n, measures = len(model.practice), len(model.quality.slot)
    address = by_reference(Address(seed, population, measurement, selection, measured))
    all_practices = new_practices(len(practice_model.small), model.performance_years)
    everyone = new_clinicians(model, latent_processes(model))
    seen, pooled = new_observed(measures, n), new_observed(measures, n if pools(rules) else 0)
    specialties = len(model.patients.specialty_cumulative)
    circles = new_peer_room(rules, measures, n, specialties)
    by_practice = new_pool_room(rules, n, len(practice_model.small))
    own_fit, before = new_fit(rules, measures, n), new_earlier(rules, measures, n)
    scored, room = new_outcome(measures, n), new_scratch(measures, n)
    practices, clinicians = by_reference(all_practices), by_reference(everyone)
    observed = by_reference(seen)
    shown = by_reference(with_pooled(observed, pooled)) if pools(rules) else observed
    fit, earlier = by_reference(own_fit), by_reference(before)
    outcome, scratch = by_reference(scored), by_reference(room)
    pool, peers = by_reference(by_practice), by_reference(circles)
    begin_cohort(practice_model, model, address, practices, clinicians, observed)
    result = []
    for y in range(model.performance_years):
        live_year(
            practice_model, model, rules, address, y, fit, practices, clinicians, observed, scratch
        )
        settle_year(
            model, rules, y, fit, earlier, ALWAYS, clinicians, observed, shown, outcome, scratch,
            pool, peers,
        )  # fmt: skip
        remember(model, y, outcome, clinicians)
        hide_unreported(observed, clinicians)
        kept = new_observed(measures, n)
        copy_observed(observed, by_reference(kept))
        result.append(
            ObservedYear(
                observed=kept,
                true_rate=own_copy(clinicians.true_rate),
                true_cost=own_copy(clinicians.true_cost),
                paid=own_copy(clinicians.paid),
                specialty=own_copy(clinicians.specialty),
                group=own_copy(clinicians.group),
                practice=own_copy(clinicians.practice),
                present=own_copy(clinicians.present),
                part_b_later=own_copy(clinicians.part_b[y + model.payment_lag]),
            )
        )
    keep(all_practices)
    keep(everyone)
    keep(seen)
    keep(pooled)
    keep(own_fit)
    keep(before)
    keep(scored)
    keep(room)
    keep(by_practice)
    keep(circles)
    return result
