"""``asm-sim scenarios``: what can be run by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from asm_sim.cli.options import AsJson
from asm_sim.cli.terminal import Terminal, say
from asm_sim.errors import InputError

if TYPE_CHECKING:
    from asm_sim.scenario.load import Shipped

SECTIONS = {"run": "One scenario each", "sweep": "Many scenarios each"}


def scenarios(
    name: Annotated[
        str | None, typer.Argument(help="One of them, to be told in full.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the scenarios that can be run, or say all about one."""
    from asm_sim.documents import did_you_mean
    from asm_sim.scenario.load import shipped

    found = shipped()
    if name is not None:
        known = [entry.name for entry in found]
        if name not in known:
            hint = did_you_mean(name, known)
            raise InputError(f"no scenario is called {name!r}{hint}; `asm-sim scenarios` lists all")
        found = [entry for entry in found if entry.name == name]
    if as_json:
        typer.echo(json.dumps([entry._asdict() for entry in found], indent=1))
        return
    console = Terminal(highlight=False)
    if name is not None:
        _tell(found[0], console)
        return
    for verb, words in SECTIONS.items():
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for entry in found:
            if entry.verb == verb:
                table.add_row(Text(entry.name), Text(entry.title))
        console.print(Text(f"{words}: asm-sim {verb} NAME", style="bold"))
        console.print(table)
        console.print()
    say(
        "asm-sim scenarios NAME tells who proposes it, why, and its source. A YAML file of your "
        "own can extend any of the first kind."
    )


def _tell(entry: Shipped, console: Terminal) -> None:
    console.print(Text(entry.title, style="bold"))
    if entry.description:
        console.print(Text(entry.description))
    console.print(Text(f"\nasm-sim {entry.verb} {entry.name}"))
