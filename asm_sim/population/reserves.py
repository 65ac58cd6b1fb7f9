"""Reserves: clinicians who are not on the roster but may come onto the list in a later year.

They are more rows of the roster, each in the practice and state of a clinician of its cohort that
its address picks, and are drawn like all others; kernels/world/participation.py says who takes
part when. Those who wait practise throughout and lacked episodes when the roster was made; entrants
begin to practise in a year drawn at random. A reserve of a solo practice has that practice's
traits, as a successor would.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from asm_sim.addresses import addresses, distinct
from asm_sim.population.roster import Roster
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet

# Roster.entry: index of the first performance year that a clinician may take part in.
LISTED, WAITING, DRAWN = 0, 1, -1
WAITING_NAME, ENTRANT_NAME = "waiting", "entrant"


def reserves(population: Population, rules: RuleSet, roster: Roster, cohort: str) -> list[str]:
    """Ids of a cohort's reserves: those who wait, then the entrants of all years but the first."""
    where, churn = roster.slice_of(cohort), population.churn
    listed, later_years = where.stop - where.start, len(rules.years) - 1
    if later_years == 0:
        return []
    share = churn.waiting_share.get(cohort)
    waiting = 0 if share is None else round(listed * share.value)
    entrants = round(listed * churn.entry_share.value * later_years)
    return [
        *(f"{WAITING_NAME} {number}" for number in range(1, waiting + 1)),
        *(f"{ENTRANT_NAME} {number}" for number in range(1, entrants + 1)),
    ]


def with_reserves(roster: Roster, population: Population, rules: RuleSet) -> Roster:
    """The roster followed, cohort by cohort, by the reserves; as it is where there are none.

    ``practice_listed`` still counts the clinicians of the roster alone.
    """
    source: list[int] = []  # the row that a row takes state and practice from
    names: list[str] = []
    entry: list[int] = []
    own: list[np.uint64] = []
    for cohort in roster.cohorts:
        where = roster.slice_of(cohort)
        more = reserves(population, rules, roster, cohort)
        at = addresses([("clinician", f"{cohort}\x1f{name}") for name in more])
        listed = np.uint64(where.stop - where.start)
        source += [*range(where.start, where.stop), *(where.start + int(a % listed) for a in at)]
        names += [*roster.clinician_id[where], *more]
        own += [*roster.clinician_address[where], *at]
        entry += [LISTED] * int(listed)
        entry += [WAITING if name.startswith(WAITING_NAME) else DRAWN for name in more]
    if len(names) == len(roster.clinician_id):
        return roster
    own_row = np.array(entry) == LISTED
    stated = np.full((len(roster.stated), len(source)), np.nan)
    if roster.stated.size:  # what the roster states is true of its clinicians alone
        stated[:, own_row] = roster.stated
    return replace(
        roster,
        stated=stated if roster.stated.size else roster.stated,
        cohort=roster.cohort[source],
        clinician_id=tuple(names),
        state=tuple(roster.state[row] for row in source),
        practice=roster.practice[source],
        clinician_address=distinct(np.array(own, dtype=np.uint64)),
        entry=np.array(entry, dtype=np.int64),
        own=None if roster.own is None else roster.own[source] & own_row,
    )
