"""The shipped rosters as they were read before.

To read one cell by cell, with all that may be wrong in it, takes as long as a few hundred draws. A
roster of one's own is read each time: nothing of it is kept but in the results.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from asm_sim import kept
from asm_sim.parameters import fingerprint
from asm_sim.population.load import DATA
from asm_sim.population.roster import Roster, read_roster
from asm_sim.population.schema import Population
from asm_sim.rules.schema import RuleSet


def roster_at(path: Path, rules: RuleSet, population: Population) -> Roster:
    """As :func:`asm_sim.population.roster.read_roster`, from the cache folder where it is there."""
    if path.parent != DATA:
        return read_roster(path, rules, population)
    titles = [entry.title for entry in rules.cohorts.values()]
    about = [path.name, fingerprint(rules), fingerprint(population), titles]
    key = kept.readers() + repr(about).encode() + path.read_bytes()
    plain = kept.kept_json("roster", key, lambda: _plain(read_roster(path, rules, population)))
    return Roster(**{name: _value(value) for name, value in plain.items()})


def _plain(roster: Roster) -> dict[str, Any]:
    """Its fields as JSON has them, arrays with their types."""
    values = {field.name: getattr(roster, field.name) for field in fields(roster)}
    return {
        name: {"type": value.dtype.str, "values": value.tolist()}
        if isinstance(value, np.ndarray)
        else value
        for name, value in values.items()
    }


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return np.array(value["values"], dtype=value["type"])
    return tuple(value) if isinstance(value, list) else value
