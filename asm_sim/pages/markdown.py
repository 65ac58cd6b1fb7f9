"""Texts as Markdown in which nothing of them is a sign of Markdown or of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable

from asm_sim.errors import escaped

_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_FENCES = re.compile("`+")


def text(given: str) -> str:
    """A text that is only text."""
    return _SIGNS.sub(r"\\\1", escaped(given))


def code(given: str) -> str:
    """A text as code within a line, whatever accents are in it."""
    longest = max((len(found) for found in _FENCES.findall(given)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{escaped(given)}{space}{fence}"


def row(cells: Iterable[str]) -> str:
    """A row of a table; no cell may hold a bar that is not escaped."""
    return f"| {' | '.join(cells)} |"
