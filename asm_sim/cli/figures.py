"""``asm-sim figures``: the publication figures, drawn from stored runs or held against them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asm_sim.cli.options import Overwrite
from asm_sim.cli.terminal import Terminal, say
from asm_sim.errors import InputError
from asm_sim.places import local_path

if TYPE_CHECKING:
    import xarray as xr

    from asm_sim.cli.figures_file import Needed
    from asm_sim.store.work import Work

_FAILED = 1
_SHOWN = 3


def figures(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which figures; all of figures.yaml if none.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--folder", help="Folder with figures.yaml, and of the pictures.")
    ] = Path("figures"),
    make: Annotated[
        bool, typer.Option("--make", help="Make the runs that are not there yet.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Draw nothing; fail where a figure is out of date.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Draw the figures that figures.yaml names, each from its stored run."""
    from asm_sim.cli.figures_file import wanted_of

    note = Terminal(stderr=True, highlight=False, soft_wrap=True)
    folder = local_path(folder)
    wanted = wanted_of(folder, names or [])
    datasets: dict[str, xr.Dataset] = {}
    for needed in (one for figure in wanted.values() for one in figure.all):
        if needed.command not in datasets:  # all are there before the first figure is drawn
            datasets[needed.command] = _results(needed, make, overwrite, note)
    stale = [
        name
        for name, figure in wanted.items()
        if not _draw(name, [datasets[one.command] for one in figure.all], folder, check, note)
    ]
    if stale:
        say(f"Out of date: {', '.join(stale)}. `asm-sim figures` draws them anew.")
        raise typer.Exit(_FAILED)
    if check:
        say(f"{len(wanted)} figures hold the numbers that this version draws.")


def _results(needed: Needed, make: bool, overwrite: bool, note: Terminal) -> xr.Dataset:
    """The stored results that figures are drawn from; made if asked for and not there."""
    if needed.sensitivity is not None:
        return _answer(needed, make, note)
    from asm_sim.results.open import open_results
    from asm_sim.store.carry_out import Mode, carry_out
    from asm_sim.store.consolidate import is_consolidated
    from asm_sim.store.files import open_folder
    from asm_sim.store.progress import on_terminal

    work, path = _work(needed)
    folder = open_folder(path)
    if not is_consolidated(folder, work):
        if not make:
            raise InputError(
                f"{path}: no finished run of this version is there; `{needed.command}` makes it, "
                "or add --make"
            )
        note.print(f"Running {needed.command}")
        with on_terminal() as progress:
            single = needed.run is not None  # whose folder is named after what it holds
            carry_out(
                folder,
                work,
                mode=Mode.REPLACE if single or overwrite else Mode.GO_ON,
                progress=progress,
            )
    return open_results(path)


def _answer(needed: Needed, make: bool, note: Terminal) -> xr.Dataset:
    """The answer of a method of sensitivity, its runs made if asked for and not there."""
    from asm_sim.cli.sensitivity import usual_folder
    from asm_sim.store.progress import on_terminal
    from asm_sim.unknowns.question import ask
    from asm_sim.unknowns.sensitivity import answered

    question = ask(
        needed.sensitivity or "", method=needed.method, draws=needed.draws, settings=needed.set
    )
    if make:
        note.print(f"Running what is not there yet of {needed.command}")
    with on_terminal() as progress:
        return answered(question, str(usual_folder(question)), progress, make)


def _work(needed: Needed) -> tuple[Work, Path]:
    """What is to be run, and where it goes if nothing else is said."""
    from asm_sim.cli.run import usual_folder as folder_of_run
    from asm_sim.cli.sweep import usual_folder as folder_of_sweep
    from asm_sim.scenario.load import load_scenario
    from asm_sim.scenario.sweep import load_sweep
    from asm_sim.store.work import work_of

    if needed.run is not None:
        scenario = load_scenario(needed.run, needed.set.items())
        work = work_of(scenario.with_draws(needed.draws, None))
        return work, folder_of_run(work)
    sweep = load_sweep(needed.sweep or "", needed.set.items()).with_draws(needed.draws, None)
    return work_of(sweep), folder_of_sweep(sweep)


def _draw(
    name: str, results: list[xr.Dataset], folder: Path, check_only: bool, note: Terminal
) -> bool:
    """Draw one figure, or compare it with the one that is there; whether that is up to date."""
    from asm_sim import plots
    from asm_sim.plots.save import differing, numbers, save

    figure: Any = getattr(plots, name).plot(*results)
    ds = results[0]
    if not check_only:
        for path in save(figure, folder, name, ds):
            note.print(f"Figure    {path}", markup=False)
        return True
    sidecar = folder / f"{name}.json"
    pictures = [folder / f"{name}.{ending}" for ending in ("png", "svg")]
    try:
        there = json.loads(sidecar.read_text(encoding="utf-8"))["plotted"]
    except (OSError, ValueError, KeyError, TypeError):
        note.print(f"{sidecar}: not there, or not what is written beside a figure", markup=False)
        return False
    here = json.loads(json.dumps(numbers(figure, name, ds)["plotted"]))
    found = differing(there, here)
    found += [f"{path.name} is missing" for path in pictures if not path.is_file()]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        note.print(f"{name}: differs in {', '.join(found[:_SHOWN])}{more}", markup=False)
    return not found
