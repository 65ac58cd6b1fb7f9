"""What is added up over draws: histograms, penalty years, and fixed-point sums of clinicians.

Over draws only integers are added up (counts, ranks, and fixed point), so the result does not
depend on how draws are spread over threads and blocks.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.draws.summaries import QUINTILES
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
    for i in range(len(values)):
        # Whole penalties lie on edges: what rounding leaves just below one belongs above it.
        at = np.floor((values[i] - lowest) / width + 1e-9)
        above = inside - 1.0 if values[i] <= highest else inside
        at = at if at < inside else above
        found[i] = np.int32(at if at >= 0.0 else -1.0) + np.int32(1)


@kernel
def count_year(y, grids, outcome, paid, group, taken_part, memory, output):
    """Histograms, penalty years and cumulated dollars by group; everyone is added up later.

    Dollars are of all who have taken part by now. Bins come first, loop by loop so that each one
    vectorises; numbers without a sign are the cheapest to count by.
    """
    final = outcome.final_score
    factor = outcome.payment_adjustment_factor
    dollars, penalties = memory.dollars, memory.penalties
    for i in range(len(final)):
        dollars[i] += factor[i] * paid[i]
    for i in range(len(final)):
        penalties[i] += np.int64((final[i] == final[i]) & (factor[i] < -SIGN_TOLERANCE))
    of_dollars, of_factor, of_score = memory.bins[0], memory.bins[1], memory.bins[2]
    bins_of(dollars, grids.dollars_lowest, grids.dollars_width, grids.dollars_bins, of_dollars)
    bins_of(
        factor, grids.adjustment_lowest, grids.adjustment_width, grids.adjustment_bins, of_factor
    )
    bins_of(final, grids.score_lowest, grids.score_width, grids.score_bins, of_score)
    for i in range(len(final)):
        if taken_part[i]:
            by_dollars = np.uint64(of_dollars[i])
            for k in range(GROUPINGS):
                output.dollars_histogram[y, np.uint64(group[k, i]), by_dollars] += 1
        if final[i] == final[i]:
            by_factor, by_score = np.uint64(of_factor[i]), np.uint64(of_score[i])
            for k in range(GROUPINGS):
                g = np.uint64(group[k, i])
                output.adjustment_histogram[y, g, by_factor] += 1
                output.score_histogram[y, g, by_score] += 1


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
    fits = True
    for i in range(len(factor)):
        f = final[i]
        if f != f:
            continue
        a = factor[i]
        if not abs(a) <= LARGEST_ADJUSTMENT:
            fits = False
            continue
        rank2 = np.int64(2.0 * memory.rank[i])  # midranks are halves
        sums.scored[i, y] += 1
        sums.negative[i, y] += a < -SIGN_TOLERANCE
        sums.adjustment[i, y] += np.int64(np.rint(a * ADJUSTMENT_ONE))
        sums.adjustment_squared[i, y] += np.int64(np.rint(a * a * ADJUSTMENT_ONE))
        sums.score[i, y] += np.int64(np.rint(f * SCORE_ONE))
        sums.score_squared[i, y] += np.int64(np.rint(f * f * SCORE_SQUARED_ONE))
        sums.rank[i, y] += rank2
        sums.rank_squared[i, y] += rank2 * rank2
    return fits
