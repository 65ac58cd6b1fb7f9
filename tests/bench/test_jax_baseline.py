"""The JAX baseline draws and scores as NumPy does, up to chance; skipped where JAX is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bench import numpy_baseline
from tests.bench.model import GRIDS, Cohort, cohorts, new_output

jax = pytest.importorskip("jax")

from tests.bench.jax_baseline import HISTOGRAMS, simulator  # noqa: E402 (JAX may not be there)

NUMPY_DRAWS, JAX_DRAWS, BATCH = 60, 64, 8
STANDARD_ERRORS = 5.0  # of some 2,000 comparisons


@pytest.fixture(scope="module", params=["HF", "LBP"])
def cohort(request: pytest.FixtureRequest) -> Cohort:
    return next(cohort for cohort in cohorts() if cohort.name == request.param)


@pytest.fixture(scope="module")
def of_numpy(cohort: Cohort) -> Any:
    output = new_output(cohort, NUMPY_DRAWS)
    rng = np.random.default_rng(1)
    numpy_baseline.simulate(cohort.rules, cohort.practices, cohort.model, GRIDS, rng, output)
    return output


def of_jax(cohort: Cohort, exact: bool) -> list[dict[str, Any]]:
    simulate = simulator(cohort, exact)
    keys = jax.random.split(jax.random.key(1), (JAX_DRAWS // BATCH, BATCH))
    return [jax.tree.map(np.asarray, simulate(batch)) for batch in keys]


def test_every_statistic_agrees(cohort: Cohort, of_numpy: Any) -> None:
    batches = of_jax(cohort, True)
    compared = 0
    samples: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
        "quantile": (of_numpy.quantile, np.concatenate([batch["quantile"] for batch in batches]))
    }
    for record in ("yearly", "by_group"):
        for name in batches[0][record]:
            drawn = np.concatenate([batch[record][name] for batch in batches])
            samples[f"{record} {name}"] = getattr(of_numpy, record)[name], drawn
    for name, (a, b) in samples.items():
        known = ~(np.isnan(a).all(axis=0) | np.isnan(b).all(axis=0))
        a, b = a[:, known], b[:, known]
        variance = a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b)
        near = 1e-9 + 1e-5 * np.abs(b.mean(axis=0))
        distance = np.abs(a.mean(axis=0) - b.mean(axis=0)) / np.maximum(np.sqrt(variance), near)
        assert np.nanmax(distance) < STANDARD_ERRORS, name
        compared += np.count_nonzero(~np.isnan(distance))
    assert compared > 1000
    sizes = slice(1, 5)  # by practice size, of which both cohorts have all
    for name in HISTOGRAMS:
        counts = getattr(of_numpy, name)[:, sizes], sum(batch[name][:, sizes] for batch in batches)
        shares = [np.cumsum(c, axis=2) / c.sum(axis=2, keepdims=True) for c in counts]
        assert np.abs(shares[0] - shares[1]).max() < 0.02, name


def test_normal_approximations_are_near(cohort: Cohort, of_numpy: Any) -> None:
    batches = of_jax(cohort, False)
    for name, tolerance in (("final_score_mean", 0.5), ("adjustment_mean", 0.001)):
        drawn = np.concatenate([batch["yearly"][name] for batch in batches])
        difference = np.abs(drawn.mean(axis=0) - of_numpy.yearly[name].mean(axis=0))
        assert difference.max() < tolerance, name
