"""An explanation as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

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
from asm_sim.pages.markdown import row, text


def markdown(explanation: Explanation) -> str:
    """Headings, lists and a table; what a user called something is only text."""
    lines = [f"# {text(explanation.title)}", "", f"{text(explanation.origin)}. {HOW_TO_READ}"]
    for year in explanation.years:
        lines += ["", f"## {text(year.title)}", "", f"**{text(year.answer)}**"]
        for note in year.notes:
            lines += ["", f"> {text(note)}"]
        for section in year.sections:
            lines += ["", f"### {text(section.title)}"]
            for step in section.steps:
                lines += _step(step)
        lines += _what_if(year)
    return "\n".join(lines) + "\n"


def _step(step: Step) -> Iterator[str]:
    yield from ("", f"#### {text(step.title)}: {text(step.result)}", "")
    for line in step.lines:
        yield f"- **{text(line.label)}:** {text(line.text)}"
    if step.rests_on:
        yield "- **Rule:**"
    for basis in step.rests_on:
        yield f"  - {_basis(basis)}"


def _basis(basis: Basis) -> str:
    value = text(basis_value(basis))
    return f"{text(basis.name)}: {value} ({basis.status}: {text(basis.source)})"


def _what_if(year: ClinicianYear) -> Iterator[str]:
    yield from ("", f"### {CHANGES}", "", PEERS_HELD_STILL)
    if year.what_if:
        yield from ("", row(("With", "Final score", "Adjustment", "Gain")), row(_RULED))
    for change in year.what_if:
        yield row(
            (
                text(change.title),
                score(change.final_score),
                percent(change.payment_adjustment_factor),
                signed_usd(change.gain_usd),
            )
        )
    if year.left_out:
        yield ""
    for sentence in year.left_out:
        yield f"- {text(sentence)}"


_RULED = ("---", "---:", "---:", "---:")
