"""Where the movement of an adjustment over the years comes from: every set of factors, moved alone.

Five factors make a clinician's adjustment of a year differ from that of the first year. In each set
of them the factors in it are those of the year, the others stay as in the first year (measurement:
stay off). All sets see the same random numbers, so they differ by what moves and by nothing else.

measurement    sampling of the clinician's own episodes and cases (off: the true rates and cost)
participation  what is reported and attested, how many cases and episodes there are, how complex the
               patients are, the practice's size, and whether one takes part in the model at all
performance    true quality and cost relative to the trend that all have in common, effort and
               programmes (behaviour.py) included, and the collection type of the practice
peers          benchmarks, complex-patient moments, midpoint, ranks and scaling that others make,
               and whatever the rule changes from year to year but the risk level
risk_level     the risk level of the year

Common trends of rates and costs carry over to the first year's benchmarks: there the clinician is
seen at the first year's level. The adjustment of one without a final score is what is paid; one who
takes no part in a year is like one of them, and who never has by then is not counted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels._reference import by_reference
from asm_sim.kernels.numeric.variates import fill_normal_pair, fill_normals_and_uniforms
from asm_sim.kernels.numeric.vectors import add_to_row, widest_vectors
from asm_sim.kernels.rule.cohort import score_adjusted
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE
from asm_sim.kernels.rule.final_score import round_half_up, state_adjustments
from asm_sim.kernels.rule.fit import Fit, copy_cost_benchmark, copy_quality_benchmarks, new_fit
from asm_sim.kernels.rule.observed import (
    Observed,
    Outcome,
    copy_observed,
    new_observed,
    new_outcome,
    with_results,
)
from asm_sim.kernels.rule.quality import classify
from asm_sim.kernels.world.groups import GROUPINGS
from asm_sim.kernels.world.performance import (
    cost_at,
    latent_rate,
    rate_at,
    sample_cost,
    sample_rate,
)
from asm_sim.kernels.world.shocks import attributed_cost, attributed_rate
from asm_sim.kernels.world.streams import EPISODES, MEASURE

Floats = NDArray[np.float64]

MEASUREMENT, PARTICIPATION, PERFORMANCE, PEERS, RISK_LEVEL = 1, 2, 4, 8, 16
WITHOUT_RISK = 16  # sets of the first four factors
FACTOR_SETS = 32
TILE = 32  # clinicians who follow one another, of whom all sets lie together

# Columns of sums over a group's clinicians against the first year's fit.
COUNT, MEAN, NEGATIVE, DIFFERS, BONUSES, PENALTIES, FIXED_SUMS = range(7)


class Factors(NamedTuple):
    """What is kept of the first year, and room to work in: n clinicians, M measures."""

    first: Observed
    first_fit: Fit
    first_quality: Floats  # [M, n] latent
    first_cost: Floats  # [n] latent
    noise: Floats  # [M, n] of this year's rates, standard normal
    cost_noise: Floats  # [n]
    shown_cost: Floats  # [participation, n] what the year's noise shows of a true cost of 1
    true_rate: Floats  # [peers, performance, M, n]
    true_cost: Floats  # [peers, performance, n]
    rate: Floats  # [M, n] as measured
    cost: Floats  # [n]
    outcome: Outcome
    with_participation: Outcome  # the same where that is one of the factors
    complexity: Floats  # [participation, n] complex-patient adjustment of one with a final score
    unit: Floats  # [years, tiles, sets without risk, TILE] adjustment over risk level
    paid: Floats  # [sets, TILE] adjustment of the clinicians of a tile
    before: Floats  # [sets, TILE] of the year before
    total: Floats  # [sets, TILE] over the years
    squares: Floats  # [sets, TILE]
    told: Floats  # [TILE, 2 sets] values of the same clinicians, and their squares
    members: Floats  # [groups] clinicians in a group
    sums: Floats  # [groups, 2 sets] of what is told of them
    fixed: Floats  # [groups, FIXED_SUMS]


@kernel
def new_factors(rules, measures, n, years, groups):
    """Room for n clinicians; none is needed for n = 0."""
    return Factors(
        first=new_observed(measures, n),
        first_fit=new_fit(rules, measures, n),
        first_quality=np.empty((measures, n)),
        first_cost=np.empty(n),
        noise=np.empty((measures, n)),
        cost_noise=np.empty(n),
        shown_cost=np.empty((2, n)),
        true_rate=np.empty((2, 2, measures, n)),
        true_cost=np.empty((2, 2, n)),
        rate=np.empty((measures, n)),
        cost=np.empty(n),
        outcome=new_outcome(measures, n),
        with_participation=new_outcome(measures, n),
        complexity=np.empty((2, n)),
        unit=np.empty((years, (n + TILE - 1) // TILE, WITHOUT_RISK, TILE)),
        paid=np.empty((FACTOR_SETS, TILE)),
        before=np.empty((FACTOR_SETS, TILE)),
        total=np.empty((FACTOR_SETS, TILE)),
        squares=np.empty((FACTOR_SETS, TILE)),
        told=np.empty((TILE, 2 * FACTOR_SETS)),
        members=np.empty(groups),
        sums=np.empty((groups, 2 * FACTOR_SETS)),
        fixed=np.empty((groups, FIXED_SUMS)),
    )


@kernel
def decompose_year(
    model, rules, y, address, clinicians, observed, fit, outcome, scratch, factors, within,
    year_to_year, fixed_standard,
):  # fmt: skip
    """Add year y to the sets; the last one completes the variances, float64 [groups, sets].

    ``within`` is that within clinicians over the years, ``year_to_year`` that of the changes over
    clinicians. ``fixed_standard`` [groups] is filled with the year's adjustments against the first
    year's fit.
    """
    if y == 0:
        _keep_first(model, clinicians, observed, fit, factors)
        within[:] = 0.0
        year_to_year[:] = 0.0
        _score_first(model, rules, clinicians, fit, outcome, scratch, factors)
    else:
        _draw_noise(model, address, y, clinicians, observed, factors)
        for peers in range(2):
            _score_sets(
                model, rules, y, address, peers, clinicians, observed, fit, outcome, scratch,
                factors,
            )  # fmt: skip
        _add_changes(rules, y, clinicians, factors, year_to_year)
    _against_first_fit(rules, y, observed, outcome, clinicians.group, factors, fixed_standard)
    if y == model.performance_years - 1:
        _finish(rules, model.performance_years, clinicians, factors, within, year_to_year)


@kernel
def _score_first(model, rules, clinicians, fit, outcome, scratch, factors):
    """Every set in the first year: nothing but measurement moves."""
    first, unit = factors.first, factors.unit[0]
    _true_values(model, 0, 0, 0, clinicians, first.collection, factors)
    own = by_reference(
        with_results(first, factors.true_rate[0, 0], first.collection, factors.true_cost[0, 0])
    )
    state_adjustments(first, rules, 0, fit, factors.outcome)
    classify(first, rules, 0, scratch)
    score_adjusted(own, rules, 0, fit, factors.outcome, scratch)
    _unit_adjustments(rules, 0, fit, factors.outcome, unit, 0)
    _unit_adjustments(rules, 0, fit, outcome, unit, MEASUREMENT)
    for k in range(2, WITHOUT_RISK):
        unit[:, k] = unit[:, k % 2]


@kernel
def _score_sets(
    model, rules, y, address, peers, clinicians, observed, fit, outcome, scratch, factors
):
    """The sets with or without ``peers`` in a later year; that without any factor stays.

    What counts of a clinician is the same with and without measurement.
    """
    against = fit if peers == 1 else factors.first_fit
    of_year = y if peers == 1 else 0
    unit = factors.unit[y]
    for participation in range(2):
        seen = observed if participation == 1 else factors.first
        into = factors.with_participation if participation == 1 else factors.outcome
        state_adjustments(seen, rules, of_year, against, into)
        factors.complexity[participation] = into.complex_patient_adjustment
    for performance in range(2):
        collection = observed.collection if performance == 1 else factors.first.collection
        if peers == 1 or performance == 1:  # else as in the first year
            _true_values(model, y, peers, performance, clinicians, collection, factors)
        true_rate = factors.true_rate[peers, performance]
        true_cost = factors.true_cost[peers, performance]
        for participation in range(2):
            seen = observed if participation == 1 else factors.first
            into = factors.with_participation if participation == 1 else factors.outcome
            counted = by_reference(with_results(seen, seen.rate, collection, seen.episode_cost))
            classify(counted, rules, of_year, scratch)
            for measure in range(2):
                k = (
                    measure * MEASUREMENT
                    + participation * PARTICIPATION
                    + performance * PERFORMANCE
                    + peers * PEERS
                )
                if k == 0:
                    unit[:, k] = factors.unit[0, :, k]
                elif k == WITHOUT_RISK - 1:
                    _unit_adjustments(rules, y, fit, outcome, unit, k)
                else:
                    rate, cost = true_rate, true_cost
                    if address.measured and measure == 1:
                        rate, cost = factors.rate, factors.cost
                        _measure(
                            model, of_year, true_rate, true_cost, factors.shown_cost[participation],
                            counted, clinicians, factors,
                        )  # fmt: skip
                    own = by_reference(with_results(seen, rate, collection, cost))
                    into.complex_patient_adjustment[:] = factors.complexity[participation]
                    score_adjusted(own, rules, of_year, against, into, scratch)
                    _unit_adjustments(rules, of_year, against, into, unit, k)


@kernel
def _keep_first(model, clinicians, observed, fit, factors):
    for m in range(len(model.quality.slot)):
        latent_rate(model, m, clinicians, factors.first_quality[m])
    factors.first_cost[:] = clinicians.latent_cost
    copy_observed(observed, factors.first)
    first_fit = factors.first_fit
    copy_quality_benchmarks(fit, first_fit)
    copy_cost_benchmark(fit, first_fit)
    first_fit.complexity[:] = fit.complexity
    first_fit.payment[0] = fit.payment[0]
    first_fit.positive_scores[:] = fit.positive_scores


@kernel
def _draw_noise(model, address, y, clinicians, observed, factors):
    """The normals that made this year's observed rates and costs, and what they make of a cost."""
    rows, seed, measurement = clinicians.rows, address.seed, address.measurement
    for m in range(len(model.quality.slot)):
        fill_normals_and_uniforms(
            seed, model.address, measurement, MEASURE, y + 1, model.quality.slot[m],
            factors.noise[m], rows[0], rows[1], rows[2],
        )  # fmt: skip
    fill_normal_pair(
        seed, model.address, measurement, EPISODES, y + 1, 0, rows[0], factors.cost_noise
    )
    rows[0, :] = 1.0
    sample_cost(model, factors.cost_noise, factors.first.episodes, rows[0], factors.shown_cost[0])
    sample_cost(model, factors.cost_noise, observed.episodes, rows[0], factors.shown_cost[1])


