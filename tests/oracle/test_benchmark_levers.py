"""Whose benchmarks, pooled collection types, topped-out measures and shrinkage.

The kernels against the reference under random settings of all of them, over several years; worked
cases with known answers; and what leaves a result exactly as it was.
"""

from __future__ import annotations

import random
import statistics
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import asm_sim as asm
from asm_sim import reference
from asm_sim.errors import InputError
from asm_sim.kernels.rule.cohort import fit_and_score, nothing_earlier, score
from asm_sim.kernels.rule.fit import Fit
from asm_sim.kernels.rule.observed import Observed, Outcome
from asm_sim.reference.shrinkage import estimated_kappa, kappa_of_percentages
from asm_sim.rules.compile import compile_cohort
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from tests.oracle.kernels import (
    check_against_fit,
    check_table,
    differ,
    differences,
    number,
    observed,
)
from tests.oracle.tables import KINDS, Row, random_table

REFERENCES = ("same_year", "previous_year", "baseline_year", "national")
EARLIER = ("previous_year", "baseline_year")
EVERYBODY_AT_THE_MEAN = 1e30
DEFAULT = load_rules()


def random_levers(rng: random.Random) -> dict[str, Any]:
    """Any combination that is not refused, with the extremes of every lever."""
    settings: dict[str, Any] = {
        "quality.benchmark_reference": rng.choice(REFERENCES),
        "cost.benchmark_reference": rng.choice(REFERENCES),
        "cost.national.COST_HF_1.trend": rng.choice([0.0, 0.058]),
        "quality.national.benchmark_year": rng.choice([2025, 2026]),
        "quality.pool_collection_types": rng.random() < 0.5,
        "quality.topped_out.treatment": rng.choice(["kept", "capped", "dropped"]),
        "quality.topped_out.median_at_least": rng.choice([95.0, 60.0, 0.0, {2028: 50.0}]),
        "quality.topped_out.cap": rng.choice([7.0, 1.0, {2028: 4.0}]),
        "quality.shrinkage": rng.choice(["none", "known", "estimated"]),
        "quality.shrinkage_kappa": rng.choice([0.0, 8.0, {2028: 40.0}, EVERYBODY_AT_THE_MEAN]),
        "cost.shrinkage": rng.choice(["none", "known", "estimated"]),
        "cost.shrinkage_kappa": rng.choice([0.0, 20.0, {2029: 200.0}, EVERYBODY_AT_THE_MEAN]),
        "quality.benchmark_minimum_clinicians": rng.choice([1, 5, 20]),
        "payment.exchange.form": rng.choice(["logistic", "rank", "threshold"]),
    }
    if rng.random() < 0.3:
        settings["measures.Q236.scoring"] = settings["measures.Q134.scoring"] = "standard_deviation"
        if settings["quality.benchmark_reference"] == "national":
            settings["quality.benchmark_reference"] = "previous_year"
    if settings["quality.benchmark_reference"] == "national":
        settings |= {"quality.pool_collection_types": False, "quality.shrinkage": "none"}
    if settings["cost.benchmark_reference"] == "national":
        settings["cost.shrinkage"] = "none"
    return settings


def random_years(rng: random.Random, rules: RuleSet, cohort: str) -> dict[int, list[Row]]:
    """Tables of some performance years, with gaps, of not quite the same clinicians."""
    years = sorted(rng.sample(rules.years, rng.choice([1, 2, 3, 4])))
    sizes = [rng.choice([2, 25, 40, 60]) for _ in years]
    return {
        year: random_table(rng, rules, cohort, n, rng.choice(KINDS))
        for year, n in zip(years, sizes, strict=True)
    }


def scored(rows: list[Row], rules: RuleSet, cohort: str, year: int = 2027) -> tuple[Outcome, Fit]:
    compiled = compile_cohort(rules, cohort)
    return fit_and_score(observed(rows, rules, cohort), compiled, rules.years.index(year))


def through_years(
    tables: dict[int, list[Row]], rules: RuleSet, cohort: str
) -> dict[int, tuple[Outcome, Fit]]:
    """The kernels, with what each year leaves to the next; all years of the same clinicians."""
    compiled = compile_cohort(rules, cohort)
    shape = len(rules.cohorts[cohort].quality_measures.value), len(next(iter(tables.values())))
    earlier = nothing_earlier(compiled, *shape)
    return {
        year: fit_and_score(
            observed(rows, rules, cohort), compiled, rules.years.index(year), earlier
        )
        for year, rows in sorted(tables.items())
    }


