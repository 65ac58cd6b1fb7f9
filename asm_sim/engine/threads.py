"""How many threads share the draws of a block; kept apart so that asking costs no import."""

from __future__ import annotations

import os

from asm_sim.kernels._machine import threads_given


def thread_count() -> int:
    """NUMBA_NUM_THREADS where it is set, else the processors that this process may use.

    Raises :class:`asm_sim.errors.InputError` where it is set to what is no number of threads.
    """
    given = threads_given()
    if given is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return given
