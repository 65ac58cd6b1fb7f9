"""``asm-sim studies``: what there is, what each needs, and what it prints of stored results."""

from __future__ import annotations

import json
import shlex
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.errors import InputError
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.sweep import load_sweep
from asm_sim.studies.catalogue import BASELINE, LENS, PANEL, STUDIES, Part, Study
from asm_sim.studies.table import study_table
from tests.unit.study_runs import Runs
from tests.unit.synthetic_run import write_run

# Modules that are no study: what studies share.
SHARED = {
    "catalogue", "closed_forms", "estimates", "jackknife", "mips_panel", "normal", "panel",
    "published", "table",
}  # fmt: skip
PARTS = [(study, part) for study in STUDIES for part in study.parts]
every_part = pytest.mark.parametrize(
    ("study", "part"), PARTS, ids=[f"{study.name}.{part.name}" for study, part in PARTS]
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("studies"))


@pytest.fixture(scope="module")
def base(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(runs.of(BASELINE), tmp_path_factory.mktemp("stored") / "base")


def asm_sim(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, ["studies", *map(str, arguments)])


def refused(*arguments: str | Path) -> str:
    result = asm_sim(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def test_every_study_is_listed_once() -> None:
    folder = Path(asm.studies.__file__ or "").parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    names = [study.name for study in STUDIES]
    assert sorted(names) == sorted(modules - SHARED)
    assert asm.studies.__all__ == names
    assert all(study.question in (asm.studies.__doc__ or "") for study in STUDIES)
    assert [study.name for study in STUDIES if bool(study.parts) == bool(study.how)] == []
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        asm.studies.nothing  # noqa: B018


@every_part
def test_commands_run_what_there_is(study: Study, part: Part) -> None:
    assert callable(getattr(getattr(asm.studies, study.name), part.name))
    for command in part.reads.values():
        program, verb, name, *options = shlex.split(command)
        assert (program, options[::2]) == ("asm-sim", ["--set"] * (len(options) // 2))
        load = {"run": load_scenario, "sweep": load_sweep}[verb]
        load(name, options[1::2])


@every_part
def test_a_study_answers_to_what_it_says_it_reads(study: Study, part: Part, runs: Runs) -> None:
    """And not to a run that keeps less; a sweep is asked for by name."""
    function = getattr(import_module(f"asm_sim.studies.{study.name}"), part.name)
    if any(command.startswith("asm-sim sweep") for command in part.reads.values()):
        with pytest.raises(InputError, match=f"`{part.reads['ds']}`"):
            function(runs.of(BASELINE))
        return
    reads = {name: runs.of(command) for name, command in part.reads.items()}
    table = study_table(function(**reads, **part.given))
    assert len(table)
    assert table["mcse"].notna().any() or part.name == "power"
    for what in (PANEL, LENS):
        rest = tuple(kept for kept in (PANEL, LENS) if kept != what)
        less = {name: runs.of(command, rest) for name, command in part.reads.items()}
        if what in part.keeps:
            with pytest.raises(InputError, match="this study needs"):
                function(**less, **part.given)
        else:
            function(**less, **part.given)


def test_the_list_and_one_of_it() -> None:
    listed = asm_sim()
    assert listed.exit_code == 0
    text = " ".join(listed.stdout.split())
    for study in STUDIES:
        assert study.name in text
    assert "asm-sim run movers-and-entrants (draws kept clinician by clinician)" in text
    as_data = json.loads(asm_sim("--json").stdout)
    assert [entry["name"] for entry in as_data] == [study.name for study in STUDIES]
    one = asm_sim("overlap").stdout
    assert "asm-sim run aco-overlap --set population.aco.quality_effect=0" in one
    assert "asm-sim studies overlap.double_incentive RESULTS1 RESULTS2" in one


def test_one_run_answers_all_that_is_asked_of_a_run(base: Path) -> None:
    printed = asm_sim("volatility", base)
    assert printed.exit_code == 0, printed.output
    text = " ".join(printed.stdout.split())
    for part in next(study for study in STUDIES if study.name == "volatility").parts:
        assert f"{part.title} (volatility.{part.name})" in text
    assert "Heart failure (HF)" in printed.stdout
    assert "practice_size: solo" not in printed.stdout
    assert "practice_size: solo" in asm_sim("volatility", base, "--group", "practice_size").stdout
    assert "± is the Monte Carlo standard error. asm_sim" in printed.stdout


def test_numbers_are_those_of_the_study(runs: Runs, base: Path, tmp_path: Path) -> None:
    file = tmp_path / "levels.csv"
    printed = asm_sim("mips_levels.levels", base, "--json", "--csv", file)
    assert printed.exit_code == 0, printed.output
    answer = json.loads(printed.stdout)
    assert answer["runs"][0]["scenario"] == "one"
    (part,) = answer["parts"]
    expected = asm.studies.mips_levels.levels(runs.of(BASELINE))
    chosen = {"cohort": "LBP", "performance_year": 2029, "group": "all"}
    chosen |= {"mips_form": "traditional"}
    name = "mips_final_score_mean"
    (row,) = [
        row for row in part["numbers"] if (chosen | {"variable": name}).items() <= row.items()
    ]
    assert row["value"] == pytest.approx(float(expected[name].sel(chosen)))
    assert row["mcse"] == pytest.approx(float(expected[f"{name}_mcse"].sel(chosen)))
    table = pd.read_csv(file)
    assert len(table) == len(part["numbers"])
    assert list(table["part"].unique()) == ["levels"]


def test_two_runs_are_told_apart_by_their_order(runs: Runs, tmp_path: Path) -> None:
    reads = next(part for study, part in PARTS if study.name == "overlap").reads
    stores = [write_run(runs.of(command), tmp_path / name) for name, command in reads.items()]
    printed = asm_sim("overlap", *stores)
    assert printed.exit_code == 0, printed.output
    assert "Paid to organizations of these savings (USD)" in printed.stdout
    assert "`asm-sim run aco-overlap`" in refused("overlap", *reversed(stores))
    said = refused("overlap", stores[0])
    assert "overlap reads the results of asm-sim run aco-overlap and" in said
    assert "what is given is not that (a run)" in said


def test_what_cannot_be_is_one_message(base: Path, tmp_path: Path) -> None:
    assert "no study is called 'overlp' (did you mean 'overlap'?)" in refused("overlp", base)
    assert "no part 'dolars' (did you mean 'dollars'?)" in refused("volatility.dolars", base)
    assert "layers.population is not off" in refused("geography", base)
    assert "run it with asm-sim sensitivity, or" in refused("sensitivity", base)
    assert "there is no such folder" in refused("volatility", tmp_path / "nothing")
    assert "is a folder; name a file" in refused("hires", base, "--csv", tmp_path)
    partly = asm_sim("savings", base)
    assert partly.exit_code == 0
    assert "by_lever" not in partly.stdout


def test_a_part_that_finds_nothing_is_said_beside_the_others(runs: Runs, tmp_path: Path) -> None:
    bare = write_run(runs.of(BASELINE, (PANEL,)), tmp_path / "bare")
    text = " ".join(asm_sim("relative_ranking", bare).stdout.split())
    assert "One score, other results" in text
    assert "fixed_standard is left out: the results hold no" in text
    assert "decomposition" not in text
    assert "this study needs" in refused("decomposition", bare)
    assert "improvement finds nothing in these results:" in refused("improvement", bare)
