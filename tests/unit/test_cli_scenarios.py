"""``asm-sim scenarios``: by theme, found by a word, and the JSON Schema of their files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from asm_sim.cli.main import app
from asm_sim.scenario.json_schema import scenario_schema
from asm_sim.scenario.load import SHELF, load_scenario, shipped
from asm_sim.scenario.themes import THEMES

STEEPNESS = "rules.payment.exchange.steepness"


def asm_sim(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, ["scenarios", *arguments])


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = scenario_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def as_json(text: str) -> Any:
    """A YAML file as an editor's checker sees it: keys of mappings are texts."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def test_every_scenario_stands_under_one_theme() -> None:
    themed = [name for names in THEMES.values() for name in names]
    assert sorted(themed) == SHELF.names()
    printed = asm_sim().stdout
    assert [printed.index(theme) for theme in THEMES] == sorted(map(printed.index, THEMES))
    assert all(f"\n{name} " in printed for name in themed)
    assert max(map(len, printed.splitlines()[:-1])) <= 80


def test_a_word_finds() -> None:
    found = {
        entry["name"]: entry["theme"] for entry in json.loads(asm_sim("steep", "--json").stdout)
    }
    assert {"steepness-high", "steepness-low", "steepness-by-redistribution"} <= set(found)
    assert len(found) < len(shipped()) / 4
    assert found["steepness-high"] == "How a score becomes an adjustment"
    assert "small-practices-report-together" in asm_sim("small practices").stdout
    one = asm_sim("steepness-by-redistribution").stdout
    assert one.endswith("asm-sim sweep steepness-by-redistribution\n")


def test_a_mistyped_name_gets_the_nearest_three() -> None:
    told = asm_sim("stepness-hig")
    assert told.exit_code == 2
    assert (
        "(did you mean 'steepness-high' or 'steepness-low'?), and none is about it" in told.stderr
    )
    run = CliRunner().invoke(app, ["run", "risk-8-percent"])
    hint = "(did you mean 'risk-9-percent', 'risk-2-percent' or 'risk-12-percent'?)"
    assert hint in run.stderr
    assert run.stderr.rstrip().endswith("one that is shipped: see `asm-sim scenarios`")


@pytest.mark.parametrize("name", SHELF.names())
def test_every_shipped_scenario_is_valid(name: str, validator: Draft202012Validator) -> None:
    given = as_json((SHELF.folder / f"{name}.yaml").read_text())
    assert [error.message for error in validator.iter_errors(given)] == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("description: no title", ""),
        ("title: a\ndrawz: 5", ""),
        ("title: a\ndraws: 0", "draws"),
        ("title: a\nlayers: {population: maybe}", "layers/population"),
        (f"title: a\nset: {{{STEEPNESS}: -3}}", f"set/{STEEPNESS}"),
        ("title: a\nset: {payment.risk_level: 0.1}", "set"),
        (
            "title: a\nsweep: {grid: {rules.payment.risk_level: 0.1}}",
            "sweep/grid/rules.payment.risk_level",
        ),
        ("title: a\nsweep: {grids: {}}", "sweep"),
        ("title: a\nsweep: {design: {method: sobols, n: 4, over: {}}}", "sweep/design/method"),
    ],
)
def test_what_is_wrong_is_found(text: str, at: str, validator: Draft202012Validator) -> None:
    places = {"/".join(map(str, error.path)) for error in validator.iter_errors(as_json(text))}
    assert at in places


def test_the_schema_describes_every_parameter() -> None:
    printed = json.loads(asm_sim("--schema").stdout)
    known = printed["properties"]["set"]["properties"]
    leaves = load_scenario().leaves()
    assert set(known) == set(leaves)
    assert known[STEEPNESS]["minimum"] == leaves[STEEPNESS].range[0]
    assert known["rules.payment.exchange.form"]["anyOf"][0]["enum"] == (
        leaves["rules.payment.exchange.form"].choices
    )
