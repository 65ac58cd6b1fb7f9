"""Stages of an entry: kernels that are compiled apart, several at once, and called where they lie.

To compile a whole draw takes the better part of a minute. Its stages are optimised each by itself,
by two processes where there are two cores, and kept on disk like entries; an entry that calls them
is small. A stage takes references and numbers and returns nothing. An entry finds it through a cell
of memory that has the name of the stage and holds its address. An entry that takes references alone
is a stage that Python calls where it lies.

This goes below numba's public interface (numba/core/callconv.py, codegen.py).
"""

from __future__ import annotations

import ctypes
import hashlib
import inspect
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import update_wrapper
from importlib import import_module
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import typeof
from numba.core import cgutils, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from asm_sim.kernels import _cache
from asm_sim.kernels._linked import parts_linked
from asm_sim.kernels._machine import garbage_waits, interrupts_wait
from asm_sim.kernels._memory import Laid, laid_out
from asm_sim.processes import started

_PREFIX = "asm_sim.stage."
_CHILD = "from asm_sim.kernels import _stages; _stages.compile_for_another()"

Wanted = tuple["Stage", tuple[Any, ...]]

_stages: dict[tuple[str, str], Stage] = {}
_cells: dict[str, ctypes.c_void_p] = {}
_libraries: dict[str, Any] = {}  # by symbol; machine code lives as long as its library
_called: dict[str, Wanted] = {}  # the stages that compiled code calls, by symbol
_makings: list[_Making] = []  # of the entries that are being compiled, one within the other


class Stage:
    """A kernel, and how it is compiled by itself for the types of its arguments."""

    def __init__(self, function: Callable[..., Any], kernel: Any, stamp: str) -> None:
        self.at = function.__module__, function.__qualname__
        self._kernel = kernel
        self.title = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        self._depends_on = (*self.at, stamp, *_cache.versions())
        _stages[self.at] = self

    def call(self, context: Any, builder: Any, arguments: Any, values: Any) -> Any:
        """The instructions that call it."""
        _makings[-1].begin()
        symbol = self.symbol(arguments)
        _called[symbol] = self, arguments
        _cell(symbol)
        kind = context.call_conv.get_function_type(types.none, arguments)
        try:
            cell = builder.module.get_global(symbol)
        except KeyError:
            cell = ir.GlobalVariable(builder.module, kind.as_pointer(), symbol)
        status, _ = context.call_conv.call_function(
            builder, builder.load(cell), types.none, arguments, values
        )
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    def symbol(self, arguments: Any) -> str:
        """Its name for these types, on this processor, in this state of the sources."""
        codegen = self._kernel.targetctx.codegen()
        key = repr((self._depends_on, arguments, codegen.magic_tuple()))
        return f"{_PREFIX}{self.title}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"

    def make(self, arguments: Any) -> None:
        """Load it, or compile and keep it; one process at a time."""
        symbol = self.symbol(arguments)
        if symbol in _libraries or load(symbol):
            return
        with _cache.alone(_file(symbol), tell=False) as compiled:
            if not (compiled and load(symbol)):
                self.compile(symbol, arguments)

    def compile(self, symbol: str, arguments: Any) -> None:
        """Compile it for these types, and keep it under this name."""
        context = self._kernel.targetctx
        rtsys.initialize(context)
        with garbage_waits(), parts_linked(None):
            self._kernel.compile(arguments)
        compiled = self._kernel.overloads[arguments]
        if compiled.signature.return_type != types.none:
            raise TypeError(f"{self.title} is a stage; it returns nothing")
        library = context.codegen().create_library(symbol)
        library.enable_object_caching()
        module = library.create_ir_module(symbol)
        kind = context.call_conv.get_function_type(types.none, arguments)
        whole = ir.Function(module, kind, f"{symbol}.code")
        part = cgutils.get_or_insert_function(module, kind, compiled.fndesc.llvm_func_name)
        builder = ir.IRBuilder(whole.append_basic_block())
        builder.ret(builder.call(part, whole.args))
        library.add_ir_module(module)
        library.add_linking_library(compiled.library)
        library.finalize()
        _ready(symbol, library)
        needed = _cache.needed(library)
        want(needed)
        content = json.dumps(needed).encode() + b"\n" + library._get_compiled_object()
        _cache.write_kept(_file(symbol), content)


class DirectEntry:
    """A stage that Python calls with named tuples, which it takes by reference.

    Its name is that of what lies in memory, so that numba's types are made where it is compiled.
    """

    def __init__(self, function: Callable[..., Any], kernel: Any, stamp: str) -> None:
        self._stage = Stage(function, kernel, stamp)
        self._code: dict[tuple[str, ...], Callable[..., int]] = {}
        update_wrapper(self, function)

    def __call__(self, *structures: tuple[Any, ...]) -> None:
        """Run it without the GIL; what it raises is raised here, a want of memory above all.

        Structures may be laid out already.
        """
        laid = [each if isinstance(each, Laid) else laid_out(each) for each in structures]
        kinds = tuple(each.kind for each in laid)
        code = self._code.get(kinds) or self._there(kinds, tuple(each.structure for each in laid))
        nothing, reason = ctypes.c_void_p(), ctypes.c_void_p()
        if code(ctypes.byref(nothing), ctypes.byref(reason), *(each.address for each in laid)):
            raise _raised(reason)

    def _there(
        self, kinds: tuple[str, ...], structures: tuple[tuple[Any, ...], ...]
    ) -> Callable[..., int]:
        """Its code for such structures, loaded or compiled."""
        symbol = self._stage.symbol(kinds)
        with (
            interrupts_wait(all_along=False),
            global_compiler_lock,
            _cache.alone(_file(symbol)) as compiled,
            interrupts_wait(all_along=compiled),
            made_at_the_end(),
        ):
            if not (compiled and load(symbol)):
                from asm_sim.kernels._reference import Reference

                self._stage.compile(symbol, tuple(Reference(typeof(s)) for s in structures))
        of_addresses = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * (2 + len(kinds)))
        code = self._code[kinds] = of_addresses(_cell(symbol).value or 0)
        return code


