"""``asm-sim runs`` lists and removes stores and nothing else; ``variables`` lists outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from asm_sim.cli.main import app
from asm_sim.results.open import WRITTEN
from asm_sim.results.registry import COORDINATES, VARIABLES
from asm_sim.store.blocks import remove_work
from asm_sim.store.files import open_folder


def asm_sim(*arguments: str | Path, answer: str = "") -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], input=answer)


def write_store(folder: Path, kind: str = "run", finished: bool = True) -> Path:
    (folder / "results.zarr").mkdir(parents=True)
    mark = {"format": f"asm_sim {kind}", "name": "baseline", "draws": 1200, "seed": "1"}
    (folder / "run.json").write_text(json.dumps(mark))
    (folder / "summary.csv").write_text("x" * 2_000_000)
    if finished:
        (folder / "results.zarr" / ".zmetadata").write_text('{"metadata": {}}')
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run, a sweep that is not finished, one a folder deeper, and what is none of them."""
    write_store(tmp_path / "a")
    write_store(tmp_path / "b", "sweep", finished=False)
    write_store(tmp_path / "deeper" / "c")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    return tmp_path


def test_runs_are_listed_with_their_sizes(folder: Path) -> None:
    entries = json.loads(asm_sim("runs", folder, "--json").stdout)["runs"]
    listed = [(entry["name"], entry["kind"], entry["finished"]) for entry in entries]
    assert listed == [("a", "run", True), ("b", "sweep", False), ("deeper/c", "run", True)]
    for entry in entries:
        files = [path for path in (folder / entry["name"]).rglob("*") if path.is_file()]
        assert entry["bytes"] == sum(path.stat().st_size for path in files)
    printed = " ".join(asm_sim("runs", folder).stdout.split())
    assert "a run 1,200 2.0 b sweep 1,200 2.0 not finished deeper/c run" in printed
    assert "3 stores, 6.0 MB" in printed
    assert "no runs and no sweeps" in asm_sim("runs", folder / "mine").stdout


def test_a_run_is_removed_once_it_is_said(folder: Path) -> None:
    kept = asm_sim("runs", folder, "--remove", "a", answer="n\n")
    assert kept.exit_code == 0
    assert kept.stdout.endswith("Kept a\n")
    assert "Remove a (2.0 MB)?" in kept.stderr
    assert (folder / "a" / "summary.csv").exists()
    gone = asm_sim("runs", folder, "--remove", "a", answer="y\n")
    assert gone.stdout.endswith("Removed a (2.0 MB)\n")
    assert not (folder / "a").exists()
    both = asm_sim("runs", folder, "--remove", "b", "--remove", "deeper/c/", "--yes")
    assert both.exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"deeper", "mine", "link"}
    assert (folder / "mine" / "notes.txt").exists()


@pytest.mark.parametrize("name", ["mine", "link", "deeper", ".", "..", "nothing", "/"])
def test_what_is_no_store_is_left_alone(name: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    told = asm_sim("runs", folder, "--remove", "a", "--remove", name, "--yes")
    assert told.exit_code == 2
    assert "left alone" in told.stderr or "no run or sweep is called" in told.stderr
    assert sorted(folder.rglob("*")) == before


def test_what_a_user_put_into_a_run_is_kept(folder: Path) -> None:
    (folder / "a" / "paper.tex").write_text("mine")
    told = asm_sim("runs", folder, "--remove", "a", "--yes")
    assert told.exit_code == 2
    assert "holds paper.tex, which asm-sim did not write there" in told.stderr
    assert (folder / "a" / "paper.tex").exists()


def test_blocks_of_a_finished_sweep_are_dropped(folder: Path) -> None:
    (folder / "deeper" / "c" / "blocks").mkdir()
    (folder / "deeper" / "c" / "blocks" / "a.npz").write_text("x" * 1_000_000)
    unfinished = asm_sim("runs", folder, "--drop-blocks", "b", "--yes")
    assert unfinished.exit_code == 2
    assert "is not finished, and its blocks are all that it has" in unfinished.stderr
    done = asm_sim("runs", folder, "--drop-blocks", "deeper/c", "--yes")
    assert done.stdout == "Removed deeper/c/blocks (1.0 MB)\n"
    assert not (folder / "deeper" / "c" / "blocks").exists()
    assert (folder / "deeper" / "c" / "results.zarr" / ".zmetadata").exists()
    again = asm_sim("runs", folder, "--drop-blocks", "deeper/c", "--yes")
    assert again.stdout.endswith("c: has no blocks\n")


def test_what_a_run_writes_stands_in_one_list(folder: Path) -> None:
    """What is written anew is removed first, and a store of nothing else may be removed."""
    store = folder / "a"
    for name in WRITTEN:
        if not (store / name).exists():
            (store / name).touch()
    remove_work(open_folder(store))
    assert list(store.iterdir()) == []
    write_store(folder / "d")
    for name in WRITTEN:
        if not (folder / "d" / name).exists():
            (folder / "d" / name).touch()
    assert asm_sim("runs", folder, "--remove", "d", "--yes").exit_code == 0


def test_each_variable_is_a_line() -> None:
    """With its whole name, its dims and its unit, so that grep finds it."""
    lines = asm_sim("variables").stdout.splitlines()
    names = [*VARIABLES, *COORDINATES]
    assert [line.partition(" ")[0] for line in lines] == names
    told = dict(zip(names, lines, strict=True))
    for name, variable in VARIABLES.items():
        assert (
            f"({', '.join(variable.dims)}) [{variable.units}]: {variable.long_name}" in told[name]
        )
    found = json.loads(asm_sim("variables", "penalty", "--json").stdout)["variables"]
    assert {"share_maximum_penalty", "penalty_years"} <= {entry["name"] for entry in found}
    wrong = asm_sim("variables", "panel_adjustmnt")
    assert wrong.exit_code == 2
    assert "did you mean 'panel_adjustment'?" in wrong.stderr
