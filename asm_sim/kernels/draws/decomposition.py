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
from asm_sim.kernels.rule.cohort import score_against
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE
from asm_sim.kernels.rule.final_score import round_half_up
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

# Of a group's clinicians: how many, and the sums of a value and of its square.
MOMENTS = np.dtype([(name, np.float64) for name in ("count", "total", "squares")])


class Factors(NamedTuple):
    """What is kept of the first year, and room to work in: n clinicians, M measures."""

    first: Observed
    first_fit: Fit
    first_quality: Floats  # [M, n] latent
    first_cost: Floats  # [n] latent
    noise: Floats  # [M, n] of this year's rates, standard normal
    cost_noise: Floats  # [n]
    true_rate: Floats  # [M, n]
    true_cost: Floats  # [n]
    rate: Floats  # [M, n]
    cost: Floats  # [n]
    outcome: Outcome
    unit: Floats  # [sets without risk, n] adjustment over risk level
    before: Floats  # [sets, n] adjustment of the year before
    total: Floats  # [sets, n] of the adjustments
    squares: Floats  # [sets, n]
    sums: NDArray[np.void]  # [groups] the record MOMENTS
    nothing: NDArray[np.void]  # [1] the same, all zero


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
        true_rate=np.empty((measures, n)),
        true_cost=np.empty(n),
        rate=np.empty((measures, n)),
        cost=np.empty(n),
        outcome=new_outcome(measures, n),
        unit=np.empty((WITHOUT_RISK, n)),
        before=np.empty((FACTOR_SETS, n)),
        total=np.empty((FACTOR_SETS, n)),
        squares=np.empty((FACTOR_SETS, n)),
        sums=np.zeros(groups, MOMENTS),
        nothing=np.zeros(1, MOMENTS),
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
    _draw_noise(model, address.seed, address.measurement, y, clinicians, factors)
    for peers in range(2):
        for performance in range(2):
            reports = observed if performance == 1 else factors.first
            collection = reports.collection
            _true_values(model, y, peers == 1, performance == 1, clinicians, collection, factors)
            for participation in range(2):
                seen = observed if participation == 1 else factors.first
                for measure in range(2):
                    k = (
                        measure * MEASUREMENT
                        + participation * PARTICIPATION
                        + performance * PERFORMANCE
                        + peers * PEERS
                    )
                    if y == 0 and k > MEASUREMENT:  # the year is the first: nothing else moves
                        factors.unit[k] = factors.unit[k % 2]
                        continue
                    if k == WITHOUT_RISK - 1 or (y == 0 and k == MEASUREMENT):
                        _unit_adjustments(rules, y, fit, outcome, factors.unit[k])
                        continue
                    _own(
                        model, address.measured and measure == 1, y if peers == 1 else 0, seen,
                        collection, clinicians, factors,
                    )  # fmt: skip
                    own = by_reference(with_results(seen, factors.rate, collection, factors.cost))
                    against = fit if peers == 1 else factors.first_fit
                    of_year = y if peers == 1 else 0
                    score_against(own, rules, of_year, against, factors.outcome, scratch)
                    _unit_adjustments(rules, of_year, against, factors.outcome, factors.unit[k])
    _add_year(rules, y, clinicians, factors, year_to_year)
    _against_first_fit(rules, y, observed, outcome, clinicians.group, factors, fixed_standard)
    if y == model.performance_years - 1:
        _finish(model.performance_years, clinicians, factors, within, year_to_year)


@kernel
def _keep_first(model, clinicians, observed, fit, factors):
    for m in range(len(model.quality.slot)):
        latent_rate(model, m, 0, clinicians, factors.first_quality[m])
    factors.first_cost[:] = clinicians.latent_cost
    copy_observed(observed, factors.first)
    first_fit = factors.first_fit
    copy_quality_benchmarks(fit, first_fit)
    copy_cost_benchmark(fit, first_fit)
    first_fit.complexity[:] = fit.complexity
    first_fit.payment[0] = fit.payment[0]
    first_fit.positive_scores[:] = fit.positive_scores


