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
from typing import Any

import numpy as np

from tests.bench.checks import Check, Part
from tests.bench.harness import free_cores, time_numpy

FEW_DRAWS, MANY_DRAWS = 200, 1400
MEMORY_LIMIT = 0.7  # GB
MEMORY_GROWTH = 1.05  # "the same": the noise of an allocator
COMMAND = (sys.executable, "-c", "from asm_sim.cli.main import program; program()")

# On Linux a process starts with the peak memory of the one that started it: so a small one does.
_BETWEEN = """
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
told = f"{usage.ru_maxrss} {usage.ru_utime + usage.ru_stime}"
os.write(int(sys.argv[1]), told.encode())
sys.exit(os.waitstatus_to_exitcode(status))
"""
BETWEEN = (sys.executable, "-I", "-S", "-c", _BETWEEN)


@dataclass(frozen=True)
class Process:
    """One finished ``asm-sim``."""

    seconds: float
    first_output: float  # seconds until the first byte on either screen stream
    peak_mib: float
    processor: float  # seconds, with those of the processes that it started and waited for


def asm_sim(*arguments: str, cache: Path | None = None, threads: int | None = None) -> Process:
    """Run ``asm-sim`` to its end; raises where it fails."""
    environment = dict(os.environ)
    if cache is not None:
        environment["ASM_SIM_CACHE_DIR"] = str(cache)
    if threads is not None:
        environment["NUMBA_NUM_THREADS"] = str(threads)
    usage, told = os.pipe()
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
    with os.fdopen(usage) as pipe:
        largest, processor = pipe.read().split() or (0, 0)
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    if process.returncode != 0:
        raise RuntimeError(f"asm-sim {' '.join(arguments)}: {said.decode(errors='replace')}")
    unit = 1024.0 if sys.platform != "darwin" else 1024.0**2
    return Process(seconds, first, int(largest) / unit, float(processor))


def run_baseline(draws: int | None, cache: Path | None = None, threads: int = 2) -> Process:
    """``asm-sim run baseline`` into a folder that is removed; ``None``: its own number of draws."""
    with tempfile.TemporaryDirectory(prefix="asm-sim-bench-") as folder:
        number = [] if draws is None else ["--draws", str(draws)]
        out = str(Path(folder) / "out")
        return asm_sim(
            "run", "baseline", *number, "--out", out, cache=cache, threads=threads
        )  # fmt: skip


def measure(repetitions: int, long: bool) -> Part:
    part = Part("Whole processes: asm-sim run baseline, open draws included, two cores")
    run_baseline(1)  # fills the cache
    time_numpy(1)
    helps = [asm_sim("--help").seconds for _ in range(5)]
    marginal, against, own, twenty, few, many = [], [], [], [], [], []
    for _ in range(repetitions):
        numpy = time_numpy(3)
        part.free.append(free_cores())
        twenty.append(run_baseline(20))
        few.append(run_baseline(FEW_DRAWS))
        many.append(run_baseline(MANY_DRAWS))
        own.append(run_baseline(None))
        part.free.append(free_cores())
        numpy += time_numpy(3)
        marginal.append(many[-1].seconds - few[-1].seconds)
        against.append((MANY_DRAWS - FEW_DRAWS) * float(np.median(numpy)) / marginal[-1])
    two = part.needs_two_cores()
    part.lines = [
        f"{FEW_DRAWS} draws {_seconds(few)}, {MANY_DRAWS:,} draws {_seconds(many)}; marginal "
        f"{np.median(marginal):.1f} s, "
        f"{1e3 * np.median(marginal) / (MANY_DRAWS - FEW_DRAWS):.2f} ms a draw of all cohorts"
    ]
    part.checks = [
        Check("2,000 draws, warm, seconds", [run.seconds for run in own], at_most=11.0, **two),
        Check("20 draws, warm, seconds", [run.seconds for run in twenty], at_most=2.5, **two),
        Check("NumPy without lens over asm-sim run, marginal", against, at_least=5.0, **two),
        Check("2,000 draws, warm, processor seconds", [run.processor for run in own]),
        Check("20 draws, warm, processor seconds", [run.processor for run in twenty]),
        Check("Two spinning threads over one", part.free),
        Check(
            "First output on the screen, seconds",
            [run.first_output for run in (*twenty, *few, *many, *own)], at_most=2.0,
        ),
        Check("asm-sim --help, seconds", helps, at_most=0.5),
        Check("Peak memory, 2,000 draws, GB", [_gigabytes(run) for run in own]),
    ]  # fmt: skip
    if long:
        part.checks += _long(own, two)
    else:
        part.lines.append("10,000 draws and a first run are timed with --long (make bench)")
    return part


def _long(own: list[Process], two: dict[str, Any]) -> list[Check]:
    """Ten thousand draws, and a first run, for which all kernels are compiled."""
    ten_thousand = run_baseline(10_000)
    with tempfile.TemporaryDirectory(prefix="asm-sim-cold-") as cache:
        cold = run_baseline(None, cache=Path(cache))
    warm = run_baseline(None)
    peak = _gigabytes(ten_thousand)
    return [
        Check("10,000 draws, warm, seconds", [ten_thousand.seconds], at_most=35.0, **two),
        Check("Peak memory, 10,000 draws, GB", [peak], at_most=MEMORY_LIMIT),
        Check(
            "Peak memory, 10,000 draws over 2,000",
            [peak / float(np.median([_gigabytes(run) for run in own]))], at_most=MEMORY_GROWTH,
        ),
        Check("2,000 draws with an empty cache, seconds", [cold.seconds], at_most=45.0, **two),
        Check(
            "Compiling what a run needs, processor seconds",
            [cold.processor - warm.processor], at_most=60.0,
        ),
    ]  # fmt: skip


def _seconds(runs: list[Process]) -> str:
    return f"{np.median([run.seconds for run in runs]):.1f} s"


def _gigabytes(run: Process) -> float:
    return run.peak_mib * 2**20 / 1e9
