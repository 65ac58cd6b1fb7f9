"""Chance: how far measurement moves an adjustment from what true performance would have earned.

Chance is the adjustment minus the noise-free one of the same draw: true rates and costs in place of
observed ones, benchmarks made of true ones, all else as realised. It is not the adjustment itself:
an average clinician loses about 15 % of the risk level without any chance.

The noise-free adjustment has a fit of its own: median, scaling and benchmarks are those of true
scores, which lie closer together. Chance is then what measurement changes for the cohort as a
whole, and its variance over that of the adjustment (``chance_variance_share``) is near
2 (1 - sqrt(reliability)), not 1 - reliability. The share of chance in the decomposition of
volatility (:mod:`asm_sim.studies.decomposition`) is another number by design: there a clinician's
own measurement moves against the fit that was observed, and what is split is the movement over the
years.

Every number carries its Monte Carlo standard error (``*_mcse``, same units), over draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.stats import norm, rankdata, t

from asm_sim.errors import InputError
from asm_sim.results.ranges import TAIL, error_of_quantile
from asm_sim.results.statistics import Estimate
from asm_sim.studies.estimates import (
    LENS,
    PANEL,
    Floats,
    limits,
    looked_at_closely,
    mean,
    mean_share,
    named,
    root,
    share_of,
)
from asm_sim.studies.panel import SIGN_TOLERANCE, Measured, View, read

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
POINTS = (1.0, 3.0, 5.0)  # percentage points
FIFTHS = 5
AMONG = ("all", "middle fifth")
QUARTERS = (0.25, 0.5, 0.75)
_PROBE_DIMS = ("cohort", "performance_year", "episodes", LENS, "replicate")


def average_clinician(ds: xr.Dataset, points: Sequence[float] = POINTS) -> xr.Dataset:
    """How far chance moves a truly average clinician, by episodes a year.

    Of the probes of average true performance in every year (level and gain 0): dims ``episodes``,
    ``cohort`` and ``performance_year``. ``chance_mean``, ``chance_sd`` and ``chance_quantile`` (dim
    ``quantile``) of the adjustment minus the noise-free one (fraction), over draws and replicates;
    ``moved_share`` (dim ``points``) the share moved by more than so many percentage points, up or
    down; ``noise_free_adjustment`` what it would be without chance. Errors take a draw's replicates
    as one cluster; that of a quantile is
    :func:`asm_sim.results.ranges.error_of_quantile`, nan where there are too few draws.

    Raises :class:`InputError` for several scenarios and for a run without lens.
    """
    over = _limits(points)
    run = _average_probes(ds, ["probe_adjustment", "probe_true_adjustment"])
    observed, true = run["probe_adjustment"], run["probe_true_adjustment"]
    chance = (observed - true).transpose(*_PROBE_DIMS)
    average = chance.mean("replicate")
    middle = mean(average, LENS)
    squares = ((chance - middle.mean) ** 2).mean("replicate")
    moved = abs(chance) > over / 100.0
    parts = (
        named("chance_mean", middle, "fraction", "Mean of adjustment minus noise-free")
        | named(
            "chance_sd", root(mean(squares, LENS)), "fraction",
            "SD of adjustment minus noise-free",
        )
        | named(
            "chance_quantile", _quantiles(chance), "fraction",
            "Quantile of adjustment minus noise-free",
        )
        | named(
            "moved_share", mean_share(moved.mean("replicate"), LENS), "fraction",
            "Share moved by chance by more than this, up or down",
        )
        | named(
            "noise_free_adjustment", mean(true.mean("replicate"), LENS), "fraction",
            "Noise-free adjustment",
        )
    )  # fmt: skip
    attrs = run.attrs | {"replicates": run.sizes["replicate"]}
    return xr.Dataset(parts, attrs=attrs).transpose(
        "quantile", "points", "cohort", "performance_year", "episodes"
    )


def misclassification(ds: xr.Dataset, points: Sequence[float] = POINTS) -> xr.Dataset:
    """Who is moved by chance in the panel, by cohort, performance year and group.

    ``misclassified_share`` (fraction) have a penalty where the noise-free adjustment is none, or
    the other way round; ``moved_share`` (dim ``points``) are moved by more than so many percentage
    points, up or down. Dim ``among``: ``all`` with a final score, or those of them whose noise-free
    final score is in the middle fifth of their cohort and year. ``clinicians`` is the mean number;
    its error is 0 where nobody lacks a score in any draw of the panel, though some may in others.

    Raises :class:`InputError` for several scenarios and for a run without panel.
    """
    panel = read(ds, ["adjustment", "true_adjustment", "final_score", "true_final_score"])
    over = _limits(points)

    def measure(view: View) -> Measured:
        adjustment, true, score, true_score = view.values.values()
        scored = np.isfinite(score) & np.isfinite(true_score)
        among = np.stack([scored, scored & _in_the_middle(true_score, scored)], axis=1)
        wrong = (adjustment < -SIGN_TOLERANCE) != (true < -SIGN_TOLERANCE)
        moved = abs(adjustment - true)[..., np.newaxis] > over.values / 100.0
        dims = ("group", "among", "performance_year")
        return {
            "count": (dims, view.total(among)),
            "wrong": (dims, view.total(among & wrong[:, np.newaxis])),
            "moved": (
                (*dims, "points"),
                view.total(among[..., np.newaxis] & moved[:, np.newaxis]),
            ),
        }

    sums = panel.collect(measure).assign_coords(among=list(AMONG), points=over["points"])
    count = sums["count"]
    parts = (
        named("clinicians", mean(count, PANEL), "clinicians", "Clinicians with a final score")
        | named(
            "misclassified_share", share_of(sums["wrong"], count, PANEL), "fraction",
            "Share with another sign than noise-free",
        )
        | named(
            "moved_share", share_of(sums["moved"], count, PANEL), "fraction",
            "Share moved by chance by more than this, up or down",
        )
    )  # fmt: skip
    result = xr.Dataset(parts, attrs=panel.attrs)
    return result.transpose("points", "among", "cohort", "performance_year", "group")


def tiers(ds: xr.Dataset, cuts: Sequence[float] = QUARTERS) -> xr.Dataset:
    """How well tiers of the final score find who is truly in them, as league tables are judged.

    ``cuts`` are the shares of the cohort below each cut: (0.25,) tells the lowest quarter from the
    rest. Tier 1 has the lowest scores; true tiers are those of the noise-free final score, and the
    tiers of a cohort and year are made of all who have both. From the panel, by cohort, performance
    year and group; fractions, with errors:

    - ``share``: (tier, true_tier) of the group's clinicians, all together 1
    - ``sensitivity``: (tier) of those truly in the tier, who are found in it
    - ``predictive_value``: (tier) of those found in the tier, who truly are (PPV)
    - ``false_discovery_rate``: (tier) of those found in the tier, who truly are not

    ``clinicians`` is the mean number, as in :func:`misclassification`. Raises :class:`InputError`
    for cuts that are not ascending between 0 and 1, for several scenarios and for a run without
    panel.
    """
    limit = np.atleast_1d(np.asarray(cuts, dtype=np.float64))
    if not (limit.size and (np.diff([0.0, *limit, 1.0]) > 0).all()):
        raise InputError(f"the cuts are {list(cuts)!r}; give shares between 0 and 1, ascending")
    panel = read(ds, ["final_score", "true_final_score"])
    tier = np.arange(len(limit) + 1)

    def measure(view: View) -> Measured:
        score, true = view.values.values()
        scored = np.isfinite(score) & np.isfinite(true)
        found, truly = (_tier(of, scored, limit) for of in (score, true))
        pairs = scored & (found == tier[:, None, None, None])[..., :, :]
        pairs = pairs & (truly == tier[:, None, None])
        counts = view.total(np.moveaxis(pairs, 2, 0))
        return {"pairs": (("group", "tier", "true_tier", "performance_year"), counts)}

    pairs = panel.collect(measure)["pairs"].assign_coords(tier=tier + 1, true_tier=tier + 1)
    count = pairs.sum(("tier", "true_tier"))
    hit = pairs.sel(tier=pairs["tier"], true_tier=pairs["tier"].variable).drop_vars("true_tier")
    found = pairs.sum("true_tier")
    truly = pairs.sum("tier").rename(true_tier="tier")
    parts = (
        named("clinicians", mean(count, PANEL), "clinicians", "Clinicians with a final score")
        | named(
            "share", share_of(pairs, count, PANEL), "fraction",
            "Share found in a tier and truly in a tier",
        )
        | named(
            "sensitivity", share_of(hit, truly, PANEL), "fraction",
            "Share of those truly in the tier who are found in it",
        )
        | named(
            "predictive_value", share_of(hit, found, PANEL), "fraction",
            "Share of those found in the tier who truly are",
        )
        | named(
            "false_discovery_rate", share_of(found - hit, found, PANEL), "fraction",
            "Share of those found in the tier who truly are not",
        )
    )  # fmt: skip
    result = xr.Dataset(parts, attrs=panel.attrs | {"cuts": limit.tolist()})
    return result.transpose("tier", "true_tier", "cohort", "performance_year", "group")


def _tier(score: Floats, scored: npt.NDArray[np.bool_], limit: Floats) -> npt.NDArray[np.intp]:
    """The tier of each score [clinicians, years], from 0, by midrank among the year's; ties share
    one."""
    tier = np.zeros(score.shape, dtype=np.intp)
    for y in range(score.shape[1]):
        of_year = scored[:, y]
        rank = rankdata(score[of_year, y])
        tier[of_year, y] = np.searchsorted(limit, (rank - 0.5) / max(len(rank), 1), "right")
    return tier


def _in_the_middle(score: Floats, scored: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whose score [clinicians, years] is in the middle fifth of the year's, by midrank."""
    fifths = np.arange(1, FIFTHS) / FIFTHS
    return np.asarray(scored & (_tier(score, scored, fifths) == FIFTHS // 2))


def _average_probes(ds: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Variables of the average probes as float64, by episodes in ascending order."""
    run = looked_at_closely(ds, names)
    level, gain, episodes = (run[f"probe_{of}"].values for of in ("level", "gain", "episodes"))
    average = np.flatnonzero((level == 0) & (gain == 0))
    if not average.size:
        raise InputError("none of the probe clinicians is average; run the scenario again")
    average = average[np.argsort(episodes[average])]
    of_average = run.isel(probe=average).astype(np.float64)
    of_probes = [name for name, key in of_average.coords.items() if key.dims == ("probe",)]
    of_average = of_average.drop_vars(of_probes).rename(probe="episodes")
    of_average = of_average.assign_coords(episodes=episodes[average])
    of_average["episodes"].attrs = {
        "units": "episodes a year", "long_name": "Episodes of the clinician",
    }  # fmt: skip
    return of_average


def _quantiles(values: xr.DataArray) -> Estimate:
    """Quantiles over draws and replicates, with the error of draws as clusters."""
    pooled = values.stack(all=(LENS, "replicate"))
    found = pooled.quantile(list(QUANTILES), "all")
    errors = []
    for q in QUANTILES:
        below = (values <= found.sel(quantile=q, drop=True)).mean("replicate")
        step = mean(below, LENS).mcse
        errors.append(_error_of_quantile(pooled, q, step, values.sizes[LENS]))
    return Estimate(found, xr.concat(errors, "quantile").assign_coords(quantile=list(QUANTILES)))


def _error_of_quantile(
    pooled: xr.DataArray, q: float, step: xr.DataArray, draws: int
) -> xr.DataArray:
    """As of so many independent values as give the share below the quantile the error ``step``.

    Fewer for what is not known of that error itself with few draws (Korn and Graubard 1998).
    """
    values = np.sort(pooled.transpose(..., "all").values.reshape(-1, pooled.sizes["all"]), axis=1)
    steps = step.transpose(*(dim for dim in pooled.dims if dim != "all"))
    errors = np.full(len(values), math.nan)
    doubt = (norm.isf(TAIL) / t.isf(TAIL, draws - 1)) ** 2 if draws > 1 else 0.0
    for row, width in enumerate(steps.values.ravel()):
        if math.isfinite(width):
            independent = q * (1.0 - q) / width**2 if width > 0 else math.inf
            independent = min(independent * doubt, pooled.sizes["all"])
            errors[row] = error_of_quantile(values[row], q, independent)
    return steps.copy(data=errors.reshape(steps.shape))


def _limits(points: Sequence[float]) -> xr.DataArray:
    return limits("points", points, "percentage points", "Moved by more than")