@kernel
def _draw_noise(model, seed, measurement, y, clinicians, factors):
    """The normals that made this year's observed rates and costs."""
    rows = clinicians.rows
    for m in range(len(model.quality.slot)):
        fill_normals_and_uniforms(
            seed, model.address, measurement, MEASURE, y + 1, model.quality.slot[m],
            factors.noise[m], rows[0], rows[1], rows[2],
        )  # fmt: skip
    fill_normal_pair(
        seed, model.address, measurement, EPISODES, y + 1, 0, rows[0], factors.cost_noise
    )


@kernel
def _true_values(model, y, peers, performance, clinicians, collection, factors):
    """True rates and costs of this year's or the first year's performance.

    At this year's level against this year's peers, at the first year's against the first year's.
    """
    rows = clinicians.rows
    level = y if peers else 0
    for m in range(len(model.quality.slot)):
        if performance:
            latent_rate(model, m, y, clinicians, rows[0])
        else:
            rows[0, :] = factors.first_quality[m]
        rate_at(
            model, m, level, collection[m], rows[0], clinicians.segment, rows[1],
            factors.true_rate[m],
        )  # fmt: skip
    latent_cost = clinicians.latent_cost if performance else factors.first_cost
    cost_at(model, level, latent_cost, factors.true_cost)


@kernel
def _own(model, measured, level, seen, collection, clinicians, factors):
    """Rates and costs of the cohort when ``seen`` is what is reported and counted."""
    foreign = measured and model.shocks.misattributed_share > 0.0
    for m in range(len(model.quality.slot)):
        rate, true = factors.rate[m], factors.true_rate[m]
        if foreign and not model.quality.reported[m]:
            true = attributed_rate(model, m, level, collection[m], true, clinicians)
        if measured:
            work = clinicians.rows[6:11]
            sample_rate(model, m, factors.noise[m], seen.cases[m], true, work, rate)
        else:
            rate[:] = true
        reported = seen.rate[m]
        for i in range(len(rate)):
            rate[i] = rate[i] if reported[i] == reported[i] else np.nan
    if measured:
        cost = factors.true_cost
        if foreign:
            cost = attributed_cost(model, level, cost, clinicians)
        sample_cost(model, factors.cost_noise, seen.episodes, cost, factors.cost)
    else:
        factors.cost[:] = factors.true_cost


@kernel
def _unit_adjustments(rules, y, fit, outcome, unit):
    """Adjustment factors at a risk level of one, unrounded; nan for one without a final score.

    exchange.adjustment_of is not used: here the risk level, itself a factor, comes last, and a
    product in another order is another number in its last bits.
    """
    scaling = fit.payment[0].scaling_factor
    has_scaling = scaling == scaling
    for i in range(len(unit)):
        score = outcome.final_score[i]
        if score > rules.score_zero:
            transformed = outcome.transformed_score[i]  # none in the neutral band
            exchanged = has_scaling and transformed == transformed
            share = transformed * scaling - 1.0 if exchanged else 0.0
            unit[i] = min(share, rules.year[y].cap)
        elif score == score:
            unit[i] = rules.year[y].zero_score_adjustment
        else:
            unit[i] = np.nan


@inlined
def _paid(rules, risk, unit, unscored):
    """The adjustment factor of one at a risk level of one, rounded as the rule says."""
    adjustment = risk * unit if unit == unit else unscored
    steps = rules.adjustment_steps
    return round_half_up(adjustment, steps, rules.score_tie) if steps > 0.0 else adjustment


