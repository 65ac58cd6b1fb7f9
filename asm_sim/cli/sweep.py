"""``asm-sim sweep``: many scenarios, in a store that loses nothing."""

from __future__ import annotations

import json
import re
import shlex
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from asm_sim.cli.run import RUNS
from asm_sim.cli.terminal import Terminal, say
from asm_sim.durable import write_whole
from asm_sim.errors import InputError, RunError, counted, printable, reason_of, without_passwords
from asm_sim.places import local_path, place_of

if TYPE_CHECKING:
    from asm_sim.scenario.schema import Sweep
    from asm_sim.store.carry_out import Mode, Report
    from asm_sim.store.work import Work

_LISTED = 8


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    scenario: str
    out: str | None
    draws: int | None
    seed: int | None
    settings: list[str]
    resume: bool
    verify: bool
    overwrite: bool
    plan: bool
    shard: str | None
    write_sbatch: Path | None
    until: list[str]
    workers: int | None
    scheduler: str | None
    panel: int | None
    lens: int | None
    block_draws: int | None
    as_json: bool


def sweep_command(asked: Request) -> None:
    """Run a sweep. Everything is checked before anything is written."""
    note = Terminal(stderr=True, highlight=False, soft_wrap=True)
    shard = _shard(asked.shard)
    _check_combination(asked)
    note.print(f"asm-sim: reading {printable(asked.scenario)}", markup=False)
    begun = time.perf_counter()
    from asm_sim.engine.threads import thread_count
    from asm_sim.scenario.sweep import duplicates, load_sweep

    thread_count()  # before numba reads the same variable
    sweep = load_sweep(asked.scenario, asked.settings).with_draws(asked.draws, asked.seed)
    from asm_sim.store.blocks import check
    from asm_sim.store.files import open_folder
    from asm_sim.store.until import parse_limit
    from asm_sim.store.work import work_of

    limits = [parse_limit(text) for text in asked.until]
    place = str(usual_folder(sweep)) if asked.out is None else asked.out
    folder = open_folder(place)
    work = work_of(sweep, asked.block_draws, asked.panel, asked.lens)
    note.print(printable(sweep.file.title), markup=False)
    note.print(
        f"{counted(len(work), 'scenario')} of {counted(work.draws, 'draw')} each, "
        f"seed {sweep.file.seed}, {counted(work.job_count, 'block')}",
        markup=False,
    )
    for line in work.roster.notes:
        note.print(f"Roster: {line}", markup=False)
    for name, earlier in duplicates(sweep):
        note.print(
            f"Note: scenario {name!r} has the same parameters as {earlier!r}; it is computed once",
            markup=False,
        )
    if asked.write_sbatch is not None:
        _write_sbatch(asked, place, work.job_count, note)
        return
    if asked.plan:
        check(folder, work, overwrite=asked.overwrite)
        _print_plan(folder, work, asked.as_json, note)
        return
    if not work.panel_draws and len(work) == 1:
        note.print("No draws are kept clinician by clinician; --panel 200 keeps some", markup=False)

    from asm_sim.store.carry_out import carry_out
    from asm_sim.store.progress import on_terminal

    note.print("Preparing the model (the first time, kernels are compiled: some minutes)")
    try:
        with _runner(asked) as runner, on_terminal() as progress:
            report = carry_out(
                folder,
                work,
                runner,
                mode=_mode(asked),
                shard=shard,
                limits=limits,
                progress=progress,
            )
    except KeyboardInterrupt:
        note.print("Stopped. Finished blocks are kept: --resume goes on from here.")
        raise
    except OSError as error:
        raise RunError(
            f"{folder}: {reason_of(error)}. Finished blocks are kept: --resume goes on from here"
        ) from error
    _say_what_was_done(report, asked, note)
    if report.finished:
        _answer(place, folder, asked.as_json, note)
        note.print(f"Done in {time.perf_counter() - begun:.1f} s.")


def usual_folder(sweep: Sweep) -> Path:
    """Where a sweep goes if nothing else is said."""
    return RUNS / sweep.name


