"""``asm-sim sweep``: many scenarios, in a store that loses nothing."""

from __future__ import annotations

import json
import re
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asm_sim.cli.job_array import sweep_command, write_job_array
from asm_sim.cli.options import AsJson, Draws, Errors, Overwrite, Seed, Settings
from asm_sim.cli.planned import print_plan
from asm_sim.cli.run import RUNS
from asm_sim.cli.terminal import Terminal
from asm_sim.durable import size_of
from asm_sim.errors import InputError, RunError, counted, printable, reason_of

if TYPE_CHECKING:
    from asm_sim.scenario.schema import Sweep
    from asm_sim.store.carry_out import Mode, Report
    from asm_sim.store.work import Work

# Options that do not go together, and why.
CONTRARY = {
    ("--shard", "--until"): "a shard cannot see the draws of the others",
    ("--workers", "--scheduler"): "choose one",
    ("--overwrite", "--shard"): "a shard would remove the others' blocks",
    **{
        ("--write-sbatch", option): "a job array is of shards"
        for option in ("--until", "--verify", "--workers", "--scheduler", "--shard")
    },
}


def sweep(
    scenario: Annotated[str, typer.Argument(help="A sweep's name, or a YAML file.")],
    out: Annotated[
        str | None,
        typer.Option("--out", "--output", "-o", help="Folder or URL (s3://...) of the store."),
    ] = None,
    draws: Draws = None,
    seed: Seed = None,
    settings: Settings = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Run what is missing: after a stop, or to add to it.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print scenarios, memory, disk and time; run nothing.")
    ] = False,
    until: Annotated[
        list[str] | None,
        typer.Option(
            "--until",
            metavar="LIMIT",
            help="Stop when this Monte Carlo error holds: 'retained_by_medicare<0.5%' (of the "
            "mean) or 'share_negative<0.001'; --draws is the most. May be repeated.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Worker processes on this machine.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a dask scheduler: tcp://...")
    ] = None,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="K/N", help="Run only this part: 3/16.")
    ] = None,
    write_sbatch: Annotated[
        Path | None,
        typer.Option("--write-sbatch", help="Write a Slurm script for a job array, and stop."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read all blocks again; repair damaged ones.")
    ] = False,
    panel: Annotated[
        int | None,
        typer.Option("--panel", min=0, help="Draws kept clinician by clinician (none)."),
    ] = None,
    lens: Annotated[
        int | None,
        typer.Option("--lens", min=0, help="Draws looked at closely (none)."),
    ] = None,
    block_draws: Annotated[
        int | None, typer.Option("--block-draws", min=1, help="Draws to a block (100).")
    ] = None,
    overwrite: Overwrite = False,
    errors: Errors = False,
    as_json: AsJson = False,
) -> None:
    """Run many scenarios into one store: grids, lists and designs, here or on a cluster."""
    given = {
        "--resume": resume,
        "--until": bool(until),
        "--workers": workers is not None,
        "--scheduler": scheduler is not None,
        "--shard": shard is not None,
        "--write-sbatch": write_sbatch is not None,
        "--verify": verify,
        "--overwrite": overwrite,
    }
    _check_combination({option for option, is_given in given.items() if is_given})
    part = _part(shard)
    note = Terminal(stderr=True, highlight=False, soft_wrap=True)
    note.print(f"asm-sim: reading {printable(scenario)}", markup=False)
    begun = time.perf_counter()
    from asm_sim.engine.threads import thread_count
    from asm_sim.scenario.sweep import load_sweep

    thread_count()  # before numba reads the same variable
    source = load_sweep(scenario, settings or []).with_draws(draws, seed)
    from asm_sim.store.blocks import check
    from asm_sim.store.files import open_folder
    from asm_sim.store.until import parse_limit
    from asm_sim.store.work import work_of

    limits = [parse_limit(text) for text in until or []]
    place = str(usual_folder(source)) if out is None else out
    folder = open_folder(place)
    work = work_of(source, block_draws, panel, lens)
    _say_what_it_is(source, work, note)
    if write_sbatch is not None:
        options = {
            "--draws": draws,
            "--seed": seed,
            "--panel": panel,
            "--lens": lens,
            "--block-draws": block_draws,
        }
        command = sweep_command(scenario, place, options, settings or [])
        write_job_array(write_sbatch, command, work.job_count, overwrite, note)
        return
    if plan:
        check(folder, work, overwrite=overwrite)
        print_plan(folder, source, work, as_json, note)
        return
    if not work.panel_draws and len(work) == 1:
        note.print("No draws are kept clinician by clinician; --panel 200 keeps some", markup=False)

    from asm_sim.store.carry_out import carry_out
    from asm_sim.store.progress import on_terminal

    note.print("Preparing the model (the first time, kernels are compiled: some minutes)")
    try:
        with _runner(workers, scheduler) as runner, on_terminal() as progress:
            report = carry_out(
                folder,
                work,
                runner,
                mode=_mode(resume or part is not None, overwrite, verify),
                shard=part,
                limits=limits,
                progress=progress,
            )
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(
            "Stopped. Finished blocks are kept: --resume goes on from here."
        ) from stop
    except OSError as error:
        raise RunError(
            f"{folder}: {reason_of(error)}. Finished blocks are kept: --resume goes on from here"
        ) from error
    _say_what_was_done(report, verify, part is not None, note)
    if report.finished:
        _answer(place, folder, errors, as_json, note)
        note.print(f"Done in {time.perf_counter() - begun:.1f} s.")


