"""Solved levers against closed forms: what Medicare keeps is (1 - share) of the amount at risk."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.engine.execute import run_block
from asm_sim.engine.frame import Block
from asm_sim.engine.plan import make_plan
from asm_sim.errors import InputError
from asm_sim.scenario.schema import Scenario
from asm_sim.solving.target import parse_target, read_target
from tests.conftest import MakeSweep

SHARE = "rules.payment.redistribution_share"
RISK = "rules.payment.risk_level"
STEEPNESS = "rules.payment.exchange.steepness"


def mean_and_error(values: xr.DataArray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(values.size)


def pooled_share(ds: xr.Dataset, clinicians: xr.DataArray) -> xr.DataArray:
    """The share of clinicians with a penalty in each draw, each counted once."""
    return (ds.share_negative * clinicians).sum(("cohort", "performance_year")) / clinicians.sum(
        ("cohort", "performance_year")
    )


def scored(ds: xr.Dataset) -> xr.DataArray:
    return ds.panel_final_score.notnull()


def test_the_share_for_an_amount_kept(small_scenario: Scenario, small_run: xr.Dataset) -> None:
    at_risk, error = mean_and_error(small_run.amount_at_risk.sum(("cohort", "performance_year")))
    told: list[Any] = []
    found = asm.solve(
        small_scenario, SHARE, f"retained_by_medicare={0.2 * at_risk}", report=told.append
    )
    assert found.status == "met"
    assert found.value == pytest.approx(0.8, abs=1e-6)
    assert found.error == pytest.approx(0.2 * error / at_risk, rel=1e-3)
    assert found.found.slope == pytest.approx(-at_risk, rel=1e-6)
    assert sorted(told) == list(found.evaluations)
    for at, kept, kept_error in found.evaluations:
        assert kept == pytest.approx((1 - at) * at_risk, rel=1e-9, abs=1e-3)
        assert kept_error == pytest.approx((1 - at) * error, rel=1e-6, abs=1e-3)
    assert "Medicare keeps" in found.answer
    assert "sum of performance years 2027-2031, HF and LBP" in found.answer
    assert "the scenario has 0.85" in found.answer


def test_the_risk_level_for_an_amount_kept(small_scenario: Scenario, small_run: xr.Dataset) -> None:
    risk = xr.DataArray([0.09, 0.09, 0.10, 0.11, 0.12], dims="performance_year")
    base, error = mean_and_error(
        (small_run.amount_at_risk / risk).sum(("cohort", "performance_year"))
    )
    wanted = 0.15 * 0.08 * base
    found = asm.solve(small_scenario, RISK, f"retained_by_medicare={wanted}")
    assert found.value == pytest.approx(0.08, abs=1e-6)
    assert found.error == pytest.approx(0.08 * error / base, rel=1e-3)
    assert "the same in every year" in found.answer


def test_the_risk_level_of_one_year(small_scenario: Scenario, small_run: xr.Dataset) -> None:
    """Of one cohort; a target in another year does not move at all."""
    base = small_run.amount_at_risk.sel(cohort="HF", performance_year=2029) / 0.10
    wanted = 0.15 * 0.2 * float(base.mean())
    of_it = {"cohort": "HF", "year": 2029}
    found = asm.solve(small_scenario, f"{RISK}.2029", f"retained_by_medicare={wanted}", **of_it)
    assert found.value == pytest.approx(0.2, abs=1e-6)
    assert found.setting.startswith(f"{RISK}={{2029: 0.2")
    assert (found.cohorts, found.years) == (("HF",), (2029,))
    other = asm.solve(
        small_scenario, f"{RISK}.2029", f"retained_by_medicare={wanted}", cohort="HF", year=2030
    )
    assert other.status == "no effect"


def test_a_share_found_is_the_share_simulated(
    small_scenario: Scenario, small_run: xr.Dataset
) -> None:
    found = asm.solve(small_scenario, SHARE, "share_negative=52%", 0.8, 1.0)
    assert found.met
    moved = found.scenario.file.with_draws(None, None)
    assert moved == small_scenario.file  # the answer names the scenario as it was
    from asm_sim.solving.lever import with_lever

    ds = asm.simulate(with_lever(small_scenario, found.lever, found.value))
    clinicians = scored(ds).groupby("clinician_cohort").sum().rename(clinician_cohort="cohort")
    share, error = mean_and_error(pooled_share(ds, clinicians.rename(draw_sample="draw")))
    assert share == pytest.approx(0.52, abs=0.06 * error)
    assert found.error == pytest.approx(error / abs(found.found.slope), rel=0.01)
    assert 0.8 < found.value - 4 * found.error < found.value + 4 * found.error < 1.0
    assert found.value != pytest.approx(0.85, abs=found.error)
    assert float(small_run.share_negative.mean()) > 0.53


def test_counts_of_the_panel_are_those_of_the_run(
    small_scenario: Scenario, small_run: xr.Dataset
) -> None:
    plan = make_plan(small_scenario, panel=small_scenario.draws, lens=0)
    arrays = run_block(plan, Block(0, 0, small_scenario.draws))

    def read(text: str, **where: Any) -> Any:
        return read_target(parse_target(text, **where), plan, arrays).values

    def by_hand(tail: xr.DataArray, among: xr.DataArray) -> Any:
        over = ("clinician", "performance_year")
        return (tail & among).sum(over).values / among.sum(over).values

    with_score = scored(small_run)
    up = small_run.panel_adjustment > np.float32(0.05)
    assert read("share_above(5%)=0") == pytest.approx(by_hand(up, with_score))
    of_hf = with_score & (small_run.clinician_cohort == "HF")
    assert read("share_above(5%)=0", cohort="HF") == pytest.approx(by_hand(up, of_hf))
    solo = list(small_run.group.values).index("practice_size: solo")
    of_solo = with_score & (small_run.panel_group.isel(membership=0) == solo)
    group = {"group": "practice_size: solo"}
    assert read("share_above(5%)=0", **group) == pytest.approx(by_hand(up, of_solo))
    assert read("share_below(0)=0") == pytest.approx(read("share_negative=0"))
    assert read("share_below(0)=0", **group) == pytest.approx(read("share_negative=0", **group))
    assert 0 < read("share_above(5%)=0").mean() < 0.5


def test_the_steepness_at_which_many_gain(
    small_scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same to the bit when asked again, between the parameter's own bounds; writes nothing."""
    monkeypatch.chdir(tmp_path)
    found = asm.solve(small_scenario, STEEPNESS, "share_above(5%)=10%")
    again = asm.solve(small_scenario, STEEPNESS, "share_above(5%)=10%")
    assert found.met
    assert (found.low, found.high) == (0.05, 0.2)
    assert found.evaluations == again.evaluations
    assert found.as_data() == again.as_data()
    assert "10 % of scored clinicians gain more than 5 %" in found.answer
    assert not list(tmp_path.iterdir())


