"""Rule sets by name or file, and their parameters as a table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from asm_sim.documents import Document, Place, Shelf, load_with_bases, plain_at
from asm_sim.errors import InputError
from asm_sim.parameters import Parameter, check, leaves, set_value
from asm_sim.rules.mips import PROGRAM, MipsRules
from asm_sim.rules.schema import RuleSet

SHELF = Shelf("rule set", Path(__file__).parent)
DEFAULT = "asm-2026-final"
# What a standard set in advance does not read, and why.
THRESHOLD = "threshold"
POOL_ALONE = {
    "payment.redistribution_share": "no pool",
    "payment.exchange.steepness": "no slope of its own",
}


def load_rules(
    name_or_path: str | Path = DEFAULT, settings: dict[str, Any] | None = None
) -> RuleSet:
    """A rule set of ASM by its name (``asm-2026-final``) or from a YAML file.

    ``settings`` gives parameters other values by dotted path, with or without a leading ``rules.``
    or ``mips.``. Raises :class:`asm_sim.errors.InputError` naming file, line and key.
    """
    return check_rules(_document(name_or_path, settings))


def load_mips(name_or_path: str | Path, settings: dict[str, Any] | None = None) -> MipsRules:
    """The same for a rule set of MIPS, the comparator (``mips-2026``)."""
    return check_mips(_document(name_or_path, settings))


def load_any_rules(
    name_or_path: str | Path = DEFAULT, settings: dict[str, Any] | None = None
) -> RuleSet | MipsRules:
    """The same for a rule set of either program."""
    document = _document(name_or_path, settings)
    return check_mips(document) if _is_mips(document) else check_rules(document)


def check_rules(document: Document) -> RuleSet:
    """A document as a rule set of ASM."""
    if _is_mips(document):
        raise InputError(f"{document.place(('program',))}: this is a rule set of MIPS, not of ASM")
    rules = check(RuleSet, document, "rule set")
    problems = _without_effect(rules, document)
    if problems:
        raise InputError("this rule set cannot be used:", problems)
    return rules


def _without_effect(rules: RuleSet, document: Document) -> list[str]:
    """What the rule set has otherwise than the shipped one, though its exchange ignores it."""
    if rules.payment.exchange.form.value != THRESHOLD:
        return []
    shipped = dict(leaves(_shipped_rules()))
    problems = []
    for path, parameter in leaves(rules):
        if path in POOL_ALONE and _numbers(parameter) != _numbers(shipped[path]):
            place, ours = document.place((*path.split("."), "value")), _told(parameter)
            problems.append(
                f"{place}: {path}: {ours} would do nothing, since the form {THRESHOLD!r} has "
                f"{POOL_ALONE[path]}; leave it at {_told(shipped[path])}"
            )
    return problems


def _numbers(parameter: Parameter) -> set[float]:
    return set(parameter.numbers())


def _told(parameter: Parameter) -> str:
    return ", ".join(f"{number:g}" for number in dict.fromkeys(parameter.numbers()))


@cache
def _shipped_rules() -> RuleSet:
    return load_rules()


def check_mips(document: Document) -> MipsRules:
    """A document as a rule set of MIPS."""
    if not _is_mips(document):
        raise InputError(f"{document.place(())}: this is not a rule set of MIPS (program: mips)")
    return check(MipsRules, document, "rule set")


def parameters(rules: RuleSet | MipsRules) -> Iterator[tuple[str, Parameter]]:
    """Every parameter of a rule set with its path, as a scenario would name it."""
    return leaves(rules, "mips" if isinstance(rules, MipsRules) else "rules")


def _document(name_or_path: str | Path, settings: dict[str, Any] | None) -> Document:
    document, _ = load_with_bases(name_or_path, SHELF)
    for path, value in (settings or {}).items():
        place = Place(f"setting {path}")
        dotted = path.removeprefix("rules.").removeprefix("mips.")
        set_value(document, dotted, plain_at(place, value), place)
    return document


def _is_mips(document: Document) -> bool:
    return document.data.get("program") == PROGRAM
