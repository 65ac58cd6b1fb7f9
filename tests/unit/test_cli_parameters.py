"""``asm-sim parameters``: rule, population and comparator, searched, and what is open by effect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from asm_sim.cli import listing
from asm_sim.cli.main import app
from asm_sim.results.effects import Effect, Effects
from asm_sim.scenario.load import load_scenario
from asm_sim.statuses import OPEN

LEAVES = load_scenario("baseline").leaves()
STEEPNESS = "rules.payment.exchange.steepness"
RELIABILITY = "population.cost.reliability_at_20.HF"


def asm_sim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["parameters", *arguments], env={"COLUMNS": "200"})


def as_data(*arguments: str) -> dict[str, Any]:
    result = asm_sim(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def paths(data: dict[str, Any]) -> list[str]:
    return [entry["path"] for entry in data["parameters"]]


@pytest.fixture
def known_effects(monkeypatch: pytest.MonkeyPatch) -> Effects:
    """A made-up table in which reliability matters more than steepness, and both clearly."""
    rows = [
        Effect(STEEPNESS, "low", "0.05", "0.1", "per point", "HF", 0.02, 0.001),
        Effect(STEEPNESS, "high", "0.2", "0.1", "per point", "HF", -0.01, 0.001),
        Effect(RELIABILITY, "low", "0.35", "0.5", "reliability", "HF", -0.04, 0.001),
        Effect(STEEPNESS, "low", "0.05", "0.1", "per point", "LBP", 0.001, 0.001),
    ]
    effects = Effects({}, tuple(rows))
    monkeypatch.setattr(listing, "effects_for", lambda _: effects)
    return effects


def test_everything_that_can_be_set_is_listed() -> None:
    data = as_data()
    assert paths(data) == list(LEAVES)
    assert {path.partition(".")[0] for path in paths(data)} == {"rules", "population", "mips"}
    assert (data["scenario"], data["rule_year"]) == ("baseline", "2026 final")
    text = asm_sim().stdout
    assert f"{len(LEAVES)} parameters" in text


@pytest.mark.parametrize("word", ["reliability", "Interoperability", "exchange", "ecqm share"])
def test_a_word_is_looked_for_in_path_and_description(word: str) -> None:
    found = paths(as_data(word))
    said = {
        path: f"{path} {path.replace('_', ' ')} {leaf.description}".lower()
        for path, leaf in LEAVES.items()
    }
    assert {path for path, text in said.items() if word.lower() in text} <= set(found)
    assert len(found) < len(LEAVES) / 3


def test_statuses_choose() -> None:
    expected = [path for path, leaf in LEAVES.items() if leaf.status in {"precedent", "lever"}]
    assert paths(as_data("--status", "lever,precedent")) == expected
    both = paths(as_data("steepness", "--status", "precedent"))
    assert both == [STEEPNESS]


def test_what_is_open_comes_by_its_effect(known_effects: Effects) -> None:
    data = as_data("--status", ",".join(OPEN))
    assert paths(data)[:2] == [RELIABILITY, STEEPNESS]
    rest = [path for path, leaf in LEAVES.items() if leaf.is_open]
    assert paths(data)[2:] == [path for path in rest if path not in paths(data)[:2]]
    assert data["parameters"][1]["effects"] == [
        row._asdict() for row in known_effects.of(STEEPNESS)
    ]
    text = asm_sim("--status", "precedent,assumption").stdout
    assert "the largest first" in text
    assert text.index(RELIABILITY) < text.index(STEEPNESS)
    moved = "moves the share of penalties by +2.0 at 0.05, -1.0 at 0.2 (HF) percentage points"
    assert moved in text
    assert paths(as_data())[0] == next(iter(LEAVES))  # everything is as it is documented


def test_another_scenario_has_its_own_values() -> None:
    other = as_data("steepness", "--scenario", "steepness-high")
    assert {e["path"]: e["value"] for e in other["parameters"]}[STEEPNESS] == 0.2
    assert all(entry["effects"] == [] for entry in other["parameters"])
    changed = as_data("steepness", "--set", f"{STEEPNESS}={{2027: 0.05}}")
    by_year = next(e for e in changed["parameters"] if e["path"] == STEEPNESS)["value_by_year"]
    assert by_year == {"2027": 0.05, "2028": 0.1, "2029": 0.1, "2030": 0.1, "2031": 0.1}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["stepness"], "no parameter is about 'stepness' (did you mean 'steepness'?)"),
        (["--status", "open"], "no status is called 'open'"),
        (["--scenario", "basline"], "did you mean 'baseline'?"),
    ],
)
def test_mistakes_are_one_message(arguments: list[str], expected: str) -> None:
    result = asm_sim(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr
