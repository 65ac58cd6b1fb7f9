"""``python -m tests.bench``: the timings that the project promises, and whether they hold.

The kernel in one process and one interleaved run, then whole processes, then sweeps: about two
minutes each. ``--long`` adds draws, scenarios and a cold cache. Exit code 1 where a limit is
missed. Keep the machine otherwise idle.
"""

from __future__ import annotations

import argparse
import os
import sys


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9, help="of the kernel timings")
    parser.add_argument("--runs", type=int, default=3, help="repetitions of whole processes")
    for part in ("kernel", "end-to-end", "sweeps"):
        parser.add_argument(
            f"--{part}-only", dest="only", action="store_const", const=part, help="no other part"
        )
    parser.add_argument("--long", action="store_true", help="more draws and a cold cache too")
    options = parser.parse_args()

    # NumPy's matrix product would take a second thread; before NumPy is loaded
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    from tests.bench import end_to_end, sweeps
    from tests.bench.harness import Check, Harness

    checks: list[Check] = []
    if options.only in (None, "kernel"):
        harness = Harness()
        for _ in range(options.repetitions):
            harness.repeat()
        print(harness.report(), flush=True)
        checks += harness.checks()
    for part, title, measure in (
        ("end-to-end", "Whole processes", end_to_end.measure),
        ("sweeps", "Sweeps", sweeps.measure),
    ):
        if options.only in (None, part):
            lines, more = measure(options.runs, options.long)
            print(f"\n{title}")
            print("\n".join([*lines, *(check.line() for check in more)]), flush=True)
            checks += more
    failed = [check.name for check in checks if check.failed]
    print(f"\n{'Missed: ' + '; '.join(failed) if failed else 'All limits are met.'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
