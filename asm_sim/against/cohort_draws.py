"""One draw of a cohort with what its rule takes from it: whom a probe is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.engine.draw_table import observed_years
from asm_sim.engine.plan import CohortPlan, Plan
from asm_sim.kernels.choices import MissingCategory
from asm_sim.kernels.draws.draw import ObservedYear
from asm_sim.kernels.rule.cohort import fit_and_score, nothing_earlier
from asm_sim.kernels.rule.fit import Fit
from asm_sim.kernels.rule.law import CohortRules
from asm_sim.kernels.rule.observed import Outcome

Floats = NDArray[np.float64]

# What a final score is added up from, in points; the last is what limits and rounding change.
PARTS = (
    "quality",
    "cost",
    "improvement_activities",
    "promoting_interoperability",
    "small_practice",
    "complex_patient",
    "limits",
)
MIDDLE = (
    45.0,
    55.0,
)  # percentiles of the final scores between which the median clinician is sought


@dataclass(frozen=True)
class CohortYear:
    """A cohort of N clinicians in one performance year of a draw, scored."""

    seen: ObservedYear
    outcome: Outcome
    fit: Fit
    rules: CohortRules
    y: int

    @cached_property
    def middle(self) -> NDArray[np.bool_]:
        """Who has a final score near the median: the median clinician is their mean (bool[N])."""
        final = self.outcome.final_score
        with np.errstate(invalid="ignore"):
            positive = final[final > self.rules.score_zero]
            if not positive.size:
                return np.zeros(len(final), dtype=np.bool_)
            low, high = np.percentile(positive, MIDDLE)
            return np.asarray((final >= low) & (final <= high))

    def parts_of(self, outcome: Outcome) -> Floats:
        """What final scores are added up from, by :data:`PARTS` (points [7, n]); nan without."""
        of_year: Any = self.rules.year[self.y]
        quality, cost = outcome.quality_score, outcome.cost_score
        both = ~np.isnan(quality) & ~np.isnan(cost)
        reweighted = self.rules.missing_category == MissingCategory.REWEIGHT
        parts = [
            self.rules.score_scale
            * np.where(both | (not reweighted), of_year[f"weight_{name}"], 1.0)
            * np.nan_to_num(score)
            for name, score in (("quality", quality), ("cost", cost))
        ]
        parts += [getattr(outcome, f"{name}_adjustment") for name in PARTS[2:-1]]
        rest = outcome.final_score - np.sum(parts, axis=0)
        return np.where(np.isnan(outcome.final_score), np.nan, [*parts, rest])

    def median_clinician(self) -> tuple[Floats, Floats]:
        """The parts [7] and the points of each measure [M] of the median clinician."""
        parts = self.parts_of(self.outcome)[:, self.middle]
        return _means(parts), _means(self.outcome.points[:, self.middle])


def cohort_years(plan: Plan, cohort: CohortPlan, draw: int) -> list[CohortYear]:
    """The years of a cohort in a draw, each scored by its rule, as the simulation scores it."""
    own = plan.of_draw(cohort, draw)
    years = observed_years(plan, own, draw)
    measures, clinicians = years[0].observed.rate.shape
    earlier = nothing_earlier(own.rules, measures, clinicians)
    result = []
    for y, seen in enumerate(years):
        outcome, fit = fit_and_score(seen.observed, own.rules, y, earlier, seen.practice)
        result.append(CohortYear(seen, outcome, fit, own.rules, y))
    return result


def _means(values: Floats) -> Floats:
    """Means of rows over what is not nan; nan of nothing."""
    number = (~np.isnan(values)).sum(axis=1)
    return np.asarray(np.nansum(values, axis=1) / np.where(number > 0, number, np.nan))
