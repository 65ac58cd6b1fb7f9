"""``asm-sim sweep`` as a user meets it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import asm_sim as asm
from asm_sim.cli import planned
from asm_sim.cli.job_array import program, sweep_command
from asm_sim.cli.main import app
from asm_sim.engine.dataset import is_panel
from asm_sim.scenario.sweep import load_sweep
from asm_sim.store import cluster
from tests.conftest import MakeSweep

ROOT = Path(__file__).parents[2]


def asm_sim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments: str | Path) -> str:
    """The one message of a command that must not run."""
    result = asm_sim(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert result.output.count("Error: ") == 1
    return " ".join(result.output.split())


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_a_sweep_answers_and_writes(sweep_file: MakeSweep, store: Path) -> None:
    result = asm_sim("sweep", sweep_file(), "--out", store)
    assert result.exit_code == 0, result.output
    assert "4 scenarios of 12 draws each, seed 7" in result.stderr
    for said in (
        "Heart failure",
        "Low back pain",
        "the reference (steepness=0.1, redistribution_share=0.85)",
        "paired within draws",
        "±",
        "2029-2033",
    ):
        assert said in " ".join(result.stdout.split())
    table = pd.read_csv(store / "summary.csv")
    assert len(table) == 4 * 2 * 4
    ds = asm.open_results(store)
    row = table[
        (table.scenario == ds.scenario.values[1])
        & (table.cohort == "LBP")
        & (table.outcome == "retained_by_medicare_all_years")
    ].iloc[0]
    money = ds.retained_by_medicare_payment_year.sel(cohort="LBP").sum("performance_year")
    assert row["mean"] == pytest.approx(float(money[1].mean()))
    assert row["mcse"] == pytest.approx(float(money[1].std(ddof=1)) / 12**0.5)
    apart = money[1] - money[2]
    assert row["difference"] == pytest.approx(float(apart.mean()))
    assert row["difference_mcse"] == pytest.approx(float(apart.std(ddof=1)) / 12**0.5)


def test_json_for_a_program(sweep_file: MakeSweep, store: Path) -> None:
    result = asm_sim("sweep", sweep_file(draws=4), "-o", store, "--json")
    answer = json.loads(result.stdout)
    assert answer["draws"] == 4
    assert len(answer["outcomes"]) == 32
    assert answer["compare_to"] == "steepness=0.1, redistribution_share=0.85"


def test_plan_runs_nothing(sweep_file: MakeSweep, store: Path) -> None:
    result = asm_sim("sweep", sweep_file(draws=250), "--out", store, "--plan")
    assert result.exit_code == 0, result.output
    assert "Scenarios  4" in result.stdout
    assert "Blocks     12 of 100 draws" in result.stdout
    for what in ("Memory", "Disk", "Time", "ms a draw"):
        assert what in result.stdout
    assert not store.exists()
    plan = json.loads(asm_sim("sweep", sweep_file(), "--out", store, "--plan", "--json").stdout)
    assert plan["scenarios"] == plan["blocks"] == plan["blocks_missing"] == 4
    asm_sim("sweep", sweep_file(), "--out", store)
    size = sum(path.stat().st_size for path in (store / "blocks").rglob("*.npz"))
    blocks_of_12 = plan["disk_bytes"]  # planned for blocks of 100 draws
    assert size < blocks_of_12 < 12 * size
    again = json.loads(asm_sim("sweep", sweep_file(), "--out", store, "--plan", "--json").stdout)
    assert again["blocks_missing"] == 0


DESIGN = """\
title: A design
extends: scenario
sweep:
  design:
    method: {method}
    n: 4
    over:
      rules.payment.exchange.steepness: {{low: 0.05, high: 0.2}}
      rules.payment.redistribution_share: {{low: 0.7, high: 1.0}}
