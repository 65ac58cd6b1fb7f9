"""Where compiled kernels are kept between runs, and whom they are taken from.

numba's own cache looks only at the source file of the function itself, and trusts whatever lies in
its folder. Here a file is named after all that its code depends on, begins with a checksum that is
verified before anything is made of it, and is read only from a folder of one's own (or of root)
that nobody else may write to: what is unpickled can run any code. Where no such folder can be had,
kernels are compiled in memory and one line on standard error says so. Nothing here changes what a
kernel computes, so this file is no part of the hash of the sources.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.serialize import dumps

from asm_sim.durable import write_whole
from asm_sim.errors import printable, reason_of
from asm_sim.kernels._machine import interrupts_wait

_OTHER_FOLDER = "ASM_SIM_CACHE_DIR can name a folder of your own"
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_CHECKSUM_BYTES = hashlib.sha256().digest_size

_said: set[str] = set()


def cache_folder() -> Path | None:
    """Where compiled kernels are kept: ``ASM_SIM_CACHE_DIR``, or the user's cache folder.

    None for a user without a home folder.
    """
    try:
        named = os.environ.get("ASM_SIM_CACHE_DIR")
        if named:
            return Path(named).expanduser()
        base = os.environ.get("XDG_CACHE_HOME", "")
        home = Path(base) if os.path.isabs(base) else Path.home() / ".cache"  # noqa: PTH117
    except RuntimeError:
        return None
    return home / "asm_sim" / "kernels"


def reason_not_used(folder: Path | None) -> str | None:
    """Why nothing is read from a folder nor written to it; None where it can be used or made."""
    if folder is None:
        return "there is no home folder"
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{_shown(folder)}: {reason_of(error)}"
    if not stat.S_ISDIR(found.st_mode):
        return f"{_shown(folder)} is not a folder"
    if not _is_own(found):
        return f"{_shown(folder)} belongs to another user"
    if _others_may_write(found):
        return f"others may write to {_shown(folder)} (chmod go-w takes that away)"
    return None


def _is_own(found: os.stat_result) -> bool:
    """Whether it is this user's, or that of root, who may run code as this user anyway."""
    return not hasattr(os, "geteuid") or found.st_uid in (0, os.geteuid())


def _others_may_write(found: os.stat_result) -> bool:
    return hasattr(os, "geteuid") and bool(found.st_mode & _OTHERS_MAY_WRITE)


def keep(dispatcher: Any, stamp: str) -> Any:
    """Have a function of numba's keep its compiled versions here; it is returned.

    ``stamp`` stands for the sources that the function is compiled from.
    """
    kept = KernelCache(dispatcher.py_func, stamp)
    compile_or_load = dispatcher.compile

    def compile_once(sig: Any) -> Any:
        # numba's own lock comes first: threads of this process never wait for one another's file.
        with (
            interrupts_wait(all_along=False),
            global_compiler_lock,
            kept.alone(sig, dispatcher.targetctx) as compiled,
            interrupts_wait(all_along=compiled),
        ):
            return compile_or_load(sig)

    dispatcher._cache = kept
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
            sys.implementation.cache_tag,
            numba.__version__,
            llvmlite.__version__,
            np.__version__,
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
        target_context.refresh()
        folder = cache_folder()
        if folder is None or reason_not_used(folder):
            return None
        name = self._name(sig, target_context.codegen())
        body = _read(folder / name)
        if body is None:
            return None
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(body))
        except Exception:  # whatever code of another installation raises: it is compiled anew
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled version, where there is a folder for it."""
        if data.library.has_dynamic_globals or any(not part.can_cache for part in data.lifted):
            return
        folder = _made()
        if folder is not None:
            _write(folder / self._name(sig, data.codegen), dumps(data._reduce()))

    @contextmanager
    def alone(self, sig: Any, target_context: Any) -> Iterator[bool]:
        """Of all that would compile the same at the same time, let one do it and the others wait.

        Tells whether it is there already. The lock is a file of one's own folder and goes with the
        process that holds it, however it ends. Where there is no such folder or no lock, each
        compiles for itself.
        """
        name = self._name(sig, target_context.codegen())
        folder = cache_folder()
        if folder is not None and not reason_not_used(folder) and (folder / name).exists():
            yield True
            return
        folder = _made()
        if folder is None:
            yield False
            return
        with _locked(folder / f"{name}.lock"):
            yield (folder / name).exists()

    def _name(self, sig: Any, codegen: Any) -> str:
        key = repr((self._depends_on, sig, codegen.magic_tuple()))
        return f"{self._title}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.nbc"


def _made() -> Path | None:
    """The folder, made if it was not there; None where it cannot be used, which is said."""
    folder = cache_folder()
    reason = reason_not_used(folder)
    if folder is not None and reason is None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            reason = reason_not_used(folder)
        except OSError as error:
            reason = f"{_shown(folder)}: {reason_of(error)}"
    if reason is None:
        return folder
    _say("not kept", f"kernels are compiled in memory: {reason}; {_OTHER_FOLDER}")
    return None


def _checksum(name: str, body: bytes) -> bytes:
    """Of a file's content and its name, so that a file under the name of another is damaged."""
    return hashlib.sha256(name.encode() + b"\n" + body).digest()


def _read(path: Path) -> bytes | None:
    """What was written there; None where it is not there, not one's own, or damaged."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not _is_own(found) or _others_may_write(found):
                return None
            content = file.read()
    except OSError:
        return None
    checksum, body = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if checksum == _checksum(path.name, body):
        return body
    _say("damaged", f"{_shown(path)} is damaged; its kernels are compiled anew")
    return None


def _write(path: Path, body: bytes) -> None:
    """Write a file whole or not at all; where that fails, say so."""
    try:
        write_whole(path, _checksum(path.name, body) + body)
        path.chmod(0o644)  # others may not write to it, whatever the user's mask lets through
    except OSError as error:
        _say(
            "not kept",
            f"compiled kernels cannot be kept in {_shown(path.parent)} ({reason_of(error)}); "
            f"{_OTHER_FOLDER}",
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
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
                _say("waits", "another process is compiling the kernels; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
        with suppress(OSError):  # whoever waits for it holds it still, and finds the kernel
            path.unlink(missing_ok=True)
    finally:
        os.close(file)


def _shown(path: Path) -> str:
    return printable(str(path))


def _say(kind: str, text: str) -> None:
    """One line on standard error, once for each kind."""
    if kind in _said or sys.stderr is None:
        return
    _said.add(kind)
    with suppress(OSError):
        print(f"asm-sim: {text}", file=sys.stderr, flush=True)


def say_nothing() -> None:
    """For one of several processes of which another speaks."""
    _said.update(("not kept", "damaged", "waits"))
