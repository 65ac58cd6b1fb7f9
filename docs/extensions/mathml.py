"""Formulas as MathML, made while the site is built: a browser shows them without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator


def inline(page: HTML5Translator, node: Element) -> None:
    page.body.append(convert(node.astext(), display="inline"))
    raise _done()


def display(page: HTML5Translator, node: Element) -> None:
    formula = convert(node.astext(), display="block")
    page.body.append(f'<div class="formula" role="math" tabindex="0">{formula}</div>\n')
    raise _done()


def _done() -> Exception:
    from docutils.nodes import SkipNode

    return SkipNode()


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer(
        "mathml", inline_renderers=(inline, None), block_renderers=(display, None)
    )
    app.connect("config-inited", lambda _, config: setattr(config, "html_math_renderer", "mathml"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
