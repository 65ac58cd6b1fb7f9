"""Practices: how large they are and where, what they report by, and which join others."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from asm_sim.kernels.world.practices import ConsolidationModel
from asm_sim.parameters import Number, Numbers, Strict
from asm_sim.population.behaviour import PERCENTAGE_POINT


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


def compile_consolidation(consolidation: Consolidation) -> ConsolidationModel:
    return ConsolidationModel(
        share=consolidation.yearly_share.value,
        after_loss=consolidation.response_to_loss.value / PERCENTAGE_POINT,
    )