@kernel
def _true_values(model, y, peers, performance, clinicians, collection, factors):
    """True rates and costs of this year's or the first year's performance.

    At this year's level against this year's peers, at the first year's against the first year's.
    """
    rows, true_rate = clinicians.rows, factors.true_rate[peers, performance]
    level = y if peers == 1 else 0
    for m in range(len(model.quality.slot)):
        if performance == 1:
            latent_rate(model, m, clinicians, rows[0])
        else:
            rows[0, :] = factors.first_quality[m]
        rate_at(model, m, level, collection[m], rows[0], clinicians.segment, true_rate[m])
    latent_cost = clinicians.latent_cost if performance == 1 else factors.first_cost
    cost_at(model, level, latent_cost, factors.true_cost[peers, performance])


@kernel
def _measure(model, level, true_rate, true_cost, shown_cost, counted, clinicians, factors):
    """Rates and costs that the year's noise shows of true ones, with the cases that are counted."""
    foreign = model.shocks.misattributed_share > 0.0
    for m in range(len(true_rate)):
        true = true_rate[m]
        if foreign and not model.quality.reported[m]:
            true = attributed_rate(model, m, level, counted.collection[m], true, clinicians)
        sample_rate(
            model, m, factors.noise[m], counted.cases[m], true, clinicians.rows[6:11],
            factors.rate[m],
        )  # fmt: skip
    if foreign:
        true_cost = attributed_cost(model, level, true_cost, clinicians)
    cost = factors.cost
    for i in range(len(cost)):
        cost[i] = true_cost[i] * shown_cost[i]


