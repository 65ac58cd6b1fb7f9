"""``asm-sim explore``: move the rule by hand on a page of this machine."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from asm_sim.cli.options import Draws, Seed, Settings
from asm_sim.cli.terminal import say
from asm_sim.errors import RunError, counted

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
    from asm_sim.explorer.page import steps_of
    from asm_sim.explorer.server import check_installed, serve

    check_installed()
    given: dict[str, Any] = {
        "run": str(Path(run).resolve()) if Path(run).exists() else run,
        "draws": draws,
        "seed": seed,
        "settings": settings or [],
    }
    number = steps_of(**given).draws  # what cannot be explored is told here; kernels are compiled
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
