"""Shocks and overlap: extreme circumstances, foreign patients, accountable care organizations.

All are levers, off unless the population switches them on; off, nothing here is drawn or computed.
n clinicians in S states and P practices.
"""

from __future__ import annotations

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.numeric.variates import fill_normal_pair, fill_uniforms
from asm_sim.kernels.world.performance import cost_at, rate_at
from asm_sim.kernels.world.streams import (
    CLINICIAN_CIRCUMSTANCES,
    FOREIGN_PATIENTS,
    MISATTRIBUTION,
    STATE_CIRCUMSTANCES,
)


@inlined
def draw_circumstances(model, seed, measurement, y, rows, met):
    """Who meets extreme circumstances in year y: ``met`` [n] is 1 or 0; scratch: rows [10, n].

    A state is struck by its chance or because it is named; of its clinicians a share is affected.
    """
    states = len(model.state_named[y])
    for s in range(states):
        rows[0, s] = 1.0  # a uniform that strikes nobody
    if model.state_probability > 0.0:
        fill_uniforms(
            seed, model.state_address, measurement, STATE_CIRCUMSTANCES, y + 1, 0,
            rows[0][:states], rows[1][:states], rows[2][:states], rows[3][:states],
        )  # fmt: skip
    struck = rows[4]
    for s in range(states):
        by_chance = rows[0, s] < model.state_probability
        struck[s] = 1.0 if by_chance or model.state_named[y, s] else 0.0
    affected = rows[5]
    affected[:] = 0.0
    if model.circumstances_share < 1.0:
        fill_uniforms(
            seed, model.address, measurement, CLINICIAN_CIRCUMSTANCES, y + 1, 0,
            affected, rows[6], rows[7], rows[8],
        )  # fmt: skip
    for i in range(len(met)):
        met[i] = struck[model.state[i]] if affected[i] < model.circumstances_share else 0.0


@inlined
def organization_dollars(model, practices, clinicians, observed, outcome, row):
    """USD of clinicians in organizations: bonuses and penalties of the payment year, and savings.

    What the organizations save on the cohort's episodes by what they do differently, and what is
    shared of it with them (42 CFR 425.605(d)): the same dollars lower the cost that is scored here.
    """
    factor, paid = outcome.payment_adjustment_factor, clinicians.paid
    saved = exp(-model.cost_sigma * model.aco_cost) - 1.0
    bonuses = penalties = savings = 0.0
    for i in range(len(factor)):
        if practices.aco[clinicians.practice[i]] and clinicians.present[i]:
            bonuses += max(factor[i], 0.0) * paid[i]
            penalties += max(-factor[i], 0.0) * paid[i]
            savings += observed.episodes[i] * clinicians.true_cost[i] * saved
    row.aco_bonuses = bonuses
    row.aco_penalties = penalties
    row.aco_savings = savings
    row.aco_shared_savings = model.aco_sharing_rate * savings


@inlined
def shift_performance(model, practices, clinicians, observed):
    """This year's shifts of latent quality and cost: of an organization, of circumstances."""
    quality, cost = clinicians.quality_shift, clinicians.cost_shift
    met = observed.extreme_circumstances
    for i in range(len(quality)):
        inside = 1.0 if practices.aco[clinicians.practice[i]] else 0.0
        loss = model.circumstances_loss * met[i]
        quality[i] = model.aco_quality * inside - loss
        cost[i] = model.aco_cost * inside + loss


@inlined
def draw_misattribution(model, seed, population, clinicians):
    """To whom the patients of others are attributed, for all years."""
    if model.misattributed_share > 0.0:
        rows, misattributed = clinicians.rows, clinicians.misattributed
        fill_uniforms(
            seed, model.address, population, MISATTRIBUTION, 0, 0, rows[6], rows[7], rows[8],
            rows[9],
        )  # fmt: skip
        for i in range(len(misattributed)):
            misattributed[i] = rows[6, i] < model.misattributed_share


@inlined
def draw_foreign_patients(model, seed, measurement, y, clinicians):
    """What the patients of others show in year y: latent cost, and quality by claims measure.

    That of another average clinician, independent of the years before.
    """
    foreign, spare = clinicians.foreign, clinicians.rows[0]
    fill_normal_pair(
        seed, model.address, measurement, FOREIGN_PATIENTS, y + 1, 0, foreign[0], spare
    )
    for m in range(len(model.slot)):
        if not model.reported[m]:
            fill_normal_pair(
                seed, model.address, measurement, FOREIGN_PATIENTS, y + 1, model.slot[m] + 1,
                foreign[1 + m], spare,
            )  # fmt: skip


@kernel
def attributed_cost(model, level, true, clinicians):
    """The cost behind what is observed [n], at the level of a performance year: own or foreign."""
    shown, misattributed = clinicians.attributed, clinicians.misattributed
    cost_at(model, level, clinicians.foreign[0], shown)
    for i in range(len(shown)):
        shown[i] = shown[i] if misattributed[i] else true[i]
    return shown


@kernel
def attributed_rate(model, m, level, collection, true, clinicians):
    """The same for the rate of a measure that CMS computes from claims; uses rows 0 and 1."""
    shown, misattributed = clinicians.attributed, clinicians.misattributed
    z, share = clinicians.rows[0], clinicians.rows[1]
    for i in range(len(z)):
        z[i] = model.spread * clinicians.foreign[1 + m, i]
    rate_at(model, m, level, collection, z, clinicians.segment, share, shown)
    for i in range(len(shown)):
        shown[i] = shown[i] if misattributed[i] else true[i]
    return shown
