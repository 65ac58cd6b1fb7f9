"""CMS's participant file as it is published: the participants of one year, without their names.

The file has 16 columns: NPI, first and last name, state, ASM_COHORT, ORGANIZATION_LEGAL_NAME, and
ASM_CYnn_PARTICIPANT and ASM_CYnn_SMALLPRACTICE for 2027 to 2031. Names and NPIs are never kept, nor
shown in a message: a clinician is the number of the row, a practice that of its organisation in the
order of the file. Since columns may be shifted by a slip, no cell of the file is shown at all.

Choices where the file leaves room:

- a blank flag is a no;
- an organisation whose participants are flagged both ways is taken for two practices, for the flag
  is of a TIN and an organisation may have several;
- of a state only a two-letter code is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from asm_sim.errors import InputError
from asm_sim.rules.schema import RuleSet

Row = dict[str, str]

COHORT = "ASM_COHORT"
ORGANISATION = "ORGANIZATION_LEGAL_NAME"
_PARTICIPANT = re.compile(r"ASM_CY(\d\d)_PARTICIPANT")
_YES = frozenset({"1", "y", "yes", "true", "x"})
_NO = frozenset({"", "0", "n", "no", "false"})


def _plain(name: str) -> str:
    """A column's name in capitals, with underscores between its words."""
    return re.sub(r"[\s_-]+", "_", name.strip()).upper()


def _words(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip().casefold()


def is_participant_file(header: Sequence[str]) -> bool:
    """Whether these are the columns of CMS's file, in whatever case."""
    names = {_plain(name) for name in header}
    flagged = any(_PARTICIPANT.fullmatch(name) for name in names)
    return {COHORT, ORGANISATION} <= names and flagged


def participants(
    name: str, header: Sequence[str], rows: Sequence[Row], lines: Sequence[int], rules: RuleSet
) -> tuple[list[Row], list[int]]:
    """The first performance year's participants as rows of a roster, with their lines.

    Raises :class:`asm_sim.errors.InputError`, in which no cell of the file is quoted.
    """
    column = {_plain(given): given for given in header}
    year = rules.years[0]
    flag, small = (f"ASM_CY{year % 100:02d}_{what}" for what in ("PARTICIPANT", "SMALLPRACTICE"))
    for needed in (flag, small):
        if needed not in column:
            held = sorted(2000 + int(at[1]) for at in map(_PARTICIPANT.fullmatch, column) if at)
            raise InputError(
                f"{name}: no column {needed}, of the first performance year; the file has "
                f"participants of {', '.join(map(str, held))}"
            )
    states = [given for plain, given in column.items() if "STATE" in plain.split("_")]
    cohorts = {_words(cohort): cohort for cohort in rules.cohorts}
    cohorts |= {_words(entry.title): cohort for cohort, entry in rules.cohorts.items()}
    organisations: dict[str, int] = {}
    flags: dict[int, bool] = {}  # of an organisation's first participant
    found: list[Row] = []
    where: list[int] = []
    problems = []
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), start=1):
        organisation = _words(row[column[ORGANISATION]])
        practice = organisations.setdefault(organisation, len(organisations) + 1)
        said = {at: row[column[at]].strip().casefold() for at in (flag, small)}
        odd = [at for at, word in said.items() if word not in _YES | _NO]
        problems += [f"line {line}, {at}: not a flag such as Y, N, 1, 0 or blank" for at in odd]
        if odd or said[flag] in _NO:
            continue
        cohort = cohorts.get(_words(row[column[COHORT]]))
        if cohort is None:
            known = ", ".join(f"{key} ({rules.cohorts[key].title})" for key in rules.cohorts)
            problems.append(f"line {line}, {COHORT}: not one of: {known}")
            continue
        if not organisation:
            problems.append(f"line {line}, {ORGANISATION}: blank")
            continue
        is_small = said[small] in _YES
        as_first = flags.setdefault(practice, is_small) == is_small
        state = row[states[0]].strip().upper() if len(states) == 1 else ""
        found.append(
            {
                "clinician_id": str(number),
                "cohort": cohort,
                "state": state if re.fullmatch("[A-Z]{2}", state) else "",
                "practice_id": str(practice) if as_first else f"{practice}b",
                "small_practice": str(int(is_small)),
            }
        )
        where.append(line)
    if problems:
        raise InputError(
            f"{name}: this participant file cannot be used (its cells are not shown, since it "
            "holds names):",
            problems,
        )
    if not found:
        raise InputError(f"{name}: nobody is flagged in {flag}")
    if not any(row[column[small]].strip() for row in rows):
        raise InputError(f"{name}: {small} is blank in every line")
    return found, where
