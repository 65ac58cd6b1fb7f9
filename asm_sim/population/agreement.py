"""Whether a population, a rule set and a roster go together, before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from asm_sim.errors import InputError
from asm_sim.kernels.world.streams import YEARS_HELD
from asm_sim.population import shocks
from asm_sim.population.behaviour import problems as problems_of_behaviour
from asm_sim.population.roster import Roster
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet


def disagreements(population: Population, rules: RuleSet) -> list[str]:
    """What cannot be whoever is on the roster; each begins with the parameter's path.

    Of the cohorts only those that the population has a specialty mix for are looked at: a rule set
    may have others as long as nobody on the roster is in them. What the roster decides is
    for :func:`check_complete`, when a run is planned: reading it takes longer than everything else.
    """
    described = [name for name in rules.cohorts if name in population.specialty_mix]
    problems = [*_missing(population, rules, described)]
    problems += shocks.problems_of_years(population, rules)
    years = rules.years
    if len(years) + rules.payment_year_lag.value > YEARS_HELD:
        problems.append(f"rules.performance_years: with the payment years at most {YEARS_HELD}")
    if years != list(range(years[0], years[-1] + 1)):
        problems.append("rules.performance_years: a simulation needs years without a gap")
    spreads = {name: sd.value for name, sd in population.cost.sd.items() if name in described}
    practices_remember = population.practice.consolidation.remembers
    problems += problems_of_behaviour(population.behaviour, rules, spreads, practices_remember)
    return problems


def check_complete(population: Population, rules: RuleSet, roster: Roster) -> None:
    """Raise unless everything that the roster's clinicians need is there and can happen to them.

    What needs no roster, :func:`disagreements`, has been refused when the scenario was read.
    """
    problems = [*_missing(population, rules, roster.cohorts)]
    problems += shocks.problems_of_roster(population, roster)
    if problems:
        raise InputError("the population does not fit the rule set and the roster:", problems)


def _missing(population: Population, rules: RuleSet, cohorts: Iterable[str]) -> Iterator[str]:
    """Entries for cohorts and their measures that the population has not, or has twice."""
    by_cohort: dict[str, dict[str, Any]] = {
        "practice.solo_share": population.practice.solo_share,
        "specialty_mix": population.specialty_mix,
        "episodes.mean": population.episodes.mean,
        "part_b.mean": population.part_b.mean,
        "part_b.sigma": population.part_b.sigma,
        "cost.mean": population.cost.mean,
        "cost.sd": population.cost.sd,
        "cost.trend": population.cost.trend,
        "cost.reliability_at_20": population.cost.reliability_at_20,
    }
    for cohort in cohorts:
        for path, entries in by_cohort.items():
            if cohort not in entries:
                yield f"population.{path}: no entry for cohort {cohort!r} (rules.cohorts.{cohort})"
        slots: dict[int, str] = {}
        for name in rules.cohorts[cohort].quality_measures.value:
            path = f"population.quality.measures.{name}"
            entry = population.quality.measures.get(name)
            if entry is None:
                yield (
                    f"population.quality.measures: no entry for {name!r} ({cohort}), named in "
                    f"rules.cohorts.{cohort}.quality_measures"
                )
                continue
            if entry.slot.value in slots:
                yield f"{path}.slot: {slots[entry.slot.value]} has it already"
            slots[entry.slot.value] = name
            if entry.distributions is not None and rules.measures[name].reported:
                for kind in rules.measures[name].collection_types.value:
                    if kind not in entry.distributions:
                        yield f"{path}.distributions: no entry for {kind!r}"
