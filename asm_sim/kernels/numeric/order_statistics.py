"""Sorting and percentiles of one benchmark group or cohort, without allocation.

Values are spread over cells of equal width. To sort, they are passed through a million of them
digit by digit (fewer where values are many), which leaves hardly two different values in one. For
percentiles values are counted by block (blocks.py); those of blocks that hold a wanted order
statistic are counted by bucket, and only buckets that hold one are put in order. Linear in the
number of values; crowded cells fall back to heapsort.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.numeric.blocks import BLOCK, BLOCKS, bucket_at, count_blocks, take_blocks

BUCKETS = BLOCKS * BLOCK
_CROWDED = 24
_LOOKED_AT = np.uint64(32)  # sorted keys at once, hardly ever one of them below the one before
# A cell has two digits of so many bits at most; its number stands above the place of a value.
_BITS, _CELL = 10, 32
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)


@kernel
def sort_pairs(keys, payload, n, sorted_keys, sorted_payload, scratch):
    """Sort keys[:n] ascending into sorted_keys, taking payload along.

    Keys must be finite. The order of equal keys is the same for the same input.
    """
    if n == 0:
        return
    bits = _BITS
    while n > 1 << (_CELL - 2 * bits):
        bits -= 1
    room = scratch.cells[0].view(np.uint32)
    cells, passed = room[:n], room[n : 2 * n]
    by_low, by_high = scratch.starts, scratch.fill
    width = np.uint64(bits)
    low = np.uint64(_CELL - 2 * bits)  # where the digits stand
    high = low + width
    digits = np.uint64(1) << width
    _number_cells(keys, n, cells, low, digits)
    _count_digits(cells, n, low, width, by_low, by_high)
    for i in range(n):
        digit = cells[i] >> low & (digits - np.uint64(1))
        at = by_low[digit]
        by_low[digit] = at + 1
        passed[np.uint64(at)] = cells[i]
    for i in range(n):
        digit = passed[i] >> high
        at = by_high[digit]
        by_high[digit] = at + 1
        cells[np.uint64(at)] = passed[i]
    place = (np.uint64(1) << low) - np.uint64(1)
    for t in range(n):
        i = cells[t] & place
        sorted_keys[t] = keys[i]
        sorted_payload[t] = payload[i]
    _sort_within_cells(cells, n, low, sorted_keys, sorted_payload)


@kernel
def _number_cells(keys, n, cells, places, digits):
    """The cell of every key, two digits, and below it the place of the key."""
    low, high = _lowest_and_highest(keys, n)
    scale = (float(digits * digits) - 1.0) / (high - low) if high > low else 0.0
    if not scale < 1e300:  # a spread too small to divide
        scale = 0.0
    for i in range(n):
        cells[i] = np.uint64(np.int32((keys[i] - low) * scale)) << places | np.uint64(i)


@kernel
def _lowest_and_highest(keys, n):
    """Of n >= 1 finite keys; whole numbers are compared, for those are compared several at once."""
    bits = keys.view(np.int64)
    low = high = _as_ordered(bits[0])
    for i in range(n):
        key = _as_ordered(bits[i])
        low = key if key < low else low
        high = key if key > high else high
    return np.int64(_as_ordered(low)).view(np.float64), np.int64(_as_ordered(high)).view(np.float64)


@inlined
def _as_ordered(bits):
    """The bits of a float64 as a whole number that is in the same order, and back."""
    return bits ^ (np.int64(bits >> np.int64(63)) & _MAGNITUDE)


@kernel
def _count_digits(cells, n, places, width, by_low, by_high):
    """Where the keys with a digit begin in the order of the lower and of the higher digits."""
    digits = np.uint64(1) << width
    for digit in range(digits):
        by_low[digit] = by_high[digit] = 0
    for i in range(n):
        cell = cells[i] >> places
        by_low[cell & (digits - np.uint64(1))] += 1
        by_high[cell >> width] += 1
    low = high = np.int32(0)
    for digit in range(digits):
        by_low[digit], low = low, low + by_low[digit]
        by_high[digit], high = high, high + by_high[digit]


@kernel
def _sort_within_cells(cells, n, places, keys, payload):
    """Put cells in order that hold a key below the one before it."""
    one, n, t = np.uint64(1), np.uint64(n), np.uint64(1)  # numbers that do not count from the end
    while t < n:
        if n - t >= _LOOKED_AT:
            descents = 0
            for k in range(_LOOKED_AT):
                descents += keys[t + k] < keys[t + k - one]
            if descents == 0:
                t += _LOOKED_AT
                continue
        while t < n and keys[t] >= keys[t - one]:
            t += one
        if t == n:
            return
        begin, end = t - one, t + one
        while begin > 0 and cells[begin - one] >> places == cells[t] >> places:
            begin -= one
        while end < n and cells[end] >> places == cells[t] >> places:
            end += one
        _sort_bucket(keys, payload, np.int64(begin), np.int64(end))
        t = end


@kernel
def _spread_again(values, begin, end, scratch):
    """Put a crowded bucket nearly in order: by as many cells of equal width as it has values."""
    low, high = _lowest_and_highest(values[begin:end], end - begin)
    count = end - begin
    scale = (count - 1) / (high - low) if high > low else 0.0
    if not scale < 1e300:  # a spread too small to divide
        return
    cell_of, passed = scratch.sorted_payload, scratch.cells[1].view(np.float64)
    ends = np.zeros(count, np.int32)  # of cells
    for t in range(count):
        value = values[begin + t]
        cell_of[t] = np.int32((value - low) * scale)
        ends[np.uint64(cell_of[t])] += 1
        passed[t] = value
    for c in range(1, count):
        ends[c] += ends[c - 1]
    for t in range(count):
        cell = np.uint64(cell_of[t])
        ends[cell] -= 1
        values[begin + ends[cell]] = passed[t]


@kernel
def _sort_bucket(keys, payload, begin, end):
    """Insertion sort, which is quick as well where keys are nearly in order; heapsort elsewhere."""
    moves, most = 0, _CROWDED * (end - begin)
    for i in range(begin + 1, end):
        key = keys[i]
        item = payload[i]
        j = i
        while j > begin and keys[j - 1] > key:
            keys[j] = keys[j - 1]
            payload[j] = payload[j - 1]
            j -= 1
        keys[j] = key
        payload[j] = item
        moves += i - j
        if moves > most:
            _heapsort(keys, payload, begin, end)
            return


@kernel
def percentiles(values, n, percents, result, scratch):
    """Percentiles (ascending ``percents``) of n >= 1 values in any order, without a full sort."""
    low, high = _lowest_and_highest(values, n)
    percentiles_between(values, n, low, high, percents, result, scratch)


@kernel
def percentiles_between(values, n, low, high, percents, result, scratch):
    """The same where it is known which value is the lowest and which the highest."""
    ordered, in_block = scratch.sorted_keys, scratch.in_block
    scale = (BUCKETS - 1) / (high - low) if high > low else 0.0
    if not scale < 1e300:  # a spread too small to divide
        scale = 0.0
    lowest, highest = count_blocks(values, n, low, high, scale, in_block)
    ranks, count, latest = scratch.cells[0], 0, -1  # between the lowest and the highest
    block, below = np.uint64(0), lowest  # how many values lie below the block
    wanted = np.uint64(0)
    for percent in percents:
        k = int((n - 1) * percent / 100.0)
        for rank in (k, min(k + 1, n - 1)):
            if rank < lowest or rank >= n - highest:
                ordered[rank] = low if rank < lowest else high
            elif rank > latest:
                while below + in_block[block] <= rank:
                    below += in_block[block]
                    block += np.uint64(1)
                wanted |= np.uint64(1) << block
                ranks[count] = latest = rank
                count += 1
    if count > 0:
        some = scratch.cells[1].view(np.float64)
        taken = take_blocks(values, n, low, high, scale, wanted, some)
        _order_ranks(some, taken, low, scale, wanted, lowest, ranks[:count], scratch)
    for j in range(len(percents)):
        result[j] = percentile(ordered, n, percents[j])


@kernel
def _order_ranks(values, taken, low, scale, wanted, below_block, ranks, scratch):
    """Put the values of these ranks, ascending, to their places, from those in wanted blocks.

    ``below_block`` is how many lie below all blocks. Ranks give way to the buckets that hold them.
    """
    counts, in_block = scratch.starts, scratch.in_block
    bucket_of = scratch.bucket_of
    ordered = scratch.sorted_keys
    fill = scratch.fill  # where the next value of a wanted bucket goes, -1 for the others
    for block in range(np.uint64(BLOCKS)):
        if wanted >> block & np.uint64(1):
            begin = block * np.uint64(BLOCK)
            for b in range(np.uint64(BLOCK)):
                counts[begin + b] = 0
            for b in range(np.uint64(BLOCK)):
                fill[begin + b] = -1
    for t in range(taken):
        bucket_of[t] = np.int32(bucket_at(values[t], low, scale))
    for t in range(taken):
        counts[np.uint64(bucket_of[t])] += 1
    buckets, found, block = ranks, 0, np.uint64(0)
    for rank in ranks:
        while below_block + in_block[block] <= rank:
            below_block += in_block[block]
            block += np.uint64(1)
        b, below = block * np.uint64(BLOCK), below_block
        while below + counts[b] <= rank:
            below += counts[b]
            b += np.uint64(1)
        if fill[b] < 0:
            fill[b] = below
            buckets[found] = b
            found += 1
    place, kept = scratch.sorted_payload, np.uint64(0)
    for t in range(taken):
        place[kept] = t  # overwritten by the next where this one is not kept
        kept += np.uint64(fill[np.uint64(bucket_of[t])] >= 0)
    for k in range(np.int64(kept)):
        t = np.uint64(place[k])
        bucket = np.uint64(bucket_of[t])
        at = np.uint64(fill[bucket])
        fill[bucket] += 1
        ordered[at] = values[t]
    for k in range(found):
        end = fill[buckets[k]]
        begin = end - counts[buckets[k]]
        if end - begin > _CROWDED:
            _spread_again(ordered, begin, end, scratch)
        # The payload is carried along for nothing: such buckets are few.
        _sort_bucket(ordered, scratch.sorted_payload, begin, end)


@kernel
def _heapsort(keys, payload, begin, end):
    size = end - begin
    for root in range(size // 2 - 1, -1, -1):
        _sift(keys, payload, begin, root, size)
    for last in range(size - 1, 0, -1):
        _swap(keys, payload, begin, begin + last)
        _sift(keys, payload, begin, 0, last)


@kernel
def _sift(keys, payload, begin, root, size):
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and keys[begin + child + 1] > keys[begin + child]:
            child += 1
        if keys[begin + root] >= keys[begin + child]:
            return
        _swap(keys, payload, begin + root, begin + child)
        root = child


@kernel
def _swap(keys, payload, i, j):
    key = keys[i]
    keys[i] = keys[j]
    keys[j] = key
    item = payload[i]
    payload[i] = payload[j]
    payload[j] = item


@kernel
def percentile(ordered, n, percent):
    """Percentile of ordered[:n] by linear interpolation of order statistics (Hyndman-Fan 7)."""
    h = (n - 1) * percent / 100.0
    k = int(h)
    if k >= n - 1:
        return ordered[n - 1]
    return ordered[k] + (h - k) * (ordered[k + 1] - ordered[k])
