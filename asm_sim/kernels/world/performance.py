"""Performance: latent, true, and as so many cases or episodes show it.

A latent variable is in standard deviations: a part that stays, a part that changes (an AR(1)), what
a clinician gains who improves, and what clinicians do about the model (behaviour.py). True rates
and costs are monotone in it; n clinicians each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.numeric.counts import fill_binomial
from asm_sim.kernels.numeric.eight import (
    EIGHT,
    SIXTEEN,
    eight_are,
    eight_from,
    greater,
    look_up,
    look_up_either,
    put_eight,
    reached,
    table_from,
)
from asm_sim.kernels.numeric.elementary import exp, log
from asm_sim.kernels.numeric.segments import TEN
from asm_sim.kernels.numeric.vectors import has_wide_vectors, widest_vectors
from asm_sim.kernels.world.effects import COST as COST_EFFECT
from asm_sim.kernels.world.effects import QUALITY, add_group_effects
from asm_sim.kernels.world.streams import COST, FIRST_SLOT, OWN_QUALITY

Floats = NDArray[np.float64]

_SECOND = np.int8(1)  # collection type


class QualityModel(NamedTuple):
    """M measures of one cohort, G collection types, K percentiles, Y performance years."""

    slot: NDArray[np.int64]  # [M]
    reported: NDArray[np.bool_]  # [M]
    collection_of: NDArray[np.int8]  # [M, G] type used by a practice of this type
    proportion: NDArray[np.bool_]  # [M] a share of cases; otherwise normal
    knot_z: Floats  # [K]
    knot_rate: Floats  # [M, G * K] percent, at ascending quality
    normal_location: Floats  # [M]
    normal_signal: Floats  # [M] change per SD of quality, negative where lower is better
    normal_noise: Floats  # [M] noise SD of one case
    shifts_level: NDArray[np.bool_]  # [M] whether a level shifts in any year
    level_shift: Floats  # [M, Y, G] added to the true rates
    rate_maximum: Floats  # [M]
    clinician_share: float
    practice_share: float
    permanent_share: float
    persistence: float
    spread: float
    drift: float  # SDs of latent quality a year, everybody's


class CostModel(NamedTuple):
    """True cost of an episode, lognormal across clinicians; Y performance years."""

    median: Floats  # [Y] USD
    sigma: float
    cv: float  # coefficient of variation of one episode
    permanent_share: float
    persistence: float
    quality_correlation: float


class ImprovementModel(NamedTuple):
    """Who gets better every year, and by how much."""

    share: float
    per_year: float  # SDs of true performance


@kernel
def processes_used(model):
    """How many latent processes there are: own quality, cost, and one up to the last slot."""
    return FIRST_SLOT + model.quality.slot.max() + 1


@kernel
def common_quality(model, y, practices, clinicians):
    """The clinician's common factor: a practice component and the clinician's own."""
    lasting, of_practice = model.quality.permanent_share, model.quality.practice_share
    permanent = np.sqrt(lasting)
    changing = np.sqrt(1.0 - lasting)
    shared = np.sqrt(of_practice)
    own = np.sqrt(1.0 - of_practice)
    fixed = clinicians.permanent[OWN_QUALITY]
    moving = clinicians.changing[OWN_QUALITY]
    lasts, changes, part = (
        practices.quality_permanent,
        practices.quality_changing[y],
        practices.scratch[0],
    )
    for p in range(len(part)):
        part[p] = permanent * lasts[p] + changing * changes[p]
    practice, quality = clinicians.practice, clinicians.quality
    for i in range(len(quality)):
        quality[i] = part[np.uint64(practice[i])]
    for i in range(len(quality)):
        mine = permanent * fixed[i] + changing * moving[i]
        quality[i] = shared * quality[i] + own * mine


@kernel
def latent_cost(model, y, clinicians):
    """The latent cost of this year: a part that stays, one that changes, one shared with quality.

    A clinician who improves loses a little of it every year.
    """
    lasting = model.cost.permanent_share
    permanent = np.sqrt(lasting)
    changing = np.sqrt(1.0 - lasting)
    rho = model.cost.quality_correlation
    rest = np.sqrt(1.0 - rho * rho)
    fixed = clinicians.permanent[COST]
    moving = clinicians.changing[COST]
    cost = clinicians.latent_cost
    gain = model.improvement.per_year * y
    for i in range(len(cost)):
        own = permanent * fixed[i] + changing * moving[i]
        cost[i] = rho * clinicians.quality[i] + rest * own - gain * clinicians.improves[i]
    add_group_effects(clinicians.effect[COST_EFFECT], 1.0, cost)
    if model.shocks.shifted:
        for i in range(len(cost)):
            cost[i] += clinicians.cost_shift[i]
    if model.behaviour.moves_performance:
        lower = clinicians.behaviour.lower_cost
        for i in range(len(cost)):
            cost[i] -= lower[i]


@kernel
def shared_quality(model, y, clinicians):
    """What latent quality this year has in common in all measures of a clinician, in SDs."""
    quality, shared = model.quality, clinicians.shared_quality
    spread = quality.spread
    common = spread * np.sqrt(quality.clinician_share)
    gain = spread * model.improvement.per_year * y
    for i in range(len(shared)):
        shared[i] = common * clinicians.quality[i] + gain * clinicians.improves[i]
    add_group_effects(clinicians.effect[QUALITY], spread, shared)
    if model.shocks.shifted:
        for i in range(len(shared)):
            shared[i] += spread * clinicians.quality_shift[i]
    if model.behaviour.moves_performance:
        better = clinicians.behaviour.better_quality
        for i in range(len(shared)):
            shared[i] += spread * better[i]


@kernel
def latent_rate(model, m, clinicians, z):
    """Latent quality in measure m this year, in SDs, higher is better."""
    quality = model.quality
    process = FIRST_SLOT + quality.slot[m]
    own = quality.spread * np.sqrt(1.0 - quality.clinician_share)
    permanent = own * np.sqrt(quality.permanent_share)
    changing = own * np.sqrt(1.0 - quality.permanent_share)
    shared = clinicians.shared_quality
    fixed, moving = clinicians.permanent[process], clinicians.changing[process]
    for i in range(len(z)):
        z[i] = shared[i] + (permanent * fixed[i] + changing * moving[i])


@kernel
def cost_at(model, y, latent, cost):
    """Dollars an episode of a latent cost [n] at the level of performance year y."""
    median, sigma = model.cost.median[y], model.cost.sigma
    for i in range(len(cost)):
        cost[i] = median * exp(sigma * latent[i])


@kernel
def rate_at(model, m, y, collection, z, segment, rate):
    """True rate of a latent quality z [n] at the level of performance year y.

    The published quantile function of the measure by this collection type, of the latent quality
    with the drift that all have in common, plus the level shift. Scratch: segment int64 [n].
    """
    quality = model.quality
    drift = quality.spread * quality.drift * y
    if quality.proportion[m]:
        _through_percentiles(quality, m, collection, z, drift, segment, rate)
    else:
        signal = quality.normal_signal[m]
        location = quality.normal_location[m] + signal * drift
        for i in range(len(z)):
            rate[i] = location + signal * z[i]
    if quality.shifts_level[m]:
        shift = quality.level_shift[m, y]
        for i in range(len(z)):
            rate[i] += shift[np.int64(collection[i])]
    highest = quality.rate_maximum[m]
    for i in range(len(z)):
        rate[i] = min(max(rate[i], 0.0), highest)


@kernel
def _through_percentiles(quality, m, collection, z, drift, segment, rate):
    """Piecewise linear in the normal score through the percentiles, flat beyond the outermost."""
    knots, table = quality.knot_z, quality.knot_rate[m]
    slopes = _slopes(knots, table)
    done = 0
    if has_wide_vectors() and len(knots) <= SIXTEEN and len(table) <= 2 * len(knots):
        done = _through_tables(knots, table, slopes, collection, z, drift, rate)
    for k in range(1, len(knots), TEN):
        a, b, c, d = _knot(knots, k), _knot(knots, k + 1), _knot(knots, k + 2), _knot(knots, k + 3)
        e, f, g = _knot(knots, k + 4), _knot(knots, k + 5), _knot(knots, k + 6)
        h, p, q = _knot(knots, k + 7), _knot(knots, k + 8), _knot(knots, k + 9)
        for i in range(done, len(z)):
            at = z[i] + drift
            reached = np.int64(at >= a) + np.int64(at >= b) + np.int64(at >= c) + np.int64(at >= d)
            reached += np.int64(at >= e) + np.int64(at >= f) + np.int64(at >= g)
            reached += np.int64(at >= h) + np.int64(at >= p) + np.int64(at >= q)
            segment[i] = reached if k == 1 else segment[i] + reached
    for i in range(done, len(z)):
        # Numbers without a sign need no check whether they count from the end.
        k = np.uint64(segment[i])
        at = np.uint64(collection[i]) * np.uint64(len(knots)) + k
        rate[i] = table[at] + slopes[at] * max(z[i] + drift - knots[k], 0.0)


@kernel
def _through_tables(knots, table, slopes, collection, z, drift, rate):
    """The same of up to two collection types, as many as fill vectors of eight; how many."""
    rows = np.full((6, SIXTEEN), np.nan)
    count, last = len(knots), len(table) - len(knots)
    rows[0, : count - 1], rows[1, :count] = knots[1:], knots
    rows[2, :count], rows[3, :count] = table[:count], table[last:]
    rows[4, :count], rows[5, :count] = slopes[:count], slopes[last:]
    above, at_knot = table_from(rows[0]), table_from(rows[1])
    rates = table_from(rows[2]), table_from(rows[3])
    rises = table_from(rows[4]), table_from(rows[5])
    done = len(z) - len(z) % EIGHT
    for i in range(0, done, EIGHT):
        value = eight_from(z, i) + drift
        of_second = eight_are(collection, i, _SECOND)
        k = reached(above, value)
        ramp = greater(value - look_up(at_knot, k), 0.0)
        put_eight(
            look_up_either(rates, of_second, k) + look_up_either(rises, of_second, k) * ramp,
            rate, i,
        )  # fmt: skip
    return done


@kernel
def _slopes(knots, table):
    """Of the segment above every knot, collection type by type; nothing is above the last."""
    slopes = np.zeros(len(table))
    for g in range(0, len(table), len(knots)):
        for k in range(len(knots) - 1):
            slopes[g + k] = (table[g + k + 1] - table[g + k]) / (knots[k + 1] - knots[k])
    return slopes


@inlined
def _knot(knots, k):
    """A knot, or what no number reaches."""
    return knots[k] if k < len(knots) else np.inf


@kernel
def sample_cost(model, noise, episodes, true, cost):
    """The mean of so many episodes, lognormal; ``noise`` are standard normals [n]."""
    widest_vectors()
    cv = model.cost.cv
    cv2 = cv * cv
    for i in range(len(cost)):
        variance = log(1.0 + cv2 / max(episodes[i], 1.0))
        cost[i] = true[i] * exp(np.sqrt(variance) * noise[i] - 0.5 * variance)


@kernel
def sample_count(noise, cases, true, work, count):
    """Of so many cases, how many count for a rate in percent; as :func:`sample_rate`."""
    probability = work[0]
    for i in range(len(count)):
        probability[i] = 0.01 * true[i]
    fill_binomial(noise, cases, probability, count, work[1:])


@kernel
def sample_rate(model, m, noise, cases, true, work, rate):
    """What so many cases show of a true rate; ``noise`` standard normals [n], ``work`` [5, n]."""
    if model.quality.proportion[m]:
        sample_count(noise, cases, true, work, rate)
        for i in range(len(rate)):
            rate[i] = 100.0 * rate[i] / cases[i]
    else:
        sd = model.quality.normal_noise[m]
        for i in range(len(rate)):
            rate[i] = max(0.0, true[i] + sd / np.sqrt(max(cases[i], 1.0)) * noise[i])
