"""The groups by which results are told apart: five groupings, one after the other.

Group 0 is everyone. Where the groups of a grouping begin is said once, by
``asm_sim.population.compile``, which names them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Rows of a clinician's groups.
BY_SIZE, BY_PLACE, BY_SPECIALTY, BY_EPISODES, BY_DUAL_SHARE = range(5)


class FirstGroups(NamedTuple):
    """The first group of each grouping, for the clinicians of one cohort, in the order above."""

    size: int
    place: int
    specialty: int
    episodes: int
    dual_share: int


class GroupModel(NamedTuple):
    """Where groups begin and end, the same in all draws."""

    first: FirstGroups
    episode_bands: NDArray[np.float64]  # mean episodes at which a band ends
    dual_limits: NDArray[np.float64]  # [4] dual share that parts the fifths of the clinicians


GROUPINGS = len(FirstGroups._fields)
