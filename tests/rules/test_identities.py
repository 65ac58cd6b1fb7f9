"""Consequences of the payment rule that hold whatever the scores are (section 6 of the definition).

42 CFR 512.750(c): AF = R T S - R, S = rho R sum P / sum R T P, and -R for a final score of zero.
"""

import itertools
import math
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asm_sim.reference import payment, score_cohort, score_years
from asm_sim.reference.final_score import exchanged_score
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from tests.oracle.tables import EXCHANGES, KINDS, random_table

Rows = list[dict[str, Any]]

seeds = st.integers(0, 2**32)
kinds = st.sampled_from(KINDS)
cohorts = st.sampled_from(["HF", "LBP"])
years = st.sampled_from([2027, 2029, 2031])
exchanges = st.sampled_from(EXCHANGES)
with_a_pool = st.sampled_from([pair for pair in EXCHANGES if pair[0] != "threshold"])


@cache
def rules_with(**values: Any) -> RuleSet:
    names = {
        "form": "payment.exchange.form",
        "midpoint": "payment.exchange.midpoint",
        "fixed_midpoint": "payment.exchange.fixed_midpoint",
        "threshold": "payment.exchange.threshold",
        "steepness": "payment.exchange.steepness",
        "risk_level": "payment.risk_level",
        "redistribution_share": "payment.redistribution_share",
        "zero_scorers_in_pool_base": "payment.zero_scorers_in_pool_base",
        "missing_category": "final_score.missing_category",
        "averaging_years": "final_score.averaging_years",
        "score_rounding": "final_score.rounding",
        "neutral_band": "payment.neutral_band",
        "neutral_band_form": "payment.neutral_band_form",
        "rounding": "payment.rounding",
    }
    return load_rules(settings={names[name]: value for name, value in values.items()})


def table(seed: int, kind: str, cohort: str, n: int = 45) -> Rows:
    return random_table(random.Random(seed), rules_with(), cohort, n, kind)


def paid(rows: Rows, results: Rows, which: Callable[[float], bool] = lambda _: True) -> float:
    """Part B payments of the clinicians with a final score of which something holds."""
    return math.fsum(
        row["part_b_payments"]
        for row, result in zip(rows, results, strict=True)
        if result["final_score"] is not None and which(result["final_score"])
    )


def net_change(rows: Rows, results: Rows) -> float:
    """Sum of AF P over the clinicians with a final score, on performance-year payments."""
    return math.fsum(
        result["payment_adjustment_factor"] * row["part_b_payments"]
        for row, result in zip(rows, results, strict=True)
        if result["final_score"] is not None
    )


def above_zero(final_score: float) -> bool:
    return final_score > 1e-9


def factors(results: Rows) -> list[float]:
    return [result["payment_adjustment_factor"] for result in results]


@settings(max_examples=60, deadline=None)
@given(
    seeds,
    kinds,
    cohorts,
    years,
    st.sampled_from([0.0, 0.05, 0.1, 0.5]),
    st.sampled_from([0.5, 0.85, 1.0]),
    st.sampled_from(["reweight", "neutral", "zero"]),
    with_a_pool,
)
def test_medicare_keeps_the_rest_of_the_amount_at_risk(
    seed: int,
    kind: str,
    cohort: str,
    year: int,
    steepness: float,
    share: float,
    missing: str,
    exchange: tuple[str, str],
) -> None:
    """Sum AF P = -(1 - rho) R sum P, zero scorers included on both sides."""
    rules = rules_with(
        steepness=steepness,
        redistribution_share=share,
        missing_category=missing,
        form=exchange[0],
        midpoint=exchange[1],
    )
    rows = table(seed, kind, cohort)
    results = score_cohort(rows, rules, cohort, year)
    risk_level = rules.payment.risk_level.at(year)
    base = paid(rows, results)
    if results[0]["scaling_factor"] is None:
        # Nothing can be scaled: only the zero scorers pay.
        expected = -risk_level * paid(rows, results, lambda score: not above_zero(score))
    else:
        expected = -(1 - share) * risk_level * base
    assert net_change(rows, results) == pytest.approx(expected, rel=1e-9, abs=1e-10 * base + 1e-12)


