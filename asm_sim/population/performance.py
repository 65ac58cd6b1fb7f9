"""From published spreads and reliabilities to the parameters of true performance.

The published SD of a measure across clinicians holds signal and noise. With reliability
n / (n + kappa) at n episodes and a published SD, the signal variance is
tau^2 = SD^2 / (1 + kappa E[1/n]), the expectation over the clinicians that are measured.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaln, ndtri

from asm_sim.population.schema import Distribution

Floats = NDArray[np.float64]

_QUANTILES = 400
_SUMMED_UP_TO = 300.0


def kappa(reliability: float, at: float) -> float:
    """Episodes (cases) at which signal and noise are equally large."""
    return at * (1 - reliability) / reliability


def mean_inverse_count(lowest_mean: float, log_mean: float, sigma: float, minimum: float) -> float:
    """E[1/n | n >= minimum] for n Poisson about lowest_mean + lognormal(log_mean, sigma)."""
    normal = ndtri((np.arange(_QUANTILES) + 0.5) / _QUANTILES)
    means = lowest_mean + np.exp(log_mean + sigma * normal)
    few = means[means <= _SUMMED_UP_TO]
    counts = np.arange(max(1, math.ceil(minimum)), 2 * int(_SUMMED_UP_TO) + 1, dtype=np.float64)
    mass: Floats = counts * np.log(few[:, None])
    mass -= few[:, None]  # in place: where parameters are drawn, this is done in every draw
    mass -= gammaln(counts + 1.0)
    np.exp(mass, out=mass)
    total = float(mass.sum())
    mass /= counts
    many = means[means > _SUMMED_UP_TO]  # there n >= minimum all but surely
    inverse = float(mass.sum() + (1 / many + 1 / many**2 + 2 / many**3).sum())
    return inverse / (total + len(many))


def signal_sd(sd: float, noise_ratio: float, inverse_count: float) -> float:
    """SD of true performance: tau from the published SD, kappa and E[1/n]."""
    return sd / math.sqrt(1 + noise_ratio * inverse_count)


def percentiles(distribution: Distribution, probabilities: Floats) -> Floats:
    """Rates in percent at the given probabilities (fractions, ascending)."""
    if distribution.percentiles is not None:
        return np.array(distribution.percentiles.value, dtype=np.float64)
    assert distribution.mean is not None
    assert distribution.sd is not None
    mean, sd = distribution.mean.value / 100, distribution.sd.value / 100
    size = mean * (1 - mean) / sd**2 - 1
    return np.asarray(100 * betaincinv(mean * size, (1 - mean) * size, probabilities))


def rates_by_quality(rates: Floats, inverse: bool) -> Floats:
    """Rates at ascending latent quality: better is higher, or lower for an inverse measure."""
    return rates[::-1].copy() if inverse else rates
