"""Which unknown matters: what a model's outcome does when its inputs move, luck taken out.

Everything here works on arrays, whatever model they are of: ``y`` holds an outcome at points of a
design (leading axes) in draws (last axis). Every point has the same draws, so that what differs
between two points within a draw is due to the inputs; what differs between draws is luck. Draws
are independent of each other, so that the product of two of them is free of the luck of either:
what is quadratic in the outcome (a variance, a squared effect) is taken over pairs of different
draws, and luck is never taken for sensitivity, however few draws there are (two at least).

Inputs are given by their quantiles, uniform between 0 and 1.

Errors are by the jackknife: leaving out draws, and rows of the design where it is a sample; where
both are left out in turn, the variances are added, which counts what only both together have twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from asm_sim.errors import InputError
from asm_sim.results.moments import jackknife, moments

Floats = npt.NDArray[np.float64]
FEWEST_DRAWS = 2
FEWEST_FOR_SHARES = 3
MOST_LEFT_OUT = 64  # groups of rows that are left out in turn
ROUNDING = 1e-9  # of a value: what moves it by no more is no change
LAYERS = ("readings", "parameters", "population", "measurement")


class Found(NamedTuple):
    """Estimates and their standard errors, of the same shape."""

    value: Floats
    error: Floats


def paired(y: Floats, reference: Floats) -> Found:
    """The change of an outcome [..., draw] from ``reference`` [draw], mean and error over draws."""
    _check_draws(y)
    change = y - reference
    change = np.where(np.abs(change) > ROUNDING * np.abs(reference), change, 0.0)
    found = moments(change, axis=-1)
    return Found(found.mean, found.error)


class Screening(NamedTuple):
    """Morris's measures of each input.

    ``mean`` is the mean elementary effect (the change of the outcome for the whole width of the
    input, from one step of a trajectory to the next), ``spread`` its SD over trajectories
    (interactions, and effects that differ along the input) and ``size`` the root of its mean
    square, which has both: what Morris's mean of absolute values is for, but free of luck.
    """

    mean: Found
    size: Found
    spread: Found


def morris(y: Floats, x: Floats) -> Screening:
    """Morris's screening from trajectories: ``y`` [trajectory, step, draw], ``x`` the inputs
    [trajectory, step, input], one of which differs from a step to the next."""
    _check_draws(y)
    effects = elementary_effects(y, x)
    if len(effects) < FEWEST_DRAWS:
        raise InputError("screening needs two trajectories at least")

    def measures(part: Floats) -> Floats:
        square = _without_luck(lambda values: (values**2).mean(axis=0), part)
        variance = _without_luck(lambda values: values.var(axis=0, ddof=1), part)
        return np.stack([part.mean((0, -1)), square, variance])

    whole = measures(effects)
    error = np.hypot(_over_rows(measures, effects), _over_draws(measures, effects))
    return Screening(
        Found(whole[0], error[0]), _root(whole[1], error[1]), _root(whole[2], error[2])
    )


def elementary_effects(y: Floats, x: Floats) -> Floats:
    """The effect of each input in each trajectory, [trajectory, input, draw], per unit of it."""
    steps, changes = np.diff(x, axis=1), np.diff(y, axis=1)
    moved = np.abs(steps).argmax(axis=2)
    width = np.take_along_axis(steps, moved[..., None], axis=2)
    found = np.full((len(y), x.shape[2], y.shape[2]), np.nan)
    np.put_along_axis(found, moved[..., None], changes / width, axis=1)
    return found


class Indices(NamedTuple):
    """Sobol's indices of each input, and the SD of the outcome whose square they are shares of.

    ``first`` is the share that would go if the input were known, ``total`` the share that would
    stay if all others were.
    """

    first: Found
    total: Found
    sd: Found


def sobol(y: Floats) -> Indices:
    """First-order and total indices from ``y`` [row, column, draw]: column 0 is the outcome at the
    first sample, the last at the second, and column i + 1 at the first with input i of the second.

    Saltelli's estimator (2010) of the first and Jansen's of the total. Where the outcome does not
    vary the indices are nan. Errors are those of rows drawn by chance: of Sobol's sequence, which
    is spread more evenly, they are too wide for a smooth outcome, by two to four times.
    """
    _check_draws(y)
    if y.shape[0] < FEWEST_DRAWS:
        raise InputError("indices need two rows at least")

    def indices(part: Floats) -> Floats:
        parts = _without_luck(_sums_of_squares, part)
        variance = parts[0] if parts[0] > (ROUNDING * part.mean()) ** 2 else np.nan
        return np.concatenate([parts[1:] / variance, parts[:1]])

    inputs = y.shape[1] - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = indices(y)
        error = np.hypot(_over_rows(indices, y), _over_draws(indices, y))
    first, total = (Found(whole[at], error[at]) for at in (slice(inputs), slice(inputs, -1)))
    return Indices(first, total, _root(whole[-1], error[-1]))


def _sums_of_squares(y: Floats) -> Floats:
    """The variance, and its parts that belong to the indices, of [row, column, ...]."""
    first, mixed, second = y[:, 0], y[:, 1:-1], y[:, -1]
    both = np.concatenate([first, second])
    apart = second - both.mean(axis=0)
    one = (apart[:, None] * (mixed - first[:, None])).mean(axis=0)
    all_of_it = ((mixed - first[:, None]) ** 2).mean(axis=0) / 2.0
    return np.concatenate([both.var(axis=0, ddof=1)[None], one, all_of_it])


def variance_shares(sets: Floats) -> Found:
    """Which layer makes how much of the variance of an outcome over draws.

    ``sets`` is [4, ..., draw]: the outcome with everything drawn; the same draws with new
    measurement; with new population and selection of areas too; with new parameters too, so that
    the readings of the rule alone are shared. Returns shares along a first axis, :data:`LAYERS`;
    they sum to one, and what two layers do together goes to the later one. nan where the outcome
    is the same in every draw. Errors leave out one draw in all four sets.
    """
    if sets.shape[-1] < FEWEST_FOR_SHARES:
        raise InputError(f"shares of a variance need {FEWEST_FOR_SHARES} draws at least")
    count = sets.shape[-1]
    middle = sets.mean(axis=-1, keepdims=True)
    apart = sets - middle
    apart = np.where(np.abs(apart) > ROUNDING * np.abs(middle), apart, 0.0)
    products = apart[0] * apart
    total = products.sum(axis=-1, keepdims=True)
    whole = _shares(total / (count - 1))
    without = _shares((total - products * count / (count - 1)) / (count - 2))
    return Found(whole[..., 0], jackknife(without, axis=-1))


def _shares(covariances: Floats) -> Floats:
    """Of Var A, cov(A, B1), cov(A, B2), cov(A, B3)."""
    variance, *common = covariances
    parts = [common[2], common[1] - common[2], common[0] - common[1], variance - common[0]]
    return np.stack(parts) / np.where(variance > 0, variance, np.nan)


def _check_draws(y: Floats) -> None:
    if y.shape[-1] < FEWEST_DRAWS:
        raise InputError(
            f"there is {y.shape[-1]} draw, and what is luck shows between draws; give "
            f"{FEWEST_DRAWS} or more"
        )


def _without_luck(form: Callable[[Floats], Floats], y: Floats) -> Floats:
    """A quadratic form of the expected outcome: the mean over all pairs of different draws.

    ``form`` takes [...] or [..., draw], each draw by itself.
    """
    count = y.shape[-1]
    of_mean, by_draw = form(y.mean(axis=-1)), form(y)
    found: Floats = (count * of_mean - by_draw.mean(axis=-1)) / (count - 1)
    return found


def _over_draws(statistic: Callable[[Floats], Floats], y: Floats) -> Floats:
    """The error over draws, all of them left out in turn; nothing is known of it with two."""
    count = y.shape[-1]
    if count <= FEWEST_DRAWS:
        return np.full_like(statistic(y), np.nan)
    kept = (np.delete(y, draw, axis=-1) for draw in range(count))
    return jackknife(np.stack([statistic(part) for part in kept]))


def _over_rows(statistic: Callable[[Floats], Floats], y: Floats) -> Floats:
    """The error over rows, left out in so many groups at most."""
    group = np.arange(len(y)) % min(len(y), MOST_LEFT_OUT)
    kept = (y[group != left_out] for left_out in range(group.max() + 1))
    return jackknife(np.stack([statistic(part) for part in kept]))


def _root(square: Floats, error: Floats) -> Found:
    """The root of an estimated square, which luck may carry below zero: as far from it as the
    roots of the square and one error either way are."""
    low, middle, high = (np.sqrt(np.maximum(square + k * error, 0.0)) for k in (-1, 0, 1))
    return Found(middle, np.maximum(middle - low, high - middle))
