"""A clinician-year in the kernels: what CMS observes of it, and what scoring makes of it.

This is the one place in the kernels that lists the columns; whatever works on whole rows is here.
n clinicians, M quality measures; nan is blank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import inlined, kernel

Floats = NDArray[np.float64]


class Observed(NamedTuple):
    """One cohort-year as CMS would see it: by measure, then the columns of float64 [n]."""

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
    special_status: Floats  # [n] 1 of one who has one in MIPS; read where the rule exempts them


class Outcome(NamedTuple):
    """One cohort-year scored: by measure, then the columns of float64 [n]."""

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


# The columns of one number a clinician, in the order of the fields.
BY_MEASURE = ("rate", "cases", "completeness", "collection")
COLUMNS = Observed._fields[len(BY_MEASURE) :]


@kernel
def new_observed(measures, n):
    """Room for what is observed of n clinicians."""
    return Observed(
        rate=np.empty((measures, n)),
        cases=np.empty((measures, n)),
        completeness=np.empty((measures, n)),
        collection=np.zeros((measures, n), np.int8),
        episodes=np.empty(n),
        episode_cost=np.empty(n),
        improvement_activities=np.empty(n),
        pi_score=np.empty(n),
        practice_size=np.empty(n),
        hcc_risk_score=np.empty(n),
        dual_share=np.empty(n),
        part_b_payments=np.empty(n),
        rural=np.zeros(n),
        extreme_circumstances=np.zeros(n),
        special_status=np.zeros(n),
    )


@kernel
def new_outcome(measures, n):
    """Room for the outcome of n clinicians."""
    return Outcome(
        points=np.full((measures, n), np.nan),
        quality_score=np.empty(n),
        cost_points=np.empty(n),
        cost_score=np.empty(n),
        improvement_activities_adjustment=np.empty(n),
        promoting_interoperability_adjustment=np.empty(n),
        small_practice_adjustment=np.empty(n),
        complex_patient_adjustment=np.empty(n),
        final_score=np.empty(n),
        transformed_score=np.empty(n),
        payment_adjustment_factor=np.empty(n),
    )


@inlined
def with_results(observed, rate, collection, episode_cost):
    """The same clinicians with other rates, of these collection types, and other costs."""
    return Observed(
        rate,
        observed.cases,
        observed.completeness,
        collection,
        observed.episodes,
        episode_cost,
        *observed[6:],
    )


@kernel
def copy_observed(source, target):
    """Write a whole cohort-year into another."""
    target.collection[:] = source.collection
    for values, into in zip(source[:3], target[:3]):  # noqa: B905 (unknown to numba)
        into[:] = values
    for values, into in zip(source[4:], target[4:]):  # noqa: B905
        into[:] = values


@kernel
def rows_of(observed, members):
    """The rows ``members`` (int64 [k]) of a cohort-year."""
    part = new_observed(len(observed.rate), len(members))
    for k in range(len(members)):
        i = members[k]
        for m in range(len(observed.rate)):
            part.collection[m, k] = observed.collection[m, i]
            for values, into in zip(observed[:3], part[:3]):  # noqa: B905
                into[m, k] = values[m, i]
        for values, into in zip(observed[4:], part[4:]):  # noqa: B905
            into[k] = values[i]
    return part


@kernel
def put_back(part, members, outcome):
    """Write the outcome of the rows ``members`` where they stand in the cohort."""
    for k in range(len(members)):
        i = members[k]
        for m in range(len(part.points)):
            outcome.points[m, i] = part.points[m, k]
        for values, into in zip(part[1:], outcome[1:]):  # noqa: B905
            into[i] = values[k]
