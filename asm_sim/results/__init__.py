"""What came out of runs and sweeps: opening them, estimates with errors, and how these are told.

What a notebook needs is here by one name: ``asm.results.written(ds, "share_negative", "percent")``.
"""

from importlib import import_module
from typing import Any

_WHERE = {
    "LAYER_WORDS": "sensitivity",
    "by_axis": "scenarios",
    "cohort_title": "describe",
    "comparison_table": "compare",
    "effects_table": "summary",
    "estimate": "statistics",
    "latest_run": "open",
    "leading": "sensitivity",
    "million_usd": "statistics",
    "millions": "statistics",
    "open_results": "open",
    "paired_difference": "statistics",
    "percent": "statistics",
    "percentage_points": "statistics",
    "round_to_error": "statistics",
    "scenario_of": "scenarios",
    "sentences": "in_words",
    "summary_table": "summary",
    "sweep_table": "sweep_summary",
    "unit_of": "sensitivity",
    "with_error": "statistics",
    "written": "statistics",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    # The functions alone: a module of one of these names is found where modules are.
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
