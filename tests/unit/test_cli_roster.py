"""``asm-sim roster``: what was understood, before anything is simulated."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from asm_sim.cli.main import app
from tests.conftest import roster_rows, write_roster


def asm_sim_roster(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["roster", *map(str, arguments)])


def test_the_shipped_roster_is_shown_without_a_name() -> None:
    result = asm_sim_roster("--json")
    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout)
    assert shown["roster"] == "participant_roster_2027_preliminary.csv"
    assert (shown["clinicians"], shown["practices"]) == (6510, 2578)
    assert shown["cohorts"]["HF"]["clinicians"] == 2607
    assert shown["most_listed_in_a_practice"] < 100
    assert sum(shown["practices_by_clinicians_listed"].values()) == 2578
    assert sum(shown["states"].values()) + shown["without_state"] == 6510
    assert shown["stated"] == {}
    assert shown["notes"] == []


def test_what_is_shown_of_a_roster_of_ones_own(tmp_path: Path) -> None:
    rows = [row | {"episodes": "", "rural": "NA"} for row in roster_rows()]
    rows[0] |= {"state": "", "episodes": "30"}
    rows[1] |= {"state": "tx"}
    write_roster(tmp_path / "mine.csv", rows)
    text = (tmp_path / "mine.csv").read_text()
    (tmp_path / "mine.csv").write_text(f"Ours\n{text}")
    result = asm_sim_roster(tmp_path / "mine.csv")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("mine.csv: 150 clinicians in ")
    assert "HF              70" in result.stdout
    assert "Clinicians by state: OH: 148; TX: 1; 1 without a state" in lines
    assert "Stated, and not drawn: episodes: 1" in lines
    assert "Note: line 1, before the header, left out" in lines


def test_a_roster_that_cannot_be_used_is_bad_input_with_all_problems(tmp_path: Path) -> None:
    rows = roster_rows()
    rows[2]["cohort"] = "Hf?"
    rows[3]["small_practice"] = "perhaps"
    write_roster(tmp_path / "mine.csv", rows)
    result = asm_sim_roster(tmp_path / "mine.csv")
    assert result.exit_code == 2
    assert "line 4, cohort: 'Hf?' is not in the rule set" in result.stderr
    assert "line 5, small_practice: 'perhaps' is not 0 or 1" in result.stderr
    assert result.stdout == ""
    for name in ("none.csv", "x" * 300, "/dev/zero", str(tmp_path)):
        result = asm_sim_roster(name)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
        assert len(result.stderr.splitlines()) == 1


def test_a_roster_is_read_for_a_scenario(tmp_path: Path) -> None:
    rows = [row | {"cohort": "COPD"} for row in roster_rows()]
    write_roster(tmp_path / "mine.csv", rows)
    assert "'COPD' is not in the rule set" in asm_sim_roster(tmp_path / "mine.csv").stderr
    result = asm_sim_roster(tmp_path / "mine.csv", "--scenario", "third-condition")
    assert result.exit_code == 0, result.stderr
