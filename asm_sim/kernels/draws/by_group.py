"""Statistics over the clinicians of each group in a year of a draw.

Sums run in roster order. A clinician's values are added to a group as one vector, and who is in
which groups is also marked byte by byte, so that all groups are counted at once.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.numeric.vectors import MARKS, add_to_row, put_sum_of_marks
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE
from asm_sim.kernels.world.groups import GROUPINGS

# Sums over the clinicians of a group, or over those of them with a final score.
SCORE, SCORE_SQUARES, ADJUSTMENT, ADJUSTMENT_SQUARES, BONUSES, PENALTIES, PART_B = range(7)
# How many of them there are: as digits of one whole number, which makes eight sums to a vector.
_PACKED = 7
SUMS = 8
PARTICIPANTS, SCORED, NEGATIVE, MAXIMUM_PENALTY = range(4)
COUNTS = 4
_DIGIT_BITS = 13
_MOST_COUNTED = (1 << _DIGIT_BITS) - 1  # clinicians before the digits are taken apart
_DIGITS = tuple(2.0 ** (_DIGIT_BITS * k) for k in range(COUNTS))  # exact: below 2 ** 53
STRETCH = 64  # clinicians who are counted in bytes, less than 256


@inlined
def mark_blocks(groups):
    """In how many blocks of marks so many groups are."""
    return (groups + MARKS - 1) // MARKS


@kernel
def mark_groups(group, marks):
    """Put a one into the byte of each group of a clinician; uint64 [blocks, n, MARKS / 8]."""
    marks[:] = np.uint64(0)
    for i in range(group.shape[1]):
        for k in range(GROUPINGS):
            g = np.uint64(group[k, i])
            word = g % np.uint64(MARKS) // np.uint64(8)
            marks[g // np.uint64(MARKS), i, word] += _mark(g)


@inlined
def _mark(g):
    """A one in the byte of a group, in whatever word it is."""
    return np.uint64(1) << (np.uint64(8) * (np.uint64(g) % np.uint64(8)))


@kernel
def summarise_groups(rules, y, outcome, part_b, group, present, scratch, memory, rows, overall):
    """Level statistics of one cohort-year by group; row 0 is everyone, as in ``overall``.

    Needs the order left by payment and the marks of the groups.
    """
    final = outcome.final_score
    _add_up(rules, y, outcome, part_b, group, present, memory.sums, memory.counts)
    _find_medians(final, rules.score_zero, scratch, memory)
    participants = 0
    for i in range(len(present)):
        participants += present[i]
    overall.final_score_median = memory.middle[0]
    everyone = rows[0]
    everyone.clinicians = participants
    everyone.final_score_mean = overall.final_score_mean
    everyone.final_score_sd = overall.final_score_sd
    everyone.final_score_median = overall.final_score_median
    everyone.adjustment_mean = overall.adjustment_mean
    everyone.adjustment_sd = overall.adjustment_sd
    everyone.share_negative = overall.share_negative
    everyone.share_maximum_penalty = overall.share_maximum_penalty
    everyone.share_unscored = overall.share_unscored
    everyone.bonuses = overall.bonuses
    everyone.penalties = overall.penalties
    everyone.part_b_payments = overall.part_b_payments
    for g in range(1, len(rows)):
        _tell(memory.sums[g], memory.counts[g], memory.middle[g], rows[g])


@kernel
def _add_up(rules, y, outcome, part_b, group, present, sums, counts):
    n = len(part_b)
    sums[:] = 0.0
    counts[:] = 0
    for begin in range(0, n, _MOST_COUNTED):
        end = min(begin + _MOST_COUNTED, n)
        _add_some(rules, y, outcome, part_b, group, present, begin, end, sums)
        for g in range(len(sums)):
            digits = np.int64(sums[g, _PACKED])
            sums[g, _PACKED] = 0.0
            for k in range(COUNTS):
                counts[g, k] += digits >> (_DIGIT_BITS * k) & _MOST_COUNTED


@kernel
def _add_some(rules, y, outcome, part_b, group, present, begin, end, sums):
    final, factor = outcome.final_score, outcome.payment_adjustment_factor
    bottom = -rules.year[y].risk_level * (1.0 - 1e-9)
    for i in range(np.uint64(begin), np.uint64(end)):  # without a sign: not from the end
        has_score = final[i] == final[i]
        score = final[i] if has_score else 0.0
        a = factor[i] if has_score else 0.0
        count = _DIGITS[PARTICIPANTS] if present[i] else 0.0
        count += _DIGITS[SCORED] if has_score else 0.0
        count += _DIGITS[NEGATIVE] if a < -SIGN_TOLERANCE else 0.0
        count += _DIGITS[MAXIMUM_PENALTY] if (a <= bottom) & (a < 0.0) else 0.0
        values = (
            score,
            score * score,
            a,
            a * a,
            max(a, 0.0) * part_b[i],
            max(-a, 0.0) * part_b[i],
            part_b[i],
            count,
        )
        for k in range(GROUPINGS):
            add_to_row(sums, np.int64(group[k, i]), values)


@kernel
def _tell(sums, counts, median, row):
    """What the sums over the clinicians of a group say of it."""
    scored, participants = counts[SCORED], counts[PARTICIPANTS]
    count = float(scored) if scored > 0 else np.nan
    degrees = scored - 1.0 if scored > 1 else np.nan
    score, adjustment = sums[SCORE], sums[ADJUSTMENT]
    row.clinicians = participants
    row.final_score_mean = score / count
    row.final_score_sd = np.sqrt(max(0.0, (sums[SCORE_SQUARES] - score * score / count) / degrees))
    row.final_score_median = median
    row.adjustment_mean = adjustment / count
    row.adjustment_sd = np.sqrt(
        max(0.0, (sums[ADJUSTMENT_SQUARES] - adjustment * adjustment / count) / degrees)
    )
    row.share_negative = counts[NEGATIVE] / count
    row.share_maximum_penalty = counts[MAXIMUM_PENALTY] / count
    row.share_unscored = (participants - scored) / participants if participants > 0 else np.nan
    row.bonuses = sums[BONUSES]
    row.penalties = sums[PENALTIES]
    row.part_b_payments = sums[PART_B]


@kernel
def _find_medians(final, zero, scratch, memory):
    """Median final score of every group, nan where nobody has one.

    Clinicians are counted by group in stretches of those who follow one another by final score.
    """
    ascending, middle = memory.ascending, memory.middle
    scored, positive = scratch.counts[0].scored, scratch.counts[0].positive
    zeros = 0
    for i in range(len(final) if scored > positive else 0):
        ascending[zeros] = i
        zeros += final[i] <= zero
    ascending[zeros : zeros + positive] = scratch.order[:positive]
    _count_stretches(ascending, scored, memory)
    for g in range(len(middle)):
        count = memory.counts[g, SCORED] if g > 0 else scored
        if count == 0:
            middle[g] = np.nan
        elif g == 0:
            lower, upper = ascending[(count - 1) // 2], ascending[count // 2]
            middle[g] = 0.5 * (final[lower] + final[upper])
        else:
            t = _place_of_member(g, (count - 1) // 2, ascending, memory)
            lower = final[ascending[t]]
            upper = lower
            if count % 2 == 0:
                upper = final[ascending[_next_member(g, t + 1, ascending, memory)]]
            middle[g] = 0.5 * (lower + upper)


@kernel
def _count_stretches(ascending, scored, memory):
    """Add up the marks of every so many who follow one another."""
    for block in range(len(memory.marks)):
        marks, stretches = memory.marks[block], memory.stretches[block]
        for s in range((scored + STRETCH - 1) // STRETCH):
            begin, end = STRETCH * s, min(STRETCH * (s + 1), scored)
            put_sum_of_marks(marks, ascending, begin, end, stretches[s])


@kernel
def _place_of_member(g, before, ascending, memory):
    """Where in ascending order the member of group g is whom ``before`` members precede."""
    block, word, shift = g // MARKS, g % MARKS // 8, np.uint64(8 * (g % 8))
    stretches = memory.stretches[block]
    left = before
    s = 0
    while True:
        members = np.int64(stretches[s, word] >> shift & np.uint64(255))
        if members > left:
            break
        left -= members
        s += 1
    t = _next_member(g, STRETCH * s, ascending, memory)
    for _ in range(left):
        t = _next_member(g, t + 1, ascending, memory)
    return t


@kernel
def _next_member(g, t, ascending, memory):
    """The first place from t on that has a member of group g; there must be one."""
    marks, word, mark = memory.marks[g // MARKS], g % MARKS // 8, _mark(g)
    while marks[np.uint64(ascending[t]), word] & mark == np.uint64(0):
        t += 1
    return t
