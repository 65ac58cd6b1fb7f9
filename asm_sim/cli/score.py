"""``asm-sim score``: a table of observed performance through the rule."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from asm_sim.cli.options import AsJson, Draws, Seed, Settings
from asm_sim.cli.terminal import Terminal, say
from asm_sim.errors import InputError, printable

RULES = "asm-2026-final"


def score(
    clinicians: Annotated[
        Path | None, typer.Argument(help="The clinician table: CSV, Excel or Parquet.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where to write: .csv, .xlsx or .parquet; else standard output."
        ),
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option("--rules", help="A rule set's name, or a YAML file (asm-2026-final)."),
    ] = None,
    settings: Settings = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="RUN",
            help="Compare with simulated cohorts: a scenario's name or file, or a run's folder.",
        ),
    ] = None,
    draws: Draws = None,
    seed: Seed = None,
    as_json: AsJson = False,
    example: Annotated[
        bool, typer.Option("--example", help="Write an example table, clinicians.csv, here.")
    ] = False,
    template: Annotated[
        bool,
        typer.Option(
            "--template", help="Write an empty table to fill in, clinicians.xlsx or what -o names."
        ),
    ] = False,
) -> None:
    """Score a table of observed performance: no simulation, adjustments out.

    A table with a column final_score (0 to 100) needs no measures: only the payment step is done.

    A practice's few clinicians have no benchmarks of their own:
    --against baseline --draws 100 sets them among simulated cohorts, in which
    they weigh nothing, and tells score, adjustment and dollars with their
    ranges and what drives them. There, what the table leaves blank is not
    known, and is drawn. --draws, --seed and --json go with it.
    """
    if example:
        if clinicians is not None or output is not None:
            raise InputError("--example writes clinicians.csv here; it takes no other file")
        from asm_sim.score.example import write_example

        path = write_example(Path())
        say(f"Wrote {path}. Score it: asm-sim score {path} -o adjustments.csv", err=True)
        return
    if template:
        if clinicians is not None:
            raise InputError("--template writes an empty table; it takes no other file than -o")
        from asm_sim.score.template import FILE_NAME, write_template

        path = write_template(output or Path(FILE_NAME), rules or RULES)
        say(
            f"Wrote {path}. Fill it in, then: asm-sim score {path} -o adjustments.csv; or, for a "
            f"practice's few clinicians, asm-sim score {path} --against baseline",
            err=True,
        )
        return
    if clinicians is None:
        raise InputError(
            "name a clinician table: asm-sim score clinicians.csv -o adjustments.csv "
            "(asm-sim score --example writes one to start from, --template an empty one)"
        )

    if against is not None:
        if rules is not None:
            raise InputError(
                "--rules does not go with --against, whose scenario has rules of its own; --set "
                "changes them"
            )
        _among(clinicians, against, draws, seed, settings or [], output, as_json)
        return
    if draws is not None or seed is not None or as_json:
        raise InputError("--draws, --seed and --json go with --against (such as baseline)")

    from asm_sim.parameters import parse_assignment
    from asm_sim.score.scoring import score_table
    from asm_sim.score.summary import summarise
    from asm_sim.score.write import check_output, csv_bytes, write_table

    if output is not None:
        check_output(output, clinicians)
    scored = score_table(
        clinicians, rules or RULES, dict(parse_assignment(text) for text in settings or [])
    )
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(csv_bytes(scored.table))
    else:
        write_table(scored.table, output)
    for sentence in scored.warnings:
        say(f"Warning: {sentence}", err=True)
    for line in summarise(scored):
        say(line, err=True)


def _among(
    clinicians: Path,
    against: str,
    draws: int | None,
    seed: int | None,
    settings: list[str],
    output: Path | None,
    as_json: bool,
) -> None:
    """The clinicians among the draws of a scenario or a run."""
    from asm_sim.engine.threads import thread_count

    thread_count()  # before numba reads the same variable
    from asm_sim.against.standing import stand_against
    from asm_sim.against.tables import as_data, table_of
    from asm_sim.against.text import print_on
    from asm_sim.cli.listing import print_json
    from asm_sim.score.write import check_output, write_table
    from asm_sim.store.progress import on_terminal

    if output is not None:
        check_output(output, clinicians)
    say(f"asm-sim: drawing cohorts of {printable(against)}", err=True)
    with on_terminal() as report:
        found = stand_against(clinicians, against, draws, seed, settings, report=report)
    for sentence in found.warnings:
        say(f"Warning: {sentence}", err=True)
    if output is not None:
        write_table(table_of(found), output)
    if as_json:
        print_json(as_data(found))
    else:
        print_on(Terminal(), found)
