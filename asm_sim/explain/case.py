"""What the steps of one clinician are told of: the row, the peers, the rule and its citations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asm_sim.explain.fitted import Group
from asm_sim.explain.steps import Basis, Line, Step
from asm_sim.parameters import Parameter, leaves
from asm_sim.reference.cohort import Performance
from asm_sim.reference.rows import Clinician
from asm_sim.rules.schema import RuleSet


class Citations:
    """The parameters of a rule set by their paths, with unit, status and source.

    ``cited`` are rule sets as they are written, before anything was set. Where one of them has
    another value with the same source, the source speaks of that value.
    """

    def __init__(self, rules: RuleSet, cited: Sequence[RuleSet]) -> None:
        self._leaves = dict(leaves(rules))
        self._cited = [dict(leaves(one)) for one in cited]

    def basis(self, path: str, year: int) -> Basis:
        leaf = self._leaves[path]
        value = _value(leaf, year)
        cited = None
        for written in self._cited:
            original = written.get(path)
            if original is not None and original.source == leaf.source:
                before = _value(original, year)
                cited = before if before != value else cited
        return Basis(f"rules.{path}", value, leaf.unit, leaf.status, leaf.source, cited)


def _value(leaf: Parameter, year: int) -> Any:
    value: Any = leaf.value  # type: ignore[attr-defined]
    return value.get(year) if isinstance(value, dict) else value


@dataclass(frozen=True)
class Case:
    """One clinician in one group of peers and performance year.

    ``clinician`` is as scored: with the practice's results where practices are scored.
    ``achieved`` and ``adjustments`` are empty where final scores are given; ``own`` is the final
    score of the year by itself, ``scored`` the output columns.
    """

    clinician: Clinician
    group: Group
    rules: RuleSet
    citations: Citations
    achieved: Performance | None
    adjustments: Mapping[str, float]
    own: float | None
    scored: Mapping[str, Any]

    @property
    def year(self) -> int:
        return self.group.performance_year


@dataclass
class Telling:
    """A step that is being put together."""

    case: Case
    name: str
    title: str
    _lines: list[Line] = field(default_factory=list)
    _numbers: dict[str, Any] = field(default_factory=dict)
    _paths: dict[str, None] = field(default_factory=dict)

    def say(self, label: str, text: str, *paths: str, **numbers: Any) -> None:
        """Add a line, the parameters that it rests on and the numbers that it tells."""
        self._lines.append(Line(label, text))
        self.rest_on(*paths, **numbers)

    def rest_on(self, *paths: str, **numbers: Any) -> None:
        self._paths.update(dict.fromkeys(paths))
        self._numbers.update(numbers)

    def ends(self, result: str) -> Step:
        basis = self.case.citations.basis
        return Step(
            self.name,
            self.title,
            result,
            tuple(self._lines),
            self._numbers,
            tuple(basis(path, self.case.year) for path in self._paths),
        )
