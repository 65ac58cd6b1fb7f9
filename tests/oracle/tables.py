"""Random clinician tables for comparing implementations of the rule: valid input, but nasty.

``random_table`` is a pure function of the state of its ``rng``. Every table is one that the rule
can be applied to: none holds an input error.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from asm_sim.rules.schema import RuleSet

Row = dict[str, Any]

KINDS = (
    "ordinary",
    "ties",
    "all_equal",
    "blanks",
    "below_case_minimum",
    "zero_scorers",
    "single_in_group",
    "no_score",
    "tiny",
    "no_part_b",
    "extreme_values",
)

PRACTICE_SIZES = [1, 2, 15, 16, 200]
# The exchange functions that a rule set may have, by form and midpoint.
EXCHANGES = (
    ("logistic", "median"),
    ("logistic", "mean"),
    ("logistic", "fixed"),
    ("linear", "median"),
    ("rank", "median"),
    ("threshold", "median"),
)

# Not exact in binary, and their means and sums are not exact either.
AWKWARD = [0.1, 33.3, 66.7, 99.9, 100 / 3]


def random_table(rng: random.Random, rules: RuleSet, cohort: str, n: int, kind: str) -> list[Row]:
    """Rows with the input columns of the wide table, for one cohort and performance year.

    ``n`` rows (``tiny`` draws 1 to 3 instead); ``kind`` is one of :data:`KINDS`.
    """
    return _Table(rng, rules, cohort).rows(n, kind)


class _Table:
    def __init__(self, rng: random.Random, rules: RuleSet, cohort: str) -> None:
        self.rng = rng
        self.rules = rules
        self.measures = rules.cohorts[cohort].quality_measures.value
        quality, years = rules.quality, rules.years
        # Blanks must be allowed in every year, so the lowest minimum decides.
        self.cases_minimum = int(min(quality.case_minimum.at(year) for year in years))
        self.episodes_minimum = int(min(rules.cost.case_minimum.at(year) for year in years))
        self.completeness_minimum = min(quality.completeness_minimum.at(year) for year in years)
        self.group_minimum = int(quality.benchmark_minimum_clinicians.at(years[0]))

    def rows(self, n: int, kind: str) -> list[Row]:
        makers: dict[str, Callable[[list[Row]], None]] = {
            "ordinary": self._ordinary,
            "ties": self._ties,
            "all_equal": self._all_equal,
            "blanks": self._blanks,
            "below_case_minimum": self._below_case_minimum,
            "zero_scorers": self._zero_scorers,
            "single_in_group": self._single_in_group,
            "no_score": self._no_score,
            "tiny": self._tiny,
            "no_part_b": self._no_part_b,
            "extreme_values": self._extreme_values,
        }
        size = self.rng.randint(1, 3) if kind == "tiny" else n
        rows = [self._clinician(f"C{i}") for i in range(size)]
        self._fill_measures(rows)
        makers[kind](rows)
        for row in rows:
            self._make_valid(row)
        self.rng.shuffle(rows)
        for row in rows:
            row["rural"] = self.rng.choice([None, 0, 1])
        for row in rows:
            row["special_status"] = self.rng.choice([None, 0, 1])
        return rows

    # One clinician, one measure

    def _clinician(self, clinician_id: str) -> Row:
        rng = self.rng
        row: Row = {
            "clinician_id": clinician_id,
            "practice_size": rng.choice([*PRACTICE_SIZES, rng.randint(1, 300)]),
            "hcc_risk_score": self._maybe(rng.lognormvariate(0.3, 0.4), blank=0.05),
            "dual_share": self._maybe(rng.betavariate(2, 6), blank=0.05),
            "part_b_payments": rng.choice([0.0, 500_000.0, *[rng.lognormvariate(11, 1)] * 8]),
            "improvement_activities": rng.choice([None, 0, 1, 2, 2, 2]),
            "pi_score": rng.choice([None, 0.0, 100.0, 100.0, rng.uniform(0, 100)]),
            "episodes": None,
            "episode_cost": None,
        }
        if rng.random() < 0.5:
            row["payment_year_part_b"] = self._maybe(rng.lognormvariate(11, 1), blank=0.3)
        self._set_cost(row, rng.gauss(14_000, 3_500), scored=rng.random() < 0.8)
        return row

    def _maybe(self, value: Any, blank: float) -> Any:
        return None if self.rng.random() < blank else value

    def _set_cost(self, row: Row, cost: float, *, scored: bool) -> None:
        minimum = self.episodes_minimum
        if scored:
            row["episodes"] = self.rng.choice([minimum, minimum + 1, minimum + 200])
            row["episode_cost"] = max(cost, 0.0)
        else:
            row["episodes"] = self.rng.choice([None, 0, minimum - 1])
            row["episode_cost"] = self._maybe(max(cost, 0.0), blank=0.5)

    def _set_measure(
        self, row: Row, measure: str, standing: str, rate: float, collection_type: str | None = None
    ) -> None:
        """Give a row a result that is ``valid``, has ``few_cases``, or was ``not_reported``."""
        rng = self.rng
        entry = self.rules.measures[measure]
        minimum = self.cases_minimum
        enough = rng.choice([minimum, minimum + 1, rng.randint(minimum, 1_000)])
        complete = rng.choice([self.completeness_minimum, 1.0])
        incomplete = rng.choice([None, 0.0, self.completeness_minimum - 0.0001])
        offered = collection_type or rng.choice(entry.collection_types.value)
        result: tuple[float | None, int | None, float | None, str | None]
        match standing, entry.reported:
            case "valid", True:
                result = (rate, enough, complete, offered)
            case "few_cases", True:
                cases = rng.choice([0, 1, minimum - 1])
                # With a complete rate this is a minimum submission, although it is excluded.
                result = rng.choice(
                    [
                        (None, cases, None, None),
                        (rate, cases, complete, offered),
                        (rate, cases, complete, None),
                        (rate, cases, incomplete, None),
                    ]
                )
            case _, True:
                result = rng.choice(
                    [
                        (None, enough, None, None),
                        (None, enough, complete, offered),
                        (None, None, None, None),
                        (rate, enough, incomplete, offered),
                        (rate, enough, incomplete, None),
                    ]
                )
            case "valid", False:
                result = (rate, enough, None, None)
            case "few_cases", False:
                result = (rng.choice([None, rate]), rng.choice([0, minimum - 1]), None, None)
            case _:
                result = rng.choice(
                    [
                        (None, enough, None, None),
                        (rate, None, None, None),
                        (None, None, None, None),
                    ]
                )
        for part, value in zip(
            ("rate", "cases", "completeness", "collection_type"), result, strict=True
        ):
            row[f"{measure.lower()}_{part}"] = value

    # A whole column

    def _fill_measures(self, rows: list[Row]) -> None:
        for measure in self.measures:
            self._fill_measure(rows, measure, self._rates(measure))

    def _fill_measure(
        self,
        rows: list[Row],
        measure: str,
        draw_rate: Callable[[], float],
        valid: int | None = None,
    ) -> None:
        """Results for everyone: ``valid`` of them in one collection type, or by a random plan."""
        rng = self.rng
        one_type = rng.choice(self.rules.measures[measure].collection_types.value)
        if valid is None:
            # Of 10 k + 1 results, every tenth percentile is one of them: a rate at a cut point.
            exact = 10 * ((len(rows) - 1) // 10) + 1
            around_minimum = [self.group_minimum - 1, self.group_minimum, self.group_minimum + 1]
            valid = rng.choice([None, None, exact, len(rows), *around_minimum])
        chosen = set(rng.sample(range(len(rows)), min(valid, len(rows)))) if valid else set()
        for i, row in enumerate(rows):
            if valid is None:
                standing = rng.choice(["valid", "valid", "valid", "few_cases", "not_reported"])
                self._set_measure(row, measure, standing, draw_rate())
            elif i in chosen:
                self._set_measure(row, measure, "valid", draw_rate(), one_type)
            else:
                standing = rng.choice(["few_cases", "not_reported"])
                self._set_measure(row, measure, standing, draw_rate())

    def _rates(self, measure: str) -> Callable[[], float]:
        """A way to draw rates: smooth, rounded, on few values, or topped out."""
        rng = self.rng
        best = 0.0 if self.rules.measures[measure].inverse.value else 100.0
        centre = rng.uniform(20, 80)
        ways: list[Callable[[], float]] = [
            lambda: rng.uniform(0, 100),
            lambda: min(max(rng.gauss(centre, 10), 0.0), 100.0),
            lambda: float(rng.randint(0, 100)),
            lambda: round(rng.uniform(0, 100), 1),
            lambda: rng.choice([0.0, 10.0, 50.0, 90.0, 100.0, *AWKWARD]),
            lambda: rng.choice([best, best, rng.uniform(0, 100)]),
        ]
        return rng.choice(ways)

    def _few_values(self, choices: list[float]) -> Callable[[], float]:
        kept = self.rng.sample(choices, self.rng.randint(1, len(choices)))
        return lambda: self.rng.choice(kept)

    # The kinds

    def _ordinary(self, rows: list[Row]) -> None:
        pass

    def _tiny(self, rows: list[Row]) -> None:
        if self.rng.random() < 0.5:
            for row in rows:
                self._set_cost(row, self.rng.choice([10_000.0, 12_000.5]), scored=True)

    def _ties(self, rows: list[Row]) -> None:
        for measure in self.measures:
            best = 0.0 if self.rules.measures[measure].inverse.value else 100.0
            some = self._few_values([0.0, 50.0, 90.0, 100.0, *AWKWARD])
            share_at_best = self.rng.choice([0.05, 0.3, 0.6, 0.95])
            self._fill_measure(
                rows,
                measure,
                lambda some=some, best=best, share=share_at_best: (  # type: ignore[misc]
                    best if self.rng.random() < share else some()
                ),
            )
        cost = self._few_values([9_999.99, 10_000.1, 14_000.0, 20_000.0])
        hcc, dual = self._few_values([0.7, 1.1, 2.3]), self._few_values([0.0, 0.1, 0.3])
        for row in rows:
            self._set_cost(row, cost(), scored=self.rng.random() < 0.9)
            row["hcc_risk_score"], row["dual_share"] = hcc(), dual()
            row["part_b_payments"] = self.rng.choice([0.0, 100_000.0, 100_000.0])

    def _all_equal(self, rows: list[Row]) -> None:
        for measure in self.measures:
            rate = self.rng.choice(AWKWARD)
            self._fill_measure(rows, measure, lambda rate=rate: rate)  # type: ignore[misc]
        cost = self.rng.choice([14_000.1, 9_999.99, 12_345.678])
        same = {"hcc_risk_score": self.rng.choice([0.1, 1.1]), "dual_share": 0.1}
        if self.rng.random() < 0.5:
            same |= {"practice_size": 7, "improvement_activities": 1, "pi_score": 33.3}
        for row in rows:
            self._set_cost(row, cost, scored=self.rng.random() < 0.9)
            row.update(same)

    def _blanks(self, rows: list[Row]) -> None:
        needed = ("clinician_id", "practice_size", "part_b_payments")
        share = self.rng.choice([0.2, 0.5, 0.9])
        for row in rows:
            for column in row:
                if column not in needed and self.rng.random() < share:
                    row[column] = None if self.rng.random() < 0.8 else float("nan")

    def _below_case_minimum(self, rows: list[Row]) -> None:
        for measure in self.measures:
            draw_rate = self._rates(measure)
            for row in rows:
                standing = self.rng.choice(["few_cases", "few_cases", "few_cases", "valid"])
                self._set_measure(row, measure, standing, draw_rate())
        for row in rows:
            self._set_cost(row, self.rng.gauss(14_000, 3_500), scored=self.rng.random() < 0.3)

    def _zero_scorers(self, rows: list[Row]) -> None:
        share = self.rng.choice([0.3, 0.9, 1.0])
        for row in rows:
            if self.rng.random() >= share:
                continue
            for measure in self.measures:
                self._set_measure(row, measure, "not_reported", self.rng.uniform(0, 100))
            if self.rng.random() < 0.3:  # zero by its points, although something was submitted
                reported = [m for m in self.measures if self.rules.measures[m].reported]
                self._set_measure(row, self.rng.choice(reported), "few_cases", 50.0)
                row |= {"improvement_activities": 0, "pi_score": 0.0, "practice_size": 200}
                row |= {"hcc_risk_score": None, "dual_share": None}
                self._set_cost(row, 14_000.0, scored=False)

    def _single_in_group(self, rows: list[Row]) -> None:
        for measure in self.measures:
            around_minimum = [self.group_minimum - 1, self.group_minimum]
            valid = self.rng.choice([1, *around_minimum])
            self._fill_measure(rows, measure, self._rates(measure), valid)
        alone = self.rng.randrange(len(rows))
        for i, row in enumerate(rows):
            self._set_cost(row, 14_000.1, scored=i == alone)
            if i != alone and self.rng.random() < 0.5:
                row["hcc_risk_score"] = row["dual_share"] = None

    def _no_score(self, rows: list[Row]) -> None:
        for row in rows:
            for measure in self.measures:
                self._set_measure(row, measure, "few_cases", self.rng.uniform(0, 100))
            self._set_cost(row, 14_000.0, scored=False)

    def _no_part_b(self, rows: list[Row]) -> None:
        only_above_zero = self.rng.random() < 0.5
        if only_above_zero:  # zero scorers keep theirs: a pool that nobody can be paid from
            self._zero_scorers(rows)
        reported = [m for m in self.measures if self.rules.measures[m].reported]
        for row in rows:
            submitted = any(row[f"{m.lower()}_rate"] is not None for m in reported)
            if submitted or not only_above_zero:
                row["part_b_payments"] = 0.0

    def _extreme_values(self, rows: list[Row]) -> None:
        rng = self.rng
        for measure in self.measures:
            percent = self.rules.measures[measure].rate_unit.value == "percent"
            extremes = [0.0, 1e-6, 50.0, 99.999, 100.0, *([] if percent else [1e6])]
            self._fill_measure(rows, measure, self._few_values(extremes))
        cost = self._few_values([0.0, 0.01, 14_000.0, 1e9, 1e9 + 1])
        part_b = self._few_values([0.0, 0.01, 500_000.0, 1e9])
        for row in rows:
            self._set_cost(row, cost(), scored=rng.random() < 0.8)
            row["part_b_payments"] = part_b()
            row["hcc_risk_score"] = rng.choice([None, 0.0, 0.01, 1.0, 50.0])
            row["dual_share"] = rng.choice([None, 0.0, 1e-6, 1.0])
            row["practice_size"] = rng.choice([*PRACTICE_SIZES, 100_000])
            row["pi_score"] = rng.choice([None, 0.0, 1e-6, 99.999, 100.0])

    # No input errors

    def _make_valid(self, row: Row) -> None:
        """Fill what may not be blank beside what is stated."""
        for measure in self.measures:
            rate, cases, completeness, collection_type = (
                f"{measure.lower()}_{part}"
                for part in ("rate", "cases", "completeness", "collection_type")
            )
            entry = self.rules.measures[measure]
            if not entry.reported or _blank(row[rate]):
                continue
            if _blank(row[cases]):
                row[cases] = self.cases_minimum
            counted = row[cases] >= self.cases_minimum and not (
                _blank(row[completeness]) or row[completeness] < self.completeness_minimum
            )
            if counted and _blank(row[collection_type]):
                row[collection_type] = self.rng.choice(entry.collection_types.value)
        enough = not _blank(row["episodes"]) and row["episodes"] >= self.episodes_minimum
        if enough and _blank(row["episode_cost"]):
            row["episode_cost"] = 14_000.0


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def shocked(rng: random.Random, rows: list[Row]) -> list[Row]:
    """The rows, of which a random share met extreme circumstances."""
    share = rng.choice([0.1, 0.5, 1.0])
    flags = [1.0 if rng.random() < share else rng.choice([0.0, None]) for _ in rows]
    return [row | {"extreme_circumstances": met} for row, met in zip(rows, flags, strict=True)]
