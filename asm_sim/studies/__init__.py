"""Studies: a run's or a sweep's Dataset in, the Dataset that answers one question out."""

from asm_sim.studies import (
    chance,
    decomposition,
    improvement,
    mips,
    mips_designs,
    relative_ranking,
    savings,
    transfers,
    volatility,
)

__all__ = [
    "chance",
    "decomposition",
    "improvement",
    "mips",
    "mips_designs",
    "relative_ranking",
    "savings",
    "transfers",
    "volatility",
]
