"""A run has the same bits whatever instructions NumPy and its linear algebra find."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

RUN = """
import json, tempfile
from pathlib import Path
import numpy as np
from tests.golden.bits import DRAWS, laid_on_small_roster, of_run

with tempfile.TemporaryDirectory() as folder:
    digests = of_run(laid_on_small_roster(Path(folder))({}), DRAWS)
a, b = np.random.default_rng(1).random((2, 70, 600))
print(json.dumps([digests, (a @ b.T).tobytes().hex(), np.exp(a).tobytes().hex()]))
"""
PLAIN = {"x86_64": "Prescott", "amd64": "Prescott", "aarch64": "ARMV8", "arm64": "ARMV8"}


def run(**surroundings: str) -> list[object]:
    """Digests of a run with open draws, and bits of what NumPy makes with other instructions."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN],
        capture_output=True, text=True, check=True, env=os.environ | surroundings,
    )  # fmt: skip
    found: list[object] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def usual() -> list[object]:
    return run()


NEWER = " ".join(np._core._multiarray_umath.__cpu_dispatch__)  # type: ignore[attr-defined]
OLDER = {
    "NumPy": {"NPY_DISABLE_CPU_FEATURES": NEWER},
    "linear algebra": {"OPENBLAS_CORETYPE": PLAIN.get(platform.machine().lower(), "")},
}


@pytest.mark.parametrize("library", OLDER)
def test_a_run_has_the_same_bits_without_newer_instructions(
    library: str, usual: list[object]
) -> None:
    older = run(**OLDER[library])
    if usual[1:] == older[1:]:
        pytest.skip(f"{library} computes alike with the oldest instructions on this processor")
    assert usual[0] == older[0]
