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
from asm_sim.kernels.rule.observed import copy_observed


@kernel
def pools(rules):
    alone = ScoringLevel.CLINICIAN
    return rules.quality_level != alone or rules.cost_level != alone


@kernel
def pool_practices(observed, practice, rules, pooled):
    """Write into ``pooled`` what is scored of each clinician; ``practice`` [n] numbers from 0."""
    copy_observed(observed, pooled)
    sums = np.zeros((7, practice.max() + 1 if len(practice) > 0 else 0))
    if rules.quality_level != ScoringLevel.CLINICIAN:
        kind = np.empty(sums.shape[1], np.int8)
        for m in range(len(observed.rate)):
            _pool_measure(observed, practice, rules, m, sums, kind, pooled)
    if rules.cost_level != ScoringLevel.CLINICIAN:
        _pool_cost(observed, practice, rules, sums, pooled)


@inlined
def _is_pooled(level, size, rules):
    return level == ScoringLevel.PRACTICE or size <= rules.small_maximum_clinicians


@inlined
def _is_excused(observed, rules, i):
    return rules.circumstances_neutral and observed.extreme_circumstances[i] == 1.0


@kernel
def _pool_measure(observed, practice, rules, m, sums, kind, pooled):
    """The rate over all reported cases, and the completeness over all eligible ones.

    Reported are the eligible cases times their completeness, none where that is blank. Of a measure
    that CMS computes from claims all cases with a rate count, and others are left out.
    """
    rate, cases, completeness = observed.rate[m], observed.cases[m], observed.completeness[m]
    first, excess, reported, eligible = sums[0], sums[1], sums[2], sums[3]
    first_complete, excess_complete, stated = sums[4], sums[5], sums[6]
    first[:] = np.nan
    excess[:] = 0.0
    reported[:] = 0.0
    eligible[:] = np.nan
    first_complete[:] = np.nan
    excess_complete[:] = 0.0
    stated[:] = 0.0
    kind[:] = -1
    from_claims = not rules.measure_reported[m]
    for i in range(len(rate)):
        p = practice[i]
        if _is_excused(observed, rules, i):
            continue
        has_rate = rate[i] == rate[i]
        kind[p] = max(kind[p], observed.collection[m, i])
        if cases[i] != cases[i] or (from_claims and not has_rate):
            continue
        eligible[p] = cases[i] + (eligible[p] if eligible[p] == eligible[p] else 0.0)
        is_stated = completeness[i] == completeness[i]
        share = completeness[i] if is_stated else 0.0
        number = cases[i] * (1.0 if from_claims else share)
        if has_rate and number > 0.0:
            first[p] = first[p] if first[p] == first[p] else rate[i]
            excess[p] += (rate[i] - first[p]) * number
            reported[p] += number
        first_complete[p] = first_complete[p] if first_complete[p] == first_complete[p] else share
        excess_complete[p] += (share - first_complete[p]) * cases[i]
        stated[p] += is_stated
    for i in range(len(rate)):
        if _is_pooled(rules.quality_level, observed.practice_size[i], rules):
            p = practice[i]
            mean = first[p] + excess[p] / reported[p]
            pooled.rate[m, i] = mean if reported[p] > 0.0 else np.nan
            pooled.cases[m, i] = eligible[p]
            share = first_complete[p] + excess_complete[p] / eligible[p]
            known = stated[p] > 0.0 and eligible[p] > 0.0
            pooled.completeness[m, i] = share if known else np.nan
            pooled.collection[m, i] = kind[p]


@kernel
def _pool_cost(observed, practice, rules, sums, pooled):
    """Cost by episodes; episodes whose cost is blank are left out."""
    episodes, cost = observed.episodes, observed.episode_cost
    first, excess, number = sums[0], sums[1], sums[2]
    first[:] = np.nan
    excess[:] = 0.0
    number[:] = np.nan
    for i in range(len(episodes)):
        known = episodes[i] == episodes[i] and cost[i] == cost[i]
        if known and not _is_excused(observed, rules, i):
            p = practice[i]
            number[p] = episodes[i] + (number[p] if number[p] == number[p] else 0.0)
            first[p] = first[p] if first[p] == first[p] else cost[i]
            excess[p] += (cost[i] - first[p]) * episodes[i]
    for i in range(len(episodes)):
        if _is_pooled(rules.cost_level, observed.practice_size[i], rules):
            p = practice[i]
            pooled.episodes[i] = number[p]
            mean = first[p] + excess[p] / number[p]
            pooled.episode_cost[i] = mean if number[p] > 0.0 else np.nan
