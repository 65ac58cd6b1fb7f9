"""Which unknown matters: on functions whose answer is known, with luck on top that is no answer."""

from __future__ import annotations

import numpy as np
import pytest
from SALib.analyze import morris as salib_morris
from SALib.analyze import sobol as salib_sobol

from asm_sim.errors import InputError
from asm_sim.studies import sensitivity
from asm_sim.studies.sensitivity import Found
from tests.unit import known_functions as known
from tests.unit.known_functions import Known, points, with_luck

DRAWS = 8


def assert_known(found: Found, expected: np.ndarray, largest_error: float) -> None:
    """Within three of its errors, which are not so large that anything would do."""
    assert (np.abs(found.value - expected) <= 3 * found.error + 1e-9).all(), (found, expected)
    assert (found.error < largest_error).all(), found.error


@pytest.mark.parametrize(
    "function",
    [
        known.ishigami(),
        known.g_function(),
        known.linear(),
        known.by_quadrature(known.break_even),
        known.by_quadrature(known.penalties),
    ],
    ids=["ishigami", "g", "linear", "break-even score", "share of penalties"],
)
@pytest.mark.parametrize("luck", [0.0, 1.0], ids=["certain", "with luck"])
def test_indices_are_those_that_are_known(function: Known, luck: float) -> None:
    rows, inputs = 256, len(function.first)
    x = points(inputs, "sobol", rows).quantiles
    assert x is not None
    sd = luck * function.variance**0.5
    found = sensitivity.sobol(with_luck(function.function(x), DRAWS, 2 * sd, sd))
    assert_known(found.first, function.first, 0.15)
    assert_known(found.total, function.total, 0.15)
    assert_known(found.sd, np.array(function.variance**0.5), 0.2 * function.variance**0.5)


def test_quadrature_knows_what_is_known() -> None:
    for smooth in (known.ishigami(), known.linear()):
        found = known.by_quadrature(smooth.function, len(smooth.first))
        np.testing.assert_allclose(found.first, smooth.first, atol=1e-9)
        np.testing.assert_allclose(found.total, smooth.total, atol=1e-9)


def test_the_scaling_factor_depends_on_the_share_paid_out_alone() -> None:
    x = points(3, "sobol", 64).quantiles
    assert x is not None
    found = sensitivity.sobol(with_luck(known.scaling_factor(x), DRAWS, 0.0, 0.0))
    np.testing.assert_array_equal(found.total.value[1:], 0.0)
    assert_known(found.first, np.array([1.0, 0.0, 0.0]), 0.15)


def test_luck_is_never_taken_for_sensitivity() -> None:
    """SALib, given the means over draws, finds that the last input of a sum matters, and it does
    nothing."""
    function = known.linear()
    design = points(4, "sobol", 256)
    assert design.quantiles is not None
    y = with_luck(function.function(design.quantiles), DRAWS, 1.0, 2.0)
    problem = {"num_vars": 4, "names": list("abcd"), "bounds": [[0.0, 1.0]] * 4}
    naive = salib_sobol.analyze(problem, y.mean(-1).ravel(), calc_second_order=False, seed=1)
    assert naive["ST"][3] > 0.25
    found = sensitivity.sobol(y)
    assert abs(found.total.value[3]) < 2 * found.total.error[3] < 0.3

    design = points(4, "morris", 20)
    assert design.quantiles is not None
    y = with_luck(function.function(design.quantiles), DRAWS, 1.0, 1.0)
    x = design.quantiles.reshape(-1, 4)
    naive = salib_morris.analyze(problem, x, y.mean(-1).ravel(), num_levels=8, seed=1)
    assert naive["mu_star"][3] > 0.6
    screened = sensitivity.morris(y, design.quantiles)
    assert screened.size.value[3] < 2 * screened.size.error[3] < 1.5
    assert_known(screened.mean, np.array([3.0, -2.0, 1.0, 0.0]), 1.0)


