"""Where the time of a draw goes, stage by stage: ``python -m tests.bench --ablation-only``.

The stages of exported draws are played one after the other, by the package's own kernels and with
the results of ``simulate_cohort``, and the clock is read between them. Parts of a stage are timed
in every other draw, just before the stage. So nothing is timed on data that the branch predictor
has seen, and all is held against the whole kernel on the same draws in the same repetition: what
the stages do not explain is a row of its own. Time is the thread's processor time.
"""

from __future__ import annotations

import time
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._reference import by_reference, keep
from asm_sim.kernels.draws.by_group import mark_groups, summarise_groups
from asm_sim.kernels.draws.comparisons import compare_with_truth, compare_with_year_before
from asm_sim.kernels.draws.counts import count_year, empty_tallies, end_draw, new_tallies
from asm_sim.kernels.draws.draw import observe_cohort
from asm_sim.kernels.draws.output import Output
from asm_sim.kernels.draws.summaries import (
    begin_draw,
    end_year,
    new_memory,
    rank_scores,
    row_of,
    summarise_year,
)
from asm_sim.kernels.rule.cost import score_cost
from asm_sim.kernels.rule.final_score import (
    ADJUSTED,
    ALWAYS,
    IF_SOME_UNSCORED,
    round_scores,
    score_final,
)
from asm_sim.kernels.rule.fit import new_fit, new_scratch
from asm_sim.kernels.rule.observed import (
    Observed,
    new_observed,
    new_outcome,
    with_adjustments,
    with_results,
)
from asm_sim.kernels.rule.payment import order_positive, score_payment
from asm_sim.kernels.rule.quality import classify, score_quality
from asm_sim.kernels.world.performance import (
    cost_at,
    latent_rate,
    rate_at,
    sample_cost,
    shared_quality,
)
from asm_sim.kernels.world.traits import latent_processes, new_clinicians
from tests.bench.checks import Part
from tests.bench.compiled import entry, lap, new_clock, start
from tests.bench.model import GRIDS, SEED, Cohort, cohorts, new_output, simulate_into
from tests.bench.variates_floor import ALL, BINOMIAL, NORMAL, POISSON, make_variates, needs

DRAWS = 20  # of each cohort in a repetition, half of them with the parts
WHOLE = "The whole kernel without truth lens"
HISTOGRAMS = ("adjustment_histogram", "score_histogram", "dollars_histogram")
OF_LEVERS = ("programme_spending", "aco_")  # not played


class Stage(IntEnum):
    """What is timed: stages, which follow one another, then parts of them."""

    TABLE = 0
    COSTS = 1
    QUALITY = 2
    COST = 3
    SCORE = 4
    PAYMENT = 5
    RANKS = 6
    SUMMARY = 7
    HISTOGRAMS = 8
    CLASSIFY = 9
    POINTS = 10
    ORDER = 11
    GROUPS = 12


FIRST_PART = Stage.CLASSIFY
TRUTH = 2  # the row of the truth in what is spent; 0 and 1 are draws without and with the parts


class Draw(NamedTuple):
    """What is observed and true in the Y years of one draw, years first."""

    observed: Observed
    true_rate: NDArray[np.float64]  # [Y, M, n]
    true_cost: NDArray[np.float64]  # [Y, n]
    part_b_later: NDArray[np.float64]  # [Y, n]
    paid: NDArray[np.float64]  # [Y, n]
    group: NDArray[np.int16]  # [Y, groupings, n]
    present: NDArray[np.bool_]  # [Y, n]


def exported(cohort: Cohort, draw: int) -> Draw:
    years = observe_cohort(
        cohort.rules, cohort.practices, cohort.model, SEED, draw, draw, draw, True
    )
    observed = Observed(
        *(np.array(rows) for rows in zip(*(y.observed for y in years), strict=True))
    )
    others = ([getattr(year, name) for year in years] for name in Draw._fields[1:])
    return Draw(observed, *(np.array(rows) for rows in others))


