"""Suspended measures and extreme circumstances: kernels against reference, known answers."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
import pytest

import asm_sim as asm
from asm_sim.errors import InputError
from asm_sim.kernels.rule.cohort import fit_and_score
from asm_sim.kernels.rule.observed import Outcome
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from tests.oracle.kernels import check_against_fit, check_table, observed
from tests.oracle.settings import random_settings
from tests.oracle.tables import KINDS, Row, random_table, shocked

DEFAULT = load_rules()
COHORTS = ("HF", "LBP")
PAID = ("final_score", "payment_adjustment_factor", "transformed_score")
FEW = {"quality.benchmark_minimum_clinicians": 5}


def outcome_of(rows: list[Row], rules: RuleSet, cohort: str, year: int) -> Outcome:
    compiled, y = compile_cohort(rules, cohort), rules.years.index(year)
    return fit_and_score(observed(rows, rules, cohort), compiled, y)[0]


@pytest.mark.parametrize("seed", range(12))
def test_kernels_equal_reference(seed: int) -> None:
    """Random measures suspended in random years, on shocked tables, in all other settings."""
    rng = random.Random(f"shocks {seed}")
    measures = [m for cohort in COHORTS for m in DEFAULT.cohorts[cohort].quality_measures.value]
    settings = random_settings(rng) if seed % 2 else dict(FEW)
    for name in rng.sample(measures, rng.randint(0, len(measures))):
        settings[f"measures.{name}.suspended"] = rng.choice([1.0, {2028: 1.0}, {2030: 1.0}])
    settings["final_score.extreme_circumstances"] = rng.choice(["neutral", "neutral", "none"])
    rules = load_rules(settings=settings)
    for kind in KINDS:
        cohort = rng.choice(COHORTS)
        rows = shocked(rng, random_table(rng, rules, cohort, rng.choice([1, 30, 60]), kind))
        check_table(rows, rules, cohort, rng.choice([2027, 2028, 2030]))
        probes = shocked(rng, random_table(rng, rules, cohort, 8, rng.choice(KINDS)))
        check_against_fit(rows, 2028, probes, rng.choice([2027, 2028]), rules, cohort)


@pytest.mark.parametrize("kind", KINDS)
def test_a_suspended_measure_might_as_well_not_be_in_the_rule(kind: str) -> None:
    left = ["Q238", "Q134", "Q220"]
    without = load_rules(settings=FEW | {"cohorts.LBP.quality_measures": left})
    suspended = load_rules(settings=FEW | {"measures.Q128.suspended": {2027: 1}})
    as_it_stands = load_rules(settings=FEW)
    rows = random_table(random.Random(kind), as_it_stands, "LBP", 60, kind)
    ours, wanted = (outcome_of(rows, rules, "LBP", 2027) for rules in (suspended, without))
    assert np.isnan(ours.points[2]).all()
    np.testing.assert_array_equal(ours.points[[0, 1, 3]], wanted.points)
    for name in ("quality_score", *PAID):
        np.testing.assert_array_equal(getattr(ours, name), getattr(wanted, name))
    later = [outcome_of(rows, rules, "LBP", 2028) for rules in (suspended, as_it_stands)]
    for name in ("points", "quality_score", *PAID):
        np.testing.assert_array_equal(*(getattr(one, name) for one in later))


@pytest.mark.parametrize("cohort", COHORTS)
def test_with_every_measure_suspended_cost_is_all_there_is(cohort: str) -> None:
    """Nobody has anything to report, so nobody scores zero for not reporting."""
    names = DEFAULT.cohorts[cohort].quality_measures.value
    rules = load_rules(settings={f"measures.{name}.suspended": 1 for name in names})
    cost_alone = 0
    for kind in ("ordinary", "zero_scorers", "blanks"):
        rows = random_table(random.Random(3), rules, cohort, 60, kind)
        seen = outcome_of(rows, rules, cohort, 2029)
        assert np.isnan(seen.quality_score).all()
        scored = ~np.isnan(seen.cost_score)
        total = 100 * seen.cost_score + sum(
            getattr(seen, name) for name in Outcome._fields if name.endswith("_adjustment")
        )
        np.testing.assert_allclose(
            seen.final_score[scored], np.clip(total[scored], 0, 100), rtol=0, atol=1e-12
        )
        assert np.isnan(seen.final_score[~scored]).all()
        cost_alone += scored.sum()
    assert cost_alone > 60


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cohort", COHORTS)
def test_the_others_are_scored_as_if_the_struck_were_not_there(cohort: str, kind: str) -> None:
    neutral: dict[str, Any] = {
        **FEW,
        "final_score.extreme_circumstances": "neutral",
        "payment.unscored_adjustment": -0.013,
    }
    rules = load_rules(settings=neutral)
    rng = random.Random(f"{cohort} {kind}")
    rows = random_table(rng, rules, cohort, 60, kind)
    struck = np.array([i % 3 == 0 for i in range(len(rows))])
    table = [r | {"extreme_circumstances": float(s)} for r, s in zip(rows, struck, strict=True)]
    seen = outcome_of(table, rules, cohort, 2028)
    for name in ("quality_score", "cost_points", "cost_score", "complex_patient_adjustment", *PAID):
        if name != "payment_adjustment_factor":
            assert np.isnan(getattr(seen, name)[struck]).all(), name
    assert np.isnan(seen.points[:, struck]).all()
    assert (seen.payment_adjustment_factor[struck] == -0.013).all()
    rest = [row for row, s in zip(rows, struck, strict=True) if not s]
    if rest:
        wanted = outcome_of(rest, rules, cohort, 2028)
        for name in Outcome._fields:
            np.testing.assert_allclose(
                getattr(seen, name)[..., ~struck], getattr(wanted, name), rtol=1e-12, err_msg=name
            )
    ignored = [outcome_of(t, load_rules(settings=FEW), cohort, 2028) for t in (table, rows)]
    for name in Outcome._fields:
        np.testing.assert_array_equal(*(getattr(one, name) for one in ignored), err_msg=name)


def test_the_column_of_the_wide_table() -> None:
    """It may be absent or blank; only 0 and 1 are taken."""
    rows = random_table(random.Random(1), DEFAULT, "HF", 40, "ordinary")
    table = pd.DataFrame([row | {"cohort": "HF", "performance_year": 2027} for row in rows])
    settings = {"final_score.extreme_circumstances": "neutral"}
    without = asm.score(table, settings=settings)
    table["extreme_circumstances"] = [1, 0, None, *[None] * (len(table) - 3)]
    met = asm.score(table, settings=settings)
    assert not np.isnan(without["final_score"].iloc[1:]).all()
    assert np.isnan(met["final_score"].iloc[0])
    assert met["payment_adjustment_factor"].iloc[0] == 0
    np.testing.assert_array_equal(
        np.isnan(met["final_score"].iloc[1:]), np.isnan(without["final_score"].iloc[1:])
    )
    pd.testing.assert_frame_equal(asm.score(table), asm.score(table.iloc[:, :-1]))
    table.loc[2, "extreme_circumstances"] = 2
    with pytest.raises(InputError, match=r"column extreme_circumstances: 2\.0 is out of range"):
        asm.score(table)
