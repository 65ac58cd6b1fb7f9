"""The same clinicians under another rule.

A few dozen draws are lived once, and what CMS observes in them is kept. Another number of the rule
is then a matter of scoring alone: benchmarks, scores, pool and payments of every draw and year are
made anew by the kernels of the simulation, to the bit as a run with that number has them. Where the
world itself answers to the number, the draws are lived again from the same variates, so that what
moves is the policy and not chance.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.documents import Document, Place
from asm_sim.engine.draw_table import observed_years
from asm_sim.engine.plan import READ_BY_POPULATIONS, CohortPlan, Plan, make_plan
from asm_sim.engine.scored import scored_years
from asm_sim.engine.threads import thread_count
from asm_sim.explorer.levers import Settings
from asm_sim.kernels.choices import Peers
from asm_sim.kernels.draws.draw import ObservedYear
from asm_sim.kernels.rule.fit import Fit
from asm_sim.kernels.rule.law import CohortRules
from asm_sim.memory import check_memory
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.load import check_rules
from asm_sim.scenario.schema import Scenario, laid_on
from asm_sim.score.scoring import size_band
from asm_sim.studies.panel import SIGN_TOLERANCE

Floats = NDArray[np.float64]
Report = Callable[[int, int], None]
BYTES = 500  # of memory for what is kept of a clinician in a year of a draw
KEPT = 3  # steps that need not be made again

_RULES = "rules"


@dataclass(frozen=True)
class CohortDraws:
    """One cohort in D draws of Y performance years, n clinicians, scored under one rule.

    ``final_score`` is nan of who has none, ``adjustment`` a fraction of Part B payments, ``part_b``
    those of the performance year and ``paid`` those of the payment year in USD. ``group`` are
    positions along the plan's groups, one a grouping; ``rules`` [D] and ``fits`` [D][Y] (of each
    group of peers) are what the scores were made by.
    """

    name: str
    final_score: Floats  # [D, Y, n]
    adjustment: Floats  # [D, Y, n]
    part_b: Floats  # [D, Y, n]
    paid: Floats  # [D, Y, n]
    present: NDArray[np.bool_]  # [D, Y, n]
    group: NDArray[np.int16]  # [D, Y, groupings, n]
    rules: list[CohortRules]
    fits: list[list[dict[int, Fit]]]

    @property
    def _one_group(self) -> bool:
        return all(rules.peers == Peers.CONDITION for rules in self.rules)

    def medians(self, peers: int = 0) -> Floats:
        """Median final scores above zero of a group of peers [D, Y]; nan where nobody is in it."""
        return np.array(
            [
                [of[peers].median_final_score if peers in of else np.nan for of in fits]
                for fits in self.fits
            ]
        )

    @cached_property
    def by_draw(self) -> dict[str, Floats]:
        """Statistics of every draw and performance year [D, Y], named as the variables of a run."""
        has = np.isfinite(self.final_score)
        scored = has.sum(axis=-1).astype(np.float64)
        count = np.where(scored > 0, scored, np.nan)
        adjustment = np.where(has, self.adjustment, 0.0)
        risk = np.array([rules.year["risk_level"] for rules in self.rules])
        zero = np.array([rules.score_zero for rules in self.rules])[:, None, None]
        bottom = -risk[..., None] * (1.0 - 1e-9)
        gained, lost = np.maximum(adjustment, 0.0), np.maximum(-adjustment, 0.0)
        present = self.present.sum(axis=-1)
        bonuses, penalties = (gained * self.part_b).sum(axis=-1), (lost * self.part_b).sum(axis=-1)

        def share(happened: NDArray[np.bool_]) -> Floats:
            return np.asarray(happened.sum(axis=-1) / count)

        return {
            "share_negative": share(adjustment < -SIGN_TOLERANCE),
            "share_maximum_penalty": share(has & (adjustment <= bottom) & (adjustment < 0.0)),
            "share_zero_score": share(has & (self.final_score <= zero)),
            "share_unscored": (present - scored) / present,
            "adjustment_mean": adjustment.sum(axis=-1) / count,
            "final_score_mean": np.where(has, self.final_score, 0.0).sum(axis=-1) / count,
            "median_final_score": self.medians()
            if self._one_group
            else np.full(scored.shape, np.nan),
            "amount_at_risk": risk * (has * self.part_b).sum(axis=-1),
            "bonuses": bonuses,
            "penalties": penalties,
            "retained_by_medicare": penalties - bonuses,
            "retained_by_medicare_payment_year": -(adjustment * self.paid).sum(axis=-1),
        }


@dataclass(frozen=True)
class Step:
    """What comes of a scenario with some numbers set: its cohorts, by name, in the same draws.

    ``drawn_anew`` says whether the world was lived again, ``seconds`` how long it took.
    """

    settings: Settings
    scenario: Scenario
    cohorts: dict[str, CohortDraws]
    drawn_anew: bool
    seconds: float


class Steps:
    """The draws of a plan under one rule after another.

    ``base`` is the plan's own rule; ``report`` is told how many of its draws are lived. Memory is
    about 12 MB a draw of the shipped roster.
    """

    def __init__(self, plan: Plan, report: Report | None = None) -> None:
        draws = plan.scenario.draws
        needed = BYTES * plan.clinicians * len(plan.years) * draws
        check_memory(needed, f"{draws:,} draws at hand", "explore fewer (--draws)")
        self.plan = plan
        self._report = report
        self._done = 0  # draws of cohorts
        self._seen: dict[str, list[list[ObservedYear]]] = {}
        self._kept: OrderedDict[str, Step] = OrderedDict()
        self.base = self._made({})

    @property
    def draws(self) -> int:
        return self.plan.scenario.draws

    @property
    def years(self) -> list[int]:
        return self.plan.years

    def peers_of(self, cohort: str) -> list[str]:
        """What the groups of peers in a cohort are called; none where the cohort is the group."""
        peers, population = self.plan.scenario.rules.peers, self.plan.scenario.population
        if peers.basis.value == "specialty":
            return list(population.specialty_mix[cohort])
        if peers.basis.value == "practice_size":
            limits = peers.size_limits.value
            return [size_band(limits, k) for k in range(len(limits) + 1)]
        return []

    def needs_draws(self, paths: Mapping[str, Any] | tuple[str, ...]) -> bool:
        """Whether the world answers to one of these numbers of the rule, as its own paths name it.

        To all of them where clinicians or practices act on what they were paid, or where each draw
        has numbers of its own.
        """
        read = tuple(f"{_RULES}.{path}" for path in READ_BY_POPULATIONS)
        return bool(paths) and (self._answers or any(path.startswith(read) for path in paths))

    @property
    def _answers(self) -> bool:
        acts = [cohort.model.behaviour for cohort in self.plan.cohorts]
        return bool(self.plan.drawables) or any(
            levers.remembers or levers.choice_share > 0.0 for levers in acts
        )

    def step(self, settings: Settings) -> Step:
        """The draws with numbers of the rule set by their paths (``rules.payment.risk_level``).

        Raises :class:`asm_sim.errors.InputError` for what the rule cannot be set to.
        """
        if not settings:
            return self.base
        key = repr(sorted(settings.items()))
        if key not in self._kept:
            self._kept[key] = self._made(settings)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _made(self, settings: Settings) -> Step:
        begun = time.perf_counter()
        scenario = with_settings(self.plan.scenario, settings)
        anew = self.needs_draws(settings)
        plan = make_plan(scenario, panel=0, lens=0) if anew else self.plan
        cohorts = {}
        with ThreadPoolExecutor(thread_count()) as pool:
            for cohort in plan.cohorts:
                rules = [compile_cohort(scenario.rules, cohort.name)] * self.draws
                seen = None if anew else self._seen.get(cohort.name)
                if seen is None:
                    seen, rules = self._lived(plan, cohort, pool)
                if not settings:
                    self._seen[cohort.name] = seen
                cohorts[cohort.name] = _together(cohort.name, seen, rules, pool)
        self._report = None
        return Step(dict(settings), scenario, cohorts, anew, time.perf_counter() - begun)

    def _lived(
        self, plan: Plan, cohort: CohortPlan, pool: Executor
    ) -> tuple[list[list[ObservedYear]], list[CohortRules]]:
        """What CMS observes of a cohort in every draw and year, and the rule of each draw."""
        own = [plan.of_draw(cohort, draw) for draw in range(self.draws)]

        def lived(draw: int) -> list[ObservedYear]:
            return [_without_truth(year) for year in observed_years(plan, own[draw], draw)]

        seen = []
        for years in pool.map(lived, range(self.draws)):
            seen.append(years)
            self._done += 1
            if self._report is not None:
                self._report(self._done // len(plan.cohorts), self.draws)
        return seen, [one.rules for one in own]


def with_settings(scenario: Scenario, settings: Settings) -> Scenario:
    """The scenario with these numbers of its rule; :class:`InputError` where they have no sense."""
    if not settings:
        return scenario
    document = Document(scenario.rules.model_dump())
    placed = [(path, value, Place(path)) for path, value in settings.items()]
    rules = check_rules(laid_on(document, _RULES, placed))
    given = tuple(settings.items())
    return replace(scenario, settings=(*scenario.settings, *given), rules=rules)


def _without_truth(year: ObservedYear) -> ObservedYear:
    """A year with what is scored and paid alone: the rest is a third of it."""
    return year._replace(
        true_rate=year.true_rate[:0], true_cost=year.true_cost[:0],
        part_b_later=year.part_b_later[:0],
    )  # fmt: skip


def _together(
    name: str, seen: list[list[ObservedYear]], rules: list[CohortRules], pool: Executor
) -> CohortDraws:
    scored = list(pool.map(_score_draw, seen, rules))

    def stacked(of: Any) -> Any:
        return np.array([[of(year) for year in years] for years in seen])

    return CohortDraws(
        name,
        np.array([final for final, _, _ in scored]),
        np.array([adjustment for _, adjustment, _ in scored]),
        stacked(lambda year: year.observed.part_b_payments),
        stacked(lambda year: year.paid),
        stacked(lambda year: year.present),
        stacked(lambda year: year.group),
        rules,
        [fits for _, _, fits in scored],
    )


def _score_draw(
    years: list[ObservedYear], rules: CohortRules
) -> tuple[Floats, Floats, list[dict[int, Fit]]]:
    """Final scores and adjustments [Y, n] of one draw by its rule, and the fits."""
    scored = scored_years(years, rules)
    adjustment = [
        np.where(year.present, one.outcome.payment_adjustment_factor, 0.0)
        for year, one in zip(years, scored, strict=True)
    ]
    final = [one.outcome.final_score for one in scored]
    return np.array(final), np.array(adjustment), [one.fits for one in scored]
