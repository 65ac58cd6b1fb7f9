"""What a simulation says of itself, and what Python code may hand it: numpy's numbers, paths."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.cli import run as verb
from asm_sim.cli.run import usual_folder
from asm_sim.documents import plain
from asm_sim.results.describe import source_line
from asm_sim.results.open import open_results
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.sweep import load_sweep
from asm_sim.solving.solve import solve
from asm_sim.store.work import work_of
from tests.conftest import POPULATION, SCENARIO, MakeScenario, roster_rows, write_roster

STEEPNESS = "rules.payment.exchange.steepness"
SHARE = "rules.payment.redistribution_share"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    write_roster(folder / "small.csv", roster_rows())
    (folder / "small.yaml").write_text(POPULATION)
    path = folder / "mine.yaml"
    path.write_text(SCENARIO)
    return path


def simulated(file: Path, settings: Any, draws: Any = 2, seed: Any = 3) -> xr.Dataset:
    return asm.simulate(file, draws=draws, seed=seed, settings=settings)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.2), 0.2),
        (np.float16(0.1), 0.1),
        (np.float64(0.2), 0.2),
        (np.int64(25), 25),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(0.5), 0.5),
        (np.array([0.1, 0.2], dtype=np.float32), [0.1, 0.2]),
        ({np.int64(2027): np.float32(0.1), 2028: (1, 2)}, {2027: 0.1, 2028: [1, 2]}),
        (Path("a/b.csv"), "a/b.csv"),
        ("text", "text"),
        (None, None),
    ],
)
def test_what_python_sets_is_plain_data(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found)


def test_numbers_of_numpy_are_numbers(file: Path) -> None:
    settings = {
        STEEPNESS: {np.int64(2027): np.float32(0.2), np.str_("2028"): np.float64(0.3)},
        "rules.cost.case_minimum": np.int64(25),
        "population.roster": Path("small.csv"),
    }
    ds = simulated(file, settings, np.int64(2), np.uint8(3))
    same = simulated(
        file,
        {STEEPNESS: {2027: 0.2, 2028: 0.3}, "rules.cost.case_minimum": 25,
         "population.roster": "small.csv"},
    )  # fmt: skip
    xr.testing.assert_identical(ds, same)
    assert ds.sizes["draw"] == 2
    assert (ds["seed"] == 3).all()
    assert ds["seed"].dtype == np.uint64


@pytest.mark.parametrize(
    ("settings", "draws"),
    [
        ({STEEPNESS: object()}, 2),
        ({STEEPNESS: {2027.5: 0.1}}, 2),
        ({STEEPNESS: np.array([0.1, 0.2])}, 2),
        ({STEEPNESS: np.complex128(1)}, 2),
        ({STEEPNESS: np.datetime64("2027")}, 2),
        ({}, np.float64(2.5)),
        ({}, "2"),
        ({}, True),
    ],
)
def test_what_is_no_number_is_refused_at_once(
    file: Path, settings: Any, draws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asm_sim.engine.simulate.make_plan", lambda *_: pytest.fail("it began"))
    with pytest.raises(asm.InputError):
        simulated(file, settings, draws)


def test_a_run_says_what_was_set_beside_its_file(file: Path) -> None:
    ds = simulated(file, {SHARE: np.float32(0.7)})
    assert json.loads(ds.attrs["settings"]) == [[SHARE, 0.7]]
    assert f"scenario mine with {SHARE}=0.7 (" in source_line(ds)
    assert "2 draws, 2 open draws, seed 3" in source_line(ds)
    assert ", 1 draw, 2 open draws, seed 3" in source_line(ds.isel(draw=[1]))


def test_a_file_of_the_name_of_a_shipped_scenario_is_called_otherwise(
    file: Path, tmp_path: Path
) -> None:
    own = tmp_path / "baseline.yaml"
    own.write_text("title: Ours\nset: {rules.payment.redistribution_share: 0.7}\n")
    assert load_scenario(own).name == "baseline.yaml"
    assert load_scenario("baseline").name == "baseline"
    assert load_scenario(file).name == "mine"


def test_a_sweep_says_what_was_set_in_all_of_it(file: Path, tmp_path: Path) -> None:
    sweep = file.with_name("grid.yaml")
    sweep.write_text(SCENARIO + f"sweep: {{grid: {{{STEEPNESS}: [0.1, 0.2]}}}}\n")
    settings = {SHARE: np.float32(0.7)}
    assert load_sweep(sweep, settings.items()).scenario(1).assigned == ((SHARE, 0.7),)
    ds = asm.sweep(
        sweep, tmp_path / "out", np.int64(2), np.int64(3), settings,
        panel_draws=np.int64(1), lens_draws=np.int64(0), block_draws=np.int64(1),
    )  # fmt: skip
    assert f"scenario grid with {SHARE}=0.7 (" in source_line(ds)
    one = open_results(tmp_path / "out").isel(scenario=np.int64(1))
    assert f"scenario steepness=0.2 with {SHARE}=0.7 (" in source_line(one)
    assert (one["seed"] == 3).all()
    assert ds.sizes["draw_sample"] == 1
    difference = asm.compare(tmp_path / "out", np.int64(1), np.int64(0), ["adjustment_sd"])
    assert difference.attrs["scenario"] == "steepness=0.2"


@pytest.mark.parametrize("given", [-1, 1.5, "2", True])
@pytest.mark.parametrize("name", ["panel_draws", "lens_draws", "block_draws"])
def test_draws_to_be_kept_are_whole_numbers(
    file: Path, tmp_path: Path, name: str, given: Any
) -> None:
    with pytest.raises(asm.InputError, match=f"{name} is .*; give a whole number"):
        asm.sweep(file, tmp_path / "out", 2, **{name: given})
    assert not (tmp_path / "out").exists()


def test_solve_takes_numbers_of_numpy_and_says_what_was_set(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(settings={SHARE: 0.7}, draws=4)
    arguments = ("rules.payment.risk_level", "retained_by_medicare=1e6")
    found = solve(
        scenario, *arguments, np.float32(0.05), np.float64(0.2), np.int64(3), np.int64(1),
        np.float32(0.001), year=np.int64(2027), cohort=np.str_("HF"),
    )  # fmt: skip
    assert f"scenario scenario with {SHARE}=0.7 (" in found.source
    json.dumps(found.as_data())


def test_the_answer_is_there_before_a_figure_is_drawn(
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object) -> None:
        raise ValueError("Key backend: \x1b is no backend")

    monkeypatch.setattr("asm_sim.plots.score_to_adjustment.plot", fail)
    said = [f"{SHARE}=0.7"]
    with pytest.raises(asm.RunError, match=r"could not be drawn \(ValueError: Key backend: \\x1b"):
        verb.run(str(file), 2, 3, None, str(tmp_path / "out"), said, False, False)
    out = capsys.readouterr().out
    assert f"scenario mine with {SHARE}=0.7 (" in " ".join(out.split())
    assert "No ranges: 2 open draws are too few for a range" in " ".join(out.split())
    assert (tmp_path / "out" / "summary.csv").read_text().count(f"mine with {SHARE}=0.7") > 10


def test_a_long_name_is_cut_in_the_folder_s_name_only(file: Path) -> None:
    long = file.with_name("ä" * 120 + ".yaml")
    long.write_text(SCENARIO)
    folder = usual_folder(work_of(load_scenario(long)))
    assert len(folder.name.encode()) <= 200
    assert re.fullmatch("ä+-24-draws-seed-7-[0-9a-f]{8}", folder.name)
