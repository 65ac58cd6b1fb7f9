"""What an entry calls is compiled once, as a part of the entry.

numba makes every function ready to be called from Python: a wrapper, optimised code with all that
it calls in it, machine code. Of a kernel that only other kernels call, and of numba's own functions
for arrays, none of it is ever used here, and with kernels within kernels it is made again on each
level: it was most of the minutes that a first run takes. Here such a part ends as code that is
linked into its callers; an entry is optimised as a whole, as ever. What is computed is the same to
the bit. Code of the user's that calls one of numba's functions that was compiled so links it too.

This goes below numba's public interface (numba/core/typed_passes.py, codegen.py, dispatcher.py,
numba/np/arrayobj.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import _LowerResult
from numba.core.dispatcher import _DispatcherBase
from numba.core.funcdesc import PythonFunctionDescriptor
from numba.core.typed_passes import NativeLowering
from numba.extending import overload
from numba.np import arrayobj

_lowering, _dispatcher = cast(Any, NativeLowering), cast(Any, _DispatcherBase)
_arrays = cast(Any, arrayobj)
_run_pass, _add_overload = _lowering.run_pass, _dispatcher.add_overload  # numba's own


class _Library(JITCodeLibrary):
    """The code of one kernel and of what it calls, to be linked: neither optimised nor loaded."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class _Code:
    """Stands for a compiled part where numba looks it up."""

    def __call__(self, *_arguments: Any) -> Any:
        raise TypeError("compiled as a part of a kernel; Python cannot call it")


def _lower_part(step: NativeLowering, state: Any) -> bool:
    """Numba's own pass without wrappers and executable code."""
    target, flags = state.targetctx, state.flags
    library = state.library = _Library(target.codegen(), state.func_id.func_qualname)
    described = PythonFunctionDescriptor.from_specialized_function(
        state.func_ir,
        state.typemap,
        state.return_type,
        state.calltypes,
        mangler=target.mangler,
        inline=flags.forceinline,
        noalias=flags.noalias,
        abi_tags=[flags.get_mangle_string()],
    )
    with target.push_code_library(library):
        lower = step.lowering_class(
            target, library, described, state.func_ir, metadata=state.metadata
        )
        lower.lower()
    code = _Code()
    target.insert_user_function(code, described, [library])
    state["cr"] = _LowerResult(described, lower.call_helper, cfunc=code, env=lower.env)
    return True


def _raise_of_shapes(_source: Any, _target: Any) -> None:
    """In place of numba's own, which writes the shapes and so compiles all that texts take."""
    raise NotImplementedError


@overload(_raise_of_shapes)
def _overload_raise_of_shapes(_source: Any, _target: Any) -> Any:
    def raise_it(_source: Any, _target: Any) -> None:
        raise ValueError("an array is assigned to one of another shape")

    return raise_it


@contextmanager
def parts_linked(whole: Callable[..., Any] | None) -> Iterator[None]:
    """While ``whole`` is compiled, all that it calls are parts: kernels, and functions of numba's.

    Without one everything is. Only under numba's compiler lock.
    """
    before = _lowering.run_pass, _dispatcher.add_overload
    raises = getattr(_arrays, "raise_with_shape_context", None)  # numba 0.61 has none

    def add_overload(dispatcher: Any, compiled: Any) -> None:
        if isinstance(compiled.entry_point, _Code):
            dispatcher.overloads[tuple(compiled.signature.args)] = compiled
        else:
            _add_overload(dispatcher, compiled)

    def run_pass(step: NativeLowering, state: Any) -> Any:
        return (_run_pass if state.func_id.func is whole else _lower_part)(step, state)

    _lowering.run_pass, _dispatcher.add_overload = run_pass, add_overload
    _arrays.raise_with_shape_context = _raise_of_shapes
    try:
        yield
    finally:
        _lowering.run_pass, _dispatcher.add_overload = before
        _arrays.raise_with_shape_context = raises
