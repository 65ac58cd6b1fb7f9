"""What a scenario is once it is resolved: a rule set, a population, and how many draws of what."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from asm_sim.parameters import Strict, fingerprint
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet

LARGEST_DRAW = 10_000_000  # fixed-point sums over draws hold twice as many
LARGEST_SEED = 2**64


class Layers(Strict):
    """Which layers vary from draw to draw.

    ``population`` off holds one population, so that draws repeat the measurement of the same
    clinicians. ``measurement`` off shows true rates and costs, without sampling.
    """

    population: str = Field("on", pattern="^(on|off)$")
    measurement: str = Field("on", pattern="^(on|off)$")


class ScenarioFile(Strict):
    """The keys of a scenario file after its bases are laid under it."""

    title: str = Field(min_length=1)
    description: str = ""
    rules: str
    population: str
    draws: int = Field(ge=1, le=LARGEST_DRAW)
    seed: int = Field(ge=0, lt=LARGEST_SEED)
    layers: Layers = Layers()


@dataclass(frozen=True)
class Scenario:
    """A scenario that is ready to run; everything in it has been checked."""

    name: str
    file: ScenarioFile
    settings: tuple[tuple[str, Any], ...]  # parameters set, in order: dotted path and value
    rules: RuleSet
    population: Population
    folder: Path  # where the population's files may lie

    @property
    def title(self) -> str:
        return self.file.title

    @property
    def draws(self) -> int:
        return self.file.draws

    @property
    def seed(self) -> int:
        return self.file.seed

    @property
    def layers(self) -> Layers:
        return self.file.layers

    @property
    def rules_hash(self) -> str:
        return fingerprint(self.rules)

    @property
    def population_hash(self) -> str:
        return fingerprint(self.population)

    def with_draws(self, draws: int | None, seed: int | None) -> Scenario:
        """The same scenario with another number of draws or another seed."""
        from asm_sim.documents import Document, Place
        from asm_sim.parameters import check

        data = {**self.file.model_dump(), "draws": draws, "seed": seed}
        if draws is None:
            data["draws"] = self.draws
        if seed is None:
            data["seed"] = self.seed
        file = check(ScenarioFile, Document(data, {(): Place("--draws and --seed")}), "scenario")
        return Scenario(self.name, file, self.settings, self.rules, self.population, self.folder)

    def resolved(self) -> dict[str, Any]:
        """The scenario as plain data: what was named and what was set."""
        result: dict[str, Any] = self.file.model_dump()
        result["set"] = dict(self.settings)
        return result

    def hash(self, roster_sha256: str) -> str:
        """SHA-256 of everything that decides what a draw is, but for the seed."""
        parts = [
            self.rules_hash,
            self.population_hash,
            roster_sha256,
            self.layers.model_dump_json(),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
