"""Whether there is memory enough: for the libraries to load at all, and for what is asked for.

And that what is freed is kept for what comes next.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

from asm_sim.errors import InputError, RunError

_LEAST_ADDRESSES = 850_000_000  # bytes; loading the kernels of one rule takes about as much
_LARGEST_KEPT = (32 << 20) - (64 << 10)  # bytes; what glibc goes by is no larger than 32 MiB


def refuse_little_memory() -> None:
    """:class:`RunError` where the process may have less memory than loading what it needs takes.

    LLVM ends such a process by a signal, and the linear algebra behind SciPy tries for ever.
    """
    try:
        import resource
    except ImportError:  # not on Windows, which has no such limit
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _LEAST_ADDRESSES:
        raise RunError(
            f"there is not enough memory: this process may have {limit / 1e6:,.0f} MB "
            "(ulimit -v), and about 1,000 MB are needed"
        )


def check_memory(needed: int, what: str, remedy: str) -> None:
    """:class:`InputError` where something takes more memory than there is, as far as it is known.

    ``what`` says in words what it is, ``remedy`` what to do about it.
    """
    there = available_memory()
    if there is not None and needed > there:
        raise InputError(
            f"{what} need about {needed / 1e6:,.0f} MB of memory, and {there / 1e6:,.0f} MB are "
            f"free: {remedy}"
        )


def available_memory() -> int | None:
    """Bytes that this machine has free, or this process may have; None where nobody says."""
    found = []
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    with suppress(ImportError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        found += [limit] if limit != resource.RLIM_INFINITY else []
    return min(found, default=None)


@cache
def keep_what_is_freed() -> None:
    """Have the C library keep freed memory for what is asked for next, where it is glibc.

    It gives blocks back to the machine that are larger than any freed before, and the end of its
    heap where that is twice as large; the machine then hands out every page anew. Draws with
    parameters of their own need room anew for each of them. Nothing is written to this block, so
    that it costs nothing.
    """
    import numpy as np

    with suppress(MemoryError):
        np.empty(_LARGEST_KEPT, np.uint8)
