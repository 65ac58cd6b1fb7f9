"""One clinician's way through the rule, step by step, from measures to dollars.

This package is also the function :func:`explain`, so that ``asm_sim.explain(table, "00101")`` works
whether or not a module of the package was imported before. Importing it is cheap.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from asm_sim.explain.steps import Explanation
    from asm_sim.rules.schema import RuleSet
    from asm_sim.tables.read import Source

__all__ = ["explain"]


def explain(
    table: Source,
    clinician: str | int,
    rules: str | Path | RuleSet = "asm-2026-final",
    settings: dict[str, Any] | None = None,
    year: int | None = None,
) -> Explanation:
    """Explain how a clinician of a table came to a payment (42 CFR 512.725-512.750).

    ``table``, ``rules`` and ``settings`` are those of :func:`asm_sim.score.score`; the numbers are
    the same. ``clinician`` is the identifier, without regard to capitals. Every cohort and
    performance year of the clinician is explained, or those of ``year`` alone.

    Returns an :class:`asm_sim.explain.steps.Explanation`: steps with what was observed, the
    benchmark, the points and why, the adjustments, the final score, the median, the exchange
    function, the pool and the dollars (USD), each with the parameters of the rule that decided it,
    their status and citation; and what single changes would have paid, the peers held still.
    ``print`` shows it; ``to_markdown`` and ``to_html`` write it, ``as_data`` is for programs.

    Raises :class:`asm_sim.errors.InputError` as ``score`` does, and for a clinician or a year that
    is not in the table. Warns (``UserWarning``) as ``score`` does. The input is not changed.
    """
    import warnings

    from asm_sim.explain.explaining import explain_table

    explanation, sentences = explain_table(table, clinician, rules, settings, year)
    for sentence in sentences:
        warnings.warn(sentence, UserWarning, stacklevel=2)
    return explanation


class _CallablePackage(ModuleType):
    __call__ = staticmethod(explain)


sys.modules[__name__].__class__ = _CallablePackage
