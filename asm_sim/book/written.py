"""What is known of a parameter, in words: its value, what else it may be, and what it does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from asm_sim.parameters import Parameter
from asm_sim.statuses import MEANINGS

if TYPE_CHECKING:
    from asm_sim.results.effects import Effect


def value_written(value: Any) -> str:
    """A value as a person writes it; years with the same value are drawn together."""
    if isinstance(value, dict):
        spans = [
            ([year for year, _ in group], number)
            for number, group in itertools.groupby(sorted(value.items()), key=lambda item: item[1])
        ]
        return ", ".join(f"{_years(years)}: {value_written(number)}" for years, number in spans)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value_written(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _years(years: list[int]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]}-{years[-1]}"


def plausible(leaf: Parameter) -> str:
    """The values that the evidence leaves, or the readings with their weights; else nothing."""
    if leaf.readings is not None:
        total = sum(leaf.readings.values())
        return ", ".join(f"{name} ({weight / total:.3g})" for name, weight in leaf.readings.items())
    if leaf.low is not None and leaf.high is not None:
        return f"{leaf.low:g} to {leaf.high:g}"
    return ""


def facts(leaf: Parameter) -> Iterator[tuple[str, str]]:
    """A label and what it is the label of: all that a parameter says of itself but what it is."""
    yield "Value", value_written(leaf.model_dump()["value"]) or "none"
    yield "Unit", leaf.unit
    if plausible(leaf):
        yield "Plausible", plausible(leaf)
    if leaf.range is not None:
        yield "Range", f"{leaf.range[0]:,.12g} to {leaf.range[1]:,.12g}"
    choices = getattr(leaf, "choices", None)
    if choices and len(choices) > 1:
        yield "One of", ", ".join(choices)
    yield "Status", f"{leaf.status} ({MEANINGS[leaf.status]})"
    yield "Source", leaf.source
    if leaf.held:
        yield "Not drawn", leaf.held


def effect_written(leaf: Parameter, effects: Sequence[Effect] | None) -> str:
    """By how many percentage points it alone moves the share of penalties, or why nobody knows."""
    if effects:
        by_cohort = itertools.groupby(effects, key=lambda row: row.cohort)
        return "; ".join(f"{cohort} {_of_cohort(list(rows))}" for cohort, rows in by_cohort)
    if not leaf.is_open and not plausible(leaf):
        return f"not computed: of status {leaf.status}, so it is not moved"
    return f"not computed{' for this scenario' if effects is None else ': it is not drawn'}"


def _of_cohort(rows: list[Effect]) -> str:
    if all(row.change == 0 and row.mcse == 0 for row in rows):
        return "none"
    return ", ".join(f"{points_written(row)} at {row.value}" for row in rows)


def points_written(effect: Effect) -> str:
    """``+5.60 ±0.25``: an effect and its error in percentage points, with the digits it has."""
    points, error = 100.0 * effect.change, 100.0 * effect.mcse
    digits = 2 if error == 0 else min(max(0, 1 - math.floor(math.log10(error))), 3)
    return f"{round(points, digits) + 0.0:+.{digits}f} ±{error:.{digits}f}"
