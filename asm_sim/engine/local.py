"""Running a scenario on this machine: into memory, or into a folder that survives a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import xarray as xr

from asm_sim.engine import store
from asm_sim.engine.dataset import in_memory
from asm_sim.engine.execute import run_blocks
from asm_sim.engine.plan import Plan, make_plan
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario

Progress = Callable[[int, int], None]  # draws done, draws in all


def simulate(
    scenario: str | Path | Scenario = "baseline",
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
) -> xr.Dataset:
    """Simulate a scenario and return its results.

    ``scenario`` is a name, a YAML file or a loaded scenario; ``draws`` and ``seed`` override its
    own; ``settings`` sets parameters by dotted path (a mapping, or texts ``path=value``). The
    Dataset has the variables of :mod:`asm_sim.results.registry`, each with dims, units and a long
    name. It is held in memory, about 50 kB a draw and a panel of up to 600 MB for the first 200
    draws of the shipped roster; use ``asm-sim run`` for many draws.

    Raises :class:`asm_sim.errors.InputError` for a scenario that cannot be used.
    """
    plan = make_plan(resolve(scenario, draws, seed, settings))
    return in_memory(plan, [arrays for _, arrays in run_blocks(plan, plan.blocks())])


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


def run_to_folder(
    plan: Plan, folder: Path, overwrite: bool = False, progress: Progress | None = None
) -> Path:
    """Run a plan into ``folder`` and return the path of its Zarr store.

    Finished blocks survive a kill: the same plan in the same folder goes on where it stopped, and
    a finished run of the same plan stays as it is.
    """
    store.prepare(folder, plan, overwrite)
    finished = folder / store.RESULTS
    if finished.is_dir():  # it appears only whole, and of the plan that the folder is marked with
        if progress:
            progress(plan.scenario.draws, plan.scenario.draws)
        return finished
    missing = store.missing_blocks(folder, plan)
    total = plan.scenario.draws
    done = total - sum(block.draws for block in missing)
    if progress:
        progress(done, total)
    fingerprint = plan.fingerprint()
    for block, arrays in run_blocks(plan, missing):
        store.write_block(folder, fingerprint, block, arrays)
        done += block.draws
        if progress:
            progress(done, total)
    return store.consolidate(folder, plan)
