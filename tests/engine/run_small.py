"""Run a scenario into a folder, step by step: ``python -m tests.engine.run_small SCENARIO FOLDER``.

A process for the tests to kill: blocks of two draws, and before each a line on standard output,
which stays the last until a line comes on standard input, or its end.
"""

from __future__ import annotations

import sys
from pathlib import Path

from asm_sim.engine import execute
from asm_sim.scenario.load import load_scenario
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import LocalFolder
from asm_sim.store.work import work_of

BLOCK_DRAWS = 2


def main(scenario: str, folder: str) -> None:
    execute.DRAWS_PER_TASK = 1

    def report(done: int, total: int) -> None:
        print(f"{done} of {total}", flush=True)
        sys.stdin.readline()

    work = work_of(load_scenario(scenario), BLOCK_DRAWS)
    carry_out(LocalFolder(Path(folder)), work, progress=report)


if __name__ == "__main__":
    main(*sys.argv[1:])
