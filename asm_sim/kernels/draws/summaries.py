"""Statistics over the clinicians of each year of a draw, all together and by group.

Within a draw sums run in roster order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.order_statistics import percentile, sort_pairs
from asm_sim.kernels.rule.exchange import (
    SIGN_TOLERANCE,
    adjustment_curve,
    adjustment_of,
    break_even_score,
    terms_of,
)
from asm_sim.kernels.world.groups import GROUPINGS

Floats = NDArray[np.float64]

QUINTILES = 5

# Sums over the clinicians of a group, or over those of them with a final score.
SUMS = np.dtype(
    [
        (name, np.float64)
        for name in (
            "participants",
            "scored",
            "score",
            "score_squares",
            "adjustment",
            "adjustment_squares",
            "negative",
            "maximum_penalty",
            "bonuses",
            "penalties",
            "part_b",
        )
    ]
)


class Memory(NamedTuple):
    """What one year's summary keeps for the next."""

    rank: Floats  # [n] midrank of the final score among the scored; nan without a score
    rank_before: Floats
    rank_true: Floats
    adjustment_before: Floats  # [n]
    dollars: Floats  # [n] cumulated
    penalties: NDArray[np.int64]  # [n] years with one
    transitions: Floats  # [5, 5] counts
    sums: NDArray[np.void]  # [groups] the record SUMS
    nothing: NDArray[np.void]  # [1] the same, all zero
    seen: NDArray[np.int64]  # [groups]
    middle: Floats  # [groups] median final score
    ordered: Floats  # [n] adjustments in ascending order
    bins: NDArray[np.int32]  # [3, n] of the cumulated dollars, the adjustment, the final score


@kernel
def new_memory(n, groups):
    return Memory(
        rank=np.empty(n),
        rank_before=np.empty(n),
        rank_true=np.empty(n),
        adjustment_before=np.empty(n),
        dollars=np.empty(n),
        penalties=np.zeros(n, np.int64),
        transitions=np.zeros((QUINTILES, QUINTILES)),
        sums=np.zeros(groups, SUMS),
        nothing=np.zeros(1, SUMS),
        seen=np.zeros(groups, np.int64),
        middle=np.zeros(groups),
        ordered=np.empty(n),
        bins=np.empty((3, n), np.int32),
    )


@kernel
def begin_draw(memory):
    memory.dollars[:] = 0.0
    memory.penalties[:] = 0
    memory.transitions[:] = 0.0


@kernel
def rank_scores(final, zero, scratch, ranks):
    """Midranks of the final scores among clinicians with one; uses the order left by payment."""
    zeros = scratch.counts[0].scored - scratch.counts[0].positive
    for i in range(len(final)):
        ranks[i] = 0.5 * (zeros + 1.0) if final[i] <= zero else np.nan
    positive = scratch.counts[0].positive
    keys = scratch.sorted_keys
    order = scratch.order
    begin = 0
    while begin < positive:
        end = begin + 1
        while end < positive and keys[end] == keys[begin]:
            end += 1
        rank = zeros + 0.5 * (begin + end + 1.0)
        for t in range(begin, end):
            ranks[np.int64(order[t])] = rank
        begin = end


@kernel
def quintile(rank, scored):
    """0 to 4."""
    return min(QUINTILES - 1, int(QUINTILES * (rank - 0.5) / scored))


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
    _groups(rules, y, outcome, part_b, group, present, scratch, memory, output.by_group[d, y], row)


@kernel
def _level(rules, y, observed, fit, outcome, part_b_later, paid, present, scratch, row):
    final = outcome.final_score
    factor = outcome.payment_adjustment_factor
    part_b = observed.part_b_payments
    n = len(final)
    scored = scratch.counts[0].scored
    score = squares = adjustment = bonuses = penalties = bonuses_paid = penalties_paid = base = 0.0
    everyone = before_exits = 0.0
    negative = maximum = zero = participants = 0
    bottom = -rules.year[y].risk_level * (1.0 - 1e-9)
    for i in range(n):
        everyone += part_b[i]
        participants += present[i]
        f = final[i]
        if f != f:
            continue
        a = factor[i]
        score += f
        adjustment += a
        base += part_b[i]
        negative += a < -SIGN_TOLERANCE
        maximum += (a <= bottom) & (a < 0.0)
        zero += f <= rules.score_zero
        bonuses += max(a, 0.0) * part_b[i]
        penalties += max(-a, 0.0) * part_b[i]
        bonuses_paid += max(a, 0.0) * paid[i]
        penalties_paid += max(-a, 0.0) * paid[i]
        before_exits -= a * part_b_later[i]
    row.share_unscored = (participants - scored) / participants
    count = float(scored) if scored > 0 else np.nan
    mean_score = score / count
    mean = adjustment / count
    spread = 0.0
    for i in range(n):
        if final[i] == final[i]:
            squares += (final[i] - mean_score) ** 2
            spread += (factor[i] - mean) ** 2
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
    row.amount_at_risk = rules.year[y].risk_level * base
    row.incentive_pool = fit.payment[0].pool
    row.bonuses = bonuses
    row.penalties = penalties
    row.retained_by_medicare = penalties - bonuses
    row.bonuses_payment_year = bonuses_paid
    row.penalties_payment_year = penalties_paid
    row.retained_by_medicare_payment_year = penalties_paid - bonuses_paid
    row.part_b_payments = everyone
    row.retained_by_medicare_before_exits = before_exits


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
        scratch.keys[:scored] = ordered[:scored]
        sort_pairs(scratch.keys, scratch.payload, scored, ordered, scratch.sorted_payload, scratch)
    for q in range(len(row)):
        row[q] = percentile(ordered, scored, grids.percents[q]) if scored > 0 else np.nan


