"""What the payment rule does in closed form, where final scores are normal.

Symbols: R risk level, rho share paid out, k steepness of the logistic, m and sigma median and SD of
the final scores above zero, z share of scored clinicians with a zero score, S scaling factor, T
transformed score, c the break-even score in SDs above m, r reliability of the final score, kappa
the episodes at which signal and noise have the same variance. Payments are unrelated to scores,
the midpoint is the median, zero scorers lose the risk level and count in the pool, and nothing is
capped or rounded: the rule as it is (42 CFR 512.750).

The formulas are ours, derived from the rule and the normal distribution; none was found in print
for this model. Arguments are numbers or arrays that broadcast; results are float64 arrays.
"""

from __future__ import annotations

import numpy as np

from asm_sim.special_functions import expit, ndtr, ndtri
from asm_sim.studies.normal import (
    LARGEST,
    Floats,
    Values,
    both_below,
    floats,
    mean_between,
    reliability_at,
)

LOGISTIC_AS_NORMAL = 1.702  # 1 / (1 + exp(-x)) is near Phi(x / 1.702)


def scaling(
    share_paid_out: Values, zero_share: Values = 0.0, mean_transformed: Values = 0.5
) -> Floats:
    """1. The scaling factor: S = rho / ((1 - z) E T), which is 2 rho / (1 - z) for normal scores.

    The pool is rho R P of all, and is paid out to the positive scorers by T. It does not depend on
    steepness, spread or risk level. With payments related to scores E T is weighted by payments.
    """
    rho, z, t = floats(share_paid_out, zero_share, mean_transformed)
    return np.asarray(rho / ((1.0 - z) * t))


def break_even(
    median: Values, steepness: Values, share_paid_out: Values, zero_share: Values = 0.0
) -> Floats:
    """2. The final score without an adjustment: m + ln((1 - z) / (2 rho - 1 + z)) / k.

    From S T = 1. It does not depend on the spread, and is nan where S is at most 1.
    """
    m, k, rho, z = floats(median, steepness, share_paid_out, zero_share)
    over = 2.0 * rho - 1.0 + z
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where((over > 0) & (k > 0), m + np.log((1.0 - z) / over) / k, np.nan))


def break_even_in_sds(
    steepness: Values, sd: Values, share_paid_out: Values, zero_share: Values = 0.0
) -> Floats:
    """c: how many SDs of the final score the break-even score is above the median."""
    return np.asarray(break_even(0.0, steepness, share_paid_out, zero_share) / floats(sd)[0])


def mean_adjustment(risk_level: Values, share_paid_out: Values, zero_share: Values = 0.0) -> Floats:
    """3. The mean of positive scorers: R (rho / (1 - z) - 1), with or without noise.

    R (S E T - 1): -1.35 % of Part B at R .09, rho .85, z 0. Over all scored it is R (rho - 1).
    """
    risk, rho, z = floats(risk_level, share_paid_out, zero_share)
    return np.asarray(risk * (rho / (1.0 - z) - 1.0))


def largest_bonus(risk_level: Values, share_paid_out: Values, zero_share: Values = 0.0) -> Floats:
    """4. What no adjustment exceeds: R (S - 1) = R (2 rho - 1 + z) / (1 - z).

    T is below 1: +6.3 % at R .09, so never +9 %, unless E T falls to rho / 2.
    """
    return np.asarray(floats(risk_level)[0] * (scaling(share_paid_out, zero_share) - 1.0))


def penalty_share(
    steepness: Values, sd: Values, share_paid_out: Values, zero_share: Values = 0.0
) -> Floats:
    """5. Share of the scored with a penalty: z + (1 - z) Phi(c).

    All lose as k falls, half of the positive scorers as it grows.
    """
    c = break_even_in_sds(steepness, sd, share_paid_out, zero_share)
    (z,) = floats(zero_share)
    share = np.where(np.isnan(c), 1.0, ndtr(c))
    return np.asarray(z + (1.0 - z) * share)


def transformed_variance(steepness: Values, sd: Values) -> Floats:
    """6. Var T = E (T - 1/2)^2 of a logistic of normal scores, by one integral."""
    k, sigma = floats(steepness, sd)

    def squared(x: Floats) -> Floats:
        return np.asarray((expit((k * sigma)[..., None] * x) - 0.5) ** 2)

    return 2.0 * mean_between(squared, np.zeros(k.shape), np.full(k.shape, LARGEST))


