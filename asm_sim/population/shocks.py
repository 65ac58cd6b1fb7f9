"""Shocks and overlap as arrays: circumstances, shifts of level, foreign patients, organizations.

Parameters that name performance years belong to a rule set, whose years they must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.documents import did_you_mean
from asm_sim.parameters import NamesByYear, Shifts, leaves
from asm_sim.population.roster import Roster, address
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet


def problems_of_years(population: Population, rules: RuleSet) -> Iterator[str]:
    """What names a year that is no performance year of the rules."""
    listed = f"the years are {rules.years[0]} to {rules.years[-1]}"
    for path, leaf in leaves(population, "population"):
        if isinstance(leaf, Shifts | NamesByYear):
            for year in leaf.value:
                if year not in rules.years:
                    yield f"{path}: {year} is not a performance year; {listed}"


def problems_of_roster(population: Population, roster: Roster) -> Iterator[str]:
    """Where a shock would strike nobody of the roster, or could not be expressed."""
    present = sorted(set(roster.state))
    who = "the roster" if roster.areas is None else "the synthetic frame"
    for year, states in population.shocks.circumstances.named.value.items():
        for state in states:
            if state not in present:
                yield (
                    f"population.shocks.circumstances.named: no clinician of {who} is in "
                    f"{state!r}, named in {year}{did_you_mean(state, present)}"
                )
    for cohort in roster.cohorts if population.aco.cost_effect.value != 0 else ():
        if cohort in population.cost.sd and population.cost.sd[cohort].value == 0:
            yield f"population.aco.cost_effect: cost has no spread in cohort {cohort!r}"


def state_addresses(states: tuple[str, ...]) -> NDArray[np.uint64]:
    """The addresses of the different ones among the clinicians' states, in alphabetical order."""
    return np.array([address("state", name) for name in sorted(set(states))], dtype=np.uint64)


def compile_shocks(
    population: Population, rules: RuleSet, cohort: str, states: tuple[str, ...], cost_sigma: float
) -> dict[str, Any]:
    """The fields of a cohort's model; ``states`` [n] are those of its clinicians."""
    circumstances, aco = population.shocks.circumstances, population.aco
    share = population.misattribution.share.get(cohort)
    loss = circumstances.performance_loss.value
    quality_effect, cost_effect = aco.quality_effect.value, aco.cost_effect.value
    different, index = np.unique(np.array(states), return_inverse=True)
    named = [[str(s) in circumstances.named.at(year) for s in different] for year in rules.years]
    shift = _level_shift(population, rules, cohort)
    return {
        "shifts_level": (shift != 0).any(axis=(1, 2)),
        "level_shift": shift,
        "circumstances": circumstances.happen,
        "state": index.astype(np.int64),
        "state_named": np.array(named, dtype=np.bool_),
        "state_probability": circumstances.state_probability.value,
        "circumstances_share": circumstances.clinician_share.value,
        "circumstances_loss": loss,
        "misattributed_share": 0.0 if share is None else share.value,
        "shifted": any((loss, quality_effect, cost_effect)),
        "aco_quality": quality_effect,
        "aco_cost": cost_effect / cost_sigma if cost_sigma > 0 else 0.0,
        "aco_sharing_rate": aco.sharing_rate.value,
    }


def _level_shift(population: Population, rules: RuleSet, cohort: str) -> NDArray[np.float64]:
    """What is added to the true rates, [M, Y, G]; a claims measure has the first type alone."""
    names, kinds = rules.cohorts[cohort].quality_measures.value, rules.quality.collection_types
    result = np.zeros((len(names), len(rules.years), len(kinds.value)))
    for m, name in enumerate(names):
        for kind, shift in (population.quality.measures[name].level_shift or {}).items():
            if rules.measures[name].reported and kind not in kinds.value:
                continue  # nobody reports by it
            g = kinds.value.index(kind) if rules.measures[name].reported else 0
            result[m, :, g] = [shift.at(year) for year in rules.years]
    return result
