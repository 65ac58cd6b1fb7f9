"""Worker processes of this machine: what goes wrong there is one message, and nobody else has a
way in."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from asm_sim.errors import InputError, RunError
from asm_sim.store import workers
from asm_sim.store.blocks import missing_jobs
from asm_sim.store.carry_out import carry_out
from asm_sim.store.cluster import check_seen
from asm_sim.store.files import LocalFolder
from asm_sim.store.work import Job
from asm_sim.store.workers import Worker, run_in
from tests.conftest import MakeSweep
from tests.engine.small_sweep import contents, run, work

DIES = "dies"
Answer = Callable[[Job], Any]


class Played(Worker):
    """A worker that is a thread of this process: ``answer`` says what becomes of a block."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.starts = answer, 0
        super().__init__(threads=1)

    def _start(self) -> None:
        self.starts += 1
        self._knows = None
        self.pipe, there = Pipe()
        threading.Thread(target=self._play, args=(there,), daemon=True).start()

    def _play(self, there: Any) -> None:
        with suppress(EOFError, OSError):  # nobody listens any more
            while True:
                told = there.recv()
                if isinstance(told, Job):
                    answer = self.answer(told)
                    if answer == DIES:
                        there.close()
                        return
                    there.send(answer)

    def replace(self) -> None:
        self.job = None
        self.pipe.close()
        self._start()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks need not be there."""
    monkeypatch.setattr(workers, "check_seen", lambda *_: None)


def played(
    answers: list[Answer], sweep_file: MakeSweep, tmp_path: Path
) -> tuple[list[Job], list[Job], list[Played]]:
    some, players = work(sweep_file()), [Played(answer) for answer in answers]
    jobs = list(some.jobs())
    done = list(run_in(list(players), LocalFolder(tmp_path), some, jobs))
    return jobs, done, players


@pytest.mark.usefixtures("seen")
def test_every_block_is_run_once(sweep_file: MakeSweep, tmp_path: Path) -> None:
    given: list[Job] = []

    def note(job: Job) -> str:
        given.append(job)
        return "name"

    jobs, done, _ = played([note, note], sweep_file, tmp_path)
    assert len(done) == len(given) == len(jobs) == 12
    assert set(done) == set(given) == set(jobs)


@pytest.mark.usefixtures("seen")
def test_the_block_of_a_dead_worker_is_given_again(sweep_file: MakeSweep, tmp_path: Path) -> None:
    deaths: list[Job] = []

    def die_twice(job: Job) -> str:
        if len(deaths) < 2:
            deaths.append(job)
            return DIES
        return "name"

    jobs, done, players = played([die_twice], sweep_file, tmp_path)
    assert done == jobs
    assert deaths == [jobs[0], jobs[0]]
    assert players[0].starts == 3


@pytest.mark.usefixtures("seen")
def test_a_block_on_which_workers_die_again_and_again(
    sweep_file: MakeSweep, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"again and again on the same block.*--resume goes on"):
        played([lambda _: DIES], sweep_file, tmp_path)


@pytest.mark.parametrize(
    "failure", [RunError("odd"), InputError("odd"), OSError(28, "odd"), PermissionError(13, "odd")]
)
def test_what_a_block_raises_is_raised_here(
    failure: Exception, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    with pytest.raises(type(failure), match="odd"):
        played([lambda _: failure], sweep_file, tmp_path)


@pytest.mark.usefixtures("seen")
def test_a_run_that_was_left_leaves_nothing_to_the_next(
    sweep_file: MakeSweep, tmp_path: Path
) -> None:
    some, player = work(sweep_file()), Played(lambda job: f"{job.block.number}")
    jobs, folder = list(some.jobs()), LocalFolder(tmp_path)
    left = run_in([player, Played(lambda _: RunError("odd"))], folder, some, jobs)
    with pytest.raises(RunError):
        list(left)
    assert list(run_in([player], folder, some, jobs)) == jobs


def test_a_machine_that_starts_no_more_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    from multiprocessing.context import SpawnProcess

    def refuse(_: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(SpawnProcess, "start", refuse)
    with (
        pytest.raises(RunError, match=r"no worker process can be started \(Resource temporarily"),
        workers.worker_processes(2),
    ):
        pass


def test_a_place_that_workers_do_not_share(
    sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asm_sim.store import cluster

    monkeypatch.setattr(cluster, "_TO_BE_SEEN", 0.0)
    assert workers.check_seen is check_seen
    with pytest.raises(RunError, match="not to be seen from here"):
        played([lambda _: "nowhere"], sweep_file, tmp_path)


@pytest.mark.parametrize(
    ("asked", "processors", "threads"),
    [(1, 2, [2]), (2, 2, [1, 1]), (5, 2, [1, 1]), (3, 8, [2, 2, 2])],
)
def test_threads_do_not_multiply(
    asked: int, processors: int, threads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many workers are asked for, their threads are no more than this process may use."""
    made: list[tuple[int, bool]] = []

    class Counted:
        def __init__(self, threads: int, first: bool) -> None:
            made.append((threads, first))

        def end(self) -> None: ...

    monkeypatch.setenv("NUMBA_NUM_THREADS", str(processors))
    monkeypatch.setattr(workers, "Worker", Counted)
    with workers.worker_processes(asked):
        pass
    assert [count for count, _ in made] == threads
    assert [first for _, first in made] == [True] + [False] * (len(made) - 1)


