"""What draws free is kept for what they ask for next: the machine hands out no page twice."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

ROUNDS, AT_ONCE = 10, 4
FAULTS = f"""
import resource, sys
import numpy as np
from asm_sim.memory import keep_what_is_freed

if sys.argv[1] == "kept":
    keep_what_is_freed()

def pages() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

before = pages()
for _ in range({ROUNDS}):
    rooms = [np.ones(10_000_000, np.uint8) for _ in range({AT_ONCE})]
    del rooms
print(pages() - before)
"""


def handed_out(how: str) -> int:
    """Pages that a process of its own gets from the machine, in rounds that take and free 40 MB.

    Without what says otherwise to the C library, as dask does in the process that starts workers.
    """
    usual = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True, env=usual
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep it or not")
def test_freed_memory_is_kept_for_what_comes_next() -> None:
    assert handed_out("kept") < handed_out("usual") / 3
