"""Everything that is drawn for a cohort, by name, and what of it differs between two."""

from __future__ import annotations

import numpy as np

from asm_sim.engine.draw_table import observed_years
from asm_sim.engine.plan import make_plan
from asm_sim.scenario.schema import Scenario
from tests.properties.sample import flat

Variates = dict[str, np.ndarray]


def variates(scenario: Scenario, cohort: str, draw: int = 0) -> Variates:
    """Everything that is drawn for a cohort in one draw, stacked over the years; last axis: n."""
    plan = make_plan(scenario)
    part = next(part for part in plan.cohorts if part.name == cohort)
    years = observed_years(plan, part, draw)
    by_year = [flat(year) for year in years]
    return {
        name: np.stack([of_year[name] for of_year in by_year])
        for name in by_year[0]
        if name != "practice"  # a position in the roster
    }


def ids(scenario: Scenario, cohort: str) -> list[str]:
    """The clinicians of a cohort, in the order in which they are drawn."""
    roster = make_plan(scenario).roster
    return list(roster.clinician_id[roster.slice_of(cohort)])


def changed(a: Variates, b: Variates, columns: tuple[list[int], list[int]] | None = None) -> set:
    """Names of what is not the same bit by bit, for some clinicians of the one and the other."""
    here, there = columns if columns else (slice(None), slice(None))

    def equal(x: np.ndarray, y: np.ndarray) -> bool:
        return np.array_equal(x, y, equal_nan=x.dtype == np.float64)

    return {name for name in a if not equal(a[name][..., here], b[name][..., there])}
