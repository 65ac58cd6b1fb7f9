"""Sorting and percentiles against NumPy's, where values are crowded, equal, few or signed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from asm_sim.kernels._jit import entry
from asm_sim.kernels._reference import by_reference, keep
from asm_sim.kernels.numeric.order_statistics import percentiles, sort_pairs
from asm_sim.kernels.rule.fit import new_scratch

Floats = NDArray[np.floating[Any]]


@entry
def sorted_pairs(keys):  # type: ignore[no-untyped-def]
    n = len(keys)
    own = new_scratch(1, n)
    payload = np.arange(n).astype(np.int32)
    sorted_keys, sorted_payload = np.empty(n), np.empty(n, np.int32)
    sort_pairs(keys, payload, n, sorted_keys, sorted_payload, by_reference(own))  # type: ignore[call-arg]
    keep(own)
    return sorted_keys, sorted_payload


@entry
def percentiles_of(values, percents):  # type: ignore[no-untyped-def]
    own = new_scratch(1, len(values))
    result = np.empty(len(percents))
    percentiles(values, len(values), percents, result, by_reference(own))  # type: ignore[call-arg]
    keep(own)
    return result


def generator() -> np.random.Generator:
    return np.random.default_rng(20271127)


# One key far away leaves all others in few cells.
FAR = 1e9
KEYS: dict[str, Floats] = {
    "spread out": generator().normal(50.0, 20.0, 3_000),
    "shares of few cases, many equal": np.round(generator().random(3_000) * 30.0) / 30.0,
    "one": np.array([3.5]),
    "two, descending": np.array([2.0, -1.0]),
    "more than the finest small cells number": generator().normal(50.0, 20.0, 5_000),
    "more than small cells number": generator().normal(50.0, 20.0, 17_000),
    "all equal": np.full(500, 100.0),
    "negative": -generator().lognormal(0.0, 2.0, 2_000),
    "descending": np.arange(1_000.0)[::-1].copy(),
}
CROWDED: dict[str, Floats] = {
    "about zero, with both zeros": np.concatenate(
        [generator().normal(0.0, 1e-3, 400), np.zeros(50), np.full(50, -0.0)]
    ),
    "a spread too small to divide": 1.0 + np.arange(300)[::-1] * np.spacing(1.0),
    "denormal": np.arange(100)[::-1] * 5e-324,
    "crowded and unequal": np.append(generator().random(600), FAR),
    "thousands in a crowd": np.append(generator().random(7_000), FAR),
    "crowded and equal in part": np.append(np.round(generator().random(600), 2), -FAR),
    "two crowds": np.concatenate([generator().random(200), FAR + generator().random(200)]),
}


@pytest.mark.parametrize("name", KEYS)
def test_pairs_are_sorted_as_by_a_stable_sort(name: str) -> None:
    keys = KEYS[name]
    sorted_keys, payload = sorted_pairs(keys)
    order = np.argsort(keys, kind="stable")
    np.testing.assert_array_equal(sorted_keys, keys[order])
    np.testing.assert_array_equal(payload, order)


@pytest.mark.parametrize("name", CROWDED)
def test_crowded_keys_are_sorted_with_what_belongs_to_them(name: str) -> None:
    keys = CROWDED[name]
    sorted_keys, payload = sorted_pairs(keys)
    np.testing.assert_array_equal(sorted_keys, np.sort(keys))
    np.testing.assert_array_equal(np.sort(payload), np.arange(len(keys)))
    np.testing.assert_array_equal(keys[payload], sorted_keys)


@pytest.mark.parametrize("name", [*KEYS, *CROWDED])
def test_percentiles_are_those_of_numpy(name: str) -> None:
    values = {**KEYS, **CROWDED}[name]
    percents = np.array([0.0, 3.0, 10.0, 25.0, 50.0, 50.0, 90.0, 99.5, 100.0])
    found = percentiles_of(values, percents)
    ordered = np.sort(values)
    places = (len(values) - 1) * percents / 100.0
    below = places.astype(int)
    above = np.minimum(below + 1, len(values) - 1)
    expected = ordered[below] + (places - below) * (ordered[above] - ordered[below])
    np.testing.assert_array_equal(found, expected)
