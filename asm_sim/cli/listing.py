"""Parameters as ``asm-sim rules`` and ``asm-sim parameters`` list them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import typer

from asm_sim.book.written import plausible, value_written
from asm_sim.cli.terminal import Terminal
from asm_sim.documents import did_you_mean, quoted
from asm_sim.errors import InputError, counted
from asm_sim.parameters import Parameter
from asm_sim.statuses import OPEN, Status

if TYPE_CHECKING:
    from asm_sim.results.effects import Effects

STATUSES: tuple[str, ...] = get_args(Status)
# What every entry of the table needs; narrower terminals fold the text in the middle.
NARROWEST = 72

Leaves = Sequence[tuple[str, Parameter]]


def statuses_of(text: str | None) -> list[str]:
    """The statuses in ``assumption,precedent``; none of None."""
    statuses = [] if text is None else [part.strip() for part in text.split(",")]
    for status in statuses:
        if status not in STATUSES:
            raise InputError(
                f"no status is called {quoted(status)}{did_you_mean(status, list(STATUSES))}; "
                f"one or several of: {','.join(STATUSES)}"
            )
    return statuses


def is_about(word: str, texts: Iterable[str]) -> bool:
    """Whether a word stands in one of the texts, in names also with a space for what joins them."""
    found = word.lower()
    return any(
        found in written.lower()
        for text in texts
        for written in (text, text.replace("_", " "), text.replace("-", " "))
    )


def effects_for(hashes: Mapping[str, str]) -> Effects | None:
    """The shipped effects where they belong to these hashes and this version, else None."""
    from asm_sim import __version__
    from asm_sim.results.effects import effects_of

    return effects_of({**hashes, "asm_sim_version": __version__})


def print_json(data: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=True))


@dataclass(frozen=True)
class Listing:
    """Parameters to be shown; those that are open by what they do to the share of penalties."""

    chosen: Leaves
    statuses: Sequence[str]
    effects: Effects | None

    @property
    def counted(self) -> str:
        of = f" of status {' or '.join(self.statuses)}" if self.statuses else ""
        return f"{counted(len(self.chosen), 'parameter')}{of}"

    @property
    def by_effect(self) -> bool:
        """Whether what is asked for is what is open, and what it does is known."""
        return bool(self.statuses) and set(self.statuses) <= set(OPEN) and self.effects is not None

    @property
    def ordered(self) -> Leaves:
        """The largest effect first where that is the order, the others as they are documented."""
        if not self.by_effect or self.effects is None:
            return self.chosen
        sizes = self.effects.sizes()
        return sorted(self.chosen, key=lambda entry: -sizes.get(entry[0], 0.0))

    def as_data(self, years: Iterable[int]) -> list[dict[str, Any]]:
        listed = list(years)
        return [
            {
                "path": path,
                **leaf.model_dump(mode="json"),
                "value_by_year": _by_year(leaf, listed),
                "effects": [row._asdict() for row in self.effects.of(path)] if self.effects else [],
            }
            for path, leaf in self.ordered
        ]

    def print(self, title: str) -> None:
        """A table on a terminal; elsewhere a line each, whole, so that grep finds it."""
        from rich.text import Text

        console = Terminal(markup=False, highlight=False, emoji=False)
        if not console.is_terminal:
            for line in (title, *([_ORDER] if self.by_effect else []), *self._lines()):
                console.print(Text(line), soft_wrap=True)
            return
        if console.width < NARROWEST:
            console.width = NARROWEST
        console.print(Text(title, style="bold"))
        if self.by_effect:
            console.print(Text(_ORDER))
            self._print_table(console, None, self.ordered)
            return
        for section, entries in itertools.groupby(
            self.chosen, key=lambda entry: entry[0].rpartition(".")[0]
        ):
            self._print_table(console, section, list(entries))

    def _lines(self) -> list[str]:
        return [
            "; ".join(f"{path}: {_described(path, leaf, self.effects)}\n{leaf.status}".split("\n"))
            for path, leaf in self.ordered
        ]

    def _print_table(self, console: Terminal, section: str | None, entries: Leaves) -> None:
        """The parameters of a section; of several, each with its whole path."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        title = None if section is None else Text(section, style="bold")
        table = Table(
            box=box.SIMPLE_HEAD, title=title, title_justify="left", leading=int(section is None)
        )
        if section is not None:
            table.add_column("parameter", no_wrap=True)
        table.add_column("value, meaning and citation", overflow="fold", ratio=1)
        table.add_column("status", no_wrap=True)
        for path, leaf in entries:
            described, status = _described(path, leaf, self.effects), Text(leaf.status)
            if section is None:
                table.add_row(Text(f"{path}\n").append(described), status)
            else:
                table.add_row(Text(path.rpartition(".")[2]), described, status)
        console.print(table)


_ORDER = (
    "by what each does to the share of penalties of the baseline in performance year 2027, the "
    "largest first; what does not clearly move it, and what is not drawn, as it is documented"
)


def _by_year(leaf: Parameter, years: list[int]) -> dict[int, Any]:
    value = _value(leaf)
    return {year: value.get(year) if isinstance(value, dict) else value for year in years}


def _value(leaf: Parameter) -> Any:
    return leaf.model_dump()["value"]


def _described(path: str, leaf: Parameter, effects: Effects | None) -> Any:
    from rich.text import Text

    text = Text()
    text.append(value_written(_value(leaf)), style="bold")
    text.append(f" ({leaf.unit})")
    if leaf.description:
        text.append(f"\n{leaf.description}")
    extent = _extent(leaf)
    if extent:
        text.append(f"\n{'; '.join(extent)}")
    moved = _moved(path, effects)
    if moved:
        text.append(f"\n{moved}")
    text.append(f"\n{leaf.source}", style="italic")
    return text


def _extent(leaf: Parameter) -> list[str]:
    """Between what it plausibly lies, what it may be, and why it is not drawn."""
    extent = []
    if plausible(leaf):
        extent.append(f"plausible {plausible(leaf)}")
    choices = getattr(leaf, "choices", None)
    if choices and len(choices) > 1:
        extent.append(f"one of {', '.join(choices)}")
    if leaf.held:
        extent.append(f"not drawn: {leaf.held}")
    return extent


def _moved(path: str, effects: Effects | None) -> str:
    """What it clearly does to the share of penalties, cohort by cohort."""
    from asm_sim.results.effects import told

    if effects is None:
        return ""
    rows = effects.of(path)
    of_cohort = {row.cohort: told(r for r in rows if r.cohort == row.cohort) for row in rows}
    parts = [f"{words} ({cohort})" for cohort, words in of_cohort.items() if words]
    return f"moves the share of penalties by {'; '.join(parts)} percentage points" if parts else ""
