"""Groups of peers within a cohort: an alternative to comparing everyone with the condition."""

from __future__ import annotations

from collections.abc import Hashable

from asm_sim.reference.rows import Clinician, input_error
from asm_sim.rules.schema import RuleSet


def peer_group(clinician: Clinician, rules: RuleSet) -> Hashable:
    """What a clinician's peers have in common.

    Raises ``ValueError`` where specialties are compared and the clinician's is blank.
    """
    match rules.peers.basis.value:
        case "specialty":
            if clinician.specialty is None:
                raise input_error(
                    clinician.clinician_id, "specialties are compared, but specialty is blank"
                )
            return clinician.specialty
        case "practice_size":
            return sum(clinician.practice_size > limit for limit in rules.peers.size_limits.value)
        case _:
            return None