def assert_same(one: Outcome, other: Outcome) -> None:
    for name in Outcome._fields:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


# The kernels compute what the reference does


@pytest.mark.parametrize("seed", range(20))
def test_one_year(seed: int) -> None:
    rng = random.Random(f"one {seed}")
    rules = load_rules(settings=random_levers(rng))
    for kind in KINDS:
        cohort = rng.choice(["HF", "LBP"])
        rows = random_table(rng, rules, cohort, rng.choice([1, 3, 30, 60]), kind)
        check_table(rows, rules, cohort, rng.choice(rules.years))


@pytest.mark.parametrize("seed", range(8))
def test_against_a_fit_in_which_they_weigh_nothing(seed: int) -> None:
    """Of another year: its benchmarks and moments, this year's thresholds and caps."""
    rng = random.Random(f"fit {seed}")
    rules = load_rules(settings=random_levers(rng))
    for kind in KINDS:
        cohort = rng.choice(["HF", "LBP"])
        fit_year, year = rng.choice(rules.years), rng.choice(rules.years)
        peers = random_table(rng, rules, cohort, rng.choice([1, 25, 60]), kind)
        probes = random_table(rng, rules, cohort, rng.choice([1, 10]), rng.choice(KINDS))
        check_against_fit(peers, fit_year, probes, year, rules, cohort)


@pytest.mark.parametrize("seed", range(20))
def test_several_years(seed: int) -> None:
    rng = random.Random(f"years {seed}")
    settings = random_levers(rng)
    settings["quality.benchmark_reference"] = rng.choice(EARLIER)
    rules = load_rules(settings=settings)
    for _ in range(4):
        cohort = rng.choice(["HF", "LBP"])
        years = sorted(rng.sample(rules.years, rng.choice([2, 3, 4])))
        tables = {
            year: random_table(
                rng, rules, cohort, 40, rng.choice([k for k in KINDS if k != "tiny"])
            )
            for year in years
        }
        wanted = reference.score_years(tables, rules, cohort)
        for year, (outcome, _) in through_years(tables, rules, cohort).items():
            found = differences(wanted[year], outcome, rules, cohort)
            assert not found, (year, found[:5])


