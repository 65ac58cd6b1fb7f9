"""Every malformed input is one message with the right exit code, and nothing has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import scenarios
from tests.hostile.harness import Hostile, check

CASES: list[Hostile] = [*scenarios.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(case: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(case, tmp_path, monkeypatch)
