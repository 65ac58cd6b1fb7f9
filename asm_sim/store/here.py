"""Running blocks on this machine, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from asm_sim.engine.execute import run_block
from asm_sim.engine.plan import Plan
from asm_sim.engine.threads import thread_count
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.store.blocks import write_block
from asm_sim.store.files import Folder
from asm_sim.store.work import Job, Work


def run_here(folder: Folder, work: Work, jobs: Iterable[Job]) -> Iterator[Job]:
    """Run blocks one after the other and write each; the threads of this process share a block.

    Jobs of the same scenario should follow one another: a scenario is compiled when its turn comes.
    """
    plan: Plan | None = None
    of: tuple[int, bool] | None = None
    with ThreadPoolExecutor(thread_count()) as pool:
        for job in jobs:
            if plan is None or of != (job.scenario, job.open):
                plan, of = work.plan(job.scenario, job.open), (job.scenario, job.open)
                compile_kernels(plan)
            write_block(folder, work, job, run_block(plan, job.block, pool))
            yield job
