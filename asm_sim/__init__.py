"""asm_sim: a Monte Carlo policy research toolkit for Medicare's Ambulatory Specialty Model.

    import asm_sim as asm
    ds = asm.simulate("baseline", draws=500, seed=1)

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "InputError": ("asm_sim.errors", "InputError"),
    "RunError": ("asm_sim.errors", "RunError"),
    "Scenario": ("asm_sim.scenario.schema", "Scenario"),
    "cohort_table": ("asm_sim.engine.draw_table", "cohort_table"),
    "compare": ("asm_sim.results.compare", "compare"),
    "explain": ("asm_sim.explain", None),
    "explore": ("asm_sim.explorer.page", "explore"),
    "explorer": ("asm_sim.explorer", None),
    "load_scenario": ("asm_sim.scenario.load", "load_scenario"),
    "load_sweep": ("asm_sim.scenario.sweep", "load_sweep"),
    "open_results": ("asm_sim.results.open", "open_results"),
    "results": ("asm_sim.results", None),
    "reproductions": ("asm_sim.reproductions", None),
    "report": ("asm_sim.reports.report", "report"),
    "rules": ("asm_sim.rules", None),
    "plots": ("asm_sim.plots", None),
    "score": ("asm_sim.score", None),
    "score_against": ("asm_sim.against.tables", "score_against"),
    "sensitivity": ("asm_sim.unknowns.sensitivity", "sensitivity"),
    "simulate": ("asm_sim.engine.simulate", "simulate"),
    "solve": ("asm_sim.solving.solve", "solve"),
    "store": ("asm_sim.store", None),
    "studies": ("asm_sim.studies", None),
    "sweep": ("asm_sim.store.carry_out", "sweep"),
}

__all__ = [
    "InputError",
    "RunError",
    "Scenario",
    "__version__",
    "cohort_table",
    "compare",
    "explain",
    "explore",
    "explorer",
    "load_scenario",
    "load_sweep",
    "open_results",
    "plots",
    "report",
    "reproductions",
    "results",
    "rules",
    "score",
    "score_against",
    "sensitivity",
    "simulate",
    "solve",
    "store",
    "studies",
    "sweep",
]

if TYPE_CHECKING:
    from asm_sim import (
        explain,
        explorer,
        plots,
        reproductions,
        results,
        rules,
        score,
        store,
        studies,
    )  # fmt: skip
    from asm_sim.against.tables import score_against
    from asm_sim.engine.draw_table import cohort_table
    from asm_sim.engine.simulate import simulate
    from asm_sim.errors import InputError, RunError
    from asm_sim.explorer.page import explore
    from asm_sim.reports.report import report
    from asm_sim.results.compare import compare
    from asm_sim.results.open import open_results
    from asm_sim.scenario.load import load_scenario
    from asm_sim.scenario.schema import Scenario
    from asm_sim.scenario.sweep import load_sweep
    from asm_sim.solving.solve import solve
    from asm_sim.store.carry_out import sweep
    from asm_sim.unknowns.sensitivity import sensitivity


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _WHERE[name]
    loaded = importlib.import_module(module)
    return loaded if attribute is None else getattr(loaded, attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
