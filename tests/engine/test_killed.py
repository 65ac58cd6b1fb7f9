"""Real processes, killed at random: what they leave and what is made of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeSweep
from tests.engine.test_sweep import contents, sweep_maker

ROOT = Path(__file__).parents[2]
DRAWS = 80
BLOCK = 2
SEED = int(os.environ.get("ASM_SIM_TEST_SEED", time.time_ns() % 2**32))
THREE_TIMES = [pytest.param(i, marks=[pytest.mark.stress] if i >= 3 else []) for i in range(20)]


def command(path: Path, folder: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "asm_sim.cli.main", "sweep", str(path), "--out", str(folder)),
        *("--block-draws", str(BLOCK), "--resume", *options),
    ]


def start(path: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(path, folder, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )


def blocks(folder: Path) -> int:
    return sum(1 for _ in (folder / "blocks").rglob("[0-9]*.npz"))


@contextmanager
def watched(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that does not outlive its test, however it ends."""
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until_blocks(process: subprocess.Popen[str], folder: Path, number: int) -> None:
    """Wait until so many blocks are there, or the process has ended."""
    deadline = time.monotonic() + 300
    while blocks(folder) < number and process.poll() is None:
        assert time.monotonic() < deadline, "no blocks in five minutes"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sweep, uninterrupted: 160 blocks."""
    folder = tmp_path_factory.mktemp("whole")
    path = sweep_maker(folder)(draws=DRAWS, held=True)
    subprocess.run(command(path, folder / "store"), check=True, capture_output=True, cwd=ROOT)
    assert blocks(folder / "store") == 4 * DRAWS // BLOCK
    return folder / "store"


@pytest.mark.parametrize("attempt", THREE_TIMES)
def test_the_command_is_killed(
    attempt: int, whole: Path, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    """Twice among the blocks, once while results are put together; then it is left alone."""
    chance = random.Random(SEED + attempt)
    path, folder = sweep_file(draws=DRAWS, held=True), tmp_path / "store"
    killed = 0
    every = 4 * DRAWS // BLOCK
    for last, pause in ((False, 0.05), (False, 0.05), (True, 0.6)):
        wanted = every if last else blocks(folder) + chance.randrange(1, 70)
        with watched(start(path, folder)) as process:
            until_blocks(process, folder, min(wanted, every))
            time.sleep(chance.random() * pause)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                killed += 1
    assert killed, "never killed in time"
    with watched(start(path, folder)) as process:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, f"seed {SEED}: {output}"
    assert contents(folder) == contents(whole), f"seed {SEED}"
    assert contents(folder, "blocks").keys() >= contents(whole, "blocks").keys()


@pytest.mark.parametrize("attempt", THREE_TIMES)
def test_a_worker_is_killed(
    attempt: int, whole: Path, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    """One of two worker processes of a cluster, by SIGKILL in the middle of its work."""
    distributed = pytest.importorskip("distributed")
    import asm_sim as asm

    chance = random.Random(SEED + 1000 + attempt)
    path, folder = sweep_file(draws=DRAWS, held=True), tmp_path / "store"
    failures: list[BaseException] = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = sorted(client.run(os.getpid).values())
        assert len(set(pids)) == 2

        def sweep() -> None:
            try:
                asm.sweep(path, folder, client=client, block_draws=BLOCK)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=sweep)
        thread.start()
        wanted = chance.randrange(1, 130)
        while thread.is_alive() and (not folder.exists() or blocks(folder) < wanted):
            time.sleep(0.002)
        was_running = thread.is_alive()
        os.kill(chance.choice(pids), signal.SIGKILL)
        thread.join(timeout=300)
        assert not thread.is_alive()
    assert not failures, f"seed {SEED}: {failures}"
    assert was_running, "the sweep was over before the kill"
    assert contents(folder) == contents(whole), f"seed {SEED}"


def _scheduler() -> tuple[subprocess.Popen[Any], str]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_scheduler"),
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "tcp://" in line:
            return process, "tcp://" + line.split("tcp://")[1].split()[0].rstrip(",'\"")
    raise AssertionError("the scheduler said no address")


def test_the_scheduler_is_killed(whole: Path, sweep_file: MakeSweep, tmp_path: Path) -> None:
    """A message, exit code 1, and --resume goes on to the same result."""
    pytest.importorskip("distributed")
    path, folder = sweep_file(draws=DRAWS, held=True), tmp_path / "store"
    scheduler, address = _scheduler()
    drain = threading.Thread(target=scheduler.stderr.read, daemon=True)  # type: ignore[union-attr]
    drain.start()
    worker = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_worker", address),
            *("--host", "127.0.0.1", "--nworkers", "1", "--nthreads", "2", "--no-dashboard"),
            *("--death-timeout", "5", "--local-directory", str(tmp_path)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with watched(start(path, folder, "--scheduler", address)) as process:
            until_blocks(process, folder, 20)
            assert process.poll() is None
            os.killpg(scheduler.pid, signal.SIGKILL)
            output, _ = process.communicate(timeout=120)
        assert process.returncode == 1, output
        assert "scheduler" in output
        assert "--resume" in output
        assert "Traceback" not in output, output
    finally:
        for child in (worker, scheduler):
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    done = blocks(folder)
    assert 20 <= done < 4 * DRAWS // BLOCK
    with watched(start(path, folder)) as process:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
    assert contents(folder) == contents(whole)
