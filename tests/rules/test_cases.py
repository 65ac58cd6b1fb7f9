"""The rule as worked examples: every expected value in ``cases/*.yaml`` was computed by hand.

A case lists clinicians (each has what ``everyone`` has unless it says otherwise), the settings that
differ from the 2026 rule set, and the expected columns. A ``series`` stands for several clinicians
R1, R2, ...: the values of its lists in turn, or ``count`` alike, or a ``column`` counting ``from``
one number ``to`` another. ``probes`` are scored against the fit of ``clinicians`` without being
part of it. Expected values may be fractions (``13/9``); ``null`` is a blank.

Both implementations of the rule work every case: the plain-Python reference, and the compiled
kernels, which are never given what is an input error.
"""

import json
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from asm_sim import reference
from asm_sim.documents import read_document
from asm_sim.kernels.rule import cohort as kernels
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from tests.oracle.kernels import columns, observed
from tests.oracle.tables import Row

# The clinicians, the probes, the rule set, the cohort and the performance year; the output rows.
Scoring = Callable[[list[Row], list[Row], RuleSet, str, int], list[Row]]

FOLDER = Path(__file__).parent / "cases"
CASE_KEYS = {
    "name",
    "citation",
    "cohort",
    "performance_year",
    "settings",
    "clinicians",
    "probes",
    "expected",
    "error",
}


def cases(*, of_errors: bool) -> Iterator[Any]:
    """The cases that expect an input error, or those that expect scores."""
    for path in sorted(FOLDER.glob("*.yaml")):
        data = read_document(path).data
        for case in data["cases"]:
            if ("error" in case) == of_errors:
                yield pytest.param(case, data["everyone"], id=f"{path.stem}: {case['name']}")


def clinicians(entries: list[Row], everyone: Row) -> list[Row]:
    """The rows of the wide table that a case lists."""
    rows: list[Row] = []
    for entry in entries:
        own = dict(entry)
        name = own.pop("series", None)
        if name is None:
            rows.append(everyone | own)
            continue
        if "column" in own:
            own[own.pop("column")] = list(range(own.pop("from"), own.pop("to") + 1))
        lists = {column: values for column, values in own.items() if isinstance(values, list)}
        count = own.pop("count", None) or len(next(iter(lists.values())))
        for i in range(count):
            spread = {column: values[i] for column, values in lists.items()}
            rows.append(everyone | own | spread | {"clinician_id": f"{name}{i + 1}"})
        assert all(len(values) == count for values in lists.values()), "series of unequal length"
    return rows


@cache
def rules_with(settings: str) -> RuleSet:
    return load_rules(settings=json.loads(settings))


def by_reference(
    rows: list[Row], probes: list[Row], rules: RuleSet, cohort: str, year: int
) -> list[Row]:
    """The output columns of the plain-Python reference."""
    fitted = reference.fit(rows, rules, cohort, year)
    return reference.score(rows + probes, fitted, rules, cohort, year)


def by_kernels(
    rows: list[Row], probes: list[Row], rules: RuleSet, cohort: str, year: int
) -> list[Row]:
    """The output columns as the kernels fill them, and what a scored table makes of them."""
    compiled, y = compile_cohort(rules, cohort), rules.years.index(year)
    outcome, fitted = kernels.fit_and_score(
        observed(rows, rules, cohort), compiled, y, practice=practices(rows)
    )
    against = kernels.score(
        observed(probes, rules, cohort), compiled, y, fitted, practice=practices(probes)
    )
    result = []
    for part, scored in ((rows, outcome), (probes, against)):
        by_column = columns(scored, rules, cohort)
        for i, row in enumerate(part):
            numbers = {name: float(values[i]) for name, values in by_column.items()}
            factor = numbers["payment_adjustment_factor"]
            paid = row.get("payment_year_part_b")
            numbers |= {
                "scaling_factor": fitted.scaling_factor,
                "payment_multiplier": 1 + factor,
                "payment_change_usd": factor * (row["part_b_payments"] if paid is None else paid),
            }
            filled = {name: None if math.isnan(value) else value for name, value in numbers.items()}
            result.append({"clinician_id": row["clinician_id"]} | filled)
    return result


def practices(rows: list[Row]) -> Any:
    """Practices as numbers from 0 [n]; one whose practice is not named is a practice alone."""
    names = [row.get("practice_id", f"alone {i}") for i, row in enumerate(rows)]
    return pd.factorize(pd.Series(names, dtype=object))[0]


IMPLEMENTATIONS: dict[str, Scoring] = {"reference": by_reference, "kernels": by_kernels}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize(("case", "everyone"), list(cases(of_errors=False)))
def test_case(case: dict[str, Any], everyone: Row, implementation: str) -> None:
    rows = clinicians(case["clinicians"], everyone)
    scored = IMPLEMENTATIONS[implementation](
        rows,
        clinicians(case.get("probes", []), everyone),
        rules_with(json.dumps(case.get("settings", {}))),
        case["cohort"],
        case["performance_year"],
    )
    by_clinician = {row["clinician_id"]: row for row in scored}
    assert case["expected"]
    for clinician, expected in case["expected"].items():
        for column, value in expected.items():
            got = by_clinician[clinician][column]
            wanted = None if value is None else pytest.approx(float(Fraction(value)), abs=1e-9)
            assert got == wanted, f"{clinician}: {column}"


@pytest.mark.parametrize(("case", "everyone"), list(cases(of_errors=True)))
def test_input_error(case: dict[str, Any], everyone: Row) -> None:
    rules = rules_with(json.dumps(case.get("settings", {})))
    rows = clinicians(case["clinicians"], everyone)
    with pytest.raises(ValueError) as caught:
        reference.fit(rows, rules, case["cohort"], case["performance_year"])
    assert case["error"] in str(caught.value)


def test_there_are_cases_for_every_section_of_the_definition() -> None:
    listed = [*cases(of_errors=False), *cases(of_errors=True)]
    for param in listed:
        case = param.values[0]
        assert set(case) <= CASE_KEYS, param.id
        assert case["citation"], param.id
    names = [param.id for param in listed]
    assert len(names) == len(set(names))
    assert len(names) >= 80
