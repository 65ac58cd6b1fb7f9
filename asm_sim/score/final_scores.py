"""Tables that give final scores, of this programme or of another: only the payment step is done.

Such a table needs none of what final scores are made of (42 CFR 512.725-512.745) and is refused
with it, since one of the two would mean nothing. Averaging over years and rounding, where a rule
set has them, are done as ever: what is given is a clinician's final score of the year by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asm_sim.errors import counted
from asm_sim.rules.schema import RuleSet
from asm_sim.score.columns import Column, input_columns

if TYPE_CHECKING:
    from asm_sim.kernels.rule.law import CohortRules
    from asm_sim.kernels.rule.observed import Observed

FINAL_SCORE = "final_score"
# Who is paid and on what, and what some rules read of peers in the payment step. All other columns
# say of what final scores are made, or what takes them away.
_PAID = {"clinician_id", "cohort", "performance_year", "part_b_payments", "payment_year_part_b"}
_OF_PEERS = {"practice_id", "practice_size", "specialty", "rural", "episodes"}


def payment_columns(rules: RuleSet) -> dict[str, Column]:
    """The columns of a table that gives final scores, by name, as ``input_columns`` has them."""
    needed, final = {rules.peers.basis.value}, rules.final_score
    if rules.payment.neutral_band_form.value == "by_volume":
        needed.add("episodes")
    score = Column(FINAL_SCORE, "number", "points", final.minimum.value, final.maximum.value)
    columns = [score]
    for column in input_columns(rules).values():
        if column.name in _OF_PEERS:
            optional = column.name not in needed
            blank = optional or column.may_be_blank
            columns.append(replace(column, may_be_absent=optional, may_be_blank=blank))
        elif not _makes_it(column):
            columns.append(column)
    return {column.name: column for column in columns}


def both_given(names: Iterable[str], rules: RuleSet, in_part: bool) -> str | None:
    """What to say where final scores are given beside columns that they are made of.

    ``in_part``: the table is one to be set against a simulated cohort, for which they are no use.
    """
    made_of = {column.name for column in input_columns(rules).values() if _makes_it(column)}
    beside = [name for name in names if name in made_of]
    if not beside:
        return None
    more = f" and {counted(len(beside) - 1, 'more column')}" if beside[1:] else ""
    if in_part:
        return f"column {FINAL_SCORE}: leave it out; scores are made of {beside[0]}{more} here"
    return (
        f"column {FINAL_SCORE} stands beside {beside[0]}{more} that final scores are made of: "
        "leave out the one or the others, so that it is clear which scores are paid for"
    )


def _makes_it(column: Column) -> bool:
    return column.name not in _PAID | _OF_PEERS


def scores_as_observed(rows: pd.DataFrame, compiled: CohortRules, y: int) -> Observed:
    """Clinicians who have nothing but a cost, which is their final score under :func:`passing_on`.

    Blank scores are those of nobody with enough episodes. Who has fewer episodes than the minimum
    counts with as many, as a neutral band by volume takes them.
    """
    from asm_sim.kernels.rule.observed import COLUMNS, Observed

    n, shape = len(rows), (len(compiled.measure_reported), len(rows))
    score, blank = rows[FINAL_SCORE].to_numpy(np.float64), rows[FINAL_SCORE].isna().to_numpy()
    minimum = float(compiled.year["cost_case_minimum"][y])
    episodes = np.fmax(rows["episodes"].to_numpy(np.float64), minimum)
    return Observed(
        rate=np.full(shape, np.nan),
        cases=np.zeros(shape),
        completeness=np.full(shape, np.nan),
        collection=np.zeros(shape, np.int8),
        **{name: np.zeros(n) for name in COLUMNS}
        | {
            "episodes": np.where(blank, 0.0, episodes),
            "episode_cost": np.where(blank, 0.0, score),
            "pi_score": np.full(n, compiled.interoperability_maximum),
            "part_b_payments": rows["part_b_payments"].to_numpy(np.float64),
            "practice_size": np.full(n, np.nan),
            "hcc_risk_score": np.full(n, np.nan),
            "dual_share": np.full(n, np.nan),
        },
    )


def passing_on(compiled: CohortRules) -> CohortRules:
    """The rule with the cost of an episode as the final score, to the bit, and the same payment.

    The cost curve is one point per dollar from a national median of 0, and nothing is added.
    """
    from asm_sim.kernels.choices import (
        BenchmarkReference,
        MissingCategory,
        ScoringLevel,
        Shrinkage,
    )

    year = compiled.year.copy()
    nothing = ("cost_anchor", "solo_bonus", "small_bonus", "interoperability_at_zero")
    for name in (*nothing, "complex_minimum", "complex_maximum"):
        year[name] = 0.0
    line = np.array([0.0, compiled.score_maximum])
    return compiled._replace(
        year=year,
        quality_level=int(ScoringLevel.CLINICIAN),
        cost_level=int(ScoringLevel.CLINICIAN),
        cost_points_maximum=1.0,
        cost_curve_z=line,
        cost_curve_points=line,
        cost_reference=int(BenchmarkReference.NATIONAL),
        national_cost=np.tile([0.0, 1.0], (len(year), 1)),
        cost_shrinkage=int(Shrinkage.NONE),
        activities_adjustment=np.zeros_like(compiled.activities_adjustment),
        missing_category=int(MissingCategory.REWEIGHT),
        circumstances_neutral=False,
        score_scale=1.0,
    )
