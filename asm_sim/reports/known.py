"""What is known of the rule of some results, what is open, and what the open parts do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asm_sim.documents import compact
from asm_sim.reports.tables import Table, plain_table
from asm_sim.results.in_words import effects_json, held
from asm_sim.results.registry import STATUSES
from asm_sim.results.summary import effects_table
from asm_sim.statuses import MEANINGS

if TYPE_CHECKING:
    import xarray as xr

ROOTS = {"rules": "ASM rule", "population": "population"}


def statuses_table(run: xr.Dataset) -> Table | None:
    """How many parameters of rule and population have each status; None where it is not said."""
    counts: dict[str, dict[str, int]] = json.loads(run.attrs.get(STATUSES, "{}"))
    known = [root for root in ROOTS if root in counts]
    if not known:
        return None
    rows = [
        (status, meaning, *(f"{counts[root].get(status, 0):,}" for root in known))
        for status, meaning in MEANINGS.items()
        if any(counts[root].get(status) for root in known)
    ]
    columns = ("Status", "Meaning", *(f"Parameters of the {ROOTS[root]}" for root in known))
    return plain_table("How well the parameters are known", columns, rows)


def open_table(run: xr.Dataset, root: str) -> Table | None:
    """What is open of ``rules`` or ``population``, with the value that it has here."""
    given: dict[str, dict[str, Any]] = json.loads(run.attrs.get("assumptions", "{}"))
    fixed = held(run)
    rows = [
        (
            path,
            f"{compact(leaf['value'])} {leaf.get('unit') or ''}".strip(),
            str(leaf.get("status", "")),
            str(leaf.get("description", "")),
            f"held: {fixed[path]}" if path in fixed else "drawn in the open draws",
        )
        for path, leaf in given.items()
        if path.startswith(f"{root}.")
    ]
    if not rows:
        return None
    columns = ("Parameter", "Value here", "Status", "What it is", "In the ranges")
    width = len(columns) if run.attrs.get("open_draws") or fixed else len(columns) - 1
    return plain_table(
        f"What is open of the {ROOTS[root]}", columns[:width], [row[:width] for row in rows]
    )


def effects(run: xr.Dataset, of_sweep: bool) -> tuple[Table | None, str]:
    """What moves the share of penalties most, and whose effects these are.

    A scenario of a sweep has no name by which a command could ask for its own.
    """
    found = effects_table(run)
    about = effects_json(run)
    whose = "" if about["of_this_scenario"] else f" Effects of the {about['scenario']}."
    told = (
        f"One parameter at a time, in percentage points of the share with a penalty in "
        f"{about['performance_year']}, at the ends of what it may be.{whose}"
    )
    if not of_sweep:
        told += f" `{about['command']}` computes those of this scenario."
    if not len(found):
        return None, told
    rows = [tuple(map(str, row)) for row in found.itertuples(index=False)]
    rows = [(row[1], row[0], *row[2:]) for row in rows]
    columns = ("Parameter", "Cohort", "Central value", "At", "Percentage points")
    caption = "What nobody knows and moves the share of penalties most"
    return plain_table(caption, columns, rows), told
