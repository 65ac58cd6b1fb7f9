"""Statistics over the clinicians of each year of a draw, all together; by group in by_group.py.

Within a draw sums over all of them are made in lanes, see sums.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.draws.by_group import COUNTS, STRETCH, SUMS, mark_blocks, summarise_groups
from asm_sim.kernels.numeric.order_statistics import percentile, percentiles
from asm_sim.kernels.numeric.sums import add_lanes, clear, lanes_from, new_room, places, stretches
from asm_sim.kernels.numeric.vectors import MARKS, on_cache_lines
from asm_sim.kernels.rule.exchange import (
    SIGN_TOLERANCE,
    adjustment_curve,
    adjustment_of,
    break_even_score,
    terms_of,
)

Floats = NDArray[np.float64]

QUINTILES = 5
# Sums of a level, and then of deviations from its means.
(
    _EVERYONE, _BASE, _SCORE, _ADJUSTMENT, _BONUSES, _PENALTIES, _BONUSES_PAID, _PENALTIES_PAID,
    _BEFORE_EXITS,
) = places(9)  # fmt: skip
_SCORE_SQUARES, _ADJUSTMENT_SQUARES = places(2)


class Memory(NamedTuple):
    """What one year's summary keeps for the next.

    Of what has two rows one is this year's, see :func:`row_of`, and the other that of the year
    before.
    """

    rank: Floats  # [2, n] midrank of the final score among the scored; nan without a score
    rank_true: Floats  # [n]
    fifth: NDArray[np.int8]  # [2, n] of the clinicians with a final score, by rank
    fifth_true: NDArray[np.int8]  # [n]
    adjustment_before: Floats  # [n]
    dollars: Floats  # [n] cumulated
    penalties: NDArray[np.int64]  # [n] years with one
    transitions: Floats  # [5, 5] counts
    marks: NDArray[np.uint64]  # [blocks, n, MARKS / 8] a byte for every group (by_group.py)
    stretches: NDArray[np.uint64]  # [blocks, stretches, MARKS / 8] sums of marks
    ascending: NDArray[np.int32]  # [n] those with a final score in its order
    sums: Floats  # [groups, SUMS]
    counts: NDArray[np.int64]  # [groups, COUNTS]
    middle: Floats  # [groups] median final score
    ordered: Floats  # [n] adjustments in the order of final scores
    bins: NDArray[np.int32]  # [3, n] of the cumulated dollars, the adjustment, the final score


@kernel
def new_memory(n, groups):
    blocks = mark_blocks(groups)
    return Memory(
        rank=np.empty((2, n)),
        rank_true=np.empty(n),
        fifth=np.empty((2, n), np.int8),
        fifth_true=np.empty(n, np.int8),
        adjustment_before=np.empty(n),
        dollars=np.empty(n),
        penalties=np.zeros(n, np.int64),
        transitions=np.zeros((QUINTILES, QUINTILES)),
        marks=np.empty((blocks, n, MARKS // 8), np.uint64),
        stretches=np.empty((blocks, n // STRETCH + 1, MARKS // 8), np.uint64),
        ascending=np.empty(n, np.int32),
        sums=on_cache_lines(8 * groups * SUMS).view(np.float64).reshape((groups, SUMS)),
        counts=np.empty((groups, COUNTS), np.int64),
        middle=np.zeros(groups),
        ordered=np.empty(n),
        bins=np.empty((3, n), np.int32),
    )


@inlined
def row_of(y):
    """The row of performance year y where years take turns in two."""
    return y & 1


@kernel
def begin_draw(memory):
    memory.dollars[:] = 0.0
    memory.penalties[:] = 0
    memory.transitions[:] = 0.0


@kernel
def end_year(outcome, memory):
    """What the next year is held against."""
    memory.adjustment_before[:] = outcome.payment_adjustment_factor


@kernel
def rank_scores(final, zero, among, scratch, ranks, fifths):
    """Midranks of the final scores among clinicians with one; uses the order left by payment.

    And the fifth, 0 to 4, that a rank is in ``among`` so many. Any is that of one without a score.
    """
    positive = scratch.counts[0].positive
    zeros = scratch.counts[0].scored - positive
    for i in range(len(final)):
        ranks[i] = 0.5 * (zeros + 1.0) if final[i] <= zero else np.nan
    keys, order = scratch.sorted_keys, scratch.order
    begin = np.uint64(0)
    while begin < np.uint64(positive):
        end = begin + np.uint64(1)
        while end < np.uint64(positive) and keys[end] == keys[begin]:
            end += np.uint64(1)
        rank = zeros + 0.5 * (np.float64(begin + end) + 1.0)
        for t in range(begin, end):
            ranks[np.uint64(order[t])] = rank
        begin = end
    for i in range(len(ranks)):
        below = QUINTILES * (ranks[i] - 0.5)
        lower = np.int8(below >= among) + np.int8(below >= 2.0 * among)
        fifths[i] = lower + np.int8(below >= 3.0 * among) + np.int8(below >= 4.0 * among)


@kernel
def summarise_year(
    rules, y, grids, observed, fit, outcome, part_b_later, paid, group, present, scratch, memory,
    d, output,
):  # fmt: skip
    """Level statistics of one cohort-year.

    ``paid`` [n] is Part B of the payment year, ``part_b_later`` the same had nobody left by then,
    ``present`` [n] says who takes part in the year.
    """
    row = output.yearly[d, y]
    _level(rules, y, observed, fit, outcome, part_b_later, paid, present, scratch, row)
    _quantiles(rules, y, grids, outcome, scratch, memory, output.quantile[d, y])
    adjustment_curve(rules, y, grids.scores, fit, output.curve[d, y])
    part_b = observed.part_b_payments
    summarise_groups(
        rules, y, outcome, part_b, group, present, scratch, memory, output.by_group[d, y], row
    )


@kernel
def _level(rules, y, observed, fit, outcome, part_b_later, paid, present, scratch, row):
    final = outcome.final_score
    factor = outcome.payment_adjustment_factor
    part_b = observed.part_b_payments
    n = len(final)
    scored = scratch.counts[0].scored
    participants = negative = maximum = zero = 0
    bottom = -rules.year[y].risk_level * (1.0 - 1e-9)
    for i in range(n):
        f, a = final[i], factor[i]
        has_score = f == f
        participants += present[i]
        negative += has_score & (a < -SIGN_TOLERANCE)
        maximum += has_score & (a <= bottom) & (a < 0.0)
        zero += f <= rules.score_zero
    room = new_room()
    clear(room, 9)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            i = begin + lane
            f, a, usd = final[i], factor[i], part_b[i]
            usd_paid, usd_later = paid[i], part_b_later[i]
            has_score = f == f
            a = a if has_score else 0.0
            up, down = max(a, 0.0), max(-a, 0.0)
            room[_EVERYONE + lane] += usd
            room[_BASE + lane] += usd if has_score else 0.0
            room[_SCORE + lane] += f if has_score else 0.0
            room[_ADJUSTMENT + lane] += a
            room[_BONUSES + lane] += up * usd
            room[_PENALTIES + lane] += down * usd
            room[_BONUSES_PAID + lane] += up * usd_paid
            room[_PENALTIES_PAID + lane] += down * usd_paid
            room[_BEFORE_EXITS + lane] -= a * usd_later
    bonuses, penalties = add_lanes(room, _BONUSES), add_lanes(room, _PENALTIES)
    bonuses_paid, penalties_paid = add_lanes(room, _BONUSES_PAID), add_lanes(room, _PENALTIES_PAID)
    row.share_unscored = (participants - scored) / participants
    row.amount_at_risk = rules.year[y].risk_level * add_lanes(room, _BASE)
    row.part_b_payments = add_lanes(room, _EVERYONE)
    row.retained_by_medicare_before_exits = add_lanes(room, _BEFORE_EXITS)
    count = float(scored) if scored > 0 else np.nan
    mean_score, mean = add_lanes(room, _SCORE) / count, add_lanes(room, _ADJUSTMENT) / count
    clear(room, 2)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            f, a = final[begin + lane], factor[begin + lane]
            of_score = f - mean_score if f == f else 0.0
            of_factor = a - mean if f == f else 0.0
            room[_SCORE_SQUARES + lane] += of_score * of_score
            room[_ADJUSTMENT_SQUARES + lane] += of_factor * of_factor
    squares, spread = add_lanes(room, _SCORE_SQUARES), add_lanes(room, _ADJUSTMENT_SQUARES)
    degrees = float(scored - 1) if scored > 1 else np.nan
    row.final_score_mean = mean_score
    row.final_score_sd = np.sqrt(squares / degrees)
    row.adjustment_mean = mean
    row.adjustment_sd = np.sqrt(spread / degrees)
    row.share_negative = negative / count
    row.share_maximum_penalty = maximum / count
    row.share_zero_score = zero / count
    row.median_final_score = fit.payment[0].median
    row.scaling_factor = fit.payment[0].scaling_factor
    row.break_even_score = break_even_score(rules, y, fit)
    row.incentive_pool = fit.payment[0].pool
    row.bonuses = bonuses
    row.penalties = penalties
    row.retained_by_medicare = penalties - bonuses
    row.bonuses_payment_year = bonuses_paid
    row.penalties_payment_year = penalties_paid
    row.retained_by_medicare_payment_year = penalties_paid - bonuses_paid


@kernel
def _quantiles(rules, y, grids, outcome, scratch, memory, row):
    """Quantiles of the adjustment over scored clinicians; it ascends with the final score.

    But for zero scorers who do not get the lowest, a neutral band, and several groups of peers.
    """
    factor = outcome.payment_adjustment_factor
    ordered = memory.ordered
    scored, positive = scratch.counts[0].scored, scratch.counts[0].positive
    zeros = scored - positive
    bottom = adjustment_of(terms_of(rules, y), 0.0, np.nan, np.nan)  # of zero scorers
    for t in range(zeros):
        ordered[t] = bottom
    ascending = True
    below = bottom if zeros > 0 else -np.inf
    for t in range(positive):
        ordered[zeros + t] = factor[np.int64(scratch.order[t])]
        ascending &= ordered[zeros + t] >= below
        below = ordered[zeros + t]
    if not ascending:
        percentiles(ordered, scored, grids.percents, row, scratch)
        return
    for q in range(len(row)):
        row[q] = percentile(ordered, scored, grids.percents[q]) if scored > 0 else np.nan
