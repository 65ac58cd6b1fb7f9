"""What is explained is what is scored: every number, of everyone, under any rule that scores."""

from __future__ import annotations

import itertools
import math
import random
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asm_sim as asm
from asm_sim import reference
from asm_sim.errors import InputError
from asm_sim.explain.case import Case, Citations
from asm_sim.explain.explaining import case_of, explain_case
from asm_sim.explain.fitted import fitted_groups
from asm_sim.explain.steps import ClinicianYear
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from asm_sim.score.example import example_rows
from asm_sim.score.scoring import checked_table
from tests.golden.bits import Settings
from tests.golden.test_nothing_is_dead import LEAVES, WHERE, changes, fitting, settings_of
from tests.oracle.kernels import BEYOND, differ, number
from tests.oracle.tables import KINDS, Row, random_table, shocked
from tests.oracle.test_benchmark_levers import random_levers, random_years
from tests.oracle.test_score_levers import lever_settings
from tests.oracle.test_together import in_practices

DEFAULT = load_rules()
ODD = 11  # so many clinicians of the example have something odd
seeds = st.integers(0, 2**32)
KEYS = {"clinician_id", "cohort", "performance_year"}


def everyone(frame: pd.DataFrame, rules: RuleSet) -> Iterator[tuple[int, Case]]:
    """Each row of a checked table, by its place, as a case to be explained."""
    citations = Citations(rules, [DEFAULT])
    for cohort in rules.cohorts:
        years = {int(year) for year in frame["performance_year"][frame["cohort"] == cohort]}
        for group in fitted_groups(frame, rules, cohort, years) if years else ():
            for place, row in enumerate(group.rows):
                yield row, case_of(group, place, rules, citations)


