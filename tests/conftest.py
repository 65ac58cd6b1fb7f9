"""A small roster with its population and scenario, and the option that lets long tests run."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from hypothesis import HealthCheck, settings

from asm_sim.scenario.schema import Scenario

# The terminal of whoever runs the tests is no part of them: it has 80 columns and no colour.
OF_A_TERMINAL = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS")

# A busy machine is no fault, and an ordinary run is the same each time; `--stress` tries new ones.
settings.register_profile(
    "ordinary",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("stress", parent=settings.get_profile("ordinary"), derandomize=False)

POPULATION = """\
extends: roster-2027-preliminary
id: small
title: A small roster of the tests
roster: {value: small.csv}
"""
SCENARIO = """\
title: A small roster
extends: baseline
population: small
draws: 24
seed: 7
set:
  rules.quality.benchmark_minimum_clinicians: 8
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stress", action="store_true", help="run the long tests too")


def pytest_configure(config: pytest.Config) -> None:
    for name in OF_A_TERMINAL:
        os.environ.pop(name, None)
    settings.load_profile("stress" if config.getoption("--stress") else "ordinary")


# Tests that run only where they are asked for: long ones, timings (which say little on a busy
# machine), pages in a browser.
ASKED_FOR = ("stress", "bench", "browser")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("markexpr")
    if config.getoption("--stress"):
        wanted += " stress"
    unwanted = {marker for marker in ASKED_FOR if marker not in wanted}
    left_out = [item for item in items if unwanted & {mark.name for mark in item.iter_markers()}]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def roster_rows() -> list[dict[str, str]]:
    """150 clinicians: 70 HF and 80 LBP, in practices of 1 to 20 listed, some with both cohorts."""
    rng = random.Random(20)
    practices = []
    for number in range(60):
        listed = rng.choice([1, 1, 1, 1, 2, 2, 3, 5])
        practices += [(f"P{number}", rng.random() < 0.4)] * listed
    practices += [("P-large", False)] * 20
    rng.shuffle(practices)
    spare = [(f"S{number}", True) for number in range(150)]
    practices = (practices + spare)[:150]
    return [
        {
            "clinician_id": f"C{i}",
            "cohort": "HF" if i < 70 else "LBP",
            "state": "OH",
            "practice_id": practice,
            "small_practice": str(int(small)),
        }
        for i, (practice, small) in enumerate(practices)
    ]


def write_roster(path: Path, rows: list[dict[str, str]]) -> None:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


MakeScenario = Callable[..., Scenario]


@pytest.fixture(scope="session")
def make_scenario(tmp_path_factory: pytest.TempPathFactory) -> MakeScenario:
    """Make a scenario of the small roster: with other rows, settings or layers where given."""
    from asm_sim.scenario.load import load_scenario

    def make(
        rows: list[dict[str, str]] | None = None,
        settings: dict[str, Any] | None = None,
        draws: int | None = None,
        seed: int | None = None,
        layers: str = "",
    ) -> Scenario:
        folder = tmp_path_factory.mktemp("small")
        write_roster(folder / "small.csv", roster_rows() if rows is None else rows)
        (folder / "small.yaml").write_text(POPULATION)
        text = SCENARIO + (f"layers: {layers}\n" if layers else "")
        (folder / "scenario.yaml").write_text(text)
        scenario = load_scenario(folder / "scenario.yaml", list((settings or {}).items()))
        return scenario.with_draws(draws, seed)

    return make


@pytest.fixture(scope="session")
def small_scenario(make_scenario: MakeScenario) -> Scenario:
    """150 clinicians, 24 draws."""
    return make_scenario()


@pytest.fixture(scope="session")
def small_run(small_scenario: Scenario) -> xr.Dataset:
    """Its results, in memory. Do not change them."""
    from asm_sim.engine.simulate import simulate

    return simulate(small_scenario)


@pytest.fixture(scope="session")
def held_scenario(make_scenario: MakeScenario) -> Scenario:
    """The same with the population held, so that there are accumulators by clinician."""
    return make_scenario(layers='{population: "off", measurement: "on"}')


@pytest.fixture(scope="session")
def held_run(held_scenario: Scenario) -> xr.Dataset:
    from asm_sim.engine.simulate import simulate

    return simulate(held_scenario)


SWEEP = """\
title: A small sweep
extends: scenario
draws: {draws}
layers: {layers}
sweep:
  grid:
    rules.payment.exchange.steepness: {steepness}
    rules.payment.redistribution_share: [0.85, 1.0]
compare_to: {{rules.payment.exchange.steepness: 0.1, rules.payment.redistribution_share: 0.85}}
"""
MakeSweep = Callable[..., Path]


@pytest.fixture
def sweep_file(tmp_path: Path) -> MakeSweep:
    """Write a sweep of the small roster: steepness by redistribution share, with its files."""
    folder = tmp_path / "scenarios"

    def make(
        steepness: str = "[0.05, 0.1]", draws: int = 12, held: bool = False, seed: int = 7
    ) -> Path:
        folder.mkdir(exist_ok=True)
        write_roster(folder / "small.csv", roster_rows())
        (folder / "small.yaml").write_text(POPULATION)
        (folder / "scenario.yaml").write_text(SCENARIO.replace("seed: 7", f"seed: {seed}"))
        layers = f'{{population: "{"off" if held else "on"}", measurement: "on"}}'
        (folder / "small_sweep.yaml").write_text(
            SWEEP.format(steepness=steepness, draws=draws, layers=layers)
        )
        return folder / "small_sweep.yaml"

    return make
