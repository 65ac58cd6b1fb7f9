"""When are there enough draws? A limit on Monte Carlo standard errors, such as
``retained_by_medicare<0.5%``.

The answer is a property of the draws, not of the machine: the least number of blocks, from the
first one on and without a gap, with which the limit holds for every scenario, cohort and
performance year.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.results.moments import Moments, moments
from asm_sim.results.registry import YEARLY
from asm_sim.store.blocks import read_block
from asm_sim.store.files import Folder
from asm_sim.store.work import Job, Work

_FORM = re.compile(r"\s*(\w+)\s*<\s*([0-9.eE+-]+)\s*(%?)\s*")
_CAUTION = 0.9  # of the blocks that are expected to be needed: the next look comes before


@dataclass(frozen=True)
class Limit:
    """The largest standard error that will do, relative to the mean or in the variable's units."""

    variable: str
    largest: float
    relative: bool

    def __str__(self) -> str:
        written = f"{100 * self.largest:g} %" if self.relative else f"{self.largest:g}"
        return f"{self.variable} < {written}"


def parse_limit(text: str) -> Limit:
    """``name<0.5%`` (of the mean) or ``name<0.001`` (in the variable's units)."""
    match = _FORM.fullmatch(text)
    if not match:
        raise InputError(
            f"--until {text!r}: write a variable, '<' and a limit for its Monte Carlo standard "
            "error, such as retained_by_medicare<0.5% (of the mean) or share_negative<0.001"
        )
    name, number, percent = match.groups()
    known = [variable.name for variable in YEARLY]
    if name not in known:
        raise InputError(
            f"--until {text!r}: {name!r} is no variable by draw, cohort and performance year"
            f"{did_you_mean(name, known)}; there are: {', '.join(known)}"
        )
    try:
        largest = float(number)
    except ValueError:
        raise InputError(f"--until {text!r}: {number!r} is not a number") from None
    if not (math.isfinite(largest) and largest > 0):
        raise InputError(f"--until {text!r}: the limit must be above 0")
    return Limit(name, largest / 100 if percent else largest, bool(percent))


def _rounding(variable: str) -> float:
    """An error this small is rounding, such as that of an amount that is zero by the rule."""
    from asm_sim.results.statistics import ROUNDING, USD_PER_MILLION

    units = next(known.units for known in YEARLY if known.name == variable)
    return ROUNDING * (USD_PER_MILLION if units == "USD" else 1.0)


class Watch:
    """Looks at the blocks in their order, and each only once."""

    def __init__(self, folder: Folder, work: Work, limits: Iterable[Limit]) -> None:
        self._folder, self._work = folder, work
        self.limits = tuple(limits)
        self._before: dict[tuple[int, Limit], Moments] = {}  # by scenario and limit
        self.blocks = 0  # looked at
        self.excess = math.inf  # the largest error as a multiple of what is allowed

    def enough(self, blocks: int) -> int | None:
        """The least number of blocks that will do, of the first ``blocks``; None if there is none.

        All of these blocks must be there. :class:`store.CorruptBlockError` for one that is not
        what it should be.
        """
        every = self._work.blocks()
        names = {limit.variable for limit in self.limits}
        while self.blocks < blocks:
            block = every[self.blocks]
            read = [
                read_block(self._folder, self._work, Job(index, block), names)
                for index in range(len(self._work))
            ]
            for (index, arrays), limit in itertools.product(enumerate(read), self.limits):
                of_block, before = moments(arrays[limit.variable]), self._before.get((index, limit))
                self._before[index, limit] = before.joined(of_block) if before else of_block
            self.blocks += 1
            self.excess = max(_excess(found, limit) for (_, limit), found in self._before.items())
            if self.excess <= 1:
                return self.blocks
        return None

    def expected(self) -> int:
        """How many blocks to have before the next look: errors fall with the root of the draws."""
        if not math.isfinite(self.excess):
            return self.blocks + 1
        return max(self.blocks + 1, math.floor(_CAUTION * self.blocks * self.excess**2))


def _excess(found: Moments, limit: Limit) -> float:
    """The largest standard error as a multiple of what is allowed; 0 where nothing varies.

    A cohort and year without any value (the change from the year before, in the first year) does
    not count.
    """
    known = found.number > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        allowed = limit.largest * (np.abs(found.mean) if limit.relative else 1.0)
        ratio = np.where(found.error <= _rounding(limit.variable), 0.0, found.error / allowed)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    return float(ratio[known].max()) if known.any() else 0.0
