"""Compile the kernels before the tests, on two cores: ``python -m tests.compile_first``.

Compiled kernels are kept on disk, so without it every process of the tests would compile its own.
"""

from __future__ import annotations

import subprocess
import sys

SIMULATE = "import asm_sim as asm; asm.simulate('baseline', draws=1)"
OTHERS = """
import asm_sim as asm
from asm_sim.engine.draw_table import observed_years
from asm_sim.engine.plan import make_plan
from asm_sim.kernels.rule.cohort import fit_and_score, score
from asm_sim.kernels.rule.mips import mips_scores

plan = make_plan(asm.load_scenario('baseline'))
part = plan.cohorts[0]
seen = observed_years(plan, part, 0)[0].observed
score(seen, part.rules, 0, fit_and_score(seen, part.rules, 0)[1])
mips_scores(seen, part.mips, 0)
"""


def main() -> int:
    """The exit code of the first part that failed, 0 if none did."""
    parts = [subprocess.Popen([sys.executable, "-c", part]) for part in (SIMULATE, OTHERS)]
    return next((code for code in [part.wait() for part in parts] if code), 0)


if __name__ == "__main__":
    sys.exit(main())
