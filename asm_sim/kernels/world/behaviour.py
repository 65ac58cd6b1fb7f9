"""What clinicians do about the model: effort, programmes, volume, choice of the collection type.

All of it is off unless a share or a response is given, and then no word is drawn and nothing is
changed. Effort and steering answer to adjustments of earlier years of the same draw, as soon as
these are known. True performance then depends on what was measured: the noise-free lens describes
the performance that came about, not what would have come about without noise, and a population that
is held still differs from draw to draw in its effort.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.numeric.variates import fill_uniform, fill_uniforms
from asm_sim.kernels.rule.points import decile_points, deviation_points
from asm_sim.kernels.world.performance import latent_rate, rate_at
from asm_sim.kernels.world.practices import CQM, ECQM
from asm_sim.kernels.world.streams import AVOIDANCE, COLLECTION_CHOICE, PRACTICE_TRAITS, PROGRAMMES

Floats = NDArray[np.float64]

LARGEST_PROGRAMMES = 4  # a block of words of the stream


class BehaviourModel(NamedTuple):
    """The levers of one cohort, K programmes; effects on cost are in SDs of latent cost."""

    moves_performance: bool  # effort or a programme
    remembers: bool  # effort, steering or practices that join others: earlier adjustments matter
    feedback_lag: int  # years from a performance year to the one in which it is acted upon
    effort_after_loss: float  # SDs of true performance per 1 of Part B payments lost
    effort_after_gain: float
    programme_share: Floats  # [K]
    programme_first: NDArray[np.int64]  # [K] performance year index
    programme_quality: Floats  # [K] SDs, positive is better
    programme_cost: Floats  # [K] SDs of latent cost, negative is cheaper
    programme_usd: Floats  # [K] a year and clinician
    programme_usd_per_patient: Floats  # [K] a year and episode
    avoidance_share: float
    avoidance_from: float  # mean episodes: the line, and the end of the band above it
    avoidance_below: float
    avoidance_target: float
    steering_after_loss: float  # log change of the mean episodes
    steering_after_gain: float
    choice_share: float  # of practices


class Behaviour(NamedTuple):
    """State of n clinicians in P practices, K programmes; empty where nothing is on."""

    adjustment: Floats  # [Y, n] of the years so far
    effort: Floats  # [n] SDs of true performance gained
    takes_part: NDArray[np.bool_]  # [K, n]
    better_quality: Floats  # [n] SDs, this year, by effort and programmes
    lower_cost: Floats  # [n] SDs of latent cost, the same
    chooses: NDArray[np.bool_]  # [P] the collection type
    collection: NDArray[np.int8]  # [n] room: all of one type
    of_practice: Floats  # [3, P] room: clinicians, mean rate, advantage of the other type


@kernel
def new_behaviour(model):
    levers = model.behaviour
    n = len(model.practice)
    moved = n if levers.moves_performance else 0
    choosing = n if levers.choice_share > 0.0 else 0
    practices = model.practice.max() + 1 if choosing > 0 else 0
    return Behaviour(
        adjustment=np.zeros((model.performance_years, n if levers.remembers else 0)),
        effort=np.zeros(moved),
        takes_part=np.zeros((len(levers.programme_share), moved), np.bool_),
        better_quality=np.zeros(moved),
        lower_cost=np.zeros(moved),
        chooses=np.zeros(practices, np.bool_),
        collection=np.zeros(choosing, np.int8),
        of_practice=np.empty((3, practices)),
    )


@kernel
def draw_behaviour(model, seed, population, clinicians):
    """Who takes part in which programme, and who keeps under the line; effort starts at nothing."""
    levers, state, rows = model.behaviour, clinicians.behaviour, clinicians.rows
    state.adjustment[:] = 0.0
    state.effort[:] = 0.0
    if levers.programme_share.max() > 0.0:
        fill_uniforms(
            seed, model.address, population, PROGRAMMES, 0, 0, rows[6], rows[7], rows[8], rows[9]
        )
        for k in range(len(levers.programme_share)):
            share, takes_part = levers.programme_share[k], state.takes_part[k]
            for i in range(len(takes_part)):
                takes_part[i] = rows[6 + k, i] < share
    if levers.avoidance_share > 0.0:
        fill_uniform(seed, model.address, population, AVOIDANCE, 0, 0, rows[6])
        mean = clinicians.episodes_mean
        for i in range(len(mean)):
            in_band = (mean[i] >= levers.avoidance_from) & (mean[i] < levers.avoidance_below)
            if in_band and rows[6, i] < levers.avoidance_share:
                mean[i] = levers.avoidance_target


@kernel
def draw_choosers(practice_model, model, seed, population, practices, clinicians):
    """Which practices choose their collection type by its points."""
    levers, chooses = model.behaviour, clinicians.behaviour.chooses
    if levers.choice_share > 0.0:
        uniform = practices.scratch[0]
        fill_uniform(
            seed, practice_model.address, population, PRACTICE_TRAITS, 0, COLLECTION_CHOICE, uniform
        )
        for p in range(len(chooses)):
            chooses[p] = uniform[p] < levers.choice_share


@kernel
def act(model, y, clinicians):
    """What is known by year y adds to the effort of those who know it; programmes go on."""
    levers, state = model.behaviour, clinicians.behaviour
    if not levers.moves_performance:
        return
    effort = state.effort
    if levers.remembers and y >= levers.feedback_lag:
        known = state.adjustment[y - levers.feedback_lag]
        for i in range(len(effort)):
            lost, gained = max(-known[i], 0.0), max(known[i], 0.0)
            effort[i] += levers.effort_after_loss * lost + levers.effort_after_gain * gained
    better, lower = state.better_quality, state.lower_cost
    better[:] = effort
    lower[:] = effort
    for k in range(len(levers.programme_share)):
        if levers.programme_share[k] > 0.0 and y >= levers.programme_first[k]:
            takes_part = state.takes_part[k]
            quality, cost = levers.programme_quality[k], levers.programme_cost[k]
            for i in range(len(better)):
                better[i] += quality if takes_part[i] else 0.0
                lower[i] -= cost if takes_part[i] else 0.0


@kernel
def steer(model, y, clinicians, mean):
    """Episodes go away from those whose last known adjustment is a loss, and to the others."""
    levers = model.behaviour
    if y < levers.feedback_lag:
        return
    known = clinicians.behaviour.adjustment[y - levers.feedback_lag]
    after_loss, after_gain = exp(levers.steering_after_loss), exp(levers.steering_after_gain)
    for i in range(len(mean)):
        if known[i] < 0.0:
            mean[i] *= after_loss
        elif known[i] > 0.0:
            mean[i] *= after_gain


@kernel
def remember(model, y, outcome, clinicians):
    """Keep the adjustments of year y for the years in which they are known."""
    if model.behaviour.remembers:
        clinicians.behaviour.adjustment[y] = outcome.payment_adjustment_factor


@kernel
def practices_know(practice_model, model, y, clinicians, practices):
    """The mean loss of a practice's clinicians who have taken part, as last known in year y."""
    if practice_model.consolidation.after_loss > 0.0:
        loss, count = practices.loss, practices.scratch[0]
        loss[:] = 0.0
        count[:] = 0.0
        lag = model.behaviour.feedback_lag
        for i in range(len(clinicians.practice) if y >= lag else 0):
            if clinicians.taken_part[i]:
                p = clinicians.practice[i]
                loss[p] -= clinicians.behaviour.adjustment[y - lag, i]
                count[p] += 1.0
        for p in range(len(loss)):
            loss[p] = max(loss[p], 0.0) / max(count[p], 1.0)


