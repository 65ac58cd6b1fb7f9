"""The roster: which clinicians are in the model, in which cohort and practice.

A CSV with the columns clinician_id, cohort, state, practice_id and small_practice (1: a practice of
15 or fewer clinicians). The shipped one is CMS's CY 2027 preliminary participant list without names
and NPIs. Ids are turned into 64-bit addresses for the random streams, so a clinician keeps the same
variates whatever else is in the roster. Ids stay in the results: give none that name a person.

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

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asm_sim.documents import did_you_mean, is_name, is_ordinary_file
from asm_sim.errors import InputError
from asm_sim.population.load import DATA
from asm_sim.population.participant_file import is_participant_file, participants
from asm_sim.population.schema import Population
from asm_sim.population.stated import TRAITS, YES_NO, Row, read_traits
from asm_sim.rules.schema import RuleSet

_LOW_WORD = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)

COLUMNS = ("clinician_id", "cohort", "state", "practice_id", "small_practice")


@dataclass(frozen=True)
class Areas:
    """A areas of a synthetic frame (geography.py), stratum by stratum, with P practices in them."""

    address: NDArray[np.uint64]  # [A]
    volume: NDArray[np.float64]  # [A] relative
    spending: NDArray[np.float64]  # [A] per beneficiary, as a normal score
    division: NDArray[np.bool_]  # [A] a metropolitan division
    stratum_end: NDArray[np.int64]  # [A] one past the last area of its stratum
    taken: NDArray[np.int64]  # [A] how many areas are drawn of its stratum
    of_practice: NDArray[np.int64]  # [P]


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
    # what the roster states beyond that, nan where it does not; without any [5, 0] and [3, 0]
    stated: NDArray[np.float64]  # [5, n] as in stated.OF_CLINICIAN; a specialty is its index
    practice_stated: NDArray[np.float64]  # [3, P] as in stated.OF_PRACTICE
    sha256: str
    areas: Areas | None = None  # of a synthetic frame

    def slice_of(self, cohort: str) -> slice:
        """Where a cohort's clinicians stand."""
        at = np.flatnonzero(self.cohort == self.cohorts.index(cohort))
        return slice(int(at[0]), int(at[-1]) + 1)


