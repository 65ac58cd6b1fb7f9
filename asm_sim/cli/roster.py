"""``asm-sim roster``: what was understood of a roster, before anything is simulated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from asm_sim.cli.options import AsJson
from asm_sim.cli.terminal import Terminal, say
from asm_sim.errors import counted, printable

if TYPE_CHECKING:
    from asm_sim.population.roster import Roster
    from asm_sim.population.schema import Population

STATES_LISTED = 10


def roster(
    file: Annotated[
        Path | None,
        typer.Argument(help="A roster, or CMS's participant file; else the scenario's own."),
    ] = None,
    scenario: Annotated[
        str, typer.Option("--scenario", help="Whose rules and population it is read for.")
    ] = "baseline",
    as_json: AsJson = False,
) -> None:
    """Show what is understood of a roster: clinicians, practices, states, what is left out."""
    from asm_sim.engine.frame import roster_of
    from asm_sim.population.agreement import check_complete
    from asm_sim.scenario.load import load_scenario

    chosen = load_scenario(scenario)
    roster = roster_of(chosen, file)
    check_complete(chosen.population, chosen.rules, roster)
    name = file.name if file else chosen.population.roster.value
    understood = {"roster": printable(name), **describe(roster, chosen.population)}
    if as_json:
        say(json.dumps(understood, indent=1))
    else:
        _print(understood, Terminal(highlight=False))


def describe(roster: Roster, population: Population) -> dict[str, Any]:
    """Who is in a roster, as plain data: numbers of clinicians, and of practices by size."""
    import numpy as np

    practices = len(roster.practice_id)
    cohorts = {}
    for cohort in roster.cohorts:
        where = roster.slice_of(cohort)
        practice = roster.practice[where]
        cohorts[cohort] = {
            "clinicians": len(practice),
            "practices": len(np.unique(practice)),
            "in_small_practices": int(roster.practice_small[practice].sum()),
            "states": len({state for state in roster.state[where] if state}),
        }
    states, counts = np.unique([state for state in roster.state if state], return_counts=True)
    by_number = sorted(zip((-counts).tolist(), states.tolist(), strict=True))
    return {
        "sha256": roster.sha256,
        "clinicians": len(roster.clinician_id),
        "cohorts": cohorts,
        "practices": practices,
        "small_practices": int(roster.practice_small.sum()),
        "practices_by_clinicians_listed": _by_listed(roster, population),
        "most_listed_in_a_practice": int(roster.practice_listed.max()),
        "states": {state: -number for number, state in by_number},
        "without_state": sum(not state for state in roster.state),
        "stated": _stated(roster),
        "notes": list(roster.notes),
    }


def _by_listed(roster: Roster, population: Population) -> dict[str, int]:
    """Practices by the number of clinicians listed, in the population's size classes."""
    import numpy as np

    limits = [int(limit) for limit in population.practice.size_classes.value]
    band = np.searchsorted(limits, roster.practice_listed, "left")
    lowest = [1, *(limit + 1 for limit in limits)]
    names = [
        f"{low}" if low == high else f"{low} to {high}"
        for low, high in zip(lowest, limits, strict=False)
    ]
    counts = np.bincount(band, minlength=len(lowest)).tolist()
    return dict(zip([*names, f"{lowest[-1]} or more"], counts, strict=True))


def _stated(roster: Roster) -> dict[str, int]:
    """For how many clinicians or practices something is stated that would else be drawn."""
    import numpy as np

    from asm_sim.population.stated import OF_CLINICIAN, OF_PRACTICE

    tables = ((OF_CLINICIAN, roster.stated), (OF_PRACTICE, roster.practice_stated))
    counts = {
        name: int(np.count_nonzero(~np.isnan(values)))
        for names, table in tables
        for name, values in zip(names, table, strict=True)
    }
    return {name: count for name, count in counts.items() if count}


def _print(understood: dict[str, Any], console: Terminal) -> None:
    say(
        f"{understood['roster']}: {counted(understood['clinicians'], 'clinician')} in "
        f"{counted(understood['practices'], 'practice')}"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("cohort")
    for name in ("clinicians", "practices", "in small practices", "states"):
        table.add_column(name, justify="right")
    for cohort, counts in understood["cohorts"].items():
        table.add_row(Text(cohort), *(f"{number:,}" for number in counts.values()))
    console.print(table)
    sizes = understood["practices_by_clinicians_listed"]
    say(f"Practices by clinicians listed: {_listed(sizes)}")
    say(f"Practices flagged as small: {understood['small_practices']:,}")
    states = understood["states"]
    first = dict(list(states.items())[:STATES_LISTED])
    more = len(states) - len(first)
    unknown = understood["without_state"]
    say(
        f"Clinicians by state: {_listed(first) or 'none is told'}"
        + (f"; and {counted(more, 'more state')}" if more else "")
        + (f"; {unknown:,} without a state" if unknown else "")
    )
    if understood["stated"]:
        say(f"Stated, and not drawn: {_listed(understood['stated'])}")
    for line in understood["notes"]:
        say(f"Note: {line}")


def _listed(counts: dict[str, int]) -> str:
    return "; ".join(f"{name}: {count:,}" for name, count in counts.items())
