"""Functions of uniform inputs whose indices are known, and samples of them with luck."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from asm_sim.unknowns.axes import Axis
from asm_sim.unknowns.points import Points, sampled

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]  # of inputs along the last axis, each between 0 and 1


class Known(NamedTuple):
    function: Function
    first: Floats
    total: Floats
    variance: float


def points(inputs: int, method: str, rows: int, seed: int = 1) -> Points:
    """A design over so many inputs, as the quantiles of axes from 0 to 1."""
    axes = [Axis(f"population.x{k}", "1", 0.5, 0.0, 1.0) for k in range(inputs)]
    return sampled(axes, method, rows, seed)


def with_luck(
    values: Floats, draws: int, common: float, own: float, seed: int = 2
) -> NDArray[np.float64]:
    """Values [row, step] in so many draws: luck that the points of a draw share, and their own."""
    rng = np.random.default_rng(seed)
    shared = common * rng.normal(size=draws)
    return values[..., None] + shared + own * rng.normal(size=(*values.shape, draws))


def ishigami() -> Known:
    """sin z1 + 7 sin^2 z2 + .1 z3^4 sin z1, z uniform between -pi and pi."""

    def function(x: Floats) -> Floats:
        z = np.pi * (2.0 * x - 1.0)
        return (
            np.sin(z[..., 0]) + 7.0 * np.sin(z[..., 1]) ** 2
            + 0.1 * z[..., 2] ** 4 * np.sin(z[..., 0])
        )  # fmt: skip

    one = 0.5 * (1.0 + 0.1 * np.pi**4 / 5.0) ** 2
    two, both = 49.0 / 8.0, 8.0 * 0.1**2 * np.pi**8 / 225.0
    variance = one + two + both
    first, total = np.array([one, two, 0.0]), np.array([one + both, two, both])
    return Known(function, first / variance, total / variance, variance)


def g_function() -> Known:
    """Sobol's: the product of (|4 x - 2| + a) / (1 + a)."""
    a = np.array([0.0, 1.0, 4.5, 99.0])
    own = 1.0 / (3.0 * (1.0 + a) ** 2)
    variance = float(np.prod(1.0 + own) - 1.0)
    total = own * np.prod(1.0 + own) / (1.0 + own) / variance
    return Known(
        lambda x: np.prod((np.abs(4.0 * x - 2.0) + a) / (1.0 + a), axis=-1),
        own / variance, total, variance,
    )  # fmt: skip


def linear() -> Known:
    """A sum, in which the last input does nothing."""
    slopes = np.array([3.0, -2.0, 1.0, 0.0])
    shares = slopes**2 / (slopes**2).sum()
    return Known(lambda x: x @ slopes, shares, shares, float((slopes**2).sum() / 12.0))


# Of the incentive pool: the share paid out, the steepness, the SD of final scores.
LOW, HIGH = np.array([0.75, 0.05, 8.0]), np.array([0.95, 0.20, 18.0])


def _parts(x: Floats) -> tuple[Floats, Floats, Floats]:
    share, steepness, sd = np.moveaxis(LOW + x * (HIGH - LOW), -1, 0)
    return share, steepness, sd


def scaling_factor(x: Floats) -> Floats:
    """S = 2 rho, where nobody has a score of zero."""
    return 2.0 * _parts(x)[0]


def break_even(x: Floats) -> Floats:
    """Points above the median at which nothing is gained or lost: ln(1 / (2 rho - 1)) / k."""
    share, steepness, _ = _parts(x)
    return np.log(1.0 / (2.0 * share - 1.0)) / steepness


def penalties(x: Floats) -> Floats:
    """The share of normal scores below it."""
    return np.asarray(norm.cdf(break_even(x) / _parts(x)[2]))


def by_quadrature(function: Function, inputs: int = 3, nodes: int = 24) -> Known:
    """The indices of a smooth function, by Gauss and Legendre."""
    at, weight = np.polynomial.legendre.leggauss(nodes)
    at, weight = (at + 1.0) / 2.0, weight / 2.0
    values = function(np.stack(np.meshgrid(*[at] * inputs, indexing="ij"), axis=-1))

    def mean(of: Floats, over: set[int]) -> Floats:
        for axis in sorted(over, reverse=True):
            of = np.tensordot(of, weight, axes=(axis, 0))
        return of

    every = set(range(inputs))
    centre = float(mean(values, every))
    variance = float(mean(values**2, every)) - centre**2
    first, total = [], []
    for k in every:
        alone = mean(values, every - {k})
        rest = mean(values, {k})
        first.append(float(alone**2 @ weight) - centre**2)
        total.append(variance - (float(mean(rest**2, set(range(inputs - 1)))) - centre**2))
    return Known(function, np.array(first) / variance, np.array(total) / variance, variance)
