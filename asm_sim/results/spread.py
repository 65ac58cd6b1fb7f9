"""A number over draws: mean, Monte Carlo error and percentiles, in columns and in words."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from asm_sim.results.moments import moments
from asm_sim.results.statistics import rounded_to_range

Floats = npt.NDArray[np.float64]

RANGE = (5, 95)  # percentiles of the middle 90 %
PERCENTILES = (5, 25, 50, 75, 95)


def spread(name: str, values: Floats) -> dict[str, Floats]:
    """Mean, error and percentiles of values [draws, ...] by column, flat; nan is left out."""
    over_draws = moments(values)
    columns = {name: over_draws.mean, f"{name}_mcse": over_draws.error}
    columns |= {f"{name}_p{p}": percentile_of(values, p) for p in PERCENTILES}
    return {key: np.ravel(value) for key, value in columns.items()}


def percentile_of(values: Floats, percentile: float) -> Floats:
    """A percentile over draws, the first dim, of what is not nan; nan of nothing."""
    result = np.full(values.shape[1:], np.nan)
    if len(values):
        some = ~np.isnan(values)
        every = some.all(axis=0)
        mixed = some.any(axis=0) & ~every
        result[every] = np.percentile(values[:, every], percentile, axis=0)
        result[mixed] = np.nanpercentile(values[:, mixed], percentile, axis=0)  # far slower
    return result


def in_range(value: float, low: float, high: float, scale: float = 1, sign: bool = False) -> str:
    """A mean and its range in words: ``88 (76 to 90)``; a ``sign`` also before what is above 0."""
    numbers = [scale * number for number in (value, low, high)]
    if not all(map(math.isfinite, numbers)):
        return "none"
    texts = [
        f"+{text}" if sign and text.strip("0.,") and number > 0 else text
        for text, number in zip(rounded_to_range(*numbers), numbers, strict=True)
    ]
    return f"{texts[0]} ({texts[1]} to {texts[2]})" if texts[1] else texts[0]
