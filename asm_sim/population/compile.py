"""A population and its roster as flat arrays: what the draw kernel needs.

Each topic fills its own part; here the parts of a cohort are put together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.world.groups import GroupModel
from asm_sim.kernels.world.model import CohortModel, PracticeModel
from asm_sim.population.behaviour import compile_behaviour
from asm_sim.population.effects import compile_effects
from asm_sim.population.geography import compile_areas
from asm_sim.population.groups import compile_groups
from asm_sim.population.participation import compile_participation
from asm_sim.population.patients import compile_patients
from asm_sim.population.performance import compile_cost, compile_improvement, compile_quality
from asm_sim.population.practices import compile_consolidation
from asm_sim.population.reporting import (
    compile_attestation,
    compile_completeness,
    compile_reporting,
)
from asm_sim.population.roster import Roster
from asm_sim.population.schema import Population
from asm_sim.population.shocks import compile_shocks
from asm_sim.population.volume import compile_volume
from asm_sim.rules.schema import RuleSet

Floats = NDArray[np.float64]


def compile_practices(
    population: Population, rules: RuleSet, roster: Roster, cohort: str
) -> PracticeModel:
    """The practices with clinicians of a cohort; one that has two cohorts is the same in both."""
    practice, members = population.practice, roster.members[cohort]
    return PracticeModel(
        address=members.practice_address,
        small=members.practice_small,
        listed=members.practice_listed,
        solo_probability=_solo_probability(population, roster)[members.practices],
        size_limits=np.array(practice.size_classes.value, dtype=np.float64),
        medium_share=practice.medium_share.value,
        rural_share=practice.rural_share.value,
        ecqm_share=practice.ecqm_share.value,
        quality_persistence=population.quality.persistence.value,
        reporting=compile_reporting(population.reporting),
        attestation=compile_attestation(population.attestation, rules),
        stated=members.practice_stated,
        aco_share=population.aco.practice_share.value,
        consolidation=compile_consolidation(practice.consolidation),
    )


def _solo_probability(population: Population, roster: Roster) -> Floats:
    """Chance that a flagged practice with one listed clinician is solo, so that shares come out."""
    result = np.zeros(len(roster.practice_id))
    for cohort, members in roster.members.items():
        eligible = members.may_be_solo
        wanted = population.practice.solo_share[cohort].value * len(members.practice)
        if len(eligible):
            result[eligible] = min(1.0, wanted / len(eligible))
    return result


def compile_cohort_model(
    population: Population,
    rules: RuleSet,
    roster: Roster,
    cohort: str,
    groups: GroupModel | None = None,
) -> CohortModel:
    """One cohort of the roster; in ``groups`` that it has already, or in those of the population.

    Groups are the same in all draws: the fifths of the dual share keep their limits.
    """
    members = roster.members[cohort]
    mix, lag = population.specialty_mix[cohort], rules.payment_year_lag.value
    measures = rules.cohorts[cohort].quality_measures.value
    medians = [population.quality.measures[name].cases_median.value for name in measures]
    cost = compile_cost(population.cost, population.episodes, rules.years, cohort)
    return CohortModel(
        address=members.address,
        practice=members.practice,
        performance_years=len(rules.years),
        calendar_years=len(rules.years) + lag,
        payment_lag=lag,
        stated=members.stated,
        special_status_share=population.special_status.of(cohort),
        groups=compile_groups(population, roster, cohort) if groups is None else groups,
        areas=compile_areas(
            roster.areas,
            members.practices,
            population.geography.cost_share.value,
            population.cost.permanent_share.value,
        ),
        participation=compile_participation(population, rules, members, roster.areas is not None),
        patients=compile_patients(population.patients, population.patient_selection, mix),
        volume=compile_volume(
            population.episodes, population.part_b, population.cases, medians, cohort
        ),
        completeness=compile_completeness(population.reporting),
        quality=compile_quality(population.quality, population.cases, rules, cohort),
        cost=cost,
        improvement=compile_improvement(population.improvement),
        effects=compile_effects(population.group_effects, list(mix), cost.sigma),
        shocks=compile_shocks(population, rules, cohort, members, cost.sigma),
        behaviour=compile_behaviour(
            population.behaviour, rules, cost.sigma, population.practice.consolidation.remembers
        ),
    )
