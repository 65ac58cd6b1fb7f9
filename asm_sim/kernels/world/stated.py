"""Traits that the roster states take the place of what was drawn; nan is not stated.

Every word is drawn all the same, so nobody else's variates change. The tables have no columns where
the roster states nothing (population/stated.py says what stands in their rows).
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.world.groups import BY_SPECIALTY

SPECIALTY, EPISODES, PART_B, HCC, DUAL_SHARE, SPECIAL_STATUS = range(6)
SIZE, RURAL, COLLECTION = range(3)


@kernel
def state_practices(model, practices):
    """Size and the class that it decides, place, collection type."""
    for p in range(model.stated.shape[1]):
        size, rural = model.stated[SIZE, p], model.stated[RURAL, p]
        collection = model.stated[COLLECTION, p]
        if size == size:
            practices.size[p] = size
            practices.size_class[p] = 0
            for limit in model.size_limits:
                practices.size_class[p] += size > limit
        if rural == rural:
            practices.rural[p] = rural > 0.0
        if collection == collection:
            practices.collection[p] = np.int8(collection)


@kernel
def state_clinicians(model, hcc_normal, clinicians, observed):
    """Specialty, episodes, HCC score, dual share and special status.

    The HCC score is drawn as of the stated specialty.
    """
    patients, first = model.patients, model.groups.first
    for i in range(model.stated.shape[1]):
        specialty = model.stated[SPECIALTY, i]
        if specialty == specialty:
            s = np.int64(specialty)
            clinicians.specialty[i] = s
            clinicians.group[BY_SPECIALTY, i] = first.specialty + s
            score = patients.hcc_mean[s] + patients.hcc_sd[s] * hcc_normal[i]
            observed.hcc_risk_score[i] = max(score, patients.hcc_floor)
        episodes, hcc = model.stated[EPISODES, i], model.stated[HCC, i]
        dual, status = model.stated[DUAL_SHARE, i], model.stated[SPECIAL_STATUS, i]
        if episodes == episodes:
            clinicians.episodes_mean[i] = episodes
        if hcc == hcc:
            observed.hcc_risk_score[i] = hcc
        if dual == dual:
            observed.dual_share[i] = dual
        if status == status:
            observed.special_status[i] = status


@kernel
def state_part_b(model, clinicians):
    """Part B of all years in proportion, so that the first performance year's is as stated."""
    for i in range(model.stated.shape[1]):
        stated = model.stated[PART_B, i]
        if stated == stated:
            drawn = clinicians.part_b[0, i]
            for y in range(len(clinicians.part_b)):
                clinicians.part_b[y, i] = stated * (clinicians.part_b[y, i] / drawn)
