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
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeSweep
from tests.engine.paused import SUBMITTED
from tests.engine.small_sweep import contents, sweep_maker

ROOT = Path(__file__).parents[2]
DRAWS = 80
BLOCK = 2
ALL_DRAWS = 4 * DRAWS
SEED = int(os.environ.get("ASM_SIM_TEST_SEED", time.time_ns() % 2**32))
THREE_TIMES = [pytest.param(i, marks=[pytest.mark.stress] if i >= 3 else []) for i in range(20)]


def command(path: Path, folder: Path, *options: str) -> list[str]:
    return [
        *("sweep", str(path), "--out", str(folder)),
        *("--block-draws", str(BLOCK), "--resume", *options),
    ]


def finish(path: Path, folder: Path) -> None:
    """The command to its end."""
    words = [sys.executable, "-m", "asm_sim.cli.main", *command(path, folder)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, f"seed {SEED}: {done.stdout}{done.stderr}"


@contextmanager
def paused(
    said: int, stop: int, path: Path, folder: Path, *options: str
) -> Iterator[subprocess.Popen[str]]:
    """The command with stops, when it says so; it does not outlive its test, however that ends."""
    words = [sys.executable, "-m", "tests.engine.paused", str(said), str(stop)]
    process = subprocess.Popen(
        [*words, *command(path, folder, *options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        before = list(takewhile(lambda line: line != "now\n", process.stdout))
        assert process.poll() is None, "".join(before)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def blocks(folder: Path) -> int:
    return sum(1 for _ in (folder / "blocks").rglob("[0-9]*.npz"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sweep, uninterrupted: 160 blocks."""
    folder = tmp_path_factory.mktemp("whole")
    path = sweep_maker(folder)(draws=DRAWS, held=True)
    finish(path, folder / "store")
    assert blocks(folder / "store") == ALL_DRAWS // BLOCK
    return folder / "store"


@pytest.mark.parametrize("attempt", THREE_TIMES)
def test_the_command_is_killed(
    attempt: int, whole: Path, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    """Twice among the blocks, once while results are put together; then it is left alone.

    The moment is as it happens, but the process stops some blocks later and does not end.
    """
    chance = random.Random(SEED + attempt)
    path, folder = sweep_file(draws=DRAWS, held=True), tmp_path / "store"
    for last, pause in ((False, 0.05), (False, 0.05), (True, 0.6)):
        done = BLOCK * blocks(folder)
        said = ALL_DRAWS if last else done + BLOCK * chance.randrange(1, 60)
        stop = ALL_DRAWS + 1 if last else said + BLOCK * 15
        with paused(said, stop, path, folder) as process:
            time.sleep(chance.random() * pause)
            assert process.poll() is None
            os.killpg(process.pid, signal.SIGKILL)
        if not last:
            assert said <= BLOCK * blocks(folder) <= stop, f"seed {SEED}"
    finish(path, folder)
    assert contents(folder) == contents(whole), f"seed {SEED}"
    assert contents(folder, "blocks").keys() >= contents(whole, "blocks").keys()


@pytest.mark.parametrize("attempt", THREE_TIMES)
def test_a_worker_is_killed(
    attempt: int,
    whole: Path,
    sweep_file: MakeSweep,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of two worker processes of a cluster, by SIGKILL in the middle of its work."""
    distributed = pytest.importorskip("distributed")
    import asm_sim as asm
    from asm_sim.store import cluster

    monkeypatch.setattr(cluster, "_SUBMITTED", SUBMITTED)  # so many blocks may be done unseen
    chance = random.Random(SEED + 1000 + attempt)
    path, folder = sweep_file(draws=DRAWS, held=True), tmp_path / "store"
    wanted = BLOCK * chance.randrange(1, 130)
    killed = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as workers,
        distributed.Client(workers) as client,
    ):
        pids = sorted(client.run(os.getpid).values())
        assert len(set(pids)) == 2

        def kill(done: int, _total: int) -> None:
            if done == wanted:
                killed.append(chance.choice(pids))
                os.kill(killed[0], signal.SIGKILL)

        asm.sweep(path, folder, client=client, block_draws=BLOCK, progress=kill)
    assert len(killed) == 1
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
            *("--death-timeout", "300", "--local-directory", str(tmp_path)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    said, most = BLOCK * 20, BLOCK * (20 + SUBMITTED)
    try:
        with paused(said, said, path, folder, "--scheduler", address) as process:
            os.killpg(scheduler.pid, signal.SIGKILL)
            output, _ = process.communicate("\n", timeout=300)
        assert process.returncode == 1, output
        assert "scheduler" in output
        assert "--resume" in output
        assert "Traceback" not in output, output
    finally:
        for child in (worker, scheduler):
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    assert said <= BLOCK * blocks(folder) <= most
    finish(path, folder)
    assert contents(folder) == contents(whole)
