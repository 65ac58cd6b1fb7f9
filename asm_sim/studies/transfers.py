"""Who pays whom: penalties of one group of clinicians that become bonuses of another.

Within a cohort and year all penalties go into one pot and all bonuses come out of it (42 CFR
512.750), so a penalty dollar has no address. Here each is shared over the bonuses, and what
Medicare keeps, in proportion: of p in penalties of a group, out of P in all, p b / P pay for the
bonuses b of a group and p (P - B) / P stay with Medicare, B being all bonuses. Where bonuses exceed
penalties, Medicare pays for the difference, in the same proportion.

Amounts are USD on performance-year Part B, means over draws with Monte Carlo standard errors
(``*_mcse``); scenarios are compared within draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.compare import reference_of
from asm_sim.results.scenarios import SCENARIO, position_of, scenario_names, scenario_of
from asm_sim.studies.estimates import about, check_sweep, chosen, mean, named, needed, ratio

GROUPING = "practice_size"
MEDICARE = "Medicare"
PAYER, RECEIVER = "payer", "receiver"
SWEEP = "without-group-adjustments"
ADJUSTMENTS = (
    "rules.small_practice.solo_bonus",
    "rules.small_practice.small_bonus",
    "rules.complex_patient.maximum",
)

_PENALTIES, _BONUSES = "penalties_by_group", "bonuses_by_group"
_PART_B, _CLINICIANS = "part_b_payments_by_group", "clinicians_by_group"
_DIMS = ("draw", "cohort", "performance_year", "group")
# What the groups of a grouping may differ by from the whole, of the whole.
_ADDS_UP = 1e-9

_WITH = ": with minus without the adjustment"


def matrix(ds: xr.Dataset, grouping: str = GROUPING) -> xr.Dataset:
    """The transfer matrix between the groups of a grouping, Medicare among them.

    ``transfer`` (payer, receiver, cohort, performance_year) is what the payer's penalties bring the
    receiver, ``transfer_all_years`` (payer, receiver, cohort) its sum over the years and
    ``transfer_total`` (payer, receiver) that over both cohorts, all USD with ``*_mcse``. The last
    payer and receiver is ``Medicare``: it receives what it keeps of the penalties, and pays only
    where, in a draw, bonuses exceed penalties. Rows add up to the group's penalties, columns to its
    bonuses; nothing goes from one cohort to the other. Groups are named without their grouping,
    which is the attribute ``grouping``; one without clinicians in a cohort has zeros there.

    Raises :class:`InputError` for several scenarios, for a grouping that the results do not hold,
    and where its groups do not add up to the cohort.
    """
    run = _groups(ds, grouping)
    paid = matrix_of(run[_PENALTIES], run[_BONUSES])
    words = "Penalties of the payer that become bonuses of, or stay with, the receiver"
    order = (PAYER, RECEIVER)
    of_years = paid.sum("performance_year")
    found = named("transfer", mean(_first(paid, order)), "USD", words)
    found |= named(
        "transfer_all_years", mean(_first(of_years, order)), "USD", f"{words}, all years"
    )
    found |= named(
        "transfer_total",
        mean(_first(of_years.sum("cohort"), order)),
        "USD",
        f"{words}, all years and cohorts",
    )
    return xr.Dataset(found, attrs=about(run) | {"grouping": grouping})


def matrix_of(penalties: xr.DataArray, bonuses: xr.DataArray) -> xr.DataArray:
    """The matrix of penalties and bonuses by ``group``, dims payer and receiver in its place.

    Amounts of zero or more, in the same units; other dims are kept. Medicare is added as the last
    payer and receiver.
    """
    p, b = penalties.rename(group=PAYER), bonuses.rename(group=RECEIVER)
    all_penalties, all_bonuses = p.sum(PAYER), b.sum(RECEIVER)
    kept = all_penalties - all_bonuses
    p = xr.concat([p, _medicare((-kept).clip(min=0.0), PAYER)], PAYER)
    b = xr.concat([b, _medicare(kept.clip(min=0.0), RECEIVER)], RECEIVER)
    pot = b.sum(RECEIVER)  # the greater of all penalties and all bonuses
    return p * b / pot.where(pot > 0, 1.0)


def net(ds: xr.Dataset, grouping: str = GROUPING) -> xr.Dataset:
    """What each group of a grouping gains or loses.

    Dims ``cohort``, ``performance_year`` and ``group`` (named without the grouping): ``penalties``,
    ``bonuses`` and ``net`` (bonuses minus penalties) in USD; ``net_per_clinician`` (USD a year) and
    ``net_share`` (fraction of the group's Part B payments), nan for a group without clinicians.
    ``*_all_years`` (cohort, group) are sums over the years, and per clinician the sum over the
    years too; ``net_share_all_years`` is of the Part B of all years. Each with ``*_mcse``, of the
    ratios by the delta method. ``kept`` (cohort, performance_year) and ``kept_all_years`` are
    Medicare's part, below zero where bonuses exceed penalties: the net of the groups and this add
    up to zero. Raises as :func:`matrix` does.
    """
    run = _groups(ds, grouping)
    found: dict[str, xr.DataArray] = {}
    for ending, years in (("", []), ("_all_years", ["performance_year"])):
        of_years = run.sum(years)
        penalties, bonuses = of_years[_PENALTIES], of_years[_BONUSES]
        gain = bonuses - penalties
        clinicians = run[_CLINICIANS].mean(years)
        clinicians = clinicians.where(clinicians.sum("draw") > 0)
        said = ", all years" if ending else ""
        for name, values, words in (
            ("penalties", penalties, "Negative adjustments"),
            ("bonuses", bonuses, "Positive adjustments"),
            ("net", gain, "Bonuses minus penalties"),
            ("kept", -gain.sum("group"), "Penalties minus bonuses of all, kept by Medicare"),
        ):
            found |= named(f"{name}{ending}", mean(values), "USD", f"{words}{said}")
        found |= named(
            f"net_per_clinician{ending}",
            ratio(gain, clinicians),
            "USD per clinician",
            f"Bonuses minus penalties per clinician of the group{said}",
        )
        found |= named(
            f"net_share{ending}",
            ratio(gain, of_years[_PART_B]),
            "fraction",
            f"Bonuses minus penalties over Part B of the group{said}",
        )
    return xr.Dataset(found, attrs=about(run) | {"grouping": grouping})


def moved_by_adjustments(ds: xr.Dataset, grouping: str = GROUPING) -> xr.Dataset:
    """What the small-practice and complex-patient adjustments move between groups.

    Of the sweep ``without-group-adjustments``: the rule minus the rule without an adjustment,
    paired within draw. Dim ``scenario`` names what is left out, as the sweep does. Dims
    ``cohort``, ``performance_year``, ``group`` (named without the grouping):

    - ``net_moved``: bonuses minus penalties, USD; over the groups and ``kept_moved`` (Medicare's
      part, without ``group``) it adds up to zero
    - ``adjustment_mean_moved``: mean adjustment, fraction
    - ``share_negative_moved``: share with a penalty, fraction

    ``net_moved_all_years`` and ``kept_moved_all_years`` are sums over the years,
    ``net_moved_per_clinician_all_years`` is that sum per clinician of the group (USD), and
    ``adjustment_mean_moved_all_years`` and ``share_negative_moved_all_years`` are means over the
    years. Each with ``*_mcse``.

    Raises :class:`InputError` for a single run, for a sweep of anything else, without a scenario to
    compare with or without any other, and as :func:`matrix` does for the grouping.
    """
    check_sweep(ds, SWEEP, ADJUSTMENTS, all_of_them=False)
    extra = ("adjustment_mean_by_group", "share_negative_by_group")
    reference = position_of(ds, reference_of(ds))
    without = [i for i in range(ds.sizes[SCENARIO]) if i != reference]
    if not without:
        raise InputError("the sweep holds the rule only, and no scenario without an adjustment")
    rule = _groups(scenario_of(ds, reference), grouping, extra)
    found: dict[str, list[xr.DataArray]] = {}
    for i in without:
        other = _groups(scenario_of(ds, i), grouping, extra)
        for name, values in _moved(rule, other).items():
            found.setdefault(name, []).append(values)
    names = [scenario_names(ds)[i] for i in without]
    result = xr.Dataset(
        {name: xr.concat(values, SCENARIO) for name, values in found.items()},
        attrs=about(ds) | {"grouping": grouping, "reference": reference_of(ds)},
    )
    return result.assign_coords({SCENARIO: names})


def _moved(rule: xr.Dataset, other: xr.Dataset) -> dict[str, xr.DataArray]:
    apart = rule - other
    gain = apart[_BONUSES] - apart[_PENALTIES]
    of_years = gain.sum("performance_year")
    found: dict[str, xr.DataArray] = {}
    for name, values, units, words in (
        ("net_moved", gain, "USD", "Bonuses minus penalties"),
        ("kept_moved", -gain.sum("group"), "USD", "Kept by Medicare"),
        ("net_moved_all_years", of_years, "USD", "Bonuses minus penalties, all years"),
        ("kept_moved_all_years", -of_years.sum("group"), "USD", "Kept by Medicare, all years"),
    ):
        found |= named(name, mean(values), units, f"{words}{_WITH}")
    clinicians = rule[_CLINICIANS].mean("performance_year")
    found |= named(
        "net_moved_per_clinician_all_years",
        ratio(of_years, clinicians.where(clinicians.sum("draw") > 0)),
        "USD per clinician",
        f"Bonuses minus penalties per clinician of the group, all years{_WITH}",
    )
    for name, words in (
        ("adjustment_mean", "Mean payment adjustment factor"),
        ("share_negative", "Share with a penalty"),
    ):
        values = apart[f"{name}_by_group"]
        by_history = values.mean("performance_year", skipna=False)
        found |= named(f"{name}_moved", mean(values), "fraction", f"{words}{_WITH}")
        found |= named(
            f"{name}_moved_all_years",
            mean(by_history),
            "fraction",
            f"{words}, mean of years{_WITH}",
        )
    return found


def _groups(ds: xr.Dataset, grouping: str, extra: Sequence[str] = ()) -> xr.Dataset:
    """By-group variables of one grouping, its groups named without it, in memory."""
    names = (_PENALTIES, _BONUSES, _PART_B, _CLINICIANS, *extra)
    run = needed(ds, names)
    of_group = run["grouping"].values.astype(str)
    known = [name for name in dict.fromkeys(of_group.tolist()) if name != "all"]
    chosen("grouping", grouping, known)
    both = run[list(names)].load().transpose(*_DIMS)
    parts = both.isel(group=np.flatnonzero(of_group == grouping))
    for name in (_PENALTIES, _BONUSES):
        whole = both[name].sel(group="all", drop=True)
        if bool((abs(parts[name].sum("group") - whole) > _ADDS_UP * (1.0 + whole)).any()):
            raise InputError(
                f"the {name.split('_')[0]} of the groups of {grouping} do not add up to those of "
                "the cohort: some clinicians are in none of them, or in several"
            )
    labels = [str(group).removeprefix(f"{grouping}: ") for group in parts["group"].values]
    result = parts.drop_vars("grouping").assign_coords(group=labels)
    result.attrs = run.attrs
    return result


def _medicare(amount: xr.DataArray, dim: str) -> xr.DataArray:
    return amount.expand_dims({dim: [MEDICARE]})


def _first(values: xr.DataArray, dims: Sequence[str]) -> xr.DataArray:
    return values.transpose(*dims, ...)
