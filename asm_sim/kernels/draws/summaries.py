"""What is kept of a draw: statistics over the clinicians of each year, counts, and a panel.

Within a draw sums run in roster order. Over draws only integers are added up (counts, ranks, and
fixed point), so the result does not depend on how draws are spread over threads and blocks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.numeric._jit import inlined, kernel
from asm_sim.kernels.numeric.order_statistics import percentile, sort_pairs
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE, adjustment_curve, break_even_score
from asm_sim.kernels.rule.final_score import round_half_up
from asm_sim.kernels.world.clinicians import GROUPINGS

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# Positions in the arrays below; the names stand, in this order, in results/registry.py.
(
    SCORE_MEAN, SCORE_SD, SCORE_MEDIAN, ADJUSTMENT_MEAN, ADJUSTMENT_SD, SHARE_NEGATIVE,
    SHARE_MAXIMUM_PENALTY, SHARE_ZERO, SHARE_UNSCORED, MEDIAN_POSITIVE, SCALING, BREAK_EVEN,
    AT_RISK, POOL, BONUSES, PENALTIES, RETAINED, BONUSES_PAID, PENALTIES_PAID, RETAINED_PAID,
    RANK_CORRELATION, SIGN_CHANGE, CHANGE_SD, RANK_TRUTH, MISCLASSIFIED, MISCLASSIFIED_QUINTILE,
    CHANCE_SD, CHANCE_SHARE, RELIABILITY, PART_B, RETAINED_BEFORE_EXITS, PROGRAMME_SPENDING, ACO,
) = range(33)  # fmt: skip
ACO_STATISTICS = 4  # bonuses, penalties, savings, shared savings
YEARLY_STATISTICS = 32 + ACO_STATISTICS
(
    G_COUNT, G_SCORE_MEAN, G_SCORE_SD, G_SCORE_MEDIAN, G_ADJUSTMENT_MEAN, G_ADJUSTMENT_SD,
    G_NEGATIVE, G_MAXIMUM_PENALTY, G_UNSCORED, G_BONUSES, G_PENALTIES, G_PART_B,
) = range(12)  # fmt: skip
GROUP_STATISTICS = 12
(
    PANEL_SCORE, PANEL_ADJUSTMENT, PANEL_DOLLARS, PANEL_TRUE_SCORE, PANEL_TRUE_ADJUSTMENT,
    PANEL_PART_B, PANEL_MIPS_SCORE, PANEL_MIPS_ADJUSTMENT, PANEL_PATHWAY_SCORE,
    PANEL_PATHWAY_ADJUSTMENT,
) = range(10)  # fmt: skip
PANEL_VARIABLES = 10
(
    C_SCORED, C_NEGATIVE, C_ADJUSTMENT, C_ADJUSTMENT_SQUARED, C_SCORE, C_SCORE_SQUARED, C_RANK,
    C_RANK_SQUARED,
) = range(8)  # fmt: skip
CLINICIAN_SUMS = 8

ADJUSTMENT_ONE = 2.0**40  # fixed point of adjustments and their squares
SCORE_ONE = 2.0**32
SCORE_SQUARED_ONE = 2.0**20
LARGEST_ADJUSTMENT = 8.0

QUINTILES = 5


class Grids(NamedTuple):
    """Where quantiles, curve and histograms are taken; outer bins are under- and overflow."""

    percents: Floats  # [Q]
    scores: Floats  # [S]
    adjustment_lowest: float
    adjustment_width: float
    adjustment_bins: int  # with under- and overflow, like the two below
    score_lowest: float
    score_width: float
    score_bins: int
    dollars_lowest: float
    dollars_width: float
    dollars_bins: int


class Lens(NamedTuple):
    """What the first L <= D draws are looked at closely for (decomposition.py, probes.py)."""

    variance: Floats  # [L, groups, factor sets, 2] within clinicians, from year to year
    fixed_standard: Floats  # [L, Y, groups, FIXED_STATISTICS]
    probe: NDArray[np.float32]  # [PROBE_VARIABLES, L, Y, probes, replicates]


class Output(NamedTuple):
    """What a call of the draw kernel fills, for D draws of one cohort."""

    yearly: Floats  # [D, Y, YEARLY_STATISTICS]
    by_group: Floats  # [D, Y, groups, GROUP_STATISTICS]
    quantile: Floats  # [D, Y, Q]
    curve: Floats  # [D, Y, S]
    transition: Floats  # [D, 5, 5]
    penalty_years: Floats  # [D, groups, Y + 1]
    adjustment_histogram: Counts  # [Y, groups, bins]
    score_histogram: Counts
    dollars_histogram: Counts
    panel: NDArray[np.float32]  # [PANEL_VARIABLES, <= D, Y, n]
    panel_group: NDArray[np.int16]  # [<= D, n, GROUPINGS]
    panel_practice: NDArray[np.int32]  # [<= D, Y, n]
    lens: Lens
    clinician: Counts  # [CLINICIAN_SUMS, n or 0, Y]


class Memory(NamedTuple):
    """What one year's summary keeps for the next."""

    rank: Floats  # [n] midrank of the final score among the scored; nan without a score
    rank_before: Floats
    rank_true: Floats
    adjustment_before: Floats  # [n]
    dollars: Floats  # [n] cumulated
    penalties: NDArray[np.int64]  # [n] years with one
    transitions: Floats  # [5, 5] counts
    sums: Floats  # [groups, 11]
    seen: NDArray[np.int64]  # [groups]
    middle: Floats  # [groups, 2]
    ordered: Floats  # [n] adjustments in ascending order
    zeros: NDArray[np.int32]  # [n]


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
        sums=np.zeros((groups, 11)),
        seen=np.zeros(groups, np.int64),
        middle=np.zeros((groups, 2)),
        ordered=np.empty(n),
        zeros=np.zeros(n, np.int32),
    )


