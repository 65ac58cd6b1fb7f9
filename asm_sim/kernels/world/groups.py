"""The groups by which results are told apart: five groupings, one after the other.

Group 0 is everyone. Where the groups of a grouping begin is said once, by
``asm_sim.population.compile``, which names them.
"""

from __future__ import annotations

from typing import NamedTuple

# Rows of a clinician's groups.
BY_SIZE, BY_PLACE, BY_SPECIALTY, BY_EPISODES, BY_DUAL_SHARE = range(5)


class FirstGroups(NamedTuple):
    """The first group of each grouping, for the clinicians of one cohort, in the order above."""

    size: int
    place: int
    specialty: int
    episodes: int
    dual_share: int


GROUPINGS = len(FirstGroups._fields)
