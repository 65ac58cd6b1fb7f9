"""The parameter book as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from asm_sim.book.book import WHAT_IT_IS, Book, Entry
from asm_sim.pages.markdown import code, row, text


def markdown(book: Book) -> str:
    """Headings and lists; what a user called something is only text."""
    lines = [f"# {text(book.title)}", "", f"{text(book.origin)}. {WHAT_IT_IS}"]
    lines += [
        "",
        f"{text(book.of_effects)} {code(book.command)}",
        "",
        "## How well they are known",
        "",
    ]
    lines += [row(("Status", "What it means", "Parameters")), row(("---", "---", "---:"))]
    lines += [row((name, text(told), str(number))) for name, told, number in book.statuses]
    if book.largest:
        lines += ["", "## What moves the share of penalties most", ""]
        lines += [row(("Parameter", "Percentage points")), row(("---", "---"))]
        lines += [row((text(one.path), text(one.effect))) for one in book.largest]
    for part in book.parts:
        files = ", ".join(code(f"asm_sim/{name}") for name in part.chapter.code)
        lines += ["", f"## {part.chapter.title}", "", f"{part.chapter.what} Computed in {files}."]
        for entry in part.entries:
            lines += _entry(entry)
    return "\n".join(lines) + "\n"


def _entry(entry: Entry) -> Iterator[str]:
    yield from ("", f"### {code(entry.path)}", "")
    if entry.leaf.description:
        yield f"- **What it is:** {text(entry.leaf.description)}"
    for label, told in entry.facts:
        yield f"- **{label}:** {text(told)}"
