"""Whatever a user gave, a message about it is bounded, and a terminal acts on none of it."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asm_sim.errors import InputError, escaped, printable

ANYTHING = st.text(st.characters(codec=None), max_size=300)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a plain name, 5 %, é and 日本", "a plain name, 5 %, é and 日本"),
        ("\x1b[31mred\a", r"\x1b[31mred\x07"),
        ("two\nlines\tand\r", r"two\nlines\tand\r"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("turned \u202e round", r"turned \u202e round"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028separator", r"line\u2028separator"),
        ("not UTF-8 \udcff", r"not UTF-8 \udcff"),
    ],
)
def test_what_a_terminal_acts_on_is_shown_as_an_escape(given: str, shown: str) -> None:
    assert printable(given) == shown


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    assert printable("the beginning" + "x" * 1_000_000 + "the end", 60) == (
        "the beginning" + "x" * 22 + " ... " + "x" * 13 + "the end"
    )
    assert len(printable("\x1b" * 100, 60)) == 60


@settings(derandomize=True, max_examples=200, deadline=None)
@given(ANYTHING, st.integers(20, 400))
def test_any_text_becomes_printable_and_bounded(text: str, longest: int) -> None:
    shown = printable(text, longest)
    assert escaped(shown) == shown
    assert len(shown) <= longest
    assert printable(shown, longest) == shown


def test_a_message_has_few_lines_of_bounded_length() -> None:
    error = InputError("this \x1b[1mtable\n", ["row 1\nand\x07more: " + "y" * 100_000] * 16_384)
    lines = str(error).splitlines()
    assert len(lines) == 22
    assert all(line.isprintable() and len(line) <= 3_010 for line in lines)
    assert lines[0] == r"this \x1b[1mtable\n"
    assert lines[1].startswith(r"  - row 1\nand\x07more: yyy")
    assert lines[-1] == "  ... and 16,364 more"


def test_an_error_of_a_worker_says_the_same_after_its_journey() -> None:
    error = pickle.loads(pickle.dumps(InputError("a title", ["one", "two"])))
    assert str(error) == "a title\n  - one\n  - two"
    assert error.problems == ("one", "two")
