"""Values that are taken, put one after another: by vectors and one by one as NumPy does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asm_sim.kernels._jit import entry, kernel
from asm_sim.kernels.numeric import vectors
from asm_sim.kernels.numeric.vectors import compact, has_wide_vectors

compact_one_by_one = kernel(compact.py_func)
BEYOND = 5  # places in the rooms that are not the values'


@entry
def on_this_machine(values, taken, keys, places):  # type: ignore[no-untyped-def]
    return compact(values, taken, keys, places)


@entry
def on_others(values, taken, keys, places):  # type: ignore[no-untyped-def]
    return compact_one_by_one(values, taken, keys, places)


@entry
def is_wide():  # type: ignore[no-untyped-def]
    return has_wide_vectors()  # type: ignore[call-arg]


@pytest.fixture(autouse=True)
def nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that was kept on disk comes back without its assembly."""
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", str(tmp_path))


def check(compacted: Any) -> None:
    generator = np.random.default_rng(20271127)
    for n in range(41):
        for share in (0.0, 0.3, 0.7, 1.0):
            values, taken = generator.random(n), generator.random(n + BEYOND) < share
            taken[n:] = True
            keys, places = np.full(n + BEYOND, -1.0), np.full(n + BEYOND, -1, np.int32)
            k = compacted(values, taken, keys, places)
            expected = np.flatnonzero(taken[:n])
            assert k == len(expected)
            np.testing.assert_array_equal(places[:k], expected)
            np.testing.assert_array_equal(keys[:k], values[expected])
            np.testing.assert_array_equal(keys[n:], -1.0)
            np.testing.assert_array_equal(places[n:], -1)


def assembly(compiled: Any) -> str:
    (text,) = compiled.inspect_asm().values()
    return text  # type: ignore[no-any-return]


def test_on_this_machine() -> None:
    check(on_this_machine)
    text = assembly(on_this_machine)
    assert all((name in text) == is_wide() for name in ("vcompresspd", "vpcompressd"))


def test_without_wide_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "are_wide", lambda _context: False)
    check(on_others)
    assert "compress" not in assembly(on_others)
