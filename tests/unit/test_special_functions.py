"""Functions of scipy.special without its package, which stays whole for whoever imports it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.special

from asm_sim import special_functions

LATER = """
import sys
from asm_sim.special_functions import ndtri
assert "scipy.special" not in sys.modules
import scipy.special, scipy.stats
assert scipy.special.ndtri(0.3) == ndtri(0.3) == scipy.stats.norm.ppf(0.3)
assert scipy.special.erf(0.0) == 0.0 and scipy.special._ufuncs.erf(0.0) == 0.0
"""


def test_the_package_can_be_imported_later() -> None:
    subprocess.run([sys.executable, "-c", LATER], check=True)


@pytest.mark.parametrize("name", ["expit", "gammaln", "ndtr", "ndtri"])
def test_they_are_those_of_the_package(name: str) -> None:
    x = np.linspace(0.01, 0.99, 99)
    expected = getattr(scipy.special, name)(x)
    np.testing.assert_array_equal(getattr(special_functions, name)(x), expected)
    np.testing.assert_array_equal(
        special_functions.betaincinv(3.0, 7.0, x), scipy.special.betaincinv(3.0, 7.0, x)
    )
