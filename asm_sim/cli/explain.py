"""``asm-sim explain``: one clinician's way through the rule, from measures to dollars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asm_sim.cli.options import AsJson, Settings
from asm_sim.cli.terminal import Terminal, say


def explain(
    clinicians: Annotated[
        Path, typer.Argument(help="The clinician table, as asm-sim score reads it.")
    ],
    clinician: Annotated[
        str, typer.Option("--clinician", metavar="ID", help="Whom to explain, by clinician_id.")
    ],
    year: Annotated[
        int | None, typer.Option("--year", help="Only this performance year; else every one.")
    ] = None,
    rules: Annotated[
        str, typer.Option("--rules", help="A rule set's name, or a YAML file.")
    ] = "asm-2026-final",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Explain a clinician's payment step by step: measures, score, pool, dollars, and what if.

    Each step names the parameters of the rule that decided it, their status and citation.
    """
    from asm_sim.cli.listing import print_json
    from asm_sim.explain.explaining import explain_table
    from asm_sim.explain.text import print_on
    from asm_sim.parameters import parse_assignment

    set_values = dict(parse_assignment(text) for text in settings or [])
    explanation, warnings = explain_table(clinicians, clinician, rules, set_values, year)
    for sentence in warnings:
        say(f"Warning: {sentence}", err=True)
    if as_json:
        print_json(explanation.as_data())
    else:
        print_on(Terminal(), explanation)
