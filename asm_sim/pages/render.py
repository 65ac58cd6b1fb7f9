"""A page of HTML made of a template that lies on the common frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from asm_sim.errors import escaped

FRAMES = Path(__file__).parent


def rendered(template: Path, filters: Mapping[str, Callable[..., Any]], **given: Any) -> str:
    """The page that a template makes of what is given; it may extend ``base.html.jinja``.

    Whatever a user called something is only text in it: what HTML reads is escaped, characters
    that turn the direction of others, or hide, are written as escapes, and a name that a template
    does not know raises.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, FRAMES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters |= filters
    return environment.get_template(template.name).render(**given)


def _shown(value: Any) -> Any:
    """A text without characters that turn the direction of others, or hide."""
    return escaped(value) if type(value) is str else value
