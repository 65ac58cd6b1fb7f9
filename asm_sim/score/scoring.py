"""From a checked clinician table to scores and payments, through the compiled kernels.

Each cohort of each performance year is fitted and scored by itself (42 CFR 512.750(b)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from asm_sim.errors import counted, printable
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from asm_sim.score.check import CheckedTable, check_table
from asm_sim.score.columns import column_name, input_columns, measures_in, measures_of
from asm_sim.score.final_scores import FINAL_SCORE, passing_on, scores_as_observed
from asm_sim.tables.cells import column_of, same, text_of
from asm_sim.tables.read import Source, read_table

if TYPE_CHECKING:
    from asm_sim.kernels.rule.fit import Earlier
    from asm_sim.kernels.rule.law import CohortRules
    from asm_sim.kernels.rule.observed import Observed

SCORE_COLUMNS = (FINAL_SCORE, "transformed_score")
KERNEL_COLUMNS = (
    "quality_score",
    "cost_points",
    "cost_score",
    "improvement_activities_adjustment",
    "promoting_interoperability_adjustment",
    "small_practice_adjustment",
    "complex_patient_adjustment",
    *SCORE_COLUMNS,
)
PAYMENT_COLUMNS = (
    "scaling_factor",
    "payment_adjustment_factor",
    "payment_multiplier",
    "payment_change_usd",
)
NO_COLLECTION_TYPE = -1
GROUPS_NAMED = 5  # in a warning


@dataclass(frozen=True)
class CohortYear:
    """What the rule took from one group of peers in one performance year; NaN where it has none.

    ``peers`` is empty where the group is the whole cohort. ``positions`` are its rows in the table;
    the median is in points, the pool in USD (NaN: there is none, as with a threshold).
    """

    cohort: str
    performance_year: int
    peers: str
    positions: npt.NDArray[np.intp]
    median_final_score: float
    incentive_pool: float
    scaling_factor: float


@dataclass(frozen=True)
class ScoredTable:
    """The output table (see :func:`asm_sim.score.score`) and what a summary needs besides."""

    table: pd.DataFrame
    rules: RuleSet
    checked: CheckedTable
    cohort_years: list[CohortYear]

    @property
    def warnings(self) -> list[str]:
        of_scores = self.checked.gives_final_scores  # which need no benchmarks
        small = [] if of_scores else too_few(self.cohort_years, self.rules)
        return [*small, *self.checked.warnings]


def too_few(cohort_years: Sequence[CohortYear], rules: RuleSet) -> list[str]:
    """That groups of peers are too small for benchmarks of their own, in a sentence, if any is."""
    small = []
    for group in cohort_years:
        number = len(group.positions)
        least = rules.quality.benchmark_minimum_clinicians.at(group.performance_year)
        if number < least:
            peers = group.peers and f", {printable(group.peers)},"
            name = f"{group.cohort}{peers} {group.performance_year}"
            small.append(f"{name} ({counted(number, 'clinician')}, {least:g} are needed)")
    if not small:
        return []
    more = f" and {counted(len(small) - GROUPS_NAMED, 'more group')}" * (len(small) > GROUPS_NAMED)
    return [
        f"too few for benchmarks of their own: {', '.join(small[:GROUPS_NAMED])}{more}; they are "
        "compared with each other alone, which says little of what the rule would pay them; "
        "--against baseline --draws 100 (in Python asm.score_against) sets them among simulated "
        "clinicians"
    ]


def score_table(
    table: Source,
    rules: str | Path | RuleSet = "asm-2026-final",
    settings: dict[str, Any] | None = None,
) -> ScoredTable:
    """Read, check and score a clinician table; raises :class:`InputError` as ``score`` does."""
    checked, rules, index = checked_table(table, rules, settings)
    return score_checked(checked, rules, index)


def checked_table(
    table: Source, rules: str | Path | RuleSet, settings: dict[str, Any] | None
) -> tuple[CheckedTable, RuleSet, pd.Index[Any]]:
    """A clinician table that can be scored, by which rules, and what its rows are labelled by.

    Raises :class:`InputError` as ``score`` does.
    """
    if not isinstance(rules, RuleSet):
        rules = load_rules(rules, settings)
    elif settings:
        raise TypeError("settings go with the name of a rule set, not with a loaded one")
    raw = read_table(table, is_header=header_of(rules))
    return check_table(raw, rules), rules, raw.index


def header_of(rules: RuleSet) -> Callable[[Sequence[str]], bool]:
    """Whether cells are a header: two of them are columns of the table, as no row has."""
    known = frozenset(input_columns(rules)) | {FINAL_SCORE}
    return lambda cells: len(known & {column_of(cell) for cell in cells}) > 1


def score_checked(checked: CheckedTable, rules: RuleSet, index: pd.Index[Any]) -> ScoredTable:
    """Score a table that has been checked; the result's rows are labelled by ``index``."""
    from asm_sim.kernels.rule.cohort import fit_and_score
    from asm_sim.rules.compile import compile_cohort

    frame, given = checked.frame, checked.gives_final_scores
    present = [cohort for cohort in rules.cohorts if (frame["cohort"] == cohort).any()]
    points = [column_name(measure, "points") for measure in measures_of(rules, present)]
    of_scores = SCORE_COLUMNS if given else KERNEL_COLUMNS
    names = (*(() if given else points), *of_scores, *PAYMENT_COLUMNS)
    numbers = {name: np.full(len(frame), np.nan) for name in names}
    cohort_years = []
    standard: dict[str, Earlier] = {}
    own_scores: dict[tuple[str, int], pd.Series[float]] = {}
    for cohort, year, everyone in groups(frame, rules):
        compiled = compile_cohort(rules, cohort)
        compiled = passing_on(compiled) if given else compiled
        y, measures = rules.years.index(year), measures_in(rules, cohort)
        for peers, positions in peer_groups(frame, everyone, rules):
            rows = frame.iloc[positions]
            ids = pd.Index([same(text_of(name)) for name in rows["clinician_id"]])
            earlier = _earlier(compiled, len(measures), ids, standard.get(cohort))
            for back in (1, 2):  # scoring begins the year: what lies here moves one year back
                if (cohort, y - back) in own_scores:
                    earlier.own_score[back - 1] = own_scores[cohort, y - back].reindex(ids)
            seen = scores_as_observed(rows, compiled, y) if given else observed(rows, rules, cohort)
            practice = None if given else _numbered(rows["practice_id"])
            outcome, fit = fit_and_score(seen, compiled, y, earlier, practice)
            own = pd.Series(earlier.own_score[0], ids)
            if (cohort, y) in own_scores:
                own = pd.concat([own_scores[cohort, y], own])
            own_scores[cohort, y] = own
            for m, measure in enumerate(() if given else measures):
                numbers[column_name(measure, "points")][positions] = outcome.points[m]
            for name in (*of_scores, "payment_adjustment_factor"):
                numbers[name][positions] = getattr(outcome, name)
            numbers["scaling_factor"][positions] = fit.scaling_factor
            cohort_years.append(
                CohortYear(
                    cohort,
                    year,
                    peers,
                    positions,
                    float(fit.median_final_score),
                    float(fit.incentive_pool),
                    float(fit.scaling_factor),
                )
            )
        standard[cohort] = earlier
    part_b = frame["payment_year_part_b"].fillna(frame["part_b_payments"]).to_numpy()
    factor = numbers["payment_adjustment_factor"]
    numbers["payment_multiplier"] = 1 + factor
    numbers["payment_change_usd"] = factor * part_b
    for name in numbers:
        numbers[name] += 0.0  # a zero is never written as -0.0
    keys = frame[["clinician_id", "cohort", "performance_year"]]
    result = pd.concat([keys, pd.DataFrame(numbers)], axis="columns")
    result.index = index
    return ScoredTable(result, rules, checked, cohort_years)


