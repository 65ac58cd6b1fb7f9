"""Stable 64-bit addresses of entities, from which their random words follow."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from asm_sim.errors import InputError

_LOW_WORD = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)


def address(kind: str, name: str) -> int:
    """The stable 64-bit address of an entity, from its kind and id."""
    digest = hashlib.blake2b(f"{kind}\x1f{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def addresses(names: list[tuple[str, str]]) -> NDArray[np.uint64]:
    """The addresses of entities given by kind and id, which differ."""
    return distinct(np.array([address(kind, name) for kind, name in names], dtype=np.uint64))


def distinct(own: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The addresses themselves; :class:`InputError` where two are the same."""
    if len(np.unique(own)) != len(own):  # about one chance in 10^12 for a cohort
        raise InputError("two ids of the roster have the same 64-bit address; rename one of them")
    return own


def words(addresses: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Addresses as low and high 32-bit words, uint64 [2, n]."""
    return np.ascontiguousarray(np.vstack([addresses & _LOW_WORD, addresses >> _WORD]))
