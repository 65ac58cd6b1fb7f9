"""Probe clinicians: who they are. Nobody is compared with them; they are scored like everybody.

A way of asking, not a part of the model: how chance moves a truly average clinician by the number
of episodes, what a standard deviation of true performance is worth, and what becomes of one who
holds still or improves. Every run has those that the studies ask; a scenario file may add a grid
(``probes``). Kernels/draws/probes.py scores them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from asm_sim import same_bits
from asm_sim.addresses import address, words
from asm_sim.kernels.draws.probes import Probes
from asm_sim.kernels.world.model import CohortModel
from asm_sim.parameters import Strict
from asm_sim.population.schema import Population

REPLICATES = 32
USUAL_EPISODES = 50.0
LARGEST_GRID = 1_000


class Probe(NamedTuple):
    """Level in SDs of true performance above the average, gain in SDs a year, episodes a year."""

    level: float = 0.0
    gain: float = 0.0
    episodes: float = USUAL_EPISODES

    @property
    def label(self) -> str:
        return f"level {self.level:+g}, gain {self.gain:+g} a year, {self.episodes:g} episodes"


PROBES = (
    Probe(),  # the average one, first: the others get its modifiers
    *(Probe(episodes=count) for count in (20.0, 30.0, 100.0, 200.0)),
    *(Probe(level=level) for level in (-1.0, -0.5, 0.5, 1.0)),
    *(Probe(gain=gain) for gain in (-0.1, -0.05, 0.025, 0.05, 0.075, 0.1)),
    *(Probe(gain=gain) for gain in (0.125, 0.15, 0.175, 0.2, 0.25, 0.3)),
)


class ProbeGrid(Strict):
    """Probes that a scenario adds: every level with every gain and number of episodes."""

    levels: list[Annotated[float, Field(ge=-10, le=10)]] = Field([0.0], min_length=1)
    gains: list[Annotated[float, Field(ge=-2, le=2)]] = Field([0.0], min_length=1)
    episodes: list[Annotated[float, Field(ge=1, le=100_000)]] = Field(
        [USUAL_EPISODES], min_length=1
    )

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        number = len(self.levels) * len(self.gains) * len(self.episodes)
        if number > LARGEST_GRID:
            raise ValueError(f"{number:,} probes are more than {LARGEST_GRID:,}")
        return self


def probes_with(grid: ProbeGrid | None) -> tuple[Probe, ...]:
    """The probes of a run: those of every run, then those of the grid, each once."""
    if grid is None:
        return PROBES
    added = (Probe(*one) for one in product(grid.levels, grid.gains, grid.episodes))
    return tuple(dict.fromkeys((*PROBES, *added)))


def compile_probes(
    population: Population, model: CohortModel, cohort: str, probes: Sequence[Probe] = PROBES
) -> Probes:
    """The probes of a cohort, each so many times: cases at their medians, both collection types.

    Replicates report by the collection types in the shares in which practices do.
    """
    replicate = np.tile(np.arange(REPLICATES), len(probes))
    by_ecqm = (np.arange(REPLICATES) + 0.5) / REPLICATES < population.practice.ecqm_share.value
    kind = np.where(by_ecqm, 0, 1)[replicate]
    cases = np.rint(same_bits.exp(model.volume.cases_log_median))
    own, level, gain, episodes = _in_rows(cohort, tuple(probes))
    return Probes(
        replicates=REPLICATES,
        address=own,
        level=level,
        gain=gain,
        episodes=episodes,
        cases=np.ascontiguousarray(np.repeat(cases[:, None], len(replicate), axis=1)),
        collection=np.ascontiguousarray(model.quality.collection_of[:, kind]),
    )


@lru_cache(maxsize=16)
def _in_rows(cohort: str, probes: tuple[Probe, ...]) -> tuple[Any, ...]:
    """Of each replicate of each probe, in rows: words of the address, level, gain and episodes."""
    own = np.array(
        [address("probe", f"{cohort}\x1f{number}") for number in range(REPLICATES)], np.uint64
    )
    columns = np.repeat(np.array(probes), REPLICATES, axis=0).T
    return words(np.tile(own, len(probes))), *map(np.ascontiguousarray, columns)
