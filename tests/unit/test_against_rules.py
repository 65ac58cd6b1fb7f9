"""Probes under rules that average years, compare in smaller circles or score practices as a whole.

Whoever a cohort's fit already holds is paid by it what the plain-Python reference pays in the
cohort, in every year; what is not known stays drawn as the rule needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import asm_sim as asm
from asm_sim import reference
from asm_sim.against.cohort_draws import PARTS, cohort_years
from asm_sim.against.known import known_of
from asm_sim.against.standing import Standing, stand_against
from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.plan import make_plan
from asm_sim.errors import InputError
from asm_sim.scenario.schema import Scenario
from asm_sim.score.check import check_table
from asm_sim.tables.read import read_table
from tests.conftest import MakeScenario
from tests.unit.test_against import seven

DRAW = 1
LEVELS = ("rules.scoring_level.quality", "rules.scoring_level.cost")
AVERAGED: dict[str, Any] = {"rules.final_score.averaging_years": 3}
WHOLE: dict[str, Any] = dict.fromkeys(LEVELS, "practice")
BAND: dict[str, Any] = {
    "rules.payment.neutral_band": 4,
    "rules.payment.neutral_band_form": "by_volume",
}
BY_SIZE: dict[str, Any] = {"rules.peers.basis": "practice_size", "rules.peers.size_limits": [5]}
COMING: dict[str, Any] = {
    "population.eligibility.redetermined": True,
    "population.churn.entry_share": 0.1,
    "population.churn.waiting_share.HF": 0.2,
    "population.churn.move_share": 0.1,
}
RULES: dict[str, dict[str, Any]] = {
    "two years": {"rules.final_score.averaging_years": 2},
    "three years, rounded, a band": AVERAGED | BAND | {"rules.final_score.rounding": "tenth"},
    "specialty": {"rules.peers.basis": "specialty"},
    "practice size": BY_SIZE,
    "practices": WHOLE,
    "small practices": dict.fromkeys(LEVELS, "small_practices") | BAND,
    "quality of practices, averaged, by size": {LEVELS[0]: "practice"} | AVERAGED | BY_SIZE,
    "practices that come and go": WHOLE | COMING,
    "years of those who come and go": AVERAGED | COMING,
}


def paid_by_the_reference(table: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """The cohort HF of a table through all years, with ids and years."""
    of_hf = table[table["cohort"] == "HF"].astype(object)
    rows = of_hf.where(of_hf.notna(), None)
    tables = {
        int(year): of_year.to_dict("records") for year, of_year in rows.groupby("performance_year")
    }
    scored = reference.score_years(tables, scenario.rules, "HF")
    frames = [pd.DataFrame(of).assign(performance_year=year) for year, of in scored.items()]
    return pd.concat(frames, ignore_index=True)


def standing(table: pd.DataFrame, scenario: Scenario, **more: Any) -> Standing:
    (found,) = stand_against(table, scenario, open_draws=0, **more).cohorts
    return found


@pytest.mark.parametrize("settings", RULES.values(), ids=RULES)
def test_whom_the_cohort_holds_is_paid_as_the_cohort_is(
    settings: dict[str, Any], make_scenario: MakeScenario
) -> None:
    scenario = make_scenario(settings=settings, draws=DRAW + 1)
    table = cohort_table(scenario, DRAW)
    paid = paid_by_the_reference(table, scenario)
    of_hf = table[table["cohort"] == "HF"]
    always = of_hf.groupby("practice_id").filter(
        lambda rows: rows.groupby("clinician_id").size().eq(len(scenario.rules.years)).all()
    )
    practices = [*always["practice_id"].unique()[:6], "P-large"]
    chosen = always[always["practice_id"].isin(practices)]
    assert chosen["clinician_id"].nunique() > 2
    found = standing(chosen, scenario)
    assert found.drawn == {}
    for y, year in enumerate(found.years):
        expected = paid[paid["performance_year"] == year].set_index("clinician_id")
        expected = expected.loc[found.known.ids].astype(np.float64)
        for values, name in (
            (found.values.final_score, "final_score"),
            (found.values.adjustment, "payment_adjustment_factor"),
            (found.values.dollars, "payment_change_usd"),
        ):
            np.testing.assert_allclose(
                values[DRAW, y], expected[name], rtol=1e-9, atol=1e-9, err_msg=f"{name} {year}"
            )


@pytest.mark.parametrize("settings", RULES.values(), ids=RULES)
def test_what_drives_it_adds_up_under_every_rule(
    settings: dict[str, Any], make_scenario: MakeScenario
) -> None:
    scenario = make_scenario(settings=settings, draws=2)
    rows = seven().assign(practice_id=[*"aabbbcd"], specialty="", practice_size=4)
    table = asm.score_against(rows, scenario, open_draws=0)
    middle = table["final_score"] - table[[f"{part}_difference" for part in PARTS]].sum(axis=1)
    assert (middle - table["median_final_score"]).abs().max() < 5
    assert table["payment_change_usd"].notna().all()
    if scenario.rules.peers.basis.value != "specialty":
        assert table.groupby("performance_year")["median_final_score"].nunique().eq(1).all()


def test_peers_have_medians_of_their_own(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(settings=BY_SIZE, draws=2)
    rows = seven().iloc[:2].assign(practice_size=[1, 20])
    found = standing(rows, scenario)
    medians = found.averages.median.mean
    plan = make_plan(scenario)
    years = [cohort_years(plan, plan.cohorts[0], draw)[0] for draw in range(2)]
    for i in (0, 1):
        of_draws = [year.scored.fits[i].median_final_score for year in years]
        assert medians[0, i] == pytest.approx(np.mean(of_draws), rel=1e-12)
    assert medians[0, 0] != medians[0, 1]


def test_a_specialty_that_is_blank_is_drawn_and_an_unknown_one_refused(
    make_scenario: MakeScenario,
) -> None:
    scenario = make_scenario(settings={"rules.peers.basis": "specialty"}, draws=2)
    known = list(scenario.population.specialty_mix["HF"])
    rows = seven().assign(specialty=[known[0].upper(), *[""] * 6])
    found = standing(rows, scenario)
    assert found.drawn["specialty"] == 6
    assert found.known.specialty[0].tolist() == [0, *[-1] * 6]
    with pytest.raises(InputError, match=r"nobody of the simulated cohort HF .* one of: ") as told:
        standing(rows.assign(specialty="cardiolgy"), scenario)
    assert told.value.problems[0].startswith("'cardiolgy' (did you mean 'cardiology'?)")


def test_a_practice_is_drawn_as_a_whole(make_scenario: MakeScenario) -> None:
    """Its clinicians have their donors in one practice, and its size where one row states it."""
    scenario = make_scenario(settings=WHOLE, draws=1)
    table = pd.DataFrame(
        {
            "clinician_id": ["a", "b", "c", "d"],
            "cohort": "HF",
            "practice_id": ["one", "ONE", "two", "two"],
            "practice_size": ["", "", "", 3],
        }
    )
    plan = make_plan(scenario)
    compared = cohort_years(plan, plan.cohorts[0], 0)[2]
    checked = check_table(read_table(table), scenario.rules, in_part=True).frame
    known = known_of(checked, scenario.rules, "HF", [])
    assert known.practice[0].tolist() == [0, 0, 1, 1]
    for draw in range(20):
        probes = known.filled(compared, known.uniforms(scenario.seed, draw))
        size = probes.observed.practice_size
        assert size[0] == size[1]
        assert size[2:].tolist() == [3, 3]
    with pytest.raises(InputError, match="practice_id: is blank, and this rule set needs it"):
        standing(table.assign(practice_id=["one", "one", "two", ""]), scenario)
    with pytest.raises(InputError, match="column practice_id is missing"):
        standing(table.drop(columns="practice_id"), scenario)
    with pytest.raises(InputError, match=r"3.0, but 2.0 in row 2 of the same practice"):
        standing(table.assign(practice_size=["", "", 2, 3]), scenario)


def test_the_one_rule_without_an_answer_says_what_to_do(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(settings=WHOLE | AVERAGED | BAND, draws=1)
    with pytest.raises(InputError, match=r"set rules\.payment\.neutral_band_form=fixed, "):
        standing(seven(), scenario)
