"""Groups of peers within a cohort, for a rule that compares clinicians in smaller circles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import Peers
from asm_sim.kernels.rule.fit import Earlier, Fit, Scratch, new_fit
from asm_sim.kernels.rule.observed import (
    Observed,
    Outcome,
    block_of,
    ends_of_groups,
    gather,
    new_observed,
    new_outcome,
)


class PeerRoom(NamedTuple):
    """Room for the groups of n clinicians, who stand in it one group after the other."""

    group: NDArray[np.int64]  # [n] from 0
    before: NDArray[np.int64]  # [n] the same when they were made before; -1: never
    complexity: NDArray[np.float64]  # [groups, 2, 3] of each group's fit
    members: NDArray[np.int64]  # [n] those of group 0, of group 1, ..., as they stand in the cohort
    ends: NDArray[np.int64]  # [groups] of each in what is one group after the other
    observed: Observed
    outcome: Outcome
    fit: Fit
    own_score: NDArray[np.float64]  # [3, n]


@kernel
def new_peer_room(rules, measures, n, specialties):
    """Room for n clinicians in groups, or none where the condition is the one group."""
    if rules.peers == Peers.CONDITION:
        n = 0
    groups = max(specialties, len(rules.peer_size_limits) + 1)
    return PeerRoom(
        group=np.full(n, -1, np.int64),
        before=np.empty(n, np.int64),
        complexity=np.zeros((groups, 2, 3)),
        members=np.empty(n, np.int64),
        ends=np.zeros(groups, np.int64),
        observed=new_observed(measures, n),
        outcome=new_outcome(measures, n),
        fit=new_fit(rules, measures, n),
        own_score=np.empty((3, n)),
    )


@kernel
def group_peers(observed, specialty, rules, room):
    """Put clinicians into their groups in ``room``; whether everyone is where one was before."""
    group, before, size = room.group, room.before, observed.practice_size
    n = len(group)
    before[:] = group
    group[:] = 0
    if rules.peers == Peers.SPECIALTY:
        for i in range(n):
            group[i] = specialty[i]
    elif rules.peers == Peers.PRACTICE_SIZE:
        for limit in rules.peer_size_limits:
            for i in range(n):
                group[i] += size[i] > limit
    moved = 0
    for i in range(n):
        moved += group[i] != before[i]
    if moved > 0:
        ends = ends_of_groups(group, room.members)
        room.ends[:] = n
        room.ends[: len(ends)] = ends
    return moved == 0


@kernel
def scratch_of(scratch, begin, end):
    """The scratch of a group, in that of a whole cohort: what counts of its members is its own."""
    return Scratch(
        block_of(scratch.status, begin, end),
        scratch.must_submit[begin:end],
        scratch.submitted[begin:end],
        *scratch[3:],
    )


@kernel
def earlier_of(earlier, rules, members, own_score):
    """What earlier years have left of the rows ``members``; room for their own scores is given.

    Benchmarks of earlier years go with the condition as the one group alone.
    """
    for back in range(1, rules.averaging_years):
        gather(earlier.own_score[back], members, own_score[back])
    return Earlier(Fit(*earlier.standard[:]), Fit(*earlier.made[:]), earlier.years, own_score)
