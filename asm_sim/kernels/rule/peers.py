"""Groups of peers within a cohort, for a rule that compares clinicians in smaller circles."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels.choices import Peers
from asm_sim.kernels.numeric._jit import inlined, kernel
from asm_sim.kernels.rule.fit import Observed

# In the order of rules/compile.py.


@inlined
def peer_groups(observed, specialty, rules):
    """The group of each clinician, int64 [n] from 0, and the number of groups."""
    n = len(observed.practice_size)
    group = np.zeros(n, np.int64)
    groups = 1
    for i in range(n):
        if rules.peers == Peers.SPECIALTY:
            group[i] = specialty[i]
        elif rules.peers == Peers.PRACTICE_SIZE:
            for limit in rules.peer_size_limits:
                group[i] += observed.practice_size[i] > limit
        groups = max(groups, group[i] + 1)
    return group, groups


@kernel
def among(observed, members):
    """The rows ``members`` (int64 [k]) of a cohort-year."""
    return Observed(
        _columns(observed.rate, members),
        _columns(observed.cases, members),
        _columns(observed.completeness, members),
        _columns(observed.collection, members),
        observed.episodes[members],
        observed.episode_cost[members],
        observed.improvement_activities[members],
        observed.pi_score[members],
        observed.practice_size[members],
        observed.hcc_risk_score[members],
        observed.dual_share[members],
        observed.part_b_payments[members],
        observed.rural[members],
        observed.extreme_circumstances[members],
    )


@kernel
def _columns(table, members):
    taken = np.empty((len(table), len(members)), table.dtype)
    for row in range(len(table)):
        for k in range(len(members)):
            taken[row, k] = table[row, members[k]]
    return taken


@kernel
def put_back(part, members, outcome):
    """Write the outcome of the rows ``members`` where they stand in the cohort."""
    for m in range(len(part.points)):
        for k in range(len(members)):
            outcome.points[m, members[k]] = part.points[m, k]
    for k in range(len(members)):
        i = members[k]
        outcome.quality_score[i] = part.quality_score[k]
        outcome.cost_points[i] = part.cost_points[k]
        outcome.cost_score[i] = part.cost_score[k]
        outcome.improvement_activities_adjustment[i] = part.improvement_activities_adjustment[k]
        outcome.promoting_interoperability_adjustment[i] = (
            part.promoting_interoperability_adjustment[k]
        )
        outcome.small_practice_adjustment[i] = part.small_practice_adjustment[k]
        outcome.complex_patient_adjustment[i] = part.complex_patient_adjustment[k]
        outcome.final_score[i] = part.final_score[k]
        outcome.transformed_score[i] = part.transformed_score[k]
        outcome.payment_adjustment_factor[i] = part.payment_adjustment_factor[k]
