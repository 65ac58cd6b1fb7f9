"""CMS's participant file as it is published: the participants of one year, without their names.

The file has 16 columns: NPI, first and last name, state, ASM_COHORT, ORGANIZATION_LEGAL_NAME, and
ASM_CYnn_PARTICIPANT and ASM_CYnn_SMALLPRACTICE for 2027 to 2031. Names and NPIs are never kept, nor
shown in a message: a clinician is the number of the row, a practice that of its organisation in the
order of the file. Since columns may be shifted by a slip, no cell of the file is shown at all.

Choices where the file leaves room, each counted in a note:

- a blank flag, or one that says "Null", is a no;
- an NPI that is there more than once in a cohort is one clinician, as in its first row that is
  flagged; one that is in two cohorts is two;
- a participant whose organisation has no name is a practice of its own;
- an organisation whose participants are flagged both ways is taken for two practices, for the flag
  is of a TIN and an organisation may have several;
- of a state only a two-letter code is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from asm_sim.errors import InputError
from asm_sim.rules.schema import RuleSet
from asm_sim.tables.cells import SHORTENED, flag_of, is_shortened, stripped
from asm_sim.tables.raw import RawTable, Row, text_rows

NPI = "NPI"
COHORT = "ASM_COHORT"
ORGANISATION = "ORGANIZATION_LEGAL_NAME"
_PARTICIPANT = re.compile(r"ASM_CY(\d\d)_PARTICIPANT")
_NPI = re.compile(r"(?:=\"|')?([0-9]{10})(?:\.0*)?\"?")  # also as ="1234567890", for Excel
_NO_NAME = frozenset({"", "n/a", "none"})


def _plain(name: str) -> str:
    """A column's name in capitals, with underscores between its words."""
    return re.sub(r"[\s_-]+", "_", stripped(name)).upper()


