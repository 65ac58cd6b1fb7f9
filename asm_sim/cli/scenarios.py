"""``asm-sim scenarios``: what can be run by name."""

from __future__ import annotations

import json

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def scenarios_command(as_json: bool) -> None:
    """List the shipped scenarios."""
    from asm_sim.scenario.load import shipped

    found = shipped()
    if as_json:
        typer.echo(json.dumps([entry._asdict() for entry in found], indent=1))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("run with", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for name, verb, title, description in found:
        about = Text(f"{title}\n{description}".rstrip())
        table.add_row(Text(name), f"asm-sim {verb}", about)
    Console(highlight=False).print(table)
    typer.echo(
        "\nFor example: asm-sim run baseline. A YAML file of your own can extend a scenario."
    )
