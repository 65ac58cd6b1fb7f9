"""Groups of peers within a cohort, for a rule that compares clinicians in smaller circles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import Peers
from asm_sim.kernels.rule.fit import Earlier, Fit, new_earlier, new_fit
from asm_sim.kernels.rule.observed import (
    Observed,
    Outcome,
    ends_of_groups,
    gather,
    new_observed,
    new_outcome,
    table_of,
)


class PeerRoom(NamedTuple):
    """Room for the groups of n clinicians, one group after the other."""

    group: NDArray[np.int64]  # [n] from 0
    before: NDArray[np.int64]  # [n] the same when they were made before
    complexity: NDArray[np.float64]  # [groups, 2, 3] of each group's fit
    members: NDArray[np.int64]  # [n] those of group 0, of group 1, ..., as they stand in the cohort
    observed: Observed
    outcome: Outcome
    fit: Fit
    earlier: Earlier


@kernel
def new_peer_room(rules, measures, n, specialties):
    """Room for n clinicians in groups, or none where the condition is the one group."""
    if rules.peers == Peers.CONDITION:
        n = 0
    return PeerRoom(
        group=np.zeros(n, np.int64),
        before=np.zeros(n, np.int64),
        complexity=np.zeros((max(specialties, len(rules.peer_size_limits) + 1), 2, 3)),
        members=np.empty(n, np.int64),
        observed=new_observed(measures, n),
        outcome=new_outcome(measures, n),
        fit=new_fit(rules, measures, n),
        earlier=new_earlier(rules, measures, n),
    )


@kernel
def group_peers(observed, specialty, rules, room):
    """Where groups end in ``room.members``, int64 [groups], and whether they are as before."""
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
    return ends_of_groups(group, room.members), moved == 0


@kernel
def earlier_of(earlier, members, room):
    """What earlier years have left of the rows ``members``, in the room of a whole cohort."""
    own_score = table_of(room.own_score, len(members))
    for back in range(len(own_score)):
        gather(earlier.own_score[back], members, own_score[back])
    return Earlier(Fit(*room.standard[:]), Fit(*room.made[:]), room.years, own_score)