@kernel
def _add_year(rules, y, clinicians, factors, year_to_year):
    years = len(rules.year)
    group, taken_part = clinicians.group, clinicians.taken_part
    sums = factors.sums
    for k in range(FACTOR_SETS):
        risk = rules.year[y if k >= RISK_LEVEL else 0].risk_level
        unscored = rules.year[y if k & PEERS else 0].unscored_adjustment
        unit = factors.unit[k % WITHOUT_RISK]
        before, total, squares = factors.before[k], factors.total[k], factors.squares[k]
        _clear(factors)
        for i in range(len(unit)):
            adjustment = _paid(rules, risk, unit[i], unscored)
            change = adjustment - before[i]
            before[i] = adjustment
            total[i] += adjustment
            squares[i] += adjustment * adjustment
            if y > 0 and taken_part[i]:
                _count(sums, group, i, change, change * change)
        if y > 0:
            for g in range(len(sums)):
                year_to_year[g, k] += _variance(sums[g]) / (years - 1)


@kernel
def _clear(factors):
    for g in range(len(factors.sums)):
        factors.sums[g] = factors.nothing[0]


@kernel
def _count(sums, group, i, value, square):
    """Add a clinician to everyone and to each of its groups."""
    for j in range(GROUPINGS + 1):
        at = sums[np.int64(group[j, i]) if j < GROUPINGS else 0]
        at.count += 1.0
        at.total += value
        at.squares += square


@kernel
def _variance(at):
    """Sample variance from count, sum and sum of squares."""
    if at.count < 2.0:
        return np.nan
    return max(0.0, at.squares - at.total * at.total / at.count) / (at.count - 1.0)


@kernel
def _finish(years, clinicians, factors, within, year_to_year):
    """Mean over the clinicians of each group of their variance over the years."""
    group, taken_part = clinicians.group, clinicians.taken_part
    sums = factors.sums
    for k in range(FACTOR_SETS):
        total, squares = factors.total[k], factors.squares[k]
        _clear(factors)
        for i in range(len(total)):
            if not taken_part[i]:
                continue
            if years > 1:
                spread = max(0.0, squares[i] - total[i] * total[i] / years) / (years - 1)
            else:
                spread = np.nan
            _count(sums, group, i, spread, 0.0)
        for g in range(len(sums)):
            at = sums[g]
            within[g, k] = at.total / at.count if at.count > 0.0 else np.nan
            if years < 2:
                year_to_year[g, k] = np.nan


@kernel
def _against_first_fit(rules, y, observed, outcome, group, factors, rows):
    """The year's adjustments had the first year's fit been the standard, by group."""
    risk, unscored = rules.year[y].risk_level, rules.year[0].unscored_adjustment
    unit = factors.unit[WITHOUT_RISK - 1 - PEERS]
    sums = factors.sums
    _clear(factors)
    for g in range(len(rows)):
        row = rows[g]
        row.adjustment_mean = row.share_negative = row.sign_differs_share = 0.0
        row.bonuses = row.penalties = 0.0
    for i in range(len(unit)):
        if outcome.final_score[i] != outcome.final_score[i]:
            continue
        adjustment = _paid(rules, risk, unit[i], unscored)
        negative = adjustment < -SIGN_TOLERANCE
        differs = negative != (outcome.payment_adjustment_factor[i] < -SIGN_TOLERANCE)
        part_b = observed.part_b_payments[i]
        for j in range(GROUPINGS + 1):
            g = np.int64(group[j, i]) if j < GROUPINGS else 0
            sums[g].count += 1.0
            row = rows[g]
            row.adjustment_mean += adjustment
            row.share_negative += 1.0 if negative else 0.0
            row.sign_differs_share += 1.0 if differs else 0.0
            row.bonuses += max(adjustment, 0.0) * part_b
            row.penalties += max(-adjustment, 0.0) * part_b
    for g in range(len(rows)):
        row, known = rows[g], sums[g].count if sums[g].count > 0.0 else np.nan
        row.adjustment_mean /= known
        row.share_negative /= known
        row.sign_differs_share /= known
