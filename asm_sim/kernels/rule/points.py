"""From a value to achievement points: deciles, and distances from the median.

Every value is compared with every knot, which vectorises, in place of searching where it lies.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.numeric.eight import (
    EIGHT,
    MOST_KNOTS,
    SIXTEEN,
    as_float,
    eight_from,
    greater,
    in_all,
    lesser,
    look_up,
    put_eight,
    reached,
    table_from,
)
from asm_sim.kernels.numeric.segments import TEN, segment_of, ten_segments
from asm_sim.kernels.numeric.vectors import has_wide_vectors, widest_vectors


@kernel
def decile_points(values, n, cut_points, points):
    """Points of decile measures: k + (value - b_k) / (b_k+1 - b_k); below the first cut 1 point.

    k is the number of cuts at or below the value; above the last one nothing is added. For every
    ten cuts those are done again who reach the cut before them.
    """
    widest_vectors()
    cuts, done = len(cut_points), 0
    if has_wide_vectors() and cuts <= MOST_KNOTS:
        done = _decile_points_by_eight(values, n, cut_points, points)
    for begin in range(0, cuts, TEN):
        lowest = cut_points[begin - 1] if begin > 0 else -np.inf
        first = cut_points[begin - 1] if begin > 0 else 0.0
        width = cut_points[begin] - first if begin > 0 else np.inf
        below = (first, width, float(begin))
        segments = ten_segments(cut_points, begin)
        for i in range(done, n):
            value = values[i]
            lower, across, number = segment_of(value, segments, below)
            earned = max(number, 1.0) + (value - lower) / across
            points[i] = points[i] if value < lowest else earned


@kernel
def _decile_points_by_eight(values, n, cut_points, points):
    """The same of up to 15 cuts, as many as fill vectors of eight; how many."""
    tables = np.empty((3, SIXTEEN))
    _tabulate(cut_points, tables[0], tables[1], tables[2])
    knots, lowers, widths = table_from(tables[0]), table_from(tables[1]), table_from(tables[2])
    done = n - n % EIGHT
    for i in range(0, done, EIGHT):
        value = eight_from(values, i)
        k = reached(knots, value)
        above = value - look_up(lowers, k)
        put_eight(greater(as_float(k), 1.0) + above / look_up(widths, k), points, i)
    return done


@kernel
def _tabulate(cut_points, knots, lowers, widths):
    """Tables of up to 15 cuts: each, and of the segment above so many its lower end and width."""
    knots[:] = np.nan
    lowers[0], widths[0] = 0.0, np.inf
    for k in range(len(cut_points)):
        cut = cut_points[k]
        knots[k] = lowers[k + 1] = cut
        widths[k + 1] = cut_points[k + 1] - cut if k + 1 < len(cut_points) else np.inf


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
    done = 0
    if has_wide_vectors():
        done = _deviation_points_by_eight(
            values, n, median, sd, curve_z, curve_points, start, points
        )
    for i in range(done, n):
        z[i] = (values[i] - median) / sd
        points[i] = start
    pieces = len(curve_z) - 1
    for j in range(0, pieces - 2, 3):  # three at once, so that a point is written less often
        left, width, slope = _piece(curve_z, curve_points, j)
        left_b, width_b, slope_b = _piece(curve_z, curve_points, j + 1)
        left_c, width_c, slope_c = _piece(curve_z, curve_points, j + 2)
        for i in range(done, n):
            sum_a = points[i] + slope * min(max(z[i] - left, 0.0), width)
            sum_b = sum_a + slope_b * min(max(z[i] - left_b, 0.0), width_b)
            points[i] = sum_b + slope_c * min(max(z[i] - left_c, 0.0), width_c)
    for j in range(pieces - pieces % 3, pieces):
        left, width, slope = _piece(curve_z, curve_points, j)
        for i in range(done, n):
            points[i] += slope * min(max(z[i] - left, 0.0), width)
    for i in range(done, n):
        points[i] = min(max(points[i], lowest), highest)


@kernel
def _deviation_points_by_eight(values, n, median, sd, curve_z, curve_points, start, points):
    """The same, as many as fill vectors of eight; how many."""
    pieces = len(curve_z) - 1
    lefts, widths, slopes = np.empty(pieces), np.empty(pieces), np.empty(pieces)
    for j in range(pieces):
        lefts[j], widths[j], slopes[j] = _piece(curve_z, curve_points, j)
    lowest, highest = curve_points.min(), curve_points.max()
    done = n - n % EIGHT
    for i in range(0, done, EIGHT):
        z = (eight_from(values, i) - median) / sd
        total = in_all(start)
        for j in range(pieces):
            total = total + lesser(greater(z - lefts[j], 0.0), widths[j]) * slopes[j]
        put_eight(lesser(greater(total, lowest), highest), points, i)
    return done


@inlined
def _piece(curve_z, curve_points, j):
    """Where a piece of the curve begins, its width and its slope."""
    left = curve_z[j]
    width = curve_z[j + 1] - left
    return left, width, (curve_points[j + 1] - curve_points[j]) / width


@kernel
def add_points(points, begin, total, counted):
    """Add the points of one measure to everyone's from ``begin`` on, of those who have any."""
    for i in range(begin, len(points)):
        present = points[i] == points[i]
        total[i] += points[i] if present else 0.0
        counted[i] += 1.0 if present else 0.0
