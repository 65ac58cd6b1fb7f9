"""Eight numbers at once, for loops that look something up in a small table for each of them.

numba makes vectors of loops, but not of lookups by a number that differs from one element to the
next; a processor with vectors of 512 bits makes them in a register. On such a one, which
``has_wide_vectors`` of vectors.py tells, a loop is written over eight elements a time, before the
ordinary one for those that are left, or for all::

    for i in range(0, done, EIGHT):
        value = eight_from(values, i)
        k = reached(knots, value)
        put_eight(look_up(table, k) + look_up(slopes, k) * value, result, i)

Eight numbers know + - * / > < >= between themselves and with a float64, each as of one number.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from asm_sim.kernels._jit import inlined
from asm_sim.kernels.numeric.vectors import EIGHT as EIGHT  # for those who write such loops
from asm_sim.kernels.numeric.vectors import are_wide, packed, place

SIXTEEN = 16  # numbers in a table
MOST_KNOTS = SIXTEEN - 1

_DOUBLES = ir.VectorType(ir.DoubleType(), EIGHT)
WHOLES = ir.VectorType(ir.IntType(64), EIGHT)
_BYTES = ir.VectorType(ir.IntType(8), EIGHT)
_MARKS = ir.VectorType(ir.IntType(1), EIGHT)


class _Lanes(types.Type):
    """Numba's type of eight numbers, or of eight marks."""

    def __init__(self, name: str, kind: Any) -> None:
        self.kind = kind
        super().__init__(name)


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of_type: Any) -> None:
        super().__init__(manager, of_type, of_type.kind)


_eight = _Lanes("eight float64", _DOUBLES)
of_wholes = _Lanes("eight int64", WHOLES)
of_marks = _Lanes("eight marks", _MARKS)


