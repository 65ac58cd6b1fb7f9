"""The folder of a run: never touched, replaced when asked, and its files whole or absent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from asm_sim.engine import plan as plan_module
from asm_sim.engine import store
from asm_sim.engine.execute import run_blocks
from asm_sim.engine.local import run_to_folder
from asm_sim.engine.plan import Plan, make_plan
from asm_sim.errors import InputError
from asm_sim.scenario.schema import Scenario


@pytest.fixture
def plan(small_scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Four draws in blocks of two."""
    monkeypatch.setattr(plan_module, "BLOCK_DRAWS", 2)
    return make_plan(small_scenario.with_draws(4, None))


@pytest.fixture
def other_plan(small_scenario: Scenario, plan: Plan) -> Plan:
    assert plan.blocks()
    return make_plan(small_scenario.with_draws(4, 99))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_anything_else_is_never_touched(
    plan: Plan, tmp_path: Path, overwrite: bool
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "000000-2.npz").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="not empty and holds no run") as caught:
        store.prepare(tmp_path, plan, overwrite)
    assert str(tmp_path) in str(caught.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("mark", ["", "{", "[]", '{"format": "something else"}', "\xff"])
def test_a_mark_that_is_not_ours_is_no_run(plan: Plan, tmp_path: Path, mark: str) -> None:
    (tmp_path / store.MARK).write_bytes(mark.encode("latin-1"))
    with pytest.raises(InputError, match="holds no run"):
        store.prepare(tmp_path, plan, overwrite=True)
    assert (tmp_path / store.MARK).read_bytes() == mark.encode("latin-1")


def test_a_run_of_another_plan_is_replaced_only_when_asked(
    plan: Plan, other_plan: Plan, tmp_path: Path
) -> None:
    run_to_folder(plan, tmp_path)
    (tmp_path / "notes.txt").write_text("beside the run")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="--overwrite"):
        store.prepare(tmp_path, other_plan, overwrite=False)
    assert contents(tmp_path) == before
    with xr.open_zarr(run_to_folder(other_plan, tmp_path, overwrite=True)) as dataset:
        assert dataset.attrs["seed"] == "99"
    assert (tmp_path / "notes.txt").read_text() == "beside the run"


def test_more_draws_are_another_plan(small_scenario: Scenario, plan: Plan, tmp_path: Path) -> None:
    store.prepare(tmp_path, plan, overwrite=False)
    with pytest.raises(InputError, match="another run"):
        store.prepare(tmp_path, make_plan(small_scenario.with_draws(6, None)), overwrite=False)


def test_a_file_is_no_folder(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("mine")
    with pytest.raises(InputError, match="this is a file"):
        store.prepare(file, plan, overwrite=True)
    assert file.read_text() == "mine"


def test_an_empty_or_missing_folder_will_do(plan: Plan, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "a" / "b"):
        store.prepare(folder, plan, overwrite=False)
        mark = json.loads((folder / store.MARK).read_text())
        assert mark["plan"] == plan.fingerprint()
        assert store.missing_blocks(folder, plan) == plan.blocks()


def test_the_same_plan_goes_on(plan: Plan, tmp_path: Path) -> None:
    store.prepare(tmp_path, plan, overwrite=False)
    block, arrays = next(iter(run_blocks(plan, plan.blocks())))
    store.write_block(tmp_path, plan.fingerprint(), block, arrays)
    store.prepare(tmp_path, plan, overwrite=False)
    assert store.missing_blocks(tmp_path, plan) == plan.blocks()[1:]


def test_a_finished_run_can_be_run_again(plan: Plan, tmp_path: Path) -> None:
    with xr.open_zarr(run_to_folder(plan, tmp_path)) as dataset:
        first = dataset.load()
    with xr.open_zarr(run_to_folder(plan, tmp_path)) as dataset:
        xr.testing.assert_identical(dataset.load(), first)
    assert not (tmp_path / store.BLOCKS).exists()
    assert {path.name for path in tmp_path.iterdir()} == {store.MARK, store.RESULTS}


def write(path: Path, content: bytes) -> None:
    with store.appearing_whole(path) as file:
        file.write(content)


def test_writing_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure leaves the old file as it was, and no other."""
    path = tmp_path / "block"
    write(path, b"first")

    def fail(_: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="no space"):
            write(path, b"second")
    assert contents(tmp_path) == {"block": b"first"}
    write(path, b"second")
    assert contents(tmp_path) == {"block": b"second"}


def test_a_block_is_read_as_it_was_written(plan: Plan, tmp_path: Path) -> None:
    store.prepare(tmp_path, plan, overwrite=False)
    block, arrays = next(iter(run_blocks(plan, plan.blocks())))
    store.write_block(tmp_path, plan.fingerprint(), block, arrays)
    again = store.read_block(tmp_path, plan.fingerprint(), block)
    assert again.keys() == arrays.keys()
    for name, values in arrays.items():
        assert again[name].dtype == values.dtype
        assert again[name].tobytes() == values.tobytes()


def test_a_block_that_is_not_what_it_should_be_is_refused(plan: Plan, tmp_path: Path) -> None:
    """Absent, cut, flipped in any of its bytes, of another run, or under another number."""
    store.prepare(tmp_path, plan, overwrite=False)
    first, second = plan.blocks()
    _, arrays = next(iter(run_blocks(plan, [first])))
    arrays = {name: arrays[name] for name in ("adjustment_mean", "scaling_factor")}
    mark = plan.fingerprint()
    store.write_block(tmp_path, mark, first, arrays)
    path = store.block_path(tmp_path, first)
    whole = path.read_bytes()

    def refused(why: str = "not a|checksum") -> None:
        with pytest.raises(store.CorruptBlockError, match=why):
            store.read_block(tmp_path, mark, first)

    with pytest.raises(store.CorruptBlockError, match="belongs to another run"):
        store.read_block(tmp_path, "0" * 64, first)
    path.rename(store.block_path(tmp_path, second))
    refused("not a readable block")
    with pytest.raises(store.CorruptBlockError, match="belongs to another run"):
        store.read_block(tmp_path, mark, second)
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused()
    harmless = 0
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at % 8)
        path.write_bytes(bytes(flipped))
        try:  # a time stamp of the archive may differ, the numbers may not
            again = store.read_block(tmp_path, mark, first)
        except store.CorruptBlockError:
            continue
        harmless += 1
        for name, values in arrays.items():
            np.testing.assert_array_equal(again[name], values)
    assert harmless < len(whole) / 4
    path.write_bytes(whole)
    assert store.read_block(tmp_path, mark, first).keys() == arrays.keys()


def test_leftovers_of_a_killed_process_do_no_harm(plan: Plan, tmp_path: Path) -> None:
    """Half a temporary file, half a consolidated store."""
    store.prepare(tmp_path, plan, overwrite=False)
    (tmp_path / "blocks" / ".000000-2.npz.4711").write_bytes(b"half")
    partial = tmp_path / f".{store.RESULTS}.partial"
    partial.mkdir()
    (partial / "junk").write_text("half")
    with xr.open_zarr(run_to_folder(plan, tmp_path)) as dataset:
        assert dataset.sizes["draw"] == 4
        assert np.isfinite(dataset.adjustment_mean).all()
    assert not partial.exists()
