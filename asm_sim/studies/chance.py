"""Chance: how far measurement moves an adjustment from what true performance would have earned.

Chance is the adjustment minus the noise-free one of the same draw: true rates and costs in place of
observed ones, benchmarks made of true ones, all else as realised. It is not the adjustment itself:
an average clinician loses about 15 % of the risk level without any chance.

Every number carries its Monte Carlo standard error (``*_mcse``, same units), over draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.stats import rankdata

from asm_sim.errors import InputError
from asm_sim.results.describe import one_scenario
from asm_sim.results.statistics import Estimate
from asm_sim.studies.panel import (
    SIGN_TOLERANCE,
    Floats,
    about,
    estimates,
    mean,
    ratio,
    read,
    sums_by_group,
    with_coordinates,
)

LENS = "lens_draw"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
POINTS = (1.0, 3.0, 5.0)  # percentage points
FIFTHS = 5
AMONG = ("all", "middle fifth")
_PROBE_DIMS = ("cohort", "performance_year", "episodes", LENS, "replicate")


def average_clinician(ds: xr.Dataset, points: Sequence[float] = POINTS) -> xr.Dataset:
    """How far chance moves a truly average clinician, by episodes a year.

    Of the probes of average true performance in every year (level and gain 0): dims ``episodes``,
    ``cohort`` and ``performance_year``. ``chance_mean``, ``chance_sd`` and ``chance_quantile`` (dim
    ``quantile``) of the adjustment minus the noise-free one (fraction), over draws and replicates;
    ``moved_share`` (dim ``points``) the share moved by more than so many percentage points, up or
    down; ``noise_free_adjustment`` what it would be without chance. Errors take a draw's replicates
    as one cluster; that of a quantile is a quarter of the distance between the quantiles two
    standard errors of its share to either side, nan where there are too few draws.

    Raises :class:`InputError` for several scenarios and for a run without lens.
    """
    run, limits = one_scenario(ds), _limits(points)
    observed, true = (_average_probes(run, f"probe_{name}") for name in ("adjustment",
                      "true_adjustment"))  # fmt: skip
    chance = (observed - true).transpose(*_PROBE_DIMS)
    average = chance.mean("replicate")
    middle = mean(average, LENS)
    squares = ((chance - middle.mean) ** 2).mean("replicate")
    variance = mean(squares, LENS)
    sd = variance.mean**0.5
    moved = abs(chance) > limits / 100.0
    parts = (
        estimates("chance_mean", middle, "fraction", "Mean of adjustment minus noise-free")
        | estimates(
            "chance_sd", Estimate(sd, variance.mcse / (2 * sd.where(sd > 0))), "fraction",
            "SD of adjustment minus noise-free",
        )
        | estimates(
            "chance_quantile", _quantiles(chance), "fraction",
            "Quantile of adjustment minus noise-free",
        )
        | estimates(
            "moved_share", mean(moved.mean("replicate"), LENS), "fraction",
            "Share moved by chance by more than this, up or down",
        )
        | estimates(
            "noise_free_adjustment", mean(true.mean("replicate"), LENS), "fraction",
            "Noise-free adjustment",
        )
    )  # fmt: skip
    attrs = about(run) | {"lens_draws": run.sizes[LENS], "replicates": run.sizes["replicate"]}
    return xr.Dataset(parts, attrs=attrs).transpose(
        "quantile", "points", "cohort", "performance_year", "episodes"
    )


def misclassification(ds: xr.Dataset, points: Sequence[float] = POINTS) -> xr.Dataset:
    """Who is moved by chance in the panel, by cohort, performance year and group.

    ``misclassified_share`` (fraction) have a penalty where the noise-free adjustment is none, or
    the other way round; ``moved_share`` (dim ``points``) are moved by more than so many percentage
    points, up or down. Dim ``among``: ``all`` with a final score, or those of them whose noise-free
    final score is in the middle fifth of their cohort and year. ``clinicians`` is the mean number.

    Raises :class:`InputError` for several scenarios and for a run without panel.
    """
    panel = read(ds, ["adjustment", "true_adjustment", "final_score", "true_final_score"])
    limits = _limits(points)
    columns = ("count", "misclassified", *(f"{point:g}" for point in limits.values))

    def values(draw: int, cohort: str) -> Floats:
        adjustment, true, score, true_score = (
            panel.of(name, draw, cohort) for name in panel.values
        )
        scored = np.isfinite(score) & np.isfinite(true_score)
        wrong = (adjustment < -SIGN_TOLERANCE) != (true < -SIGN_TOLERANCE)
        moved = abs(adjustment - true)[..., np.newaxis] > limits.values / 100.0
        found = np.concatenate([np.ones((*wrong.shape, 1)), wrong[..., np.newaxis], moved], axis=2)
        among = np.stack([scored, scored & _in_the_middle(true_score, scored)], axis=1)
        counted: Floats = among[..., np.newaxis] * found[:, np.newaxis]
        return counted

    years = panel.coordinates["performance_year"].values
    dims: dict[str, npt.ArrayLike] = {
        "among": list(AMONG), "performance_year": years, "column": list(columns),
    }  # fmt: skip
    sums = sums_by_group(panel, values, dims)
    count, wrong = (sums.sel(column=name, drop=True) for name in columns[:2])
    moved = sums.isel(column=slice(2, None)).rename(column="points").assign_coords(points=limits)
    parts = (
        estimates("clinicians", mean(count), "clinicians", "Clinicians with a final score")
        | estimates(
            "misclassified_share", ratio(wrong, count), "fraction",
            "Share with another sign than noise-free",
        )
        | estimates(
            "moved_share", ratio(moved, count), "fraction",
            "Share moved by chance by more than this, up or down",
        )
    )  # fmt: skip
    result = with_coordinates(xr.Dataset(parts, attrs=panel.attrs), panel.coordinates)
    return result.transpose("points", "among", "cohort", "performance_year", "group")


def _in_the_middle(score: Floats, scored: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whose score [clinicians, years] is in the middle fifth of the year's, by midrank."""
    inside = np.zeros(score.shape, dtype=bool)
    for y in range(score.shape[1]):
        of_year = scored[:, y]
        rank = rankdata(score[of_year, y])
        inside[of_year, y] = (FIFTHS * (rank - 0.5) / max(len(rank), 1)).astype(int) == FIFTHS // 2
    return inside


