"""Figures of a run: Dataset in, Figure out; one module per figure, each with ``plot(ds)``."""

from asm_sim.plots import (
    adjustment_distribution,
    asm_against_mips,
    chance_band,
    misclassification_by_volume,
    quintile_transitions,
    same_score,
    save,
    savings_levers,
    savings_steps,
    score_curves_with_mips,
    score_to_adjustment,
    standing_still,
    transfer_matrix,
    variance_shares,
)

__all__ = [
    "adjustment_distribution",
    "asm_against_mips",
    "chance_band",
    "misclassification_by_volume",
    "quintile_transitions",
    "same_score",
    "save",
    "savings_levers",
    "savings_steps",
    "score_curves_with_mips",
    "score_to_adjustment",
    "standing_still",
    "transfer_matrix",
    "variance_shares",
]