@kernel
def begin_draw(memory):
    memory.dollars[:] = 0.0
    memory.penalties[:] = 0
    memory.transitions[:] = 0.0


@kernel
def rank_scores(final, zero, scratch, ranks):
    """Midranks of the final scores among clinicians with one; uses the order left by payment."""
    zeros = scratch.counts[0] - scratch.counts[1]
    for i in range(len(final)):
        ranks[i] = 0.5 * (zeros + 1.0) if final[i] <= zero else np.nan
    positive = scratch.counts[1]
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


@inlined
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
    scored = scratch.counts[0]
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
    row[SHARE_UNSCORED] = (participants - scored) / participants
    count = float(scored) if scored > 0 else np.nan
    mean_score = score / count
    mean = adjustment / count
    spread = 0.0
    for i in range(n):
        if final[i] == final[i]:
            squares += (final[i] - mean_score) ** 2
            spread += (factor[i] - mean) ** 2
    degrees = float(scored - 1) if scored > 1 else np.nan
    row[SCORE_MEAN] = mean_score
    row[SCORE_SD] = np.sqrt(squares / degrees)
    row[ADJUSTMENT_MEAN] = mean
    row[ADJUSTMENT_SD] = np.sqrt(spread / degrees)
    row[SHARE_NEGATIVE] = negative / count
    row[SHARE_MAXIMUM_PENALTY] = maximum / count
    row[SHARE_ZERO] = zero / count
    row[MEDIAN_POSITIVE] = fit.payment[0]
    row[SCALING] = fit.payment[1]
    row[BREAK_EVEN] = break_even_score(rules, y, fit)
    row[AT_RISK] = rules.year[y].risk_level * base
    row[POOL] = fit.payment[2]
    row[BONUSES] = bonuses
    row[PENALTIES] = penalties
    row[RETAINED] = penalties - bonuses
    row[BONUSES_PAID] = bonuses_paid
    row[PENALTIES_PAID] = penalties_paid
    row[RETAINED_PAID] = penalties_paid - bonuses_paid
    row[PART_B] = everyone
    row[RETAINED_BEFORE_EXITS] = before_exits


