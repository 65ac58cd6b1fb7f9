"""The two figures of a run, one of them drawn beside the other in a process of its own.

To import what draws, and to draw, takes about as long as a short run takes otherwise. So the
process starts with the run, and everything is imported when the results are there. Nothing depends
on it: what it does not draw is drawn here, and what goes wrong is told from here.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from asm_sim.errors import RunError, printable
from asm_sim.processes import started

if TYPE_CHECKING:
    import xarray as xr

HERE, BESIDE = "score_to_adjustment", "adjustment_distribution"
FIGURES = "figures"
_CHILD = "from asm_sim.cli.drawing import serve; serve()"

is_the_program = False  # whether this process is asm-sim, whose processes are nobody else's concern


def leave_dask_out() -> None:
    """xarray imports it where it is installed, for half a second, to know that it is not used."""
    sys.modules.setdefault("dask", None)  # type: ignore[arg-type]  # Python's way to say: none


class Beside:
    """Draws one figure in a process of its own, or not at all."""

    def __init__(self, process: subprocess.Popen[str] | None) -> None:
        self._process = process

    def draw(self, folder: Path) -> None:
        """Begin to draw the figure of the results in the folder of a run."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(f"{json.dumps(str(folder.absolute()))}\n")
                self._process.stdin.flush()

    def is_drawn(self) -> bool:
        """Whether it has been drawn, once that is known."""
        if self._process is None or self._process.stdout is None:
            return False
        with suppress(OSError):
            return bool(self._process.stdout.readline())
        return False


@contextmanager
def drawing_beside(threads: int) -> Iterator[Beside]:
    """A process that draws, where a processor is free for it and this process is asm-sim."""
    process = _started() if is_the_program and threads > 1 else None
    try:
        yield Beside(process)
    finally:
        if process is not None:
            process.kill()  # it waits for more
            process.wait()


def _started() -> subprocess.Popen[str] | None:
    return started(
        _CHILD,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for this process
    )


def import_beside() -> None:
    """Import what tells and draws results while others compute them, in a thread."""

    def import_all() -> None:
        with suppress(Exception):  # it is told where it is used
            for module in ("xarray.backends.zarr", "asm_sim.results.summary", _module(HERE)):
                import_module(module)

    threading.Thread(target=import_all, daemon=True).start()


def draw_figures(ds: xr.Dataset, folder: Path, beside: Beside) -> list[Path]:
    """The figures of a run, one of which is being drawn beside; returns the pictures.

    Raises :class:`OSError` where they cannot be written and :class:`RunError` where the installed
    matplotlib does not draw them: the answer and the results are there all the same.
    """
    try:
        here = _draw(HERE, ds, folder)
        there = _picture(folder, BESIDE) if beside.is_drawn() else _draw(BESIDE, ds, folder)
    except OSError:
        raise
    except Exception as error:
        raise RunError(
            f"the figures could not be drawn ({type(error).__name__}: {printable(str(error))}); "
            f"the results are complete: {folder}"
        ) from error
    return [there, here]


def _draw(name: str, ds: xr.Dataset, folder: Path) -> Path:
    from asm_sim.plots.save import save

    figure = import_module(_module(name)).plot(ds)
    save(figure, folder / FIGURES, name, ds)
    return _picture(folder, name)


def _module(name: str) -> str:
    return f"asm_sim.plots.{name}"


def _picture(folder: Path, name: str) -> Path:
    return folder / FIGURES / f"{name}.png"


# In the process beside.


def serve() -> None:
    """Draw the figure of each folder that standard input names; a line says that it is done."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    leave_dask_out()
    from asm_sim.results.open import open_results

    _warm_up()
    for line in sys.stdin:
        folder = Path(json.loads(line))
        _draw(BESIDE, open_results(folder), folder)
        print("drawn", file=answers, flush=True)


def _warm_up() -> None:
    """Have everything imported, and read, that drawing takes beside a figure's own numbers."""
    import xarray.backends.zarr  # noqa: F401

    from asm_sim.plots.figure import RunFigure, house_style

    import_module(_module(BESIDE))
    with house_style():
        figure = RunFigure()
        figure.subplots().set_title("a")
        for kind in ("png", "svg"):
            figure.savefig(io.BytesIO(), format=kind)
