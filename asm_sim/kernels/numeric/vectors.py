"""What numba has no words for: wider vectors, and several numbers added to several at once.

numba makes vectors of loops alone, not of statements that follow one another.
"""

from __future__ import annotations

import math

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

MARKS = 32  # bytes in a row of marks, whole vectors on every machine
MOST_MARKS = 65535  # of one byte that a tally holds


def _row(context, builder, kind, width, array, value, at):
    """Where row ``at`` of so many numbers begins in a C-contiguous array, as a vector's place."""
    data = context.make_array(array)(context, builder, value).data
    first = builder.bitcast(data, kind.element.as_pointer())
    begin = builder.gep(first, [builder.mul(at, ir.IntType(64)(width))])
    return builder.bitcast(begin, kind.as_pointer())


@intrinsic
def add_to_row(_context, rows, at, values):
    """Add a tuple of float64 to row ``at`` of an array that has as many columns."""
    signature = types.void(rows, at, values)

    def generate(context, builder, signature, arguments):
        array, _, parts = signature.args
        # As many as lie on one cache line wherever numba puts an array.
        kind = ir.VectorType(ir.DoubleType(), math.gcd(len(parts), 4))
        row = _row(context, builder, kind, len(parts), array, arguments[0], arguments[1])
        for begin in range(0, len(parts), kind.count):
            vector = ir.Constant(kind, ir.Undefined)
            for k in range(kind.count):
                value = builder.extract_value(arguments[2], begin + k)
                vector = builder.insert_element(vector, value, ir.IntType(32)(k))
            piece = builder.gep(row, [ir.IntType(64)(begin // kind.count)])
            builder.store(builder.fadd(builder.load(piece, align=8), vector), piece, align=8)
        return context.get_dummy_value()

    if isinstance(values, types.UniTuple) and values.dtype == types.float64 and at == types.int64:
        return signature, generate
    return None


@intrinsic
def add_marks(_context, marks, at, tallies, rows):
    """Add row ``at`` of some marks to a row of each of several tallies.

    ``marks`` are uint64 [n, MARKS / 8], of which every byte counts by itself; ``tallies`` is a
    tuple of uint16 [., MARKS], and ``rows`` that of their rows.
    """
    signature = types.void(marks, at, tallies, rows)

    def generate(context, builder, signature, arguments):
        of_marks, _, of_tallies, _ = signature.args
        bytes_, kind = (ir.VectorType(ir.IntType(bits), MARKS) for bits in (8, 16))
        mark = _row(context, builder, bytes_, MARKS, of_marks, arguments[0], arguments[1])
        added = builder.zext(builder.load(mark, align=8), kind)
        for k, tally in enumerate(of_tallies):
            value, at = (builder.extract_value(arguments[p], k) for p in (2, 3))
            row = _row(context, builder, kind, MARKS, tally, value, at)
            builder.store(builder.add(builder.load(row, align=2), added), row, align=2)
        return context.get_dummy_value()

    if isinstance(rows, types.UniTuple) and rows.dtype == types.int64 and at == types.int64:
        return signature, generate
    return None


@intrinsic
def rough_inverse_root(_context, x):
    """1 / sqrt(x), computed in single precision."""
    single = ir.FloatType()

    def generate(_context, builder, _signature, arguments):
        root = builder.module.declare_intrinsic("llvm.sqrt", [single])
        of_single = builder.call(root, [builder.fptrunc(arguments[0], single)])
        return builder.fpext(builder.fdiv(ir.Constant(single, 1.0), of_single), ir.DoubleType())

    return types.float64(x), generate


def _are_wide(context):
    """Whether vectors of 512 bits are there that do not slow the processor down."""
    return "+avx512vbmi2" in context.codegen().magic_tuple()[-1]  # what the processor has


@intrinsic
def has_wide_vectors(_context):
    """A constant of the machine: whether :func:`widest_vectors` changes anything."""

    def generate(context, _builder, _signature, _arguments):
        return ir.Constant(ir.IntType(1), int(_are_wide(context)))

    return types.boolean(), generate


@intrinsic
def widest_vectors(_context):
    """Compile the kernel that calls this for the widest vectors there are, 512 bits, and apart.

    LLVM takes 256 bits where wider ones can slow a processor down. Those with the second set of
    instructions on bytes (2019 and later) they do not, and loops that only compute are quicker.
    """

    def generate(context, builder, _signature, _arguments):
        if _are_wide(context):
            attributes = builder.function.attributes
            attributes.add("noinline")
            set.add(attributes, '"prefer-vector-width"="512"')  # llvmlite knows no such attribute
        return context.get_dummy_value()

    return types.void(), generate
