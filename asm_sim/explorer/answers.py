"""What a step shows: numbers, who loses, how adjustments lie, and what a score is worth.

Values are means over draws with their Monte Carlo standard errors, in the units that the variables
of a run have; differences are of the same draws, so that most of the chance cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from asm_sim.explorer.steps import Step
from asm_sim.population.groups import Group
from asm_sim.results.moments import mean_and_error, moments
from asm_sim.results.statistics import (
    mcse_of_share,
    millions,
    percent,
    percentage_points,
    round_to_error,
)
from asm_sim.studies.estimates import DRAW, Linear, ratio, share_of
from asm_sim.studies.panel import SIGN_TOLERANCE

Floats = NDArray[np.float64]

CENT = 0.005  # USD: who loses less has lost nothing
BINS = 30
GROUPINGS = ("all", "practice_size", "place")


class Estimated(NamedTuple):
    """A mean over draws and its error."""

    value: float
    error: float


class Kind(NamedTuple):
    """The unit of numbers of a kind, and how they and differences of them are written."""

    unit: str
    written: Callable[[float, float], str]
    difference: Callable[[float, float], str]


def _points_of_percent(value: float, error: float) -> str:
    return f"{percentage_points(value, error)} points"


SHARE = Kind("", percent, _points_of_percent)
POINTS = Kind("points", round_to_error, round_to_error)
USD = Kind("million USD", millions, millions)


class Row(NamedTuple):
    """A number of a step, of the pinned one, and the difference in the same draws."""

    name: str
    title: str
    kind: Kind
    now: Estimated
    pinned: Estimated
    difference: Estimated

    @property
    def label(self) -> str:
        """The title with the unit, where the numbers do not say it."""
        return f"{self.title} ({self.kind.unit})" if self.kind.unit else self.title

    def texts(self) -> tuple[str, str, str]:
        """As a person reads them."""
        now, pinned = (self.kind.written(*one) for one in (self.now, self.pinned))
        return now, pinned, self.kind.difference(*self.difference)


class GroupRow(NamedTuple):
    """How a group fares: with a penalty, losing against the pinned, and by how much in USD."""

    label: str
    clinicians: float  # mean over draws, with a final score under either
    share_negative: Estimated
    share_losing: Estimated
    loss_of_losers: Estimated  # USD a year, above 0; nan where nobody loses
    change: Estimated  # USD a year, mean of all

    def texts(self) -> tuple[str, ...]:
        """All but the label, as a person reads them."""
        shares = (percent(*one) for one in (self.share_negative, self.share_losing))
        dollars = (round_to_error(*one) for one in (self.loss_of_losers, self.change))
        return f"{self.clinicians:,.0f}", *shares, *dollars


@dataclass(frozen=True)
class Distribution:
    """Shares of scored clinicians by adjustment, with errors; bins between ``edges``."""

    edges: Floats  # [bins + 1] fraction of Part B payments
    share: Floats  # [bins]
    error: Floats  # [bins]


# What is told of one cohort in one year.
_TOLD = (
    ("share_negative", "with a penalty", SHARE),
    ("share_maximum_penalty", "at the largest penalty", SHARE),
    ("share_unscored", "without a final score", SHARE),
    ("adjustment_mean", "mean adjustment", SHARE),
    ("median_final_score", "median final score above 0", POINTS),
    ("bonuses", "bonuses", USD),
    ("penalties", "penalties", USD),
    ("retained_by_medicare", "kept by Medicare", USD),
)


def numbers(now: Step, pinned: Step, cohort: str, year: int) -> list[Row]:
    """The numbers of a cohort in a performance year (a position), each against the pinned.

    Those that there are: several groups of peers have no median together.
    """
    ours, theirs = (step.cohorts[cohort].by_draw for step in (now, pinned))
    rows = [
        _row(name, title, kind, ours[name][:, year], theirs[name][:, year])
        for name, title, kind in _TOLD
    ]
    rows = [row for row in rows if np.isfinite([row.now.value, row.pinned.value]).any()]
    kept = [_kept(one, year) for one in (ours, theirs)]
    rows.append(_row("retained_share", "kept, of the amount at risk", SHARE, *kept))
    return rows


def totals(now: Step, pinned: Step) -> list[Row]:
    """What Medicare keeps of all cohorts in all years, each number against the pinned."""
    sums = [_sums(of.by_draw for of in step.cohorts.values()) for step in (now, pinned)]
    rows = [
        _row(name, title, USD, *(one[name] for one in sums))
        for name, title in (
            ("retained_by_medicare", "kept by Medicare"),
            ("retained_by_medicare_payment_year", "kept, on what is paid in the payment years"),
        )
    ]
    kept = (one["retained_by_medicare"] / one["amount_at_risk"] for one in sums)
    rows.insert(1, _row("retained_share", "kept, of the amount at risk", SHARE, *kept))
    return rows


def retained_by_year(step: Step) -> list[Estimated]:
    """What Medicare keeps of all cohorts in each performance year, USD."""
    found = sum(of.by_draw["retained_by_medicare"] for of in step.cohorts.values())
    of_all = moments(found)
    return [Estimated(*pair) for pair in zip(of_all.mean, of_all.error, strict=True)]


def _kept(of: dict[str, Floats], year: int) -> Floats:
    return np.asarray(of["retained_by_medicare"][:, year] / of["amount_at_risk"][:, year])


def _sums(cohorts: Iterable[dict[str, Floats]]) -> dict[str, Floats]:
    every = list(cohorts)
    names = ("retained_by_medicare", "amount_at_risk", "retained_by_medicare_payment_year")
    return {name: np.sum([one[name].sum(axis=1) for one in every], axis=0) for name in names}


def _row(name: str, title: str, kind: Kind, now: Floats, pinned: Floats) -> Row:
    known = kind is SHARE and name.startswith("share_")
    return Row(
        name, title, kind, _estimated(now, known), _estimated(pinned, known),
        Estimated(*mean_and_error(now - pinned)),
    )  # fmt: skip


def _estimated(values: Floats, is_share: bool) -> Estimated:
    value, error = mean_and_error(values)
    if is_share:
        error = float(mcse_of_share(xr.DataArray(values, dims=DRAW)))
    return Estimated(value, error)


def losers(
    now: Step, pinned: Step, groups: tuple[Group, ...], cohort: str, year: int
) -> list[GroupRow]:
    """Who loses against the pinned step, by group, in a cohort and performance year (a position).

    Of those with a final score under either. Losing is less in dollars on Part B of the payment
    year, by more than half a cent.
    """
    ours, theirs = now.cohorts[cohort], pinned.cohorts[cohort]
    counts = np.isfinite(ours.final_score[:, year]) | np.isfinite(theirs.final_score[:, year])
    dollars = [of.adjustment[:, year] * of.paid[:, year] for of in (ours, theirs)]
    change = np.where(counts, dollars[0] - dollars[1], 0.0)
    losing = change < -CENT
    penalty = counts & (ours.adjustment[:, year] < -SIGN_TOLERANCE)
    kept = [k for k, group in enumerate(groups) if group.grouping in GROUPINGS]
    membership = ours.group[:, year]

    def total(values: Any) -> xr.DataArray:
        """Sums by draw and group."""
        sums = np.zeros((len(values), len(groups)))
        for d, of_draw in enumerate(np.asarray(values, dtype=np.float64)):
            sums[d, 0] = of_draw.sum()
            for grouping in membership[d]:
                inside = grouping >= 0
                sums[d] += np.bincount(grouping[inside], of_draw[inside], len(groups))
        return xr.DataArray(sums[:, kept], dims=(DRAW, "group"))

    people, losers_ = total(counts), total(losing)
    found = {
        "share_negative": share_of(total(penalty), people),
        "share_losing": share_of(losers_, people),
        "loss": ratio(total(np.where(losing, -change, 0.0)), losers_),
        "change": ratio(total(change), people),
    }
    of_group = {name: _pairs(one) for name, one in found.items()}
    number = people.mean(DRAW).values
    return [
        GroupRow(groups[k].label, float(number[at]), *(pairs[at] for pairs in of_group.values()))
        for at, k in enumerate(kept)
    ]


def _pairs(found: Linear) -> list[Estimated]:
    pairs = zip(found.mean.values, found.mcse.values, strict=True)
    return [Estimated(float(value), float(error)) for value, error in pairs]


def edges_of(steps: Iterable[Step], cohort: str, year: int) -> Floats:
    """Edges of bins that hold the adjustments of several steps; 0 is one of them."""
    values = [step.cohorts[cohort].adjustment[:, year] for step in steps]
    low = min(0.0, *(float(one.min()) for one in values))
    high = max(0.0, *(float(one.max()) for one in values))
    width = max((high - low) / BINS, 1e-4)
    return width * np.arange(np.floor(low / width + 1e-9), np.ceil(high / width - 1e-9) + 2)


def distribution(step: Step, cohort: str, year: int, edges: Floats) -> Distribution:
    """How the adjustments of scored clinicians lie in a performance year (a position)."""
    of = step.cohorts[cohort]
    inside = np.isfinite(of.final_score[:, year])
    slack = SIGN_TOLERANCE * np.ones(len(edges))
    rows = [
        np.histogram(values[has], edges - slack)[0] / max(int(has.sum()), 1)
        for values, has in zip(of.adjustment[:, year], inside, strict=True)
    ]
    found = moments(np.array(rows))
    return Distribution(edges, found.mean, found.error)


def in_words(row: Row) -> str:
    """A number for whoever does not see the page: ``with a penalty 58.1 ±0.2 %``."""
    return f"{row.label} {row.texts()[0]}"
