"""Runs of the small roster by the command that makes them, such as ``asm-sim run aco-overlap``."""

from __future__ import annotations

import shlex
from pathlib import Path

import xarray as xr

from asm_sim.engine.dataset import in_memory
from asm_sim.engine.execute import run_block
from asm_sim.engine.plan import make_plan
from asm_sim.scenario.load import load_scenario
from asm_sim.studies.catalogue import LENS, PANEL
from tests.golden.bits import laid_on_small_roster

DRAWS = 4


class Runs:
    """Runs of the small roster by the command of the catalogue, each made once."""

    def __init__(self, folder: Path) -> None:
        self._laid = laid_on_small_roster(folder)
        self._known: dict[tuple[str, tuple[str, ...]], xr.Dataset] = {}

    def of(self, command: str, keeps: tuple[str, ...] = (PANEL, LENS)) -> xr.Dataset:
        key = command, keeps
        if key not in self._known:
            _, verb, name, *settings = shlex.split(command)
            assert verb == "run"
            chosen = load_scenario(name, [text for text in settings if text != "--set"])
            small = self._laid(dict(chosen.settings), chosen.layers.model_dump())
            panel, lens = (DRAWS - 1 if what in keeps else 0 for what in (PANEL, LENS))
            plan = make_plan(small.with_draws(DRAWS, None), panel=panel, lens=lens)
            blocks = [run_block(plan, block, None) for block in plan.blocks()]
            self._known[key] = in_memory(plan, blocks)
        return self._known[key]
