"""Cells that say "few" instead of a number: what each comes to in the score, and what to write.

CMS does not show counts below 11, nor the rates that go with them: ``<11``, ``*``. What to write in
their place depends on what the rule does with the count (42 CFR 512.725(c), 512.730).
"""

from __future__ import annotations

import math
import re
from typing import Any

from asm_sim.rules.schema import RuleSet
from asm_sim.score.columns import Column
from asm_sim.tables.cells import shown, stripped

_BELOW = re.compile(r"(?:<|fewer than|less than|under)\s*([0-9]{1,9})", re.IGNORECASE)
_UP_TO = re.compile(
    r"(?:(?:<=|≤|=<|up to)\s*|[0-9]{1,9}\s*(?:-|–|to)\s*)([0-9]{1,9})", re.IGNORECASE
)
_AT_LEAST = re.compile(r"(?:>|>=|≥|more than|at least)\s*[0-9.]{1,9}\s*%?", re.IGNORECASE)
_UNKNOWN = re.compile(r"\*+|†|‡|\(?(?:s|ds|d)\)?|suppressed|redacted|masked", re.IGNORECASE)

UNKNOWN = math.inf


def largest_count(cell: Any) -> float | None:
    """The most that a suppressed cell can stand for; infinite where it does not say, None: not one.

    ``<11`` is at most 10, ``1-10`` as well; ``*`` does not say.
    """
    if not isinstance(cell, str):
        return None
    text = stripped(cell)
    if found := _BELOW.fullmatch(text):
        return float(found[1]) - 1
    if found := _UP_TO.fullmatch(text):
        return float(found[1])
    return UNKNOWN if _AT_LEAST.fullmatch(text) or _UNKNOWN.fullmatch(text) else None


def advice(column: Column, cell: Any, rules: RuleSet, year: int) -> str:
    """What a suppressed cell of a column means for the score in a year, and what to write."""
    most = largest_count(cell)
    assert most is not None
    text = f"{shown(cell)} stands for a suppressed number"
    if column.part == "rate":
        return f"{text}; leave it blank: {_blank_rate(column, rules, year)}"
    if column.part == "cases" or column.name == "episodes":
        return f"{text}; {_count(column, most, rules, year)}"
    if column.part == "completeness":
        return (
            f"{text}; give {column.expected}: where it is blank the measure counts as not reported "
            f"({_points(rules, year)})"
        )
    return f"{text}; give {column.expected}" + (
        ", or leave it blank" if column.may_be_blank else ""
    )


def _count(column: Column, most: float, rules: RuleSet, year: int) -> str:
    if column.part == "cases":
        level, minimum = rules.scoring_level.quality.value, rules.quality.case_minimum.at(year)
        noun, left_out = "cases", f"{column.measure} is left out"
    else:
        level, minimum = rules.scoring_level.cost.value, rules.cost.case_minimum.at(year)
        noun, left_out = "episodes", "cost is not scored"
    if level != "clinician":
        return f"under this rule set a practice's {noun} are added up, so that it is needed"
    below = f"below the minimum of {minimum:g} {noun} {left_out}, however many there are"
    if most < minimum:
        return f"{below}: write {most:g}, the most that it can be"
    if most < UNKNOWN:
        return f"{below}, from {minimum:g} on it counts: give the number"
    return (
        f"{below}: write the most that it can be, such as 10 where counts below 11 are suppressed"
    )


def _blank_rate(column: Column, rules: RuleSet, year: int) -> str:
    minimum = rules.quality.case_minimum.at(year)
    if not rules.measures[column.measure or ""].reported:
        return f"without a rate {column.measure} is left out"
    return (
        f"with fewer than {minimum:g} cases {column.measure} is left out, with more, or with blank "
        f"cases, it counts as not reported ({_points(rules, year)})"
    )


def _points(rules: RuleSet, year: int) -> str:
    return f"{rules.quality.points_not_reported.at(year):g} points"
