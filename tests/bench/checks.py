"""Numbers that have a limit, and the table of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

FREE_CORES = 1.9  # what two threads gain with nothing in common, where two cores are free


@dataclass
class Check:
    """A number, and its limit if it has one."""

    name: str
    values: list[float]
    at_least: float | None = None
    at_most: float | None = None
    judged: bool = True
    note: str = ""

    @property
    def value(self) -> float:
        return float(np.median(self.values))

    @property
    def limited(self) -> bool:
        return self.at_least is not None or self.at_most is not None

    @property
    def passed(self) -> bool:
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    @property
    def failed(self) -> bool:
        return self.judged and not self.passed

    def line(self) -> str:
        low, high = np.percentile(self.values, [25, 75])
        limit, verdict = "", ""
        if self.at_least is not None:
            limit = f"at least {self.at_least:g}"
        if self.at_most is not None:
            limit = f"at most {self.at_most:g}"
        if self.limited:
            verdict = "ok" if self.passed else "MISSED"
            verdict = verdict if self.judged else f"not judged ({verdict.lower()})"
        spread = f"({low:.2f} to {high:.2f})" if len(self.values) > 1 else ""
        text = f"{self.name:<52}{self.value:9.2f}  {spread:<20}{limit:<16}{verdict}"
        return f"{text.rstrip()}{'  ' + self.note if self.note else ''}"


@dataclass
class Part:
    """What one part of the timings found."""

    title: str
    lines: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    free: list[float] = field(default_factory=list)  # what two spinning threads gained meanwhile

    def report(self) -> str:
        return "\n".join([self.title, *self.lines, *(check.line() for check in self.checks)])

    def control(self) -> str:
        """What the machine gave meanwhile, where that was watched."""
        return f"; two spinning threads over one: {np.median(self.free):.2f}" if self.free else ""

    def needs_two_cores(self) -> dict[str, Any]:
        """How a check is judged that says nothing where something else runs."""
        judged = float(np.median(self.free)) >= FREE_CORES
        return {"judged": judged, "note": "" if judged else "two cores are not free"}


def table(parts: list[Part]) -> str:
    """Every number with a limit: measured, quartiles, limit, verdict."""
    lines = ["What is promised: measured (quartiles), limit, verdict"]
    for part in parts:
        limited = [check.line() for check in part.checks if check.limited]
        if limited:
            lines += [f"{part.title}{part.control()}", *(f"  {line}" for line in limited)]
    return "\n".join(lines)