@kernel
def _unit_adjustments(rules, y, fit, outcome, unit, k):
    """Adjustment factors at a risk level of one, unrounded; nan for one without a final score.

    exchange.adjustment_of is not used: here the risk level, itself a factor, comes last, and a
    product in another order is another number in its last bits.
    """
    scaling = fit.payment[0].scaling_factor
    has_scaling = scaling == scaling
    zero, highest = rules.score_zero, rules.year[y].cap
    of_zero_scorers = rules.year[y].zero_score_adjustment
    for tile in range(len(unit)):
        final = outcome.final_score[tile * TILE : (tile + 1) * TILE]
        transformed = outcome.transformed_score[tile * TILE : (tile + 1) * TILE]
        of_set = unit[tile, k]
        for t in range(len(final)):
            known = transformed[t] == transformed[t]  # none in the neutral band
            share = transformed[t] * scaling - 1.0 if known & has_scaling else 0.0
            share = highest if highest < share else share
            below = of_zero_scorers if final[t] == final[t] else np.nan
            of_set[t] = share if final[t] > zero else below


@inlined
def _pay(rules, risk, unscored, unit, paid):
    """Adjustment factors of those at a risk level of one, rounded as the rule says."""
    for i in range(len(unit)):
        paid[i] = risk * unit[i] if unit[i] == unit[i] else unscored
    steps, tie = rules.adjustment_steps, rules.score_tie
    if steps > 0.0:
        for i in range(len(unit)):
            paid[i] = round_half_up(paid[i], steps, tie)


