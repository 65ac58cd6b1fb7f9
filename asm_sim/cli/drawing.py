"""The two figures of a run, drawn beside its answer in processes of their own.

To import what draws, and to draw, takes about as long as a short run takes otherwise. So a process
starts with the run, has everything imported when the results are there, and doubles itself then:
each of both draws a figure. Nothing depends on it: what they do not draw is drawn here, and what
goes wrong is told from here.
"""

from __future__ import annotations

import io
import json
import os
import signal
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

NAMES = ("adjustment_distribution", "score_to_adjustment")
FIGURES = "figures"
_CHILD = "from asm_sim.cli.drawing import serve; serve()"

is_the_program = False  # whether this process is asm-sim, whose processes are nobody else's concern


def leave_dask_out() -> None:
    """xarray imports it where it is installed, for half a second, to know that it is not used."""
    sys.modules.setdefault("dask", None)  # type: ignore[arg-type]  # Python's way to say: none


class Beside:
    """Draws the figures in processes of their own, or not at all."""

    def __init__(self, process: subprocess.Popen[str] | None) -> None:
        self._process = process

    def draw(self, folder: Path) -> None:
        """Begin to draw the figures of the results in the folder of a run."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(f"{json.dumps(str(folder.absolute()))}\n")
                self._process.stdin.flush()

    def drawn(self) -> list[str]:
        """The figures that have been drawn, once that is known."""
        if self._process is None or self._process.stdout is None:
            return []
        with suppress(OSError, ValueError):
            return list(json.loads(self._process.stdout.readline()))
        return []


@contextmanager
def drawing_beside(threads: int) -> Iterator[Beside]:
    """A process that draws, where a processor is free for it and this process is asm-sim."""
    process = _started() if is_the_program and threads > 1 else None
    try:
        yield Beside(process)
    finally:
        if process is not None:
            _end(process)  # it waits for more


def _started() -> subprocess.Popen[str] | None:
    return started(
        _CHILD,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for this process
    )


def _end(process: subprocess.Popen[str]) -> None:
    """End it, and its double where that is still there."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def import_beside() -> None:
    """Import what tells results while others compute them, in a thread."""

    def import_all() -> None:
        with suppress(Exception):  # it is told where it is used
            for module in ("xarray.backends.zarr", "asm_sim.results.summary"):
                import_module(module)

    threading.Thread(target=import_all, daemon=True).start()


def draw_figures(ds: xr.Dataset, folder: Path, beside: Beside) -> list[Path]:
    """The figures of a run, which are being drawn beside; returns the pictures.

    Raises :class:`OSError` where they cannot be written and :class:`RunError` where the installed
    matplotlib does not draw them: the answer and the results are there all the same.
    """
    try:
        drawn = beside.drawn()
        for name in NAMES:
            if name not in drawn:
                _draw(name, ds, folder)
    except OSError:
        raise
    except Exception as error:
        raise RunError(
            f"the figures could not be drawn ({type(error).__name__}: {printable(str(error))}); "
            f"the results are complete: {folder}"
        ) from error
    return [folder / FIGURES / f"{name}.png" for name in NAMES]


def _draw(name: str, ds: xr.Dataset, folder: Path) -> None:
    from asm_sim.plots.save import save

    figure = import_module(_module(name)).plot(ds)
    save(figure, folder / FIGURES, name, ds)


def _module(name: str) -> str:
    return f"asm_sim.plots.{name}"


# In the process beside.


def serve() -> None:
    """Draw the figures of each folder that standard input names; a line says which are done."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    leave_dask_out()
    _warm_up()
    for line in sys.stdin:
        print(json.dumps(_drawn_of(Path(json.loads(line)))), file=answers, flush=True)


def _drawn_of(folder: Path) -> list[str]:
    """The figures that could be drawn of the results in a folder, all but the first by doubles.

    Only where a process can be doubled without harm, and before anything has started a thread.
    """
    doubles = {}
    for name in NAMES[1:] if sys.platform == "linux" else ():
        doubles[name] = os.fork()
        if not doubles[name]:
            os._exit(not _could_draw(name, folder))
    drawn = [name for name in NAMES if name not in doubles and _could_draw(name, folder)]
    return drawn + [name for name, double in doubles.items() if not os.waitpid(double, 0)[1]]


def _could_draw(name: str, folder: Path) -> bool:
    from asm_sim.results.open import open_results

    with suppress(Exception):  # it is told where it is drawn again
        _draw(name, open_results(folder), folder)
        return True
    return False


def _warm_up() -> None:
    """Have everything imported, and read, that drawing takes beside a figure's own numbers."""
    import xarray.backends.zarr  # noqa: F401

    from asm_sim.plots.figure import RunFigure, house_style

    for name in NAMES:
        import_module(_module(name))
    with house_style():
        figure = RunFigure()
        figure.subplots().set_title("a")
        for kind in ("png", "svg"):
            figure.savefig(io.BytesIO(), format=kind)
