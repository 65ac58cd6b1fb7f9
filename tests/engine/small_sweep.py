"""The small sweep of tests/conftest.py: its work, a run of it in one process, what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asm_sim.scenario.sweep import load_sweep
from asm_sim.store.carry_out import Report, carry_out
from asm_sim.store.files import LocalFolder
from asm_sim.store.work import Work, work_of
from tests.conftest import MakeSweep, sweep_file

BLOCK = 5
STEEPNESS, SHARE = "rules.payment.exchange.steepness", "rules.payment.redistribution_share"


def work(path: Path, draws: int | None = None, seed: int | None = None, **given: Any) -> Work:
    """The work of a sweep file, with other draws or another seed where they are given."""
    return work_of(load_sweep(path).with_draws(draws, seed), block_draws=BLOCK, **given)


def run(path: Path, folder: Path, draws: int | None = None, **given: Any) -> Report:
    """The sweep carried out in one process, its store in ``folder``."""
    return carry_out(LocalFolder(folder), work(path, draws), **given)


def contents(folder: Path, below: str = "results.zarr") -> dict[str, bytes]:
    """Every file below a part of the store, by its path there."""
    root = folder / below
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def sweep_maker(folder: Path) -> MakeSweep:
    """What the fixture ``sweep_file`` gives, in a folder that outlives a test."""
    return sweep_file.__wrapped__(folder)  # type: ignore[attr-defined, no-any-return]