@entry
def play_world(model, draw, normals, clock, spent):  # type: ignore[no-untyped-def]
    """From latent performance to true and observed costs and true rates; ``normals`` [., n]."""
    model = by_reference(model)
    own = new_clinicians(model, latent_processes(model))
    clinicians = by_reference(own)
    latent = len(clinicians.permanent)
    clinicians.permanent[:] = normals[:latent]
    clinicians.changing[:] = normals[latent : 2 * latent]
    clinicians.quality[:] = normals[2 * latent]
    rows = clinicians.rows
    for y in range(model.performance_years):
        start(clock)
        shared_quality(model, y, clinicians)
        for m in range(len(model.quality.slot)):
            latent_rate(model, m, clinicians, rows[0])
            rate_at(
                model, m, y, draw.observed.collection[y, m], rows[0], clinicians.segment,
                clinicians.true_rate[m],
            )  # fmt: skip
        lap(clock, spent, Stage.TABLE)
        cost_at(model, y, clinicians.quality, clinicians.true_cost)
        sample_cost(model, rows[0], draw.observed.episodes[y], clinicians.true_cost, rows[1])
        lap(clock, spent, Stage.COSTS)
    keep(own)


@entry
def play(rules, grids, draw, d, clock, spent, output):  # type: ignore[no-untyped-def]
    """Score and summarise the years of one draw as draw d of ``output``.

    ``spent`` int64 [3, stages] is what is spent on draws at even and at odd positions, and on the
    truth.
    """
    years, measures, n = draw.true_rate.shape
    rules, output = by_reference(rules), by_reference(output)  # as they are in a draw
    own_observed, own_true = new_observed(measures, n), new_observed(measures, n)
    own_fit, own_true_fit = new_fit(rules, measures, n), new_fit(rules, measures, n)
    own_outcome, own_truth = new_outcome(measures, n), new_outcome(measures, n)
    own_scratch, own_memory = new_scratch(measures, n), new_memory(n, output.by_group.shape[2])
    own_tallies = new_tallies(grids, years, output.by_group.shape[2])
    observed, truth = by_reference(own_observed), by_reference(own_true)
    true_observed = by_reference(
        with_results(observed, truth.rate, observed.collection, truth.episode_cost)
    )
    fits = (by_reference(own_fit), by_reference(own_true_fit))
    fits[1].shrinks[0] = False
    outcome = by_reference(own_outcome)
    outcomes = (outcome, by_reference(with_adjustments(by_reference(own_truth), outcome)))
    scratch, memory = by_reference(own_scratch), by_reference(own_memory)
    tallies = by_reference(own_tallies)
    begin_draw(memory)
    scored_before = among = 0
    for y in range(years):
        observed.collection[:] = draw.observed.collection[y]
        for values, into in zip(draw.observed[:3], observed[:3]):  # noqa: B905 (unknown to numba)
            into[:] = values[y]
        for values, into in zip(draw.observed[4:], observed[4:]):  # noqa: B905
            into[:] = values[y]
        truth.rate[:], truth.episode_cost[:] = draw.true_rate[y], draw.true_cost[y]
        paid, group, present = draw.paid[y], draw.group[y], draw.present[y]
        row = output.yearly[d, y]
        for lens in range(2):
            of_truth = lens == 1
            seen = true_observed if of_truth else observed
            fit, outcome = fits[lens], outcomes[lens]
            ranks, fifths = memory.rank[row_of(y)], memory.fifth[row_of(y)]
            timed = spent[TRUTH if of_truth else d % 2]
            with_parts = d % 2 == 1 and not of_truth
            refit = ALWAYS if y == 0 or scored_before < n else IF_SOME_UNSCORED
            if of_truth:
                refit = ADJUSTED
                fit.complexity[:] = fits[0].complexity
                ranks, fifths = memory.rank_true, memory.fifth_true
            start(clock)
            if not of_truth:
                classify(seen, rules, y, scratch)
            if with_parts:
                lap(clock, timed, Stage.CLASSIFY)
                # against the benchmarks of the year before, which give about the same points
                score_quality(seen, rules, y, fit, False, outcome, scratch)
                lap(clock, timed, Stage.POINTS)
            score_quality(seen, rules, y, fit, True, outcome, scratch)
            lap(clock, timed, Stage.QUALITY)
            score_cost(seen, rules, y, fit, True, outcome, scratch)
            lap(clock, timed, Stage.COST)
            score_final(seen, rules, y, fit, refit, outcome, scratch)
            round_scores(rules, outcome.final_score)
            lap(clock, timed, Stage.SCORE)
            if with_parts:
                order_positive(outcome.final_score, rules, scratch)
                lap(clock, timed, Stage.ORDER)
            score_payment(seen, rules, y, fit, True, outcome, scratch)
            lap(clock, timed, Stage.PAYMENT)
            scored = scratch.counts[0].scored
            among = among if of_truth else scored
            rank_scores(outcome.final_score, rules.score_zero, among, scratch, ranks, fifths)
            if of_truth:
                compare_with_truth(y, outcomes[0], outcome, memory, row)
                lap(clock, timed, Stage.RANKS)
                continue
            lap(clock, timed, Stage.RANKS)
            if y == 0:
                mark_groups(group, memory.marks)
            if with_parts:
                summarise_groups(
                    rules, y, outcome, seen.part_b_payments, group, present, scratch, memory,
                    output.by_group[d, y], row,
                )  # fmt: skip
                lap(clock, timed, Stage.GROUPS)
            summarise_year(
                rules, y, grids, seen, fit, outcome, draw.part_b_later[y], paid, group, present,
                scratch, memory, d, output,
            )  # fmt: skip
            lap(clock, timed, Stage.SUMMARY)
            compare_with_year_before(y, outcome, memory, row)
            lap(clock, timed, Stage.RANKS)
            count_year(y, grids, outcome, paid, present, memory, tallies, output)
            lap(clock, timed, Stage.HISTOGRAMS)
            scored_before = scored
        start(clock)
        end_year(outcomes[0], memory)
        lap(clock, spent[d % 2], Stage.RANKS)
    end_draw(draw.group[0], draw.present[0], memory, d, output)
    lap(clock, spent[d % 2], Stage.HISTOGRAMS)
    empty_tallies(tallies, output)
    keep(own_observed)
    keep(own_true)
    keep(own_fit)
    keep(own_true_fit)
    keep(own_outcome)
    keep(own_truth)
    keep(own_scratch)
    keep(own_memory)
    keep(own_tallies)


