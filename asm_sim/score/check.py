"""Everything that can be wrong with a clinician table, found in one pass and reported together.

Column names are matched without regard to case and surrounding spaces, and so are cohorts and
collection types. A row needs the columns of its own cohort's measures; those of another cohort may
be absent, or blank in that row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.rules.schema import Measure, RuleSet
from asm_sim.score.cells import (
    BoolArray,
    FloatArray,
    ObjectArray,
    is_blank,
    is_none,
    names_of,
    numbers_of,
    objects_of,
    shown,
)
from asm_sim.score.columns import (
    PERCENT,
    Column,
    cohorts_with,
    column_name,
    input_columns,
    measures_of,
)
from asm_sim.score.read import RawTable

BEFORE_ROWS = -1  # where the problems of whole columns stand in the list
LARGEST_FRACTION = 1.0


@dataclass(frozen=True)
class CheckedTable:
    """A table that can be scored.

    ``frame`` has every known column of the rule set under its own name: identifiers as given,
    numbers as float64 (NaN = blank), ``performance_year`` as int64, ``cohort`` and collection types
    as the rule set spells them (None = blank). ``warnings`` are sentences for the user,
    ``ignored_columns`` the columns that nobody knows, as written.
    """

    title: str
    frame: pd.DataFrame
    warnings: list[str]
    ignored_columns: list[str]


def check_table(raw: RawTable, rules: RuleSet) -> CheckedTable:
    """The raw table as numbers and names, or an :class:`InputError` that lists every problem."""
    return _Check(raw, rules).run()


class _Check:
    """One table under check: what has been parsed so far, and what was found wrong."""

    def __init__(self, raw: RawTable, rules: RuleSet) -> None:
        self.raw = raw
        self.rules = rules
        self.known = input_columns(rules)
        self.order = {name: i for i, name in enumerate(self.known)}
        self.n = len(raw.rows)
        self.problems: list[tuple[int, int, str]] = [(row, -1, text) for row, text in raw.problems]
        self.warnings: list[str] = []
        self.values: dict[str, FloatArray] = {}
        self.names: dict[str, ObjectArray] = {}
        self.blank: dict[str, BoolArray] = {}

    def run(self) -> CheckedTable:
        cells, ignored = self._find_columns()
        cohort = self._names(
            self.known["cohort"], cells.get("cohort"), list(self.rules.cohorts), "cohort"
        )
        present = [name for name in self.rules.cohorts if name in set(cohort)]
        self._missing_columns(cells, present, ignored)
        for column in self.known.values():
            if column.measure is None and column.is_numeric:
                self._numbers(column, cells.get(column.name), np.ones(self.n, dtype=np.bool_))
        self._years()
        self._duplicates(self._identifiers(cells.get("clinician_id")), cohort)
        for measure in measures_of(self.rules, list(self.rules.cohorts)):
            self._measure(measure, cells, cohort)
        self._episodes()
        self._together(cells, cohort)
        if self.problems:
            self._give_up()
        return CheckedTable(self.raw.title, self._frame(cells), self.warnings, ignored)

    def _find_columns(self) -> tuple[dict[str, pd.Series[Any]], list[str]]:
        cells: dict[str, pd.Series[Any]] = {}
        places: dict[str, int] = {}
        ignored: list[str] = []
        for i, (written, series) in enumerate(zip(self.raw.names, self.raw.cells, strict=True)):
            name = written.strip().lower()
            if name in cells:
                where = f"columns {places[name] + 1} and {i + 1}"
                self._column_problem(f"column {name} is there twice ({where})")
            elif name in self.known:
                cells[name] = series
                places[name] = i
            elif not name:
                self._column_problem(f"column {i + 1} has no name")
            else:
                ignored.append(written)
                hint = did_you_mean(name, [known for known in self.known if known not in cells])
                self.warnings.append(
                    f"column {shown(written)} is not known and is ignored"
                    f"{hint or did_you_mean(name, list(self.known))}"
                )
        return cells, ignored

    def _missing_columns(
        self, cells: dict[str, pd.Series[Any]], present: list[str], ignored: list[str]
    ) -> None:
        needed = set(measures_of(self.rules, present))
        for column in self.known.values():
            is_needed = column.measure is None or column.measure in needed
            if column.name not in cells and not column.may_be_absent and is_needed:
                hint = did_you_mean(column.name, ignored)
                why = ""
                if column.measure is not None:
                    cohorts = [c for c in cohorts_with(self.rules, column.measure) if c in present]
                    why = f" (the table has rows of cohort {' and '.join(cohorts)})"
                self._column_problem(f"column {column.name} is missing{why}{hint}")

    def _numbers(self, column: Column, series: pd.Series[Any] | None, looked_at: BoolArray) -> None:
        """Parse a numeric column; report what is wrong in the rows that are looked at."""
        name = column.name
        if series is None:
            self.values[name] = np.full(self.n, np.nan)
            self.blank[name] = np.ones(self.n, dtype=np.bool_)
            return
        values, blank, odd = numbers_of(series)
        self.blank[name] = blank
        infinite = np.isinf(values)
        with np.errstate(invalid="ignore"):
            outside = ~infinite & ((values < column.minimum) | (values > column.maximum))
            broken = ~infinite & ~outside & (values != np.floor(values)) & ~np.isnan(values)
        if column.kind != "whole":
            broken[:] = False
        given = objects_of(series)
        belongs = column.expected
        self._add(odd & looked_at, column, lambda i: f"{_not_a_number(given[i])}; give {belongs}")
        self._add(infinite & looked_at, column, lambda i: f"{shown(given[i])} is infinite")
        self._add(
            outside & looked_at,
            column,
            lambda i: f"{shown(given[i])} is out of range; give {belongs}",
        )
        self._add(
            broken & looked_at, column, lambda i: f"{shown(given[i])} is not whole; give {belongs}"
        )
        if not column.may_be_blank:
            self._add(blank & looked_at, column, lambda _: f"is blank; give {belongs}")
        self.values[name] = np.where(infinite | outside | broken, np.nan, values)

    def _names(
        self, column: Column, series: pd.Series[Any] | None, known: list[str], what: str
    ) -> ObjectArray:
        """Parse a column of a few known words; unknown ones are problems and become None."""
        name = column.name
        if series is None:
            self.names[name] = np.full(self.n, None, dtype=object)
            self.blank[name] = np.ones(self.n, dtype=np.bool_)
            return self.names[name]
        words = names_of(series)
        self.blank[name] = is_none(words)
        spelled = {word.lower(): word for word in known}
        result = np.array(
            [None if word is None else spelled.get(word.lower()) for word in words], dtype=object
        )
        unknown = ~self.blank[name] & is_none(result)
        listed = ", ".join(known)
        self._add(unknown, column, lambda i: f"{shown(words[i])} is no {what}; one of: {listed}")
        if not column.may_be_blank:
            self._add(self.blank[name], column, lambda _: f"is blank; one of: {listed}")
        self.names[name] = result
        return result

    def _years(self) -> None:
        """Report years between the first and the last that the rule set leaves out."""
        values = self.values["performance_year"]
        listed = ", ".join(str(year) for year in self.rules.years)
        self._add(
            ~np.isnan(values) & ~np.isin(values, self.rules.years),
            self.known["performance_year"],
            lambda i: f"{values[i]:g} is not a year of {self.rules.id!r}; one of: {listed}",
        )

    def _identifiers(self, series: pd.Series[Any] | None) -> ObjectArray:
        """The clinicians by which duplicates are found, None where there is no identifier."""
        if series is None:
            return np.full(self.n, None, dtype=object)
        column = self.known["clinician_id"]
        given = objects_of(series)
        blank = np.array([is_blank(cell) for cell in given], dtype=np.bool_)
        odd = ~blank & np.array(
            [
                isinstance(c, bool) or not isinstance(c, str | int | float | np.number)
                for c in given
            ],
            dtype=np.bool_,
        )
        self._add(blank, column, lambda _: "is blank; give every clinician an identifier")
        self._add(odd, column, lambda i: f"{shown(given[i])} is not a text")
        unusable = blank | odd
        pairs = zip(given, unusable, strict=True)
        return np.array([None if skip else str(c).strip() for c, skip in pairs], dtype=object)

    def _duplicates(self, identifier: ObjectArray, cohort: ObjectArray) -> None:
        year = self.values["performance_year"]
        complete = ~(is_none(identifier) | is_none(cohort) | np.isnan(year))
        first: dict[tuple[str, str, float], int] = {}
        again = np.zeros(self.n, dtype=np.bool_)
        seen_at: dict[int, int] = {}
        for i in np.flatnonzero(complete):
            earlier = first.setdefault((identifier[i], cohort[i], float(year[i])), int(i))
            if earlier != i:
                again[i] = True
                seen_at[int(i)] = earlier
        self._add(
            again,
            self.known["clinician_id"],
            lambda i: (
                f"{shown(identifier[i])} in cohort {cohort[i]} and {year[i]:g} is already in row "
                f"{self.raw.rows[seen_at[i]]}"
            ),
        )

    def _measure(self, measure: str, cells: dict[str, pd.Series[Any]], cohort: ObjectArray) -> None:
        entry = self.rules.measures[measure]
        cohorts = cohorts_with(self.rules, measure)
        foreign = np.array([name is not None and name not in cohorts for name in cohort], np.bool_)
        columns = {
            part: self.known[column_name(measure, part)]
            for part in ("rate", "cases", "completeness", "collection_type")
        }
        for part, column in columns.items():
            series = cells.get(column.name)
            if series is not None:
                self._foreign(column, series, foreign, cohorts, cohort)
            if part == "collection_type":
                self._collection_types(column, series, foreign, entry)
            else:
                self._numbers(column, series, ~foreign)
        if not entry.reported:
            self._unneeded(columns["completeness"], ~foreign)
        else:
            self._reported(columns, ~foreign)
        self._warn_of_fractions(columns["rate"])

    def _foreign(
        self,
        column: Column,
        series: pd.Series[Any],
        foreign: BoolArray,
        cohorts: list[str],
        cohort: ObjectArray,
    ) -> None:
        if not foreign.any():
            return
        given = objects_of(series)
        filled = np.array([not is_blank(cell) for cell in given], dtype=np.bool_)
        self._add(
            foreign & filled,
            column,
            lambda i: (
                f"{shown(given[i])} in a row of cohort {cohort[i]}; {column.measure} belongs to "
                f"{' and '.join(cohorts)}, leave it blank"
            ),
        )

    def _collection_types(
        self, column: Column, series: pd.Series[Any] | None, foreign: BoolArray, entry: Measure
    ) -> None:
        offered = entry.collection_types.value
        known = self.rules.quality.collection_types.value if entry.reported else offered
        if series is not None and foreign.any():
            series = series.astype(object).reset_index(drop=True).where(~foreign, None)
        words = self._names(column, series, known, f"collection type of {column.measure}")
        for word in [name for name in known if name not in offered]:
            rows = int(np.count_nonzero(words == word))
            if rows:
                self.warnings.append(
                    f"column {column.name}: {rows} {'row has' if rows == 1 else 'rows have'} "
                    f"{word}, which CMS does not offer for {column.measure} "
                    f"({', '.join(offered)}); scored in a benchmark group of its own"
                )

    def _unneeded(self, column: Column, own: BoolArray) -> None:
        filled = own & ~np.isnan(self.values[column.name])
        self._add(
            filled,
            column,
            lambda _: f"{column.measure} is computed from claims and has none; leave it blank",
        )
        self.values[column.name] = np.full(self.n, np.nan)

    def _reported(self, columns: dict[str, Column], own: BoolArray) -> None:
        """The combinations that a measure to be reported cannot have."""
        rate, cases, completeness, collection = columns.values()
        has_rate = own & ~self.blank[rate.name]
        self._add(
            has_rate & self.blank[cases.name],
            cases,
            lambda _: f"is blank where {rate.name} is given; give the number of eligible cases",
        )
        case_minimum = self._by_year(self.rules.quality.case_minimum.at)
        completeness_minimum = self._by_year(self.rules.quality.completeness_minimum.at)
        with np.errstate(invalid="ignore"):
            valid = (
                has_rate
                & (self.values[cases.name] >= case_minimum)
                & (self.values[completeness.name] >= completeness_minimum)
            )
        if self.rules.scoring_level.quality.value != "clinician":
            valid = has_rate  # few cases may be enough together with those of others
        listed = ", ".join(self.rules.quality.collection_types.value)
        self._add(
            valid & self.blank[collection.name],
            collection,
            lambda _: f"is blank where {rate.name} can be scored; one of: {listed}",
        )

    def _episodes(self) -> None:
        minimum = self._by_year(self.rules.cost.case_minimum.at)
        with np.errstate(invalid="ignore"):
            enough = self.values["episodes"] >= minimum
        self._add(
            enough & self.blank["episode_cost"],
            self.known["episode_cost"],
            lambda i: f"is blank where there are {minimum[i]:g} or more episodes; give the cost",
        )

    def _together(self, cells: dict[str, pd.Series[Any]], cohort: ObjectArray) -> None:
        """What a rule needs that scores practices as a whole or compares within specialties."""
        for name in ("practice_id", "specialty"):
            column = self.known[name]
            if column.may_be_blank or name not in cells:
                continue
            blank = np.array([is_blank(cell) for cell in objects_of(cells[name])], dtype=np.bool_)
            self._add(blank, column, lambda _: "is blank, and this rule set needs it")
            if name == "practice_id":
                self._alike_in_practice(objects_of(cells[name]), blank, cohort)

    def _alike_in_practice(
        self, practice: ObjectArray, blank: BoolArray, cohort: ObjectArray
    ) -> None:
        """A practice has one size, and reports a measure in one way."""
        year = self.values["performance_year"]
        alike: dict[str, Any] = {"practice_size": self.values["practice_size"]}
        for measure in measures_of(self.rules, list(self.rules.cohorts)):
            if self.rules.measures[measure].reported:
                name = column_name(measure, "collection_type")
                alike[name] = self.names[name]
        for name, values in alike.items():
            first: dict[tuple[str, str | None, float], int] = {}
            other: dict[int, int] = {}
            for i in np.flatnonzero(~blank & ~pd.isna(values)).tolist():
                key = (str(practice[i]).strip(), cohort[i], float(year[i]))
                if values[first.setdefault(key, i)] != values[i]:
                    other[i] = first[key]
            self._add(
                np.isin(np.arange(self.n), list(other)),
                self.known[name],
                lambda i, values=values, other=other: (  # type: ignore[misc]
                    f"{shown(values[i])}, but {shown(values[other[i]])} in row "
                    f"{self.raw.rows[other[i]]} of the same practice, which is scored as a whole"
                ),
            )

    def _by_year(self, at: Callable[[int], float]) -> FloatArray:
        """A parameter's value in the performance year of each row, NaN where that is unknown."""
        years = self.values["performance_year"]
        result = np.full(self.n, np.nan)
        for year in self.rules.years:
            result[years == year] = at(year)
        return result

    def _warn_of_fractions(self, rate: Column) -> None:
        values = self.values[rate.name]
        stated = values[~np.isnan(values)]
        if stated.size and 0 < stated.max() <= LARGEST_FRACTION:
            self.warnings.append(
                f"column {rate.name} never exceeds 1: is it a fraction? The unit is {rate.unit}"
                + (" (0 to 100)" if rate.unit == PERCENT else "")
            )

    def _add(self, where: BoolArray, column: Column, message: Callable[[int], str]) -> None:
        for i in np.flatnonzero(where).tolist():
            row = int(self.raw.rows[i])
            text = f"row {row}, column {column.name}: {message(i)}"
            self.problems.append((row, self.order[column.name], text))

    def _column_problem(self, text: str) -> None:
        self.problems.append((BEFORE_ROWS, len(self.problems), text))

    def _give_up(self) -> None:
        texts = [text for _, _, text in sorted(self.problems, key=lambda found: found[:2])]
        count = "1 problem" if len(texts) == 1 else f"{len(texts):,} problems"
        title = f"{self.raw.title}: {count}, nothing was scored ({self.raw.row_meaning})"
        raise InputError(title, texts)

    def _frame(self, cells: dict[str, pd.Series[Any]]) -> pd.DataFrame:
        data: dict[str, Any] = {}
        for column in self.known.values():
            if column.is_numeric:
                data[column.name] = self.values[column.name]
            elif column.kind == "name":
                data[column.name] = pd.Series(self.names[column.name], dtype=object)
            elif column.name in cells:
                data[column.name] = cells[column.name].array
            else:
                data[column.name] = pd.Series([None] * self.n, dtype=object)
        frame = pd.DataFrame(data)
        frame["performance_year"] = frame["performance_year"].astype(np.int64)
        return frame


def _not_a_number(cell: Any) -> str:
    text = f"{shown(cell)} is not a number"
    if isinstance(cell, str) and "," in cell:
        return f"{text} (no thousands separators, decimals with a point)"
    return text
