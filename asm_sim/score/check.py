"""Everything that can be wrong with a clinician table, found in one pass and reported together.

Column names are matched without regard to case and surrounding blanks, and so are cohorts,
collection types and identifiers. A row needs the columns of its own cohort's measures; those of
another cohort may be absent, or blank in that row. A table that gives final scores needs none.
Where a table is known in part, whatever is blank or absent is not known, and only who and of which
cohort must be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from asm_sim.documents import did_you_mean
from asm_sim.rules.schema import Measure, RuleSet
from asm_sim.score.columns import (
    FRACTION,
    PERCENT,
    Column,
    cohorts_with,
    column_name,
    input_columns,
    measures_of,
)
from asm_sim.score.final_scores import FINAL_SCORE, both_given, payment_columns
from asm_sim.score.identifiers import check_identifiers, identifier_faults
from asm_sim.score.problems import Problems
from asm_sim.score.suppressed import advice, largest_count
from asm_sim.tables.cells import (
    BoolArray,
    FloatArray,
    ObjectArray,
    column_of,
    flags_of,
    is_blank,
    is_none,
    names_of,
    objects_of,
    same,
    shown,
    stripped,
)
from asm_sim.tables.notation import IN_PERCENT, read_numbers
from asm_sim.tables.raw import RawTable

UNKNOWN_COLUMNS_LISTED = 10
LARGEST_FRACTION = 1.0
NOT_KNOWN = "; with --against baseline what is not known may be left out, and is drawn"


@dataclass(frozen=True)
class CheckedTable:
    """A table that can be scored.

    ``frame`` has every known column of the rule set under its own name: identifiers as given,
    numbers as float64 (NaN = blank), ``performance_year`` as int64 (float64 where the table is
    known in part), ``cohort`` and collection types as the rule set spells them (None = blank).
    ``warnings`` are sentences for the user, ``ignored_columns`` the columns that nobody knows, as
    written.
    """

    title: str
    frame: pd.DataFrame
    warnings: list[str]
    ignored_columns: list[str]

    @property
    def gives_final_scores(self) -> bool:
        """Whether final scores are given, in place of what they are made of."""
        return FINAL_SCORE in self.frame


def check_table(raw: RawTable, rules: RuleSet, in_part: bool = False) -> CheckedTable:
    """The raw table as numbers and names, or an :class:`InputError` that lists every problem.

    ``in_part`` takes what is blank or absent for not known, and asks for nothing else.
    """
    return _Check(raw, rules, in_part).run()


class _Check:
    """One table under check: what has been parsed so far, and what was found wrong."""

    def __init__(self, raw: RawTable, rules: RuleSet, in_part: bool) -> None:
        self.raw = raw
        self.rules = rules
        self.in_part = in_part
        self.gives_final_scores = FINAL_SCORE in map(column_of, raw.names)
        self.known = (payment_columns if self.gives_final_scores else input_columns)(rules)
        if in_part:
            self.known = {name: column.if_known() for name, column in self.known.items()}
        self.n = len(raw.rows)
        numeric = {
            column.name: column.quantity
            for column in self.known.values()
            if column.is_numeric and column.kind != "flag"
        }
        self.read = read_numbers(raw, numeric)
        for name, header in self.read.headers.items():
            self.known[name] = self.known[name].under(header)
        self.problems = Problems(raw, self.known)
        for problem in self.read.problems:
            self.problems.add_column(problem)
        self.warnings: list[str] = [*raw.notes, *self.read.notes]
        self.numbers: dict[str, tuple[FloatArray, BoolArray, BoolArray]] = {}  # as read
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
                self._warn_of_fractions(column)
        self._years()
        check_identifiers(
            self.known["clinician_id"],
            cells.get("clinician_id"),
            cohort,
            self.values["performance_year"],
            self.problems,
        )
        if not self.gives_final_scores:
            for measure in measures_of(self.rules, list(self.rules.cohorts)):
                self._measure(measure, cells, cohort)
            if not self.in_part:
                self._episodes()
        self._together(cells, cohort)
        self.problems.give_up_if_any()
        return CheckedTable(self.raw.title, self._frame(cells), self.warnings, ignored)

    def _find_columns(self) -> tuple[dict[str, pd.Series[Any]], list[str]]:
        cells: dict[str, pd.Series[Any]] = {}
        places: dict[str, int] = {}
        ignored: list[str] = []
        for i, (name, series) in enumerate(zip(self.read.names, self.raw.cells, strict=True)):
            if name in cells:
                where = f"columns {places[name] + 1} and {i + 1}"
                self.problems.add_column(f"column {name} is there twice ({where})")
            elif name in self.known:
                cells[name] = series
                places[name] = i
                if i in self.read.numbers:
                    self.numbers[name] = self.read.numbers[i]
            elif not name:
                self.problems.add_column(f"column {i + 1} has no name")
            else:
                ignored.append(self.raw.names[i])
        names = map(column_of, ignored)
        if self.gives_final_scores and (both := both_given(names, self.rules, self.in_part)):
            self.problems.add_column(both)
        self._warn_of_unknown(ignored, [known for known in self.known if known not in cells])
        return cells, ignored

    def _warn_of_unknown(self, ignored: list[str], missing: list[str]) -> None:
        for written in ignored[:UNKNOWN_COLUMNS_LISTED]:
            name = column_of(written)
            hint = did_you_mean(name, missing) or did_you_mean(name, list(self.known))
            self.warnings.append(f"column {shown(written)} is not known and is ignored{hint}")
        more = len(ignored) - UNKNOWN_COLUMNS_LISTED
        if more > 0:
            self.warnings.append(f"{more:,} more columns are not known and are ignored")

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
                self.problems.add_column(f"column {column.name} is missing{why}{hint}")
                if not self.gives_final_scores and not self.in_part:
                    self.problems.hint = NOT_KNOWN

    def _numbers(self, column: Column, series: pd.Series[Any] | None, looked_at: BoolArray) -> None:
        """Parse a numeric column; report what is wrong in the rows that are looked at."""
        name = column.name
        if series is None:
            self.values[name] = np.full(self.n, np.nan)
            self.blank[name] = np.ones(self.n, dtype=np.bool_)
            return
        values, blank, odd = flags_of(series) if column.kind == "flag" else self.numbers[name]
        self.blank[name] = blank
        infinite = np.isinf(values)
        with np.errstate(invalid="ignore"):
            outside = ~infinite & ((values < column.minimum) | (values > column.maximum))
            broken = ~infinite & ~outside & (values != np.floor(values)) & ~np.isnan(values)
        if column.kind not in {"whole", "flag"}:
            broken[:] = False
        given = objects_of(series)
        belongs = column.expected
        odd = odd & looked_at & ~self._suppressed(column, given, odd & looked_at)
        self.problems.add(odd, column, lambda i: f"{_odd(given[i], column)}; give {belongs}")
        self.problems.add(infinite & looked_at, column, lambda i: f"{shown(given[i])} is infinite")
        in_percent = column.unit == FRACTION and not column.header
        else_percent = f"; percent belongs in a column {name}{IN_PERCENT}" if in_percent else ""
        self.problems.add(
            outside & looked_at,
            column,
            lambda i: f"{shown(given[i])} is out of range; give {belongs}{else_percent}",
        )
        self.problems.add(
            broken & looked_at, column, lambda i: f"{shown(given[i])} is not whole; give {belongs}"
        )
        if not column.may_be_blank:
            self.problems.add(blank & looked_at, column, lambda _: f"is blank; give {belongs}")
        self.values[name] = np.where(infinite | outside | broken, np.nan, values)

    def _suppressed(self, column: Column, given: ObjectArray, odd: BoolArray) -> BoolArray:
        """Where cells stand for a suppressed number; each way of writing one is a problem."""
        found: dict[str, list[int]] = {}
        for i in np.flatnonzero(odd).tolist():
            if isinstance(given[i], str):
                found.setdefault(stripped(given[i]), []).append(i)
        places = {cell: rows for cell, rows in found.items() if largest_count(cell) is not None}
        years = self.values.get("performance_year", np.full(self.n, np.nan))
        for cell, rows in places.items():
            known = [int(year) for year in years[rows] if year in self.rules.years]
            year = known[0] if known else self.rules.years[0]
            self.problems.add_once(rows, column, advice(column, cell, self.rules, year))
        return np.isin(np.arange(self.n), [i for rows in places.values() for i in rows])

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
        self.problems.add(
            unknown, column, lambda i: f"{shown(words[i])} is no {what}; one of: {listed}"
        )
        if not column.may_be_blank:
            self.problems.add(self.blank[name], column, lambda _: f"is blank; one of: {listed}")
        self.names[name] = result
        return result

    def _years(self) -> None:
        """Report years between the first and the last that the rule set leaves out."""
        values = self.values["performance_year"]
        listed = ", ".join(str(year) for year in self.rules.years)
        self.problems.add(
            ~np.isnan(values) & ~np.isin(values, self.rules.years),
            self.known["performance_year"],
            lambda i: f"{values[i]:g} is not a year of {self.rules.id!r}; one of: {listed}",
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
        elif not self.in_part:
            self._reported(columns, ~foreign)
        self._warn_of_fractions(columns["rate"])
        self._warn_of_fractions(columns["completeness"])

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
        self.problems.add(
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
                    f"column {column.title}: {rows} {'row has' if rows == 1 else 'rows have'} "
                    f"{word}, which CMS does not offer for {column.measure} "
                    f"({', '.join(offered)}); scored in a benchmark group of its own"
                )

    def _unneeded(self, column: Column, own: BoolArray) -> None:
        filled = own & ~np.isnan(self.values[column.name])
        self.problems.add(
            filled,
            column,
            lambda _: f"{column.measure} is computed from claims and has none; leave it blank",
        )
        self.values[column.name] = np.full(self.n, np.nan)

    def _reported(self, columns: dict[str, Column], own: BoolArray) -> None:
        """The combinations that a measure to be reported cannot have."""
        rate, cases, completeness, collection = columns.values()
        has_rate = own & ~self.blank[rate.name]
        self._warn_of_unreported(rate, own & self.blank[rate.name] & self.blank[cases.name])
        self.problems.add(
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
        self.problems.add(
            valid & self.blank[collection.name],
            collection,
            lambda _: f"is blank where {rate.name} can be scored; one of: {listed}",
        )

    def _warn_of_unreported(self, rate: Column, nothing_said: BoolArray) -> None:
        """Blank cases are not few: a measure that is blank altogether was not reported."""
        assert rate.measure is not None
        entry = self.rules.measures[rate.measure]
        suspended = self._by_year(lambda year: float(entry.is_suspended(year)))
        counted = nothing_said & (suspended == 0)
        if self.rules.final_score.extreme_circumstances.value == "neutral":
            counted &= self.values["extreme_circumstances"] != 1
        if self.rules.scoring_level.quality.value != "clinician" or not counted.any():
            return
        rows = int(np.count_nonzero(counted))
        year = int(self.values["performance_year"][counted][0])
        self.warnings.append(
            f"column {rate.name}: rate and cases are blank in {rows:,} "
            f"{'row' if rows == 1 else 'rows'}, where {rate.measure} counts as not reported and "
            f"scores {self.rules.quality.points_not_reported.at(year):g} points; write the cases, "
            f"if only 0, where they are fewer than {self.rules.quality.case_minimum.at(year):g} "
            "and it is to be left out"
        )

    def _episodes(self) -> None:
        minimum = self._by_year(self.rules.cost.case_minimum.at)
        with np.errstate(invalid="ignore"):
            enough = self.values["episodes"] >= minimum
        self.problems.add(
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
            self.problems.add(blank, column, lambda _: "is blank, and this rule set needs it")
            identifier_faults(column, names_of(cells[name]), self.problems)
            if name == "practice_id":
                self._alike_in_practice(names_of(cells[name]), blank, cohort)

    def _alike_in_practice(
        self, practice: ObjectArray, blank: BoolArray, cohort: ObjectArray
    ) -> None:
        """A practice has one size, and reports a measure in one way, but for who is excused."""
        neutral = self.rules.final_score.extreme_circumstances.value == "neutral"
        excused = neutral & (self.values["extreme_circumstances"] == 1)
        year = np.nan_to_num(self.values["performance_year"])  # a row may stand for all years
        alike: dict[str, Any] = {"practice_size": self.values["practice_size"]}
        for measure in measures_of(self.rules, list(self.rules.cohorts)):
            if self.rules.measures[measure].reported:
                name = column_name(measure, "collection_type")
                alike[name] = self.names[name].copy()
                alike[name][excused] = None
        for name, values in alike.items():
            first: dict[tuple[str, str | None, float], int] = {}
            other: dict[int, int] = {}
            for i in np.flatnonzero(~blank & ~pd.isna(values)).tolist():
                key = (same(practice[i]), cohort[i], float(year[i]))
                if values[first.setdefault(key, i)] != values[i]:
                    other[i] = first[key]
            self.problems.add(
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

    def _warn_of_fractions(self, column: Column) -> None:
        """Percent that never exceed 1, where nothing in the cells says that they are percent."""
        if column.part != "rate" and not column.header:
            return
        scale = 100 if column.header and column.unit != PERCENT else 1
        values = self.values[column.name]
        stated = scale * values[~np.isnan(values)]
        if stated.size and 0 < stated.max() <= LARGEST_FRACTION:
            unit = PERCENT if column.header else column.unit
            self.warnings.append(
                f"column {column.title} never exceeds 1: is it a fraction? The unit is {unit}"
                + (" (0 to 100)" if unit == PERCENT else "")
            )

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
        if not self.in_part:
            frame["performance_year"] = frame["performance_year"].astype(np.int64)
        return frame


def _odd(cell: Any, column: Column) -> str:
    return f"{shown(cell)} is not {'1 or 0' if column.kind == 'flag' else 'a number'}"