def in_every_lane(builder: Any, value: Any, kind: Any) -> Any:
    nowhere = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nowhere, value, ir.IntType(32)(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
    return builder.shuffle_vector(first, nowhere, lanes)


def _lanes(builder: Any, vector: Any) -> list[Any]:
    return [builder.extract_element(vector, ir.IntType(32)(k)) for k in range(EIGHT)]


def sum_of_lanes(builder: Any, wholes: Any) -> Any:
    """The instructions that add up eight whole numbers."""
    return reduce(builder.add, _lanes(builder, wholes))


def _how_many(builder: Any, marks: Any) -> Any:
    count = builder.ctpop(builder.bitcast(marks, ir.IntType(8)))
    return builder.zext(count, ir.IntType(64))


def _as_eights(builder: Any, kinds: Any, values: Any) -> list[Any]:
    """Numbers as eight of each, as those are that are eight already."""
    return [
        value if kind is _eight else in_every_lane(builder, value, _DOUBLES)
        for kind, value in zip(kinds, values, strict=True)
    ]


def _know(operation: Any, result: Any, method: str, *before: str) -> None:
    """Let eight numbers have an operation with eight others or with one."""

    @type_callable(operation)
    def type_it(_context: Any) -> Any:
        def typer(a: Any, b: Any) -> Any:
            known = _eight in (a, b) and {a, b} <= {_eight, types.float64}
            return result if known else None

        return typer

    def generate(_context: Any, builder: Any, sig: Any, values: Any) -> Any:
        return getattr(builder, method)(*before, *_as_eights(builder, sig.args, values))

    for pair in ((_eight, _eight), (_eight, types.float64), (types.float64, _eight)):
        lower_builtin(operation, *pair)(generate)


_know(operator.add, _eight, "fadd")
_know(operator.sub, _eight, "fsub")
_know(operator.mul, _eight, "fmul")
_know(operator.truediv, _eight, "fdiv")
_know(operator.ge, of_marks, "fcmp_ordered", ">=")
_know(operator.gt, of_marks, "fcmp_ordered", ">")
_know(operator.lt, of_marks, "fcmp_ordered", "<")


def _is_row(array: Any, dtype: Any) -> bool:
    return isinstance(array, types.Array) and (array.dtype, array.layout) == (dtype, "C")


@intrinsic
def eight_from(_context, row, at):
    """The eight numbers of a row of float64 from ``at`` on."""

    def generate(context, builder, sig, values):
        at_row = place(context, builder, _DOUBLES, 1, sig.args[0], *values)
        return builder.load(at_row, align=8)

    known = _is_row(row, types.float64) and at == types.int64
    return (_eight(row, at), generate) if known else None


@intrinsic
def put_eight(_context, numbers, row, at):
    """Write eight numbers to a row of float64 from ``at`` on."""

    def generate(context, builder, sig, values):
        at_row = place(context, builder, _DOUBLES, 1, sig.args[1], *values[1:])
        builder.store(values[0], at_row, align=8)
        return context.get_dummy_value()

    known = numbers is _eight and _is_row(row, types.float64) and at == types.int64
    return (types.void(numbers, row, at), generate) if known else None


@intrinsic
def eight_are(_context, row, at, byte):
    """Where eight bytes of a row of int8 from ``at`` on have this value."""

    def generate(context, builder, sig, values):
        at_row = place(context, builder, _BYTES, 1, sig.args[0], *values[:2])
        bytes_ = builder.load(at_row, align=1)
        return builder.icmp_signed("==", bytes_, in_every_lane(builder, values[2], _BYTES))

    known = _is_row(row, types.int8) and (at, byte) == (types.int64, types.int8)
    return (of_marks(row, at, byte), generate) if known else None


@intrinsic
def pack_eight(_context, marks, numbers, row, at):
    """Write the marked ones of eight numbers one after the other from ``at`` on; how many.

    Eight are written, whatever they are: some processors are slow to write a chosen few.
    """

    def generate(context, builder, sig, values):
        if not are_wide(context):
            return ir.Constant(ir.IntType(64), 0)  # never called
        chosen_, numbers, row, at = values
        at_row = place(context, builder, _DOUBLES, 1, sig.args[2], row, at)
        builder.store(packed(builder, numbers, chosen_), at_row, align=8)
        return _how_many(builder, chosen_)

    known = (marks, numbers, at) == (of_marks, _eight, types.int64)
    return (
        (types.int64(marks, numbers, row, at), generate)
        if known and _is_row(row, types.float64)
        else None
    )


@intrinsic
def unpack_eight(_context, marks, row, at):
    """Put the numbers of a row from ``at`` on to the marked places of eight, one after the other.

    Eight are read, whatever they are.
    """

    def generate(context, builder, sig, values):
        if not are_wide(context):
            return ir.Constant(_DOUBLES, None)  # never called
        at_row = place(context, builder, _DOUBLES, 1, sig.args[1], *values[1:])
        of_machine = ir.FunctionType(_DOUBLES, [_DOUBLES, _DOUBLES, _MARKS])
        expand = builder.module.declare_intrinsic(
            f"llvm.x86.avx512.mask.expand.v{EIGHT}f64", (), of_machine
        )
        numbers = builder.load(at_row, align=8)
        return builder.call(expand, [numbers, ir.Constant(_DOUBLES, None), values[0]])

    known = marks is of_marks and _is_row(row, types.float64) and at == types.int64
    return (_eight(marks, row, at), generate) if known else None


@intrinsic
def chosen(_context, marks, yes, no):
    """One of two numbers in each lane."""

    def generate(_context, builder, sig, values):
        return builder.select(values[0], *_as_eights(builder, sig.args[1:], values[1:]))

    known = marks is of_marks and {yes, no} <= {_eight, types.float64}
    return (_eight(of_marks, yes, no), generate) if known else None


def _folded(comparison: str, numbers: Any) -> Any:
    def generate(_context, builder, _sig, values):
        first, *others = _lanes(builder, values[0])
        for other in others:
            better = builder.fcmp_ordered(comparison, other, first)
            first = builder.select(better, other, first)
        return first

    return (types.float64(_eight), generate) if numbers is _eight else None


@intrinsic
def least_of(_context, numbers):
    """The least of eight numbers."""
    return _folded("<", numbers)


@intrinsic
def most_of(_context, numbers):
    """The greatest of eight numbers."""
    return _folded(">", numbers)


@intrinsic
def sum_of(_context, numbers):
    """The sum of eight whole numbers."""

    def generate(_context, builder, _sig, values):
        return sum_of_lanes(builder, values[0])

    return (types.int64(of_wholes), generate) if numbers is of_wholes else None


@intrinsic
def both(_context, a, b):
    """Where both marks are."""

    def generate(_context, builder, _sig, values):
        return builder.and_(*values)

    return (of_marks(of_marks, of_marks), generate) if (a, b) == (of_marks, of_marks) else None


@intrinsic
def in_all(_context, value):
    """The same number, or mark, in every lane."""
    lanes = {types.float64: _eight, types.boolean: of_marks}.get(value)

    def generate(_context, builder, sig, values):
        return in_every_lane(builder, values[0], sig.return_type.kind)

    return (lanes(value), generate) if lanes else None


@intrinsic
def as_float(_context, numbers):
    """Whole numbers as float64."""

    def generate(_context, builder, _sig, values):
        return builder.sitofp(values[0], _DOUBLES)

    return (_eight(of_wholes), generate) if numbers is of_wholes else None


@intrinsic
def fused(_context, a, b, c):
    """a * b + c with one rounding."""

    def generate(_context, builder, sig, values):
        kind = ir.FunctionType(_DOUBLES, [_DOUBLES] * 3)
        of_vectors = builder.module.declare_intrinsic(f"llvm.fma.v{EIGHT}f64", (), kind)
        return builder.call(of_vectors, _as_eights(builder, sig.args, values))

    known = _eight in (a, b, c) and {a, b, c} <= {_eight, types.float64}
    return (_eight(a, b, c), generate) if known else None


@intrinsic
def bits_of(_context, numbers):
    """The bits of eight numbers, as whole numbers."""

    def generate(_context, builder, _sig, values):
        return builder.bitcast(values[0], WHOLES)

    return (of_wholes(_eight), generate) if numbers is _eight else None


@intrinsic
def how_many(_context, marks):
    """How many of eight marks there are."""

    def generate(_context, builder, _sig, values):
        return _how_many(builder, values[0])

    return (types.int64(of_marks), generate) if marks is of_marks else None


@intrinsic
def add_where(_context, marks, step, numbers):
    """Whole numbers, greater by ``step`` where a mark is; from 0 on without any."""

    def generate(_context, builder, sig, values):
        before = values[2] if sig.args[2] is of_wholes else ir.Constant(WHOLES, None)
        more = builder.add(before, in_every_lane(builder, values[1], WHOLES))
        return builder.select(values[0], more, before)

    known = (
        marks is of_marks and isinstance(step, types.Integer) and numbers in (of_wholes, types.none)
    )
    return (of_wholes(marks, types.int64, numbers), generate) if known else None


@intrinsic
def _element(_context, table, at):
    """Number ``at`` of eight, in every lane; ``at`` is a constant."""

    def generate(_context, builder, _sig, values):
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), EIGHT), [at.literal_value] * EIGHT)
        return builder.shuffle_vector(values[0], values[0], lanes)

    known = table is _eight and isinstance(at, types.IntegerLiteral)
    return (_eight(_eight, at), generate) if known else None


