"""``asm-sim runs``: which results are in a folder, how large they are; removes them on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from asm_sim.cli.options import AsJson
from asm_sim.cli.terminal import Terminal, say
from asm_sim.durable import size_of
from asm_sim.errors import InputError, counted, printable

RUNS = Path("runs")
DEEPEST = 3  # folders below the one that is listed: the runs of a sensitivity lie in one more
BESIDE = ("job.sbatch",)  # what the README has a user name so
EXPORTED = "results"  # what the names of exports begin with


def runs(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = RUNS,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="NAME", help="Remove this run or sweep. May be repeated."),
    ] = None,
    drop_blocks: Annotated[
        list[str] | None,
        typer.Option(
            "--drop-blocks",
            metavar="NAME",
            help="Keep the results of this finished sweep and remove its blocks, which only more "
            "draws need. May be repeated.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the runs and sweeps in a folder with their sizes, and remove some on request.

    Only a folder that asm-sim made a run or a sweep of is removed, and none that holds anything
    else.
    """
    from asm_sim.places import local_path

    folder = local_path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    stores = {str(path.relative_to(folder)): path for path in _stores(folder, DEEPEST)}
    if remove or drop_blocks:
        _remove(folder, stores, remove or [], drop_blocks or [], yes)
        return
    entries = [described(name, path) for name, path in stores.items()]
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "runs": entries}, indent=1))
        return
    _list(entries, folder)


def _stores(folder: Path, depth: int) -> list[Path]:
    """The folders of runs and sweeps below a folder, by name; links are not followed."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_dir() or path.name.startswith("."):
            continue
        if mark_of(path) is not None:
            found.append(path)
        elif depth > 1:
            found += _stores(path, depth - 1)
    return found


def mark_of(folder: Path) -> dict[str, Any] | None:
    """What makes a folder a run or a sweep of ours; None where it is neither."""
    try:
        mark = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    kind = mark.get("format") if isinstance(mark, dict) else None
    return mark if kind in {"asm_sim run", "asm_sim sweep"} else None


def described(name: str, path: Path) -> dict[str, Any]:
    """One run or sweep as plain data; ``finished`` says whether its results are complete."""
    mark = mark_of(path) or {}
    return {
        "name": name,
        "kind": str(mark.get("format", "")).removeprefix("asm_sim "),
        "scenario": str(mark.get("name", "")),
        "draws": mark.get("draws"),
        "seed": str(mark.get("seed", "")),
        "version": str(mark.get("version", "")),
        "finished": (path / "results.zarr" / ".zmetadata").is_file(),
        "bytes": size_of(path),
    }


def _list(entries: list[dict[str, Any]], folder: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    if not entries:
        say(f"{folder}: no runs and no sweeps")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_column("kind")
    table.add_column("draws", justify="right")
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("")
    for entry in entries:
        state = "" if entry["finished"] else "not finished"
        draws = f"{entry['draws']:,}" if isinstance(entry["draws"], int) else "?"
        size = f"{entry['bytes'] / 1e6:,.1f}"
        table.add_row(Text(entry["name"]), entry["kind"], draws, size, state)
    Terminal(highlight=False).print(table)
    total = sum(entry["bytes"] for entry in entries) / 1e6
    how = "--remove NAME removes one, --drop-blocks NAME the blocks of one."
    say(f"\n{counted(len(entries), 'store')}, {total:,.1f} MB. {how}")


def _remove(
    folder: Path, stores: dict[str, Path], names: list[str], without_blocks: list[str], yes: bool
) -> None:
    """Remove stores, and blocks of others; everything is checked before anything is removed."""
    from asm_sim.durable import remove
    from asm_sim.results.open import BLOCKS, is_whole

    chosen = {name: _store(folder, stores, name) for name in names}
    for path in chosen.values():
        if others := _others(path):
            raise InputError(
                f"{path}: holds {printable(', '.join(others))}, which asm-sim did not "
                "write there; move that away first"
            )
    for name in without_blocks:
        path = _store(folder, stores, name)
        if not is_whole(path / "results.zarr"):
            raise InputError(f"{path}: is not finished, and its blocks are all that it has")
        if (path / BLOCKS).is_dir():
            chosen[f"{name.rstrip('/')}/{BLOCKS}"] = path / BLOCKS
        else:
            say(f"{path}: has no blocks")
    for name, path in chosen.items():
        size = f"{size_of(path) / 1e6:,.1f} MB"
        known = name.rstrip("/")
        if yes or typer.confirm(f"Remove {printable(known)} ({size})?", err=True):
            remove(path)
            say(f"Removed {known} ({size})")
        else:
            say(f"Kept {known}")


def _store(folder: Path, stores: dict[str, Path], name: str) -> Path:
    """The store of this name; :class:`InputError` where there is none."""
    from asm_sim.documents import did_you_mean, quoted

    known = name.rstrip("/")
    if known not in stores and (folder / known).is_dir():
        raise InputError(f"{folder / known}: this is no run and no sweep; it is left alone")
    if known not in stores:
        hint = did_you_mean(known, list(stores))
        raise InputError(f"{folder}: no run or sweep is called {quoted(known)}{hint}")
    return stores[known]


def _others(store: Path) -> list[str]:
    from asm_sim.results.open import WRITTEN

    names = sorted(path.name for path in store.iterdir())
    return [
        name
        for name in names
        if name not in {*WRITTEN, *BESIDE}
        and not name.startswith((".", f"{EXPORTED}."))
        and name not in {f"{EXPORTED}-csv", f"{EXPORTED}-parquet", f"{EXPORTED}-stata"}
    ]
