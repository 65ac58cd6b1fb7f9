"""``asm-sim run``: a scenario simulated, its answer in words, its results and figures on disk."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asm_sim.cli.answer import OWN_CLINICIANS, SUMMARY, Asked
from asm_sim.cli.beside import answer_of, draw_figures, working_beside
from asm_sim.cli.options import AsJson, Draws, Errors, Full, Overwrite, Seed, Settings
from asm_sim.cli.terminal import Terminal, print_whole, written
from asm_sim.durable import write_whole
from asm_sim.errors import InputError, counted, printable
from asm_sim.places import place_of

if TYPE_CHECKING:
    from asm_sim.scenario.schema import Scenario
    from asm_sim.store.work import Work

RUNS = Path("runs")
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

    with working_beside(thread_count()) as beside:  # before numba reads the same variable
        folder, chosen = _simulated(
            scenario, (draws, seed, open_draws), settings or [], place, overwrite, note
        )
        asked = Asked(str(folder.absolute()), scenario, errors, full, as_json, Terminal().width)
        beside.begin(asked)
        write_whole(folder / "scenario.yaml", _yaml(chosen.resolved()))
        answer = answer_of(asked, beside)
        print_whole(answer.said)
        for name, content in answer.files.items():
            write_whole(folder / name, content)
        figures = draw_figures(folder, beside)
    note.print(f"\n{written('Results', folder / 'results.zarr')}", markup=False)
    note.print(written("Table", folder / SUMMARY), markup=False)
    if f"{OWN_CLINICIANS}.csv" in answer.files:
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
