"""Blocks in worker processes of this machine.

Each worker has a pipe to the process that started it and nothing else: none listens at an address,
so nobody else on the machine can hand it code to run. It ends with that process, whatever ends it.
Workers write blocks into the store themselves; one that dies costs the block that it had under way,
which is given to another.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from asm_sim.engine.threads import thread_count
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.errors import InputError, RunError, reason_of
from asm_sim.kernels._cache import say_nothing
from asm_sim.store.blocks import write_block
from asm_sim.store.cluster import KEPT, check_seen, plan_here
from asm_sim.store.files import Folder
from asm_sim.store.here import computed_block
from asm_sim.store.work import Job, Work

_TRIES = 3  # of a block whose worker dies

Runner = Callable[[Folder, Work, Iterable[Job]], Iterator[Job]]


@contextmanager
def worker_processes(count: int) -> Iterator[Runner]:
    """A runner of blocks in so many processes, which share the processors of this machine."""
    processors = thread_count()
    number = min(count, processors)
    workers: list[Worker] = []

    def run(folder: Folder, work: Work, jobs: Iterable[Job]) -> Iterator[Job]:
        return run_in(workers, folder, work, jobs)

    try:
        for n in range(number):
            workers.append(Worker(max(1, processors // number), first=n == 0))
        yield run
    finally:
        for worker in workers:
            worker.end()


class Worker:
    """A process that runs blocks, one at a time, each shared by ``threads`` threads.

    ``first`` is the one that speaks for all where compiled kernels cannot be kept.
    """

    def __init__(self, threads: int, first: bool = True) -> None:
        self.job: Job | None = None  # under way
        self.process: BaseProcess | None = None
        self._threads, self._first = threads, first
        self._start()

    def _start(self) -> None:
        self._knows: Work | None = None
        context = multiprocessing.get_context("spawn")
        try:
            self.pipe, there = context.Pipe()
            process = context.Process(
                target=_serve, args=(there, self._threads, self._first), daemon=True
            )
            with _deaf_to_interrupts():  # Ctrl-C is for this process alone; it ends its workers
                process.start()
        except OSError as error:
            raise RunError(f"no worker process can be started ({reason_of(error)})") from error
        there.close()
        self.process = process

    def give(self, folder: Folder, work: Work, job: Job) -> None:
        """Have a block run; that the worker has died shows when it is listened to."""
        self.job = job
        with suppress(OSError):
            if self._knows is not work:
                self.pipe.send((folder, work))
                self._knows = work
            self.pipe.send(job)

    def outcome(self) -> str | Exception | None:
        """What became of the block under way: its file's name or what went wrong; None: it died."""
        self.job = None
        try:
            told: str | Exception = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return told

    def replace(self) -> None:
        """Another process in the place of one that has died or has a block that nobody awaits."""
        self.end()
        self._start()

    def end(self) -> None:
        """End the process; of a block under way nothing is written, or all."""
        self.pipe.close()
        self.job = None
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.process = None


def run_in(workers: list[Worker], folder: Folder, work: Work, jobs: Iterable[Job]) -> Iterator[Job]:
    """Run blocks on ``workers``; each is named when its file is there.

    Raises what a block raised, and :class:`RunError` for one whose workers die again and again.
    """
    pending = deque(jobs)
    died: Counter[Job] = Counter()
    seen = False
    for worker in workers:
        if worker.job is not None:  # from a run that was left before its end
            worker.replace()
    while True:
        for worker in workers:
            if worker.job is None and pending:
                worker.give(folder, work, pending.popleft())
        under_way = {worker.pipe: worker for worker in workers if worker.job is not None}
        if not under_way:
            return
        for pipe in wait(list(under_way)):
            worker = under_way[pipe]  # type: ignore[index]
            job = worker.job
            assert job is not None
            outcome = worker.outcome()
            if isinstance(outcome, Exception):
                raise outcome
            if outcome is None:
                died[job] += 1
                if died[job] == _TRIES:
                    raise RunError(
                        "worker processes died again and again on the same block, perhaps for "
                        f"lack of memory; {KEPT}"
                    )
                worker.replace()
                pending.appendleft(job)
                continue
            if not seen:
                check_seen(folder, outcome)
                seen = True
            yield job


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile do not hear Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# In the worker.


def _serve(pipe: Connection[Any, Any], threads: int, first: bool) -> None:
    """Run the blocks that come through the pipe until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if not first:
        say_nothing()
    folder: Folder
    work: Work
    with ThreadPoolExecutor(threads) as pool, suppress(EOFError, OSError):  # of the pipe
        while True:
            told = pipe.recv()
            if not isinstance(told, Job):
                folder, work = told
                continue
            try:
                plan = plan_here(work, told)
                compile_kernels(plan)
                name = write_block(
                    folder, work, told, computed_block(folder, work, plan, told, pool)
                )
            except (InputError, RunError, OSError) as error:
                pipe.send(error)
            except Exception as error:
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                pipe.send(RunError(f"a block failed in a worker process ({reason}); {KEPT}"))
            else:
                pipe.send(name)


def _end_with_parent() -> None:
    """End this process when the one that started it has gone; the block under way is lost."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
