"""What numba has no words for: wider vectors, and several numbers added or compacted at once.

numba makes vectors of loops alone, not of statements that follow one another.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from asm_sim.kernels._jit import kernel

MARKS = 32  # bytes in a row of marks, whole vectors on every machine
MOST_MARKS = 65535  # of one byte that a tally holds
EIGHT = 8  # numbers in a vector of 512 bits
_LINE = 64  # bytes of a cache line


def place(context, builder, kind, width, array, value, at):
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
        # As many as lie on one cache line wherever numba puts an array, or where it is aligned.
        most = EIGHT if are_wide(context) else 4
        kind = ir.VectorType(ir.DoubleType(), math.gcd(len(parts), most))
        row = place(context, builder, kind, len(parts), array, arguments[0], arguments[1])
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
        mark = place(context, builder, bytes_, MARKS, of_marks, arguments[0], arguments[1])
        added = builder.zext(builder.load(mark, align=8), kind)
        for k, tally in enumerate(of_tallies):
            value, at = (builder.extract_value(arguments[p], k) for p in (2, 3))
            row = place(context, builder, kind, MARKS, tally, value, at)
            builder.store(builder.add(builder.load(row, align=2), added), row, align=2)
        return context.get_dummy_value()

    if isinstance(rows, types.UniTuple) and rows.dtype == types.int64 and at == types.int64:
        return signature, generate
    return None


@intrinsic
def put_sum_of_marks(_context, marks, places, begin, end, row):
    """Put the sum of the rows of marks at places[begin:end] into a row of marks.

    Of ``places`` int32 they are uint64 [n, MARKS / 8]; a byte must not pass 255.
    """
    signature = types.void(marks, places, begin, end, row)

    def generate(context, builder, signature, arguments):
        of_marks, of_places, _, _, of_row = signature.args
        kind, whole = ir.VectorType(ir.IntType(64), MARKS // 8), ir.VectorType(ir.IntType(32), 1)
        total = cgutils.alloca_once_value(builder, ir.Constant(kind, None))
        with cgutils.for_range_slice(
            builder, arguments[2], arguments[3], ir.IntType(64)(1), ir.IntType(64)
        ) as (t, _):
            stand = place(context, builder, whole, 1, of_places, arguments[1], t)
            stand = builder.bitcast(stand, ir.IntType(32).as_pointer())
            at = builder.zext(builder.load(stand), ir.IntType(64))
            mark = place(context, builder, kind, kind.count, of_marks, arguments[0], at)
            added = builder.add(builder.load(total), builder.load(mark, align=8))
            builder.store(added, total)
        first = place(context, builder, kind, 1, of_row, arguments[4], ir.IntType(64)(0))
        builder.store(builder.load(total), first, align=8)
        return context.get_dummy_value()

    if (places.dtype, begin, end) == (types.int32, types.int64, types.int64):
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


def are_wide(context):
    """Whether vectors of 512 bits are there that do not slow the processor down."""
    return "+avx512vbmi2" in context.codegen().magic_tuple()[-1]  # what the processor has


@intrinsic
def has_wide_vectors(_context):
    """A constant of the machine: whether :func:`widest_vectors` changes anything."""

    def generate(context, _builder, _signature, _arguments):
        return ir.Constant(ir.IntType(1), int(are_wide(context)))

    return types.boolean(), generate


@intrinsic
def widest_vectors(_context):
    """Compile the kernel that calls this for the widest vectors there are, 512 bits, and apart.

    LLVM takes 256 bits where wider ones can slow a processor down. Those with the second set of
    instructions on bytes (2019 and later) they do not, and loops that only compute are quicker.
    What registers do not hold lies on a cache line each, if the stack is aligned.
    """

    def generate(context, builder, _signature, _arguments):
        if are_wide(context):
            attributes = builder.function.attributes
            attributes.add("noinline")
            for attribute in ('"prefer-vector-width"="512"', '"stackrealign"'):
                set.add(attributes, attribute)  # llvmlite knows neither
        return context.get_dummy_value()

    return types.void(), generate


def packed(builder, vector, marks):
    """Those of eight that are marked, one after the other; only where vectors are wide."""
    kind = {ir.DoubleType(): "f64", ir.IntType(32): "i32"}[vector.type.element]
    of_machine = ir.FunctionType(vector.type, [vector.type, vector.type, marks.type])
    compress = builder.module.declare_intrinsic(
        f"llvm.x86.avx512.mask.compress.v{EIGHT}{kind}", (), of_machine
    )
    return builder.call(compress, [vector, ir.Constant(vector.type, None), marks])


@intrinsic
def _compact_eight(_context, values, taken, at, keys, places, k):
    """Do what :func:`compact` does with eight from ``at`` on; how many of them are taken.

    Whole vectors are written: some processors are slow to write chosen numbers alone.
    """
    signature = types.uint64(values, taken, at, keys, places, k)

    def generate(context, builder, signature, arguments):
        if not are_wide(context):
            return ir.Constant(ir.IntType(64), 0)  # never called
        _, _, at, _, _, k = arguments

        def at_place(argument, element, first):
            array, value = signature.args[argument], arguments[argument]
            return place(context, builder, ir.VectorType(element, EIGHT), 1, array, value, first)

        double, whole, byte = ir.DoubleType(), ir.IntType(32), ir.IntType(8)
        marks = builder.load(at_place(1, byte, at), align=1)
        mask = builder.icmp_unsigned("!=", marks, ir.Constant(marks.type, None))
        numbers = builder.load(at_place(0, double, at), align=8)
        lanes = ir.VectorType(whole, EIGHT)
        nowhere = ir.Constant(lanes, ir.Undefined)
        first = builder.insert_element(nowhere, builder.trunc(at, whole), whole(0))
        first = builder.shuffle_vector(first, nowhere, ir.Constant(lanes, None))  # in every lane
        stand = builder.add(first, ir.Constant(lanes, list(range(EIGHT))))
        for argument, vector in ((3, numbers), (4, stand)):
            row = at_place(argument, vector.type.element, k)
            builder.store(packed(builder, vector, mask), row, align=4)
        count = builder.ctpop(builder.bitcast(mask, byte))
        return builder.zext(count, ir.IntType(64))

    arrays = (values, taken, keys, places)
    kinds = (types.float64, types.boolean, types.float64, types.int32)
    if (
        [array.dtype for array in arrays] == list(kinds)
        and all(array.layout == "C" for array in arrays)
        and (at, k) == (types.int64, types.uint64)
    ):
        return signature, generate
    return None


@kernel
def on_cache_lines(size):
    """So many bytes, zero, from the beginning of a cache line on."""
    room = np.zeros(size + _LINE, np.uint8)
    begin = -room.ctypes.data % _LINE
    return room[begin : begin + size]


@kernel
def compact(values, taken, keys, places):
    """Put the values that are taken one after another into ``keys``; how many.

    ``places`` are where they stood. Both have room for all values; anything is written beyond the
    last one taken.
    """
    k, done = np.uint64(0), 0  # a number without a sign does not count from the end
    if has_wide_vectors():
        done = len(values) - len(values) % EIGHT
        for i in range(0, done, EIGHT):
            k += _compact_eight(values, taken, i, keys, places, k)
    for i in range(done, len(values)):
        keys[k] = values[i]  # overwritten by the next where this one is not taken
        places[k] = i
        k += np.uint64(taken[i])
    return np.int64(k)
