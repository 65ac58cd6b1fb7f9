"""The parameter book as Markdown: in one piece, or its front and a page for each chapter."""

from __future__ import annotations

from collections.abc import Iterator

from asm_sim.book.book import WHAT_IT_IS, Book, Entry, Part
from asm_sim.pages.markdown import code, row, text


def markdown(book: Book) -> str:
    """All of it, with headings and lists; what a user called something is only text."""
    return "\n".join([front(book), *(page_of(part, level=2) for part in book.parts)])


def front(book: Book) -> str:
    """What it is of, how well the parameters are known, and which move most."""
    lines = [
        f"# {text(book.title)}",
        "",
        f"{text(book.origin)}. {WHAT_IT_IS}",
        "",
        f"{text(book.of_effects)} {code(book.command)}",
        "",
        "## How well they are known",
        "",
        row(("Status", "What it means", "Parameters")),
        row(("---", "---", "---:")),
        *(row((name, text(told), str(number))) for name, told, number in book.statuses),
    ]
    if book.largest:
        lines += [
            "",
            "## What moves the share of penalties most",
            "",
            row(("Parameter", "Percentage points")),
            row(("---", "---")),
            *(row((text(entry.path), text(entry.effect))) for entry in book.largest),
        ]
    return "\n".join(lines) + "\n"


def page_of(part: Part, level: int = 1) -> str:
    """The parameters of a chapter, under a heading of this level."""
    sign, chapter = "#" * level, part.chapter
    files = ", ".join(code(f"asm_sim/{name}") for name in chapter.code)
    lines = [f"{sign} {chapter.title}", "", f"{chapter.what} Computed in {files}."]
    for entry in part.entries:
        lines += _entry(entry, f"{sign}#")
    return "\n".join(lines) + "\n"


def _entry(entry: Entry, sign: str) -> Iterator[str]:
    yield from ("", f"{sign} {code(entry.path)}", "")
    if entry.leaf.description:
        yield f"- **What it is:** {text(entry.leaf.description)}"
    for label, told in entry.facts:
        yield f"- **{label}:** {text(told)}"
