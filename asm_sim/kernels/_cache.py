"""Compiled kernels are kept between runs (see asm_sim/kept.py for where, and from whom).

numba's own cache looks only at the source file of the function itself, and trusts whatever lies in
its folder. Here a file is named after all that its code depends on, and its checksum is verified
before anything is made of it: what is unpickled can run any code. Where no folder can be had that
can be trusted, kernels are compiled in memory and one line on standard error says so. Nothing here
changes what a kernel computes, so this file is no part of the hash of the sources.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime.nrt import rtsys
from numba.core.serialize import dumps

from asm_sim import kept
from asm_sim.errors import reason_of
from asm_sim.kept import cache_folder, reason_not_used
from asm_sim.kernels._machine import interrupts_wait

__all__ = ["cache_folder", "keep", "reason_not_used", "say_nothing"]

_OTHER_FOLDER = "ASM_SIM_CACHE_DIR can name a folder of your own"

# What takes long to compile: seconds on two cores, the first time that a version is run.
TYPICAL_SECONDS = {
    "draw.simulate_cohort": 25,  # with its stages, those of year and draw
    "year.begin_cohort": 5,
    "year.live_year": 7,
    "year.settle_year": 8,
    "draw._sum_up": 4,
    "draw._keep_in_panel": 3,
    "draw._look_closely": 10,
    "draw.observe_cohort": 4,
    "cohort._fit_and_score": 5,
    "cohort._score": 3,
}

_said: set[str] = set()
_quiet = False


def keep(dispatcher: Any, stamp: str) -> Any:
    """Have a function of numba's keep its compiled versions here; it is returned.

    ``stamp`` stands for the sources that the function is compiled from.
    """
    cache = KernelCache(dispatcher.py_func, stamp)
    compile_or_load = dispatcher.compile

    def compile_once(sig: Any) -> Any:
        # numba's own lock comes first: threads of this process never wait for one another's file.
        with (
            interrupts_wait(all_along=False),
            global_compiler_lock,
            alone(cache.name_of(sig, dispatcher.targetctx)) as compiled,
            interrupts_wait(all_along=compiled),
        ):
            return compile_or_load(sig)

    dispatcher._cache = cache
    dispatcher.compile = compile_once
    return dispatcher


class KernelCache(_Cache):
    """The compiled versions of one function, in the form that numba's dispatcher asks for."""

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        code = function.__code__
        module = function.__module__.rpartition(".")[2]
        self._title = f"{module}.{function.__qualname__.replace('<locals>', '')}"
        self._depends_on = (
            function.__module__,
            function.__qualname__,
            stamp,
            hashlib.sha256(code.co_code).hexdigest(),
            *versions(),
        )

    @property
    def cache_path(self) -> str:
        return str(cache_folder())

    def enable(self) -> None:
        """Part of numba's interface; this cache is always on."""

    def disable(self) -> None:
        """Part of numba's interface; this cache is always on."""

    def flush(self) -> None:
        """Part of numba's interface; files of other sources are never looked at."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled version for a signature, None where there is none that can be used."""
        from asm_sim.kernels import _stages  # which keep their code here

        codegen = target_context.codegen()
        body = read_kept(self._name(sig, codegen))
        if body is None:
            return None
        try:
            with io.BytesIO(body) as file:
                reduced, needed = pickle.load(file), pickle.load(file)
            rtsys.initialize(target_context)
            if not _stages.all_there(needed, target_context):
                return None
            with _linked_late(codegen):
                return CompileResult._rebuild(target_context, *reduced)
        except Exception:  # whatever code of another installation raises: it is compiled anew
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled version, where there is a folder for it."""
        if data.library.has_dynamic_globals or any(not part.can_cache for part in data.lifted):
            return
        body = dumps(data._reduce()) + dumps(needed(data.library))
        write_kept(self._name(sig, data.codegen), body)

    def name_of(self, sig: Any, target_context: Any) -> str:
        """The name of its file for a signature."""
        return self._name(sig, target_context.codegen())

    def _name(self, sig: Any, codegen: Any) -> str:
        key = repr((self._depends_on, sig, codegen.magic_tuple()))
        return f"{self._title}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.nbc"


def versions() -> tuple[str | None, ...]:
    """Of everything that machine code depends on beside its sources and the processor."""
    return (
        sys.implementation.cache_tag,
        numba.__version__,
        llvmlite.__version__,
        np.__version__,
    )


@contextmanager
def alone(name: str, tell: bool = True) -> Iterator[bool]:
    """Of all that would compile the same at the same time, let one do it and the others wait.

    Tells whether it is there already. The lock is a file of one's own folder and goes with the
    process that holds it, however it ends. Where there is no such folder or no lock, each
    compiles for itself.
    """
    folder = usable_folder()
    if folder is not None and (folder / name).exists():
        yield True
        return
    folder = _made()
    if folder is None:
        _say_compiling(name)
        yield False
        return
    with _locked(folder / f"{name}.lock", tell):
        is_there = (folder / name).exists()
        if not is_there:
            _say_compiling(name)
        yield is_there


def usable_folder() -> Path | None:
    """Where kernels are kept, or can be; None where they cannot."""
    folder = cache_folder()
    return folder if reason_not_used(folder) is None else None


def read_kept(name: str) -> bytes | None:
    """The content of a file of the folder; None where it is not there, not one's own or damaged."""
    folder = usable_folder()
    return None if folder is None else _read(folder / name)