def check(rows: list[Row], levers: dict[str, Any]) -> list[ClinicianYear]:
    """Explain everyone, compare each number with ``asm.score``, and return what was explained."""
    table, rules = pd.DataFrame(rows, dtype=object), load_rules(settings=levers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        scored = asm.score(table, rules)
    checked, _, _ = checked_table(table, rules, None)
    explained, found = [], []
    for row, case in everyone(checked.frame, rules):
        told = explain_case(case)
        explained.append(told)
        consistent(case, told)
        if number(told.scored["scaling_factor"]) > BEYOND:
            continue
        wanted = scored.iloc[row]
        found += [
            f"{name} of row {row}: explained {value}, scored {wanted[name]}"
            for name, value in told.scored.items()
            if differ(number(value), float(wanted[name]))
        ]
        missing = {name for name in scored if pd.notna(wanted[name])} - KEYS - set(told.scored)
        found += [f"{name} of row {row} is scored, not explained" for name in missing]
    assert not found, found[:5]
    assert len(explained) == len(rows)
    return explained


def consistent(case: Case, told: ClinicianYear) -> None:
    """Steps say what was scored, and why they say so is one of the reasons that there are."""
    steps = {step.name: step for step in told.steps}
    numbers = {name: step.numbers for name, step in steps.items()}
    assert all(basis.source and basis.status for step in told.steps for basis in step.rests_on)
    for name in case.clinician.measures:
        step, earned = steps[f"quality.{name}"], told.scored[f"{name.lower()}_points"]
        assert step.numbers["points"] == earned
        labels = {line.label for line in step.lines}
        if earned is None:
            assert step.result == "excluded"
            assert labels & {"Excluded", "Topped out"}
        else:
            assert labels & {"Points", "Not reported"}
            assert "Excluded" not in labels
    score, paid = told.scored["final_score"], told.scored["payment_change_usd"]
    assert numbers["own_score"]["own"] == case.own
    if "exchanged_score" in steps:
        assert numbers["exchanged_score"]["final_score"] == score
    else:
        assert case.own == score
    assert numbers["payment"]["payment_change_usd"] == paid
    assert (score is None) == (steps["own_score"].result == "none")
    if case.achieved is not None:
        adjustments = [
            numbers[name]["adjustment"]
            for name in (
                "improvement_activities", "promoting_interoperability", "small_practice",
                "complex_patients",
            )
        ]  # fmt: skip
        columns = [name for name in told.scored if name.endswith("_adjustment")]
        assert adjustments == [told.scored[name] for name in columns]
    for change in told.what_if:
        assert change.gain_usd == change.payment_change_usd - paid
        assert math.isfinite(change.payment_adjustment_factor)


def of_years(rng: random.Random, rules: RuleSet, cohort: str, years: int) -> list[Row]:
    """A table of some performance years, in which clinicians come and go."""
    rows: list[Row] = []
    for year in sorted(rng.sample(rules.years, years)):
        table = random_table(rng, rules, cohort, rng.choice([3, 25, 40]), rng.choice(KINDS))
        del table[rng.randrange(len(table)) :: 3]
        rows += [row | {"cohort": cohort, "performance_year": year} for row in table]
    return rows


def test_the_example() -> None:
    check(example_rows(), {})


@pytest.mark.parametrize("kind", KINDS)
def test_tables_of_every_kind(kind: str) -> None:
    rng = random.Random(f"explain {kind}")
    for cohort in ("HF", "LBP"):
        table = random_table(rng, DEFAULT, cohort, 41, kind)
        check([row | {"cohort": cohort, "performance_year": 2028} for row in table], {})


@given(seeds)
@settings(max_examples=6)
def test_levers_of_the_score_and_the_payment(seed: int) -> None:
    rng = random.Random(f"explain levers {seed}")
    levers = lever_settings(rng) | {"final_score.averaging_years": rng.choice([1, 2, 3])}
    rows = of_years(rng, load_rules(settings=levers), rng.choice(["HF", "LBP"]), 3)
    check(rows, levers)


@given(seeds)
@settings(max_examples=6)
def test_levers_of_the_benchmarks(seed: int) -> None:
    rng = random.Random(f"explain benchmarks {seed}")
    levers, cohort = random_levers(rng), rng.choice(["HF", "LBP"])
    tables = random_years(rng, load_rules(settings=levers), cohort)
    rows = [
        row | {"cohort": cohort, "performance_year": year}
        for year, table in tables.items()
        for row in table
    ]
    check(rows, levers)


@pytest.mark.parametrize(
    "together",
    [
        {"scoring_level.quality": "practice", "scoring_level.cost": "small_practices"},
        {"scoring_level.quality": "small_practices", "peers.basis": "practice_size"},
        {"peers.basis": "specialty", "payment.exchange.form": "rank"},
    ],
    ids=str,
)
def test_who_is_scored_together_and_compared(together: dict[str, Any]) -> None:
    levers = together | {"final_score.extreme_circumstances": "neutral"}
    levers |= {"quality.benchmark_minimum_clinicians": 4}
    rules = load_rules(settings=levers)
    for kind in ("ordinary", "blanks", "below_case_minimum"):
        rng = random.Random(f"{together} {kind}")
        table = shocked(rng, random_table(rng, rules, "LBP", 40, kind))
        rows = in_practices(table, rng, rules, "LBP")
        check([row | {"cohort": "LBP", "performance_year": 2029} for row in rows], levers)


@pytest.mark.parametrize("seed", range(4))
def test_final_scores_that_are_given(seed: int) -> None:
    rng = random.Random(f"explain given {seed}")
    levers = {
        "payment.exchange.form": ["logistic", "threshold", "rank", "linear"][seed],
        "final_score.averaging_years": rng.choice([1, 2]),
        "peers.basis": rng.choice(["condition", "practice_size"]),
        "payment.neutral_band_form": "by_volume",
    }
    if levers["payment.exchange.form"] != "threshold":
        levers["payment.neutral_band"] = 5.0
    rows = [
        {"clinician_id": f"C{i}", "cohort": "HF", "performance_year": year}
        | {"final_score": rng.choice([None, 0.0, 100.0, rng.uniform(0, 100)])}
        | {"part_b_payments": rng.uniform(0, 2e5), "practice_size": rng.choice([1, 5, 200])}
        | {"episodes": rng.choice([None, 3, 80])}
        for year in (2027, 2028)
        for i in rng.sample(range(40), 30)
    ]
    explained = check(rows, levers)
    assert {step.name for told in explained for step in told.steps} >= {"own_score", "payment"}


# What decides is named


def among_few(path: str) -> Settings:
    """Settings with which a parameter matters in a small table, beside that it has another value.

    What has to be in a scenario's population has no effect on a table that is scored.
    """
    place = fitting(path, WHERE)
    known = {} if isinstance(place, str) and " " in place else settings_of(place)
    return {name: value for name, value in known.items() if name.startswith("rules.")}


def paid_and_named(table: pd.DataFrame, levers: Settings) -> tuple[list[float], set[str]]:
    """What the odd ones are paid, and the parameters that any of their steps names."""
    rules = load_rules(settings=levers)
    checked, _, _ = checked_table(table, rules, None)
    told = [explain_case(case) for row, case in everyone(checked.frame, rules) if row < ODD]
    named = {basis.path for one in told for step in one.steps for basis in step.rests_on}
    return [one.scored["payment_change_usd"] for one in told], named


def test_whatever_moves_a_payment_is_named() -> None:
    rows = [row for row in example_rows() if row["cohort"] == "HF"][:32]
    odd = [{"rural": i % 5 == 0, "special_status": i % 7 == 0} for i in range(len(rows))]
    table = pd.DataFrame([row | more for row, more in zip(rows, odd, strict=True)])
    known: dict[str, tuple[list[float], set[str]]] = {}
    moved, unnamed = 0, []
    for path in LEAVES:
        of_other = re.search("LBP|UTILIZATION|[.]Q(?!008|492)", path)
        if not path.startswith("rules.") or of_other:
            continue
        settings = among_few(path)
        if str(settings) not in known:
            known[str(settings)] = paid_and_named(table, settings)
        before = known[str(settings)]
        for change in itertools.islice(changes(path), 2):
            try:
                after, named = paid_and_named(table, settings | change)
            except (InputError, KeyError):
                continue
            if after != before[0]:
                moved += 1
                if path not in named | before[1]:
                    unnamed.append(path)
                break
    assert moved > 45
    assert not unnamed


# What if


def changed_rows(seed: int) -> Iterator[tuple[Case, list[Row], ClinicianYear, RuleSet]]:
    rng = random.Random(f"what if {seed}")
    levers = lever_settings(rng) | {"final_score.averaging_years": 1}
    levers |= {"quality.benchmark_minimum_clinicians": 5}
    rules = load_rules(settings=levers)
    rows = random_table(rng, rules, "HF", 40, rng.choice(["ordinary", "blanks", "ties"]))
    table = pd.DataFrame(
        [row | {"cohort": "HF", "performance_year": 2029} for row in rows], dtype=object
    )
    checked, _, _ = checked_table(table, rules, None)
    for row, case in everyone(checked.frame, rules):
        yield case, rows[row], explain_case(case), rules


@pytest.mark.parametrize("seed", range(3))
def test_a_change_pays_what_the_changed_row_is_paid_against_the_same_fit(seed: int) -> None:
    looked_at = set()
    for case, row, told, rules in changed_rows(seed):
        for change in told.what_if:
            if "final_score" in change.changed:
                continue
            (wanted,) = reference.score(
                [row | change.changed], case.group.fitted, rules, "HF", 2029
            )
            assert change.final_score == wanted["final_score"]
            assert change.payment_change_usd == wanted["payment_change_usd"]
            assert any(row.get(name) != value for name, value in change.changed.items())
            looked_at.add(change.name)
    assert looked_at >= {"better_q008", "lower_cost", "more_episodes", "full_interoperability"}


def test_nothing_that_is_better_earns_fewer_points() -> None:
    for case, row, told, rules in changed_rows(7):
        for change in told.what_if:
            measure = next((name for name in change.changed if name.endswith("_rate")), "")
            if measure and row[measure] is not None:
                (scored,) = reference.score(
                    [row | change.changed], case.group.fitted, rules, "HF", 2029
                )
                points = measure.replace("_rate", "_points")
                assert scored[points] > told.scored[points]
