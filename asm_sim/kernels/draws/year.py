"""One year of a cohort: it is lived, then it is settled.

Whatever makes a draw goes through here, so that a lever of the world hooks in once: the simulation
and the tables of a draw live and settle their years in the same way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel, stage
from asm_sim.kernels.rule.cohort import score_year
from asm_sim.kernels.rule.final_score import ADJUSTED
from asm_sim.kernels.rule.fit import begin_year
from asm_sim.kernels.rule.pooling import pool_practices, pools
from asm_sim.kernels.world.behaviour import choose_collection, draw_choosers, practices_know
from asm_sim.kernels.world.geography import draw_areas
from asm_sim.kernels.world.participation import adjust_nothing, observe_nothing
from asm_sim.kernels.world.practices import consolidate, draw_practices
from asm_sim.kernels.world.reporting import report_and_attest
from asm_sim.kernels.world.traits import draw_traits
from asm_sim.kernels.world.year import draw_paid, draw_year


class Address(NamedTuple):
    """Where the variates of a draw are found."""

    seed: NDArray[np.uint64]  # [2] low and high word
    population: int  # who the clinicians are and how they truly perform
    measurement: int  # which episodes, cases and reporting accidents they have
    selection: int  # which areas are drawn
    measured: bool  # false: the true rates and costs are observed


@stage
def begin_cohort(practice_model, model, address, practices, clinicians, observed):
    """Everything that is drawn once for all years."""
    seed, population = address.seed, address.population
    draw_practices(practice_model, seed, population, practices)
    draw_areas(model, seed, address.selection, clinicians.areas)
    draw_traits(model, seed, population, practices, clinicians, observed)
    draw_choosers(practice_model, model, seed, population, practices, clinicians)


@stage
def live_year(
    practice_model, model, rules, address, y, fit, practices, clinicians, observed, scratch
):
    """Who takes part in year y and where, how they perform, what CMS observes and what is paid.

    ``fit`` is that of the year before, where practices choose by it how they report.
    """
    seed, population, measurement = address.seed, address.population, address.measurement
    practices_know(practice_model, model, y, clinicians, practices)
    consolidate(practice_model, seed, population, y, practices)
    report_and_attest(practice_model, seed, measurement, y, practices)
    choose_collection(model, rules, y, fit, practices, clinicians, scratch)
    draw_year(
        model, seed, population, measurement, address.measured, y, practices, clinicians, observed
    )
    draw_paid(model, y, clinicians)


@stage
def settle_year(
    model, rules, y, fit, earlier, refit_complexity, clinicians, observed, shown, outcome, scratch,
    practices, peers,
):  # fmt: skip
    """Score a year and adjust for it; how many have a final score is left in ``scratch``.

    ``shown`` is room for what is scored where practices are pooled, else ``observed`` itself;
    ``practices`` is room to pool them, ``peers`` that for groups of peers. ``refit_complexity``
    says when the moments of the patients' traits are made (final_score.py): they stay as they are
    while everyone has a score.
    """
    begin_year(rules, earlier)
    if pools(rules):
        same_reports = refit_complexity == ADJUSTED
        pool_practices(observed, clinicians.practice, rules, same_reports, shown, practices)
        if model.participation.absences:
            observe_nothing(clinicians.present, shown)
    score_year(
        shown, clinicians.specialty, rules, y, fit, earlier, refit_complexity, outcome, scratch,
        peers,
    )  # fmt: skip
    if model.participation.absences:
        adjust_nothing(clinicians.present, outcome.payment_adjustment_factor)


@kernel
def hide_unreported(observed, clinicians):
    """What is not reported is not scored on the truth either."""
    for m in range(len(observed.rate)):
        observed_rate, true_rate = observed.rate[m], clinicians.true_rate[m]
        for i in range(len(true_rate)):
            true_rate[i] = true_rate[i] if observed_rate[i] == observed_rate[i] else np.nan
