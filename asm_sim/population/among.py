"""A roster of one's own and the shipped one together, in which one's own are a few more.

A practice's few clinicians alone are compared with each other, which is not what awaits them. Set
among CMS's list they are scored with all its clinicians. Of those nothing changes but that there
are a few more: they keep their addresses, and so their luck, under ids with a prefix. One's own
keep their ids, and have addresses that nobody on the list has.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asm_sim.addresses import addresses, distinct
from asm_sim.errors import InputError, counted
from asm_sim.population.geography import frame_copies
from asm_sim.population.kept_roster import roster_at
from asm_sim.population.load import DATA
from asm_sim.population.roster import Roster
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet

SHIPPED = "participant_roster_2027_preliminary.csv"
AMONG_SHIPPED = "shipped"
ON_THE_LIST = "list "  # before the ids of the shipped roster
SMALL = 2  # times as many clinicians as a benchmark needs: a cohort alone below that is told so


def set_among(own: Roster, path: Path, rules: RuleSet, population: Population) -> Roster:
    """A roster among the clinicians that a population says, or alone; which a note says.

    ``path`` is where it was read. Raises :class:`asm_sim.errors.InputError` where the two rosters
    cannot go together.
    """
    if population.roster_among.value == AMONG_SHIPPED:
        if path.name == SHIPPED:
            raise InputError("population.roster_among: the roster is the shipped one itself")
        if frame_copies(population) > 1:
            raise InputError(
                "population.roster_among: a synthetic frame has copies of its roster "
                "(population.geography.frame), among whom one's own would be lost"
            )
        return _joined(own, roster_at(DATA / SHIPPED, rules, population), path, rules)
    if path.parent == DATA:
        return own
    return replace(own, notes=(*own.notes, *_alone(own, rules)))


def _alone(own: Roster, rules: RuleSet) -> list[str]:
    least = rules.quality.benchmark_minimum_clinicians.at(rules.years[0])
    sizes = {cohort: int((own.cohort == c).sum()) for c, cohort in enumerate(own.cohorts)}
    return [
        f"the {counted(number, 'clinician')} of {cohort} {'stands' if number == 1 else 'stand'} "
        "alone, compared with each other, "
        f"where a measure needs {least:g} for a benchmark; population.roster_among: shipped (under "
        "set, or --set population.roster_among=shipped) sets them among CMS's list and tells what "
        "each gets"
        for cohort, number in sizes.items()
        if number < SMALL * least
    ]


def _joined(own: Roster, shipped: Roster, path: Path, rules: RuleSet) -> Roster:
    """Cohort by cohort one's own, then the shipped."""
    cohorts = tuple(c for c in rules.cohorts if c in own.cohorts or c in shipped.cohorts)
    both = (own, shipped)
    cohort = np.concatenate([_of(roster, cohorts) for roster in both])
    order = np.argsort(cohort, kind="stable")
    practice = np.concatenate([own.practice, len(own.practice_id) + shipped.practice])
    ids = (*own.clinician_id, *(f"{ON_THE_LIST}{name}" for name in shipped.clinician_id))
    both_practices = (*own.practice_id, *(f"{ON_THE_LIST}{name}" for name in shipped.practice_id))
    states = own.state + shipped.state
    names = [cohorts[c] for c in cohort[: len(own.cohort)]]
    of_own = addresses(
        [
            ("own clinician", f"{name}\x1f{who}")
            for name, who in zip(names, own.clinician_id, strict=True)
        ]
    )
    practices = addresses([("own practice", name) for name in own.practice_id])
    return Roster(
        cohorts=cohorts,
        cohort=cohort[order],
        clinician_id=tuple(ids[i] for i in order),
        state=tuple(states[i] for i in order),
        practice=practice[order],
        clinician_address=distinct(np.concatenate([of_own, shipped.clinician_address])[order]),
        entry=np.zeros(len(order), dtype=np.int64),
        practice_id=both_practices,
        practice_small=np.concatenate([own.practice_small, shipped.practice_small]),
        practice_listed=np.concatenate([own.practice_listed, shipped.practice_listed]),
        practice_address=distinct(np.concatenate([practices, shipped.practice_address])),
        stated=_stated(own.stated, len(order))[:, order],
        practice_stated=_stated(own.practice_stated, len(both_practices)),
        sha256=hashlib.sha256(f"{own.sha256} among {shipped.sha256}".encode()).hexdigest(),
        notes=(
            *own.notes,
            f"{counted(len(own.cohort), 'clinician')} of {path.name} among the "
            f"{len(shipped.cohort):,} of CMS's CY 2027 preliminary list",
        ),
        own=(np.arange(len(order)) < len(own.cohort))[order],
    )


def _of(roster: Roster, cohorts: tuple[str, ...]) -> NDArray[np.int64]:
    """The cohort of each clinician as an index into ``cohorts``."""
    return np.array([cohorts.index(name) for name in roster.cohorts])[roster.cohort]


def _stated(own: NDArray[np.float64], everyone: int) -> NDArray[np.float64]:
    """What one's own roster states, which comes first, and nothing of the others."""
    table = np.full((len(own), everyone), np.nan)
    table[:, : own.shape[1]] = own
    return table
