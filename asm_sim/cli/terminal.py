"""What a verb prints: no text of a user's own reaches the terminal as anything but text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from asm_sim.durable import size_of
from asm_sim.errors import escaped, without_passwords

is_quiet = False  # whether what is about the work, and not its result, is left out


def say(text: str, *, err: bool = False) -> None:
    """Print lines; on standard error where they are about the work and not its result."""
    if err and is_quiet:
        return
    typer.echo(escaped(without_passwords(text), keep="\n"), err=err)


def print_whole(text: str) -> None:
    """Print what has been laid out for the terminal; dropped where nobody reads any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        abandon_output()


def written(what: str, path: Path) -> str:
    """A line that says where something was written, and how large it is."""
    from asm_sim.store.forecast import in_bytes

    return f"{what:<9} {path}  ({in_bytes(size_of(path))})"


def abandon_output() -> None:
    """Where standard output takes nothing any more, keep Python from trying again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Terminal(Console):
    """A console of rich on which titles, names and paths cannot move the cursor or change colours.

    Rich writes the control sequences of styles itself, after this. Where nobody reads any more (as
    behind ``head``) what is still to be printed is dropped, and the work is done all the same.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.quiet = self.quiet or (is_quiet and self.stderr)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        abandon_output()

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        if (
            isinstance(renderable, Text)
            and escaped(renderable.plain, keep="\n") != renderable.plain
        ):
            plain = escaped(renderable.plain, keep="\n")  # before it is laid out, not to be cut off
            renderable = Text(plain, style=renderable.style, justify=renderable.justify)
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else escaped(text, keep="\n"), style, control)