@kernel
def _quantiles(rules, y, grids, outcome, scratch, memory, row):
    """Quantiles of the adjustment over scored clinicians; it ascends with the final score.

    But for zero scorers who do not get the lowest, a neutral band, and several groups of peers.
    """
    factor = outcome.payment_adjustment_factor
    ordered = memory.ordered
    scored, positive = scratch.counts[0], scratch.counts[1]
    zeros = scored - positive
    bottom = rules.year[y].zero_score_adjustment * rules.year[y].risk_level
    if rules.adjustment_steps > 0.0:
        bottom = round_half_up(bottom, rules.adjustment_steps, rules.score_tie)
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
        sort_pairs(
            scratch.keys,
            scratch.payload,
            scored,
            ordered,
            scratch.sorted_payload,
            scratch.bucket_of,
            scratch.starts,
        )
    for q in range(len(row)):
        row[q] = percentile(ordered, scored, grids.percents[q]) if scored > 0 else np.nan


@kernel
def _groups(rules, y, outcome, part_b, group, present, scratch, memory, rows, overall):
    """The same by group; row 0 is everyone."""
    final = outcome.final_score
    factor = outcome.payment_adjustment_factor
    n = len(final)
    sums = memory.sums
    sums[:] = 0.0
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
            at[0] += counts
            at[1] += scored
            at[2] += score
            at[3] += score * score
            at[4] += a
            at[5] += a * a
            at[6] += negative
            at[7] += maximum
            at[8] += bonus
            at[9] += penalty
            at[10] += part_b[i]
    _group_medians(final, group, rules.score_zero, scratch, memory)
    rows[0, G_COUNT] = participants
    rows[0, G_SCORE_MEAN] = overall[SCORE_MEAN]
    rows[0, G_SCORE_SD] = overall[SCORE_SD]
    rows[0, G_SCORE_MEDIAN] = memory.middle[0, 0]
    rows[0, G_ADJUSTMENT_MEAN] = overall[ADJUSTMENT_MEAN]
    rows[0, G_ADJUSTMENT_SD] = overall[ADJUSTMENT_SD]
    rows[0, G_NEGATIVE] = overall[SHARE_NEGATIVE]
    rows[0, G_MAXIMUM_PENALTY] = overall[SHARE_MAXIMUM_PENALTY]
    rows[0, G_UNSCORED] = overall[SHARE_UNSCORED]
    rows[0, G_BONUSES] = overall[BONUSES]
    rows[0, G_PENALTIES] = overall[PENALTIES]
    rows[0, G_PART_B] = overall[PART_B]
    overall[SCORE_MEDIAN] = memory.middle[0, 0]
    for g in range(1, len(rows)):
        at = sums[g]
        count = at[1] if at[1] > 0.0 else np.nan
        degrees = at[1] - 1.0 if at[1] > 1.0 else np.nan
        rows[g, G_COUNT] = at[0]
        rows[g, G_SCORE_MEAN] = at[2] / count
        rows[g, G_SCORE_SD] = np.sqrt(max(0.0, (at[3] - at[2] * at[2] / count) / degrees))
        rows[g, G_SCORE_MEDIAN] = memory.middle[g, 0]
        rows[g, G_ADJUSTMENT_MEAN] = at[4] / count
        rows[g, G_ADJUSTMENT_SD] = np.sqrt(max(0.0, (at[5] - at[4] * at[4] / count) / degrees))
        rows[g, G_NEGATIVE] = at[6] / count
        rows[g, G_MAXIMUM_PENALTY] = at[7] / count
        rows[g, G_UNSCORED] = (at[0] - at[1]) / at[0] if at[0] > 0.0 else np.nan
        rows[g, G_BONUSES] = at[8]
        rows[g, G_PENALTIES] = at[9]
        rows[g, G_PART_B] = at[10]


