"""Whether it pays to invest in better care: for the first who does, and if everybody does.

Scores are relative. Who invests alone is paid for being better than the others; where all invest
alike, care gets better, everybody has spent, and the clinicians share out what they shared before.
Adjustments are in dollars of performance-year Part B, so without discount for the payment lag.

Every number is a mean over draws with its Monte Carlo standard error (``*_mcse``, same units).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import one_scenario, parameters_of, scenario_in_words
from asm_sim.results.pairs import paired
from asm_sim.studies.estimates import (
    LENS,
    Names,
    about,
    check_amount,
    chosen,
    looked_at_closely,
    mean,
    named,
    needed,
    ratio,
)

PROGRAMMES = "population.behaviour.programmes"
EPISODES = 50.0  # of the probes that are compared
SCENARIO = "care-redesign-by-all"
_WANTED = f"`asm-sim run {SCENARIO}` and `asm-sim run baseline`"

_PROBES = ("probe_level", "probe_gain", "probe_episodes")
_MONEY = ("bonuses_by_group", "penalties_by_group", "clinicians_by_group")


class Programme(NamedTuple):
    """What investing does and costs: SDs of true quality, USD a clinician and year."""

    effect: float
    usd_per_year: float


def programme_of_all(ds: xr.Dataset) -> Programme:
    """The effect and the cost of the programmes in which all invest in a run, added up.

    Raises :class:`InputError` where a programme has a share other than 0 and 1, or none has 1.
    """
    values = parameters_of(one_scenario(ds))
    shares = {
        path.removesuffix(".share"): share
        for path, share in values.items()
        if path.startswith(PROGRAMMES) and path.endswith(".share")
    }
    if set(shares.values()) not in ({0, 1}, {1}):
        raise InputError(f"not everybody invests in these results; `asm-sim run {SCENARIO}` does")
    effect, usd = (
        sum(float(values.get(f"{path}.{name}", 0)) for path, share in shares.items() if share)
        for name in ("effect_on_quality", "usd_per_clinician_year")
    )
    return Programme(effect, usd)


def first_mover(
    ds: xr.Dataset, effect: float, usd_per_year: float, groups: Names = None
) -> xr.Dataset:
    """What one clinician gains a year who alone gets better by ``effect`` for ``usd_per_year``.

    ``effect`` in SDs of true performance, in every measure and in cost, from the first year on: the
    probe clinicians of 50 episodes, between whose levels is interpolated; nobody is compared with
    them. Dims ``cohort``, ``performance_year`` and ``group``, whose mean Part B of a clinician in
    the same draw makes dollars of adjustments. ``groups`` names groups or groupings.

    - ``adjustment``: gained by an average clinician, fraction (the same in all groups)
    - ``dollars``: gained by an average clinician with the group's Part B, USD: the most that the
      investment may cost
    - ``net``: that less ``usd_per_year``

    Raises :class:`InputError` for several scenarios, for results without probes, and for an effect
    beyond their levels.
    """
    check_amount(usd_per_year)
    run = one_scenario(ds)
    missing = [name for name in _PROBES if name not in run.coords]
    if missing:
        raise InputError(
            f"the results do not say who the probe clinicians are ({', '.join(missing)}); run the "
            "scenario again with this version of asm_sim"
        )
    names = ("probe_adjustment", "part_b_payments_by_group", "clinicians_by_group")
    run = looked_at_closely(run, names)
    gained = _at_level(run, effect)
    of_group = run[["part_b_payments_by_group", "clinicians_by_group"]].sel(
        group=_labels(run, groups)
    )
    part_b = of_group["part_b_payments_by_group"] / of_group["clinicians_by_group"]
    dollars = gained * part_b.where(of_group["clinicians_by_group"] > 0)
    of_dollars = mean(dollars, LENS)
    found = named("adjustment", mean(gained, LENS), "fraction", "Adjustment gained by the first")
    found |= named("dollars", of_dollars, "USD", "Payment gained a year by the first who invests")
    found |= named(
        "net", mean(dollars - usd_per_year, LENS), "USD", "Payment gained less the investment"
    )
    about_it = run.attrs | {"effect": effect, "usd_per_year": usd_per_year}
    return xr.Dataset(found, attrs=about_it)


def if_all_invest(ds: xr.Dataset, without: xr.Dataset, groups: Names = None) -> xr.Dataset:
    """What clinicians gain a year, and spend, where all invest, against a run where nobody does.

    ``ds`` is a run in which programmes have a share of 1 (``care-redesign-by-all``), ``without``
    the same with shares of 0 and the same seed, so that differences are paired within draws. Dims
    ``cohort``, ``performance_year`` and ``group``; means over the group's clinicians.

    - ``dollars``: gained by a clinician, USD; over a whole cohort 0 while the same clinicians have
      a final score, for the pool is a share of what is at risk, whoever performs how
    - ``spending``: by a clinician, USD
    - ``net``: ``dollars`` less ``spending``

    Raises :class:`InputError` for runs that are no such pair, and by group for spending by patient,
    which is known for whole cohorts only (``groups="all"``).
    """
    run, reference = (needed(part, (*_MONEY, "programme_spending")) for part in (ds, without))
    per_patient = _check_shares(run, reference)
    run, reference = paired(run, reference, (PROGRAMMES,), _WANTED)
    labels = _labels(run, groups)
    if per_patient and labels != ["all"]:
        raise InputError(
            f"{per_patient} is above 0, and what is spent on patients is known for whole cohorts "
            'only: give groups="all"'
        )
    pair = [part.sel(group=labels).load() for part in (run, reference)]
    paid = [part["bonuses_by_group"] - part["penalties_by_group"] for part in pair]
    clinicians = pair[0]["clinicians_by_group"]
    whole = run["clinicians_by_group"].sel(group="all", drop=True)
    spent = (run["programme_spending"] / whole * clinicians).load()
    gained = paid[0] - paid[1]
    found: dict[str, xr.DataArray] = {}
    for name, values, words in (
        ("dollars", gained, "Payment gained a year by a clinician where all invest"),
        ("spending", spent, "Spent a year by a clinician"),
        ("net", gained - spent, "Payment gained less what is spent"),
    ):
        found |= named(name, ratio(values, clinicians), "USD", words)
    about_it = about(run) | {"reference": scenario_in_words(reference)}
    return xr.Dataset(found, attrs=about_it)


def _labels(run: xr.Dataset, groups: Names) -> list[str]:
    """Groups by their names or those of their groupings, in the order of the run."""
    labels = [str(label) for label in run["group"].values]
    of = [str(name) for name in run["grouping"].values] if "grouping" in run.coords else labels
    some = chosen("group", groups, list(dict.fromkeys([*labels, *of])))
    return [
        label for label, grouping in zip(labels, of, strict=True) if {label, grouping} & set(some)
    ]


def _at_level(run: xr.Dataset, effect: float) -> xr.DataArray:
    """Adjustment of the probes at this level less that of the average one, by draw and year."""
    alike = (run["probe_gain"] == 0) & (run["probe_episodes"] == EPISODES)
    table = run["probe_adjustment"].isel(probe=np.flatnonzero(alike.values)).astype(np.float64)
    levels = table["probe_level"].values.astype(np.float64)
    if 0.0 not in levels or len(set(levels)) < max(2, len(levels)):
        raise InputError(
            f"the probe clinicians of {EPISODES:g} episodes do not differ in level alone, 0 among "
            "them, which this study needs; run the scenario again"
        )
    order = np.argsort(levels)
    levels = levels[order]
    if not (math.isfinite(effect) and levels[0] <= effect <= levels[-1]):
        raise InputError(
            f"effect is {effect!r}; the probe clinicians have {levels[0]:g} to {levels[-1]:g} SDs "
            "of true performance"
        )
    by_level = table.isel(probe=order).mean("replicate")
    high = int(np.clip(np.searchsorted(levels, effect), 1, len(levels) - 1))
    share = (effect - levels[high - 1]) / (levels[high] - levels[high - 1])
    ends = [by_level.isel(probe=at, drop=True) for at in (high - 1, high)]
    average = by_level.isel(probe=int(np.flatnonzero(levels == 0.0)[0]), drop=True)
    result: xr.DataArray = (1 - share) * ends[0] + share * ends[1] - average
    return result.drop_vars([name for name in ("probe", *_PROBES) if name in result.coords])


def _check_shares(run: xr.Dataset, reference: xr.Dataset) -> str:
    """The parameter by which the programmes of all spend by patient, or nothing.

    Raises :class:`InputError` unless all invest in ``run`` and nobody in ``reference``.
    """
    inside = [
        {path: value for path, value in parameters_of(part).items() if path.startswith(PROGRAMMES)}
        for part in (run, reference)
    ]
    shares = [
        {path: value for path, value in part.items() if path.endswith(".share")} for part in inside
    ]
    all_invest = set(shares[0].values()) in ({0, 1}, {1})
    if not all_invest or set(shares[1].values()) != {0}:
        raise InputError(
            "this study needs a run in which the programmes have a share of 1 or 0 and one in "
            f"which all have 0: {_WANTED}"
        )
    for path, share in shares[0].items():
        of_patient = f"{path.removesuffix('.share')}.usd_per_patient_year"
        if share == 1 and inside[0].get(of_patient, 0) > 0:
            return of_patient
    return ""
