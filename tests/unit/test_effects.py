"""The shipped effects: of which run they are, which are named, and how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from asm_sim.results import effects
from asm_sim.results.effects import (
    BELONGS_TO,
    Effect,
    Effects,
    effects_of,
    in_points,
    shipped_effects,
    told,
    write_effects,
)


def row(path: str, end: str, cohort: str, change: float, mcse: float) -> Effect:
    return Effect(
        path, end, {"low": "1", "high": "3"}.get(end, end), "2", "1", cohort, change, mcse
    )


ABOUT = {
    "scenario": "baseline", "performance_year": 2027, "draws": 8, "seed": "1", "rules": "r",
    "population": "p", "rules_hash": "a", "population_hash": "b", "roster_hash": "c",
    "asm_sim_version": "0",
}  # fmt: skip
ROWS = (
    row("x", "low", "HF", 0.02, 0.001),
    row("x", "high", "HF", -0.05, 0.002),
    row("x", "low", "LBP", 0.0, 0.0),
    row("y", "zero", "HF", 0.004, 0.0021),
    row("y", "zero", "LBP", 0.031, 0.004),
    row("z", "low", "HF", 0.01, 0.02),
)


def test_named_are_the_clear_ones_the_largest_first() -> None:
    held = Effects(ABOUT, ROWS)
    assert held.sizes() == {"x": 0.05, "y": 0.031, "z": 0.01}
    assert held.named() == [list(ROWS[:3]), list(ROWS[3:5])]
    assert held.named("LBP") == [[ROWS[4]]]
    assert held.named("HF", most=1) == [list(ROWS[:2])]
    assert held.named("HF") == [list(ROWS[:2])]  # 0.004 is less than two errors
    assert held.of("z") == ROWS[5:]


def test_they_are_written_in_percentage_points_as_far_as_they_are_known() -> None:
    assert told(ROWS[:2]) == "+2.0 at 1, -5.0 at 3"
    assert told(ROWS[2:4]) == ""
    assert told([ROWS[4]]) == "+3.1 at zero"
    assert in_points(row("x", "low", "HF", 0.123, 0.02)) == "+12"
    assert in_points(row("x", "low", "HF", 0.001234, 0.0)) == "+0.12"


def test_they_come_back_as_they_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "effects.json"
    write_effects(Effects(ABOUT | {"title": "left out"}, ROWS), file)
    monkeypatch.setattr(effects, "FILE", file)
    shipped_effects.cache_clear()
    try:
        assert shipped_effects() == Effects(ABOUT, ROWS)
    finally:
        shipped_effects.cache_clear()


def test_they_are_those_of_runs_with_the_same_hashes() -> None:
    shipped = shipped_effects()
    same = {name: shipped.about[name] for name in BELONGS_TO} | {"scenario": "parameters drawn"}
    assert effects_of(same) is shipped
    assert effects_of({"rules_hash": same["rules_hash"]}) is shipped
    assert effects_of({}) is None
    for name in BELONGS_TO:
        assert effects_of(same | {name: "other"}) is None
