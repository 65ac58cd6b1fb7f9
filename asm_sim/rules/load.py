"""Rule sets by name or file, and their parameters as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asm_sim.documents import Document, Place, Shelf, load_with_bases
from asm_sim.parameters import Parameter, check, leaves, set_value
from asm_sim.rules.schema import RuleSet

SHELF = Shelf("rule set", Path(__file__).parent)
DEFAULT = "asm-2026-final"


def load_rules(
    name_or_path: str | Path = DEFAULT, settings: dict[str, Any] | None = None
) -> RuleSet:
    """A rule set by its name (``asm-2026-final``) or from a YAML file.

    ``settings`` gives parameters other values by dotted path, with or without a leading ``rules.``.
    Raises :class:`asm_sim.errors.InputError` naming file, line and key.
    """
    document, _ = load_with_bases(name_or_path, SHELF)
    for path, value in (settings or {}).items():
        set_value(document, path.removeprefix("rules."), value, Place(f"setting {path}"))
    return check_rules(document)


def check_rules(document: Document) -> RuleSet:
    """A document as a rule set."""
    return check(RuleSet, document, "rule set")


def parameters(rules: RuleSet) -> Iterator[tuple[str, Parameter]]:
    """Every parameter of a rule set with its path, as a scenario would name it."""
    return leaves(rules, "rules")
