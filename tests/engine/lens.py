"""A draw that is looked at closely, done again on the exported cohorts; names of factor sets."""

from __future__ import annotations

from functools import cache

import numpy as np

from asm_sim.engine.draw_table import observed_years
from asm_sim.engine.plan import CohortPlan, Plan, make_plan
from asm_sim.kernels.rule.cohort import fit_and_score, score
from asm_sim.kernels.rule.fit import Fit
from asm_sim.kernels.rule.observed import Observed, Outcome
from asm_sim.results.registry import factor_sets
from asm_sim.scenario.schema import Scenario

COHORTS = ("HF", "LBP")
FLAT_RISK = {"rules.payment.risk_level": 0.09}
NO_TREND = {
    "population.quality.drift": 0.0,
    "population.cost.trend.HF": 0.0,
    "population.cost.trend.LBP": 0.0,
}
DRAW = 2


def cohort_plan(scenario: Scenario, cohort: str) -> tuple[Plan, CohortPlan]:
    """The plan of a scenario, and its part on one cohort."""
    plan = make_plan(scenario)
    return plan, next(part for part in plan.cohorts if part.name == cohort)


class Years:
    """A draw of one cohort, year by year: as observed, as true, and the fit of each."""

    def __init__(self, scenario: Scenario, cohort: str) -> None:
        plan, self.cohort = cohort_plan(scenario, cohort)
        seen = observed_years(plan, self.cohort, DRAW)
        self.observed = [year.observed for year in seen]
        self.true = [
            year.observed._replace(rate=year.true_rate, episode_cost=year.true_cost)
            for year in seen
        ]
        self.group = seen[0].group
        self.outcome, self.fit = self._fitted(self.observed)
        self.true_outcome, self.true_fit = self._fitted(self.true)

    def _fitted(self, years: list[Observed]) -> tuple[list[Outcome], list[Fit]]:
        both = [fit_and_score(year, self.cohort.rules, y) for y, year in enumerate(years)]
        return [outcome for outcome, _ in both], [fit for _, fit in both]

    def adjustments(self, years: list[Observed], fits: list[Fit]) -> np.ndarray:
        """[n, Y]; one without a final score has the adjustment that is paid."""
        return np.stack(
            [
                score(year, self.cohort.rules, y, fit).payment_adjustment_factor
                for y, (year, fit) in enumerate(zip(years, fits, strict=True))
            ],
            axis=1,
        )


@cache
def names_of_sets() -> dict[frozenset[str], str]:
    """The name of each set of factors."""
    return {
        frozenset(() if label == "none" else label.split("+")): label for label in factor_sets()
    }


def label(*factors: str) -> str:
    """The name of the set of these factors."""
    return names_of_sets()[frozenset(factors)]
