"""The frame of a run: who is in it, which axes its results have, how large it is and how it is cut.

Nothing is compiled for it, so that whoever asks for a size, an axis or a name pays for no more. A
block is a fixed number of consecutive draws, whatever the machine: the unit of scheduling, of a
file on disk and of resuming. What a draw is depends on the scenario and the seed alone.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from asm_sim import __version__
from asm_sim.drawn import Drawable
from asm_sim.errors import InputError
from asm_sim.kernels._jit import sources_hash
from asm_sim.population.agreement import check_complete
from asm_sim.population.among import set_among
from asm_sim.population.geography import frame_copies, with_areas
from asm_sim.population.groups import Group, groups
from asm_sim.population.kept_roster import roster_at
from asm_sim.population.parameter_layer import ParameterLayer
from asm_sim.population.reserves import with_reserves
from asm_sim.population.roster import Roster, find_roster
from asm_sim.rules.readings import ReadingsLayer
from asm_sim.rules.schema import RuleSet
from asm_sim.scenario.schema import LARGEST_DRAW, Layers, Scenario, ScenarioFile

BLOCK_DRAWS = 100
PANEL_DRAWS = 200
LENS_DRAWS = 100
OPEN_DRAWS = 200
STORE_FORMAT = 4
_PANEL_CHUNK = 25  # draws of a panel that are stored as one chunk, at most
# Indices of a layer are 32 bits wide, and a scenario may have so many draws: no shift beyond this.
LARGEST_SHIFT = 2**32 - 2 - LARGEST_DRAW

# Where results are tabulated: a way of reporting, not a part of the model.
QUANTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
SCORES = tuple(float(score) for score in range(0, 101, 5))
ADJUSTMENT_BINS = (-0.125, 0.0025, 150)  # lowest edge, width, number
SCORE_BINS = (0.0, 1.0, 100)
DOLLARS_BINS = (-400_000.0, 5_000.0, 160)

OPEN_PARTS = ("open", "yearly")  # what is kept of open draws, in a fingerprint


@dataclass(frozen=True)
class Block:
    """Draws ``first`` to ``first + draws - 1``."""

    number: int
    first: int
    draws: int


@dataclass(frozen=True)
class Frame:
    """A scenario cut into blocks, and who is in it."""

    scenario: Scenario
    roster: Roster  # with the reserves, if there are any
    groups: tuple[Group, ...]
    block_draws: int
    panel: int  # draws kept clinician by clinician, if there are as many
    lens: int  # draws looked at closely, if there are as many
    listed: Roster  # the roster alone
    parameters: ParameterLayer | None = None  # what is drawn of them, where that layer is on
    readings: ReadingsLayer | None = None  # the same of the rule
    shifts: Mapping[str, int] = field(default_factory=dict)  # added to the indices of layers
    open: int = 0  # open draws beside its own, if there are as many draws
    is_open: bool = False  # it is of the open draws, of which only what is yearly is kept

    @property
    def years(self) -> list[int]:
        return self.scenario.rules.years

    @property
    def clinicians(self) -> int:
        return len(self.roster.clinician_id)

    @property
    def panel_draws(self) -> int:
        return min(self.panel, self.scenario.draws)

    @property
    def lens_draws(self) -> int:
        return min(self.lens, self.scenario.draws)

    @property
    def open_draws(self) -> int:
        return min(self.open, self.scenario.draws)

    @property
    def holds_population(self) -> bool:
        return self.scenario.layers.population == "off" and not self.is_open

    @property
    def measures(self) -> bool:
        return self.scenario.layers.measurement == "on"

    def blocks(self) -> list[Block]:
        return blocks_of(self.scenario.draws, self.block_draws)

    def opened(self) -> Self:
        """The same for the open draws: the first ones again, everything open drawn."""
        scenario = self.scenario.opened().with_draws(self.open_draws, None)
        return replace(
            self,
            scenario=scenario,
            parameters=_parameter_layer(scenario),
            readings=_readings_layer(scenario),
            panel=0,
            lens=0,
            open=0,
            is_open=True,
        )

    def parts(self) -> list[Self]:
        """This frame and, where there are open draws, the one of those."""
        return [self, self.opened()] if self.open_draws else [self]

    def scenario_hash(self) -> str:
        return self.scenario.hash(self.roster.sha256)

    def fingerprint(self) -> str:
        kept = OPEN_PARTS if self.is_open else (self.panel, self.lens)
        scenario = with_shifts(self.scenario_hash(), self.shifts)
        return fingerprint(scenario, self.scenario.seed, self.block_draws, kept)

    def seed_words(self) -> Any:
        return np.array([self.scenario.seed & 0xFFFFFFFF, self.scenario.seed >> 32], np.uint64)

    def indices(self, first: int, draws: int) -> tuple[Any, Any, Any]:
        """Population, measurement and selection index of each draw; one that is off stays at 0."""
        population, measurement, selection = (
            self.index(layer, np.arange(first, first + draws, dtype=np.int64))
            for layer in ("population", "measurement", "selection")
        )
        return population, measurement, selection

    def index(self, layer: str, draw: Any) -> Any:
        """The index of a layer in a draw, or in several: its number, shifted; 0 where it is off."""
        on = getattr(self.scenario.layers, layer) == "on"
        return (draw + self.shifts.get(layer, 0)) * on

    @property
    def drawables(self) -> tuple[Drawable, ...]:
        """Every parameter that is drawn or could be: of the population, then of the rule."""
        of_population = self.parameters.ranges if self.parameters else ()
        return of_population + (self.readings.ranges if self.readings else ())

    def parameter_values(self, first: int, draws: int) -> Any:
        """What is drawn of the parameters, float64 [draws, parameters]; nan where one is held.

        Of one with readings that is the position of one of them.
        """
        both = {"parameters": self.parameters, "readings": self.readings}
        layers = {name: layer for name, layer in both.items() if layer is not None}
        seed = self.seed_words()
        values = [
            [layer.values(seed, self.index(name, draw)) for name, layer in layers.items()]
            for draw in range(first, first + draws)
        ]
        return np.array([np.concatenate(of_draw) for of_draw in values])


def blocks_of(draws: int, block_draws: int) -> list[Block]:
    """The blocks of so many draws; the last one is shorter where they are no multiple."""
    starts = range(0, draws, block_draws)
    return [Block(i, a, min(block_draws, draws - a)) for i, a in enumerate(starts)]


def panel_chunk(block_draws: int, panel_draws: int) -> int:
    """The draws of a panel that are stored as one chunk: whole chunks make a block."""
    whole = next(n for n in range(min(_PANEL_CHUNK, block_draws), 0, -1) if block_draws % n == 0)
    return min(whole, panel_draws)


def with_shifts(scenario_hash: str, shifts: Mapping[str, int]) -> str:
    """A scenario's hash with what is added to the indices of its layers, if anything is."""
    return f"{scenario_hash} {json.dumps(sorted(shifts.items()))}" if shifts else scenario_hash


