"""What clinicians may do about the model, as data and as what the kernels need of it.

All levers are off by default: no response to the Value Modifier was found (Roberts, Zaslavsky,
McWilliams 2018; calibration.md 6).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asm_sim.kernels.world.behaviour import LARGEST_PROGRAMMES, BehaviourModel
from asm_sim.parameters import Count, Number, Strict
from asm_sim.rules.schema import RuleSet

PERCENTAGE_POINT = 0.01
PATH = "population.behaviour"


class Effort(Strict):
    """True performance that is gained, and kept, by those who know of a loss or a gain."""

    response_to_loss: Number
    response_to_gain: Number


class Programme(Strict):
    """What some clinicians do from a year on, at a price, to perform better."""

    share: Number
    first_year: Count
    effect_on_quality: Number
    effect_on_cost: Number
    usd_per_clinician_year: Number
    usd_per_patient_year: Number


class Programmes(Strict):
    """In the order of their words in the random stream: new ones are added at the end."""

    care_redesign: Programme
    patient_incentives: Programme
    collaborative_care: Programme
    telehealth: Programme

    def by_name(self) -> dict[str, Programme]:
        return {name: getattr(self, name) for name in type(self).model_fields}


class Volume(Strict):
    avoidance_share: Number
    avoidance_band: Number
    avoidance_target: Number
    steering_after_loss: Number
    steering_after_gain: Number


class CollectionChoice(Strict):
    share: Number


class Behaviour(Strict):
    feedback_lag: Count
    effort: Effort
    programmes: Programmes
    volume: Volume
    collection_choice: CollectionChoice

    @property
    def remembers(self) -> bool:
        """Whether anything answers to the adjustments of earlier years."""
        effort, volume = self.effort, self.volume
        responses = (
            effort.response_to_loss,
            effort.response_to_gain,
            volume.steering_after_loss,
            volume.steering_after_gain,
        )
        return any(response.value != 0 for response in responses)

    @property
    def looks_back(self) -> bool:
        """Whether what clinicians do depends on what came out in earlier years."""
        return self.remembers or self.collection_choice.share.value > 0


def problems(
    behaviour: Behaviour,
    rules: RuleSet,
    cost_spreads: dict[str, float],
    practices_remember: bool,
) -> Iterator[str]:
    """What cannot be under these rules; ``cost_spreads`` is the SD of cost by cohort.

    ``practices_remember`` says whether practices answer to adjustments of earlier years too.
    """
    years = len(rules.years)
    if (behaviour.remembers or practices_remember) and behaviour.feedback_lag.value >= years:
        yield (
            f"{PATH}.feedback_lag: {behaviour.feedback_lag.value} years, so that no adjustment is "
            f"known within the {years} rules.performance_years and no response to one would be "
            f"seen; give less than {years}, or set the responses to 0"
        )
    if behaviour.collection_choice.share.value > 0 and years < 2:
        yield (
            f"{PATH}.collection_choice.share: the choice is made by the benchmarks of the year "
            "before, and there is one year only in rules.performance_years"
        )
    one_for_all = rules.quality.pool_collection_types.value
    if behaviour.collection_choice.share.value > 0 and (
        one_for_all or rules.peers.basis.value != "condition"
    ):
        what = "quality.pool_collection_types" if one_for_all else "peers.basis"
        yield (
            f"{PATH}.collection_choice.share: the choice is made by the cohort's benchmark of each "
            f"collection type, and under rules.{what} there are none"
        )
    volume, line = behaviour.volume, rules.cost.case_minimum.at(rules.years[0])
    if volume.avoidance_share.value > 0 and volume.avoidance_target.value >= line:
        yield (
            f"{PATH}.volume.avoidance_target: {volume.avoidance_target.value:g} episodes are not "
            f"below rules.cost.case_minimum, {line:g}: nothing would be avoided by those whom "
            f"{PATH}.volume.avoidance_share makes avoid the line"
        )
    for name, programme in behaviour.programmes.by_name().items():
        if not programme.share.value > 0:
            continue
        path = f"{PATH}.programmes.{name}"
        if programme.first_year.value > years:
            yield (
                f"{path}.first_year: {programme.first_year.value}, but there are {years} "
                f"rules.performance_years: what {path}.share gives would never begin"
            )
        if programme.effect_on_cost.value != 0:
            yield from (
                f"{path}.effect_on_cost: true cost has no spread in cohort {cohort!r}, in terms of "
                f"which effects are held (population.cost.sd.{cohort} is 0)"
                for cohort, spread in cost_spreads.items()
                if not spread > 0
            )
    limit = rules.beneficiary_incentives.limit_per_patient_year.value
    spent = behaviour.programmes.patient_incentives.usd_per_patient_year.value
    if spent > limit:
        yield (
            f"{PATH}.programmes.patient_incentives.usd_per_patient_year: {spent:g} USD are more "
            f"than rules.beneficiary_incentives.limit_per_patient_year allows, {limit:g}"
        )


def compile_behaviour(
    behaviour: Behaviour, rules: RuleSet, cost_spread: float, practices_remember: bool
) -> BehaviourModel:
    """The levers for one cohort; ``cost_spread`` is the log SD of its true cost.

    ``practices_remember`` says whether practices answer to adjustments of earlier years too.
    """
    effort, volume = behaviour.effort, behaviour.volume
    programmes = list(behaviour.programmes.by_name().values())
    assert len(programmes) <= LARGEST_PROGRAMMES
    share = np.array([programme.share.value for programme in programmes])
    line = rules.cost.case_minimum.at(rules.years[0])
    responses = effort.response_to_loss.value, effort.response_to_gain.value
    of_cost = [programme.effect_on_cost.value for programme in programmes]
    return BehaviourModel(
        moves_performance=any(response != 0 for response in responses) or bool(share.any()),
        remembers=behaviour.remembers or practices_remember,
        feedback_lag=behaviour.feedback_lag.value,
        effort_after_loss=responses[0] / PERCENTAGE_POINT,
        effort_after_gain=responses[1] / PERCENTAGE_POINT,
        programme_share=share,
        programme_first=np.array([p.first_year.value - 1 for p in programmes], dtype=np.int64),
        programme_quality=np.array([p.effect_on_quality.value for p in programmes]),
        programme_cost=np.array([effect / cost_spread if effect else 0.0 for effect in of_cost]),
        programme_usd=np.array([p.usd_per_clinician_year.value for p in programmes]),
        programme_usd_per_patient=np.array([p.usd_per_patient_year.value for p in programmes]),
        avoidance_share=volume.avoidance_share.value,
        avoidance_from=float(line),
        avoidance_below=line + volume.avoidance_band.value,
        avoidance_target=volume.avoidance_target.value,
        steering_after_loss=volume.steering_after_loss.value,
        steering_after_gain=volume.steering_after_gain.value,
        choice_share=behaviour.collection_choice.share.value,
    )
