"""Who takes part in which year, and in which practice: eligibility, entry, exit and moves.

The clinicians of a model are those of the roster and reserves who may come onto the list later (see
population/reserves.py). Where participants are determined anew (42 CFR 512.710(b)), those of the
first performance year are the roster's; those of a later one are practising and had enough episodes
two calendar years before it. Whoever stops practising in a calendar year is no participant in it or
after it. Where areas are drawn, participants are in one of them: in the area of their practice of
the year, or of the first year where the list is held.

An absent clinician is observed as one without cases, episodes or Part B: there is no final score,
nothing enters benchmarks, medians or the pool, and the adjustment is zero. Statistics are of the
participants; in a panel an absent clinician looks like one without final score and Part B.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.variates import (
    fill_normal_pair,
    fill_normals_and_uniforms,
    fill_uniform,
    fill_uniforms,
)
from asm_sim.kernels.world.geography import stay_in_areas
from asm_sim.kernels.world.groups import BY_PLACE, BY_SIZE
from asm_sim.kernels.world.practices import size_class_in, size_in
from asm_sim.kernels.world.streams import AGEING, CHURN, DEPARTURE, ELIGIBILITY
from asm_sim.kernels.world.volume import fill_counts


class ParticipationModel(NamedTuple):
    """Who of n clinicians of one cohort takes part when and where; Y performance years."""

    redetermined: bool  # participants anew every year
    absences: bool  # somebody may take no part in a year
    episode_minimum: NDArray[np.float64]  # [Y] episodes two years before
    entry: NDArray[np.int64]  # [n] first performance year index; negative: to be drawn
    exit_share: float  # stops practising in a calendar year
    retires: bool  # or at the end of a career
    retirement_mean: float  # age
    retirement_sd: float
    career_start: float  # age
    places_change: bool  # clinicians move, or practices join others
    move_share: float
    seats: NDArray[np.int64]  # practice of every clinician of the roster, ascending
    large_size: float  # least number of clinicians of a large practice


class Stays(NamedTuple):
    """Who may take part when, of n clinicians; of none where the list is held."""

    enters: NDArray[np.int64]  # [n] first year index to take part in
    gone: NDArray[np.int64]  # [n] year index from which it may no more
    counted: NDArray[np.float64]  # [2, n] episodes of the last even and the last odd year index


@kernel
def new_stays(model):
    n = len(model.practice) if model.participation.redetermined else 0
    return Stays(enters=np.zeros(n, np.int64), gone=np.zeros(n, np.int64), counted=np.empty((2, n)))


@kernel
def draw_departures(model, seed, population, clinicians):
    """Who stops practising in which calendar year."""
    rows, leaves, share = clinicians.rows, clinicians.leaves, model.participation.exit_share
    for block in range((len(leaves) + 3) // 4 if share > 0.0 else 0):
        fill_uniforms(
            seed, model.address, population, DEPARTURE, 0, block, rows[6], rows[7], rows[8], rows[9]
        )
        for c in range(4 * block, min(4 * block + 4, len(leaves))):
            uniform = rows[6 + c % 4]
            for i in range(len(uniform)):
                leaves[c, i] = uniform[i] < share


@kernel
def draw_retirements(model, seed, population, clinicians):
    """Whoever has come to the end of a career stops practising, beside those who just leave.

    Of a career a clinician has passed any part with the same chance, so that as many are of each
    age; entrants begin one and do not come to its end. Nobody ends it in the first year.
    """
    leaves, rows, who = clinicians.leaves, clinicians.rows, model.participation
    if who.retires:
        if who.exit_share == 0.0:
            leaves[:] = False
        fill_normals_and_uniforms(
            seed, model.address, population, AGEING, 0, 0, rows[6], rows[7], rows[8], rows[9]
        )
    for i in range(len(who.entry) if who.retires else 0):
        career = who.retirement_mean + who.retirement_sd * rows[6, i] - who.career_start
        last = 1 + np.int64(max(career, 0.0) * (1.0 - rows[8, i]))
        if last < len(leaves) and who.entry[i] >= 0:
            leaves[last, i] = True


@kernel
def draw_stays(model, seed, population, clinicians):
    """The first year index in which a clinician may take part, and the one from which no more.

    Needs the departures; a reserve cannot leave before it has come.
    """
    enters, gone, leaves = clinicians.stays.enters, clinicians.stays.gone, clinicians.leaves
    years, entry = model.performance_years, model.participation.entry
    enters[:] = entry
    if entry.min() < 0:
        uniform = clinicians.rows[6]
        fill_uniform(seed, model.address, population, CHURN, 0, 0, uniform)
        for i in range(len(enters)):
            drawn = 1 + np.int64(uniform[i] * (years - 1))
            enters[i] = drawn if enters[i] < 0 else enters[i]
    for i in range(len(gone)):
        c = enters[i] + 1
        while c < years and not leaves[c, i]:
            c += 1
        gone[i] = c


@kernel
def place_clinicians(model, seed, population, y, practices, clinicians, observed):
    """Moves at the start of year y > 0, then the size and place of everyone's practice."""
    practice, rows, first = clinicians.practice, clinicians.rows, model.groups.first
    share, seats = model.participation.move_share, model.participation.seats
    large_size = model.participation.large_size
    if share > 0.0:
        fill_uniforms(
            seed, model.address, population, CHURN, y + 1, 0, rows[6], rows[7], rows[8], rows[9]
        )
        for i in range(len(practice)):
            if rows[6, i] < share:
                practice[i] = _another(seats, practice[i], rows[7, i])
    for i in range(len(practice)):
        p = practice[i]
        observed.practice_size[i] = size_in(large_size, practices, p, y)
        observed.rural[i] = practices.rural[p]
        clinicians.group[BY_SIZE, i] = first.size + size_class_in(practices, p, y)
        clinicians.group[BY_PLACE, i] = first.place + practices.rural[p]


