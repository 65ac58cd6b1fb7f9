"""The clinicians of one cohort in one draw: traits, true performance, and what CMS observes.

Two layers. Population: who they are and how they truly perform. Measurement: which episodes and
cases they happen to have, and the accidents of reporting. With measurement off the observed rates
and costs are the true ones; who reports what stays as realised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.numeric._jit import inlined, kernel
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.numeric.variates import (
    fill_normal_pair,
    fill_normals,
    fill_normals_and_uniforms,
    fill_poisson,
    fill_uniforms,
)
from asm_sim.kernels.world.behaviour import Behaviour, act, draw_behaviour, new_behaviour, steer
from asm_sim.kernels.world.effects import (
    draw_selection,
    patients_change,
    select_patients,
    set_group_effects,
)
from asm_sim.kernels.world.geography import DrawnAreas, new_areas, raise_cost
from asm_sim.kernels.world.participation import (
    Stays,
    determine_participants,
    draw_stays,
    new_stays,
    place_clinicians,
)
from asm_sim.kernels.world.performance import (
    common_quality,
    cost_at,
    latent_cost,
    latent_rate,
    rate_at,
    sample_cost,
    sample_rate,
)
from asm_sim.kernels.world.practices import PLACE_GROUP, SIZE_GROUP
from asm_sim.kernels.world.shocks import (
    attributed_cost,
    attributed_rate,
    draw_circumstances,
    draw_foreign_patients,
    draw_misattribution,
    shift_performance,
)
from asm_sim.kernels.world.stated import state_clinicians, state_part_b
from asm_sim.kernels.world.streams import (
    AGEING,
    CLINICIAN_TRAITS,
    COST,
    DEPARTURE,
    EPISODES,
    FIRST_SLOT,
    IMPROVEMENT,
    MEASURE,
    PERFORMANCE,
    VOLUME,
)

Floats = NDArray[np.float64]

GROUPINGS = 5  # practice size, place, specialty, episodes, dual share (population/compile.py)


class Clinicians(NamedTuple):
    """n clinicians, M measures; L latent processes: own quality, cost, one for each slot."""

    specialty: NDArray[np.int8]  # [n]
    practice: NDArray[np.int64]  # [n] this year
    group: NDArray[np.int16]  # [GROUPINGS, n] this year
    episodes_mean: Floats  # [n]
    cases_mean: Floats  # [M, n]
    part_b: Floats  # [calendar years, n] USD
    leaves: NDArray[np.bool_]  # [calendar years, n] stops practising in it
    paid: Floats  # [n] Part B of the payment year, 0 of one who has left by then
    present: NDArray[np.bool_]  # [n] takes part this year
    taken_part: NDArray[np.bool_]  # [n] in this year or an earlier one
    stays: Stays
    areas: DrawnAreas
    improves: Floats  # [n] 1 of one whose true performance gets better every year, else 0
    selects: Floats  # [n] 1 of one who selects patients, else 0
    effect: Floats  # [2, n] group effects on latent quality and cost, this year; [2, 0] without any
    permanent: Floats  # [L, n]
    changing: Floats  # [L, n] AR(1), this year
    volume_drift: Floats  # [n] log, this year
    quality: Floats  # [n] the clinician's common factor, this year
    latent_cost: Floats  # [n] in SDs above the median, this year
    quality_shift: Floats  # [n] SDs of shocks and overlap (shocks.py), this year, if any
    cost_shift: Floats  # [n]
    misattributed: NDArray[np.bool_]  # [n] measured by the patients of others
    foreign: Floats  # [1 + M, n] latent cost and quality that those show this year, if any do
    attributed: Floats  # [n] room for the true cost or rate behind what is observed
    true_rate: Floats  # [M, n]
    true_cost: Floats  # [n]
    segment: NDArray[np.int64]  # [n]
    rows: Floats  # [10, n]
    behaviour: Behaviour


@kernel
def new_clinicians(model, latent):
    n = len(model.practice)
    measures = len(model.slot)
    misattributes = n if model.misattributed_share > 0.0 else 0
    affected = n if model.group_effects.shape[1] > 0 else 0
    return Clinicians(
        specialty=np.zeros(n, np.int8),
        practice=model.practice.copy(),
        group=np.zeros((GROUPINGS, n), np.int16),
        episodes_mean=np.empty(n),
        cases_mean=np.empty((measures, n)),
        part_b=np.empty((model.calendar_years, n)),
        leaves=np.zeros((model.calendar_years, n), np.bool_),
        paid=np.empty(n),
        present=np.ones(n, np.bool_),
        taken_part=np.ones(n, np.bool_),
        stays=new_stays(model),
        areas=new_areas(model),
        improves=np.zeros(n),
        selects=np.zeros(n),
        effect=np.zeros((2, affected)),
        permanent=np.zeros((latent, n)),
        changing=np.zeros((latent, n)),
        volume_drift=np.empty(n),
        quality=np.empty(n),
        latent_cost=np.empty(n),
        quality_shift=np.zeros(n),
        cost_shift=np.zeros(n),
        misattributed=np.zeros(n, np.bool_),
        foreign=np.empty((1 + measures, misattributes)),
        attributed=np.empty(misattributes),
        true_rate=np.empty((measures, n)),
        true_cost=np.empty(n),
        segment=np.zeros(n, np.int64),
        rows=np.empty((10, n)),
        behaviour=new_behaviour(model),
    )


@inlined
def latent_processes(model):
    """Rows that hold every latent process, rounded up to whole blocks of four normals."""
    needed = FIRST_SLOT + model.slot.max() + 1
    return 4 * ((needed + 3) // 4)


@kernel
def draw_traits(model, seed, population, practices, clinicians, observed):
    """Everything that stays as it is over the years, and Part B of every calendar year."""
    rows = clinicians.rows
    n = len(model.practice)
    fill_normals(
        seed, model.address, population, CLINICIAN_TRAITS, 0, 0, rows[0], rows[1], rows[2], rows[3]
    )
    volume, hcc, dual = rows[0], rows[2], rows[3]
    for i in range(n):
        p = model.practice[i]
        s = 0
        while s + 1 < len(model.specialty_cumulative) and (
            practices.specialty_uniform[p] >= model.specialty_cumulative[s]
        ):
            s += 1
        clinicians.specialty[i] = s
        observed.practice_size[i] = practices.size[p]
        observed.rural[i] = practices.rural[p]
        clinicians.group[0, i] = SIZE_GROUP + practices.size_class[p]
        clinicians.group[1, i] = PLACE_GROUP + practices.rural[p]
        clinicians.group[2, i] = model.specialty_group + s
        score = model.hcc_mean[s] + model.hcc_sd[s] * hcc[i]
        observed.hcc_risk_score[i] = max(score, model.hcc_floor)
    own = np.sqrt(1.0 - model.hcc_dual_correlation**2)
    for i in range(n):
        z = model.hcc_dual_correlation * hcc[i] + own * dual[i]
        observed.dual_share[i] = 1.0 / (1.0 + exp(-model.dual_logit_mean - model.dual_logit_sd * z))
        above = exp(model.episodes_log_mean + model.episodes_sigma * volume[i])
        clinicians.episodes_mean[i] = model.episodes_minimum + above
    state_clinicians(model, hcc, clinicians, observed)
    for i in range(n):
        band = 0
        for limit in model.episode_bands:
            band += clinicians.episodes_mean[i] >= limit
        clinicians.group[3, i] = model.episode_group + band
        fifth = 0
        for limit in model.dual_limits:
            fifth += observed.dual_share[i] >= limit
        clinicians.group[4, i] = model.dual_group + fifth
    _draw_cases(model, seed, population, clinicians)
    _draw_part_b(model, seed, population, clinicians)
    state_part_b(model, clinicians)
    _draw_permanent(model, seed, population, clinicians)
    raise_cost(model, clinicians)
    _draw_improvement(model, seed, population, clinicians)
    draw_selection(model, seed, population, clinicians)
    _draw_departures(model, seed, population, clinicians)
    _draw_retirements(model, seed, population, clinicians)
    draw_misattribution(model, seed, population, clinicians)
    draw_behaviour(model, seed, population, clinicians)
    if model.redetermined:
        draw_stays(model, seed, population, clinicians)
    if model.places_change:
        clinicians.practice[:] = model.practice
    clinicians.volume_drift[:] = 0.0


@kernel
def _draw_cases(model, seed, population, clinicians):
    """Mean number of cases of each measure; rows[0] holds the volume normal."""
    rows = clinicians.rows
    volume = rows[0]
    shared = model.cases_sigma * np.sqrt(model.cases_volume_share)
    own = model.cases_sigma * np.sqrt(1.0 - model.cases_volume_share)
    for block in range(model.slot.max() // 4 + 1):
        fill_normals(
            seed,
            model.address,
            population,
            CLINICIAN_TRAITS,
            0,
            block + 1,
            rows[6],
            rows[7],
            rows[8],
            rows[9],
        )
        for m in range(len(model.slot)):
            if model.slot[m] // 4 == block:
                z = rows[6 + model.slot[m] % 4]
                mean = clinicians.cases_mean[m]
                for i in range(len(z)):
                    mean[i] = exp(model.cases_log_median[m] + shared * volume[i] + own * z[i])


@kernel
def _draw_part_b(model, seed, population, clinicians):
    """Part B of the performance and payment years; rows 0 and 1 hold the volume and own normals.

    The yearly log change and the drift of the episode volume come from one block; the drift of
    year y is drawn again in draw_year, where it is needed.
    """
    rows = clinicians.rows
    volume, own = rows[0], rows[1]
    n = len(volume)
    r = model.part_b_correlation
    rest = np.sqrt(1.0 - r * r)
    logs = rows[4]
    for i in range(n):
        z = r * volume[i] + rest * own[i]
        logs[i] = model.part_b_log_mean + model.part_b_sigma * z
    for y in range(model.calendar_years):
        if y > 0:
            fill_normal_pair(seed, model.address, population, VOLUME, y + 1, 0, rows[5], rows[6])
            change = rows[6]
            for i in range(n):
                logs[i] += model.part_b_log_trend + model.part_b_change_sd * change[i]
        part_b = clinicians.part_b[y]
        for i in range(n):
            part_b[i] = exp(logs[i])


@kernel
def _draw_permanent(model, seed, population, clinicians):
    latent = clinicians.permanent
    for block in range(len(latent) // 4):
        fill_normals(
            seed,
            model.address,
            population,
            PERFORMANCE,
            0,
            block,
            latent[4 * block],
            latent[4 * block + 1],
            latent[4 * block + 2],
            latent[4 * block + 3],
        )


@inlined
def _draw_improvement(model, seed, population, clinicians):
    """Who gets better every year: a lever, off unless a share is given."""
    improves = clinicians.improves
    if model.improving_share > 0.0:
        rows = clinicians.rows
        fill_uniforms(
            seed, model.address, population, IMPROVEMENT, 0, 0, rows[6], rows[7], rows[8], rows[9]
        )
        for i in range(len(improves)):
            improves[i] = 1.0 if rows[6, i] < model.improving_share else 0.0


@inlined
def _draw_departures(model, seed, population, clinicians):
    """Who stops practising in which calendar year."""
    rows, leaves = clinicians.rows, clinicians.leaves
    for block in range((len(leaves) + 3) // 4 if model.exit_share > 0.0 else 0):
        fill_uniforms(
            seed, model.address, population, DEPARTURE, 0, block, rows[6], rows[7], rows[8], rows[9]
        )
        for c in range(4 * block, min(4 * block + 4, len(leaves))):
            uniform = rows[6 + c % 4]
            for i in range(len(uniform)):
                leaves[c, i] = uniform[i] < model.exit_share


@inlined
def _draw_retirements(model, seed, population, clinicians):
    """Whoever has come to the end of a career stops practising, beside those who just leave.

    Of a career a clinician has passed any part with the same chance, so that as many are of each
    age; entrants begin one and do not come to its end. Nobody ends it in the first year.
    """
    leaves, rows = clinicians.leaves, clinicians.rows
    if model.retires:
        if model.exit_share == 0.0:
            leaves[:] = False
        fill_normals_and_uniforms(
            seed, model.address, population, AGEING, 0, 0, rows[6], rows[7], rows[8], rows[9]
        )
    for i in range(len(model.practice) if model.retires else 0):
        career = model.retirement_mean + model.retirement_sd * rows[6, i] - model.career_start
        last = 1 + np.int64(max(career, 0.0) * (1.0 - rows[8, i]))
        if last < len(leaves) and model.entry[i] >= 0:
            leaves[last, i] = True


@kernel
def draw_paid(model, y, clinicians):
    """Part B of the payment year of performance year y; whoever has left by then is paid none.

    One leaves on the way in any calendar year after the performance year, up to the payment year.
    Nothing of one who takes no part in the year is paid under the model.
    """
    paid = clinicians.paid
    paid[:] = clinicians.part_b[y + model.payment_lag]
    for c in range(y + 1, y + model.payment_lag + 1):
        leaves = clinicians.leaves[c]
        for i in range(len(paid)):
            paid[i] = 0.0 if leaves[i] else paid[i]
    if model.absences:
        for i in range(len(paid)):
            paid[i] = paid[i] if clinicians.present[i] else 0.0


@kernel
def _advance(model, seed, population, y, clinicians):
    """The changing part of every latent process, a stationary AR(1), and the volume drift."""
    rows = clinicians.rows
    for block in range(len(clinicians.changing) // 4):
        fill_normals(
            seed,
            model.address,
            population,
            PERFORMANCE,
            y + 1,
            block,
            rows[0],
            rows[1],
            rows[2],
            rows[3],
        )
        for lane in range(4):
            process = 4 * block + lane
            phi = model.cost_persistence if process == COST else model.quality_persistence
            phi = phi if y > 0 else 0.0
            step = np.sqrt(1.0 - phi * phi)
            state = clinicians.changing[process]
            shock = rows[lane]
            for i in range(len(state)):
                state[i] = phi * state[i] + step * shock[i]
    if y > 0:
        fill_normal_pair(seed, model.address, population, VOLUME, y + 1, 0, rows[0], rows[1])
        sd = model.episodes_drift_sd
        drift = clinicians.volume_drift
        for i in range(len(drift)):
            drift[i] += sd * rows[0, i] - 0.5 * sd * sd


@kernel
def draw_year(model, seed, population, measurement, measured, y, practices, clinicians, observed):
    """True performance of year y and what CMS observes of it.

    ``measured`` false: the true rates and costs are observed, without sampling.
    """
    if model.places_change and y > 0:
        place_clinicians(model, seed, population, y, practices, clinicians, observed)
    if model.circumstances:
        met = observed.extreme_circumstances
        draw_circumstances(model, seed, measurement, y, clinicians.rows, met)
    if model.shifted:
        shift_performance(model, practices, clinicians, observed)
    if measured and model.misattributed_share > 0.0:
        draw_foreign_patients(model, seed, measurement, y, clinicians)
    _advance(model, seed, population, y, clinicians)
    if y > 0 and patients_change(model):
        select_patients(model, clinicians, observed)
    set_group_effects(model, practices, clinicians, observed)
    act(model, y, clinicians)
    common_quality(model, y, practices, clinicians)
    latent_cost(model, y, clinicians)
    n = len(model.practice)
    for i in range(n):
        p = clinicians.practice[i]
        observed.improvement_activities[i] = practices.activities[y, p]
        observed.pi_score[i] = practices.interoperability[y, p]
        observed.part_b_payments[i] = clinicians.part_b[y, i]
    _observe_cost(model, seed, measurement, measured, y, clinicians, observed)
    for m in range(len(model.slot)):
        _collection(model, m, practices, clinicians, observed)
        latent_rate(model, m, y, clinicians, clinicians.rows[0])
        rate_at(
            model,
            m,
            y,
            observed.collection[m],
            clinicians.rows[0],
            clinicians.segment,
            clinicians.rows[1],
            clinicians.true_rate[m],
        )
        _observe_rate(model, seed, measurement, measured, m, y, practices, clinicians, observed)
    if model.absences:
        determine_participants(model, seed, measurement, y, clinicians, observed)


@kernel
def _observe_cost(model, seed, measurement, measured, y, clinicians, observed):
    """Episodes, Poisson about the drifting mean; cost, the lognormal mean of that many episodes."""
    rows = clinicians.rows
    n = len(model.practice)
    fill_normal_pair(seed, model.address, measurement, EPISODES, y + 1, 0, rows[0], rows[1])
    mean = rows[2]
    for i in range(n):
        mean[i] = clinicians.episodes_mean[i] * exp(clinicians.volume_drift[i])
    if model.behaviour.remembers:
        steer(model, y, clinicians, mean)
    fill_poisson(rows[0], mean, observed.episodes)
    cost_at(model, y, clinicians.latent_cost, clinicians.true_cost)
    if measured:
        true = clinicians.true_cost
        if model.misattributed_share > 0.0:
            true = attributed_cost(model, y, true, clinicians)
        sample_cost(model, rows[1], observed.episodes, true, observed.episode_cost)
    else:
        observed.episode_cost[:] = clinicians.true_cost


@inlined
def _collection(model, m, practices, clinicians, observed):
    collection = observed.collection[m]
    of_type = model.collection_of[m]
    for i in range(len(collection)):
        collection[i] = of_type[np.int64(practices.collection[clinicians.practice[i]])]


@kernel
def _observe_rate(model, seed, measurement, measured, m, y, practices, clinicians, observed):
    """Cases, completeness and the observed rate of measure m."""
    rows = clinicians.rows
    n = len(model.practice)
    result, cases_normal, fails, extent = rows[2], rows[3], rows[4], rows[5]
    fill_normals_and_uniforms(
        seed,
        model.address,
        measurement,
        MEASURE,
        y + 1,
        model.slot[m],
        result,
        cases_normal,
        fails,
        extent,
    )
    cases = observed.cases[m]
    rate = observed.rate[m]
    true = clinicians.true_rate[m]
    completeness = observed.completeness[m]
    fill_poisson(cases_normal, clinicians.cases_mean[m], cases)
    if measured:
        shown = true
        if model.misattributed_share > 0.0 and not model.reported[m]:
            shown = attributed_rate(model, m, y, observed.collection[m], true, clinicians)
        sample_rate(model, m, result, cases, shown, rows[6:8], rate)
    else:
        rate[:] = true
    lowest = model.completeness_lowest
    for i in range(n):
        complete = lowest + (1.0 - lowest) * extent[i]
        fell_short = fails[i] < model.low_completeness_share
        completeness[i] = model.low_completeness if fell_short else complete
    if model.reported[m]:
        for i in range(n):
            silent = practices.silent[y, clinicians.practice[i]]
            rate[i] = np.nan if silent or cases[i] < 1.0 else rate[i]
            completeness[i] = np.nan if silent else completeness[i]
    else:
        for i in range(n):
            rate[i] = np.nan if cases[i] < 1.0 else rate[i]
