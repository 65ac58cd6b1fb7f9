"""A table of one's own: observed performance through the rule, without simulation.

This package is also the function :func:`score`, so that ``asm_sim.score(table)`` works whether or
not a module of the package was imported before. Importing it is cheap: pandas and the compiled
kernels come with the first call.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from asm_sim.rules.schema import RuleSet
    from asm_sim.tables.read import Source

__all__ = ["score"]


def score(
    table: Source,
    rules: str | Path | RuleSet = "asm-2026-final",
    settings: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """Score observed performance and return what the rule pays for it (42 CFR 512.725-512.750).

    ``table`` is the wide clinician table (one row per clinician, cohort and performance year): a
    DataFrame, a table of pyarrow, polars or what else speaks Arrow, the path of a CSV, Excel or
    Parquet file, or one that is open (``io.StringIO`` too). Identifiers, cohorts and specialties
    are one where they differ by capitals or by blanks around them alone. ``rules`` is the name of a
    rule set, a YAML file or a loaded rule set; ``settings`` gives parameters of a named one other
    values by dotted path.

    A table with a column ``final_score`` (points, 0-100; blank: none) needs no measures: those
    scores, of any programme, go through the payment step alone (512.750). It is refused with
    columns of which final scores are made.

    Returns one row per input row, in input order and with a DataFrame's own index:
    ``clinician_id``, ``cohort``, ``performance_year``, ``qNNN_points`` (0-10) for every measure of
    the cohorts in the table, ``quality_score`` (0-1), ``cost_points`` (0-10), ``cost_score`` (0-1),
    the four adjustments and ``final_score`` (points, 0-100), ``transformed_score`` (0-1; 0-2
    and 1 at the threshold where a rule set has one), ``scaling_factor`` (1 there),
    ``payment_adjustment_factor`` (a fraction), ``payment_multiplier`` and ``payment_change_usd``.
    All numbers are float64 (NaN where there is none) except the int64 year. Where final scores are
    given, the columns before ``final_score`` are left out.

    Raises :class:`asm_sim.errors.InputError` that lists everything wrong with the table or the
    rules. Warns (``UserWarning``) of cohorts too small for benchmarks of their own (see
    :func:`asm_sim.score_against`), of lines left out, of unknown columns, of rates that look like
    fractions, of measures that are blank altogether and of collection types that CMS does not
    offer. The input is not changed.
    """
    import warnings

    from asm_sim.score.scoring import score_table

    scored = score_table(table, rules, settings)
    for sentence in scored.warnings:
        warnings.warn(sentence, UserWarning, stacklevel=2)
    return scored.table


class _CallablePackage(ModuleType):
    __call__ = staticmethod(score)


sys.modules[__name__].__class__ = _CallablePackage
