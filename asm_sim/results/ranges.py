"""Quantiles over draws with their errors, and what nobody knows: the 90 % range over open draws.

An open draw is a draw again (the same clinicians, the same luck) with everything drawn that nobody
knows. The answer of a value is its mean over draws, what is open held at its central value, and
the range in which the middle 90 % of the open draws lie.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.registry import ALL_OPEN, NO_OPEN_DRAWS, OPEN, OPEN_DRAW, SEED
from asm_sim.results.scenarios import DRAW
from asm_sim.results.statistics import Estimate, estimate_of, is_outside, rounded_to_range
from asm_sim.special_functions import betaincinv, ndtr

Floats = npt.NDArray[np.float64]

QUANTILES = (0.05, 0.5, 0.95)
ENDS = (0.05, 0.95)  # of a range
PERCENT_OF_RANGE = 90
OUTSIDE = "*"  # behind a value outside its range
OUTSIDE_NOTE = f"{OUTSIDE} The value lies outside its range: what is open goes one way from it."
FEWEST_OPEN = 20  # with fewer open draws, an end of a range lies beyond all of them
TAIL = float(ndtr(-2.0))  # what lies beyond two standard errors on one side


class Range(NamedTuple):
    """Between what the middle 90 % of open draws lie, with the errors of both ends.

    In the units of the values, with their dims less that of the draws; nan where it is not known.
    """

    low: xr.DataArray
    low_mcse: xr.DataArray
    high: xr.DataArray
    high_mcse: xr.DataArray


class Numbers(NamedTuple):
    """The answer of one value: its mean over draws, between what it lies, and errors of all."""

    value: float
    mcse: float
    range_low: float
    range_low_mcse: float
    range_high: float
    range_high_mcse: float

    @property
    def has_range(self) -> bool:
        """Whether it is known between what it lies."""
        return math.isfinite(self.range_low) and math.isfinite(self.range_high)

    @property
    def has_width(self) -> bool:
        """Whether its range is more than one value."""
        return bool(rounded_to_range(self.value, self.range_low, self.range_high)[1])

    @property
    def is_outside(self) -> bool:
        """Whether the value lies outside its range."""
        return self.has_range and is_outside(self.value, self.range_low, self.range_high)

    def times(self, factor: float) -> Numbers:
        """In other units."""
        return Numbers(*(factor * number for number in self))

    def written(self, before: str = " (", between: str = " to ", after: str = ")") -> str:
        """``58 (51 to 66)``, as many digits as the range's width leaves.

        The value alone where the range has no width; a star behind a value outside its range.
        """
        value, low, high = rounded_to_range(self.value, self.range_low, self.range_high)
        if not low:
            return value
        return f"{value}{OUTSIDE if self.is_outside else ''}{before}{low}{between}{high}{after}"


class Answer(NamedTuple):
    """The answer of values: their mean over draws, its Monte Carlo standard error, the range."""

    mean: xr.DataArray
    mcse: xr.DataArray
    range: Range

    def at(self, **where: object) -> Numbers:
        """The answer of one value, at these coordinates."""
        # What xarray does of it takes a hundred times as long, and a table asks for 140 values.
        place: dict[Any, Any] = {
            dim: self.mean.get_index(dim).get_loc(label) for dim, label in where.items()
        }
        parts = (self.mean, self.mcse, *self.range)
        return Numbers(*(float(p.values[tuple(place[dim] for dim in p.dims)]) for p in parts))


def open_part(ds: xr.Dataset) -> xr.Dataset | None:
    """The open draws of a run or a sweep as if they were one: named and numbered as its draws.

    They are the draws themselves where those draw everything that nobody knows. None where there
    are none, or fewer than :data:`FEWEST_OPEN`.
    """
    found = ds if ds.attrs.get(ALL_OPEN) else _beside(ds)
    return found if found is not None and found.sizes.get(DRAW, 0) >= FEWEST_OPEN else None


def _beside(ds: xr.Dataset) -> xr.Dataset | None:
    if OPEN_DRAW not in ds.dims:
        return None
    names = {variable.name: variable.field for variable in OPEN if variable.name in ds}
    found = ds[list(names)].drop_vars([DRAW, SEED], errors="ignore")  # of the other draws
    return found.rename({**names, OPEN_DRAW: DRAW})


def needs_open_draws(ds: xr.Dataset) -> xr.Dataset:
    """:func:`open_part`; :class:`InputError` where there is none, with what to do."""
    found = open_part(ds)
    if found is None:
        raise InputError(f"{why_no_range(ds)}; {how_to_open(ds)}")
    return found


def why_no_range(ds: xr.Dataset) -> str:
    """Why results without :func:`open_part` have none."""
    there = ds.sizes.get(DRAW if ds.attrs.get(ALL_OPEN) else OPEN_DRAW, 0)
    if there:
        return f"{there:,} open draws are too few for a range, which needs {FEWEST_OPEN}"
    if NO_OPEN_DRAWS in ds.attrs:
        return f"nothing open can be drawn in this scenario: {ds.attrs[NO_OPEN_DRAWS]}"
    return "these results have no open draws, from which ranges are taken"


def how_to_open(ds: xr.Dataset) -> str:
    """What to do about it."""
    if NO_OPEN_DRAWS in ds.attrs:
        return "give values that fit, or a population file with ranges that do"
    if "scenario" in ds.dims or "scenarios" in ds.attrs:
        return "write open_draws: 200 in the sweep's file and run it again"
    return f"run the scenario again with --open-draws 200 and {FEWEST_OPEN} draws or more"


def answer_of(ds: xr.Dataset, values: Callable[[xr.Dataset], xr.DataArray]) -> Answer:
    """The answer of what ``values`` makes, by draw, of a run or a sweep, or of its open draws."""
    part = open_part(ds)
    return answer(values(ds), None if part is None else values(part))


def answer(values: xr.DataArray, of_open: xr.DataArray | None) -> Answer:
    """The answer of values by draw and, where they are known, of the same by open draw."""
    of_draws = estimate_of(values)
    unknown = of_draws.mean * np.nan
    return Answer(*of_draws, Range(*[unknown] * 4) if of_open is None else range_of(of_open))


def range_of(values: xr.DataArray, dim: str = DRAW) -> Range:
    """The middle 90 % of values over draws, of those in which it is finite."""
    found = quantiles(values, ENDS, dim)
    return Range(*(part.isel(quantile=k, drop=True) for k in (0, 1) for part in found))


def quantiles(
    values: xr.DataArray, wanted: tuple[float, ...] = QUANTILES, dim: str = DRAW
) -> Estimate:
    """Quantiles over the draws in which the value is finite, with their errors; dim ``quantile``.

    See :func:`error_of_quantile`; the 5 % quantile has an error from 74 draws on.
    """

    def of_known(column: Floats) -> Floats:
        known = np.sort(column[np.isfinite(column)])
        if not known.size:
            return np.full((2, len(wanted)), np.nan)
        errors = [error_of_quantile(known, q, known.size) for q in wanted]
        return np.stack([np.quantile(known, wanted), errors])

    found = xr.apply_ufunc(
        of_known,
        values,
        input_core_dims=[[dim]],
        output_core_dims=[["part", "quantile"]],
        vectorize=True,
    ).assign_coords(quantile=list(wanted))
    return Estimate(found.isel(part=0), found.isel(part=1))


def error_of_quantile(ordered: Floats, q: float, draws: float) -> float:
    """Half of the distance (root mean square) from a quantile to the ends of its 95 % interval.

    ``ordered`` are values in ascending order that say as much as so many independent ``draws``. The
    interval is that between the quantiles at the ends of the exact (Clopper-Pearson) interval of
    the share of values below, whatever the distribution. Value and two errors cover the true
    quantile in more than 90 of 100 runs where there is an error, from 200 draws on in 94. nan
    where an end lies, with more doubt than that of two errors, beyond all values: below 74 draws
    for the 5 % quantile, as nothing is known of what is rarer than the rarest draw.
    """
    if max(q, 1.0 - q) ** draws > TAIL:
        return math.nan
    low = betaincinv(draws * q, draws * (1.0 - q) + 1.0, TAIL)
    high = betaincinv(draws * q + 1.0, draws * (1.0 - q), 1.0 - TAIL)
    below, middle, above = np.quantile(ordered, [low, q, high])
    return math.hypot(above - middle, middle - below) / math.sqrt(8.0)