@settings(max_examples=40, deadline=None)
@given(seeds, kinds, cohorts, years)
def test_with_zero_scorers_left_out_of_the_pool_they_pay_on_top(
    seed: int, kind: str, cohort: str, year: int
) -> None:
    """Sum AF P = -(1 - rho) R sum_{F > 0} P - R sum_{F = 0} P."""
    rules = rules_with(zero_scorers_in_pool_base=False)
    rows = table(seed, kind, cohort)
    results = score_cohort(rows, rules, cohort, year)
    risk_level = rules.payment.risk_level.at(year)
    positive = paid(rows, results, above_zero)
    zero = paid(rows, results, lambda score: not above_zero(score))
    kept = 0.15 * positive if results[0]["scaling_factor"] is not None else 0.0
    expected = -risk_level * (kept + zero)
    scale = 1e-10 * (positive + zero) + 1e-12
    assert net_change(rows, results) == pytest.approx(expected, rel=1e-9, abs=scale)


@settings(max_examples=40, deadline=None)
@given(
    seeds,
    kinds,
    st.sampled_from([0.0, 2.0, 10.0, 60.0]),
    st.sampled_from(["fixed", "by_volume"]),
    st.sampled_from(["none", "tenth", "whole"]),
    st.integers(1, 3),
    with_a_pool,
)
def test_those_outside_the_neutral_band_leave_the_same_share_of_theirs(
    seed: int,
    kind: str,
    width: float,
    form: str,
    rounding: str,
    averaging: int,
    exchange: tuple[str, str],
) -> None:
    """Sum AF P = -(1 - rho) R sum P over those outside the band, of averaged and rounded scores."""
    rules = rules_with(
        neutral_band=width,
        neutral_band_form=form,
        score_rounding=rounding,
        averaging_years=averaging,
        form=exchange[0],
        midpoint=exchange[1],
    )
    tables = {year: table(seed + year, kind, "HF", 25) for year in (2027, 2028, 2029)}
    for year, results in score_years(tables, rules, "HF").items():
        rows, risk_level = tables[year], rules.payment.risk_level.at(year)
        scored = [one for one in results if one["final_score"] is not None]
        zero = paid(rows, results, lambda score: not above_zero(score))
        outside = zero + math.fsum(
            row["part_b_payments"]
            for row, result in zip(rows, results, strict=True)
            if result["transformed_score"] is not None
        )
        inside = [
            one
            for one in scored
            if above_zero(one["final_score"]) and one["transformed_score"] is None
        ]
        assert all(one["payment_adjustment_factor"] == 0 for one in inside)
        assert not inside or width > 0
        scaled = bool(results) and results[0]["scaling_factor"] is not None
        expected = -risk_level * (0.15 * outside if scaled else zero)
        assert net_change(rows, results) == pytest.approx(
            expected, rel=1e-9, abs=1e-10 * outside + 1e-12
        )


@settings(max_examples=30, deadline=None)
@given(seeds, kinds, st.sampled_from(["hundredth_percent", "tenth_percent"]))
def test_rounded_adjustments_are_off_by_half_a_step_at_most(
    seed: int, kind: str, rounding: str
) -> None:
    step = {"hundredth_percent": 1e-4, "tenth_percent": 1e-3}[rounding]
    rows = table(seed, kind, "LBP")
    exact = score_cohort(rows, rules_with(), "LBP", 2027)
    rounded = score_cohort(rows, rules_with(rounding=rounding), "LBP", 2027)
    for one, other in zip(rounded, exact, strict=True):
        apart = one["payment_adjustment_factor"] - other["payment_adjustment_factor"]
        assert abs(apart) <= step / 2 * (1 + 1e-6)
    off = net_change(rows, rounded) - net_change(rows, exact)
    assert abs(off) <= step / 2 * (1 + 1e-6) * paid(rows, exact)


