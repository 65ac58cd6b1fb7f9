"""Groups of peers within a cohort, for a rule that compares clinicians in smaller circles."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import Peers


@kernel
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
