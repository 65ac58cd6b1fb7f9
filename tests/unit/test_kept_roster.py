"""A shipped roster that is kept is the one that would be read; of one's own nothing is kept."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asm_sim import kept
from asm_sim.errors import InputError
from asm_sim.parameters import with_values
from asm_sim.population import kept_roster
from asm_sim.population.among import SHIPPED
from asm_sim.population.kept_roster import roster_at
from asm_sim.population.load import DATA
from asm_sim.population.roster import Roster, read_roster
from asm_sim.scenario.load import load_scenario


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are read cell by cell, as they are."""
    paths: list[Path] = []

    def noted(path: Path, *given: Any) -> Roster:
        paths.append(path)
        return read_roster(path, *given)

    monkeypatch.setattr(kept_roster, "read_roster", noted)
    return paths


def test_what_is_kept_is_what_would_be_read(folder: Path, read: list[Path]) -> None:
    scenario = load_scenario()
    parts = scenario.rules, scenario.population
    roster_at(DATA / SHIPPED, *parts)
    found, expected = roster_at(DATA / SHIPPED, *parts), read_roster(DATA / SHIPPED, *parts)
    assert len(read) == 1
    for field in fields(expected):
        here, there = getattr(found, field.name), getattr(expected, field.name)
        assert type(here) is type(there), field.name
        np.testing.assert_array_equal(here, there)
        assert getattr(here, "dtype", None) == getattr(there, "dtype", None)
    other = with_values(scenario.population, {"practice.size_classes": [2.0, 14.0, 49.0]})
    roster_at(DATA / SHIPPED, scenario.rules, other)
    assert len(read) == 2, "what a roster may state depends on the population"
    assert len(list(folder.glob("roster-*.json"))) == 2


def test_another_reader_reads_anew(
    folder: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = load_scenario()
    roster_at(DATA / SHIPPED, scenario.rules, scenario.population)
    monkeypatch.setattr(kept, "readers", lambda: b"another")
    roster_at(DATA / SHIPPED, scenario.rules, scenario.population)
    assert len(read) == 2
    assert len(list(folder.glob("roster-*.json"))) == 2


def test_of_ones_own_nothing_is_kept(folder: Path, read: list[Path], tmp_path: Path) -> None:
    scenario = load_scenario()
    own = shutil.copy(DATA / SHIPPED, tmp_path / "own.csv")
    for _ in range(2):
        roster_at(Path(own), scenario.rules, scenario.population)
    with pytest.raises(InputError, match="there is no such file"):
        roster_at(tmp_path / "none.csv", scenario.rules, scenario.population)
    assert len(read) == 3
    assert not list(folder.glob("roster-*"))
