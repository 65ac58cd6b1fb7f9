"""What NumPy computes with other last bits on another processor, computed alike on all of them.

NumPy takes exponentials and logarithms of arrays by instructions that differ from one processor to
the next, and products of matrices from a library that adds up in another order on each. A run has
the same bits everywhere (``docs/rng.md``), so what goes into one is made here: number by number by
the C library, and by sums in NumPy's own order, which is always the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def exp(values: ArrayLike) -> Floats:
    """Of every number; infinite where it is too large for a float64."""
    try:
        return _of_each(math.exp, values)
    except OverflowError:
        return _of_each(_exp, values)


def log(values: ArrayLike) -> Floats:
    """Of every number, all of them above zero."""
    return _of_each(math.log, values)


def products(a: Floats, b: Floats) -> Floats:
    """The sums of products of the rows of ``a`` [i, n] and of ``b`` [j, n], [i, j]."""
    result: Floats = (a[:, np.newaxis] * b).sum(axis=-1)
    return result


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _of_each(function: Any, values: ArrayLike) -> Floats:
    given = np.asarray(values, np.float64)
    return np.array([*map(function, given.ravel().tolist())]).reshape(given.shape)
