"""How a verb is found, and how it ends: what goes wrong is one message and the right exit code.

0 done, 1 a run that failed or a machine that gave out, 2 bad input, 130 interrupted. Whatever a
user gave is shown so that a terminal does nothing with it.
"""

from __future__ import annotations

import errno
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from typing import Any, get_type_hints

import typer
from typer.core import TyperGroup

from asm_sim.cli.examples import epilog_of
from asm_sim.cli.options import Quiet
from asm_sim.errors import LONGEST_LINE, InputError, RunError, printable
from asm_sim.memory import refuse_little_memory

# A verb is a function of the same name in the module of the same name.
VERBS = (
    "run", "sweep", "solve", "sensitivity", "explore", "score", "explain", "roster", "rules",
    "parameters", "variables", "scenarios", "runs", "compare", "export", "report", "studies",
    "figures", "doctor",
)  # fmt: skip
FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130
MOST_LINES = 60
LONGEST_MESSAGE = 600  # characters of what the parser of the command line says
PACKAGE = Path(__file__).parents[1]
NO_SUCH_NAME = {errno.ENAMETOOLONG, errno.ELOOP}  # whatever the machine, nothing is called so
NO_MEMORY = "there is not enough memory for this, or too many processes run"
OUT_OF_MEMORY = ("failed to map segment", "annot allocate memory", "can't start new thread")
LAST_STREAM = 2  # the descriptor of standard error

UsageError: Any = typer.BadParameter.__base__  # typer gives it no name of its own


class Modules(Mapping[str, Any]):
    """The verbs by name. The module of one is imported when it is first asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in VERBS:
            raise KeyError(name)
        if name not in self._known:
            alone = typer.Typer(add_completion=False)
            verb = getattr(import_module(f"asm_sim.cli.{name}"), name)
            alone.command(name, epilog=epilog_of(name))(_with_quiet(verb))
            self._known[name] = typer.main.get_command(alone)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def _with_quiet(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with one more option, which every verb has."""

    @wraps(verb)
    def called(*, quiet: bool = False, **given: Any) -> None:
        if quiet:
            be_quiet()
        verb(**given)

    hints = get_type_hints(verb, include_extras=True)
    known = inspect.signature(verb)
    option = inspect.Parameter(
        "quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet
    )
    parameters = [
        one.replace(annotation=hints[one.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for one in known.parameters.values()
    ]
    called.__signature__ = known.replace(parameters=[*parameters, option])  # type: ignore[attr-defined]
    called.__annotations__ = {**hints, "quiet": Quiet}
    return called


class Verbs(TyperGroup):
    """Runs a verb and turns what the user or the machine did wrong into one message."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = Modules()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as typer calls it
        return list(self.commands)

    def make_context(self, info_name: Any, args: list[str], *rest: Any, **options: Any) -> Any:
        try:
            _refuse_other_than_text(args)
            return super().make_context(info_name, args, *rest, **options)
        except UsageError as error:
            raise _readable(error) from error

    def invoke(self, ctx: Any) -> Any:
        try:
            refuse_little_memory()
            with warnings.catch_warnings():
                warnings.showwarning = _warned
                result = super().invoke(ctx)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort):
            raise
        except UsageError as error:
            raise _readable(error) from error
        except InputError as error:
            complain(f"Error: {error}")
            raise typer.Exit(BAD_INPUT) from error
        except RunError as error:
            complain(f"Error: {error}")
            raise typer.Exit(FAILED) from error
        except KeyboardInterrupt as error:
            complain(str(error) or "Interrupted.")
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            _abandon()
            raise typer.Exit(FAILED) from error
        except OSError as error:
            _abandon()
            complain(f"Error: {_reason(error)}")
            raise typer.Exit(BAD_INPUT if error.errno in NO_SUCH_NAME else FAILED) from error
        except Exception as error:
            if sys.flags.dev_mode:
                raise
            complain(f"Error: {NO_MEMORY if _lacks_memory(error) else _fault(error)}")
            raise typer.Exit(FAILED) from error
        return result


def be_quiet() -> None:
    """Say nothing of the work on standard error but what goes wrong."""
    from asm_sim.cli import terminal
    from asm_sim.store import progress

    terminal.is_quiet = progress.is_quiet = True


def open_streams() -> None:
    """Refuse a standard output that is closed; keep files out of the place of a closed stream."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_STREAM:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        complain("Error: standard output is closed; send it to a file or to /dev/null")
        raise SystemExit(FAILED)


def _refuse_other_than_text(arguments: list[str]) -> None:
    """Results keep names as UTF-8, so that a name in another encoding is no name for them."""
    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise UsageError(f"{printable(argument)}: not text in UTF-8; give it another name")


def _readable(error: Any) -> Any:
    """A message of the parser, which repeats what was given, so that it may be shown."""
    error.message = printable(error.message, LONGEST_MESSAGE)
    return error


def _lacks_memory(error: Exception) -> bool:
    """Whether the machine is what gave out; libraries say so in their own ways."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


def _fault(error: Exception) -> str:
    """What a fault of the package is told by; Python's development mode shows all of it."""
    places = [(Path(frame.f_code.co_filename), n) for frame, n in walk_tb(error.__traceback__)]
    file, line = next(place for place in reversed(places) if PACKAGE in place[0].parents)
    at = f"{file.relative_to(PACKAGE)}, line {line}"
    return (
        f"a fault of asm-sim itself ({type(error).__name__}: {error}; {at}). Please report it; "
        "PYTHONDEVMODE=1 shows where it comes from"
    )


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    *_rest: Any,
    **_named: Any,
) -> None:
    """A warning for users as a line; others, which are for programmers, as Python shows them."""
    if category is UserWarning:
        complain(f"Warning: {message}")
    else:
        typer.echo(warnings.formatwarning(message, category, filename, lineno), err=True, nl=False)


def complain(message: str) -> None:
    """Say what went wrong on standard error, on a bounded number of bounded lines."""
    lines = message.splitlines()
    shown = [printable(line, LONGEST_LINE) for line in lines[:MOST_LINES]]
    typer.echo("\n".join(shown), err=True)


def _reason(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _abandon() -> None:
    from asm_sim.cli.terminal import abandon_output

    abandon_output()
