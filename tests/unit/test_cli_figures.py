"""``asm-sim figures``: drawn from stored runs, and told when they are out of date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from asm_sim.cli.main import app
from asm_sim.plots.save import differing
from tests.conftest import MakeSweep

BOTH = "score_to_adjustment", "adjustment_distribution"


def asm_sim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["figures", *map(str, arguments)])


@pytest.fixture
def folder(sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a list of two figures of a small scenario; runs go beside it."""
    monkeypatch.chdir(tmp_path)
    scenario = sweep_file().with_name("scenario.yaml")
    scenario.write_text(scenario.read_text().replace("draws: 24", "draws: 4"))
    place = tmp_path / "figures"
    place.mkdir()
    lines = [f"  {name}: {{run: {scenario}}}" for name in BOTH]
    (place / "figures.yaml").write_text("\n".join(["figures:", *lines]) + "\n")
    return place


def test_drawn_from_a_run_that_is_made_once(folder: Path, tmp_path: Path) -> None:
    refused = asm_sim()
    assert refused.exit_code == 2
    assert "asm-sim run" in refused.stderr
    assert "--make" in refused.stderr
    drawn = asm_sim("--make")
    assert drawn.exit_code == 0, drawn.output
    assert drawn.stderr.count("Running") == 1
    files = {path.name for path in folder.iterdir()} - {"figures.yaml"}
    assert files == {f"{name}.{ending}" for name in BOTH for ending in ("png", "svg", "json")}
    assert len(list((tmp_path / "runs").iterdir())) == 1
    again = asm_sim()
    assert again.exit_code == 0
    assert "Running" not in again.stderr


def test_check_finds_what_is_out_of_date(folder: Path) -> None:
    assert asm_sim("--make").exit_code == 0
    good = asm_sim("--check")
    assert good.exit_code == 0
    assert "2 figures hold" in good.stdout
    sidecar = folder / "score_to_adjustment.json"
    content = json.loads(sidecar.read_text())
    curve = content["plotted"]["panels"][0]["curves"][0]["adjustment_percent_median"]
    curve[3] += 0.001
    sidecar.write_text(json.dumps(content))
    stale = asm_sim("--check")
    assert stale.exit_code == 1
    assert "Out of date: score_to_adjustment." in stale.stdout
    assert "adjustment_percent_median[3]" in stale.stderr
    assert asm_sim("--check", "adjustment_distribution").exit_code == 0
    sidecar.unlink()
    assert asm_sim("--check").exit_code == 1
    assert asm_sim("score_to_adjustment").exit_code == 0
    (folder / "adjustment_distribution.svg").unlink()
    assert "adjustment_distribution.svg is missing" in asm_sim("--check").stderr


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        (None, ["nothing"], "names no figure 'nothing'"),
        (None, ["score_to_adjustmnt"], "did you mean 'score_to_adjustment'"),
        ("figures: {score_to_adjustmet: {run: baseline}}", [], "did you mean 'score_to_adj"),
        ("figures: {save: {run: baseline}}", [], "no figure is called 'save'"),
        ("figures: {score_to_adjustment: {}}", [], "give one of 'run', 'sweep'"),
        ("figures: {score_to_adjustment: {run: a, sweep: b}}", [], "give one of"),
        ("figures: {tornado: {sensitivity: baseline}}", [], "'method' belongs to 'sensitivity'"),
        ("figures: {tornado: {sensitivity: baseline, method: sobl}}", [], "mean 'sobol'"),
        ("figures: {score_to_adjustment: {run: baselin}}", [], "did you mean 'baseline'"),
        ("figures: {}", [], "figures"),
    ],
)
def test_a_wrong_list_is_one_message(
    text: str | None, names: list[str], said: str, folder: Path
) -> None:
    if text is not None:
        (folder / "figures.yaml").write_text(text)
    result = asm_sim(*names)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_folder_without_a_list(tmp_path: Path) -> None:
    result = asm_sim("--folder", tmp_path)
    assert result.exit_code == 2
    assert "figures.yaml: there is no such file" in result.stderr


def test_numbers_are_compared_to_the_last_digits() -> None:
    there = {"a": [1.0, None, {"b": "x"}], "c": 3}
    assert not differing(there, {"a": [1.0 + 1e-12, None, {"b": "x"}], "c": 3})
    assert differing(there, {"a": [1.0001, None, {"b": "y"}], "c": 3}) == ["a[0]", "a[2].b"]
    assert differing(there, {"a": [1.0], "c": 3, "d": 0}) == ["a", "d"]
