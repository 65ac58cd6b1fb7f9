"""Blocks on many machines, through dask: a block is a task, and each worker writes its own.

Workers write blocks into the store themselves; only names travel back. A task runs its draws in the
one thread that the worker gives it, so threads never multiply beyond those that workers have. The
blocks that are in the store are the only account of what is done: a worker that dies, or a
scheduler, costs the blocks that were under way and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from asm_sim import __version__
from asm_sim.engine.plan import Plan
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.errors import InputError, RunError, printable
from asm_sim.results.open import BLOCKS, FOR_CLUSTERS
from asm_sim.same import Same
from asm_sim.store.blocks import write_block
from asm_sim.store.files import Folder, LocalFolder, open_folder
from asm_sim.store.here import computed_block
from asm_sim.store.work import Job, Work

_CONNECTING = 10.0  # seconds
_LOOK = 2.0  # seconds without news after which the cluster is looked at
_WITHOUT_WORKERS = 60.0  # seconds to wait for workers that were there
_FOR_A_WORKER = 3600.0  # and for the first one, which may stand in a queue
_TO_BE_SEEN = 30.0  # seconds that a shared disk may take to show a file
_SUBMITTED = 2_000  # tasks that the scheduler holds at a time, at least

KEPT = "the blocks that are done are kept: the same command with --resume goes on from there"


def _dask() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            f"a cluster needs dask ({error}); pip install {FOR_CLUSTERS} brings it"
        ) from error
    return distributed


def _dask_of_command() -> Any:
    """dask for the command line, where its own tracebacks would hide our message."""
    distributed = _dask()
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("distributed.nanny").setLevel(logging.WARNING)  # says that a worker died
    return distributed


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler at ``address``; :class:`InputError` where none answers."""
    distributed = _dask_of_command()
    shown = printable(address)
    try:
        asyncio.run(_ask_scheduler(distributed, address))
        client = distributed.Client(address, timeout=_CONNECTING)
    except Exception as error:  # an address of each kind fails in its own way
        reason = printable(" ".join(str(error).split())) or type(error).__name__
        raise InputError(
            f"--scheduler {shown}: no scheduler answers ({reason}); it is what "
            "`dask scheduler` prints when it starts, such as tcp://10.0.0.1:8786 (tls:// also "
            "wants its certificates, in dask's configuration)"
        ) from error
    with client:
        yield client


async def _ask_scheduler(distributed: Any, address: str) -> None:
    """Whatever error it takes to say that no scheduler is at ``address``.

    A client that does not come to be lives on half made; when the garbage collector then closes it
    in the thread that the next client has just started, either waits for the other for ever. So
    the address is asked before there is a client.
    """
    arguments = distributed.Security().get_connection_args("client")
    async with distributed.rpc(address, timeout=_CONNECTING, connection_args=arguments) as there:
        identity = await asyncio.wait_for(there.identity(), _CONNECTING)
    if identity["type"] != "Scheduler":
        raise ValueError(f"a {identity['type'].lower()} does")


def run_on(client: Any) -> Any:
    """A runner of blocks on the workers of ``client``, a ``dask.distributed.Client``."""
    if not hasattr(client, "submit"):
        raise InputError(
            f"client: a dask.distributed.Client is needed, not {client!r}; make one with "
            "Client('tcp://...')"
        )

    def run(folder: Folder, work: Work, jobs: Iterable[Job]) -> Iterator[Job]:
        pending = iter(list(jobs))
        root = folder.place
        definition = client.submit(_hold, work, pure=False)
        news: queue.Queue[Any] = queue.Queue()
        under_way: dict[Any, Job] = {}
        seen: set[str] = set()  # workers whose first block is to be seen from here

        def submit(count: int) -> None:
            for job in islice(pending, count):
                future = client.submit(_run, definition, root, job, pure=False)
                under_way[future] = job
                future.add_done_callback(news.put)

        try:
            submit(max(_SUBMITTED, 4 * sum(client.nthreads().values())))
            while under_way:
                future = _next(client, news, bool(seen))
                job = under_way.pop(future)
                worker, name = _result(client, future)
                if worker not in seen:
                    check_seen(folder, name)
                    seen.add(worker)
                submit(1)
                yield job
        finally:
            with suppress(Exception):  # a cluster that is gone has nothing to cancel
                client.cancel(list(under_way))

    return run


