"""Sweeps: a cluster against threads, writing and putting together, opening, memory.

Everything is done with the shipped roster and the engine's own functions, on a disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np

from asm_sim.engine.execute import run_block
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.scenario.sweep import load_sweep
from asm_sim.store import cluster as on_workers
from asm_sim.store import here
from asm_sim.store.blocks import write_block
from asm_sim.store.carry_out import Runner, carry_out
from asm_sim.store.consolidate import consolidate
from asm_sim.store.files import open_folder
from asm_sim.store.work import Job, Work, work_of
from tests.bench.checks import Check, Part
from tests.bench.end_to_end import asm_sim
from tests.bench.harness import free_cores

AXIS = "rules.payment.exchange.steepness"
CORES = 2
BLOCKS = 12  # of each of two scenarios
WRITTEN = 12  # blocks that are timed one by one
MANY_SCENARIOS = 1000
OPENED = 5
MEMORY_GROWTH = 1.15

# Opens a store in a process that has only the imports behind it.
_OPEN = """
import json, sys, time
begun = time.perf_counter()
import xarray, zarr
from asm_sim.results.open import open_results
imported = time.perf_counter()
ds = open_results(sys.argv[1])
opened = time.perf_counter()
loaded = [name for name in ds.data_vars if ds[name].variable._in_memory]
def read(name, **where):
    begun = time.perf_counter()
    ds[name].isel(where).load()
    return time.perf_counter() - begun
print(json.dumps({
    "imports": imported - begun, "opening": opened - imported, "loaded": loaded,
    "first": read("final_score_mean", scenario=0), "one": read("adjustment_mean", scenario=-1),
    "all": read("adjustment_mean"), "scenarios": ds.sizes["scenario"],
}))
"""


def write_sweep(folder: Path, scenarios: int, draws: int) -> Path:
    """A sweep of the baseline on so many values of the steepness."""
    path = folder / f"sweep_{scenarios}_by_{draws}.yaml"
    values = [round(0.05 + 0.0001 * i, 4) for i in range(scenarios)]
    document = {
        "title": f"{scenarios} scenarios of {draws} draws",
        "extends": "baseline",
        "draws": draws,
        "sweep": {"grid": {AXIS: values}},
    }
    path.write_text(json.dumps(document))  # JSON is YAML
    return path


def measure(repetitions: int, long: bool) -> Part:
    part = Part("Sweeps")
    with TemporaryDirectory(prefix="asm-sim-bench-") as folder:
        place = Path(folder)
        _cluster_and_threads(part, place, repetitions)
        for measured in (_writing(place), _many_scenarios(place), _memory(place, long)):
            part.lines += measured[0]
            part.checks += measured[1]
    return part


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _cluster_and_threads(part: Part, place: Path, repetitions: int) -> None:
    """The same blocks by the threads of this process and by as many worker processes."""
    try:
        import distributed
    except ImportError:
        part.lines.append("dask is not installed: no cluster")
        return
    sweep = load_sweep(write_sweep(place, 2, 100 * BLOCKS))

    def carry(runner: Runner, work: Work) -> float:
        with TemporaryDirectory(dir=place) as out:
            return _seconds(lambda: list(runner(open_folder(out), work, work.jobs())))

    compile_kernels(work_of(sweep).plan(0))
    threads, workers = [], []
    begun = time.perf_counter()
    with (
        distributed.LocalCluster(
            n_workers=CORES,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        started = time.perf_counter() - begun
        first = _seconds(lambda: _first_blocks(client, work_of(sweep), place / "first"))
        on_cluster = on_workers.run_on(client)
        for repetition in range(repetitions):
            # another seed, so that workers compile the scenarios anew as threads do
            work = work_of(sweep.with_draws(None, repetition))
            part.free.append(free_cores())
            contestants = [(threads, here.run_here), (workers, on_cluster)]
            for seconds, runner in contestants[:: -1 if repetition % 2 else 1]:
                with mock.patch.object(here, "thread_count", return_value=CORES):
                    seconds.append(carry(runner, work))
            part.free.append(free_cores())
    count = 2 * BLOCKS
    part.lines.append(
        f"{count} blocks: {CORES} threads {np.median(threads):.2f} s, {CORES} workers of dask "
        f"{np.median(workers):.2f} s; starting them {started:.1f} s, "
        f"their first blocks {first:.1f} s"
    )
    part.checks.append(
        Check(
            "Workers of dask over threads, the same blocks",
            [w / t for w, t in zip(workers, threads, strict=True)],
            at_most=1.05, **part.needs_two_cores(),
        )
    )  # fmt: skip


def _first_blocks(client: Any, work: Work, out: Path) -> None:
    """One block on each worker, which loads the kernels."""
    jobs = zip(client.nthreads(), work.jobs(), strict=False)
    client.gather([
        client.submit(on_workers._run, work, str(out), job, workers=[address], pure=False)
        for address, job in jobs
    ])  # fmt: skip


def _writing(place: Path) -> tuple[list[str], list[Check]]:
    """Making blocks durable and putting them together, over computing them."""
    work = work_of(load_sweep(write_sweep(place, 2, 50 * WRITTEN)))
    folder = open_folder(place / "written")
    computing, writing = [], []
    with ThreadPoolExecutor(CORES) as pool:
        for index in range(len(work)):
            plan = work.plan(index)
            compile_kernels(plan)
            for block in work.blocks():
                begun = time.perf_counter()
                arrays = run_block(plan, block, pool)
                done = time.perf_counter()
                write_block(folder, work, Job(index, block), arrays)
                computing.append(done - begun)
                writing.append(time.perf_counter() - done)
    together = [_seconds(lambda: consolidate(folder, work)) for _ in range(3)]
    lines = [
        f"A block: computing {1e3 * np.median(computing):.0f} ms, "
        f"writing {1e3 * np.median(writing):.1f} ms; putting {work.job_count} blocks of "
        f"{len(work)} scenarios together {np.median(together):.2f} s"
    ]
    return lines, [
        Check(
            "Writing a block over computing it",
            [w / c for w, c in zip(writing, computing, strict=True)], at_most=0.05,
        ),
        Check(
            "Putting blocks together over computing them",
            [seconds / sum(computing) for seconds in together],
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A store opened in a process of its own: seconds, and what was loaded by that."""

    imports: float
    opening: float
    first: float  # reading a variable of one scenario, with what xarray imports for that
    one: float  # reading another one
    all: float  # reading it of all scenarios
    loaded: list[str]
    scenarios: int


