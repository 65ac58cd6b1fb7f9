"""The world as flat typed arrays: all that the kernels read of a population and its roster.

A part stands beside the kernels that read it, and ``asm_sim.population`` has a file of the same
name that fills it; ``asm_sim.population.compile`` puts the parts of a cohort together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.world.behaviour import BehaviourModel
from asm_sim.kernels.world.effects import EffectModel
from asm_sim.kernels.world.geography import AreaModel
from asm_sim.kernels.world.groups import GroupModel
from asm_sim.kernels.world.participation import ParticipationModel
from asm_sim.kernels.world.patients import PatientModel
from asm_sim.kernels.world.performance import CostModel, ImprovementModel, QualityModel
from asm_sim.kernels.world.practices import ConsolidationModel
from asm_sim.kernels.world.reporting import AttestationModel, CompletenessModel, ReportingModel
from asm_sim.kernels.world.shocks import ShockModel
from asm_sim.kernels.world.volume import VolumeModel


class PracticeModel(NamedTuple):
    """P practices of a cohort; size classes solo, small, medium, large."""

    address: NDArray[np.uint64]  # [2, P] low and high words
    small: NDArray[np.bool_]  # [P] flagged on the roster
    listed: NDArray[np.float64]  # [P]
    solo_probability: NDArray[np.float64]  # [P] 0 where more than one clinician is listed
    size_limits: NDArray[np.float64]  # [3]
    medium_share: float
    rural_share: float
    ecqm_share: float
    quality_persistence: float
    reporting: ReportingModel
    attestation: AttestationModel
    # what the roster states, nan where not: size, rural, collection type
    stated: NDArray[np.float64]  # [3, P] or [3, 0]
    aco_share: float
    consolidation: ConsolidationModel


class CohortModel(NamedTuple):
    """n clinicians of one cohort."""

    address: NDArray[np.uint64]  # [2, n] low and high words
    practice: NDArray[np.int64]  # [n] index into the cohort's practices
    performance_years: int
    calendar_years: int  # performance years and the payment years beyond
    payment_lag: int
    stated: NDArray[np.float64]  # [6, n] what the roster states, nan where not, or [6, 0]
    special_status_share: float
    groups: GroupModel
    areas: AreaModel
    participation: ParticipationModel
    patients: PatientModel
    volume: VolumeModel
    completeness: CompletenessModel
    quality: QualityModel
    cost: CostModel
    improvement: ImprovementModel
    effects: EffectModel
    shocks: ShockModel
    behaviour: BehaviourModel
