"""An explanation as one page of HTML that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from asm_sim.explain.steps import CHANGES, HOW_TO_READ, PEERS_HELD_STILL, Explanation
from asm_sim.explain.written import basis_value, percent, score, signed_usd
from asm_sim.pages.render import rendered

TEMPLATE = Path(__file__).with_name("page.html.jinja")
FILTERS: dict[str, Callable[..., Any]] = {
    "basis_value": basis_value,
    "percent": percent,
    "score": score,
    "signed_usd": signed_usd,
}


def html(explanation: Explanation) -> str:
    """The page; what a user called something is only text in it."""
    return rendered(
        TEMPLATE,
        FILTERS,
        explanation=explanation,
        changes=CHANGES,
        how_to_read=HOW_TO_READ,
        peers_held_still=PEERS_HELD_STILL,
    )
