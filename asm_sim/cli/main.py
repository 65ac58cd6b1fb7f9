"""The command line: one verb per module, each imported when it is called.

Exit codes: 0 done, 1 a run that failed, 2 bad input. A user's mistake is one message on standard
error, never a traceback; a traceback means an error of the package itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from asm_sim.errors import InputError

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Give a parameter another value, such as rules.payment.exchange.steepness=0.2. "
        "May be repeated.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Draws = Annotated[int | None, typer.Option("--draws", min=1, help="Number of draws.")]


class Verbs(TyperGroup):
    """Runs a verb and turns what the user or the machine did wrong into one message."""

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except InputError as error:
            _say(f"Error: {error}")
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as error:
            _say("Interrupted.")
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            _abandon_output()
            raise typer.Exit(FAILED) from error
        except OSError as error:
            _abandon_output()
            _say(f"Error: {_reason(error)}")
            raise typer.Exit(FAILED) from error
        return result


app = typer.Typer(
    name="asm-sim",
    cls=Verbs,
    help="Monte Carlo policy research toolkit for Medicare's Ambulatory Specialty Model.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"asm-sim {version_of('asm_sim')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or a YAML file.")] = (
        "baseline"
    ),
    draws: Draws = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the draws.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the results.")] = None,
    settings: Settings = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace old results.")] = False,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario."""
    from asm_sim.cli.run import run_command

    run_command(scenario, draws, seed, out, settings or [], overwrite, as_json)


@app.command()
def score(
    clinicians: Annotated[
        Path | None, typer.Argument(help="The clinician table, CSV or Parquet.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where to write, .csv or .parquet; else standard output."
        ),
    ] = None,
    rules: Annotated[
        str, typer.Option("--rules", help="A rule set's name, or a YAML file.")
    ] = "asm-2026-final",
    settings: Settings = None,
    example: Annotated[
        bool, typer.Option("--example", help="Write an example table, clinicians.csv, here.")
    ] = False,
) -> None:
    """Score a table of observed performance: no simulation, adjustments out."""
    from asm_sim.cli.score import score_command

    score_command(clinicians, output, rules, settings or [], example)


@app.command()
def rules(
    rule_set: Annotated[
        str, typer.Argument(help="A rule set's name, or a YAML file.")
    ] = "asm-2026-final",
    status: Annotated[
        str | None, typer.Option("--status", help="Only parameters of this status.")
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """List every parameter of the rule: values by year, unit, status, citation."""
    from asm_sim.cli.rules import rules_command

    rules_command(rule_set, status, settings or [], as_json)


@app.command()
def scenarios(as_json: AsJson = False) -> None:
    """List the scenarios that can be run."""
    from asm_sim.cli.scenarios import scenarios_command

    scenarios_command(as_json)


@app.command()
def doctor(
    calibration: Annotated[
        bool, typer.Option("--calibration", help="Compare with the published figures.")
    ] = False,
    draws: Draws = None,
    as_json: AsJson = False,
) -> None:
    """Check the installation, and the model against what is published."""
    from asm_sim.cli.doctor import doctor_command

    doctor_command(calibration, draws, as_json)


def main() -> None:
    """The entry point ``asm-sim``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal cannot write is not an error
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        _say("Interrupted.")
        raise SystemExit(INTERRUPTED) from None


def _say(message: str) -> None:
    typer.echo(message, err=True)


def _reason(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _abandon_output() -> None:
    """Where standard output takes nothing any more, keep Python from trying again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


if __name__ == "__main__":
    main()
