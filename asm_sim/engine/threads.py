"""How many threads share the draws of a block; kept apart so that asking costs no import."""

from __future__ import annotations

import os

from asm_sim.errors import InputError


def thread_count() -> int:
    """NUMBA_NUM_THREADS where it is set, else the processors that this process may use."""
    given = os.environ.get("NUMBA_NUM_THREADS")
    if given is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if not given.isdigit() or int(given) < 1:
        raise InputError(f"NUMBA_NUM_THREADS={given!r}: must be a whole number, 1 or more")
    return int(given)
