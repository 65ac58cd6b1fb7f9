"""The inner loops that decide the speed are compiled to instructions on several numbers at once.

One call that LLVM cannot see through, or one index with a sign, and a loop runs four times slower
with the same results. Each loop is compiled alone, and looked for is the instruction that only it
needs there.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest

from asm_sim.engine.plan import CohortPlan, make_plan
from asm_sim.kernels._jit import entry
from asm_sim.kernels.draws.comparisons import compare_with_truth, compare_with_year_before
from asm_sim.kernels.draws.summaries import _level, new_memory
from asm_sim.kernels.numeric.counts import fill_binomial, fill_poisson
from asm_sim.kernels.numeric.sums import mean_and_sd
from asm_sim.kernels.numeric.variates import fill_normals
from asm_sim.kernels.rule.exchange import adjustment_of, terms_of
from asm_sim.kernels.rule.fit import new_fit, new_scratch
from asm_sim.kernels.rule.observed import new_observed, new_outcome
from asm_sim.kernels.rule.payment import _fit_scaling, adjust_scores
from asm_sim.kernels.rule.points import decile_points, deviation_points
from asm_sim.kernels.world.performance import latent_rate, rate_at
from asm_sim.kernels.world.traits import latent_processes, new_clinicians
from asm_sim.results.registry import YEARLY, record
from tests.conftest import MakeScenario

X86 = {
    "multiply": "vmul", "divide": "vdiv", "root": "vsqrt", "compare": r"vcmp\w*",
    "fused": r"vfn?m(?:add|sub)\w*", "least": "vmin",
}  # fmt: skip
ARM = {
    "multiply": "fmul", "divide": "fdiv", "root": "fsqrt", "compare": r"fcm\w\w",
    "fused": "fml[as]", "least": r"(?:fminnm|fcm\w\w)",
}  # fmt: skip
MACHINE = platform.machine().lower()
ON_X86, ON_ARM = MACHINE in ("x86_64", "amd64"), MACHINE in ("arm64", "aarch64")
if not (ON_X86 or ON_ARM):
    pytest.skip(f"the vector instructions of {MACHINE} are not listed", allow_module_level=True)
FEATURES = llvm.get_host_cpu_features()
if ON_X86 and not (FEATURES.get("avx2") and FEATURES.get("fma")):
    pytest.skip("this processor has no AVX2", allow_module_level=True)


def packed(assembly: str, operation: str) -> int:
    """How many instructions of this kind work on as many doubles as fill a register."""
    if ON_X86:
        pattern = rf"^\s+{X86[operation]}pd\s.*%[yz]mm"
    else:
        pattern = rf"^\s+{ARM[operation]}(?:\.2d\s|\s+v\d+\.2d)"
    return len(re.findall(pattern, assembly, re.MULTILINE))


def assembly(function: Callable[..., Any], *arguments: Any) -> str:
    compiled = entry(function)
    compiled(*arguments)
    (text,) = compiled.inspect_asm().values()
    return text  # type: ignore[no-any-return]


def normals(seed, entity, rows):  # type: ignore[no-untyped-def]
    fill_normals(seed, entity, 1, 2, 0, 0, rows[0], rows[1], rows[2], rows[3])


def binomials(rows):  # type: ignore[no-untyped-def]
    fill_binomial(rows[0], rows[1], rows[2], rows[3], rows[4:])


def poissons(rows):  # type: ignore[no-untyped-def]
    fill_poisson(rows[0], rows[1], rows[2])


def deciles(rows, cuts):  # type: ignore[no-untyped-def]
    decile_points(rows[0], rows.shape[1], cuts, rows[1])


def deviations(rows, knots):  # type: ignore[no-untyped-def]
    deviation_points(rows[0], len(rows[0]), 1.0, 2.0, knots, knots, 3.0, rows[1], rows[2])


def latent(model, z):  # type: ignore[no-untyped-def]
    latent_rate(model, 0, new_clinicians(model, latent_processes(model)), z)


def rates(model, rows, collection, segment):  # type: ignore[no-untyped-def]
    rate_at(model, 0, 1, collection, rows[0], segment, rows[1])


def transform(rules, n):  # type: ignore[no-untyped-def]
    adjust_scores(new_observed(2, n), rules, 0, new_fit(rules, 2, n), new_outcome(2, n))


def adjust(rules, rows):  # type: ignore[no-untyped-def]
    terms = terms_of(rules, 0)
    for i in range(rows.shape[1]):
        rows[2, i] = adjustment_of(terms, rows[0, i], rows[1, i], 1.3)


def moments(rows):  # type: ignore[no-untyped-def]
    return mean_and_sd(rows[0], rows.shape[1])


def levels(rules, row, n):  # type: ignore[no-untyped-def]
    fit, observed, outcome = new_fit(rules, 2, n), new_observed(2, n), new_outcome(2, n)
    paid, present = np.ones(n), np.ones(n, np.bool_)
    scratch = new_scratch(2, n)
    _level(rules, 0, observed, fit, outcome, paid, paid, present, scratch, row)


def scaling(rules, n):  # type: ignore[no-untyped-def]
    fit, outcome = new_fit(rules, 2, n), new_outcome(2, n)
    _fit_scaling(np.ones(n), rules, 0, fit, outcome)


def of_truth(row, n):  # type: ignore[no-untyped-def]
    outcome, memory = new_outcome(2, n), new_memory(n, 1)
    compare_with_truth(0, outcome, outcome, memory, row)


def of_year_before(row, n):  # type: ignore[no-untyped-def]
    outcome, memory = new_outcome(2, n), new_memory(n, 1)
    memory.fifth[:] = 0  # says where a transition is counted
    compare_with_year_before(1, outcome, memory, row)


@pytest.fixture(autouse=True)
def nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that was kept on disk comes back without its assembly."""
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", str(tmp_path))


