"""Exact binomial and Poisson counts of normals.

Counts are the quantile function at Phi(w), w standard normal, hence monotone in w. A Cornish-Fisher
expansion for lattice variables gives a point whose nearest number is the count, unless that point
lies within a proven-by-measurement guard of a boundary, in a far tail or near a degenerate
distribution. Of the binomial counts these are one in seven, for rates lie near 0 or 100 %: there
the distribution function of the rarer outcome is summed over its first terms, roughly, and decides
unless it comes within the errors of a step. What is left, one count in a thousand, the exact
distribution function decides.
"""

from __future__ import annotations

import math

import numpy as np

from asm_sim.kernels._jit import entry, fma, inlined, kernel
from asm_sim.kernels.numeric.elementary import SHIFTER, exp, log
from asm_sim.kernels.numeric.vectors import has_wide_vectors, rough_inverse_root, widest_vectors

_UNDECIDED = -9.0
_TAIL = 4.75
_GUARD_CONSTANT = 0.05
_GUARD_TAIL = 0.0014
_LOOKED_AT = 64  # counts at once, hardly ever one of them undecided
_TERMS = 6
_MARGIN = 2e-7  # more than the errors of _probability_below
_NEGLIGIBLE = 1e-18
_FEW = 6.0
_COUNTED_UP_TO = 1e7  # beyond it sums would take too long; a normal is right to 1e-4 SD there
_ROOT_HALF = 0.7071067811865476


@inlined
def _inverse_root(x):
    """1 / sqrt(x) to about the last bit, for x up to 1e38: no exact one is needed where it is used.

    With wide vectors an exact root and division take longer than all else in a count: it is made
    from single precision, by a step that leaves the third power of its error.
    """
    if not has_wide_vectors():
        return 1.0 / math.sqrt(x)
    rough = rough_inverse_root(x)
    error = fma(-(x * rough), rough, 1.0)
    return fma(rough * error, fma(0.375, error, 0.5), rough)


@inlined
def _lattice_point(mean, variance, skew, w):
    """Where a binomial or Poisson variable has its quantile at Phi(w), and 1 / SD.

    ``skew`` is the chance of failure less that of success, 1 of a Poisson variable. The expansion
    of Cornish and Fisher with Sheppard's corrections for a lattice of span one, collected by powers
    of 1 / SD up to the second: of the order of Giles (2016, ACM TOMS 42) for Poisson variables.
    """
    inverse = _inverse_root(variance)
    w2, skew2 = w * w, skew * skew
    first = skew * fma(w2, 1.0 / 6.0, -1.0 / 6.0)
    of_cube, of_own = fma(skew2, 1.0 / 144.0, -1.0 / 48.0), fma(skew2, -7.0 / 144.0, 1.0 / 48.0)
    second = w * fma(of_cube, w2, of_own)
    of_w = fma(w2, fma(w2, 1.0 / 240.0, 7.0 / 720.0), -1.0 / 45.0)
    third = skew * fma(skew2, -1.0 / 9.0, 1.0) * of_w
    near = fma(variance * inverse, w, mean)
    return near + fma(inverse, fma(inverse, third, second), first), inverse


@inlined
def _nearest_or_undecided(x, inverse, variance, w):
    """The count, or _UNDECIDED where the expansion is too close to a boundary to tell."""
    count = (x + SHIFTER) - SHIFTER
    w2 = w * w
    guard = fma(_GUARD_TAIL * w2, w2 * w2, _GUARD_CONSTANT)
    near = abs(x - count) > fma(-guard, inverse * inverse * inverse, 0.5)
    unsure = near | (variance <= 1.0) | (w2 > _TAIL * _TAIL)
    return _UNDECIDED if unsure else count


@kernel
def fill_binomial(w, trials, probability, counts, work):
    """counts[i] = quantile of Binomial(trials[i], probability[i]) at Phi(w[i]), exactly.

    Scratch: work float64 [4, >= n].
    """
    widest_vectors()
    for i in range(len(counts)):
        n = trials[i]
        p = probability[i]
        q = 1.0 - p
        mean, variance = n * p, n * (p * q)
        x, inverse = _lattice_point(mean, variance, q - p, w[i])
        count = _nearest_or_undecided(x, inverse, variance, w[i])
        counts[i] = mean if variance <= 0.0 else count  # none or all, for certain
    _decide_binomial(w, trials, probability, counts, work[0], work[1], work[2], work[3])


