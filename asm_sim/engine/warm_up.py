"""Compiling or loading the kernels before the threads of a process share them."""

from __future__ import annotations

from asm_sim.engine.execute import simulate_none
from asm_sim.engine.plan import Plan

_ready = False


def compile_kernels(plan: Plan) -> None:
    """Compile the kernels, or load them, before the first block of this process.

    Of several processes that start at the same time one compiles and the others load what it has
    written (see :mod:`asm_sim.kernels._cache`).
    """
    global _ready
    if not _ready:
        simulate_none(plan)
        _ready = True
