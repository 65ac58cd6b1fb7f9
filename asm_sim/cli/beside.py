"""The answer of a run and its two figures, made beside it in processes of their own.

To import what reads results and draws takes about as long as a short run takes otherwise. So a
process starts with the run, has everything imported when the results are there, and doubles itself
then: the double draws one figure, the process writes the answer and draws the other. Nothing
depends on it: what it does not do is done here, and what goes wrong is told from here.
"""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from asm_sim.cli.answer import Answer, Asked, answer
from asm_sim.errors import RunError, printable
from asm_sim.processes import started

NAMES = ("adjustment_distribution", "score_to_adjustment")
FIGURES = "figures"
# What opens results imports these when it is called, and what tells them.
_READERS = ("xarray.backends.zarr", "asm_sim.results.checked", "asm_sim.results.summary")
_CHILD = "from asm_sim.cli.beside import serve; serve()"

is_the_program = False  # whether this process is asm-sim, whose processes are nobody else's concern


def leave_out(name: str) -> None:
    """Let nobody import a library; who asks whether it is there is told that it is not."""
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # Python's way to say: none


class Beside:
    """Writes the answer and draws the figures in processes of their own, or not at all."""

    def __init__(self, process: subprocess.Popen[str] | None) -> None:
        self._process = process

    def begin(self, asked: Asked) -> None:
        """Begin with the results in the folder of a run, which are whole now."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(f"{json.dumps(asked)}\n")
                self._process.stdin.flush()

    def answer(self) -> Answer | None:
        """The answer, which comes first."""
        with suppress(TypeError):
            return Answer(*self._next())
        return None

    def drawn(self) -> list[str]:
        """The figures that have been drawn, once that is known."""
        return self._next() or []

    def _next(self) -> Any:
        """What it says next, None where that is nothing."""
        if self._process is None or self._process.stderr is None:
            return None
        with suppress(OSError, ValueError):
            return json.loads(self._process.stderr.readline())
        return None


@contextmanager
def working_beside(threads: int) -> Iterator[Beside]:
    """A process that does both, where a processor is free for it and this process is asm-sim."""
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
        stderr=subprocess.PIPE,  # it speaks there; its standard output shows it what a terminal is
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C is for this process
    )


def _end(process: subprocess.Popen[str]) -> None:
    """End it, and its doubles where they are still there."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def answer_of(asked: Asked, beside: Beside) -> Answer:
    """The answer of a run that is being written beside."""
    return beside.answer() or answer(asked)


def draw_figures(folder: Path, beside: Beside) -> list[Path]:
    """The figures of a run, which are being drawn beside; returns the pictures.

    Raises :class:`OSError` where they cannot be written and :class:`RunError` where the installed
    matplotlib does not draw them: the answer and the results are there all the same.
    """
    try:
        drawn = beside.drawn()
        for name in NAMES:
            if name not in drawn:
                _draw(name, folder)
    except OSError:
        raise
    except Exception as error:
        raise RunError(
            f"the figures could not be drawn ({type(error).__name__}: {printable(str(error))}); "
            f"the results are complete: {folder}"
        ) from error
    return [folder / FIGURES / f"{name}.png" for name in NAMES]


def _draw(name: str, folder: Path) -> None:
    from asm_sim.plots.save import save
    from asm_sim.results.open import open_results

    ds = open_results(folder)
    save(import_module(_module(name)).plot(ds), folder / FIGURES, name, ds)


def _module(name: str) -> str:
    return f"asm_sim.plots.{name}"


# In the process beside.


def serve() -> None:
    """Answer and draw what each line of standard input asks for; a line each tells what is done."""
    says = os.fdopen(os.dup(2), "w", encoding="utf-8")
    with Path(os.devnull).open("w") as nowhere:  # what a library prints is no answer
        os.dup2(nowhere.fileno(), 2)
    for name in ("dask", "pyarrow"):  # xarray and pandas import them and do without
        leave_out(name)
    gc.disable()  # it does not live long
    _warm_up()
    for line in sys.stdin:
        for done in _done(Asked(*json.loads(line))):
            print(json.dumps(done), file=says, flush=True)


def _done(asked: Asked) -> Iterator[Any]:
    """The answer, None where there is none, and then the figures that could be drawn.

    The first figure, which takes about as long as all the rest, is drawn by a double where a
    process can be doubled without harm: before it starts a thread.
    """
    folder = Path(asked.folder)
    first, *others = NAMES
    double = os.fork() if sys.platform == "linux" else None
    if double == 0:
        os._exit(not _could_draw(first, folder))
    yield _answered(asked)
    drawn = [name for name in (others if double else NAMES) if _could_draw(name, folder)]
    yield [first, *drawn] if double and not os.waitpid(double, 0)[1] else drawn


def _answered(asked: Asked) -> Answer | None:
    with suppress(Exception):  # it is told where it is asked again
        return answer(asked)
    return None


def _could_draw(name: str, folder: Path) -> bool:
    with suppress(Exception):  # it is told where it is drawn again
        _draw(name, folder)
        return True
    return False


def _warm_up() -> None:
    """Have everything imported, and read, that an answer and figures take beside the numbers."""
    from asm_sim.plots.figure import RunFigure, house_style

    for module in (*_READERS, *map(_module, NAMES)):
        import_module(module)
    with house_style():
        figure = RunFigure()
        figure.subplots().set_title("a")
        for kind in ("png", "svg"):
            figure.savefig(io.BytesIO(), format=kind)
