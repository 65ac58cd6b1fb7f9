"""Moving the rule by hand: levers, draws that are scored anew, and what a page shows of them.

Arithmetic comes first and knows no page: :mod:`asm_sim.explorer.levers` are what can be moved,
:mod:`asm_sim.explorer.steps` scores the same clinicians under another rule, and
:mod:`asm_sim.explorer.answers` says what came out. :mod:`asm_sim.explorer.page` puts sliders and
figures on top.
"""

from asm_sim.lazily import modules_of

__all__ = ["answers", "curve", "levers", "page", "steps"]
__getattr__ = modules_of(__name__, __all__)
