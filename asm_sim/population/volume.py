"""How much clinicians do: episodes, cases of each measure, and Part B."""

from __future__ import annotations

import math
from typing import Self

from pydantic import model_validator

from asm_sim import same_bits
from asm_sim.kernels.world.volume import VolumeModel
from asm_sim.parameters import Choice, Number, Strict

EXACT = "exact"


class Episodes(Strict):
    minimum: Number
    mean: dict[str, Number]
    sigma: Number
    yearly_drift_sd: Number
    counts: Choice

    @model_validator(mode="after")
    def _mean_above_minimum(self) -> Self:
        for cohort, mean in self.mean.items():
            if mean.value <= self.minimum.value:
                raise ValueError(
                    f"mean.{cohort}: must be above the minimum, {self.minimum.value:g}"
                )
        return self

    def log_mean(self, cohort: str) -> float:
        """Mean of the log of what is above the minimum."""
        above = self.mean[cohort].value - self.minimum.value
        return math.log(above) - self.sigma.value**2 / 2


class PartB(Strict):
    mean: dict[str, Number]
    sigma: dict[str, Number]
    rank_correlation_with_episodes: Number
    yearly_change_sd: Number
    trend: Number


class Cases(Strict):
    sigma: Number
    volume_share: Number
    counts: Choice


def compile_volume(
    episodes: Episodes, part_b: PartB, cases: Cases, cases_medians: list[float], cohort: str
) -> VolumeModel:
    """That of one cohort; ``cases_medians`` are those of its measures."""
    drift = part_b.yearly_change_sd.value
    rank = part_b.rank_correlation_with_episodes.value
    return VolumeModel(
        episodes_exact=episodes.counts.value == EXACT,
        episodes_minimum=episodes.minimum.value,
        episodes_log_mean=episodes.log_mean(cohort),
        episodes_sigma=episodes.sigma.value,
        episodes_drift_sd=episodes.yearly_drift_sd.value,
        part_b_log_mean=math.log(max(part_b.mean[cohort].value, 1e-6))
        - part_b.sigma[cohort].value ** 2 / 2,
        part_b_sigma=part_b.sigma[cohort].value,
        part_b_correlation=2 * math.sin(math.pi / 6 * rank),  # rank to normal correlation
        part_b_change_sd=drift,
        part_b_log_trend=math.log1p(part_b.trend.value) - drift**2 / 2,
        cases_exact=cases.counts.value == EXACT,
        cases_log_median=same_bits.log(cases_medians),
        cases_sigma=cases.sigma.value,
        cases_volume_share=cases.volume_share.value,
    )
