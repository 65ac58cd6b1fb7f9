"""The compiled kernels compute of MIPS what the plain-Python reference computes, to 1e-9."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

from asm_sim.errors import InputError
from asm_sim.kernels.rule.law import MipsCohortRules
from asm_sim.kernels.rule.mips import mips_scores
from asm_sim.reference import mips as reference
from asm_sim.rules.compile_mips import compile_mips, unscored_because
from asm_sim.rules.load import load_mips, load_rules
from asm_sim.rules.mips import MipsRules
from asm_sim.rules.schema import RuleSet
from tests.oracle.kernels import differ, observed
from tests.oracle.tables import KINDS, Row, random_table, shocked

# Also a collection type that MIPS has no benchmark for.
COLLECTION = {"measures.Q377.collection_types": ["ecqm", "cqm"]}
RULES = load_rules(settings=COLLECTION)
MIPS = load_mips("mips-2026")
FORMS = ["traditional", "value_pathway"]
YEAR = 2028


def test_forms_differ_in_what_is_not_made_for_both_at_once() -> None:
    """Kernels prepare both forms by the rules of one (kernels/rule/mips.py: prepare_mips)."""
    for cohort in RULES.cohorts:
        forms = [compile_mips(MIPS, RULES, cohort, form) for form in FORMS]
        differing = {
            name
            for name, a, b in zip(MipsCohortRules._fields, *forms, strict=True)
            if not np.array_equal(np.asarray(a, float), np.asarray(b, float), equal_nan=True)
        }
        assert differing == {"traditional", "measures_counted", "activities_required"}


def random_settings(rng: random.Random) -> dict[str, Any]:
    """A rule set as a scenario might have it, with the extremes of every lever."""
    choices: dict[str, Any] = {
        "form": rng.choice(FORMS),
        "performance_years": [2025],
        "small_maximum_clinicians": rng.choice([1, 2, 200]),
        "group_minimum_clinicians": rng.choice([1, 3, 16]),
        "quality.measures_counted.traditional": rng.choice([1, 2, 3]),
        "quality.measures_counted.value_pathway": rng.choice([1, 2, 3]),
        "quality.case_minimum": rng.choice([21.0, 500.0]),
        "quality.completeness_minimum": rng.choice([0.76, 1.0]),
        "quality.points_not_reported": rng.choice([0.5, 3.0]),
        "quality.points_incomplete.large": 1.0,
        "quality.points_without_benchmark.large": 2.0,
        "quality.points_maximum_when_capped": rng.choice([1.0, 5.5, 10.0]),
        "quality.small_practice_bonus": rng.choice([0.0, 60.0]),
        "cost.case_minimum": rng.choice([21.0, 1_000.0]),
        "cost.measures.COST_HF_1.standard_deviation": 100.0,
        "standard_deviation_curve.anchor": rng.uniform(1, 10),
        "improvement_activities.blank_counts_as": rng.choice([1.0, 4.0]),
        "promoting_interoperability.blank_counts_as": rng.choice([50.0, 100.0]),
        "complex_patient.slope": rng.choice([0.0, 40.0]),
        "complex_patient.intercept": rng.choice([-3.0, 20.0]),
        "complex_patient.minimum": 1.0,
        "final_score.minimum": 10.0,
        "final_score.maximum": rng.choice([99.5, 110.0]),
        "final_score.scale": rng.choice([60.0, 120.0]),
        "final_score.extreme_circumstances": "none",
        "payment.performance_threshold": rng.choice([40.0, 60.0, 99.0]),
        "payment.lowest_quarter": rng.choice([12.0, 30.0]),
        "payment.scale": rng.choice([0.0, 1.0, 3.0]),
        "levels.group_share": rng.choice([0.0, 0.3, 1.0]),
        "levels.group_score": rng.choice([0.0, 60.0, 100.0]),
        "levels.non_reporting": rng.choice([0.1, 0.5, 1.0]),
    }
    kept = rng.sample(sorted(choices), rng.randint(1, len(choices)))
    return {name: choices[name] for name in kept}


def random_ranks(rng: random.Random, n: int) -> list[float | None]:
    return [rng.choice([None, 0.0, 0.1, 0.5, rng.random()]) for _ in range(n)]


def with_suspended(rng: random.Random, cohort: str) -> RuleSet:
    """Any of the cohort's measures suspended, in every year, in the year scored or in another."""
    names = RULES.cohorts[cohort].quality_measures.value
    suspended = rng.sample(names, rng.randint(0, len(names)))
    choices: list[Any] = [1.0, {YEAR: 1.0}, {YEAR + 1: 1.0}]
    settings = {f"measures.{name}.suspended": rng.choice(choices) for name in suspended}
    return load_rules(settings=COLLECTION | settings)


