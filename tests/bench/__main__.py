"""``python -m tests.bench``: the timings that the project promises, and whether they hold.

The kernel in one interleaved run, where its time goes stage by stage, levers that make draws
dearer, what a user could take instead, then whole processes and sweeps; last the table of
everything that has a limit. ``--long`` adds draws, scenarios and a cold cache. Exit code 1 where a
limit is missed. Keep the machine otherwise idle.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9, help="of the kernel timings")
    parser.add_argument("--runs", type=int, default=3, help="repetitions of whole processes")
    for name in ("kernel", "ablation", "levers", "jax", "end-to-end", "sweeps"):
        parser.add_argument(
            f"--{name}-only", dest="only", action="store_const", const=name, help="no other part"
        )
    parser.add_argument("--long", action="store_true", help="more draws and a cold cache too")
    options = parser.parse_args()

    # NumPy's matrix product would take a second thread; before NumPy is loaded
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    from tests.bench import ablation, end_to_end, harness, instead, levers, sweeps
    from tests.bench.checks import Part, table

    measures: dict[str, Callable[[], Part]] = {
        "kernel": lambda: harness.measure_kernel(options.repetitions),
        "ablation": lambda: ablation.measure(options.repetitions),
        "levers": lambda: levers.measure(options.runs),
        "jax": lambda: instead.measure(options.runs),
        "end-to-end": lambda: end_to_end.measure(options.runs, options.long),
        "sweeps": lambda: sweeps.measure(options.runs, options.long),
    }
    parts = []
    for name, measure in measures.items():
        if options.only in (None, name):
            parts.append(measure())
            print(f"{parts[-1].report()}\n", flush=True)
    checks = [check for part in parts for check in part.checks if check.limited]
    failed = [check.name for check in checks if check.failed]
    unjudged = [check.name for check in checks if not check.judged]
    if checks:
        print(f"{table(parts)}\n")
    if unjudged:
        print(f"Not judged: {'; '.join(unjudged)}")
    if failed:
        print(f"Missed: {'; '.join(failed)}")
    elif checks:
        print("All limits that were judged are met." if unjudged else "All limits are met.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
