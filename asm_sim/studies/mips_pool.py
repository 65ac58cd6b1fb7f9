"""The pool of MIPS without the participants of ASM: what becomes of the bonuses of those who stay.

MIPS is budget neutral: its scaling factor makes the bonuses of all MIPS eligible clinicians as
large as their penalties (42 CFR 414.1405(b)(3)). Participants of ASM are exempt from MIPS, so that
their penalties pay no bonuses of others any more, and their bonuses need not be paid. If their
penalties were a larger part of the pool than their bonuses, those who stay get less, and otherwise
more.

The participants' part is simulated: their MIPS scores and Part B payments of each draw. The
national pool is published or assumed (data/published.yaml): so many clinicians with a published
mean final score and share below the threshold, and an assumed mean Part B and mean score below the
threshold. Together they say what the bonuses would be at a scale of 1; budget neutrality and the
published scale, with the participants in the pool, then say what the penalties are. The pool is
that of the last year published and stays so; the participants' Part B is that of each payment year.

Who gains hangs on how many of the participants would be at the full penalty, and the simulation
has fewer there than is published of all MIPS (mips-2026.yaml says why). One case therefore takes as
many of them to be there as of all, picked at random; where it has another sign than the central
one, the sign is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.clinicians import EVERYBODY
from asm_sim.results.describe import one_scenario
from asm_sim.studies.estimates import PANEL, Names, mean, named, parameter
from asm_sim.studies.mips_levels import HIGHEST, LOWEST, PERCENT, SCALE, THRESHOLD
from asm_sim.studies.mips_panel import final_scores, forms_of, open_panel
from asm_sim.studies.panel import Measured, View
from asm_sim.studies.published import published

__all__ = ["AS_PUBLISHED", "CENTRAL", "without_participants"]

CENTRAL, AS_PUBLISHED = "central", "lowest_quarter as published"


@dataclass(frozen=True)
class _Curve:
    """The rule's adjustment at a final score, at a scale of 1."""

    threshold: float
    lowest: float
    highest: float
    percent: float


@dataclass(frozen=True)
class _National:
    """The pool with the participants in it.

    ``lowest`` is the least share of the participants' payments at the full penalty.
    """

    title: str
    scale: float
    part_b_payments: float
    mean_score_below: float
    lowest: float = 0.0


def without_participants(ds: xr.Dataset, form: Names = None) -> xr.Dataset:
    """The scaling factor of MIPS with the participants of ASM in its pool, and without them.

    Dims (case, mips_form, performance_year; payment_year a coordinate). ``case`` is ``central``,
    with the scale that the run was scored by (``mips.payment.scale``) and the central values of
    what is assumed, and then each of these at its low and its high, the scale of a published year,
    or the share of participants in the lowest quarter as published (:data:`AS_PUBLISHED`), alone;
    ``case_title`` says it in words. Float64, each with ``*_mcse`` over draws:

    - ``scale_with`` (given, no error), ``scale_without``, ``scale_change`` (multiple; without minus
      with): at most ``largest_scale``, and 0 where nobody who stays pays a penalty;
    - ``largest_bonus_with``, ``_without``, ``_change`` (fraction): the adjustment at the highest
      final score;
    - ``mean_bonus_with``, ``_without``, ``_change`` (USD a year): positive adjustments of those who
      stay over their number, those without one among them;
    - ``participants_penalties``, ``participants_bonuses`` (USD a year, both positive, the bonuses
      at the scale with them) and ``participants_net``, the first minus the second: what those who
      stay lose when the participants leave;
    - ``share_of_penalties``: of the pool's penalties, those of the participants (fraction). Above 1
      the case cannot be: the pool has too little in it for what is simulated.

    ``form`` as for :func:`asm_sim.studies.mips.difference`. Raises :class:`InputError` as it does,
    where the run's performance threshold is not that of the published scores, and where the
    participants' bonuses alone would be more than those of the pool.
    """
    run = one_scenario(ds)
    panel, programs = open_panel(run, EVERYBODY, form, scores=True, pooled=True)
    curve = _Curve(*(parameter(run, path) for path in (THRESHOLD, LOWEST, HIGHEST, PERCENT)))
    of_scores = published().mips_pool.performance_threshold
    if curve.threshold != of_scores.value:
        raise InputError(
            f"the published scores of MIPS stand around a performance threshold of "
            f"{of_scores.value:g}, and that of these results is {curve.threshold:g} ({THRESHOLD})"
        )
    by_draw = panel.collect(lambda view: _participants(view, programs, curve))
    by_draw = by_draw.isel(cohort=0, drop=True).assign_coords(mips_form=forms_of(programs))
    cases = _cases(parameter(run, SCALE), curve)
    parts = [_compared(by_draw, national, curve) for national in cases.values()]
    whole = xr.concat(parts, "case", coords="minimal", compat="override", join="override")
    whole = whole.assign_coords(
        case=list(cases), case_title=("case", [national.title for national in cases.values()])
    )
    result = whole.assign_attrs(panel.attrs).drop_vars("group", errors="ignore")
    return result.transpose("case", "mips_form", "performance_year")


