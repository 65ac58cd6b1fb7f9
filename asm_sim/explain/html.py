"""An explanation as one page of HTML that needs nothing beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asm_sim.errors import escaped
from asm_sim.explain.steps import CHANGES, HOW_TO_READ, PEERS_HELD_STILL, Explanation
from asm_sim.explain.written import basis_value, percent, score, signed_usd

TEMPLATE = Path(__file__).with_name("page.html.jinja")


def html(explanation: Explanation) -> str:
    """The page; what a user called something is only text in it."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters |= {
        "basis_value": basis_value,
        "percent": percent,
        "score": score,
        "signed_usd": signed_usd,
    }
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        explanation=explanation,
        changes=CHANGES,
        how_to_read=HOW_TO_READ,
        peers_held_still=PEERS_HELD_STILL,
    )


def _shown(value: Any) -> Any:
    """A text without characters that turn the direction of others, or hide."""
    return escaped(value) if type(value) is str else value
