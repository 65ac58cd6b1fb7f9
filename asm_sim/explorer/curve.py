"""What a final score is worth: the exchange curve of every draw, and the score that breaks even.

The curve is what the payment step makes of stated final scores against the fits of the draws; see
:mod:`asm_sim.score.final_scores`. 42 CFR 512.750(c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asm_sim.explorer.answers import Estimated
from asm_sim.explorer.steps import CohortDraws, Step
from asm_sim.kernels.rule.cohort import score
from asm_sim.kernels.rule.fit import Fit
from asm_sim.kernels.rule.law import CohortRules
from asm_sim.results.moments import mean_and_error, moments
from asm_sim.score.final_scores import FINAL_SCORE, passing_on, scores_as_observed
from asm_sim.studies.panel import SIGN_TOLERANCE

Floats = NDArray[np.float64]

POINTS = 101
_PARTS = 64  # into which each round of the search for the break-even score cuts what is left
_ROUNDS = 7  # then less than 1e-9 points are left


@dataclass(frozen=True)
class ExchangeCurve:
    """Adjustment by final score, mean over draws with its error; fractions of Part B payments.

    ``break_even`` is the lowest final score that has no penalty, of those draws in which there is
    one, and ``breaks_even`` in how many that is; ``median`` is that of the scores above zero.
    """

    scores: Floats  # [S] points
    adjustment: Floats  # [S]
    error: Floats  # [S]
    break_even: Estimated
    breaks_even: int
    median: Estimated


def exchange_curve(step: Step, cohort: str, year: int, peers: int = 0) -> ExchangeCurve:
    """The curve of a cohort, or of a group of peers in it, in a performance year (a position)."""
    of = step.cohorts[cohort]
    scores = np.linspace(0.0, of.rules[0].score_maximum, POINTS)
    worth = adjustments_at(of, year, scores, peers)
    found = moments(worth)
    even = break_even(of, year, peers)
    medians = of.medians(peers)[:, year]
    return ExchangeCurve(
        scores, found.mean, found.error, Estimated(*mean_and_error(even)),
        int(np.isfinite(even).sum()), Estimated(*mean_and_error(medians)),
    )  # fmt: skip


def adjustments_at(of: CohortDraws, year: int, scores: Floats, peers: int = 0) -> Floats:
    """What each draw pays for final scores [S], as fractions of Part B payments [D, S].

    nan in the draws in which the group of peers has nobody.
    """
    return np.array(
        [
            _Payment(rules, year, len(scores)).of(fit, scores)
            if fit is not None
            else np.full(len(scores), np.nan)
            for rules, fit in _draws(of, year, peers)
        ]
    )


def break_even(of: CohortDraws, year: int, peers: int = 0) -> Floats:
    """The lowest final score of each draw from which on nobody has a penalty; nan where none has.

    That of the exchange function, whatever is rounded, capped or in a neutral band.
    """
    return np.array(
        [
            _break_even(_Payment(_bare(rules), year, _PARTS + 1), fit)
            if fit is not None
            else np.nan
            for rules, fit in _draws(of, year, peers)
        ]
    )


def _draws(of: CohortDraws, year: int, peers: int) -> Iterator[tuple[CohortRules, Fit | None]]:
    """The rule of each draw, and the fit of a group of peers in it."""
    for rules, fits in zip(of.rules, of.fits, strict=True):
        yield rules, fits[year].get(peers)


def _break_even(payment: _Payment, fit: Fit) -> float:
    low, high = payment.rules.score_zero, payment.rules.score_maximum
    if np.isnan(fit.scaling_factor):
        return float("nan")
    for _ in range(_ROUNDS):
        cuts = np.linspace(low, high, _PARTS + 1)
        loses = np.flatnonzero(payment.of(fit, cuts) < -SIGN_TOLERANCE)
        if not loses.size:
            return low
        if loses[-1] == _PARTS:
            return float("nan")
        low, high = float(cuts[loses[-1]]), float(cuts[loses[-1] + 1])
    return high


def _bare(rules: CohortRules) -> CohortRules:
    year = rules.year.copy()
    year["neutral_band"], year["cap"] = 0.0, np.inf
    return rules._replace(year=year, adjustment_steps=0.0, score_steps=0.0)


class _Payment:
    """The payment step alone, of so many clinicians who weigh nothing in the fit."""

    def __init__(self, rules: CohortRules, year: int, clinicians: int) -> None:
        nothing = np.zeros(clinicians)
        columns = {FINAL_SCORE: nothing, "part_b_payments": nothing, "episodes": nothing}
        self.rules, self.year = passing_on(rules), year
        self._seen = scores_as_observed(pd.DataFrame(columns), rules, year)

    def of(self, fit: Fit, scores: Floats) -> Floats:
        against = fit._replace(cost_location=np.array([0.0, 1.0]))
        seen = self._seen._replace(episode_cost=scores)
        return np.asarray(score(seen, self.rules, self.year, against).payment_adjustment_factor)
