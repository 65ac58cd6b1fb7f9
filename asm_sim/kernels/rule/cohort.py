"""One cohort-year through the whole rule: fit, score, or both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import entry, kernel
from asm_sim.kernels._reference import by_reference, keep
from asm_sim.kernels.choices import ExchangeForm, Peers
from asm_sim.kernels.rule.benchmarks import score_categories
from asm_sim.kernels.rule.cost import score_cost
from asm_sim.kernels.rule.final_score import (
    ADJUSTED,
    ALWAYS,
    NEVER,
    average_years,
    round_scores,
    score_final,
)
from asm_sim.kernels.rule.fit import (
    Earlier,
    Fit,
    begin_year,
    new_earlier,
    new_fit,
    new_scratch,
    no_payment,
)
from asm_sim.kernels.rule.observed import (
    Observed,
    Outcome,
    block_of,
    gather_results,
    gather_rows,
    new_observed,
    new_outcome,
    observed_of,
    outcome_of,
    scatter,
)
from asm_sim.kernels.rule.payment import adjust_scores, order_positive, score_payment
from asm_sim.kernels.rule.peers import earlier_of, group_peers, scratch_of
from asm_sim.kernels.rule.pooling import new_pool_room, pool_practices, pools, with_pooled
from asm_sim.kernels.rule.quality import classify, score_quality


@kernel
def score_cohort(observed, rules, y, fit, earlier, refit, refit_complexity, outcome, scratch):
    """All steps of the rule for performance year index y.

    ``refit`` makes every part of the fit from this cohort before it is applied; the complex-patient
    moments often stay as they were and have a switch of their own, see final_score.py. ``earlier``
    is what the years before have left, of the same clinicians, and takes up what this year leaves.
    """
    classified = refit_complexity == ADJUSTED
    score_categories(observed, rules, y, fit, earlier, refit, classified, outcome, scratch)
    score_final(observed, rules, y, fit, refit_complexity, outcome, scratch)
    if rules.averaging_years > 1:
        average_years(rules, earlier, outcome.final_score)
    round_scores(rules, outcome.final_score)
    score_payment(observed, rules, y, fit, refit, outcome, scratch)


@kernel
def score_year(
    observed, specialty, rules, y, fit, earlier, refit_complexity, outcome, scratch, room
):
    """The ordinary rule: every group of peers scored against its own fit.

    With groups within the cohort ``fit`` is none's: it holds the pools together, and no median and
    no scaling factor. ``room`` is that of the groups.
    """
    if rules.peers == Peers.CONDITION:
        score_cohort(observed, rules, y, fit, earlier, True, refit_complexity, outcome, scratch)
    else:
        _score_groups(
            observed, specialty, rules, y, fit, earlier, refit_complexity, outcome, scratch, room
        )


@kernel
def _score_groups(
    observed, specialty, rules, y, fit, earlier, refit_complexity, outcome, scratch, room
):
    """Several groups of peers, one after the other.

    The complex-patient moments of a group stay only where its members do. Final scores and payment
    adjustment factors come to ``outcome``; the rest is left in ``room``, and so is what the same
    clinicians have reported.
    """
    own = room.fit
    own.shrinks[0] = fit.shrinks[0]
    same_reports = refit_complexity == ADJUSTED
    if not (same_reports or group_peers(observed, specialty, rules, room)):
        refit_complexity = ALWAYS
    scored = end = 0
    pool = 0.0
    for g in range(len(room.ends)):
        begin, end = end, room.ends[g]
        if begin == end:
            continue
        members = room.members[begin:end]
        part = by_reference(observed_of(room.observed, begin, end))
        if same_reports:
            gather_results(observed, members, part)
        else:
            gather_rows(observed, members, part)
        own_score = block_of(room.own_score, begin, end)
        before = by_reference(earlier_of(earlier, rules, members, own_score))
        found = by_reference(outcome_of(room.outcome, begin, end))
        of_group = by_reference(scratch_of(scratch, begin, end))
        own.complexity[:] = room.complexity[g]
        score_cohort(part, rules, y, own, before, True, refit_complexity, found, of_group)
        room.complexity[g] = own.complexity
        scored += scratch.counts[0].scored
        pool += own.payment[0].pool
        scatter(found.final_score, members, outcome.final_score)
        scatter(found.payment_adjustment_factor, members, outcome.payment_adjustment_factor)
        if rules.averaging_years > 1:
            scatter(own_score[0], members, earlier.own_score[0])
    fit.payment[0] = no_payment()[0]
    fit.payment[0].scaling_factor = 1.0 if rules.exchange_form == ExchangeForm.THRESHOLD else np.nan
    fit.payment[0].pool = pool
    order_positive(outcome.final_score, rules, scratch)
    scratch.counts[0].scored = scored


@kernel
def final_scores_against(observed, rules, y, fit, outcome, scratch):
    """Final scores against a fit in which these clinicians weigh nothing.

    They are those of the year by itself, not rounded.
    """
    classify(observed, rules, y, scratch)
    score_quality(observed, rules, y, fit, False, outcome, scratch)
    score_cost(observed, rules, y, fit, False, outcome, scratch)
    score_final(observed, rules, y, fit, NEVER, outcome, scratch)


@kernel
def score_adjusted(observed, rules, y, fit, outcome, scratch):
    """The same, rounded, and their adjustment factors; it leaves no order behind.

    Needs what has been classified, and everyone's adjustments in the outcome (final_score.py).
    """
    score_quality(observed, rules, y, fit, False, outcome, scratch)
    score_cost(observed, rules, y, fit, False, outcome, scratch)
    score_final(observed, rules, y, fit, ADJUSTED, outcome, scratch)
    round_scores(rules, outcome.final_score)
    adjust_scores(observed, rules, y, fit, outcome)


@entry
def _nothing_earlier(rules, measures, n):
    return new_earlier(by_reference(rules), measures, n)


@kernel
def _as_scored(observed, practice, rules, pooled):
    """What is scored of each clinician: the practice's results where practices are pooled."""
    if not pools(rules):
        return observed
    practices = practice.max() + 1 if len(practice) > 0 else 0
    room = new_pool_room(rules, len(practice), practices)
    pool_practices(observed, practice, rules, False, pooled, by_reference(room))
    keep(room)
    return pooled


