"""How kernels are compiled: the one place with numba options.

``kernel`` marks a function that only other kernels call (see _linked.py); ``entry`` one that Python
calls. Entries release the GIL, so that threads can share a block of draws, and are cached on disk.
numba's own cache looks only at the file of the function itself; here the key is a hash of every
kernel source, so that an edit anywhere in this folder recompiles. Only these functions use that
cache: the user's own kernels and numba's settings stay as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.extending import intrinsic

from asm_sim.kernels._linked import LinkedCompiler

# error_model="numpy": a division by zero is inf or nan, as in the arrays; without it loops with a
# division do not vectorise. fastmath stays off: sums keep their order.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True}
_LINKED: dict[str, Any] = {**_OPTIONS, "pipeline_class": LinkedCompiler}


def cache_folder() -> Path:
    """Where compiled kernels are kept: ``ASM_SIM_CACHE_DIR``, or the user's cache folder."""
    named = os.environ.get("ASM_SIM_CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "asm_sim" / "kernels"


@cache
def sources_hash() -> str:
    """SHA-256 over all kernel sources, as they were when it was asked for first."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


class _Locator(_CacheLocator):
    """Tells numba where the compiled code of a kernel lies and what it was compiled from."""

    def __init__(self, py_func: Callable[..., Any]) -> None:
        self._line = py_func.__code__.co_firstlineno
        self._stamp = sources_hash()

    def get_cache_path(self) -> str:
        return str(cache_folder())

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return f"{self._line}-{self._stamp[:16]}"

    def ensure_cache_path(self) -> None:
        cache_folder().mkdir(mode=0o700, parents=True, exist_ok=True)

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], _py_file: str) -> _Locator | None:
        locator = cls(py_func)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator if os.access(cache_folder(), os.W_OK) else None


class _CacheImpl(CompileResultCacheImpl):
    _locator_classes = [_Locator]  # type: ignore[list-item]  # noqa: RUF012


class _KernelCache(FunctionCache):
    _impl_class = _CacheImpl


def kernel(function: Callable[..., Any]) -> Any:
    """Compile as a part of the kernels that call it; a call from Python is a ``TypeError``."""
    dispatcher = njit(**_LINKED)(function)

    def refuse(*_arguments: Any, **_named: Any) -> Any:
        raise TypeError(f"{function.__name__} is for other kernels; call it inside an @entry")

    dispatcher._insert = lambda *_: None  # Python finds no compiled version ...
    dispatcher._compile_for_args = refuse  # ... and makes none
    return dispatcher


def inlined(function: Callable[..., Any]) -> Any:
    """The same, put into its callers.

    For a small helper whose calls must vanish for a loop around it to vectorise, and for a function
    with few callers that takes a rule or a model: to pass all their arrays on, counting references,
    takes more time than it does, both to compile and to run.
    """
    return njit(inline="always", **_OPTIONS)(function)


def entry(function: Callable[..., Any]) -> Any:
    """Compile for calls from Python: without the GIL and cached on disk where that is possible."""
    dispatcher = njit(nogil=True, **_OPTIONS)(function)
    with contextlib.suppress(RuntimeError):  # no folder to write to: compile in memory
        dispatcher._cache = _KernelCache(function)
    return dispatcher


@intrinsic
def fma(_context, a, b, c):
    """a * b + c with one rounding."""
    signature = types.float64(types.float64, types.float64, types.float64)

    def generate(_context, builder, _signature, arguments):
        return builder.fma(*arguments)

    if all(isinstance(value, types.Float) for value in (a, b, c)):
        return signature, generate
    return None
