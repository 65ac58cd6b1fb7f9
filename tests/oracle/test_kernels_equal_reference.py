"""The compiled kernels compute what the plain-Python reference computes, to 1e-9.

The reference is written from the rule text (tests/rules checks it against worked cases); here it
judges the kernels on random tables that are valid but nasty, under random settings of the rule.
"""

from __future__ import annotations

import random
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import asm_sim as asm
from asm_sim import reference
from asm_sim.kernels.rule.cohort import fit_and_score, score
from asm_sim.kernels.rule.law import CohortRules
from asm_sim.kernels.rule.observed import Outcome
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.load import load_rules
from tests.oracle.kernels import (
    check_against_fit,
    check_table,
    differ,
    differences,
    number,
    observed,
)
from tests.oracle.settings import random_settings
from tests.oracle.tables import EXCHANGES, KINDS, Row, random_table
from tests.rules.third_condition import RULES as THIRD_CONDITION

DEFAULT = load_rules()


@pytest.fixture(scope="module")
def third(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invented condition, one of its measures with an SD curve where higher is better."""
    path: Path = tmp_path_factory.mktemp("rules") / "with-diabetes.yaml"
    path.write_text(THIRD_CONDITION)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cohort", ["HF", "LBP"])
def test_the_rule_as_it_stands(kind: str, cohort: str) -> None:
    for seed in range(6):
        rng = random.Random(f"{kind} {cohort} {seed}")
        rows = random_table(rng, DEFAULT, cohort, rng.choice([1, 3, 20, 41, 130]), kind)
        check_table(rows, DEFAULT, cohort, rng.choice(DEFAULT.years))


@pytest.mark.parametrize("seed", range(15))
def test_other_rule_settings(seed: int) -> None:
    rng = random.Random(seed)
    settings = random_settings(rng)
    rules = load_rules(settings=settings)
    for kind in KINDS:
        cohort = rng.choice(["HF", "LBP"])
        rows = random_table(rng, rules, cohort, rng.choice([1, 3, 30, 60]), kind)
        check_table(rows, rules, cohort, rng.choice(rules.years))


@pytest.mark.parametrize(("form", "midpoint"), EXCHANGES)
def test_every_exchange_function(form: str, midpoint: str) -> None:
    """On every kind of table, the cohort by its own fit and others by a fit of another year."""
    settings = {
        "payment.exchange.form": form,
        "payment.exchange.midpoint": midpoint,
        "payment.exchange.fixed_midpoint": {2027: 50.0, 2028: 70.0},
        "payment.exchange.threshold": {2027: 75.0, 2028: 60.0},
    }
    rules = load_rules(settings=settings)
    for kind in KINDS:
        for cohort in ("HF", "LBP"):
            rng = random.Random(f"{form} {midpoint} {kind} {cohort}")
            rows = random_table(rng, rules, cohort, rng.choice([2, 40, 90]), kind)
            check_table(rows, rules, cohort, rng.choice([2027, 2028]))
            others = random_table(rng, rules, cohort, 10, rng.choice(KINDS))
            check_against_fit(rows, 2028, others, 2027, rules, cohort)


@pytest.mark.parametrize("kind", KINDS)
def test_a_third_condition(kind: str, third: Path) -> None:
    for seed in range(3):
        rng = random.Random(f"{kind} {seed}")
        settings = random_settings(rng) if seed % 2 else {}
        rules = load_rules(third, settings)
        rows = random_table(rng, rules, "DM", rng.choice([2, 25, 60]), kind)
        check_table(rows, rules, "DM", rng.choice(rules.years))


@pytest.mark.stress
def test_many_rule_settings() -> None:
    for seed in range(1000, 1150):
        test_other_rule_settings(seed)


@pytest.mark.parametrize("seed", range(12))
def test_clinicians_against_a_fit_in_which_they_weigh_nothing(seed: int) -> None:
    """Probe clinicians, and the fit of another year: any fit, any clinicians."""
    rng = random.Random(f"probe {seed}")
    rules = load_rules(settings=random_settings(rng)) if seed % 2 else DEFAULT
    for kind in KINDS:
        cohort = rng.choice(["HF", "LBP"])
        fit_year, year = rng.choice(rules.years), rng.choice(rules.years)
        peers = random_table(rng, rules, cohort, rng.choice([1, 25, 60]), kind)
        probes = random_table(rng, rules, cohort, rng.choice([1, 10]), rng.choice(KINDS))
        check_against_fit(peers, fit_year, probes, year, rules, cohort)


@pytest.mark.parametrize(("form", "midpoint"), EXCHANGES)
def test_scoring_a_cohort_again_by_its_own_fit_changes_nothing(form: str, midpoint: str) -> None:
    rules = load_rules(
        settings={"payment.exchange.form": form, "payment.exchange.midpoint": midpoint}
    )
    rows = random_table(random.Random(4), rules, "HF", 80, "ordinary")
    compiled, seen = compile_cohort(rules, "HF"), observed(rows, rules, "HF")
    outcome, fitted = fit_and_score(seen, compiled, 2)
    again = score(seen, compiled, 2, fitted)
    for name in Outcome._fields:
        np.testing.assert_array_equal(getattr(again, name), getattr(outcome, name))


@pytest.mark.parametrize("seed", range(8))
def test_through_the_table(seed: int) -> None:
    """The same by ``asm.score``, both cohorts and two years in one table."""
    rng = random.Random(f"table {seed}")
    settings = random_settings(rng) if seed % 2 else {}
    rules = load_rules(settings=settings)
    rows: list[Row] = []
    wanted = []
    for cohort in rules.cohorts:
        for year in rng.sample(rules.years, 2):
            table = random_table(rng, rules, cohort, 30, rng.choice(KINDS))
            rows += [row | {"cohort": cohort, "performance_year": year} for row in table]
            wanted += reference.score_cohort(table, rules, cohort, year)
    order = list(range(len(rows)))
    rng.shuffle(order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = asm.score(pd.DataFrame([rows[i] for i in order]), settings=settings)
    found = [
        f"{name} of row {position}: reference {value}, table {result[name].iloc[position]}"
        for position, i in enumerate(order)
        for name, value in wanted[i].items()
        if name != "clinician_id" and differ(number(value), float(result[name].iloc[position]))
    ]
    assert not found, found[:5]


def perturbed(rules: CohortRules, field: str) -> CohortRules:
    if field in rules.year.dtype.names:
        of_year = rules.year.copy()
        of_year[field] = of_year[field] * 1.02 + 0.013
        return rules._replace(year=of_year)
    value = getattr(rules, field)
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        return rules._replace(**{field: ~value})
    if (
        isinstance(value, np.ndarray)
        and np.all(value[..., 1:] > value[..., :-1])
        and len(value) > 1
    ):
        return rules._replace(**{field: value * 0.9 + 0.05})  # still ascending
    if isinstance(value, bool):
        return rules._replace(**{field: not value})
    if field in {"missing_category", "exchange_midpoint", "topped_out"}:
        return rules._replace(**{field: (value + 1) % 3})
    if field.endswith("_reference"):
        return rules._replace(**{field: 0})
    if field.endswith("_shrinkage"):
        return rules._replace(**{field: 2 - value})
    if isinstance(value, int):
        return rules._replace(**{field: value + 1})
    if field in {"score_zero", "score_minimum"}:
        return rules._replace(**{field: 30.0})
    return rules._replace(**{field: value * 1.02 + 0.013})


# Those of several years in test_score_levers.py, of who is scored together in test_together.py.
ELSEWHERE = {"collection_types", "averaging_years", "peers", "peer_size_limits"}
ELSEWHERE |= {"quality_level", "cost_level"}
BY_YEAR = compile_cohort(load_rules(), "HF").year.dtype.names


@pytest.mark.parametrize("field", sorted({*CohortRules._fields, *BY_YEAR} - ELSEWHERE - {"year"}))
def test_the_oracle_has_teeth(field: str) -> None:
    """Any parameter of the rule that is slightly wrong is noticed."""
    in_use: dict[str, Any] = {
        "fixed_midpoint": {"payment.exchange.midpoint": "fixed"},
        "threshold": {"payment.exchange.form": "threshold"},
        "score_tie": {"payment.exchange.form": "rank"},
        "score_maximum": {"final_score.maximum": 70.0},
        "measure_is_percentage": {"quality.shrinkage": "estimated"},
        "neutral_band_by_volume": {"payment.neutral_band": 10.0},
        "quality_kappa": {"quality.shrinkage": "known"},
        "cost_kappa": {"cost.shrinkage": "known"},
        "cost_reference": {"cost.benchmark_reference": "national"},
        "national_cost": {"cost.benchmark_reference": "national"},
        "complex_component_maximum": {"complex_patient.component_maximum": 3.0},
    }
    for of, name in (
        ("activities", "improvement_activities"),
        ("interoperability", "promoting_interoperability"),
    ):
        in_use[f"{of}_small_scale"] = {f"{name}.small_practice_scale": 0.5}
        in_use[f"{of}_rural_scale"] = {f"{name}.rural_scale": 0.5}
    if field == "quality_reference" or re.fullmatch("national_(?!cost).*", field):
        in_use[field] = {"quality.benchmark_reference": "national"}
    if field.startswith("topped_out"):
        in_use[field] = {"quality.topped_out": {"treatment": "capped", "median_at_least": 50.0}}
    rules = load_rules(
        settings=in_use.get(field, {})
        | {
            "payment.cap": 0.2,
            "quality.benchmark_minimum_clinicians": 8,
            # Blanks that count as something, so that what they count as can be told from a zero.
            "improvement_activities.blank_counts_as": 1,
            "final_score.without_minimum_submission": 5.0,
        }
    )
    right = compile_cohort(rules, "HF")
    wrong = perturbed(right, field)
    for kind in ("ordinary", "blanks", "ties", "zero_scorers", "no_score", "below_case_minimum"):
        for seed in range(8):
            rows = random_table(random.Random(seed), rules, "HF", 40, kind)
            rows = [
                row | {"extreme_circumstances": float(i % 4 == 0)} for i, row in enumerate(rows)
            ]
            outcome, _ = fit_and_score(observed(rows, rules, "HF"), wrong, 0)
            wanted = reference.score_cohort(rows, rules, "HF", 2027)
            if differences(wanted, outcome, rules, "HF"):
                return
    pytest.fail(f"another {field} changes no result")
