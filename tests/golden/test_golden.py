"""Three draws of the shipped baseline are what they were."""

import json

import pytest

from tests.golden.make import FILE, numbers


def test_the_baseline_is_what_it_was() -> None:
    """``python -m tests.golden.make`` writes the numbers anew, where they were meant to change."""
    golden = json.loads(FILE.read_text())
    assert numbers() == pytest.approx(golden, rel=1e-10, abs=0)
