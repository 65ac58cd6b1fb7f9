"""The parameter book as one page of HTML that needs nothing beside it."""

from __future__ import annotations

from pathlib import Path

from asm_sim.book.book import WHAT_IT_IS, Book
from asm_sim.pages.render import rendered

TEMPLATE = Path(__file__).with_name("page.html.jinja")


def html(book: Book) -> str:
    """The page; what a user called something is only text in it."""
    return rendered(TEMPLATE, {}, book=book, what_it_is=WHAT_IT_IS)
