"""Whether two runs are a pair: alike in all but what is compared, so that draws differ by it alone.

Random numbers are addressed by seed and draw. Draw d of one run has the clinicians and the luck of
draw d of another as far as both are of one seed, roster and layers, and the same parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from asm_sim.documents import compact
from asm_sim.errors import InputError, printable
from asm_sim.results.describe import layers_of, parameters_of
from asm_sim.results.registry import SEED
from asm_sim.results.scenarios import DRAW, NAMES_SHOWN, seeds_of

LAYERS, ROSTER = "layers", "roster_hash"
_OF_PARAMETERS = ("rules_hash", "population_hash", "mips_hash")
_MISSING = object()


def paired(
    run: xr.Dataset, reference: xr.Dataset, but: tuple[str, ...], wanted: str
) -> tuple[xr.Dataset, xr.Dataset]:
    """Both runs of one scenario each on the draws that both have (:func:`on_shared_draws`).

    ``but`` are the beginnings of what may differ: paths of parameters, and of layers below
    ``layers``. ``wanted`` names runs that are a pair. Raises :class:`InputError` where the runs
    share no draws, or differ in anything else that they say: layers, contents of the roster,
    parameters (or hashes of them, where a run says no parameters).
    """
    both = on_shared_draws(run, reference)
    one, other = _facts(run), _facts(reference)
    differ = [
        _in_words(path, one.get(path, _MISSING), other.get(path, _MISSING))
        for path in sorted(one.keys() | other.keys())
        if not path.startswith(but) and one.get(path, _MISSING) != other.get(path, _MISSING)
    ]
    if differ:
        more = f" and {len(differ) - NAMES_SHOWN:,} more" if len(differ) > NAMES_SHOWN else ""
        raise InputError(
            f"the runs differ in {', '.join(differ[:NAMES_SHOWN])}{more}, so that their draws are "
            f"no pairs; make two that are alike in all but {' and '.join(but)}: {wanted}"
        )
    return both


def on_shared_draws(ds: xr.Dataset, reference: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Both runs on the draws that both have: of the same seed and number, in the same order.

    Raises :class:`InputError` where there are none, or where a run has the same draw twice.
    """
    seeds = [seeds_of(run) for run in (ds, reference)]
    if not set(seeds[0]) & set(seeds[1]) and seeds[0] != seeds[1]:
        raise InputError(
            "the runs differ in seed, and runs of different seeds "
            f"({' and '.join(', '.join(some) for some in seeds)}) share no random numbers; run "
            "both with the same --seed"
        )
    draws = [_draws(run) for run in (ds, reference)]
    if not all(index.is_unique for index in draws):
        raise InputError("a run holds the same draw of the same seed twice; draws are no pairs")
    shared = draws[0].intersection(draws[1]).sort_values()
    if not shared.size:
        raise InputError("the two runs share no draw")
    first, second = (index.get_indexer(shared) for index in draws)
    return ds.isel(draw=first), reference.isel(draw=second)


def _draws(run: xr.Dataset) -> pd.MultiIndex:
    """The seed and the number of each draw."""
    numbers = run[DRAW].values
    known = run[SEED].values if SEED in run.coords else seeds_of(run) or [""]
    return pd.MultiIndex.from_arrays([np.broadcast_to(known, numbers.shape).astype(str), numbers])


def _facts(run: xr.Dataset) -> dict[str, Any]:
    """What decides the draws of a run beside its seed, by path, as far as the run says it."""
    attrs = run.attrs
    layers = {f"{LAYERS}.{name}": state for name, state in layers_of(run).items()}
    hashes = {name: attrs[name] for name in _OF_PARAMETERS if name in attrs}
    roster = {ROSTER: attrs[ROSTER]} if ROSTER in attrs else {}
    return layers | roster | (parameters_of(run) or hashes)


def _in_words(path: str, *values: Any) -> str:
    if path == ROSTER:
        return f"{path} (what their rosters hold)"
    written = ["not said" if v is _MISSING else printable(compact(v), 60) for v in values]
    return f"{path} ({' and '.join(written)})"
