"""Figures of a run: Dataset in, Figure out; one module per figure, each with ``plot(ds)``.

One is imported when it is first asked for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from asm_sim.lazily import modules_of

# The house style, for figures of one's own: ``plt.style.use(asm.plots.STYLE)``.
STYLE = ("default", str(Path(__file__).with_name("asm.mplstyle")))


def _import_matplotlib() -> None:
    """Import matplotlib whatever backend MPLBACKEND asks for.

    Figures are drawn on canvases of their own and need none; but matplotlib does not even start
    where a notebook of another environment names one that is not installed in this one. A backend
    that there is stays the choice of whoever uses pyplot.
    """
    chosen = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen
    if chosen:
        try:
            matplotlib.rcParams["backend"] = chosen
        except ValueError:
            return


if "matplotlib" not in sys.modules:
    _import_matplotlib()

__all__ = [
    "adjustment_distribution",
    "areas_redrawn",
    "asm_against_mips",
    "chance_band",
    "episodes_needed",
    "inherited_adjustments",
    "mips_pool_cases",
    "misclassification_by_volume",
    "paid_twice",
    "quintile_transitions",
    "same_score",
    "save",
    "savings_levers",
    "savings_steps",
    "scenarios_side_by_side",
    "score_curves_with_mips",
    "score_to_adjustment",
    "sensitivity_indices",
    "standing_still",
    "subsets",
    "tornado",
    "transfer_matrix",
    "variance_shares",
    "who_invests",
]


__getattr__ = modules_of(__name__, __all__)


def __dir__() -> list[str]:
    return sorted([*__all__, "STYLE"])
