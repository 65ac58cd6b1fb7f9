"""The compiled kernels on rows of the wide table, and what differs there from the reference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from asm_sim import reference
from asm_sim.kernels.rule.cohort import fit_and_score, score
from asm_sim.kernels.rule.observed import COLUMNS, Observed, Outcome
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.schema import RuleSet
from tests.oracle.tables import Row

TOLERANCE = 1e-9
# Nobody but clinicians whose transformed score is about e^-700 has any payments: the kernels take
# that score for zero, the reference goes on to the smallest number there is.
BEYOND = 1e290


def number(value: Any) -> float:
    """A value of the reference as the kernels have it: NaN is blank."""
    return math.nan if value is None else float(value)


def observed(rows: list[Row], rules: RuleSet, cohort: str) -> Observed:
    """Rows of the wide table as the kernels take them."""
    measures = rules.cohorts[cohort].quality_measures.value
    types = rules.quality.collection_types.value

    def column(name: str) -> np.ndarray:
        return np.array([number(row.get(name)) for row in rows])

    def part(name: str) -> np.ndarray:
        return np.array(
            [[number(row.get(f"{m.lower()}_{name}")) for row in rows] for m in measures]
        )

    def collection(measure: str, row: Row) -> int:
        if not rules.measures[measure].reported:
            return 0
        given = row.get(f"{measure.lower()}_collection_type")
        return types.index(given) if isinstance(given, str) else -1

    return Observed(
        rate=part("rate"),
        cases=part("cases"),
        completeness=part("completeness"),
        collection=np.array([[collection(m, row) for row in rows] for m in measures], np.int8),
        **{name: column(name) for name in COLUMNS},
    )


def differ(a: float, b: float) -> bool:
    """Whether the numbers are further apart than ``TOLERANCE``, or only one is blank."""
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) != math.isnan(b)
    return a != b and not abs(a - b) <= TOLERANCE * max(1.0, abs(a))


def columns(outcome: Outcome, rules: RuleSet, cohort: str) -> dict[str, np.ndarray]:
    """An outcome by the columns of the wide table."""
    measures = rules.cohorts[cohort].quality_measures.value
    points = {f"{m.lower()}_points": outcome.points[k] for k, m in enumerate(measures)}
    return points | {name: getattr(outcome, name) for name in Outcome._fields if name != "points"}


def differences(
    wanted: list[dict[str, Any]], outcome: Outcome, rules: RuleSet, cohort: str
) -> list[str]:
    """Every value of the kernels that is not the reference's."""
    return [
        f"{name} of row {i}: reference {row[name]}, kernels {values[i]}"
        for name, values in columns(outcome, rules, cohort).items()
        for i, row in enumerate(wanted)
        if differ(number(row[name]), float(values[i]))
    ]


def check_table(rows: list[Row], rules: RuleSet, cohort: str, year: int) -> None:
    """Fit, score, and the three numbers of the fit that the payment needs."""
    compiled = compile_cohort(rules, cohort)
    outcome, fitted = fit_and_score(
        observed(rows, rules, cohort), compiled, rules.years.index(year)
    )
    wanted = reference.fit(rows, rules, cohort, year)
    if number(wanted.scaling_factor) > BEYOND:
        return
    found = differences(reference.score(rows, wanted, rules, cohort, year), outcome, rules, cohort)
    for name in ("median_final_score", "scaling_factor", "incentive_pool"):
        a, b = number(getattr(wanted, name)), getattr(fitted, name)
        if differ(a, b):
            found.append(f"{name}: reference {a}, kernels {b}")
    assert not found, found[:5]


def check_against_fit(
    peers: list[Row], fit_year: int, probes: list[Row], year: int, rules: RuleSet, cohort: str
) -> None:
    """Probes against the fit of peers among whom they do not count, also of another year."""
    compiled = compile_cohort(rules, cohort)
    _, fitted = fit_and_score(observed(peers, rules, cohort), compiled, rules.years.index(fit_year))
    outcome = score(observed(probes, rules, cohort), compiled, rules.years.index(year), fitted)
    wanted_fit = reference.fit(peers, rules, cohort, fit_year)
    wanted = reference.score(probes, wanted_fit, rules, cohort, year)
    found = differences(wanted, outcome, rules, cohort)
    assert not found, found[:5]
