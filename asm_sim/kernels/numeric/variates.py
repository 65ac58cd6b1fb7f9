"""Variates from addressed words: uniforms, normals, and exact binomial and Poisson counts.

Every variate takes a fixed number of words. Uniforms lie on the 2^32 midpoints of (0, 1); normals
come in pairs by Box-Muller and so end near 6.7 standard deviations.

Counts are the quantile function at Phi(w), w standard normal, hence monotone in w. A Cornish-Fisher
expansion for lattice variables (third order, cumulants with Sheppard's corrections) gives a point
whose rounding is the count, unless that point lies within a proven-by-measurement guard of a
boundary, in a far tail or near a degenerate distribution: then the exact distribution function
decides (about 3 % of counts; a quarter where rates lie near 0 or 100 %).
"""

from __future__ import annotations

import math

import numpy as np

from asm_sim.kernels._jit import entry, inlined, kernel
from asm_sim.kernels.numeric.elementary import cos_sin_turn, log
from asm_sim.kernels.numeric.rng import philox, tag

_TO_UNIT = 2.0**-32
_UNDECIDED = -9.0
_TAIL = 3.39
_GUARD_CONSTANT = 0.04
_GUARD_TAIL = 0.001
_NEGLIGIBLE = 1e-18
_FEW = 6.0
_COUNTED_UP_TO = 1e7  # beyond it sums would take too long; a normal is right to 1e-4 SD there
_ROOT_HALF = 0.7071067811865476


@inlined
def uniform(word):
    return (np.float64(np.int64(word)) + 0.5) * _TO_UNIT


@inlined
def normal_pair(word_a, word_b):
    radius = math.sqrt(-2.0 * log(uniform(word_a)))
    cosine, sine = cos_sin_turn(np.float64(np.int64(word_b)) * _TO_UNIT)
    return radius * cosine, radius * sine


@kernel
def fill_normals(seed, entity, layer, stream, year, position, a, b, c, d):
    """Four normals per entity: rows a, b, c, d [n]; entity uint64 [2, n] (low, high words)."""
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, w1, w2, w3 = philox(low[i], high[i], index, word, k0, k1)
        a[i], b[i] = normal_pair(w0, w1)
        c[i], d[i] = normal_pair(w2, w3)


@kernel
def fill_normal_pair(seed, entity, layer, stream, year, position, a, b):
    """Two normals per entity, the other two words of the block unused."""
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, w1, _, _ = philox(low[i], high[i], index, word, k0, k1)
        a[i], b[i] = normal_pair(w0, w1)


@kernel
def fill_normals_and_uniforms(seed, entity, layer, stream, year, position, a, b, c, d):
    """Two normals (a, b) and two uniforms (c, d) per entity."""
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, w1, w2, w3 = philox(low[i], high[i], index, word, k0, k1)
        a[i], b[i] = normal_pair(w0, w1)
        c[i] = uniform(w2)
        d[i] = uniform(w3)


@kernel
def fill_uniforms(seed, entity, layer, stream, year, position, a, b, c, d):
    """Four uniforms per entity."""
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
    low = entity[0]
    high = entity[1]
    word = tag(stream, year, position)
    index = np.uint64(layer)
    k0 = seed[0]
    k1 = seed[1]
    for i in range(len(a)):
        w0, _, _, _ = philox(low[i], high[i], index, word, k0, k1)
        a[i] = uniform(w0)


