"""The practices of one draw: size, place, collection type, quality, willingness to report."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.variates import fill_normal_pair, fill_uniform, fill_uniforms
from asm_sim.kernels.world.stated import state_practices
from asm_sim.kernels.world.streams import (
    ACO,
    CONSOLIDATION,
    PRACTICE_PROCESS,
    PRACTICE_TRAITS,
)

Floats = NDArray[np.float64]

SOLO, SMALL, MEDIUM, LARGE = 0, 1, 2, 3
ECQM, CQM = 0, 1


class ConsolidationModel(NamedTuple):
    """Solo and small practices that join larger ones."""

    share: float  # in a year
    after_loss: float  # the same for each 1 of Part B payments lost


class Practices(NamedTuple):
    """P practices over Y performance years."""

    size_class: NDArray[np.int8]  # [P]
    size: Floats  # [P] clinicians, the least that fits class and list
    joins: NDArray[np.int64]  # [P] year index from which it is part of a large one; Y: never
    rural: NDArray[np.bool_]  # [P]
    collection: NDArray[np.int8]  # [P]
    specialty_uniform: Floats  # [P]
    quality_permanent: Floats  # [P]
    quality_changing: Floats  # [Y, P]
    willingness: Floats  # [Y, P] to report, standard normal
    silent: NDArray[np.bool_]  # [Y, P] reports no measure
    activities: Floats  # [Y, P]
    interoperability: Floats  # [Y, P]
    aco: NDArray[np.bool_]  # [P] in an accountable care organization
    loss: Floats  # [P] last known mean loss of its clinicians, a fraction; read where it matters
    scratch: Floats  # [4, P]


@kernel
def new_practices(count, years):
    return Practices(
        size_class=np.zeros(count, np.int8),
        size=np.empty(count),
        joins=np.full(count, years),
        rural=np.zeros(count, np.bool_),
        collection=np.zeros(count, np.int8),
        specialty_uniform=np.empty(count),
        quality_permanent=np.empty(count),
        quality_changing=np.empty((years, count)),
        willingness=np.empty((years, count)),
        silent=np.zeros((years, count), np.bool_),
        activities=np.empty((years, count)),
        interoperability=np.empty((years, count)),
        aco=np.zeros(count, np.bool_),
        loss=np.zeros(count),
        scratch=np.empty((4, count)),
    )


@kernel
def draw_practices(model, seed, population, practices):
    """What practices are in all years of a draw; :func:`consolidate` goes on from there."""
    _traits(model, seed, population, practices)
    _draw_aco(model, seed, population, practices)
    years = len(practices.silent)
    a, b = practices.scratch[0], practices.scratch[1]
    fill_normal_pair(seed, model.address, population, PRACTICE_PROCESS, 0, 0, a, b)
    practices.quality_permanent[:] = a
    keep = model.reporting.persistence
    renew = np.sqrt(1.0 - keep * keep)
    for y in range(years):
        fill_normal_pair(seed, model.address, population, PRACTICE_PROCESS, y + 1, 0, a, b)
        quality = practices.quality_changing[y]
        willingness = practices.willingness[y]
        if y == 0:
            quality[:] = a
            willingness[:] = b
        else:
            phi = model.quality_persistence
            step = np.sqrt(1.0 - phi * phi)
            before, willing = practices.quality_changing[y - 1], practices.willingness[y - 1]
            for p in range(len(a)):
                quality[p] = phi * before[p] + step * a[p]
                willingness[p] = keep * willing[p] + renew * b[p]


@kernel
def _traits(model, seed, population, practices):
    size_u, rural_u, collection_u = practices.scratch[0], practices.scratch[1], practices.scratch[2]
    fill_uniforms(
        seed,
        model.address,
        population,
        PRACTICE_TRAITS,
        0,
        0,
        size_u,
        rural_u,
        collection_u,
        practices.specialty_uniform,
    )
    _size(model, size_u, practices.size_class, practices.size)
    rural, collection = practices.rural, practices.collection
    for p in range(len(rural)):
        rural[p] = rural_u[p] < model.rural_share
    for p in range(len(collection)):
        collection[p] = ECQM if collection_u[p] < model.ecqm_share else CQM
    state_practices(model, practices)


@kernel
def _size(model, uniform, size_class, size):
    """Class and size, the least that fits class and list; the flag wins over a longer list.

    In loops of few arrays each, which vectorise.
    """
    small, listed, solo_below = model.small, model.listed, model.solo_probability
    one, few, many = model.size_limits[0], model.size_limits[1], model.size_limits[2]
    for p in range(len(size)):
        medium = (uniform[p] < model.medium_share) & (listed[p] <= many)
        size_class[p] = MEDIUM if medium else LARGE
    for p in range(len(size)):
        of_flagged = SOLO if uniform[p] < solo_below[p] else SMALL
        size_class[p] = of_flagged if small[p] else size_class[p]
    for p in range(len(size)):
        c = size_class[p]
        least = one + 1.0 if c == SMALL else (few + 1.0 if c == MEDIUM else many + 1.0)
        fits = max(least, listed[p])
        fits = min(fits, few) if c == SMALL else fits
        size[p] = 1.0 if c == SOLO else fits


@kernel
def _draw_aco(model, seed, population, practices):
    """Which practices are in an accountable care organization."""
    if model.aco_share > 0.0:
        uniform = practices.scratch[0]
        fill_uniform(seed, model.address, population, ACO, 0, 0, uniform)
        for p in range(len(practices.aco)):
            practices.aco[p] = uniform[p] < model.aco_share


@kernel
def consolidate(model, seed, population, y, practices):
    """Solo and small practices that join a larger one in year y: the second at the earliest.

    Call it for every year in order; ``practices.loss`` must be known where joining answers to it.
    """
    levers, joins, years = model.consolidation, practices.joins, len(practices.silent)
    if levers.share == 0.0 and levers.after_loss == 0.0:
        return
    if y == 0:
        joins[:] = years
        return
    uniform = practices.scratch[0]
    fill_uniform(seed, model.address, population, CONSOLIDATION, y + 1, 0, uniform)
    for p in range(len(joins)):
        alone = practices.size_class[p] <= SMALL and joins[p] == years
        share = levers.share + levers.after_loss * practices.loss[p]
        if alone and uniform[p] < share:
            joins[p] = y


@kernel
def size_class_in(practices, p, y):
    """Class of practice size in year y."""
    return LARGE if y >= practices.joins[p] else np.int64(practices.size_class[p])


@kernel
def size_in(large_size, practices, p, y):
    """Clinicians of a practice in year y, the least that fits class and list."""
    size = practices.size[p]
    return max(large_size, size) if y >= practices.joins[p] else size
