"""The roster: which clinicians are in the model, in which cohort and practice.

A table, CSV, Excel or Parquet, with the columns clinician_id, cohort, state, practice_id and
small_practice (1: a practice of 15 or fewer clinicians). It is read as every table is
(:mod:`asm_sim.tables`): blanks around a cell and capitals mean nothing. The shipped one is CMS's CY
2027 preliminary participant list without names and NPIs. Ids are turned into 64-bit addresses for
the random streams, so a clinician keeps the same variates whatever else is in the roster; of a
practice that some rows spell with other capitals the spelling that sorts first is taken. Ids stay
in the results: give none that name a person.

A roster of one's own lies beside the scenario, which names it::

    title: Our clinicians
    set: {population.roster: my_roster.csv}

It may also state what would be drawn, in any of these columns; a blank cell is drawn as ever.

=================  ===============================================================================
specialty          one of the population's specialties of the cohort
episodes           mean episodes a year; the count stays Poisson about it and drifts; below 20 is
                   allowed and counts in the lowest band
part_b_payments    USD of the first performance year; trend and yearly changes start from it
hcc_risk_score     mean HCC score of the patients
dual_share         fraction of the patients who are also in Medicaid
special_status     0 or 1: MIPS would not ask for interoperability, as of the hospital-based
practice_size      clinicians of the practice; it decides the size class and must fit small_practice
rural              0 or 1, of the practice
collection_type    ecqm or cqm, of the practice
=================  ===============================================================================

What is stated of a practice may stand in any of its rows and must not be contradicted in another.
Groups follow what is stated; nothing else that is drawn changes, not even what would have gone with
it (cases and Part B with the number of episodes, the dual share with the HCC score). Any other
column is refused, since a mistyped name would be ignored in silence.

CMS's own participant file is read as it is (:mod:`asm_sim.population.participant_file`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.addresses import address, addresses, words
from asm_sim.documents import did_you_mean, is_name, is_ordinary_file
from asm_sim.errors import InputError, counted, printable
from asm_sim.population.geography import Areas
from asm_sim.population.load import DATA
from asm_sim.population.participant_file import is_participant_file, participants
from asm_sim.population.schema import Population
from asm_sim.population.stated import QUANTITIES, TRAITS, crowded_practices, read_traits
from asm_sim.rules.schema import RuleSet
from asm_sim.tables.cells import column_of, flag_of, identifier_fault, same, shown
from asm_sim.tables.notation import plain_rows, read_numbers
from asm_sim.tables.raw import RawTable, Row, gathered
from asm_sim.tables.read import read_table

COLUMNS = ("clinician_id", "cohort", "state", "practice_id", "small_practice")


@dataclass(frozen=True)
class Roster:
    """n clinicians of the cohorts that are simulated, sorted by cohort, in P practices."""

    cohorts: tuple[str, ...]
    cohort: NDArray[np.int64]  # [n] index into cohorts
    clinician_id: tuple[str, ...]
    state: tuple[str, ...]
    practice: NDArray[np.int64]  # [n] index into practice_id
    clinician_address: NDArray[np.uint64]  # [n]
    entry: NDArray[np.int64]  # [n] 0; otherwise of a reserve (reserves.py)
    practice_id: tuple[str, ...]
    practice_small: NDArray[np.bool_]  # [P]
    practice_listed: NDArray[np.int64]  # [P] clinicians listed, over all cohorts
    practice_address: NDArray[np.uint64]  # [P]
    # what the roster states beyond that, nan where it does not; without any [6, 0] and [3, 0]
    stated: NDArray[np.float64]  # [6, n] as in stated.OF_CLINICIAN; a specialty is its index
    practice_stated: NDArray[np.float64]  # [3, P] as in stated.OF_PRACTICE
    sha256: str
    notes: tuple[str, ...] = ()  # what was left out or taken for something, for whoever runs it
    areas: Areas | None = None  # of a synthetic frame
    own: NDArray[np.bool_] | None = None  # [n] who is of a roster set among the shipped (among.py)

    def slice_of(self, cohort: str) -> slice:
        """Where a cohort's clinicians stand."""
        return self.members[cohort].where

    @cached_property
    def members(self) -> dict[str, Members]:
        """The clinicians of each cohort."""
        return {name: self._members(number) for number, name in enumerate(self.cohorts)}

    def _members(self, number: int) -> Members:
        rows = np.flatnonzero(self.cohort == number)
        where = slice(int(rows[0]), int(rows[-1]) + 1)
        own = self.practice[where]
        at, practice = np.unique(own, return_inverse=True)
        practice = practice.astype(np.int64)
        entry = self.entry[where]
        states, state = np.unique(np.array(self.state[where]), return_inverse=True)
        names = [str(name) for name in states]
        return Members(
            where=where,
            address=words(self.clinician_address[where]),
            practice=practice,
            entry=entry,
            seats=np.sort(practice[entry == 0]),
            stated=_some(self.stated, where),
            practices=at,
            practice_address=words(self.practice_address[at]),
            practice_small=self.practice_small[at],
            practice_listed=self.practice_listed[at].astype(np.float64),
            practice_stated=_some(self.practice_stated, at),
            may_be_solo=own[(self.practice_small & (self.practice_listed == 1))[own]],
            states=names,
            state=state.astype(np.int64),
            state_address=words(np.array([address("state", name) for name in names], np.uint64)),
        )


