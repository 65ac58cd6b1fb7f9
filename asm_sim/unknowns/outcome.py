"""What is looked at: a number per draw, cohort and performance year of the registry."""

from __future__ import annotations

import re
from dataclasses import dataclass

import xarray as xr

from asm_sim.documents import did_you_mean, quoted
from asm_sim.engine.frame import QUANTILES, SCORES
from asm_sim.errors import InputError
from asm_sim.results.registry import DRAW_LEVEL, VARIABLES, YEARLY, YEARLY_DIMS

USUAL = "share_negative"
_WRITTEN = re.compile(r"\s*(\w+)\s*(?:\(\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*\))?\s*")
# Those along one more dim, of which one place is named; the places there are, and one of them.
_PLACED = {v.name: v.dims[-1] for v in DRAW_LEVEL if v.dims[:-1] == YEARLY_DIMS}
_PLACES = {"quantile": QUANTILES, "score": SCORES}
_EXAMPLES = {"quantile": "0.05", "score": "60"}


@dataclass(frozen=True)
class Outcome:
    """A variable; of one with a further dim (``score``, ``quantile``) its value at one place."""

    variable: str
    place: float | None = None

    @property
    def name(self) -> str:
        return self.variable if self.place is None else f"{self.variable}({self.place:g})"

    @property
    def units(self) -> str:
        return VARIABLES[self.variable].units

    @property
    def words(self) -> str:
        words = VARIABLES[self.variable].long_name
        return words if self.place is None else f"{words} ({_PLACED[self.variable]} {self.place:g})"

    def of(self, ds: xr.Dataset, year: int) -> xr.DataArray:
        """Its values in a performance year."""
        values = ds[self.variable].sel(performance_year=year, drop=True)
        if self.place is None:
            return values
        return values.sel({_PLACED[self.variable]: self.place}, method="nearest", drop=True)


def parse_outcome(text: str) -> Outcome:
    """``share_negative``, ``adjustment_at_score(60)``; :class:`InputError` for no such outcome."""
    match = _WRITTEN.fullmatch(text)
    name, inside = (match[1], match[2]) if match else (text, None)
    known = [*(variable.name for variable in YEARLY), *_PLACED]
    if name not in known:
        raise InputError(
            f"outcome {quoted(text)}: no number by draw, cohort and performance year is called so"
            f"{did_you_mean(name, known)}; there are: {', '.join(known)}"
        )
    if (name in _PLACED) != (inside is not None):
        example = f"{name}({_EXAMPLES[_PLACED[name]]})" if name in _PLACED else name
        raise InputError(f"outcome {quoted(text)}: write {example}")
    if inside is None:
        return Outcome(name)
    dim = _PLACED[name]
    if float(inside) not in _PLACES[dim]:
        listed = ", ".join(f"{place:g}" for place in _PLACES[dim])
        raise InputError(f"outcome {quoted(text)}: {dim} is one of {listed}")
    return Outcome(name, float(inside))
