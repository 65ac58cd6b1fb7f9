"""``asm-sim compare``: what a scenario changes, paired draw by draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from asm_sim.cli.options import AsJson, Errors, Variables
from asm_sim.cli.terminal import Terminal, say
from asm_sim.durable import write_whole
from asm_sim.errors import InputError
from asm_sim.places import local_path


def compare(
    store: Annotated[
        str, typer.Argument(help="A sweep's folder or URL (s3://...), or that of a run.")
    ],
    a: Annotated[
        str, typer.Argument(help="A scenario's name or position (from 0); for a run, another run.")
    ],
    b: Annotated[
        str | None,
        typer.Argument(help="The scenario to subtract; by default the sweep's compare_to."),
    ] = None,
    variables: Variables = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the numbers here too.")] = None,
    errors: Errors = False,
    as_json: AsJson = False,
) -> None:
    """Show what a scenario changes: A minus B of a sweep, or one run minus another.

    Both have the same random numbers, so that differences are paired draw by draw:
    `asm-sim compare sweeps/steepness "steepness=0.2"`, `asm-sim compare runs/a runs/b`.
    """
    csv = file_of(csv)
    from asm_sim.results.compare import (
        compare,
        comparison_json,
        comparison_table,
        print_comparison,
    )

    result = compare(store, a, b, names_of(variables))
    if as_json:
        typer.echo(json.dumps(comparison_json(result), indent=1))
    else:
        print_comparison(result, Terminal(highlight=False), errors)
    if csv is not None:
        write_whole(csv, comparison_table(result).to_csv(index=False))
        say(f"Wrote {csv}", err=True)


def file_of(csv: Path | None) -> Path | None:
    """Where ``--csv`` writes, sure to be a place for a file; None where nothing was said."""
    if csv is None:
        return None
    path = local_path(csv)
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder; name a file" if path.is_dir() else "its folder does not exist"
        raise InputError(f"--csv {path}: {what}")
    return path


def names_of(text: str | None) -> list[str] | None:
    """The names in ``a,b,c``; None where nothing was said."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
