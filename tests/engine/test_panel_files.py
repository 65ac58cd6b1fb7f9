"""The panel of a block is in files that the results take as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from asm_sim.engine.dataset import in_memory
from asm_sim.engine.execute import run_block
from asm_sim.engine.frame import panel_chunk
from asm_sim.engine.plan import make_plan
from asm_sim.results.open import BLOCKS, RESULTS
from asm_sim.results.registry import PANEL, PANEL_GROUP, PANEL_PRACTICE
from asm_sim.scenario.schema import Scenario
from asm_sim.store.blocks import (
    CorruptBlockError,
    claim,
    missing_jobs,
    read_block,
    remove_block,
    retire_short_blocks,
)
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import Folder, LocalFolder
from asm_sim.store.here import run_here
from asm_sim.store.work import Work, work_of

NAMES = [variable.name for variable in (*PANEL, PANEL_GROUP, PANEL_PRACTICE)]


@pytest.fixture
def work(small_scenario: Scenario) -> Work:
    """Eight draws in blocks of four, five of them kept clinician by clinician."""
    scenario = small_scenario.with_draws(8, None)
    return work_of(scenario, block_draws=4, panel=5, lens=0, open_draws=0)


def begun(work: Work, path: Path) -> Folder:
    """All blocks of a run that was killed before its results were put together."""
    folder = LocalFolder(path)
    claim(folder, work)
    assert len(list(run_here(folder, work, work.jobs()))) == 2
    return folder


def panel_of(path: Path) -> dict[str, bytes]:
    return {
        f"{name}/{file.name}": file.read_bytes()
        for name in NAMES
        for file in sorted((path / RESULTS / name).iterdir())
        if not file.name.startswith(".")
    }


@pytest.fixture
def whole(work: Work, tmp_path: Path) -> dict[str, bytes]:
    """What a run that nothing has stopped holds of its panel."""
    carry_out(LocalFolder(tmp_path / "whole"), work)
    return panel_of(tmp_path / "whole")


@pytest.mark.parametrize(
    ("block_draws", "panel_draws", "chunk"),
    [(100, 200, 25), (100, 7, 7), (10, 200, 10), (60, 200, 20), (7, 200, 7), (100, 0, 0)],
)
def test_a_block_is_whole_chunks(block_draws: int, panel_draws: int, chunk: int) -> None:
    assert panel_chunk(block_draws, panel_draws) == chunk
    assert not chunk or panel_draws == chunk or block_draws % chunk == 0


def test_results_have_what_is_computed_in_memory(
    small_scenario: Scenario, whole: dict[str, bytes], tmp_path: Path
) -> None:
    scenario = small_scenario.with_draws(8, None)
    plan = make_plan(scenario, block_draws=8, panel=5, lens=0, open_draws=0)
    expected = in_memory(plan, [run_block(plan, block) for block in plan.blocks()])
    with xr.open_zarr(tmp_path / "whole" / RESULTS) as ds:
        for name in NAMES:
            assert ds[name].shape[0] == 5
            assert ds[name].dtype == expected[name].dtype
            assert ds[name].values.tobytes() == expected[name].values.tobytes()
    assert {name.partition("/")[2][0] for name in whole} == {"0", "1"}


def refuse(*_: object) -> None:
    raise OSError("no two names for one file")


@pytest.mark.parametrize("links", [True, False])
def test_a_run_goes_on_from_its_blocks(
    work: Work,
    whole: dict[str, bytes],
    tmp_path: Path,
    links: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also on a disk that gives a file one name only."""
    folder = begun(work, tmp_path / "run")
    if not links:
        monkeypatch.setattr("os.link", refuse)
    assert carry_out(folder, work).blocks_run == 0
    assert panel_of(tmp_path / "run") == whole
    assert not (tmp_path / "run" / BLOCKS).exists()


def spoilt(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [spoilt, cut, Path.unlink])
def test_a_block_whose_panel_is_damaged_is_run_again(
    work: Work, whole: dict[str, bytes], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder, second = begun(work, tmp_path / "run"), list(work.jobs())[1]
    name = f"{work.block_name(second).removesuffix('.npz')}/panel_dollars.1"
    damage(tmp_path / "run" / BLOCKS / name)
    assert not missing_jobs(folder, work)
    with pytest.raises(CorruptBlockError, match=r"panel_dollars\.1") as caught:
        read_block(folder, work, second)
    assert caught.value.job == second
    assert list(read_block(folder, work, second, ["adjustment_mean"])) == ["adjustment_mean"]
    report = carry_out(folder, work)
    assert (report.blocks_run, len(report.damaged)) == (1, 1)
    assert panel_of(tmp_path / "run") == whole


def test_a_panel_without_its_block_counts_for_nothing(
    work: Work, whole: dict[str, bytes], tmp_path: Path
) -> None:
    """A process was killed when it had written a part of a panel."""
    folder, first = begun(work, tmp_path / "run"), next(work.jobs())
    name = work.block_name(first)
    folder.remove(f"{BLOCKS}/{name}")
    cut(tmp_path / "run" / BLOCKS / name.removesuffix(".npz") / "panel_dollars.0")
    assert missing_jobs(folder, work) == [first]
    assert carry_out(folder, work).blocks_run == 1
    assert panel_of(tmp_path / "run") == whole


def test_a_block_goes_with_its_panel(work: Work, tmp_path: Path) -> None:
    folder, (first, second) = begun(work, tmp_path / "run"), work.jobs()
    remove_block(folder, work, first)
    below = work.block_name(second).removesuffix("-4.npz")
    assert {name.partition("-4")[0] for name in folder.files_below(BLOCKS)} == {below}
    folder.write(f"{BLOCKS}/{below}-5.npz", b"")  # the longer one that follows it
    retire_short_blocks(folder)
    assert folder.files_below(BLOCKS) == {f"{below}-5.npz"}
