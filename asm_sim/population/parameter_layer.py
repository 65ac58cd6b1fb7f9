"""The parameter layer of a draw: the values of a population that the evidence leaves open.

How a number is drawn stands in :mod:`asm_sim.drawn`. Only the shares of a specialty mix depend on
each other, since they must keep their sum: what is too much or too little is shared out in
proportion to the room that each has left in its range.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from asm_sim.drawn import Drawable, Floats, Selection, Words, drawn_values, selected
from asm_sim.kernels.world.streams import PARAMETER
from asm_sim.parameters import with_values
from asm_sim.population.ranges import ROOT, mixes
from asm_sim.population.schema import Population


@dataclass(frozen=True)
class ParameterLayer:
    """The parameters that could be drawn, and the population at their central values."""

    ranges: tuple[Drawable, ...]
    population: Population

    def values(self, seed: Words, index: int) -> Floats:
        """The value of each parameter [P] at an index of the layer; nan of one that is held.

        ``seed`` is uint64 [2], low and high word.
        """
        result = drawn_values(self._drawn, PARAMETER, seed, index)
        for mix, low, high, total in self._mixes:
            result[mix] = kept_to_sum(result[mix], low, high, total)
        return result

    @cached_property
    def _mixes(self) -> list[tuple[list[int], Floats, Floats, float]]:
        """Where the shares of each mix stand, their ends, and what they sum to."""
        found = []
        for mix in mixes(self.ranges):
            low, value, high = (
                np.array([getattr(self.ranges[k], name) for k in mix])
                for name in ("low", "value", "high")
            )
            found.append((mix, low, high, float(value.sum())))
        return found

    def at(self, seed: Words, index: int) -> Population:
        """The population of a draw. What :func:`ranges_of` checked holds in every one."""
        values = self.values(seed, index)[self._drawn.at].tolist()
        return with_values(self.population, dict(zip(self._paths, values, strict=True)))

    @cached_property
    def _drawn(self) -> Selection:
        return selected(self.ranges)

    @cached_property
    def _paths(self) -> list[str]:
        """Where those that are drawn stand in the population."""
        return [self.ranges[k].path.removeprefix(f"{ROOT}.") for k in self._drawn.at]


def kept_to_sum(shares: Floats, low: Floats, high: Floats, total: float) -> Floats:
    """Shares that sum to ``total``, which the ranges allow, and stay in their ranges."""
    excess = float(shares.sum()) - total
    if excess == 0.0:
        return shares
    room = shares - low if excess > 0.0 else high - shares
    kept: Floats = np.clip(shares - excess * room / room.sum(), low, high)
    return kept
