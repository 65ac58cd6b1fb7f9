"""``asm-sim`` as a user starts it: time, first sign of life, memory.

Each number comes from whole processes on a warm cache, unless it is about a cold one.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.harness import FREE_CORES, Check, free_cores, time_numpy

FEW_DRAWS, MANY_DRAWS = 200, 1400
MEMORY_LIMIT = 1024.0  # MiB
MEMORY_GROWTH = 1.05  # "the same": the noise of an allocator
COMMAND = (sys.executable, "-c", "from asm_sim.cli.main import main; main()")

# On Linux a process starts with the peak memory of the one that started it: so a small one does.
_BETWEEN = """
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
os.write(int(sys.argv[1]), str(usage.ru_maxrss).encode())
sys.exit(os.waitstatus_to_exitcode(status))
"""
BETWEEN = (sys.executable, "-I", "-S", "-c", _BETWEEN)


@dataclass(frozen=True)
class Process:
    """One finished ``asm-sim``."""

    seconds: float
    first_output: float  # seconds until the first byte on either screen stream
    peak_mib: float


def asm_sim(*arguments: str, cache: Path | None = None, threads: int | None = None) -> Process:
    """Run ``asm-sim`` to its end; raises where it fails."""
    environment = dict(os.environ)
    if cache is not None:
        environment["ASM_SIM_CACHE_DIR"] = str(cache)
    if threads is not None:
        environment["NUMBA_NUM_THREADS"] = str(threads)
    peak, told = os.pipe()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*BETWEEN, str(told), *COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        pass_fds=[told],
    )
    os.close(told)
    first = float("nan")
    said = b""
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                text = os.read(key.fd, 65536)
                if not text:
                    selector.unregister(key.fileobj)
                elif not said:
                    first = time.perf_counter() - begun
                said += text
    process.wait()
    seconds = time.perf_counter() - begun
    with os.fdopen(peak) as pipe:
        largest = pipe.read()
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    if process.returncode != 0:
        raise RuntimeError(f"asm-sim {' '.join(arguments)}: {said.decode(errors='replace')}")
    unit = 1024.0 if sys.platform != "darwin" else 1024.0**2
    return Process(seconds, first, int(largest) / unit)


def run_baseline(draws: int | None, cache: Path | None = None, threads: int = 2) -> Process:
    """``asm-sim run baseline`` into a folder that is removed; ``None``: its own number of draws."""
    with tempfile.TemporaryDirectory(prefix="asm-sim-bench-") as folder:
        number = [] if draws is None else ["--draws", str(draws)]
        out = str(Path(folder) / "out")
        return asm_sim(
            "run", "baseline", *number, "--out", out, cache=cache, threads=threads
        )  # fmt: skip


def measure(repetitions: int, long: bool) -> tuple[list[str], list[Check]]:
    """Lines to show and what is judged."""
    run_baseline(1)  # fills the cache
    time_numpy(1)
    helps = [asm_sim("--help").seconds for _ in range(5)]
    marginal, against, free, few_runs, many_runs = [], [], [], [], []
    for _ in range(repetitions):
        numpy = time_numpy(3)
        free.append(free_cores())
        few_runs.append(run_baseline(FEW_DRAWS))
        many_runs.append(run_baseline(MANY_DRAWS))
        free.append(free_cores())
        numpy += time_numpy(3)
        marginal.append(many_runs[-1].seconds - few_runs[-1].seconds)
        against.append((MANY_DRAWS - FEW_DRAWS) * float(np.median(numpy)) / marginal[-1])
    own = run_baseline(None)
    thousand = run_baseline(1000)
    idle = Check("Two threads over one, nothing in common", free)
    judged = idle.value >= FREE_CORES
    note = "" if judged else "two cores are not free"
    per_draw = 1e3 * np.median(marginal) / (MANY_DRAWS - FEW_DRAWS)
    lines = [
        f"{FEW_DRAWS} draws {_seconds(few_runs)}, {MANY_DRAWS:,} draws {_seconds(many_runs)}; "
        f"marginal {np.median(marginal):.1f} s, {per_draw:.2f} ms a draw of all cohorts"
    ]
    checks = [
        Check(
            "NumPy without lens over asm-sim run, marginal",
            against, at_least=5.0, judged=judged, note=note,
        ),
        idle,
        Check(
            "asm-sim run baseline, warm cache, seconds",
            [own.seconds], at_most=45.0, judged=judged, note=note,
        ),
        Check(
            "First output on the screen, seconds",
            [run.first_output for run in (*few_runs, *many_runs, own)], at_most=2.0,
        ),
        Check("asm-sim --help, seconds", helps, at_most=0.5),
        Check("Peak memory, 1,000 draws, MiB", [thousand.peak_mib], at_most=MEMORY_LIMIT),
    ]  # fmt: skip
    if long:
        ten_thousand = run_baseline(10_000)
        lines.append(f"10,000 draws {ten_thousand.seconds:.1f} s")
        checks += [
            Check("Peak memory, 10,000 draws, MiB", [ten_thousand.peak_mib], at_most=MEMORY_LIMIT),
            Check(
                "Peak memory, 10,000 draws over 1,000",
                [ten_thousand.peak_mib / thousand.peak_mib], at_most=MEMORY_GROWTH,
            ),
        ]  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="asm-sim-cold-") as cache:
            cold = run_baseline(1, cache=Path(cache))
        warm = run_baseline(1)
        checks += [
            Check("First run with an empty cache, seconds", [cold.seconds]),
            Check("of it compiling, seconds", [cold.seconds - warm.seconds]),
            Check("One draw, warm cache, seconds", [warm.seconds]),
        ]
    return lines, checks


def _seconds(runs: list[Process]) -> str:
    return f"{np.median([run.seconds for run in runs]):.1f} s"
