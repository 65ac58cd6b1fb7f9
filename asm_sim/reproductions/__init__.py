"""Published results under their own conditions: what was published, closed form and simulation.

``results.yaml`` holds what was published with citation, condition and tolerance; ``tournaments``
sends official scores through :func:`asm_sim.score`, ``measurement`` simulates a test bed
(``bench``) of shipped parameters; ``table`` puts the three beside each other.
"""

from asm_sim.lazily import modules_of

__all__ = ["bench", "measurement", "published", "table", "tournaments"]
__getattr__ = modules_of(__name__, __all__)
