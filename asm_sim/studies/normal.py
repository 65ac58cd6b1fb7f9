"""Two correlated normal values, truth and measurement or one year and another, in closed form.

What is known of percentiles, tiers and signs when measured performance is normal truth plus normal
noise: ``reliability`` is the share of truth in the variance of what is observed, the square of the
correlation of the two. Arguments are numbers or arrays that broadcast; results are float64 arrays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asm_sim.special_functions import ndtr, ndtri

Floats = npt.NDArray[np.float64]
Values = npt.ArrayLike

_NODES = 64
_GAUSS = np.polynomial.legendre.leggauss(_NODES)
LARGEST = 9.0  # SDs beyond which nothing is left of a normal distribution


def floats(*values: Values) -> tuple[Floats, ...]:
    """The values as float64 arrays of one shape."""
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    return tuple(np.array(array) for array in arrays)


def density(x: Values) -> Floats:
    """The standard normal density."""
    (at,) = floats(x)
    return np.asarray(np.exp(-0.5 * at * at) / np.sqrt(2.0 * np.pi))


def mean_between(function: object, low: Values, high: Values) -> Floats:
    """The integral of ``function(x)`` times the normal density from ``low`` to ``high``.

    By 64 Gauss-Legendre nodes; ``function`` takes x with one more axis than the limits, at its end.
    """
    below, above = floats(low, high)
    nodes, weights = _GAUSS
    half = 0.5 * (above - below)[..., np.newaxis]
    x = below[..., np.newaxis] + half * (nodes + 1.0)
    values = function(x) * density(x)  # type: ignore[operator]
    return np.asarray((half * weights * values).sum(axis=-1))


def both_below(a: Values, b: Values, correlation: Values) -> Floats:
    """P(X < a and Y < b) of standard normal X and Y with this correlation.

    Plackett's identity: Phi(a) Phi(b) plus the integral over the correlation of the density, in
    its arc sine, where the integrand is smooth.
    """
    x, y, r = floats(a, b, correlation)
    nodes, weights = _GAUSS
    half = 0.5 * np.arcsin(r)[..., np.newaxis]
    angle = half * (nodes + 1.0)
    sine = np.sin(angle)
    u, v = x[..., np.newaxis], y[..., np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = (u * u + v * v - 2.0 * u * v * sine) / (2.0 * np.cos(angle) ** 2)
    inside = (half * weights * np.exp(-exponent)).sum(axis=-1) / (2.0 * np.pi)
    return np.asarray(ndtr(x) * ndtr(y) + inside)


def spearman_brown(reliability: Values, times: Values) -> Floats:
    """The reliability with so many times the observations: t r / (t r + 1 - r)."""
    r, t = floats(reliability, times)
    return np.asarray(t * r / (t * r + 1.0 - r))


def reliability_at(kappa: Values, n: Values) -> Floats:
    """n / (n + kappa): kappa is the number at which signal and noise have the same variance."""
    k, number = floats(kappa, n)
    return np.asarray(number / (number + k))


def number_for(reliability: Values, kappa: Values) -> Floats:
    """Observations for a reliability: R / (1 - R) kappa, the inverse of :func:`reliability_at`."""
    r, k = floats(reliability, kappa)
    return np.asarray(r / (1.0 - r) * k)


def kappa_of_share(share: Values) -> Floats:
    """kappa where clinicians make this share of the variance of one observation: (1 - s) / s."""
    (s,) = floats(share)
    return np.asarray((1.0 - s) / s)


def wrong_tier(share: Values, reliability: Values) -> Floats:
    """Share in the best (or lowest) ``share`` by measurement or by truth, and not by both.

    2 (q - Phi2(z_q, z_q; sqrt r)); over 2 q it is the share of those labelled who are not (Adams et
    al., N Engl J Med 2010;362:1014-21, for q a quarter).
    """
    q, r = floats(share, reliability)
    return np.asarray(2.0 * (q - both_below(ndtri(q), ndtri(q), np.sqrt(r))))


def in_same_tiers(cuts: Values, reliability: float) -> Floats:
    """Probability of each pair of tiers, by truth and by measurement: [tiers, tiers].

    ``cuts`` are the shares below each cut, ascending.
    """
    limits = np.concatenate([[-np.inf], ndtri(np.asarray(cuts, dtype=np.float64)), [np.inf]])
    limits = np.clip(limits, -40.0, 40.0)
    corners = both_below(limits[:, None], limits[None, :], np.sqrt(reliability))
    return np.asarray(np.diff(np.diff(corners, axis=0), axis=1))


def above_standard(share: Values, reliability: Values) -> tuple[Floats, Floats]:
    """Of a fixed standard that ``share`` truly exceed: who seem to, and who seem to and do.

    With t = Q(1 - share): Phi(-t sqrt r) and Phi2(-t, -t sqrt r; sqrt r), truth standardised by
    itself and measurement on the same scale (Hayward et al., Health Serv Res 2007;42:1718-38).
    """
    p, r = floats(share, reliability)
    standard = ndtri(1.0 - p)
    seeming = ndtr(-standard * np.sqrt(r))
    return np.asarray(seeming), both_below(-standard, -standard * np.sqrt(r), np.sqrt(r))


def rank_correlation(correlation: Values) -> Floats:
    """Spearman's correlation of normal values: 6 / pi arcsin(correlation / 2)."""
    (r,) = floats(correlation)
    return np.asarray(6.0 / np.pi * np.arcsin(r / 2.0))


