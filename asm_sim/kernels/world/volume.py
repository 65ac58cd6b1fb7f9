"""How much clinicians do: mean episodes and cases, and Part B of every calendar year."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.counts import fill_poisson
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.numeric.variates import fill_first_normals, fill_normal_pair
from asm_sim.kernels.numeric.vectors import widest_vectors
from asm_sim.kernels.world.streams import CLINICIAN_TRAITS, VOLUME

Floats = NDArray[np.float64]


class VolumeModel(NamedTuple):
    """Lognormal, all of them; M measures."""

    episodes_exact: bool  # counts are the expected ones rounded; otherwise Poisson about them
    episodes_minimum: float
    episodes_log_mean: float  # of what is above the minimum
    episodes_sigma: float
    episodes_drift_sd: float
    part_b_log_mean: float
    part_b_sigma: float
    part_b_correlation: float  # with the episodes
    part_b_change_sd: float
    part_b_log_trend: float
    cases_exact: bool
    cases_log_median: Floats  # [M]
    cases_sigma: float
    cases_volume_share: float


@kernel
def fill_counts(exact, w, mean, counts):
    """counts[i] about mean[i]: Poisson, at Phi(w[i]) of it, or where exact the mean rounded."""
    if exact:
        for i in range(len(counts)):
            counts[i] = np.floor(mean[i] + 0.5)
    else:
        fill_poisson(w, mean, counts)


@kernel
def draw_episodes(model, volume_normal, mean):
    """Mean episodes a year, in the first performance year."""
    volume = model.volume
    for i in range(len(mean)):
        above = exp(volume.episodes_log_mean + volume.episodes_sigma * volume_normal[i])
        mean[i] = volume.episodes_minimum + above


@kernel
def draw_cases(model, seed, population, clinicians):
    """Mean number of cases of each measure; rows[0] holds the volume normal."""
    widest_vectors()
    rows, slot = clinicians.rows, model.quality.slot
    volume, log_median = rows[0], model.volume.cases_log_median
    sigma, of_volume = model.volume.cases_sigma, model.volume.cases_volume_share
    shared = sigma * np.sqrt(of_volume)
    own = sigma * np.sqrt(1.0 - of_volume)
    slots = slot.max() + 1
    for block in range((slots + 3) // 4):
        fill_first_normals(
            slots - 4 * block, seed, model.address, population, CLINICIAN_TRAITS, 0, block + 1,
            rows[6], rows[7], rows[8], rows[9],
        )  # fmt: skip
        for m in range(len(slot)):
            if slot[m] // 4 == block:
                z = rows[6 + slot[m] % 4]
                mean = clinicians.cases_mean[m]
                for i in range(len(z)):
                    mean[i] = exp(log_median[m] + shared * volume[i] + own * z[i])


@kernel
def draw_part_b(model, seed, population, clinicians):
    """Part B of the performance and payment years; rows 0 and 1 hold the volume and own normals.

    The yearly log change comes from one block with the change of the episode volume, which adds up
    to the drift that is kept for the performance years.
    """
    widest_vectors()
    rows, own_volume = clinicians.rows, model.volume
    volume, own = rows[0], rows[1]
    n = len(volume)
    r = own_volume.part_b_correlation
    rest = np.sqrt(1.0 - r * r)
    mean, sigma = own_volume.part_b_log_mean, own_volume.part_b_sigma
    trend, change_sd = own_volume.part_b_log_trend, own_volume.part_b_change_sd
    drift, drift_sd = clinicians.volume_drift, own_volume.episodes_drift_sd
    logs = rows[4]
    for i in range(n):
        z = r * volume[i] + rest * own[i]
        logs[i] = mean + sigma * z
    for y in range(model.calendar_years):
        if y > 0:
            shock, change = rows[5], rows[6]
            fill_normal_pair(seed, model.address, population, VOLUME, y + 1, 0, shock, change)
            for i in range(n):
                logs[i] += trend + change_sd * change[i]
            if y < len(drift):
                before, now = drift[y - 1], drift[y]
                for i in range(n):
                    now[i] = before[i] + (drift_sd * shock[i] - 0.5 * drift_sd * drift_sd)
        part_b = clinicians.part_b[y]
        for i in range(n):
            part_b[i] = exp(logs[i])