@inlined
def _lattice_point(mean, k2, k3, k4, k5, w):
    """Where a smooth distribution with these cumulants has its quantile at Phi(w), and its SD."""
    variance = k2 - 1.0 / 12.0  # Sheppard's corrections for a lattice of span one
    fourth = k4 + 1.0 / 120.0
    inverse = 1.0 / math.sqrt(max(variance, 0.25))
    s = max(variance, 0.25) * inverse
    i2 = inverse * inverse
    g1 = k3 * i2 * inverse
    g2 = fourth * i2 * i2
    g3 = k5 * i2 * i2 * inverse
    w2 = w * w
    first = g1 * (w2 - 1.0) * (1.0 / 6.0)
    second = w * (g2 * (w2 - 3.0) * (1.0 / 24.0) - g1 * g1 * (2.0 * w2 - 5.0) * (1.0 / 36.0))
    third = (
        g3 * ((w2 - 6.0) * w2 + 3.0) * (1.0 / 120.0)
        - g1 * g2 * ((w2 - 5.0) * w2 + 2.0) * (1.0 / 24.0)
        + g1 * g1 * g1 * ((12.0 * w2 - 53.0) * w2 + 17.0) * (1.0 / 324.0)
    )
    return mean + s * (w + first + second + third), inverse


@inlined
def _round_or_undecided(x, inverse, k2, w):
    """The count, or _UNDECIDED where the expansion is too close to a boundary to tell."""
    count = math.floor(x + 0.5)
    fraction = x + 0.5 - count
    w2 = w * w
    guard = (_GUARD_CONSTANT + _GUARD_TAIL * w2 * w2 * w2) * inverse * inverse * inverse
    near = min(fraction, 1.0 - fraction) < guard
    unsure = near | (k2 <= 1.0) | (w2 > _TAIL * _TAIL)
    return _UNDECIDED if unsure else count


@kernel
def fill_binomial(w, trials, probability, counts):
    """counts[i] = quantile of Binomial(trials[i], probability[i]) at Phi(w[i]), exactly."""
    for i in range(len(counts)):
        n = trials[i]
        p = probability[i]
        q = 1.0 - p
        pq = p * q
        k2 = n * pq
        x, inverse = _lattice_point(
            n * p, k2, k2 * (q - p), k2 * (1.0 - 6.0 * pq), k2 * (q - p) * (1.0 - 12.0 * pq), w[i]
        )
        counts[i] = _round_or_undecided(x, inverse, k2, w[i])
    for i in range(len(counts)):
        if counts[i] == _UNDECIDED:
            counts[i] = _binomial_quantile(w[i], trials[i], probability[i])


@kernel
def fill_poisson(w, mean, counts):
    """counts[i] = quantile of Poisson(mean[i]) at Phi(w[i]), exactly."""
    for i in range(len(counts)):
        k2 = mean[i]
        x, inverse = _lattice_point(k2, k2, k2, k2, k2, w[i])
        counts[i] = _round_or_undecided(x, inverse, k2, w[i])
    for i in range(len(counts)):
        if counts[i] == _UNDECIDED:
            counts[i] = _poisson_quantile(w[i], mean[i])


@kernel
def _binomial_quantile(w, n, p):
    """Smallest k with P(X <= k) >= Phi(w), by summation of the exact probabilities."""
    if n <= 0.0 or p <= 0.0:
        return 0.0
    if p >= 1.0:
        return n
    if n > _COUNTED_UP_TO:
        point, _ = _lattice_point(n * p, n * p * (1.0 - p), 0.0, 0.0, 0.0, w)
        return min(max(math.floor(point + 0.5), 0.0), n)
    if n * p <= _FEW:
        return _few_binomial(0.5 * math.erfc(-w * _ROOT_HALF), n, p)
    if n * (1.0 - p) <= _FEW:  # count the failures from the other end
        return n - _few_failures(0.5 * math.erfc(-w * _ROOT_HALF), n, 1.0 - p)
    x, _ = _lattice_point(n * p, n * p * (1.0 - p), 0.0, 0.0, 0.0, w)
    k = min(max(math.floor(x + 0.5), 0.0), n)
    odds = p / (1.0 - p)
    mass = math.exp(
        math.lgamma(n + 1.0)
        - math.lgamma(k + 1.0)
        - math.lgamma(n - k + 1.0)
        + k * math.log(p)
        + (n - k) * math.log1p(-p)
    )
    if w <= 0.0:
        target = 0.5 * math.erfc(-w * _ROOT_HALF)
        below = mass  # P(X <= k), summed downward
        term = mass
        j = k
        while j > 0.0 and term > below * _NEGLIGIBLE:
            term *= j / ((n - j + 1.0) * odds)
            j -= 1.0
            below += term
        while below < target and k < n:
            mass *= (n - k) * odds / (k + 1.0)
            k += 1.0
            below += mass
        while k > 0.0 and below - mass >= target:
            below -= mass
            mass *= k / ((n - k + 1.0) * odds)
            k -= 1.0
        return k
    target = 0.5 * math.erfc(w * _ROOT_HALF)
    above = 0.0  # P(X > k), summed upward
    term = mass
    j = k
    while j < n:
        term *= (n - j) * odds / (j + 1.0)
        j += 1.0
        above += term
        if term <= above * _NEGLIGIBLE:
            break
    while above > target and k < n:
        mass *= (n - k) * odds / (k + 1.0)
        k += 1.0
        above -= mass
    while k > 0.0 and above + mass <= target:
        above += mass
        mass *= k / ((n - k + 1.0) * odds)
        k -= 1.0
    return k


