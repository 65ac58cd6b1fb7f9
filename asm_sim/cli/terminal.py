"""What a verb prints: no text of a user's own reaches the terminal as anything but text."""

from __future__ import annotations

from collections.abc import Iterable

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from asm_sim.errors import escaped, without_passwords


def say(text: str, *, err: bool = False) -> None:
    """Print lines; on standard error where they are about the work and not its result."""
    typer.echo(escaped(without_passwords(text), keep="\n"), err=err)


class Terminal(Console):
    """A console of rich on which titles, names and paths cannot move the cursor or change colours.

    Rich writes the control sequences of styles itself, after this.
    """

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
