"""One draw as tables: what CMS would see of every clinician, and what is true of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asm_sim.engine.plan import CohortPlan, Plan, make_plan
from asm_sim.engine.simulate import resolve
from asm_sim.kernels.draws.draw import ObservedYear, observe_cohort
from asm_sim.kernels.rule.observed import COLUMNS, Observed
from asm_sim.scenario.schema import Scenario


def cohort_table(
    scenario: str | Path | Scenario = "baseline", draw: int = 0, truth: bool = False
) -> pd.DataFrame:
    """One draw of a scenario as the wide table that :func:`asm_sim.score` takes.

    One row per clinician, cohort and performance year in which they take part; sending it through
    ``asm_sim.score`` gives the adjustments of that draw. With ``truth`` the rates and costs are the
    true ones in place of the observed.
    """
    plan = make_plan(resolve(scenario, None, None))
    frames = [frame for cohort in plan.cohorts for frame in tables(plan, cohort, draw, truth)]
    return pd.concat(frames, ignore_index=True)


def observed_years(plan: Plan, cohort: CohortPlan, draw: int) -> list[ObservedYear]:
    """What there is of a cohort in every year of a draw."""
    population, measurement, selection = plan.indices(draw, 1)
    years = observe_cohort(
        cohort.rules,
        cohort.practices,
        cohort.model,
        plan.seed_words(),
        population[0],
        measurement[0],
        selection[0],
        plan.measures,
    )
    return [ObservedYear(*year)._replace(observed=Observed(*year[0])) for year in years]


def tables(plan: Plan, cohort: CohortPlan, draw: int, truth: bool) -> Iterator[pd.DataFrame]:
    """The years of one cohort in one draw."""
    seen = observed_years(plan, plan.of_draw(cohort, draw), draw)
    roster, rules = plan.roster, plan.scenario.rules
    where = roster.slice_of(cohort.name)
    practice_ids = np.array(roster.practice_id)[np.unique(roster.practice[where])]
    specialties = np.array(list(plan.scenario.population.specialty_mix[cohort.name]))
    sizes = np.array([group.label.partition(": ")[2] for group in plan.groups])
    for year, of_year in zip(plan.years, seen, strict=True):
        observed = of_year.observed
        columns: dict[str, Any] = {
            "clinician_id": roster.clinician_id[where],
            "cohort": cohort.name,
            "performance_year": year,
            "practice_id": practice_ids[of_year.practice],
            "practice_class": sizes[of_year.group[0]],
            "specialty": specialties[of_year.specialty],
            "payment_year_part_b": of_year.paid,
        }
        columns |= {name: getattr(observed, name) for name in COLUMNS}
        if truth:
            columns["episode_cost"] = of_year.true_cost
        for m, name in enumerate(rules.cohorts[cohort.name].quality_measures.value):
            column, measure = name.lower(), rules.measures[name]
            columns[f"{column}_rate"] = of_year.true_rate[m] if truth else observed.rate[m]
            columns[f"{column}_cases"] = observed.cases[m]
            if measure.reported:
                kinds = np.array(rules.quality.collection_types.value)
                columns[f"{column}_completeness"] = observed.completeness[m]
                columns[f"{column}_collection_type"] = kinds[observed.collection[m]]
        frame = pd.DataFrame(columns)
        yield frame if of_year.present.all() else frame[of_year.present]
