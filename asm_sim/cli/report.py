"""``asm-sim report``: a run or a sweep as one page for whoever did not make it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asm_sim.cli.compare import names_of
from asm_sim.cli.terminal import say
from asm_sim.durable import write_whole
from asm_sim.errors import InputError
from asm_sim.places import output_file


def report(
    store: Annotated[str, typer.Argument(help="The folder or URL (s3://...) of a run or a sweep.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; else report.html in its folder."),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(
            "--figures", metavar="A,B", help="Which figures, or none; else all that there are."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace old output.")] = False,
) -> None:
    """Write a report of a run or a sweep: one page of HTML to read, print and send.

    What was asked, the answer with its ranges, figures, what is known and open, where it all comes
    from. It needs no network and opens from disk.
    """
    from asm_sim.reports.figures import NONE, chosen_figures
    from asm_sim.reports.report import report
    from asm_sim.results.open import folder_of, open_results

    ds = open_results(store)
    names = [] if figures == NONE else names_of(figures)
    chosen_figures(ds, names)
    path = folder_of(store) / "report.html" if output is None else output
    _check_output(path, overwrite)
    write_whole(path, report(ds, names))
    say(f"{path.stat().st_size / 1e6:,.1f} MB in {path}", err=True)


def _check_output(path: Path, overwrite: bool) -> None:
    """Refuse an output that could not be written, or that is there."""
    with output_file(path) as title:
        if path.suffix.lower() not in (".html", ".htm"):
            raise InputError(
                f"{title}: a report is a page of HTML, and its name ends in .html; a browser "
                "prints it to PDF"
            )
        if path.is_file() and not overwrite:
            raise InputError(
                f"{title}: this exists; add --overwrite to replace it, or name another --output"
            )
