"""The ledger of bits: ``python -m tests.golden.bits`` writes it anew.

A SHA-256 of everything that the package computes on something small: every variable of every
shipped scenario on the roster of the tests, the scored example and two hundred random tables, the
hashes of rule sets and populations, the texts of ``--help`` and the public names. Whoever changes
how the code is built, and not what it computes, changes no line of it. A change that means to move
bits writes the ledger anew, and its commit says why.

Bits are promised for the same package versions and processor architecture (``surroundings``).
"""

from __future__ import annotations

import hashlib
import json
import platform
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from ruamel.yaml import YAML
from typer.main import get_command
from typer.testing import CliRunner

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.engine.dataset import in_memory
from asm_sim.engine.execute import run_block
from asm_sim.engine.frame import usual_draws
from asm_sim.engine.plan import make_plan
from asm_sim.parameters import fingerprint
from asm_sim.population.load import SHELF as POPULATIONS
from asm_sim.population.load import load_population
from asm_sim.rules.load import SHELF as RULE_SETS
from asm_sim.rules.load import load_any_rules
from asm_sim.scenario.load import load_scenario, shipped
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import load_sweep
from asm_sim.score.example import example_rows
from tests.conftest import POPULATION, SCENARIO, roster_rows, write_roster
from tests.oracle.tables import KINDS, random_table

FILE = Path(__file__).parent / "bits.json"
DRAWS, LOOKED_AT = 3, 2
TABLES, ROWS = 200, 24
DIGITS = 16  # hexadecimal digits of a SHA-256 that are kept: 64 bits
OWN_BASES = ("third-condition",)  # those that lie on a rule set or a population of their own
STATES = ("FL", "LA", "OH", "TX")  # those that a shipped scenario strikes among them
LAYERS = {
    "population held": {"population": "off"},
    "nothing measured": {"measurement": "off"},
    "parameters drawn": {"parameters": "on"},
    "all held": {"population": "off", "measurement": "off"},
}
Ledger = dict[str, dict[str, str]]


def surroundings() -> dict[str, str]:
    """What bits depend on beside the sources."""
    packages = ("numba", "llvmlite", "numpy", "scipy", "pandas", "xarray", "typer", "click", "rich")
    return {
        "machine": platform.machine(),
        "system": sys.platform,
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in packages},
    }


def digest(content: bytes | str) -> str:
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def of_array(values: np.ndarray[Any, Any]) -> str:
    """Of dtype, shape and bytes; of texts, their characters."""
    if values.dtype.kind in "OUT":
        return digest(json.dumps([list(values.shape), [str(v) for v in values.ravel()]]))
    head = f"{values.dtype.str}{values.shape}".encode()
    return digest(head + np.ascontiguousarray(values).tobytes())


def of_dataset(dataset: xr.Dataset) -> dict[str, str]:
    """Of every variable and coordinate, its dims with it."""
    return {
        str(name): digest(of_array(variable.values) + ",".join(map(str, variable.dims)))
        for name, variable in sorted(dataset.variables.items(), key=lambda item: str(item[0]))
    }


def of_run(scenario: Scenario, open_draws: int = 0) -> dict[str, str]:
    """Of three draws, two of them kept clinician by clinician and looked at closely if may be."""
    scenario = scenario.with_draws(DRAWS, None)
    lens = min(LOOKED_AT, usual_draws(scenario)[1])
    plan = make_plan(scenario, panel=LOOKED_AT, lens=lens, open_draws=open_draws)
    blocks = [run_block(part, block) for part in plan.parts() for block in part.blocks()]
    return of_dataset(in_memory(plan, blocks))


Settings = dict[str, Any]
Laid = Callable[..., Scenario]


def laid_on_small_roster(folder: Path) -> Laid:
    """Lays settings and layers on the small roster, whose files go into the folder."""
    rows = [row | {"state": STATES[k % len(STATES)]} for k, row in enumerate(roster_rows())]
    write_roster(folder / "small.csv", rows)
    (folder / "small.yaml").write_text(POPULATION)
    (folder / "scenario.yaml").write_text(SCENARIO)
    yaml = YAML(typ="safe", pure=True)

    def laid(settings: Settings, layers: dict[str, str] | None = None) -> Scenario:
        path = folder / "one.yaml"
        whole = {"title": "One", "extends": "scenario", "layers": layers or {}, "set": settings}
        with path.open("w") as file:
            yaml.dump(whole, file)
        return load_scenario(path)

    return laid


def small_scenarios(folder: Path) -> Iterator[tuple[str, Scenario]]:
    """Every shipped scenario and member of a sweep, laid on the small roster."""
    laid = laid_on_small_roster(folder)
    for name, one in _shipped():
        yield name, laid(dict(one.settings), one.layers.model_dump())
    for name, layers in LAYERS.items():
        yield f"baseline, {name}", laid({}, layers)


def _shipped() -> Iterator[tuple[str, Scenario]]:
    for entry in shipped():
        if entry.verb == "sweep":
            sweep = load_sweep(entry.name)
            for number, case in enumerate(sweep.cases):
                yield f"{entry.name}: {case.name}", sweep.scenario(number)
        elif entry.name not in OWN_BASES:
            yield entry.name, load_scenario(entry.name)


def of_scores() -> dict[str, str]:
    """Of the example and of random tables, scored under the shipped rule set."""
    rules = asm.rules("asm-2026-final")
    found = {"example": of_frame(asm.score(pd.DataFrame(example_rows())))}
    rng = random.Random(8)
    for number in range(TABLES):
        kind, cohort = KINDS[number % len(KINDS)], list(rules.cohorts)[number % 2]
        rows = random_table(rng, rules, cohort, ROWS, kind)
        year = rules.years[number % len(rules.years)]
        table = pd.DataFrame(rows).assign(cohort=cohort, performance_year=year)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # odd tables they are
            found[f"{number}: {kind} {cohort}"] = of_frame(asm.score(table))
    return found


def of_frame(frame: pd.DataFrame) -> str:
    return digest("".join(f"{name}{of_array(frame[name].to_numpy())}" for name in frame))


def of_documents() -> dict[str, str]:
    """The hash of every shipped rule set and population: of all that its parameters say."""
    found = {
        f"rules {name}": digest(fingerprint(load_any_rules(name))) for name in RULE_SETS.names()
    }
    return found | {
        f"population {name}": digest(fingerprint(load_population(name)[0]))
        for name in POPULATIONS.names()
    }


def of_words() -> dict[str, str]:
    """The text of ``--help`` of the program and of every verb, and the public names."""
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})
    found = {
        f"asm-sim {verb} --help".replace("  ", " "): digest(
            runner.invoke(app, [*([verb] if verb else []), "--help"]).stdout
        )
        for verb in ["", *sorted(verbs)]
    }
    for module in (asm, asm.studies, asm.plots):
        found[f"names in {module.__name__}"] = digest(" ".join(sorted(module.__all__)))
    return found


def ledger() -> Ledger:
    """Every digest, by what it is of."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: of_run(one) for name, one in small_scenarios(Path(folder))}
        runs["baseline, open draws"] = of_run(laid_on_small_roster(Path(folder))({}), DRAWS)
    runs |= {name: of_run(load_scenario(name)) for name in OWN_BASES}
    return {"scores": of_scores(), "documents": of_documents(), "words": of_words(), **runs}


def main() -> None:
    FILE.write_text(json.dumps({"surroundings": surroundings(), **ledger()}, indent=1) + "\n")
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
