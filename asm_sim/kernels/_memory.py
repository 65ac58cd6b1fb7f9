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


class Laid(NamedTuple):
    """A named tuple in memory, which is good as long as this is kept."""

    structure: tuple[Any, ...]
    kind: str  # the names of its fields and their types
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
    content = struct.pack("".join(layout), *numbers)
    memory = ctypes.create_string_buffer(content, len(content))
    return Laid(structure, " ".join(kinds), ctypes.addressof(memory), memory)


def held(structure: tuple[Any, ...]) -> Laid:
    """The same, as it was laid out when this very structure came last; a few are remembered."""
    return _held(_Same(structure))


class _Same:
    """A structure that equals itself alone."""

    def __init__(self, structure: tuple[Any, ...]) -> None:
        self.structure = structure

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.structure is other.structure

    def __hash__(self) -> int:
        return id(self.structure)


@lru_cache(maxsize=16)
def _held(same: _Same) -> Laid:
    return laid_out(same.structure)


def _add(value: Any, kinds: list[str], layout: list[str], numbers: list[Any]) -> None:
    if isinstance(value, np.ndarray):
        flags = value.flags
        contiguous = flags.c_contiguous, flags.f_contiguous
        kinds.append(_kind(value.dtype, value.ndim, *contiguous, flags.writeable, flags.aligned))
        layout.append(f"PPnnP{2 * value.ndim}n")  # nobody counts its references, nobody owns it
        at = value.ctypes.data
        numbers += (0, 0, value.size, value.itemsize, at, *value.shape, *value.strides)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        kinds.append(f"{type(value).__module__}.{type(value).__qualname__}(")
        layout.append("0q")  # each holds something of eight bytes
        for name, field in zip(value._fields, value, strict=True):
            kinds.append(name)
            _add(field, kinds, layout, numbers)
        layout.append("0q")
        kinds.append(")")
    elif type(value) in _NUMBERS:
        kind, code = _NUMBERS[type(value)]
        kinds.append(kind)
        layout.append(code)
        numbers.append(value)
    else:
        raise TypeError(f"{type(value).__name__}: a kernel takes arrays and numbers by reference")


_NUMBERS: dict[type, tuple[str, str]] = {
    bool: ("bool", "?"),
    np.bool_: ("bool", "?"),
    int: ("int64", "q"),
    np.int64: ("int64", "q"),
    float: ("float64", "d"),
    np.float64: ("float64", "d"),
}


@cache
def _kind(
    dtype: np.dtype[Any], ndim: int, by_row: bool, by_column: bool, writeable: bool, aligned: bool
) -> str:
    """All that the type of an array says of it to numba."""
    order = "C" if by_row else "F" if by_column else "A"
    return f"{dtype.descr}{ndim}{order}{writeable:d}{aligned:d}"
