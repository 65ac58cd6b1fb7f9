"""CONTRIBUTING.md, walked: what is added to a copy of the package as it says works there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from asm_sim.kernels import _jit
from asm_sim.kernels.world.model import CohortModel, PracticeModel

ROOT = Path(__file__).parents[2]
WALKED = """
import asm_sim as asm
from asm_sim.engine.execute import new_output
from asm_sim.rules.compile import compile_cohort
from asm_sim.scenario.load import load_scenario, shipped

rules = asm.rules("asm-2026-final")
compiled = compile_cohort(rules, "HF")
print("number", compiled.year["late_reporting_points"].tolist())
print("choice", compiled.reporting_window)
print("field", "share_lucky" in new_output(1, 2, 5, 3).yearly.dtype.names)
print("scenario", "late-reporting" in [entry.name for entry in shipped()])
print("set", load_scenario("late-reporting").rules.quality.late_reporting_points.value)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for name in ("asm_sim", "scenarios"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def after(path: Path, line: str, added: str) -> None:
    """Put text behind the first line that matches."""
    text = path.read_text()
    found = re.search(f"^{line}.*\n", text, re.MULTILINE)
    assert found, f"{path.name} has no line {line!r}"
    path.write_text(text[: found.end()] + added + text[found.end() :])


def test_a_number_a_choice_a_statistic_and_a_scenario(copy: Path) -> None:
    rules, kernels = copy / "asm_sim" / "rules", copy / "asm_sim" / "kernels"
    common = 'status: assumption, source: "Ours", description: "An example"'
    after(
        rules / "asm-2026-final.yaml",
        "quality:",
        f"  late_reporting_points: {{value: 1, unit: points, range: [0, 10], {common}}}\n"
        "  reporting_window: {value: open, choices: [shut, open], unit: choice, "
        f"{common}}}\n",
    )
    after(
        rules / "schema.py",
        "class Quality\\(Strict\\):",
        "    late_reporting_points: YearlyNumber\n"
        "    reporting_window: Annotated[Choice, Programmed(choices.Window, 'reporting_window')]\n",
    )
    after(
        rules / "compile.py",
        "    numbers: dict",
        '        "late_reporting_points": quality.late_reporting_points,\n',
    )
    with (kernels / "choices.py").open("a") as file:
        file.write("\n\nclass Window(RuleChoice):\n    SHUT = 0\n    OPEN = 1\n")
    after(kernels / "rule" / "law.py", "class CohortRules", "    reporting_window: int\n")
    after(
        copy / "asm_sim" / "results" / "registry.py",
        "YEARLY = ",
        '    _yearly("share_lucky", "fraction", "Share of the lucky"),\n',
    )
    (copy / "scenarios" / "late-reporting.yaml").write_text(
        "title: Late reports count more\ndescription: An example of ours.\n"
        "set: {rules.quality.late_reporting_points: 2}\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", WALKED],
        env=os.environ | {"PYTHONPATH": str(copy)},
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n")[:5] == [
        "number [1.0, 1.0, 1.0, 1.0, 1.0]",
        "choice 1",
        "field True",
        "scenario True",
        "set 2.0",
    ]


@pytest.mark.parametrize(
    "name",
    ["choices.py", "_linked.py", "numeric/rng.py", "rule/fit.py", "world/year.py", "draws/year.py"],
)
def test_an_edit_in_any_room_recompiles(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = tmp_path / "kernels"
    shutil.copytree(ROOT / "asm_sim" / "kernels", copied)
    monkeypatch.setattr(_jit, "__file__", str(copied / "_jit.py"))
    before = _jit.sources_hash.__wrapped__()
    assert before == _jit.sources_hash.__wrapped__()
    with (copied / name).open("a") as file:
        file.write("\n")
    edited = _jit.sources_hash.__wrapped__()
    assert edited != before
    (copied / name).rename(copied / name.replace(".py", "_moved.py"))
    assert _jit.sources_hash.__wrapped__() not in {before, edited}


def test_the_files_that_it_names_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`((?:asm_sim|tests|scenarios|figures|docs)/[\w./*-]+)`", text)
    assert len(named) > 20
    for name in named:
        known = {"scenarios": "baseline", "asm_sim/cli": "sweep"}
        called = next((known[room] for room in known if name.startswith(room)), "volatility")
        example = name.replace("NAME", called)
        found = list(ROOT.glob(example.rstrip("/"))) or name == "asm_sim/plots/NAME.py"
        assert found, name


def test_a_part_of_the_world_has_one_file_on_either_side() -> None:
    for model in (CohortModel, PracticeModel):
        for part in get_type_hints(model).values():
            if part.__module__.startswith("asm_sim."):
                name = part.__module__.rpartition(".")[2]
                filled = (ROOT / "asm_sim" / "population" / f"{name}.py").read_text()
                assert f"-> {part.__name__}:" in filled, part
