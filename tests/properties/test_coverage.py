"""Do errors mean what they say? In replications of small runs two errors reach the truth as often.

Every number with an error, of a run's variables and of the studies: in each of 200 replications of
40 draws it is looked up whether the interval of two Monte Carlo standard errors either way holds
the mean over all replications. Of 40 draws of a normal value it does in 94.8 % of runs.

What an error is not, its docstring says; such numbers are told apart by what they look like, never
by name, but for one estimator:

- numbers that few draws decide: their mean over 40 draws is skewed still
- numbers that are the same in every draw of some replication, so that they have no error there
- standard deviations over draws, whose jackknife is too short where few draws make them
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

from asm_sim import studies
from asm_sim.engine.dataset import in_memory
from asm_sim.engine.execute import run_block
from asm_sim.engine.plan import make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.results.registry import BY_GROUP, DRAW_LEVEL, YEARLY
from asm_sim.results.statistics import estimate
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.studies import mips, mips_designs, mips_levels, mips_pool, theory
from asm_sim.studies.geography import STATISTICS
from tests.conftest import POPULATION, SCENARIO, roster_rows, write_roster

REPLICATIONS, DRAWS, AT_ONCE = 200, 40, 5
LOW, HIGH = 0.93, 0.97
DOUBT = 0.05  # that any of all the numbers lies below its bound by chance
SKEWED, SKEWED_IF_RARE = 0.5, 0.25  # of a mean; the latter where it is below the SD over draws
ROUNDING = 1e-9
SD_OVER_DRAWS = 0.82  # of runs, at the least; see asm_sim.studies.jackknife.sd_over_draws
OUTCOME = "share_negative"
# Of the parameters that can be drawn, those that are: a regression on each takes its time.
DRAWN = (
    "population.cost.reliability_at_20.HF",
    "population.cost.reliability_at_20.LBP",
    "population.quality.spread",
    "population.episodes.sigma",
)
_ACO = {"population.aco.practice_share": 0.3}
_INVEST = "population.behaviour.programmes.care_redesign"

# Settings of the runs on the small roster, and their layers.
RUNS: dict[str, tuple[dict[str, Any], str]] = {
    "baseline": ({}, ""),
    "moving": ({"population.churn.move_share": 0.042}, ""),
    "organizations": (
        _ACO | {"population.aco.cost_effect": -0.02, "population.aco.quality_effect": 0.1}, "",
    ),
    "idle organizations": (
        _ACO | {"population.aco.cost_effect": 0.0, "population.aco.quality_effect": 0.0}, "",
    ),
    "all invest": (
        {f"{_INVEST}.{name}": value for name, value in (
            ("share", 1), ("effect_on_quality", 0.25), ("effect_on_cost", -0.03),
            ("usd_per_clinician_year", 20_000),
        )}, "",
    ),
    "parameters": ({}, 'layers: {parameters: "on"}\n'),
    "areas": (
        {"population.geography.frame": "synthetic"},
        'layers: {population: "off", measurement: "off"}\n',
    ),
}  # fmt: skip


def of_the_run(ds: xr.Dataset) -> xr.Dataset:
    """Means of the variables by draw themselves."""
    parts: dict[str, xr.DataArray] = {}
    for variable in (*YEARLY, *BY_GROUP, *DRAW_LEVEL):
        parts[variable.name], parts[f"{variable.name}_mcse"] = estimate(ds, variable.name)
    return xr.Dataset(parts)


Case = tuple[tuple[str, ...], Callable[..., xr.Dataset]]
ALONE = ("baseline",)
CASES: dict[str, Case] = {
    "run": (ALONE, of_the_run),
    "volatility.over_the_years": (ALONE, studies.volatility.over_the_years),
    "volatility.year_to_year": (ALONE, studies.volatility.year_to_year),
    "volatility.transitions": (ALONE, studies.volatility.transitions),
    "volatility.penalty_years": (ALONE, studies.volatility.penalty_years),
    "volatility.dollars": (ALONE, studies.volatility.dollars),
    "volatility.practice_dollars": (ALONE, studies.volatility.practice_dollars),
    "decomposition.shares": (ALONE, studies.decomposition.shares),
    "chance.average_clinician": (ALONE, studies.chance.average_clinician),
    "chance.misclassification": (ALONE, studies.chance.misclassification),
    "chance.tiers": (ALONE, studies.chance.tiers),
    "relative_ranking.same_score": (ALONE, studies.relative_ranking.same_score),
    "relative_ranking.value_of_a_point": (ALONE, studies.relative_ranking.value_of_a_point),
    "relative_ranking.fixed_standard": (ALONE, studies.relative_ranking.fixed_standard),
    "improvement.by_improvement": (ALONE, studies.improvement.by_improvement),
    "improvement.value_of_improvement": (ALONE, studies.improvement.value_of_improvement),
    "transfers.matrix": (ALONE, studies.transfers.matrix),
    "transfers.net": (ALONE, studies.transfers.net),
    "savings.steps": (ALONE, studies.savings.steps),
    "savings.payment_weighted_mean": (ALONE, studies.savings.payment_weighted_mean),
    "savings.average_clinician": (ALONE, studies.savings.average_clinician),
    "mips.difference": (ALONE, lambda ds: mips.difference(ds, "all")),
    "mips.quadrants": (ALONE, mips.quadrants),
    "mips.volatility": (ALONE, lambda ds: mips.volatility(ds, "all")),
    "mips.money": (ALONE, mips.money),
    "mips_levels.levels": (ALONE, mips_levels.levels),
    "mips_pool.without_participants": (ALONE, mips_pool.without_participants),
    "mips_designs.designs": (ALONE, mips_designs.designs),
    "redesign.first_mover": (ALONE, lambda ds: studies.redesign.first_mover(ds, 0.25, 20_000)),
    "theory.beside": (ALONE, theory.beside),
    "hires.inherited": (("moving",), studies.hires.inherited),
    "overlap.double_incentive": (
        ("organizations", "idle organizations"), studies.overlap.double_incentive,
    ),
    "redesign.if_all_invest": (("all invest", "baseline"), studies.redesign.if_all_invest),
    "uncertainty.intervals": (
        ("parameters", "baseline"), lambda on, off: studies.uncertainty.intervals(on, off, OUTCOME),
    ),
    "uncertainty.effects": (
        ("parameters", "baseline"), lambda on, off: studies.uncertainty.effects(on, OUTCOME, off),
    ),
    "geography.redrawn": (("areas",), studies.geography.redrawn),
}  # fmt: skip
# Standard deviations over draws, and what is made of their squares.
OF_SPREADS = {
    ("relative_ranking.same_score", "adjustment_sd"),
    ("relative_ranking.same_score", "dollars_sd"),
    ("theory.beside", "simulated"),
    ("theory.beside", "difference"),
    *(("uncertainty.intervals", name) for name in (
        "sd", "moved", "variance_of_parameters", "share_of_parameters",
    )),
    ("uncertainty.effects", "effect"),
    *(("geography.redrawn", f"{name}_sd") for name in (*STATISTICS, "participants")),
    ("geography.redrawn", "own_adjustment_sd"),
}  # fmt: skip


def replications(folder: Path) -> Iterator[dict[str, xr.Dataset]]:
    """Independent runs of every kind; several are made at once and taken apart by their draws."""
    write_roster(folder / "small.csv", roster_rows())
    (folder / "small.yaml").write_text(POPULATION)
    draws = DRAWS * AT_ONCE
    scenarios = {}
    for name, (settings, layers) in RUNS.items():
        path = folder / f"run_of_{name.replace(' ', '_')}.yaml"
        lens = draws if name == "baseline" else 0
        kept = f"panel_draws: {draws}\nlens_draws: {lens}\nopen_draws: 0\n"
        path.write_text(SCENARIO + kept + layers)
        scenario = load_scenario(path, list(settings.items()))
        held = [(r.path, r.value) for r in scenario.ranges if r.path not in DRAWN]
        scenarios[name] = load_scenario(path, [*settings.items(), *held])
    for number in range(REPLICATIONS // AT_ONCE):
        made = {name: independent(one, draws, number) for name, one in scenarios.items()}
        for first in range(0, draws, DRAWS):
            some = {
                dim: slice(first, first + DRAWS) for dim in ("draw", "draw_sample", "lens_draw")
            }
            yield {
                name: ds.isel(some if ds.sizes["lens_draw"] else without_lens(some))
                for name, ds in made.items()
            }


def independent(scenario: Scenario, draws: int, number: int) -> xr.Dataset:
    """Draws of their own for each number: another seed, or, of a population that is held, other
    areas, for the truth is that of the population."""
    if scenario.layers.population == "on":
        return simulate(scenario.with_draws(draws, number))
    plan = make_plan(scenario.with_draws(draws, 0), shifts={"selection": number * draws})
    return in_memory(plan, [run_block(plan, block, None) for block in plan.blocks()])


def without_lens(some: dict[str, slice]) -> dict[str, slice]:
    return {dim: of for dim, of in some.items() if dim != "lens_draw"}


@dataclass
class Number:
    """All elements of one number with an error, in every replication: [replications, elements]."""

    study: str
    name: str
    values: np.ndarray[Any, Any]
    errors: np.ndarray[Any, Any]

    def ordinary(self) -> np.ndarray[Any, Any]:
        """The elements whose errors are to mean what they say."""
        known = np.isfinite(self.values) & np.isfinite(self.errors)
        mean, spread = self.values.mean(0), np.sqrt(DRAWS) * self.errors.mean(0)
        moves = known.all(0) & (self.errors > ROUNDING * abs(mean)).all(0)
        apart = (self.values - mean) / np.where(moves, self.values.std(0), 1.0)
        skew = abs((apart**3).mean(0))
        rare = (skew > SKEWED) | ((spread > abs(mean)) & (skew > SKEWED_IF_RARE))
        return np.asarray(moves & ~rare)

    def covered(self) -> np.ndarray[Any, Any]:
        """In how many replications two errors reach the mean of all."""
        return np.asarray((abs(self.values - self.values.mean(0)) <= 2 * self.errors).sum(0))


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> list[Number]:
    found: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for runs in replications(tmp_path_factory.mktemp("coverage")):
        for study, (names, compute) in CASES.items():
            result = compute(*(runs[name] for name in names))
            for name in map(str, result.data_vars):
                if f"{name}_mcse" in result:
                    value = result[name]
                    error = result[f"{name}_mcse"].transpose(*value.dims)
                    pair = (value.values.ravel(), error.values.ravel())
                    found.setdefault((study, name), []).append(pair)
    return [
        Number(*key, *(np.array(part, dtype=np.float64) for part in zip(*pairs, strict=True)))
        for key, pairs in found.items()
    ]


@pytest.mark.stress
def test_two_errors_cover_as_they_say(numbers: list[Number]) -> None:
    assert {number.study for number in numbers} == set(CASES)
    elements = sum(int(number.ordinary().sum()) for number in numbers)
    assert elements > 10_000
    bound = binom.ppf(DOUBT / elements, REPLICATIONS, LOW)
    short = []
    for number in numbers:
        ordinary = number.ordinary()
        of_spread = (number.study, number.name) in OF_SPREADS
        least = SD_OVER_DRAWS * REPLICATIONS if of_spread else bound
        covered = number.covered()[ordinary]
        if (covered < least).any():
            short.append(f"{number.study} {number.name}: {covered.min() / REPLICATIONS:.3f}")
    assert not short, "\n".join(short)


@pytest.mark.stress
def test_every_study_covers_in_93_to_97_of_100_runs(numbers: list[Number]) -> None:
    """Over its numbers together: no bound is needed, as there are so many."""
    shares: dict[str, list[float]] = {}
    for number in numbers:
        if (number.study, number.name) not in OF_SPREADS:
            covered = number.covered()[number.ordinary()] / REPLICATIONS
            shares.setdefault(number.study, []).extend(covered.tolist())
    outside = {
        study: round(float(np.mean(of_study)), 3)
        for study, of_study in shares.items()
        if of_study and not LOW - 0.005 <= np.mean(of_study) <= HIGH
    }
    assert not outside
