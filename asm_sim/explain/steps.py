"""An explanation as data: steps, each with what it says, its numbers and what it rests on.

What is shown as text, Markdown, HTML or JSON is made of these alone, so that all say the same.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Basis:
    """A parameter of the rule that decided a step, with the citation that the rule set gives.

    ``path`` is where ``--set`` finds it, ``value`` what it is worth in the performance year.
    ``cited`` is the value that the citation is of where it is another one: what holds was set.
    """

    path: str
    value: Any = field(hash=False)
    unit: str
    status: str
    source: str
    cited: Any = field(default=None, hash=False)

    @property
    def name(self) -> str:
        """The path within the rule set, which ``--set`` takes as well."""
        return self.path.removeprefix("rules.")

    @property
    def is_set(self) -> bool:
        """Whether the value is another than the one that is cited."""
        return self.cited is not None


@dataclass(frozen=True)
class Line:
    """One thing that a step says: ``label`` is what about, in a word or two."""

    label: str
    text: str


@dataclass(frozen=True)
class Step:
    """One step of the rule for one clinician.

    ``result`` is what comes of it in a few words; ``numbers`` are what the lines say, unrounded.
    """

    name: str
    title: str
    result: str
    lines: tuple[Line, ...]
    numbers: Mapping[str, Any]
    rests_on: tuple[Basis, ...]


@dataclass(frozen=True)
class Section:
    """Steps that belong together."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class WhatIf:
    """What one change would have paid, everybody else as they are.

    ``changed`` are the columns of the table that are other than they were, and to what.
    ``gain_usd`` is the change of the payment in USD.
    """

    name: str
    title: str
    changed: Mapping[str, Any]
    final_score: float | None
    payment_adjustment_factor: float
    payment_change_usd: float
    gain_usd: float


@dataclass(frozen=True)
class ClinicianYear:
    """One clinician in one cohort and performance year.

    ``scored`` are the columns of ``asm-sim score`` for the row. ``left_out`` says of which changes
    no what-if is made, and why; ``notes`` what to keep in mind.
    """

    cohort: str
    cohort_title: str
    performance_year: int
    payment_year: int
    answer: str
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    what_if: tuple[WhatIf, ...]
    left_out: tuple[str, ...]
    scored: Mapping[str, Any]

    @property
    def title(self) -> str:
        return (
            f"{self.cohort_title} ({self.cohort}), performance year {self.performance_year}, "
            f"paid in {self.payment_year}"
        )

    @property
    def steps(self) -> Iterator[Step]:
        for section in self.sections:
            yield from section.steps


@dataclass(frozen=True)
class Explanation:
    """A clinician's way through the rule in every cohort and year asked for, and of which table.

    ``str``, ``to_markdown`` and ``to_html`` are for people, ``as_data`` is for programs.
    """

    clinician_id: str
    table: str
    rules: str
    rules_title: str
    rule_year: str
    years: tuple[ClinicianYear, ...]

    @property
    def title(self) -> str:
        return f"Clinician {self.clinician_id}"

    @property
    def origin(self) -> str:
        """Of which table and by which rule."""
        return f"{self.table}, by {self.rules_title} ({self.rules}, rule year {self.rule_year})"

    def as_data(self) -> dict[str, Any]:
        """All of it as mappings, lists, texts, numbers and None, as JSON has them."""
        data = {"clinician_id": self.clinician_id, "table": self.table}
        about = {"id": self.rules, "title": self.rules_title, "rule_year": self.rule_year}
        years = [_plain(dataclasses.asdict(year)) for year in self.years]
        return data | {"rules": about, "peers_held_still": PEERS_HELD_STILL, "years": years}

    def to_markdown(self) -> str:
        """As Markdown."""
        from asm_sim.explain.markdown import markdown

        return markdown(self)

    def to_html(self) -> str:
        """As one page of HTML that needs nothing beside it."""
        from asm_sim.explain.html import html

        return html(self)

    def __str__(self) -> str:
        from asm_sim.explain.text import plain_text

        return plain_text(self)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


HOW_TO_READ = (
    "What decided a step is named under it as --set takes it, with its status (how well it is "
    "known) and the citation that the rule set gives."
)
CHANGES = "What a change would have paid"
PEERS_HELD_STILL = (
    "The peers are held still: benchmarks, medians, pool and scaling factor stay those of the "
    "table as it is, and only this clinician's own result is another."
)


def _plain(value: Any) -> Any:
    """Data as JSON has it, where a number that is none is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
