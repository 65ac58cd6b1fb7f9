"""A checked table through the rule in plain Python: every group of peers with its fit.

The same groups in the same order as ``asm-sim score`` has them, and the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from asm_sim.reference.benchmarks import own_standard
from asm_sim.reference.cohort import Earlier, Fit, fit, fit_paid, own_scores, read_cohort
from asm_sim.reference.rows import Clinician
from asm_sim.rules.schema import RuleSet
from asm_sim.score.final_scores import FINAL_SCORE
from asm_sim.score.scoring import groups, peer_groups
from asm_sim.tables.cells import same, text_of

IDENTIFIERS = ("clinician_id", "practice_id", "specialty")


@dataclass(frozen=True)
class Group:
    """One group of peers in one performance year, and what the rule took from it.

    ``peers`` names the group, empty where it is the whole cohort; ``clinicians`` are as scored,
    ``rows`` their places in the table. ``given`` are final scores that the table gives, by
    clinician, None where they are made of measures. ``cohort_years`` are the clinicians of the
    cohort up to this performance year, where benchmarks of earlier years may count.
    """

    cohort: str
    performance_year: int
    peers: str
    rows: tuple[int, ...]
    clinicians: tuple[Clinician, ...]
    fitted: Fit
    earlier: Earlier
    given: Mapping[Any, float | None] | None
    cohort_years: Mapping[int, list[Clinician]]

    @property
    def called(self) -> str:
        """What a sentence calls those who are compared with each other."""
        return f"{self.cohort} ({self.peers})" if self.peers else self.cohort

    def reference_year(self, reference: str) -> int:
        """The performance year whose clinicians make the benchmarks of a category."""
        before = self.earlier.standards
        if reference == "previous_year" and self.performance_year - 1 in before:
            return self.performance_year - 1
        if reference == "baseline_year" and before:
            return min(before)
        return self.performance_year


def key_of(cell: Any) -> str | None:
    """What an identifier has in common with those that mean the same, as scoring compares them."""
    return same(text_of(cell)) or None


def fitted_groups(
    frame: pd.DataFrame, rules: RuleSet, cohort: str, years: set[int]
) -> Iterator[Group]:
    """The groups of peers of one cohort in the performance years asked for.

    ``frame`` is that of a checked table. Other years are looked at only where something of what is
    asked for rests on them.
    """
    by_year = {year: places for name, year, places in groups(frame, rules) if name == cohort}
    backward = looks_back(rules)
    wanted = set(by_year) if backward else years
    earlier = Earlier()
    cohort_years: dict[int, list[Clinician]] = {}
    for year in (year for year in rules.years if year <= max(years)):
        own: dict[Any, float | None] = {}
        if year in by_year and year in wanted:
            for peers, places in peer_groups(frame, by_year[year], rules):
                rows = _rows(frame.iloc[places])
                group = _group(rows, rules, cohort, year, earlier)
                if backward:
                    own |= group.given or own_scores(rows, group.fitted, rules, cohort, year)
                    cohort_years.setdefault(year, []).extend(group.clinicians)
                if year in years:
                    yield replace(
                        group,
                        peers=peers,
                        rows=tuple(places.tolist()),
                        cohort_years=dict(cohort_years),
                    )
            if backward and FINAL_SCORE not in frame:
                made = own_standard(cohort_years[year], rules, cohort, year)
                earlier = replace(earlier, standards={**earlier.standards, year: made})
        earlier = replace(earlier, own_scores=(own, *earlier.own_scores))


def looks_back(rules: RuleSet) -> bool:
    """Whether a performance year rests on what earlier ones leave to it."""
    references = {rules.quality.benchmark_reference.value, rules.cost.benchmark_reference.value}
    return rules.final_score.averaging_years.value > 1 or bool(
        references & {"previous_year", "baseline_year"}
    )


def _group(
    rows: list[dict[str, Any]], rules: RuleSet, cohort: str, year: int, earlier: Earlier
) -> Group:
    if not rows or FINAL_SCORE not in rows[0]:
        clinicians = read_cohort(rows, rules, cohort, year)
        fitted = fit(rows, rules, cohort, year, earlier)
        return Group(cohort, year, "", (), tuple(clinicians), fitted, earlier, None, {})
    clinicians = [_paid(row) for row in rows]
    given = {row["clinician_id"]: _number(row[FINAL_SCORE]) for row in rows}
    paid = fit_paid([(one, given[one.clinician_id]) for one in clinicians], rules, year, earlier)
    fitted = Fit(
        {}, None, None, None, paid.positive_scores, paid.incentive_pool, paid.scaling_factor
    )
    return Group(cohort, year, "", (), tuple(clinicians), fitted, earlier, given, {})


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for the reference, whose identifiers are equal where scoring takes them for one."""
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    for row in rows:
        row.update({name: key_of(row[name]) for name in IDENTIFIERS})
    return rows


def _paid(row: Mapping[str, Any]) -> Clinician:
    """A clinician of whom the table says what is paid on, and nothing of what is scored."""
    size = _number(row["practice_size"])
    return Clinician(
        clinician_id=row["clinician_id"],
        practice_id=row["practice_id"],
        specialty=row["specialty"],
        practice_size=math.nan if size is None else size,
        rural=_number(row["rural"]) == 1,
        hcc_risk_score=None,
        dual_share=None,
        part_b_payments=row["part_b_payments"],
        payment_year_part_b=_number(row["payment_year_part_b"]),
        improvement_activities=None,
        pi_score=None,
        episodes=_number(row["episodes"]),
        episode_cost=None,
        extreme_circumstances=False,
        special_status=False,
        measures={},
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
