"""The command line: one verb per module, with its options; imported when it is called.

Exit codes: 0 done, 1 a run that failed, 2 bad input. What goes wrong is one message on standard
error, never a traceback.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from typing import Annotated

import typer

from asm_sim import __version__
from asm_sim.cli import beside
from asm_sim.cli.verbs import INTERRUPTED, VERBS, Verbs, complain, open_streams

app = typer.Typer(
    name="asm-sim",
    cls=Verbs,
    help="Monte Carlo policy research toolkit for Medicare's Ambulatory Specialty Model.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"asm-sim {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """What ``asm-sim`` does; ends with :class:`SystemExit`."""
    beside.is_the_program = True
    if set(sys.argv[1:2]) & {*VERBS} - {"sweep"}:  # which alone has --scheduler
        beside.leave_out("dask")  # xarray takes half a second to know that it is not used
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal cannot write is not an error
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        complain("Interrupted.")
        raise SystemExit(INTERRUPTED) from None
    finally:
        beside.is_the_program = False
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the answer is there: Python only ends


def program() -> None:
    """The entry point ``asm-sim``: :func:`main`, and an end without taking everything apart.

    Python would need a quarter of a second for that. What has to be put away (workers, files) is.
    """
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int | None) or sys.gettrace() or sys.getprofile():
            raise
        atexit._run_exitfuncs()
        try:
            for stream in filter(None, (sys.stdout, sys.stderr)):  # one may be closed
                stream.flush()
        except OSError:
            raise end from None  # Python has a way of its own to tell
        os._exit(end.code or 0)


if __name__ == "__main__":
    program()
