"""The baseline model as arrays, for the tests and timings of this folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asm_sim.addresses import address
from asm_sim.engine import execute
from asm_sim.engine.plan import grids, make_plan
from asm_sim.kernels.draws.draw import Draws, simulate_cohort
from asm_sim.kernels.draws.output import Output
from asm_sim.population.compile import compile_cohort_model, compile_practices
from asm_sim.population.roster import Roster
from asm_sim.scenario.load import load_scenario

SEED = np.array([1, 0], np.uint64)
GRIDS = grids()


@dataclass(frozen=True)
class Cohort:
    """Everything that a draw of one cohort needs."""

    name: str
    rules: Any
    practices: Any
    model: Any
    groups: int
    comparator: tuple[Any, Any]  # MIPS in its two forms
    probes: Any

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the draw kernel takes of the cohort."""
        return (self.rules, *self.comparator, self.practices, self.model, self.probes)

    @property
    def size(self) -> int:
        return len(self.model.practice)

    @property
    def clinician_years(self) -> int:
        return self.size * int(self.model.performance_years)


@cache
def cohorts(copies: int = 1) -> tuple[Cohort, ...]:
    """The cohorts of the baseline, the roster ``copies`` times over under new ids."""
    plan = make_plan(load_scenario("baseline", []))
    population, rules = plan.scenario.population, plan.scenario.rules
    roster = _replicated(plan.roster, copies) if copies > 1 else plan.roster
    return tuple(
        Cohort(
            cohort.name,
            cohort.rules,
            compile_practices(population, rules, roster, cohort.name),
            compile_cohort_model(population, rules, roster, cohort.name),
            len(plan.groups),
            (cohort.mips, cohort.pathway),
            cohort.probes,
        )
        for cohort in plan.cohorts
    )


def _replicated(roster: Roster, copies: int) -> Roster:
    """Every clinician and practice ``copies`` times, each copy with its own id and address."""
    n, p = len(roster.clinician_id), len(roster.practice_id)
    # copies of one clinician stand together, so cohorts stay contiguous
    who, copy = np.repeat(np.arange(n), copies), np.tile(np.arange(copies), n)
    clinicians = tuple(f"{roster.clinician_id[i]}-{c}" for i, c in zip(who, copy, strict=True))
    practices = tuple(f"{name}-{c}" for c in range(copies) for name in roster.practice_id)

    def addresses(kind: str, names: list[str]) -> Any:
        return np.array([address(kind, name) for name in names], np.uint64)

    return replace(
        roster,
        cohort=roster.cohort[who],
        clinician_id=clinicians,
        state=tuple(roster.state[i] for i in who),
        practice=roster.practice[who] + p * copy,
        entry=roster.entry[who],
        clinician_address=addresses(
            "clinician",
            [f"{roster.cohort[i]}\x1f{name}" for i, name in zip(who, clinicians, strict=True)],
        ),
        practice_id=practices,
        practice_small=np.tile(roster.practice_small, copies),
        practice_listed=np.tile(roster.practice_listed, copies),
        practice_address=addresses("practice", list(practices)),
    )


def new_output(cohort: Cohort, draws: int) -> Output:
    """Room for the draws of one cohort, without panel, lens and clinician sums."""
    years = int(cohort.model.performance_years)
    return execute.new_output(draws, cohort.size, years, cohort.groups)


def simulate_into(output: Output, cohort: Cohort, at: NDArray[np.int64], truth: bool) -> None:
    """Fill ``output`` with the draws of these indices by the kernel."""
    which = Draws(SEED, at, at, at, 0, measured=True, with_truth=truth, fit=np.ones(1, np.bool_))
    simulate_cohort(*cohort.arguments, GRIDS, which, output)
