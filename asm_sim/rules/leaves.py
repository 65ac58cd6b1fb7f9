"""Kinds of leaf that a rule set has beside those of every tree of parameters."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import model_validator

from asm_sim.parameters import Parameter


class Years(Parameter):
    """Performance years, ascending."""

    value: list[int]

    def numbers(self) -> list[float]:
        return [float(year) for year in self.value]

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.value or sorted(set(self.value)) != self.value:
            raise ValueError("the performance years must be given once each, in ascending order")
        return self


class Cap(Parameter):
    """A largest value, such as of an adjustment in risk levels, or ``none``."""

    value: float | Literal["none"] | dict[int, float | Literal["none"]]

    def numbers(self) -> list[float]:
        values = self.value.values() if isinstance(self.value, dict) else [self.value]
        return [value for value in values if not isinstance(value, str)]

    def reading(self, name: str) -> float | Literal["none"]:
        if name == "none":
            return "none"
        try:
            limit = float(name)
        except ValueError as error:
            raise ValueError(f"{name!r} is neither a number nor none") from error
        if not math.isfinite(limit):
            raise ValueError(f"{name!r} is no limit; write none")
        if self.range is not None and not self.range[0] <= limit <= self.range[1]:
            raise ValueError(f"{name} is out of range: {self.range[0]:g} to {self.range[1]:g}")
        return limit

    def at(self, performance_year: int) -> float:
        """The cap of a year; infinity where there is none."""
        value = self.value[performance_year] if isinstance(self.value, dict) else self.value
        return float("inf") if isinstance(value, str) else value