def test_bounds_that_do_not_reach(small_scenario: Scenario) -> None:
    found = asm.solve(small_scenario, STEEPNESS, "share_above(5%)=90%", draws=6)
    assert found.status == "not met"
    assert math.isnan(found.value)
    assert found.evaluations[0].lever == 0.05
    assert "may be set from 0 to 100" in " ".join(found.notes)


def test_draws_and_seed_as_asked(small_scenario: Scenario) -> None:
    usual = asm.solve(small_scenario, SHARE, "scaling_factor=1.9", draws=4, seed=3)
    assert (usual.scenario.draws, usual.scenario.seed) == (4, 3)
    assert "4 draws at each value of the lever, seed 3" in usual.source
    assert asm.solve(small_scenario, SHARE, "scaling_factor=1.9").scenario.draws == 24


def test_what_the_first_year_has_no_value_of(small_scenario: Scenario) -> None:
    found = asm.solve(small_scenario, STEEPNESS, "adjustment_change_sd=0.03", draws=4)
    assert found.years == (2028, 2029, 2030, 2031)
    with pytest.raises(InputError, match="has no value in any draw"):
        asm.solve(small_scenario, STEEPNESS, "adjustment_change_sd=0.03", draws=4, year=2027)


def test_a_lever_that_does_nothing_to_the_target(small_scenario: Scenario) -> None:
    found = asm.solve(small_scenario, STEEPNESS, "final_score_mean=60", draws=4)
    assert found.status == "no effect"


