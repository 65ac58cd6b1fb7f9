"""Kernels that only kernels call are compiled once, as a part of the entry that calls them.

numba makes every function ready to be called from Python: a wrapper, optimised code with all that
it calls in it, machine code. Of a kernel that only other kernels call none of it is ever used, and
with kernels within kernels it is made again on each level: it was most of the minutes that a first
run takes. Here such a kernel ends as unoptimised code that is linked into its callers; an entry is
optimised as a whole, as ever. What is computed is the same to the bit.

This goes below numba's public interface (numba/core/typed_passes.py, codegen.py).
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, _LowerResult
from numba.core.compiler_machinery import register_pass
from numba.core.funcdesc import PythonFunctionDescriptor
from numba.core.typed_passes import NativeLowering


class _Library(JITCodeLibrary):
    """The code of one kernel and of what it calls, to be linked: neither optimised nor loaded."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class _Code:
    """Stands for a compiled kernel where numba looks it up."""


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    """Numba's own pass without wrappers and executable code."""

    _name = "linked_lowering"

    def run_pass(self, state: Any) -> bool:
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
            lower = self.lowering_class(
                target, library, described, state.func_ir, metadata=state.metadata
            )
            lower.lower()
        code = _Code()
        target.insert_user_function(code, described, [library])
        state["cr"] = _LowerResult(described, lower.call_helper, cfunc=code, env=lower.env)
        return True


class LinkedCompiler(CompilerBase):
    """Numba's pipeline but for the last step."""

    def define_pipelines(self) -> list[Any]:
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [
            (_Lowering if step is NativeLowering else step, words) for step, words in passes.passes
        ]
        passes._finalized = False
        passes.finalize()
        return [passes]
