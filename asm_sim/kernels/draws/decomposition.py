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
from asm_sim.kernels.numeric.vectors import add_to_row
from asm_sim.kernels.rule.cohort import score_adjusted, score_against
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
TILE = 64  # clinicians whose sets are put side by side at a time

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
    rate: Floats  # [M, n]
    cost: Floats  # [n]
    outcome: Outcome
    with_participation: Outcome  # the same where that is one of the factors
    complexity: Floats  # [participation, n] complex-patient adjustment of one with a final score
    unit: Floats  # [sets without risk, n] adjustment over risk level
    # Sets come last in what follows: what is done to a clinician is done in all of them at once.
    tile: Floats  # [TILE, sets without risk] some of the same
    before: Floats  # [n, sets] adjustment of the year before
    total: Floats  # [n, sets] of the adjustments
    squares: Floats  # [n, sets]
    risk: Floats  # [sets] risk level
    unscored: Floats  # [sets] adjustment of one without a final score
    paid: Floats  # [sets] adjustment of one clinician
    value: Floats  # [sets] of the same, to be added up
    members: Floats  # [groups] clinicians in a group
    group_total: Floats  # [groups, sets] sum of a value over them
    group_squares: Floats  # [groups, sets] and of its square
    fixed: Floats  # [groups, FIXED_SUMS]


@kernel
def new_factors(rules, measures, n, groups):
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
        unit=np.empty((WITHOUT_RISK, n)),
        tile=np.empty((TILE, WITHOUT_RISK)),
        before=np.empty((n, FACTOR_SETS)),
        total=np.empty((n, FACTOR_SETS)),
        squares=np.empty((n, FACTOR_SETS)),
        risk=np.empty(FACTOR_SETS),
        unscored=np.empty(FACTOR_SETS),
        paid=np.empty(FACTOR_SETS),
        value=np.empty(FACTOR_SETS),
        members=np.empty(groups),
        group_total=np.empty((groups, FACTOR_SETS)),
        group_squares=np.empty((groups, FACTOR_SETS)),
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
        factors.total[:] = 0.0
        factors.squares[:] = 0.0
        _score_first(model, rules, clinicians, fit, outcome, scratch, factors)
    else:
        _draw_noise(model, address, y, clinicians, observed, factors)
        for peers in range(2):
            _score_sets(
                model, rules, y, address, peers, clinicians, observed, fit, outcome, scratch,
                factors,
            )  # fmt: skip
    _add_year(rules, y, clinicians, factors, year_to_year)
    _against_first_fit(rules, y, observed, outcome, clinicians.group, factors, fixed_standard)
    if y == model.performance_years - 1:
        _finish(model.performance_years, clinicians, factors, within, year_to_year)


@kernel
def _score_first(model, rules, clinicians, fit, outcome, scratch, factors):
    """Every set in the first year: nothing but measurement moves."""
    _true_values(model, 0, 0, 0, clinicians, factors.first.collection, factors)
    _own(model, False, 0, 0, factors.first, factors.first.collection, clinicians, factors)
    own = by_reference(
        with_results(factors.first, factors.rate, factors.first.collection, factors.cost)
    )
    score_against(own, rules, 0, fit, factors.outcome, scratch)
    _unit_adjustments(rules, 0, fit, factors.outcome, factors.unit[0])
    _unit_adjustments(rules, 0, fit, outcome, factors.unit[MEASUREMENT])
    for k in range(2, WITHOUT_RISK):
        factors.unit[k] = factors.unit[k % 2]


