"""The patients of clinicians of each specialty, and who selects patients."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels.world.patients import PatientModel
from asm_sim.parameters import Number, Strict


class Patients(Strict):
    hcc_mean: dict[str, Number]
    hcc_sd: dict[str, Number]
    hcc_floor: Number
    dual_logit_mean: Number
    dual_logit_sd: Number
    hcc_dual_correlation: Number


class PatientSelection(Strict):
    """A lever: some clinicians see other patients, less or more complex, every year."""

    share: Number
    yearly_change: Number


def compile_patients(
    patients: Patients, selection: PatientSelection, mix: dict[str, Number]
) -> PatientModel:
    """Those of one cohort, with the shares of its specialties."""
    return PatientModel(
        specialty_cumulative=np.cumsum([share.value for share in mix.values()]),
        hcc_mean=np.array([patients.hcc_mean[name].value for name in mix]),
        hcc_sd=np.array([patients.hcc_sd[name].value for name in mix]),
        hcc_floor=patients.hcc_floor.value,
        dual_logit_mean=patients.dual_logit_mean.value,
        dual_logit_sd=patients.dual_logit_sd.value,
        hcc_dual_correlation=patients.hcc_dual_correlation.value,
        selection_share=selection.share.value,
        selection_change=selection.yearly_change.value,
    )
