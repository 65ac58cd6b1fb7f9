"""log, exp, cosine and sine of the kernels against extended precision, over their ranges."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from asm_sim.kernels.numeric import elementary

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant,
    reason="no type here is more precise than float64",
)


def mapped(function: Any) -> Callable[[np.ndarray], np.ndarray]:
    @njit
    def over(x):  # type: ignore[no-untyped-def]
        result = np.empty(len(x))
        for i in range(len(x)):
            result[i] = function(x[i])
        return result

    return over  # type: ignore[no-any-return]


def ulps(values: np.ndarray, exact: np.ndarray) -> float:
    spacing = np.spacing(np.abs(exact.astype(np.float64)))
    return float(np.max(np.abs(values.astype(np.longdouble) - exact) / spacing))


def test_log() -> None:
    """Also next to 1, where a small result must keep its digits, and at the end of the range."""
    rng = np.random.default_rng(1)
    x = np.concatenate(
        [
            np.exp(rng.uniform(-700, 700, 200_000)),
            rng.uniform(0.5, 2.0, 200_000),
            1 + rng.uniform(-1, 1, 20_000) * 1e-8,
            (np.arange(5) + 0.5) * 2.0**-32,  # the smallest uniforms
            [np.finfo(float).tiny, np.nextafter(1, 0), np.nextafter(1, 2), np.sqrt(0.5), 1e308],
        ]
    )
    np.testing.assert_allclose(mapped(elementary.log)(x), np.log(x), rtol=2e-14)
    assert mapped(elementary.log)(np.array([1.0]))[0] == 0.0


def test_exp() -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate(
        [rng.uniform(-700, 700, 200_000), rng.uniform(-1, 1, 200_000), rng.uniform(-1, 1, 9) * 1e-9]
    )
    assert ulps(mapped(elementary.exp)(x), np.exp(x.astype(np.longdouble))) < 1.5
    ends = mapped(elementary.exp)(np.array([0.0, 1e4, -1e4, np.inf, -np.inf]))
    assert ends[0] == 1.0
    np.testing.assert_allclose(ends[1:], np.exp([700.0, -700.0, 700.0, -700.0]), rtol=1e-15)


def test_minus_two_log_of_a_uniform() -> None:
    """Next to 1 too, where the result is small, and at both ends."""
    rng = np.random.default_rng(3)
    ends = np.concatenate([np.arange(9), 2**32 - 1 - np.arange(9)])
    words = np.concatenate([rng.integers(0, 2**32, 400_000), ends])
    u = (words + 0.5) * 2.0**-32
    u = np.concatenate([u, 2.0 ** -np.arange(1, 33), [np.nextafter(1, 0)]])
    exact = -2 * np.log(u.astype(np.longdouble))
    assert np.max(np.abs(mapped(elementary.minus_two_log)(u) / exact - 1)) < 2e-14


def test_cosine_and_sine() -> None:
    """Of words as angles, made of those of half the angle."""

    @njit
    def cosine(h):  # type: ignore[no-untyped-def]
        s, _ = elementary.half_angle(h)
        return s * s - 1.0

    @njit
    def sine(h):  # type: ignore[no-untyped-def]
        s, c = elementary.half_angle(h)
        return s * c

    rng = np.random.default_rng(3)
    turn = np.concatenate([rng.integers(0, 2**32, 300_000) * 2.0**-32, np.arange(64) / 64])
    angle = turn.astype(np.longdouble) * 8 * np.arctan(np.longdouble(1))
    for function, exact in ((cosine, np.cos(angle)), (sine, np.sin(angle))):
        assert np.max(np.abs(mapped(function)(2.0 * turn - 1.0) - exact)) < 5e-15
    middle = np.array([0.0])
    assert mapped(cosine)(middle)[0] == -1.0
    assert mapped(sine)(middle)[0] == 0.0
