"""From a scenario to work: everything compiled, and the draws cut into blocks.

A block is a fixed number of consecutive draws, whatever the machine: the unit of scheduling, of a
file on disk and of resuming. What a draw is depends on the scenario and the seed alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from asm_sim import __version__
from asm_sim.kernels._jit import sources_hash
from asm_sim.kernels.summaries import Grids
from asm_sim.population.compile import (
    CohortModel,
    Group,
    PracticeModel,
    check_complete,
    compile_cohort_model,
    compile_practices,
    groups,
)
from asm_sim.population.roster import Roster, find_roster, read_roster
from asm_sim.rules.compile import CohortRules, compile_cohort
from asm_sim.scenario.schema import Scenario

BLOCK_DRAWS = 100
PANEL_DRAWS = 200
STORE_FORMAT = 1

# Where results are tabulated: a way of reporting, not a part of the model.
QUANTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
SCORES = tuple(float(score) for score in range(0, 101, 5))
ADJUSTMENT_BINS = (-0.125, 0.0025, 150)  # lowest edge, width, number
SCORE_BINS = (0.0, 1.0, 100)
DOLLARS_BINS = (-400_000.0, 5_000.0, 160)


@dataclass(frozen=True)
class CohortPlan:
    """One cohort, compiled."""

    name: str
    rules: CohortRules
    practices: PracticeModel
    model: CohortModel

    @property
    def clinicians(self) -> int:
        return len(self.model.practice)


@dataclass(frozen=True)
class Block:
    """Draws ``first`` to ``first + draws - 1``."""

    number: int
    first: int
    draws: int


@dataclass(frozen=True)
class Plan:
    """A scenario compiled and cut into blocks."""

    scenario: Scenario
    roster: Roster
    cohorts: tuple[CohortPlan, ...]
    groups: tuple[Group, ...]

    @property
    def years(self) -> list[int]:
        return self.scenario.rules.years

    @property
    def clinicians(self) -> int:
        return len(self.roster.clinician_id)

    @property
    def panel_draws(self) -> int:
        return min(PANEL_DRAWS, self.scenario.draws)

    @property
    def holds_population(self) -> bool:
        return self.scenario.layers.population == "off"

    @property
    def measures(self) -> bool:
        return self.scenario.layers.measurement == "on"

    def blocks(self) -> list[Block]:
        draws = self.scenario.draws
        starts = range(0, draws, BLOCK_DRAWS)
        return [Block(i, a, min(BLOCK_DRAWS, draws - a)) for i, a in enumerate(starts)]

    def scenario_hash(self) -> str:
        return self.scenario.hash(self.roster.sha256)

    def fingerprint(self) -> str:
        """SHA-256 of everything that decides the bits of a block."""
        parts = [
            self.scenario_hash(),
            self.scenario.seed,
            BLOCK_DRAWS,
            PANEL_DRAWS,
            STORE_FORMAT,
            __version__,
            sources_hash(),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def seed_words(self) -> Any:
        return np.array([self.scenario.seed & 0xFFFFFFFF, self.scenario.seed >> 32], np.uint64)

    def indices(self, first: int, draws: int) -> tuple[Any, Any]:
        """Population and measurement index of each draw; a layer that is off stays at 0."""
        draw = np.arange(first, first + draws, dtype=np.int64)
        held = np.zeros_like(draw)
        return (held if self.holds_population else draw), (draw if self.measures else held)


def make_plan(scenario: Scenario) -> Plan:
    """Compile a scenario; :class:`asm_sim.errors.InputError` where its parts do not fit."""
    path = find_roster(scenario.population.roster.value, scenario.folder)
    roster = read_roster(path, list(scenario.rules.cohorts))
    check_complete(scenario.population, scenario.rules, roster)
    cohorts = tuple(
        CohortPlan(
            name,
            compile_cohort(scenario.rules, name),
            compile_practices(scenario.population, roster, name),
            compile_cohort_model(scenario.population, scenario.rules, roster, name),
        )
        for name in roster.cohorts
    )
    return Plan(scenario, roster, cohorts, tuple(groups(scenario.population, roster)))


def grids() -> Grids:
    """The grids as the kernels take them; bins get an underflow and an overflow."""

    def bins(lowest: float, width: float, count: int) -> tuple[float, float, int]:
        return lowest, width, count + 2

    return Grids(
        100 * np.array(QUANTILES),
        np.array(SCORES),
        *bins(*ADJUSTMENT_BINS),
        *bins(*SCORE_BINS),
        *bins(*DOLLARS_BINS),
    )
