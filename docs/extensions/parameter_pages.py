"""The pages of the parameter book, one for each chapter, and a role for what one is worth."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

from asm_sim.book.book import book_of
from asm_sim.book.markdown import front, page_of
from asm_sim.book.written import value_written
from asm_sim.results.effects import shipped_effects
from asm_sim.scenario.load import load_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docutils.nodes import Node
    from docutils.parsers.rst.states import Inliner
    from sphinx.application import Sphinx

    from asm_sim.parameters import Parameter


def write_pages(app: Sphinx) -> None:
    book = book_of(load_scenario("baseline"), shipped_effects())
    pages = {part.chapter.name: page_of(part) for part in book.parts}
    toctree = "\n".join(["", "```{toctree}", ":maxdepth: 1", "", *pages, "```", ""])
    pages["index"] = front(book) + toctree
    write_changed(Path(app.srcdir) / "parameters", pages)


def write_changed(folder: Path, pages: Mapping[str, str]) -> None:
    """The pages of a folder; what has not changed stays, so that it is not read again."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def value(
    _role: str, rawtext: str, text: str, lineno: int, inliner: Inliner, *_: Any
) -> tuple[list[Node], list[Node]]:
    """What a parameter of the baseline is worth, by its path."""
    leaf = parameters().get(text)
    if leaf is None:
        problem = inliner.reporter.error(f"no parameter is called {text}", line=lineno)
        return [inliner.problematic(rawtext, rawtext, problem)], [problem]
    written = value_written(leaf.model_dump()["value"])
    return [nodes.Text(written)], []


@cache
def parameters() -> dict[str, Parameter]:
    return load_scenario("baseline").leaves()


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("value", value)
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
