"""What each unknown does to the share of penalties: the shipped effects of the baseline.

A table that was computed, not written: every open parameter moved alone to its low and its high, or
to each other reading, in paired draws (``asm-sim sensitivity baseline``). It says of which rule
set, population, roster and version it is; effects of another scenario are its own to compute.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

FILE = Path(__file__).parent / "data" / "effects.json"
SHARE_OF_PENALTIES = "share_negative"
# What decides the draws of a run beside its seed, by the names that a run's attributes have.
BELONGS_TO = ("rules_hash", "population_hash", "roster_hash", "asm_sim_version")
MOST_NAMED = 5
ERRORS = 2.0  # of which an effect must be the larger to be named


class Effect(NamedTuple):
    """What an outcome of a cohort changes by where one unknown is not at its central value.

    ``end`` is ``low`` or ``high``, or the reading; ``value`` what the parameter has there and
    ``central`` what it has otherwise, as texts. ``change`` and its standard error ``mcse`` are
    fractions: 0.05 is five percentage points.
    """

    path: str
    end: str
    value: str
    central: str
    unit: str
    cohort: str
    change: float
    mcse: float

    @property
    def is_clear(self) -> bool:
        """Whether it is larger than two of its errors."""
        return abs(self.change) > ERRORS * self.mcse


class Effects(NamedTuple):
    """The effects of one scenario on the share of penalties in one performance year."""

    about: dict[str, Any]  # scenario, performance_year, draws, seed, and what they belong to
    rows: tuple[Effect, ...]

    def sizes(self) -> dict[str, float]:
        """The size of the largest effect of each parameter, in any cohort; the largest first."""
        found: dict[str, float] = {}
        for row in self.rows:
            found[row.path] = max(found.get(row.path, 0.0), abs(row.change))
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def of(self, path: str) -> tuple[Effect, ...]:
        return tuple(row for row in self.rows if row.path == path)

    def named(self, cohort: str | None = None, most: int = MOST_NAMED) -> list[list[Effect]]:
        """The effects to be named: of the parameters that clearly move it, the largest first.

        Those of a parameter stand together, of one cohort or, where none is given, of all.
        """
        rows = [row for row in self.rows if cohort in {None, row.cohort}]
        clear = Effects({}, tuple(row for row in rows if row.is_clear))
        return [[row for row in rows if row.path == path] for path in list(clear.sizes())[:most]]


def effects_in(ds: xr.Dataset, outcome: str = SHARE_OF_PENALTIES) -> Effects:
    """The effects on one outcome in a Dataset that ``asm_sim.sensitivity`` returned."""
    of_outcome = ds.sel(outcome=outcome)
    labels = ("parameter", "end", "value", "central_value", "unit")
    columns = [of_outcome[name].values.astype(str).tolist() for name in labels]
    rows = []
    for cohort in of_outcome["cohort"].values:
        of_cohort = of_outcome.sel(cohort=cohort)
        numbers = [of_cohort[name].values.tolist() for name in ("change", "change_mcse")]
        for path, end, value, central, unit, *found in zip(*columns, *numbers, strict=True):
            rows.append(Effect(path, end, value, central, unit, str(cohort), *found))
    return Effects({str(key): value for key, value in ds.attrs.items()}, tuple(rows))


@cache
def shipped_effects() -> Effects:
    """The effects of the shipped baseline."""
    held = json.loads(FILE.read_text(encoding="utf-8"))
    return Effects(held["about"], tuple(Effect(*row) for row in held["effects"]))


def effects_of(about: Mapping[Any, Any]) -> Effects | None:
    """The shipped effects where they are those of a run; None where they are of another.

    ``about`` are the attributes of its Dataset, or as many of :data:`BELONGS_TO` as are known.
    """
    known = [name for name in BELONGS_TO if name in about]
    shipped = shipped_effects()
    same = bool(known) and all(about[name] == shipped.about[name] for name in known)
    return shipped if same else None


def write_effects(effects: Effects, path: Path = FILE) -> None:
    """Write the table that :func:`shipped_effects` reads, a line to each effect."""
    kept = ("scenario", "performance_year", "draws", "seed", "rules", "population", *BELONGS_TO)
    about = json.dumps({name: effects.about[name] for name in kept}, indent=1)
    lines = ",\n".join(json.dumps(_short(row)) for row in effects.rows)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{{"about": {about},\n"effects": [\n{lines}\n]}}\n', encoding="utf-8")


def _short(row: Effect) -> list[Any]:
    """A row with no more digits than its error tells."""
    place = 6 if row.mcse == 0 else max(0, 2 - math.floor(math.log10(row.mcse)))
    return [*row[:-2], round(row.change, place), round(row.mcse, place)]


def in_points(row: Effect) -> str:
    """``+5.1``: an effect in percentage points, with the digits that its error leaves."""
    points, error = 100.0 * row.change, 100.0 * row.mcse
    digits = 2 if error == 0 else max(0, -math.floor(math.log10(error)))
    return f"{points:+.{min(digits, 2)}f}"


def told(rows: Iterable[Effect]) -> str:
    """``+5.1 at 0.05, -2.5 at 0.2``: the clear effects of one parameter, in percentage points."""
    return ", ".join(f"{in_points(row)} at {row.value}" for row in rows if row.is_clear)
