"""Scoring practices as a whole: every clinician gets what the practice (TIN) has achieved.

Cases, numerators, episodes and costs of the cohort's clinicians in a practice are added up before
anything is scored, but for those of clinicians whom extreme circumstances excuse, so that
benchmarks, points and scores are those of the practice, held by each of its clinicians. Practice
size, patients' traits and what is attested stay the clinician's own. Means are taken as differences
from the first value, so that equal values have exactly that mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import inlined, kernel
from asm_sim.kernels.choices import ScoringLevel
from asm_sim.kernels.rule.observed import Observed, ends_of_groups


@kernel
def pools(rules):
    alone = ScoringLevel.CLINICIAN
    return rules.quality_level != alone or rules.cost_level != alone


@inlined
def with_pooled(observed, room):
    """The same clinicians with ``room`` for all that a practice has as a whole."""
    return Observed(
        room.rate,
        room.cases,
        room.completeness,
        room.collection,
        room.episodes,
        room.episode_cost,
        *observed[6:],
    )


class PoolRoom(NamedTuple):
    """The n clinicians of a cohort by practice."""

    members: NDArray[np.int64]  # [n] those of practice 0, of practice 1, ..., as in the cohort
    ends: NDArray[np.int64]  # [practices] of each in ``members``


@kernel
def new_pool_room(rules, n, practices):
    """Room for n clinicians in so many practices, or none where nothing is pooled."""
    if not pools(rules):
        n = practices = 0
    return PoolRoom(np.empty(n, np.int64), np.zeros(practices, np.int64))


@kernel
def pool_practices(observed, practice, rules, same_reports, pooled, room):
    """Write into ``pooled`` what is scored of each clinician; ``practice`` [n] numbers from 0.

    ``pooled`` is that of :func:`with_pooled`: what stays the clinician's own is there already. With
    ``same_reports`` so is what the same clinicians have reported, and ``room`` is as it was left.
    """
    if not same_reports:
        ends = ends_of_groups(practice, room.members)
        room.ends[:] = len(practice)
        room.ends[: len(ends)] = ends
    for m in range(len(observed.rate)):
        if not same_reports:
            _pool_reports(observed, room, rules, m, pooled)
        _pool_rate(observed, room, rules, m, pooled.rate[m])
    _pool_cost(observed, room, rules, pooled)


@inlined
def _is_pooled(level, size, largest_small):
    small = level == ScoringLevel.SMALL_PRACTICES and size <= largest_small
    return level == ScoringLevel.PRACTICE or small


@kernel
def _pool_reports(observed, room, rules, m, pooled):
    """Eligible cases, completeness over all of them, and the collection type.

    Of a measure that CMS computes from claims cases without a rate are left out. Nothing branches
    on what a clinician has, here and below: a processor cannot guess it.
    """
    rate, cases, completeness = observed.rate[m], observed.cases[m], observed.completeness[m]
    collection, size = observed.collection[m], observed.practice_size
    pooled_cases, pooled_completeness = pooled.cases[m], pooled.completeness[m]
    pooled_collection = pooled.collection[m]
    neutral, circumstances = rules.circumstances_neutral, observed.extreme_circumstances
    level, largest_small = rules.quality_level, rules.small_maximum_clinicians
    from_claims = not rules.measure_reported[m]
    begin = np.uint64(0)
    for stop in room.ends:
        end = np.uint64(stop)
        eligible = excess = 0.0
        first = np.nan
        some = stated = False
        kind = np.int8(-1)
        for t in range(begin, end):
            i = np.uint64(room.members[t])
            counted = not (neutral and circumstances[i] == 1.0)
            kind = max(kind, collection[i] if counted else np.int8(-1))
            number, share = cases[i], completeness[i]
            counted &= (number == number) & ((rate[i] == rate[i]) | (not from_claims))
            is_stated = share == share
            share = share if is_stated else 0.0
            first = share if counted & (not some) else first
            difference = (share - first) * number
            excess += difference if counted else 0.0
            eligible += number if counted else 0.0
            stated |= counted & is_stated
            some |= counted
        complete = first + excess / eligible if stated and eligible > 0.0 else np.nan
        eligible = eligible if some else np.nan
        for t in range(begin, end):
            i = np.uint64(room.members[t])
            own = not _is_pooled(level, size[i], largest_small)
            pooled_cases[i] = cases[i] if own else eligible
            pooled_completeness[i] = completeness[i] if own else complete
            pooled_collection[i] = collection[i] if own else kind
        begin = end


@kernel
def _pool_rate(observed, room, rules, m, pooled):
    """The rate over all reported cases, or over all with a rate where CMS has them from claims.

    Reported are the eligible cases times their completeness, none where that is blank.
    """
    rate, cases, completeness = observed.rate[m], observed.cases[m], observed.completeness[m]
    neutral, circumstances = rules.circumstances_neutral, observed.extreme_circumstances
    level, largest_small = rules.quality_level, rules.small_maximum_clinicians
    from_claims, size = not rules.measure_reported[m], observed.practice_size
    begin = np.uint64(0)
    for stop in room.ends:
        end = np.uint64(stop)
        reported = excess = 0.0
        first = np.nan
        for t in range(begin, end):
            i = np.uint64(room.members[t])
            value = rate[i]
            number = cases[i] if from_claims else cases[i] * completeness[i]
            excused = neutral and circumstances[i] == 1.0
            counted = (value == value) & (number > 0.0) & (not excused)
            first = value if counted & (not reported > 0.0) else first
            difference = (value - first) * number
            excess += difference if counted else 0.0
            reported += number if counted else 0.0
        mean = first + excess / reported if reported > 0.0 else np.nan
        for t in range(begin, end):
            i = np.uint64(room.members[t])
            pooled[i] = mean if _is_pooled(level, size[i], largest_small) else rate[i]
        begin = end


@kernel
def _pool_cost(observed, room, rules, pooled):
    """Cost by episodes; episodes whose cost is blank are left out."""
    episodes, cost, size = observed.episodes, observed.episode_cost, observed.practice_size
    pooled_episodes, pooled_cost = pooled.episodes, pooled.episode_cost
    neutral, circumstances = rules.circumstances_neutral, observed.extreme_circumstances
    level, largest_small = rules.cost_level, rules.small_maximum_clinicians
    begin = np.uint64(0)
    for stop in room.ends:
        end = np.uint64(stop)
        number = excess = 0.0
        first = np.nan
        some = False
        for t in range(begin, end):
            i = np.uint64(room.members[t])
            value, count = cost[i], episodes[i]
            excused = neutral and circumstances[i] == 1.0
            counted = (count == count) & (value == value) & (not excused)
            first = value if counted & (not some) else first
            difference = (value - first) * count
            excess += difference if counted else 0.0
            number += count if counted else 0.0
            some |= counted
        mean = first + excess / number if number > 0.0 else np.nan
        number = number if some else np.nan
        for t in range(begin, end):
            i = np.uint64(room.members[t])
            own = not _is_pooled(level, size[i], largest_small)
            pooled_episodes[i] = episodes[i] if own else number
            pooled_cost[i] = cost[i] if own else mean
        begin = end
