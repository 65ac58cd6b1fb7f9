"""Figures of a run: Dataset in, Figure out; one module per figure, each with ``plot(ds)``."""

from asm_sim.plots import (
    adjustment_distribution,
    save,
    savings_levers,
    savings_steps,
    score_to_adjustment,
)

__all__ = [
    "adjustment_distribution",
    "save",
    "savings_levers",
    "savings_steps",
    "score_to_adjustment",
]
