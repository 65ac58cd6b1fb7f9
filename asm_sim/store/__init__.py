"""Runs and sweeps kept in a folder or an object store that survives a kill."""

from asm_sim.lazily import modules_of

__all__ = ["blocks", "carry_out", "consolidate", "files", "forecast", "here", "until", "work"]
__getattr__ = modules_of(__name__, __all__)