"""


@pytest.mark.parametrize(
    ("method", "number", "how"),
    [
        ("sobol", 16, "16 = 4 x (2 axes + 2)"),
        ("morris", 12, "12 = 4 x (2 axes + 1)"),
        ("latin_hypercube", 4, "4"),
    ],
)
def test_a_plan_says_how_many_scenarios_a_design_has_and_between_what(
    method: str, number: int, how: str, sweep_file: MakeSweep
) -> None:
    path = sweep_file().with_name("design.yaml")
    path.write_text(DESIGN.format(method=method))
    source = load_sweep(path)
    assert len(source) == number
    assert f"{number}{planned._how_many(source)}" == f"{how}, a design of the method {method}"
    assert planned._values_in_words(source)[1:] == [
        "           rules.payment.exchange.steepness: 0.05 to 0.2",
        "           rules.payment.redistribution_share: 0.7 to 1.0",
    ]


def test_a_plan_lists_the_values_of_a_grid() -> None:
    source = load_sweep("redistribution-by-risk")
    assert planned._how_many(source) == " = 5 x 3"
    assert "risk_level: 0.05, 0.09, 0.12" in planned._values_in_words(source)[2]


def test_a_shipped_sweep_is_a_design() -> None:
    source = load_sweep("three-unknowns")
    assert source.kind == "design"
    assert len(source) == 12


def test_planned_bytes_are_the_bytes_written(sweep_file: MakeSweep, store: Path) -> None:
    given = ("sweep", sweep_file(), "--out", store, "--block-draws", "6", "--panel", "8")
    planned = json.loads(asm_sim(*given, "--plan", "--json").stdout)["disk_bytes"]
    asm_sim(*given)
    files = [path for path in (store / "blocks").rglob("*") if path.is_file()]
    written = sum(path.stat().st_size for path in files)
    rest = sum(path.stat().st_size for path in files if path.suffix == ".npz")
    results = asm.open_results(store)
    unpacked = sum(results[name].nbytes for name in results if is_panel(str(name)))
    panel = unpacked * 12 // 8  # up to whole blocks
    assert rest < written <= planned <= 1.1 * rest + panel


def test_resume_is_asked_for_and_shards_say_what_is_next(
    sweep_file: MakeSweep, store: Path
) -> None:
    path = sweep_file()
    shard = asm_sim("sweep", path, "--out", store, "--shard", "1/2")
    assert shard.exit_code == 0, shard.output
    assert "2 blocks of the sweep missing" in " ".join(shard.stderr.split())
    assert "2 of the 4 blocks" in refused("sweep", path, "--out", store)
    last = asm_sim("sweep", path, "--out", store, "--shard", "2/2")
    assert "it was the last" in " ".join(last.stderr.split())
    done = asm_sim("sweep", path, "--out", store, "--resume")
    assert done.exit_code == 0
    assert "Heart failure" in done.stdout
    assert asm_sim("sweep", path, "--out", store).exit_code == 0  # finished: nothing to refuse


def test_until_says_so(sweep_file: MakeSweep, store: Path) -> None:
    given = ("sweep", sweep_file(draws=40), "--out", store, "--block-draws", "10")
    result = asm_sim(*given, "--until", "share_negative<0.02")
    said = " ".join(result.stderr.split())
    assert "share_negative < 0.02 holds for every scenario, cohort and year with" in said
    result = asm_sim(*given, "--resume", "--until", "share_negative<1e-9")
    assert "not reached with all 40 draws" in " ".join(result.stderr.split())


def test_verify_says_what_it_found(sweep_file: MakeSweep, store: Path) -> None:
    path = sweep_file()
    asm_sim("sweep", path, "--out", store)
    assert (
        "All blocks that are there hold"
        in asm_sim("sweep", path, "--out", store, "--verify").stderr
    )
    block = next((store / "blocks").rglob("*.npz"))
    block.write_bytes(b"nothing")
    said = asm_sim("sweep", path, "--out", store, "--verify").stderr
    assert f"Damaged, and run again: {block.parent.name}/{block.name}" in " ".join(said.split())


def test_duplicates_are_reported(sweep_file: MakeSweep, store: Path) -> None:
    path = sweep_file()
    text = path.read_text()
    share = "rules.payment.redistribution_share"
    path.write_text(text[: text.index("  grid")] + f"  list: {{a: {{}}, b: {{{share}: 0.85}}}}\n")
    said = asm_sim("sweep", path, "--out", store, "--plan").stderr
    assert "scenario 'b' has the same parameters as 'a'" in " ".join(said.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shard", "17/16"], "from 1/16 to 16/16"),
        (["--shard", "three"], "from 1/16 to 16/16"),
        (["--shard", "1/2", "--until", "share_negative<1%"], "--shard and --until"),
        (["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "choose one"),
        (["--until", "share_negative"], "write a variable"),
        (["--overwrite", "--resume"], "--overwrite starts anew"),
        (["--set", "rules.payment.nothing=1"], "unknown parameter"),
        (["--scheduler", "tcp://127.0.0.1:9"], "no scheduler answers"),
    ],
)
def test_what_cannot_be_done_is_one_message(
    options: list[str],
    said: str,
    sweep_file: MakeSweep,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "_CONNECTING", "1 s")
    assert said in refused("sweep", sweep_file(), "--out", store, *options)
    assert not store.exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[0.05, 0.1]", "[]", "at least one"),
        ("exchange.steepness", "exchange.steepnes", "did you mean 'steepness'"),
        ("[0.05, 0.1]", "[0.05, 0.1, -3]", "out of range"),
        ("steepness: 0.1,", "steepness: 0.3,", "compare_to"),
    ],
)
def test_a_wrong_file_is_one_message_with_its_line(
    old: str, new: str, said: str, sweep_file: MakeSweep, store: Path
) -> None:
    path = sweep_file()
    path.write_text(path.read_text().replace(old, new))
    message = refused("sweep", path, "--out", store)
    assert said in message
    assert "small_sweep.yaml, line" in message
    assert not store.exists()


def test_a_folder_that_is_not_ours_is_left_alone(sweep_file: MakeSweep, store: Path) -> None:
    store.mkdir()
    (store / "thesis.txt").write_text("years of work")
    for options in ([], ["--resume"], ["--overwrite"]):
        assert "holds no run" in refused("sweep", sweep_file(), "--out", store, *options)
    assert [path.name for path in store.iterdir()] == ["thesis.txt"]


def test_a_disk_that_fills_up(
    sweep_file: MakeSweep, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asm_sim.store.files import LocalFolder

    writing = LocalFolder.writing

    def full(self: LocalFolder, name: str) -> AbstractContextManager[BinaryIO]:
        if name.endswith(".npz") and any(store.rglob("*.npz")):
            raise OSError(28, "No space left on device")
        return writing(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(LocalFolder, "writing", full)
        result = asm_sim("sweep", sweep_file(), "--out", store)
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert "--resume goes on" in result.stderr
    done = asm_sim("sweep", sweep_file(), "--out", store, "--resume")
    assert done.exit_code == 0, done.output


def test_workers_of_this_machine(sweep_file: MakeSweep, store: Path, tmp_path: Path) -> None:
    """In a process of its own, as from a terminal; the bytes are those of threads."""
    path = sweep_file()
    words = [sys.executable, "-m", "asm_sim.cli.main", "sweep", str(path), "--workers", "2"]
    done = subprocess.run(
        [*words, "--out", str(store)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Heart failure" in done.stdout
    asm_sim("sweep", path, "--out", tmp_path / "threads")
    here, there = (
        {p.name: p.read_bytes() for p in (folder / "results.zarr").rglob("0*")}
        for folder in (store, tmp_path / "threads")
    )
    assert here == there


def test_the_slurm_script_runs(sweep_file: MakeSweep, store: Path, tmp_path: Path) -> None:
    """With `sbatch` and the array played by this test."""
    path, script = sweep_file(), tmp_path / "job array.sbatch"
    given = ("sweep", path, "--out", store, "--set", "rules.payment.risk_level={2027: 0.1}")
    result = asm_sim(*given, "--block-draws", "5", "--write-sbatch", script)
    assert result.exit_code == 0, result.output
    assert not store.exists()
    assert "exists already" in refused(*given, "--write-sbatch", script)
    text = script.read_text()
    assert "#SBATCH --array=1-12" in text
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    played = bin_folder / "sbatch"
    submitted_to = shlex.quote(str(tmp_path / "submitted"))
    played.write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" > {submitted_to}\n')
    played.chmod(0o755)
    assert "TMPDIR" not in text, "others could make a folder there first"
    script.write_text(text.replace("PARTS=12", "PARTS=2"))

    def task(number: int) -> None:
        subprocess.run(
            ["bash", str(script)],
            check=True,
            capture_output=True,
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{bin_folder}:{os.environ['PATH']}",
                "USER": "tester",
                "SLURM_CPUS_PER_TASK": "1",
                "SLURM_ARRAY_JOB_ID": "7",
                "SLURM_ARRAY_TASK_ID": str(number),
                "SLURM_ARRAY_TASK_MIN": "1",
                "SLURM_ARRAY_TASK_COUNT": "1",  # as when some parts are submitted again
            },
        )

    for number in (1, 2):
        task(number)
    submitted = (tmp_path / "submitted").read_text().splitlines()
    assert "--dependency=afterok:7" in submitted
    wrapped = next(line for line in submitted if line.startswith("--wrap="))
    words = shlex.split(wrapped.removeprefix("--wrap="))
    assert words[:3] == [sys.executable, "-m", "asm_sim"]
    last = asm_sim(*words[3:])
    assert last.exit_code == 0, last.output
    direct = asm_sim("sweep", *given[1:3], tmp_path / "direct", *given[4:])
    assert direct.exit_code == 0, direct.output
    table = pd.read_csv(store / "summary.csv")
    pd.testing.assert_frame_equal(table, pd.read_csv(tmp_path / "direct" / "summary.csv"))


def test_a_script_calls_the_program_that_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its absolute path, whatever a job's own path holds."""
    script = tmp_path / "asm-sim"
    script.touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["./asm-sim", "sweep"])
    assert shlex.split(sweep_command("grid", "s3://a/b", {}, []))[:2] == [str(script), "sweep"]
    monkeypatch.setattr(sys, "argv", ["/nowhere/asm-sim", "sweep"])
    assert program() == [sys.executable, "-m", "asm_sim"]


def test_the_password_of_a_url_is_nowhere(sweep_file: MakeSweep, tmp_path: Path) -> None:
    """Neither on the terminal nor in a script that others may read."""
    url, script = "https://user:SECRET@127.0.0.1:1/x", tmp_path / "j.sh"
    given = ["sweep", sweep_file(), "--out", url]
    said = refused(*given)
    assert "https://user:***@127.0.0.1:1/x" in said
    also = refused(*given, "--write-sbatch", script)
    assert "would hold the password" in also
    assert "SECRET" not in said + also
    assert not script.exists()


@pytest.mark.parametrize("verb", ["run", "sweep"])
@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("n" * 300, "too long"),
        ("~nosuchuser/x", "the home ~nosuchuser is not known"),
        ("simplecache::memory://x", "chained URLs are not taken"),
        ("zip://x", "is no scheme"),
        ("", "names no file or folder"),
    ],
)
def test_places_that_are_none(sweep_file: MakeSweep, verb: str, place: str, why: str) -> None:
    """Before anything is compiled or written."""
    path = sweep_file()
    file = path if verb == "sweep" else path.parent / "scenario.yaml"
    assert why in refused(verb, file, "--out", place)
