"""Compile the kernels before the tests, on two cores: ``python -m tests.compile_first``.

Compiled kernels are kept on disk, so without it every process of the tests would compile its own.
"""

from __future__ import annotations

import subprocess
import sys

SIMULATE = "import asm_sim as asm; asm.simulate('baseline', draws=1)"
SCORE = """
import asm_sim as asm
from asm_sim.engine.export import cohort_table
asm.score(cohort_table().drop(columns='practice_class'))
cohort_table(asm.load_scenario('effort-response'))
"""


def main() -> int:
    """The exit code of the first part that failed, 0 if none did."""
    parts = [subprocess.Popen([sys.executable, "-c", part]) for part in (SIMULATE, SCORE)]
    return next((code for code in [part.wait() for part in parts] if code), 0)


if __name__ == "__main__":
    sys.exit(main())
