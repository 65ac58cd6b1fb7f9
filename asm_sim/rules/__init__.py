"""What the law says: rule sets as data.

This package is also the function :func:`rules`, so that ``asm_sim.rules("asm-2026-final")`` works
beside ``asm_sim.rules.load`` and its other modules.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from asm_sim.rules.mips import MipsRules
    from asm_sim.rules.schema import RuleSet

__all__ = ["rules"]


@overload
def rules(name: Literal["mips-2026"], settings: dict[str, Any] | None = None) -> MipsRules: ...


@overload
def rules(
    name: Literal["asm-2026-final"] = "asm-2026-final", settings: dict[str, Any] | None = None
) -> RuleSet: ...


@overload
def rules(name: str | Path, settings: dict[str, Any] | None = None) -> RuleSet | MipsRules: ...


def rules(
    name: str | Path = "asm-2026-final", settings: dict[str, Any] | None = None
) -> RuleSet | MipsRules:
    """A rule set by its name or from a YAML file (see :func:`asm_sim.rules.load.load_rules`).

    ``mips-2026`` is the comparator, MIPS; what extends it is one of MIPS too.
    """
    from asm_sim.rules.load import load_any_rules

    return load_any_rules(name, settings)


class _CallablePackage(ModuleType):
    __call__ = staticmethod(rules)


sys.modules[__name__].__class__ = _CallablePackage
