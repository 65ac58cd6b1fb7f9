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
from asm_sim.kernels.numeric.elementary import exp, log
from asm_sim.kernels.numeric.variates import fill_binomial
from asm_sim.kernels.numeric.vectors import widest_vectors
from asm_sim.kernels.world.effects import COST as COST_EFFECT
from asm_sim.kernels.world.effects import QUALITY, add_group_effects
from asm_sim.kernels.world.streams import COST, FIRST_SLOT, OWN_QUALITY

Floats = NDArray[np.float64]


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
        quality[i] = part[practice[i]]
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
def latent_rate(model, m, y, clinicians, z):
    """Latent quality in measure m this year, in SDs, higher is better."""
    quality = model.quality
    spread = quality.spread
    process = FIRST_SLOT + quality.slot[m]
    permanent = np.sqrt(quality.permanent_share)
    changing = np.sqrt(1.0 - quality.permanent_share)
    common = spread * np.sqrt(quality.clinician_share)
    own = spread * np.sqrt(1.0 - quality.clinician_share)
    gain = spread * model.improvement.per_year * y
    fixed = clinicians.permanent[process]
    moving = clinicians.changing[process]
    for i in range(len(z)):
        specific = permanent * fixed[i] + changing * moving[i]
        z[i] = common * clinicians.quality[i] + own * specific + gain * clinicians.improves[i]
    add_group_effects(clinicians.effect[QUALITY], spread, z)
    if model.shocks.shifted:
        for i in range(len(z)):
            z[i] += spread * clinicians.quality_shift[i]
    if model.behaviour.moves_performance:
        better = clinicians.behaviour.better_quality
        for i in range(len(z)):
            z[i] += spread * better[i]


@kernel
def cost_at(model, y, latent, cost):
    """Dollars an episode of a latent cost [n] at the level of performance year y."""
    median, sigma = model.cost.median[y], model.cost.sigma
    for i in range(len(cost)):
        cost[i] = median * exp(sigma * latent[i])


@kernel
def rate_at(model, m, y, collection, z, segment, share, rate):
    """True rate of a latent quality z [n] at the level of performance year y.

    The published quantile function of the measure by this collection type, of the latent quality
    with the drift that all have in common, plus the level shift. Scratch: segment int64 [n], share
    float64 [n].
    """
    quality = model.quality
    drift = quality.spread * quality.drift * y
    if quality.proportion[m]:
        _through_percentiles(quality, m, collection, z, drift, segment, share, rate)
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
def _through_percentiles(quality, m, collection, z, drift, segment, share, rate):
    """Piecewise linear in the normal score through the percentiles, flat beyond the outermost."""
    knots = quality.knot_z
    last = len(knots) - 1
    lowest, highest = knots[0], knots[last]
    for i in range(len(z)):
        segment[i] = 0
        share[i] = min(max(z[i] + drift, lowest), highest)
    for k in range(1, last, 5):  # five at once, so that a number is read less often
        a, b, c = _inner(knots, k), _inner(knots, k + 1), _inner(knots, k + 2)
        d, e = _inner(knots, k + 3), _inner(knots, k + 4)
        for i in range(len(z)):
            at = share[i]
            reached = np.int64(at >= a) + np.int64(at >= b) + np.int64(at >= c)
            segment[i] += reached + np.int64(at >= d) + np.int64(at >= e)
    table = quality.knot_rate[m]
    for i in range(len(z)):  # numbers without a sign need no check whether they count from the end
        k = np.uint64(segment[i])
        at = np.uint64(collection[i]) * np.uint64(last + 1) + k
        low, base = knots[k], table[at]
        part = (share[i] - low) / (knots[k + np.uint64(1)] - low)
        rate[i] = base + part * (table[at + np.uint64(1)] - base)


@inlined
def _inner(knots, k):
    """A knot between the outermost, or what no number reaches."""
    return knots[k] if k < len(knots) - 1 else np.inf


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
def sample_rate(model, m, noise, cases, true, work, rate):
    """What so many cases show of a true rate; ``noise`` standard normals [n], ``work`` [5, n]."""
    if model.quality.proportion[m]:
        probability = work[0]
        for i in range(len(rate)):
            probability[i] = 0.01 * true[i]
        fill_binomial(noise, cases, probability, rate, work[1:])
        for i in range(len(rate)):
            rate[i] = 100.0 * rate[i] / cases[i]
    else:
        sd = model.quality.normal_noise[m]
        for i in range(len(rate)):
            rate[i] = max(0.0, true[i] + sd / np.sqrt(max(cases[i], 1.0)) * noise[i])
