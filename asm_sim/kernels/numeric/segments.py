"""Between which knots a value lies, by comparing it with ten of them.

Without a branch or a search, so that loops over values vectorise.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined

TEN = 10  # as many as registers hold


@inlined
def ten_segments(knots, begin, end):
    """Ten knots from ``begin`` on, and how wide the segment above each is.

    From ``end`` on no value reaches a knot; a segment without a knot above it is infinitely wide.
    """
    a, above_a = _segment(knots, begin, end)
    b, above_b = _segment(knots, begin + 1, end)
    c, above_c = _segment(knots, begin + 2, end)
    d, above_d = _segment(knots, begin + 3, end)
    e, above_e = _segment(knots, begin + 4, end)
    f, above_f = _segment(knots, begin + 5, end)
    g, above_g = _segment(knots, begin + 6, end)
    h, above_h = _segment(knots, begin + 7, end)
    j, above_j = _segment(knots, begin + 8, end)
    k, above_k = _segment(knots, begin + 9, end)
    return (a, b, c, d, e, f, g, h, j, k), (
        above_a, above_b, above_c, above_d, above_e, above_f, above_g, above_h, above_j, above_k
    )  # fmt: skip


@inlined
def _segment(knots, k, end):
    knot = knots[k] if k < end else np.inf
    return knot, knots[k + 1] - knot if k + 1 < len(knots) else np.inf


@inlined
def segment_of(value, segments, one, below):
    """Lower end, width and number of the segment in which a value lies.

    ``below`` is that of values below all ten; numbers ascend from its number by ``one``.
    """
    knots, above = segments
    at = _beyond(value, knots[0], above[0], below[2] + one, below)
    at = _beyond(value, knots[1], above[1], below[2] + 2 * one, at)
    at = _beyond(value, knots[2], above[2], below[2] + 3 * one, at)
    at = _beyond(value, knots[3], above[3], below[2] + 4 * one, at)
    at = _beyond(value, knots[4], above[4], below[2] + 5 * one, at)
    at = _beyond(value, knots[5], above[5], below[2] + 6 * one, at)
    at = _beyond(value, knots[6], above[6], below[2] + 7 * one, at)
    at = _beyond(value, knots[7], above[7], below[2] + 8 * one, at)
    at = _beyond(value, knots[8], above[8], below[2] + 9 * one, at)
    return _beyond(value, knots[9], above[9], below[2] + 10 * one, at)


@inlined
def _beyond(value, knot, width, number, before):
    """The segment above a knot if it is reached, else the one before."""
    reached = value >= knot
    return (
        knot if reached else before[0],
        width if reached else before[1],
        number if reached else before[2],
    )
