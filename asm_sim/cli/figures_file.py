"""``figures.yaml``: which figures there are, and which run or sweep each is drawn from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from asm_sim.documents import Place, did_you_mean, read_document
from asm_sim.errors import InputError
from asm_sim.parameters import Strict, check

LIST = "figures.yaml"


class Needed(Strict):
    """What a figure is drawn from: a run, a sweep or the answer of a method of sensitivity.

    And a second run to set against it.
    """

    run: str | None = None
    sweep: str | None = None
    sensitivity: str | None = None
    method: str | None = None
    draws: int | None = Field(None, ge=1)
    set: dict[str, Any] = Field(default_factory=dict)
    without: Needed | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(name is not None for name in (self.run, self.sweep, self.sensitivity)) != 1:
            raise ValueError(
                "give one of 'run', 'sweep' and 'sensitivity': the name of a scenario or of a sweep"
            )
        if (self.method is None) != (self.sensitivity is None):
            raise ValueError("'method' belongs to 'sensitivity', which needs one")
        return self

    @property
    def command(self) -> str:
        kinds = {"run": self.run, "sweep": self.sweep, "sensitivity": self.sensitivity}
        verb, name = next((verb, name) for verb, name in kinds.items() if name is not None)
        words = ["asm-sim", verb, name]
        words += ["--method", self.method] if self.method else []
        words += ["--draws", str(self.draws)] if self.draws else []
        words += [w for path, value in self.set.items() for w in ("--set", f"{path}={value}")]
        return shlex.join(words)

    @property
    def all(self) -> list[Needed]:
        """Itself and what is set against it, in the order in which a figure takes them."""
        return [self, *(self.without.all if self.without else [])]


class FiguresFile(Strict):
    """What ``figures.yaml`` holds: the name of each figure, and what it is drawn from."""

    figures: dict[str, Needed] = Field(min_length=1)


def wanted_of(folder: Path, names: list[str]) -> dict[str, Needed]:
    """The figures asked for, all of them known."""
    from asm_sim import plots

    path = folder / LIST
    if not path.exists():
        raise InputError(f"{path}: there is no such file; --folder names the folder that has it")
    document = read_document(path)
    listed = check(FiguresFile, document, "list of figures").figures
    for name in listed:
        if not hasattr(getattr(plots, name, None), "plot"):
            known = [module for module in plots.__all__ if hasattr(getattr(plots, module), "plot")]
            place = document.place(("figures", name))
            raise InputError(f"{place}: no figure is called {name!r}{did_you_mean(name, known)}")
    for name in names:
        if name not in listed:
            place = Place(str(path))
            raise InputError(
                f"{place}: names no figure {name!r}{did_you_mean(name, list(listed))}; "
                f"it has: {', '.join(listed)}"
            )
    return {name: listed[name] for name in names} if names else dict(listed)
