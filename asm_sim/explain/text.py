"""An explanation on a terminal, or as plain text of 80 columns."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from asm_sim.explain.steps import (
    CHANGES,
    HOW_TO_READ,
    PEERS_HELD_STILL,
    Basis,
    ClinicianYear,
    Explanation,
    Step,
)
from asm_sim.explain.written import basis_value, percent, score, signed_usd

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

WIDTH = 80
LABELS = 12  # columns of what a line is about
INDENT = 2


def plain_text(explanation: Explanation) -> str:
    """The explanation in lines of at most 80 characters, without colours."""
    from rich.console import Console

    page = io.StringIO()
    print_on(Console(file=page, width=WIDTH, color_system=None), explanation)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines()) + "\n"


def print_on(console: Console, explanation: Explanation) -> None:
    """Print an explanation; what a user called something is only text."""
    for part in _parts(explanation):
        console.print(part, markup=False, highlight=False, emoji=False)


def _parts(explanation: Explanation) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(explanation.title, style="bold")
    yield Text(f"{explanation.origin}. {HOW_TO_READ}")
    for year in explanation.years:
        yield Text()
        yield Text(year.title, style="bold underline")
        yield Text(year.answer)
        for note in year.notes:
            yield Text(f"Note: {note}", style="bold")
        cited: set[Basis] = set()
        for section in year.sections:
            yield Text(f"\n{section.title.upper()}", style="bold")
            for step in section.steps:
                yield from _step(step, cited)
                if step is not section.steps[-1]:
                    yield Text()
        yield from _what_if(year)


def _step(step: Step, cited: set[Basis]) -> Iterator[RenderableType]:
    """A step; what was ``cited`` in an earlier one of the year is not cited in full again."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column(ratio=1)
    head.add_column(justify="right", no_wrap=True)
    head.add_row(Text(step.title, style="bold"), Text(step.result, style="bold"))
    yield Padding(head, (0, 0, 0, INDENT))
    body = Table.grid(padding=(0, 1))
    body.add_column(width=LABELS, no_wrap=True)
    body.add_column(overflow="fold")
    for line in step.lines:
        body.add_row(Text(line.label), Text(line.text))
    label = "Rule"
    for citation in _citations(step.rests_on, cited):
        body.add_row(Text(label, style="dim"), Text(citation, style="dim"))
        label = ""
    yield Padding(body, (0, 0, 0, INDENT))
    cited.update(step.rests_on)


def _citations(rests_on: tuple[Basis, ...], cited: set[Basis]) -> Iterator[str]:
    """Parameters of one status and source together: what they are worth, and the citation."""

    found: dict[tuple[str, str], list[str]] = {}
    for basis in rests_on:
        if basis not in cited:
            told = f"{basis.name}: {basis_value(basis)}"
            found.setdefault((basis.status, basis.source), []).append(told)
    for (status, source), values in found.items():
        yield f"{'; '.join(values)} [{status}: {source}]"
    again = [f"{basis.name} [{basis.status}]" for basis in rests_on if basis in cited]
    if again:
        yield f"cited above: {', '.join(again)}"


def _what_if(year: ClinicianYear) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(f"\n{CHANGES.upper()}", style="bold")
    yield Text(PEERS_HELD_STILL)
    if year.what_if:
        yield _table(year)
    for sentence in year.left_out:
        yield Text(f"- {sentence}")


def _table(year: ClinicianYear) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0))
    table.add_column("With", ratio=1, overflow="fold")
    for name in ("Final score", "Adjustment", "Gain"):
        table.add_column(name, justify="right", no_wrap=True)
    for change in year.what_if:
        table.add_row(
            Text(change.title),
            Text(score(change.final_score)),
            Text(percent(change.payment_adjustment_factor)),
            Text(signed_usd(change.gain_usd)),
        )
    return table
