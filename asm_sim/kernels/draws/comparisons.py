"""What one year's adjustments are held against: the year before, and the truth."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.draws.summaries import row_of
from asm_sim.kernels.numeric.sums import add_lanes, clear, lanes_from, new_room, places, stretches
from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE

# Sums over those with two ranks, whole numbers among them, and then of squares and products of
# deviations.
_BOTH, _SIGN, _FIFTH, _RANK, _OTHER_RANK, _A, _T = places(7)
_RR, _SS, _RS, _AA, _TT, _AT, _CHANCE = places(7)


@inlined
def _rank_correlation(room):
    """Of two rows of ranks; nan where one of two is constant."""
    rr, ss, rs = add_lanes(room, _RR), add_lanes(room, _SS), add_lanes(room, _RS)
    return rs / np.sqrt(rr * ss) if rr > 0.0 and ss > 0.0 else np.nan


@kernel
def compare_with_year_before(y, outcome, memory, row):
    """Year-over-year statistics, over clinicians with a final score in both years."""
    if y == 0:
        row.rank_correlation = row.sign_change_share = row.adjustment_change_sd = np.nan
        return
    factor, before = outcome.payment_adjustment_factor, memory.adjustment_before
    rank, rank_before = memory.rank[row_of(y)], memory.rank[row_of(y - 1)]
    n = len(factor)
    _count_transitions(y, memory)
    room = new_room()
    clear(room, 7)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            i = begin + lane
            a, b, r, s = factor[i], before[i], rank[i], rank_before[i]
            both = (r == r) & (s == s)
            changed = both & ((a < -SIGN_TOLERANCE) != (b < -SIGN_TOLERANCE))
            room[_BOTH + lane] += 1.0 if both else 0.0
            room[_SIGN + lane] += 1.0 if changed else 0.0
            room[_A + lane] += a - b if both else 0.0
            room[_RANK + lane] += r if both else 0.0
            room[_OTHER_RANK + lane] += s if both else 0.0
    count, changed_sign = add_lanes(room, _BOTH), add_lanes(room, _SIGN)
    known = count if count > 0.0 else np.nan
    mean = add_lanes(room, _A) / known
    mean_rank, mean_before = add_lanes(room, _RANK) / known, add_lanes(room, _OTHER_RANK) / known
    clear(room, 4)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            i = begin + lane
            a, b, r, s = factor[i], before[i], rank[i], rank_before[i]
            both = (r == r) & (s == s)
            change = a - b - mean if both else 0.0
            r = r - mean_rank if both else 0.0
            s = s - mean_before if both else 0.0
            room[_AA + lane] += change * change
            room[_RR + lane] += r * r
            room[_SS + lane] += s * s
            room[_RS + lane] += r * s
    squares = add_lanes(room, _AA)
    row.rank_correlation = _rank_correlation(room)
    row.sign_change_share = changed_sign / known
    row.adjustment_change_sd = np.sqrt(squares / (count - 1)) if count > 1.0 else np.nan


@kernel
def _count_transitions(y, memory):
    """How many went from which fifth to which."""
    rank, rank_before = memory.rank[row_of(y)], memory.rank[row_of(y - 1)]
    fifth, fifth_before = memory.fifth[row_of(y)], memory.fifth[row_of(y - 1)]
    transitions = memory.transitions
    for i in range(len(rank)):
        if rank[i] == rank[i] and rank_before[i] == rank_before[i]:
            transitions[np.uint64(fifth_before[i]), np.uint64(fifth[i])] += 1.0


@kernel
def compare_with_truth(y, outcome, truth, memory, row):
    """Observed adjustments of year y against the noise-free ones of the same draw."""
    factor, true = outcome.payment_adjustment_factor, truth.payment_adjustment_factor
    rank, rank_true = memory.rank[row_of(y)], memory.rank_true
    fifth, fifth_true = memory.fifth[row_of(y)], memory.fifth_true
    n = len(factor)
    room = new_room()
    clear(room, 7)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            i = begin + lane
            a, t, r, s = factor[i], true[i], rank[i], rank_true[i]
            both = (r == r) & (s == s)
            wrong_sign = both & ((a < -SIGN_TOLERANCE) != (t < -SIGN_TOLERANCE))
            room[_BOTH + lane] += 1.0 if both else 0.0
            room[_SIGN + lane] += 1.0 if wrong_sign else 0.0
            room[_FIFTH + lane] += 1.0 if both & (fifth[i] != fifth_true[i]) else 0.0
            room[_A + lane] += a if both else 0.0
            room[_T + lane] += t if both else 0.0
            room[_RANK + lane] += r if both else 0.0
            room[_OTHER_RANK + lane] += s if both else 0.0
    count = add_lanes(room, _BOTH)
    known = count if count > 0.0 else np.nan
    row.misclassified_share = add_lanes(room, _SIGN) / known
    row.misclassified_quintile_share = add_lanes(room, _FIFTH) / known
    mean_a, mean_t = add_lanes(room, _A) / known, add_lanes(room, _T) / known
    mean_rank, mean_true = add_lanes(room, _RANK) / known, add_lanes(room, _OTHER_RANK) / known
    clear(room, 7)
    for begin in stretches(n):
        for lane in lanes_from(begin, n):
            i = begin + lane
            a, t, r, s = factor[i], true[i], rank[i], rank_true[i]
            both = (r == r) & (s == s)
            a = a - mean_a if both else 0.0
            t = t - mean_t if both else 0.0
            r = r - mean_rank if both else 0.0
            s = s - mean_true if both else 0.0
            room[_AA + lane] += a * a
            room[_TT + lane] += t * t
            room[_AT + lane] += a * t
            room[_CHANCE + lane] += (a - t) * (a - t)
            room[_RR + lane] += r * r
            room[_SS + lane] += s * s
            room[_RS + lane] += r * s
    aa, tt, at = add_lanes(room, _AA), add_lanes(room, _TT), add_lanes(room, _AT)
    chance = add_lanes(room, _CHANCE)
    row.rank_correlation_with_truth = _rank_correlation(room)
    row.chance_sd = np.sqrt(chance / (count - 1)) if count > 1.0 else np.nan
    row.chance_variance_share = chance / aa if aa > 0.0 else np.nan
    row.reliability = at * at / (aa * tt) if aa > 0.0 and tt > 0.0 else np.nan
