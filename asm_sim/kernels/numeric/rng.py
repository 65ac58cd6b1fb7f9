"""Philox4x32-10: random words as a pure function of their address.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11). The key is the
seed (64 bits). The counter is the address of a block of four words:

    word 0-1  entity     64 bits   stable id of the clinician-in-cohort, practice, ... of the stream
    word 2    layer      32 bits   the parameter, population or measurement index of the draw
    word 3    stream 12 | year 4 | position 16 bits
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import entry, inlined

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


@inlined
def philox(c0, c1, c2, c3, k0, k1):
    """Four 32-bit words (held as uint64) of the block with counter c0..c3 under key k0, k1.

    The upper halves are rubbish on the way: a vector multiplication of 32-bit numbers does not look
    at them, so that to mask its operands costs nothing.
    """
    for _ in range(10):
        p0 = _MULTIPLIER_0 * (c0 & _MASK)
        p1 = _MULTIPLIER_1 * (c2 & _MASK)
        c0 = (p1 >> _SHIFT) ^ (c1 ^ k0)
        c2 = (p0 >> _SHIFT) ^ (c3 ^ k1)
        c1 = p1
        c3 = p0
        k0 = k0 + _WEYL_0
        k1 = k1 + _WEYL_1
    return c0 & _MASK, c1 & _MASK, c2 & _MASK, c3 & _MASK


@inlined
def tag(stream, year, position):
    """The last counter word: stream, year and position packed in 12, 4 and 16 bits."""
    return ((np.uint64(stream) << np.uint64(20)) | (np.uint64(year) << np.uint64(16))) | np.uint64(
        position
    )


@entry
def philox_words(counter, key):
    """The four words of one block, for the published known answers; uint32 [4] from [4] and [2]."""
    words = philox(
        np.uint64(counter[0]),
        np.uint64(counter[1]),
        np.uint64(counter[2]),
        np.uint64(counter[3]),
        np.uint64(key[0]),
        np.uint64(key[1]),
    )
    result = np.empty(4, np.uint32)
    for i in range(4):
        result[i] = np.uint32(words[i])
    return result
