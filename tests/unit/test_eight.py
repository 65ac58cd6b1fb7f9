"""What is done with eight numbers at once, against the same said of one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from asm_sim.engine.plan import CohortPlan, make_plan
from asm_sim.kernels._jit import entry
from asm_sim.kernels._reference import by_reference, keep
from asm_sim.kernels.numeric.eight import (
    EIGHT,
    MOST_KNOTS,
    SIXTEEN,
    add_where,
    as_float,
    bits_of,
    chosen,
    eight_are,
    eight_from,
    fused,
    how_many,
    in_all,
    look_up_either,
    pack_eight,
    put_eight,
    reached,
    sum_of,
    table_from,
    unpack_eight,
)
from asm_sim.kernels.numeric.vectors import has_wide_vectors
from asm_sim.kernels.rule.fit import new_fit, new_scratch
from asm_sim.kernels.rule.quality import (
    EXCLUDED,
    NOT_REPORTED,
    _score_plain_deciles,
    _score_points,
)
from asm_sim.kernels.world.performance import rate_at
from tests.conftest import MakeScenario


@entry
def is_wide():  # type: ignore[no-untyped-def]
    return has_wide_vectors()  # type: ignore[call-arg]


if not is_wide():
    pytest.skip("this processor has no vectors of 512 bits", allow_module_level=True)


@entry
def looked_up(values, second, knots, tables, result, packed, unpacked):  # type: ignore[no-untyped-def]
    of_knots = table_from(knots)
    both_tables = table_from(tables[0]), table_from(tables[1])
    k = total = 0
    for i in range(0, len(values), EIGHT):
        of_second = eight_are(second, i, np.int8(1))
        value = eight_from(values, i)
        at = reached(of_knots, value)
        found = look_up_either(both_tables, of_second, at)
        put_eight((found - 2.0) * as_float(at) / in_all(3.0), result, i)
        marks = value >= found
        put_eight(chosen(marks, unpack_eight(marks, values, k), -1.0), unpacked, i)
        k += pack_eight(marks, chosen(of_second, value, found), packed, k)
        total += sum_of(add_where(marks, 3, bits_of(fused(found, 10.0, 2.0**52))))
        total += 1000 * how_many(marks)
    return k, total


@pytest.mark.parametrize("count", [0, 1, 7, 8, MOST_KNOTS])
def test_lookups(count: int) -> None:
    generator = np.random.default_rng(20271127)
    n = 400
    knots = np.full(SIXTEEN, np.nan)
    knots[:count] = np.sort(np.round(generator.random(count), 1))  # some are equal
    tables = generator.random((2, SIXTEEN))
    values = np.round(generator.uniform(-0.1, 1.1, n), 2)
    values[:3] = np.nan, np.inf, -np.inf
    second = generator.integers(0, 3, n).astype(np.int8)
    result, packed, unpacked = np.empty(n), np.empty(n), np.empty(n)
    k, total = looked_up(values, second, knots, tables, result, packed, unpacked)
    of = (second == 1).astype(int)
    at = np.array([np.sum(knots[:count] <= v) for v in values])
    found = tables[of, at]
    np.testing.assert_array_equal(result, (found - 2.0) * at / 3.0)
    marks = values >= found
    expected = np.where(of == 1, values, found)[marks]
    assert k == len(expected)
    np.testing.assert_array_equal(packed[:k], expected)
    spread = np.full(n, -1.0)
    spread[marks] = values[:k]
    np.testing.assert_array_equal(unpacked, spread)
    bits = np.rint(found * 10.0).astype(np.int64) + np.float64(2.0**52).view(np.int64)
    assert total == bits.sum() + 1003 * k


@pytest.fixture(scope="module")
def cohort(make_scenario: MakeScenario) -> CohortPlan:
    return make_plan(make_scenario()).cohorts[0]


@entry
def cuts_and_points(rules, m, rates, status, refit, points):  # type: ignore[no-untyped-def]
    """Twice, so that benchmarks are made anew, or applied to other results."""
    rules = by_reference(rules)
    measures, n = status.shape
    own_fit, own = new_fit(rules, measures, n), new_scratch(measures, n)
    fit, scratch = by_reference(own_fit), by_reference(own)
    scratch.status[:] = status
    for lens in range(2):
        _score_plain_deciles(
            rates[lens], rules, m, 0, lens == 0 or refit, fit, points[lens], scratch
        )
    return own_fit.cut_points[m], own_fit.has_benchmark[m]


def expected_points(
    rate: float, status: int, cuts: Any, known: Any, sign: float, unreported: float
) -> float:
    if status == NOT_REPORTED:
        return unreported
    if status == EXCLUDED or not known[status]:
        return np.nan
    row = cuts[status]
    k = int(np.sum(sign * rate >= row))
    if k == 0:
        return 1.0
    width = row[k] - row[k - 1] if k < len(row) else np.inf
    return float(k + (sign * rate - row[k - 1]) / width)


@pytest.mark.parametrize("n", [1, 8, 203, 1000])
@pytest.mark.parametrize("shares", [(0.6, 0.3), (0.0, 0.9), (0.95, 0.0), (0.85, 0.1)])
@pytest.mark.parametrize("refit", [False, True])
def test_deciles(cohort: CohortPlan, n: int, shares: tuple[float, float], refit: bool) -> None:
    rules = cohort.rules
    minimum = int(rules.year["benchmark_minimum_clinicians"][0])
    for m in np.flatnonzero(rules.measure_by_deciles):
        generator = np.random.default_rng(20271127)
        kinds = np.array([0, 1, EXCLUDED, NOT_REPORTED], np.int8)
        rest = 1.0 - sum(shares)
        drawn = generator.choice(kinds, n, p=[*shares, 0.4 * rest, 0.6 * rest])
        status = np.tile(drawn, (len(rules.measure_by_deciles), 1))
        rates = np.round(generator.beta(3.0, 1.0, (2, n)) * 40.0) * 2.5  # many are equal
        points = np.empty((2, n))
        cuts, known = cuts_and_points(rules, m, rates, status, refit, points)
        sign = -1.0 if rules.measure_inverse[m] else 1.0
        of_fit = sign * rates[int(refit)]
        for g in range(2):
            values = of_fit[drawn == g]
            assert known[g] == (len(values) >= minimum)
            if known[g]:
                expected = np.percentile(values, rules.decile_percentiles)
                np.testing.assert_allclose(cuts[g], expected, rtol=1e-13)
        unreported = float(rules.year["points_not_reported"][0])
        own = [
            expected_points(rate, g, cuts, known, sign, unreported)
            for rate, g in zip(rates[1], drawn, strict=True)
        ]
        np.testing.assert_array_equal(points[1], own)


@entry
def quality_score(points, most, score):  # type: ignore[no-untyped-def]
    own = new_scratch(1, len(score))
    _score_points(points, most, score, by_reference(own))
    keep(own)


@pytest.mark.parametrize("n", [1, 8, 203])
def test_the_quality_score_is_the_mean_of_what_counts(n: int) -> None:
    points = np.random.default_rng(20271127).uniform(1.0, 10.0, (5, n))
    points[points > 7.0] = np.nan
    score = np.empty(n)
    quality_score(points, 10.0, score)
    with np.errstate(invalid="ignore"):
        expected = np.nansum(points, axis=0) / (10.0 * np.sum(~np.isnan(points), axis=0))
    np.testing.assert_allclose(score, expected, rtol=1e-15)


@entry
def rates_of(model, m, y, collection, z, rate):  # type: ignore[no-untyped-def]
    rate_at(model, m, y, collection, z, np.empty(len(z), np.int64), rate)


@pytest.mark.parametrize("n", [1, 8, 203])
def test_true_rates(cohort: CohortPlan, n: int) -> None:
    quality = cohort.model.quality
    generator = np.random.default_rng(20271127)
    z = np.concatenate([quality.knot_z, generator.normal(0.0, 1.5, n)])
    collection = generator.integers(0, 2, len(z)).astype(np.int8)
    for m in np.flatnonzero(quality.proportion):
        rate = np.empty(len(z))
        rates_of(cohort.model, m, 0, collection, z, rate)
        tables = quality.knot_rate[m].reshape(2, -1)
        expected = [
            np.interp(value, quality.knot_z, tables[g])
            for value, g in zip(z, collection, strict=True)
        ]
        np.testing.assert_allclose(
            rate, np.clip(expected, 0.0, quality.rate_maximum[m]), rtol=1e-12
        )
