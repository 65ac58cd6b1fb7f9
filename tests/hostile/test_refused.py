"""Every malformed input is one message with the right exit code, and nothing has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import arguments, scenarios, stores, tables
from tests.hostile.harness import Hostile, check

CASES: list[Hostile] = [
    *scenarios.CASES,
    *arguments.CASES,
    *stores.CASES,
    *tables.CASES,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(case: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asm_sim.store.blocks._PAUSE", 0)  # nobody else is about to write a mark
    check(case, tmp_path, monkeypatch)
