"""The roster: which clinicians are in the model, in which cohort and practice.

A CSV with the columns clinician_id, cohort, state, practice_id and small_practice (1: a practice of
15 or fewer clinicians). The shipped one is CMS's CY 2027 preliminary participant list without names
and NPIs. Ids are turned into 64-bit addresses for the random streams, so a clinician keeps the same
variates whatever else is in the roster.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asm_sim.documents import did_you_mean, is_name
from asm_sim.errors import InputError
from asm_sim.population.load import DATA

COLUMNS = ("clinician_id", "cohort", "state", "practice_id", "small_practice")
_YES_NO = {"1": True, "0": False, "yes": True, "no": False, "true": True, "false": False}


@dataclass(frozen=True)
class Roster:
    """n clinicians of the cohorts that are simulated, sorted by cohort, in P practices."""

    cohorts: tuple[str, ...]
    cohort: NDArray[np.int64]  # [n] index into cohorts
    clinician_id: tuple[str, ...]
    state: tuple[str, ...]
    practice: NDArray[np.int64]  # [n] index into practice_id
    clinician_address: NDArray[np.uint64]  # [n]
    practice_id: tuple[str, ...]
    practice_small: NDArray[np.bool_]  # [P]
    practice_listed: NDArray[np.int64]  # [P] clinicians listed, over all cohorts
    practice_address: NDArray[np.uint64]  # [P]
    sha256: str

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
        if (folder / name).is_file():
            return folder / name
    shipped = [path.name for path in DATA.glob("participant_roster*.csv")]
    raise InputError(
        f"population.roster: there is no file {name!r} beside the population or the scenario"
        f"{did_you_mean(name, shipped)}"
    )


def read_roster(path: Path, cohorts: list[str]) -> Roster:
    """Read and check a roster; ``cohorts`` are those of the rule set, in its order.

    Raises :class:`asm_sim.errors.InputError` that lists the problems with their line.
    """
    try:
        content = path.read_bytes()
        rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name}: not a readable CSV file") from error
    header = list(rows[0]) if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if not rows or missing:
        reason = f"no column {', '.join(missing)}" if rows else "no clinicians in it"
        raise InputError(f"{path.name}: {reason}; expected {', '.join(COLUMNS)}")
    problems = _problems(rows, cohorts)
    if problems:
        raise InputError(f"{path.name}: this roster cannot be used:", problems)

    present = [name for name in cohorts if any(row["cohort"] == name for row in rows)]
    rows.sort(key=lambda row: present.index(row["cohort"]))  # stable: file order within a cohort
    practice_ids = sorted({row["practice_id"] for row in rows})
    index = {name: i for i, name in enumerate(practice_ids)}
    practice = np.array([index[row["practice_id"]] for row in rows], dtype=np.int64)
    small = np.zeros(len(practice_ids), dtype=np.bool_)
    for row, p in zip(rows, practice, strict=True):
        small[p] = _YES_NO[row["small_practice"].lower()]
    clinician_address = _addresses(
        [("clinician", f"{row['cohort']}\x1f{row['clinician_id']}") for row in rows]
    )
    return Roster(
        cohorts=tuple(present),
        cohort=np.array([present.index(row["cohort"]) for row in rows], dtype=np.int64),
        clinician_id=tuple(row["clinician_id"] for row in rows),
        state=tuple(row["state"] for row in rows),
        practice=practice,
        clinician_address=clinician_address,
        practice_id=tuple(practice_ids),
        practice_small=small,
        practice_listed=np.bincount(practice, minlength=len(practice_ids)).astype(np.int64),
        practice_address=_addresses([("practice", name) for name in practice_ids]),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _addresses(names: list[tuple[str, str]]) -> NDArray[np.uint64]:
    result = np.array([address(kind, name) for kind, name in names], dtype=np.uint64)
    if len(np.unique(result)) != len(result):  # about one chance in 10^12 for a cohort
        raise InputError("two ids of the roster have the same 64-bit address; rename one of them")
    return result


def _problems(rows: list[dict[str, str]], cohorts: list[str]) -> list[str]:
    problems = []
    seen: dict[tuple[str, str], int] = {}
    flags: dict[str, tuple[str, int]] = {}
    for line, row in enumerate(rows, start=2):
        if None in row or any(row[name] is None for name in COLUMNS):
            problems.append(f"line {line}: another number of fields than the header")
            continue
        if row["cohort"] not in cohorts:
            hint = did_you_mean(row["cohort"], cohorts)
            problems.append(f"line {line}, cohort: {row['cohort']!r} is not in the rule set{hint}")
        for name in ("clinician_id", "practice_id"):
            if not row[name].strip():
                problems.append(f"line {line}, {name}: blank")
        flag = row["small_practice"].lower()
        if flag not in _YES_NO:
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
