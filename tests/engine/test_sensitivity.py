"""Which unknown moves an outcome of the small roster: its own runs, kept, and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.results.describe import source_line
from asm_sim.results.effects import effects_in
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.store import here
from asm_sim.unknowns.sensitivity import Question, answered, ask

STEEPNESS = "rules.payment.exchange.steepness"
RELIABILITY = "population.cost.reliability_at_20.HF"
POOL = "rules.payment.zero_scorers_in_pool_base"
OUTCOMES = ["share_negative", "misclassified_share", "adjustment_at_score(60)"]
DRAWS = 6


@pytest.fixture(scope="module")
def question(small_scenario: Scenario) -> Question:
    """Of three unknowns only."""
    asked = ask(small_scenario, OUTCOMES, draws=DRAWS)
    chosen = (STEEPNESS, RELIABILITY, POOL)
    return replace(asked, axes=tuple(axis for axis in asked.axes if axis.path in chosen))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("sensitivity"))


@pytest.fixture(scope="module")
def effects(question: Question, store: str) -> xr.Dataset:
    return answered(question, store)


def moved(scenario: Scenario, path: str, value: Any) -> xr.Dataset:
    again = load_scenario(scenario.folder / "scenario.yaml", [(path, value)])
    return simulate(again.with_draws(DRAWS, None))


def test_effects_are_paired_differences_of_runs(
    effects: xr.Dataset, small_scenario: Scenario
) -> None:
    central = simulate(small_scenario.with_draws(DRAWS, None))
    for path, value in ((STEEPNESS, 0.2), (RELIABILITY, 0.35), (POOL, False)):
        run = moved(small_scenario, path, value)
        text = {0.2: "0.2", 0.35: "0.35", False: "false"}[value]
        at = (effects["parameter"] == path) & (effects["value"] == text)
        found = effects.isel(alternative=np.flatnonzero(at)[0])
        for name in OUTCOMES[:2]:
            change = (run[name] - central[name]).sel(performance_year=2027)
            of_outcome = found.sel(outcome=name)
            np.testing.assert_allclose(of_outcome["change"], change.mean("draw"), atol=1e-12)
            error = change.std("draw", ddof=1) / DRAWS**0.5
            np.testing.assert_allclose(of_outcome["change_mcse"], error, atol=1e-12)
        np.testing.assert_allclose(
            of_outcome["central"], central[name].sel(performance_year=2027).mean("draw")
        )


def test_an_answer_says_of_what_it_is(effects: xr.Dataset, small_scenario: Scenario) -> None:
    assert effects.sizes == {"outcome": 3, "cohort": 2, "alternative": 5}
    assert f"scenario {small_scenario.name}" in source_line(effects)
    assert "6 draws, seed 7" in source_line(effects)
    assert effects["units"].values.tolist() == ["fraction", "fraction", "fraction"]
    rows = effects_in(effects).of(STEEPNESS)
    ends = [("low", "0.05"), ("high", "0.2")]
    assert [row[1:3] for row in rows] == 2 * ends
    assert [row.cohort for row in rows] == ["HF", "HF", "LBP", "LBP"]
    assert rows[0].change > 0 > rows[1].change


def test_another_outcome_of_the_same_runs_runs_nothing(
    effects: xr.Dataset, question: Question, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: Any) -> None:
        raise AssertionError("a block was run again")

    monkeypatch.setattr(here, "run_block", forbidden)
    other = answered(replace(question, year=2028), store)
    assert not np.allclose(other["central"], effects["central"])


def test_it_goes_on_where_it_was_stopped(
    question: Question, effects: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, ran = here.run_block, list[str]()

    def stopped_after_three(plan: Any, block: Any, *rest: Any) -> Any:
        if len(ran) == 3:
            raise KeyboardInterrupt
        ran.append(plan.scenario.name)
        return real(plan, block, *rest)

    monkeypatch.setattr(here, "run_block", stopped_after_three)
    with pytest.raises(KeyboardInterrupt):
        answered(question, str(tmp_path))

    def counted(plan: Any, block: Any, *rest: Any) -> Any:
        ran.append(plan.scenario.name)
        return real(plan, block, *rest)

    monkeypatch.setattr(here, "run_block", counted)
    xr.testing.assert_identical(answered(question, str(tmp_path)), effects)
    assert len(ran) == len(set(ran)) == 6


def test_screening_and_indices_find_what_moves_what(question: Question, store: str) -> None:
    screened = answered(replace(question, method="morris", rows=4), store)
    assert screened["size"].dims == ("outcome", "cohort", "parameter")
    of_chance = screened.sel(outcome="misclassified_share", cohort="HF")
    by_path = dict(zip(screened["parameter"].values, of_chance["mean"].values, strict=True))
    assert by_path[RELIABILITY] < 0  # a more reliable measure gives fewer the wrong sign
    of_lbp = screened.sel(cohort="LBP", parameter=RELIABILITY)  # which is of HF
    np.testing.assert_array_equal(of_lbp["size"], 0.0)
    found = answered(replace(question, method="sobol", rows=8), store)
    at_score = found.sel(outcome="adjustment_at_score(60)", cohort="LBP")
    assert float(at_score["first"].sel(parameter=STEEPNESS)) > 0.5
    assert float(at_score["total"].sel(parameter=RELIABILITY)) == 0.0


def test_the_eight_largest_are_those_of_the_effects(
    small_scenario: Scenario, tmp_path: Path
) -> None:
    asked = ask(small_scenario, "adjustment_mean", "sobol", draws=2, rows=2)
    few = tuple(axis for axis in asked.axes if "clinician_share" not in axis.path)[:10]
    found = answered(replace(asked, axes=few), str(tmp_path))
    assert found.sizes["parameter"] == 8
    assert POOL in found["parameter"].values
    assert asked.stages()[1] == ("sobol", 20)


def test_an_outcome_without_a_value_is_told(question: Question, store: str) -> None:
    none = ask(question.scenario, "rank_correlation", draws=DRAWS)
    with pytest.raises(InputError, match="has a value at every point in 0 draws of 6"):
        answered(replace(none, axes=question.axes), store)


def test_the_public_name_needs_no_store(small_scenario: Scenario) -> None:
    decided = [
        (path, leaf.value)  # type: ignore[attr-defined]
        for path, leaf in small_scenario.leaves().items()
        if path.startswith(("rules.", "population.")) and path != POOL
        if leaf.low is not None or leaf.readings
    ]
    found = asm.sensitivity(
        small_scenario.folder / "scenario.yaml", settings=dict(decided), draws=2
    )
    assert found["parameter"].values.tolist() == [POOL]
    assert (abs(found["change"]) > 0).all()
