"""The patients of clinicians: specialty, risk and poverty, and who selects patients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.numeric.variates import fill_uniform
from asm_sim.kernels.world.groups import BY_SPECIALTY
from asm_sim.kernels.world.streams import PATIENT_SELECTION

Floats = NDArray[np.float64]


class PatientModel(NamedTuple):
    """S specialties of one cohort, and whom clinicians of each see."""

    specialty_cumulative: Floats  # [S]
    hcc_mean: Floats  # [S]
    hcc_sd: Floats  # [S]
    hcc_floor: float
    dual_logit_mean: float
    dual_logit_sd: float
    hcc_dual_correlation: float
    selection_share: float
    selection_change: float  # SDs a year


@kernel
def draw_patients(model, practices, hcc_normal, dual_normal, clinicians, observed):
    """The specialty, which a practice has in common; mean HCC score and dual share of patients."""
    patients, first = model.patients, model.groups.first
    up_to = patients.specialty_cumulative
    for i in range(len(hcc_normal)):
        p = model.practice[i]
        s = 0
        while s + 1 < len(up_to) and practices.specialty_uniform[p] >= up_to[s]:
            s += 1
        clinicians.specialty[i] = s
        clinicians.group[BY_SPECIALTY, i] = first.specialty + s
        score = patients.hcc_mean[s] + patients.hcc_sd[s] * hcc_normal[i]
        observed.hcc_risk_score[i] = max(score, patients.hcc_floor)
    shared = patients.hcc_dual_correlation
    own = np.sqrt(1.0 - shared**2)
    mean, sd = patients.dual_logit_mean, patients.dual_logit_sd
    for i in range(len(dual_normal)):
        z = shared * hcc_normal[i] + own * dual_normal[i]
        observed.dual_share[i] = 1.0 / (1.0 + exp(-mean - sd * z))


@kernel
def patients_change(model):
    """Whether anybody's patients become others over the years."""
    patients = model.patients
    return patients.selection_share > 0.0 and patients.selection_change != 0.0


@kernel
def draw_selection(model, seed, population, clinicians):
    """Who selects patients: a lever, off unless a share is given."""
    selects, share = clinicians.selects, model.patients.selection_share
    if share > 0.0:
        uniform = clinicians.rows[6]
        fill_uniform(seed, model.address, population, PATIENT_SELECTION, 0, 0, uniform)
        for i in range(len(selects)):
            selects[i] = 1.0 if uniform[i] < share else 0.0


@kernel
def select_patients(model, clinicians, observed):
    """One year's step of the HCC score and of the logit of the dual share of those who select.

    An HCC score stops at its floor, or where it stood below.
    """
    patients = model.patients
    change = patients.selection_change
    odds = exp(change * patients.dual_logit_sd)
    for i in range(len(clinicians.selects)):
        if clinicians.selects[i] > 0.0:
            score, share = observed.hcc_risk_score[i], observed.dual_share[i]
            moved = score + change * patients.hcc_sd[np.int64(clinicians.specialty[i])]
            observed.hcc_risk_score[i] = max(moved, min(score, patients.hcc_floor))
            observed.dual_share[i] = share * odds / (1.0 - share + share * odds)
