"""What a scored table comes to, in a few lines for a person."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from asm_sim.errors import counted, printable
from asm_sim.rules.schema import RuleSet
from asm_sim.score.columns import column_name, measures_in
from asm_sim.score.final_scores import FINAL_SCORE
from asm_sim.score.scoring import CohortYear, ScoredTable
from asm_sim.tables.cells import shown

Flags = npt.NDArray[np.bool_]

COLUMNS_LISTED = 10
GROUPS_LISTED = 100


def summarise(scored: ScoredTable) -> list[str]:
    """Lines of plain text: per cohort and year who was scored, excluded and zero, and why."""
    rows = len(scored.table)
    rule = f"rule set {scored.rules.id} (rule year {printable(scored.rules.rule_year)})"
    lines = [f"{scored.checked.title}: {counted(rows, 'row')}, {rule}"]
    if scored.checked.ignored_columns:
        ignored = scored.checked.ignored_columns
        listed = ", ".join(shown(name) for name in ignored[:COLUMNS_LISTED])
        more = len(ignored) - COLUMNS_LISTED
        lines.append(f"ignored columns: {listed}" + (f" and {more:,} more" if more > 0 else ""))
    if scored.checked.gives_final_scores:
        lines.append(
            f"final scores are those of column {FINAL_SCORE}: no measure was scored, only the "
            "payment step (42 CFR 512.750) was done"
        )
    for cohort_year in scored.cohort_years[:GROUPS_LISTED]:
        lines += _cohort_year(scored, cohort_year)
    more = len(scored.cohort_years) - GROUPS_LISTED
    return [*lines, "", f"... and {more:,} more groups"] if more > 0 else lines


def _cohort_year(scored: ScoredTable, group: CohortYear) -> list[str]:
    rules = scored.rules
    given = scored.checked.frame.iloc[group.positions]
    result = scored.table.iloc[group.positions]
    final = result["final_score"].to_numpy()
    has_score = ~np.isnan(final)
    payment_year = rules.payment_year(group.performance_year)
    lines = [
        "",
        f"{group.cohort}{group.peers and f', {printable(group.peers)},'} {group.performance_year} "
        f"(paid in {payment_year}): "
        f"{counted(len(result), 'clinician')}, {int(has_score.sum()):,} with a final score",
    ]
    with np.errstate(invalid="ignore"):
        zero = has_score & (final <= rules.final_score.counts_as_zero.value)
    if scored.checked.gives_final_scores:
        lines += _reasons("without a final score", {"blank": ~has_score})
        lines += _reasons("final score of zero", {"as given": zero})
    else:
        lines += _reasons("without a final score", _without_score(result, ~has_score))
        nothing_reported = _lacks_minimum_submission(given, rules, group)
        zero_reasons = {
            "minimum submission not met": zero & nothing_reported,
            "nothing left after the adjustments": zero & ~nothing_reported,
        }
        lines += _reasons("final score of zero", zero_reasons)
        lines += _measures(given, result, rules, group)
    lines.append(
        f"  median final score {_number(group.median_final_score, '.2f')}, "
        f"incentive pool {_usd(group.incentive_pool)}, "
        f"scaling factor {_number(group.scaling_factor, '.6f')}"
    )
    factor = result["payment_adjustment_factor"].to_numpy()
    lines.append(
        f"  adjustments {factor.min():+.2%} to {factor.max():+.2%}, "
        f"payment change {_usd(float(result['payment_change_usd'].sum()), sign='+')} in all"
    )
    return lines


def _without_score(result: pd.DataFrame, without: Flags) -> dict[str, Flags]:
    no_quality = result["quality_score"].isna().to_numpy()
    no_cost = result["cost_points"].isna().to_numpy()
    return {
        "neither quality nor cost could be scored": without & no_quality & no_cost,
        "quality could not be scored": without & no_quality & ~no_cost,
        "cost could not be scored": without & ~no_quality & no_cost,
    }


def _lacks_minimum_submission(given: pd.DataFrame, rules: RuleSet, group: CohortYear) -> Flags:
    """Who had a measure to report and reported none with enough completeness (bool[n], 512.745)."""
    to_report = np.zeros(len(given), dtype=np.bool_)
    submitted = np.zeros(len(given), dtype=np.bool_)
    minimum = rules.quality.completeness_minimum.at(group.performance_year)
    for measure in measures_in(rules, group.cohort):
        if rules.measures[measure].reported:
            rate, cases, completeness = (
                given[column_name(measure, part)].to_numpy()
                for part in ("rate", "cases", "completeness")
            )
            to_report |= ~(cases < 1)
            submitted |= ~np.isnan(rate) & (completeness >= minimum)
    return to_report & ~submitted


def _measures(
    given: pd.DataFrame, result: pd.DataFrame, rules: RuleSet, group: CohortYear
) -> list[str]:
    """How many clinicians each category does not count for, or counts without a result, and why."""
    lines: list[str] = []
    minimum = rules.quality.case_minimum.at(group.performance_year)
    clinicians = rules.quality.benchmark_minimum_clinicians.at(group.performance_year)
    for measure in measures_in(rules, group.cohort):
        excluded = result[column_name(measure, "points")].isna().to_numpy()
        cases = given[column_name(measure, "cases")].to_numpy()
        few = excluded & (cases < minimum)
        rate = given[column_name(measure, "rate")].to_numpy()
        unknown = excluded & ~few & (np.isnan(cases) | np.isnan(rate))
        reasons = {
            f"fewer than {minimum:g} cases": few,
            "no rate or no cases": unknown,
            f"fewer than {clinicians:g} clinicians to compare with": excluded & ~few & ~unknown,
        }
        lines += _reasons(f"{measure} excluded", reasons)
        if rules.measures[measure].reported and rules.scoring_level.quality.value == "clinician":
            lines += _not_reported(given, measure, ~excluded, rules, group.performance_year)
    limit = rules.cost.case_minimum.at(group.performance_year)
    no_cost = result["cost_points"].isna().to_numpy()
    return lines + _reasons("cost not scored", {f"fewer than {limit:g} episodes": no_cost})


def _not_reported(
    given: pd.DataFrame, measure: str, counted: Flags, rules: RuleSet, year: int
) -> list[str]:
    """How many a measure counts for without a result of theirs."""
    no_rate = counted & given[column_name(measure, "rate")].isna().to_numpy()
    minimum = rules.quality.completeness_minimum.at(year)
    completeness = given[column_name(measure, "completeness")].to_numpy()
    incomplete = counted & ~no_rate & ~(completeness >= minimum)
    reasons = {"no rate": no_rate, f"data completeness below {minimum:g}": incomplete}
    points = rules.quality.points_not_reported.at(year)
    return _reasons(f"{measure} not reported, {points:g} points", reasons)


def _reasons(what: str, reasons: dict[str, Flags]) -> list[str]:
    counts = {reason: int(np.count_nonzero(who)) for reason, who in reasons.items()}
    stated = [f"{count:,} {reason}" for reason, count in counts.items() if count]
    if not stated:
        return []
    return [f"  {what}: {sum(counts.values()):,} ({'; '.join(stated)})"]


def _number(value: float, form: str) -> str:
    return "none" if math.isnan(value) else format(value, form)


def _usd(value: float, sign: str = "") -> str:
    return "none" if math.isnan(value) else f"{value:{sign},.2f} USD"