@intrinsic
def _of_sixteen(_context, low, high, at):
    """Of sixteen numbers those at eight whole numbers below 16."""

    def generate(context, builder, _sig, values):
        if not are_wide(context):
            return ir.Constant(_DOUBLES, None)  # never called
        of_machine = ir.FunctionType(_DOUBLES, [_DOUBLES, WHOLES, _DOUBLES])
        permute = builder.module.declare_intrinsic(
            "llvm.x86.avx512.vpermi2var.pd.512", (), of_machine
        )
        return builder.call(permute, [values[0], values[2], values[1]])

    known = (low, high, at) == (_eight, _eight, of_wholes)
    return (_eight(_eight, _eight, of_wholes), generate) if known else None


@inlined
def table_from(row):
    """A table of the sixteen numbers of a row."""
    return eight_from(row, 0), eight_from(row, EIGHT)


@inlined
def look_up(table, at):
    """The numbers that a table has at eight places."""
    return _of_sixteen(table[0], table[1], at)


@inlined
def look_up_either(tables, second, at):
    """Of two tables, by the second where it is marked."""
    return chosen(second, look_up(tables[1], at), look_up(tables[0], at))


@inlined
def reached(table, value):
    """How many of the up to 15 ascending knots of a table a value reaches; of nan none are.

    Behind the last knot stand nans, which nothing reaches.
    """
    low, high = table
    middle = value >= _element(low, 7)
    k = add_where(middle, 8, None)
    k = add_where(value >= chosen(middle, _element(high, 3), _element(low, 3)), 4, k)
    between = add_where(in_all(True), 1, k)
    k = add_where(value >= look_up(table, between), 2, k)
    return add_where(value >= look_up(table, k), 1, k)


@inlined
def lesser(a, b):
    """The lesser of two numbers in each lane."""
    return chosen(a < b, a, b)


@inlined
def greater(a, b):
    """The greater of two numbers in each lane."""
    return chosen(a > b, a, b)
