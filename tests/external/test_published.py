"""The table of published results itself, and how it is printed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import asm_sim.reproductions.table as table
from asm_sim.cli.main import app
from asm_sim.cli.theory import LABEL, WIDTH
from asm_sim.reproductions.bench import FULL, SMALL
from asm_sim.reproductions.published import Result, published
from asm_sim.reproductions.table import MEANS, Row
from tests.external.rows import rows

ANALYTIC = ("snf-worst", "hhvbp-slope", "hhvbp-adjustments")


def test_every_result_can_be_computed_and_every_one_is_cited() -> None:
    assert [result.id for result in published()] == list(MEANS)
    for result in published():
        assert result.citation
        assert result.condition
        names = [value.of for value in result.values]
        assert len(set(names)) == len(names)
        assert max(map(len, names)) <= LABEL
        derived = result.certainty == "derived"
        assert all(value.is_published != derived for value in result.values) or result.id in {
            "snf-below-one"
        }


def test_tolerances_grow_as_the_size_falls() -> None:
    assert FULL.slack == 1.0
    assert SMALL.slack == 2.0


def row(published: float | None, closed: float, simulated: float, **value: object) -> Row:
    result = hayward()
    of = result.values[0].model_copy(update={"published": published, **value})
    return Row(result, of, closed, simulated, 0.01, tolerance=0.02)


def hayward() -> Result:
    return next(result for result in published() if result.id == "hayward-estimated")


def test_what_agrees() -> None:
    assert row(0.5, 0.6, 0.519).agrees
    assert not row(0.5, 0.6, 0.521).agrees
    assert row(None, 0.5, 0.519).agrees  # with the closed form
    assert not row(None, 0.5, 0.479).agrees
    assert row(None, 0.9, 0.029, at_most=0.01).agrees
    assert not row(None, 0.0, 0.031, at_most=0.01).agrees
    assert row(None, 0.9, 0.1, at_least=0.04, at_most=0.11).agrees
    assert not row(None, 0.9, 0.01, at_least=0.04, at_most=0.11).agrees
    known = row(0.5, 0.6, 0.6, reproduced=False)
    assert not known.agrees
    assert known.as_it_should
    assert not replace(known, simulated=0.5).as_it_should


def test_the_table_fits_80_columns_and_says_what_is_fitted_and_what_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the results that are not simulated, and one that is known to fail, made up."""
    failing = next(r for r in published() if r.id == "adams-twice-the-episodes")
    found = [*rows(only=ANALYTIC), Row(failing, failing.values[0], 0.1297, 0.1295, 0.001, 0.005)]
    monkeypatch.setattr(table, "rows", lambda _: iter(found))
    result = CliRunner().invoke(app, ["doctor", "--published"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= WIDTH
    (fails,) = [line for line in lines if line.lstrip().startswith("15 %")]
    assert fails.split()[-5:] == ["0.15", "0.130", "0.1295", "±0.0010", "no"]
    text = " ".join(result.stdout.split())
    assert "One number is fitted to what it reproduces: the share paid out of row 1" in text
    assert "Known not to be reproduced: 4c (15 %)." in text
    assert "12 of 13 numbers agree" in text
    assert "Not all of the condition was seen in rows 2, 2b." in text
    told = CliRunner().invoke(app, ["doctor", "--published", "--json"])
    records = json.loads(told.stdout)
    assert [record["agrees"] for record in records] == [True] * 12 + [False]
    assert records[0] | {"closed_form": 0, "simulated": 0} == {
        **records[0], "row": "1c", "published": -1.98, "closed_form": 0, "simulated": 0,
    }  # fmt: skip
    found[0] = replace(found[0], simulated=3.0)
    broken = CliRunner().invoke(app, ["doctor", "--published"])
    assert broken.exit_code == 1
    assert "NOT AS IT SHOULD BE: 1c (2019, best 1.6)." in " ".join(broken.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--published", "--calibration"], "--calibration and --published: choose one"),
        (["runs/x", "--published"], "runs/x and --published: choose one"),
        (["--theory", "--published"], "--published and --theory: choose one"),
        (["runs/x", "--theory", "--draws", "3"], "the draws are those of the run"),
        (["runs/none", "--theory"], "runs/none"),
    ],
)
def test_what_does_not_go_together(arguments: list[str], expected: str) -> None:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stdout == ""
