"""From a value to achievement points: deciles, and distances from the median.

Both pass over the values for every few knots, which vectorises, in place of searching where each
value lies.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel


@kernel
def decile_points(values, n, cut_points, segment, table, points):
    """Points of decile measures: k + (value - b_k) / (b_k+1 - b_k); below the first cut 1 point.

    Scratch: segment int32 [>= n] becomes k, the number of cuts at or below the value; table
    float64 [2, >= K + 1] the lower cut and the width of every segment.
    """
    last = len(cut_points)
    lower, width = table[0], table[1]
    lower[0], width[0] = 0.0, np.inf  # nothing is added below the first cut and above the last
    for k in range(1, last):
        lower[k], width[k] = cut_points[k - 1], cut_points[k] - cut_points[k - 1]
    lower[last], width[last] = 0.0, np.inf
    for i in range(n):
        segment[i] = 0
    for k in range(0, last, 5):  # five at once, so that a value is read less often
        a, b, c = _cut(cut_points, k), _cut(cut_points, k + 1), _cut(cut_points, k + 2)
        d, e = _cut(cut_points, k + 3), _cut(cut_points, k + 4)
        for i in range(n):
            value = values[i]
            reached = np.int32(value >= a) + np.int32(value >= b) + np.int32(value >= c)
            segment[i] += reached + np.int32(value >= d) + np.int32(value >= e)
    for i in range(n):
        k = np.uint32(segment[i])
        points[i] = max(k, 1) + (values[i] - lower[k]) / width[k]


@inlined
def _cut(cut_points, k):
    """A cut point, or behind the last one what no value reaches."""
    return cut_points[k] if k < len(cut_points) else np.inf


@kernel
def curve_at(z, curve_z, curve_points):
    """The piecewise-linear curve through the knots, flat outside."""
    result = curve_points[0]
    for j in range(len(curve_z) - 1):
        share = (z - curve_z[j]) / (curve_z[j + 1] - curve_z[j])
        result += min(max(share, 0.0), 1.0) * (curve_points[j + 1] - curve_points[j])
    return result


@inlined
def middle_points(curve_points, anchor):
    """Points at the median, and of everyone in a group without spread."""
    return min(max(anchor, curve_points.min()), curve_points.max())


@kernel
def deviation_points(values, n, median, sd, curve_z, curve_points, anchor, z, points):
    """Points of standard-deviation measures: the curve at z = (value - median) / SD.

    The curve is moved so that it passes through the anchor at z = 0, within its own lowest and
    highest points. Without spread everyone gets the points at z = 0. Scratch: z float64 [>= n].
    """
    if not sd > 0.0:
        middle = middle_points(curve_points, anchor)
        for i in range(n):
            points[i] = middle
        return
    lowest = curve_points.min()
    highest = curve_points.max()
    start = curve_points[0] + anchor - curve_at(0.0, curve_z, curve_points)
    for i in range(n):
        z[i] = (values[i] - median) / sd
        points[i] = start
    pieces = len(curve_z) - 1
    for j in range(0, pieces - 2, 3):  # three at once, so that a point is written less often
        left, width, slope = _piece(curve_z, curve_points, j)
        left_b, width_b, slope_b = _piece(curve_z, curve_points, j + 1)
        left_c, width_c, slope_c = _piece(curve_z, curve_points, j + 2)
        for i in range(n):
            sum_a = points[i] + slope * min(max(z[i] - left, 0.0), width)
            sum_b = sum_a + slope_b * min(max(z[i] - left_b, 0.0), width_b)
            points[i] = sum_b + slope_c * min(max(z[i] - left_c, 0.0), width_c)
    for j in range(pieces - pieces % 3, pieces):
        left, width, slope = _piece(curve_z, curve_points, j)
        for i in range(n):
            points[i] += slope * min(max(z[i] - left, 0.0), width)
    for i in range(n):
        points[i] = min(max(points[i], lowest), highest)


@inlined
def _piece(curve_z, curve_points, j):
    """Where a piece of the curve begins, its width and its slope."""
    left = curve_z[j]
    width = curve_z[j + 1] - left
    return left, width, (curve_points[j + 1] - curve_points[j]) / width