class Members(NamedTuple):
    """n clinicians of a roster, those of a cohort, in P of its practices: the same in all draws."""

    where: slice
    address: NDArray[np.uint64]  # [2, n]
    practice: NDArray[np.int64]  # [n] index into practices
    entry: NDArray[np.int64]  # [n]
    seats: NDArray[np.int64]  # the practices of those who are listed, ascending
    stated: NDArray[np.float64]  # [6, n], or [6, 0] as in the roster
    practices: NDArray[np.int64]  # [P] index into those of the roster, ascending
    practice_address: NDArray[np.uint64]  # [2, P]
    practice_small: NDArray[np.bool_]  # [P]
    practice_listed: NDArray[np.float64]  # [P]
    practice_stated: NDArray[np.float64]  # [3, P], or [3, 0]
    may_be_solo: NDArray[np.int64]  # practices of the roster, flagged, with one listed clinician
    states: list[str]  # S that there are
    state: NDArray[np.int64]  # [n] index into states
    state_address: NDArray[np.uint64]  # [2, S]


def _some(stated: NDArray[np.float64], at: slice | NDArray[np.int64]) -> NDArray[np.float64]:
    """What is stated of some columns; nothing where nothing is."""
    return np.ascontiguousarray(stated[:, at]) if stated.shape[1] else stated


def find_roster(name: str, beside: Path) -> Path:
    """The roster file that a population names: beside the population's file, or a shipped one."""
    if not is_name(name):
        raise InputError(f"population.roster: {name!r} must be the name of a file, not a path")
    for folder in (beside, DATA):
        if is_ordinary_file(folder / name):
            return folder / name
    shipped = [path.name for path in DATA.glob("participant_roster*.csv")]
    raise InputError(
        f"population.roster: there is no file {name!r} beside the population or the scenario"
        f"{did_you_mean(name, shipped)}"
    )


def read_roster(path: Path, rules: RuleSet, population: Population) -> Roster:
    """Read and check a roster, or CMS's participant file, for a rule set and a population.

    Raises :class:`asm_sim.errors.InputError` that lists the problems with their line.
    """
    raw = read_table(path, _is_header, printable(path.name))
    problems = gathered(
        [(text, f"{raw.row_word} {row}", f": {text}") for row, text in raw.problems]
    )
    of_cms = is_participant_file(raw.names)
    if of_cms:
        rows, places, notes = participants(raw, problems, rules)
    else:
        rows, places, notes = _own_rows(raw, list(rules.cohorts))
        _refuse(raw.title, [*problems, *_problems(rows, places, list(rules.cohorts))])

    present = [name for name in rules.cohorts if any(row["cohort"] == name for row in rows)]
    order = sorted(range(len(rows)), key=lambda i: present.index(rows[i]["cohort"]))  # stable
    rows, places = [rows[i] for i in order], [places[i] for i in order]
    practice_ids = sorted({row["practice_id"] for row in rows})
    index = {name: i for i, name in enumerate(practice_ids)}
    practice = np.array([index[row["practice_id"]] for row in rows], dtype=np.int64)
    small = np.zeros(len(practice_ids), dtype=np.bool_)
    for row, p in zip(rows, practice, strict=True):
        small[p] = flag_of(row["small_practice"])[0] == 1
    crowded = crowded_practices(rows, places, practice, small.tolist(), population)
    if of_cms and crowded:
        largest = population.practice.size_classes.value[1]
        notes += [
            f"{counted(len(crowded), 'practice')} flagged as small with over {largest:g} listed"
        ]
        crowded = []
    stated, practice_stated, problems = read_traits(
        rows, places, practice, small.tolist(), rules, population
    )
    _refuse(raw.title, [*crowded, *problems])
    return Roster(
        cohorts=tuple(present),
        cohort=np.array([present.index(row["cohort"]) for row in rows], dtype=np.int64),
        clinician_id=tuple(row["clinician_id"] for row in rows),
        state=tuple(row["state"] for row in rows),
        practice=practice,
        clinician_address=addresses(
            [("clinician", f"{row['cohort']}\x1f{row['clinician_id']}") for row in rows]
        ),
        entry=np.zeros(len(rows), dtype=np.int64),
        practice_id=tuple(practice_ids),
        practice_small=small,
        practice_listed=np.bincount(practice, minlength=len(practice_ids)).astype(np.int64),
        practice_address=addresses([("practice", name) for name in practice_ids]),
        stated=stated,
        practice_stated=practice_stated,
        sha256=raw.sha256,
        notes=(*raw.notes, *notes),
    )


