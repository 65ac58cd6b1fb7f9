"""Cost category, 42 CFR 512.730: one episode-based measure, points by distance from the median."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.order_statistics import mean_and_sd, percentile, sort_pairs
from asm_sim.kernels.points import deviation_points


@kernel
def score_cost(observed, rules, y, fit, refit, outcome, scratch):
    """Cost points and cost score; with ``refit`` the median and SD are made first."""
    n = len(observed.episodes)
    episodes = observed.episodes
    cost = observed.episode_cost
    points = outcome.cost_points
    minimum = rules.cost_case_minimum[y]
    keys = scratch.keys
    payload = scratch.payload
    k = 0
    for i in range(n):
        points[i] = np.nan
        if episodes[i] >= minimum:
            keys[k] = cost[i]
            payload[k] = i
            k += 1
    if k > 0:
        sort_pairs(
            keys,
            payload,
            k,
            scratch.sorted_keys,
            scratch.sorted_payload,
            scratch.bucket_of,
            scratch.starts,
        )
    if refit:
        fit.cost_location[0] = percentile(scratch.sorted_keys, k, 50.0) if k > 0 else np.nan
        fit.cost_location[1] = mean_and_sd(keys, k)[1]
    if k > 0 and fit.cost_location[0] == fit.cost_location[0]:
        deviation_points(
            scratch.sorted_keys,
            k,
            fit.cost_location[0],
            fit.cost_location[1],
            rules.cost_curve_z,
            rules.cost_curve_points,
            rules.cost_anchor[y],
            scratch.values,
        )
        for t in range(k):
            points[np.int64(scratch.sorted_payload[t])] = scratch.values[t]
    score = outcome.cost_score
    for i in range(n):
        score[i] = points[i] / rules.cost_points_maximum
