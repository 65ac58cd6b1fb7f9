"""``asm-sim explore``: move the rule by hand on a page of this machine."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from asm_sim.cli.options import Draws, Seed, Settings
from asm_sim.cli.terminal import say
from asm_sim.errors import RunError, counted, printable

LARGEST_PORT = 65_535


def explore(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="The folder of a run, whose first draws are made again, or a scenario: its name, "
            "or its file.",
        ),
    ] = "baseline",
    draws: Draws = None,
    seed: Seed = None,
    settings: Settings = None,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=LARGEST_PORT, help="Where to serve; 0: any that is free."
        ),
    ] = 0,
) -> None:
    """Explore the rule: sliders for what a policy could move, and what comes of it at once.

    Serves a page that only this machine can open, until Ctrl-C.

    In 24 draws, or --draws: the same clinicians and luck wherever sliders are.
    """
    from asm_sim.engine.threads import thread_count
    from asm_sim.explorer.server import check_free, check_installed, serve

    check_installed()
    check_free(port)
    thread_count()  # before numba reads the same variable
    given: dict[str, Any] = {
        "run": str(Path(run).resolve()) if run and Path(run).exists() else run,
        "draws": draws,
        "seed": seed,
        "settings": settings or [],
    }
    number = _prepared(given, run)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server ends with us
    try:
        with serve(given, port) as page:
            say(page.address)
            say(f"{counted(number, 'draw')}; Ctrl-C ends the page.", err=True)
            sys.stdout.flush()
            page.process.wait()
            raise RunError("the server of the page has ended by itself")
    except KeyboardInterrupt:
        say("The page has ended.", err=True)
    finally:
        signal.signal(signal.SIGTERM, before)


def _prepared(given: dict[str, Any], run: str) -> int:
    """How many draws the page of ``run``, as it was named, will have.

    They are made once here: so what cannot be explored is told before a page opens, and the kernels
    are compiled where one sees that they are.
    """
    from asm_sim.explorer.curve import exchange_curve
    from asm_sim.explorer.page import steps_of
    from asm_sim.store.progress import on_terminal

    say(
        f"asm-sim: drawing cohorts of {printable(run)} (the first time, kernels are "
        "compiled: about a minute)",
        err=True,
    )
    with on_terminal() as report:
        steps = steps_of(**{**given, "run": run}, report=report)  # as messages are to call it
    exchange_curve(steps.base, steps.plan.cohorts[0].name, 0)  # which has a kernel of its own
    return steps.draws
