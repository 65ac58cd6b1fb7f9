"""One cohort-year through the whole rule: fit, score, or both."""

from __future__ import annotations

from typing import Any

import numpy as np

from asm_sim.kernels._jit import entry, kernel
from asm_sim.kernels.cost import score_cost
from asm_sim.kernels.final_score import score_final
from asm_sim.kernels.fit import (
    Earlier,
    Fit,
    Observed,
    Outcome,
    begin_year,
    new_earlier,
    new_fit,
    new_outcome,
    new_scratch,
)
from asm_sim.kernels.payment import adjust_scores, score_payment
from asm_sim.kernels.quality import score_quality

__all__ = ["Earlier", "Fit", "Observed", "Outcome", "fit_and_score", "nothing_earlier", "score"]


@kernel
def score_cohort(observed, rules, y, fit, earlier, refit, refit_complexity, outcome, scratch):
    """All steps of the rule for performance year index y.

    ``refit`` makes every part of the fit from this cohort before it is applied; the complex-patient
    moments have a switch of their own, since they often stay as they were. ``earlier`` is what the
    years before have left, of the same clinicians, and takes up what this year leaves.
    """
    score_quality(observed, rules, y, fit, refit, outcome, scratch)
    score_cost(observed, rules, y, fit, refit, outcome, scratch)
    score_final(observed, rules, y, fit, refit_complexity, outcome, scratch)
    score_payment(observed, rules, y, fit, refit, outcome, scratch)


@kernel
def final_scores_against(observed, rules, y, fit, outcome, scratch):
    """Final scores against a fit in which these clinicians weigh nothing."""
    score_quality(observed, rules, y, fit, False, outcome, scratch)
    score_cost(observed, rules, y, fit, False, outcome, scratch)
    score_final(observed, rules, y, fit, False, outcome, scratch)


@kernel
def score_against(observed, rules, y, fit, outcome, scratch):
    """The same and their adjustment factors; unlike ``score_cohort`` it leaves no order behind."""
    final_scores_against(observed, rules, y, fit, outcome, scratch)
    adjust_scores(rules, y, fit, outcome)


@entry
def _nothing_earlier(rules, measures, n):
    return new_earlier(rules, measures, n)


@entry
def _fit_and_score(observed, rules, y, earlier):
    measures, n = observed.rate.shape
    fit = new_fit(rules, measures, n)
    outcome = new_outcome(measures, n)
    begin_year(earlier)
    score_cohort(
        observed,
        rules,
        y,
        fit,
        earlier,
        True,
        True,
        outcome,
        new_scratch(measures, n, len(rules.decile_percentiles)),
    )
    return outcome, fit


@entry
def _score(observed, rules, y, fit):
    measures, n = observed.rate.shape
    outcome = new_outcome(measures, n)
    score_cohort(
        observed,
        rules,
        y,
        fit,
        new_earlier(rules, measures, n),
        False,
        False,
        outcome,
        new_scratch(measures, n, len(rules.decile_percentiles)),
    )
    return outcome


def nothing_earlier(rules: Any, measures: int, clinicians: int) -> Earlier:
    """The state before the first performance year, for :func:`fit_and_score`."""
    return Earlier(*_nothing_earlier(rules, measures, clinicians))


def fit_and_score(
    observed: Observed, rules: Any, year_index: int, earlier: Earlier | None = None
) -> tuple[Outcome, Fit]:
    """The ordinary rule: the cohort-year scored against its own fit.

    ``rules`` is the cohort's :class:`asm_sim.rules.compile.CohortRules`; ``year_index`` counts the
    performance years of the rule set from 0. Inputs must have been checked. ``earlier`` holds what
    the years before have left, of the same clinicians in the same order, and takes up what this
    year leaves; without it this is the first year.
    """
    if earlier is None:
        earlier = nothing_earlier(rules, *observed.rate.shape)
    outcome, fit = _fit_and_score(contiguous(observed), rules, year_index, earlier)
    return Outcome(*outcome), Fit(*fit)


def score(observed: Observed, rules: Any, year_index: int, fit: Fit) -> Outcome:
    """Clinicians scored against a fit in which they weigh nothing."""
    return Outcome(*_score(contiguous(observed), rules, year_index, fit))


def contiguous(observed: Observed) -> Observed:
    arrays: list[Any] = [
        np.ascontiguousarray(array, np.int8 if name == "collection" else np.float64)
        for name, array in zip(Observed._fields, observed, strict=True)
    ]
    return Observed(*arrays)
