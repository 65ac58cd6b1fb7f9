"""What the theme leaves out for those who use a keyboard or a screen reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils.nodes import document
    from sphinx.application import Sphinx

AFTER_THE_THEME = 900
SCROLL = ("<pre", '<div class="cell_output docutils container"')
TREE = "furo_navigation_tree"


def complete(
    _app: Sphinx, _name: str, _template: str, context: dict[str, Any], _tree: document | None
) -> None:
    """Captions of the navigation say how deep they are; code that scrolls can be reached."""
    if TREE in context:
        context[TREE] = context[TREE].replace('role="heading"', 'role="heading" aria-level="2"')
    if "body" in context:
        for scrolls in SCROLL:
            context["body"] = context["body"].replace(scrolls, f'{scrolls} tabindex="0"')


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", complete, priority=AFTER_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