@pytest.mark.parametrize("seed", range(12))
def test_several_years_through_the_table(seed: int) -> None:
    """By ``asm.score``, which has both cohorts in one table and other clinicians every year."""
    rng = random.Random(f"table {seed}")
    settings = random_levers(rng)
    rules = load_rules(settings=settings)
    rows: list[Row] = []
    wanted = []
    for cohort in rules.cohorts:
        tables = random_years(rng, rules, cohort)
        results = reference.score_years(tables, rules, cohort)
        for year, table in tables.items():
            rows += [row | {"cohort": cohort, "performance_year": year} for row in table]
            wanted += results[year]
    order = list(range(len(rows)))
    rng.shuffle(order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = asm.score(pd.DataFrame([rows[i] for i in order]), settings=settings)
    found = [
        f"{name} of row {position}: reference {value}, table {result[name].iloc[position]}"
        for position, i in enumerate(order)
        for name, value in wanted[i].items()
        if name != "clinician_id" and differ(number(value), float(result[name].iloc[position]))
    ]
    assert not found, found[:5]


# A cohort of which everything is known


def cohort_of(
    rates: list[float], costs: list[float], n: list[int] | None = None, kind: str = "ecqm"
) -> list[Row]:
    """Q236 is the one measure with enough cases."""
    sizes = n or [30] * len(rates)
    rows: list[Row] = []
    for i, (rate, cost, size) in enumerate(zip(rates, costs, sizes, strict=True)):
        row: Row = {
            "clinician_id": i,
            "practice_size": 50,
            "hcc_risk_score": None,
            "dual_share": None,
            "part_b_payments": 100_000.0,
            "improvement_activities": 2,
            "pi_score": 100.0,
            "episodes": size,
            "episode_cost": cost,
            "q236_rate": rate,
            "q236_cases": size,
            "q236_completeness": 1.0,
            "q236_collection_type": kind,
        }
        for measure in sorted({*DEFAULT.measures} - {"Q236"}):
            row |= {f"{measure.lower()}_cases": 0, f"{measure.lower()}_rate": None}
        rows.append(row)
    return rows


def ramp(n: int, first: float, step: float) -> list[float]:
    return [first + step * i for i in range(n)]


Q236 = DEFAULT.cohorts["HF"].quality_measures.value.index("Q236")
BEFORE = cohort_of(ramp(41, 40.0, 1.0), ramp(41, 10_000.0, 100.0))
AFTER = cohort_of(ramp(41, 45.0, 1.0), ramp(41, 10_500.0, 100.0))


@pytest.mark.parametrize("which", EARLIER)
def test_the_first_year_uses_its_own(which: str) -> None:
    settings = {"quality.benchmark_reference": which, "cost.benchmark_reference": which}
    assert_same(
        scored(BEFORE, load_rules(settings=settings), "HF")[0], scored(BEFORE, DEFAULT, "HF")[0]
    )


@pytest.mark.parametrize("which", EARLIER)
def test_the_same_again_earns_the_same(which: str) -> None:
    """A year like the one before has the benchmarks that it would have made itself."""
    settings = {"quality.benchmark_reference": which, "cost.benchmark_reference": which}
    years = through_years({2027: BEFORE, 2028: BEFORE}, load_rules(settings=settings), "HF")
    assert_same(years[2028][0], years[2027][0])


@pytest.mark.parametrize(("which", "third_year"), [("previous_year", 6.0), ("baseline_year", 10.0)])
def test_whoever_improves_by_five_deciles(which: str, third_year: float) -> None:
    """41 rates one apart: a decile is 4 points wide, and at the median 6 points begin.

    With rates 20 points higher the median lies above the 90th percentile of the year before.
    """
    higher = cohort_of(ramp(41, 60.0, 1.0), ramp(41, 10_000.0, 100.0))
    rules = load_rules(settings={"quality.benchmark_reference": which})
    years = through_years({2027: BEFORE, 2028: higher, 2029: higher}, rules, "HF")
    of_median = [float(years[year][0].points[Q236, 20]) for year in (2027, 2028, 2029)]
    assert of_median == [6.0, 10.0, third_year]
    costs = scored(higher, DEFAULT, "HF")[0].cost_points  # cost has a lever of its own
    np.testing.assert_array_equal(years[2029][0].cost_points, costs)


def test_costs_that_grow_by_one_standard_deviation_lose_the_points_of_one() -> None:
    """Against the year before z is 1 at the median, which earns 6 points; by itself 7.5."""
    sd = statistics.stdev(ramp(41, 10_000.0, 100.0))
    dearer = cohort_of(ramp(41, 40.0, 1.0), ramp(41, 10_000.0 + sd, 100.0))
    rules = load_rules(settings={"cost.benchmark_reference": "previous_year"})
    years = through_years({2027: BEFORE, 2028: dearer, 2029: dearer}, rules, "HF")
    middle = [float(years[year][0].cost_points[20]) for year in (2027, 2028, 2029)]
    assert middle == pytest.approx([7.5, 6.0, 7.5], abs=1e-9)


@pytest.mark.parametrize("which", EARLIER)
def test_what_had_no_benchmark_then_is_excluded(which: str) -> None:
    """In 2027 too few report Q236 and nobody has a cost; 2028 refers to it, and nobody is scored.

    Who does not report Q236 in 2028 keeps the points of that.
    """
    rules = load_rules(
        settings={f"{category}.benchmark_reference": which for category in ("quality", "cost")}
    )
    before = [row | {"episodes": 0, "episode_cost": None} for row in BEFORE]
    before[19:] = [row | {"q236_cases": 5} for row in before[19:]]
    after = [*AFTER[:40], AFTER[40] | {"q236_rate": None}]
    tables = {2027: before, 2028: after}
    wanted = reference.score_years(tables, rules, "HF")
    outcome, _ = through_years(tables, rules, "HF")[2028]
    assert not differences(wanted[2028], outcome, rules, "HF")
    assert np.isnan(outcome.points[Q236, :40]).all()
    assert outcome.points[Q236, 40] == 0.0
    assert np.isnan(outcome.cost_points).all()
    assert np.isnan(outcome.final_score[:40]).all()


def test_after_a_gap_a_year_uses_its_own() -> None:
    """There is no year before; the first year's stays what it was."""
    previous = load_rules(settings={"cost.benchmark_reference": "previous_year"})
    tables = {2027: BEFORE, 2029: AFTER}
    with_gap = through_years(tables, previous, "HF")
    assert_same(with_gap[2029][0], scored(AFTER, previous, "HF", 2029)[0])
    baseline = load_rules(settings={"cost.benchmark_reference": "baseline_year"})
    first = through_years(tables, baseline, "HF")
    np.testing.assert_array_equal(first[2029][1].cost_location, first[2027][1].cost_location)


def test_national_benchmarks_by_hand() -> None:
    """Nobody else counts: Q236 by eCQM has 68.98 at the median, cost 14,429.90 and 3,879.43."""
    settings = {
        "quality.benchmark_reference": "national",
        "cost.benchmark_reference": "national",
        "cost.national.COST_HF_1.trend": 0.1,
    }
    rules = load_rules(settings=settings)
    growth = 1.1 ** (2028 - 2025)
    median, sd = 14_429.90 * growth, 3_879.43 * growth
    rows = cohort_of([68.98, 70.49, 4.0, 90.0], [median, median + sd, median - 2 * sd, median])
    rows[3]["q236_collection_type"] = "cqm"  # flat cut points, the highest at 90 percent
    outcome, fit = scored(rows, rules, "HF", 2028)
    np.testing.assert_allclose(outcome.points[Q236], [6.0, 6.5, 1.0, 10.0], atol=1e-9)
    np.testing.assert_allclose(outcome.cost_points, [7.5, 6.0, 10.0, 7.5], atol=1e-9)
    alone, _ = scored(rows[1:2], rules, "HF", 2028)
    assert alone.final_score[0] == outcome.final_score[1]
    assert fit.median_final_score == np.median(outcome.final_score)  # of the year itself


def test_an_inverse_measure_by_its_national_benchmark() -> None:
    """Q238 by eCQM: 30.71 percent earns 1 point, 2.02 percent 5, 0.14 percent 7, none 10."""
    rules = load_rules(settings={"quality.benchmark_reference": "national"})
    rows = []
    for i, rate in enumerate([40.0, 30.71, 2.02, 0.14, 0.0]):
        row = cohort_of([50.0], [2_000.0])[0] | {"clinician_id": i}
        row |= {"q238_rate": rate, "q238_cases": 30, "q238_completeness": 1.0}
        rows.append(row | {"q238_collection_type": "ecqm"})
    outcome, _ = scored(rows, rules, "LBP")
    np.testing.assert_allclose(outcome.points[0], [1.0, 1.0, 5.0, 7.0, 10.0], atol=1e-9)


def test_a_pooled_benchmark_asks_for_nobody_elses_collection_type() -> None:
    """Apart, the best of 41 low eCQM rates is at the top; together it is at the median."""
    low = cohort_of(ramp(41, 10.0, 1.0), ramp(41, 10_000.0, 100.0))
    high = cohort_of(ramp(40, 51.0, 1.0), ramp(40, 10_000.0, 100.0), kind="cqm")
    rows = low + [row | {"clinician_id": 100 + i} for i, row in enumerate(high)]
    apart, _ = scored(rows, DEFAULT, "HF")
    rules = load_rules(settings={"quality.pool_collection_types": True})
    together, _ = scored(rows, rules, "HF")
    assert apart.points[Q236, 40] == 10.0
    assert together.points[Q236, 40] == 6.0
    same = [row | {"q236_collection_type": "ecqm"} for row in rows]
    assert_same(together, scored(same, DEFAULT, "HF")[0])


@pytest.mark.parametrize(
    ("measure", "cohort", "rates", "topped_out"),
    [
        ("Q236", "HF", [95.0, 90.0, 100.0], True),
        ("Q236", "HF", [94.9, 90.0, 100.0], False),
        ("Q238", "LBP", [5.0, 0.0, 9.0], True),
        ("Q238", "LBP", [5.1, 0.0, 9.0], False),
    ],
)
def test_topped_out_by_the_median(
    measure: str, cohort: str, rates: list[float], topped_out: bool
) -> None:
    """The best of three has 10 points, 7 where they are capped, none where it is dropped."""
    at = DEFAULT.cohorts[cohort].quality_measures.value.index(measure)
    rows = []
    for i, rate in enumerate(rates):
        row = cohort_of([rate], [10_000.0 + i])[0] | {"clinician_id": i}
        for part in ("rate", "cases", "completeness", "collection_type"):
            row[f"{measure.lower()}_{part}"] = row[f"q236_{part}"]
        rows.append(row)
    inverse = DEFAULT.measures[measure].inverse.value
    best = rates.index(min(rates) if inverse else max(rates))
    few = {"quality.benchmark_minimum_clinicians": 1}
    kept, _ = scored(rows, load_rules(settings=few), cohort)
    capped, _ = scored(
        rows, load_rules(settings=few | {"quality.topped_out.treatment": "capped"}), cohort
    )
    dropped, _ = scored(
        rows, load_rules(settings=few | {"quality.topped_out.treatment": "dropped"}), cohort
    )
    assert kept.points[at, best] == 10.0
    np.testing.assert_array_equal(
        capped.points[at], np.minimum(kept.points[at], 7.0) if topped_out else kept.points[at]
    )
    assert np.isnan(dropped.points[at]).all() == topped_out
    if topped_out:
        assert np.isnan(dropped.quality_score).all()  # no other measure counts
    else:
        assert_same(dropped, kept)


def test_a_measure_by_distance_from_the_median_is_never_topped_out() -> None:
    rows = cohort_of([99.0] * 30, ramp(30, 10_000.0, 100.0))
    by_sd = {"measures.Q236.scoring": "standard_deviation"}
    dropped = {"quality.topped_out.treatment": "dropped"}
    assert np.isnan(scored(rows, load_rules(settings=dropped), "HF")[0].points[Q236]).all()
    assert (scored(rows, load_rules(settings=by_sd | dropped), "HF")[0].points[Q236] == 7.5).all()


# Shrinkage


def noisy(seed: int = 3, n: int = 60) -> list[Row]:
    rng = np.random.default_rng(seed)
    cases = rng.integers(20, 400, n)
    rates = np.clip(
        60 + 10 * rng.normal(size=n) + 200 / np.sqrt(cases) * rng.normal(size=n), 0, 100
    )
    costs = 10_000 + 2_000 * rng.normal(size=n) + 15_000 / np.sqrt(cases) * rng.normal(size=n)
    return cohort_of(rates.tolist(), costs.tolist(), cases.tolist())


def shrinking(method: str, kappa: float = 20.0) -> dict[str, Any]:
    return {
        f"{category}.{name}": value
        for category in ("quality", "cost")
        for name, value in (("shrinkage", method), ("shrinkage_kappa", kappa))
    }


def test_a_kappa_of_nothing_changes_nothing() -> None:
    rows = noisy()
    assert_same(
        scored(rows, load_rules(settings=shrinking("known", 0.0)), "HF")[0],
        scored(rows, DEFAULT, "HF")[0],
    )


def test_an_immense_kappa_puts_everybody_at_the_mean() -> None:
    """Nobody can be told apart, so everybody earns the curve at the median, by deciles too."""
    rules = load_rules(settings=shrinking("known", EVERYBODY_AT_THE_MEAN))
    outcome, fit = scored(noisy(), rules, "HF")
    assert (outcome.cost_points == 7.5).all()
    assert (outcome.points[Q236] == 7.5).all()
    assert fit.cost_location[1] == 0.0


@pytest.mark.parametrize("method", ["known", "estimated"])
def test_equal_rates_are_not_the_best_where_rates_are_shrunk(method: str) -> None:
    """As the rule stands they are: ties at the top all have 10 points."""
    rows = cohort_of([60.0] * 30, ramp(30, 10_000.0, 100.0), list(range(30, 60)))
    rules = load_rules(settings=shrinking(method))
    outcome, fit = scored(rows, rules, "HF")
    assert (outcome.points[Q236] == 7.5).all()
    assert (scored(rows, DEFAULT, "HF")[0].points[Q236] == 10.0).all()
    better = observed(cohort_of([90.0], [10_000.0]), rules, "HF")
    assert score(better, compile_cohort(rules, "HF"), 0, fit).points[Q236] == [7.5]


def test_as_many_cases_for_everybody_make_shrinkage_idle() -> None:
    """Points are relative: a spread that is halved for all alike is no other spread."""
    rows = cohort_of(ramp(41, 40.0, 1.0), ramp(41, 10_000.0, 100.0), [50] * 41)
    plain, _ = scored(rows, DEFAULT, "HF")
    known, fit = scored(rows, load_rules(settings=shrinking("known", 50.0)), "HF")
    np.testing.assert_allclose(known.cost_points, plain.cost_points, atol=1e-9)
    np.testing.assert_allclose(known.points, plain.points, atol=1e-9)
    spread = statistics.stdev(ramp(41, 10_000.0, 100.0))
    assert fit.cost_location[1] == pytest.approx(spread / 2)
    estimated, fit = scored(rows, load_rules(settings=shrinking("estimated")), "HF")
    np.testing.assert_array_equal(estimated.cost_points, plain.cost_points)
    np.testing.assert_allclose(estimated.points, plain.points, atol=1e-9)
    assert fit.cost_shrinkage[1] == 0.0


def test_shrinkage_by_hand() -> None:
    """Mean 100: with 20 episodes and kappa 20 half of a distance stays, with 60 three quarters."""
    rows = cohort_of([50.0] * 3, [60.0, 100.0, 140.0], [20, 20, 60])
    _, fit = scored(rows, load_rules(settings=shrinking("known", 20.0)), "HF")
    np.testing.assert_array_equal(fit.cost_shrinkage, [100.0, 20.0])
    assert fit.cost_location[0] == 100.0
    assert fit.cost_location[1] == pytest.approx(statistics.stdev([80.0, 100.0, 130.0]))


def test_the_estimate_by_hand() -> None:
    """Squares of 9 at n = 20 and 4 at n = 40: a noise of 200 and a signal below nothing.

    At n = 60 and 4.5, 4.5: the line through (1/20, 9) and (1/60, 4.5) has the slope 135 and begins
    at 2.25, so kappa is 60.
    """
    noise_only = [(-3.0, 20), (3.0, 20), (-2.0, 40), (2.0, 40)]
    slope = (9 - 4) / (1 / 20 - 1 / 40)
    assert estimated_kappa(noise_only, 0.0) == float("inf")
    assert 9 - slope / 20 < 0
    root = 4.5**0.5
    both = [(-3.0, 20), (3.0, 20), (-root, 60), (root, 60)]
    assert estimated_kappa(both, 0.0) == pytest.approx(60.0)
    assert estimated_kappa([(-1.0, 20), (1.0, 20), (-3.0, 60), (3.0, 60)], 0.0) == 0.0
    costs = [10_000 + 1_000 * value for value, _ in both]
    rows = cohort_of([50.0] * 4, costs, [20, 20, 60, 60])
    _, fit = scored(rows, load_rules(settings=shrinking("estimated")), "HF")
    assert fit.cost_shrinkage[1] == pytest.approx(60.0)


@pytest.mark.parametrize(("measure", "cohort"), [("Q236", "HF"), ("Q238", "LBP")])
def test_the_estimate_of_percentages_by_hand(measure: str, cohort: str) -> None:
    """S2 is 0.12, v is 0.16 (1/100 + 1/20) / 2: kappa is 0.16 / 0.1152, inverse or not."""
    rows = []
    for i, (rate, cases) in enumerate([(20.0, 100), (80.0, 100), (20.0, 20), (80.0, 20)]):
        row = cohort_of([50.0], [10_000.0])[0] | {"clinician_id": i, "q236_cases": 0}
        of_measure = {"rate": rate, "cases": cases, "completeness": 1.0, "collection_type": "ecqm"}
        rows.append(row | {f"{measure.lower()}_{part}": of_measure[part] for part in of_measure})
    few = {"quality.benchmark_minimum_clinicians": 4}
    _, fit = scored(rows, load_rules(settings=shrinking("estimated") | few), cohort)
    at = DEFAULT.cohorts[cohort].quality_measures.value.index(measure)
    mean, kappa = fit.quality_shrinkage[at, 0]
    assert (abs(mean), kappa) == (50.0, pytest.approx(25 / 18, rel=1e-12))


@pytest.mark.parametrize("spread", [0.02, 0.15])
def test_kappa_of_percentages_is_found_again(spread: float) -> None:
    """Binomial rates around 0.6, of as many clinicians as a collection type has in a cohort."""
    kappas = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cases = rng.integers(20, 200, 1_000)
        true = np.clip(0.6 + spread * rng.normal(size=1_000), 0, 1)
        rates = 100 * rng.binomial(cases, true) / cases
        pairs = list(zip(rates.tolist(), cases.tolist(), strict=True))
        kappas.append(kappa_of_percentages(pairs))
    wanted = (0.24 - spread**2) / spread**2
    assert statistics.median(kappas) == pytest.approx(wanted, rel=0.2)
    assert min(kappas) > wanted / 3


def test_kappa_is_found_again() -> None:
    """Signal SD 10 and noise SD 100 a case: kappa is 100."""
    rng = np.random.default_rng(20)
    n = 200_000
    cases = rng.integers(20, 400, n)
    values = 50 + 10 * rng.normal(size=n) + 100 / np.sqrt(cases) * rng.normal(size=n)
    compiled = compile_cohort(load_rules(settings=shrinking("estimated")), "HF")
    blank = np.full((5, n), np.nan)
    seen = Observed(
        rate=blank,
        cases=np.zeros((5, n)),
        completeness=blank,
        collection=np.full((5, n), -1, np.int8),
        episodes=cases.astype(float),
        episode_cost=1_000.0 + values,
        improvement_activities=np.full(n, 2.0),
        pi_score=np.full(n, 100.0),
        practice_size=np.full(n, 50.0),
        hcc_risk_score=np.full(n, np.nan),
        dual_share=np.full(n, np.nan),
        part_b_payments=np.full(n, 1e5),
        rural=np.zeros(n),
        extreme_circumstances=np.zeros(n),
        special_status=np.zeros(n),
    )
    _, fit = fit_and_score(seen, compiled, 0)
    assert fit.cost_shrinkage[1] == pytest.approx(100.0, rel=0.1)


def test_shrunk_values_are_nearer_to_the_truth() -> None:
    """The point of it: those with few cases no longer fill both ends of the points."""
    rows = noisy(n=400)
    few = np.array([row["episodes"] < 100 for row in rows])
    plain, _ = scored(rows, DEFAULT, "HF")
    shrunk, _ = scored(rows, load_rules(settings=shrinking("estimated")), "HF")
    assert shrunk.cost_points[few].std() < plain.cost_points[few].std()
    assert shrunk.points[Q236, few].std() < plain.points[Q236, few].std()


# What is refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {
                "quality.benchmark_reference": "national",
                "measures.Q008.scoring": "standard_deviation",
            },
            "no national median and standard deviation of Q008",
        ),
        (
            {"quality.benchmark_reference": "national", "measures.Q377.collection_types": ["cqm"]},
            "no national benchmark of Q377 by cqm",
        ),
        (
            {"quality.benchmark_reference": "national", "measures.Q238.inverse": False},
            "Q238 is inverse",
        ),
        (
            {"quality.benchmark_reference": "national", "quality.pool_collection_types": True},
            "for each collection type",
        ),
        (
            {"quality.benchmark_reference": "national", "quality.shrinkage": "known"},
            "quality.shrinkage",
        ),
        (
            {"quality.benchmark_reference": "national", "quality.decile_percentiles": [1, 50]},
            "10 cut",
        ),
        (
            {"quality.benchmark_reference": "national", "quality.national.benchmarks": "other"},
            "quality.national.benchmarks: no table",
        ),
        (
            {"cost.benchmark_reference": "national", "cost.shrinkage": "estimated"},
            "cost.shrinkage",
        ),
        (
            {"cost.benchmark_reference": "national", "cohorts.LBP.cost_measure": "COST_X_1"},
            "no national median and standard deviation of COST_X_1",
        ),
        (
            {"quality.topped_out.treatment": "capped", "quality.topped_out.cap": 10.0},
            "would do nothing",
        ),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_rules(settings=settings)