def play_draws(cohort: Cohort, first: int, draws: int, output: Output) -> NDArray[np.int64]:
    """Nanoseconds [3, stages] as :func:`play` tells them, for an even number of draws."""
    spent = np.zeros((3, len(Stage)), np.int64)
    rng, clock = np.random.default_rng(first), new_clock()
    for d in range(draws):
        draw = exported(cohort, first + d)
        normals = rng.standard_normal((2 * _ROWS + 1, cohort.size))
        play_world(cohort.model, draw, normals, clock, spent[d % 2])
        play(cohort.rules, GRIDS, draw, d, clock, spent, output)
    return spent


_ROWS = 16  # more than there are latent processes


def measure(repetitions: int) -> Part:
    """The table."""
    parts = [(cohort, needs(cohort)) for cohort in cohorts()]
    cohort, need = parts[0]
    begun = time.process_time()
    make_variates(need, SEED, 0, 1, ALL)
    played = new_output(cohort, 2)
    play_draws(cohort, 0, 2, played)
    compiled = time.process_time() - begun
    _refuse_another_result(played, cohort)
    tables = [_repeat(parts, repetition * DRAWS) for repetition in range(repetitions)]
    whole = float(np.median([table[WHOLE] for table in tables]))
    part = Part(
        "Where the time of a draw goes: ns per clinician-year on one thread, share of the kernel",
        [f"(compiling or loading the ablation itself: {compiled:.1f} s of processor time)"],
    )
    for name in tables[0]:
        low, middle, high = np.percentile([table[name] for table in tables], [25, 50, 75])
        spread = f"({low:.1f} to {high:.1f})"
        part.lines.append(f"{name:<52}{middle:9.1f}  {spread:<20}{100 * middle / whole:6.1f} %")
    return part