@kernel
def _score_sets(
    model, rules, y, address, peers, clinicians, observed, fit, outcome, scratch, factors
):
    """The sets with or without ``peers`` in a later year; that without any factor stays."""
    against = fit if peers == 1 else factors.first_fit
    of_year = y if peers == 1 else 0
    for participation in range(2):
        seen = observed if participation == 1 else factors.first
        into = factors.with_participation if participation == 1 else factors.outcome
        state_adjustments(seen, rules, of_year, against, into)
        factors.complexity[participation] = into.complex_patient_adjustment
    for performance in range(2):
        collection = observed.collection if performance == 1 else factors.first.collection
        if peers == 1 or performance == 1:  # else as in the first year
            _true_values(model, y, peers, performance, clinicians, collection, factors)
        for participation in range(2):
            seen = observed if participation == 1 else factors.first
            into = factors.with_participation if participation == 1 else factors.outcome
            for measure in range(2):
                k = (
                    measure * MEASUREMENT
                    + participation * PARTICIPATION
                    + performance * PERFORMANCE
                    + peers * PEERS
                )
                if k == WITHOUT_RISK - 1:
                    _unit_adjustments(rules, y, fit, outcome, factors.unit[k])
                elif k > 0:
                    _own(
                        model, address.measured and measure == 1, y if peers == 1 else 0,
                        k, seen, collection, clinicians, factors,
                    )  # fmt: skip
                    own = by_reference(with_results(seen, factors.rate, collection, factors.cost))
                    into.complex_patient_adjustment[:] = factors.complexity[participation]
                    score_adjusted(own, rules, of_year, against, into, scratch)
                    _unit_adjustments(rules, of_year, against, into, factors.unit[k])


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
def _own(model, measured, level, k, seen, collection, clinicians, factors):
    """Rates and costs of the cohort in set ``k``, of which ``seen`` is reported and counted."""
    peers, performance = k // PEERS, k // PERFORMANCE % 2
    foreign = measured and model.shocks.misattributed_share > 0.0
    for m in range(len(model.quality.slot)):
        rate, true = factors.rate[m], factors.true_rate[peers, performance, m]
        if foreign and not model.quality.reported[m]:
            true = attributed_rate(model, m, level, collection[m], true, clinicians)
        if measured:
            work = clinicians.rows[6:11]
            sample_rate(model, m, factors.noise[m], seen.cases[m], true, work, rate)
            true = rate
        reported = seen.rate[m]
        for i in range(len(rate)):
            rate[i] = true[i] if reported[i] == reported[i] else np.nan
    cost, true_cost = factors.cost, factors.true_cost[peers, performance]
    if foreign:
        true_cost = attributed_cost(model, level, true_cost, clinicians)
    if measured:
        shown = factors.shown_cost[k // PARTICIPATION % 2]
        for i in range(len(cost)):
            cost[i] = true_cost[i] * shown[i]
    else:
        cost[:] = true_cost


@kernel
def _unit_adjustments(rules, y, fit, outcome, unit):
    """Adjustment factors at a risk level of one, unrounded; nan for one without a final score.

    exchange.adjustment_of is not used: here the risk level, itself a factor, comes last, and a
    product in another order is another number in its last bits.
    """
    scaling = fit.payment[0].scaling_factor
    has_scaling = scaling == scaling
    zero, highest = rules.score_zero, rules.year[y].cap
    of_zero_scorers = rules.year[y].zero_score_adjustment
    final, transformed = outcome.final_score, outcome.transformed_score
    for i in range(len(unit)):
        known = transformed[i] == transformed[i]  # none in the neutral band
        share = transformed[i] * scaling - 1.0 if known & has_scaling else 0.0
        share = highest if highest < share else share
        below = of_zero_scorers if final[i] == final[i] else np.nan
        unit[i] = share if final[i] > zero else below


@inlined
def _paid(risk, unit, unscored, steps, tie):
    """The adjustment factor of one at a risk level of one, rounded as the rule says."""
    adjustment = risk * unit if unit == unit else unscored
    return round_half_up(adjustment, steps, tie) if steps > 0.0 else adjustment


@kernel
def _add_year(rules, y, clinicians, factors, year_to_year):
    years = len(rules.year)
    group, taken_part = clinicians.group, clinicians.taken_part
    risk, unscored = factors.risk, factors.unscored
    paid, change = factors.paid, factors.value
    for k in range(FACTOR_SETS):
        risk[k] = rules.year[y if k >= RISK_LEVEL else 0].risk_level
        unscored[k] = rules.year[y if k & PEERS else 0].unscored_adjustment
    _clear(factors)
    steps, tie = rules.adjustment_steps, rules.score_tie
    n = len(taken_part)
    for begin in range(0, n, TILE):
        end = min(begin + TILE, n)
        _side_by_side(factors.unit, begin, end, factors.tile)
        for i in range(begin, end):
            unit, before = factors.tile[i - begin], factors.before[i]
            total, squares = factors.total[i], factors.squares[i]
            for k in range(WITHOUT_RISK):  # loops of few arrays, which are made vectors of
                paid[k] = _paid(risk[k], unit[k], unscored[k], steps, tie)
            for k in range(WITHOUT_RISK):
                j = k + WITHOUT_RISK
                paid[j] = _paid(risk[j], unit[k], unscored[j], steps, tie)
            for k in range(FACTOR_SETS):
                change[k] = paid[k] - before[k]
            before[:] = paid
            for k in range(FACTOR_SETS):
                total[k] += paid[k]
            for k in range(FACTOR_SETS):
                squares[k] += paid[k] * paid[k]
            if y > 0 and taken_part[i]:
                _count(group, i, change, factors)
    if y > 0:
        for g in range(len(factors.members)):
            for k in range(FACTOR_SETS):
                year_to_year[g, k] += _variance(factors, g, k) / (years - 1)


@kernel
def _side_by_side(unit, begin, end, tile):
    for k in range(WITHOUT_RISK):
        of_set = unit[k, begin:end]
        for t in range(len(of_set)):
            tile[t, k] = of_set[t]


@kernel
def _clear(factors):
    factors.members[:] = 0.0
    factors.group_total[:] = 0.0
    factors.group_squares[:] = 0.0


@kernel
def _count(group, i, value, factors):
    """Add a clinician to everyone and to each of its groups, by its value in every set."""
    for j in range(GROUPINGS + 1):
        g = np.int64(group[j, i]) if j < GROUPINGS else 0
        factors.members[g] += 1.0
        total, squares = factors.group_total[g], factors.group_squares[g]
        for k in range(FACTOR_SETS):
            total[k] += value[k]
            squares[k] += value[k] * value[k]


@kernel
def _variance(factors, g, k):
    """Sample variance from count, sum and sum of squares."""
    count, total = factors.members[g], factors.group_total[g, k]
    if count < 2.0:
        return np.nan
    return max(0.0, factors.group_squares[g, k] - total * total / count) / (count - 1.0)


@kernel
def _finish(years, clinicians, factors, within, year_to_year):
    """Mean over the clinicians of each group of their variance over the years."""
    spread = factors.value
    _clear(factors)
    for i in range(len(clinicians.taken_part)):
        if not clinicians.taken_part[i]:
            continue
        total, squares = factors.total[i], factors.squares[i]
        for k in range(FACTOR_SETS):
            around = max(0.0, squares[k] - total[k] * total[k] / years)
            spread[k] = around / (years - 1) if years > 1 else np.nan
        _count(clinicians.group, i, spread, factors)
    for g in range(len(factors.members)):
        count = factors.members[g]
        for k in range(FACTOR_SETS):
            within[g, k] = factors.group_total[g, k] / count if count > 0.0 else np.nan
            if years < 2:
                year_to_year[g, k] = np.nan


@kernel
def _against_first_fit(rules, y, observed, outcome, group, factors, rows):
    """The year's adjustments had the first year's fit been the standard, by group."""
    risk, unscored = rules.year[y].risk_level, rules.year[0].unscored_adjustment
    steps, tie = rules.adjustment_steps, rules.score_tie
    final, factor = outcome.final_score, outcome.payment_adjustment_factor
    sums, part_b = factors.fixed, observed.part_b_payments
    unit = factors.unit[WITHOUT_RISK - 1 - PEERS]
    sums[:] = 0.0
    for i in range(len(final)):
        if final[i] != final[i]:
            continue
        adjustment = _paid(risk, unit[i], unscored, steps, tie)
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
