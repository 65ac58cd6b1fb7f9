"""Who is scored together and who is compared: practices as a whole, and smaller groups of peers."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import asm_sim as asm
from asm_sim import reference
from asm_sim.errors import InputError
from asm_sim.kernels.rule.cohort import fit_and_score
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from tests.oracle.kernels import differ, differences, number, observed
from tests.oracle.tables import KINDS, Row, random_table, shocked

LEVELS = ("clinician", "practice", "small_practices")


def in_practices(rows: list[Row], rng: random.Random, rules: RuleSet, cohort: str) -> list[Row]:
    """The rows as members of practices of one size, which report a measure in one way."""
    practices = [f"P{i}" for i in range(max(1, len(rows) // 4))]
    size = {name: rng.choice([1, 2, 15, 16, 120]) for name in practices}
    kind = {
        (name, measure): rng.choice(rules.quality.collection_types.value)
        for name in practices
        for measure in rules.cohorts[cohort].quality_measures.value
    }
    result = []
    for row in rows:
        name = rng.choice(practices)
        row |= {"practice_id": name, "practice_size": size[name], "specialty": rng.choice("abc")}
        for measure in rules.cohorts[cohort].quality_measures.value:
            column = f"{measure.lower()}_collection_type"
            told = row.get(f"{measure.lower()}_rate") is not None or row.get(column) is not None
            if told and rules.measures[measure].reported:
                row[column] = kind[name, measure]
        result.append(row)
    return result


def check(rows: list[Row], rules: RuleSet, cohort: str, year: int) -> None:
    outcome, _ = fit_and_score(
        observed(rows, rules, cohort),
        compile_cohort(rules, cohort),
        rules.years.index(year),
        practice=pd.factorize(pd.Series([row["practice_id"] for row in rows]))[0],
    )
    found = differences(reference.score_cohort(rows, rules, cohort, year), outcome, rules, cohort)
    assert not found, found[:5]


def check_table(settings: dict[str, Any], kind: str, rng: random.Random) -> None:
    """Both cohorts and two years in one table, by the reference and by ``asm.score``."""
    rules = load_rules(settings=settings)
    rows: list[Row] = []
    wanted = []
    for cohort in rules.cohorts:
        for year in (2027, 2030):
            table = random_table(rng, rules, cohort, rng.choice([1, 30, 60]), kind)
            table = in_practices(table, rng, rules, cohort)
            rows += [row | {"cohort": cohort, "performance_year": year} for row in table]
            wanted += reference.score_cohort(table, rules, cohort, year)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = asm.score(pd.DataFrame(rows), settings=settings)
    found = [
        f"{name} of row {i}: reference {value}, table {result[name].iloc[i]}"
        for i, row in enumerate(wanted)
        for name, value in row.items()
        if name != "clinician_id" and differ(number(value), float(result[name].iloc[i]))
    ]
    assert not found, found[:5]


@pytest.mark.parametrize("quality", LEVELS)
@pytest.mark.parametrize("cost", LEVELS)
def test_practices_as_a_whole(quality: str, cost: str) -> None:
    rules = load_rules(
        settings={"scoring_level.quality": quality, "scoring_level.cost": cost}
        | {"quality.benchmark_minimum_clinicians": 5, "quality.shrinkage": "estimated"}
        | {"final_score.extreme_circumstances": "neutral"}
    )
    for kind in KINDS:
        rng = random.Random(f"{quality} {cost} {kind}")
        cohort = rng.choice(["HF", "LBP"])
        rows = random_table(rng, rules, cohort, rng.choice([1, 30, 60]), kind)
        rows = shocked(rng, rows) if rng.random() < 0.7 else rows
        check(in_practices(rows, rng, rules, cohort), rules, cohort, rng.choice(rules.years))


@pytest.mark.parametrize("basis", ["specialty", "practice_size"])
@pytest.mark.parametrize("form", ["logistic", "linear", "rank", "threshold"])
def test_smaller_groups_of_peers(basis: str, form: str) -> None:
    settings = {"peers.basis": basis, "payment.exchange.form": form}
    settings |= {"quality.benchmark_minimum_clinicians": 4, "peers.size_limits": [1, 15]}
    for kind in KINDS:
        check_table(settings, kind, random.Random(f"{basis} {form} {kind}"))


@pytest.mark.parametrize("basis", ["condition", "practice_size"])
def test_practices_among_peers(basis: str) -> None:
    settings = {"scoring_level.quality": "practice", "scoring_level.cost": "small_practices"}
    for kind in KINDS:
        check_table(settings | {"peers.basis": basis}, kind, random.Random(f"{basis} {kind}"))


def plain(cohort: str = "HF", count: int = 60, seed: int = 0) -> list[Row]:
    """A table in which nothing but quality and cost tells clinicians apart."""
    rules = load_rules()
    rng = random.Random(seed)
    rows = in_practices(random_table(rng, rules, cohort, count, "ordinary"), rng, rules, cohort)
    same = {"improvement_activities": 2, "pi_score": 100, "hcc_risk_score": 1, "dual_share": 0.2}
    return [row | same | {"practice_size": 100} for row in rows]


def scored(rows: list[Row], settings: dict[str, Any], cohort: str = "HF") -> pd.DataFrame:
    return pd.DataFrame(
        reference.score_cohort(rows, load_rules(settings=settings), cohort, 2027), dtype=object
    )


def test_one_practice_of_everyone_gets_what_medicare_leaves() -> None:
    """All have one score, so each loses the share of the amount at risk that is kept."""
    settings = {"scoring_level.quality": "practice", "scoring_level.cost": "practice"}
    rows = [row | {"practice_id": "all"} for row in plain()]
    for measure in ("q008", "q005", "q236", "q377"):
        rows = [row | {f"{measure}_collection_type": "ecqm"} for row in rows]
    check(rows, load_rules(settings=settings), "HF", 2027)
    result = scored(rows, settings)
    assert result["final_score"].nunique() == 1
    expected = -(1 - 0.85) * 0.09
    np.testing.assert_allclose(result["payment_adjustment_factor"].astype(float), expected)


def test_practices_of_one_are_clinicians() -> None:
    settings = {"scoring_level.quality": "practice", "scoring_level.cost": "practice"}
    rows = [row | {"practice_id": i} for i, row in enumerate(plain())]
    pooled, single = scored(rows, settings), scored(rows, {})
    for name in ("quality_score", "cost_score", "final_score", "payment_adjustment_factor"):
        np.testing.assert_allclose(
            pooled[name].map(number).astype(float), single[name].map(number).astype(float),
            rtol=1e-12,
        )  # fmt: skip


def test_cases_and_costs_are_added_up_by_hand() -> None:
    """Two halves of a practice, each below 20 cases and episodes, are together above."""
    half = {"q008_rate": 80.0, "q008_cases": 10, "q008_completeness": 1.0}
    other = {"q008_rate": 50.0, "q008_cases": 30, "q008_completeness": 0.8}
    rows = [row | {"practice_id": f"P{i}"} for i, row in enumerate(plain(count=30))]
    rows[0] |= half | {"episodes": 5, "episode_cost": 1000.0}
    rows[1] |= other | {"episodes": 15, "episode_cost": 3000.0, "practice_id": "P0"}
    for row in rows[:2]:
        row |= {f"{name}_collection_type": "ecqm" for name in ("q005", "q008", "q236", "q377")}
    settings = {"scoring_level.quality": "practice", "scoring_level.cost": "practice"}
    rules = load_rules(settings=settings)
    read = [reference.rows.read_row(row, rules, "HF") for row in rows]
    pooled = reference.pooling.pool_practices(read, rules, "HF")
    for one in pooled[:2]:
        assert one.episodes == 20
        assert one.episode_cost == pytest.approx((5 * 1000 + 15 * 3000) / 20)
        result = one.measures["Q008"]
        assert result.cases == 40
        assert result.rate == pytest.approx((10 * 80 + 30 * 0.8 * 50) / (10 + 30 * 0.8))
        assert result.completeness == pytest.approx((10 * 1.0 + 30 * 0.8) / 40)
    assert pooled[2].episodes == read[2].episodes


def test_who_is_excused_leaves_nothing_in_the_pool() -> None:
    """Not even how he or she reports: the others have what they would have without."""
    settings = {"scoring_level.quality": "practice", "scoring_level.cost": "practice"}
    settings |= {"final_score.extreme_circumstances": "neutral"}
    rows = [row | {"practice_id": f"P{i // 2}"} for i, row in enumerate(plain(count=40))]
    kinds = {f"{name}_collection_type": "ecqm" for name in ("q005", "q008", "q236", "q377")}
    struck = kinds | {"q005_collection_type": "cqm", "extreme_circumstances": 1}
    table = [row | (struck if i % 2 else kinds) for i, row in enumerate(rows)]
    rules = load_rules(settings=settings)
    check(table, rules, "HF", 2027)
    alone = pd.DataFrame(reference.score_cohort(table[::2], rules, "HF", 2027))
    frame = pd.DataFrame([row | {"cohort": "HF", "performance_year": 2027} for row in table])
    result = asm.score(frame, settings=settings)
    assert result["final_score"][1::2].isna().all()
    np.testing.assert_allclose(
        result["final_score"][::2], alone["final_score"].astype(float), rtol=1e-12
    )


@pytest.mark.parametrize("basis", ["specialty", "practice_size"])
def test_no_money_passes_between_groups_of_peers(basis: str) -> None:
    rows = in_practices(
        random_table(random.Random(5), load_rules(), "LBP", 90, "ordinary"),
        random.Random(6), load_rules(), "LBP",
    )  # fmt: skip
    result = scored(rows, {"peers.basis": basis}, "LBP")
    paid = np.array([row["part_b_payments"] for row in rows])
    has_score = result["final_score"].notna().to_numpy()
    limits = load_rules().peers.size_limits.value
    group = [
        row["specialty"] if basis == "specialty"
        else sum(row["practice_size"] > limit for limit in limits)
        for row in rows
    ]  # fmt: skip
    for one in set(group):
        among = has_score & np.array([value == one for value in group])
        factor = result["payment_adjustment_factor"].astype(float).to_numpy()
        kept = -(factor * paid)[among].sum()
        assert kept == pytest.approx((1 - 0.85) * 0.09 * paid[among].sum())


def test_one_specialty_is_the_whole_cohort() -> None:
    rows = [row | {"specialty": "cardiology"} for row in plain()]
    assert scored(rows, {"peers.basis": "specialty"}).equals(scored(rows, {}))


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(InputError, match="a practice may have several specialties"):
        load_rules(settings={"peers.basis": "specialty", "scoring_level.cost": "practice"})


def test_a_table_must_say_what_the_rule_needs() -> None:
    rows = [row | {"cohort": "HF", "performance_year": 2027} for row in plain(count=25)]
    table = pd.DataFrame(rows)
    pooling = {"scoring_level.cost": "practice"}
    with pytest.raises(InputError, match="column practice_id is missing"):
        asm.score(table.drop(columns="practice_id"), settings=pooling)
    with pytest.raises(InputError, match="column specialty is missing"):
        asm.score(table.drop(columns="specialty"), settings={"peers.basis": "specialty"})
    blank = table.assign(practice_id=table["practice_id"].where(table.index != 3))
    with pytest.raises(InputError, match=r"practice_id: is blank, and this rule set needs it"):
        asm.score(blank, settings=pooling)
    unlike = table.assign(practice_id="P", practice_size=[7, *[100] * 24])
    with pytest.raises(InputError, match=r"practice_size: .*100.* but .*7.* of the same practice"):
        asm.score(unlike, settings=pooling)
