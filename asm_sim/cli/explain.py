"""``asm-sim explain``: one clinician's way through the rule, from measures to dollars."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asm_sim.cli.options import AsJson, Settings
from asm_sim.cli.terminal import Terminal, say
from asm_sim.documents import did_you_mean, quoted
from asm_sim.durable import write_whole
from asm_sim.errors import InputError, printable
from asm_sim.places import output_file

if TYPE_CHECKING:
    from asm_sim.explain.steps import Explanation

FORMATS = ("text", "markdown", "html")
SUFFIXES = {
    ".txt": "text", "": "text", ".md": "markdown", ".html": "html", ".htm": "html", ".json": "json",
}  # fmt: skip


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
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, markdown or html; else what the name of the output ends in.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; else standard output."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain a clinician's payment step by step: measures, score, pool, dollars, and what if.

    Each step names the parameters of the rule that decided it, their status and citation.
    """
    from asm_sim.explain.explaining import explain_table
    from asm_sim.parameters import parse_assignment

    if output is not None:
        _check_output(output, clinicians)
    asked = _form(form, output, as_json)
    set_values = dict(parse_assignment(text) for text in settings or [])
    explanation, warnings = explain_table(clinicians, clinician, rules, set_values, year)
    if output is not None:
        write_whole(output, _written(explanation, asked))
    elif asked == "text":
        from asm_sim.explain.text import print_on

        print_on(Terminal(), explanation)
    else:
        typer.echo(_written(explanation, asked), nl=False)
    for sentence in warnings:
        say(f"Warning: {sentence}", err=True)
    if output is not None:
        say(f"Wrote {output}", err=True)


def _form(form: str | None, output: Path | None, as_json: bool) -> str:
    """What is asked for: text, markdown, html or json."""
    if as_json and form is not None:
        raise InputError("give --json or --format, not both")
    if as_json:
        return "json"
    if form is None:
        return "text" if output is None else _form_of(output)
    if form not in FORMATS:
        hint = did_you_mean(form, FORMATS)
        raise InputError(f"--format {quoted(form)}: one of {', '.join(FORMATS)}{hint}")
    return form


def _form_of(output: Path) -> str:
    """What the name of a file says it is to hold."""
    ending = output.suffix.lower()
    if ending not in SUFFIXES:
        known = ", ".join(filter(None, SUFFIXES))
        raise InputError(
            f"{printable(str(output))}: nothing is written as {printable(ending)}; name a file "
            f"that ends in one of {known}, or give --format too"
        )
    return SUFFIXES[ending]


def _written(explanation: Explanation, form: str) -> str:
    if form == "json":
        return json.dumps(explanation.as_data(), indent=2, ensure_ascii=True) + "\n"
    if form == "markdown":
        return explanation.to_markdown()
    return explanation.to_html() if form == "html" else str(explanation)


def _check_output(output: Path, source: Path) -> None:
    """Refuse an output that could not be written, or that would replace the table."""
    with output_file(output) as title:
        if output.exists() and source.exists() and output.samefile(source):
            raise InputError(f"{title}: the output would replace the table; choose another name")