def _is_header(cells: Sequence[str]) -> bool:
    """Two of these are columns of a roster, as no row has, or they are those of CMS's file."""
    names = {column_of(cell) for cell in cells}
    return len(names & {*COLUMNS, *TRAITS}) > 1 or is_participant_file(cells)


def _refuse(title: str, problems: list[str]) -> None:
    if problems:
        raise InputError(f"{title}: this roster cannot be used:", problems)


def _own_rows(raw: RawTable, cohorts: list[str]) -> tuple[list[Row], list[str], list[str]]:
    """The rows with their places and notes; cohorts, states and practices in one spelling each."""
    reading = read_numbers(raw, QUANTITIES)
    _check_header(raw.title, reading.names)
    _refuse(raw.title, reading.problems)
    rows = plain_rows(raw, reading)
    known = {same(name): name for name in cohorts}
    spelled: dict[str, str] = {}
    given = {row["practice_id"] for row in rows}
    for name in sorted(given):
        spelled.setdefault(same(name), name)
    for row in rows:
        row["cohort"] = known.get(same(row["cohort"]), row["cohort"])
        row["state"] = row["state"].upper()
        row["practice_id"] = spelled[same(row["practice_id"])]
    again = len(given) - len(spelled)
    notes = [f"{counted(again, 'practice id')} differing from another by capitals alone"]
    places = [f"{raw.row_word} {row}" for row in raw.rows]
    return rows, places, [*reading.notes, *(notes if again else [])]


def _check_header(title: str, header: list[str]) -> None:
    """A first line that lacks a column may be no header at all: it is not shown."""
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise InputError(f"{title}: no column {', '.join(missing)}; expected {', '.join(COLUMNS)}")
    if len(set(header)) < len(header):
        twice = sorted({column for column in header if header.count(column) > 1})
        raise InputError(f"{title}: two columns of the same name: {', '.join(map(shown, twice))}")
    known = [*COLUMNS, *TRAITS]
    unknown = [column for column in header if column not in known]
    if unknown:
        raise InputError(
            f"{title}: this roster has columns that mean nothing here; besides "
            f"{', '.join(COLUMNS)} there may be {', '.join(TRAITS)}:",
            [f"column {shown(column)}{did_you_mean(column, known)}" for column in unknown],
        )


def _problems(rows: list[Row], places: list[str], cohorts: list[str]) -> list[str]:
    """What is wrong with the five columns that must be there, in the order of the rows."""
    found: list[tuple[str, str, str]] = []
    seen: dict[tuple[str, str], str] = {}
    flags: dict[str, tuple[float, str]] = {}
    for place, row in zip(places, rows, strict=True):
        if not row["cohort"]:
            found.append(("cohort blank", place, ", cohort: blank"))
        elif row["cohort"] not in cohorts:
            hint = did_you_mean(row["cohort"], cohorts)
            text = f", cohort: {shown(row['cohort'])} is not in the rule set{hint}"
            found.append(("cohort unknown", place, text))
        for name in ("clinician_id", "practice_id", "state"):
            if not row[name]:
                found += [(f"{name} blank", place, f", {name}: blank")] if name != "state" else []
            elif fault := identifier_fault(row[name]):
                found.append((f"{name} {fault}", place, f", {name}: {shown(row[name])} {fault}"))
        flag, odd = flag_of(row["small_practice"])
        if odd or flag not in (0, 1):
            given = shown(row["small_practice"]) if row["small_practice"] else "blank"
            found.append(("flag", place, f", small_practice: {given} is not 0 or 1"))
        key = (row["cohort"], same(row["clinician_id"]))
        if key in seen and not identifier_fault(row["clinician_id"]):
            name = shown(row["clinician_id"])
            found.append(("again", place, f", clinician_id: {name} stands in {seen[key]} too"))
        seen.setdefault(key, place)
        first, where = flags.setdefault(row["practice_id"], (flag, place))
        if first != flag:
            practice = shown(row["practice_id"])
            text = f", small_practice: practice {practice} is flagged otherwise in {where}"
            found.append(("other flag", place, text))
    return gathered(found)
