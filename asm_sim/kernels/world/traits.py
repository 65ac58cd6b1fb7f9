"""The clinicians of one cohort in one draw, and what stays as it is over the years.

Two layers. Population: who they are and how they truly perform. Measurement: which episodes and
cases they happen to have, and the accidents of reporting (see year.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.numeric.variates import (
    fill_normal_pair,
    fill_normals,
    fill_normals_and_uniforms,
    fill_uniforms,
)
from asm_sim.kernels.world.behaviour import Behaviour, draw_behaviour, new_behaviour
from asm_sim.kernels.world.effects import (
    draw_selection,
)
from asm_sim.kernels.world.geography import DrawnAreas, new_areas, raise_cost
from asm_sim.kernels.world.groups import (
    BY_DUAL_SHARE,
    BY_EPISODES,
    BY_PLACE,
    BY_SIZE,
    BY_SPECIALTY,
    GROUPINGS,
)
from asm_sim.kernels.world.participation import (
    Stays,
    draw_stays,
    new_stays,
)
from asm_sim.kernels.world.shocks import (
    draw_misattribution,
)
from asm_sim.kernels.world.stated import state_clinicians, state_part_b
from asm_sim.kernels.world.streams import (
    AGEING,
    CLINICIAN_TRAITS,
    DEPARTURE,
    FIRST_SLOT,
    IMPROVEMENT,
    PERFORMANCE,
    VOLUME,
)

Floats = NDArray[np.float64]


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
        clinicians.group[BY_SIZE, i] = model.first_group.size + practices.size_class[p]
        clinicians.group[BY_PLACE, i] = model.first_group.place + practices.rural[p]
        clinicians.group[BY_SPECIALTY, i] = model.first_group.specialty + s
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
        clinicians.group[BY_EPISODES, i] = model.first_group.episodes + band
        fifth = 0
        for limit in model.dual_limits:
            fifth += observed.dual_share[i] >= limit
        clinicians.group[BY_DUAL_SHARE, i] = model.first_group.dual_share + fifth
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
