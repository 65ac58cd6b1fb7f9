"""The exchange functions in a simulation: what the rule pays, clinician by clinician and score."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
import xarray as xr
from numba import njit

from asm_sim import reference
from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.simulate import simulate
from asm_sim.kernels.rule.exchange import break_even_score, exchange, exchange_ordered
from asm_sim.kernels.rule.fit import new_fit
from asm_sim.reference import payment
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.load import load_rules
from asm_sim.scenario.schema import Scenario
from tests.conftest import MakeScenario
from tests.oracle.tables import EXCHANGES

DRAW = 1
YEARLY = {"fixed_midpoint": {2027: 50, 2030: 70}, "threshold": {2027: 75, 2031: 68.5}}
Run = tuple[Scenario, xr.Dataset]


def settings_of(form: str, midpoint: str) -> dict[str, Any]:
    parts = {"form": form, "midpoint": midpoint} | YEARLY
    return {f"rules.payment.exchange.{name}": value for name, value in parts.items()}


@pytest.fixture(scope="module")
def run_with(make_scenario: MakeScenario) -> Callable[[str, str], Run]:
    """A small run with an exchange function."""

    @cache
    def make(form: str, midpoint: str) -> Run:
        scenario = make_scenario(settings=settings_of(form, midpoint), draws=3)
        return scenario, simulate(scenario)

    return make


def cohort_years(scenario: Scenario, run: xr.Dataset) -> list[tuple[xr.Dataset, list[Any]]]:
    """Each cohort and year of a draw with its clinicians as a table."""
    table = cohort_table(scenario, draw=DRAW)
    found = []
    for (cohort, year), rows in table.groupby(["cohort", "performance_year"]):
        of_cohort = (run["clinician_cohort"] == cohort).values
        here = run.isel(draw=DRAW, draw_sample=DRAW, clinician=of_cohort)
        here = here.sel(cohort=cohort, performance_year=year)
        rows = rows.set_index("clinician_id", drop=False).loc[here["clinician_id"].values]
        found.append((here, rows.to_dict("records")))
    return found


@pytest.mark.parametrize(("form", "midpoint"), EXCHANGES)
def test_a_simulated_draw_is_paid_by_the_rule(
    form: str, midpoint: str, run_with: Callable[[str, str], Run]
) -> None:
    """The plain reference on the exported table, and the totals that the simulation reports."""
    scenario, run = run_with(form, midpoint)
    for here, rows in cohort_years(scenario, run):
        cohort, year = str(here["cohort"].values), int(here["performance_year"])
        fitted = reference.fit(rows, scenario.rules, cohort, year)
        paid = reference.score(rows, fitted, scenario.rules, cohort, year)
        factor = np.array([row["payment_adjustment_factor"] for row in paid])
        np.testing.assert_allclose(here["panel_adjustment"], factor, rtol=1e-6, atol=1e-9)
        part_b = np.array([row["part_b_payments"] for row in rows])
        assert float(here["retained_by_medicare"]) == pytest.approx(-(factor * part_b).sum())
        assert float(here["scaling_factor"]) == pytest.approx(fitted.scaling_factor, rel=1e-9)
        pool = np.nan if fitted.incentive_pool is None else fitted.incentive_pool
        assert float(here["incentive_pool"]) == pytest.approx(pool, rel=1e-9, nan_ok=True)
        assert np.isnan(pool) == (form == "threshold")


@pytest.mark.parametrize(("form", "midpoint"), EXCHANGES)
def test_the_adjustment_at_a_score_and_where_it_turns(
    form: str, midpoint: str, run_with: Callable[[str, str], Run]
) -> None:
    """``adjustment_at_score`` and ``break_even_score`` are of one who weighs nothing in the fit."""
    scenario, run = run_with(form, midpoint)
    rules = scenario.rules
    for here, rows in cohort_years(scenario, run):
        cohort, year = str(here["cohort"].values), int(here["performance_year"])
        fitted = reference.fit(rows, rules, cohort, year)

        def adjustment(score: float, fitted: reference.Fit = fitted, year: int = year) -> float:
            transformed = None
            if score > 0:
                transformed = payment.transformed_score(score, fitted.positive_scores, rules, year)
            return payment.payment_adjustment_factor(
                score, transformed, fitted.scaling_factor, rules, year
            )

        wanted = [adjustment(float(score)) for score in here["score"].values]
        np.testing.assert_allclose(here["adjustment_at_score"], wanted, rtol=1e-9, atol=1e-12)
        even = float(here["break_even_score"])
        if np.isnan(even):  # around 50 points nearly all of the logistic is used up
            assert midpoint == "fixed"
            assert adjustment(100.0) < 0
            continue
        assert 0 < even < 100
        assert adjustment(even - 1e-6) < -1e-12
        assert adjustment(even + 1e-6) >= -1e-12
        if form == "threshold":
            assert even == rules.payment.exchange.threshold.at(year)


@pytest.mark.parametrize(("form", "midpoint"), EXCHANGES)
def test_the_closer_look_agrees_with_the_run(
    form: str, midpoint: str, run_with: Callable[[str, str], Run]
) -> None:
    """In the first year the standard fixed then is the rule itself."""
    _, run = run_with(form, midpoint)
    first = run.isel(performance_year=0)
    draws = {"draw": run["lens_draw"].values}
    for name in ("share_negative", "bonuses", "penalties"):
        wanted = first[f"{name}_by_group"].sel(draws).rename(draw="lens_draw")
        found = first[f"fixed_standard_{name}"].transpose(*wanted.dims)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def test_a_fixed_threshold_is_not_moved_by_the_peers(run_with: Callable[[str, str], Run]) -> None:
    _, run = run_with("threshold", "median")
    curve = run["adjustment_at_score"].isel(performance_year=0)
    assert float(abs(curve - curve.isel(draw=0, cohort=0)).max()) == 0.0
    assert curve.sel(score=[0, 75, 100]).isel(draw=0, cohort=0).values.tolist() == [-0.09, 0, 0.09]


def even(form: str, scaling: float, scores: list[float] | None = None, **exchange: Any) -> float:
    """The break-even score of a made-up fit."""
    settings = {"payment.exchange.form": form}
    settings |= {f"payment.exchange.{name}": value for name, value in exchange.items()}
    rules = compile_cohort(load_rules(settings=settings), "HF")
    ranked = np.array(scores or [], dtype=np.float64)
    return float(_break_even(rules, scaling, ranked))


@njit
def _break_even(rules, scaling, ranked):  # type: ignore[no-untyped-def]
    fit = new_fit(rules, 5, len(ranked))
    payment = fit.payment[0]
    payment.median, payment.mean = 60.0, 40.0
    payment.scaling_factor, payment.number = scaling, len(ranked)
    for k in range(len(fit.positive_scores)):
        fit.positive_scores[k] = ranked[k]
    return break_even_score(rules, 0, fit)


def test_break_even_scores_by_hand() -> None:
    assert even("logistic", 2.0) == 60.0
    assert even("logistic", 2.0, midpoint="mean") == 40.0
    assert even("logistic", 2.0, midpoint="fixed") == 50.0
    assert even("linear", 1.25) == 80.0
    assert even("linear", 1.0) == 100.0
    assert even("threshold", 1.0) == 75.0
    four = [10.0, 20.0, 30.0, 40.0]
    assert even("rank", 8 / 3, four) == 20.0  # T = 3/8 there
    assert even("rank", 2.0, four) == 20.0  # T = 1/2 just above it
    assert even("rank", 1.9, four) == 30.0
    assert even("rank", 1.0, four) == 40.0  # whoever is above them all
    assert even("rank", 1e9, four) == 10.0
    assert even("rank", 1.3, [50.0, 50.0, 50.0]) == 50.0
    assert even("rank", 2.0, [100.0, 100.0]) == 100.0


@pytest.mark.parametrize(
    ("form", "scaling", "scores"),
    [
        ("logistic", 1.0, None),
        ("logistic", 1.01, None),  # 60 + ln(100) / 0.1 points
        ("linear", 0.99, None),
        ("linear", 0.0, None),
        ("linear", np.nan, None),
        ("rank", 0.99, [10.0, 20.0]),
        ("rank", np.nan, []),
        ("rank", 1.1, [50.0, 100.0]),  # nobody can be above the highest score
    ],
)
def test_where_no_score_breaks_even(form: str, scaling: float, scores: list[float] | None) -> None:
    assert np.isnan(even(form, scaling, scores))


class Ordered(NamedTuple):
    """What payment leaves of the scores above zero, ascending, and whose they are."""

    sorted_keys: Any
    order: Any


@njit
def _by_ranks(rules, ranked, final, ordered):  # type: ignore[no-untyped-def]
    """Transformed scores against a made-up fit: each one looked up, and all of them in order."""
    fit = new_fit(rules, 5, len(ranked))
    fit.payment[0].number = len(ranked)
    fit.positive_scores[:] = ranked
    found, walked = np.empty(len(final)), np.empty(len(final))
    exchange(rules, 0, fit, final, found)
    exchange_ordered(fit, ordered, len(ordered.order), rules.score_tie, walked)
    return found, walked


def test_ranks_are_the_shares_below_and_half_of_those_equal() -> None:
    """Against one's own scores and those of others, with ties up to the tolerance and without."""
    rules = compile_cohort(load_rules(settings={"payment.exchange.form": "rank"}), "HF")
    rng = np.random.default_rng(1)
    for number, digits in [(0, 0), (1, 0), (2, 0), (37, 0), (64, 1), (200, 12)]:
        others = np.sort(rng.uniform(40.0, 60.0, number).round(digits))
        others += rng.choice([0.0, 0.4 * rules.score_tie], number)
        others.sort()
        foreign = rng.uniform(30.0, 70.0, 50).round(digits)
        for final in (others[::-1].copy(), np.concatenate([foreign, [0.0, np.nan, 100.0]])):
            below = (others < final[:, None] - rules.score_tie).sum(1)
            up_to = (others <= final[:, None] + rules.score_tie).sum(1)
            with np.errstate(invalid="ignore"):
                wanted = np.where(final > 0.0, 0.5 * (below + up_to) / number, np.nan)
            order = np.array([i for i in np.argsort(final) if final[i] > 0.0], np.int32)
            ordered = Ordered(final[order], order)
            for transformed in _by_ranks(rules, others, final, ordered):
                np.testing.assert_array_equal(transformed, wanted)
