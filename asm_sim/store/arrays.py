"""The arrays of a Zarr store (format 2), written a whole chunk at a time.

Zarr's own way takes milliseconds for each of hundreds of small files; these are the same files.
"""

from __future__ import annotations

import json
import math
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.results.whole import Held
from asm_sim.store.fresh import Fresh


@cache
def compressor() -> Any:
    """What packs a chunk; the first call imports it."""
    from numcodecs import Blosc

    return Blosc(cname="lz4", clevel=5, shuffle=Blosc.SHUFFLE)


_one_at_a_time = threading.Lock()  # it is a setting of all of Blosc


def _compressed(chunk: NDArray[Any]) -> bytes:
    """The same bytes each time: Blosc's threads put what they compress in the order they end in."""
    from numcodecs import blosc

    with _one_at_a_time:
        usual, blosc.use_threads = blosc.use_threads, False
        try:
            return bytes(compressor().encode(chunk))
        finally:
            blosc.use_threads = usual


def packed(values: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes | None:
    """A chunk of a shape as its file holds it, as far as there are values for it.

    None where nothing is known of it: it is not written.
    """
    if not _is_known(values):
        return None
    chunk = np.ascontiguousarray(values, dtype)
    if chunk.size < math.prod(shape):
        chunk = np.full(shape, math.nan if dtype.kind == "f" else 0, dtype)
        chunk[(0,) * (chunk.ndim - values.ndim) + tuple(map(slice, values.shape))] = values
    return _compressed(chunk)


def _is_known(values: NDArray[Any]) -> bool:
    """Whether any of the values is not what an array has where nothing is written."""
    if values.dtype.kind != "f":
        return bool(values.any())
    known = values.size > 0 and not np.isnan(values.flat[0])  # mostly the first one is
    return bool(known or not np.isnan(values).all())


@dataclass
class Array:
    """An array whose rows come in their order, along its dim number ``along``.

    Dims before that one have a position each; those after it are in one chunk. What is not known
    is nan, or 0 in integers; a chunk of nothing else is not written, as in all of Zarr.
    """

    store: Fresh
    name: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    attributes: dict[str, Any]
    along: int = 0
    _rows: list[NDArray[Any]] = field(default_factory=list)  # of a chunk that is not full
    _done: int = 0  # chunks along the dim of the rows

    def __post_init__(self) -> None:
        about = {
            "shape": self.shape,
            "chunks": self.chunks,
            "dtype": self.dtype.str,
            "fill_value": "NaN" if self.dtype.kind == "f" else None,
            "order": "C",
            "filters": None,
            "dimension_separator": ".",
            "compressor": compressor().get_config(),
            "zarr_format": 2,
        }
        for name, content in ((".zarray", about), (".zattrs", self.attributes)):
            self.store.put(f"{self.name}/{name}", json.dumps(content, indent=2).encode())

    def append(self, before: tuple[int, ...], rows: NDArray[Any]) -> None:
        """Take the next rows, those at positions ``before`` along the dims before theirs."""
        assert rows.shape[1:] == self.shape[self.along + 1 :], self.name
        self._rows.append(rows)
        length = self.chunks[self.along]
        while sum(map(len, self._rows)) >= length:
            together = self._rows[0] if len(self._rows) == 1 else np.concatenate(self._rows)
            self._write((*before, self._done), together[:length])
            self._rows = [together[length:]] if len(together) > length else []
            self._done += 1

    def end(self, before: tuple[int, ...]) -> None:
        """Write the rows that are left, at these positions; the next ones are the first again."""
        if self._rows:
            self._write((*before, self._done), np.concatenate(self._rows))
        self._rows, self._done = [], 0

    def _write(self, at: tuple[int, ...], values: NDArray[Any]) -> None:
        """Write the chunk of these numbers, as far as there are values for it."""
        content = packed(values, self.chunks, self.dtype)
        if content is not None:
            self.store.put(self._key(at), content)

    def take(self, at: tuple[int, ...], name: str, held: Held) -> None:
        """Have a file for the chunk of these numbers that is there, packed, under this name."""
        self.store.take(self._key(at), name, held)

    def put(self, at: tuple[int, ...], chunk: NDArray[Any]) -> None:
        """Write a whole chunk, whatever is in it."""
        self.store.put(self._key(at), _compressed(chunk))

    def _key(self, at: tuple[int, ...]) -> str:
        numbers = *at, *[0] * (len(self.chunks) - len(at))
        return f"{self.name}/{'.'.join(map(str, numbers))}"


def write_coordinate(
    store: Fresh, name: str, dim: str, values: NDArray[Any], attributes: dict[str, Any]
) -> None:
    """Write all values along a dim in one chunk, texts too."""
    described = {**attributes, "_ARRAY_DIMENSIONS": [dim]}
    chunks = (max(1, len(values)),)  # none is empty
    array = Array(store, name, values.shape, chunks, values.dtype, described)
    if len(values):
        array.put((0,), np.ascontiguousarray(values))
