"""What a cohort-year is made of in the kernels: what is observed, what is fitted, what comes out.

``fit`` and ``score`` are separate: a fit holds the benchmarks, the complex-patient moments, the
median and the scaling factor of one cohort-year; scoring applies a fit to any clinicians. The
ordinary rule scores a cohort against its own fit.

n clinicians, M quality measures, G collection types, K cut points; nan is blank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.choices import ExchangeForm
from asm_sim.kernels.numeric._jit import kernel
from asm_sim.kernels.numeric.order_statistics import BUCKETS

Floats = NDArray[np.float64]


class Observed(NamedTuple):
    """One cohort-year as CMS would see it."""

    rate: Floats  # [M, n] percent, or per 100 person-years
    cases: Floats  # [M, n]
    completeness: Floats  # [M, n] fraction
    collection: NDArray[np.int8]  # [M, n] index of the collection type, -1 blank
    episodes: Floats  # [n]
    episode_cost: Floats  # [n] USD
    improvement_activities: Floats  # [n] 0, 1, 2
    pi_score: Floats  # [n] 0-100
    practice_size: Floats  # [n] clinicians
    hcc_risk_score: Floats  # [n]
    dual_share: Floats  # [n] fraction
    part_b_payments: Floats  # [n] USD
    rural: Floats  # [n] 1 in a rural practice, else 0
    extreme_circumstances: Floats  # [n] 1 of one who met them; read where the rule excuses


class Fit(NamedTuple):
    """What is estimated from a cohort-year and applied to clinicians."""

    cut_points: Floats  # [M, G, K] of decile measures; negated where inverse
    # [M, G, 2] median and SD of the others; negated where not inverse. Of decile measures the
    # median, negated where inverse, if it matters whether they are topped out, and the SD of
    # shrunk rates, 0 where shrinkage leaves no difference
    quality_location: Floats
    has_benchmark: NDArray[np.bool_]  # [M, G]
    cost_location: Floats  # [2] median (nan: nobody has a cost) and SD
    complexity: Floats  # [2, 3] median, mean, SD of mean HCC score and of dual share; SD 0: none
    payment: Floats  # [5] of the positive scores: median, scaling, pool (USD); mean, number if used
    positive_scores: Floats  # [n] ascending, the first payment[4] of them; [0] unless ranks decide
    quality_shrinkage: Floats  # [M, G, 2] mean and kappa; the sign of the mean is the cut points'
    cost_shrinkage: Floats  # [2]
    shrinks: NDArray[np.bool_]  # [1] false: what this fit is applied to needs no shrinking

    @property
    def median_final_score(self) -> float:
        return float(self.payment[0])

    @property
    def scaling_factor(self) -> float:
        return float(self.payment[1])

    @property
    def incentive_pool(self) -> float:
        return float(self.payment[2])


class Earlier(NamedTuple):
    """What earlier performance years of the same clinicians leave to this one."""

    standard: Fit  # whose benchmarks are applied, where they are not made anew every year
    made: Fit  # whose benchmarks will be applied next year
    years: NDArray[np.int64]  # [2] the year index of both; -1: there is none
    own_score: Floats  # [3, n] final scores by themselves: this year's, one, two years before


class Outcome(NamedTuple):
    """One cohort-year scored."""

    points: Floats  # [M, n]; nan where the measure is excluded
    quality_score: Floats  # [n] 0-1
    cost_points: Floats
    cost_score: Floats
    improvement_activities_adjustment: Floats  # points
    promoting_interoperability_adjustment: Floats
    small_practice_adjustment: Floats
    complex_patient_adjustment: Floats
    final_score: Floats  # 0-100; nan without one
    transformed_score: Floats  # 0-1 (0-2 against a threshold); nan: zero, or in the neutral band
    payment_adjustment_factor: Floats  # fraction


class Scratch(NamedTuple):
    """Room to work in, sized once per thread."""

    status: NDArray[np.int8]  # [M, n]
    must_submit: NDArray[np.bool_]  # [n] had something to report
    submitted: NDArray[np.bool_]  # [n] reported something complete enough
    points_sum: Floats  # [n]
    counted: Floats  # [n]
    keys: Floats
    payload: NDArray[np.int32]
    sorted_keys: Floats
    sorted_payload: NDArray[np.int32]
    bucket_of: NDArray[np.int32]
    starts: NDArray[np.int32]
    fill: NDArray[np.int32]
    values: Floats
    table: Floats  # [2, K + 1] for look-ups
    order: NDArray[np.int32]  # positive scorers by ascending final score, after payment
    counts: NDArray[np.int64]  # [2] clinicians with a final score, positive scorers


@kernel
def new_observed(measures, n):
    """Room for what is observed of n clinicians."""
    return Observed(
        np.empty((measures, n)),
        np.empty((measures, n)),
        np.empty((measures, n)),
        np.zeros((measures, n), np.int8),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.zeros(n),
        np.zeros(n),
    )


@kernel
def new_fit(rules, measures, n):
    """An empty fit for cohorts of up to n clinicians."""
    collection_types, cut_points = rules.collection_types, len(rules.decile_percentiles)
    return Fit(
        np.full((measures, collection_types, cut_points), np.nan),
        np.full((measures, collection_types, 2), np.nan),
        np.zeros((measures, collection_types), np.bool_),
        np.full(2, np.nan),
        np.zeros((2, 3)),
        np.full(5, np.nan),
        np.empty(n if rules.exchange_form == ExchangeForm.RANK else 0),
        np.zeros((measures, collection_types, 2)),
        np.zeros(2),
        np.ones(1, np.bool_),
    )


@kernel
def copy_quality_benchmarks(source, target):
    """Put the quality benchmarks of one fit into another."""
    target.cut_points[:] = source.cut_points
    target.quality_location[:] = source.quality_location
    target.has_benchmark[:] = source.has_benchmark
    target.quality_shrinkage[:] = source.quality_shrinkage


@kernel
def copy_cost_benchmark(source, target):
    """Put the cost benchmark of one fit into another."""
    target.cost_location[:] = source.cost_location
    target.cost_shrinkage[:] = source.cost_shrinkage


@kernel
def new_earlier(rules, measures, n):
    """Nothing yet: the state before the first performance year."""
    return Earlier(
        new_fit(rules, measures, n),
        new_fit(rules, measures, n),
        np.full(2, -1, np.int64),
        np.full((3, n), np.nan),
    )


@kernel
def begin_years(earlier):
    """Forget everything: the next year is the first."""
    earlier.years[:] = -1
    earlier.own_score[:] = np.nan


@kernel
def begin_year(earlier):
    """What this year made and its scores become those of the year before."""
    if earlier.years[1] >= 0:
        copy_quality_benchmarks(earlier.made, earlier.standard)
        copy_cost_benchmark(earlier.made, earlier.standard)
        earlier.years[0] = earlier.years[1]
    earlier.own_score[2] = earlier.own_score[1]
    earlier.own_score[1] = earlier.own_score[0]
    earlier.own_score[0] = np.nan


@kernel
def new_outcome(measures, n):
    """Room for the outcome of n clinicians."""
    return Outcome(
        np.full((measures, n), np.nan),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
    )


@kernel
def new_scratch(measures, n, cut_points):
    """Scratch for cohorts of up to n clinicians."""
    return Scratch(
        np.zeros((measures, n), np.int8),
        np.zeros(n, np.bool_),
        np.zeros(n, np.bool_),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n, np.int32),
        np.empty(n),
        np.empty(n, np.int32),
        np.empty(n, np.int32),
        np.empty(BUCKETS + 1, np.int32),
        np.empty(BUCKETS, np.int32),
        np.empty(n),
        np.empty((2, cut_points + 1)),
        np.empty(n, np.int32),
        np.zeros(2, np.int64),
    )
