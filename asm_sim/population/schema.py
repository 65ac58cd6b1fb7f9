"""The shape of a population: who is in the model and how they perform, as typed, frozen data.

Every leaf is a parameter with value, plausible range, unit, status and source. Entries are keyed
by cohort, specialty, measure and collection type: a new condition is new entries, not new code.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from asm_sim.documents import did_you_mean
from asm_sim.parameters import (
    Choice,
    Count,
    NamesByYear,
    Number,
    Numbers,
    Shifts,
    Strict,
    Switch,
    Text,
)
from asm_sim.population.behaviour import Behaviour

SIZE_CLASSES = ("solo", "small", "medium", "large")

# Postal codes of the states, the District of Columbia and the territories (USPS Publication 28).
STATES = (
    *("AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN"),
    *("IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH"),
    *("NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT"),
    *("VT", "VA", "WA", "WV", "WI", "WY", "AS", "GU", "MP", "PR", "VI"),
)


class BySize(Strict):
    """One number for each class of practice size."""

    solo: Number
    small: Number
    medium: Number
    large: Number

    def values(self) -> list[float]:
        return [self.solo.value, self.small.value, self.medium.value, self.large.value]


class Consolidation(Strict):
    """A lever: solo and small practices join larger ones, more of them after a loss."""

    yearly_share: Number
    response_to_loss: Number

    @property
    def happens(self) -> bool:
        return self.yearly_share.value > 0 or self.remembers

    @property
    def remembers(self) -> bool:
        """Whether it answers to the adjustments of earlier years."""
        return self.response_to_loss.value > 0


class Practice(Strict):
    size_classes: Numbers
    solo_share: dict[str, Number]
    medium_share: Number
    rural_share: Number
    ecqm_share: Number
    consolidation: Consolidation

    @model_validator(mode="after")
    def _three_limits(self) -> Self:
        limits = self.size_classes.value
        if len(limits) != 3 or sorted(set(limits)) != limits or limits[0] != 1:
            raise ValueError("size_classes: three ascending limits, the first of them 1 (solo)")
        return self


class Episodes(Strict):
    minimum: Number
    mean: dict[str, Number]
    sigma: Number
    yearly_drift_sd: Number

    @model_validator(mode="after")
    def _mean_above_minimum(self) -> Self:
        for cohort, mean in self.mean.items():
            if mean.value <= self.minimum.value:
                raise ValueError(
                    f"mean.{cohort}: must be above the minimum, {self.minimum.value:g}"
                )
        return self


class PartB(Strict):
    mean: dict[str, Number]
    sigma: dict[str, Number]
    rank_correlation_with_episodes: Number
    yearly_change_sd: Number
    trend: Number


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


class Geography(Strict):
    """The roster as it is, or a synthetic frame of areas of which some are drawn."""

    frame: Choice
    areas: Count
    division_areas: Count
    selection_share: Number
    volume_sigma: Number
    volume_strata: Numbers
    cost_share: Number

    @model_validator(mode="after")
    def _areas_in_strata(self) -> Self:
        limits = self.volume_strata.value
        if sorted(set(limits)) != limits or not all(0 < limit < 1 for limit in limits):
            raise ValueError("volume_strata must ascend, between 0 and 1")
        if self.division_areas.value > self.areas.value:
            raise ValueError("division_areas: more than there are areas")
        if round(self.selection_share.value * self.areas.value) < 1:
            raise ValueError("selection_share: not a single area would be drawn")
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


class Improvement(Strict):
    """A lever: some clinicians get better every year, in every measure and in cost."""

    share: Number
    per_year: Number


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


class Patients(Strict):
    hcc_mean: dict[str, Number]
    hcc_sd: dict[str, Number]
    hcc_floor: Number
    dual_logit_mean: Number
    dual_logit_sd: Number
    hcc_dual_correlation: Number


class PatientSelection(Strict):
    """A lever: some clinicians see other patients, less or more complex, every year."""

    share: Number
    yearly_change: Number


class Effects(Strict):
    """How the true performance of a group differs from that of the others; added, not centred."""

    solo: Number
    small: Number
    rural: Number
    dual_share: Number
    hcc: Number
    specialty: dict[str, Number]

    def values(self) -> list[float]:
        own = [self.solo, self.small, self.rural, self.dual_share, self.hcc]
        return [leaf.value for leaf in [*own, *self.specialty.values()]]


class GroupEffects(Strict):
    quality: Effects
    cost: Effects
    trait_limit: Number


class Cases(Strict):
    sigma: Number
    volume_share: Number


class Reporting(Strict):
    non_reporting_share: BySize
    persistence: Number
    low_completeness_share: Number
    low_completeness: Number
    completeness_lowest: Number


class Attestation(Strict):
    full_credit_share: BySize
    persistence: Number
    one_activity_share: Number
    interoperability_zero_share: Number
    interoperability_lowest: Number
    interoperability_highest: Number

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.interoperability_lowest.value > self.interoperability_highest.value:
            raise ValueError("interoperability_lowest is above interoperability_highest")
        return self


class Distribution(Strict):
    """True rates of one measure by one collection type: percentiles, or a beta distribution."""

    percentiles: Numbers | None = None
    mean: Number | None = None
    sd: Number | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        beta = self.mean is not None and self.sd is not None
        either = self.mean is not None or self.sd is not None
        if (self.percentiles is None) == (not either) or (either and not beta):
            raise ValueError("give either percentiles, or mean and sd of a beta distribution")
        if (
            self.percentiles is not None
            and sorted(self.percentiles.value) != self.percentiles.value
        ):
            raise ValueError("percentiles must not descend")
        if self.mean is not None and self.sd is not None:
            share = self.mean.value / 100
            if not 0 < (self.sd.value / 100) ** 2 < share * (1 - share):
                raise ValueError("no beta distribution has this mean and sd")
        return self


class Normal(Strict):
    """True rates that are normal across clinicians, with noise known by its reliability."""

    location: Number
    sd: Number
    reliability: Number
    reliability_cases: Number
    minimum_cases: Number


class MeasurePerformance(Strict):
    slot: Count
    cases_median: Number
    level_shift: dict[str, Shifts] | None = None  # by collection type
    distributions: dict[str, Distribution] | None = None
    normal: Normal | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.distributions is None) == (self.normal is None):
            raise ValueError("give either distributions (proportions) or normal (other rates)")
        known = self.distributions
        for kind in self.level_shift or {}:
            if kind not in (["administrative_claims"] if known is None else known):
                raise ValueError(f"level_shift.{kind}: the measure has no such collection type")
        return self


class Quality(Strict):
    percentile_probabilities: Numbers
    clinician_share: Number
    practice_share: Number
    permanent_share: Number
    persistence: Number
    drift: Number
    spread: Number
    measures: dict[str, MeasurePerformance]

    @model_validator(mode="after")
    def _as_many_percentiles(self) -> Self:
        probabilities = self.percentile_probabilities.value
        if len(probabilities) < 2 or sorted(set(probabilities)) != probabilities:
            raise ValueError("percentile_probabilities must ascend, two or more")
        for name, measure in self.measures.items():
            for kind, distribution in (measure.distributions or {}).items():
                given = distribution.percentiles
                if given is not None and len(given.value) != len(probabilities):
                    raise ValueError(
                        f"measures.{name}.distributions.{kind}.percentiles: "
                        f"expected {len(probabilities)} numbers, got {len(given.value)}"
                    )
        return self


class Cost(Strict):
    base_year: Count
    mean: dict[str, Number]
    sd: dict[str, Number]
    trend: dict[str, Number]
    reliability_at_20: dict[str, Number]
    reliability_episodes: Number
    permanent_share: Number
    persistence: Number
    correlation_with_quality: Number


class Groups(Strict):
    episode_bands: Numbers

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        bands = self.episode_bands.value
        if not bands or sorted(set(bands)) != bands:
            raise ValueError("episode_bands must ascend, one or more")
        return self


class Population(Strict):
    """Everything about the clinicians that the rule does not say."""

    id: str
    title: str
    roster: Text
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
