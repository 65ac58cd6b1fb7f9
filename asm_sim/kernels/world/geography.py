"""Where the model is held: which areas are drawn, 42 CFR 512.710, and what an area does to cost.

Only a synthetic frame has areas (population/geography.py): A areas in strata, of each of which a
fixed number is drawn at random, the same for all cohorts. Without areas nothing here does anything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.variates import fill_uniform
from asm_sim.kernels.world.streams import AREA, COST


class AreaModel(NamedTuple):
    """A areas, stratum by stratum, as one cohort of P practices sees them; A = P = 0 without."""

    address: NDArray[np.uint64]  # [2, A]
    stratum_end: NDArray[np.int64]  # [A] one past the last area of its stratum
    taken: NDArray[np.int64]  # [A] areas drawn in its stratum
    cost: NDArray[np.float64]  # [A] added to the lasting part of latent cost, SDs
    rest: float  # what the clinician's own lasting part is multiplied by
    of_practice: NDArray[np.int64]  # [P]


class DrawnAreas(NamedTuple):
    """Which of A areas are drawn."""

    drawn: NDArray[np.bool_]  # [A]
    uniform: NDArray[np.float64]  # [A]


@kernel
def new_areas(model):
    areas = len(model.areas.taken)
    return DrawnAreas(np.zeros(areas, np.bool_), np.empty(areas))


@kernel
def draw_areas(model, seed, selection, areas):
    """Of each stratum those with the least uniforms, as many as are to be drawn there."""
    drawn, uniform = areas.drawn, areas.uniform
    if len(drawn) > 0:
        fill_uniform(seed, model.areas.address, selection, AREA, 0, 0, uniform)
    first = 0
    for a in range(len(drawn)):
        end = model.areas.stratum_end[a]
        before = 0
        for b in range(first, end):
            less = uniform[b] < uniform[a]
            before += less or (uniform[b] == uniform[a] and b < a)
        drawn[a] = before < model.areas.taken[a]
        first = end if a + 1 == end else first


@kernel
def raise_cost(model, clinicians):
    """The lasting part of latent cost: what the area has in common, and the clinician's own."""
    if len(model.areas.cost) > 0:
        lasting = clinicians.permanent[COST]
        for i in range(len(lasting)):
            area = model.areas.of_practice[model.practice[i]]
            lasting[i] = model.areas.cost[area] + model.areas.rest * lasting[i]


@kernel
def stay_in_areas(model, areas, practice, present):
    """Nobody takes part outside the areas that are drawn; ``practice`` [n] says who is where."""
    if len(areas.drawn) > 0:
        for i in range(len(present)):
            inside = areas.drawn[model.areas.of_practice[practice[i]]]
            present[i] = present[i] and inside
