"""What the law says: rule sets as data.

This package is also the function :func:`rules`, so that ``asm_sim.rules("asm-2026-final")`` works
beside ``asm_sim.rules.load`` and its other modules.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asm_sim.rules.schema import RuleSet

__all__ = ["rules"]


def rules(name: str | Path = "asm-2026-final", settings: dict[str, Any] | None = None) -> RuleSet:
    """A rule set by its name or from a YAML file (see :func:`asm_sim.rules.load.load_rules`)."""
    from asm_sim.rules.load import load_rules

    return load_rules(name, settings)


class _CallablePackage(ModuleType):
    __call__ = staticmethod(rules)


sys.modules[__name__].__class__ = _CallablePackage
