"""Structures of arrays passed to kernels by reference.

numba passes a named tuple by value: every array in it is seven numbers or more, so that a call with
a model and its rules has a thousand arguments, each of which is read, counted and written down at
every call. Most of the time that kernels took to compile went into that. Here an entry puts a named
tuple in memory once, :func:`by_reference`, and kernels pass on where it is. A field is read where a
kernel asks for it; nothing that a reference shows can change but the contents of its arrays, so
compiled code reads a field once and keeps it, also around a loop.

A reference owns nothing: whoever made it keeps the named tuple until the end, :func:`keep`. Arrays
that are fields of a reference are not counted either.

This goes below numba's public interface (numba/core/datamodel, typing/builtins.py).
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.extending import (
    infer_getattr,
    intrinsic,
    lower_builtin,
    lower_getattr_generic,
    register_model,
)
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer,
    signature,
)

from asm_sim.kernels._jit import kernel

_POINTER = ir.IntType(8).as_pointer()
_COUNTED = 2  # the first members of an array: who counts its references, and its owner in Python


class Lent(types.Array):
    """An array that somebody else keeps: its references are not counted."""

    def __init__(self, of: Any) -> None:
        self.mutable, self.aligned = of.mutable, of.aligned
        super().__init__(
            of.dtype,
            of.ndim,
            of.layout,
            readonly=not of.mutable,
            name=f"lent {of}",
            aligned=of.aligned,
        )

    def copy(
        self, dtype: Any = None, ndim: Any = None, layout: Any = None, readonly: Any = None
    ) -> Any:
        """Of a part of it, a view."""
        return Lent(super().copy(dtype, ndim, layout, readonly))

    @property
    def key(self) -> Any:
        return ("lent", *super().key)


@register_model(Lent)
class _LentModel(models.StructModel):
    """That of an array, but for the count."""

    def __init__(self, dmm: Any, fe_type: Lent) -> None:
        numbers = types.UniTuple(types.intp, fe_type.ndim)
        members = [
            ("meminfo", types.voidptr),
            ("parent", types.voidptr),
            ("nitems", types.intp),
            ("itemsize", types.intp),
            ("data", types.CPointer(fe_type.dtype)),
            ("shape", numbers),
            ("strides", numbers),
        ]
        super().__init__(dmm, fe_type, members)


class Reference(types.Type):
    """Where a named tuple is: ``fields`` are its names, ``parts`` the types of what they show."""

    def __init__(self, of: Any) -> None:
        self.of = of
        self.fields: tuple[str, ...] = of.fields
        self.parts: tuple[types.Type, ...] = tuple(_shown(part) for part in of)
        described = ", ".join(map(str, self.parts))
        digest = hashlib.sha256(described.encode()).hexdigest()[:8]
        super().__init__(f"{of.instance_class.__name__}@{digest}")

    @property
    def key(self) -> Any:
        return self.of.instance_class, self.parts


def _shown(part: Any) -> Any:
    """What a field of a reference is to a kernel."""
    if isinstance(part, Lent | Reference):
        return part
    if isinstance(part, types.BaseNamedTuple):
        return Reference(part)
    if isinstance(part, types.Array):
        return Lent(part)
    return types.unliteral(part)


@register_model(Reference)
class _ReferenceModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Reference) -> None:
        super().__init__(dmm, fe_type, _POINTER)


def _memory_type(context: Any, part: types.Type) -> ir.Type:
    """How a field lies in memory: nested named tuples in place, arrays and numbers as ever."""
    if isinstance(part, Reference):
        return ir.LiteralStructType([_memory_type(context, p) for p in part.parts])
    return context.get_value_type(part)


@intrinsic
def by_reference(_context, parts):
    """Put a named tuple in the memory of the function that calls this; where it is.

    It is good until that function returns, and as long as somebody keeps what the arrays are.
    """
    if not isinstance(parts, types.BaseNamedTuple):
        return None

    def generate(_context, builder, _signature, arguments):
        value = arguments[0]  # lies in memory as fields are read, see _memory_type
        memory = cgutils.alloca_once(builder, value.type)
        builder.store(value, memory)
        # From here on nobody can tell that this memory was ever written, so that what is said of
        # a field below (it never changes) is true of all that can be seen of it.
        hidden = ir.FunctionType(_POINTER, [_POINTER])
        return builder.asm(
            hidden, "", "=r,0,~{memory}", [builder.bitcast(memory, _POINTER)], side_effect=True
        )

    return signature(Reference(parts), parts), generate


@intrinsic
def keep(_context, owner):
    """Keep a named tuple until here, where references to it are used no more."""

    def generate(context, _builder, _signature, _arguments):
        return context.get_dummy_value()

    return signature(types.none, owner), generate


def _field(context: Any, builder: Any, reference: Reference, value: Any, k: int) -> Any:
    """What field k of a reference shows."""
    pointer = builder.bitcast(value, _memory_type(context, reference).as_pointer())
    at = cgutils.gep_inbounds(builder, pointer, 0, k)
    part = reference.parts[k]
    if isinstance(part, Reference):
        return builder.bitcast(at, _POINTER)
    kind = context.get_value_type(part)
    if not isinstance(part, Lent):
        return _read(builder, at, kind)
    array = ir.Constant(kind, None)  # without those who count its references
    for member in range(_COUNTED, len(kind.elements)):
        number = _read(builder, cgutils.gep_inbounds(builder, at, 0, member), kind.elements[member])
        array = builder.insert_value(array, number, member)
    return array


def _read(builder: Any, pointer: Any, kind: ir.Type) -> Any:
    """Load what never changes, number by number."""
    if isinstance(kind, ir.LiteralStructType | ir.ArrayType):
        count = len(kind.elements)
        whole = ir.Constant(kind, ir.Undefined)
        for k in range(count):
            at = cgutils.gep_inbounds(builder, pointer, 0, k)
            whole = builder.insert_value(whole, _read(builder, at, kind.elements[k]), k)
        return whole
    number = builder.load(pointer)
    number.set_metadata("invariant.load", builder.module.add_metadata([]))
    return number


@kernel
def own_copy(lent):
    """An array of one's own with the same content, to outlive a reference."""
    array = np.empty(lent.shape, lent.dtype)
    array[:] = lent
    return array


@infer_getattr
class _Fields(AttributeTemplate):
    key = Reference

    def generic_resolve(self, value: Any, attr: Any) -> Any:  # type: ignore[override]
        return value.parts[value.fields.index(attr)] if attr in value.fields else None


@lower_getattr_generic(Reference)
def _lower_field(context, builder, reference, value, name):
    return _field(context, builder, reference, value, reference.fields.index(name))


@infer
class _Positions(AbstractTemplate):
    """Fields by a position, or several as a tuple, known when it is compiled."""

    key = "static_getitem"

    def generic(self, args: Any, _kws: Any) -> Any:
        reference, at = args
        if not isinstance(reference, Reference) or not isinstance(at, int | slice):
            return None
        shown = reference.parts[at]
        if isinstance(at, slice):
            shown = types.BaseTuple.from_types(shown)
        return signature(shown, *args)


@lower_builtin("static_getitem", Reference, types.Any)
def _lower_position(context, builder, sig, args):
    reference, at = sig.args[0], args[1]
    if isinstance(at, int):
        return _field(context, builder, reference, args[0], at)
    numbers = range(len(reference.parts))[at]
    shown = [_field(context, builder, reference, args[0], k) for k in numbers]
    return context.make_tuple(builder, sig.return_type, shown)
