"""One draw of a cohort with what its rule takes from it: whom a probe is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asm_sim.engine.draw_table import observed_years
from asm_sim.engine.plan import CohortPlan, Plan
from asm_sim.engine.scored import ScoredYear, groups_of, rows_of, scored_years
from asm_sim.kernels.choices import MissingCategory
from asm_sim.kernels.draws.draw import ObservedYear
from asm_sim.kernels.rule.cohort import nothing_earlier, score
from asm_sim.kernels.rule.fit import Fit
from asm_sim.kernels.rule.law import CohortRules
from asm_sim.kernels.rule.observed import Observed, Outcome
from asm_sim.score.final_scores import FINAL_SCORE, passing_on, scores_as_observed

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# What a final score is added up from, in points; the last is what limits and rounding change.
PARTS = (
    "quality",
    "cost",
    "improvement_activities",
    "promoting_interoperability",
    "small_practice",
    "complex_patient",
    "limits",
)
MIDDLE = (
    45.0,
    55.0,
)  # percentiles of the final scores between which the median clinician is sought


class Seen(NamedTuple):
    """What is observed of n probes in a year of a draw, and what it takes to score them."""

    observed: Observed
    specialty: Whole  # [n] positions in the cohort's
    practice: Whole  # [n] numbers from 0
    paid: Floats  # [n] Part B of the payment year, USD

    def some(self, rows: Whole) -> Seen:
        """Some of the probes."""
        return Seen(
            rows_of(self.observed, rows), self.specialty[rows], self.practice[rows], self.paid[rows]
        )


class Fared(NamedTuple):
    """What comes out for n clinicians in a year of a draw.

    ``parts`` are what final scores are added up from (points [7, n], by :data:`PARTS`; nan without
    one), ``own_score`` and ``own_parts`` the same of the year by itself, before years are averaged
    and scores rounded.
    """

    final_score: Floats  # [n]; nan without one
    adjustment: Floats  # [n]
    points: Floats  # [M, n]
    parts: Floats
    own_score: Floats
    own_parts: Floats


class Middle(NamedTuple):
    """The middle of a group of peers: its median final score, and the means of those near it."""

    median: float
    parts: Floats  # [7]
    points: Floats  # [M]


@dataclass(frozen=True)
class CohortYear:
    """A cohort of N clinicians in one performance year of a draw, scored; ``parts`` as above."""

    seen: ObservedYear
    scored: ScoredYear
    rules: CohortRules
    y: int
    parts: Floats

    def fared(self, probes: Seen, before: Sequence[Fared] = ()) -> tuple[Fared, list[Middle]]:
        """How probes fare against the fits of their peers, and the middle of the peers of each.

        ``before`` is how they fared in the years before, the last one first.
        """
        group = groups_of(self.rules, probes.specialty, probes.observed.practice_size)
        measures, n = probes.observed.rate.shape
        found = Fared(
            np.full(n, np.nan), np.zeros(n), np.full((measures, n), np.nan),
            np.full((len(PARTS), n), np.nan), np.full(n, np.nan), np.full((len(PARTS), n), np.nan),
        )  # fmt: skip
        middles = {}
        for g in np.unique(group).tolist():
            middles[g] = self._middle(g)
            rows = np.flatnonzero(group == g)
            part = probes.some(rows)
            earlier = [Fared(*(values[..., rows] for values in year)) for year in before]
            for values, into in zip(self._fared(part, g, earlier), found, strict=True):
                into[..., rows] = values
        return found, [middles[g] for g in group.tolist()]

    def _fared(self, probes: Seen, g: int, before: list[Fared]) -> Fared:
        """Of probes of one group of peers."""
        rules, fit = self.rules, self._fit(g)
        alone = rules._replace(averaging_years=1)
        if rules.averaging_years > 1:
            alone = alone._replace(score_steps=0.0)
        outcome = score(probes.observed, alone, self.y, fit, probes.practice)
        own = outcome.final_score
        own_parts = parts_of(outcome, own, rules, self.y)
        if rules.averaging_years == 1:
            factor = outcome.payment_adjustment_factor
            return Fared(own, factor, outcome.points, own_parts, own, own_parts)
        mean = averaged(rules, [own, *(year.own_score for year in before)], own)
        paid = _paid(mean, probes.observed, rules, self.y, fit)
        parts = averaged(rules, [own_parts, *(year.own_parts for year in before)], own)
        parts[-1] += paid.final_score - mean
        factor = paid.payment_adjustment_factor
        return Fared(paid.final_score, factor, outcome.points, parts, own, own_parts)

    def _fit(self, g: int) -> Fit:
        """What a group of peers is compared with; nothing where nobody is in it."""
        measures = len(self.seen.observed.rate)
        found = self.scored.fits.get(g)
        return nothing_earlier(self.rules, measures, 0).standard if found is None else found

    def _middle(self, g: int) -> Middle:
        members = self.scored.group == g
        final = np.where(members, self.scored.outcome.final_score, np.nan)
        middle = near_the_median(final, self.rules.score_zero)
        return Middle(
            self._fit(g).median_final_score,
            _means(self.parts[:, middle]),
            _means(self.scored.outcome.points[:, middle]),
        )


def near_the_median(final: Floats, zero: float) -> NDArray[np.bool_]:
    """Who has a final score near the median: the median clinician is their mean (bool[N])."""
    with np.errstate(invalid="ignore"):
        positive = final[final > zero]
        if not positive.size:
            return np.zeros(len(final), dtype=np.bool_)
        low, high = np.percentile(positive, MIDDLE)
        return np.asarray((final >= low) & (final <= high))


def parts_of(outcome: Outcome, final: Floats, rules: CohortRules, y: int) -> Floats:
    """What final scores of a year by itself are added up from, by :data:`PARTS` (points [7, n])."""
    of_year: Any = rules.year[y]
    quality, cost = outcome.quality_score, outcome.cost_score
    both = ~np.isnan(quality) & ~np.isnan(cost)
    reweighted = rules.missing_category == MissingCategory.REWEIGHT
    parts = [
        rules.score_scale
        * np.where(both | (not reweighted), of_year[f"weight_{name}"], 1.0)
        * np.nan_to_num(score)
        for name, score in (("quality", quality), ("cost", cost))
    ]
    parts += [getattr(outcome, f"{name}_adjustment") for name in PARTS[2:-1]]
    rest = final - np.sum(parts, axis=0)
    return np.where(np.isnan(final), np.nan, [*parts, rest])


def averaged(rules: CohortRules, years: list[Floats], own: Floats) -> Floats:
    """Means over the last performance years, this one first, of those that there are.

    nan where ``own``, the final score of the year by itself, is.
    """
    values = np.array(years[: rules.averaging_years])
    number = (~np.isnan(values)).sum(axis=0)
    mean = np.nansum(values, axis=0) / np.where(number > 0, number, np.nan)
    return np.where(np.isnan(own), np.nan, mean)


def cohort_years(plan: Plan, cohort: CohortPlan, draw: int) -> list[CohortYear]:
    """The years of a cohort in a draw, each scored by its rule, as the simulation scores it."""
    own = plan.of_draw(cohort, draw)
    seen = observed_years(plan, own, draw)
    result = []
    before: list[tuple[Floats, Floats]] = []  # scores and parts of the years by themselves
    for y, (year, scored) in enumerate(zip(seen, scored_years(seen, own.rules), strict=True)):
        final = scored.outcome.final_score
        alone = scored.own_score if own.rules.averaging_years > 1 else final
        parts = own_parts = parts_of(scored.outcome, alone, own.rules, y)
        before.insert(0, (alone, own_parts))
        if own.rules.averaging_years > 1:
            scores, every = (list(values) for values in zip(*before, strict=True))
            parts = averaged(own.rules, every, alone)
            parts[-1] += final - averaged(own.rules, scores, alone)
        result.append(CohortYear(year, scored, own.rules, y, parts))
    return result


def _paid(final: Floats, observed: Observed, rules: CohortRules, y: int, fit: Fit) -> Outcome:
    """The payment step alone, against a fit in which these final scores weigh nothing."""
    columns = {
        FINAL_SCORE: final,
        "part_b_payments": observed.part_b_payments,
        "episodes": observed.episodes,
    }
    seen = scores_as_observed(pd.DataFrame(columns), rules, y)
    against = fit._replace(cost_location=np.array([0.0, 1.0]))
    return score(seen, passing_on(rules), y, against)


def _means(values: Floats) -> Floats:
    """Means of rows over what is not nan; nan of nothing."""
    number = (~np.isnan(values)).sum(axis=1)
    return np.asarray(np.nansum(values, axis=1) / np.where(number > 0, number, np.nan))
