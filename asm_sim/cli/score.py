"""``asm-sim score``: a table of observed performance through the rule."""

from __future__ import annotations

import sys
from pathlib import Path

from asm_sim.cli.terminal import say
from asm_sim.errors import InputError


def score_command(
    clinicians: Path | None,
    output: Path | None,
    rules: str,
    settings: list[str],
    example: bool,
) -> None:
    """Score a table and write it, or write the example; messages go to standard error."""
    if example:
        if clinicians is not None or output is not None:
            raise InputError("--example writes clinicians.csv here; it takes no other file")
        from asm_sim.score.example import write_example

        path = write_example(Path())
        say(f"Wrote {path}. Score it: asm-sim score {path} -o adjustments.csv", err=True)
        return
    if clinicians is None:
        raise InputError(
            "name a clinician table: asm-sim score clinicians.csv -o adjustments.csv "
            "(asm-sim score --example writes one to start from)"
        )

    from asm_sim.parameters import parse_assignment
    from asm_sim.score.scoring import score_table
    from asm_sim.score.summary import summarise
    from asm_sim.score.write import check_output, csv_bytes, write_table

    if output is not None:
        check_output(output, clinicians)
    scored = score_table(clinicians, rules, dict(parse_assignment(text) for text in settings))
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(csv_bytes(scored.table))
    else:
        write_table(scored.table, output)
    for sentence in scored.warnings:
        say(f"Warning: {sentence}", err=True)
    for line in summarise(scored):
        say(line, err=True)
