"""What practices report and attest, by their size."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import model_validator

from asm_sim.kernels.world.reporting import AttestationModel, CompletenessModel, ReportingModel
from asm_sim.parameters import Number, Strict
from asm_sim.rules.schema import RuleSet
from asm_sim.special_functions import ndtri

_ROUNDING = 1e-9


class BySize(Strict):
    """One number for each class of practice size."""

    solo: Number
    small: Number
    medium: Number
    large: Number

    def values(self) -> list[float]:
        return [self.solo.value, self.small.value, self.medium.value, self.large.value]


class Reporting(Strict):
    non_reporting_share: BySize
    persistence: Number
    low_completeness_share: Number
    low_completeness: Number
    completeness_lowest: Number


class Attestation(Strict):
    full_credit_share: BySize
    persistence: Number
    full_score_share: Number
    full_score_lowest: Number
    two_activities_share: Number
    one_activity_share: Number
    interoperability_zero_share: Number
    interoperability_lowest: Number
    interoperability_highest: Number

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.interoperability_lowest.value > self.interoperability_highest.value:
            raise ValueError("interoperability_lowest is above interoperability_highest")
        return self

    @model_validator(mode="after")
    def _at_most_everybody(self) -> Self:
        both, one = self.two_activities_share.value, self.one_activity_share.value
        if both + one > 1.0 + _ROUNDING:
            raise ValueError(
                f"one_activity_share: {one:g} and two_activities_share, {both:g}, are shares of "
                "the same practices and sum to more than 1"
            )
        return self


class SpecialStatus(Strict):
    """Of whom MIPS would not ask for interoperability; nobody in a cohort without an entry."""

    share: dict[str, Number]

    def of(self, cohort: str) -> float:
        return self.share[cohort].value if cohort in self.share else 0.0


def compile_reporting(reporting: Reporting) -> ReportingModel:
    """Which practices report nothing: those whose willingness lies below a quantile."""
    return ReportingModel(
        silent_below=np.clip(ndtri(reporting.non_reporting_share.values()), -40.0, 40.0),
        persistence=reporting.persistence.value,
    )


def compile_completeness(reporting: Reporting) -> CompletenessModel:
    """How much is reported of a measure that is."""
    return CompletenessModel(
        low_share=reporting.low_completeness_share.value,
        low=reporting.low_completeness.value,
        lowest=reporting.completeness_lowest.value,
    )


def compile_attestation(attestation: Attestation, rules: RuleSet) -> AttestationModel:
    """What is attested, in terms of what the rule wants."""
    activities = rules.improvement_activities.adjustment_by_completed.value
    return AttestationModel(
        full_credit=np.array(attestation.full_credit_share.values()),
        persistence=attestation.persistence.value,
        all_activities=len(activities) - 1.0,
        full_interoperability=rules.promoting_interoperability.score_maximum.value,
        full_score_share=attestation.full_score_share.value,
        full_score_lowest=attestation.full_score_lowest.value,
        all_activities_share=attestation.two_activities_share.value,
        one_activity_share=attestation.one_activity_share.value,
        interoperability_zero_share=attestation.interoperability_zero_share.value,
        interoperability_lowest=attestation.interoperability_lowest.value,
        interoperability_highest=attestation.interoperability_highest.value,
    )