@kernel
def _pay_sets(rules, y, tile, factors, paid):
    """The adjustment factors of year y in every set, of the clinicians of a tile."""
    widest_vectors()
    for k in range(FACTOR_SETS):
        risk = rules.year[y if k >= RISK_LEVEL else 0].risk_level
        unscored = rules.year[y if k & PEERS else 0].unscored_adjustment
        _pay(rules, risk, unscored, factors.unit[y, tile, k % WITHOUT_RISK], paid[k])


@kernel
def _side_by_side(values, told):
    """What is told of every clinician of a tile, from values [sets, TILE]."""
    for k in range(FACTOR_SETS):
        of_set = values[k]
        for t in range(TILE):
            told[t, k] = of_set[t]


@kernel
def _add_changes(rules, y, clinicians, factors, year_to_year):
    """Add the variance of the changes since the year before, as one of so many years."""
    paid, before, told = factors.paid, factors.before, factors.told
    _clear(factors)
    for tile in range(factors.unit.shape[1]):
        _pay_sets(rules, y, tile, factors, paid)
        _pay_sets(rules, y - 1, tile, factors, before)
        for k in range(FACTOR_SETS):
            now, then = paid[k], before[k]
            for t in range(len(now)):
                now[t] -= then[t]
        _side_by_side(paid, told)
        for t in range(TILE):
            change, square = told[t, :FACTOR_SETS], told[t, FACTOR_SETS:]
            for k in range(len(change)):
                square[k] = change[k] * change[k]
        _add_to_groups(clinicians, tile * TILE, 2 * FACTOR_SETS, factors)
    for g in range(len(factors.members)):
        for k in range(FACTOR_SETS):
            year_to_year[g, k] += _variance(factors, g, k) / (len(rules.year) - 1)


@kernel
def _clear(factors):
    factors.members[:] = 0.0
    factors.sums[:] = 0.0