def similarity(steepness: Values, sd: Values) -> Floats:
    """q = a^2 sigma^2 / (1 + a^2 sigma^2), a = k / 1.702: the logistic taken as a normal curve."""
    k, sigma = floats(steepness, sd)
    a = (k * sigma / LOGISTIC_AS_NORMAL) ** 2
    return np.asarray(a / (1.0 + a))


def transformed_variance_by_arcsine(steepness: Values, sd: Values) -> Floats:
    """6, without an integral: Var T is near arcsin(q) / (2 pi), within 5 % where k sigma > 1."""
    return np.asarray(np.arcsin(similarity(steepness, sd)) / (2.0 * np.pi))


def adjustment_sd(
    risk_level: Values,
    steepness: Values,
    sd: Values,
    share_paid_out: Values,
    zero_share: Values = 0.0,
) -> Floats:
    """6. SD of the adjustment over the scored: R S sqrt(Var T) of the positive scorers.

    With zero scorers, who are at -R, the variance is R^2 ((1 - z) S^2 E T^2 - rho^2).
    """
    risk, rho, z = floats(risk_level, share_paid_out, zero_share)
    s = scaling(rho, z)
    mean_square = transformed_variance(steepness, sd) + 0.25
    return np.asarray(risk * np.sqrt((1.0 - z) * s * s * mean_square - rho * rho))


def bonuses(
    steepness: Values, sd: Values, share_paid_out: Values, zero_share: Values = 0.0
) -> Floats:
    """7. Bonuses over the amount at risk: B = (1 - z) E max(S T - 1, 0), by one integral."""
    k, sigma, rho, z = floats(steepness, sd, share_paid_out, zero_share)
    s, c = scaling(rho, z), break_even_in_sds(k, sigma, rho, z)
    from_here = np.clip(np.where(np.isnan(c), LARGEST, c), -LARGEST, LARGEST)

    def gain(x: Floats) -> Floats:
        return np.asarray(s[..., None] * expit((k * sigma)[..., None] * x) - 1.0)

    return (1.0 - z) * mean_between(gain, from_here, np.full(k.shape, LARGEST))


def bonuses_by_normal(steepness: Values, sd: Values, share_paid_out: Values) -> Floats:
    """7, without an integral and zero scorers: S Phi2(0, -c; sqrt q) - Phi(-c), within 10 %."""
    c = break_even_in_sds(steepness, sd, share_paid_out)
    q = similarity(steepness, sd)
    return np.asarray(scaling(share_paid_out) * both_below(0.0, -c, np.sqrt(q)) - ndtr(-c))


def penalties(
    steepness: Values, sd: Values, share_paid_out: Values, zero_share: Values = 0.0
) -> Floats:
    """7. Penalties over the amount at risk: B + 1 - rho, for Medicare keeps 1 - rho whatever."""
    (rho,) = floats(share_paid_out)
    return np.asarray(bonuses(steepness, sd, rho, zero_share) + 1.0 - rho)


def chance_share_of_variance(reliability_of_adjustment: Values) -> Floats:
    """8. Variance of adjustment minus noise-free one over that of the adjustment: 2 (1 - sqrt r).

    Not 1 - r: the noise-free adjustment is scaled by its own scores, which lie closer together, so
    that both have nearly the same variance and differ by 2 V (1 - correlation).
    """
    (r,) = floats(reliability_of_adjustment)
    return np.asarray(2.0 * (1.0 - np.sqrt(r)))


def reliability_of_adjustment(reliability: Values, steepness: Values, sd: Values) -> Floats:
    """8. Squared correlation of the adjustment with the noise-free one, from that of the score.

    (arcsin(q sqrt r) / arcsin q)^2 as long as the noise-free scores are scaled to the same spread;
    near r, and r itself where the curve is nearly a line.
    """
    r, q = floats(reliability, similarity(steepness, sd))
    return np.asarray((np.arcsin(q * np.sqrt(r)) / np.arcsin(q)) ** 2)


def wrong_sign(cut: Values, reliability: Values) -> Floats:
    """9. Share with a bonus in place of a penalty or the reverse: 2 (Phi(c) - Phi2(c, c; sqrt r)).

    arccos(sqrt r) / pi where the break-even score is the median. Both signs are about the same
    break-even in SDs, as truth has a fit of its own.
    """
    c, r = floats(cut, reliability)
    return np.asarray(2.0 * (ndtr(c) - both_below(c, c, np.sqrt(r))))


