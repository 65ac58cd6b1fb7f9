"""Whether there is memory enough for the libraries to load at all."""

from __future__ import annotations

from asm_sim.errors import RunError

_LEAST_ADDRESSES = 850_000_000  # bytes; loading the kernels of one rule takes about as much


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
