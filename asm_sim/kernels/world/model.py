"""The world as flat typed arrays: all that the kernels read of a population and its roster.

``asm_sim.population.compile`` fills them, one set for each cohort.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.world.behaviour import BehaviourModel
from asm_sim.kernels.world.geography import AreaModel
from asm_sim.kernels.world.groups import FirstGroups

Floats = NDArray[np.float64]
Addresses = NDArray[np.uint64]


class PracticeModel(NamedTuple):
    """P practices of a cohort; size classes solo, small, medium, large."""

    address: Addresses  # [2, P] low and high words
    small: NDArray[np.bool_]  # [P] flagged on the roster
    listed: Floats  # [P]
    solo_probability: Floats  # [P] 0 where more than one clinician is listed
    size_limits: Floats  # [3]
    medium_share: float
    rural_share: float
    ecqm_share: float
    persistence: float
    silent_below: Floats  # [4] the latent normal below which a practice reports nothing
    reporting_persistence: float
    full_credit: Floats  # [4]
    all_activities: float  # of the rule: activities completed, and score, that cost no points
    full_interoperability: float
    attestation_persistence: float
    one_activity_share: float
    interoperability_zero_share: float
    interoperability_lowest: float
    interoperability_highest: float
    stated: Floats  # [3, P] by the roster, nan where not: size, rural, collection type; or [3, 0]
    aco_share: float
    consolidation_share: float  # of the solo and small practices in a year
    consolidation_after_loss: float  # the same for each 1 of Part B payments lost


class CohortModel(NamedTuple):
    """n clinicians of one cohort; M measures, G collection types, K percentiles, S specialties."""

    address: Addresses  # [2, n]
    practice: NDArray[np.int64]  # [n] index into the cohort's practices
    performance_years: int
    # who takes part, and where
    redetermined: bool  # participants anew every year
    absences: bool  # somebody may take no part in a year
    areas: AreaModel
    episode_minimum: Floats  # [Y] episodes two years before
    entry: NDArray[np.int64]  # [n] first performance year index; negative: to be drawn
    places_change: bool  # clinicians move, or practices join others
    move_share: float
    seats: NDArray[np.int64]  # practice of every clinician of the roster, ascending
    large_size: float  # least number of clinicians of a large practice
    calendar_years: int  # performance years and the payment years beyond
    payment_lag: int
    # traits
    specialty_cumulative: Floats  # [S]
    hcc_mean: Floats  # [S]
    hcc_sd: Floats  # [S]
    hcc_floor: float
    dual_logit_mean: float
    dual_logit_sd: float
    hcc_dual_correlation: float
    dual_limits: Floats  # [4] dual share that parts the fifths of the clinicians
    episodes_minimum: float
    episodes_log_mean: float
    episodes_sigma: float
    episodes_drift_sd: float
    part_b_log_mean: float
    part_b_sigma: float
    part_b_correlation: float
    part_b_change_sd: float
    part_b_log_trend: float
    exit_share: float  # stops practising in a calendar year
    retires: bool  # or at the end of a career
    retirement_mean: float  # age
    retirement_sd: float
    career_start: float  # age
    improving_share: float
    improvement: float  # SDs of true performance a year of those who improve
    cases_log_median: Floats  # [M]
    cases_sigma: float
    cases_volume_share: float
    low_completeness_share: float
    low_completeness: float
    completeness_lowest: float
    # quality
    slot: NDArray[np.int64]  # [M]
    reported: NDArray[np.bool_]  # [M]
    collection_of: NDArray[np.int8]  # [M, G] type used by a practice of this type
    proportion: NDArray[np.bool_]  # [M] a share of cases; otherwise normal
    knot_z: Floats  # [K]
    knot_rate: Floats  # [M, G * K] percent, at ascending quality
    normal_location: Floats  # [M]
    normal_signal: Floats  # [M] change per SD of quality, negative where lower is better
    normal_noise: Floats  # [M] noise SD of one case
    yearly_change: Floats  # [M] points a year
    rate_maximum: Floats  # [M]
    clinician_share: float
    practice_share: float
    quality_permanent_share: float
    quality_persistence: float
    spread: float
    # cost
    cost_median: Floats  # [Y] USD
    cost_sigma: float
    cost_cv: float  # coefficient of variation of one episode
    cost_permanent_share: float
    cost_persistence: float
    cost_quality_correlation: float
    # shocks and overlap (kernels/world/shocks.py)
    shifts_level: NDArray[np.bool_]  # [M] whether a level shifts in any year
    level_shift: Floats  # [M, Y, G] added to the true rates
    circumstances: bool  # whether extreme circumstances can happen
    state: NDArray[np.int64]  # [n] index into the cohort's S states
    state_address: Addresses  # [2, S]
    state_named: NDArray[np.bool_]  # [Y, S]
    state_probability: float
    circumstances_share: float
    circumstances_loss: float  # SDs of true performance
    misattributed_share: float
    shifted: bool  # whether the shifts of performance below, or the loss above, are any
    aco_quality: float  # SDs of true quality
    aco_cost: float  # SDs of latent cost
    aco_sharing_rate: float  # of what an organization saves
    # groups
    episode_bands: Floats
    first_group: FirstGroups
    # what the roster states, nan where not: specialty, episodes, Part B, HCC score, dual share
    stated: Floats  # [5, n] or [5, 0]
    # group effects and patient selection
    group_effects: Floats  # [2, 7 + S] SDs of latent quality and cost, or [2, 0]
    trait_limit: float  # SDs
    selection_share: float
    selection_change: float  # SDs a year
    behaviour: BehaviourModel
