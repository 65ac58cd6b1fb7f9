"""``asm-sim solve``: at which value of a lever a target is met, and how sure that is."""

from __future__ import annotations

import json
import shlex
import time
from typing import TYPE_CHECKING, Annotated

import typer

from asm_sim.cli.options import AsJson, Seed, Settings
from asm_sim.cli.terminal import Terminal
from asm_sim.errors import printable

if TYPE_CHECKING:
    from asm_sim.solving.search import Evaluation
    from asm_sim.solving.solve import Solution

NO_VALUE = 1  # exit code where the target is not met at one value


def solve(
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or a YAML file.")],
    lever: Annotated[
        str,
        typer.Option(
            "--lever",
            metavar="PATH",
            help="The parameter to move, such as rules.payment.redistribution_share; with a year "
            "at its end, in that year alone.",
        ),
    ],
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="NAME=VALUE",
            help="What is to be met: share_negative=50%, retained_by_medicare=150e6, "
            "'share_above(5%)=10%'.",
        ),
    ],
    between: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--between", metavar="LOW HIGH", help="Where to look; else the parameter's own span."
        ),
    ] = None,
    cohort: Annotated[str | None, typer.Option("--cohort", help="Of this cohort alone.")] = None,
    year: Annotated[
        int | None, typer.Option("--year", help="Of this performance year alone.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", help="Of this group alone, such as 'practice_size: solo'."),
    ] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", min=1, help="Draws at each value of the lever (200).")
    ] = None,
    seed: Seed = None,
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", help="How near is near enough, in units of the lever."),
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Find the value of a parameter at which a target is met, with its error.

    Amounts are summed over cohorts and years, shares of clinicians pooled, unless one is named.
    Exit code 1 where the target is not met at one value.
    """
    note = Terminal(stderr=True, highlight=False, soft_wrap=True)
    begun = time.perf_counter()
    from asm_sim.engine.threads import thread_count
    from asm_sim.solving.target import parse_target

    thread_count()  # before numba reads the same variable
    sought = parse_target(target, cohort, year, group)
    note.print(f"asm-sim: reading {printable(scenario)}", markup=False)
    note.print("Preparing the model (the first time, kernels are compiled: some minutes)")
    from asm_sim.solving import solve as solving

    def tell(evaluation: Evaluation) -> None:
        at, mean, error = evaluation
        note.print(f"{lever}={at:.6g}: {sought.write(mean, error)}", markup=False)

    low, high = between or (None, None)
    solution = solving.solve(
        scenario,
        lever,
        target,
        low,
        high,
        draws,
        seed,
        tolerance,
        cohort=cohort,
        year=year,
        group=group,
        settings=settings or [],
        report=tell,
    )
    if as_json:
        typer.echo(json.dumps(solution.as_data(), indent=1))
    else:
        _print(solution, scenario, settings or [], Terminal(highlight=False))
    note.print(f"Done in {time.perf_counter() - begun:.1f} s.")
    if not solution.met:
        raise typer.Exit(NO_VALUE)


def _print(solution: Solution, scenario: str, settings: list[str], console: Terminal) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(Text(solution.answer))
    for line in solution.notes:
        console.print(Text(line))
    table = Table(box=None, pad_edge=False)
    table.add_column(Text(solution.lever.name), justify="right")
    table.add_column(Text(solution.target.name), justify="right")
    for at, mean, error in solution.evaluations:
        table.add_row(f"{at:.6g}", Text(solution.target.write(mean, error)))
    console.print()
    console.print(table)
    console.print()
    console.print(Text(solution.source))
    if solution.met:
        words = ["asm-sim", "run", scenario]
        words += [word for text in [*settings, solution.setting] for word in ("--set", text)]
        console.print(Text(f"To run it: {shlex.join(words)}"), soft_wrap=True)
