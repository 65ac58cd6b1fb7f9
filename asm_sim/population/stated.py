"""Traits that a roster states: what stands in its optional columns, checked.

What is stated takes the place of what is drawn for that clinician or practice; the words are drawn
all the same, so nobody else's variates change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.documents import did_you_mean
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet
from asm_sim.tables.cells import flag_of, number_of, same, shown
from asm_sim.tables.notation import Quantity, Unit
from asm_sim.tables.raw import Row, gathered

if TYPE_CHECKING:
    from asm_sim.population.roster import Roster

Floats = NDArray[np.float64]

# In the order of the rows of the compiled arrays (kernels/world/stated.py).
OF_CLINICIAN = (
    "specialty",
    "episodes",
    "part_b_payments",
    "hcc_risk_score",
    "dual_share",
    "special_status",
)
OF_PRACTICE = ("practice_size", "rural", "collection_type")
TRAITS = (*OF_CLINICIAN, *OF_PRACTICE)


@dataclass(frozen=True)
class Amount:
    """A number in a cell and what makes sense at all, ends included."""

    unit: str
    lowest: float
    highest: float
    whole: bool = False
    written_as: Unit = "number"

    @property
    def quantity(self) -> Quantity:
        """How the numbers of a column of it may be written."""
        return Quantity("whole" if self.whole else self.written_as, self.highest)

    def read(self, text: str) -> float:
        """Raises ValueError, which says what was expected."""
        value, _ = number_of(text)
        if not self.lowest <= value <= self.highest or (self.whole and value != int(value)):
            amount = "a whole number" if self.whole else "a number"
            raise ValueError(
                f"{shown(text)} is not {amount} from {self.lowest:g} to {self.highest:g} "
                f"({self.unit})"
            )
        return value


_AMOUNTS = {
    "practice_size": Amount("clinicians", 1, 100_000, whole=True),
    "episodes": Amount("mean episodes a year", 0.1, 100_000),
    "part_b_payments": Amount("USD in the first performance year", 0, 1e9, written_as="dollars"),
    "hcc_risk_score": Amount("mean HCC score", 0, 20),
    "dual_share": Amount("a fraction, not percent", 0, 1, written_as="fraction"),
}
QUANTITIES = {name: amount.quantity for name, amount in _AMOUNTS.items()}


def _read_yes_no(text: str) -> float:
    value, _ = flag_of(text)
    if value not in (0, 1):
        raise ValueError(f"{shown(text)} is not 0 or 1")
    return value


def _one_of(names: Sequence[str]) -> Callable[[str], float]:
    """Reads a name as its index."""

    index = {same(name): float(i) for i, name in enumerate(names)}

    def read(text: str) -> float:
        if same(text) not in index:
            hint = did_you_mean(same(text), list(names))
            raise ValueError(f"{shown(text)} is not one of: {', '.join(names)}{hint}")
        return index[same(text)]

    return read


def read_traits(
    rows: Sequence[Row],
    places: Sequence[str],
    practice: NDArray[np.int64],
    small: Sequence[bool],
    rules: RuleSet,
    population: Population,
) -> tuple[Floats, Floats, list[str]]:
    """What is stated of the clinicians [6, n] and of P practices [3, P], and all that is wrong.

    nan is not stated; without anything stated the arrays are [6, 0] and [3, 0]. ``practice`` is the
    index of each row's practice, ``small`` [P] their flags. A specialty is its index in the mix of
    the cohort, a collection type that in the rule set's list.
    """
    readers: dict[str, Callable[[str], float]] = {
        name: amount.read for name, amount in _AMOUNTS.items()
    }
    readers["rural"] = readers["special_status"] = _read_yes_no
    readers["collection_type"] = _one_of(rules.quality.collection_types.value)
    specialties = {cohort: _one_of(list(mix)) for cohort, mix in population.specialty_mix.items()}
    cells = np.full((len(TRAITS), len(rows)), np.nan)
    found = []
    for i, (place, row) in enumerate(zip(places, rows, strict=True)):
        for t, name in enumerate(TRAITS):
            text = row.get(name, "")
            if not text:
                continue
            read = specialties.get(row["cohort"]) if name == "specialty" else readers[name]
            if read is None:  # check_complete will say that the cohort has no mix
                continue
            try:
                cells[t, i] = read(text)
            except ValueError as error:
                found.append((name, place, f", {name}: {error}"))
    problems = gathered(found)
    clinicians = cells[: len(OF_CLINICIAN)]
    of_practice, contradictions = _by_practice(cells[len(OF_CLINICIAN) :], rows, places, practice)
    problems += contradictions
    sizes = cells[len(OF_CLINICIAN) + OF_PRACTICE.index("practice_size")]
    problems += _sizes(sizes, rows, places, practice, small, population)
    return _or_nothing(clinicians), _or_nothing(of_practice), problems


def stated_columns(
    roster: Roster, rules: RuleSet, population: Population
) -> dict[str, NDArray[Any]]:
    """What a roster states, [n] by column, without the columns in which it states nothing.

    Numbers are nan where nothing is stated; specialties and collection types are names, or empty.
    """
    tables = ((OF_CLINICIAN, roster.stated), (OF_PRACTICE, roster.practice_stated))
    columns: dict[str, NDArray[Any]] = {}
    for names, table in tables:
        for name, values in zip(names, table, strict=True):
            if values.size and not np.isnan(values).all():
                columns[name] = values if names is OF_CLINICIAN else values[roster.practice]
    if "specialty" in columns:
        mixes = [list(population.specialty_mix[cohort]) for cohort in roster.cohorts]
        columns["specialty"] = _named(columns["specialty"], [mixes[c] for c in roster.cohort])
    if "collection_type" in columns:
        types = list(rules.quality.collection_types.value)
        columns["collection_type"] = _named(
            columns["collection_type"], [types] * len(roster.cohort)
        )
    return columns


def _named(positions: Floats, names: Sequence[Sequence[str]]) -> NDArray[Any]:
    return np.array(
        ["" if np.isnan(k) else some[int(k)] for k, some in zip(positions, names, strict=True)]
    )


def _or_nothing(stated: Floats) -> Floats:
    """A table without a value is as good as none."""
    return stated[:, :0] if np.isnan(stated).all() else np.ascontiguousarray(stated)


def _by_practice(
    cells: Floats, rows: Sequence[Row], places: Sequence[str], practice: NDArray[np.int64]
) -> tuple[Floats, list[str]]:
    """One value for each practice: what any of its clinicians states."""
    stated = np.full((len(cells), practice.max(initial=-1) + 1), np.nan)
    first: dict[tuple[int, int], str] = {}
    problems = []
    for t, name in enumerate(OF_PRACTICE):
        for i in np.flatnonzero(~np.isnan(cells[t])).tolist():
            p = int(practice[i])
            if np.isnan(stated[t, p]):
                stated[t, p], first[t, p] = cells[t, i], places[i]
            elif stated[t, p] != cells[t, i]:
                problems.append(
                    f"{places[i]}, {name}: practice {shown(rows[i]['practice_id'])} has another "
                    f"value in {first[t, p]}"
                )
    return stated, problems


def _sizes(
    sizes: Floats,
    rows: Sequence[Row],
    places: Sequence[str],
    practice: NDArray[np.int64],
    small: Sequence[bool],
    population: Population,
) -> list[str]:
    """Stated sizes that the flag or the list contradicts."""
    largest_small = population.practice.size_classes.value[1]
    listed = _listed(rows, practice)
    problems = []
    for i in np.flatnonzero(~np.isnan(sizes)).tolist():
        size, p, where = sizes[i], int(practice[i]), f"{places[i]}, practice_size"
        if (size <= largest_small) != small[p]:
            problems.append(
                f"{where}: {size:g} clinicians, but small_practice is {int(small[p])} "
                f"(1: {largest_small:g} or fewer)"
            )
        if size < listed[p]:
            problems.append(
                f"{where}: {size:g} clinicians, but {listed[p]} are listed in practice "
                f"{shown(rows[i]['practice_id'])}"
            )
    return problems


def crowded_practices(
    rows: Sequence[Row],
    places: Sequence[str],
    practice: NDArray[np.int64],
    small: Sequence[bool],
    population: Population,
) -> list[str]:
    """Practices flagged as small with more clinicians listed than a small one has, told where.

    It is the mark of identifiers that have become one, as in a column that lost its digits.
    """
    largest_small = population.practice.size_classes.value[1]
    first = {int(p): i for i, p in reversed(list(enumerate(practice)))}
    return [
        f"{places[first[p]]}, small_practice: 1 ({largest_small:g} clinicians or fewer), but "
        f"{listed} are listed in practice {shown(rows[first[p]]['practice_id'])}"
        for p, listed in sorted(_listed(rows, practice).items(), key=lambda item: first[item[0]])
        if small[p] and listed > largest_small
    ]


def _listed(rows: Sequence[Row], practice: NDArray[np.int64]) -> dict[int, int]:
    """How many clinicians are listed in each practice; one in two cohorts is one."""
    listed: dict[int, set[str]] = {}
    for row, p in zip(rows, practice.tolist(), strict=True):
        listed.setdefault(p, set()).add(same(row["clinician_id"]))
    return {p: len(who) for p, who in listed.items()}
