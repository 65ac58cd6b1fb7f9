"""Differences in true performance between groups of clinicians.

An effect is added to the latent quality of every measure, or to the log of true cost, in every year
by what the clinician's practice, specialty and patients are in it. Effects are added, not centred:
they move the mean of the cohort too. They are the clinician's own true performance. Probes have
none, for they are of no group.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.elementary import log
from asm_sim.kernels.world.groups import BY_SIZE

QUALITY, COST = 0, 1
# Columns of the table: four size classes, these, then the specialties.
RURAL, DUAL_SHARE, HCC, FIRST_SPECIALTY = 4, 5, 6, 7

_NO_SHARE = 1e-12  # stands for 0, which has no logit


class EffectModel(NamedTuple):
    """What groups add to latent quality and cost; S specialties of one cohort."""

    table: NDArray[np.float64]  # [2, 7 + S] SDs of latent quality and cost, or [2, 0]
    trait_limit: float  # SDs


@kernel
def set_group_effects(model, practices, clinicians, observed):
    """This year's effects: [QUALITY] and [COST] in SDs of the latent variable.

    The dual share counts in SDs of its logit and the HCC score in SDs within the specialty, both
    by the population's parameters and up to ``trait_limit`` SDs.
    """
    table, effect = model.effects.table, clinicians.effect
    limit = model.effects.trait_limit
    patients, first = model.patients, model.groups.first
    mean, sd = patients.dual_logit_mean, patients.dual_logit_sd
    for i in range(effect.shape[1]):
        p, s = clinicians.practice[i], np.int64(clinicians.specialty[i])
        size = np.int64(clinicians.group[BY_SIZE, i]) - first.size  # class of this year
        rural = 1.0 if practices.rural[p] else 0.0
        share = min(max(observed.dual_share[i], _NO_SHARE), 1.0 - _NO_SHARE)
        logit = (log(share / (1.0 - share)) - mean) / sd if sd > 0.0 else 0.0
        dual = min(max(logit, -limit), limit)
        spread = patients.hcc_sd[s]
        score = (
            (observed.hcc_risk_score[i] - patients.hcc_mean[s]) / spread if spread > 0.0 else 0.0
        )
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