def _cases(scale: float, curve: _Curve) -> dict[str, _National]:
    """The central case, and one for each end of what is assumed and each published scale."""
    pool = published().mips_pool
    assumed = {
        "part_b_payments": (pool.part_b_payments, "mean Part B of the pool {:,.0f} USD"),
        "mean_score_below": (
            pool.mean_score_below_threshold,
            "mean score of those below the threshold {:g} points",
        ),
    }
    values = {name: leaf.value for name, (leaf, _) in assumed.items()}
    central = _National(f"central, scale {scale:.4g}", scale, **values)
    cases = {CENTRAL: central}
    for name, (leaf, words) in assumed.items():
        for end in ("low", "high"):
            value = getattr(leaf, end)
            title = words.format(value)
            cases[f"{name} {end}"] = replace(central, title=title, **{name: value})
    for year, bonus in pool.largest_bonus.items():
        title = f"largest bonus {100 * bonus.value:g} %, that of {year}"
        cases[f"largest_bonus {year}"] = replace(
            central, title=title, scale=bonus.value / curve.percent
        )
    lowest = published().mips_scores.lowest_quarter.value
    title = f"{100 * lowest:g} % of participants in the lowest quarter, as of all MIPS"
    return cases | {AS_PUBLISHED: replace(central, title=title, lowest=lowest)}


def _participants(view: View, programs: list[str], curve: _Curve) -> Measured:
    """Of the participants in USD: payments, those in the lowest quarter, penalties, bonuses.

    The bonuses at a scale of 1; and how many have payments.
    """
    payments, score = view["part_b"], final_scores(view, programs[1:])
    known = np.isfinite(score)
    score = np.where(known, score, curve.threshold)
    above = np.maximum(score - curve.threshold, 0.0) / (curve.highest - curve.threshold)
    below = np.maximum(curve.threshold - score, 0.0) / curve.threshold
    lowest = score <= curve.lowest
    below = np.where(lowest, 1.0, below)
    dims = ("mips_form", "performance_year")
    return {
        "payments": (dims, (known * payments).sum(axis=1)),
        "lowest": (dims, (lowest * payments).sum(axis=1)),
        "penalties": (dims, (curve.percent * below * payments).sum(axis=1)),
        "bonuses": (dims, (curve.percent * above * payments).sum(axis=1)),
        "clinicians": (dims, (known & (payments > 0)).sum(axis=1)),
    }


def _compared(by_draw: xr.Dataset, national: _National, curve: _Curve) -> xr.Dataset:
    """One case: both pools and their difference, means over draws with errors."""
    pool = published().mips_pool
    by_draw = _with_lowest(by_draw, national.lowest, curve)
    bonuses = _bonuses(national, curve)  # at a scale of 1
    penalties = national.scale * bonuses
    left = bonuses - by_draw["bonuses"]
    if not bool((left > 0).all()):
        raise InputError(
            "the participants would earn more bonuses than the whole pool of MIPS "
            f"({national.title}); they are too many, or their Part B payments too large, to be a "
            "part of it"
        )
    scale = (penalties - by_draw["penalties"]) / left
    scale = scale.clip(0.0, pool.largest_scale.value)
    before = xr.full_like(scale, national.scale)
    staying = pool.clinicians.value - by_draw["clinicians"]
    in_pool = {"with": before, "without": scale, "change": scale - before}
    parts: dict[str, xr.DataArray] = {}
    for ending, factor in in_pool.items():
        words = {
            "with": "with the participants of ASM",
            "without": "without them",
            "change": "without the participants of ASM minus with them",
        }[ending]
        for name, values, units, said in (
            ("scale", factor, "multiple", "Scaling factor of the pool of MIPS"),
            ("largest_bonus", curve.percent * factor, "fraction", "Largest MIPS adjustment"),
            ("mean_bonus", factor * left / staying, "USD", "Mean bonus of those who stay in MIPS"),
        ):
            parts |= named(f"{name}_{ending}", mean(values, PANEL), units, f"{said}, {words}")
    earned = national.scale * by_draw["bonuses"]
    for name, values, units, said in (
        ("participants_penalties", by_draw["penalties"], "USD", "MIPS penalties of participants"),
        ("participants_bonuses", earned, "USD", "MIPS bonuses of participants"),
        (
            "participants_net",
            by_draw["penalties"] - earned,
            "USD",
            "MIPS penalties minus bonuses of participants",
        ),
        (
            "share_of_penalties",
            by_draw["penalties"] / penalties if penalties > 0 else by_draw["penalties"] * np.nan,
            "fraction",
            "Share of the participants in the penalties of MIPS",
        ),
    ):
        parts |= named(name, mean(values, PANEL), units, said)
    return xr.Dataset(parts)


def _with_lowest(by_draw: xr.Dataset, least: float, curve: _Curve) -> xr.Dataset:
    """With at least this share of the payments at the full penalty, the missing ones at random."""
    payments = by_draw["payments"]
    share = (by_draw["lowest"] / payments.where(payments > 0)).fillna(1.0)
    moved = ((least - share) / (1.0 - share).where(share < 1.0)).fillna(0.0).clip(min=0.0)
    full = curve.percent * payments
    return by_draw.assign(
        penalties=(1.0 - moved) * by_draw["penalties"] + moved * full,
        bonuses=(1.0 - moved) * by_draw["bonuses"],
    )


def _bonuses(national: _National, curve: _Curve) -> float:
    """Bonuses of the pool at a scale of 1, USD.

    The mean score is the threshold plus the mean points above it minus the mean points below it.
    """
    pool, scores = published().mips_pool, published().mips_scores
    points_below = scores.below_threshold.value * (curve.threshold - national.mean_score_below)
    points_above = scores.mean.value - curve.threshold + points_below
    share = points_above / (curve.highest - curve.threshold)
    return pool.clinicians.value * national.part_b_payments * curve.percent * share
