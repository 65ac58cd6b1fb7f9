"""The parameter book as data: every parameter of a scenario, by where it acts, with its effect."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from asm_sim.book.chapters import CHAPTERS, Chapter, chapter_of
from asm_sim.book.written import effect_written, facts
from asm_sim.errors import counted
from asm_sim.parameters import Parameter
from asm_sim.statuses import MEANINGS

if TYPE_CHECKING:
    from asm_sim.results.effects import Effect, Effects
    from asm_sim.scenario.schema import Scenario

MOST_NAMED = 10
WHAT_IT_IS = (
    "Every number, choice and switch that the model takes from somewhere, by the step in which it "
    "acts: what it is worth, how well it is known, from where, and what else it may be. Effect: by "
    "how many percentage points the share of clinicians with a penalty changes where this "
    "parameter alone is at an end of what is plausible, or at another reading, in paired draws, "
    "with its Monte Carlo standard error (±)."
)


class Entry(NamedTuple):
    """A parameter; ``effects`` on the share of penalties, None where they are not known."""

    path: str
    leaf: Parameter
    effects: tuple[Effect, ...] | None

    @property
    def facts(self) -> list[tuple[str, str]]:
        """All that is known of it, a label and a text each."""
        return [*facts(self.leaf), ("Effect", self.effect)]

    @property
    def effect(self) -> str:
        """What it alone does to the share of penalties, or why that is not known."""
        return effect_written(self.leaf, self.effects)


class Part(NamedTuple):
    """The parameters that act in one step of the model."""

    chapter: Chapter
    entries: tuple[Entry, ...]


class Book(NamedTuple):
    """The parameters of a scenario; ``effects`` are None where they are of another one."""

    title: str
    origin: str
    parts: tuple[Part, ...]
    effects: Effects | None
    command: str  # computes the effects of this scenario

    @property
    def entries(self) -> Iterator[Entry]:
        for part in self.parts:
            yield from part.entries

    @property
    def statuses(self) -> list[tuple[str, str, int]]:
        """Every status that occurs, what it means, and how many parameters have it."""
        found = [entry.leaf.status for entry in self.entries]
        return [(name, told, found.count(name)) for name, told in MEANINGS.items() if name in found]

    @property
    def of_effects(self) -> str:
        """Whose the effects are, and how others are computed: by the command."""
        if self.effects is None:
            return "The effects of this scenario are not known. To compute them:"
        about = self.effects.about
        return (
            f"The effects are of {about['scenario']} in performance year "
            f"{about['performance_year']}, from {about['draws']} draws (seed {about['seed']}); "
            "to compute them with more:"
        )

    @property
    def largest(self) -> list[Entry]:
        """What clearly moves the share of penalties, the largest effect first."""
        if self.effects is None:
            return []
        by_path = {entry.path: entry for entry in self.entries}
        named = [rows[0].path for rows in self.effects.named(most=len(by_path))]
        return [by_path[path] for path in named if path in by_path][:MOST_NAMED]


def book_of(
    scenario: Scenario,
    effects: Effects | None,
    statuses: Sequence[str] = (),
    settings: Sequence[str] = (),
) -> Book:
    """The book of a scenario; of the parameters with one of ``statuses``, or of all.

    ``effects`` are those of this scenario, if they are known; ``settings`` what was set on top of
    its file, as ``--set`` has it.
    """
    entries: dict[Chapter, list[Entry]] = {chapter: [] for chapter in CHAPTERS}
    for path, leaf in scenario.leaves().items():
        if not statuses or leaf.status in statuses:
            known = None if effects is None else effects.of(path)
            entries[chapter_of(path)].append(Entry(path, leaf, known))
    parts = tuple(Part(chapter, tuple(found)) for chapter, found in entries.items() if found)
    number = counted(sum(len(part.entries) for part in parts), "parameter")
    rules = scenario.rules
    words = ["asm-sim", "sensitivity", scenario.name]
    for setting in settings:
        words += ["--set", setting]
    return Book(
        title=f"Parameter book: {scenario.title}",
        origin=(
            f"{number} of {rules.id} (rule year {rules.rule_year}), {scenario.population.id} and "
            f"{scenario.mips.id}"
        ),
        parts=parts,
        effects=effects,
        command=shlex.join(words),
    )
