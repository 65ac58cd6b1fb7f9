"""Sums in lanes are those of their definition bit for bit, whatever vectors the machine has."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from asm_sim.kernels._jit import entry
from asm_sim.kernels.numeric.sums import (
    MOST_SUMS,
    ROOM,
    add_lanes,
    clear,
    lanes_from,
    mean_and_sd,
    new_room,
    places,
    stretches,
)

Floats = NDArray[np.floating[Any]]

ALL, COUNTED = places(2)
LANES = ROOM // MOST_SUMS
COUNTS = [1, 2, LANES - 1, LANES, LANES + 1, 5 * LANES, 3_001]


@entry
def two_sums(values, counts):  # type: ignore[no-untyped-def]
    room = new_room()  # type: ignore[call-arg]
    n = len(values)
    clear(room, 2)  # type: ignore[call-arg]
    for begin in stretches(n):  # type: ignore[call-arg]
        for lane in lanes_from(begin, n):  # type: ignore[call-arg]
            value, counted = values[begin + lane], counts[begin + lane]
            room[ALL + lane] += value
            room[COUNTED + lane] += value if counted else 0.0
    return add_lanes(room, ALL), add_lanes(room, COUNTED)  # type: ignore[call-arg]


@entry
def moments(values):  # type: ignore[no-untyped-def]
    return mean_and_sd(values, len(values))  # type: ignore[call-arg]


def by_definition(values: Floats) -> float:
    """Value i into lane i modulo their number, one after the other; lanes in pairs."""
    lanes = [0.0] * LANES
    for i, value in enumerate(values.tolist()):
        lanes[i % LANES] += value
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [a + b for a, b in zip(lanes[:half], lanes[half:], strict=True)]
    return lanes[0]


def drawn(n: int) -> Floats:
    return np.random.default_rng(n).lognormal(0.0, 3.0, n)


@pytest.mark.parametrize("n", COUNTS)
def test_sums_are_those_of_lanes(n: int) -> None:
    values = drawn(n)
    counts = np.random.default_rng(7).random(n) < 0.6
    kept = np.where(counts, values, 0.0)
    assert two_sums(values, counts) == (by_definition(values), by_definition(kept))


def test_there_is_another_order_with_other_bits() -> None:
    values = drawn(3_001)
    assert by_definition(values) != sum(values.tolist())


@pytest.mark.parametrize("n", COUNTS)
def test_mean_and_sd(n: int) -> None:
    values = drawn(n)
    mean, sd = moments(values)
    assert mean == pytest.approx(values.mean(), rel=1e-13)
    assert sd == pytest.approx(values.std(ddof=1) if n > 1 else 0.0, rel=1e-13)


@pytest.mark.parametrize("n", COUNTS)
def test_equal_values_have_no_spread(n: int) -> None:
    assert moments(np.full(n, 0.1)) == (0.1, 0.0)


def test_of_nobody() -> None:
    mean, sd = moments(np.empty(0))
    assert math.isnan(mean)
    assert sd == 0.0
    assert two_sums(np.empty(0), np.empty(0, np.bool_)) == (0.0, 0.0)


def test_more_sums_than_there_is_room_for() -> None:
    with pytest.raises(ValueError, match=f"{MOST_SUMS + 1} sums"):
        places(MOST_SUMS + 1)
