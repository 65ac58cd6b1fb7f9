"""From a value to achievement points: deciles, and distances from the median.

Every value is compared with every knot, which vectorises, in place of searching where it lies.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel


@kernel
def decile_points(values, n, cut_points, points):
    """Points of decile measures: k + (value - b_k) / (b_k+1 - b_k); below the first cut 1 point.

    k is the number of cuts at or below the value; above the last one nothing is added. For every
    ten cuts those are done again who reach the first of them.
    """
    for begin in range(0, len(cut_points), 10):
        lowest, first, width = -np.inf, 0.0, np.inf
        if begin > 0:
            lowest, width = _segment(cut_points, begin - 1)
            first = lowest
        a, above_a = _segment(cut_points, begin)
        b, above_b = _segment(cut_points, begin + 1)
        c, above_c = _segment(cut_points, begin + 2)
        d, above_d = _segment(cut_points, begin + 3)
        e, above_e = _segment(cut_points, begin + 4)
        f, above_f = _segment(cut_points, begin + 5)
        g, above_g = _segment(cut_points, begin + 6)
        h, above_h = _segment(cut_points, begin + 7)
        j, above_j = _segment(cut_points, begin + 8)
        k, above_k = _segment(cut_points, begin + 9)
        number, least = float(begin), float(max(begin, 1))
        for i in range(n):
            value = values[i]
            at = _beyond(value, a, above_a, number + 1.0, (first, width, least))
            at = _beyond(value, b, above_b, number + 2.0, at)
            at = _beyond(value, c, above_c, number + 3.0, at)
            at = _beyond(value, d, above_d, number + 4.0, at)
            at = _beyond(value, e, above_e, number + 5.0, at)
            at = _beyond(value, f, above_f, number + 6.0, at)
            at = _beyond(value, g, above_g, number + 7.0, at)
            at = _beyond(value, h, above_h, number + 8.0, at)
            at = _beyond(value, j, above_j, number + 9.0, at)
            lower, across, reached = _beyond(value, k, above_k, number + 10.0, at)
            earned = reached + (value - lower) / across
            points[i] = points[i] if value < lowest else earned


@inlined
def _segment(cut_points, k):
    """A cut point and how far above it the next one lies; behind the last what no value reaches."""
    cut = cut_points[k] if k < len(cut_points) else np.inf
    return cut, cut_points[k + 1] - cut if k + 1 < len(cut_points) else np.inf


@inlined
def _beyond(value, cut, width, number, before):
    """Lower end, width and number of the segment above a cut if it is reached, else of another."""
    reached = value >= cut
    return (
        cut if reached else before[0],
        width if reached else before[1],
        number if reached else before[2],
    )


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
