"""Running blocks on this machine: while one is written the next are computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice

from asm_sim.engine.execute import Arrays, run_block
from asm_sim.engine.plan import Plan
from asm_sim.engine.threads import thread_count
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.store.blocks import write_block
from asm_sim.store.files import Folder
from asm_sim.store.panel_files import PanelFiles
from asm_sim.store.work import Job, Work

_AHEAD = 2  # blocks that are computed while one is written: no thread waits for the end of one


def run_here(folder: Folder, work: Work, jobs: Iterable[Job]) -> Iterator[Job]:
    """Run blocks and write each in its turn; the threads of this process share them.

    Jobs of the same scenario should follow one another: a scenario is compiled when its turn comes.
    """
    for job, _, written in computed_here(folder, work, jobs):
        written.result()
        yield job


def computed_block(
    folder: Folder, work: Work, plan: Plan, job: Job, pool: Executor | None = None
) -> Arrays:
    """What a block holds; its panel is in the folder already, and listed in it."""
    panel = PanelFiles(folder, work, job)
    arrays = run_block(plan, job.block, pool, panel.keep)
    return arrays | panel.listed()


def computed_here(
    folder: Folder, work: Work, jobs: Iterable[Job]
) -> Generator[tuple[Job, Arrays, Future[str]], None, None]:
    """The same as they are computed, with what was computed and their being written."""
    with (
        ThreadPoolExecutor(thread_count()) as pool,
        ThreadPoolExecutor(_AHEAD) as blocks,
        ThreadPoolExecutor(1) as writer,
    ):

        def begun() -> Iterator[tuple[Job, Future[Arrays]]]:
            plan: Plan | None = None
            of: tuple[int, bool] | None = None
            for job in jobs:
                if plan is None or of != (job.scenario, job.open):
                    plan, of = work.plan(job.scenario, job.open), (job.scenario, job.open)
                    compile_kernels(plan)
                yield job, blocks.submit(computed_block, folder, work, plan, job, pool)

        more = begun()
        under_way = deque(islice(more, _AHEAD))
        try:
            while under_way:
                job, block = under_way.popleft()
                arrays = block.result()
                del block  # which holds them too
                under_way.extend(islice(more, 1))
                written = writer.submit(write_block, folder, work, job, arrays)
                yield job, arrays, written
                del arrays
                written.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