def write_kept(name: str, body: bytes) -> None:
    """Keep a file in the folder, where there is one for it."""
    folder = _made()
    if folder is not None:
        _write(folder / name, body)


class Loaded(JITCodeLibrary):
    """Machine code from the disk. Its bitcode, for kernels that call it, is read for the first.

    Python alone calls an entry as a rule, and to read its bitcode takes longer than all the rest.
    """

    _bitcode = b""

    @classmethod
    def _unserialize(cls, codegen: Any, state: Any) -> Any:
        name, kind, content = state
        if kind != "object":
            return JITCodeLibrary._unserialize(codegen, state)
        return cls.of(codegen, name, *content)

    @classmethod
    def of(cls, codegen: Any, name: str, machine_code: bytes, bitcode: bytes = b"") -> Any:
        """Ready to be called; without bitcode no kernel can be linked with it."""
        self = cls(codegen, name)
        self._bitcode = bitcode
        self.enable_object_caching()
        self._set_compiled_object(machine_code)
        self._finalize_final_module()
        return self

    def get_pointer_to_function(self, name: str) -> int:
        return int(self._codegen._engine.get_function_address(name))

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None:
            self._shared_module = llvm.parse_bitcode(self._bitcode)
            self._codegen._engine._load_defined_symbols(self._shared_module)
        return self._shared_module


@contextmanager
def _linked_late(codegen: Any) -> Iterator[None]:
    """What is rebuilt meanwhile, under numba's lock, is a :class:`Loaded`."""
    usual, codegen._library_class = codegen._library_class, Loaded
    try:
        yield
    finally:
        codegen._library_class = usual


def needed(library: Any) -> list[str]:
    """The names of what machine code calls and does not hold itself."""
    module = library._final_module
    parts = [*module.functions, *module.global_variables]
    names = {part.name for part in parts if part.is_declaration}
    return sorted(name for name in names if not name.startswith("llvm."))


def _made() -> Path | None:
    """The folder, made if it was not there; None where it cannot be used, which is said."""
    folder = cache_folder()
    reason = kept.made(folder)
    if reason is None:
        return folder
    _say("not kept", f"kernels are compiled in memory: {reason}; {_OTHER_FOLDER}")
    return None


def _read(path: Path) -> bytes | None:
    """What was written there; None where there is nothing to use, which is said if damaged."""
    try:
        return kept.read(path)
    except kept.DamagedError:
        _say("damaged", f"{kept.shown(path)} is damaged; its kernels are compiled anew")
        return None


def _write(path: Path, body: bytes) -> None:
    """Write a file whole or not at all; where that fails, say so."""
    try:
        kept.write(path, body)
    except OSError as error:
        _say(
            "not kept",
            f"compiled kernels cannot be kept in {kept.shown(path.parent)} ({reason_of(error)}); "
            f"{_OTHER_FOLDER}",
        )


@contextmanager
def _locked(path: Path, tell: bool) -> Iterator[None]:
    """Hold the lock at ``path``; without one where the system or the disk has no locks."""
    try:
        import fcntl

        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except (ImportError, OSError):
        yield
        return
    try:
        with suppress(OSError):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if tell:
                    _say("waits", "another process is compiling the kernels; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
        with suppress(OSError):  # whoever waits for it holds it still, and finds the kernel
            path.unlink(missing_ok=True)
    finally:
        os.close(file)


def _say_compiling(name: str) -> None:
    """What takes long is said before it begins."""
    title = name.partition("-")[0]
    seconds = TYPICAL_SECONDS.get(title)
    if seconds is not None:
        kernel = title.partition(".")[2].lstrip("_")
        _say(title, f"compiling kernels, first run only: {kernel}, about {seconds} s")


def _say(kind: str, text: str) -> None:
    """One line on standard error, once for each kind."""
    if _quiet or kind in _said or sys.stderr is None:
        return
    _said.add(kind)
    with suppress(OSError):
        print(f"asm-sim: {text}", file=sys.stderr, flush=True)


def say_nothing() -> None:
    """For one of several processes of which another speaks."""
    global _quiet
    _quiet = True
