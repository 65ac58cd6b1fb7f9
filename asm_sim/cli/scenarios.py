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

HOW = (
    "asm-sim run NAME runs one; those marked sweep are many scenarios each: asm-sim sweep NAME. "
    "asm-sim scenarios NAME tells who proposes it, why, and its source; asm-sim scenarios WORD "
    "finds. A YAML file of your own can extend any that is no sweep."
)


def scenarios(
    word: Annotated[
        str | None,
        typer.Argument(
            help="A name, to be told in full, or a word that stands in names, titles, themes or "
            "descriptions.",
            show_default=False,
        ),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema", help="Print a JSON Schema of scenario files, for editors to check them by."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the scenarios that can be run by theme, find some, or say all about one."""
    if schema:
        from asm_sim.scenario.json_schema import scenario_schema

        typer.echo(json.dumps(scenario_schema(), indent=1))
        return
    from asm_sim.scenario.load import shipped
    from asm_sim.scenario.themes import theme_of

    every = shipped()
    found = every if word is None else _found(every, word)
    if as_json:
        entries = [entry._asdict() | {"theme": theme_of(entry.name)} for entry in found]
        typer.echo(json.dumps(entries, indent=1))
        return
    console = Terminal(highlight=False)
    if word is not None and [entry.name for entry in found] == [word]:
        _tell(found[0], console)
        return
    _list(found, console)
    say(HOW)


def _found(every: list[Shipped], word: str) -> list[Shipped]:
    """The scenario of this name; else those in whose texts the word stands."""
    from asm_sim.cli.listing import is_about
    from asm_sim.documents import NEAREST, did_you_mean, quoted
    from asm_sim.scenario.themes import theme_of

    named = [entry for entry in every if entry.name == word]
    about = [entry for entry in every if is_about(word, (*entry, theme_of(entry.name)))]
    if not (named or about):
        hint = did_you_mean(word, [entry.name for entry in every], NEAREST)
        raise InputError(
            f"no scenario is called {quoted(word)}{hint}, and none is about it; "
            "`asm-sim scenarios` lists all"
        )
    return named or about


def _list(found: list[Shipped], console: Terminal) -> None:
    from asm_sim.scenario.themes import THEMES

    by_name = {entry.name: entry for entry in found}
    width = max(map(len, by_name))
    for theme, names in THEMES.items():
        entries = [by_name[name] for name in names if name in by_name]
        if not entries:
            continue
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True, min_width=width)
        table.add_column(overflow="fold")
        for entry in entries:
            mark = " (sweep)" * (entry.verb == "sweep")
            table.add_row(Text(entry.name), Text(f"{entry.title}{mark}"))
        console.print(Text(theme, style="bold"))
        console.print(table)
        console.print()


def _tell(entry: Shipped, console: Terminal) -> None:
    console.print(Text(entry.title, style="bold"))
    if entry.description:
        console.print(Text(entry.description))
    console.print(Text(f"\nasm-sim {entry.verb} {entry.name}"))