def address(kind: str, name: str) -> int:
    """The stable 64-bit address of an entity, from its kind and id."""
    digest = hashlib.blake2b(f"{kind}\x1f{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


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
    cohorts = list(rules.cohorts)
    try:
        content = path.read_bytes()
        header, rows, lines = _table(content)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name}: not a readable CSV file") from error
    of_cms = is_participant_file(header)
    if not of_cms:
        _check_header(path.name, header, rows)
    problems = [
        f"line {line}: another number of fields than the header"
        for line, row in zip(lines, rows, strict=True)
        if None in row or None in row.values()
    ]
    if not problems and of_cms:
        rows, lines = participants(path.name, header, rows, lines, rules)
    if not problems:
        problems = _problems(rows, lines, cohorts)
    if problems:
        raise InputError(f"{path.name}: this roster cannot be used:", problems)

    present = [name for name in cohorts if any(row["cohort"] == name for row in rows)]
    order = sorted(range(len(rows)), key=lambda i: present.index(rows[i]["cohort"]))  # stable
    rows, lines = [rows[i] for i in order], [lines[i] for i in order]
    practice_ids = sorted({row["practice_id"] for row in rows})
    index = {name: i for i, name in enumerate(practice_ids)}
    practice = np.array([index[row["practice_id"]] for row in rows], dtype=np.int64)
    small = np.zeros(len(practice_ids), dtype=np.bool_)
    for row, p in zip(rows, practice, strict=True):
        small[p] = YES_NO[row["small_practice"].lower()]
    stated, practice_stated, problems = read_traits(
        rows, lines, practice, small.tolist(), rules, population
    )
    if problems:
        raise InputError(f"{path.name}: this roster cannot be used:", problems)
    clinician_address = addresses(
        [("clinician", f"{row['cohort']}\x1f{row['clinician_id']}") for row in rows]
    )
    return Roster(
        cohorts=tuple(present),
        cohort=np.array([present.index(row["cohort"]) for row in rows], dtype=np.int64),
        clinician_id=tuple(row["clinician_id"] for row in rows),
        state=tuple(row["state"] for row in rows),
        practice=practice,
        clinician_address=clinician_address,
        entry=np.zeros(len(rows), dtype=np.int64),
        practice_id=tuple(practice_ids),
        practice_small=small,
        practice_listed=np.bincount(practice, minlength=len(practice_ids)).astype(np.int64),
        practice_address=addresses([("practice", name) for name in practice_ids]),
        stated=stated,
        practice_stated=practice_stated,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _table(content: bytes) -> tuple[list[str], list[Row], list[int]]:
    """Header, rows by column, and the line on which each row ends."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # names in CMS's file, which are dropped
        if not is_participant_file(next(csv.reader(io.StringIO(text)), [])):
            raise
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows, lines = [], []
    for row in reader:
        rows.append(row)
        lines.append(reader.line_num)
    return list(reader.fieldnames or []), rows, lines


def _check_header(name: str, header: list[str], rows: list[Row]) -> None:
    """A first line that lacks a column may be no header at all: it is not shown."""
    missing = [column for column in COLUMNS if column not in header]
    if not rows or missing:
        reason = f"no column {', '.join(missing)}" if rows else "no clinicians in it"
        raise InputError(f"{name}: {reason}; expected {', '.join(COLUMNS)}")
    if len(set(header)) < len(header):
        twice = sorted({column for column in header if header.count(column) > 1})
        raise InputError(f"{name}: two columns of the same name: {', '.join(map(repr, twice))}")
    known = [*COLUMNS, *TRAITS]
    unknown = [column for column in header if column not in known]
    if unknown:
        raise InputError(
            f"{name}: this roster has columns that mean nothing here; besides "
            f"{', '.join(COLUMNS)} there may be {', '.join(TRAITS)}:",
            [f"column {column!r}{did_you_mean(column, known)}" for column in unknown],
        )


def words(addresses: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Addresses as low and high 32-bit words, uint64 [2, n]."""
    return np.ascontiguousarray(np.vstack([addresses & _LOW_WORD, addresses >> _WORD]))


def addresses(names: list[tuple[str, str]]) -> NDArray[np.uint64]:
    """The addresses of entities given by kind and id, which differ."""
    return distinct(np.array([address(kind, name) for kind, name in names], dtype=np.uint64))


def distinct(own: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The addresses themselves; :class:`InputError` where two are the same."""
    if len(np.unique(own)) != len(own):  # about one chance in 10^12 for a cohort
        raise InputError("two ids of the roster have the same 64-bit address; rename one of them")
    return own


def _problems(rows: list[Row], lines: list[int], cohorts: list[str]) -> list[str]:
    problems = []
    seen: dict[tuple[str, str], int] = {}
    flags: dict[str, tuple[str, int]] = {}
    for line, row in zip(lines, rows, strict=True):
        if row["cohort"] not in cohorts:
            hint = did_you_mean(row["cohort"], cohorts)
            problems.append(f"line {line}, cohort: {row['cohort']!r} is not in the rule set{hint}")
        for name in ("clinician_id", "practice_id"):
            if not row[name].strip():
                problems.append(f"line {line}, {name}: blank")
        flag = row["small_practice"].lower()
        if flag not in YES_NO:
            problems.append(f"line {line}, small_practice: {row['small_practice']!r} is not 0 or 1")
        key = (row["cohort"], row["clinician_id"])
        if key in seen:
            problems.append(f"line {line}, clinician_id: {key[1]!r} stands in line {seen[key]} too")
        seen.setdefault(key, line)
        first, where = flags.setdefault(row["practice_id"], (flag, line))
        if first != flag:
            problems.append(
                f"line {line}, small_practice: practice {row['practice_id']!r} is flagged "
                f"otherwise in line {where}"
            )
    return problems