@kernel
def _groups(rules, y, outcome, part_b, group, present, scratch, memory, rows, overall):
    """The same by group; row 0 is everyone."""
    final = outcome.final_score
    factor = outcome.payment_adjustment_factor
    n = len(final)
    sums = memory.sums
    for g in range(len(sums)):
        sums[g] = memory.nothing[0]
    participants = 0.0
    bottom = -rules.year[y].risk_level * (1.0 - 1e-9)
    for i in range(n):
        f = final[i]
        counts = 1.0 if present[i] else 0.0
        participants += counts
        scored = 1.0 if f == f else 0.0
        score = f if f == f else 0.0
        a = factor[i] if f == f else 0.0
        negative = 1.0 if a < -SIGN_TOLERANCE else 0.0
        maximum = 1.0 if (a <= bottom) & (a < 0.0) else 0.0
        bonus, penalty = max(a, 0.0) * part_b[i], max(-a, 0.0) * part_b[i]
        for k in range(GROUPINGS):
            at = sums[np.int64(group[k, i])]
            at.participants += counts
            at.scored += scored
            at.score += score
            at.score_squares += score * score
            at.adjustment += a
            at.adjustment_squares += a * a
            at.negative += negative
            at.maximum_penalty += maximum
            at.bonuses += bonus
            at.penalties += penalty
            at.part_b += part_b[i]
    _group_medians(final, group, rules.score_zero, scratch, memory)
    rows[0].clinicians = participants
    rows[0].final_score_mean = overall.final_score_mean
    rows[0].final_score_sd = overall.final_score_sd
    rows[0].final_score_median = memory.middle[0]
    rows[0].adjustment_mean = overall.adjustment_mean
    rows[0].adjustment_sd = overall.adjustment_sd
    rows[0].share_negative = overall.share_negative
    rows[0].share_maximum_penalty = overall.share_maximum_penalty
    rows[0].share_unscored = overall.share_unscored
    rows[0].bonuses = overall.bonuses
    rows[0].penalties = overall.penalties
    rows[0].part_b_payments = overall.part_b_payments
    overall.final_score_median = memory.middle[0]
    for g in range(1, len(rows)):
        at = sums[g]
        count = at.scored if at.scored > 0.0 else np.nan
        degrees = at.scored - 1.0 if at.scored > 1.0 else np.nan
        rows[g].clinicians = at.participants
        rows[g].final_score_mean = at.score / count
        rows[g].final_score_sd = np.sqrt(
            max(0.0, (at.score_squares - at.score * at.score / count) / degrees)
        )
        rows[g].final_score_median = memory.middle[g]
        rows[g].adjustment_mean = at.adjustment / count
        rows[g].adjustment_sd = np.sqrt(
            max(0.0, (at.adjustment_squares - at.adjustment * at.adjustment / count) / degrees)
        )
        rows[g].share_negative = at.negative / count
        rows[g].share_maximum_penalty = at.maximum_penalty / count
        rows[g].share_unscored = (
            (at.participants - at.scored) / at.participants if at.participants > 0.0 else np.nan
        )
        rows[g].bonuses = at.bonuses
        rows[g].penalties = at.penalties
        rows[g].part_b_payments = at.part_b


@kernel
def _group_medians(final, group, zero, scratch, memory):
    """Median final score of every group, walking the clinicians in ascending order of the score."""
    middle, seen = memory.middle, memory.seen
    scored, positive = scratch.counts[0].scored, scratch.counts[0].positive
    zeros = scored - positive
    middle[:] = np.nan
    seen[:] = 0
    memory.sums[0].scored = scored
    for i in range(len(final) if zeros > 0 else 0):
        if final[i] <= zero:
            for k in range(GROUPINGS):
                _pass_middle(np.int64(group[k, i]), final[i], memory)
            _pass_middle(0, final[i], memory)
    for t in range(positive):
        i = np.int64(scratch.order[t])
        for k in range(GROUPINGS):
            _pass_middle(np.int64(group[k, i]), scratch.sorted_keys[t], memory)
        _pass_middle(0, scratch.sorted_keys[t], memory)


@kernel
def _pass_middle(g, value, memory):
    at = memory.seen[g]
    count = np.int64(memory.sums[g].scored)
    if at == (count - 1) // 2:
        memory.middle[g] = value
    if at == count // 2:
        memory.middle[g] = 0.5 * (memory.middle[g] + value)
    memory.seen[g] = at + 1
