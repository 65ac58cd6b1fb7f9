"""The rule as worked examples: every expected value in ``cases/*.yaml`` was computed by hand.

A case lists clinicians (each has what ``everyone`` has unless it says otherwise), the settings that
differ from the 2026 rule set, and the expected columns. A ``series`` stands for several clinicians
R1, R2, ...: the values of its lists in turn, or ``count`` alike, or a ``column`` counting ``from``
one number ``to`` another. ``probes`` are scored against the fit of ``clinicians`` without being
part of it. Expected values may be fractions (``13/9``); ``null`` is a blank.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from asm_sim.documents import read_document
from asm_sim.reference import fit, score
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet

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


def cases() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.yaml")):
        data = read_document(path).data
        for case in data["cases"]:
            yield pytest.param(case, data["everyone"], id=f"{path.stem}: {case['name']}")


def clinicians(entries: list[dict[str, Any]], everyone: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
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


@pytest.mark.parametrize(("case", "everyone"), list(cases()))
def test_case(case: dict[str, Any], everyone: dict[str, Any]) -> None:
    assert set(case) <= CASE_KEYS
    assert case["citation"]
    rules = rules_with(json.dumps(case.get("settings", {})))
    cohort, year = case["cohort"], case["performance_year"]
    rows = clinicians(case["clinicians"], everyone)
    if "error" in case:
        with pytest.raises(ValueError) as caught:
            fit(rows, rules, cohort, year)
        assert case["error"] in str(caught.value)
        return
    fitted = fit(rows, rules, cohort, year)
    scored = score(rows + clinicians(case.get("probes", []), everyone), fitted, rules, cohort, year)
    by_clinician = {row["clinician_id"]: row for row in scored}
    assert case["expected"]
    for clinician, expected in case["expected"].items():
        for column, value in expected.items():
            got = by_clinician[clinician][column]
            wanted = None if value is None else pytest.approx(float(Fraction(value)), abs=1e-9)
            assert got == wanted, f"{clinician}: {column}"


def test_there_are_cases_for_every_section_of_the_definition() -> None:
    names = [param.id for param in cases()]
    assert len(names) == len(set(names))
    assert len(names) >= 80