def fingerprint(
    scenario_hash: str, seed: int, block_draws: int, kept: tuple[int | str, ...]
) -> str:
    """SHA-256 of everything that decides the bits of a block, but for its number and length.

    ``kept`` is the number of draws of the panel and of those looked at closely, or
    :data:`OPEN_PARTS` where it is of open draws.
    """
    parts = [
        scenario_hash,
        seed,
        block_draws,
        kept,
        STORE_FORMAT,
        __version__,
        sources_hash(),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def roster_of(scenario: Scenario, file: Path | None = None) -> Roster:
    """The roster that a scenario names, or a ``file`` in its place, set among whom it says.

    One that stands alone and is small says so in a note. Raises
    :class:`asm_sim.errors.InputError` if it is not usable.
    """
    population = scenario.population
    path = file or find_roster(population.roster.value, scenario.folder)
    return set_among(roster_at(path, scenario.rules, population), path, scenario.rules, population)


def make_frame(
    scenario: Scenario,
    roster: Roster | None = None,
    block_draws: int | None = None,
    panel: int | None = None,
    lens: int | None = None,
    shifts: Mapping[str, int] | None = None,
    open_draws: int | None = 0,
) -> Frame:
    """The frame of a scenario; :class:`asm_sim.errors.InputError` where its parts do not fit.

    ``panel`` is the number of draws kept clinician by clinician, ``lens`` the number looked at
    closely: the scenario's own, else 200 and 100 (none under a rule that does not let them be).
    ``shifts`` adds to the indices of layers that are on, by name: draw d then has of each such
    layer what draw d + shift has without, and of the others what it had. So two runs of a scenario
    share some layers and differ in others. Raises ``ValueError`` for a layer that there is not, and
    for a shift that is negative or above ``LARGEST_SHIFT``.
    ``open_draws`` is the number of open draws beside them; None is as :func:`open_beside` tells.
    """
    shifts = dict(shifts or {})
    for layer, shift in shifts.items():
        if layer not in Layers.model_fields or not 0 <= shift <= LARGEST_SHIFT:
            raise ValueError(f"no shift of a layer: {layer!r} by {shift}")
    if roster is None:
        roster = roster_of(scenario)
    panel, lens = draws_kept(scenario.file, panel, lens, usual_draws(scenario))
    check_lens(scenario, lens)
    roster = with_areas(roster, scenario.population)
    check_complete(scenario.population, scenario.rules, roster)
    everyone = with_reserves(roster, scenario.population, scenario.rules)
    return Frame(
        scenario,
        everyone,
        tuple(groups(scenario.population, roster)),
        BLOCK_DRAWS if block_draws is None else block_draws,
        panel,
        lens,
        roster,
        _parameter_layer(scenario),
        _readings_layer(scenario),
        shifts,
        open_beside(scenario, open_draws),
    )


def _parameter_layer(scenario: Scenario) -> ParameterLayer | None:
    ranges = scenario.ranges
    return ParameterLayer(ranges, scenario.population) if ranges else None


def _readings_layer(scenario: Scenario) -> ReadingsLayer | None:
    readings = scenario.readings
    return ReadingsLayer(readings, scenario.rules) if readings else None


def why_no_open_draws(scenario: Scenario) -> str | None:
    """Why nothing open can be drawn beside a scenario's draws; None where it can."""
    opened = scenario.opened()
    try:
        found = (*opened.ranges, *opened.readings)  # what cannot be drawn is refused
    except InputError as error:
        return " ".join([error.title, *error.problems])
    return None if found else "neither population nor rule set says between what anything lies"


def open_beside(scenario: Scenario, open_draws: int | None, usual: int = OPEN_DRAWS) -> int:
    """How many open draws a scenario has beside its own, if it has as many.

    As given, else as its file says, else ``usual``; none where its own draws are open draws, and by
    default none where nothing can be drawn. Raises :class:`InputError` where they are asked for.
    """
    asked = scenario.file.open_draws if open_draws is None else open_draws
    wanted = usual if asked is None else asked
    if scenario.layers.all_open or not wanted:
        return 0
    reason = why_no_open_draws(scenario)
    if reason is None:
        return wanted
    if asked is None:
        return 0
    raise InputError(
        f"{wanted:,} open draws are asked for, and there can be none: {reason}; leave out "
        "open_draws in the scenario file, or --open-draws, or give 0"
    )


def why_no_lens(scenario: Scenario) -> str | None:
    """Why no draw can be looked at closely under its rule, or a reading of it; None if they can.

    The decomposition and the probes score one clinician and one performance year by itself.
    """
    reasons = (_why_no_lens(rules) for rules in scenario.possible_rules)
    return next((reason for reason in reasons if reason), None)


def _why_no_lens(rules: RuleSet) -> str | None:
    years = rules.final_score.averaging_years.value
    if years > 1:
        return (
            f"rules.final_score.averaging_years is {years}, and what is looked at closely is the "
            "score of one performance year by itself"
        )
    if rules.peers.basis.value != "condition":
        return (
            f"rules.peers.basis is {rules.peers.basis.value}, and what is looked at closely is "
            "compared with the whole cohort"
        )
    if rules.scoring_level.pools:
        return (
            "rules.scoring_level scores practices as a whole, and what is looked at closely is a "
            "clinician's own performance"
        )
    return None


def check_lens(scenario: Scenario, lens: int) -> None:
    """:class:`InputError` where draws are to be looked at closely and cannot be."""
    reason = why_no_lens(scenario) if lens else None
    if reason:
        raise InputError(
            f"{lens:,} draws are to be looked at closely, and under this rule none can be: "
            f"{reason}; leave out lens_draws in the scenario file, or --lens, or give 0"
        )


def usual_draws(scenario: Scenario) -> tuple[int, int]:
    """Draws of the panel and draws looked at closely of one scenario, where nothing is said.

    Of a synthetic frame fewer, by as much as it has more clinicians.
    """
    lens = 0 if why_no_lens(scenario) else LENS_DRAWS
    copies = frame_copies(scenario.population)
    return math.ceil(PANEL_DRAWS / copies), math.ceil(lens / copies)


def draws_kept(
    file: ScenarioFile, panel: int | None, lens: int | None, usual: tuple[int, int]
) -> tuple[int, int]:
    """Draws of the panel and draws looked at closely: as given, else the file's, else ``usual``."""
    usual_panel, usual_lens = usual
    given = ((panel, file.panel_draws, usual_panel), (lens, file.lens_draws, usual_lens))
    kept_panel, kept_lens = (
        next(draws for draws in choices if draws is not None) for choices in given
    )
    return kept_panel, kept_lens
