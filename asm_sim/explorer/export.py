"""What was set by hand as a scenario file, which ``asm-sim run`` takes."""

from __future__ import annotations

import io
import json

from ruamel.yaml import YAML

from asm_sim.documents import compact
from asm_sim.errors import printable
from asm_sim.explorer.steps import Step
from asm_sim.population.load import DATA
from asm_sim.population.load import SHELF as POPULATIONS
from asm_sim.rules.load import SHELF as RULE_SETS
from asm_sim.scenario.schema import ROOTS, Scenario

UNTITLED = "Set by hand"
_LONGEST = 200  # characters of a title


def files_beside(scenario: Scenario) -> list[str]:
    """The files of a user's own that a scenario names, which lie beside its file."""
    shelves = zip(ROOTS, (RULE_SETS, POPULATIONS, RULE_SETS), strict=True)
    names = ((getattr(scenario.file, root).removesuffix(".yaml"), shelf) for root, shelf in shelves)
    own = [f"{name}.yaml" for name, shelf in names if name not in shelf.names()]
    roster = scenario.population.roster.value
    return own if (DATA / roster).exists() else [*own, roster]


def scenario_yaml(step: Step, title: str = "") -> str:
    """The scenario of a step as YAML: the same draws and seed, with everything that is set.

    A run of it has the numbers that the step shows. What its population names beside its file must
    lie beside this one too.
    """
    scenario = step.scenario
    resolved = json.loads(json.dumps(scenario.resolved()))
    moved = [f"{path}={compact(value)}" for path, value in step.settings.items()]
    called = printable(" ".join(title.split()), _LONGEST)
    resolved["title"] = called or UNTITLED
    resolved["description"] = (
        f"From {printable(scenario.name)} in the explorer, {', '.join(moved) or 'nothing moved'}. "
        f"It showed {scenario.draws} draws; set more for smaller errors."
    )
    text = io.StringIO()
    writer = YAML()
    writer.width = 96
    writer.dump(resolved, text)
    return text.getvalue()