def test_a_neutral_band_by_hand() -> None:
    """Linear, 100 USD each: of 40, 50, 60 and 80 the middle two are within 5 of the median of 55.

    S = 0.85 x 200 / (0.4 x 100 + 0.8 x 100) = 17/12, so R (0.4 S - 1) and R (0.8 S - 1).
    """
    rules = rules_with(form="linear", neutral_band=5.0)
    scored = [payment.ScoredPayment(score, 100.0) for score in (40.0, 50.0, 60.0, 80.0)]
    fitted = payment.fit_payment(scored, rules, 2027)
    assert fitted.positive_scores.median == 55
    assert fitted.scaling_factor == pytest.approx(17 / 12)
    assert fitted.incentive_pool == pytest.approx(0.85 * 0.09 * 200)
    neutral = [
        payment.is_neutral(one.final_score, None, fitted.positive_scores, rules, 2027)
        for one in scored
    ]
    assert neutral == [False, True, True, False]
    found = [
        payment.payment_adjustment_factor(
            one.final_score,
            None if inside else one.final_score / 100,
            fitted.scaling_factor,
            rules,
            2027,
        )
        for one, inside in zip(scored, neutral, strict=True)
    ]
    assert found == pytest.approx([-0.039, 0, 0, 0.012])
    assert sum(found) == pytest.approx(-0.15 * 0.09 * 2)


@pytest.mark.parametrize(
    ("episodes", "width"), [(None, 10), (0, 10), (20, 10), (80, 5), (500, 2), (2_000, 1)]
)
def test_the_band_by_volume_narrows_as_a_standard_error(
    episodes: float | None, width: float
) -> None:
    rules = rules_with(neutral_band=10.0, neutral_band_form="by_volume")
    scores = payment.PositiveScores((50.0,))
    for sign in (-1, 1):
        for away, inside in ((width, True), (width + 0.001, False)):
            score = 50 + sign * away
            assert payment.is_neutral(score, episodes, scores, rules, 2027) == inside