def check_seen(folder: Folder, name: str) -> None:
    """:class:`RunError` unless a block that a worker has written is to be seen from here."""
    deadline = time.monotonic() + (_TO_BE_SEEN if isinstance(folder, LocalFolder) else 0.0)
    while not folder.exists(f"{BLOCKS}/{name}"):
        if time.monotonic() > deadline:
            raise RunError(
                f"{folder}: a worker has written a block that is not to be seen from here; use a "
                "folder on a disk that all machines share, or an object store (s3://bucket/name)"
            )
        time.sleep(0.5)


def _next(client: Any, news: queue.Queue[Any], worked: bool) -> Any:
    """The next task that has ended; :class:`RunError` when the cluster cannot end one any more."""
    without = 0.0
    patience = _WITHOUT_WORKERS if worked else _FOR_A_WORKER
    while True:
        with suppress(queue.Empty):
            return news.get(timeout=_LOOK)
        if client.status != "running":
            raise RunError(f"the scheduler does not answer any more; {KEPT}")
        try:
            workers = client.nthreads()
        except Exception as error:  # whatever a dying connection raises
            raise RunError(f"the scheduler does not answer any more; {KEPT}") from error
        without = 0.0 if workers else without + _LOOK
        worked = worked or bool(workers)
        patience = _WITHOUT_WORKERS if worked else patience
        if without >= patience:
            raise RunError(
                f"the cluster has had no worker for {without:.0f} seconds: there are none, or they "
                f"died (their logs say why; is asm_sim {__version__} installed there?); {KEPT}"
            )


def _result(client: Any, future: Any) -> tuple[str, str]:
    """The worker that ran a block, and the block's name."""
    distributed = _dask()
    try:
        worker, name = future.result(timeout=_CONNECTING)
        return str(worker), str(name)
    except distributed.KilledWorker as error:
        raise RunError(
            f"workers died again and again on the same block, perhaps for lack of memory; {KEPT}"
        ) from error
    except (InputError, RunError, OSError):
        raise
    except Exception as error:
        if future.cancelled() or client.status != "running":
            raise RunError(f"the scheduler has gone or was started anew; {KEPT}") from error
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise RunError(f"a block failed on a worker ({reason}); {KEPT}") from error


# On the worker.


def _hold(work: Work) -> Work:
    """The work as a task of its own, which a scheduler can give again when a worker is lost."""
    return work


def _run(work: Work, root: Path | str, job: Job) -> tuple[str, str]:
    """Run a block, write it, and return this worker's address and the block's name."""
    folder, plan = open_folder(root), plan_here(work, job)
    compile_kernels(plan)
    name = write_block(folder, work, job, computed_block(folder, work, plan, job))
    return _dask().get_worker().address, name


@lru_cache(maxsize=1)
def _compiled(work: Same, scenario: int, of_open: bool) -> Plan:
    """The latest plan is kept: the next block is mostly of the same scenario."""
    plan: Plan = work.objects[0].plan(scenario, of_open)
    return plan


def plan_here(work: Work, job: Job) -> Plan:
    """A scenario compiled here; :class:`RunError` where that gives something else than there."""
    plan = _compiled(Same(work), job.scenario, job.open)
    if plan.fingerprint() != work.fingerprint(job):
        raise RunError(
            "a worker computes something else than this machine: it has another version "
            f"of asm_sim (here {__version__}); install the same on all machines"
        )
    return plan
