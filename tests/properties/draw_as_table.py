"""A draw written out as a table: scored by ``asm.score`` and held against the simulation."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import xarray as xr

import asm_sim as asm
from asm_sim.scenario.schema import Scenario


def scored(table: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """The table by the rules of the scenario, its warnings left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return asm.score(table, rules=scenario.rules)


def check(
    dataset: xr.Dataset, result: pd.DataFrame, draw: int, truth: bool = False, absent: bool = False
) -> None:
    """Every clinician and year, to the precision of float32; but for those who are ``absent``."""
    lens = "true_" if truth else ""
    for cohort in dataset.cohort.values:
        for year in dataset.performance_year.values:
            inside = (result["cohort"] == cohort) & (result["performance_year"] == year)
            rows = result[inside].set_index("clinician_id")
            of_cohort = (dataset.clinician_cohort == cohort).values
            panel = dataset.isel(clinician=of_cohort, draw_sample=draw).sel(performance_year=year)
            if absent:
                panel = panel.isel(clinician=np.isin(panel.clinician_id.values, rows.index))
            rows = rows.loc[panel.clinician_id.values]
            np.testing.assert_allclose(
                panel[f"panel_{lens}final_score"], rows["final_score"], rtol=1e-6, atol=1e-9
            )
            np.testing.assert_allclose(
                panel[f"panel_{lens}adjustment"],
                rows["payment_adjustment_factor"],
                rtol=1e-6,
                atol=1e-9,
            )
            if not truth:
                np.testing.assert_allclose(
                    panel.panel_dollars, rows["payment_change_usd"], rtol=1e-6, atol=1e-3
                )
