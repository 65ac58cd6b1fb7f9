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
    numbers: list[Any] = []
    _add(structure, kinds, numbers)
    kind, packing = _packing(tuple(kinds))
    memory = bytearray(packing.pack(*numbers))
    return Laid(structure, kind, _address(memory), memory)


def held(structure: tuple[Any, ...]) -> Laid:
    """The same, as it was laid out when this very structure came last; a few are remembered."""
    return _held(Same(structure))


@lru_cache(maxsize=16)
def _held(same: Same) -> Laid:
    return laid_out(*same.objects)


def _add(structure: tuple[Any, ...], kinds: list[str], numbers: list[Any]) -> None:
    kinds.append(_beginning(type(structure)))
    for field in structure:
        kind = _NUMBERS.get(type(field))
        if kind is not None:
            kinds.append(kind)
            numbers.append(field)
        elif isinstance(field, np.ndarray):
            flags, size = field.flags, field.size
            usual = flags.carray  # row by row, aligned, and it may be written to
            kinds.append(_kind(field.dtype, field.ndim, "C11" if usual else _unusual(flags)))
            at = _address(field) if usual and size else field.ctypes.data
            # Nobody counts its references, nobody owns it.
            numbers += (0, 0, size, field.itemsize, at, *field.shape, *field.strides)
        elif isinstance(field, tuple) and hasattr(field, "_fields"):
            _add(field, kinds, numbers)
        else:
            name = type(field).__name__
            raise TypeError(f"{name}: a kernel takes arrays and numbers by reference")
    kinds.append(_END)


def _address(buffer: Any) -> int:
    """Where the content of what may be written lies; NumPy takes three times as long to say it."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


_NUMBERS: dict[type, str] = {
    bool: "bool",
    np.bool_: "bool",
    int: "int64",
    np.int64: "int64",
    float: "float64",
    np.float64: "float64",
}
_END = ")"
# How each kind lies in memory; what is nested begins and ends where something of eight bytes may.
_CODES = {"bool": "?", "int64": "q", "float64": "d", _END: "0q"}


@cache
def _packing(kinds: tuple[str, ...]) -> tuple[str, struct.Struct]:
    """All kinds in one, which is the same string for the same kinds, and how they are packed."""
    codes = "".join(_CODES[kind] for kind in kinds)
    return " ".join(kinds), struct.Struct(f"@{codes}")  # aligned as a compiler does it


@cache
def _beginning(of: type) -> str:
    """That of a class of named tuples, which says what its fields are called."""
    kind = f"{of.__module__}.{of.__qualname__}("
    _CODES[kind] = "0q"
    return kind


@cache
def _kind(dtype: np.dtype[Any], ndim: int, flags: str) -> str:
    """All that the type of an array says of it to numba."""
    kind = f"{dtype.descr}{ndim}{flags}"
    _CODES[kind] = f"PPnnP{2 * ndim}n"
    return kind


def _unusual(flags: Any) -> str:
    order = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    return f"{order}{flags.writeable:d}{flags.aligned:d}"
