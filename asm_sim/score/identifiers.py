"""Who is in a clinician table: identifiers that can be none, and clinicians who are there twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from asm_sim.score.columns import Column
from asm_sim.score.problems import Problems
from asm_sim.tables.cells import (
    FloatArray,
    ObjectArray,
    identifier_fault,
    is_blank,
    is_none,
    names_of,
    objects_of,
    same,
    shown,
)


def check_identifiers(
    column: Column,
    series: pd.Series[Any] | None,
    cohort: ObjectArray,
    year: FloatArray,
    problems: Problems,
) -> None:
    """Report what is wrong with identifiers, and those that are there again in a cohort and year.

    ``cohort`` and ``year`` are None and NaN where they are not known.
    """
    if series is None:
        return
    given = objects_of(series)
    blank = np.array([is_blank(cell) for cell in given], dtype=np.bool_)
    odd = ~blank & np.array(
        [isinstance(c, bool) or not isinstance(c, str | int | float | np.number) for c in given],
        dtype=np.bool_,
    )
    problems.add(blank, column, lambda _: "is blank; give every clinician an identifier")
    problems.add(odd, column, lambda i: f"{shown(given[i])} is not a text")
    words = names_of(series)
    words[odd] = None
    words[identifier_faults(column, words, problems)] = None
    _duplicates(column, words, cohort, year, problems)


def identifier_faults(column: Column, words: ObjectArray, problems: Problems) -> list[int]:
    """Report texts that can be no identifier, each fault once; returns where they are."""
    places: dict[str, list[int]] = {}
    for i in np.flatnonzero(~is_none(words)).tolist():
        if fault := identifier_fault(words[i]):
            places.setdefault(fault, []).append(i)
    for fault, rows in places.items():
        problems.add_once(rows, column, f"{shown(words[rows[0]])} {fault}")
    return [i for rows in places.values() for i in rows]


def _duplicates(
    column: Column,
    identifier: ObjectArray,
    cohort: ObjectArray,
    year: FloatArray,
    problems: Problems,
) -> None:
    complete = ~(is_none(identifier) | is_none(cohort) | np.isnan(year))
    first: dict[tuple[str, str, float], int] = {}
    again = np.zeros(len(year), dtype=np.bool_)
    seen_at: dict[int, int] = {}
    for i in np.flatnonzero(complete).tolist():
        key = (same(identifier[i]), cohort[i], float(year[i]))
        earlier = first.setdefault(key, i)
        if earlier != i:
            again[i] = True
            seen_at[i] = earlier
    problems.add(
        again,
        column,
        lambda i: (
            f"{shown(identifier[i])} in cohort {cohort[i]} and {year[i]:g} is already in row "
            f"{problems.row(seen_at[i])}"
        ),
    )
