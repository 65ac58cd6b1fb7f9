"""``asm-sim score``: a table of observed performance through the rule."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from asm_sim.cli.options import Settings
from asm_sim.cli.terminal import say
from asm_sim.errors import InputError


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
        str, typer.Option("--rules", help="A rule set's name, or a YAML file.")
    ] = "asm-2026-final",
    settings: Settings = None,
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

        path = write_template(output or Path(FILE_NAME), rules)
        say(f"Wrote {path}. Fill it in, then: asm-sim score {path} -o adjustments.csv", err=True)
        return
    if clinicians is None:
        raise InputError(
            "name a clinician table: asm-sim score clinicians.csv -o adjustments.csv "
            "(asm-sim score --example writes one to start from, --template an empty one)"
        )

    from asm_sim.parameters import parse_assignment
    from asm_sim.score.scoring import score_table
    from asm_sim.score.summary import summarise
    from asm_sim.score.write import check_output, csv_bytes, write_table

    if output is not None:
        check_output(output, clinicians)
    scored = score_table(clinicians, rules, dict(parse_assignment(text) for text in settings or []))
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(csv_bytes(scored.table))
    else:
        write_table(scored.table, output)
    for sentence in scored.warnings:
        say(f"Warning: {sentence}", err=True)
    for line in summarise(scored):
        say(line, err=True)
