"""Many processes that start together on one machine compile once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from asm_sim.engine.compiled import _alone
print("ready", flush=True)
sys.stdin.readline()
with _alone():
    print("in", flush=True)
    sys.stdin.readline()
"""


def start() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_one_compiles_while_the_others_wait_and_a_kill_frees_them() -> None:
    first, second = start(), start()
    try:
        assert first.stdout is not None
        assert second.stdout is not None
        tell(first)
        assert first.stdout.readline() == "in\n"
        tell(second)
        try:
            second.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            waiting = True
        assert waiting
        first.kill()
        assert second.stdout.readline() == "in\n"
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()
