"""What was set by hand as a scenario file, which ``asm-sim run`` takes."""

from __future__ import annotations

import io
import json

from ruamel.yaml import YAML

from asm_sim.documents import compact
from asm_sim.errors import printable
from asm_sim.explorer.steps import Step

UNTITLED = "Set by hand"
_LONGEST = 200  # characters of a title


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
