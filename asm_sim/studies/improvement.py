"""What true improvement is worth, and what standing still costs while others improve.

Asked of probe clinicians, with whom nobody is compared: their true performance is given, in
standard deviations of the cohort's, they are measured again and again (replicates) with the same
random numbers, and scored against each draw's cohort.

Every number is a mean over replicates and draws with its Monte Carlo standard error over draws
(``*_mcse``, same units); differences are paired within draw and replicate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.compare import reference_of
from asm_sim.results.describe import one_scenario
from asm_sim.results.moments import jackknife
from asm_sim.results.scenarios import SCENARIO, by_axis, scenario_of
from asm_sim.results.statistics import Estimate
from asm_sim.studies.estimates import (
    LENS,
    Floats,
    about,
    check_amount,
    check_sweep,
    looked_at_closely,
    mean,
    mean_share,
    named,
)

PER_YEAR, SHARE = "population.improvement.per_year", "population.improvement.share"
SWEEP = "peers-improve"
EPISODES = 50.0  # of the probes that are compared
OWN, PEERS, OF_PEERS = "own_improvement", "peers_improvement", "share_improving"
SD_A_YEAR = "SD of true performance a year"

_PROBE_COORDINATES = ("probe_level", "probe_gain", "probe_episodes")
_DIMS = (LENS, "cohort", "performance_year", "probe", "replicate")
_COORDINATE_ATTRS = {
    OWN: {"units": SD_A_YEAR, "long_name": "Own improvement"},
    PEERS: {"units": SD_A_YEAR, "long_name": "Improvement of the peers who improve"},
    OF_PEERS: {"units": "share of clinicians", "long_name": "Share of the peers who improve"},
    "level": {"units": "SD of true performance", "long_name": "Above the average"},
}


def standing_still(ds: xr.Dataset) -> xr.Dataset:
    """The adjustment of an average clinician who improves so much while the peers improve so much.

    Of the sweep ``peers-improve``. Dims ``own_improvement`` (d) and ``peers_improvement`` (D), SDs
    of true performance a year, ``share_improving`` (the share of the clinicians who improve by D),
    ``cohort`` and ``performance_year``. The clinician is truly average in the first year.

    - ``adjustment``: the expected adjustment, fraction
    - ``difference``: from that of one who improves as much among peers who hold still
    - ``change``: from that of one who holds still among peers who hold still
    - ``keeping_up``: without ``own_improvement``: the d, interpolated between those of the probes,
      at which ``change`` is zero; its error is a jackknife over draws; nan in the first year, in
      which nobody has improved yet, and beyond the probes

    Raises :class:`InputError` for a single run, for another sweep, for one in which the peers never
    hold still, and for one without probes.
    """
    check_sweep(ds, SWEEP, (PER_YEAR, SHARE))
    runs = [_by_own_gain(scenario_of(ds, i), ("adjustment",)) for i in range(ds.sizes[SCENARIO])]
    every = xr.concat(runs, SCENARIO).assign_coords(
        {name: (SCENARIO, ds[name].values) for name in (SCENARIO, PER_YEAR, SHARE)}
    )
    grid = by_axis(every).rename({PER_YEAR: PEERS, SHARE: OF_PEERS})["adjustment"].load()
    if 0 not in grid[PEERS].values:
        raise InputError(
            f"the peers hold still in no scenario; the sweep needs {PER_YEAR} = 0 too, as in "
            f"`asm-sim sweep {SWEEP}`"
        )
    grid = grid.transpose(OWN, PEERS, OF_PEERS, LENS, "cohort", "performance_year")
    difference = grid - grid.sel({PEERS: 0.0}, drop=True)
    change = grid - grid.sel({PEERS: 0.0, OWN: 0.0}, drop=True)
    words = "Adjustment of a truly average clinician"
    found = named("adjustment", mean(grid, LENS), "fraction", words)
    found |= named(
        "difference", mean(difference, LENS), "fraction",
        f"{words}, difference from peers who hold still",
    )  # fmt: skip
    found |= named(
        "change", mean(change, LENS), "fraction",
        f"{words}, difference from nobody improving",
    )  # fmt: skip
    found |= named(
        "keeping_up", _crossing(change), SD_A_YEAR,
        "Own improvement that keeps the adjustment of a world that stands still",
    )  # fmt: skip
    about_it = about(ds) | {"reference": reference_of(ds), "lens_draws": grid.sizes[LENS]}
    return _described(xr.Dataset(found, attrs=about_it))


def by_improvement(ds: xr.Dataset) -> xr.Dataset:
    """What an average clinician gets who improves so much every year, in the run's own cohort.

    Dims ``own_improvement`` (SDs of true performance a year), ``cohort``, ``performance_year``:
    ``adjustment`` (fraction), ``final_score`` (points), ``share_negative`` (the probability of a
    penalty), ``true_adjustment`` (without measurement noise), and ``adjustment_difference`` from
    one who holds still. Raises :class:`InputError` for several scenarios and for results without
    probes.
    """
    run = _by_own_gain(ds, ("adjustment", "final_score", "share_negative", "true_adjustment"))
    found: dict[str, xr.DataArray] = {}
    for name, units, words in (
        ("adjustment", "fraction", "Adjustment of an average clinician"),
        ("final_score", "points", "Final score of an average clinician"),
        ("share_negative", "fraction", "Probability of a penalty of an average clinician"),
        ("true_adjustment", "fraction", "Noise-free adjustment of an average clinician"),
    ):
        of_draws = mean_share if name == "share_negative" else mean
        found |= named(name, of_draws(run[name], LENS), units, words)
    apart = run["adjustment"] - run["adjustment"].sel({OWN: 0.0}, drop=True)
    found |= named(
        "adjustment_difference", mean(apart, LENS), "fraction", "Difference from holding still"
    )
    return _described(xr.Dataset(found, attrs=run.attrs))


def value_of_improvement(ds: xr.Dataset, part_b_payments: float | None = None) -> xr.Dataset:
    """What being truly better than average is worth: probes of other levels against level 0.

    Dims ``level`` (SDs of true performance in every measure and in cost), ``cohort``,
    ``performance_year``: the differences ``adjustment`` (fraction), ``final_score`` (points) and
    ``dollars`` (USD on ``part_b_payments``, or on the mean performance-year Part B of the cohort's
    clinicians in the same draw where that is None), each with ``*_mcse``.

    Raises :class:`InputError` for several scenarios, for results without probes, and for an amount
    below zero.
    """
    if part_b_payments is not None:
        check_amount(part_b_payments)
    names = ("probe_adjustment", "probe_final_score")
    run = _probes(ds, (*names, "part_b_payments_by_group", "clinicians_by_group"))
    alike = (run["probe_gain"] == 0) & (run["probe_episodes"] == EPISODES)
    table = _along(run, alike, "probe_level", "level")
    apart = (table[list(names)] - table[list(names)].sel(level=0.0, drop=True)).mean("replicate")
    everyone = run[["part_b_payments_by_group", "clinicians_by_group"]].sel(group="all", drop=True)
    amount = (
        everyone["part_b_payments_by_group"] / everyone["clinicians_by_group"]
        if part_b_payments is None
        else part_b_payments
    )
    levels = [level for level in apart["level"].values if level != 0]
    apart = apart.sel(level=levels).transpose("level", LENS, "cohort", "performance_year")
    adjustment = apart["probe_adjustment"]
    found = named(
        "adjustment", mean(adjustment, LENS), "fraction",
        "Adjustment less that of an average clinician",
    )  # fmt: skip
    found |= named(
        "final_score", mean(apart["probe_final_score"], LENS), "points",
        "Final score less that of an average clinician",
    )  # fmt: skip
    found |= named(
        "dollars", mean(adjustment * amount, LENS), "USD",
        "Payment less that of an average clinician with the same Part B payments",
    )  # fmt: skip
    return _described(xr.Dataset(found, attrs=run.attrs))


def _by_own_gain(ds: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    """Means over replicates of the average probes by their own gain: (own_improvement, lens_draw,
    cohort, performance_year)."""
    of_probe = [f"probe_{name}" for name in names if name != "share_negative"]
    run = _probes(ds, tuple(of_probe))
    alike = (run["probe_level"] == 0) & (run["probe_episodes"] == EPISODES)
    table = _along(run, alike, "probe_gain", OWN)
    table = table.rename({name: name.removeprefix("probe_") for name in of_probe})
    if "share_negative" in names:
        table["share_negative"] = (table["adjustment"] < 0).where(table["adjustment"].notnull())
    result = table.mean("replicate").transpose(OWN, LENS, "cohort", "performance_year")
    result.attrs = run.attrs
    return result


def _probes(ds: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    run = one_scenario(ds)
    missing = [name for name in _PROBE_COORDINATES if name not in run.coords]
    if missing:
        raise InputError(
            f"the results do not say who the probe clinicians are ({', '.join(missing)}); run the "
            "scenario again with this version of asm_sim"
        )
    return looked_at_closely(run, names)


def _along(run: xr.Dataset, alike: xr.DataArray, coordinate: str, dim: str) -> xr.Dataset:
    """The probes that are alike but for one coordinate, along it in ascending order."""
    chosen = np.flatnonzero(alike.values)
    values = run[coordinate].values[chosen].astype(np.float64)
    if len(values) < 2 or 0.0 not in values or len(set(values)) < len(values):
        raise InputError(
            f"the probe clinicians of {EPISODES:g} episodes do not differ in {coordinate} alone, "
            "0 among them, which this study needs; run the scenario again"
        )
    order = np.argsort(values)
    of_probes = run[[str(name) for name in run.data_vars if "probe" in run[name].dims]]
    table = of_probes.transpose(*_DIMS).isel(probe=chosen[order]).astype(np.float64)
    return (
        table.drop_vars([name for name in ("probe", *_PROBE_COORDINATES) if name in table.coords])
        .rename(probe=dim)
        .assign_coords({dim: values[order]})
    )


def _crossing(change: xr.DataArray) -> Estimate:
    """Where the mean change over draws crosses zero along the own improvement.

    The error is a jackknife: the same with each draw left out.
    """
    gains: Floats = change[OWN].values.astype(np.float64)
    values = np.moveaxis(change.transpose(LENS, OWN, ...).values, 1, -1)  # draws, ..., gains
    draws = len(values)
    total = values.sum(axis=0)
    at = _root(gains, total / draws)
    if draws > 1:
        without = _root(gains, (total - values) / (draws - 1))
        error = jackknife(without)
    else:
        error = np.full_like(at, np.nan)
    shape = change.isel({LENS: 0, OWN: 0}, drop=True)
    return Estimate(shape.copy(data=at), shape.copy(data=error))


def _root(gains: Floats, values: Floats) -> Floats:
    """Where values [..., gains] first reach zero from below, between two gains; nan: nowhere."""
    reached = values >= 0
    first = np.argmax(reached, axis=-1)
    high = np.clip(first, 1, len(gains) - 1)
    below, above = (
        np.take_along_axis(values, at[..., np.newaxis], axis=-1)[..., 0] for at in (high - 1, high)
    )
    known = reached.any(axis=-1) & (below <= 0) & (above > below)
    weight = np.where(known, -below / np.where(known, above - below, 1.0), np.nan)
    at: Floats = gains[high - 1] + weight * (gains[high] - gains[high - 1])
    return at


def _described(result: xr.Dataset) -> xr.Dataset:
    attributes: dict[str, dict[str, Any]] = {
        name: attrs for name, attrs in _COORDINATE_ATTRS.items() if name in result.coords
    }
    for name, attrs in attributes.items():
        result[name].attrs = attrs
    return result
