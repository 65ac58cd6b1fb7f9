"""The rule as flat typed arrays: all that the kernels read of a rule set, one set for each cohort.

``asm_sim.rules.compile`` and ``compile_mips`` fill them. Numbers that a rule set may change by
year are fields of one record a year, ``rules.year[y].steepness``: one array is far faster to
compile than an array for each of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class CohortRules(NamedTuple):
    """What the kernels need of the rule for one cohort: M quality measures, Y performance years.

    And G collection types, K cut points.
    """

    year: NDArray[np.void]  # [Y] records: all numbers that may change by year (_by_year)
    # who is scored together, and compared with whom
    quality_level: int
    cost_level: int
    peers: int
    peer_size_limits: Floats
    # quality measures, [M]
    measure_by_deciles: Flags
    measure_inverse: Flags
    measure_reported: Flags
    measure_is_percentage: Flags
    measure_pooled: Flags  # one benchmark over all collection types
    measure_suspended: Flags  # [M, Y]
    collection_types: int
    # quality
    quality_points_maximum: float
    decile_percentiles: Floats
    quality_curve_z: Floats
    quality_curve_points: Floats
    quality_reference: int
    national_cut_points: Floats  # [M, G, K] as in a fit; nan where benchmarks are not national
    national_location: Floats  # [M, G, 2]
    national_benchmark: Flags  # [M, G] whether there is one
    topped_out: int
    topped_out_merit: Floats  # [M, Y] median from which on; negated where inverse; inf: never
    quality_shrinkage: int
    # cost
    cost_points_maximum: float
    cost_curve_z: Floats
    cost_curve_points: Floats
    cost_reference: int
    national_cost: Floats  # [Y, 2] median and SD, USD; nan where benchmarks are not national
    cost_shrinkage: int
    # modifiers
    activities_adjustment: Floats
    activities_blank: int
    interoperability_maximum: float
    interoperability_exempt: int
    interoperability_blank: float
    small_maximum_clinicians: int
    complex_form: int
    # final score
    missing_category: int
    circumstances_neutral: bool
    score_scale: float
    score_minimum: float
    score_maximum: float
    score_without_submission: float
    score_zero: float
    averaging_years: int
    score_steps: float  # to one point; 0 is no rounding
    # payment
    zero_scorers_in_pool_base: bool
    exchange_form: int
    exchange_midpoint: int
    score_tie: float
    neutral_band_by_volume: bool
    adjustment_steps: float  # to an adjustment of one; 0 is no rounding


class MipsCohortRules(NamedTuple):
    """What the kernels need of MIPS for one cohort: M quality measures, G collection types.

    Y are the performance years of the ASM rule set, whose suspended measures MIPS suppresses. Where
    an array is over 2 sizes of practice, 0 is large and 1 is small.
    """

    scored: bool  # whether MIPS has the cohort and its measures
    traditional: bool  # the form; otherwise a value pathway
    small_maximum_clinicians: int
    group_minimum_clinicians: int
    # [2, 3, 4]: size; all categories, without cost, without quality; and the weights of quality,
    # cost, improvement activities and promoting interoperability
    category_weights: Floats
    # quality measures
    measure_reported: Flags  # [M] otherwise computed from claims
    measure_suspended: Flags  # [M, Y]
    claims_location: Floats  # [M, 2] national median and SD; nan where reported
    has_benchmark: Flags  # [M, G]
    cut_points: Floats  # [M, G, 10] ascending: negated where inverse; nan without a benchmark
    sign: Floats  # [M, G] -1 where inverse
    points_limit: Floats  # [M, G] greatest points of a measure, by its cap
    # quality
    measures_counted: int
    quality_case_minimum: float
    completeness_minimum: float
    points_not_reported: float
    points_incomplete: Floats  # [2]
    points_without_benchmark: Floats  # [2]
    quality_points_maximum: float
    small_practice_bonus: float
    # cost, and the curve that the measures from claims share
    cost_case_minimum: float
    cost_points_maximum: float
    cost_location: Floats  # [2] national median and SD, USD
    curve_z: Floats
    curve_points: Floats
    curve_anchor: float
    # improvement activities and promoting interoperability
    activities_required: Floats  # [2]
    activities_blank: float
    interoperability_maximum: float
    interoperability_blank: float
    # complex patients
    complex_intercept: float
    complex_slope: float
    complex_minimum: float
    complex_maximum: float
    complexity: Floats  # [2, 3] national median, mean, SD of mean HCC score and of dual share
    # final score and payment
    score_scale: float
    score_minimum: float
    score_maximum: float
    circumstances_neutral: bool
    performance_threshold: float
    lowest_quarter: float
    applicable_percent: float
    scale: float
    # levels
    group_share: float
    group_score: float
    non_reporting: float
