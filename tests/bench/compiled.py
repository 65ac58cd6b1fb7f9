"""Compiled functions of this folder, kept on disk with those of the package."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numba.core import types

from asm_sim.kernels._cache import keep
from asm_sim.kernels._jit import entry as kernels_entry
from asm_sim.kernels._jit import sources_hash

_clock_gettime = types.ExternalFunction("clock_gettime", types.intc(types.intc, types.intp))
_CLOCK = time.CLOCK_THREAD_CPUTIME_ID  # what others take of the processor is not counted


def entry(function: Callable[..., Any]) -> Any:
    """Compile as the package does its own, anew where a kernel or a file of this folder changes."""
    digest = hashlib.sha256(sources_hash().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return keep(kernels_entry(function), digest.hexdigest())


def new_clock() -> Any:
    """Room for a reading, and the last one in nanoseconds."""
    return np.zeros(3, np.int64)


@njit  # type: ignore[untyped-decorator]
def start(clock: Any) -> None:
    """What happens until now counts for nothing."""
    _clock_gettime(_CLOCK, clock.ctypes.data)
    clock[2] = 1_000_000_000 * clock[0] + clock[1]


@njit  # type: ignore[untyped-decorator]
def lap(clock: Any, spent: Any, stage: Any) -> None:
    """What has happened since the last reading counts for this stage."""
    before = clock[2]
    start(clock)
    spent[stage] += clock[2] - before
