"""Scoring practices as a whole: every clinician gets what the practice (TIN) has achieved.

Cases, numerators, episodes and costs of the cohort's clinicians in a practice are added up before
anything is scored, but for those of clinicians whom extreme circumstances excuse, so that
benchmarks, points and scores are those of the practice, held by each of its clinicians. Practice
size, patients' traits and what is attested stay the clinician's own. Means are taken as differences
from the first value, so that equal values have exactly that mean.
"""

from __future__ import annotations

import numpy as np

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


@kernel
def pool_practices(observed, practice, rules, pooled):
    """Write into ``pooled`` what is scored of each clinician; ``practice`` [n] numbers from 0.

    ``pooled`` is that of :func:`with_pooled`: what stays the clinician's own is there already.
    """
    members = np.empty(len(practice), np.int64)
    ends = ends_of_groups(practice, members)
    for m in range(len(observed.rate)):
        _pool_measure(observed, members, ends, rules, m, pooled)
    _pool_cost(observed, members, ends, rules, pooled)


@inlined
def _is_pooled(level, size, largest_small):
    small = level == ScoringLevel.SMALL_PRACTICES and size <= largest_small
    return level == ScoringLevel.PRACTICE or small


@kernel
def _pool_measure(observed, members, ends, rules, m, pooled):
    """The rate over all reported cases, and the completeness over all eligible ones.

    Reported are the eligible cases times their completeness, none where that is blank. Of a measure
    that CMS computes from claims all cases with a rate count, and others are left out.
    """
    rate, cases, completeness = observed.rate[m], observed.cases[m], observed.completeness[m]
    collection, size = observed.collection[m], observed.practice_size
    pooled_rate, pooled_cases = pooled.rate[m], pooled.cases[m]
    pooled_completeness, pooled_collection = pooled.completeness[m], pooled.collection[m]
    neutral, circumstances = rules.circumstances_neutral, observed.extreme_circumstances
    level, largest_small = rules.quality_level, rules.small_maximum_clinicians
    from_claims = not rules.measure_reported[m]
    begin = 0
    for end in ends:
        eligible = excess_complete = reported = excess = 0.0
        first_complete = first = np.nan
        counted = stated = 0
        kind = np.int8(-1)
        for t in range(begin, end):
            i = members[t]
            if neutral and circumstances[i] == 1.0:
                continue
            kind = max(kind, collection[i])
            has_rate = rate[i] == rate[i]
            if cases[i] != cases[i] or (from_claims and not has_rate):
                continue
            is_stated = completeness[i] == completeness[i]
            share = completeness[i] if is_stated else 0.0
            first_complete = first_complete if counted > 0 else share
            excess_complete += (share - first_complete) * cases[i]
            eligible += cases[i]
            stated += is_stated
            counted += 1
            number = cases[i] * (1.0 if from_claims else share)
            if has_rate and number > 0.0:
                first = first if reported > 0.0 else rate[i]
                excess += (rate[i] - first) * number
                reported += number
        mean = first + excess / reported if reported > 0.0 else np.nan
        is_known = stated > 0 and eligible > 0.0
        complete = first_complete + excess_complete / eligible if is_known else np.nan
        eligible = eligible if counted > 0 else np.nan
        for t in range(begin, end):
            i = members[t]
            own = not _is_pooled(level, size[i], largest_small)
            pooled_rate[i] = rate[i] if own else mean
            pooled_cases[i] = cases[i] if own else eligible
            pooled_completeness[i] = completeness[i] if own else complete
            pooled_collection[i] = collection[i] if own else kind
        begin = end


@kernel
def _pool_cost(observed, members, ends, rules, pooled):
    """Cost by episodes; episodes whose cost is blank are left out."""
    episodes, cost, size = observed.episodes, observed.episode_cost, observed.practice_size
    neutral, circumstances = rules.circumstances_neutral, observed.extreme_circumstances
    level, largest_small = rules.cost_level, rules.small_maximum_clinicians
    begin = 0
    for end in ends:
        number = excess = 0.0
        first = np.nan
        counted = 0
        for t in range(begin, end):
            i = members[t]
            excused = neutral and circumstances[i] == 1.0
            if excused or episodes[i] != episodes[i] or cost[i] != cost[i]:
                continue
            first = first if counted > 0 else cost[i]
            excess += (cost[i] - first) * episodes[i]
            number += episodes[i]
            counted += 1
        mean = first + excess / number if number > 0.0 else np.nan
        number = number if counted > 0 else np.nan
        for t in range(begin, end):
            i = members[t]
            own = not _is_pooled(level, size[i], largest_small)
            pooled.episodes[i] = episodes[i] if own else number
            pooled.episode_cost[i] = cost[i] if own else mean
        begin = end
