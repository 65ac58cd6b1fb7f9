"""Nothing that can be set is dead: each parameter changes some result, or stands on a list.

Every parameter of the shipped rule set, population and comparator is given another value of its
range, alone but for what must go with it, where it can matter: on the baseline of the small roster,
with the settings of ``WHERE``, or in a table that is scored. Some result must then differ in a bit.
A lever that is in the file and the schema, and forgotten in the kernels, is found here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd
import pytest

import asm_sim as asm
from asm_sim.errors import InputError
from asm_sim.parameters import (
    Choice,
    Count,
    Number,
    Numbers,
    Parameter,
    Shifts,
    Switch,
    YearlyNumber,
)
from asm_sim.scenario.load import load_scenario
from asm_sim.score.example import example_rows
from tests.golden.bits import Laid, Settings, laid_on_small_roster, of_frame, of_run

LEAVES = load_scenario("baseline").leaves()

# Where a parameter matters, if not in the baseline: the name of a shipped scenario, or settings.
# The first pattern that fits holds.
WHERE: dict[str, str | Settings] = {
    "*.UTILIZATION.*": "low-back-pain-utilization-measure",
    "rules.peers.size_limits": "peers-by-practice-size",
    "rules.participation.episode_minimum": "eligibility-redetermined",
    "rules.quality.national.*": "national-benchmarks",
    "rules.cost.national.*": "national-benchmarks",
    "rules.quality.topped_out.*": "topped-out-capped",
    "rules.quality.shrinkage_kappa": {"rules.quality.shrinkage": "known"},
    "rules.cost.shrinkage_kappa": {"rules.cost.shrinkage": "known"},
    "rules.final_score.counts_as_zero": "cost-only",
    "rules.final_score.extreme_circumstances": {
        "population.shocks.circumstances.named": {2028: ["FL", "LA"]}
    },
    "rules.payment.unscored_adjustment": "disaster-neutral",
    "rules.payment.exchange.fixed_midpoint": "midpoint-50",
    "rules.payment.exchange.threshold": "fixed-threshold",
    "rules.payment.exchange.counts_as_equal": "rank-exchange",
    "rules.payment.neutral_band_form": "neutral-band",
    "population.special_status.*": "interoperability-special-status-exempt",
    "population.geography.frame": {},
    "population.geography.*": "synthetic-frame",
    "population.departure.retirement_age*": "retirement",
    "population.departure.career_start_age": "retirement",
    "population.churn.*": "movers-and-entrants",
    "population.improvement.*": "two-thirds-improve",
    "population.shocks.circumstances.*": "disaster-neutral",
    "population.aco.*": "aco-overlap",
    "population.behaviour.feedback_lag": "effort-response",
    "population.behaviour.volume.avoidance_*": "low-volume-avoidance",
    "population.behaviour.programmes.care_redesign.*": "care-redesign",
    "population.behaviour.programmes.patient_incentives.*": "patient-incentives",
    "population.behaviour.programmes.collaborative_care.*": "collaborative-care",
    "population.behaviour.programmes.telehealth.*": "telehealth",
    "population.group_effects.trait_limit": "published-gaps",
    "population.patient_selection.*": "fewer-complex-patients",
    "mips.category_weights.*.without_cost.*": {"mips.cost.case_minimum": 60},
    "mips.category_weights.*.without_quality.*": {
        "mips.quality.case_minimum": 10000,
    },
    "mips.final_score.extreme_circumstances": "disaster-neutral",
}

# Another value where ``values`` finds none: of the parameter, or of it and what must go with it.
OTHER: dict[str, Any] = {
    "rules.performance_years": {
        "rules.performance_years": [2027, 2028, 2029, 2030],
        "rules.payment.risk_level": 0.09,
    },
    "rules.quality.collection_types": ["cqm", "ecqm"],
    "rules.cohorts.HF.quality_measures": ["Q492", "Q008", "Q005", "Q236"],
    "rules.cohorts.LBP.quality_measures": ["Q238", "Q134", "Q128"],
    "rules.measures.Q???.collection_types": ["cqm"],
    "rules.payment.cap": 0.1,
    "rules.complex_patient.component_maximum": 5,
    "population.shocks.circumstances.named": {2029: ["TX"]},
    "mips.final_score.minimum": 18.5,
    "mips.cohorts.HF.quality_measures": ["Q492", "Q008", "Q005", "Q236"],
    "mips.cohorts.LBP.quality_measures": ["Q238", "Q134", "Q128"],
}

# Shares that sum to one: what is added to one of them is taken from another.
SHARES = (
    "rules.final_score.weight_*",
    "population.specialty_mix.LBP.*",
    "mips.category_weights.*",
)

# What the simulation never leaves blank, and a table may.
SCORED = {"rules.*.blank_counts_as": "the example has blanks"}

# What no result can show, and why that is right.
EXCEPTIONS: dict[str, str] = {
    "*.rate_unit": "words of a message",
    "*.cost_measure": "names the measure; another one needs a population of its own",
    "rules.measures.Q492.collection_types": "from claims, whatever its name",
    "rules.measures.UTILIZATION.collection_types": "from claims, whatever its name",
    "rules.measures.Q377.collection_types": "there is a distribution of this one only",
    "rules.measures.Q220.collection_types": "there is a distribution of this one only",
    "rules.cohorts.*.specialties": "the population has a mix of exactly these",
    "rules.quality.national.benchmarks": "the name of a file",
    "mips.quality.benchmarks": "the name of a file",
    "population.roster": "the name of a file",
    "population.specialty_mix.HF.cardiology": "the only one, so it is 1",
    "mips.form": "both forms are always scored; setting it is refused",
    "mips.performance_years": "the year of the rules; the simulation has years of its own",
    "mips.quality.points_without_benchmark.*": "all have one; tests/oracle has tables without",
    "mips.*.blank_counts_as": "never blank in a simulation; tests/oracle has tables with blanks",
    "rules.beneficiary_incentives.limit_per_patient_year": "a limit: beyond it is refused",
}


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    return laid_on_small_roster(tmp_path_factory.mktemp("small"))


def fitting(path: str, patterns: dict[str, Any]) -> Any:
    """What stands under the first pattern that fits; None where none does."""
    return next((said for pattern, said in patterns.items() if fnmatchcase(path, pattern)), None)


def settings_of(place: str | Settings | None) -> Settings:
    if isinstance(place, str):
        return dict(load_scenario(place).settings)
    return place or {}


def changes(path: str) -> Iterator[Settings]:
    """What may be set so that this parameter has another value, one after the other."""
    other = fitting(path, OTHER)
    if other is not None:
        goes_along = isinstance(other, dict) and path in other
        yield other if goes_along else {path: other}
        return
    if any(fnmatchcase(path, pattern) for pattern in SHARES):
        yield from shifts(path)
        return
    for value in values(LEAVES[path]):
        yield {path: value}


def shifts(path: str) -> Iterator[Settings]:
    """A share, and one beside it that gives or takes."""
    parent = path.rpartition(".")[0]
    beside = [
        name
        for name in LEAVES
        if name.rpartition(".")[0] == parent
        and name != path
        and any(fnmatchcase(name, pattern) for pattern in SHARES)
    ]
    for by in (0.05, -0.05):
        for name in beside:
            yield {path: LEAVES[path].value + by, name: LEAVES[name].value - by}  # type: ignore[attr-defined]


def values(leaf: Parameter) -> Iterator[Any]:
    """Other values of the parameter's range, the plausible ones first."""
    match leaf:
        case Switch():
            yield not leaf.value
        case Choice():
            yield from (choice for choice in leaf.choices if choice != leaf.value)
        case Count():
            lowest, highest = leaf.range or (0, leaf.value + 5)
            wanted = (leaf.value + 1, leaf.value - 1, leaf.value + 5, lowest, highest)
            yield from (int(v) for v in wanted if lowest <= v <= highest and v != leaf.value)
        case Number() | YearlyNumber():
            value = leaf.at(2027) if isinstance(leaf, YearlyNumber) else leaf.value
            lowest, highest = leaf.range or (value - 1, value + 1)
            wanted = (leaf.high, leaf.low, value * 1.2, value * 0.8, lowest + 0.1, 0.3 * highest)
            inside = (v for v in (*wanted, lowest, highest) if v is not None)
            yield from (float(v) for v in inside if lowest <= v <= highest and v != value)
        case Numbers():
            lowest, highest = leaf.range or (float("-inf"), float("inf"))
            for by in (0.9, 1.1):
                yield [min(max(v * by, lowest), highest) for v in leaf.value]
        case Shifts():
            _, highest = leaf.range or (0, 1)
            yield {2028: 0.1 * highest}


