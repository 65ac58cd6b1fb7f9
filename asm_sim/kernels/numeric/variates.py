"""Variates from addressed words: uniforms and normals; counts are made of normals (counts.py).

Every variate takes a fixed number of words. Uniforms lie on the 2^32 midpoints of (0, 1); normals
come in pairs by Box-Muller and so end near 6.7 standard deviations. Words and normals are made in
loops of their own: in one loop there are more numbers at work than a processor has registers for.
"""

from __future__ import annotations

import math

import numpy as np

from asm_sim.kernels._jit import entry, fma, inlined, kernel
from asm_sim.kernels.numeric.elementary import half_angle, minus_two_log
from asm_sim.kernels.numeric.rng import philox, tag
from asm_sim.kernels.numeric.vectors import widest_vectors

# A word in the last bits of 2^20 is that number of 2^-32 more, and of 2^21 of 2^-31.
_BEFORE_BITS = np.uint64(0x4130000000000000)
_BEFORE = 2.0**20
_HALF_A_UNIT = 2.0**-33
_TWICE_BITS = np.uint64(0x4140000000000000)
_TWICE = 2.0**21


@inlined
def turn(word):
    """A word as an angle, counted from the middle of a turn in half turns, [-1, 1)."""
    return np.uint64(word | _TWICE_BITS).view(np.float64) - (_TWICE + 1.0)


@inlined
def uniform(word):
    return np.uint64(word | _BEFORE_BITS).view(np.float64) - (_BEFORE - _HALF_A_UNIT)


@kernel
def _make_normals(a, b):
    """Uniforms a and turns b [n] become pairs of normals."""
    widest_vectors()
    for i in range(len(a)):
        radius = math.sqrt(minus_two_log(a[i]))
        s, c = half_angle(b[i])
        share = radius * s
        a[i] = fma(share, s, -radius)
        b[i] = share * c


@kernel
def fill_normals(seed, entity, layer, stream, year, position, a, b, c, d):
    """Four normals per entity: rows a, b, c, d [n]; entity uint64 [2, n] (low, high words)."""
    widest_vectors()
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, w1, w2, w3 = philox(low[i], high[i], index, word, k0, k1)
        a[i] = uniform(w0)
        b[i] = turn(w1)
        c[i] = uniform(w2)
        d[i] = turn(w3)
    _make_normals(a, b)
    _make_normals(c, d)


@kernel
def fill_normal_pair(seed, entity, layer, stream, year, position, a, b):
    """Two normals per entity, the other two words of the block unused."""
    widest_vectors()
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, w1, _, _ = philox(low[i], high[i], index, word, k0, k1)
        a[i] = uniform(w0)
        b[i] = turn(w1)
    _make_normals(a, b)


@kernel
def fill_first_normals(used, seed, entity, layer, stream, year, position, a, b, c, d):
    """The normals of a block of which only the first ``used`` matter: two or four are made."""
    if used > 2:
        fill_normals(seed, entity, layer, stream, year, position, a, b, c, d)
    else:
        fill_normal_pair(seed, entity, layer, stream, year, position, a, b)


@kernel
def fill_normals_and_uniforms(seed, entity, layer, stream, year, position, a, b, c, d):
    """Two normals (a, b) and two uniforms (c, d) per entity."""
    widest_vectors()
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, w1, w2, w3 = philox(low[i], high[i], index, word, k0, k1)
        a[i] = uniform(w0)
        b[i] = turn(w1)
        c[i] = uniform(w2)
        d[i] = uniform(w3)
    _make_normals(a, b)


@kernel
def fill_uniforms(seed, entity, layer, stream, year, position, a, b, c, d):
    """Four uniforms per entity."""
    widest_vectors()
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, w1, w2, w3 = philox(low[i], high[i], index, word, k0, k1)
        a[i] = uniform(w0)
        b[i] = uniform(w1)
        c[i] = uniform(w2)
        d[i] = uniform(w3)


@kernel
def fill_uniform(seed, entity, layer, stream, year, position, a):
    """One uniform per entity, the first word of the block; the other three are unused."""
    widest_vectors()
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, _, _, _ = philox(low[i], high[i], index, word, k0, k1)
        a[i] = uniform(w0)


@entry
def normals_at(seed, entity, layer, stream, year, position):
    """The four normals of each entity's block, float64 [4, n], for tests of the generator."""
    rows = np.empty((4, entity.shape[1]))
    fill_normals(seed, entity, layer, stream, year, position, rows[0], rows[1], rows[2], rows[3])
    return rows


@entry
def uniforms_at(seed, entity, layer, stream, year, position):
    """The four uniforms of each entity's block, float64 [4, n], for what is drawn outside."""
    rows = np.empty((4, entity.shape[1]))
    fill_uniforms(seed, entity, layer, stream, year, position, rows[0], rows[1], rows[2], rows[3])
    return rows
