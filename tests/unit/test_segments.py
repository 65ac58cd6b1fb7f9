"""Points by deciles and rates by percentiles, of few and many knots, as one value at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from asm_sim.kernels._jit import entry
from asm_sim.kernels.rule.points import decile_points
from asm_sim.kernels.world.performance import _through_percentiles

KNOTS = (2, 3, 10, 11, 12, 23)


class Table(NamedTuple):
    knot_z: NDArray[np.floating[Any]]
    knot_rate: NDArray[np.floating[Any]]  # [1, 2 K]


@entry
def points_of(values, cuts):  # type: ignore[no-untyped-def]
    points = np.full(len(values), 99.0)
    decile_points(values, len(values), cuts, points)
    return points


@entry
def rates_of(table, collection, z, drift):  # type: ignore[no-untyped-def]
    n = len(z)
    segment, rate = np.empty(n, np.int64), np.empty(n)
    _through_percentiles(table, 0, collection, z, drift, segment, rate)
    return rate


def ascending(count: int) -> NDArray[np.floating[Any]]:
    return np.cumsum(0.1 + np.random.default_rng(count).random(count)) - 2.0


def around(knots: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The knots themselves, what is next to them, beyond them and between."""
    between = np.random.default_rng(1).uniform(knots[0] - 1.0, knots[-1] + 1.0, 500)
    return np.concatenate(
        [knots, np.nextafter(knots, np.inf), np.nextafter(knots, -np.inf), [-0.0, 0.0], between]
    )


@pytest.mark.parametrize("count", KNOTS)
def test_points_of_any_number_of_cuts(count: int) -> None:
    cuts = ascending(count)
    values = around(cuts)
    expected = []
    for value in values:
        k = int(np.count_nonzero(cuts <= value))
        inside = 0 < k < count
        expected.append(
            max(k, 1) + ((value - cuts[k - 1]) / (cuts[k] - cuts[k - 1]) if inside else 0.0)
        )
    np.testing.assert_array_equal(points_of(values, cuts), expected)


def test_points_where_cuts_are_equal_and_of_a_blank() -> None:
    cuts = np.array([10.0, 20.0, 20.0, 20.0, 30.0])
    values = np.array([5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, np.nan])
    expected = [1.0, 1.0, 1.5, 4.0, 4.5, 5.0, 5.0, np.nan]
    np.testing.assert_array_equal(points_of(values, cuts), expected)


@pytest.mark.parametrize("count", KNOTS)
def test_rates_of_any_number_of_percentiles(count: int) -> None:
    knots, drift = ascending(count), 0.125
    rates = np.sort(np.random.default_rng(2).random((2, count)) * 100.0)
    z = around(knots) - drift
    collection = np.arange(len(z)).astype(np.int8) % np.int8(2)
    expected = []
    for one, of_type in zip(z, collection, strict=True):
        at = min(max(one + drift, knots[0]), knots[-1])
        k = int(np.count_nonzero(knots[1:-1] <= at))
        share = (at - knots[k]) / (knots[k + 1] - knots[k])
        low, high = rates[of_type, k], rates[of_type, k + 1]
        expected.append(low + share * (high - low))
    found = rates_of(Table(knots, rates.reshape(1, -1)), collection, z, drift)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
    beyond = z + drift >= knots[-1]  # what is flat there is so to the bit
    np.testing.assert_array_equal(found[beyond], rates[collection[beyond], -1])
