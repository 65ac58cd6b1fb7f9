"""One row of the wide table, read into the words of the rule.

A blank is ``None``; a float NaN counts as blank too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asm_sim.rules.mips import MipsRules
from asm_sim.rules.schema import RuleSet

Row = Mapping[str, Any]


@dataclass(frozen=True)
class MeasureResult:
    """What is known of one clinician on one quality measure; ``None`` is blank."""

    rate: float | None
    cases: float | None
    completeness: float | None
    collection_type: str | None


@dataclass(frozen=True)
class Clinician:
    """One clinician of the cohort in one performance year; ``None`` is blank."""

    clinician_id: Any
    practice_id: Any
    specialty: str | None
    practice_size: float
    rural: bool
    hcc_risk_score: float | None
    dual_share: float | None
    part_b_payments: float
    payment_year_part_b: float | None
    improvement_activities: float | None
    pi_score: float | None
    episodes: float | None
    episode_cost: float | None
    extreme_circumstances: bool
    special_status: bool
    measures: Mapping[str, MeasureResult]


def read_row(row: Row, rules: RuleSet, cohort: str) -> Clinician:
    """The clinician of a row of the wide table.

    Raises ``ValueError`` where practice size or Part B payments are blank, or Part B is negative,
    and where ``rural`` is neither 0 nor 1 (a blank is 0).
    """
    measures = {
        measure: MeasureResult(
            rate=_number(row, f"{measure.lower()}_rate"),
            cases=_number(row, f"{measure.lower()}_cases"),
            completeness=_number(row, f"{measure.lower()}_completeness"),
            collection_type=_text(row, f"{measure.lower()}_collection_type"),
        )
        for measure in rules.cohorts[cohort].quality_measures.value
    }
    payment_year_part_b = _number(row, "payment_year_part_b")
    if payment_year_part_b is not None:
        _not_negative(payment_year_part_b, row, "payment_year_part_b")
    rural = _number(row, "rural")
    if rural is not None and rural not in {0, 1}:
        raise input_error(row.get("clinician_id"), f"rural is {rural:g}; it must be 0 or 1")
    return Clinician(
        clinician_id=row.get("clinician_id"),
        practice_id=_value(row, "practice_id"),
        specialty=_text(row, "specialty"),
        practice_size=_required(row, "practice_size"),
        rural=rural == 1,
        hcc_risk_score=_number(row, "hcc_risk_score"),
        dual_share=_number(row, "dual_share"),
        part_b_payments=_not_negative(_required(row, "part_b_payments"), row, "part_b_payments"),
        payment_year_part_b=payment_year_part_b,
        improvement_activities=_number(row, "improvement_activities"),
        pi_score=_number(row, "pi_score"),
        episodes=_number(row, "episodes"),
        episode_cost=_number(row, "episode_cost"),
        extreme_circumstances=_number(row, "extreme_circumstances") == 1,
        special_status=_number(row, "special_status") == 1,
        measures=measures,
    )


def is_excused(clinician: Clinician, rules: RuleSet | MipsRules) -> bool:
    """Whether extreme and uncontrollable circumstances leave the year unscored.

    42 CFR 512.780 of ASM, 414.1380(c)(2)(i) of MIPS.
    """
    neutral = rules.final_score.extreme_circumstances.value == "neutral"
    return neutral and clinician.extreme_circumstances


def input_error(clinician_id: Any, problem: str) -> ValueError:
    """The error for a row that the rule cannot be applied to."""
    return ValueError(f"clinician {clinician_id}: {problem}")


def _value(row: Row, column: str) -> Any:
    value = row.get(column)
    return None if isinstance(value, float) and math.isnan(value) else value


def _number(row: Row, column: str) -> float | None:
    value = _value(row, column)
    return None if value is None else float(value)


def _text(row: Row, column: str) -> str | None:
    value = _value(row, column)
    return None if value is None else str(value)


def _required(row: Row, column: str) -> float:
    number = _number(row, column)
    if number is None:
        raise input_error(row.get("clinician_id"), f"{column} is blank")
    return number


def _not_negative(number: float, row: Row, column: str) -> float:
    if number < 0:
        raise input_error(row.get("clinician_id"), f"{column} is negative")
    return number
