"""The shape of a population: who is in the model and how they perform, as typed, frozen data.

Every leaf is a parameter with value, plausible range, unit, status and source. Entries are keyed
by cohort, specialty, measure and collection type: a new condition is new entries, not new code.
A topic has a file of its own with its shape, its checks and what the kernels get of it; here they
are put together, with the checks across topics.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from asm_sim.documents import did_you_mean
from asm_sim.parameters import Choice, Number, Strict, Text
from asm_sim.population.behaviour import Behaviour
from asm_sim.population.effects import GroupEffects
from asm_sim.population.geography import Geography
from asm_sim.population.groups import Groups
from asm_sim.population.participation import Churn, Departure, Eligibility
from asm_sim.population.patients import Patients, PatientSelection
from asm_sim.population.performance import Cost, Improvement, Quality
from asm_sim.population.practices import Practice
from asm_sim.population.reporting import Attestation, Reporting, SpecialStatus
from asm_sim.population.shocks import Aco, Misattribution, Shocks
from asm_sim.population.volume import Cases, Episodes, PartB


class Population(Strict):
    """Everything about the clinicians that the rule does not say."""

    id: str
    title: str
    roster: Text
    roster_among: Choice
    geography: Geography
    practice: Practice
    specialty_mix: dict[str, dict[str, Number]]
    episodes: Episodes
    part_b: PartB
    departure: Departure
    eligibility: Eligibility
    churn: Churn
    improvement: Improvement
    shocks: Shocks
    misattribution: Misattribution
    aco: Aco
    behaviour: Behaviour
    patients: Patients
    patient_selection: PatientSelection
    group_effects: GroupEffects
    cases: Cases
    reporting: Reporting
    attestation: Attestation
    special_status: SpecialStatus
    quality: Quality
    cost: Cost
    groups: Groups

    @model_validator(mode="after")
    def _mixes(self) -> Self:
        for cohort, mix in self.specialty_mix.items():
            total = sum(share.value for share in mix.values())
            if abs(total - 1) > 1e-6:
                raise ValueError(f"specialty_mix.{cohort}: the shares sum to {total:g}, not 1")
            for specialty in mix:
                for name in ("hcc_mean", "hcc_sd"):
                    if specialty not in getattr(self.patients, name):
                        raise ValueError(f"patients.{name}: no entry for {specialty!r}")
        return self

    @model_validator(mode="after")
    def _effects_on_something(self) -> Self:
        known = [specialty for mix in self.specialty_mix.values() for specialty in mix]
        for name in ("quality", "cost"):
            for specialty in getattr(self.group_effects, name).specialty:
                if specialty not in known:
                    hint = did_you_mean(specialty, known)
                    raise ValueError(
                        f"group_effects.{name}.specialty: {specialty!r} is in no mix{hint}"
                    )
        without_spread = [name for name, sd in self.cost.sd.items() if sd.value == 0]
        if any(self.group_effects.cost.values()) and without_spread:
            raise ValueError(
                f"group_effects.cost: an effect needs a spread of cost, and cost.sd is 0 "
                f"({', '.join(without_spread)})"
            )
        return self

    @model_validator(mode="after")
    def _area_part_of_cost(self) -> Self:
        share, lasting = self.geography.cost_share.value, self.cost.permanent_share.value
        if share > lasting:
            raise ValueError(
                f"geography.cost_share: {share:g} is more than the share of the variance of true "
                f"cost that lasts (cost.permanent_share, {lasting:g})"
            )
        return self

    @model_validator(mode="after")
    def _comes_onto_the_list(self) -> Self:
        waiting = {f"waiting_share.{name}": n for name, n in self.churn.waiting_share.items()}
        for name, share in ({"entry_share": self.churn.entry_share} | waiting).items():
            if share.value > 0 and not self.eligibility.redetermined.value:
                raise ValueError(
                    f"churn.{name}: nobody comes onto a list that is held for all years; "
                    "set population.eligibility.redetermined to true"
                )
        return self
