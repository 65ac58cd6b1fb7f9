"""Traits that a roster states: what stands in its optional columns, checked.

What is stated takes the place of what is drawn for that clinician or practice; the words are drawn
all the same, so nobody else's variates change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asm_sim.documents import did_you_mean
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet

Floats = NDArray[np.float64]
Row = dict[str, str]

# In the order of the rows of the compiled arrays (kernels/stated.py).
OF_CLINICIAN = ("specialty", "episodes", "part_b_payments", "hcc_risk_score", "dual_share")
OF_PRACTICE = ("practice_size", "rural", "collection_type")
TRAITS = (*OF_CLINICIAN, *OF_PRACTICE)

YES_NO = {"1": True, "0": False, "yes": True, "no": False, "true": True, "false": False}


@dataclass(frozen=True)
class Amount:
    """A number in a cell and what makes sense at all, ends included."""

    unit: str
    lowest: float
    highest: float
    whole: bool = False

    def read(self, text: str) -> float:
        """Raises ValueError, which says what was expected."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not self.lowest <= value <= self.highest or (self.whole and value != int(value)):
            amount = "a whole number" if self.whole else "a number"
            raise ValueError(
                f"{text!r} is not {amount} from {self.lowest:g} to {self.highest:g} ({self.unit})"
            )
        return value


_AMOUNTS = {
    "practice_size": Amount("clinicians", 1, 100_000, whole=True),
    "episodes": Amount("mean episodes a year", 0.1, 100_000),
    "part_b_payments": Amount("USD in the first performance year", 0, 1e9),
    "hcc_risk_score": Amount("mean HCC score", 0, 20),
    "dual_share": Amount("a fraction, not percent", 0, 1),
}


def _read_yes_no(text: str) -> float:
    if text.lower() not in YES_NO:
        raise ValueError(f"{text!r} is not 0 or 1")
    return float(YES_NO[text.lower()])


def _one_of(names: Sequence[str]) -> Callable[[str], float]:
    """Reads a name as its index."""

    def read(text: str) -> float:
        if text.lower() not in names:
            hint = did_you_mean(text.lower(), list(names))
            raise ValueError(f"{text!r} is not one of: {', '.join(names)}{hint}")
        return float(names.index(text.lower()))

    return read


def read_traits(
    rows: Sequence[Row],
    lines: Sequence[int],
    practice: NDArray[np.int64],
    small: Sequence[bool],
    rules: RuleSet,
    population: Population,
) -> tuple[Floats, Floats, list[str]]:
    """What is stated of the clinicians [5, n] and of P practices [3, P], and all that is wrong.

    nan is not stated; without anything stated the arrays are [5, 0] and [3, 0]. ``practice`` is the
    index of each row's practice, ``small`` [P] their flags. A specialty is its index in the mix of
    the cohort, a collection type that in the rule set's list.
    """
    readers: dict[str, Callable[[str], float]] = {
        name: amount.read for name, amount in _AMOUNTS.items()
    }
    readers["rural"] = _read_yes_no
    readers["collection_type"] = _one_of(rules.quality.collection_types.value)
    specialties = {cohort: _one_of(list(mix)) for cohort, mix in population.specialty_mix.items()}
    cells = np.full((len(TRAITS), len(rows)), np.nan)
    problems = []
    for i, (line, row) in enumerate(zip(lines, rows, strict=True)):
        for t, name in enumerate(TRAITS):
            text = row.get(name, "").strip()
            if not text:
                continue
            read = specialties.get(row["cohort"]) if name == "specialty" else readers[name]
            if read is None:  # check_complete will say that the cohort has no mix
                continue
            try:
                cells[t, i] = read(text)
            except ValueError as error:
                problems.append(f"line {line}, {name}: {error}")
    clinicians = cells[: len(OF_CLINICIAN)]
    of_practice, contradictions = _by_practice(cells[len(OF_CLINICIAN) :], rows, lines, practice)
    problems += contradictions
    sizes = cells[len(OF_CLINICIAN) + OF_PRACTICE.index("practice_size")]
    problems += _sizes(sizes, rows, lines, practice, small, population)
    return _or_nothing(clinicians), _or_nothing(of_practice), problems


def _or_nothing(stated: Floats) -> Floats:
    """A table without a value is as good as none."""
    return stated[:, :0] if np.isnan(stated).all() else np.ascontiguousarray(stated)


def _by_practice(
    cells: Floats, rows: Sequence[Row], lines: Sequence[int], practice: NDArray[np.int64]
) -> tuple[Floats, list[str]]:
    """One value for each practice: what any of its clinicians states."""
    stated = np.full((len(cells), practice.max(initial=-1) + 1), np.nan)
    first = np.zeros(stated.shape, dtype=np.int64)
    problems = []
    for t, name in enumerate(OF_PRACTICE):
        for i in np.flatnonzero(~np.isnan(cells[t])).tolist():
            p = practice[i]
            if np.isnan(stated[t, p]):
                stated[t, p], first[t, p] = cells[t, i], lines[i]
            elif stated[t, p] != cells[t, i]:
                problems.append(
                    f"line {lines[i]}, {name}: practice {rows[i]['practice_id']!r} has another "
                    f"value in line {first[t, p]}"
                )
    return stated, problems


def _sizes(
    sizes: Floats,
    rows: Sequence[Row],
    lines: Sequence[int],
    practice: NDArray[np.int64],
    small: Sequence[bool],
    population: Population,
) -> list[str]:
    """Stated sizes that the flag or the list contradicts."""
    largest_small = population.practice.size_classes.value[1]
    listed: dict[int, set[str]] = {}
    for row, p in zip(rows, practice, strict=True):
        listed.setdefault(int(p), set()).add(row["clinician_id"])
    problems = []
    for i in np.flatnonzero(~np.isnan(sizes)).tolist():
        size, p, where = sizes[i], int(practice[i]), f"line {lines[i]}, practice_size"
        if (size <= largest_small) != small[p]:
            problems.append(
                f"{where}: {size:g} clinicians, but small_practice is {int(small[p])} "
                f"(1: {largest_small:g} or fewer)"
            )
        if size < len(listed[p]):
            problems.append(
                f"{where}: {size:g} clinicians, but {len(listed[p])} are listed in practice "
                f"{rows[i]['practice_id']!r}"
            )
    return problems
