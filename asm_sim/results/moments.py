"""Means over draws and their standard errors, on plain arrays: the one place that computes them.

The unit of replication is the draw; values that are not finite are left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Moments(NamedTuple):
    """What a mean over draws and its error are made of, an array each.

    ``number`` is that of the draws with a finite value, ``mean`` theirs (nan of none), ``squares``
    the sum of squared deviations from it.
    """

    number: Floats
    mean: Floats
    squares: Floats

    @property
    def error(self) -> Floats:
        """The standard error of the mean: sample SD (n - 1) over the root of n; nan below two."""
        number = np.where(self.number > 1, self.number, np.nan)
        return np.asarray(np.sqrt(self.squares / (number - 1) / number))

    def joined(self, other: Moments) -> Moments:
        """The moments of these draws and of other ones together."""
        number = self.number + other.number
        total = np.maximum(number, 1.0)
        mean, of_other = (np.where(part.number > 0, part.mean, 0.0) for part in (self, other))
        step = np.where(other.number > 0, of_other - mean, 0.0)
        squares = self.squares + other.squares + step**2 * self.number * other.number / total
        mean = mean + step * other.number / total
        return Moments(number, np.where(number > 0, mean, np.nan), squares)


def moments(values: npt.ArrayLike, axis: int = 0) -> Moments:
    """The moments of values along an axis, in float64; arrays of the other axes."""
    given = np.asarray(values)
    finite = np.isfinite(given)
    number = finite.sum(axis, dtype=np.float64)
    total = np.where(finite, given, 0.0).sum(axis, dtype=np.float64)
    mean = total / np.where(number > 0, number, np.nan)
    apart = np.where(finite, given - np.expand_dims(mean, axis), 0.0)
    return Moments(number, mean, (apart**2).sum(axis, dtype=np.float64))


def mean_and_error(values: npt.ArrayLike) -> tuple[float, float]:
    """Mean over draws of one number and its standard error (nan with fewer than two draws)."""
    found = moments(values)
    return float(found.mean), float(found.error)


def jackknife(without: Floats, counts: Flags | None = None, axis: int = 0) -> Floats:
    """The standard error of a statistic by its values without one draw each, along an axis.

    ``counts`` says in which draws there is something to leave out, by default in all. nan where
    fewer than two count, and where the statistic is not known without one of them.
    """
    counts = np.ones(without.shape, dtype=bool) if counts is None else counts
    number = counts.sum(axis, dtype=np.float64)
    number = np.where(number > 1, number, np.nan)
    mean = np.where(counts, without, 0.0).sum(axis) / number
    apart = np.where(counts, without - np.expand_dims(mean, axis), 0.0)
    return np.asarray(np.sqrt((number - 1) / number * (apart**2).sum(axis)))
