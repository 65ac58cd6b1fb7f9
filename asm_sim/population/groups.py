"""By what results are told apart: how the groups are called, and where each grouping begins."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from asm_sim.kernels.world.groups import FirstGroups, GroupModel
from asm_sim.parameters import Numbers, Strict
from asm_sim.population.patients import Patients
from asm_sim.special_functions import expit, ndtri

if TYPE_CHECKING:
    from asm_sim.population.roster import Roster
    from asm_sim.population.schema import Population

FIFTHS = ("lowest", "second", "middle", "fourth", "highest")


class Groups(Strict):
    episode_bands: Numbers

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        bands = self.episode_bands.value
        if not bands or sorted(set(bands)) != bands:
            raise ValueError("episode_bands must ascend, one or more")
        return self


class Group(NamedTuple):
    grouping: str
    label: str


def groups(population: Population, roster: Roster) -> list[Group]:
    """By what results are told apart: everyone, size, place, specialty, episodes, dual share."""
    limits = [int(limit) for limit in population.practice.size_classes.value]
    sizes = ["solo", f"2-{limits[1]}", f"{limits[1] + 1}-{limits[2]}", f"{limits[2] + 1}+"]
    bands = [population.episodes.minimum.value, *population.groups.episode_bands.value]
    episodes = [f"{a:g}-{b - 1:g}" for a, b in pairwise(bands)]
    return [
        Group("all", "all"),
        *(Group("practice_size", f"practice_size: {size}") for size in sizes),
        Group("place", "place: not rural"),
        Group("place", "place: rural"),
        *(Group("specialty", f"specialty: {name}") for name in _specialties(population, roster)),
        *(Group("episodes", f"episodes: {band}") for band in [*episodes, f"{bands[-1]:g}+"]),
        *(Group("dual_share", f"dual_share: {fifth} fifth") for fifth in FIFTHS),
    ]


def _specialties(population: Population, roster: Roster) -> list[str]:
    """Specialties in the order of their groups: cohort by cohort."""
    return [name for cohort in roster.cohorts for name in population.specialty_mix[cohort]]


def compile_groups(population: Population, roster: Roster, cohort: str) -> GroupModel:
    """Where groups begin and end for the clinicians of a cohort."""
    return GroupModel(
        first=_first_groups(population, roster, cohort),
        episode_bands=np.array(population.groups.episode_bands.value, dtype=np.float64),
        dual_limits=_dual_limits(population.patients),
    )


def _first_groups(population: Population, roster: Roster, cohort: str) -> FirstGroups:
    """Where each grouping begins; the specialties of a cohort come after those of earlier ones."""
    groupings = [group.grouping for group in groups(population, roster)]
    earlier = roster.cohorts[: roster.cohorts.index(cohort)]
    before = sum(len(population.specialty_mix[name]) for name in earlier)
    return FirstGroups(
        size=groupings.index("practice_size"),
        place=groupings.index("place"),
        specialty=groupings.index("specialty") + before,
        episodes=groupings.index("episodes"),
        dual_share=groupings.index("dual_share"),
    )


def _dual_limits(patients: Patients) -> NDArray[np.float64]:
    """Where the fifths of the dual share meet, by its distribution over all clinicians."""
    fifths = ndtri(np.arange(1, len(FIFTHS)) / len(FIFTHS))
    logit = patients.dual_logit_mean.value + patients.dual_logit_sd.value * fifths
    limits: NDArray[np.float64] = expit(logit)
    return limits
