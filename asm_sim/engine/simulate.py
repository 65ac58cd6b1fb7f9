"""A scenario simulated into memory."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import xarray as xr

from asm_sim.documents import whole_number
from asm_sim.engine.dataset import in_memory
from asm_sim.engine.execute import run_block
from asm_sim.engine.plan import make_plan
from asm_sim.engine.threads import thread_count
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario


def simulate(
    scenario: str | Path | Scenario = "baseline",
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    open_draws: int | None = None,
) -> xr.Dataset:
    """Simulate a scenario and return its results.

    ``scenario`` is a name, a YAML file or a loaded scenario; ``draws`` and ``seed`` override its
    own; ``settings`` sets parameters by dotted path (a mapping, or texts ``path=value``).
    ``open_draws`` is how many of the first draws are made again with everything drawn that nobody
    knows (200; 0 for none): what ranges are taken from, the variables ``open_*``. The
    Dataset has the variables of :mod:`asm_sim.results.registry`, each with dims, units and a long
    name. It is held in memory: about 40 kB a draw, and for the shipped roster a panel of up to
    270 MB for the first 200 draws; use ``asm-sim run`` for many draws.

    Raises :class:`asm_sim.errors.InputError` for a scenario that cannot be used.
    """
    chosen = resolve(scenario, draws, seed, settings)
    plan = make_plan(chosen, open_draws=whole_number("open_draws", open_draws, 0))
    with ThreadPoolExecutor(thread_count()) as pool:
        blocks = [run_block(part, block, pool) for part in plan.parts() for block in part.blocks()]
    return in_memory(plan, blocks)


def resolve(
    scenario: str | Path | Scenario,
    draws: int | None,
    seed: int | None,
    settings: dict[str, Any] | Iterable[str] = (),
) -> Scenario:
    """A scenario with everything that overrides it."""
    pairs = list(settings.items()) if isinstance(settings, dict) else list(settings)
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario, pairs)
    elif pairs:
        raise TypeError("settings go with the name of a scenario; this one is loaded already")
    return scenario.with_draws(draws, seed)