def _average_probes(run: xr.Dataset, name: str) -> xr.DataArray:
    """A variable of the average probes as float64, by episodes in ascending order."""
    if name not in run or not run.sizes.get(LENS, 0):
        raise InputError(
            "the results hold no probe clinicians: `asm-sim run baseline` makes a run that does; "
            "in a scenario file lens_draws says for how many draws"
        )
    level, gain, episodes = (run[f"probe_{of}"].values for of in ("level", "gain", "episodes"))
    average = np.flatnonzero((level == 0) & (gain == 0))
    if not average.size:
        raise InputError("none of the probe clinicians is average; run the scenario again")
    average = average[np.argsort(episodes[average])]
    values = run[name].isel(probe=average).astype(np.float64).load()
    values = values.drop_vars([key for key in values.coords if values[key].dims == ("probe",)])
    values = values.rename(probe="episodes").assign_coords(episodes=episodes[average])
    values["episodes"].attrs.update(units="episodes a year", long_name="Episodes of the clinician")
    return values


def _quantiles(values: xr.DataArray) -> Estimate:
    """Quantiles over draws and replicates, with the error of draws as clusters."""
    pooled = values.stack(all=(LENS, "replicate"))
    found = pooled.quantile(list(QUANTILES), "all")
    errors = []
    for q in QUANTILES:
        below = (values <= found.sel(quantile=q, drop=True)).mean("replicate")
        step = mean(below, LENS).mcse
        errors.append(_error_of_quantile(pooled, q, step))
    return Estimate(found, xr.concat(errors, "quantile").assign_coords(quantile=list(QUANTILES)))


def _error_of_quantile(pooled: xr.DataArray, q: float, step: xr.DataArray) -> xr.DataArray:
    """A quarter of the distance between the quantiles at ``q`` - 2 and + 2 ``step``."""
    values = pooled.transpose(..., "all").values.reshape(-1, pooled.sizes["all"])
    steps = step.transpose(*(dim for dim in pooled.dims if dim != "all"))
    errors = np.full(len(values), math.nan)
    for row, width in enumerate(2.0 * steps.values.ravel()):
        if width < min(q, 1.0 - q):
            low, high = np.quantile(values[row], [q - width, q + width])
            errors[row] = (high - low) / 4.0
    return steps.copy(data=errors.reshape(steps.shape))


def _limits(points: Sequence[float]) -> xr.DataArray:
    values = np.atleast_1d(np.asarray(points, dtype=np.float64))
    if not (np.isfinite(values).all() and (values >= 0).all() and values.size):
        raise InputError(f"points are {list(points)!r}; give percentage points, zero or more")
    attrs = {"units": "percentage points", "long_name": "Moved by more than"}
    return xr.DataArray(values, coords={"points": ("points", values, attrs)}, dims="points")