def differences(
    rows: list[Row],
    ranks: list[float | None],
    mips: MipsRules,
    cohort: str,
    compiled: MipsCohortRules,
    rules: RuleSet = RULES,
) -> list[str]:
    """Every final score and adjustment of the kernels that is not the reference's."""
    rank = np.array([np.nan if given is None else given for given in ranks])
    seen = observed(rows, rules, cohort)
    final_score, adjustment = mips_scores(seen, compiled, rules.years.index(YEAR), rank)
    found = []
    for i, (row, given) in enumerate(zip(rows, ranks, strict=True)):
        wanted = reference.score(row | {"cohort": cohort}, mips, rules, YEAR, given)
        pairs = [
            ("final_score", wanted.final_score, final_score[i]),
            ("adjustment", wanted.adjustment_factor, adjustment[i]),
        ]
        found += [
            f"{name} of row {i}: reference {a}, kernels {b}" for name, a, b in pairs if differ(a, b)
        ]
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cohort", ["HF", "LBP"])
def test_the_rule_as_it_stands(cohort: str, form: str) -> None:
    mips = load_mips("mips-2026", {"form": form})
    compiled = compile_mips(MIPS, RULES, cohort, form)
    for kind in KINDS:
        rng = random.Random(f"{kind} {cohort} {form}")
        rows = random_table(rng, RULES, cohort, 60, kind)
        assert not differences(rows, random_ranks(rng, len(rows)), mips, cohort, compiled), kind


@pytest.mark.parametrize("seed", range(40))
def test_other_rule_settings(seed: int) -> None:
    rng = random.Random(seed)
    settings = random_settings(rng)
    mips = load_mips("mips-2026", settings)
    for kind in rng.sample(KINDS, 4):
        cohort = rng.choice(["HF", "LBP"])
        rows = random_table(rng, RULES, cohort, 40, kind)
        compiled = compile_mips(mips, RULES, cohort)
        found = differences(rows, random_ranks(rng, len(rows)), mips, cohort, compiled)
        assert not found, (kind, settings, found[:5])


@pytest.mark.parametrize("seed", range(24))
def test_suspended_measures_and_extreme_circumstances(seed: int) -> None:
    rng = random.Random(f"shocks {seed}")
    settings = random_settings(rng) if seed % 2 else {"form": rng.choice(FORMS)}
    settings["final_score.extreme_circumstances"] = rng.choice(["neutral", "neutral", "none"])
    mips = load_mips("mips-2026", settings)
    cohort = rng.choice(["HF", "LBP"])
    rules = with_suspended(rng, cohort)
    compiled = compile_mips(mips, rules, cohort)
    for kind in KINDS:
        rows = shocked(rng, random_table(rng, rules, cohort, 40, kind))
        found = differences(rows, random_ranks(rng, len(rows)), mips, cohort, compiled, rules)
        assert not found, (kind, settings, found[:5])


def test_what_nobody_meets_and_what_is_suspended_in_another_year_changes_nothing() -> None:
    rows = random_table(random.Random(5), RULES, "LBP", 60, "ordinary")
    seen = observed(rows, RULES, "LBP")
    wanted = mips_scores(seen, compile_mips(MIPS, RULES, "LBP"), 1)
    nothing_done = load_mips("mips-2026", {"final_score.extreme_circumstances": "none"})
    later = load_rules(settings=COLLECTION | {"measures.Q128.suspended": {2029: 1.0}})
    for compiled, year_index, same in (
        (compile_mips(nothing_done, RULES, "LBP"), 1, True),
        (compile_mips(MIPS, later, "LBP"), 1, True),
        (compile_mips(MIPS, later, "LBP"), 2, False),
    ):
        given = mips_scores(seen, compiled, year_index)
        assert all(map(np.array_equal, given, wanted)) == same


