"""Estimates over draws, each with its Monte Carlo standard error, and how they are written.

The unit of replication is the draw. Clinicians of one draw share a pool, a median and benchmarks,
so a standard error over clinicians would be wrong in either direction and is offered nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from functools import total_ordering
from typing import NamedTuple

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.moments import moments
from asm_sim.results.pairs import on_shared_draws
from asm_sim.results.registry import VARIABLES

Text = Callable[[float, float], str]

PLUS_MINUS = "±"
NOT_KNOWN = "none"
# Digits written where no error says how many are known.
DIGITS_WITHOUT_ERROR = 3
DIGITS_WITHOUT_DOUBT = 6
# An error this small beside the value is rounding (of cents, of binary numbers), not Monte Carlo
# error: no number of draws gives seven digits.
ROUNDING = 1e-9  # of fractions, points and million USD
RELATIVE_ROUNDING = 1e-7
USD_PER_MILLION = 1e6
DOUBT = 0.05  # with which a bound does not hold
DIGITS_OF_BOUND = 2
DIGITS_OF_RANGE = 2  # of its width
ANY_DOUBLE = Context(prec=700)  # digits of the longest number, from its first to its last place


class Estimate(NamedTuple):
    """A mean over draws and its Monte Carlo standard error, in the units of the variable.

    Both are float64 with the dims of the variable less ``draw``.
    """

    mean: xr.DataArray
    mcse: xr.DataArray


def mean_over_draws(values: xr.DataArray, dim: str = "draw") -> xr.DataArray:
    """Mean over the draws in which the value is finite; nan where there is none."""
    return values.reduce(lambda array, axis: moments(array, axis).mean, dim)


def mcse(values: xr.DataArray, dim: str = "draw") -> xr.DataArray:
    """Monte Carlo standard error of the mean over draws, in the units of ``values``.

    Sample standard deviation (n - 1) over the square root of n, n the number of draws in which the
    value is finite; nan where that is fewer than two. Dims are those of ``values`` less ``dim``.

    From 40 draws on value and two errors reach the truth in 93 to 97 of 100 runs, but for what
    fewer than about ten draws show, where it can be three in four. An error of 0 says that all
    draws are alike, and nothing of what happens in rarer ones.
    """
    return values.reduce(lambda array, axis: moments(array, axis).error, dim)


def is_finite(values: xr.DataArray) -> xr.DataArray:
    """Whether each value counts."""
    return values.copy(data=np.isfinite(values.values))


def mcse_of_share(values: xr.DataArray, dim: str = "draw") -> xr.DataArray:
    """Monte Carlo standard error of a mean share of clinicians; never zero for what no draw shows.

    That of :func:`mcse`, but where the share is 0 in every draw, or 1 in every draw: there see
    :func:`never_shown`.
    """
    return never_shown(mean_over_draws(values, dim), mcse(values, dim), is_finite(values).sum(dim))


def never_shown(share: xr.DataArray, error: xr.DataArray, draws: xr.DataArray) -> xr.DataArray:
    """The error of shares, where nothing (or all) was ever counted half of how far they may be off.

    What happens in none of n draws happens, with 95 % confidence, in fewer than 1 - 0.05^(1/n) of
    all draws (the rule of three: about 3/n), and to no larger share of the clinicians; half of
    that as the error makes the value and two errors reach this bound.
    """
    bound = 1.0 - DOUBT ** (1.0 / draws.where(draws > 1))
    return error.where((error != 0) | ((share != 0) & (share != 1)), bound / 2.0)


def estimate(ds: xr.Dataset, name: str) -> Estimate:
    """Mean over draws of a variable of a run, with its error.

    That of a share of clinicians which is 0 or 1 in every draw is :func:`mcse_of_share`. Raises
    :class:`InputError` where the run has no such variable, or where it has no ``draw`` dim.
    """
    if name not in ds:
        raise InputError(f"the results hold no variable {name!r}")
    values = ds[name]
    if "draw" not in values.dims:
        raise InputError(
            f"{name!r} is not a value per draw; its dims are {', '.join(map(str, values.dims))}"
        )
    return estimate_of(values)


def estimate_of(values: xr.DataArray) -> Estimate:
    """Mean over draws and its error, of values that have the name of a variable or of none."""
    known = VARIABLES.get(str(values.name))
    error = mcse_of_share if known is not None and known.is_share else mcse
    return Estimate(mean_over_draws(values), error(values))


def paired_difference(ds: xr.Dataset, reference: xr.Dataset, name: str) -> Estimate:
    """Mean over draws of ``ds[name] - reference[name]``, with the error of the paired difference.

    Scenarios share common random numbers, so draw d of one run is compared with draw d of the
    other; draws that only one of them has are left out. A draw in which either is not finite counts
    in neither. Raises :class:`InputError` where the runs share no draw, come from different seeds,
    or differ along another dim.
    """
    for run in (ds, reference):
        if name not in run:
            raise InputError(f"the results hold no variable {name!r}")
    first, second = (part[name] for part in on_shared_draws(ds, reference))
    try:
        first, second = xr.align(first, second, join="exact")
    except ValueError as error:
        raise InputError(f"{name!r} of the two runs cannot be compared: {error}") from error
    difference = first - second
    return Estimate(mean_over_draws(difference), mcse(difference))


def rounded(value: float, error: float) -> tuple[str, str]:
    """Value and error as text, both rounded to the error's first significant digit.

    Two digits are kept where the first is 1. An error of zero leaves six significant digits of the
    value; an unknown error (nan) leaves three and is written ``?``; a value that is not finite is
    written ``none``, without error.
    """
    if not math.isfinite(value):
        return NOT_KNOWN, ""
    if not math.isfinite(error):
        return _grouped(_to_digits(Decimal(repr(float(value))), DIGITS_WITHOUT_ERROR)), "?"
    if abs(value) < ROUNDING and abs(error) < ROUNDING:  # what is left of an exact zero
        value = error = 0.0
    exact_value, exact_error = Decimal(repr(float(value))), abs(Decimal(repr(float(error))))
    if exact_error <= Decimal(RELATIVE_ROUNDING) * abs(exact_value):
        return _grouped(_to_digits(exact_value, DIGITS_WITHOUT_DOUBT, whole=True).normalize()), "0"
    place = _last_place(exact_error)
    return _grouped(_to_place(exact_value, place)), _grouped(_to_place(exact_error, place))


def rounded_to_range(value: float, low: float, high: float) -> tuple[str, str, str]:
    """Value, low and high as text, with two significant digits of the width of the range.

    Where the range has no width, or is not known, there is nothing between low and high to write:
    they are empty, and the value is written as one without error (:func:`rounded`).
    """
    numbers = [Decimal(repr(float(number))) for number in (value, low, high)]
    if not all(number.is_finite() for number in numbers):
        return rounded(value, math.nan if math.isfinite(value) else 0.0)[0], "", ""
    width = numbers[2] - numbers[1]
    largest = max(map(abs, numbers))
    if width <= max(Decimal(RELATIVE_ROUNDING) * largest, Decimal(ROUNDING)):
        return rounded(value, 0.0)[0], "", ""
    place = width.adjusted() - DIGITS_OF_RANGE + 1
    written = [_grouped(_to_place(number, place)) for number in numbers]
    return written[0], written[1], written[2]


def is_outside(value: float, low: float, high: float) -> bool:
    """Whether a central value lies outside its range, by more than rounding."""
    slack = max(RELATIVE_ROUNDING * abs(value), ROUNDING)
    return value < low - slack or value > high + slack


def round_to_error(value: float, error: float) -> str:
    """An estimate as a person reads it, such as ``73.93 ±0.02``; see :func:`rounded`."""
    written, written_error = rounded(value, error)
    return f"{written} {PLUS_MINUS}{written_error}" if written_error else written


def percentage_points(value: float, error: float) -> str:
    """A fraction, or a difference of fractions, and its error in percentage points."""
    return round_to_error(100 * value, 100 * error)


def millions(value: float, error: float) -> str:
    """An amount in USD and its error in millions, without the unit, for tables."""
    return round_to_error(value / USD_PER_MILLION, error / USD_PER_MILLION)


@total_ordering
@dataclass(frozen=True, eq=False)
class WithError:
    """A number with its error that prints as a text, and sorts and counts as the number.

    So tables of such numbers read well and can be sorted; ``table.astype(float)`` are the values,
    to be computed with and plotted, in the units of the results.
    """

    value: float
    error: float
    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(self.text, spec)

    def __float__(self) -> float:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WithError | float | int) and self.value == float(other)

    def __lt__(self, other: WithError | float) -> bool:
        return self.value < float(other)

    def __hash__(self) -> int:
        return hash(self.value)


def with_error(value: float, error: float, how: str | Text = "round_to_error") -> WithError:
    """A number with its error, as :func:`written` has it."""
    writes = how if callable(how) else _WRITTEN[how]
    return WithError(float(value), float(error), writes(value, error))


def written(result: xr.Dataset, name: str, how: str | Text = "round_to_error") -> xr.DataArray:
    """The variable ``name`` of a study with its error ``name_mcse``, each a :class:`WithError`.

    Of a run it is the mean over draws. ``how`` they are written: ``round_to_error``, ``percent``,
    ``percentage_points``, ``millions``, ``million_usd``, or a function of a value and its error.
    """
    if f"{name}_mcse" in result:
        value, error = result[name], result[f"{name}_mcse"]
    else:
        value, error = estimate(result, name)

    def number(value: float, error: float) -> WithError:
        return with_error(value, error, how)

    numbers = np.vectorize(number, otypes=[object])(value, error)
    return value.copy(data=numbers)


def percent(value: float, error: float) -> str:
    """A fraction and its error in percent, such as ``-1.50 ±0.02 %``.

    A share that no draw shows is written with its bound, ``below 0.15 %``; see :func:`bound_of`.
    """
    if bound := bound_of(value, error):
        return f"{bound.replace('<', 'below ').replace('>', 'above ')} %"
    return _with_unit(100 * value, 100 * error, "%")


def bound_of(share: float, error: float) -> str:
    """In percent, such as ``<0.15``, where a share of 0 or 1 has an error; else nothing.

    That is two errors from it (:func:`never_shown`), rounded away from the share.
    """
    if share not in (0.0, 1.0) or not error > 0:
        return ""
    width = Decimal(repr(float(200 * error)))
    step = Decimal(1).scaleb(width.adjusted() - DIGITS_OF_BOUND + 1)
    reach = width.quantize(step, ROUND_CEILING)
    return f"<{_grouped(reach)}" if share == 0 else f">{_grouped(100 - reach)}"


def million_usd(value: float, error: float) -> str:
    """An amount in USD and its error in millions, such as ``112.4 ±0.3 million USD``."""
    return _with_unit(value / USD_PER_MILLION, error / USD_PER_MILLION, "million USD")


def _with_unit(value: float, error: float, unit: str) -> str:
    written = round_to_error(value, error)
    return f"{written} {unit}" if math.isfinite(value) else written


def _last_place(error: Decimal) -> int:
    """Power of ten of the last digit worth writing; ``error`` > 0."""
    first = error.adjusted()
    return first - 1 if error.scaleb(-first) < 2 else first


def _to_place(value: Decimal, place: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(place), ROUND_HALF_EVEN, ANY_DOUBLE)


def _to_digits(value: Decimal, digits: int, whole: bool = False) -> Decimal:
    """``value`` to so many significant digits; ``whole`` keeps every digit before the point."""
    if value == 0:
        return value
    place = value.adjusted() - digits + 1
    return _to_place(value, min(place, 0) if whole else place)


def _grouped(value: Decimal) -> str:
    return f"{value if value else abs(value):,f}"  # abs: there is no negative zero


_WRITTEN: dict[str, Text] = {
    one.__name__: one for one in (round_to_error, percent, percentage_points, millions, million_usd)
}
