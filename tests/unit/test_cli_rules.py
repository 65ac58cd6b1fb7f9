"""``asm-sim rules`` and what all verbs have in common."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner, Result

from asm_sim.cli.main import app
from asm_sim.cli.terminal import Terminal
from asm_sim.cli.verbs import VERBS
from asm_sim.results.effects import shipped_effects
from asm_sim.rules.load import load_rules, parameters
from asm_sim.statuses import OPEN, Status

RULES = load_rules()


def asm_sim(*arguments: str, columns: int = 80) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(columns)})


def in_a_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "asm_sim.cli.main", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def as_data(*arguments: str) -> dict[str, Any]:
    result = asm_sim("rules", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_table_holds_every_parameter_whole(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Terminal, "is_terminal", True)
    monkeypatch.setenv("TERM", "xterm")
    result = asm_sim("rules", columns=columns)
    assert result.exit_code == 0
    printed = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    width = max(columns, 72)
    assert all(len(line) <= width for line in printed.splitlines())
    assert "…" not in printed
    for path, parameter in parameters(RULES):
        section, _, name = path.rpartition(".")
        assert f"{section}\n" in "\n".join(line.rstrip() for line in printed.splitlines())
        assert name in printed
        assert parameter.status in printed
    if columns == 200:
        for _, parameter in parameters(RULES):
            assert squeezed(parameter.source) in squeezed(printed)
            assert squeezed(f"({parameter.unit})") in squeezed(printed)


@pytest.mark.parametrize("verb", ["rules", "parameters"])
def test_each_parameter_is_a_line_where_the_output_is_piped(verb: str) -> None:
    """With its whole path, so that grep finds it with all that is known of it."""
    printed = asm_sim(verb, columns=40).stdout.splitlines()[1:]
    told = dict(line.split(": ", 1) for line in printed)
    assert len(told) == len(printed)
    for path, parameter in parameters(RULES):
        assert f"({parameter.unit})" in told[path]
        assert parameter.description in told[path]
        assert told[path].endswith(f"{parameter.source}; {parameter.status}")


def test_values_are_told_by_year() -> None:
    text = squeezed(asm_sim("rules", columns=200).stdout)
    assert squeezed("2027-2028: 0.09, 2029: 0.1, 2030: 0.11, 2031: 0.12") in text
    changed = asm_sim("rules", "--set", "rules.payment.risk_level={2027: 0.02}", columns=200)
    assert squeezed("2027: 0.02, 2028: 0.09, 2029: 0.1") in squeezed(changed.stdout)


def test_json_carries_all_fields() -> None:
    data = as_data()
    assert (data["id"], data["rule_year"]) == ("asm-2026-final", "2026 final")
    assert [entry["path"] for entry in data["parameters"]] == [p for p, _ in parameters(RULES)]
    steepness = next(e for e in data["parameters"] if e["path"].endswith("exchange.steepness"))
    assert steepness["value"] == 0.1
    assert steepness["value_by_year"] == dict.fromkeys(map(str, RULES.years), 0.1)
    assert steepness["status"] == "precedent"
    assert (steepness["low"], steepness["high"]) == (0.05, 0.2)
    for field in ("unit", "source", "description", "range"):
        assert steepness[field]
    form = next(e for e in data["parameters"] if e["path"].endswith("exchange.form"))
    assert (form["value"], form["status"]) == ("logistic", "secondary")
    assert form["choices"] == ["logistic", "linear", "rank", "threshold"]
    for word in form["choices"]:
        assert word in form["description"]
    risk = next(e for e in data["parameters"] if e["path"] == "rules.payment.risk_level")
    assert risk["value_by_year"]["2031"] == 0.12


@pytest.mark.parametrize("status", get_args(Status))
def test_status_chooses(status: str) -> None:
    expected = [path for path, parameter in parameters(RULES) if parameter.status == status]
    found = [entry["path"] for entry in as_data("--status", status)["parameters"]]
    assert (sorted(found) if status in OPEN else found) == (
        sorted(expected) if status in OPEN else expected
    )
    text = asm_sim("rules", "--status", status).stdout
    number = "1 parameter" if len(expected) == 1 else f"{len(expected)} parameters"
    assert squeezed(f"{number} of status {status}") in squeezed(text)


def test_the_open_questions_alone_and_what_each_could_be() -> None:
    data = as_data("--status", "assumption,precedent")
    listed = {entry["path"]: entry for entry in data["parameters"]}
    assert set(listed) == {path for path, leaf in parameters(RULES) if leaf.is_open}
    sizes = shipped_effects().sizes()
    in_order = [sizes.get(path, 0.0) for path in listed]
    assert in_order == sorted(in_order, reverse=True)
    assert next(iter(listed)) == "rules.payment.exchange.steepness"
    assert len(listed) <= 30
    for path, entry in listed.items():
        drawn = entry["readings"] is not None or None not in (entry["low"], entry["high"])
        assert drawn != bool(entry["held"]), path
    text = asm_sim("rules", "--status", "precedent, assumption", columns=200).stdout
    assert f"{len(listed)} parameters of status precedent or assumption" in text
    assert "plausible 0.05 to 0.2" in text
    assert "plausible reweight (0.6), neutral (0.2), zero (0.2)" in text
    assert "not drawn: at the risk level it cannot bind" in text
    for settled in ("suspended", "UTILIZATION", "national.", "shrinkage", "redistribution_share"):
        assert not any(settled in path for path in listed)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--status", "assumtion"], "did you mean 'assumption'?"),
        (["--status", "[/red]"], "regulation,published,secondary"),
        (["--status", "assumption,"], "no status is called ''"),
        (["[/red]"], "[/red]: there is no such file"),
        (["asm-2062-final"], "did you mean 'asm-2026-final'"),
        (["--set", "payment.cap=[red]"], "cap"),
    ],
)
def test_mistakes_are_one_message(arguments: list[str], expected: str) -> None:
    result = asm_sim("rules", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr
    assert "Traceback" not in result.stderr


def test_a_rule_set_of_ones_own_may_hold_markup(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "extends: asm-2026-final\ntitle: '[/red] é'\n"
        "payment: {cap: {source: '[bold]mine[/italic] :smile:'}}\n"
    )
    result = asm_sim("rules", str(own))
    assert result.exit_code == 0, result.exception
    assert "[/red] é" in result.stdout
    assert "[bold]mine[/italic] :smile:" in result.stdout
    run = in_a_process("rules", str(own), PYTHONIOENCODING="ascii")
    assert run.returncode == 0, run.stderr
    assert "[/red] \\xe9" in run.stdout


def test_help_without_arguments_and_version() -> None:
    for arguments in ([], ["--help"], ["-h"]):
        result = asm_sim(*arguments)
        assert result.exit_code == 0
        assert all(verb in result.stdout for verb in VERBS)
    assert asm_sim("--version").stdout.startswith("asm-sim ")
    for verb in VERBS:
        assert asm_sim(verb, "--help").exit_code == 0
    assert "'score'" in asm_sim("scoer").stderr


@pytest.mark.parametrize("arguments", [["scoer"], ["[/red]"], ["score", "--bogus"], ["run", "--x"]])
def test_unknown_verbs_and_options_are_bad_input(arguments: list[str]) -> None:
    result = asm_sim(*arguments)
    assert result.exit_code == 2
    assert arguments[-1] in result.stderr


def test_help_imports_nothing_heavy() -> None:
    heavy = "numpy pandas numba xarray matplotlib pydantic scipy zarr ruamel asm_sim.rules.load"
    code = (
        "import sys\nfrom asm_sim.cli.main import app\napp(['--help'], standalone_mode=False)\n"
        f"print([m for m in {heavy.split()!r} if m in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert run.stderr.strip() == "[]"


def test_a_closed_pipe_is_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "asm_sim.cli.main", "rules"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
