"""docs/json.md has every key that verbs print with ``--json``, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from typer.testing import CliRunner

from asm_sim.cli.main import app
from asm_sim.results.summary import summary_json
from asm_sim.score.example import write_example
from tests.conftest import MakeSweep

DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
ONLY_SOMETIMES = {"own_clinicians"}


def documented() -> dict[str, set[str]]:
    """The keys of each section's table, by what the section is of."""
    sections = DOCUMENT.read_text().split("\n## ")[1:]
    rows = {text.partition("\n")[0]: re.findall(r"^\| (`.*?) \|", text, re.M) for text in sections}
    return {name: set(re.findall(r"`([^`]+)`", " ".join(keys))) for name, keys in rows.items()}


def printed(*arguments: str) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    "verb", ["roster", "rules", "parameters", "variables", "scenarios", "studies", "doctor"]
)
def test_what_a_verb_prints_is_documented(verb: str) -> None:
    answer = printed(verb)
    entries = answer if isinstance(answer, list) else [answer]
    for entry in entries:
        assert set(entry) == documented()[f"asm-sim {verb}"]


def test_the_book_is_documented() -> None:
    keys = documented()["asm-sim rules book"]
    assert set(printed("rules", "book")) == keys


def test_entries_of_lists_are_documented() -> None:
    text = DOCUMENT.read_text()
    for verb, key in (("variables", "variables"), ("studies", "parts")):
        answer = printed(verb)
        first = answer[0][key][0] if isinstance(answer, list) else answer[key][0]
        listed = next(
            line for line in text.splitlines() if line.startswith(f"| `{key}` | each with `name`")
        )
        assert set(re.findall(r"`([^`]+)`", listed)) == {key, *first}


def test_a_summary_is_documented(small_run: xr.Dataset) -> None:
    assert set(summary_json(small_run)) == documented()["asm-sim run"] - ONLY_SOMETIMES


def test_a_plan_and_an_explanation_are_documented(sweep_file: MakeSweep, tmp_path: Path) -> None:
    plan = printed("sweep", str(sweep_file()), "--plan", "--out", str(tmp_path / "store"))
    assert set(plan) == documented()["asm-sim sweep --plan"]
    table = write_example(tmp_path)
    explanation = printed("explain", str(table), "--clinician", "00101")
    assert set(explanation) == documented()["asm-sim explain"]
    assert set(printed("runs", str(tmp_path))) == documented()["asm-sim runs"]
