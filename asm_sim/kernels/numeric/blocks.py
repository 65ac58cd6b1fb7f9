"""Which of 64 blocks of equal width values lie in: how many in each, and those in some of them.

A block is a row of buckets, which are numbered from the lowest value on. Where vectors are wide,
eight values at once are counted, and not in memory: a count is a digit of a whole number that every
lane has of its own, first one of four bits, which is added to one of eight before it is full.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from asm_sim.kernels._jit import fma, inlined, kernel
from asm_sim.kernels.numeric.eight import (
    EIGHT,
    WHOLES,
    add_where,
    bits_of,
    both,
    eight_from,
    fused,
    in_all,
    in_every_lane,
    of_marks,
    of_wholes,
    pack_eight,
    sum_of,
    sum_of_lanes,
)
from asm_sim.kernels.numeric.elementary import SHIFTER
from asm_sim.kernels.numeric.vectors import are_wide, has_wide_vectors

BLOCKS = 64
BLOCK = 32  # buckets in each
_BITS = np.int64(5)  # of the place of a bucket in its block
_IN_WORD = 16  # digits of four bits in a whole number
_WORDS = BLOCKS // _IN_WORD
_FEW = 15 * EIGHT  # values that no digit of four bits can be too small for
_MANY = 17 * _FEW  # the same of eight bits
_PARTS = 4 * _WORDS  # of the digits of eight bits: those of even or odd place, half and byte
_TWO_BYTES = np.uint64(0xFFFF)


@inlined
def bucket_at(value, low, scale):
    """The bucket of a value not below ``low``: the nearest whole number."""
    return np.int64(fma(value - low, scale, SHIFTER) - SHIFTER)


@inlined
def _buckets_at(value, low, scale):
    """The same of eight, in the lowest bits."""
    return bits_of(fused(value - low, scale, SHIFTER))


@kernel
def count_blocks(values, n, low, high, scale, in_block):
    """How many of values[:n] lie in each block, and how many are the lowest and the highest.

    Those two are in none; all others lie between them.
    """
    in_block[:] = 0
    above_low = between = done = 0
    if has_wide_vectors():
        done = n - n % EIGHT
        counted = add_where(in_all(False), 1, None)
        for begin in range(0, done, _MANY):
            end = min(begin + _MANY, done)
            large = _no_large_digits()
            for start in range(begin, end, _FEW):
                digits = _no_digits()
                for i in range(start, min(start + _FEW, end), EIGHT):
                    value = eight_from(values, i)
                    above = value > low
                    counted = add_where(above, 1, counted)
                    bucket = _buckets_at(value, low, scale)
                    digits = _with_one_more(digits, both(above, value < high), bucket)
                large = _with_digits(large, digits)
            _add_counts(_over_lanes(large), in_block)
        above_low = sum_of(counted)
    for i in range(done, n):
        above = values[i] > low
        above_low += above
        block = np.uint64(bucket_at(values[i], low, scale) >> _BITS)
        in_block[block] += above & (values[i] < high)
    for block in range(BLOCKS):
        between += in_block[block]
    lowest = n - above_low
    return lowest, n if lowest == n else above_low - between


@kernel
def take_blocks(values, n, low, high, scale, wanted, taken):
    """Put those of values[:n] that lie in wanted blocks one after the other into ``taken``.

    ``wanted`` has a bit for every block. Returns how many they are.
    """
    k = done = 0
    if has_wide_vectors():
        done = n - n % EIGHT
        for i in range(0, done, EIGHT):
            value = eight_from(values, i)
            within = both(value > low, value < high)
            bucket = _buckets_at(value, low, scale)
            k += pack_eight(both(within, _are_wanted(wanted, bucket)), value, taken, k)
    for i in range(done, n):
        block = np.uint64(bucket_at(values[i], low, scale) >> _BITS)
        taken[k] = values[i]  # overwritten by the next where this one is not taken
        within = (values[i] > low) & (values[i] < high)
        k += within & (wanted >> block & np.uint64(1) != np.uint64(0))
    return k


@kernel
def _add_counts(counts, in_block):
    """Add the counts that whole numbers hold in their sixteen bits to those of the blocks."""
    for part in range(_PARTS):
        word, half, byte = part // 4, part // 2 % 2, part % 2
        for k in range(4):
            count = counts[part] >> np.uint64(16 * k) & _TWO_BYTES
            in_block[_IN_WORD * word + 4 * k + 2 * byte + half] += np.int32(count)


_FOUR_BITS = types.UniTuple(of_wholes, _WORDS)
_EIGHT_BITS = types.UniTuple(of_wholes, 2 * _WORDS)  # of each word the even digits, then the odd
_SIXTEEN_BITS = types.UniTuple(types.uint64, _PARTS)  # the even ones of these, then the odd


def _of_all(number):
    return ir.Constant(WHOLES, [number] * EIGHT)


def _nothing(kind):
    """Of no values yet."""

    def generate(context, builder, sig, _values):
        parts = [_of_all(0)] * sig.return_type.count
        return context.make_tuple(builder, sig.return_type, parts)

    return kind(), generate


@intrinsic
def _no_digits(_context):
    return _nothing(_FOUR_BITS)


@intrinsic
def _no_large_digits(_context):
    return _nothing(_EIGHT_BITS)


@intrinsic
def _with_one_more(_context, digits, marks, buckets):
    """Count the blocks of the marked ones of eight buckets."""

    def generate(context, builder, sig, values):
        before, marks, buckets = values
        if not are_wide(context):
            return before  # never called
        one, beyond = _of_all(1), _of_all(4 * BLOCKS)
        digit = builder.lshr(buckets, _of_all(int(_BITS) - 2))  # where it begins among all words
        digit = builder.and_(digit, _of_all(4 * (BLOCKS - 1)))
        digit = builder.select(marks, digit, beyond)
        of_machine = ir.FunctionType(WHOLES, [WHOLES, WHOLES])
        # A shift by more than all bits, or by less than none, leaves nothing.
        shifted = builder.module.declare_intrinsic("llvm.x86.avx512.psllv.q.512", (), of_machine)
        parts = []
        for w in range(_WORDS):
            by = builder.sub(digit, _of_all(64 * w))
            part = builder.extract_value(before, w)
            parts.append(builder.add(part, builder.call(shifted, [one, by])))
        return context.make_tuple(builder, sig.return_type, parts)

    return _FOUR_BITS(digits, marks, buckets), generate


@intrinsic
def _with_digits(_context, large, digits):
    """Add digits of four bits to those of eight."""

    def generate(context, builder, sig, values):
        low_bits = _of_all(0x0F0F0F0F0F0F0F0F)
        parts = []
        for w in range(_WORDS):
            small = builder.extract_value(values[1], w)
            for h, half in enumerate((small, builder.lshr(small, _of_all(4)))):
                part = builder.extract_value(values[0], 2 * w + h)
                parts.append(builder.add(part, builder.and_(half, low_bits)))
        return context.make_tuple(builder, sig.return_type, parts)

    return _EIGHT_BITS(large, digits), generate


@intrinsic
def _over_lanes(_context, large):
    """The digits of eight bits added up over the lanes, which takes sixteen bits."""

    def generate(context, builder, sig, values):
        every_other = _of_all(0x00FF00FF00FF00FF)
        parts = []
        for k in range(2 * _WORDS):
            digits = builder.extract_value(values[0], k)
            for byte in (digits, builder.lshr(digits, _of_all(8))):
                parts.append(sum_of_lanes(builder, builder.and_(byte, every_other)))
        return context.make_tuple(builder, sig.return_type, parts)

    return _SIXTEEN_BITS(large), generate


@intrinsic
def _are_wanted(_context, wanted, buckets):
    """Where eight buckets lie in blocks whose bit is set."""

    def generate(_context, builder, _sig, values):
        block = builder.lshr(values[1], _of_all(int(_BITS)))
        block = builder.and_(block, _of_all(BLOCKS - 1))
        bits = builder.lshr(in_every_lane(builder, values[0], WHOLES), block)
        bit = builder.and_(bits, _of_all(1))
        return builder.icmp_unsigned("!=", bit, _of_all(0))

    return of_marks(wanted, buckets), generate
