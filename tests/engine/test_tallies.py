"""Histograms are counted in 16 bits on the way, of more clinicians than those hold too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels.draws.output import Output
from tests.bench.model import cohorts, new_output, simulate_into

DRAWS = 40  # of 2,607 clinicians: more than 65,535
HISTOGRAMS = ("adjustment_histogram", "score_histogram", "dollars_histogram")


def simulated(at: NDArray[np.int64]) -> Output:
    cohort = cohorts()[0]
    output = new_output(cohort, len(at))
    simulate_into(output, cohort, at, truth=False)
    return output


def test_many_draws_at_once_count_as_much_as_a_few_at_a_time() -> None:
    at = np.arange(DRAWS)
    together, apart = simulated(at), [simulated(few) for few in np.split(at, 4)]
    assert cohorts()[0].size * DRAWS > np.iinfo(np.uint16).max
    for name in HISTOGRAMS:
        counted = getattr(together, name)
        np.testing.assert_array_equal(counted, sum(getattr(part, name) for part in apart), name)
    scored = together.by_group["clinicians"] * (1.0 - together.by_group["share_unscored"])
    expected = np.nansum(scored[:, :, 1:], axis=0)
    np.testing.assert_allclose(together.score_histogram[:, 1:].sum(axis=2), expected, rtol=1e-12)