def correlation_of_ranks(rank: Values) -> Floats:
    """The inverse of :func:`rank_correlation`: 2 sin(pi rank / 6)."""
    (of_ranks,) = floats(rank)
    return np.asarray(2.0 * np.sin(np.pi / 6.0 * of_ranks))


def percentile_error(reliability: Values) -> Floats:
    """Root mean square of the measured percentile minus the true one, as shares (0 to 1).

    The mean square is 1/6 - arcsin(sqrt(r) / 2) / pi.
    """
    (r,) = floats(reliability)
    return np.asarray(np.sqrt(1.0 / 6.0 - np.arcsin(np.sqrt(r) / 2.0) / np.pi))


def off_by_more(share: Values, reliability: Values) -> Floats:
    """How often a truly median value is measured more than this share of all away from the middle.

    2 Phi(-Q(1/2 + share) / sqrt(1 - r)) (Rogosa, CRESST report 509, 1999).
    """
    s, r = floats(share, reliability)
    return np.asarray(2.0 * ndtr(-ndtri(0.5 + s) / np.sqrt(1.0 - r)))


def years_below(cut: Values, correlation: Values, years: int) -> Floats:
    """Probability of 0, 1, ... ``years`` years below a cut (in SDs), any two years alike: [..., j].

    Binomial given what the years share, C(n, j) Phi^j (1 - Phi)^(n - j) with argument
    (cut - sqrt(r) x) / sqrt(1 - r), over x.
    """
    c, r = floats(cut, correlation)
    wanted = np.arange(years + 1)
    ways = np.array([_choose(years, int(j)) for j in wanted])
    shared, own = np.sqrt(r)[..., None], np.sqrt(1.0 - r)[..., None]

    def given(x: Floats) -> Floats:
        below = ndtr((c[..., None] - shared * x) / own)
        return np.asarray(below)

    result = []
    for j in wanted.tolist():
        part = mean_between(
            lambda x, j=j: given(x) ** j * (1.0 - given(x)) ** (years - j),
            np.full(c.shape, -LARGEST),
            np.full(c.shape, LARGEST),
        )
        result.append(ways[j] * part)
    return np.stack(result, axis=-1)


def _choose(n: int, k: int) -> float:
    from math import comb

    return float(comb(n, k))
