"""Levers after the category scores: averages over years, a neutral band, rounding, proportions.

The kernels against the reference on random tables, in one year and through several, and cases whose
answers are known.
"""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import asm_sim as asm
from asm_sim import reference
from asm_sim.kernels.rule.cohort import fit_and_score, nothing_earlier
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from tests.oracle.kernels import (
    check_against_fit,
    check_table,
    differ,
    differences,
    number,
    observed,
)
from tests.oracle.settings import random_settings
from tests.oracle.tables import KINDS, Row, random_table

RISK = 0.09
DEFAULT = load_rules()
MEASURES = [name.lower() for name in DEFAULT.cohorts["HF"].quality_measures.value]
OF_ONE_SIZE = [kind for kind in KINDS if kind != "tiny"]  # which has one to three clinicians


def lever_settings(rng: random.Random) -> dict[str, Any]:
    """Some of the levers on top of other random settings."""
    scales = ("improvement_activities", "promoting_interoperability")
    choices: dict[str, Any] = {
        "final_score.averaging_years": rng.choice([2, 3]),
        "final_score.rounding": rng.choice(["hundredth", "tenth", "whole"]),
        "payment.rounding": rng.choice(["hundredth_percent", "tenth_percent"]),
        "payment.neutral_band": rng.choice([0.5, 8.0, 100.0, {2028: 3.0, 2030: 15.0}]),
        "payment.neutral_band_form": rng.choice(["fixed", "by_volume"]),
        "complex_patient.form": "without_median",
    }
    choices |= {f"{name}.small_practice_scale": rng.random() for name in scales}
    choices |= {f"{name}.rural_scale": rng.random() for name in scales}
    kept = rng.sample(sorted(choices), rng.randint(2, len(choices)))
    found = random_settings(rng) | {name: choices[name] for name in kept}
    if found.get("payment.exchange.form") == "threshold":
        found.pop("payment.neutral_band", None)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_random_levers(seed: int) -> None:
    rng = random.Random(f"levers {seed}")
    rules = load_rules(settings=lever_settings(rng))
    for kind in KINDS:
        cohort = rng.choice(["HF", "LBP"])
        rows = random_table(rng, rules, cohort, rng.choice([1, 3, 30, 60]), kind)
        check_table(rows, rules, cohort, rng.choice(rules.years))
        others = random_table(rng, rules, cohort, 10, rng.choice(KINDS))
        check_against_fit(rows, 2027, others, rng.choice(rules.years), rules, cohort)


@pytest.mark.stress
def test_many_random_levers() -> None:
    for seed in range(1000, 1100):
        test_random_levers(seed)


@pytest.mark.parametrize("seed", range(8))
def test_through_the_years(seed: int) -> None:
    """The same clinicians every year: what is left in ``Earlier`` is what the reference keeps."""
    rng = random.Random(f"years {seed}")
    settings = lever_settings(rng) | {"final_score.averaging_years": rng.choice([1, 2, 3])}
    rules, cohort = load_rules(settings=settings), rng.choice(["HF", "LBP"])
    tables = {
        year: sorted(
            random_table(rng, rules, cohort, 30, rng.choice(OF_ONE_SIZE)),
            key=lambda row: str(row["clinician_id"]),
        )
        for year in rules.years
    }
    wanted = reference.score_years(tables, rules, cohort)
    compiled = compile_cohort(rules, cohort)
    earlier = nothing_earlier(compiled, len(rules.cohorts[cohort].quality_measures.value), 30)
    for y, (year, rows) in enumerate(tables.items()):
        outcome, _ = fit_and_score(observed(rows, rules, cohort), compiled, y, earlier)
        found = differences(wanted[year], outcome, rules, cohort)
        assert not found, (year, found[:5])


