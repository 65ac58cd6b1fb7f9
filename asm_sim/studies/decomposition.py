"""Where volatility comes from: how much of it each of five factors makes.

A run gives, for the first draws, the variance of the adjustment when only some factors move and
the others stay as in the first year, for all 32 sets of factors on the same random numbers. The
sets do not add up: factors lean on each other (chance matters more where a score is near the steep
part of the curve). The Shapley share of a factor is what adding it does to the variance, averaged
over all orders in which factors can be added; shares sum to exactly one.

Chance in measurement is here what a clinician's own sampling does to the movement of payments over
the years, against the fit that was observed. :mod:`asm_sim.studies.chance` and the variable
``chance_variance_share`` compare with a world in which nobody's measurement has noise, benchmarks,
median and scaling included, within one year. The two shares differ by design.
"""

from __future__ import annotations

from math import factorial

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.registry import FACTORS, factor_sets
from asm_sim.studies.estimates import LENS, Floats, looked_at_closely, named, ratio, root

VARIANCES = {
    "within_clinician": "of a clinician's adjustment over the years, mean over clinicians",
    "year_to_year": "over clinicians of the change of the adjustment from the year before",
}
FACTOR_TITLES = {
    "measurement": "chance in measurement",
    "participation": "what is reported and attested",
    "performance": "own true performance",
    "peers": "peers and benchmarks",
    "risk_level": "the rising risk level",
}


def shapley(values: Floats) -> Floats:
    """Shapley values [..., n] of n factors from the values [..., 2 ** n] of all their sets.

    Bit k of a set's position says whether factor k is in it. What factor k adds to a set S without
    it counts ``|S|! (n - |S| - 1)! / n!``.
    """
    positions = np.arange(values.shape[-1])
    n = int(values.shape[-1]).bit_length() - 1
    size = np.bitwise_count(positions)
    found = np.empty((*values.shape[:-1], n))
    for k in range(n):
        without = positions[positions >> k & 1 == 0]
        weights = [factorial(s) * factorial(n - s - 1) / factorial(n) for s in size[without]]
        found[..., k] = (values[..., without | 1 << k] - values[..., without]) @ np.array(weights)
    return found


def shares(ds: xr.Dataset) -> xr.Dataset:
    """Shapley shares of the five factors in both variances, by cohort and group.

    Dims ``variance`` (``within_clinician``: over a clinician's years, mean over clinicians;
    ``year_to_year``: over clinicians, of the change from the year before, mean of years),
    ``factor`` (:data:`asm_sim.results.registry.FACTORS`; ``factor_title`` in words), ``cohort`` and
    ``group``. ``share`` (fraction) sums to 1 over ``factor``: the average over all orders of adding
    factors of what adding this one does to the variance, over the whole, under common random
    numbers. ``share_alone`` is what this factor makes when it moves alone, ``share_last`` what is
    lost when all but it move: where the two are far apart, the share rests on the convention.
    ``sd`` (variance, cohort, group; fraction) is the square root of the variance with all factors.

    Shares are ratios of means over draws (groups weighted by their clinicians in each) and their
    errors by the delta method. Nan where nothing varies. Raises :class:`InputError` for several
    scenarios and for a run without lens.
    """
    run = _run(ds)
    count = run["clinicians_by_group"].isel(performance_year=0, drop=True)
    values = xr.concat(
        [run[f"{name}_variance"].sel(factors=factor_sets()) for name in VARIANCES], "variance"
    ).assign_coords(variance=list(VARIANCES))
    values = values.transpose("variance", LENS, "cohort", "group", "factors") * count
    values = values.where(count > 0, 0.0)
    positions = 2 ** np.arange(len(FACTORS))
    everything = values.isel(factors=-1, drop=True)
    total = everything - values.isel(factors=0, drop=True)
    total = total.where(total > 0)
    alone = values.values[..., positions] - values.values[..., [0]]
    last = values.values[..., [-1]] - values.values[..., len(factor_sets()) - 1 - positions]
    parts = named(
        "sd", root(ratio(everything, count, LENS)), "fraction",
        "Square root of the variance of the adjustment with all factors",
    )  # fmt: skip
    for name, of_factors, words in (
        ("share", shapley(values.values), "Shapley share of the variance"),
        ("share_alone", alone, "Share of the variance when only this factor moves"),
        ("share_last", last, "Share of the variance lost when this factor alone does not move"),
    ):
        parts |= named(name, ratio(_by_factor(of_factors, values), total, LENS), "fraction", words)
    result = xr.Dataset(parts, attrs=run.attrs)
    titles = {
        "factor_title": ("factor", [FACTOR_TITLES[name] for name in FACTORS]),
        "variance_title": ("variance", [f"variance {words}" for words in VARIANCES.values()]),
    }
    return result.assign_coords(titles).transpose("variance", "factor", "cohort", "group")


def _by_factor(values: npt.NDArray[np.float64], like: xr.DataArray) -> xr.DataArray:
    coords = {name: like[name] for name in ("variance", LENS, "cohort", "group")}
    return xr.DataArray(
        values, dims=(*coords, "factor"), coords={**coords, "factor": list(FACTORS)}
    )


def _run(ds: xr.Dataset) -> xr.Dataset:
    """The variances and, by draw looked at closely, cohort and group, the clinicians."""
    names = [f"{name}_variance" for name in VARIANCES]
    run = looked_at_closely(ds, [*names, "clinicians_by_group"])
    missing = set(factor_sets()) - {str(label) for label in run["factors"].values}
    if missing:
        raise InputError(f"the results lack the factors {', '.join(sorted(missing))}")
    return run
