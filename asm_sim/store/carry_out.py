"""Carrying out a run or a sweep in a folder that survives a kill, here or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asm_sim.documents import whole_number
from asm_sim.engine.execute import Arrays
from asm_sim.errors import InputError, RunError, reason_of
from asm_sim.results.open import BLOCKS, RESULTS, open_results
from asm_sim.scenario.sweep import Sweep, load_sweep
from asm_sim.store.blocks import (
    CorruptBlockError,
    check,
    claim,
    damaged_jobs,
    differing,
    missing_jobs,
    read_mark,
    remove_block,
    remove_work,
    retire_short_blocks,
)
from asm_sim.store.consolidate import consolidate, draws_there, is_consolidated
from asm_sim.store.files import Folder, open_folder
from asm_sim.store.forecast import check_room
from asm_sim.store.here import computed_here, run_here
from asm_sim.store.inputs import keep_inputs
from asm_sim.store.progress import Progress, shown
from asm_sim.store.until import Limit, Watch, parse_limit
from asm_sim.store.work import Job, Work, work_of

if TYPE_CHECKING:
    import xarray as xr

Runner = Callable[[Folder, Work, Iterable[Job]], Iterator[Job]]


class Mode(Enum):
    """What becomes of work that the folder has already.

    Other work is refused, unless it is to be replaced.
    """

    START = "refuse"  # some of this work, too
    GO_ON = "go on with this work"
    REPLACE = "go on with this work, replace other work"
    ANEW = "replace this work and other work"
    VERIFY = "read what is there of this work, run damaged blocks again and nothing else"


@dataclass
class Report:
    """What was done."""

    draws: int  # of each scenario, in the results
    blocks_run: int = 0
    blocks_left: int = 0  # for other shards to run
    finished: bool = False  # the results are put together
    damaged: list[str] = field(default_factory=list)  # blocks found damaged and run again
    limits: tuple[Limit, ...] = ()
    limits_hold: bool = False


def sweep(
    scenario: str | Path | Sweep,
    store: str | Path,
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    *,
    client: Any = None,
    until: str | Sequence[str] = (),
    verify: bool = False,
    overwrite: bool = False,
    panel_draws: int | None = None,
    lens_draws: int | None = None,
    open_draws: int | None = None,
    block_draws: int | None = None,
    progress: bool | Progress = False,
) -> xr.Dataset:
    """Run all scenarios of a sweep into ``store`` and return its results, read as they are used.

    ``scenario`` is a name, a YAML file or a loaded sweep; ``store`` a folder or a URL that fsspec
    opens (``s3://bucket/sweep``). What the store holds of this sweep already is not run again:
    a sweep that was killed goes on, and more draws or scenarios join it. ``draws``, ``seed`` and
    ``settings`` override those of the file; ``client`` is a ``dask.distributed.Client`` whose
    workers run the blocks; ``until`` one or more limits such as ``"retained_by_medicare<0.5%"``,
    with ``draws`` as the most; ``verify`` reads every block again and repairs damaged ones;
    ``panel_draws`` is the number of draws kept clinician by clinician (none by default, about
    1.4 MB a draw and scenario), ``lens_draws`` the number looked at closely (none, 0.1 MB) and
    ``open_draws`` how many are made again with everything drawn that nobody knows (none);
    ``progress=True`` shows a bar, or give a function of draws done
    and draws in all.

    The Dataset has the variables of :mod:`asm_sim.results.registry` with a leading dim
    ``scenario``, and a coordinate along it for each parameter that varies. Raises
    :class:`asm_sim.errors.InputError` for a sweep that cannot be used, or a store of another one,
    and :class:`asm_sim.errors.RunError` where the cluster fails.
    """
    pairs = list(settings.items()) if isinstance(settings, dict) else list(settings)
    if not isinstance(scenario, Sweep):
        scenario = load_sweep(scenario, pairs)
    elif pairs:
        raise TypeError("settings go with the name of a sweep; this one is loaded already")
    if verify and overwrite:
        raise InputError("overwrite starts anew, and verify keeps what is there: choose one")
    mode = Mode.VERIFY if verify else Mode.ANEW if overwrite else Mode.GO_ON
    limits = tuple(parse_limit(text) for text in ([until] if isinstance(until, str) else until))
    work = work_of(
        scenario.with_draws(draws, seed),
        whole_number("block_draws", block_draws, 1),
        whole_number("panel_draws", panel_draws, 0),
        whole_number("lens_draws", lens_draws, 0),
        whole_number("open_draws", open_draws, 0),
    )
    folder = open_folder(store)
    runner: Runner = run_here
    if client is not None:
        from asm_sim.store.cluster import run_on

        runner = run_on(client)
    with shown(progress) as report:
        carry_out(
            folder,
            work,
            runner,
            mode=mode,
            limits=limits,
            progress=report,
        )
    return open_results(store)


def carry_out(
    folder: Folder,
    work: Work,
    runner: Runner = run_here,
    *,
    mode: Mode = Mode.GO_ON,
    shard: tuple[int, int] | None = None,
    limits: Sequence[Limit] = (),
    progress: Progress | None = None,
) -> Report:
    """Run what is missing of ``work`` and, unless this is a shard, put the results together.

    ``shard`` (k, n) runs only the k-th of n parts of all blocks (k from 1) and leaves putting
    together to a run without it. Where work is verified, results that were there are put together
    again, and what is missing is left missing. The blocks of a single run are removed in the end.
    """
    anew, verify = mode is Mode.ANEW, mode is Mode.VERIFY
    try:
        known = check(folder, work, overwrite=mode in {Mode.ANEW, Mode.REPLACE})
        done = not (anew or verify or limits) and is_consolidated(folder, work)
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({reason_of(error)})") from error
    if known is not None and done:
        if not work.is_sweep:  # of a run that was stopped at the very end
            folder.remove(BLOCKS)
        if progress:
            progress(work.draws_in_all, work.draws_in_all)
        return Report(work.draws, finished=True)
    ours = known is not None and not anew and not differing(known, work.mark())
    if verify and not ours:
        raise InputError(f"{folder}: there is no block of this sweep to verify")
    held = draws_there(folder) if ours else 0
    if ours and known is not None and not limits:  # a store never shrinks
        work = work.with_draws(max(work.draws, known["draws"]))
        if work.open:
            work = work.with_open(max(work.open, known.get("open_draws") or 0))
    work = work.with_draws(max(work.draws, held))
    missing = missing_jobs(folder, work) if ours else list(work.jobs())
    if mode is Mode.START and len(missing) < work.job_count:
        raise InputError(
            f"{folder}: holds {work.job_count - len(missing):,} of the {work.job_count:,} blocks "
            "of this sweep; add --resume to run what is missing"
        )
    if not (limits or verify):
        check_room(folder, work, len(missing))
    work.plan(0)  # what does not fit is refused before anything is written
    try:
        if known is not None and not ours:
            remove_work(folder)
        claim(folder, work, known if ours else None, held if limits or verify else None)
        if len(work) == 1:
            keep_inputs(folder, work.scenario(0))
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to ({reason_of(error)}); choose another --out"
        ) from error
    carrier = _Carrier(folder, work, runner, progress)
    if verify:
        return carrier.verify(missing, held)
    if shard is not None:
        return carrier.shard(missing, *shard)
    if limits:
        draws = max(carrier.until(limits), held)
        carrier.put_together(draws)
        claim(folder, work.with_draws(draws), read_mark(folder))  # these are promised from now on
    else:
        carrier.put_together(work.draws)
    if not work.is_sweep:
        folder.remove(BLOCKS)
    return carrier.report


class _Carrier:
    """Runs blocks of one work, and keeps account of it."""

    def __init__(
        self, folder: Folder, work: Work, runner: Runner, progress: Progress | None
    ) -> None:
        self.folder, self.work, self.runner, self.progress = folder, work, runner, progress
        self.report = Report(work.draws)
        self._repaired: set[Job] = set()

    def run(self, jobs: Sequence[Job], total: int | None = None) -> None:
        """Run blocks; ``total`` is what progress counts towards, by default all draws."""
        if total is None:
            total = self.work.draws_in_all
        done = total - sum(job.block.draws for job in jobs)
        self._tell(done, total)
        if not jobs:
            return
        for job in self.runner(self.folder, self.work, jobs):
            done = self._ran(job, done, total)

    def _computed(self) -> Generator[tuple[Job, Arrays], None, None]:
        """Run what is missing, and hand over what the blocks of a single run hold."""
        jobs = missing_jobs(self.folder, self.work)
        if self.work.is_sweep or self.runner is not run_here or not jobs:
            self.run(jobs)
            return
        total = self.work.draws_in_all
        done = total - sum(job.block.draws for job in jobs)
        self._tell(done, total)
        with closing(computed_here(self.folder, self.work, jobs)) as computed:
            for job, arrays, written in computed:
                try:
                    yield job, arrays
                finally:  # it is kept, also where another turns out to be damaged
                    del arrays  # one block is enough to hold
                    written.result()
                    done = self._ran(job, done, total)

    def _ran(self, job: Job, done: int, total: int) -> int:
        self.report.blocks_run += 1
        self._tell(done + job.block.draws, total)
        return done + job.block.draws

    def _tell(self, done: int, total: int) -> None:
        if self.progress:
            self.progress(done, total)

    def repair(self, damaged: Mapping[Job, str]) -> None:
        """Run damaged blocks again; :class:`RunError` for one that is damaged a second time."""
        for job, what in damaged.items():
            if job in self._repaired:
                raise RunError(
                    f"{self.folder}: {what}, for the second time; the disk does not keep what is "
                    "written to it"
                )
            self._repaired.add(job)
            self.report.damaged.append(what)
            remove_block(self.folder, self.work, job)
        self.run(list(damaged))

    def verify(self, missing: Sequence[Job], held: int) -> Report:
        """Read all blocks that are there and repair them; then the results, if there were any."""
        self.repair(damaged_jobs(self.folder, self.work, self._present()))
        self.report.blocks_left = len(missing)
        if not held and not missing and self.folder.exists(RESULTS):  # damaged beyond reading
            held = self.work.draws
        if held and not missing_jobs(self.folder, self.work.with_draws(held)):
            self.put_together(held, anew=True)
        return self.report

    def _present(self) -> list[Job]:
        absent = set(missing_jobs(self.folder, self.work))
        return [job for job in self.work.jobs() if job not in absent]

    def shard(self, missing: list[Job], part: int, parts: int) -> Report:
        """Run the ``part``-th of so many parts. They are cut from all blocks, missing or not, so
        that shards which start at different times never do the same block."""
        count = self.work.job_count
        first, end = (count * k // parts for k in (part - 1, part))
        own = set(islice(self.work.jobs(), first, end))
        mine = [job for job in missing if job in own]
        self.run(mine, sum(job.block.draws for job in mine))
        self.report.blocks_left = len(missing_jobs(self.folder, self.work))
        return self.report

    def until(self, limits: Sequence[Limit]) -> int:
        """Run rounds of blocks until the limits hold; the draws that were needed, or all."""
        blocks = self.work.blocks()
        watch = Watch(self.folder, self.work, limits)
        wanted, enough = 1, None
        while enough is None:
            total = len(self.work.distinct) * (blocks[wanted - 1].first + blocks[wanted - 1].draws)
            missing = missing_jobs(self.folder, self.work)
            jobs = [job for job in missing if job.block.number < wanted and not job.open]
            check_room(self.folder, self.work, len(jobs))
            self.run(jobs, total)
            try:
                enough = watch.enough(wanted)
            except CorruptBlockError as error:
                self.repair({error.job: str(error)})
                continue
            if wanted == len(blocks):
                break
            wanted = min(len(blocks), watch.expected())
        self.report.limits = tuple(limits)
        self.report.limits_hold = enough is not None
        last = blocks[(enough or len(blocks)) - 1]
        return last.first + last.draws

    def put_together(self, draws: int, anew: bool = False) -> None:
        """Run what is missing of so many draws and consolidate them.

        A single run is consolidated block by block, as it is computed; of a sweep blocks may come
        in any order, from other processes too. What turns out to be damaged is run again.
        Results that are there already stay, unless they are wanted ``anew``.
        """
        self.work = self.work.with_draws(draws)
        self.report.draws, self.report.finished = draws, True
        if not anew and is_consolidated(self.folder, self.work):
            return
        while True:
            try:
                with closing(self._computed()) as computed:
                    consolidate(self.folder, self.work, computed)
                break
            except CorruptBlockError:
                self.repair(damaged_jobs(self.folder, self.work, self._present()))
        retire_short_blocks(self.folder)
        self.folder.tidy()