@kernel
def _another(seats, practice, uniform):
    """Another practice of the cohort, each as likely as it has clinicians on the list.

    ``seats`` ascending: the practice of every clinician on the list.
    """
    first = np.searchsorted(seats, practice, "left")
    after = np.searchsorted(seats, practice, "right")
    others = len(seats) - (after - first)
    if others == 0:
        return practice
    at = np.int64(uniform * others)
    return seats[at if at < first else at + after - first]


@kernel
def determine_participants(model, seed, measurement, y, clinicians, observed):
    """Who takes part in year y, 42 CFR 512.710(b); whoever does not is observed as nothing."""
    present, taken_part = clinicians.present, clinicians.taken_part
    present[:] = True
    if model.participation.redetermined:
        _determine_eligible(model, seed, measurement, y, clinicians, observed)
    practice = clinicians.practice if model.participation.redetermined else model.practice
    stay_in_areas(model, clinicians.areas, practice, present)
    for i in range(len(present)):
        taken_part[i] = present[i] or (y > 0 and taken_part[i])
    observe_nothing(present, observed)


@kernel
def _determine_eligible(model, seed, measurement, y, clinicians, observed):
    """Who practises and had enough episodes; takes those of year y for the year after the next."""
    if y == 0:
        rows, exact = clinicians.rows, model.volume.episodes_exact
        fill_normal_pair(seed, model.address, measurement, ELIGIBILITY, 0, 0, rows[0], rows[1])
        fill_counts(exact, rows[0], clinicians.episodes_mean, clinicians.stays.counted[1])
    present = clinicians.present
    two_years_before = clinicians.stays.counted[y % 2]
    minimum = model.participation.episode_minimum[y]
    for i in range(len(present)):
        enough = y == 0 or two_years_before[i] >= minimum
        present[i] = enough and clinicians.stays.enters[i] <= y < clinicians.stays.gone[i]
        two_years_before[i] = observed.episodes[i]


@kernel
def observe_nothing(present, observed):
    """Nothing to score of those who are absent."""
    for m in range(len(observed.rate)):
        rate, cases, completeness = observed.rate[m], observed.cases[m], observed.completeness[m]
        for i in range(len(present)):
            rate[i] = rate[i] if present[i] else np.nan
            completeness[i] = completeness[i] if present[i] else np.nan
            cases[i] = cases[i] if present[i] else 0.0
    for i in range(len(present)):
        observed.episode_cost[i] = observed.episode_cost[i] if present[i] else np.nan
        observed.episodes[i] = observed.episodes[i] if present[i] else 0.0
        observed.part_b_payments[i] = observed.part_b_payments[i] if present[i] else 0.0


@kernel
def adjust_nothing(present, adjustment):
    """No adjustment of those who are absent, whatever one without a final score gets."""
    for i in range(len(present)):
        adjustment[i] = adjustment[i] if present[i] else 0.0
