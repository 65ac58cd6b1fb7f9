"""A progress bar on standard error, or in a notebook's cell, with rate and time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH, PLAIN_LINE = 30, 90  # characters
is_quiet = False  # whether a terminal is shown no bar
Progress = Callable[[int, int], None]  # draws done, draws in all, over all scenarios


@contextmanager
def shown(progress: bool | Progress) -> Iterator[Progress | None]:
    """What a caller asked for: a bar (True), nothing (False), or a function of its own."""
    if progress is True:
        with _bar() as update:
            yield update
    else:
        yield progress or None


@contextmanager
def on_terminal() -> Iterator[Progress | None]:
    """A bar where standard error is a terminal, else nothing."""
    with shown(sys.stderr.isatty() and not is_quiet) as update:
        yield update


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console

    console = Console(stderr=True)
    # In a notebook rich draws with ipywidgets, and only complains where that is not installed.
    plain = console.is_jupyter and find_spec("ipywidgets") is None
    with _plain_bar() if plain else _rich_bar(console) as update:
        yield update


@contextmanager
def _plain_bar() -> Iterator[Progress]:
    """A line of text that is written anew."""
    rate = _Rate()

    def update(done: int, total: int) -> None:
        filled = PLAIN_WIDTH * done // max(total, 1)
        bar = "#" * filled + "." * (PLAIN_WIDTH - filled)
        line = f"Simulating [{bar}] {done:,}/{total:,} draws, {rate.after(done)}"
        sys.stderr.write(f"\r{line:<{PLAIN_LINE}}")
        sys.stderr.flush()

    try:
        yield update
    finally:
        sys.stderr.write("\n")


class _Rate:
    """Draws a second since the first report, in words."""

    def __init__(self) -> None:
        self._begun: tuple[float, int] | None = None

    def after(self, done: int) -> str:
        now = time.perf_counter()
        if self._begun is None:
            self._begun = now, done
        seconds, more = now - self._begun[0], done - self._begun[1]
        return f"{more / seconds:,.0f} a second" if more > 0 and seconds > 0 else "compiling"


@contextmanager
def _rich_bar(console: Console) -> Iterator[Progress]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("draws, {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Simulating", total=None, rate="")
        rate = _Rate()

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rate=rate.after(done))

        yield update
