"""A JSON Schema of scenario files and sweeps, by which editors complete and check them."""

from __future__ import annotations

from typing import Any

from asm_sim.parameters import Choice, Count, Number, Parameter, Switch, YearlyNumber
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import ROOTS, Design, ScenarioFile
from asm_sim.scenario.sweep import KINDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string", "minLength": 1}
_OBJECT = {"type": "object", "minProperties": 1}


def scenario_schema() -> dict[str, Any]:
    """The keys of a file with their types and limits, and every parameter of the baseline.

    Below ``set`` and ``grid`` a parameter of another rule set or population may stand as well;
    that, and what goes together, only ``asm-sim`` knows.
    """
    schema = ScenarioFile.model_json_schema()
    names = {"propertyNames": {"pattern": rf"^({'|'.join(ROOTS)})(\.|$)"}}
    known = load_scenario().leaves()
    settings = {
        "type": "object",
        "properties": {path: _of_parameter(leaf) for path, leaf in known.items()},
        **names,
    }
    design = Design.model_json_schema()
    spans = design.pop("$defs", {})
    kinds: dict[str, Any] = {
        "grid": {
            **_OBJECT,
            **names,
            "additionalProperties": {"type": "array", "minItems": 1},
            "description": "Every combination of the values that are listed for each parameter",
        },
        "list": {
            **_OBJECT,
            "additionalProperties": {"type": ["object", "null"], **names},
            "description": "Scenarios by name, each with what it sets",
        },
        "scenarios": {"type": "array", "minItems": 1, "items": _TEXT},
        "design": {"$ref": "#/$defs/Design"},
    }
    return {
        "$schema": DRAFT,
        "title": "A scenario or a sweep of asm_sim",
        "type": "object",
        "required": ["title"],
        "additionalProperties": False,
        "properties": {
            **schema["properties"],
            "extends": {**_TEXT, "description": "The scenario, or the file, that this one changes"},
            "set": {**settings, "description": "Parameters by dotted path, and their values"},
            "sweep": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
                "properties": {kind: kinds[kind] for kind in KINDS},
            },
            "compare_to": {"description": "The scenario that the others are compared with"},
        },
        "$defs": {
            **schema.get("$defs", {}),
            **spans,
            "Design": design,
        },
    }


def _of_parameter(leaf: Parameter) -> dict[str, Any]:
    """What may be given for a parameter: a value, or one for each year that is named."""
    about: dict[str, Any] = {"description": f"{leaf.description} ({leaf.unit})"}
    if isinstance(leaf, Choice):
        return about | {"anyOf": [{"enum": leaf.choices}, {"type": "object"}]}
    if isinstance(leaf, Switch):
        return about | {"type": ["boolean", "object"]}
    if isinstance(leaf, Number | Count | YearlyNumber) and leaf.range is not None:
        lowest, highest = leaf.range
        return about | {"type": ["number", "object"], "minimum": lowest, "maximum": highest}
    return about
