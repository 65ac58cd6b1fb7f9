"""Closed forms against numerical integrals, and against plain Monte Carlo of the rule in numpy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, ndtr, ndtri
from scipy.stats import multivariate_normal, norm

from asm_sim.studies import closed_forms as forms
from asm_sim.studies import normal

R, RHO = 0.09, 0.85
CASES = list(itertools.product([0.05, 0.1, 0.3], [8.33, 15.0], [0.0, 0.05], [0.7, 0.85, 1.0]))
every_case = pytest.mark.parametrize(("k", "sd", "z", "rho"), CASES)


def integral(function: object, low: float = -9.0, high: float = 9.0) -> float:
    return float(quad(lambda x: function(x) * norm.pdf(x), low, high, limit=400)[0])  # type: ignore[operator]


# Two normal values


@pytest.mark.parametrize("a", [-2.5, 0.0, 0.7])
@pytest.mark.parametrize("b", [-1.0, 0.0, 0.7])
@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.3, 0.8, 0.995])
def test_both_below(a: float, b: float, correlation: float) -> None:
    known = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf([a, b])
    assert float(normal.both_below(a, b, correlation)) == pytest.approx(known, abs=2e-9)


def test_both_below_at_the_ends() -> None:
    assert float(normal.both_below(40.0, 1.0, 0.5)) == pytest.approx(float(ndtr(1.0)))
    assert float(normal.both_below(-40.0, 1.0, 0.5)) == 0.0
    a = np.array([-1.0, 0.3, 2.0])
    np.testing.assert_allclose(normal.both_below(a, a, 1.0), ndtr(a), atol=1e-4)


def test_what_is_known_of_normal_measurements_by_monte_carlo() -> None:
    """Truth, and two measurements of it, of 400,000 clinicians; five standard errors."""
    n, r = 400_000, 0.6
    rng = np.random.default_rng(5)
    true, first, second = rng.standard_normal((3, n))
    first = np.sqrt(r) * true + np.sqrt(1 - r) * first
    second = np.sqrt(r) * true + np.sqrt(1 - r) * second

    def near(share: np.ndarray | float, known: float) -> None:
        assert float(np.mean(share)) == pytest.approx(known, abs=2.5 / np.sqrt(n))

    cut = float(ndtri(0.25))
    near((true < cut) != (first < cut), float(normal.wrong_tier(0.25, r)))
    fifths = [0.2, 0.4, 0.6, 0.8]
    tier = [np.searchsorted(ndtri(fifths), values) for values in (true, first)]
    pairs = normal.in_same_tiers(fifths, r)
    assert pairs.sum() == pytest.approx(1.0)
    for i, j in itertools.product(range(5), repeat=2):
        near((tier[0] == i) & (tier[1] == j), pairs[i, j])
    standard = float(ndtri(1 - 0.3)) * np.sqrt(r)  # on the scale of what is measured
    seeming, truly = normal.above_standard(0.3, r)
    near(first > standard, float(seeming))
    near((first > standard) & (true > ndtri(1 - 0.3)), float(truly))
    error = ndtr(first) - ndtr(true)
    assert np.sqrt(np.mean(error**2)) == pytest.approx(float(normal.percentile_error(r)), rel=0.01)
    correlation = np.corrcoef(ndtr(first), ndtr(second))[0, 1]
    assert correlation == pytest.approx(float(normal.rank_correlation(r)), abs=0.01)
    assert float(normal.correlation_of_ranks(normal.rank_correlation(r))) == pytest.approx(r)
    at_median = np.sqrt(1 - r) * rng.standard_normal(n)
    near(abs(ndtr(at_median) - 0.5) > 0.05, float(normal.off_by_more(0.05, r)))


def test_years_below_a_cut() -> None:
    rng = np.random.default_rng(6)
    n, r, cut = 200_000, 0.4, -0.3
    years = np.sqrt(r) * rng.standard_normal((n, 1)) + np.sqrt(1 - r) * rng.standard_normal((n, 4))
    found = np.bincount((years < cut).sum(axis=1), minlength=5) / n
    known = normal.years_below(cut, r, 4)
    assert known.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found, known, atol=2.5 / np.sqrt(n))
    np.testing.assert_allclose(normal.years_below(cut, 0.0, 1), [1 - ndtr(cut), ndtr(cut)])


def test_numbers_of_observations() -> None:
    assert float(normal.number_for(normal.reliability_at(7.0, 12.0), 7.0)) == pytest.approx(12.0)
    assert float(normal.spearman_brown(normal.reliability_at(7, 12), 3)) == pytest.approx(36 / 43)
    assert float(normal.reliability_at(normal.kappa_of_share(0.04), 1)) == pytest.approx(0.04)


# The payment rule


@every_case
def test_payment_by_integrals(k: float, sd: float, z: float, rho: float) -> None:
    def transformed(x: float) -> float:
        return float(expit(k * sd * x))

    scaling = rho / ((1 - z) * integral(transformed))
    assert float(forms.scaling(rho, z)) == pytest.approx(scaling)
    even = float(forms.break_even(0.0, k, rho, z))
    assert scaling * transformed(even / sd) == pytest.approx(1.0)
    assert float(forms.break_even(70.0, k, rho, z)) == pytest.approx(70.0 + even)
    penalty = z + (1 - z) * float(ndtr(even / sd))
    assert float(forms.penalty_share(k, sd, rho, z)) == pytest.approx(penalty)

    def adjustment(x: float) -> float:
        return R * (scaling * transformed(x) - 1)

    average = integral(adjustment)
    assert float(forms.mean_adjustment(R, rho, z)) == pytest.approx(average, abs=1e-12)
    assert (1 - z) * average - z * R == pytest.approx(R * (rho - 1))
    square = (1 - z) * integral(lambda x: adjustment(x) ** 2) + z * R * R
    spread = np.sqrt(square - (R * (rho - 1)) ** 2)
    assert float(forms.adjustment_sd(R, k, sd, rho, z)) == pytest.approx(spread, rel=1e-8)
    paid = (1 - z) * integral(adjustment, even / sd) / R
    assert float(forms.bonuses(k, sd, rho, z)) == pytest.approx(paid, rel=1e-7)
    lost = z - (1 - z) * integral(adjustment, -9.0, even / sd) / R
    assert float(forms.penalties(k, sd, rho, z)) == pytest.approx(lost, rel=1e-6)
    assert float(forms.largest_bonus(R, rho, z)) == pytest.approx(adjustment(1e4 / sd))


def test_where_nobody_can_break_even_all_lose() -> None:
    assert np.isnan(forms.break_even(50, 0.1, 0.4))
    assert np.isnan(forms.break_even(50, 0.0, 0.85))
    assert float(forms.penalty_share(0.1, 10, 0.4)) == 1.0
    assert float(forms.bonuses(0.1, 10, 0.4)) == pytest.approx(0.0, abs=1e-12)


def test_the_shapes_without_an_integral_are_as_near_as_they_say() -> None:
    for k, sd in itertools.product([0.1, 0.2], [10.0, 14.0, 20.0]):
        exact = float(forms.transformed_variance(k, sd))
        assert float(forms.transformed_variance_by_arcsine(k, sd)) == pytest.approx(exact, rel=0.05)
        paid = float(forms.bonuses(k, sd, RHO))
        assert float(forms.bonuses_by_normal(k, sd, RHO)) == pytest.approx(paid, rel=0.1)


@pytest.mark.parametrize("k", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("reliability", [0.5, 0.8])
def test_chance_by_monte_carlo(k: float, reliability: float) -> None:
    """Observed and true scores, each through a rule of its own fit; numpy alone."""
    rng = np.random.default_rng(7)
    n, sd = 200_000, 12.0
    true, noise = rng.standard_normal((2, n))
    observed = np.sqrt(reliability) * true + np.sqrt(1 - reliability) * noise

    def paid(score: np.ndarray) -> np.ndarray:
        t = expit(k * (score - np.median(score)))
        return R * (RHO / t.mean() * t - 1)

    # Cost and quality are scored against their own spread, so that noise-free scores spread as far.
    factor, noise_free = paid(sd * observed), paid(sd * true)
    squared = np.corrcoef(factor, noise_free)[0, 1] ** 2
    known = float(forms.reliability_of_adjustment(reliability, k, sd))
    assert squared == pytest.approx(known, abs=0.008)
    share = np.mean((factor - noise_free) ** 2) / factor.var()
    assert float(forms.chance_share_of_variance(squared)) == pytest.approx(share, rel=0.01)
    assert abs(share - (1 - squared)) > 0.01  # which it is not
    cut = float(forms.break_even_in_sds(k, sd, RHO))
    wrong = np.mean((factor < 0) != (noise_free < 0))
    assert float(forms.wrong_sign(cut, reliability)) == pytest.approx(wrong, abs=0.006)


def test_sign_from_year_to_year_and_at_the_median() -> None:
    assert float(forms.wrong_sign(0.0, 0.61)) == pytest.approx(np.arccos(np.sqrt(0.61)) / np.pi)
    cut, r, p = 0.25, 0.8, 0.7
    both = float(normal.both_below(cut, cut, r * p))
    assert float(forms.sign_change(cut, r * p)) == pytest.approx(2 * (float(ndtr(cut)) - both))
    never_always = normal.years_below(cut, r, 5)[[0, -1]]
    np.testing.assert_allclose(never_always, [0.21, 0.39], atol=0.005)


@pytest.mark.parametrize("kappa", [6.7, 37.1])
def test_episodes_until_the_sign_is_right(kappa: float) -> None:
    rng = np.random.default_rng(8)
    for distance in (0.25, 1.0, 2.0):
        n = float(forms.episodes_for_sign(kappa, distance))
        right = distance + np.sqrt(kappa / n) * rng.standard_normal(100_000) > 0
        assert right.mean() == pytest.approx(0.9, abs=0.005)
    everybody = float(forms.episodes_for_all(kappa))
    assert everybody == pytest.approx(9.47 * kappa, rel=1e-3)
    assert float(forms.wrong_sign_at(kappa, everybody)) == pytest.approx(0.1)


def test_worth_of_a_point_and_of_a_rank() -> None:
    def expected(level: float, noise: float) -> float:
        scaling = float(forms.scaling(RHO))
        return integral(lambda x: R * (scaling * expit(0.1 * (level + noise * x)) - 1))

    for noise in (0.0, 8.0):
        slope = (expected(0.5, noise) - expected(-0.5, noise)) / 1.0
        worth = float(forms.worth_of_a_point(R, 0.1, RHO, 0.0, noise))
        assert worth == pytest.approx(slope, rel=1e-3)
    assert float(forms.worth_of_a_point(R, 0.1, RHO)) == pytest.approx(0.0038, abs=5e-5)
    rng = np.random.default_rng(9)
    kappa, n, peers = 20.0, 50.0, 80.0
    others = np.sqrt(1 + kappa / peers) * rng.standard_normal(100_000)
    own = 0.5 + np.sqrt(kappa / n) * rng.standard_normal(100_000)
    prize = R * (2 * RHO * np.mean(own > others) - 1)
    assert float(forms.rank_prize(0.5, R, RHO, kappa, n, peers)) == pytest.approx(prize, abs=5e-4)


def test_limits() -> None:
    winners, losers = forms.tournament(R, RHO)
    assert float(winners) == pytest.approx(float(forms.largest_bonus(R, RHO)))
    assert float(losers) == -R
    assert float(forms.penalty_share(50.0, 14.0, RHO)) == pytest.approx(0.5, abs=1e-3)
    assert float(forms.penalty_share(1e-3, 14.0, RHO)) == pytest.approx(1.0)
    each = float(forms.cost_of_zero_scorers(R, RHO, 0.01))
    assert each == pytest.approx(R * RHO * 0.01, rel=0.02)
    rng = np.random.default_rng(10)
    medians = np.median(14.0 * rng.standard_normal((4000, 401)), axis=1)
    assert float(forms.luck_of_the_peers(14.0, 401)) == pytest.approx(medians.std(), rel=0.05)
