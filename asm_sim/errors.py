"""The one kind of error that a user's own mistake raises."""

from __future__ import annotations

from collections.abc import Sequence

PROBLEMS_SHOWN = 20


class InputError(ValueError):
    """What a user gave cannot be used as it is.

    Carries one line per problem, each saying where it is, what is wrong and what to do. The command
    line prints them and ends with exit code 2; in Python the message holds the first twenty.
    """

    def __init__(self, title: str, problems: Sequence[str] = ()) -> None:
        self.title = title
        self.problems = tuple(problems)
        shown = self.problems[:PROBLEMS_SHOWN]
        more = len(self.problems) - len(shown)
        lines = [title, *(f"  - {problem}" for problem in shown)]
        if more > 0:
            lines.append(f"  ... and {more} more")
        super().__init__("\n".join(lines))


def reason_of(error: OSError) -> str:
    """What the system says went wrong, in one line."""
    return error.strerror or " ".join(str(error).split())


class RunError(RuntimeError):
    """A run that failed for a reason outside the package: a cluster, a disk.

    The message says what happened, what is kept and how to go on; the command line prints it and
    ends with exit code 1.
    """
