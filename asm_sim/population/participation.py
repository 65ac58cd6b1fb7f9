"""Who takes part in which year and where: departures, eligibility, entry and moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import model_validator

from asm_sim.kernels.world.participation import ParticipationModel
from asm_sim.parameters import Number, Strict, Switch
from asm_sim.rules.schema import RuleSet

if TYPE_CHECKING:
    from asm_sim.population.roster import Members
    from asm_sim.population.schema import Population


class Departure(Strict):
    """Who stops practising: a share of all, and, a lever, whoever comes to the end of a career."""

    exit_share: Number
    retirement: Switch
    retirement_age: Number
    retirement_age_sd: Number
    career_start_age: Number

    @model_validator(mode="after")
    def _some_career(self) -> Self:
        if self.retirement_age.value <= self.career_start_age.value:
            raise ValueError("retirement_age: must be above career_start_age")
        return self


class Eligibility(Strict):
    """Whether participants are determined anew every year, or the first year's list is held."""

    redetermined: Switch


class Churn(Strict):
    """Levers: who comes, and who goes from one practice to another, as shares of the roster.

    Nobody waits in a cohort without an entry.
    """

    entry_share: Number
    waiting_share: dict[str, Number]
    move_share: Number


def compile_participation(
    population: Population,
    rules: RuleSet,
    members: Members,
    areas_drawn: bool,
) -> ParticipationModel:
    """That of the clinicians of a cohort."""
    departure, churn = population.departure, population.churn
    redetermined = population.eligibility.redetermined.value
    minimum = rules.participation.episode_minimum
    return ParticipationModel(
        redetermined=redetermined,
        absences=redetermined or areas_drawn,
        episode_minimum=np.array([minimum.at(year) for year in rules.years], dtype=np.float64),
        entry=members.entry,
        exit_share=departure.exit_share.value,
        retires=departure.retirement.value,
        retirement_mean=departure.retirement_age.value,
        retirement_sd=departure.retirement_age_sd.value,
        career_start=departure.career_start_age.value,
        places_change=churn.move_share.value > 0 or population.practice.consolidation.happens,
        move_share=churn.move_share.value,
        seats=members.seats,
        large_size=population.practice.size_classes.value[-1] + 1.0,
    )