def _repeat(parts: list[tuple[Cohort, Any]], first: int) -> dict[str, float]:
    """One repetition: nanoseconds per clinician-year, by row of the table."""
    spent = np.zeros((3, len(Stage)))
    seconds = dict.fromkeys(("normal", "binomial", "poisson", "whole", "with truth"), 0.0)
    for cohort, need in parts:
        seconds["whole"] += _whole(cohort, first, False)
        for name, kind in (("normal", NORMAL), ("binomial", BINOMIAL), ("poisson", POISSON)):
            begun = time.thread_time()
            make_variates(need, SEED, first, DRAWS, kind)
            seconds[name] += time.thread_time() - begun
        spent += play_draws(cohort, first, DRAWS, new_output(cohort, DRAWS))
        seconds["with truth"] += _whole(cohort, first, True)
    years = DRAWS * sum(cohort.clinician_years for cohort, _ in parts)
    once = spent.sum(axis=0, where=np.arange(3)[:, None] < TRUTH) / years  # in all draws
    stages = np.where(np.arange(len(Stage)) < FIRST_PART, spent[0], spent[1]) / (years / 2)
    of = dict(zip(Stage, stages, strict=True))
    of[Stage.TABLE], of[Stage.COSTS] = once[Stage.TABLE], once[Stage.COSTS]
    ns = {name: 1e9 * value / years for name, value in seconds.items()}
    table = {
        "Variates: words, uniforms, normals": ns["normal"],
        "Binomial counts of normals": ns["binomial"] - ns["normal"],
        "Poisson counts of normals": ns["poisson"] - ns["normal"],
        "Table: latent quality to true rates": of[Stage.TABLE],
        "Costs: true, and of so many episodes": of[Stage.COSTS],
        "Quality: what counts": of[Stage.CLASSIFY],
        "Select: percentiles and moments of measures": of[Stage.QUALITY]
        - of[Stage.CLASSIFY]
        - of[Stage.POINTS],
        "Points: gathering, curve, scattering, sums": of[Stage.POINTS],
        "Cost: median, moments, points": of[Stage.COST],
        "Score: modifiers, complexity, final score": of[Stage.SCORE],
        "Order of the final scores": of[Stage.ORDER],
        "Payment: logistic, scaling, factors": of[Stage.PAYMENT] - of[Stage.ORDER],
        "Ranks, year over year": of[Stage.RANKS],
        "Groups": of[Stage.GROUPS],
        "Levels, quantiles, curve": of[Stage.SUMMARY] - of[Stage.GROUPS],
        "Histograms, penalty years": of[Stage.HISTOGRAMS],
    }
    table["Not explained by these: traits, processes, practices"] = ns["whole"] - sum(
        table.values()
    )
    table[WHOLE] = ns["whole"]
    table["Truth lens: scoring, ranks, comparison"] = spent[TRUTH].sum() / years
    table["The same, as the whole kernel with and without"] = ns["with truth"] - ns["whole"]
    return table


def _whole(cohort: Cohort, first: int, truth: bool) -> float:
    """Seconds of the shipped kernel for the same draws."""
    output = new_output(cohort, DRAWS)
    begun = time.thread_time()
    simulate_into(output, cohort, np.arange(first, first + DRAWS), truth)
    return time.thread_time() - begun


def _refuse_another_result(played: Output, cohort: Cohort) -> None:
    """What is played is the kernel's own work, to the bit."""
    whole = new_output(cohort, len(played.yearly))
    simulate_into(whole, cohort, np.arange(len(played.yearly)), truth=True)
    for record in ("yearly", "by_group"):
        mine, kernels = getattr(played, record), getattr(whole, record)
        for name in kernels.dtype.names:
            if not name.startswith(OF_LEVERS):
                np.testing.assert_array_equal(mine[name], kernels[name], name)
    for name in ("quantile", "curve", "transition", "penalty_years", *HISTOGRAMS):
        np.testing.assert_array_equal(getattr(played, name), getattr(whole, name), name)
