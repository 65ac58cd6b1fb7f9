"""What is estimated from a cohort-year, and what its scoring works in.

Fitting and scoring are separate: a fit holds the benchmarks, the complex-patient moments, the
median and the scaling factor of one cohort-year; scoring applies a fit to any clinicians. The
ordinary rule scores a cohort against its own fit.

n clinicians, M quality measures, G collection types, K cut points; nan is blank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.choices import ExchangeForm
from asm_sim.kernels.numeric.blocks import BLOCKS
from asm_sim.kernels.numeric.order_statistics import BUCKETS

Floats = NDArray[np.float64]


# What payment takes from the final scores above zero; the last two where the exchange uses them.
PAYMENT = np.dtype(
    [(name, np.float64) for name in ("median", "scaling_factor", "pool", "mean", "number")]
)
# How many clinicians have a final score, and how many one above zero.
SCORERS = np.dtype([("scored", np.int64), ("positive", np.int64)])


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
    payment: NDArray[np.void]  # [1] the record PAYMENT
    positive_scores: Floats  # [n] ascending, as many as there are; [0] unless ranks decide
    quality_shrinkage: Floats  # [M, G, 2] mean and kappa; the sign of the mean is the cut points'
    cost_shrinkage: Floats  # [2]
    shrinks: NDArray[np.bool_]  # [1] false: what this fit is applied to needs no shrinking

    @property
    def median_final_score(self) -> float:
        return float(self.payment["median"][0])

    @property
    def scaling_factor(self) -> float:
        return float(self.payment["scaling_factor"][0])

    @property
    def incentive_pool(self) -> float:
        return float(self.payment["pool"][0])


class Earlier(NamedTuple):
    """What earlier performance years of the same clinicians leave to this one."""

    standard: Fit  # whose benchmarks are applied, where they are not made anew every year
    made: Fit  # whose benchmarks will be applied next year
    years: NDArray[np.int64]  # [2] the year index of both; -1: there is none
    own_score: Floats  # [3, n] final scores by themselves: this year's, one, two years before


class Scratch(NamedTuple):
    """Room to work in, sized once per thread."""

    status: NDArray[np.int8]  # [M, n] see quality.py
    must_submit: NDArray[np.bool_]  # [n] had something to report
    submitted: NDArray[np.bool_]  # [n] reported something complete enough
    points_sum: Floats  # [n]
    counted: Floats  # [n]
    taken: NDArray[np.bool_]  # [n] goes into keys next
    keys: Floats
    payload: NDArray[np.int32]
    sorted_keys: Floats
    sorted_payload: NDArray[np.int32]
    bucket_of: NDArray[np.int32]
    starts: NDArray[np.int32]
    fill: NDArray[np.int32]
    in_block: NDArray[np.int32]
    cells: NDArray[np.int64]  # [2, n]
    values: Floats
    order: NDArray[np.int32]  # positive scorers by ascending final score, after payment
    counts: NDArray[np.void]  # [1] the record SCORERS
    fifty: Floats  # [1] the percentage of a median; as a constant it would be another type


@kernel
def no_payment():
    """Before anything is fitted: nan everywhere."""
    payment = np.empty(1, PAYMENT)
    nothing = payment[0]
    nothing.median = nothing.scaling_factor = nothing.pool = np.nan
    nothing.mean = nothing.number = np.nan
    return payment


@kernel
def new_fit(rules, measures, n):
    """An empty fit for cohorts of up to n clinicians."""
    collection_types, cut_points = rules.collection_types, len(rules.decile_percentiles)
    return Fit(
        cut_points=np.full((measures, collection_types, cut_points), np.nan),
        quality_location=np.full((measures, collection_types, 2), np.nan),
        has_benchmark=np.zeros((measures, collection_types), np.bool_),
        cost_location=np.full(2, np.nan),
        complexity=np.zeros((2, 3)),
        payment=no_payment(),
        positive_scores=np.empty(n if rules.exchange_form == ExchangeForm.RANK else 0),
        quality_shrinkage=np.zeros((measures, collection_types, 2)),
        cost_shrinkage=np.zeros(2),
        shrinks=np.ones(1, np.bool_),
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
        standard=new_fit(rules, measures, n),
        made=new_fit(rules, measures, n),
        years=np.full(2, -1, np.int64),
        own_score=np.full((3, n), np.nan),
    )


@kernel
def begin_years(earlier):
    """Forget everything: the next year is the first."""
    earlier.years[:] = -1
    earlier.own_score[:] = np.nan


@kernel
def begin_year(rules, earlier):
    """What this year made and its scores become those of the year before."""
    if earlier.years[1] >= 0:
        copy_quality_benchmarks(earlier.made, earlier.standard)
        copy_cost_benchmark(earlier.made, earlier.standard)
        earlier.years[0] = earlier.years[1]
    if rules.averaging_years > 1:
        earlier.own_score[2] = earlier.own_score[1]
        earlier.own_score[1] = earlier.own_score[0]
        earlier.own_score[0] = np.nan


@kernel
def new_scratch(measures, n):
    """Scratch for cohorts of up to n clinicians."""
    return Scratch(
        status=np.zeros((measures, n), np.int8),
        must_submit=np.zeros(n, np.bool_),
        submitted=np.zeros(n, np.bool_),
        points_sum=np.empty(n),
        counted=np.empty(n),
        taken=np.zeros(n, np.bool_),
        keys=np.empty(n),
        payload=np.empty(n, np.int32),
        sorted_keys=np.empty(n),
        sorted_payload=np.empty(n, np.int32),
        bucket_of=np.empty(n, np.int32),
        starts=np.empty(BUCKETS, np.int32),
        fill=np.empty(BUCKETS, np.int32),
        in_block=np.empty(BLOCKS, np.int32),
        cells=np.empty((2, n), np.int64),
        values=np.empty(n),
        order=np.empty(n, np.int32),
        counts=np.zeros(1, SCORERS),
        fifty=np.full(1, 50.0),
    )
