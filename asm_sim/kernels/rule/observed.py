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


@inlined
def with_adjustments(outcome, adjusted):
    """An outcome that has the adjustments of another, of the same clinicians."""
    return Outcome(
        outcome.points,
        outcome.quality_score,
        outcome.cost_points,
        outcome.cost_score,
        adjusted.improvement_activities_adjustment,
        adjusted.promoting_interoperability_adjustment,
        adjusted.small_practice_adjustment,
        adjusted.complex_patient_adjustment,
        *outcome[8:],
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
def ends_of_groups(group, members):
    """Where groups end in ``members``, int64 [groups]: filled with those of group 0, of group 1 ...

    ``group`` [n] are numbers from 0. Within a group clinicians stand as they do in the cohort.
    """
    groups = 0
    for i in range(len(group)):
        groups = max(groups, group[i] + 1)
    ends = np.zeros(groups + 1, np.int64)
    for i in range(len(group)):
        ends[group[i] + 1] += 1
    for g in range(groups):
        ends[g + 1] += ends[g]
    for i in range(len(group)):  # until then ends[g] is where the next member of group g belongs
        members[ends[group[i]]] = i
        ends[group[i]] += 1
    return ends[:groups]


@kernel
def table_of(room, n):
    """A table [M, n] in the memory of one that is as wide or wider."""
    rows = len(room)
    return room.reshape(room.size)[: rows * n].reshape(rows, n)


@kernel
def rows_of(observed, members, room):
    """The rows ``members`` (int64 [k]) of a cohort-year, in ``room`` for as many or more."""
    k = len(members)
    part = Observed(
        rate=table_of(room.rate, k),
        cases=table_of(room.cases, k),
        completeness=table_of(room.completeness, k),
        collection=table_of(room.collection, k),
        episodes=room.episodes[:k],
        episode_cost=room.episode_cost[:k],
        improvement_activities=room.improvement_activities[:k],
        pi_score=room.pi_score[:k],
        practice_size=room.practice_size[:k],
        hcc_risk_score=room.hcc_risk_score[:k],
        dual_share=room.dual_share[:k],
        part_b_payments=room.part_b_payments[:k],
        rural=room.rural[:k],
        extreme_circumstances=room.extreme_circumstances[:k],
        special_status=room.special_status[:k],
    )
    for m in range(len(observed.rate)):
        gather(observed.collection[m], members, part.collection[m])
        for values, into in zip(observed[:3], part[:3]):  # noqa: B905 (unknown to numba)
            gather(values[m], members, into[m])
    for values, into in zip(observed[4:], part[4:]):  # noqa: B905
        gather(values, members, into)
    return part


@kernel
def outcome_of(k, room):
    """The outcome of k rows, in ``room`` for as many or more."""
    return Outcome(
        points=table_of(room.points, k),
        quality_score=room.quality_score[:k],
        cost_points=room.cost_points[:k],
        cost_score=room.cost_score[:k],
        improvement_activities_adjustment=room.improvement_activities_adjustment[:k],
        promoting_interoperability_adjustment=room.promoting_interoperability_adjustment[:k],
        small_practice_adjustment=room.small_practice_adjustment[:k],
        complex_patient_adjustment=room.complex_patient_adjustment[:k],
        final_score=room.final_score[:k],
        transformed_score=room.transformed_score[:k],
        payment_adjustment_factor=room.payment_adjustment_factor[:k],
    )


@kernel
def gather(values, members, into):
    """Write the values of the rows ``members`` one after the other."""
    for k in range(len(members)):
        into[k] = values[members[k]]


@kernel
def put_back(part, members, outcome):
    """Write the outcome of the rows ``members`` where they stand in the cohort."""
    for m in range(len(part.points)):
        scatter(part.points[m], members, outcome.points[m])
    for values, into in zip(part[1:], outcome[1:]):  # noqa: B905
        scatter(values, members, into)


@kernel
def scatter(values, members, into):
    """Write values one after the other to the rows ``members``."""
    for k in range(len(members)):
        into[members[k]] = values[k]
