"""What a run will take, before it runs: bytes from the shapes, time from a short trial."""

from __future__ import annotations

import itertools
import math
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from asm_sim.engine.dataset import coordinates, is_lens, is_panel
from asm_sim.engine.execute import run_block
from asm_sim.engine.frame import Block
from asm_sim.engine.plan import Plan
from asm_sim.engine.threads import thread_count
from asm_sim.engine.warm_up import compile_kernels
from asm_sim.errors import InputError
from asm_sim.kernels.draws.output import ClinicianSums
from asm_sim.results.registry import CLINICIAN, OPEN, OPEN_DRAW, VARIABLES
from asm_sim.store.blocks import missing_jobs
from asm_sim.store.files import Folder
from asm_sim.store.work import Work

_TRIAL_DRAWS = 20
_RESULTS_SHARE = 0.6  # of the bytes of the blocks: what results take, compressed
_OVERHEAD_BYTES = 300  # of a variable of a block: name, header, checksum


@dataclass(frozen=True)
class Size:
    """Bytes of one block of a full length, in memory as on disk: what every block has, and more.

    A panel takes about three quarters of that on disk, where it is packed.
    """

    block: int
    panel: int  # of a block whose draws are kept clinician by clinician
    lens: int  # of a block whose draws are looked at closely
    open: int  # of a block of open draws

    def of(self, work: Work) -> int:
        """Bytes of all blocks of a work."""
        kept = self.panel * math.ceil(work.panel_draws / work.block_draws)
        kept += self.lens * math.ceil(work.lens_draws / work.block_draws)
        beside = len(work.distinct_open) * len(work.blocks(of_open=True)) * self.open
        return len(work.distinct) * (len(work.blocks()) * self.block + kept) + beside


def size_of(work: Work) -> Size:
    """The size of a block, from the dims of the variables; whole blocks are counted."""
    plan = work.frame(0)
    dims = {dim: len(values) for name, (dim, values, _) in coordinates(plan).items() if name == dim}
    longest = min(work.block_draws, work.draws)
    dims |= {"draw": longest, "draw_sample": min(longest, work.panel)}
    dims |= {"lens_draw": min(longest, work.lens), OPEN_DRAW: min(longest, work.open)}
    derived = {variable.name for variable in CLINICIAN}
    block, panel, lens = _OVERHEAD_BYTES * (len(VARIABLES) - len(OPEN)), 0, 0
    beside = _OVERHEAD_BYTES * len(OPEN)
    for variable in VARIABLES.values():
        if not dims.keys() >= set(variable.dims):  # of a layer that is off
            continue
        values = math.prod(dims[dim] for dim in variable.dims) * np.dtype(variable.dtype).itemsize
        if is_panel(variable.name):
            panel += values
        elif is_lens(variable.name):
            lens += values
        elif variable.dims[0] == OPEN_DRAW:
            beside += values
        elif variable.name not in derived:
            block += values
    if plan.holds_population:
        block += len(ClinicianSums._fields) * dims["clinician"] * dims["performance_year"] * 8
    return Size(block, panel, lens, beside)


def check_room(folder: Folder, work: Work, blocks: int) -> None:
    """:class:`InputError` where the disk has no room for so many blocks and their results."""
    free = folder.free_bytes()
    if free is None or not blocks:
        return
    needed = (1 + _RESULTS_SHARE) * blocks / work.job_count * size_of(work).of(work)
    if needed > free:
        raise InputError(
            f"{folder}: the missing blocks and the results need about {in_bytes(needed)}, and the "
            f"disk has {in_bytes(free)} free; make room, choose another --out, or run fewer draws"
        )


@dataclass(frozen=True)
class Forecast:
    """What is to be expected of a sweep on this machine."""

    scenarios: int
    blocks: int
    blocks_missing: int
    draws_missing: int
    seconds_drawing: float
    seconds_a_scenario: float
    disk_bytes: int  # blocks; the results take about as much again, less what compression saves
    memory_bytes: int  # of this process at its largest so far, and the blocks that it will hold
    threads: int

    @property
    def seconds_a_draw(self) -> float:
        """On all threads, the closer draws among them."""
        return self.seconds_drawing / max(self.draws_missing, 1)

    @property
    def seconds(self) -> float:
        return self.seconds_drawing + self.scenarios * self.seconds_a_scenario


def forecast(folder: Folder | None, work: Work) -> Forecast:
    """Time a few draws of the first scenario and multiply.

    Draws kept clinician by clinician or looked at closely take longer: they are timed apart.
    """
    missing = list(work.jobs()) if folder is None else missing_jobs(folder, work)
    plan = work.plan(0)
    compile_kernels(plan)
    threads = thread_count()
    with ThreadPoolExecutor(threads) as pool:
        run_block(plan, Block(0, 0, 2), pool)
        drawing = 0.0
        starts = sorted({0, work.panel_draws, work.lens_draws})
        spans = [(plan, start, end) for start, end in itertools.pairwise([*starts, work.draws])]
        if work.open_draws:
            spans.append((plan.opened(), 0, work.open_draws))
        for timed, start, end in spans:
            count = sum(
                _overlap(job.block, start, end) for job in missing if job.open == timed.is_open
            )
            if count:
                drawing += count * _seconds_a_draw(timed, start, _TRIAL_DRAWS * threads, pool)
    begun = time.perf_counter()
    work.plan(len(work) - 1)
    a_scenario = time.perf_counter() - begun
    size = size_of(work)
    held = size.block * min(len(work.blocks()), 11) + size.panel + size.lens
    return Forecast(
        scenarios=len(work),
        blocks=work.job_count,
        blocks_missing=len(missing),
        draws_missing=sum(job.block.draws for job in missing),
        seconds_drawing=drawing,
        seconds_a_scenario=a_scenario,
        disk_bytes=size.of(work),
        memory_bytes=_resident() + 2 * held,
        threads=threads,
    )


def _overlap(block: Block, start: int, end: int) -> int:
    """How many draws of a block are among ``start`` to ``end - 1``."""
    return max(0, min(block.first + block.draws, end) - max(block.first, start))


def _seconds_a_draw(plan: Plan, first: int, draws: int, pool: Executor) -> float:
    begun = time.perf_counter()
    run_block(plan, Block(0, first, draws), pool)
    return (time.perf_counter() - begun) / draws


def _resident() -> int:
    """The most memory that this process has had, in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    import sys

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(largest if sys.platform == "darwin" else largest * 1024)


def in_bytes(count: float) -> str:
    """A number of bytes for people: ``2.6 MB``, ``130 GB``."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:,.3g} {unit}" if count < 1000 else f"{count:,.0f} {unit}"
        count /= 1000
    raise AssertionError