@kernel
def _few_binomial(u, n, p):
    """Smallest k with P(X <= k) >= u, upward from zero: for distributions that lie near zero."""
    odds = p / (1.0 - p)
    mass = math.exp(n * math.log1p(-p))
    below = mass
    k = 0.0
    while below < u and k < n and mass > _NEGLIGIBLE * below:
        mass *= (n - k) * odds / (k + 1.0)
        k += 1.0
        below += mass
    return k


@kernel
def _few_failures(u, n, q):
    """Largest j of failures with P(failures >= j) >= u: the same quantile, seen from the top.

    P(successes <= k) = P(failures >= n - k), so the smallest k is the largest such j.
    """
    odds = q / (1.0 - q)
    mass = math.exp(n * math.log1p(-q))
    fewer = mass  # P(failures <= j)
    j = 0.0
    while 1.0 - fewer >= u and j < n and mass > 0.0:
        mass *= (n - j) * odds / (j + 1.0)
        j += 1.0
        fewer += mass
    return j


@kernel
def _poisson_quantile(w, mean):
    """Smallest k with P(X <= k) >= Phi(w), by summation of the exact probabilities."""
    if mean <= 0.0:
        return 0.0
    if mean > _COUNTED_UP_TO:
        point, _ = _lattice_point(mean, mean, 0.0, 0.0, 0.0, w)
        return max(math.floor(point + 0.5), 0.0)
    x, _ = _lattice_point(mean, mean, 0.0, 0.0, 0.0, w)
    k = max(math.floor(x + 0.5), 0.0)
    mass = math.exp(k * math.log(mean) - mean - math.lgamma(k + 1.0))
    if w <= 0.0:
        target = 0.5 * math.erfc(-w * _ROOT_HALF)
        below = mass
        term = mass
        j = k
        while j > 0.0 and term > below * _NEGLIGIBLE:
            term *= j / mean
            j -= 1.0
            below += term
        while below < target:
            k += 1.0
            mass *= mean / k
            below += mass
        while k > 0.0 and below - mass >= target:
            below -= mass
            mass *= k / mean
            k -= 1.0
        return k
    target = 0.5 * math.erfc(w * _ROOT_HALF)
    above = 0.0
    term = mass
    j = k
    while True:
        j += 1.0
        term *= mean / j
        above += term
        if term <= above * _NEGLIGIBLE:
            break
    while above > target:
        k += 1.0
        mass *= mean / k
        above -= mass
    while k > 0.0 and above + mass <= target:
        above += mass
        mass *= k / mean
        k -= 1.0
    return k


@entry
def binomial_quantiles(w, trials, probability):
    """The exact binomial quantile at Phi(w), element by element (float64 [n] each)."""
    counts = np.empty(len(w))
    fill_binomial(w, trials, probability, counts)
    return counts


@entry
def poisson_quantiles(w, mean):
    """The exact Poisson quantile at Phi(w), element by element (float64 [n] each)."""
    counts = np.empty(len(w))
    fill_poisson(w, mean, counts)
    return counts


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