def test_a_worker_says_nothing_where_it_is_left_in_the_middle_of_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the process that started it is killed while it tells what is to be done."""
    monkeypatch.setattr(workers, "_end_with_parent", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *_given: None)
    here, there = Pipe()
    os.write(here.fileno(), (100).to_bytes(4, "big") + b"abc")
    here.close()
    workers._serve(there, 1, True)
    assert there.poll() or there.closed


def listening() -> set[str]:
    """The numbers of all sockets of this machine at which something listens."""
    found = set()
    for table, column, state, number in (
        ("tcp", 3, "0A", 9),
        ("tcp6", 3, "0A", 9),
        ("unix", 3, "00010000", 6),
    ):
        path = Path("/proc/net") / table
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        found |= {row.split()[number] for row in rows if row.split()[column] == state}
    return {f"socket:[{number}]" for number in found}


def open_files(process: int) -> set[str]:
    found = set()
    for path in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed while it is looked at
            found.add(str(path.readlink()))
    return found


def test_real_workers(sweep_file: MakeSweep, tmp_path: Path) -> None:
    """They listen nowhere, one is killed, and the bytes are those of one process."""
    path, folder = sweep_file(), LocalFolder(tmp_path / "store")
    pair = [Worker(threads=1), Worker(threads=1, first=False)]
    pids = [worker.process.pid for worker in pair if worker.process]
    killed = False

    def look(done: int, _: int) -> None:
        nonlocal killed
        if done and not killed:
            if sys.platform == "linux":
                for pid in pids:
                    assert pid is not None
                    assert not listening() & open_files(pid)
            os.kill(pids[1] or 0, signal.SIGKILL)
            killed = True

    try:
        some = work(path)
        carry_out(folder, some, lambda *given: run_in(pair, *given), progress=look)
        assert not missing_jobs(folder, some)
    finally:
        for worker in pair:
            worker.end()
    assert killed
    run(path, tmp_path / "alone")
    assert contents(tmp_path / "store") == contents(tmp_path / "alone")


STARTS = """
from asm_sim.store.workers import Worker
worker = Worker(threads=1)
print("started", flush=True)
input()
"""


def test_no_worker_outlives_the_process_that_started_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STARTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.kill()
    output, _ = process.communicate(timeout=120)  # ends when nobody can write to it any more
    assert output == ""
