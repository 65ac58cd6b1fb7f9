"""A condition that the package has never heard of, invented in YAML alone, is scored as well."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from asm_sim.reference import fit, score, score_cohort
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from tests.oracle.tables import KINDS, random_table
from tests.rules.third_condition import RULES


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    path: Path = tmp_path_factory.mktemp("rules") / "with-diabetes.yaml"
    path.write_text(RULES)
    return load_rules(path)


def clinician(i: int, **other: Any) -> dict[str, Any]:
    """The i-th of 21 clinicians: rates 0, 5, ... 100 and two levels of admissions and of cost."""
    level = -1 if i < 10 else 0 if i == 10 else 1
    return {
        "clinician_id": i,
        "practice_size": 50,
        "part_b_payments": 100_000,
        "improvement_activities": 2,
        "pi_score": 100,
        "x001_rate": 5 * i,
        "x001_cases": 10,
        "x001_completeness": 0.75,
        "x001_collection_type": "ecqm",
        "x002_rate": 5 * i,
        "x002_cases": 10,
        "x002_completeness": 0.75,
        "x002_collection_type": "cqm",
        "x003_rate": 60 + 10 * level,
        "x003_cases": 10,
        "x003_completeness": 1,
        "x003_collection_type": "ecqm",
        "x900_rate": 60 + 10 * level,
        "x900_cases": 10,
        "episodes": 20,
        "episode_cost": 10_000 + 1_000 * level,
    } | other


def part(result: Mapping[str, Any], *columns: str) -> list[Any]:
    return [result[column] for column in columns]


POINTS = ("x001_points", "x002_points", "x003_points", "x900_points")


def test_every_measure_is_scored_by_its_entry(rules: RuleSet) -> None:
    """Two levels 10 apart on each side of 60 have median 60 and SD 10: z of -1, 0, 1.

    Deciles of 0, 5, ... 100 are 1, 10, 20, ... 90, of their negatives -99, -90, ... -10.
    """
    results = score_cohort([clinician(i) for i in range(21)], rules, "DM", 2027)
    # A rate of 15: among the negatives half way between the ninth cut point (-20) and the tenth.
    assert part(results[3], *POINTS) == [9.5, 2.5, 6, 9]
    assert part(results[10], *POINTS) == [6, 6, 7.5, 7.5]
    assert part(results[20], *POINTS) == [1, 10, 9, 6]
    # 100 (0.5 x 27 / 40 + 0.5 x 0.75)
    expected = [27 / 40, 0.75, 71.25]
    assert part(results[10], "quality_score", "cost_score", "final_score") == pytest.approx(
        expected
    )


def test_its_own_case_minimum_and_submission_rules(rules: RuleSet) -> None:
    rows = [clinician(i) for i in range(21)]
    fitted = fit(rows, rules, "DM", 2027)
    probes = [
        clinician(10, x001_cases=9),
        clinician(10, x002_rate=None),
        clinician(10, x900_rate=None),
        clinician(10, x001_rate=None, x002_rate=None, x003_completeness=0.7),
    ]
    few, unreported, no_claims, nothing = score(probes, fitted, rules, "DM", 2027)
    assert part(few, *POINTS) == [None, 6, 7.5, 7.5]
    assert part(unreported, *POINTS) == [6, 0, 7.5, 7.5]
    assert part(no_claims, *POINTS) == [6, 6, 7.5, None]
    assert part(nothing, *POINTS, "final_score") == [0, 0, 0, 7.5, 0]


def test_the_other_cohorts_are_as_before(rules: RuleSet) -> None:
    assert list(rules.cohorts) == ["HF", "LBP", "DM"]
    before = load_rules(settings={"quality.case_minimum": 10})
    rows = random_table(random.Random(3), before, "HF", 60, "ordinary")
    assert score_cohort(rows, rules, "HF", 2027) == score_cohort(rows, before, "HF", 2027)


@pytest.mark.parametrize("kind", KINDS)
def test_its_pool_pays_out_what_the_rule_says(rules: RuleSet, kind: str) -> None:
    rows = random_table(random.Random(5), rules, "DM", 41, kind)
    results = score_cohort(rows, rules, "DM", 2030)
    scored = [
        (row["part_b_payments"], result)
        for row, result in zip(rows, results, strict=True)
        if result["final_score"] is not None
    ]
    net = sum(paid * result["payment_adjustment_factor"] for paid, result in scored)
    if results[0]["scaling_factor"] is None:
        expected = -0.11 * sum(paid for paid, result in scored if result["final_score"] == 0)
    else:
        expected = -0.15 * 0.11 * sum(paid for paid, _ in scored)
    assert net == pytest.approx(expected, rel=1e-9, abs=1e-6)
