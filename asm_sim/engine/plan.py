"""A frame with its cohorts compiled: what the draw kernel needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from asm_sim.engine.frame import (
    ADJUSTMENT_BINS,
    DOLLARS_BINS,
    QUANTILES,
    SCORE_BINS,
    SCORES,
    Frame,
    make_frame,
)
from asm_sim.kernels.draws.output import Grids
from asm_sim.kernels.draws.probes import Probes
from asm_sim.kernels.rule.law import CohortRules, MipsCohortRules
from asm_sim.kernels.world.groups import GroupModel
from asm_sim.kernels.world.model import CohortModel, PracticeModel
from asm_sim.population.compile import (
    compile_cohort_model,
    compile_practices,
)
from asm_sim.population.probes import compile_probes, probes_with
from asm_sim.population.roster import Roster
from asm_sim.population.schema import Population
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.compile_mips import compile_mips
from asm_sim.rules.mips import MipsRules
from asm_sim.rules.schema import RuleSet
from asm_sim.scenario.schema import Scenario

# What of a rule set is compiled into MIPS and into a population, by the beginnings of paths.
READ_BY_MIPS = ("measures.",)
READ_BY_POPULATIONS = (
    "participation.",
    "measures.",
    "cost.case_minimum",
    "promoting_interoperability.score_maximum",
)


@dataclass(frozen=True)
class CohortPlan:
    """One cohort, compiled."""

    name: str
    rules: CohortRules
    practices: PracticeModel
    model: CohortModel
    mips: MipsCohortRules
    pathway: MipsCohortRules
    probes: Probes

    @property
    def clinicians(self) -> int:
        return len(self.model.practice)


class Drawn(NamedTuple):
    """What is drawn for one draw; None of what is not drawn."""

    rules: RuleSet | None
    population: Population | None


@dataclass(frozen=True)
class Plan(Frame):
    """A frame with its cohorts compiled."""

    cohorts: tuple[CohortPlan, ...] = ()

    def of_draw(self, cohort: CohortPlan, draw: int) -> CohortPlan:
        """The cohort with the parameters of a draw."""
        return self.with_drawn(cohort, self.drawn(draw))

    def drawn(self, draw: int) -> Drawn:
        """The parameters of a draw; nothing where none are drawn."""
        rules, population, seed = None, None, self.seed_words()
        if self.readings is not None:
            rules = self.readings.at(seed, self.index("readings", draw))
        if self.parameters is not None:
            population = self.parameters.at(seed, self.index("parameters", draw))
        return Drawn(rules, population)

    def with_drawn(self, cohort: CohortPlan, drawn: Drawn) -> CohortPlan:
        """The cohort with these parameters: compiled anew where they differ by draw."""
        rules = drawn.rules or self.scenario.rules
        if self.readings is not None:
            cohort = replace(cohort, rules=compile_cohort(rules, cohort.name))
            if self.readings.draws(*READ_BY_MIPS):
                cohort = replace(cohort, **_of_mips(self.scenario.mips, rules, cohort.name))
        if drawn.population is None and not (
            self.readings is not None and self.readings.draws(*READ_BY_POPULATIONS)
        ):
            return cohort
        population = drawn.population or self.scenario.population
        practices, model = _of_population(
            population, rules, self.listed, self.roster, cohort.name, cohort.model.groups
        )
        if self.lens_draws:  # nobody else scores probes
            cohort = replace(cohort, probes=_probes(self.scenario, population, model, cohort.name))
        return replace(cohort, practices=practices, model=model)


def make_plan(
    scenario: Scenario,
    roster: Roster | None = None,
    block_draws: int | None = None,
    panel: int | None = None,
    lens: int | None = None,
    shifts: Mapping[str, int] | None = None,
    open_draws: int | None = 0,
) -> Plan:
    """A scenario compiled; :class:`asm_sim.errors.InputError` where its parts do not fit.

    What is given is as for :func:`asm_sim.engine.frame.make_frame`.
    """
    return compiled(make_frame(scenario, roster, block_draws, panel, lens, shifts, open_draws))


def compiled(frame: Frame) -> Plan:
    """The frame with its cohorts; :class:`asm_sim.errors.InputError` where its parts do not fit."""
    key = frame.scenario_hash()
    cohorts = _kept.get(key)
    if cohorts is None:
        scenario, listed = frame.scenario, frame.listed
        cohorts = tuple(_compile(scenario, listed, frame.roster, name) for name in listed.cohorts)
        _kept.clear()
        _kept[key] = cohorts
    shared = {field.name: getattr(frame, field.name) for field in fields(frame)}
    return Plan(**shared, cohorts=cohorts)


# The cohorts that were compiled last, by the hash of their scenario: a run asks for the same again
# with other numbers of draws.
_kept: dict[str, tuple[CohortPlan, ...]] = {}


def _compile(scenario: Scenario, listed: Roster, everyone: Roster, name: str) -> CohortPlan:
    rules, population = scenario.rules, scenario.population
    practices, model = _of_population(population, rules, listed, everyone, name)
    return CohortPlan(
        name=name,
        practices=practices,
        model=model,
        probes=_probes(scenario, population, model, name),
        rules=compile_cohort(rules, name),
        **_of_mips(scenario.mips, rules, name),
    )


def _of_mips(mips: MipsRules, rules: RuleSet, name: str) -> dict[str, Any]:
    """The comparator in both forms, for the measures of a rule set."""
    return {
        "mips": compile_mips(mips, rules, name, "traditional"),
        "pathway": compile_mips(mips, rules, name, "value_pathway"),
    }


def _of_population(
    population: Population,
    rules: RuleSet,
    listed: Roster,
    everyone: Roster,
    name: str,
    groups: GroupModel | None = None,
) -> tuple[PracticeModel, CohortModel]:
    """The parts of a cohort's plan that a population decides; ``everyone`` are all who may come."""
    practices = compile_practices(population, rules, listed, name)
    return practices, compile_cohort_model(population, rules, everyone, name, groups)


def _probes(scenario: Scenario, population: Population, model: CohortModel, name: str) -> Probes:
    return compile_probes(population, model, name, probes_with(scenario.file.probes))


@cache
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
