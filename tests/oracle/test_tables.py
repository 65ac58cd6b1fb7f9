"""The random tables are valid input, repeatable, and reach the corners that they are meant to."""

import random
from collections import Counter
from typing import Any

import pytest

from asm_sim.reference import fit, score
from asm_sim.rules.load import load_rules
from tests.oracle.tables import KINDS, random_table

RULES = load_rules()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cohort", ["HF", "LBP"])
def test_tables_are_valid_input_and_score_to_possible_values(kind: str, cohort: str) -> None:
    for seed in range(12):
        rng = random.Random(f"{kind} {seed}")
        size = rng.choice([1, 2, 19, 20, 21, 41, 91])
        rows = random_table(rng, RULES, cohort, size, kind)
        assert len(rows) == size or (kind == "tiny" and len(rows) in {1, 2, 3})
        assert len({row["clinician_id"] for row in rows}) == len(rows)
        fitted = fit(rows, RULES, cohort, 2029)
        for row in score(rows, fitted, RULES, cohort, 2029):
            assert row["final_score"] is None or 0 <= row["final_score"] <= 100
            assert row["quality_score"] is None or 0 <= row["quality_score"] <= 1
            assert row["cost_points"] is None or 1 <= row["cost_points"] <= 10
            assert -0.10 <= row["payment_adjustment_factor"] < float("inf")


def test_a_table_depends_on_nothing_but_its_rng() -> None:
    for kind in KINDS:
        first = random_table(random.Random(7), RULES, "HF", 30, kind)
        again = random_table(random.Random(7), RULES, "HF", 30, kind)
        assert repr(first) == repr(again)


def corners(row: dict[str, Any], result: dict[str, Any], fitted: Any) -> list[str]:
    found = []
    score_ = result["final_score"]
    if score_ == 0:
        found.append("zero")
        if row["improvement_activities"] == 0 and any(
            row[f"{m}_completeness"] is not None
            and row[f"{m}_completeness"] >= 0.75
            and row[f"{m}_rate"] is not None
            for m in ("q008", "q005", "q236", "q377")
        ):
            found.append("zero by points")
    if score_ is None:
        found.append("no final score")
    if score_ is not None and score_ > 0 and fitted.scaling_factor is None:
        found.append("nothing to scale")
        if fitted.incentive_pool > 0:
            found.append("nothing to scale, but a pool")
    if score_ is not None and fitted.median_final_score is None:
        found.append("nobody above zero")
    if score_ == 100:
        found.append("capped at 100")
    if (result["quality_score"] is None) != (result["cost_score"] is None):
        found.append("one category missing")
    if fitted.cost_benchmark is not None and fitted.cost_benchmark.clinicians == 1:
        found.append("alone in cost")
    points = [result[f"{m}_points"] for m in ("q008", "q005", "q236", "q377")]
    if all(value == 10 for value in points if value is not None) and any(points):
        found.append("ten points on all that counts")
    if any(value is not None and value > 0 and value == int(value) < 10 for value in points):
        found.append("at a cut point")
    if any(benchmark.clinicians == 20 for benchmark in fitted.quality_benchmarks.values()):
        found.append("a benchmark of just enough clinicians")
    if row["episodes"] == 20 and result["cost_score"] is not None:
        found.append("just enough episodes")
    return found


def test_the_corners_are_reached() -> None:
    seen: Counter[str] = Counter()
    for kind in KINDS:
        for seed in range(30):
            rows = random_table(random.Random(seed), RULES, "HF", 41, kind)
            fitted = fit(rows, RULES, "HF", 2027)
            for row, result in zip(rows, score(rows, fitted, RULES, "HF", 2027), strict=True):
                seen.update(corners(row, result, fitted))
    expected = {
        "zero",
        "zero by points",
        "no final score",
        "nothing to scale",
        "nothing to scale, but a pool",
        "nobody above zero",
        "capped at 100",
        "one category missing",
        "alone in cost",
        "ten points on all that counts",
        "at a cut point",
        "a benchmark of just enough clinicians",
        "just enough episodes",
    }
    assert expected <= set(seen), expected - set(seen)