def test_screening_of_a_sum_is_its_slopes_and_of_a_product_has_a_spread() -> None:
    x = points(4, "morris", 10).quantiles
    assert x is not None
    found = sensitivity.morris(with_luck(known.linear().function(x), DRAWS, 1.0, 0.0), x)
    np.testing.assert_allclose(found.mean.value, [3.0, -2.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.size.value, [3.0, 2.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.spread.value, 0.0, atol=1e-7)
    bent = sensitivity.morris(with_luck(x[..., 0] * x[..., 1] + x[..., 2], 3, 0.0, 0.0), x)
    assert (bent.spread.value[:2] > 0.2).all()
    np.testing.assert_allclose(bent.spread.value[2:], 0.0, atol=1e-7)


def test_effects_are_paired_differences() -> None:
    rng = np.random.default_rng(3)
    central = rng.normal(size=40)
    own = 0.1 * rng.normal(size=40)
    found = sensitivity.paired(np.stack([central + 1.0 + own, central]), central)
    np.testing.assert_allclose(found.value, [1.0 + own.mean(), 0.0])
    np.testing.assert_allclose(found.error, [own.std(ddof=1) / 40**0.5, 0.0], atol=1e-15)


def test_shares_of_the_variance_are_those_of_the_layers() -> None:
    """Readings 4, parameters 3, population 2, measurement 1; a product belongs to the later."""
    draws, sizes = 4000, np.sqrt([4.0, 3.0, 2.0, 1.0])
    rng = np.random.default_rng(4)
    layers, anew = sizes * rng.normal(size=(2, draws, 4))
    sets = []
    for new in range(4):  # the last so many layers are drawn anew
        mixed = np.where(np.arange(4) >= 4 - new, anew, layers)
        sets.append(np.stack([mixed.sum(1), mixed[:, 0] * mixed[:, 3], np.full(draws, 0.85)]))
    found = sensitivity.variance_shares(np.stack(sets))
    assert sensitivity.LAYERS == ("readings", "parameters", "population", "measurement")
    assert_known(Found(*(part[:, 0] for part in found)), np.array([0.4, 0.3, 0.2, 0.1]), 0.04)
    assert_known(Found(*(part[:, 1] for part in found)), np.array([0.0, 0.0, 0.0, 1.0]), 0.08)
    np.testing.assert_allclose(found.value[:, :2].sum(axis=0), 1.0)
    assert np.isnan(found.value[:, 2]).all()  # fixed by the rule


def test_errors_of_shares_are_those_of_leaving_out_each_draw() -> None:
    sets = np.random.default_rng(5).normal(size=(4, 9)) + np.arange(9)
    found = sensitivity.variance_shares(sets)
    kept = [sensitivity.variance_shares(np.delete(sets, k, axis=1)).value for k in range(9)]
    by_hand = (8 / 9 * ((np.stack(kept) - np.mean(kept, axis=0)) ** 2).sum(axis=0)) ** 0.5
    np.testing.assert_allclose(found.error, by_hand)


def test_intervals_cover_what_is_known() -> None:
    """Of 40 designs, each with luck of its own, two errors cover the indices in most."""
    function = known.g_function()
    covered = []
    for seed in range(40):
        x = points(4, "sobol", 64, seed).quantiles
        assert x is not None
        found = sensitivity.sobol(with_luck(function.function(x), 4, 1.0, 0.5, seed))
        for index, expected in ((found.first, function.first), (found.total, function.total)):
            covered.append(np.abs(index.value - expected) < 2 * index.error)
    assert np.mean(covered) > 0.9


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="give 2 or more"):
        sensitivity.sobol(np.zeros((4, 3, 1)))
    with pytest.raises(InputError, match="3 draws at least"):
        sensitivity.variance_shares(np.zeros((4, 2)))
    with pytest.raises(InputError, match="two trajectories"):
        sensitivity.morris(np.zeros((1, 2, 2)), np.array([[[0.0], [1.0]]]))
    with pytest.raises(InputError, match="two rows"):
        sensitivity.sobol(np.zeros((1, 3, 2)))
