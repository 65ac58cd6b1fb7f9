"""Studies: a run's or a sweep's Dataset in, the Dataset that answers one question out."""

from asm_sim.studies import savings

__all__ = ["savings"]