def _check_combination(asked: Request) -> None:
    if asked.shard and asked.until:
        raise InputError("--shard and --until: a shard cannot see the draws of the others")
    if asked.workers is not None and asked.scheduler:
        raise InputError("--workers and --scheduler: choose one")
    if asked.overwrite and asked.shard:
        raise InputError("--overwrite and --shard: a shard would remove the others' blocks")
    if asked.overwrite and (asked.resume or asked.verify):
        raise InputError("--overwrite starts anew; --resume and --verify keep what is there")


def _mode(asked: Request) -> Mode:
    """What becomes of work that is there; a shard goes on with that of the others."""
    from asm_sim.store.carry_out import Mode

    if asked.verify:
        return Mode.VERIFY
    if asked.overwrite:
        return Mode.ANEW
    return Mode.GO_ON if asked.resume or asked.shard else Mode.START


def _shard(text: str | None) -> tuple[int, int] | None:
    """``3/16``: the third of sixteen parts."""
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
    part, parts = (int(group) for group in match.groups()) if match else (0, 0)
    if not 1 <= part <= parts:
        raise InputError(
            f"--shard {text!r}: write which part of how many, from 1/16 to 16/16 for sixteen"
        )
    return part, parts


def _runner(asked: Request) -> AbstractContextManager[Any]:
    """What runs the blocks: this process, worker processes here, or a cluster."""
    from contextlib import contextmanager

    from asm_sim.store.here import run_here

    if asked.workers is not None:
        from asm_sim.store.workers import worker_processes

        return worker_processes(asked.workers)
    if asked.scheduler is None:
        return nullcontext(run_here)
    from asm_sim.store.cluster import connected, run_on

    @contextmanager
    def on_cluster(address: str) -> Any:
        with connected(address) as client:
            yield run_on(client)

    return on_cluster(asked.scheduler)


def _print_plan(folder: Any, work: Work, as_json: bool, note: Terminal) -> None:
    """Scenarios, blocks, memory, disk and time; nothing is run but a short trial."""
    note.print("Timing a few draws (the first time, kernels are compiled: some minutes)")
    from asm_sim.store.forecast import forecast, in_bytes

    found = forecast(folder, work)
    if as_json:
        names = [member.name for member in work.members]
        plain = {**asdict(found), "draws": work.draws, "seconds": found.seconds}
        typer.echo(json.dumps({**plain, "scenario_names": names}, indent=1))
        return
    say(f"Scenarios  {found.scenarios:,}")
    for member in work.members[:_LISTED]:
        say(f"           {printable(member.name)}")
    if len(work) > _LISTED:
        say(f"           ... and {len(work) - _LISTED:,} more")
    there = found.blocks - found.blocks_missing
    say(
        f"Blocks     {found.blocks:,} of {work.block_draws} draws"
        + (f", {there:,} of them done" if there else "")
    )
    say(f"Memory     about {in_bytes(found.memory_bytes)}")
    say(
        f"Disk       {in_bytes(found.disk_bytes)} of blocks, and less than as much again for the "
        "results"
    )
    say(
        f"Time       about {_duration(found.seconds)} on the {found.threads} threads of this "
        f"machine ({1000 * found.seconds_a_draw:.1f} ms a draw)"
    )
    say("Nothing was run. Without --plan, the same command runs it.")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:,.1f} hours"


