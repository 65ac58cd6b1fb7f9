"""How the clinicians of a table come out among simulated cohorts, draw by draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.against.cohort_draws import Fared, cohort_years
from asm_sim.against.known import Known, known_of
from asm_sim.against.source import plan_against
from asm_sim.engine.plan import CohortPlan, Plan
from asm_sim.engine.threads import thread_count
from asm_sim.errors import InputError, printable
from asm_sim.results.moments import Moments, moments
from asm_sim.scenario.schema import Scenario
from asm_sim.score.check import CheckedTable, check_table
from asm_sim.score.scoring import header_of
from asm_sim.tables.read import Source, read_table

Floats = NDArray[np.float64]
Report = Callable[[int, int], None]

MOST_RESULTS = (
    20_000_000  # clinicians times years times draws: what is kept of each is three numbers
)


class OfDraw(NamedTuple):
    """What comes out in one draw, by performance year."""

    final_score: Floats  # [Y, n]; nan without one
    adjustment: Floats  # [Y, n] fraction; 0 without a final score
    dollars: Floats  # [Y, n] USD
    parts: Floats  # [Y, 7, n] points of the final score, against those of the median clinician
    points: Floats  # [Y, M, n] 0-10 of each measure
    median_points: Floats  # [Y, M, n] of the median clinician of the peers of each
    median: Floats  # [Y, n] final score of the peers


class Values(NamedTuple):
    """What is kept of every clinician in every draw and year, float64 [draws, Y, n]."""

    final_score: Floats  # points; nan without one
    adjustment: Floats  # a fraction; 0 without a final score
    dollars: Floats  # USD a year


class Averages(NamedTuple):
    """What is averaged over draws."""

    # [Y, 7, n] of what a final score is added up from (cohort_draws.PARTS), its distance in points
    # from the median clinician of the peers
    parts: Moments
    points: Moments  # [Y, M, n] of each measure
    median_points: Moments  # [Y, M, n] of that median clinician
    median: Moments  # [Y, n] final score of the peers


@dataclass(frozen=True)
class Standing:
    """The clinicians of one cohort of a table among the draws of a scenario.

    ``values`` are theirs in its draws, ``open_values`` in its open draws (none where there are
    none), ``averages`` those over its draws; ``simulated`` is how many they are compared with, and
    ``drawn`` says what was drawn of how many of them.
    """

    cohort: str
    known: Known
    years: list[int]
    payment_years: list[int]
    simulated: int
    values: Values
    open_values: Values
    averages: Averages
    drawn: dict[str, int]


@dataclass(frozen=True)
class Standings:
    """The answer: one :class:`Standing` a cohort, and what was set against what."""

    title: str
    plan: Plan
    cohorts: list[Standing]
    warnings: list[str]


def stand_against(
    table: Source,
    against: str | Path | Scenario = "baseline",
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    open_draws: int | None = None,
    report: Report | None = None,
) -> Standings:
    """Score the clinicians of a table as probes in every draw and year of a scenario or a run.

    See :func:`asm_sim.against.tables.score_against`; ``report`` is told how many of how many draws
    are done.
    """
    plan = plan_against(against, draws, seed, settings, open_draws)
    rules = plan.scenario.rules
    _check_rules(plan.scenario)
    raw = read_table(table, is_header=header_of(rules))
    checked = check_table(raw, rules, in_part=True)
    if checked.gives_final_scores:
        raise InputError(
            f"{checked.title}: a table of final scores cannot be set against a simulated cohort; "
            "give what they are made of, as far as it is known"
        )
    compiled = {cohort.name: cohort for cohort in plan.cohorts}
    present = [name for name in rules.cohorts if (checked.frame["cohort"] == name).any()]
    if absent := [name for name in present if name not in compiled]:
        raise InputError(
            f"{checked.title}: {' and '.join(absent)} is no cohort of {plan.scenario.name}, which "
            f"has {', '.join(compiled)}"
        )
    mix = plan.scenario.population.specialty_mix
    known = {name: known_of(checked.frame, rules, name, list(mix[name])) for name in present}
    _check_size(checked, known, plan)
    tell = _progress(report, len(known) * (plan.scenario.draws + plan.open_draws))
    with ThreadPoolExecutor(thread_count()) as pool:
        found = [_standing(plan, compiled[name], known[name], pool, tell) for name in present]
    return Standings(checked.title, plan, found, checked.warnings)


def _check_rules(scenario: Scenario) -> None:
    """:class:`InputError` for the one rule under which probes cannot be paid."""
    for rules in scenario.possible_rules:
        if (
            rules.final_score.averaging_years.value > 1
            and rules.scoring_level.cost.value != "clinician"
            and rules.payment.neutral_band_form.value == "by_volume"
            and any(rules.payment.neutral_band.at(year) > 0 for year in rules.years)
        ):
            raise InputError(
                f"{printable(scenario.name)}: what a mean over years is paid for cannot be told of "
                "clinicians who weigh nothing where the neutral band narrows with the episodes of "
                "a practice: set rules.payment.neutral_band_form=fixed, "
                "rules.final_score.averaging_years=1 or rules.scoring_level.cost=clinician, or put "
                "the clinicians into a roster (population.roster_among: shipped) and run it"
            )


def _check_size(checked: CheckedTable, known: dict[str, Known], plan: Plan) -> None:
    clinicians = sum(len(of_cohort.ids) for of_cohort in known.values())
    if clinicians * len(plan.years) * (plan.scenario.draws + plan.open_draws) > MOST_RESULTS:
        raise InputError(
            f"{checked.title}: {clinicians:,} clinicians in {plan.scenario.draws:,} draws are too "
            "many to be held in memory; take fewer draws, or score the table by itself"
        )


def _progress(report: Report | None, total: int) -> Callable[[], None]:
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        if report is not None:
            report(done, total)

    return tell


def _standing(
    plan: Plan, cohort: CohortPlan, known: Known, pool: Executor, tell: Callable[[], None]
) -> Standing:
    nothing = Values(*np.empty((3, 0, len(plan.years), len(known.ids))))
    values, averages = _gathered(plan, cohort, known, pool, tell)
    return Standing(
        cohort.name,
        known,
        plan.years,
        [plan.scenario.rules.payment_year(year) for year in plan.years],
        cohort.clinicians,
        values,
        _gathered(plan.opened(), cohort, known, pool, tell)[0] if plan.open_draws else nothing,
        averages,
        known.drawn(cohort.rules),
    )


def _gathered(
    plan: Plan, cohort: CohortPlan, known: Known, pool: Executor, tell: Callable[[], None]
) -> tuple[Values, Averages]:
    """All draws of a plan, put together as they come."""
    values = np.empty((3, plan.scenario.draws, len(plan.years), len(known.ids)))
    averages: Averages | None = None
    for d, of_draw in enumerate(_draws(plan, cohort, known, pool)):
        values[:, d] = of_draw.final_score, of_draw.adjustment, of_draw.dollars
        alone = Averages(*(moments(part[None]) for part in of_draw[3:]))
        if averages is None:
            averages = alone
        else:
            pairs = zip(averages, alone, strict=True)
            averages = Averages(*(before.joined(one) for before, one in pairs))
        tell()
    assert averages is not None
    return Values(*values), averages


def _draws(plan: Plan, cohort: CohortPlan, known: Known, pool: Executor) -> Iterator[OfDraw]:
    """Every draw, in order, a few ahead of what has been taken."""
    step = 4 * thread_count()
    for first in range(0, plan.scenario.draws, step):
        several = range(first, min(first + step, plan.scenario.draws))
        yield from pool.map(lambda draw: _of_draw(plan, cohort, known, draw), several)


def _of_draw(plan: Plan, cohort: CohortPlan, known: Known, draw: int) -> OfDraw:
    u = known.uniforms(plan.scenario.seed, draw)
    years: list[OfDraw] = []
    before: list[Fared] = []
    for compared in cohort_years(plan, cohort, draw):
        probes = known.filled(compared, u)
        fared, middles = compared.fared(probes, before)
        before.insert(0, fared)
        years.append(
            OfDraw(
                fared.final_score,
                fared.adjustment,
                fared.adjustment * probes.paid,
                fared.parts - np.stack([one.parts for one in middles], axis=1),
                fared.points,
                np.stack([one.points for one in middles], axis=1),
                np.array([one.median for one in middles]),
            )
        )
    return OfDraw(*map(np.stack, zip(*years, strict=True)))
