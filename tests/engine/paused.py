"""``asm-sim sweep`` with stops: ``python -m tests.engine.paused SAID STOP ARGUMENTS...``.

A process for the tests to kill. It says "now" when SAID draws are done, and stops when STOP are,
or where it would have ended, until a line comes on standard input, or its end.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from asm_sim.cli.main import main
from asm_sim.store import cluster, progress

SUBMITTED = 16  # blocks that a cluster may be ahead


@contextmanager
def _told(said: int, stop: int) -> Iterator[progress.Progress]:
    """In place of the progress bar."""

    def report(done: int, _total: int) -> None:
        if done == said:
            print("now", flush=True)
        if done == stop:
            sys.stdin.readline()

    yield report


if __name__ == "__main__":
    said, stop = map(int, sys.argv[1:3])
    del sys.argv[1:3]
    progress.on_terminal = lambda: _told(said, stop)
    cluster._SUBMITTED = SUBMITTED
    try:
        main()
    except SystemExit as end:
        if not end.code:
            sys.stdin.readline()
        raise
