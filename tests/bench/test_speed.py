"""The promised ratios. Not part of an ordinary test run: ``pytest -m bench`` or ``make bench``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.bench
@pytest.mark.parametrize("part", ["kernel", "ablation", "levers", "jax", "end-to-end", "sweeps"])
def test_limits_are_met(part: str) -> None:
    """In a process of its own, since NumPy must be kept to one thread before it is loaded."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", f"--{part}-only"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
