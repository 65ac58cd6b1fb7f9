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
        points=np.empty((measures, n)),
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
def block_of(room, begin, end):
    """The rows of a group as a table [M, k], where groups lie in ``room`` one after the other."""
    tables = len(room)
    return room.reshape(room.size)[tables * begin : tables * end].reshape(tables, end - begin)


@kernel
def observed_of(room, begin, end):
    """What is observed of a group of ``end - begin``, in the room of a whole cohort."""
    return Observed(
        rate=block_of(room.rate, begin, end),
        cases=block_of(room.cases, begin, end),
        completeness=block_of(room.completeness, begin, end),
        collection=block_of(room.collection, begin, end),
        episodes=room.episodes[begin:end],
        episode_cost=room.episode_cost[begin:end],
        improvement_activities=room.improvement_activities[begin:end],
        pi_score=room.pi_score[begin:end],
        practice_size=room.practice_size[begin:end],
        hcc_risk_score=room.hcc_risk_score[begin:end],
        dual_share=room.dual_share[begin:end],
        part_b_payments=room.part_b_payments[begin:end],
        rural=room.rural[begin:end],
        extreme_circumstances=room.extreme_circumstances[begin:end],
        special_status=room.special_status[begin:end],
    )


@kernel
def outcome_of(room, begin, end):
    """The outcome of a group, in the room of a whole cohort."""
    return Outcome(
        points=block_of(room.points, begin, end),
        quality_score=room.quality_score[begin:end],
        cost_points=room.cost_points[begin:end],
        cost_score=room.cost_score[begin:end],
        improvement_activities_adjustment=room.improvement_activities_adjustment[begin:end],
        promoting_interoperability_adjustment=room.promoting_interoperability_adjustment[begin:end],
        small_practice_adjustment=room.small_practice_adjustment[begin:end],
        complex_patient_adjustment=room.complex_patient_adjustment[begin:end],
        final_score=room.final_score[begin:end],
        transformed_score=room.transformed_score[begin:end],
        payment_adjustment_factor=room.payment_adjustment_factor[begin:end],
    )


@kernel
def gather_rows(observed, members, part):
    """Write the rows ``members`` (int64 [k]) of a cohort-year one after the other."""
    gather_results(observed, members, part)
    gather(observed.episodes, members, part.episodes)
    for m in range(len(observed.rate)):
        gather(observed.cases[m], members, part.cases[m])
        gather(observed.completeness[m], members, part.completeness[m])
        gather(observed.collection[m], members, part.collection[m])
    for values, into in zip(observed[6:], part[6:]):  # noqa: B905 (unknown to numba)
        gather(values, members, into)


@kernel
def gather_results(observed, members, part):
    """The same of rates and costs alone."""
    for m in range(len(observed.rate)):
        gather(observed.rate[m], members, part.rate[m])
    gather(observed.episode_cost, members, part.episode_cost)


@kernel
def gather(values, members, into):
    """Write the values of the rows ``members`` one after the other."""
    for k in range(len(members)):
        into[k] = values[np.uint64(members[k])]


@kernel
def scatter(values, members, into):
    """Write values one after the other to the rows ``members``."""
    for k in range(len(members)):
        into[np.uint64(members[k])] = values[k]
