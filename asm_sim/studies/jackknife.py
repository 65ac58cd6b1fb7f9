"""Variances over draws and what is made of them, with errors by leaving out one draw each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import xarray as xr

from asm_sim.results.moments import jackknife
from asm_sim.results.statistics import Estimate, is_finite, mean_over_draws
from asm_sim.studies.estimates import DRAW


class Jackknifed(NamedTuple):
    """A statistic of all draws along ``dim``, and of all but one, for each.

    ``counts`` is whether the draw is among those that the statistic is of.
    """

    whole: xr.DataArray
    without: xr.DataArray
    counts: xr.DataArray
    dim: str

    def combined(
        self, other: Jackknifed, how: Callable[[xr.DataArray, xr.DataArray], xr.DataArray]
    ) -> Jackknifed:
        """What ``how`` makes of two statistics of the same draws."""
        return Jackknifed(
            how(self.whole, other.whole),
            how(self.without, other.without),
            self.counts & other.counts,
            self.dim,
        )

    def estimate(self) -> Estimate:
        """The statistic with its error; see :func:`asm_sim.results.moments.jackknife`."""
        error = xr.apply_ufunc(
            jackknife,
            *xr.broadcast(self.without, self.counts),
            input_core_dims=[[self.dim], [self.dim]],
            kwargs={"axis": -1},
        )
        return Estimate(self.whole, error)


def covariance(a: xr.DataArray, b: xr.DataArray, dim: str = DRAW) -> Jackknifed:
    """The sample covariance over the draws in which both are finite."""
    counts = is_finite(a) & is_finite(b)
    a, b = a.where(counts), b.where(counts)
    count = counts.sum(dim)
    apart = ((a - mean_over_draws(a, dim)) * (b - mean_over_draws(b, dim))).fillna(0.0)
    total, several = apart.sum(dim), count.where(count > 1)
    without = (total - apart * several / (several - 1)) / (count - 2).where(count > 2)
    return Jackknifed(total / (several - 1), without, counts, dim)


def sd_over_draws(values: xr.DataArray, dim: str = DRAW) -> Estimate:
    """The sample standard deviation over the draws in which the value is finite.

    nan in fewer than two draws, its error in fewer than three. With few draws the error is too
    small: value and two errors reach the SD in 93 of 100 runs of 40 draws where the values are
    normal, in 83 where they are as skewed as an exponential, and of 1,000 draws in 94.
    """
    variance = covariance(values, values, dim)
    return variance.combined(variance, lambda a, _: a.clip(min=0.0) ** 0.5).estimate()
