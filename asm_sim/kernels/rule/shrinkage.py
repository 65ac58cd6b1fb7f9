"""Values drawn toward the mean of their group, the more the fewer cases they rest on.

A value of n cases keeps n / (n + kappa) of its distance from the mean: its reliability where kappa
is the variance of one case over the variance between clinicians (empirical Bayes).
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import Shrinkage

SIGNAL_TOLERANCE = 1e-9  # that of rules/schema.py
PERCENT = 100.0


@kernel
def shrink(keys, payload, k, cases, method, percentages, known, refit, moments):
    """Shrink keys[:k], the values of clinicians ``payload``, in place.

    ``moments`` are mean and kappa; ``refit`` takes them from these values first. The sampling
    variance of ``percentages`` (of either sign) is known, that of other values estimated.
    """
    if refit:
        moments[0] = _mean(keys, k)
        moments[1] = known
        if method == Shrinkage.ESTIMATED and percentages:
            moments[1] = _kappa_of_percentages(keys, payload, k, cases, moments[0])
        elif method == Shrinkage.ESTIMATED:
            moments[1] = _estimated_kappa(keys, payload, k, cases, moments[0])
    mean, kappa = moments[0], moments[1]
    if kappa > 0.0:
        for t in range(k):
            n = cases[np.int64(payload[t])]
            keys[t] = mean + n / (n + kappa) * (keys[t] - mean)


@kernel
def _mean(values, k):
    """The mean, corrected once: nearly always the true one rounded."""
    total = 0.0
    for t in range(k):
        total += values[t]
    mean = total / k
    rest = 0.0
    for t in range(k):
        rest += values[t] - mean
    return mean + rest / k


@kernel
def _kappa_of_percentages(values, payload, k, cases, mean):
    """Mean of p (1 - p) over what sampling leaves of the variance of the rates p.

    Sampling adds the mean of p (1 - p) / n; where it leaves nothing, infinity.
    """
    of_one_case = 0.0
    of_sampling = 0.0
    squares = 0.0
    for t in range(k):
        p = abs(values[t]) / PERCENT
        noise = p * (1.0 - p)
        of_one_case += noise
        of_sampling += noise / cases[np.int64(payload[t])]
        squares += ((values[t] - mean) / PERCENT) ** 2
    of_rates = squares / (k - 1) if k > 1 else 0.0
    between = of_rates - of_sampling / k
    return of_one_case / k / between if between > SIGNAL_TOLERANCE * of_rates else np.inf


@kernel
def _estimated_kappa(values, payload, k, cases, mean):
    """By moments: slope over intercept of (value - mean)^2 on 1 / n.

    The slope is the noise variance of one case, the intercept the variance between clinicians.
    Without noise 0, without a variance between clinicians infinity.
    """
    size = cases[np.int64(payload[0])]
    equal = True
    mean_inverse = 0.0
    mean_square = 0.0
    for t in range(k):
        n = cases[np.int64(payload[t])]
        equal &= n == size
        mean_inverse += 1.0 / n
        mean_square += (values[t] - mean) ** 2
    if equal:  # nothing to tell noise by, and nothing that shrinking would change
        return 0.0
    mean_inverse /= k
    mean_square /= k
    spread = 0.0
    product = 0.0
    for t in range(k):
        inverse = 1.0 / cases[np.int64(payload[t])] - mean_inverse
        spread += inverse * inverse
        product += inverse * ((values[t] - mean) ** 2 - mean_square)
    noise = product / spread
    signal = mean_square - noise * mean_inverse
    if not noise > 0.0:
        return 0.0
    return noise / signal if signal > SIGNAL_TOLERANCE * mean_square else np.inf
