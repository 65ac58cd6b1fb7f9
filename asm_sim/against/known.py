"""What a table says of its clinicians, and how the rest is taken from simulated ones.

In each draw every clinician of the table has a donor, a simulated clinician of the same cohort
drawn for this clinician alone, and takes from it what the table leaves blank: what belongs together
comes from one donor. A measure of which neither rate nor cases are told is the donor's, reported or
not. Where the rate is told and not the rest of the measure, or of cost and episodes only one, the
rest is that of a donor who has it. Cases without a rate say that the measure was not reported.
Where practices are scored as a whole, those of a practice have their donors in one practice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asm_sim.addresses import address
from asm_sim.against.cohort_draws import CohortYear, Seen
from asm_sim.documents import did_you_mean
from asm_sim.engine.scored import pools
from asm_sim.errors import InputError
from asm_sim.kernels.choices import InteroperabilityExempt, Peers
from asm_sim.kernels.rule.law import CohortRules
from asm_sim.kernels.rule.observed import COLUMNS, Observed
from asm_sim.rules.schema import RuleSet
from asm_sim.score.columns import measures_in
from asm_sim.score.scoring import observed
from asm_sim.tables.cells import same, shown, text_of

Floats = NDArray[np.float64]
_COST = ("episodes", "episode_cost")
_WORDS = 2.0**64


@dataclass(frozen=True)
class Known:
    """The clinicians of one cohort of a table, in every performance year.

    ``ids`` [n] are as given, ``seen`` what is known of them in each year (nan, and -1 of a
    collection type: not known), ``paid`` [Y][n] the Part B payments of the payment year,
    ``of_year`` [Y, n] the performance year whose row of the table stands for this one (0: a row
    without one), ``specialty`` [Y, n] positions in the cohort's (-1: not known) and ``practice``
    [Y, n] positions in ``practices``, as given (each clinician's own where none is).
    """

    cohort: str
    measures: list[str]
    ids: list[Any]
    seen: list[Observed]
    paid: list[Floats]
    of_year: NDArray[np.int64]
    specialty: NDArray[np.int64]
    practice: NDArray[np.int64]
    practices: list[Any]

    def uniforms(self, seed: int, draw: int) -> Uniforms:
        """Numbers in 0 to 1 that decide who the donors of a draw are."""

        def of(what: str, names: list[Any]) -> Floats:
            kind = f"{what}\x1f{seed}\x1f{draw}\x1f{self.cohort}"
            return np.array([address(kind, same(text_of(name))) / _WORDS for name in names])

        return Uniforms(of("donor", self.ids), of("donor practice", self.practices))

    def filled(self, compared: CohortYear, u: Uniforms) -> Seen:
        """What is observed of the clinicians in a year of a draw, and what Part B pays them."""
        y = compared.y
        filling = _Filling(self.seen[y], compared, u, self.practice[y])
        observed, paid = filling.all(self.paid[y])
        specialty = np.where(
            self.specialty[y] < 0, compared.seen.specialty[filling.donor], self.specialty[y]
        )
        return Seen(observed, specialty, self.practice[y], paid)

    def drawn(self, rules: CohortRules) -> dict[str, int]:
        """What is not known, in any year, of how many of the clinicians."""
        found: dict[str, NDArray[np.bool_]] = {}
        for y, (known, paid) in enumerate(zip(self.seen, self.paid, strict=True)):
            with np.errstate(invalid="ignore"):
                few = known.episodes < rules.year["cost_case_minimum"][y]
            cost = np.where(few, 0.0, known.episode_cost)  # which is not scored then
            seen = known._replace(part_b_payments=paid, episode_cost=cost)
            unknown = dict(_missing(seen, self.measures, rules))
            if rules.peers == Peers.SPECIALTY:
                unknown["specialty"] = self.specialty[y] < 0
            for name, missing in unknown.items():
                found[name] = found.get(name, False) | missing
        return {name: int(where.sum()) for name, where in found.items() if where.any()}


class Uniforms(NamedTuple):
    """Numbers in 0 to 1 that decide who is whose donor."""

    clinician: Floats  # [n]
    practice: Floats  # of each of the practices


def known_of(frame: pd.DataFrame, rules: RuleSet, cohort: str, specialties: list[str]) -> Known:
    """The rows of one cohort of a table that was checked in part, laid out by year.

    A year without a row of its own has that of the nearest year before, else after. ``specialties``
    are those of the simulated cohort. :class:`InputError` where a clinician has two rows without a
    year, or is of a specialty that none of the cohort is of and the rule compares specialties.
    """
    rows = frame[frame["cohort"] == cohort].reset_index(drop=True)
    names = [same(text_of(name)) for name in rows["clinician_id"]]
    by_year: dict[str, dict[int, int]] = {}
    years = [0 if np.isnan(year) else int(year) for year in rows["performance_year"]]
    for i, (name, year) in enumerate(zip(names, years, strict=True)):
        if by_year.setdefault(name, {}).setdefault(year, i) != i:
            raise InputError(
                f"clinician {shown(rows['clinician_id'][i])} has two rows of cohort {cohort} "
                "without a performance year; leave one, or give the years"
            )
    chosen = np.array(
        [[_row_for(of_years, year) for of_years in by_year.values()] for year in rules.years]
    )
    practice, practices = _practices(rows, names)
    if rules.scoring_level.pools:
        rows = _alike(rows, practice)
    seen = [observed(rows.iloc[positions], rules, cohort) for positions in chosen]
    specialty = np.full(len(rows), -1)
    if rules.peers.basis.value == "specialty":
        specialty = _specialties(rows, cohort, specialties)
    part_b = rows["payment_year_part_b"].fillna(rows["part_b_payments"]).to_numpy(np.float64)
    return Known(
        cohort,
        measures_in(rules, cohort),
        [rows["clinician_id"][min(of_years.values())] for of_years in by_year.values()],
        seen,
        [part_b[positions] for positions in chosen],
        np.array(years, dtype=np.int64)[chosen],
        specialty[chosen],
        practice[chosen],
        practices,
    )


def _specialties(rows: pd.DataFrame, cohort: str, specialties: list[str]) -> NDArray[np.int64]:
    """Where the specialty of each row stands among those of the simulated cohort; -1: blank."""
    positions = {same(name): k for k, name in enumerate(specialties)}
    given = [text_of(cell) for cell in rows["specialty"]]
    odd = {name: None for name in given if name and same(name) not in positions}
    if odd:
        raise InputError(
            f"column specialty: nobody of the simulated cohort {cohort} is of these, and the rule "
            f"compares within specialties; one of: {', '.join(specialties)} (or blank: drawn)",
            [f"{shown(name)}{did_you_mean(name, specialties)}" for name in odd],
        )
    return np.array([positions[same(name)] if name else -1 for name in given], dtype=np.int64)


def _practices(rows: pd.DataFrame, clinicians: list[str]) -> tuple[NDArray[np.int64], list[Any]]:
    """The practice of each row as a number, and what the practices are called."""
    cells = [text_of(cell) for cell in rows["practice_id"]]
    given = [
        f"practice\x1f{same(cell)}" if cell else f"alone\x1f{who}"
        for cell, who in zip(cells, clinicians, strict=True)
    ]
    codes, practices = pd.factorize(np.array(given, dtype=object))
    return codes.astype(np.int64), list(practices)


def _alike(rows: pd.DataFrame, practice: NDArray[np.int64]) -> pd.DataFrame:
    """The rows with what a practice has as a whole in each of its rows of a year, where one has it.

    The checks have seen to it that no two say otherwise.
    """
    names = [str(name) for name in rows.columns]
    by_practice = rows.groupby([practice, rows["performance_year"]], dropna=False)
    values: dict[str, Any] = {
        name: rows[name].fillna(by_practice[name].transform("first"))
        for name in names
        if name == "practice_size" or name.endswith("_collection_type")
    }
    return rows.assign(**values)


def _row_for(of_years: dict[int, int], year: int) -> int:
    """The row that stands for a year: its own, one without a year, the nearest before, or after."""
    for own in (year, 0):
        if own in of_years:
            return of_years[own]
    before = [other for other in of_years if other < year]
    return of_years[max(before) if before else min(of_years)]


def _missing(
    seen: Observed, measures: list[str], rules: CohortRules
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """What is not known and is drawn, by name, as far as the rule reads it."""
    unread = {"extreme_circumstances"} if not rules.circumstances_neutral else set()
    if rules.interoperability_exempt != InteroperabilityExempt.SPECIAL_STATUS:
        unread.add("special_status")
    scales = [name for name in rules.year.dtype.names or () if name.endswith("_rural_scale")]
    if all((rules.year[name] == 1.0).all() for name in scales):
        unread.add("rural")
    for name in COLUMNS:
        if name not in unread:
            yield name, np.isnan(getattr(seen, name))
    for m, measure in enumerate(measures):
        no_rate, no_cases = np.isnan(seen.rate[m]), np.isnan(seen.cases[m])
        yield measure, no_rate & no_cases
        yield f"{measure.lower()}_cases", ~no_rate & no_cases
        if rules.measure_reported[m]:
            yield f"{measure.lower()}_completeness", ~no_rate & np.isnan(seen.completeness[m])
            yield f"{measure.lower()}_collection_type", ~no_rate & (seen.collection[m] < 0)


class _Filling:
    """What is known of n clinicians on its way to what is observed of them in one draw."""

    def __init__(
        self, known: Observed, compared: CohortYear, u: Uniforms, practice: NDArray[np.int64]
    ) -> None:
        self.known = known
        self.of_donors = compared.seen.observed
        self.paid = compared.seen.paid
        self.minimum = float(compared.rules.year["cost_case_minimum"][compared.y])
        self.present = compared.seen.present
        self.u = u.clinician
        # Where practices are scored as a whole: that of each clinician, and those of donors.
        self.together = (
            (u.practice[practice], compared.seen.practice) if pools(compared.rules) else None
        )
        self.donor = self.among(self.present)

    def among(self, who: NDArray[np.bool_]) -> NDArray[np.int64]:
        """A donor for each clinician among those of the cohort who may be; all, if nobody may."""
        positions = np.flatnonzero(who) if who.any() else np.arange(len(who))
        if self.together is None:
            return positions[(self.u * len(positions)).astype(np.int64)]
        of_practice, practice = self.together
        theirs = practice[positions]
        chosen = theirs[(of_practice * len(positions)).astype(np.int64)]
        order = np.argsort(theirs, kind="stable")
        begin, end = (np.searchsorted(theirs[order], chosen, side) for side in ("left", "right"))
        return positions[order[begin + (self.u * (end - begin)).astype(np.int64)]]

    def all(self, paid: Floats) -> tuple[Observed, Floats]:
        values = {
            name: self._or(getattr(self.known, name), getattr(self.of_donors, name), self.donor)
            for name in COLUMNS
            if name not in _COST
        }
        values |= self._cost()
        measures = [self._measure(m) for m in range(len(self.known.rate))]
        rate, cases, completeness, collection = map(np.array, zip(*measures, strict=True))
        filled = Observed(rate, cases, completeness, collection.astype(np.int8), **values)
        return filled, self._or(paid, self.paid, self.donor)

    @staticmethod
    def _or(known: Floats, of_donors: Floats, donor: NDArray[np.int64]) -> Floats:
        return np.where(np.isnan(known), of_donors[donor], known)

    def _cost(self) -> dict[str, Floats]:
        with np.errstate(invalid="ignore"):
            enough = (self.of_donors.episodes >= self.minimum) & self.present
            few = self.known.episodes < self.minimum
        one = self.among(enough & ~np.isnan(self.of_donors.episode_cost))
        neither = np.isnan(self.known.episodes) & np.isnan(self.known.episode_cost)
        donor = np.where(neither, self.donor, one)
        cost = self._or(self.known.episode_cost, self.of_donors.episode_cost, donor)
        cost = np.where(few, self.known.episode_cost, cost)
        return {
            "episodes": self._or(self.known.episodes, self.of_donors.episodes, donor),
            "episode_cost": cost,
        }

    def _measure(self, m: int) -> tuple[Floats, Floats, Floats, NDArray[np.int8]]:
        known, of_donors = self.known, self.of_donors
        has_rate = ~np.isnan(known.rate[m])
        said = has_rate | ~np.isnan(known.cases[m])
        reporting = self.among(self.present & ~np.isnan(of_donors.rate[m]))
        donor = np.where(has_rate, reporting, self.donor)
        asked = has_rate | ~said
        rate = np.where(said, known.rate[m], of_donors.rate[m][donor])
        cases = self._or(known.cases[m], of_donors.cases[m], donor)
        complete = self._or(known.completeness[m], of_donors.completeness[m], donor)
        completeness = np.where(asked, complete, known.completeness[m])
        kind = np.where(
            known.collection[m] < 0, of_donors.collection[m][donor], known.collection[m]
        )
        return rate, cases, completeness, np.where(asked, kind, known.collection[m])