@kernel
def programme_spending(model, y, clinicians, observed):
    """USD that those who take part spend on programmes in year y; an episode is a patient."""
    levers = model.behaviour
    total = 0.0
    for k in range(len(levers.programme_share)):
        if levers.programme_share[k] > 0.0 and y >= levers.programme_first[k]:
            takes_part = clinicians.behaviour.takes_part[k]
            usd, per_patient = levers.programme_usd[k], levers.programme_usd_per_patient[k]
            for i in range(len(takes_part)):
                if takes_part[i] and clinicians.present[i]:
                    total += usd + per_patient * observed.episodes[i]
    return total


@kernel
def choose_collection(model, rules, y, fit, practices, clinicians, scratch):
    """Practices that choose report year y by the type that would have earned more last year.

    The true rates of last year, as either type has them, mean over the practice's clinicians,
    against last year's benchmarks of that type; points are summed over the measures that both types
    can report and have a benchmark for. With as many points nothing changes. ``fit`` is last
    year's.
    """
    if not (model.behaviour.choice_share > 0.0 and y > 0):
        return
    state, rows = clinicians.behaviour, clinicians.rows
    advantage = state.of_practice[2]
    advantage[:] = 0.0
    of_measures = model.quality
    for m in range(len(of_measures.slot)):
        kinds = of_measures.collection_of[m]
        if not of_measures.reported[m] or kinds[ECQM] == kinds[CQM]:
            continue
        if not (
            fit.has_benchmark[m, np.int64(kinds[ECQM])]
            and fit.has_benchmark[m, np.int64(kinds[CQM])]
        ):
            continue
        latent_rate(model, m, clinicians, rows[0])
        for other in range(2):
            kind = kinds[CQM] if other == 1 else kinds[ECQM]
            sign = 1.0 if other == 1 else -1.0
            state.collection[:] = kind
            rate_at(model, m, y - 1, state.collection, rows[0], clinicians.segment, rows[2])
            _mean_by_practice(clinicians.practice, rows[2], state)
            _points_against(rules, m, np.int64(kind), y - 1, fit, state.of_practice[1], scratch)
            for p in range(len(advantage)):
                advantage[p] += sign * scratch.values[p]
    for p in range(len(advantage)):
        if state.chooses[p] and advantage[p] != 0.0:
            practices.collection[p] = CQM if advantage[p] > 0.0 else ECQM


@kernel
def _mean_by_practice(practice, values, state):
    count, mean = state.of_practice[0], state.of_practice[1]
    count[:] = 0.0
    mean[:] = 0.0
    for i in range(len(values)):
        p = practice[i]
        count[p] += 1.0
        mean[p] += values[i]
    for p in range(len(mean)):
        mean[p] /= max(count[p], 1.0)


@inlined
def _points_against(rules, m, g, y, fit, rates, scratch):
    """Points of rates of measure m by collection type g, into ``scratch.values``."""
    n = len(rates)
    keys = scratch.keys
    sign = -1.0 if rules.measure_inverse[m] == rules.measure_by_deciles[m] else 1.0
    for p in range(n):
        keys[p] = sign * rates[p]
    if rules.measure_by_deciles[m]:
        cuts = fit.cut_points[m, g]
        decile_points(keys, n, cuts, scratch.values)
    else:
        location = fit.quality_location[m, g]
        deviation_points(
            keys, n, location[0], location[1], rules.quality_curve_z, rules.quality_curve_points,
            rules.year[y].quality_anchor, scratch.sorted_keys, scratch.values,
        )  # fmt: skip
