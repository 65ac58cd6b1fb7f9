"""``asm-sim run``: a scenario simulated, its answer in words, its results and figures on disk."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asm_sim.cli.drawing import Beside, draw_figures, drawing_beside, import_beside
from asm_sim.cli.options import AsJson, Draws, Errors, Full, Overwrite, Seed, Settings
from asm_sim.cli.terminal import Terminal, written
from asm_sim.durable import write_whole
from asm_sim.errors import InputError, counted, printable
from asm_sim.places import place_of

if TYPE_CHECKING:
    import xarray as xr

    from asm_sim.scenario.schema import Scenario
    from asm_sim.store.work import Work

RUNS = Path("runs")
OWN_CLINICIANS = "own_clinicians"
_LONGEST_FOLDER = 200  # bytes of a name: file systems take 255


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or a YAML file.")] = (
        "baseline"
    ),
    draws: Draws = None,
    seed: Seed = None,
    open_draws: Annotated[
        int | None,
        typer.Option(
            "--open-draws",
            min=0,
            help="Draws made again with everything drawn that nobody knows, for the ranges (200; "
            "0: none).",
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", "--output", "-o", help="Folder of the results.")
    ] = None,
    settings: Settings = None,
    overwrite: Overwrite = False,
    full: Full = False,
    errors: Errors = False,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario."""
    place = None if out is None else place_of(out)
    if isinstance(place, str):
        raise InputError(
            f"--out {out}: a run goes to a folder on a disk; asm-sim sweep writes to URLs, also "
            "for one scenario"
        )
    note = Terminal(stderr=True, highlight=False, soft_wrap=True)
    note.print(f"asm-sim: reading {printable(scenario)}", markup=False)
    begun = time.perf_counter()
    from asm_sim.engine.threads import thread_count
    from asm_sim.results.registry import OWN

    with drawing_beside(thread_count()) as beside:  # before numba reads the same variable
        folder, chosen = _simulated(
            scenario, (draws, seed, open_draws), settings or [], place, overwrite, note
        )
        ds = _told(scenario, folder, beside, (errors, full), as_json)
        write_whole(folder / "scenario.yaml", _yaml(chosen.resolved()))
        figures = draw_figures(ds, folder, beside)
    note.print(f"\n{written('Results', folder / 'results.zarr')}", markup=False)
    note.print(written("Table", folder / "summary.csv"), markup=False)
    if OWN in ds.coords and (folder / f"{OWN_CLINICIANS}.csv").exists():
        note.print(written("Own", folder / f"{OWN_CLINICIANS}.csv"), markup=False)
    for figure in figures:
        note.print(written("Figure", figure), markup=False)
    note.print(f"Done in {time.perf_counter() - begun:.1f} s.")


def _simulated(
    name: str,
    numbers: tuple[int | None, int | None, int | None],
    settings: list[str],
    place: Path | None,
    overwrite: bool,
    note: Terminal,
) -> tuple[Path, Scenario]:
    """The folder with the results of a scenario; ``numbers`` are draws, seed and open draws."""
    from asm_sim.engine.threads import thread_count
    from asm_sim.scenario.load import load_scenario

    draws, seed, open_draws = numbers
    chosen = load_scenario(name, settings).with_draws(draws, seed)
    note.print(printable(chosen.title), markup=False)
    from asm_sim.store.carry_out import Mode, carry_out
    from asm_sim.store.files import open_folder
    from asm_sim.store.progress import on_terminal
    from asm_sim.store.work import work_of

    work = work_of(chosen, open_draws=open_draws)
    folder = usual_folder(work) if place is None else place
    listed = len(work.roster.clinician_id)
    clinicians = f"{listed:,} clinicians, {len(chosen.rules.years)} performance years"
    note.print(
        f"{counted(chosen.draws, 'draw')} of {clinicians}, seed {chosen.seed}, "
        f"{thread_count()} threads"
    )
    if work.open_draws:
        note.print(
            f"{counted(work.open_draws, 'open draw')} beside them: everything drawn that nobody "
            "knows"
        )
    for line in work.roster.notes:
        note.print(f"Roster: {line}", markup=False)
    import_beside()
    # The name says everything that decides a draw but the version; an older version's run may go.
    with on_terminal() as progress:
        try:
            carry_out(
                open_folder(folder),
                work,
                mode=Mode.ANEW if overwrite else Mode.REPLACE if place is None else Mode.GO_ON,
                progress=progress,
            )
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(
                "Stopped. Finished blocks are kept: the same command goes on from here."
            ) from stop
    return folder, chosen


def _told(
    name: str, folder: Path, beside: Beside, how: tuple[bool, bool], as_json: bool
) -> xr.Dataset:
    """The results of a scenario that was given as ``name``, once they are printed and tabulated.

    ``how``: whether errors are printed, and whether all is.
    """
    from asm_sim.results.open import open_results
    from asm_sim.results.own import own_clinicians, print_own
    from asm_sim.results.registry import CALLED
    from asm_sim.results.summary import print_summary, summary_json, summary_table

    beside.draw(folder)
    ds = open_results(folder)
    told = ds.assign_attrs({CALLED: name})  # commands that are printed can be run
    own, table = own_clinicians(ds), summary_table(ds)
    if as_json:
        answer = summary_json(told)
        if own is not None:
            answer[OWN_CLINICIANS] = json.loads(own.to_json(orient="records"))
        typer.echo(json.dumps(answer, indent=1))
    else:
        if own is not None:
            print_own(own, Terminal(highlight=False))
        print_summary(told, Terminal(highlight=False), *how, table)
    if own is not None:
        write_whole(folder / f"{OWN_CLINICIANS}.csv", own.to_csv(index=False))
    write_whole(folder / "summary.csv", table.to_csv(index=False))
    return ds


def usual_folder(work: Work) -> Path:
    """Where a run goes if nothing else is said; the name holds what decides its draws."""
    scenario = work.scenario(0)
    end = f"-{work.draws}-draws-seed-{scenario.seed}-{work.hash[:8]}"
    room = _LONGEST_FOLDER - len(end)
    return RUNS / (scenario.name.encode()[:room].decode(errors="ignore") + end)


def _yaml(resolved: dict[str, Any]) -> str:
    """The resolved scenario as readable YAML."""
    from io import StringIO

    from ruamel.yaml import YAML

    buffer = StringIO()
    YAML(typ="safe", pure=True).dump(json.loads(json.dumps(resolved)), buffer)
    return buffer.getvalue()
