"""A draw scored by a rule, year by year, as the simulation scores it.

Whom a rule compares in smaller circles is scored group by group, where practices are scored as a
whole their results are pooled first, and where years are averaged the scores of the years before
go into a year's: 42 CFR 512.725 to 512.750, and the alternatives to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.choices import Peers, ScoringLevel
from asm_sim.kernels.draws.draw import ObservedYear
from asm_sim.kernels.rule.cohort import fit_and_score, nothing_earlier
from asm_sim.kernels.rule.fit import Earlier, Fit
from asm_sim.kernels.rule.law import CohortRules
from asm_sim.kernels.rule.observed import Observed, Outcome

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class ScoredYear:
    """A cohort of n clinicians in one performance year of a draw.

    ``own_score`` [n] are the final scores of the year by itself (nan where no years are averaged),
    ``group`` [n] whose peers a clinician is, and ``fits`` those of each group that has a member.
    """

    outcome: Outcome
    own_score: Floats
    group: Whole
    fits: dict[int, Fit]


def scored_years(years: list[ObservedYear], rules: CohortRules) -> list[ScoredYear]:
    """Every year of a draw, scored by a rule."""
    measures, n = years[0].observed.rate.shape
    earlier = nothing_earlier(rules, measures, n)
    found = []
    for y, year in enumerate(years):
        scored = _scored(year, rules, y, earlier)
        earlier.own_score[:] = np.stack([scored.own_score, *earlier.own_score[:2]])
        found.append(scored)
    return found


def groups_of(rules: CohortRules, specialty: NDArray[Any], practice_size: Floats) -> Whole:
    """Whose peers clinicians are, numbers from 0; a ``specialty`` is a position in the cohort's."""
    if rules.peers == Peers.SPECIALTY:
        return np.asarray(specialty, np.int64)
    if rules.peers == Peers.PRACTICE_SIZE:
        with np.errstate(invalid="ignore"):
            above = practice_size[:, None] > rules.peer_size_limits
        return np.asarray(above.sum(axis=1), np.int64)
    return np.zeros(len(practice_size), np.int64)


def pools(rules: CohortRules) -> bool:
    """Whether practices, all or the small ones, are scored as a whole."""
    alone = ScoringLevel.CLINICIAN
    return rules.quality_level != alone or rules.cost_level != alone


def rows_of(observed: Observed, rows: Whole) -> Observed:
    """Some of the clinicians of a cohort-year."""
    values: list[Any] = [of_all[..., rows] for of_all in observed]
    return Observed(*values)


def _scored(year: ObservedYear, rules: CohortRules, y: int, earlier: Earlier) -> ScoredYear:
    observed = year.observed
    measures, n = observed.rate.shape
    group = groups_of(rules, year.specialty, observed.practice_size)
    # Whoever is absent is observed as nothing, but would be given what the practice has.
    counts = year.present if pools(rules) else np.ones(n, dtype=np.bool_)
    outcome = Outcome(
        np.full((measures, n), np.nan), *np.full((len(Outcome._fields) - 1, n), np.nan)
    )
    own_score, fits = np.full(n, np.nan), {}
    for g in np.unique(group[counts]).tolist():
        rows = np.flatnonzero(counts & (group == g))
        before = earlier._replace(own_score=np.ascontiguousarray(earlier.own_score[:, rows]))
        seen = observed if len(rows) == n else rows_of(observed, rows)
        part, fits[g] = fit_and_score(seen, rules, y, before, year.practice[rows])
        own_score[rows] = before.own_score[0]
        if len(rows) == n:
            outcome = part
            continue
        for values, into in zip(part, outcome, strict=True):
            into[..., rows] = values
    return ScoredYear(outcome, own_score, group, fits)