@entry
def _fit_and_score(observed, practice, rules, y, earlier):
    rules, observed = by_reference(rules), by_reference(observed)
    earlier = by_reference(earlier)
    measures, n = observed.rate.shape
    fit, outcome = new_fit(rules, measures, n), new_outcome(measures, n)
    scratch = new_scratch(measures, n)
    own = new_observed(measures, n if pools(rules) else 0)
    begin_year(rules, earlier)
    shown = _as_scored(observed, practice, rules, by_reference(with_pooled(observed, own)))
    score_cohort(
        shown, rules, y, by_reference(fit), earlier, True, ALWAYS, by_reference(outcome),
        by_reference(scratch),
    )  # fmt: skip
    keep(scratch)
    keep(own)
    return outcome, fit


@entry
def _score(observed, practice, rules, y, fit):
    rules, observed, fit = by_reference(rules), by_reference(observed), by_reference(fit)
    measures, n = observed.rate.shape
    outcome, earlier = new_outcome(measures, n), new_earlier(rules, measures, n)
    scratch = new_scratch(measures, n)
    own = new_observed(measures, n if pools(rules) else 0)
    shown = _as_scored(observed, practice, rules, by_reference(with_pooled(observed, own)))
    score_cohort(
        shown, rules, y, fit, by_reference(earlier), False, NEVER, by_reference(outcome),
        by_reference(scratch),
    )  # fmt: skip
    keep(earlier)
    keep(scratch)
    keep(own)
    return outcome


def nothing_earlier(rules: Any, measures: int, clinicians: int) -> Earlier:
    """The state before the first performance year, for :func:`fit_and_score`."""
    return Earlier(*_nothing_earlier(rules, measures, clinicians))


def fit_and_score(
    observed: Observed,
    rules: Any,
    year_index: int,
    earlier: Earlier | None = None,
    practice: NDArray[np.int64] | None = None,
) -> tuple[Outcome, Fit]:
    """The ordinary rule: one group of peers, mostly a cohort-year, scored against its own fit.

    ``rules`` is the cohort's :class:`asm_sim.kernels.rule.law.CohortRules`; ``year_index`` counts
    the performance years of the rule set from 0. Inputs must have been checked. ``earlier`` holds
    what the years before have left, of the same clinicians in the same order, and takes up what
    this year leaves; without it this is the first year. ``practice`` [n] are numbers from 0, needed
    where the rule scores practices as a whole.
    """
    measures, n = observed.rate.shape
    if earlier is None:
        earlier = nothing_earlier(rules, measures, n)
    outcome, fit = _fit_and_score(
        contiguous(observed), _numbers(practice, n), rules, year_index, earlier
    )
    return Outcome(*outcome), Fit(*fit)


def score(
    observed: Observed,
    rules: Any,
    year_index: int,
    fit: Fit,
    practice: NDArray[np.int64] | None = None,
) -> Outcome:
    """Clinicians scored against a fit in which they weigh nothing."""
    numbers = _numbers(practice, len(observed.episodes))
    return Outcome(*_score(contiguous(observed), numbers, rules, year_index, fit))


def _numbers(given: NDArray[np.int64] | None, n: int) -> NDArray[np.int64]:
    """Every clinician by itself, where nothing is given."""
    return np.arange(n) if given is None else np.ascontiguousarray(given, np.int64)


def contiguous(observed: Observed) -> Observed:
    """The same as arrays of the one kind that kernels are compiled for."""
    arrays: list[Any] = [
        np.require(array, np.int8 if name == "collection" else np.float64, ("C", "W"))
        for name, array in zip(Observed._fields, observed, strict=True)
    ]
    return Observed(*arrays)