def _say_what_it_is(source: Sweep, work: Work, note: Terminal) -> None:
    from asm_sim.scenario.sweep import duplicates

    note.print(printable(source.file.title), markup=False)
    beside = f" and {counted(work.open_draws, 'open draw')}" if work.open_draws else ""
    note.print(
        f"{counted(len(work), 'scenario')} of {counted(work.draws, 'draw')}{beside} each, "
        f"seed {source.file.seed}, {counted(work.job_count, 'block')}",
        markup=False,
    )
    for line in work.roster.notes:
        note.print(f"Roster: {line}", markup=False)
    for name, earlier in duplicates(source):
        note.print(
            f"Note: scenario {name!r} has the same parameters as {earlier!r}; it is computed once",
            markup=False,
        )


def usual_folder(sweep: Sweep) -> Path:
    """Where a sweep goes if nothing else is said."""
    return RUNS / sweep.name


def _check_combination(given: set[str]) -> None:
    """Refuse options that do not go together."""
    for options, reason in CONTRARY.items():
        if given.issuperset(options):
            raise InputError(f"{' and '.join(options)}: {reason}")
    if "--overwrite" in given and {"--resume", "--verify"} & given:
        raise InputError("--overwrite starts anew; --resume and --verify keep what is there")


def _mode(resume: bool, overwrite: bool, verify: bool) -> Mode:
    """What becomes of work that is there."""
    from asm_sim.store.carry_out import Mode

    if verify:
        return Mode.VERIFY
    if overwrite:
        return Mode.ANEW
    return Mode.GO_ON if resume else Mode.START


def _part(text: str | None) -> tuple[int, int] | None:
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


def _runner(workers: int | None, scheduler: str | None) -> AbstractContextManager[Any]:
    """What runs the blocks: this process, worker processes here, or a cluster."""
    from contextlib import contextmanager

    from asm_sim.store.here import run_here

    if workers is not None:
        from asm_sim.store.workers import worker_processes

        return worker_processes(workers)
    if scheduler is None:
        return nullcontext(run_here)
    from asm_sim.store.cluster import connected, run_on

    @contextmanager
    def on_cluster(address: str) -> Any:
        with connected(address) as client:
            yield run_on(client)

    return on_cluster(scheduler)


def _say_what_was_done(report: Report, verify: bool, sharded: bool, note: Terminal) -> None:
    for line in report.damaged:
        note.print(f"Damaged, and run again: {line}", markup=False)
    if verify and not report.damaged:
        note.print("All blocks that are there hold what they should.")
    left = f"{counted(report.blocks_left, 'block')} of the sweep missing"
    if sharded:
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
        draws = counted(report.draws, "draw")
        if report.limits_hold:
            note.print(
                f"{names} {holds} for every scenario, cohort and year with {draws}.",
                markup=False,
            )
        else:
            note.print(
                f"{names}: not reached with all {draws}; --draws allows more.",
                markup=False,
            )


def _answer(place: str, folder: Any, errors: bool, as_json: bool, note: Terminal) -> None:
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
        print_sweep(table, ds, Terminal(highlight=False), errors)
    from asm_sim.store.forecast import in_bytes

    shown, at = str(folder).rstrip("/"), folder.place
    more = "; more draws need them, and `asm-sim runs --drop-blocks` removes them"
    note.print()
    for what, name, then in (
        ("Results", "results.zarr", ""),
        ("Table", "summary.csv", ""),
        ("Blocks", "blocks", more),
    ):
        size = f"  ({in_bytes(size_of(at / name))}{then})" if isinstance(at, Path) else ""
        note.print(f"{what:<9} {shown}/{name}{size}", markup=False)
