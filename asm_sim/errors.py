"""The one kind of error that a user's own mistake raises, and how its message is kept readable.

What a user gave comes back in messages: file names, keys, titles, arguments. :func:`printable`
shows any of it on one line of bounded length without a character that a terminal would act on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_PASSWORD = re.compile(r"(:/{1,2}[^\s/@:]*:)[^\s/]*@")  # of a URL, also one read as a path

PROBLEMS_SHOWN = 20
LONGEST_NAME = 200  # characters of one name, path or value in a message
LONGEST_LINE = 3_000  # characters of one problem
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # Unicode categories


def printable(text: str, longest: int = LONGEST_NAME) -> str:
    """``text`` on one line of at most ``longest`` characters, as it may go to a terminal.

    Control characters, line ends, what hides or turns the direction of text, and bytes that were
    not UTF-8 are written as escapes, passwords of URLs as ``***``; a long text loses its middle,
    since it says where at its beginning and what at its end.
    """
    text = without_passwords(text)
    whole = len(text) <= longest
    parts = [text] if whole else [text[:longest], text[-longest:]]  # escapes only make it longer
    shown = [escaped(part) for part in parts]
    if whole and len(shown[0]) <= longest:
        return shown[0]
    end = longest // 3
    return f"{shown[0][: longest - end - 5]} ... {shown[-1][len(shown[-1]) - end :]}"


def without_passwords(text: str) -> str:
    """A text in which the passwords of URLs are ``***``."""
    return _PASSWORD.sub(r"\1***@", text)


def escaped(text: str, keep: str = "") -> str:
    """``text`` with an escape for each character that a terminal acts on or shows nothing of."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _HIDDEN and character not in keep
        else character
        for character in text
    )


def counted(number: int, noun: str) -> str:
    """``1 row``, ``1,234 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *before, end = words
    return f"{', '.join(before)} {last} {end}" if before else end


class InputError(ValueError):
    """What a user gave cannot be used as it is.

    Carries one line per problem, each saying where it is, what is wrong and what to do. The command
    line prints them and ends with exit code 2; in Python the message holds the first twenty. All
    lines are printable.
    """

    def __init__(self, title: str, problems: Sequence[str] = ()) -> None:
        self.title = printable(title, LONGEST_LINE)
        self.problems = tuple(printable(problem, LONGEST_LINE) for problem in problems)
        shown = self.problems[:PROBLEMS_SHOWN]
        more = len(self.problems) - len(shown)
        lines = [self.title, *(f"  - {problem}" for problem in shown)]
        if more > 0:
            lines.append(f"  ... and {more:,} more")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[InputError], tuple[str, tuple[str, ...]]]:
        return type(self), (self.title, self.problems)  # what comes from a worker is the same


def reason_of(error: OSError) -> str:
    """What the system says went wrong, in one line."""
    return printable(error.strerror or " ".join(str(error).split()))


class RunError(RuntimeError):
    """A run that failed for a reason outside the package: a cluster, a disk.

    The message says what happened, what is kept and how to go on; the command line prints it and
    ends with exit code 1.
    """
