"""From a value to achievement points: deciles, and distances from the median.

Both walk over the *sorted* values of a benchmark group: between two cut points the clinicians are
neighbours there, so every stretch is one plain loop.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.order_statistics import first_at_or_above


@kernel
def decile_points(ordered, n, cut_points, points):
    """Points of decile measures: k + (value - b_k) / (b_k+1 - b_k); below the first cut 1 point."""
    last = len(cut_points)
    begin = first_at_or_above(ordered, n, cut_points[0])
    for i in range(begin):
        points[i] = 1.0
    for k in range(last):
        lower = cut_points[k]
        if k + 1 == last:
            for i in range(begin, n):
                points[i] = float(last)
        else:
            end = first_at_or_above(ordered, n, cut_points[k + 1])
            width = cut_points[k + 1] - lower
            for i in range(begin, end):
                points[i] = (k + 1.0) + (ordered[i] - lower) / width
            begin = max(begin, end)


@kernel
def curve_at(z, curve_z, curve_points):
    """The piecewise-linear curve through the knots, flat outside."""
    last = len(curve_z) - 1
    if z <= curve_z[0]:
        return curve_points[0]
    if z >= curve_z[last]:
        return curve_points[last]
    j = 0
    while z >= curve_z[j + 1]:
        j += 1
    share = (z - curve_z[j]) / (curve_z[j + 1] - curve_z[j])
    return curve_points[j] + share * (curve_points[j + 1] - curve_points[j])


@kernel
def deviation_points(ordered, n, median, sd, curve_z, curve_points, anchor, points):
    """Points of standard-deviation measures: the curve at z = (value - median) / SD.

    The curve is moved so that it passes through the anchor at z = 0, within its own lowest and
    highest points. Without spread everyone gets the anchor.
    """
    if not sd > 0.0:
        for i in range(n):
            points[i] = anchor
        return
    lowest = curve_points.min()
    highest = curve_points.max()
    shift = anchor - curve_at(0.0, curve_z, curve_points)
    last = len(curve_z) - 1
    i = 0
    while i < n and (ordered[i] - median) / sd < curve_z[0]:
        points[i] = min(max(curve_points[0] + shift, lowest), highest)
        i += 1
    for j in range(last):
        begin = i
        while i < n and (ordered[i] - median) / sd < curve_z[j + 1]:
            i += 1
        slope = (curve_points[j + 1] - curve_points[j]) / (curve_z[j + 1] - curve_z[j])
        for t in range(begin, i):
            z = (ordered[t] - median) / sd
            value = curve_points[j] + (z - curve_z[j]) * slope + shift
            points[t] = min(max(value, lowest), highest)
    for t in range(i, n):
        points[t] = min(max(curve_points[last] + shift, lowest), highest)


@kernel
def scatter(points, payload, n, target):
    """target[payload[i]] = points[i]."""
    for i in range(n):
        target[np.int64(payload[i])] = points[i]
