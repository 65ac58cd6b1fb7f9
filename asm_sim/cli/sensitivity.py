"""``asm-sim sensitivity``: which of the things that nobody knows matters, and by how much."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asm_sim.cli.options import AsJson, Seed, Settings
from asm_sim.cli.run import RUNS
from asm_sim.cli.terminal import Terminal
from asm_sim.durable import write_whole
from asm_sim.errors import counted, printable
from asm_sim.places import place_of

_NO_NAME = re.compile(r"\W+")  # in the name of a file

if TYPE_CHECKING:
    import xarray as xr

    from asm_sim.unknowns.question import Question


def sensitivity(
    scenario: Annotated[
        str, typer.Argument(help="A scenario's name, a YAML file, or a sweep with a design.")
    ] = "baseline",
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            "--outcome",
            metavar="NAME",
            help="What is looked at: share_negative (the usual), adjustment_sd, "
            "misclassified_share, retained_by_medicare, 'adjustment_at_score(60)', ... "
            "May be repeated.",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="effects: one unknown moved at a time (the usual); morris: all screened over "
            "their width; sobol: shares of the variance of the eight largest; variance: its "
            "shares by layer, from rule to luck.",
        ),
    ] = None,
    lever: Annotated[
        list[str] | None,
        typer.Option(
            "--lever",
            metavar="PATH",
            help="A parameter that is to move too; PATH=LOW,HIGH says between what. "
            "May be repeated.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PATH",
            help="Only unknowns that are or lie below this path, such as rules.payment. "
            "May be repeated.",
        ),
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", help="The performance year (the first).")
    ] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", min=1, help="Draws of each run (8; of variance 200).")
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option("--rows", min=1, help="Trajectories of morris (10), samples of sobol (128)."),
    ] = None,
    seed: Seed = None,
    settings: Settings = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", "--output", "-o", help="Folder of the runs, the answer and its figure."
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print how many runs and minutes; run nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find which unknowns matter: what an outcome does when each moves, luck taken out."""
    note = Terminal(stderr=True, highlight=False, soft_wrap=True)
    begun = time.perf_counter()
    note.print(f"asm-sim: reading {printable(scenario)}", markup=False)
    from asm_sim.engine.threads import thread_count

    threads = thread_count()  # before numba reads the same variable
    from asm_sim.unknowns.question import ask

    question = ask(
        scenario,
        outcome or [],
        method,
        lever or [],
        draws,
        seed,
        settings or [],
        year,
        rows,
        only or [],
    )
    place = str(usual_folder(question) if out is None else place_of(out))
    note.print(printable(question.scenario.title), markup=False)
    note.print("Preparing the model (the first time, kernels are compiled: some minutes)")
    _say_plan(question, place, threads, as_json and plan, note)
    if plan:
        return
    from asm_sim.store.progress import on_terminal
    from asm_sim.unknowns.sensitivity import answered

    try:
        with on_terminal() as progress:
            ds = answered(question, place, progress)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(
            "Stopped. Finished runs are kept: the same command goes on from here."
        ) from stop
    _answer(ds, place, as_json, note)
    note.print(f"Done in {time.perf_counter() - begun:.1f} s.")


def usual_folder(question: Question) -> Path:
    """Where the runs of a question go if nothing else is said."""
    if question.sweep is not None:
        from asm_sim.cli.sweep import usual_folder

        return usual_folder(question.sweep)
    return RUNS / f"sensitivity-{question.scenario.name}"


def _say_plan(question: Question, place: str, threads: int, as_json: bool, note: Terminal) -> None:
    """How many runs of how many draws, and for how long."""
    expected, draws = question.expected(), question.scenario.draws
    runs = sum(stage.points for stage in question.stages())
    if as_json:
        stages = [stage._asdict() for stage in question.stages()]
        plain: dict[str, Any] = {"stages": stages, "unknowns": [a.path for a in question.axes]}
        plain |= {"runs": runs, "draws": draws, "out": place, **expected._asdict()}
        typer.echo(json.dumps(plain, indent=1))
        return
    of = " and ".join(
        f"{counted(stage.points, 'run')} ({stage.method})" for stage in question.stages()
    )
    note.print(
        f"{counted(len(question.axes), 'unknown')}: {of} of {counted(draws, 'draw')} each, seed "
        f"{question.scenario.seed}; about {_minutes(expected.seconds)} on {threads} threads, less "
        f"what is there already in {place}",
        markup=False,
    )


def _minutes(seconds: float) -> str:
    return "a minute" if seconds < 90 else f"{seconds / 60:,.0f} minutes"


def _answer(ds: xr.Dataset, place: str, as_json: bool, note: Terminal) -> None:
    """The tables on standard output; beside the runs, where these lie on a disk, all numbers and
    the figure."""
    from asm_sim.results.sensitivity import print_sensitivity, sensitivity_json, sensitivity_table

    if as_json:
        typer.echo(json.dumps(sensitivity_json(ds), indent=1))
    else:
        print_sensitivity(ds, Terminal(highlight=False))
    folder = place_of(place)
    if isinstance(folder, Path):
        table = folder / f"{ds.attrs['method']}.csv"
        write_whole(table, sensitivity_table(ds).to_csv(index=False))
        note.print(f"\nTable     {table}", markup=False)
        for figure in _figures(ds, folder):
            note.print(f"Figure    {figure}", markup=False)


def _figures(ds: xr.Dataset, folder: Path) -> list[Path]:
    """The figure of each outcome; none of a screening."""
    from asm_sim.plots import sensitivity_indices, tornado
    from asm_sim.plots.save import save

    module = {"effects": tornado, "sobol": sensitivity_indices}.get(str(ds.attrs["method"]))
    if module is None:
        return []
    drawn = []
    for outcome in map(str, ds["outcome"].values):
        name = f"{module.__name__.rpartition('.')[2]}_{_NO_NAME.sub('_', outcome).strip('_')}"
        paths = save(module.plot(ds, outcome), folder / "figures", name, ds)
        drawn.append(next(path for path in paths if path.suffix == ".png"))
    return drawn
