"""A progress bar on standard error, or in a notebook's cell, with rate and time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
    with shown(sys.stderr.isatty()) as update:
        yield update


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
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
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Simulating", total=None, rate="")
        begun: tuple[float, int] | None = None

        def update(done: int, total: int) -> None:
            nonlocal begun
            now = time.perf_counter()
            if begun is None:
                begun = now, done
            elapsed = now - begun[0]
            rate = (
                f"{(done - begun[1]) / elapsed:,.0f} a second" if done > begun[1] else "compiling"
            )
            bar.update(task, completed=done, total=total, rate=rate)

        yield update