def episodes_for_sign(kappa: Values, distance: Values, probability: Values = 0.9) -> Floats:
    """10. Episodes for the right sign with this probability, so many true SDs from break-even.

    n = kappa (z_p / d)^2: the noise of n episodes is sqrt(kappa / n) true SDs.
    """
    k, d, p = floats(kappa, distance, probability)
    return np.asarray(k * (ndtri(p) / d) ** 2)


def episodes_for_all(kappa: Values, probability: Values = 0.9) -> Floats:
    """10. Episodes for the right sign of this share of all clinicians, cut at the median.

    From arccos(sqrt r) / pi = 1 - p: r = cos^2(pi (1 - p)); 9.47 kappa for nine in ten.
    """
    k, p = floats(kappa, probability)
    r = np.cos(np.pi * (1.0 - p)) ** 2
    return np.asarray(k * r / (1.0 - r))


def wrong_sign_at(kappa: Values, episodes: Values) -> Floats:
    """10. Share of all with the wrong sign at this number of episodes, cut at the median."""
    return wrong_sign(0.0, reliability_at(kappa, episodes))


def sign_change(cut: Values, year_to_year: Values) -> Floats:
    """11. Share with another sign than the year before: 2 (Phi(c) - Phi2(c, c; r p)).

    ``year_to_year`` is the correlation of the scores of two years: reliability times persistence.
    """
    c, r = floats(cut, year_to_year)
    return np.asarray(2.0 * (ndtr(c) - both_below(c, c, r)))


def worth_of_a_point(
    risk_level: Values,
    steepness: Values,
    share_paid_out: Values,
    zero_share: Values = 0.0,
    own_noise: Values = 0.0,
) -> Floats:
    """12. Adjustment per point of true score at the median: R S k E T(1 - T), R S k / 4 if exact.

    .38 % of Part B at R .09, k .1. ``own_noise`` is s, the SD in points of what is measured about
    the truth, over which the slope is averaged: near 1 / sqrt(1 + (k s / 1.7)^2) of it.
    """
    risk, k, rho, z, s = floats(risk_level, steepness, share_paid_out, zero_share, own_noise)

    def slope(x: Floats) -> Floats:
        t = expit((k * s)[..., None] * x)
        return np.asarray(t * (1.0 - t))

    inside = mean_between(slope, np.full(k.shape, -LARGEST), np.full(k.shape, LARGEST))
    return np.asarray(risk * scaling(rho, z) * k * inside)


def rank_prize(
    level: Values,
    risk_level: Values,
    share_paid_out: Values,
    kappa: Values,
    own_episodes: Values,
    peers_episodes: Values,
) -> Floats:
    """12. Expected adjustment at ``level`` true SDs where ranks decide (exchange form rank).

    R (2 rho Phi(x / sqrt(1 + kappa/N + kappa/n)) - 1): the peers' observed variance and one's own
    noise, in units of the true variance; the tournament of Lazear and Rosen, J Polit Econ 1981.
    """
    x, risk, rho, k, n, peers = floats(
        level, risk_level, share_paid_out, kappa, own_episodes, peers_episodes
    )
    share = ndtr(x / np.sqrt(1.0 + k / peers + k / n))
    return np.asarray(risk * (2.0 * rho * share - 1.0))


def tournament(risk_level: Values, share_paid_out: Values) -> tuple[Floats, Floats]:
    """13. As k grows without limit: winners get R (2 rho - 1), losers -R; half are each."""
    risk, rho = floats(risk_level, share_paid_out)
    return np.asarray(risk * (2.0 * rho - 1.0)), -risk


def cost_of_zero_scorers(risk_level: Values, share_paid_out: Values, zero_share: Values) -> Floats:
    """13. What zero scorers give the others on average: R rho (1 / (1 - z) - 1), near R rho z."""
    risk, rho, z = floats(risk_level, share_paid_out, zero_share)
    return mean_adjustment(risk, rho, z) - mean_adjustment(risk, rho, 0.0)


def luck_of_the_peers(sd: Values, clinicians: Values) -> Floats:
    """14. Standard error of the median of so many normal scores: sqrt(pi / 2) sigma / sqrt(n).

    In points; times :func:`worth_of_a_point` it is in fractions of Part B. At n 2,607 and sigma 14
    a third of a point: the luck of the cohort hardly matters. It is of scores against a standard
    that is not the peers' own; what is scored by its distance from their median has none of it.
    """
    sigma, n = floats(sd, clinicians)
    return np.asarray(np.sqrt(np.pi / 2.0) * sigma / np.sqrt(n))
