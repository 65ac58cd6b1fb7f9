"""Options that several verbs have."""

from __future__ import annotations

from typing import Annotated

import typer

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
Statuses = Annotated[
    str | None,
    typer.Option("--status", metavar="A,B", help="Only of these, such as assumption,precedent."),
]
Variables = Annotated[
    str | None, typer.Option("--variables", metavar="NAMES", help="Which variables: a,b,c.")
]
Errors = Annotated[
    bool,
    typer.Option(
        "--errors",
        help="Print Monte Carlo standard errors, with ± before them, not ranges.",
    ),
]
Full = Annotated[bool, typer.Option("--full", help="Print every statistic, and what is settled.")]
Draws = Annotated[int | None, typer.Option("--draws", min=1, help="Number of draws.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of the draws.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace old results.")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="On standard error nothing but what goes wrong."),
]