def _words(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", stripped(text)).strip().casefold()


def is_participant_file(header: Sequence[str]) -> bool:
    """Whether these are the columns of CMS's file, in whatever case."""
    names = {_plain(name) for name in header}
    flagged = any(_PARTICIPANT.fullmatch(name) for name in names)
    return {COHORT, ORGANISATION} <= names and flagged


def participants(
    raw: RawTable, problems: Sequence[str], rules: RuleSet
) -> tuple[list[Row], list[str], list[str]]:
    """The first performance year's participants as rows of a roster, with their places and notes.

    ``problems`` are those that were found before. Raises :class:`asm_sim.errors.InputError`, in
    which no cell of the file is quoted; nor is any in the notes.
    """
    reading = _Reading(raw, rules)
    for number, (place, row) in enumerate(zip(reading.places, reading.rows, strict=True), start=1):
        reading.take(number, place, row)
    if problems or reading.problems:
        raise InputError(
            f"{raw.title}: this participant file cannot be used (its cells are not shown, since it "
            "holds names):",
            [*problems, *reading.problems],
        )
    if not reading.found:
        raise InputError(f"{raw.title}: nobody is flagged in {reading.flag}")
    if not any(row[reading.small] for row in reading.rows):
        raise InputError(f"{raw.title}: {reading.small} is blank in every line")
    return reading.found, reading.found_at, [reading.note()]


class _Reading:
    """The file on its way to a roster: what was found so far, what was wrong, what was left out."""

    def __init__(self, raw: RawTable, rules: RuleSet) -> None:
        columns = [_plain(name) for name in raw.names]
        self.rules = rules
        year = rules.years[0] % 100
        self.flag, self.small = f"ASM_CY{year:02d}_PARTICIPANT", f"ASM_CY{year:02d}_SMALLPRACTICE"
        self._check_columns(raw.title, columns)
        self.rows = text_rows(raw, columns)
        self.places = [f"{raw.row_word} {row}" for row in raw.rows]
        states = [name for name in columns if "STATE" in name.split("_")]
        self.state = states[0] if len(states) == 1 else None
        self.has_npi = NPI in columns
        self.cohorts = {_words(entry.title): name for name, entry in rules.cohorts.items()}
        self.cohorts |= {_words(name): name for name in rules.cohorts}
        self.organisations: dict[object, int] = {}
        self.flags: dict[int, bool] = {}  # of an organisation's first participant
        self.both_ways: set[int] = set()
        self.seen: set[tuple[str, str]] = set()  # cohort and NPI; never leaves this object
        self.again = self.nameless = self.without_npi = 0
        self.found: list[Row] = []
        self.found_at: list[str] = []
        self.problems: list[str] = []

    def _check_columns(self, title: str, columns: Sequence[str]) -> None:
        for needed in (self.flag, self.small):
            if needed not in columns:
                held = sorted(
                    2000 + int(at[1]) for at in map(_PARTICIPANT.fullmatch, columns) if at
                )
                raise InputError(
                    f"{title}: no column {needed}, of the first performance year; the file has "
                    f"participants of {', '.join(map(str, held))}"
                )
        read = [NPI, COHORT, ORGANISATION, self.flag, self.small]
        for name in [name for name in read if columns.count(name) > 1]:
            raise InputError(f"{title}: two columns {name}")

    def take(self, number: int, place: str, row: Row) -> None:
        """Read one row, the number-th of the file."""
        organisation = _words(row[ORGANISATION])
        if organisation in _NO_NAME:
            organisation = ""
        key: object = organisation or number
        practice = self.organisations.setdefault(key, len(self.organisations) + 1)
        flags = {name: self._flag(name, place, row) for name in (self.flag, self.small)}
        if None in flags.values() or not flags[self.flag]:
            return
        cohort = self.cohorts.get(_words(row[COHORT]))
        if cohort is None:
            known = ", ".join(
                f"{key} ({self.rules.cohorts[key].title})" for key in self.rules.cohorts
            )
            self.problems.append(f"{place}, {COHORT}: not one of: {known}")
            return
        if self._is_again(place, row, cohort):
            self.again += 1
            return
        is_small = bool(flags[self.small])
        as_first = self.flags.setdefault(practice, is_small) == is_small
        self.nameless += not organisation
        if not as_first:
            self.both_ways.add(practice)
        state = row[self.state].upper() if self.state else ""
        self.found.append(
            {
                "clinician_id": str(number),
                "cohort": cohort,
                "state": state if re.fullmatch("[A-Z]{2}", state) else "",
                "practice_id": str(practice) if as_first else f"{practice}b",
                "small_practice": str(int(is_small)),
            }
        )
        self.found_at.append(place)

    def _flag(self, name: str, place: str, row: Row) -> bool | None:
        """A flag, None where it is none."""
        text = row[name]
        value, odd = (1.0, False) if text in {"x", "X"} else flag_of(text)
        if odd or (value not in (0, 1) and text):
            self.problems.append(f"{place}, {name}: not a flag such as Y, N, 1, 0 or blank")
            return None
        return value == 1

    def _is_again(self, place: str, row: Row, cohort: str) -> bool:
        """Whether this clinician was there before in the cohort; without an NPI, nobody was."""
        if not self.has_npi:
            return False
        if is_shortened(row[NPI]):
            self.problems.append(f"{place}, {NPI}: {SHORTENED}")
            return False
        digits = _NPI.fullmatch(row[NPI])
        if not digits:
            self.without_npi += 1
            return False
        before = len(self.seen)
        self.seen.add((cohort, digits[1]))
        return len(self.seen) == before

    def note(self) -> str:
        """What was understood, in one line."""
        counts = [
            f"{sum(row['cohort'] == cohort for row in self.found):,} {cohort}"
            for cohort in self.rules.cohorts
        ]
        practices = len({row["practice_id"] for row in self.found})
        parts = [
            f"CMS's participant file: of {len(self.rows):,} rows {len(self.found):,} clinicians "
            f"({', '.join(counts)}) in {practices:,} practices take part in {self.rules.years[0]}"
        ]
        counted = {
            "left out, since their NPI was there before in the cohort": self.again,
            "without an organisation, each a practice of its own": self.nameless,
            "organisations flagged both as small and not, each two practices": len(self.both_ways),
            "without an NPI of ten digits, who may be there twice": self.without_npi,
        }
        parts += [f"{what}: {number:,}" for what, number in counted.items() if number]
        if not self.has_npi:
            parts.append("without a column NPI somebody may be there twice")
        return "; ".join(parts)
