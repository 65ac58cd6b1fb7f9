"""The clinicians of one cohort in one draw, and what stays as it is over the years.

Two layers. Population: who they are and how they truly perform. Measurement: which episodes and
cases they happen to have, and the accidents of reporting (see year.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels._reference import own_copy
from asm_sim.kernels.numeric.variates import fill_first_normals, fill_normals, fill_uniform
from asm_sim.kernels.world.behaviour import Behaviour, draw_behaviour, new_behaviour
from asm_sim.kernels.world.geography import DrawnAreas, new_areas, raise_cost
from asm_sim.kernels.world.groups import (
    BY_DUAL_SHARE,
    BY_EPISODES,
    BY_PLACE,
    BY_SIZE,
    GROUPINGS,
)
from asm_sim.kernels.world.participation import (
    Stays,
    draw_departures,
    draw_retirements,
    draw_stays,
    new_stays,
)
from asm_sim.kernels.world.patients import draw_patients, draw_selection
from asm_sim.kernels.world.performance import processes_used
from asm_sim.kernels.world.reporting import draw_special_status
from asm_sim.kernels.world.shocks import draw_misattribution
from asm_sim.kernels.world.stated import state_clinicians, state_part_b
from asm_sim.kernels.world.streams import CLINICIAN_TRAITS, IMPROVEMENT, PERFORMANCE
from asm_sim.kernels.world.volume import draw_cases, draw_episodes, draw_part_b

Floats = NDArray[np.float64]


class Clinicians(NamedTuple):
    """n clinicians, M measures; L latent processes: own quality, cost, one for each slot."""

    specialty: NDArray[np.int8]  # [n]
    practice: NDArray[np.int64]  # [n] this year
    silent: NDArray[np.bool_]  # [n] reports no measure this year
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
    volume_drift: Floats  # [Y, n] log, since the first of Y performance years
    quality: Floats  # [n] the clinician's common factor, this year
    shared_quality: Floats  # [n] of latent quality what all measures have in common, this year
    latent_cost: Floats  # [n] in SDs above the median, this year
    quality_shift: Floats  # [n] SDs of shocks and overlap (shocks.py), this year, if any
    cost_shift: Floats  # [n]
    misattributed: NDArray[np.bool_]  # [n] measured by the patients of others
    foreign: Floats  # [1 + M, n] latent cost and quality that those show this year, if any do
    attributed: Floats  # [n] room for the true cost or rate behind what is observed
    true_rate: Floats  # [M, n]
    true_cost: Floats  # [n]
    segment: NDArray[np.int64]  # [n]
    rows: Floats  # [11, n]
    behaviour: Behaviour


@kernel
def new_clinicians(model, latent):
    n = len(model.practice)
    measures = len(model.quality.slot)
    misattributes = n if model.shocks.misattributed_share > 0.0 else 0
    affected = n if model.effects.table.shape[1] > 0 else 0
    return Clinicians(
        specialty=np.zeros(n, np.int8),
        practice=own_copy(model.practice),
        silent=np.zeros(n, np.bool_),
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
        permanent=np.empty((latent, n)),
        changing=np.zeros((latent, n)),
        volume_drift=np.zeros((model.performance_years, n)),
        quality=np.empty(n),
        shared_quality=np.empty(n),
        latent_cost=np.empty(n),
        quality_shift=np.zeros(n),
        cost_shift=np.zeros(n),
        misattributed=np.zeros(n, np.bool_),
        foreign=np.empty((1 + measures, misattributes)),
        attributed=np.empty(misattributes),
        true_rate=np.empty((measures, n)),
        true_cost=np.empty(n),
        segment=np.zeros(n, np.int64),
        rows=np.empty((11, n)),
        behaviour=new_behaviour(model),
    )


@kernel
def latent_processes(model):
    """Rows that hold every latent process, rounded up to whole blocks of four normals."""
    return 4 * ((processes_used(model) + 3) // 4)


@kernel
def draw_traits(model, seed, population, practices, clinicians, observed):
    """Everything that stays as it is over the years, and Part B of every calendar year."""
    rows = clinicians.rows
    fill_normals(
        seed, model.address, population, CLINICIAN_TRAITS, 0, 0, rows[0], rows[1], rows[2], rows[3]
    )
    _place(model, practices, clinicians, observed)
    draw_patients(model, practices, rows[2], rows[3], clinicians, observed)
    draw_episodes(model, rows[0], clinicians.episodes_mean)
    draw_special_status(model, seed, population, clinicians, observed)
    state_clinicians(model, rows[2], clinicians, observed)
    _tell_apart(model.groups, clinicians, observed)
    draw_cases(model, seed, population, clinicians)
    draw_part_b(model, seed, population, clinicians)
    state_part_b(model, clinicians)
    _draw_permanent(model, seed, population, clinicians)
    raise_cost(model, clinicians)
    _draw_improvement(model, seed, population, clinicians)
    draw_selection(model, seed, population, clinicians)
    draw_departures(model, seed, population, clinicians)
    draw_retirements(model, seed, population, clinicians)
    draw_misattribution(model, seed, population, clinicians)
    draw_behaviour(model, seed, population, clinicians)
    if model.participation.redetermined:
        draw_stays(model, seed, population, clinicians)
    if model.participation.places_change:
        clinicians.practice[:] = model.practice


@kernel
def _place(model, practices, clinicians, observed):
    """What a clinician has of the practice: its size and place."""
    first = model.groups.first
    for i in range(len(model.practice)):
        p = model.practice[i]
        observed.practice_size[i] = practices.size[p]
        observed.rural[i] = practices.rural[p]
        clinicians.group[BY_SIZE, i] = first.size + practices.size_class[p]
        clinicians.group[BY_PLACE, i] = first.place + practices.rural[p]


@kernel
def _tell_apart(groups, clinicians, observed):
    """The groups of those with as many episodes, and with as large a dual share."""
    _count_reached(
        clinicians.episodes_mean, groups.episode_bands, groups.first.episodes,
        clinicians.group[BY_EPISODES],
    )  # fmt: skip
    _count_reached(
        observed.dual_share, groups.dual_limits, groups.first.dual_share,
        clinicians.group[BY_DUAL_SHARE],
    )  # fmt: skip


@kernel
def _count_reached(values, limits, first, group):
    """The group [n] of every value: the first, and one on for every limit that it reaches."""
    group[:] = first
    for limit in limits:
        for i in range(len(values)):
            group[i] += values[i] >= limit


@kernel
def _draw_permanent(model, seed, population, clinicians):
    latent, used = clinicians.permanent, processes_used(model)
    for block in range(len(latent) // 4):
        fill_first_normals(
            used - 4 * block, seed, model.address, population, PERFORMANCE, 0, block,
            latent[4 * block], latent[4 * block + 1], latent[4 * block + 2], latent[4 * block + 3],
        )  # fmt: skip


@kernel
def _draw_improvement(model, seed, population, clinicians):
    """Who gets better every year: a lever, off unless a share is given."""
    improves, share = clinicians.improves, model.improvement.share
    if share > 0.0:
        uniform = clinicians.rows[6]
        fill_uniform(seed, model.address, population, IMPROVEMENT, 0, 0, uniform)
        for i in range(len(improves)):
            improves[i] = 1.0 if uniform[i] < share else 0.0