def test_a_value_that_cannot_be_simulated(small_scenario: Scenario) -> None:
    with pytest.raises(InputError, match=r"weight_cost=0 cannot be simulated; choose other bounds"):
        asm.solve(small_scenario, "rules.final_score.weight_cost", "share_negative=0.5", draws=2)


@pytest.fixture
def file(sweep_file: MakeSweep) -> Path:
    return sweep_file().with_name("scenario.yaml")


def asm_sim(*arguments: object) -> Result:
    given = ["solve", *map(str, arguments)]
    return CliRunner().invoke(app, given, env={"COLUMNS": "200"})


def test_the_command_answers_in_words(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    result = asm_sim(
        file, "--lever", SHARE, "--target", "share_negative=52%", "--between", 0.8, 1, "--set",
        f"{STEEPNESS}=0.12",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    told = " ".join(result.stdout.split())
    assert "With the redistribution share at 0.9" in told
    assert "52 % of scored clinicians get a penalty (share_negative, clinicians of perf" in told
    assert "24 draws at each value of the lever, seed 7" in told
    assert f"asm-sim run {file} --set {STEEPNESS}=0.12 --set {SHARE}=0.9" in told
    assert result.stderr.count(f"{SHARE}=") >= 4
    assert sorted(tmp_path.rglob("*")) == before


def test_the_command_for_a_program(file: Path) -> None:
    options = ("--target", "retained_by_medicare=1e6", "--year", 2028, "--cohort", "LBP")
    result = asm_sim(file, "--lever", SHARE, *options, "--draws", 6, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    scenario = answer["scenario"], answer["draws"], answer["seed"]
    assert scenario == ("scenario", 6, "7")
    assert answer["status"] == "met"
    assert answer["set"]["rules.quality.benchmark_minimum_clinicians"] == 8
    assert 0 < answer["error"] < answer["value"] < 1
    assert answer["target"]["performance_years"] == [2028]
    assert answer["target"]["cohorts"] == ["LBP"]
    assert answer["target"]["aggregation"] == "sum"
    assert answer["evaluations"][0]["lever"] == 0
    assert len(answer["scenario_hash"]) == 64
    near = min(answer["evaluations"], key=lambda e: abs(e["mean"] - 1e6))
    assert near["lever"] == pytest.approx(answer["value"], abs=answer["error"])


def test_no_one_value_is_exit_code_1_with_the_ends(file: Path) -> None:
    options = ("--lever", SHARE, "--target", "share_negative=5%", "--draws", 4)
    result = asm_sim(file, *options)
    assert result.exit_code == 1
    assert (
        "This is not met with rules.payment.redistribution_share between 0 and 1" in result.stdout
    )
    assert "100 ±0 % at 0 and" in result.stdout
    assert "To run it" not in result.stdout
    data = json.loads(asm_sim(file, *options, "--json").stdout)
    assert (data["status"], data["value"], data["error"]) == ("not met", None, None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lever", SHARE, "--target", "share_negatve=0.5"], "did you mean 'share_negative'"),
        (["--lever", "steepness", "--target", "share_negative=0.5"], f"did you mean '{STEEPNESS}'"),
        (["--lever", "rules.payment_year_lag", "--target", "share_negative=0.5"], "whole numbers"),
        (["--lever", SHARE, "--target", "share_negative=0.5", "--between", "0.5", "2"],
         "2 is out of range: 0 to 1"),
        (["--lever", SHARE, "--target", "share_negative=0.5", "--cohort", "hf"], "no cohort"),
        (["--lever", SHARE, "--target", "share_negative=0.5", "--group", "solo"], "no group"),
        (["--lever", SHARE, "--target", "share_negative=0.5", "--year", "2040"], "2040"),
        (["--lever", SHARE, "--target", "share_negative=0.5", "--set", "a=1"], "--set a"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_message(options: list[str], said: str, file: Path) -> None:
    result = asm_sim(file, *options)
    assert result.exit_code == 2
    assert result.stderr.count("Error: ") == 1
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert not result.stdout


def test_lever_and_target_are_needed(file: Path) -> None:
    assert asm_sim(file, "--lever", SHARE).exit_code == 2
    assert (
        asm_sim("no-such-scenario", "--lever", SHARE, "--target", "share_negative=1").exit_code == 2
    )