def open_anew(store: Path) -> Opened:
    """Open a store in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, str(store)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return Opened(**json.loads(done.stdout))


def _many_scenarios(place: Path) -> tuple[list[str], list[Check]]:
    """A store of a thousand scenarios, of one draw each."""
    path = write_sweep(place, MANY_SCENARIOS, 1)
    begun = time.perf_counter()
    sweep = load_sweep(path)
    loaded = time.perf_counter()
    work = work_of(sweep)
    planned = time.perf_counter()
    told = [planned]
    out = place / "many"
    carry_out(open_folder(out), work, progress=lambda *_: told.append(time.perf_counter()))
    finished = time.perf_counter()
    runs = [open_anew(out) for _ in range(OPENED)]
    assert runs[0].scenarios == MANY_SCENARIOS
    lines = [
        f"{MANY_SCENARIOS:,} scenarios of 1 draw: reading the file {loaded - begun:.1f} s, "
        f"checking and hashing {planned - loaded:.1f} s, running {told[-1] - planned:.1f} s, "
        f"putting together {finished - told[-1]:.1f} s"
    ]
    return lines, [
        Check(
            "Opening 1,000 scenarios, seconds", [run.opening for run in runs], at_most=2.0
        ),
        Check("The same with imports", [run.opening + run.imports for run in runs]),
        Check("Variables that opening has loaded", [len(runs[0].loaded)], at_most=0),
        Check("First reading of one scenario, seconds", [run.first for run in runs]),
        Check("Reading a variable of one scenario, ms", [1e3 * run.one for run in runs]),
        Check("Reading it of 1,000 scenarios, ms", [1e3 * run.all for run in runs]),
    ]  # fmt: skip


def peak_of_sweep(sweep: Path, out: Path) -> float:
    """MiB at most in a process that runs a sweep and puts it together."""
    return asm_sim("sweep", str(sweep), "--out", str(out), threads=CORES).peak_mib


def _memory(place: Path, long: bool) -> tuple[list[str], list[Check]]:
    """The most memory of whole processes, by draws and by scenarios."""
    peak_of_sweep(write_sweep(place, 1, 1), place / "warm")  # compiling takes memory of its own
    sizes = [(2, 200), (2, 5000), (50, 200)] if long else [(2, 200), (2, 1000), (10, 200)]
    peaks = {
        size: peak_of_sweep(write_sweep(place, *size), place / "memory_{}_{}".format(*size))
        for size in sizes
    }
    shown = ", ".join(f"{n} x {draws:,}: {mib:.0f}" for (n, draws), mib in peaks.items())
    return [f"Peak memory, scenarios x draws, MiB: {shown}"], [
        Check(
            "Peak memory of a sweep, largest over smallest",
            [max(peaks.values()) / min(peaks.values())], at_most=MEMORY_GROWTH,
        )
    ]  # fmt: skip