def _write_sbatch(asked: Request, place: str, blocks: int, note: Terminal) -> None:
    """A script for a job array of shards, and a job after it that puts them together."""
    assert asked.write_sbatch is not None
    path = local_path(asked.write_sbatch)
    if path.exists() and not asked.overwrite:
        raise InputError(f"{path}: exists already; choose another name, or add --overwrite")
    for option, given in (
        ("--until", asked.until),
        ("--verify", asked.verify),
        ("--workers", asked.workers),
        ("--scheduler", asked.scheduler),
        ("--shard", asked.shard),
    ):
        if given:
            raise InputError(f"--write-sbatch and {option}: a job array is of shards")
    words = ["asm-sim", "sweep", _absolute(asked.scenario), "--out", _absolute(place, new=True)]
    for option, value in (
        ("--draws", asked.draws),
        ("--seed", asked.seed),
        ("--panel", asked.panel),
        ("--lens", asked.lens),
        ("--block-draws", asked.block_draws),
    ):
        if value is not None:
            words += [option, str(value)]
    for setting in asked.settings:
        words += ["--set", setting]
    command = shlex.join(words)
    if without_passwords(command) != command:
        raise InputError(
            f"{path}: the script would hold the password of a URL, which others may read; leave it "
            "out of --out, and give it to the jobs in their environment or a file of your home"
        )
    shards = min(16, blocks)
    write_whole(
        path,
        f"""\
#!/bin/bash
# A sweep as a job array. Submit it with:  sbatch {shlex.quote(path.name)}
# Each task runs one of PARTS parts of the blocks. When all are through, one more job, which the
# first task submits, puts the results together. Parts that failed can be submitted again, such as
# sbatch --array=3,7 {shlex.quote(path.name)}; what is done is never done twice.
#SBATCH --job-name=asm-sim
#SBATCH --array=1-{shards}
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --output=%x-%A-%a.log
set -euo pipefail

PARTS={shards}  # as many as the array above has tasks
export NUMBA_NUM_THREADS="$SLURM_CPUS_PER_TASK"
# Kernels are compiled once for each kind of processor and kept in your own cache folder, below
# your home. A folder below /tmp, whose name others can guess, would not do: what is kept is code.

if [ "$SLURM_ARRAY_TASK_ID" = "$SLURM_ARRAY_TASK_MIN" ]; then  # of this submission
    sbatch --job-name=asm-sim-results --dependency="afterok:$SLURM_ARRAY_JOB_ID" \\
        --cpus-per-task=1 --mem=4G --time=04:00:00 --output=%x-%j.log \\
        --wrap={shlex.quote(command + " --resume")}
fi

{command} --resume --shard "$SLURM_ARRAY_TASK_ID/$PARTS"
""",
    )
    note.print(f"Script    {path}  ({shards} tasks; change --array and PARTS for another number)")


def _absolute(place: str, new: bool = False) -> str:
    """A path that still holds where the job runs; names and URLs as they are."""
    found = place_of(place) if new or Path(place).exists() else place
    return str(found.absolute()) if isinstance(found, Path) else found


def _say_what_was_done(report: Report, asked: Request, note: Terminal) -> None:
    for line in report.damaged:
        note.print(f"Damaged, and run again: {line}", markup=False)
    if asked.verify and not report.damaged:
        note.print("All blocks that are there hold what they should.")
    left = f"{counted(report.blocks_left, 'block')} of the sweep missing"
    if asked.shard:
        when = (
            f"{left}. When all shards are through" if report.blocks_left else "it was the last. Now"
        )
        note.print(
            f"This shard is done ({counted(report.blocks_run, 'block')} run); {when}, the same "
            "command with --resume and without --shard puts them together."
        )
    elif report.blocks_left:
        note.print(f"{left}; the same command with --resume and without --verify runs them.")
    if report.limits:
        names = " and ".join(str(limit) for limit in report.limits)
        holds = "holds" if len(report.limits) == 1 else "hold"
        if report.limits_hold:
            note.print(
                f"{names} {holds} for every scenario, cohort and year with {report.draws:,} draws.",
                markup=False,
            )
        else:
            note.print(
                f"{names}: not reached with all {report.draws:,} draws; --draws allows more.",
                markup=False,
            )


def _answer(place: str, folder: Any, as_json: bool, note: Terminal) -> None:
    """The table of all scenarios on standard output, and beside the results."""
    from asm_sim.results.describe import provenance
    from asm_sim.results.open import open_results
    from asm_sim.results.sweep_summary import print_sweep, sweep_table

    ds = open_results(place)
    table = sweep_table(ds)
    folder.write("summary.csv", table.to_csv(index=False).encode())
    if as_json:
        about = {"run": provenance(ds), "draws": ds.sizes["draw"]}
        about["compare_to"] = ds.attrs.get("compare_to")
        rows = json.loads(table.to_json(orient="records"))
        typer.echo(json.dumps({**about, "outcomes": rows}, indent=1))
    else:
        print_sweep(table, ds, Terminal(highlight=False))
    shown = str(folder).rstrip("/")
    note.print(f"\nResults   {shown}/results.zarr", markup=False)
    note.print(f"Table     {shown}/summary.csv", markup=False)
