"""Shocks and overlap: extreme circumstances, foreign patients, accountable care organizations.

All are levers, off unless the population switches them on; off, nothing here is drawn or computed.
n clinicians in S states and P practices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.numeric.variates import fill_normal_pair, fill_uniform
from asm_sim.kernels.world.performance import cost_at, rate_at
from asm_sim.kernels.world.streams import (
    CLINICIAN_CIRCUMSTANCES,
    FOREIGN_PATIENTS,
    MISATTRIBUTION,
    STATE_CIRCUMSTANCES,
)


class ShockModel(NamedTuple):
    """The levers of one cohort; M measures, n clinicians in S states."""

    circumstances: bool  # whether extreme circumstances can happen
    state: NDArray[np.int64]  # [n] index into the cohort's S states
    state_address: NDArray[np.uint64]  # [2, S]
    state_named: NDArray[np.bool_]  # [Y, S]
    state_probability: float
    circumstances_share: float
    circumstances_loss: float  # SDs of true performance
    misattributed_share: float
    shifted: bool  # whether the shifts of performance below, or the loss above, are any
    aco_quality: float  # SDs of true quality
    aco_cost: float  # SDs of latent cost
    aco_sharing_rate: float  # of what an organization saves


@kernel
def draw_circumstances(model, seed, measurement, y, rows, met):
    """Who meets extreme circumstances in year y: ``met`` [n] is 1 or 0; scratch: rows [11, n].

    A state is struck by its chance or because it is named; of its clinicians a share is affected.
    """
    shocks = model.shocks
    named, share = shocks.state_named[y], shocks.circumstances_share
    states = len(named)
    for s in range(states):
        rows[0, s] = 1.0  # a uniform that strikes nobody
    if shocks.state_probability > 0.0:
        fill_uniform(
            seed, shocks.state_address, measurement, STATE_CIRCUMSTANCES, y + 1, 0,
            rows[0][:states],
        )  # fmt: skip
    struck = rows[4]
    for s in range(states):
        by_chance = rows[0, s] < shocks.state_probability
        struck[s] = 1.0 if by_chance or named[s] else 0.0
    affected = rows[5]
    affected[:] = 0.0
    if share < 1.0:
        fill_uniform(seed, model.address, measurement, CLINICIAN_CIRCUMSTANCES, y + 1, 0, affected)
    state = shocks.state
    for i in range(len(met)):
        met[i] = struck[state[i]] if affected[i] < share else 0.0


@kernel
def organization_dollars(model, practices, clinicians, observed, outcome, row):
    """USD of clinicians in organizations: bonuses and penalties of the payment year, and savings.

    What the organizations save on the cohort's episodes by what they do differently, and what is
    shared of it with them (42 CFR 425.605(d)): the same dollars lower the cost that is scored here.
    """
    factor, paid = outcome.payment_adjustment_factor, clinicians.paid
    saved = exp(-model.cost.sigma * model.shocks.aco_cost) - 1.0
    bonuses = penalties = savings = 0.0
    any_organization = False
    for p in range(len(practices.aco)):
        any_organization |= practices.aco[p]
    for i in range(len(factor) if any_organization else 0):
        if practices.aco[clinicians.practice[i]] and clinicians.present[i]:
            bonuses += max(factor[i], 0.0) * paid[i]
            penalties += max(-factor[i], 0.0) * paid[i]
            savings += observed.episodes[i] * clinicians.true_cost[i] * saved
    row.aco_bonuses = bonuses
    row.aco_penalties = penalties
    row.aco_savings = savings
    row.aco_shared_savings = model.shocks.aco_sharing_rate * savings


@kernel
def shift_performance(model, practices, clinicians, observed):
    """This year's shifts of latent quality and cost: of an organization, of circumstances."""
    quality, cost = clinicians.quality_shift, clinicians.cost_shift
    met, shocks = observed.extreme_circumstances, model.shocks
    for i in range(len(quality)):
        inside = 1.0 if practices.aco[clinicians.practice[i]] else 0.0
        loss = shocks.circumstances_loss * met[i]
        quality[i] = shocks.aco_quality * inside - loss
        cost[i] = shocks.aco_cost * inside + loss


@kernel
def draw_misattribution(model, seed, population, clinicians):
    """To whom the patients of others are attributed, for all years."""
    share = model.shocks.misattributed_share
    if share > 0.0:
        uniform, misattributed = clinicians.rows[6], clinicians.misattributed
        fill_uniform(seed, model.address, population, MISATTRIBUTION, 0, 0, uniform)
        for i in range(len(misattributed)):
            misattributed[i] = uniform[i] < share


@kernel
def draw_foreign_patients(model, seed, measurement, y, clinicians):
    """What the patients of others show in year y: latent cost, and quality by claims measure.

    That of another average clinician, independent of the years before.
    """
    foreign, spare, quality = clinicians.foreign, clinicians.rows[0], model.quality
    fill_normal_pair(
        seed, model.address, measurement, FOREIGN_PATIENTS, y + 1, 0, foreign[0], spare
    )
    for m in range(len(quality.slot)):
        if not quality.reported[m]:
            fill_normal_pair(
                seed, model.address, measurement, FOREIGN_PATIENTS, y + 1, quality.slot[m] + 1,
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
    """The same for the rate of a measure that CMS computes from claims; uses row 0."""
    shown, misattributed = clinicians.attributed, clinicians.misattributed
    z = clinicians.rows[0]
    spread = model.quality.spread
    for i in range(len(z)):
        z[i] = spread * clinicians.foreign[1 + m, i]
    rate_at(model, m, level, collection, z, clinicians.segment, shown)
    for i in range(len(shown)):
        shown[i] = shown[i] if misattributed[i] else true[i]
    return shown
