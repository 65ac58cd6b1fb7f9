"""How well a number of the rule or the population is known, in one word."""

from __future__ import annotations

from typing import Literal

Status = Literal[
    "regulation",
    "published",
    "secondary",
    "derived",
    "inferred",
    "precedent",
    "assumption",
    "lever",
]
# The words of docs/glossary.md.
MEANINGS: dict[Status, str] = {
    "regulation": "the text was seen",
    "published": "official data were seen",
    "secondary": "explainers say so",
    "derived": "computed from published figures",
    "inferred": "follows by algebra, or from the sister rule of MIPS",
    "precedent": "what a sister programme of CMS does: open",
    "assumption": "ours, and what depends on it must say so: open",
    "lever": "an alternative or a mechanism that is off: nothing rests on it",
}
OPEN: tuple[Status, ...] = ("precedent", "assumption")  # what nobody knows and results rest on
