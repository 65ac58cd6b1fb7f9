"""The published results as data: ``results.yaml``, and the official multipliers beside it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from asm_sim.documents import read_document
from asm_sim.parameters import Strict, check

if TYPE_CHECKING:
    import pandas as pd

FILE = Path(__file__).with_name("results.yaml")
MULTIPLIERS = Path(__file__).with_name("snf_vbp_fy2025_multipliers.csv")


class Value(Strict):
    """One number of a result; ``at`` is what it is at, in the terms of its result."""

    of: str
    at: float | None = None
    published: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    tolerance: float | None = None  # where it is another than that of the result
    reproduced: bool = True
    note: str = ""

    @property
    def is_published(self) -> bool:
        return (self.published, self.at_least, self.at_most) != (None, None, None)


class Result(Strict):
    """What one source says, under one condition (``given``: as the simulation has it)."""

    id: str
    row: str
    title: str
    citation: str
    condition: str
    certainty: Literal["seen", "part", "derived"]
    note: str = ""
    given: dict[str, float | list[float]]
    decimals: int
    tolerance: float
    values: list[Value]

    def number(self, name: str) -> float:
        """A number of the condition."""
        value = self.given[name]
        assert not isinstance(value, list)
        return float(value)

    def numbers(self, name: str) -> list[float]:
        """A list of numbers of the condition."""
        value = self.given[name]
        assert isinstance(value, list)
        return value

    @property
    def at(self) -> list[float]:
        """What the values are at, of those that are at something."""
        return [value.at for value in self.values if value.at is not None]


class _Results(Strict):
    results: list[Result]


@cache
def published() -> tuple[Result, ...]:
    """All results in the order of the table."""
    document = read_document(FILE, shown_as=FILE.name)
    return tuple(check(_Results, document, "table of published results").results)


def multipliers() -> pd.DataFrame:
    """CMS's FY 2025 incentive multipliers of skilled nursing facilities.

    Columns ``performance_score`` (0-100), ``incentive_payment_multiplier`` and ``facilities``, how
    many have the pair: 4,308 pairs of 10,533 facilities, from the Facility-Level Dataset of the
    Provider Data Catalog (public domain; read from the copy in JoshStevenMiller/carecompare at
    commit 2add869c). Names and identifiers are left out.
    """
    import pandas as pd

    return pd.read_csv(MULTIPLIERS)
