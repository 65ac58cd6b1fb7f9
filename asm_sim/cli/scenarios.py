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
        typer.echo(json.dumps([{"name": n, "title": t, "description": d} for n, t, d in found]))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for name, title, description in found:
        table.add_row(Text(name), Text(f"{title}\n{description}".rstrip()))
    Console(highlight=False).print(table)
    typer.echo("\nRun one with: asm-sim run NAME. A YAML file of your own can extend one of them.")
