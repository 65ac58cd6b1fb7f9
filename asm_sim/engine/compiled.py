"""Compiling the kernels once per machine, however many processes start at the same time."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from asm_sim.engine.execute import run_block
from asm_sim.engine.plan import Block, Plan
from asm_sim.kernels._jit import cache_folder, sources_hash

_ready = False


def compile_kernels(plan: Plan) -> None:
    """Compile the kernels, or load them from the cache, before the first block of this process.

    The first process on a machine compiles; the others wait for it and load what it has written.
    """
    global _ready
    if _ready:
        return
    with _alone():
        run_block(plan, Block(0, 0, 1))
    _ready = True


@contextmanager
def _alone() -> Iterator[None]:
    """Hold this machine's lock; it goes with the process that holds it, however it ends."""
    try:
        import fcntl
    except ImportError:  # no such locks here: at worst, each process compiles
        yield
        return
    key = sources_hash()[:16]
    # In the folder for temporary files, since locks on network disks cannot be relied upon.
    path = Path(tempfile.gettempdir()) / f"asm_sim-{_user()}-{_cache_key()}-{key}.lock"
    try:
        file = path.open("a")
    except OSError:
        yield
        return
    with file:
        with suppress(OSError):  # a file system without locks: at worst, each process compiles
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "user"


def _cache_key() -> str:
    import hashlib

    return hashlib.sha256(str(cache_folder()).encode()).hexdigest()[:8]
