"""The answer as a table, one row for a clinician and year, and as plain data."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asm_sim.against.cohort_draws import PARTS
from asm_sim.against.standing import Standing, Standings, stand_against
from asm_sim.results.moments import moments
from asm_sim.results.spread import RANGE, percentile_of, spread
from asm_sim.scenario.schema import Scenario
from asm_sim.score.columns import column_name
from asm_sim.tables.read import Source

Floats = NDArray[np.float64]

# What is told of each clinician, by the column that asm.score has of it.
_COLUMNS = {
    "final_score": "final_score",
    "payment_adjustment_factor": "adjustment",
    "payment_change_usd": "dollars",
}


def score_against(
    table: Source,
    against: str | Path | Scenario = "baseline",
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    open_draws: int | None = None,
) -> pd.DataFrame:
    """Score a table's clinicians among simulated cohorts (42 CFR 512.725-512.750).

    ``table`` is as for :func:`asm_sim.score`, of as few clinicians as there are: each is a probe in
    every draw and year of ``against``, which weighs nothing there. That is a scenario (a name, a
    file, or one that is loaded) of which ``draws`` (100) are made with ``seed`` and ``settings``,
    or the folder of a run, of which the same draws are made again. ``open_draws`` are made beside
    them with everything drawn that nobody knows: as many, unless a number is given.

    Only ``clinician_id`` and ``cohort`` must be there. Whatever else is blank or absent is not
    known, and is taken in each draw from a simulated clinician of the cohort; but cases without a
    rate say that a measure was not reported. A year without a row of its own has that of the
    nearest year before, else after, and a row without a year stands for all. Under a rule that
    scores practices as a whole the rows of one ``practice_id`` are scored together, which must be
    there then.

    Returns one row a clinician, cohort and performance year: ``clinician_id``, ``cohort``,
    ``performance_year``, ``payment_year``, ``row_of_year`` (of the row that was used; 0: one
    without a year), ``draws``, ``open_draws``; of ``final_score`` (points), of
    ``payment_adjustment_factor`` (a fraction) and of ``payment_change_usd`` the mean over draws
    under that name, its Monte Carlo standard error ``_mcse``, the percentiles ``_p5`` to ``_p95``
    and, of the open draws, ``_open_p5`` and ``_open_p95``; ``share_penalty`` with its error and of
    open draws, ``share_without_score``; the ``median_final_score`` of the cohort (or of the peers
    of the clinician, where there are groups of them); by what the final score differs from that of
    the median clinician of these, in points that add up, as ``quality_difference`` and so on, each
    with its error (the median clinician is the mean of the middle tenth of those with a score); and
    the mean points of each measure, ``qNNN_points``, with ``qNNN_points_of_median``. All numbers
    are float64 but for years and counts.

    Raises :class:`asm_sim.errors.InputError` that lists everything wrong with the table, and for a
    scenario or a run that cannot be used. Warns (``UserWarning``) as :func:`asm_sim.score`.
    """
    found = stand_against(table, against, draws, seed, settings, open_draws)
    for sentence in found.warnings:
        warnings.warn(sentence, UserWarning, stacklevel=2)
    return table_of(found)


def table_of(found: Standings) -> pd.DataFrame:
    """The table that :func:`score_against` returns."""
    frames = [_of_cohort(standing) for standing in found.cohorts]
    return pd.concat(frames, ignore_index=True)


def _of_cohort(standing: Standing) -> pd.DataFrame:
    n, years = len(standing.known.ids), len(standing.years)
    columns: dict[str, Any] = {
        "clinician_id": np.array(standing.known.ids * years, dtype=object),
        "cohort": standing.cohort,
        "performance_year": np.repeat(standing.years, n),
        "payment_year": np.repeat(standing.payment_years, n),
        "row_of_year": standing.known.of_year.ravel(),
        "draws": len(standing.values.adjustment),
        "open_draws": len(standing.open_values.adjustment),
    }
    for name, field in _COLUMNS.items():
        columns |= _spread(
            name, *(getattr(v, field) for v in (standing.values, standing.open_values))
        )
    columns |= _shares(standing)
    columns["median_final_score"] = standing.averages.median.mean.ravel()
    for p, part in enumerate(PARTS):
        columns[f"{part}_difference"] = standing.averages.parts.mean[:, p].ravel()
        columns[f"{part}_difference_mcse"] = standing.averages.parts.error[:, p].ravel()
    for m, measure in enumerate(standing.known.measures):
        name = column_name(measure, "points")
        columns[name] = standing.averages.points.mean[:, m].ravel()
        columns[f"{name}_of_median"] = standing.averages.median_points.mean[:, m].ravel()
    frame = pd.DataFrame(columns)
    order = np.lexsort((np.tile(np.arange(years), (n, 1)).T.ravel(), np.tile(np.arange(n), years)))
    return frame.iloc[order].reset_index(drop=True)


def _spread(name: str, values: Floats, of_open: Floats) -> dict[str, Floats]:
    """Mean, error and percentiles of values [draws, ...], and the range of open draws."""
    ranged = {f"{name}_open_p{p}": percentile_of(of_open, p).ravel() for p in RANGE}
    return spread(name, values) | ranged


def _shares(standing: Standing) -> dict[str, Floats]:
    penalty = moments(standing.values.adjustment < 0)
    shares = {
        "share_penalty": penalty.mean,
        "share_penalty_mcse": penalty.error,
        "share_penalty_open": moments(standing.open_values.adjustment < 0).mean,
        "share_without_score": moments(np.isnan(standing.values.final_score)).mean,
    }
    return {name: values.ravel() for name, values in shares.items()}


def as_data(found: Standings) -> dict[str, Any]:
    """The answer as plain data for a program; what is not known is None."""
    plan = found.plan
    return {
        "table": found.title,
        "against": {
            "scenario": plan.scenario.name,
            "scenario_hash": plan.scenario_hash(),
            "seed": str(plan.scenario.seed),
            "draws": plan.scenario.draws,
            "open_draws": plan.open_draws,
            "clinicians": {standing.cohort: standing.simulated for standing in found.cohorts},
        },
        "drawn": {standing.cohort: standing.drawn for standing in found.cohorts},
        "warnings": found.warnings,
        "clinicians": _records(table_of(found)),
        "together": [record for standing in found.cohorts for record in together(standing)],
    }


def together(standing: Standing) -> list[dict[str, Any]]:
    """All clinicians of a cohort together, by year: their dollars, and their mean adjustment."""
    both = (standing.values, standing.open_values)
    dollars = _spread("payment_change_usd", *(values.dollars.sum(axis=2) for values in both))
    adjustment = [values.adjustment.mean(axis=2) for values in both]
    columns: dict[str, Any] = {
        "cohort": standing.cohort,
        "performance_year": standing.years,
        "payment_year": standing.payment_years,
        "clinicians": len(standing.known.ids),
        "median_final_score": _of_all(standing.averages.median.mean),
        **dollars,
        **_spread("mean_payment_adjustment_factor", *adjustment),
    }
    return _records(pd.DataFrame(columns))


def _of_all(medians: Floats) -> Floats:
    """One number a year for all clinicians [Y, n]: theirs, or the mean of those of their peers."""
    same = np.ptp(medians, axis=1) == 0
    return np.where(same, medians[:, 0], medians.mean(axis=1))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    def known(value: Any) -> Any:
        value = value.item() if isinstance(value, np.generic) else value
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [
        {str(name): known(value) for name, value in record.items()}
        for record in frame.to_dict("records")
    ]
