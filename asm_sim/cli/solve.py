"""``asm-sim solve``: at which value of a lever a target is met, and how sure that is."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from asm_sim.cli.terminal import Terminal
from asm_sim.errors import printable

if TYPE_CHECKING:
    from asm_sim.solving.search import Evaluation
    from asm_sim.solving.solve import Solution

NO_VALUE = 1  # exit code where the target is not met at one value


@dataclass(frozen=True)
class Question:
    """What was asked, as the command line has it."""

    scenario: str
    lever: str
    target: str
    between: tuple[float, float] | None
    cohort: str | None
    year: int | None
    group: str | None
    draws: int | None
    seed: int | None
    tolerance: float | None
    settings: list[str]
    as_json: bool


def solve_command(question: Question) -> None:
    """Search and print the answer; exit code 1 where there is no one value."""
    note = Terminal(stderr=True, highlight=False, soft_wrap=True)
    begun = time.perf_counter()
    from asm_sim.engine.threads import thread_count
    from asm_sim.solving.target import parse_target

    thread_count()  # before numba reads the same variable
    target = parse_target(question.target, question.cohort, question.year, question.group)
    note.print(f"asm-sim: reading {printable(question.scenario)}", markup=False)
    note.print("Preparing the model (the first time, kernels are compiled: some minutes)")
    from asm_sim.solving.solve import solve

    def tell(evaluation: Evaluation) -> None:
        at, mean, error = evaluation
        note.print(f"{question.lever}={at:.6g}: {target.write(mean, error)}", markup=False)

    low, high = question.between or (None, None)
    solution = solve(
        question.scenario,
        question.lever,
        question.target,
        low,
        high,
        question.draws,
        question.seed,
        question.tolerance,
        cohort=question.cohort,
        year=question.year,
        group=question.group,
        settings=question.settings,
        report=tell,
    )
    if question.as_json:
        typer.echo(json.dumps(solution.as_data(), indent=1))
    else:
        _print(solution, question, Terminal(highlight=False))
    note.print(f"Done in {time.perf_counter() - begun:.1f} s.")
    if not solution.met:
        raise typer.Exit(NO_VALUE)


def _print(solution: Solution, question: Question, console: Terminal) -> None:
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
        words = ["asm-sim", "run", question.scenario]
        words += [
            word for text in [*question.settings, solution.setting] for word in ("--set", text)
        ]
        console.print(Text(f"To run it: {shlex.join(words)}"), soft_wrap=True)
