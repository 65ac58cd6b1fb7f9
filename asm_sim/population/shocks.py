"""Shocks and overlap: extreme circumstances, foreign patients, organizations.

Parameters that name performance years belong to a rule set, whose years they must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import model_validator

from asm_sim.documents import did_you_mean
from asm_sim.kernels.world.shocks import ShockModel
from asm_sim.parameters import NamesByYear, Number, Shifts, Strict, leaves
from asm_sim.rules.schema import RuleSet

if TYPE_CHECKING:
    from asm_sim.population.roster import Members, Roster
    from asm_sim.population.schema import Population

# Postal codes of the states, the District of Columbia and the territories (USPS Publication 28).
STATES = (
    *("AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN"),
    *("IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH"),
    *("NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT"),
    *("VT", "VA", "WA", "WV", "WI", "WY", "AS", "GU", "MP", "PR", "VI"),
)


class Circumstances(Strict):
    """A lever: in some years extreme circumstances strike a state and some of its clinicians."""

    state_probability: Number
    named: NamesByYear
    clinician_share: Number
    performance_loss: Number

    @property
    def happen(self) -> bool:
        return self.state_probability.value > 0 or any(self.named.value.values())

    @model_validator(mode="after")
    def _of_known_states(self) -> Self:
        for year, states in self.named.value.items():
            for state in states:
                if state not in STATES:
                    raise ValueError(
                        f"named: {state!r} in {year} is not the postal code of a state"
                        f"{did_you_mean(state, list(STATES))}"
                    )
            if len(set(states)) != len(states):
                raise ValueError(f"named: a state is named twice in {year}")
        if self.performance_loss.value != 0 and not (self.happen and self.clinician_share.value):
            raise ValueError(
                "performance_loss: would do nothing, since nobody is struck; give a "
                "state_probability or name states, and a clinician_share above 0"
            )
        return self


class Shocks(Strict):
    circumstances: Circumstances


class Misattribution(Strict):
    """A lever: clinicians to whom CMS attributes what others' patients cost."""

    share: dict[str, Number]


class Aco(Strict):
    """A lever: practices in accountable care organizations and what they do differently."""

    practice_share: Number
    quality_effect: Number
    cost_effect: Number
    sharing_rate: Number

    @model_validator(mode="after")
    def _effects_of_somebody(self) -> Self:
        for name in ("quality_effect", "cost_effect"):
            if getattr(self, name).value != 0 and self.practice_share.value == 0:
                raise ValueError(f"{name}: would do nothing, since the practice_share is 0")
        return self


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


def compile_shocks(
    population: Population, rules: RuleSet, cohort: str, members: Members, cost_sigma: float
) -> ShockModel:
    """Those of a cohort; ``cost_sigma`` is the log SD of its true cost."""
    circumstances, aco = population.shocks.circumstances, population.aco
    share = population.misattribution.share.get(cohort)
    loss = circumstances.performance_loss.value
    quality_effect, cost_effect = aco.quality_effect.value, aco.cost_effect.value
    named = np.zeros((len(rules.years), len(members.states)), np.bool_)
    for row, year in zip(named, rules.years, strict=True):
        if struck := circumstances.named.at(year):
            row[:] = np.isin(members.states, struck)
    return ShockModel(
        circumstances=circumstances.happen,
        state=members.state,
        state_address=members.state_address,
        state_named=named,
        state_probability=circumstances.state_probability.value,
        circumstances_share=circumstances.clinician_share.value,
        circumstances_loss=loss,
        misattributed_share=0.0 if share is None else share.value,
        shifted=any((loss, quality_effect, cost_effect)),
        aco_quality=quality_effect,
        aco_cost=cost_effect / cost_sigma if cost_sigma > 0 else 0.0,
        aco_sharing_rate=aco.sharing_rate.value,
    )
