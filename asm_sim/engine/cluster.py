"""Blocks on many machines, through dask: a block is a task, and each worker writes its own.

Workers write blocks into the store themselves; only names travel back. A task runs its draws in the
one thread that the worker gives it, so threads never multiply beyond those that workers have. The
blocks that are in the store are the only account of what is done: a worker that dies, or a
scheduler, costs the blocks that were under way and nothing else.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from asm_sim import __version__
from asm_sim.engine.compiled import compile_kernels
from asm_sim.engine.execute import run_block
from asm_sim.engine.files import Folder, LocalFolder, open_folder
from asm_sim.engine.plan import Plan
from asm_sim.engine.store import BLOCKS, write_block
from asm_sim.engine.threads import thread_count
from asm_sim.engine.work import Job, Work
from asm_sim.errors import InputError, RunError

_CONNECTING = "10 s"
_LOOK = 2.0  # seconds without news after which the cluster is looked at
_LOOKS_WITHOUT_WORKERS = 30
_SUBMITTED = 2_000  # tasks that the scheduler holds at a time, at least
_PLANS_KEPT = 2

_KEPT = "the blocks that are done are kept: the same command with --resume goes on from there"


def _dask() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            f'a cluster needs dask ({error}); pip install "asm_sim[cluster]" brings it'
        ) from error
    return distributed


def _dask_of_command() -> Any:
    """dask for the command line, where the client's own tracebacks would hide our message."""
    distributed = _dask()
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    return distributed


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler at ``address``; :class:`InputError` where none answers."""
    distributed = _dask_of_command()
    try:
        client = distributed.Client(address, timeout=_CONNECTING)
    except (OSError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"--scheduler {address}: no scheduler answers ({reason[:200]}); it is what "
            "`dask scheduler` prints when it starts, such as tcp://10.0.0.1:8786"
        ) from error
    with client:
        yield client


@contextmanager
def local_workers(count: int) -> Iterator[Any]:
    """A client of so many worker processes on this machine, which share its processors."""
    distributed = _dask_of_command()
    processors = thread_count()
    workers = min(count, processors)
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=max(1, processors // workers),
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def run_on(client: Any) -> Any:
    """A runner of blocks on the workers of ``client``, a ``dask.distributed.Client``."""

    def run(folder: Folder, work: Work, jobs: Iterable[Job]) -> Iterator[Job]:
        pending = iter(list(jobs))
        root = str(folder.path) if isinstance(folder, LocalFolder) else str(folder)
        definition = client.submit(_hold, work, pure=False)
        news: queue.Queue[Any] = queue.Queue()
        under_way: dict[Any, Job] = {}
        seen = False

        def submit(count: int) -> None:
            for job in islice(pending, count):
                future = client.submit(_run, definition, root, job, pure=False)
                under_way[future] = job
                future.add_done_callback(news.put)

        try:
            submit(max(_SUBMITTED, 4 * sum(client.nthreads().values())))
            while under_way:
                future = _next(client, news)
                job = under_way.pop(future)
                name = _result(client, future)
                if not seen and not folder.exists(f"{BLOCKS}/{name}"):
                    raise RunError(
                        f"{folder}: a worker has written a block that is not to be seen from here; "
                        "use a folder on a disk that all machines share, or an object store "
                        "(s3://bucket/name)"
                    )
                seen = True
                submit(1)
                yield job
        finally:
            with suppress(Exception):  # a cluster that is gone has nothing to cancel
                client.cancel(list(under_way), reason="asm_sim stopped")

    return run


def _next(client: Any, news: queue.Queue[Any]) -> Any:
    """The next task that has ended; :class:`RunError` when the cluster cannot end any more."""
    without = 0
    while True:
        with suppress(queue.Empty):
            return news.get(timeout=_LOOK)
        if client.status != "running":
            raise RunError(f"the scheduler does not answer any more; {_KEPT}")
        try:
            workers = client.nthreads()
        except Exception as error:  # whatever a dying connection raises
            raise RunError(f"the scheduler does not answer any more; {_KEPT}") from error
        without = 0 if workers else without + 1
        if without >= _LOOKS_WITHOUT_WORKERS:
            raise RunError(
                f"the cluster has had no worker for {_LOOK * without:.0f} seconds; {_KEPT}"
            )


def _result(client: Any, future: Any) -> str:
    distributed = _dask()
    try:
        return str(future.result(timeout=_CONNECTING))
    except distributed.KilledWorker as error:
        raise RunError(
            f"workers died again and again on the same block, perhaps for lack of memory; {_KEPT}"
        ) from error
    except (InputError, RunError, OSError):
        raise
    except Exception as error:
        if future.cancelled() or client.status != "running":
            raise RunError(f"the scheduler has gone or was started anew; {_KEPT}") from error
        raise


# On the worker.

_plans: OrderedDict[str, Plan] = OrderedDict()
_lock = threading.Lock()


def _hold(work: Work) -> Work:
    """The work as a task of its own, which a scheduler can give again when a worker is lost."""
    return work


def _run(work: Work, root: str, job: Job) -> str:
    """Run a block, write it, and return its name."""
    plan = _plan(work, job.scenario)
    compile_kernels(plan)
    return write_block(open_folder(root), work, job, run_block(plan, job.block))


def _plan(work: Work, index: int) -> Plan:
    """A scenario compiled; the last ones are kept."""
    fingerprint = work.members[index].fingerprint
    with _lock:
        plan = _plans.get(fingerprint)
        if plan is None:
            plan = work.plan(index)
            if plan.fingerprint() != fingerprint:
                raise RunError(
                    "a worker computes something else than this machine: it has another version "
                    f"of asm_sim (here {__version__}); install the same on all machines"
                )
            _plans[fingerprint] = plan
            while len(_plans) > _PLANS_KEPT:
                _plans.popitem(last=False)
        _plans.move_to_end(fingerprint)
    return plan