def may_differ(leaf: Parameter) -> bool:
    """Whether there is another value at all."""
    only_choice = isinstance(leaf, Choice) and len(leaf.choices) == 1
    return not only_choice and (leaf.range is None or leaf.range[0] < leaf.range[1])


def test_every_parameter_matters(laid: Laid) -> None:
    known: dict[str, dict[str, str]] = {}
    dead = []
    elsewhere = {**EXCEPTIONS, **SCORED}
    for path, leaf in LEAVES.items():
        if fitting(path, elsewhere) is not None or not may_differ(leaf):
            continue
        place = fitting(path, WHERE)
        settings = settings_of(place)
        before = known.setdefault(str(place), known.get(str(place)) or of_run(laid(settings)))
        tried = []
        for change in changes(path):
            try:
                after = of_run(laid({**settings, **change}))
            except InputError as error:
                tried.append(str(error).splitlines()[-1])
                continue
            if after != before:
                break
            tried.append(f"{change}: nothing changed")
        else:
            dead.append("; ".join([path, *tried]))
    assert not dead, "\n".join(dead)


@pytest.mark.parametrize("path", [path for path in LEAVES if fitting(path, SCORED) is not None])
def test_what_only_a_table_can_show_matters_there(path: str) -> None:
    def scored(settings: Settings) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return of_frame(asm.score(pd.DataFrame(example_rows()), settings=settings))

    name = path.removeprefix("rules.")
    assert any(scored({name: change[path]}) != scored({}) for change in changes(path))


def test_each_pattern_is_of_a_parameter() -> None:
    for patterns in (WHERE, OTHER, EXCEPTIONS, SCORED):
        assert [p for p in patterns if not any(fnmatchcase(path, p) for path in LEAVES)] == []
