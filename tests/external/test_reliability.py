"""How reliability grows with the number of observations, as five studies have it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asm_sim.population.performance import kappa
from asm_sim.reproductions.table import Row
from asm_sim.studies import normal
from tests.external.rows import check, every_number


@every_number("fenton-patients", "hofer-patients", "manaseki-reviews", "beta-binomial")
def test_reliability_is_what_was_published(compute: Callable[[], Row]) -> None:
    check(compute())


@pytest.mark.parametrize(("share", "wanted"), [(0.061, 138), (0.034, 255)])
def test_the_patients_of_fenton_by_the_population_s_own_kappa(share: float, wanted: int) -> None:
    assert int(normal.number_for(0.9, kappa(share, 1))) == wanted
