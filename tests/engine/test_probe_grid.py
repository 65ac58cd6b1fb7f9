"""Probes that a scenario file adds: beside those of every run, whose bits stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.engine.frame import make_frame
from asm_sim.population.probes import PROBES, ProbeGrid, probes_with
from asm_sim.scenario.load import load_scenario
from asm_sim.studies import chance
from tests.conftest import POPULATION, SCENARIO, roster_rows, write_roster

GRID = "probes: {levels: [-1.5, 0, 1], gains: [0, 0.1], episodes: [20, 75]}\n"


def write(folder: Path, more: str) -> Path:
    write_roster(folder / "small.csv", roster_rows())
    (folder / "small.yaml").write_text(POPULATION)
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO + "lens_draws: 3\n" + more)
    return path


def run(path: Path) -> xr.Dataset:
    return asm.simulate(path, draws=3, open_draws=0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, xr.Dataset]:
    """Without and with the grid."""
    folders = (tmp_path_factory.mktemp("without"), tmp_path_factory.mktemp("with"))
    return run(write(folders[0], "")), run(write(folders[1], GRID))


def test_the_grid_comes_after_the_probes_of_every_run_and_none_is_there_twice(
    runs: tuple[xr.Dataset, xr.Dataset],
) -> None:
    _, ds = runs
    found = list(
        zip(
            *(ds[f"probe_{of}"].values.tolist() for of in ("level", "gain", "episodes")),
            strict=True,
        )
    )
    assert found[: len(PROBES)] == [tuple(probe) for probe in PROBES]
    grid = {(le, ga, ep) for le in (-1.5, 0, 1) for ga in (0, 0.1) for ep in (20, 75)}
    assert set(found[len(PROBES) :]) == grid - {(0, 0, 20)}  # which every run has
    assert len(set(found)) == len(found)


def test_nothing_else_moves_by_a_bit(runs: tuple[xr.Dataset, xr.Dataset]) -> None:
    without, with_grid = runs
    for name in without.data_vars:
        ours = with_grid[name]
        if "probe" in ours.dims:
            ours = ours.isel(probe=slice(len(PROBES)))
            assert np.isfinite(with_grid[name]).all()
        np.testing.assert_array_equal(without[name].values, ours.values, err_msg=str(name))


def test_studies_of_probes_see_the_grid(runs: tuple[xr.Dataset, xr.Dataset]) -> None:
    without, with_grid = (chance.average_clinician(ds) for ds in runs)
    assert with_grid["episodes"].values.tolist() == [20, 30, 50, 75, 100, 200]
    shared = with_grid.sel(episodes=without["episodes"])
    np.testing.assert_array_equal(shared["chance_sd"], without["chance_sd"])
    # The more episodes, the less chance.
    mean = with_grid["chance_sd"].mean(("cohort", "performance_year"))
    assert (mean.diff("episodes") < 0).all()


def test_another_grid_is_another_run_and_no_grid_is_the_old_one(tmp_path: Path) -> None:
    plain = load_scenario(write(tmp_path, ""))
    fingerprint = make_frame(plain).fingerprint()
    seen = {fingerprint}
    for levels in ("0", "1"):
        path = write(tmp_path, f"probes: {{levels: [{levels}], episodes: [60]}}\n")
        seen.add(make_frame(load_scenario(path)).fingerprint())
    assert len(seen) == 3
    assert make_frame(load_scenario(write(tmp_path, ""))).fingerprint() == fingerprint


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ("{level: [0]}", "scenario.yaml, line 9: unknown key 'probes.level'"),
        ("{levels: []}", "line 9: 'probes.levels'"),
        ("{levels: [11]}", "scenario.yaml, line 9"),
        ("{episodes: [0]}", "scenario.yaml, line 9"),
        ("{episodes: many}", "line 9: 'probes.episodes'"),
    ],
)
def test_what_is_no_grid_is_refused_by_its_line(tmp_path: Path, grid: str, expected: str) -> None:
    path = write(tmp_path, f"probes: {grid}\n")
    with pytest.raises(asm.InputError, match="cannot be used") as error:
        load_scenario(path)
    assert expected in str(error.value)


def test_a_grid_is_not_endless() -> None:
    many = [float(k) / 100 for k in range(100)]
    with pytest.raises(ValueError, match="1,100 probes are more than 1,000"):
        ProbeGrid(levels=many, episodes=[float(n) for n in range(20, 31)])
    assert probes_with(None) is PROBES
