"""What holds on a busy machine too: opening reads nothing, memory is flat."""

from __future__ import annotations

from pathlib import Path

import pytest

from asm_sim.engine.warm_up import compile_kernels
from asm_sim.scenario.sweep import load_sweep
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import open_folder
from asm_sim.store.work import work_of
from tests.bench.sweeps import MEMORY_GROWTH, open_anew, peak_of_sweep
from tests.conftest import MakeSweep


def steepness(count: int) -> str:
    """So many values; the sweep has twice as many scenarios."""
    return str([round(0.1 + 0.01 * i, 2) for i in range(count)])


def test_opening_reads_nothing(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file(steepness(15), draws=1)
    carry_out(open_folder(tmp_path / "store"), work_of(load_sweep(path)))
    opened = open_anew(tmp_path / "store")
    assert opened.scenarios == 30
    assert not opened.loaded
    assert opened.opening < 2


@pytest.mark.stress
def test_memory_grows_neither_with_draws_nor_with_scenarios(
    sweep_file: MakeSweep, tmp_path: Path
) -> None:
    compile_kernels(work_of(load_sweep(sweep_file())).plan(0))  # takes memory of its own
    peaks = {}
    for values, draws in ((1, 300), (1, 1500), (5, 300)):  # a block of 100 draws has 2.6 MB
        path = sweep_file(steepness(values), draws=draws)
        peaks[2 * values, draws] = peak_of_sweep(path, tmp_path / f"{values}-{draws}")
    assert max(peaks.values()) <= MEMORY_GROWTH * min(peaks.values()), peaks
