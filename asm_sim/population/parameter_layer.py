"""The parameter layer of a draw: the values of a population that the evidence leaves open.

One value of each parameter holds for the whole draw, all clinicians and years. Its distribution
uses nothing but low, value and high: half the mass uniform from low to value, half uniform from
value to high. The central value is the median; nothing lies outside; where the value is itself an
end, half of the draws have just that. No shape is read into three numbers that no source gives.

Each parameter has an address of its own (the hash of its dotted path, at layer index draw + 1; 0
is the central values), so that it is drawn alike whatever else is drawn or held. Only the shares
of a specialty mix depend on each other, since they must keep their sum: what is too much or too
little is shared out in proportion to the room that each has left in its range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.numeric.variates import uniforms_at
from asm_sim.kernels.world.streams import PARAMETER
from asm_sim.parameters import with_values
from asm_sim.population.addresses import address, words
from asm_sim.population.ranges import ROOT, Range, mixes
from asm_sim.population.schema import Population

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class ParameterLayer:
    """The parameters that could be drawn, and the population at their central values."""

    ranges: tuple[Range, ...]
    population: Population

    @property
    def drawn(self) -> list[int]:
        """Positions of those that are drawn; the others are held."""
        return [k for k, item in enumerate(self.ranges) if not item.held]

    def values(self, seed: Words, draw: int) -> Floats:
        """The value of each parameter [P] in a draw; nan of one that is held.

        ``seed`` is uint64 [2], low and high word.
        """
        result = np.full(len(self.ranges), np.nan)
        at = self.drawn
        if not at:
            return result
        ranges = [self.ranges[k] for k in at]
        entities = np.array([address("parameter", item.path) for item in ranges], np.uint64)
        uniform = uniforms_at(seed, words(entities), draw + 1, PARAMETER, 0, 0)[0]
        low, value, high = (np.array([getattr(r, name) for r in ranges]) for name in _ENDS)
        result[at] = two_piece_uniform(uniform, low, value, high)
        for mix in mixes(self.ranges):
            low, value, high = (
                np.array([getattr(self.ranges[k], name) for k in mix]) for name in _ENDS
            )
            result[mix] = kept_to_sum(result[mix], low, high, float(value.sum()))
        return result

    def at(self, seed: Words, draw: int) -> Population:
        """The population of a draw. What :func:`ranges_of` checked holds in every one."""
        values = self.values(seed, draw)
        drawn = {self.ranges[k].path.removeprefix(f"{ROOT}."): float(values[k]) for k in self.drawn}
        return with_values(self.population, drawn)


_ENDS = ("low", "value", "high")


def two_piece_uniform(uniform: Floats, low: Floats, value: Floats, high: Floats) -> Floats:
    """The quantile at ``uniform``: from low to value for its lower half, then on to high."""
    below = low + 2.0 * uniform * (value - low)
    above = value + (2.0 * uniform - 1.0) * (high - value)
    return np.clip(np.where(uniform < 0.5, below, above), low, high)


def kept_to_sum(shares: Floats, low: Floats, high: Floats, total: float) -> Floats:
    """Shares that sum to ``total``, which the ranges allow, and stay in their ranges."""
    excess = float(shares.sum()) - total
    if excess == 0.0:
        return shares
    room = shares - low if excess > 0.0 else high - shares
    kept: Floats = np.clip(shares - excess * room / room.sum(), low, high)
    return kept