def scored_table(tables: dict[int, list[Row]], cohort: str, settings: dict[str, Any]) -> Any:
    rows = [
        row | {"cohort": cohort, "performance_year": year}
        for year, table in tables.items()
        for row in table
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return asm.score(pd.DataFrame(rows, dtype=object), settings=settings)


@pytest.mark.parametrize("seed", range(6))
def test_a_table_in_which_clinicians_and_years_are_missing(seed: int) -> None:
    """Clinicians come and go, and the table leaves out a performance year of the rule set."""
    rng = random.Random(f"table of years {seed}")
    settings = lever_settings(rng) | {"final_score.averaging_years": rng.choice([2, 3])}
    rules, cohort = load_rules(settings=settings), rng.choice(["HF", "LBP"])
    tables = {
        year: random_table(rng, rules, cohort, rng.choice([10, 25, 40]), rng.choice(KINDS))
        for year in sorted(rng.sample(rules.years, 4))
    }
    for table in tables.values():
        del table[rng.randrange(len(table)) :: 3]
    tables = {year: table for year, table in tables.items() if table}
    result = scored_table(tables, cohort, settings)
    wanted = reference.score_years(tables, rules, cohort)
    flat = [row for year in tables for row in wanted[year]]
    found = [
        f"{name} of row {i}: reference {value}, table {result[name].iloc[i]}"
        for i, row in enumerate(flat)
        for name, value in row.items()
        if name != "clinician_id" and differ(number(value), float(result[name].iloc[i]))
    ]
    assert not found, found[:5]


# Averages


def final_scores(tables: dict[int, list[Row]], settings: dict[str, Any]) -> pd.DataFrame:
    """Final scores by clinician and year."""
    result = scored_table(tables, "HF", settings)
    return result.pivot(index="clinician_id", columns="performance_year", values="final_score")


def cost_row(clinician_id: Any, cost: float, cases: int = 0) -> Row:
    """Someone scored on cost alone; with cases, someone who should have submitted something."""
    row: Row = {
        "clinician_id": clinician_id,
        "practice_size": 200,
        "hcc_risk_score": None,
        "dual_share": None,
        "part_b_payments": 1e5,
        "improvement_activities": 2,
        "pi_score": 100,
        "episodes": 20,
        "episode_cost": cost,
    }
    for name in MEASURES:
        row |= {f"{name}_{part}": None for part in ("rate", "completeness", "collection_type")}
        row[f"{name}_cases"] = cases
    return row


def test_three_equal_years_are_one_year() -> None:
    rows = random_table(random.Random(1), DEFAULT, "HF", 60, "ordinary")
    tables = dict.fromkeys((2027, 2028, 2029), rows)
    level = {"payment.risk_level": RISK}
    single = scored_table(tables, "HF", level)
    for years in (2, 3):
        averaged = scored_table(tables, "HF", level | {"final_score.averaging_years": years})
        pd.testing.assert_frame_equal(averaged, single, rtol=1e-12, atol=1e-12)


def test_the_mean_of_ones_own_years_by_hand() -> None:
    rng = random.Random(3)
    tables = {
        year: random_table(rng, DEFAULT, "HF", 50, "below_case_minimum")
        for year in (2027, 2028, 2029)
    }
    own = final_scores(tables, {})
    assert own.isna().any(axis=None)
    for years in (2, 3):
        averaged = final_scores(tables, {"final_score.averaging_years": years})
        for k, year in enumerate(own.columns):
            window = own.iloc[:, max(0, k + 1 - years) : k + 1]
            expected = window.mean(axis=1).where(own[year].notna())
            np.testing.assert_allclose(averaged[year], expected, rtol=1e-12)


def test_a_zero_for_lack_of_submission_counts_as_a_zero_and_the_mean_decides() -> None:
    """A score, then nothing is submitted: half of it, and paid as such; the year after, zero."""
    costs = np.linspace(8_000, 20_000, 31)
    table = [cost_row(f"C{i}", cost) for i, cost in enumerate(costs)]
    silent = [cost_row("C0", costs[0], cases=30), *table[1:]]
    tables = {2027: table, 2028: silent, 2029: silent}
    settings = {"final_score.averaging_years": 2}
    result = scored_table(tables, "HF", settings)
    one = result[result["clinician_id"] == "C0"].set_index("performance_year")
    first = one.loc[2027, "final_score"]
    assert first > 0
    assert one.loc[2028, "final_score"] == pytest.approx(first / 2)
    assert one.loc[2028, "payment_adjustment_factor"] > -RISK
    assert one.loc[2029, "final_score"] == 0
    assert one.loc[2029, "payment_adjustment_factor"] == pytest.approx(-0.10)


def test_averages_of_noise_have_the_variance_of_a_mean() -> None:
    """Costs drawn anew every year: the variance of the mean of w years is 1 / w of one year's."""
    rng = np.random.default_rng(7)
    tables = {
        year: [cost_row(i, cost) for i, cost in enumerate(rng.lognormal(9.5, 0.2, 2_000))]
        for year in (2027, 2028, 2029)
    }
    spread = {
        years: final_scores(tables, {"final_score.averaging_years": years})[2029].var()
        for years in (1, 2, 3)
    }
    # The standard error of such a ratio is below 4 %.
    assert spread[2] / spread[1] == pytest.approx(1 / 2, rel=0.12)
    assert spread[3] / spread[1] == pytest.approx(1 / 3, rel=0.12)


def test_another_number_of_years_is_noticed() -> None:
    rng = random.Random(5)
    rules = load_rules(settings={"final_score.averaging_years": 2})
    tables = {
        year: sorted(
            random_table(rng, rules, "HF", 30, "ordinary"), key=lambda row: str(row["clinician_id"])
        )
        for year in (2027, 2028, 2029)
    }
    wanted = reference.score_years(tables, rules, "HF")
    wrong = compile_cohort(rules, "HF")._replace(averaging_years=3)
    earlier = nothing_earlier(wrong, 5, 30)
    found = []
    for y, year in enumerate(tables):
        outcome, _ = fit_and_score(observed(tables[year], rules, "HF"), wrong, y, earlier)
        found.append(bool(differences(wanted[year], outcome, rules, "HF")))
    assert found == [False, False, True]


# Neutral band


def outcome_with(rows: list[Row], rules: RuleSet) -> Any:
    return fit_and_score(observed(rows, rules, "HF"), compile_cohort(rules, "HF"), 0)


@pytest.mark.parametrize("form", ["logistic", "linear", "rank"])
def test_a_band_over_everything_leaves_nobody_to_be_compared(form: str) -> None:
    settings = {"payment.exchange.form": form, "payment.neutral_band": 100}
    rows = random_table(random.Random(2), DEFAULT, "HF", 60, "zero_scorers")
    outcome, fitted = outcome_with(rows, load_rules(settings=settings))
    plain, _ = outcome_with(rows, DEFAULT)
    np.testing.assert_array_equal(outcome.final_score, plain.final_score)
    positive, zero = outcome.final_score > 0, outcome.final_score == 0
    assert positive.any()
    assert zero.any()
    assert (outcome.payment_adjustment_factor[positive] == 0).all()
    assert (outcome.payment_adjustment_factor[zero] == -RISK).all()
    assert np.isnan(outcome.transformed_score).all()
    assert np.isnan(fitted.scaling_factor)


def test_a_band_of_nothing_is_none() -> None:
    """Not even whoever is exactly at the median is neutral."""
    rows = random_table(random.Random(6), DEFAULT, "HF", 61, "ordinary")
    plain, _ = outcome_with(rows, DEFAULT)
    for form in ("fixed", "by_volume"):
        off = load_rules(settings={"payment.neutral_band": 0, "payment.neutral_band_form": form})
        outcome, fitted = outcome_with(rows, off)
        for one, other in zip(outcome, plain, strict=True):
            np.testing.assert_array_equal(one, other)
        at_median = outcome.final_score == fitted.median_final_score
        assert at_median.any()
        assert (outcome.payment_adjustment_factor[at_median] != 0).all()


def test_who_is_neutral_by_volume() -> None:
    """Half the width at four times the minimum of episodes; few and blank ones: all of it."""
    rng = random.Random(8)
    rows = random_table(rng, DEFAULT, "HF", 200, "ordinary")
    for row in rows:
        row["episodes"] = rng.choice([None, 5, 20, 80, 500])
        row["episode_cost"] = 14_000.0 + rng.gauss(0, 3_500)
    settings = {"payment.neutral_band": 8, "payment.neutral_band_form": "by_volume"}
    outcome, fitted = outcome_with(rows, load_rules(settings=settings))
    distance = np.abs(outcome.final_score - fitted.median_final_score)
    for episodes, width in ((None, 8.0), (5, 8.0), (20, 8.0), (80, 4.0), (500, 1.6)):
        of = np.array([row["episodes"] == episodes for row in rows]) & (outcome.final_score > 0)
        inside = distance[of] <= width
        assert inside.any()
        assert not inside.all()
        np.testing.assert_array_equal(outcome.payment_adjustment_factor[of] == 0, inside)
        np.testing.assert_array_equal(np.isnan(outcome.transformed_score[of]), inside)


# Rounding


@pytest.mark.parametrize(("rounding", "step"), [("whole", 1), ("tenth", 0.1), ("hundredth", 0.01)])
def test_scores_are_rounded_to_the_nearest_step(rounding: str, step: float) -> None:
    rows = random_table(random.Random(9), DEFAULT, "HF", 80, "ordinary")
    plain, _ = outcome_with(rows, DEFAULT)
    outcome, fitted = outcome_with(rows, load_rules(settings={"final_score.rounding": rounding}))
    scored = ~np.isnan(plain.final_score)
    np.testing.assert_array_equal(np.isnan(outcome.final_score), ~scored)
    steps = outcome.final_score[scored] / step
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    apart = outcome.final_score[scored] - plain.final_score[scored]
    assert (np.abs(apart) <= step / 2 * (1 + 1e-6)).all()
    assert (apart != 0).any()
    positive = outcome.final_score[outcome.final_score > 0]
    assert fitted.median_final_score == pytest.approx(np.median(positive))


@pytest.mark.parametrize(
    ("rounding", "step"), [("tenth_percent", 1e-3), ("hundredth_percent", 1e-4)]
)
def test_adjustments_are_rounded_to_the_nearest_step(rounding: str, step: float) -> None:
    rows = random_table(random.Random(9), DEFAULT, "HF", 80, "zero_scorers")
    plain, before = outcome_with(rows, DEFAULT)
    outcome, fitted = outcome_with(rows, load_rules(settings={"payment.rounding": rounding}))
    assert fitted.scaling_factor == before.scaling_factor
    np.testing.assert_array_equal(outcome.transformed_score, plain.transformed_score)
    factor = outcome.payment_adjustment_factor
    np.testing.assert_allclose(factor / step, np.round(factor / step), atol=1e-9)
    apart = np.abs(factor - plain.payment_adjustment_factor)
    assert (apart <= step / 2 * (1 + 1e-6)).all()
    assert (apart > 0).any()


# In proportion


@pytest.mark.parametrize("name", ["improvement_activities", "promoting_interoperability"])
@pytest.mark.parametrize(
    ("size", "rural", "share"),
    [(200, 0, 1.0), (200, None, 1.0), (200, 1, 0.4), (4, 0, 0.7), (4, 1, 0.4), (1, None, 0.7)],
)
def test_deductions_in_proportion(name: str, size: int, rural: int | None, share: float) -> None:
    settings = {f"{name}.small_practice_scale": 0.7, f"{name}.rural_scale": 0.4}
    rules = load_rules(settings=settings)
    rows = random_table(random.Random(4), rules, "HF", 30, "ordinary")
    rows[0] |= {"practice_size": size, "rural": rural, "improvement_activities": 0, "pi_score": 0}
    outcome, _ = outcome_with(rows, rules)
    full = {"improvement_activities": -20.0, "promoting_interoperability": -10.0}
    for other, points in full.items():
        found = getattr(outcome, f"{other}_adjustment")[0]
        assert found == pytest.approx(points * (share if other == name else 1.0))


def test_without_the_median_the_component_begins_at_its_own_zero() -> None:
    """1.5 + 4 z is above zero from z = -0.375 on, also where that is below the median."""
    rules = load_rules(settings={"complex_patient.form": "without_median"})
    rows = random_table(random.Random(4), rules, "HF", 101, "ordinary")
    for i, row in enumerate(rows):
        row |= {"dual_share": None, "hcc_risk_score": float(i < 60), "episodes": 20}
        row["episode_cost"] = 14_000.0 + i
    rows[0]["hcc_risk_score"] = 0.9  # below the median of 1, and above the mean of 0.59
    outcome, _ = outcome_with(rows, rules)
    values = [row["hcc_risk_score"] for row in rows]
    expected = 1.5 + 4 * (0.9 - np.mean(values)) / np.std(values, ddof=1)
    assert outcome.complex_patient_adjustment[0] == pytest.approx(expected)
    by_mips, _ = outcome_with(rows, DEFAULT)
    assert by_mips.complex_patient_adjustment[0] == 0
    np.testing.assert_array_equal(
        outcome.complex_patient_adjustment[1:], by_mips.complex_patient_adjustment[1:]
    )