class _Raised(ctypes.Structure):
    """An exception as compiled code says it, the first two numbers."""

    _fields_ = (("content", ctypes.c_void_p), ("size", ctypes.c_int32))


def _raised(at: ctypes.c_void_p) -> BaseException:
    """The exception that compiled code has made ready, as numba keeps it: type and arguments."""
    raised = ctypes.cast(at, ctypes.POINTER(_Raised)).contents
    kind, arguments, *_ = pickle.loads(ctypes.string_at(raised.content or 0, raised.size))
    return kind(*(arguments or ()))  # type: ignore[no-any-return]


def _seconds(wanted: Wanted) -> int:
    """About how long it takes to compile: one process begins with what is quick, one with the rest.

    So they end at about the same time, though one has the entry to compile as well.
    """
    return _cache.TYPICAL_SECONDS.get(wanted[0].title, 0)


def stage(function: Callable[..., Any], kernel: Any, stamp: str) -> Any:
    """What kernels call in place of ``function``, which ``kernel`` compiles."""
    described = Stage(function, kernel, stamp)

    def call(_context: Any, *arguments: Any) -> Any:
        exact = tuple(map(types.unliteral, arguments))
        _makings[-1].typed.append((described, exact))

        def generate(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            return described.call(context, builder, sig.args, values)

        return signature(types.none, *exact), generate

    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = inspect.signature(function).parameters.values()
    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__signature__ = inspect.Signature([context, *named])  # type: ignore[attr-defined]
    return intrinsic(call)


@contextmanager
def made_at_the_end() -> Iterator[None]:
    """Every stage that is wanted within is there at the end.

    Where one of them fails nothing counts as there that was made here: it could want that one.
    """
    making, before = _Making(), set(_libraries)
    _makings.append(making)
    try:
        yield
        making.wanted.sort(key=_seconds)
        for which, arguments in making.wanted:  # stages may want others, which come behind
            which.make(arguments)
    except BaseException:
        for symbol in set(_libraries) - before:
            del _libraries[symbol]
        raise
    finally:
        _makings.pop()
        making.end()


def want(needed: list[str]) -> None:
    """Have the stages made that are among what compiled code calls, the first called first."""
    _makings[-1].wanted += [wanted for name, wanted in _called.items() if name in needed]


class _Making:
    """The stages of an entry, and the process that helps to make them, unless it is ``alone``."""

    def __init__(self, alone: bool = False) -> None:
        self._begun = alone
        self.typed: list[Wanted] = []
        self.wanted: list[Wanted] = []
        self._child: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Let the process begin: when the first stage is called all are typed.

        The better half of the time that the entry takes itself is still to come then.
        """
        if not self._begun:
            self._begun = True
            self._child = _another_process(_missing(sorted(self.typed, key=_seconds)))

    def end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()


def load(symbol: str) -> bool:
    """Whether a stage, and all that it calls, could be loaded from the disk."""
    if symbol in _libraries:
        return True
    content = _cache.read_kept(_file(symbol))
    if content is None:
        return False
    header, _, machine_code = content.partition(b"\n")
    context = cpu_target.target_context
    rtsys.initialize(context)
    if not all_there(json.loads(header), context):
        return False
    _ready(symbol, _cache.Loaded.of(context.codegen(), symbol, machine_code))
    return True


def all_there(needed: list[str], context: Any) -> bool:
    """Whether machine code that calls what has these names can be loaded; its stages are."""
    for name in needed:
        if name.startswith(_PREFIX):
            _cell(name)
            if not load(name):
                return False
    if not all(map(llvm.address_of_symbol, needed)):
        context.refresh()  # imports all that numba can compile
    return True


def _ready(symbol: str, library: Any) -> None:
    _libraries[symbol] = library
    _cell(symbol).value = library._codegen._engine.get_function_address(f"{symbol}.code")


def _cell(symbol: str) -> ctypes.c_void_p:
    if symbol not in _cells:
        _cells[symbol] = ctypes.c_void_p()
        llvm.add_symbol(symbol, ctypes.addressof(_cells[symbol]))
    return _cells[symbol]


def _file(symbol: str) -> str:
    return f"{symbol.removeprefix(_PREFIX)}.nbc"


def _missing(wanted: list[Wanted]) -> list[tuple[Any, ...]]:
    """Which of them are neither here nor on the disk, each once, as another process is told it."""
    symbols = {which.symbol(arguments): (which.at, arguments) for which, arguments in wanted}
    return [told for symbol, told in symbols.items() if not load(symbol)]


def _another_process(missing: list[tuple[Any, ...]]) -> subprocess.Popen[bytes] | None:
    """A process that compiles the same from the other end, where that can help."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if len(missing) < 2 or cores < 2 or _cache.usable_folder() is None:
        return None
    quiet = subprocess.DEVNULL
    child = started(_CHILD, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
    if child is None:
        return None
    with suppress(OSError), child.stdin as pipe:  # type: ignore[union-attr]
        pipe.write(pickle.dumps(missing[::-1]))
    return child


def compile_for_another() -> None:
    """Compile the stages that the process which started this one names."""
    _cache.say_nothing()
    _makings.append(_Making(alone=True))  # what a stage wants is made by that process
    for (module, name), arguments in pickle.loads(sys.stdin.buffer.read()):
        import_module(module)
        with global_compiler_lock:
            _stages[module, name].make(arguments)
