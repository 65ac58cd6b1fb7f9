"""The design's own variance: how different the model would be had other areas been drawn.

CMS drew a quarter of the areas once. In a run that holds the population and leaves measurement off,
draws differ by nothing but the areas: by who is in the model, and so by whom each participant is
compared with. The frame of areas is made up (:mod:`asm_sim.population.geography`); what is found
here says how large such a variance is, not what it was in CMS's draw.

Every number is over draws, with its Monte Carlo standard error (``*_mcse``, same units).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import layers_of
from asm_sim.results.moments import Flags, Floats, jackknife
from asm_sim.results.registry import PANEL_DIMS, VARIABLES
from asm_sim.results.statistics import Estimate
from asm_sim.studies.estimates import (
    DRAW,
    PANEL,
    Names,
    about,
    chosen,
    mean,
    named,
    needed,
    parameter,
)
from asm_sim.studies.jackknife import sd_over_draws

SCENARIO = "areas-redrawn"
FRAME = "population.geography.frame"
STATISTICS = (
    "share_negative",
    "final_score_median",
    "break_even_score",
    "adjustment_mean",
    "adjustment_sd",
    "incentive_pool",
    "retained_by_medicare",
)
PARTICIPANTS = "participants"
_COUNTS, _OWN = "clinicians_by_group", "panel_adjustment"


def redrawn(ds: xr.Dataset, statistics: Names = None) -> xr.Dataset:
    """Means and standard deviations over draws of areas, for ``cohort`` and ``performance_year``.

    ``statistics`` names yearly variables, by default :data:`STATISTICS`. Each has a mean under its
    own name and ``<name>_sd``, the standard deviation had other areas been drawn; ``participants``
    is the number of clinicians in the model. ``own_adjustment_sd`` is of one clinician: how far the
    adjustment moves, in fractions, by who else was drawn (root mean square over the clinicians of
    the panel who are in two draws or more).

    Raises :class:`InputError` unless the run is of a synthetic frame with the population and the
    measurement held and the selection not (``asm-sim run areas-redrawn``), or lacks draws.
    """
    some = chosen("statistic", statistics, [*STATISTICS])
    run = needed(ds, (*some, _COUNTS, _OWN, "panel_final_score", "clinician_cohort"), PANEL)
    _check_only_areas_differ(run)
    if run.sizes[DRAW] < 3 or run.sizes[PANEL] < 2:
        raise InputError("a variance over areas needs at least 3 draws, 2 of them in the panel")
    values = {PARTICIPANTS: run[_COUNTS].sel(group="all", drop=True)}
    values |= {name: run[name] for name in some}
    found: dict[str, xr.DataArray] = {}
    for name, table in values.items():
        known = VARIABLES.get(name)
        units = known.units if known else "clinicians"
        words = known.long_name if known else "Clinicians in the model"
        table = table.load()
        found |= named(name, mean(table), units, words)
        spread = sd_over_draws(table)
        found |= named(f"{name}_sd", spread, units, f"{words}, SD over draws of areas")
    words = "SD of one clinician's adjustment over draws of areas"
    found |= named("own_adjustment_sd", _own_sd(run), "fraction", words)
    return xr.Dataset(found, attrs=about(run))


def _check_only_areas_differ(run: xr.Dataset) -> None:
    usual = {"population": "on", "measurement": "on", "selection": "on", "parameters": "off"}
    wanted = usual | {"population": "off", "measurement": "off"}
    layers = usual | layers_of(run)
    wrong = [name for name, state in wanted.items() if layers[name] != state]
    if parameter(run, FRAME) != "synthetic" or wrong:
        reason = f"layers.{wrong[0]} is not {wanted[wrong[0]]}" if wrong else f"{FRAME} is roster"
        raise InputError(
            "this study needs draws that differ by their areas alone, and in these results "
            f"{reason}; `asm-sim run {SCENARIO}` makes such a run"
        )


def _own_sd(run: xr.Dataset) -> Estimate:
    """Root of the mean variance over draws of a clinician's adjustment, its error by the jackknife.

    Clinicians count by the draws that they are in, of which it takes two for a variance.
    """
    scored = run["panel_final_score"].transpose(*PANEL_DIMS).notnull().values
    adjustment = run[_OWN].transpose(*PANEL_DIMS).values.astype(np.float64)
    adjustment = np.where(scored, adjustment, 0.0)
    cohorts = run["cohort"].values.astype(str)
    members = run["clinician_cohort"].values.astype(str) == cohorts[:, np.newaxis]
    times, total = scored.sum(0, dtype=np.float64), adjustment.sum(0)
    whole = (adjustment**2).sum(0)
    without = np.stack(
        [
            _pooled_sd(times - x, total - y, whole - y * y, members)
            for x, y in zip(scored.astype(np.float64), adjustment, strict=True)
        ]
    )
    coordinates = {"cohort": cohorts, "performance_year": run["performance_year"].values}
    value, error = (
        xr.DataArray(part, coordinates, tuple(coordinates))
        for part in (_pooled_sd(times, total, whole, members), jackknife(without))
    )
    return Estimate(value, error)


def _pooled_sd(times: Floats, total: Floats, squares: Floats, members: Flags) -> Floats:
    """[cohorts, years] from numbers, sums and sums of squares [clinicians, years]."""
    twice = times > 1.5
    apart = np.where(twice, squares - total**2 / np.where(twice, times, 1.0), 0.0)
    variance = np.where(twice, apart / np.where(twice, times - 1.0, 1.0), 0.0)
    weight = np.where(twice, times, 0.0)
    count = members @ weight
    mean_variance = (members @ (weight * variance)) / np.where(count > 0, count, np.nan)
    return np.asarray(np.sqrt(np.clip(mean_variance, 0.0, None)))
