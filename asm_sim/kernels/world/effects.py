"""Differences in true performance between groups of clinicians, and how patients are selected.

An effect is added to the latent quality of every measure, or to the log of true cost, in every year
by what the clinician's practice, specialty and patients are in it. Effects are added, not centred:
they move the mean of the cohort too. They are the clinician's own true performance. Probes have
none, for they are of no group.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.numeric.elementary import exp, log
from asm_sim.kernels.numeric.variates import fill_uniforms
from asm_sim.kernels.world.groups import BY_SIZE
from asm_sim.kernels.world.streams import PATIENT_SELECTION

QUALITY, COST = 0, 1
# Columns of the table: four size classes, these, then the specialties.
RURAL, DUAL_SHARE, HCC, FIRST_SPECIALTY = 4, 5, 6, 7

_NO_SHARE = 1e-12  # stands for 0, which has no logit


@inlined
def set_group_effects(model, practices, clinicians, observed):
    """This year's effects: [QUALITY] and [COST] in SDs of the latent variable.

    The dual share counts in SDs of its logit and the HCC score in SDs within the specialty, both
    by the population's parameters and up to ``trait_limit`` SDs.
    """
    table, effect = model.group_effects, clinicians.effect
    limit = model.trait_limit
    mean, sd = model.dual_logit_mean, model.dual_logit_sd
    for i in range(effect.shape[1]):
        p, s = clinicians.practice[i], np.int64(clinicians.specialty[i])
        size = np.int64(clinicians.group[BY_SIZE, i]) - model.first_group.size  # class of this year
        rural = 1.0 if practices.rural[p] else 0.0
        share = min(max(observed.dual_share[i], _NO_SHARE), 1.0 - _NO_SHARE)
        logit = (log(share / (1.0 - share)) - mean) / sd if sd > 0.0 else 0.0
        dual = min(max(logit, -limit), limit)
        spread = model.hcc_sd[s]
        score = (observed.hcc_risk_score[i] - model.hcc_mean[s]) / spread if spread > 0.0 else 0.0
        hcc = min(max(score, -limit), limit)
        for k in range(2):
            effect[k, i] = (
                table[k, size]
                + table[k, RURAL] * rural
                + table[k, DUAL_SHARE] * dual
                + table[k, HCC] * hcc
                + table[k, FIRST_SPECIALTY + s]
            )


@kernel
def add_group_effects(effect, factor, latent):
    """Add an effect [n], so many times, to a latent variable [n]; nothing where there is none."""
    for i in range(len(effect)):
        latent[i] += factor * effect[i]


@inlined
def patients_change(model):
    """Whether anybody's patients become others over the years."""
    return model.selection_share > 0.0 and model.selection_change != 0.0


@inlined
def draw_selection(model, seed, population, clinicians):
    """Who selects patients: a lever, off unless a share is given."""
    selects = clinicians.selects
    if model.selection_share > 0.0:
        rows = clinicians.rows
        fill_uniforms(
            seed, model.address, population, PATIENT_SELECTION, 0, 0,
            rows[6], rows[7], rows[8], rows[9],
        )  # fmt: skip
        for i in range(len(selects)):
            selects[i] = 1.0 if rows[6, i] < model.selection_share else 0.0


@inlined
def select_patients(model, clinicians, observed):
    """One year's step of the HCC score and of the logit of the dual share of those who select.

    An HCC score stops at its floor, or where it stood below.
    """
    change = model.selection_change
    odds = exp(change * model.dual_logit_sd)
    for i in range(len(clinicians.selects)):
        if clinicians.selects[i] > 0.0:
            score, share = observed.hcc_risk_score[i], observed.dual_share[i]
            moved = score + change * model.hcc_sd[np.int64(clinicians.specialty[i])]
            observed.hcc_risk_score[i] = max(moved, min(score, model.hcc_floor))
            observed.dual_share[i] = share * odds / (1.0 - share + share * odds)