N = 64
SEED, ENTITY = np.ones(2, np.uint64), np.ones((2, N), np.uint64)


def rows() -> Any:
    return np.ones((8, N))


def row() -> Any:
    return np.zeros(1, record(YEARLY))[0]


@pytest.fixture(scope="module")
def cohort(make_scenario: MakeScenario) -> CohortPlan:
    return make_plan(make_scenario()).cohorts[0]


LOOPS: dict[str, tuple[Callable[..., Any], str, Callable[[CohortPlan], tuple[Any, ...]]]] = {
    "normals": (normals, "root", lambda _: (SEED, ENTITY, rows())),
    "binomial counts": (binomials, "fused", lambda _: (rows(),)),
    "Poisson counts": (poissons, "fused", lambda _: (rows(),)),
    "decile points": (deciles, "divide", lambda _: (rows(), np.arange(10.0))),
    "deviation points": (deviations, "divide", lambda _: (rows(), np.arange(5.0))),
    "latent quality": (latent, "multiply", lambda c: (c.model, np.zeros(c.clinicians))),
    "table of rates": (
        rates, "compare",
        lambda c: (
            c.model, np.ones((3, c.clinicians)), np.zeros(c.clinicians, np.int8),
            np.zeros(c.clinicians, np.int64),
        ),
    ),
    "logistic": (transform, "fused", lambda c: (c.rules, N)),
    "adjustment": (adjust, "least", lambda c: (c.rules, rows())),
}  # fmt: skip


# Where LLVM keeps the branches of a loop, for want of masks, or is that of the first numba allowed.
STAYS_SCALAR = {
    "logistic": ON_X86 and not FEATURES.get("avx512f"),
    "adjustment": ON_ARM,
    "latent quality": numba.version_info.short <= (0, 61),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_vectorised(name: str, cohort: CohortPlan) -> None:
    if STAYS_SCALAR.get(name):
        pytest.skip(f"the loop of the {name} is not made of vectors here")
    function, operation, arguments = LOOPS[name]
    assert packed(assembly(function, *arguments(cohort)), operation) > 0


# With how many multiplications, each of which stands in a loop over the lanes of sums.
SUMS: dict[str, tuple[Callable[..., Any], int, Callable[[CohortPlan], tuple[Any, ...]]]] = {
    "mean and SD": (moments, 1, lambda _: (rows(),)),
    "level": (levels, 5 + 2, lambda c: (c.rules, row(), N)),
    "scaling factor": (scaling, 1, lambda c: (c.rules, N)),
    "truth": (of_truth, 7, lambda _: (row(), N)),
    "year before": (of_year_before, 4, lambda _: (row(), N)),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_are_vectorised(name: str, cohort: CohortPlan) -> None:
    function, multiplications, arguments = SUMS[name]
    text = assembly(function, *arguments(cohort))
    assert packed(text, "multiply") >= multiplications


def one_after_the_other(rows):  # type: ignore[no-untyped-def]
    """Each step needs the one before."""
    total = 0.5
    for i in range(rows.shape[1]):
        root = np.sqrt(rows[0, i] / (1.0 + total * total))
        total = min(root, 0.9 * rows[1, i]) if root > total else root
        rows[2, i] = total


def test_a_loop_that_cannot_be_is_told_apart() -> None:
    text = assembly(one_after_the_other, rows())
    assert "sqrt" in text
    assert {operation: packed(text, operation) for operation in X86} == dict.fromkeys(X86, 0)
