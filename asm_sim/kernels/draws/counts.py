"""What is added up over draws: histograms, penalty years, and fixed-point sums of clinicians.

Over draws only integers are added up (counts, ranks, and fixed point), so the result does not
depend on how draws are spread over threads and blocks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.draws.by_group import mark_blocks
from asm_sim.kernels.draws.summaries import QUINTILES, row_of
from asm_sim.kernels.numeric.vectors import MARKS, MOST_MARKS, add_marks, on_cache_lines
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE
from asm_sim.kernels.world.groups import GROUPINGS

ADJUSTMENT_ONE = 2.0**40  # fixed point of adjustments and their squares
SCORE_ONE = 2.0**32
SCORE_SQUARED_ONE = 2.0**20
LARGEST_ADJUSTMENT = 8.0


@kernel
def bins_of(values, lowest, width, bins, found):
    """Bin 0 is underflow, bins - 1 overflow; the top edge belongs to the last bin within.

    Blank values come to some bin.
    """
    inside = float(bins - 2)
    highest = lowest + inside * width
    bins_to_one = 1.0 / width
    for i in range(len(values)):
        # Whole penalties lie on edges: what rounding leaves just below one belongs above it.
        at = np.floor((values[i] - lowest) * bins_to_one + 1e-9)
        above = inside - 1.0 if values[i] <= highest else inside
        at = at if at < inside else above
        found[i] = np.int32(at if at >= 0.0 else -1.0) + np.int32(1)


class Tallies(NamedTuple):
    """What is counted of all groups at once and not yet in an output's histograms.

    For Y years and blocks of groups; the row after the last bin is that of nobody.
    """

    dollars: NDArray[np.uint16]  # [Y, blocks, bins + 1, MARKS]
    adjustment: NDArray[np.uint16]
    score: NDArray[np.uint16]
    held: NDArray[np.int64]  # [Y] clinicians


@kernel
def _new_tally(years, blocks, bins):
    """Each of its rows lies on one cache line."""
    shape = (years, blocks, bins + 1, MARKS)
    return on_cache_lines(2 * years * blocks * (bins + 1) * MARKS).view(np.uint16).reshape(shape)


@kernel
def new_tallies(grids, years, groups):
    blocks = mark_blocks(groups)
    return Tallies(
        dollars=_new_tally(years, blocks, grids.dollars_bins),
        adjustment=_new_tally(years, blocks, grids.adjustment_bins),
        score=_new_tally(years, blocks, grids.score_bins),
        held=np.zeros(years, np.int64),
    )


@kernel
def count_year(y, grids, outcome, paid, taken_part, memory, tallies, output):
    """Histograms by group, penalty years and cumulated dollars; everyone is added up later.

    Dollars are of all who have taken part by now. Bins come first, loop by loop so that each one
    vectorises. Histograms are complete in ``output`` once the tallies are emptied.
    """
    final = outcome.final_score
    factor = outcome.payment_adjustment_factor
    dollars, penalties = memory.dollars, memory.penalties
    for i in range(len(final)):
        dollars[i] += factor[i] * paid[i]
    for i in range(len(final)):
        penalties[i] += np.int64((final[i] == final[i]) & (factor[i] < -SIGN_TOLERANCE))
    bins = memory.bins
    bins_of(dollars, grids.dollars_lowest, grids.dollars_width, grids.dollars_bins, bins[0])
    bins_of(factor, grids.adjustment_lowest, grids.adjustment_width, grids.adjustment_bins, bins[1])
    bins_of(final, grids.score_lowest, grids.score_width, grids.score_bins, bins[2])
    for begin in range(0, len(final), MOST_MARKS):
        end = min(begin + MOST_MARKS, len(final))
        if tallies.held[y] + end - begin > MOST_MARKS:
            empty_tallies(tallies, output)
        tallies.held[y] += end - begin
        for block in range(len(memory.marks)):
            of_block = (
                tallies.dollars[y, block],
                tallies.adjustment[y, block],
                tallies.score[y, block],
            )
            _tally(memory.marks[block], final, taken_part, bins, begin, end, of_block)


@kernel
def _tally(marks, final, taken_part, bins, begin, end, tallies):
    of_dollars, of_adjustment, of_score = bins[0], bins[1], bins[2]
    nobodys = (len(tallies[0]) - 1, len(tallies[1]) - 1, len(tallies[2]) - 1)
    for i in range(np.uint64(begin), np.uint64(end)):  # without a sign: not from the end
        scored = final[i] == final[i]
        rows = (
            np.int64(of_dollars[i]) if taken_part[i] else nobodys[0],
            np.int64(of_adjustment[i]) if scored else nobodys[1],
            np.int64(of_score[i]) if scored else nobodys[2],
        )
        add_marks(marks, np.int64(i), tallies, rows)


@kernel
def empty_tallies(tallies, output):
    """Add up what is in the tallies, and begin them again."""
    _empty(tallies.dollars, output.dollars_histogram)
    _empty(tallies.adjustment, output.adjustment_histogram)
    _empty(tallies.score, output.score_histogram)
    tallies.held[:] = 0


@kernel
def _empty(tally, histogram):
    years, groups, bins = histogram.shape
    for y in range(years):
        for g in range(groups):
            for b in range(bins):
                histogram[y, g, b] += tally[y, g // MARKS, b, g % MARKS]
    tally[:] = np.uint16(0)


@kernel
def end_draw(group, taken_part, memory, d, output):
    """Transition matrix and, of all who took part, penalty years of a whole draw."""
    transition = output.transition[d]
    for a in range(QUINTILES):
        total = memory.transitions[a].sum()
        for b in range(QUINTILES):
            transition[a, b] = memory.transitions[a, b] / total if total > 0.0 else np.nan
    shares = output.penalty_years[d]
    shares[:] = 0.0
    for i in range(len(memory.penalties)):
        if not taken_part[i]:
            continue
        years = memory.penalties[i]
        shares[0, years] += 1.0
        for k in range(GROUPINGS):
            shares[np.int64(group[k, i]), years] += 1.0
    for g in range(len(shares)):
        total = shares[g].sum()
        for years in range(shares.shape[1]):
            shares[g, years] = shares[g, years] / total if total > 0.0 else np.nan


@kernel
def accumulate(y, outcome, memory, sums):
    """Fixed-point sums of each clinician over draws; false where an adjustment does not fit."""
    factor = outcome.payment_adjustment_factor
    final = outcome.final_score
    rank = memory.rank[row_of(y)]
    fits = True
    for i in range(len(factor)):
        f = final[i]
        if f != f:
            continue
        a = factor[i]
        if not abs(a) <= LARGEST_ADJUSTMENT:
            fits = False
            continue
        rank2 = np.int64(2.0 * rank[i])  # midranks are halves
        sums.scored[i, y] += 1
        sums.negative[i, y] += a < -SIGN_TOLERANCE
        sums.adjustment[i, y] += np.int64(np.rint(a * ADJUSTMENT_ONE))
        sums.adjustment_squared[i, y] += np.int64(np.rint(a * a * ADJUSTMENT_ONE))
        sums.score[i, y] += np.int64(np.rint(f * SCORE_ONE))
        sums.score_squared[i, y] += np.int64(np.rint(f * f * SCORE_SQUARED_ONE))
        sums.rank[i, y] += rank2
        sums.rank_squared[i, y] += rank2 * rank2
    return fits
