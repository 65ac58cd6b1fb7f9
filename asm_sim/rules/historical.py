"""National benchmarks that CMS publishes before a performance year, from earlier performance.

Those by deciles are a table beside the rule sets (``mips-benchmarks.csv``, from
CMSgov/qpp-measures-data; each row names its file there).
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import model_validator

from asm_sim.documents import is_name
from asm_sim.errors import InputError
from asm_sim.parameters import Number, Strict

FOLDER = Path(__file__).parent
CUT_POINTS = 10  # CMS publishes that many; the k-th earns k points
COLUMNS = [
    *("measure", "collection_type", "performance_year", "benchmark_year", "basis"),
    *(f"cut_{k}" for k in range(1, CUT_POINTS + 1)),
    *("inverse", "topped_out", "capped", "source"),
]


class HistoricalBenchmark(NamedTuple):
    """One row of the table of benchmarks: the k-th cut point, from worst to best, earns k points.

    basis           ``percentile`` of what was reported in ``benchmark_year``, or ``flat``: round
                    cut points that CMS set
    inverse         a lower rate is better, so the cut points descend
    topped_out      so many report so high that CMS flags the measure
    capped          topped out for long enough that its points are capped
    """

    measure: str
    collection_type: str
    performance_year: int
    benchmark_year: int
    basis: str
    cut_points: tuple[float, ...]
    inverse: bool
    topped_out: bool
    capped: bool
    source: str

    @property
    def median(self) -> float | None:
        """The median rate: the sixth of the percentiles 1, 10, 20, ... 90; not of flat ones."""
        return self.cut_points[CUT_POINTS // 2] if self.basis == "percentile" else None


Benchmarks = Mapping[tuple[str, str], HistoricalBenchmark]  # by measure and collection type


class National(Strict):
    """Median and standard deviation over all that MIPS scores."""

    median: Number
    standard_deviation: Number

    @model_validator(mode="after")
    def _spread(self) -> Self:
        if self.standard_deviation.value <= 0:
            raise ValueError("standard_deviation must be above 0")
        return self


@cache
def benchmarks_of(name: str, performance_year: int) -> Benchmarks:
    """The benchmarks of one year in the shipped table ``name``.

    Raises ``ValueError`` where there is no such table.
    """
    path = FOLDER / f"{name}.csv"
    if not is_name(name) or not path.is_file():
        raise ValueError(f"quality.benchmarks: no table of benchmarks is called {name!r}")
    table = read_benchmarks(path)
    return {key[:2]: row for key, row in table.items() if key[2] == performance_year}


def read_benchmarks(path: Path) -> Mapping[tuple[str, str, int], HistoricalBenchmark]:
    """The table in a file, by measure, collection type and performance year.

    Raises :class:`asm_sim.errors.InputError` naming file and line.
    """
    table: dict[tuple[str, str, int], HistoricalBenchmark] = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        if rows.fieldnames != COLUMNS:
            raise InputError(f"{path.name}, line 1: the columns must be: {', '.join(COLUMNS)}")
        for row in rows:
            place = f"{path.name}, line {rows.line_num}"
            try:
                entry = _benchmark(row)
            except (TypeError, ValueError) as error:
                raise InputError(f"{place}: {error}") from error
            key = (entry.measure, entry.collection_type, entry.performance_year)
            if key in table:
                raise InputError(f"{place}: a second benchmark for {', '.join(map(str, key))}")
            table[key] = entry
    return table


def _benchmark(row: Mapping[str, str]) -> HistoricalBenchmark:
    if None in row or None in row.values():
        raise ValueError("a value too many or too few")
    cut_points = tuple(float(row[f"cut_{k}"]) for k in range(1, CUT_POINTS + 1))
    if not all(map(math.isfinite, cut_points)):
        raise ValueError("a cut point is not a finite number")
    flags = {name: row[name] for name in ("inverse", "topped_out", "capped")}
    for name, flag in flags.items():
        if flag not in {"0", "1"}:
            raise ValueError(f"{name} must be 0 or 1, not {flag!r}")
    sign = -1 if flags["inverse"] == "1" else 1
    if any(sign * b < sign * a for a, b in itertools.pairwise(cut_points)):
        raise ValueError("the cut points must go from worst to best")
    if row["basis"] not in {"percentile", "flat"}:
        raise ValueError(f"basis must be percentile or flat, not {row['basis']!r}")
    return HistoricalBenchmark(
        measure=row["measure"],
        collection_type=row["collection_type"],
        performance_year=int(row["performance_year"]),
        benchmark_year=int(row["benchmark_year"]),
        basis=row["basis"],
        cut_points=cut_points,
        inverse=flags["inverse"] == "1",
        topped_out=flags["topped_out"] == "1",
        capped=flags["capped"] == "1",
        source=row["source"],
    )
