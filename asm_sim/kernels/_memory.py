"""Structures of arrays put in memory by Python, as a reference shows them to kernels.

What :func:`asm_sim.kernels._reference.by_reference` does inside a kernel, for an entry that takes
references (see _stages.py). numba would look at the type of each of hundreds of fields whenever
the entry is called, and would compile code that takes them out of their Python objects; most of
them are the same from one call to the next.
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from asm_sim.same import Same


class Laid(NamedTuple):
    """A named tuple in memory, which is good as long as this is kept."""

    structure: tuple[Any, ...]
    kind: str  # what it is and the types of its fields
    address: int
    memory: Any


def laid_out(structure: tuple[Any, ...]) -> Laid:
    """Where a named tuple of arrays, numbers and named tuples lies; arrays are not copied.

    :class:`TypeError` for a field that a reference cannot show.
    """
    kinds: list[str] = []
    layout: list[str] = ["@"]  # aligned as a compiler does it
    numbers: list[Any] = []
    _add(structure, kinds, layout, numbers)
    memory = bytearray(struct.pack("".join(layout), *numbers))
    return Laid(structure, " ".join(kinds), _address(memory), memory)


def held(structure: tuple[Any, ...]) -> Laid:
    """The same, as it was laid out when this very structure came last; a few are remembered."""
    return _held(Same(structure))


@lru_cache(maxsize=16)
def _held(same: Same) -> Laid:
    return laid_out(*same.objects)


def _add(
    structure: tuple[Any, ...], kinds: list[str], layout: list[str], numbers: list[Any]
) -> None:
    kinds.append(_name(type(structure)))
    layout.append("0q")  # each holds something of eight bytes
    for field in structure:
        number = _NUMBERS.get(type(field))
        if number is not None:
            kinds.append(number[0])
            layout.append(number[1])
            numbers.append(field)
        elif isinstance(field, np.ndarray):
            flags, size = field.flags, field.size
            usual = flags.carray  # row by row, aligned, and it may be written to
            kind, code = _kind(field.dtype, field.ndim, "C11" if usual else _unusual(flags))
            kinds.append(kind)
            layout.append(code)
            at = _address(field) if usual and size else field.ctypes.data
            numbers += (0, 0, size, field.itemsize, at, *field.shape, *field.strides)
        elif isinstance(field, tuple) and hasattr(field, "_fields"):
            _add(field, kinds, layout, numbers)
        else:
            kind = type(field).__name__
            raise TypeError(f"{kind}: a kernel takes arrays and numbers by reference")
    layout.append("0q")
    kinds.append(")")


def _address(buffer: Any) -> int:
    """Where the content of what may be written lies; NumPy takes three times as long to say it."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


@cache
def _name(of: type) -> str:
    """That of a class of named tuples, which says what its fields are called."""
    return f"{of.__module__}.{of.__qualname__}("


_NUMBERS: dict[type, tuple[str, str]] = {
    bool: ("bool", "?"),
    np.bool_: ("bool", "?"),
    int: ("int64", "q"),
    np.int64: ("int64", "q"),
    float: ("float64", "d"),
    np.float64: ("float64", "d"),
}


@cache
def _kind(dtype: np.dtype[Any], ndim: int, flags: str) -> tuple[str, str]:
    """All that the type of an array says of it to numba, and how it lies in memory."""
    # Nobody counts its references, nobody owns it.
    return f"{dtype.descr}{ndim}{flags}", f"PPnnP{2 * ndim}n"


def _unusual(flags: Any) -> str:
    order = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    return f"{order}{flags.writeable:d}{flags.aligned:d}"
