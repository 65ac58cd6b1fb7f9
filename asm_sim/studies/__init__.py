"""Studies: a run's or a sweep's Dataset in, the Dataset that answers one question out.

Published figures that they compare with are in ``published`` (``data/published.yaml``).
What they share is in ``estimates`` (what is read of a run, and estimates over draws with errors)
and ``panel`` (clinicians one by one; ``mips_panel`` says which of its variables are of MIPS).
The closed forms are functions of numbers: ``closed_forms`` has those of the payment rule,
``normal`` those of normal measurements. ``asm-sim studies`` says of each what it is run on:
"""

from asm_sim.lazily import modules_of
from asm_sim.studies.catalogue import STUDIES

__all__ = [study.name for study in STUDIES]
__doc__ += "\n" + "\n".join(f"``{study.name}``".ljust(22) + study.question for study in STUDIES)


__getattr__ = modules_of(__name__, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
