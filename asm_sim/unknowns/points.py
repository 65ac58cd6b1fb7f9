"""The points at which a scenario is run: what each sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.documents import compact
from asm_sim.errors import InputError
from asm_sim.memory import check_memory
from asm_sim.scenario.schema import Design, Span
from asm_sim.scenario.sweep import LARGEST_SWEEP
from asm_sim.unknowns.axes import Axis, Settings, settled

CENTRAL = "central"
_FAR = 2**30  # further than any draw
_MEASURED, _WHO = {"measurement": _FAR}, {"population": _FAR, "selection": _FAR}
# Four sets of draws, in each of which one layer more is drawn anew: what is added to its indices.
SETS: dict[str, dict[str, int]] = {
    "as drawn": {},
    "new measurement": _MEASURED,
    "new population too": _MEASURED | _WHO,
    "new parameters too": _MEASURED | _WHO | {"parameters": _FAR},
}
LEVELS = 8  # of Morris's grid of quantiles
_BYTES_OF_A_POINT, _BYTES_OF_A_VALUE = 30_000, 1_000  # of a scenario that is held ready, about
Floats = NDArray[np.float64]


class Alternative(NamedTuple):
    """One unknown at another than its central value."""

    path: str
    end: str  # low, high, or the reading
    value: Any


@dataclass(frozen=True)
class Points:
    """Settings by the name of each point, and where the points stand in their design."""

    axes: tuple[Axis, ...]
    settings: dict[str, Settings] = field(repr=False)
    alternatives: tuple[Alternative, ...] = ()
    quantiles: Floats | None = None  # [row, step, axis]
    shifts: tuple[dict[str, int], ...] = ()  # of each point's layers


def one_at_a_time(axes: Sequence[Axis]) -> Points:
    """The central point, and each axis at each of its alternatives, the others central."""
    found = [Alternative(axis.path, *other) for axis in axes for other in axis.alternatives()]
    settings = {CENTRAL: Settings()}
    for path, _, value in found:
        settings[f"{path}={compact(value)}"] = settled(axes, {path: value})
    return Points(tuple(axes), settings, tuple(found))


def paired_sets(axes: Sequence[Axis]) -> Points:
    """The four sets of draws, with nothing set in any."""
    nothing = {name: Settings() for name in SETS}
    return Points(tuple(axes), nothing, shifts=tuple(SETS.values()))


def check_size(method: str, rows: int, inputs: int) -> None:
    """:class:`InputError` where a design has more points than may be, or than memory holds."""
    count = rows * (inputs + (2 if method == "sobol" else 1))
    if count > LARGEST_SWEEP:
        raise InputError(
            f"{rows:,} rows of {inputs} unknowns are {count:,} runs; at most {LARGEST_SWEEP:,}: "
            "give fewer (--rows)"
        )
    needed = count * (_BYTES_OF_A_POINT + inputs * _BYTES_OF_A_VALUE)
    check_memory(needed, f"{count:,} runs over {inputs} unknowns", "give fewer rows (--rows)")


def sampled(axes: Sequence[Axis], method: str, rows: int, seed: int) -> Points:
    """Points that SALib spreads over the quantiles of all axes: rows of ``morris`` are
    trajectories, of ``sobol`` pairs of samples with each input of the one in the other.

    :class:`InputError` as :func:`check_size`.
    """
    design = Design.model_validate(
        {"method": method, "n": rows, "seed": seed, "over": {axis.path: Span() for axis in axes}}
        | ({"levels": LEVELS} if method == "morris" else {})
    )
    check_size(method, rows, len(axes))
    count, inputs = design.count(), len(axes)
    names = [axis.path for axis in axes]
    unit: Any = {"num_vars": inputs, "names": names, "bounds": [[0.0, 1.0]] * inputs}
    drawn = np.array(design.sample(unit))
    width = max(4, len(str(count - 1)))
    settings = {
        f"{number:0{width}d}": settled(
            axes, {axis.path: axis.at(float(u)) for axis, u in zip(axes, row, strict=True)}
        )
        for number, row in enumerate(drawn)
    }
    return Points(tuple(axes), settings, (), drawn.reshape(rows, -1, inputs))
