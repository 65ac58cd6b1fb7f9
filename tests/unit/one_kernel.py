"""A kernel that compiles in no time, for tests of how kernels are kept."""

from __future__ import annotations

from typing import Any

from asm_sim.kernels._jit import entry


def doubled(value):  # type: ignore[no-untyped-def]
    return 2 * value


def tripled(value):  # type: ignore[no-untyped-def]
    return 3 * value


def anew(function: Any = doubled) -> Any:
    """The kernel as a process has it that has just started."""
    return entry(function)


def loaded(kernel: Any) -> int:
    """How many of its versions came from the disk."""
    return sum(kernel.stats.cache_hits.values())