@pytest.mark.parametrize(
    ("own", "earlier", "years", "rounding", "expected"),
    [
        (60.0, [80.0, None], 3, "none", 70.0),
        (60.0, [80.0, 10.0], 3, "none", 50.0),
        (60.0, [80.0, 10.0], 2, "none", 70.0),
        (60.0, [80.0, 10.0], 1, "none", 60.0),
        (None, [80.0, 10.0], 3, "none", None),
        (0.0, [50.0], 2, "none", 25.0),
        (62.5, [], 1, "whole", 63.0),
        (62.499, [], 1, "whole", 62.0),
        (62.25, [62.35], 2, "tenth", 62.3),
        (62.04, [62.06], 2, "tenth", 62.1),
        (1.005, [], 1, "hundredth", 1.01),  # just below the half as a binary number
        (99.996, [], 1, "hundredth", 100.0),
    ],
)
def test_the_score_that_is_exchanged(
    own: float | None,
    earlier: list[float | None],
    years: int,
    rounding: str,
    expected: float | None,
) -> None:
    rules = rules_with(averaging_years=years, score_rounding=rounding)
    assert exchanged_score(own, earlier, rules) == expected


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from([0.01, 0.5, 3.0, 100.0]), cohorts)
def test_multiplying_the_transformed_score_by_a_constant_changes_no_adjustment(
    seed: int, constant: float, cohort: str
) -> None:
    rows = table(seed, "ordinary", cohort)
    plain = score_cohort(rows, rules_with(), cohort, 2027)
    original = payment.transformed_score

    def multiplied(*arguments: Any) -> float:
        return constant * original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payment, "transformed_score", multiplied)
        scaled = score_cohort(rows, rules_with(), cohort, 2027)
    assert factors(scaled) == pytest.approx(factors(plain), abs=1e-12)
    if plain[0]["scaling_factor"] is not None:
        assert scaled[0]["scaling_factor"] * constant == pytest.approx(plain[0]["scaling_factor"])


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["ordinary", "zero_scorers", "ties", "extreme_values"]), years)
def test_without_steepness_every_positive_scorer_gets_the_same(
    seed: int, kind: str, year: int
) -> None:
    """At k = 0, AF = R (rho sum P / sum_{F > 0} P - 1); without zero scorers that is -(1 - rho) R.

    And k -> 0 tends to it.
    """
    rows = table(seed, kind, "HF")
    results = score_cohort(rows, rules_with(steepness=0.0), "HF", year)
    nearly = score_cohort(rows, rules_with(steepness=1e-9), "HF", year)
    risk_level = rules_with().payment.risk_level.at(year)
    positive = paid(rows, results, above_zero)
    zero = paid(rows, results, lambda score: not above_zero(score))
    for result, close in zip(results, nearly, strict=True):
        if result["final_score"] is None:
            expected = 0.0
        elif not above_zero(result["final_score"]):
            expected = -risk_level
        elif positive == 0:
            expected = 0.0
        else:
            expected = risk_level * (0.85 * (positive + zero) / positive - 1)
            if zero == 0:
                assert expected == pytest.approx(-0.15 * risk_level)
        assert result["payment_adjustment_factor"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert close["payment_adjustment_factor"] == pytest.approx(expected, rel=1e-6, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(seeds, cohorts)
def test_the_same_points_for_everyone_change_no_adjustment(seed: int, cohort: str) -> None:
    """The exchange function is centred on the median: only differences of scores matter.

    Everyone's interoperability goes from 100 to 50, minus 5 points. Uniform costs have z between
    about -1.7 and 1.7, so that all scores stay clear of 0 and 100.
    """
    rng = random.Random(seed)
    none_to_report = {
        f"{measure.lower()}_cases": 0
        for measure in rules_with().cohorts[cohort].quality_measures.value
    }
    rows = [
        none_to_report
        | {
            "clinician_id": i,
            "practice_size": 200,
            "part_b_payments": rng.uniform(0, 1e6),
            "improvement_activities": 1,
            "pi_score": 100,
            "episodes": 20,
            "episode_cost": rng.uniform(9_000, 11_000),
        }
        for i in range(100)
    ]
    high = score_cohort(rows, rules_with(), cohort, 2027)
    low = score_cohort([row | {"pi_score": 50} for row in rows], rules_with(), cohort, 2027)
    differences = [a["final_score"] - b["final_score"] for a, b in zip(high, low, strict=True)]
    assert differences == pytest.approx([5.0] * len(rows))
    assert factors(low) == pytest.approx(factors(high), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(seeds, kinds, cohorts)
def test_neither_the_order_of_the_rows_nor_the_currency_matters(
    seed: int, kind: str, cohort: str
) -> None:
    rows = table(seed, kind, cohort)
    plain = {r["clinician_id"]: r for r in score_cohort(rows, rules_with(), cohort, 2027)}
    changed = [row | {"part_b_payments": row["part_b_payments"] * 128} for row in reversed(rows)]
    for result in score_cohort(changed, rules_with(), cohort, 2027):
        same = plain[result["clinician_id"]]
        for column in ("final_score", "scaling_factor", "payment_adjustment_factor"):
            wanted = same[column]
            assert result[column] == (None if wanted is None else pytest.approx(wanted, abs=1e-12))


@settings(max_examples=25, deadline=None)
@given(seeds, kinds, cohorts, exchanges)
def test_a_higher_final_score_is_never_paid_less(
    seed: int, kind: str, cohort: str, exchange: tuple[str, str]
) -> None:
    rules = rules_with(form=exchange[0], midpoint=exchange[1])
    results = score_cohort(table(seed, kind, cohort), rules, cohort, 2031)
    scored = sorted(
        (r["final_score"], r["payment_adjustment_factor"])
        for r in results
        if r["final_score"] is not None
    )
    for (_, lower), (_, higher) in itertools.pairwise(scored):
        assert higher >= lower - 1e-12
    assert all(factor >= -0.12 for _, factor in scored)


def adjustments(scored: list[tuple[float, float]], rules: RuleSet) -> list[float]:
    """Adjustments of (final score, Part B payments), each against the fit of all, in 2027."""
    fitted = payment.fit_payment([payment.ScoredPayment(*one) for one in scored], rules, 2027)
    result = []
    for final_score, _ in scored:
        transformed = None
        if above_zero(final_score):
            transformed = payment.transformed_score(
                final_score, fitted.positive_scores, rules, 2027
            )
        result.append(
            payment.payment_adjustment_factor(
                final_score, transformed, fitted.scaling_factor, rules, 2027
            )
        )
    return result


hundredths = st.integers(0, 10_000).map(lambda cents: cents / 100)
scored_payments = st.lists(st.tuples(hundredths, st.floats(0, 1e6)), min_size=1, max_size=30)
INCREASING: dict[str, Callable[[float], float]] = {
    "square": lambda score: score**2 / 100,
    "root": lambda score: 10 * math.sqrt(score),
    "kink": lambda score: score / 4 if score < 60 else 15 + 85 * (score - 60) / 40,
    "to the top": lambda score: 0.0 if score == 0 else 99 + score / 100,
}


@settings(max_examples=60, deadline=None)
@given(scored_payments, st.sampled_from(sorted(INCREASING)))
def test_ranks_ignore_every_strictly_increasing_change_of_the_scores(
    scored: list[tuple[float, float]], change: str
) -> None:
    rules = rules_with(form="rank")
    moved = [(INCREASING[change](score), part_b) for score, part_b in scored]
    assert adjustments(moved, rules) == adjustments(scored, rules)


@settings(max_examples=60, deadline=None)
@given(scored_payments)
def test_ranks_are_midranks_less_one_half(scored: list[tuple[float, float]]) -> None:
    """Counted out one by one; they sum to half the number of clinicians."""
    rules = rules_with(form="rank")
    scores = sorted(score for score, _ in scored if score > 0)
    positive = payment.PositiveScores(tuple(scores))
    found = [payment.transformed_score(score, positive, rules, 2027) for score in scores]
    for score, share in zip(scores, found, strict=True):
        places = [place for place, other in enumerate(scores, start=1) if other == score]
        midrank = sum(places) / len(places)
        assert share == pytest.approx((midrank - 0.5) / len(scores), abs=1e-12)
    assert sum(share or 0 for share in found) == pytest.approx(len(scores) / 2)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 99.5), st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_everyone_at_the_threshold_is_paid_as_before(
    threshold: float, part_b: list[float], risk_level: float
) -> None:
    rules = rules_with(form="threshold", threshold=threshold, risk_level=risk_level)
    assert adjustments([(threshold, each) for each in part_b], rules) == [0.0] * len(part_b)


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 99), hundredths, st.floats(0, 1e6))
def test_against_a_threshold_nobody_weighs_on_anybody(
    threshold: float, score: float, part_b: float
) -> None:
    """R (F - t) / (100 - t) at or above t, -R (t - F) / t below, whoever else is there."""
    rules = rules_with(form="threshold", threshold=threshold)
    room = 100 - threshold if score >= threshold else threshold
    expected = 0.09 * (score - threshold) / room
    for others in ([], [(100.0, 1e6)], [(0.0, 5.0), (1.0, 1e6), (50.0, 0.0)]):
        found = adjustments([(score, part_b), *others], rules)[0]
        assert found == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.5, 100),
    st.lists(st.floats(1, 1e6), min_size=1),
    st.sampled_from([0.5, 0.85, 1.0]),
    with_a_pool,
)
def test_with_equal_scores_everyone_loses_what_medicare_keeps(
    score: float, part_b: list[float], share: float, exchange: tuple[str, str]
) -> None:
    """-(1 - rho) R each, by any function that divides a pool."""
    rules = rules_with(form=exchange[0], midpoint=exchange[1], redistribution_share=share)
    expected = -(1 - share) * 0.09
    for factor in adjustments([(score, each) for each in part_b], rules):
        assert factor == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(scored_payments, st.floats(0.1, 1))
def test_linear_adjustments_are_proportional_to_scores(
    scored: list[tuple[float, float]], factor: float
) -> None:
    """Scores all shrunk by a factor are paid the same: the scaling makes up for it."""
    rules = rules_with(form="linear")
    shrunk = [(factor * score, part_b) for score, part_b in scored]
    assert adjustments(shrunk, rules) == pytest.approx(adjustments(scored, rules), abs=1e-9)
