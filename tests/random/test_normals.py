"""The normals are normal, and independent of each other where they should be. Seeds are fixed."""

import numpy as np
import pytest
from scipy import stats

from asm_sim.kernels.numeric.variates import normals_at, uniforms_at

ENTITIES = 50_000


def normals(seed: int = 2026, layers: int = 4, stream: int = 4, position: int = 0) -> np.ndarray:
    """float64 [layers, 4, ENTITIES]."""
    words = np.array([seed, 0], np.uint64)
    address = np.vstack([np.arange(ENTITIES), np.zeros(ENTITIES)]).astype(np.uint64)
    return np.stack([normals_at(words, address, d, stream, 1, position) for d in range(layers)])


def test_they_are_those_of_box_and_muller() -> None:
    """Of the words of the same block, which its uniforms tell, to 2e-14 of the radius."""
    words = np.array([2026, 0], np.uint64)
    address = np.vstack([np.arange(ENTITIES), np.zeros(ENTITIES)]).astype(np.uint64)
    uniforms = uniforms_at(words, address, 0, 4, 1, 0)
    z = normals_at(words, address, 0, 4, 1, 0)
    for first in (0, 2):
        u, turn = uniforms[first], uniforms[first + 1] - 2.0**-33
        radius, angle = np.sqrt(-2.0 * np.log(u)), 2.0 * np.pi * turn
        for made, function in ((z[first], np.cos), (z[first + 1], np.sin)):
            assert np.max(np.abs(made - radius * function(angle)) / radius) < 2e-14


def test_moments() -> None:
    z = normals(layers=8).ravel()
    n = len(z)
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 4 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / n)


@pytest.mark.parametrize("lane", range(4))
def test_distribution_of_each_lane(lane: int) -> None:
    z = normals()[:, lane].ravel()
    assert stats.kstest(z, "norm").pvalue > 0.001
    edges = stats.norm.ppf(np.arange(1, 200) / 200)
    counts = np.bincount(np.searchsorted(edges, z), minlength=200)
    assert stats.chisquare(counts).pvalue > 0.001


def test_the_tails_are_there() -> None:
    """Two words make a normal, so it ends at sqrt(-2 ln 2^-33) = 6.76."""
    z = normals(layers=8).ravel()
    for limit in (3.0, 4.0):
        expected = len(z) * 2 * stats.norm.sf(limit)
        assert abs((np.abs(z) > limit).sum() - expected) < 4 * np.sqrt(expected)
    assert np.abs(z).max() < np.sqrt(2 * 33 * np.log(2))


def test_neighbours_are_uncorrelated() -> None:
    """Lanes of a block, entities, layers, positions and streams, also in their squares."""
    z = normals(layers=2)
    other = normals(layers=1, position=1)[0, 0]
    stream = normals(layers=1, stream=5)[0, 0]
    a = z[0, 0]
    pairs = [(a, z[0, lane]) for lane in (1, 2, 3)]
    pairs += [(a[:-1], a[1:]), (a, z[1, 0]), (a, other), (a, stream)]
    for x, y in pairs:
        for f in (np.asarray, np.square, np.abs):
            assert abs(np.corrcoef(f(x), f(y))[0, 1]) < 4 / np.sqrt(len(x))


@pytest.mark.stress
def test_distribution_over_many_seeds() -> None:
    """Fisher's combination of the chi-squares of 24 seeds."""
    edges = stats.norm.ppf(np.arange(1, 200) / 200)
    values = []
    for seed in range(24):
        z = normals(seed=seed, layers=20).ravel()
        counts = np.bincount(np.searchsorted(edges, z), minlength=200)
        values.append(stats.chisquare(counts).pvalue)
    assert stats.combine_pvalues(values).pvalue > 0.001
