"""Nothing that the package computes has moved by a bit."""

from __future__ import annotations

import json

import pytest

from tests.golden.bits import FILE, Ledger, ledger, surroundings

KEPT = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def now() -> Ledger:
    if KEPT["surroundings"] != surroundings():
        pytest.skip("bits are promised for one set of versions and one architecture")
    return ledger()


def test_the_ledger_holds(now: Ledger) -> None:
    """``python -m tests.golden.bits`` writes it anew, where bits were meant to move."""
    kept = {name: part for name, part in KEPT.items() if name != "surroundings"}
    moved = [
        f"{name}: {what}"
        for name in {**kept, **now}
        for what in {**kept.get(name, {}), **now.get(name, {})}
        if kept.get(name, {}).get(what) != now.get(name, {}).get(what)
    ]
    assert moved == []
