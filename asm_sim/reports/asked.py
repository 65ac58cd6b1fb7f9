"""What a run or a sweep was asked: its scenario, and what differs from the baseline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asm_sim.documents import compact
from asm_sim.errors import counted
from asm_sim.reports.tables import Table, plain_table
from asm_sim.results.describe import (
    cohort_title,
    draws_in_words,
    layers_of,
    parameters_of,
    scenario_in_words,
)
from asm_sim.results.registry import OPEN_DRAW
from asm_sim.results.scenarios import SCENARIO, axes, seeds_of
from asm_sim.results.sweep_summary import reference_of

if TYPE_CHECKING:
    import xarray as xr

BASELINE = "baseline"
NOT_THERE = "not in it"


def description_of(ds: xr.Dataset) -> str:
    """What the scenario's file says that it is; empty where it says nothing."""
    return str(json.loads(ds.attrs.get("scenario_yaml", "{}")).get("description", ""))


def facts(ds: xr.Dataset) -> list[tuple[str, str]]:
    """What was run, in words: a name and what it is."""
    names = [f"{cohort_title(ds, name)} ({name})" for name in ds["cohort"].values]
    performance, payment = (_span(ds[name].values) for name in ("performance_year", "payment_year"))
    layers = [f"{name} {state}" for name, state in layers_of(ds).items()]
    open_draws = ds.sizes.get(OPEN_DRAW, 0)
    found = [
        ("Scenario", scenario_in_words(ds)),
        ("Rule", f"{ds.attrs.get('rules', '?')}, rule year {ds.attrs.get('rule_year', '?')}"),
        ("Population", str(ds.attrs.get("population", "?"))),
        ("Cohorts", ", ".join(names)),
        ("Years", f"performance years {performance}, paid in {payment}"),
        (
            "Draws",
            draws_in_words(ds)
            + (f" and {counted(open_draws, 'open draw')}" if open_draws else "")
            + f", seed {', '.join(seeds_of(ds)) or '?'}",
        ),
    ]
    if SCENARIO in ds.dims:
        found.insert(1, ("Scenarios", f"{ds.sizes[SCENARIO]:,}"))
        if (reference := reference_of(ds)) is not None:
            found.insert(2, ("Compared with", reference))
    return [*found, ("Layers", ", ".join(layers))] if layers else found


def differences(ds: xr.Dataset) -> Table | None:
    """The parameters that differ from the shipped baseline; None where none does.

    Those of a sweep's axes with all the values that they take. What the results do not say, as
    those of an earlier version, is no difference.
    """
    from asm_sim.parameters import plain_value
    from asm_sim.scenario.load import load_scenario

    leaves = load_scenario(BASELINE).leaves()
    there = {path: plain_value(leaf) for path, leaf in leaves.items()}
    moving = {axis: _taken(ds, axis) for axis in axes(ds)} if SCENARIO in ds.dims else {}
    here = {**parameters_of(ds), **moving}
    rows = [
        (
            path,
            compact(there[path]) if path in there else NOT_THERE,
            " / ".join(value) if path in moving else compact(value),
            leaves[path].status if path in there else "",
            leaves[path].description if path in there else "",
        )
        for path, value in here.items()
        if path in moving or path not in there or compact(value) != compact(there[path])
    ]
    if not rows:
        return None
    columns = ("Parameter", "Baseline", "Here", "Status in the baseline", "What it is")
    return plain_table(f"{counted(len(rows), 'parameter')} not as in the baseline", columns, rows)


def _taken(ds: xr.Dataset, axis: str) -> list[str]:
    """The values along an axis, each once, in the order of the sweep; as set where none is."""
    values: list[Any] = list(dict.fromkeys(ds[axis].values.tolist()))
    return [compact(value) if value == value and value != "" else "as it is" for value in values]


def _span(years: Any) -> str:
    first, last = int(years[0]), int(years[-1])
    return str(first) if first == last else f"{first} to {last}"