@kernel
def _group_medians(final, group, zero, scratch, memory):
    """Median final score of every group, walking the clinicians in ascending order of the score."""
    middle, seen = memory.middle, memory.seen
    scored, positive = scratch.counts[0], scratch.counts[1]
    zeros = scored - positive
    middle[:] = np.nan
    seen[:] = 0
    memory.sums[0, 1] = scored
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
    count = np.int64(memory.sums[g, 1])
    if at == (count - 1) // 2:
        memory.middle[g, 0] = value
    if at == count // 2:
        memory.middle[g, 0] = 0.5 * (memory.middle[g, 0] + value)
    memory.seen[g] = at + 1


@kernel
def bin_of(value, lowest, width, bins):
    """Bin 0 is underflow, bins - 1 overflow; the top edge belongs to the last bin within."""
    # Whole penalties lie on edges: what rounding leaves just below one belongs above it.
    at = np.floor((value - lowest) / width + 1e-9)
    if at < 0.0:
        return 0
    inside = bins - 2
    if at >= inside:
        return inside if value <= lowest + inside * width else bins - 1
    return int(at) + 1


@kernel
def count_year(y, grids, outcome, paid, group, taken_part, memory, output):
    """Histograms, penalty years and cumulated dollars by group; everyone is added up later.

    Dollars are of all who have taken part by now.
    """
    final = outcome.final_score
    factor = outcome.payment_adjustment_factor
    dollars = memory.dollars
    for i in range(len(final)):
        dollars[i] += factor[i] * paid[i]
        by_dollars = bin_of(
            dollars[i], grids.dollars_lowest, grids.dollars_width, grids.dollars_bins
        )
        for k in range(GROUPINGS if taken_part[i] else 0):
            output.dollars_histogram[y, np.int64(group[k, i]), by_dollars] += 1
        if final[i] == final[i]:
            memory.penalties[i] += factor[i] < -SIGN_TOLERANCE
            by_factor = bin_of(
                factor[i], grids.adjustment_lowest, grids.adjustment_width, grids.adjustment_bins
            )
            by_score = bin_of(final[i], grids.score_lowest, grids.score_width, grids.score_bins)
            for k in range(GROUPINGS):
                g = np.int64(group[k, i])
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
        sums[C_SCORED, i, y] += 1
        sums[C_NEGATIVE, i, y] += a < -SIGN_TOLERANCE
        sums[C_ADJUSTMENT, i, y] += np.int64(np.rint(a * ADJUSTMENT_ONE))
        sums[C_ADJUSTMENT_SQUARED, i, y] += np.int64(np.rint(a * a * ADJUSTMENT_ONE))
        sums[C_SCORE, i, y] += np.int64(np.rint(f * SCORE_ONE))
        sums[C_SCORE_SQUARED, i, y] += np.int64(np.rint(f * f * SCORE_SQUARED_ONE))
        sums[C_RANK, i, y] += rank2
        sums[C_RANK_SQUARED, i, y] += rank2 * rank2
    return fits


@kernel
def keep_panel(y, outcome, truth, with_truth, paid, mips, group, practice, d, output):
    """Clinician by clinician, as float32; ``mips`` [4, n] scores and adjustments of both forms."""
    panel = output.panel
    for i in range(len(paid)):
        factor = outcome.payment_adjustment_factor[i]
        panel[PANEL_SCORE, d, y, i] = outcome.final_score[i]
        panel[PANEL_ADJUSTMENT, d, y, i] = factor
        panel[PANEL_DOLLARS, d, y, i] = factor * paid[i]
        panel[PANEL_PART_B, d, y, i] = paid[i]
    for i in range(len(paid)):
        panel[PANEL_TRUE_SCORE, d, y, i] = truth.final_score[i] if with_truth else np.nan
        panel[PANEL_TRUE_ADJUSTMENT, d, y, i] = (
            truth.payment_adjustment_factor[i] if with_truth else np.nan
        )
    for k in range(len(mips)):
        for i in range(len(paid)):
            panel[PANEL_MIPS_SCORE + k, d, y, i] = mips[k, i]
    for i in range(len(paid)):
        output.panel_practice[d, y, i] = practice[i]
    for i in range(len(paid) if y == 0 else 0):  # the groups are those of the draw
        for k in range(GROUPINGS):
            output.panel_group[d, i, k] = group[k, i]
