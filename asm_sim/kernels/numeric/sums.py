"""Sums over clinicians, several at a time and yet the same on every machine.

An addition waits for the one before it, and compilers may not change their order. So clinicians
take turns in lanes, which are added up side by side, as many at once as the machine's vectors hold;
the lanes are added up in pairs at the end. A kernel with a few sums over n clinicians writes ::

    room = new_room()
    clear(room, 2)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            i = begin + lane
            room[BASE + lane] += ...
            room[WEIGHTED + lane] += ...
    base, weighted = add_lanes(room, BASE), add_lanes(room, WEIGHTED)

where ``BASE, WEIGHTED = places(2)``. A clinician who does not count adds 0.0 by a conditional
expression over what was read before it, for a branch would not be made of vectors. All sums are in
one room, at fixed distances and of the kernel alone, so that compiled code needs not ask what lies
in the same place.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from asm_sim.kernels._jit import inlined, kernel

MOST_SUMS = 9  # at once
_LANES = 64  # several vectors of the widest machines; the bits of all sums depend on it
_STEP = np.uint64(_LANES)  # a number without a sign does not count from the end
ROOM = MOST_SUMS * _LANES  # float64
_LINE = 64  # bytes of a cache line


def places(count: int) -> tuple[np.uint64, ...]:
    """Where the lanes of so many sums begin in their room."""
    if count > MOST_SUMS:
        raise ValueError(f"{count} sums, and there is room for {MOST_SUMS}")
    return tuple(np.uint64(_LANES * k) for k in range(count))


@intrinsic
def new_room(_context):
    """Room for the lanes of sums, of the kernel that calls this alone."""
    kind = types.Array(types.float64, 1, "C")

    def generate(context, builder, _signature, _arguments):
        own = cgutils.alloca_once(builder, ir.ArrayType(ir.DoubleType(), ROOM))
        own.align = _LINE
        array = context.make_array(kind)(context, builder)
        context.populate_array(
            array,
            data=builder.bitcast(own, ir.DoubleType().as_pointer()),
            shape=[ir.IntType(64)(ROOM)],
            strides=[ir.IntType(64)(8)],
            itemsize=ir.IntType(64)(8),
            meminfo=None,
        )
        return array._getvalue()

    return kind(), generate


@inlined
def clear(room, count):
    """Begin so many sums."""
    room[: count * _LANES] = 0.0


@inlined
def stretches(n):
    """Where every stretch of n clinicians begins: as many of them as there are lanes."""
    return range(np.uint64(0), np.uint64(n), _STEP)


@inlined
def lanes_from(begin, n):
    """The lanes of the stretch of n clinicians that begins there."""
    return range(min(_STEP, np.uint64(n) - begin))


@inlined
def add_lanes(room, place):
    """A sum, of whose lanes no more than the first is left."""
    width = _STEP
    while width > np.uint64(1):
        width >>= np.uint64(1)
        for lane in range(width):
            room[place + lane] += room[place + width + lane]
    return room[place]


_OF_VALUES = places(1)[0]


@kernel
def mean_and_sd(values, n):
    """Mean and sample standard deviation (ddof 1) of values[:n]; SD 0 where all are equal."""
    if n == 0:
        return np.nan, 0.0
    equal = 1
    while equal < n and values[np.uint64(equal)] == values[0]:
        equal += 1
    if equal == n:
        return values[0], 0.0
    room = new_room()
    clear(room, 1)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            room[_OF_VALUES + lane] += values[begin + lane]
    mean = add_lanes(room, _OF_VALUES) / n
    clear(room, 1)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            deviation = values[begin + lane] - mean
            room[_OF_VALUES + lane] += deviation * deviation
    return mean, np.sqrt(add_lanes(room, _OF_VALUES) / (n - 1))
