"""Which unknown moves an outcome of the small roster: its own runs, kept, and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.results.describe import source_line
from asm_sim.results.effects import effects_in
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.store import here
from asm_sim.unknowns.question import Question, ask
from asm_sim.unknowns.sensitivity import answered

STEEPNESS = "rules.payment.exchange.steepness"
RELIABILITY = "population.cost.reliability_at_20.HF"
POOL = "rules.payment.zero_scorers_in_pool_base"
CHOSEN = (STEEPNESS, RELIABILITY, POOL)
OUTCOMES = ["share_negative", "misclassified_share", "adjustment_at_score(60)"]
DRAWS = 6


@pytest.fixture(scope="module")
def question(small_scenario: Scenario) -> Question:
    """Of three unknowns only."""
    asked = ask(small_scenario, OUTCOMES, draws=DRAWS)
    return replace(asked, axes=tuple(axis for axis in asked.axes if axis.path in CHOSEN))


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


def test_variance_is_split_over_layers_that_are_drawn_anew(
    small_scenario: Scenario, tmp_path: Path
) -> None:
    asked = ask(small_scenario, ["misclassified_share", "part_b_payments"], "variance", draws=16)
    assert asked.stages() == [("variance", 4)]
    found = answered(asked, str(tmp_path))
    np.testing.assert_allclose(found["share"].sum("layer"), 1.0)
    of_money = found.sel(outcome="part_b_payments")  # nothing that is measured moves it
    np.testing.assert_allclose(of_money["share"].sel(layer="measurement"), 0.0, atol=1e-12)
    opened = simulate(small_scenario.with_draws(16, None).opened())
    spread = opened["misclassified_share"].sel(performance_year=2027).std("draw", ddof=1)
    np.testing.assert_allclose(found["sd"].sel(outcome="misclassified_share"), spread)
    with pytest.raises(InputError, match="--lever and --only belong"):
        ask(small_scenario, method="variance", levers=[STEEPNESS])
    with pytest.raises(InputError, match="give 3 or more"):
        ask(small_scenario, method="variance", draws=2)


def test_the_eight_largest_are_those_of_the_effects(
    small_scenario: Scenario, tmp_path: Path
) -> None:
    asked = ask(small_scenario, "adjustment_mean", "sobol", draws=2, rows=2)
    some = asked.axes[:10]
    found = answered(replace(asked, axes=some), str(tmp_path))
    assert found.sizes["parameter"] == 8
    assert POOL in found["parameter"].values
    assert [stage.method for stage in asked.stages()] == ["effects", "sobol"]
    assert asked.stages()[1].points == 20


def test_an_outcome_without_a_value_is_told(question: Question, store: str) -> None:
    none = ask(question.scenario, "rank_correlation", draws=DRAWS)
    with pytest.raises(InputError, match="has a value at every point in 0 draws of 6"):
        answered(replace(none, axes=question.axes), store)


@pytest.fixture(scope="module")
def few(small_scenario: Scenario) -> Path:
    """A scenario in which only three things are open: all the rest is set."""
    decided = {
        path: leaf.value  # type: ignore[attr-defined]
        for path, leaf in small_scenario.leaves().items()
        if path.startswith(("rules.", "population.")) and path not in CHOSEN
        if leaf.low is not None or leaf.readings
    }
    path = small_scenario.folder / "few.yaml"
    text = {"title": "Few are open", "extends": "scenario", "set": decided}
    path.write_text(json.dumps(text))  # which is YAML
    return path


def test_the_public_name_needs_no_store(few: Path) -> None:
    found = asm.sensitivity(few, draws=2)
    assert set(found["parameter"].values) == set(CHOSEN)
    of_pool = found["change"].values[..., found["parameter"].values == POOL]
    assert (abs(of_pool) > 0).all()


DESIGN = """\
title: A design of the tests
extends: scenario
draws: 3
sweep:
  design:
    method: sobol
    n: 8
    second_order: true
    over:
      rules.payment.exchange.steepness: {}
      population.cost.reliability_at_20: {low: 0.4, high: 0.7}
"""


def test_a_design_of_a_file_is_answered_from_its_own_store(
    small_scenario: Scenario, tmp_path: Path
) -> None:
    file = small_scenario.folder / "design.yaml"
    file.write_text(DESIGN)
    asm.sweep(file, tmp_path / "store")
    ran = here.run_block
    here.run_block = None  # type: ignore[assignment]  # nothing is run again
    try:
        found = asm.sensitivity(file, "adjustment_at_score(60)", store=tmp_path / "store")
    finally:
        here.run_block = ran
    assert found.attrs["method"] == "sobol"
    assert found.sizes["parameter"] == 2
    assert float(found["total"].sel(parameter=STEEPNESS, cohort="HF").squeeze()) > 0.5
    with pytest.raises(InputError, match="whose design says method"):
        ask(file, method="morris")
    (small_scenario.folder / "grid.yaml").write_text(
        "title: A grid\nextends: scenario\nsweep: {grid: {rules.payment.cap: [1, 2]}}\n"
    )
    with pytest.raises(InputError, match="this sweep has none"):
        ask(small_scenario.folder / "grid.yaml")


def asm_sim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_plans_answers_and_keeps(few: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ("sensitivity", few, "--draws", "2", "--out", out)
    plan = asm_sim(*given, "--method", "sobol", "--rows", "2", "--plan", "--json")
    assert plan.exit_code == 0, plan.output
    told = json.loads(plan.stdout)
    assert told["stages"] == [{"method": "sobol", "points": 10}]
    assert told["runs"] == 10
    assert told["seconds"] > 0
    assert not out.exists()
    result = asm_sim(*given, "--outcome", "share_negative")
    assert result.exit_code == 0, result.output
    assert "3 unknowns: 6 runs (effects) of 2 draws each, seed 7" in result.stderr
    assert "Share of scored clinicians with a penalty" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert (out / "figures" / "tornado_share_negative.png").is_file()
    table = pd.read_csv(out / "effects.csv")
    assert set(table.cohort) == {"HF", "LBP"}


def test_figures_are_drawn_from_answers(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "figures").mkdir()
    needed = f"{{sensitivity: {few}, method: effects}}"
    (tmp_path / "figures" / "figures.yaml").write_text(f"figures:\n  tornado: {needed}\n")
    refused = asm_sim("figures")
    assert refused.exit_code == 2
    assert "no finished runs of this version are there" in refused.stderr
    assert asm_sim("figures", "--make").exit_code == 0
    good = asm_sim("figures", "--check")
    assert good.exit_code == 0, good.output
    assert (tmp_path / "figures" / "tornado.svg").is_file()
