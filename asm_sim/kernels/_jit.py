"""How kernels are compiled: the one place with numba options.

``kernel`` marks a function that only other kernels call (see _linked.py); ``entry`` and
``direct_entry`` one that Python calls. Entries release the GIL, so that threads can share a block
of draws, and are kept on disk (see _cache.py) under a hash of every kernel source, so that an edit
in any of the rooms recompiles. The user's own kernels and numba's settings stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import config, njit, types
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import intrinsic

from asm_sim.errors import InputError
from asm_sim.kernels import _stages
from asm_sim.kernels._cache import cache_folder, keep, needed
from asm_sim.kernels._linked import parts_linked
from asm_sim.kernels._machine import garbage_waits

if config.DISABLE_JIT:  # type: ignore[attr-defined]  # numba sets it when it is imported
    raise InputError(
        "numba is told not to compile (NUMBA_DISABLE_JIT, or disable_jit in .numba_config.yaml); "
        "asm_sim computes only with compiled kernels: take that setting away"
    )

__all__ = [
    "cache_folder",
    "direct_entry",
    "entry",
    "fma",
    "inlined",
    "kernel",
    "sources_hash",
    "stage",
]

# error_model="numpy": a division by zero is inf or nan, as in the arrays; without it loops with a
# division do not vectorise. fastmath stays off: sums keep their order.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True}
# How compiled code is kept and how it is interrupted is no part of what is computed.
_NOT_COMPILED = frozenset({"_cache.py", "_machine.py"})


@cache
def sources_hash() -> str:
    """SHA-256 over all kernel sources, as they were when it was asked for first."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        if path.name not in _NOT_COMPILED:
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile as a part of the kernels that call it; a call from Python is a ``TypeError``."""
    return _part(function, forceinline=False)


def inlined(function: Callable[..., Any]) -> Any:
    """The same, put into its callers: a small helper whose calls in a loop must vanish for it."""
    return _part(function, forceinline=True)


def _part(function: Callable[..., Any], forceinline: bool) -> Any:
    dispatcher = njit(forceinline=forceinline, **_OPTIONS)(function)

    def refuse(*_arguments: Any, **_named: Any) -> Any:
        raise TypeError(f"{function.__name__} is for other kernels; call it inside an @entry")

    dispatcher._compile_for_args = refuse
    return dispatcher


def stage(function: Callable[..., Any]) -> Any:
    """A part that is compiled by itself, beside others, and kept on disk (see _stages.py).

    It takes references and numbers, and returns nothing.
    """
    return _stages.stage(function, _part(function, forceinline=False), sources_hash())


def direct_entry(function: Callable[..., Any]) -> Any:
    """Compile for calls from Python with named tuples, which are references in it.

    Without the GIL, kept on disk where that is possible, and nothing is returned (_stages.py).
    """
    return _stages.DirectEntry(function, _part(function, forceinline=False), sources_hash())


def entry(function: Callable[..., Any]) -> Any:
    """Compile for other calls from Python, also those that return something."""
    dispatcher = njit(nogil=True, **_OPTIONS)(function)
    compile_alone, add_overload = dispatcher.compile, dispatcher.add_overload
    compiled: list[Any] = []
    dispatcher.add_overload = compiled.append  # other threads call what is added

    def compile_with_parts(sig: Any) -> Any:
        with global_compiler_lock:
            compiled.clear()
            with garbage_waits(), _stages.made_at_the_end(), parts_linked(function):
                found = compile_alone(sig)
                for result in compiled:
                    _stages.want(needed(result.library))
            for result in compiled:
                add_overload(result)
            return found

    dispatcher.compile = compile_with_parts
    return keep(dispatcher, sources_hash())


@intrinsic
def fma(_context, a, b, c):
    """a * b + c with one rounding."""
    signature = types.float64(types.float64, types.float64, types.float64)

    def generate(_context, builder, _signature, arguments):
        return builder.fma(*arguments)

    if all(isinstance(value, types.Float) for value in (a, b, c)):
        return signature, generate
    return None