@kernel
def _add_to_groups(clinicians, begin, columns, factors):
    """Add what is told of clinicians who have taken part to everyone and each of their groups."""
    group, taken_part = clinicians.group, clinicians.taken_part
    told, members, sums = factors.told, factors.members, factors.sums
    for i in range(begin, min(begin + TILE, len(taken_part))):
        row = told[i - begin]
        for j in range(GROUPINGS + 1 if taken_part[i] else 0):
            g = np.uint64(group[j, i]) if j < GROUPINGS else np.uint64(0)
            members[g] += 1.0
            of_group = sums[g]
            for k in range(columns):
                of_group[k] += row[k]


@kernel
def _variance(factors, g, k):
    """Sample variance from count, sum and sum of squares."""
    count, total = factors.members[g], factors.sums[g, k]
    if count < 2.0:
        return np.nan
    squares = factors.sums[g, k + FACTOR_SETS]
    return max(0.0, squares - total * total / count) / (count - 1.0)


@kernel
def _finish(rules, years, clinicians, factors, within, year_to_year):
    """Mean over the clinicians of each group of their variance over the years."""
    paid, total, squares, told = factors.paid, factors.total, factors.squares, factors.told
    _clear(factors)
    for tile in range(factors.unit.shape[1]):
        total[:] = 0.0
        squares[:] = 0.0
        for y in range(years):
            _pay_sets(rules, y, tile, factors, paid)
            for k in range(FACTOR_SETS):
                now, sums, of_squares = paid[k], total[k], squares[k]
                for t in range(len(now)):
                    sums[t] += now[t]
                    of_squares[t] += now[t] * now[t]
        for k in range(FACTOR_SETS):
            spread, sums, of_squares = paid[k], total[k], squares[k]
            for t in range(len(spread)):
                around = max(0.0, of_squares[t] - sums[t] * sums[t] / years)
                spread[t] = around / (years - 1) if years > 1 else np.nan
        _side_by_side(paid, told)
        _add_to_groups(clinicians, tile * TILE, FACTOR_SETS, factors)
    for g in range(len(factors.members)):
        count = factors.members[g]
        for k in range(FACTOR_SETS):
            within[g, k] = factors.sums[g, k] / count if count > 0.0 else np.nan
            if years < 2:
                year_to_year[g, k] = np.nan


@kernel
def _against_first_fit(rules, y, observed, outcome, group, factors, rows):
    """The year's adjustments had the first year's fit been the standard, by group."""
    risk, unscored = rules.year[y].risk_level, rules.year[0].unscored_adjustment
    final, factor = outcome.final_score, outcome.payment_adjustment_factor
    sums, part_b = factors.fixed, observed.part_b_payments
    standing = factors.paid[0]
    sums[:] = 0.0
    for i in range(len(final)):
        if i % TILE == 0:
            unit = factors.unit[y, i // TILE, WITHOUT_RISK - 1 - PEERS]
            _pay(rules, risk, unscored, unit, standing)
        if final[i] != final[i]:
            continue
        adjustment = standing[i % TILE]
        below = adjustment < -SIGN_TOLERANCE
        differs = 1.0 if below != (factor[i] < -SIGN_TOLERANCE) else 0.0
        negative = 1.0 if below else 0.0
        bonus, penalty = max(adjustment, 0.0) * part_b[i], max(-adjustment, 0.0) * part_b[i]
        for j in range(GROUPINGS + 1):
            g = np.int64(group[j, i]) if j < GROUPINGS else 0
            add_to_row(sums, g, (1.0, adjustment, negative, differs, bonus, penalty))
    for g in range(len(rows)):
        row, of_group = rows[g], sums[g]
        known = of_group[COUNT] if of_group[COUNT] > 0.0 else np.nan
        row.adjustment_mean = of_group[MEAN] / known
        row.share_negative = of_group[NEGATIVE] / known
        row.sign_differs_share = of_group[DIFFERS] / known
        row.bonuses, row.penalties = of_group[BONUSES], of_group[PENALTIES]