@kernel
def _decide_binomial(w, trials, probability, counts, place, normal, number, rare):
    """The counts that are undecided, those that lie close together in memory first."""
    found = np.uint64(0)  # a number without a sign does not count from the end
    place = place.view(np.int64)
    for i in range(len(counts)):
        place[found] = i
        found += np.uint64(counts[i] == _UNDECIDED)
    undecided = np.int64(found)
    for k in range(undecided):
        i = np.uint64(place[k])
        p = probability[i]
        number[k] = trials[i]
        rare[k] = min(p, 1.0 - p)
        normal[k] = w[i] if p <= 0.5 else -w[i]
    _count_rare(normal[:undecided], number[:undecided], rare[:undecided])
    for k in range(undecided):
        i = np.uint64(place[k])
        if rare[k] == _UNDECIDED:
            counts[i] = _binomial_quantile(w[i], trials[i], probability[i])
        else:
            counts[i] = rare[k] if probability[i] <= 0.5 else trials[i] - rare[k]


@kernel
def _count_rare(w, trials, probability):
    """Each probability [n], of the rarer outcome, becomes the count of it, or _UNDECIDED.

    w [n] become the probabilities below them.
    """
    mass = np.empty(len(w))
    _probabilities_below(w)
    _masses_at_zero(trials, probability, mass)
    _count_terms(w, trials, mass, probability)


@kernel
def _probabilities_below(w):
    widest_vectors()
    for i in range(len(w)):
        w[i] = _probability_below(w[i])


@kernel
def _masses_at_zero(trials, probability, mass):
    widest_vectors()
    for i in range(len(mass)):
        mass[i] = exp(trials[i] * log(1.0 - probability[i]))


@kernel
def _count_terms(below, trials, mass, probability):
    widest_vectors()
    for i in range(len(mass)):
        p, n, term = probability[i], trials[i], mass[i]
        odds = p / (1.0 - p)
        up_to = 0.0
        nearest = 1.0
        count = 0.0
        for k in range(_TERMS):
            up_to += term
            gap = up_to - below[i]
            nearest = min(nearest, abs(gap))
            count += 1.0 if gap < 0.0 else 0.0
            term *= odds * (n - k) * (1.0 / (k + 1))
        sure = (nearest > _MARGIN) & (count < _TERMS) & (n < _COUNTED_UP_TO)
        probability[i] = count if sure else _UNDECIDED


@inlined
def _probability_below(w):
    """Phi(w) to 7.5e-8: Abramowitz and Stegun 26.2.17."""
    t = 1.0 / fma(0.2316419, abs(w), 1.0)
    s = fma(t, 1.330274429, -1.821255978)
    s = fma(t, s, 1.781477937)
    s = fma(t, s, -0.356563782)
    s = fma(t, s, 0.319381530)
    beyond = 0.3989422804014327 * exp(-0.5 * w * w) * (t * s)
    return beyond if w < 0.0 else 1.0 - beyond


@kernel
def fill_poisson(w, mean, counts):
    """counts[i] = quantile of Poisson(mean[i]) at Phi(w[i]), exactly."""
    widest_vectors()
    for i in range(len(counts)):
        variance = mean[i]
        x, inverse = _lattice_point(variance, variance, 1.0, w[i])
        counts[i] = _nearest_or_undecided(x, inverse, variance, w[i])
    whole = len(counts) - len(counts) % _LOOKED_AT
    for begin in range(0, whole, _LOOKED_AT):
        looked_at = counts[begin : begin + _LOOKED_AT]
        undecided = 0
        for i in range(_LOOKED_AT):
            undecided += looked_at[i] == _UNDECIDED
        if undecided > 0:
            _decide_poisson(w, mean, counts, begin, begin + _LOOKED_AT)
    _decide_poisson(w, mean, counts, whole, len(counts))


@kernel
def _decide_poisson(w, mean, counts, begin, end):
    """The counts from begin to end that are undecided."""
    for i in range(begin, end):
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
        point, _ = _lattice_point(n * p, n * p * (1.0 - p), 1.0 - 2.0 * p, w)
        return min(max(math.floor(point + 0.5), 0.0), n)
    if n * p <= _FEW:
        return _few_binomial(0.5 * math.erfc(-w * _ROOT_HALF), n, p)
    if n * (1.0 - p) <= _FEW:  # count the failures from the other end
        return n - _few_failures(0.5 * math.erfc(-w * _ROOT_HALF), n, 1.0 - p)
    k = min(max(math.floor(n * p + math.sqrt(n * p * (1.0 - p)) * w + 0.5), 0.0), n)
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
        point, _ = _lattice_point(mean, mean, 1.0, w)
        return max(math.floor(point + 0.5), 0.0)
    k = max(math.floor(mean + math.sqrt(mean) * w + 0.5), 0.0)
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
    fill_binomial(w, trials, probability, counts, np.empty((4, len(w))))
    return counts


@entry
def poisson_quantiles(w, mean):
    """The exact Poisson quantile at Phi(w), element by element (float64 [n] each)."""
    counts = np.empty(len(w))
    fill_poisson(w, mean, counts)
    return counts