def test_without_ranks_rows_are_taken_as_they_are() -> None:
    mips = load_mips("mips-2026", {"levels.non_reporting": 1.0})
    rows = random_table(random.Random(1), RULES, "HF", 40, "ordinary")
    seen = observed(rows, RULES, "HF")
    given = mips_scores(seen, compile_mips(mips, RULES, "HF"), 0)
    wanted = mips_scores(seen, compile_mips(MIPS, RULES, "HF"), 0)
    for plain, other in zip(wanted, given, strict=True):
        np.testing.assert_array_equal(plain, other)


def test_the_order_is_that_of_the_asm_rule_set() -> None:
    """Measures the other way round and one left out, collection types the other way round."""
    kinds = RULES.quality.collection_types.value
    rules = load_rules(
        settings={
            "cohorts.LBP.quality_measures": ["Q220", "Q128", "Q238"],
            "quality.collection_types": kinds[::-1],
        }
    )
    mips = load_mips("mips-2026", {"cohorts.LBP.quality_measures": ["Q238", "Q128", "Q220"]})
    for compiled in (compile_mips(m, rules, "LBP") for m in (MIPS, mips)):
        rows = random_table(random.Random(2), rules, "LBP", 60, "ordinary")
        final_score, _ = mips_scores(observed(rows, rules, "LBP"), compiled, 1)
        wanted = [
            reference.score(row | {"cohort": "LBP"}, mips, rules, YEAR).final_score for row in rows
        ]
        np.testing.assert_allclose(final_score, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("mips", "rules", "words"),
    [
        (
            {"cohorts.HF.quality_measures": ["Q492", "Q008"]},
            {},
            "mips-2026 has no measure 'Q005' in cohort HF",
        ),
        (
            {"cohorts.HF.cost_measure": "COST_LBP_1"},
            {},
            "mips-2026 has no cost measure 'COST_HF_1' in cohort HF",
        ),
        (
            {},
            {"measures.Q492.submission": "reported"},
            "Q492 is reported in asm-2026-final or mips-2026, but not in both",
        ),
    ],
)
def test_what_mips_cannot_score_is_not_scored(
    mips: dict[str, Any], rules: dict[str, Any], words: str
) -> None:
    of_mips, of_asm = load_mips("mips-2026", mips), load_rules(settings=rules)
    assert unscored_because(of_mips, of_asm, "HF") == words
    assert unscored_because(of_mips, of_asm, "LBP") == ""
    rows = random_table(random.Random(2), RULES, "HF", 20, "ordinary")
    compiled = compile_mips(of_mips, of_asm, "HF")
    for result in mips_scores(observed(rows, RULES, "HF"), compiled, 0):
        assert np.isnan(result).all()


def test_a_cohort_that_mips_has_not_and_a_form_that_it_has_not() -> None:
    assert unscored_because(MIPS, RULES, "DM") == "mips-2026 has no cohort 'DM', only HF, LBP"
    with pytest.raises(InputError, match="form is 'group', not one of traditional, value_pathway"):
        compile_mips(MIPS, RULES, "HF", "group")


def perturbed(rules: MipsCohortRules, field: str) -> MipsCohortRules:
    value = getattr(rules, field)
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        return rules._replace(**{field: ~value})
    if isinstance(value, bool):
        return rules._replace(**{field: not value})
    if isinstance(value, int):
        return rules._replace(**{field: value - 1})
    return rules._replace(**{field: value * 1.02 + 0.013})


TEETH = {
    "quality.measures_counted.traditional": 3,
    "quality.points_not_reported": 1.0,
    "levels.non_reporting": 0.5,
    "levels.group_share": 0.3,
    # Not so high that it hides the greatest score, nor so low that nobody is in the lowest quarter.
    "payment.lowest_quarter": 30.0,
    "final_score.minimum": 15.0,
    "complex_patient.minimum": 0.5,
}


@pytest.mark.parametrize("field", MipsCohortRules._fields)
def test_the_oracle_has_teeth(field: str) -> None:
    """Any parameter of the rule that is slightly wrong is noticed."""
    mips = load_mips("mips-2026", TEETH)
    for cohort, seed in itertools.product(("HF", "LBP"), range(8)):
        wrong = perturbed(compile_mips(mips, RULES, cohort), field)
        for kind in ("ordinary", "blanks", "zero_scorers", "below_case_minimum", "no_score"):
            rng = random.Random(seed)
            rows = shocked(rng, random_table(rng, RULES, cohort, 40, kind))
            if differences(rows, random_ranks(rng, len(rows)), mips, cohort, wrong):
                return
    pytest.fail(f"another {field} changes no result")
