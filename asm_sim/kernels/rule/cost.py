"""Cost category, 42 CFR 512.730: one episode-based measure, points by distance from the median."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import Shrinkage
from asm_sim.kernels.numeric.order_statistics import percentiles
from asm_sim.kernels.numeric.sums import mean_and_sd
from asm_sim.kernels.numeric.vectors import compact
from asm_sim.kernels.rule.points import deviation_points
from asm_sim.kernels.rule.shrinkage import shrink


@kernel
def score_cost(observed, rules, y, fit, refit, outcome, scratch):
    """Cost points and cost score; with ``refit`` the median and SD are made first."""
    n = len(observed.episodes)
    episodes = observed.episodes
    cost = observed.episode_cost
    points = outcome.cost_points
    minimum = rules.year[y].cost_case_minimum
    keys = scratch.keys
    payload = scratch.payload
    circumstances, neutral = observed.extreme_circumstances, rules.circumstances_neutral
    taken = scratch.taken
    for i in range(n):
        taken[i] = (episodes[i] >= minimum) & (not (neutral and circumstances[i] == 1.0))
    k = compact(cost, taken, keys, payload)
    shrinks = rules.cost_shrinkage != Shrinkage.NONE and fit.shrinks[0]
    if k > 0 and shrinks:
        shrink(
            keys,
            payload,
            k,
            episodes,
            rules.cost_shrinkage,
            False,
            rules.year[y].cost_kappa,
            refit,
            fit.cost_shrinkage,
        )
    location = fit.cost_location
    if refit:
        location[0] = np.nan
        if k > 0:
            percentiles(keys, k, scratch.fifty, location, scratch)
        location[1] = mean_and_sd(keys, k)[1]
    score = outcome.cost_score
    if k == 0 or location[0] != location[0]:
        points[:] = np.nan
        score[:] = np.nan
        return
    values = cost
    if shrinks:
        values = scratch.values
        for t in range(k):
            values[np.uint64(payload[t])] = keys[t]
    deviation_points(
        values, n, location[0], location[1], rules.cost_curve_z, rules.cost_curve_points,
        rules.year[y].cost_anchor, scratch.sorted_keys, points,
    )  # fmt: skip
    for i in range(n):
        points[i] = points[i] if taken[i] else np.nan
        score[i] = points[i] / rules.cost_points_maximum
