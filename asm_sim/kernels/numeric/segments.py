"""Between which knots a value lies, by comparing it with ten of them.

Without a branch or a search, so that loops over values vectorise.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined

TEN = 10  # as many as registers hold


@inlined
def ten_segments(knots, begin):
    """Ten knots from ``begin`` on, and how wide the segment above each is.

    Behind the last come knots that no value reaches; the segment above the last has no end.
    """
    a, above_a = _segment(knots, begin)
    b, above_b = _segment(knots, begin + 1)
    c, above_c = _segment(knots, begin + 2)
    d, above_d = _segment(knots, begin + 3)
    e, above_e = _segment(knots, begin + 4)
    f, above_f = _segment(knots, begin + 5)
    g, above_g = _segment(knots, begin + 6)
    h, above_h = _segment(knots, begin + 7)
    j, above_j = _segment(knots, begin + 8)
    k, above_k = _segment(knots, begin + 9)
    return (a, b, c, d, e, f, g, h, j, k), (
        above_a, above_b, above_c, above_d, above_e, above_f, above_g, above_h, above_j, above_k
    )  # fmt: skip


@inlined
def _segment(knots, k):
    knot = knots[k] if k < len(knots) else np.inf
    return knot, knots[k + 1] - knot if k + 1 < len(knots) else np.inf


@inlined
def segment_of(value, segments, below):
    """Lower end, width and number of the segment in which a value lies.

    ``below`` is that of values below all ten; numbers ascend from its number.
    """
    knots, above = segments
    at = _beyond(value, knots[0], above[0], below[2] + 1.0, below)
    at = _beyond(value, knots[1], above[1], below[2] + 2.0, at)
    at = _beyond(value, knots[2], above[2], below[2] + 3.0, at)
    at = _beyond(value, knots[3], above[3], below[2] + 4.0, at)
    at = _beyond(value, knots[4], above[4], below[2] + 5.0, at)
    at = _beyond(value, knots[5], above[5], below[2] + 6.0, at)
    at = _beyond(value, knots[6], above[6], below[2] + 7.0, at)
    at = _beyond(value, knots[7], above[7], below[2] + 8.0, at)
    at = _beyond(value, knots[8], above[8], below[2] + 9.0, at)
    return _beyond(value, knots[9], above[9], below[2] + 10.0, at)


@inlined
def _beyond(value, knot, width, number, before):
    """The segment above a knot if it is reached, else the one before."""
    reached = value >= knot
    return (
        knot if reached else before[0],
        width if reached else before[1],
        number if reached else before[2],
    )