def _earlier(
    compiled: CohortRules, measures: int, ids: pd.Index[Any], before: Earlier | None
) -> Earlier:
    """What the year before leaves to these clinicians, but for their own scores."""
    from asm_sim.kernels.rule.cohort import nothing_earlier

    earlier = nothing_earlier(compiled, measures, len(ids))
    if before is None:
        return earlier
    return earlier._replace(standard=before.standard, made=before.made, years=before.years)


def groups(frame: pd.DataFrame, rules: RuleSet) -> Iterator[tuple[str, int, npt.NDArray[np.intp]]]:
    """Each cohort and performance year of a checked table with the positions of its rows."""
    for cohort in rules.cohorts:
        in_cohort = (frame["cohort"] == cohort).to_numpy(dtype=np.bool_)
        for year in rules.years:
            positions = np.flatnonzero(in_cohort & (frame["performance_year"] == year).to_numpy())
            if positions.size:
                yield cohort, year, positions


def peer_groups(
    frame: pd.DataFrame, positions: npt.NDArray[np.intp], rules: RuleSet
) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
    """Who is compared with whom in one cohort and performance year: a name and positions each."""
    rows = frame.iloc[positions]
    basis = rules.peers.basis.value
    if basis == "specialty":
        names = [text_of(cell) for cell in rows["specialty"]]
        codes = pd.factorize(np.array([same(name) for name in names], dtype=object))[0]
        order = np.argsort(codes, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
            yield names[group[0]], positions[group]
    elif basis == "practice_size":
        limits = rules.peers.size_limits.value
        band = np.searchsorted(limits, rows["practice_size"].to_numpy(), "left")
        for k in np.unique(band).tolist():
            yield size_band(limits, k), positions[band == k]
    else:
        yield "", positions


def size_band(limits: Sequence[float], k: int) -> str:
    """What the practices of a band of sizes are called; ``limits`` are the largest of each band."""
    bounds = [f"above {limit:g}" for limit in limits[:k][-1:]]
    bounds += [f"up to {limit:g}" for limit in limits[k:][:1]]
    return f"practices {' and '.join(bounds)}"


def observed(rows: pd.DataFrame, rules: RuleSet, cohort: str) -> Observed:
    """The rows of one cohort and performance year of a checked table as the kernels read them.

    ``rows`` is (part of) the ``frame`` of a :class:`CheckedTable`, n clinicians. Measures come in
    the order of the rule set's cohort; NaN is blank. Collection types are indices into
    ``rules.quality.collection_types``, -1 where blank and 0 for measures computed from claims.
    """
    from asm_sim.kernels.rule.observed import COLUMNS, Observed

    measures = measures_in(rules, cohort)

    def by_measure(part: str) -> npt.NDArray[np.float64]:
        columns = [_floats(rows, column_name(measure, part)) for measure in measures]
        return np.ascontiguousarray(np.stack(columns))

    kinds = [_collection_indices(rows, rules, measure) for measure in measures]
    return Observed(
        rate=by_measure("rate"),
        cases=by_measure("cases"),
        completeness=by_measure("completeness"),
        collection=np.ascontiguousarray(np.stack(kinds)),
        **{name: _floats(rows, name) for name in COLUMNS},
    )


def _floats(rows: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    return np.ascontiguousarray(rows[name].to_numpy(dtype=np.float64))


def _numbered(names: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Equal names have equal numbers, from 0."""
    words = names.map(lambda cell: same(text_of(cell)))
    return pd.factorize(words)[0].astype(np.int64)


def _collection_indices(rows: pd.DataFrame, rules: RuleSet, measure: str) -> npt.NDArray[np.int8]:
    if not rules.measures[measure].reported:
        return np.zeros(len(rows), dtype=np.int8)
    index = {word: i for i, word in enumerate(rules.quality.collection_types.value)}
    words = rows[column_name(measure, "collection_type")]
    return np.array([index.get(word, NO_COLLECTION_TYPE) for word in words], dtype=np.int8)
