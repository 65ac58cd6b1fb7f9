"""Several processes on one store, and processes that stop at the worst moment."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim import durable
from asm_sim.errors import InputError, RunError
from asm_sim.results.open import RESULTS
from asm_sim.store import blocks as store
from asm_sim.store.arrays import Array
from asm_sim.store.carry_out import Mode, carry_out
from asm_sim.store.consolidate import consolidate, is_consolidated
from asm_sim.store.files import LocalFolder, ObjectFolder, open_folder
from asm_sim.store.here import run_here
from asm_sim.store.until import parse_limit
from tests.conftest import MakeSweep
from tests.engine.small_sweep import BLOCK, STEEPNESS, contents, run, work


def at_once(number: int, task: Callable[[], Any]) -> list[Any]:
    """Results of a task in so many threads that start together; the first error is raised."""
    barrier = threading.Barrier(number)

    def start() -> Any:
        barrier.wait()
        return task()

    with ThreadPoolExecutor(number) as pool:
        return [future.result() for future in [pool.submit(start) for _ in range(number)]]


def stop_here() -> None:
    raise KeyboardInterrupt


def test_many_begin_a_new_store_together(sweep_file: MakeSweep, tmp_path: Path) -> None:
    """As the tasks of a job array do: none takes another's mark for a stranger's file."""
    some = work(sweep_file())
    for attempt in range(25):
        folder = LocalFolder(tmp_path / f"store {attempt}")

        def begin(folder: LocalFolder = folder) -> None:
            store.claim(folder, some, store.check(folder, some))

        at_once(8, begin)
        assert store.read_mark(folder) == some.mark()


def test_a_kill_at_the_first_mark_leaves_a_folder_that_will_do(
    sweep_file: MakeSweep, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / f".asm-sim.{'0' * 32}").write_text("{")
    assert store.check(LocalFolder(tmp_path / "store"), work(sweep_file())) is None
    (tmp_path / "store" / ".hidden").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        store.check(LocalFolder(tmp_path / "store"), work(sweep_file()))


def test_results_put_together_twice_at_once(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path, folder = sweep_file(draws=5), LocalFolder(tmp_path / "store")
    run(path, tmp_path / "store")
    before, some = contents(tmp_path / "store"), work(path, draws=5)
    for _ in range(3):
        at_once(4, lambda: consolidate(folder, some))
        assert contents(tmp_path / "store") == before
    assert not list((tmp_path / "store").glob(".*"))


def test_a_large_chunk_is_compressed_to_the_same_bytes_each_time() -> None:
    """Where Blosc has threads of its own, what they make comes in any order."""
    chunk = np.random.default_rng(1).random(1_000_000)
    written: dict[str, bytes] = {}
    about: dict[str, Any] = {}
    for name in map(str, range(6)):
        store: Any = SimpleNamespace(put=written.__setitem__)
        Array(store, name, chunk.shape, chunk.shape, chunk.dtype, about).put((0,), chunk)
    assert len({written[f"{name}/0"] for name in map(str, range(6))}) == 1


@pytest.mark.parametrize("moment", ["before the exchange", "while the old is removed"])
def test_a_stop_while_results_take_their_place(
    moment: str, sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are the old results, or the new; never half of either."""
    path, folder = sweep_file(draws=5), LocalFolder(tmp_path / "store")
    run(path, tmp_path / "store")
    old = contents(tmp_path / "store")
    remove = shutil.rmtree

    def stop(target: Any, **given: Any) -> None:
        if moment == "while the old is removed" and (Path(target) / ".zmetadata").exists():
            (Path(target) / "adjustment_mean" / ".zarray").unlink()
            raise KeyboardInterrupt
        remove(target, **given)

    with monkeypatch.context() as patched:
        patched.setattr(durable.shutil, "rmtree", stop)
        if moment == "before the exchange":
            patched.setattr(durable, "_exchange", lambda *_: stop_here())
        with pytest.raises(KeyboardInterrupt):
            run(path, tmp_path / "store", draws=9)
    longer = moment == "while the old is removed"
    some = work(path, draws=9 if longer else 5)
    assert is_consolidated(folder, some)
    if not longer:
        assert contents(tmp_path / "store") == old
    run(path, tmp_path / "store", draws=9)
    run(path, tmp_path / "at once", draws=9)
    assert contents(tmp_path / "store") == contents(tmp_path / "at once")


def test_half_written_results_of_an_object_store_are_not_results(
    sweep_file: MakeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = sweep_file(draws=5), "memory://half-written"
    folder = open_folder(url)
    carry_out(folder, work(path))
    below = ObjectFolder.files_below

    def stop(self: ObjectFolder, name: str) -> set[str]:
        if name == RESULTS:  # all but the metadata that complete them are written
            raise KeyboardInterrupt
        return below(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(ObjectFolder, "files_below", stop)
        with pytest.raises(KeyboardInterrupt):
            carry_out(folder, work(path, draws=9))
    assert not is_consolidated(folder, work(path))
    assert not is_consolidated(folder, work(path, draws=9))
    with pytest.raises(InputError, match="not finished"):
        asm.open_results(url)
    assert carry_out(folder, work(path)).draws == 9
    assert np.isfinite(asm.open_results(url, verify=True).adjustment_mean).all()


def test_two_writers_of_other_results_in_one_object_store(
    sweep_file: MakeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that began first gives up; it does not declare the other's half complete."""
    path, folder = sweep_file(draws=5), open_folder("memory://two-writers")
    carry_out(folder, work(path))
    read = ObjectFolder.read

    def overtaken(self: ObjectFolder, name: str) -> bytes:
        return b"somebody else" if name.endswith(".writer") else read(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(ObjectFolder, "read", overtaken)
        with pytest.raises(RunError, match="another process"):
            consolidate(folder, work(path))
    assert not is_consolidated(folder, work(path))
    assert carry_out(folder, work(path)).finished


@pytest.mark.parametrize("moment", ["begins", "is about to end"])
def test_two_writers_of_the_same_results_in_one_object_store(
    moment: str, sweep_file: MakeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one that does all its work while the first is at it takes nothing from it."""
    path, url = sweep_file(draws=5), f"memory://same-results-{moment.split()[0]}"
    folder, some = open_folder(url), work(path)
    carry_out(folder, work(path, draws=3))  # other results are there before
    list(run_here(folder, some, store.missing_jobs(folder, some)))
    replacing, seen = ObjectFolder.replacing, []

    @contextmanager
    def together(self: ObjectFolder, name: str, stamp: str) -> Iterator[Any]:
        with replacing(self, name, stamp) as target:
            if not seen and moment == "begins":
                seen.append(consolidate_alone())
            yield target
            if not seen and moment == "is about to end":
                seen.append(consolidate_alone())

    def consolidate_alone() -> xr.Dataset:
        with monkeypatch.context() as patched:
            patched.setattr(ObjectFolder, "replacing", replacing)
            consolidate(open_folder(url), some)
        return asm.open_results(url, verify=True).load()

    monkeypatch.setattr(ObjectFolder, "replacing", together)
    consolidate(folder, some)
    xr.testing.assert_identical(asm.open_results(url, verify=True).load(), seen[0])
    assert seen[0].sizes["draw"] == 5
    assert is_consolidated(folder, some)


def test_damaged_results_are_put_together_again(sweep_file: MakeSweep, tmp_path: Path) -> None:
    """By resuming where a file is missing or cut; by verifying whatever the damage is."""
    path, results = sweep_file(draws=5), tmp_path / "store" / RESULTS
    run(path, tmp_path / "store")
    before = contents(tmp_path / "store")
    chunk = results / "adjustment_mean" / "0.0.0.0"
    damage: dict[str, Callable[[], object]] = {
        "missing": lambda: shutil.rmtree(results / "adjustment_mean"),
        "cut": lambda: chunk.write_bytes(chunk.read_bytes()[:-1]),
        "without metadata": lambda: (results / ".zmetadata").unlink(),
        "half of the metadata": lambda: (results / ".zmetadata").write_bytes(b'{"metadata": {'),
    }
    for spoil in damage.values():
        for mode in (Mode.GO_ON, Mode.VERIFY):
            spoil()
            assert not is_consolidated(LocalFolder(tmp_path / "store"), work(path, draws=5))
            assert run(path, tmp_path / "store", mode=mode).blocks_run == 0
            assert contents(tmp_path / "store") == before
    chunk.write_bytes(chunk.read_bytes()[::-1])
    with pytest.raises(InputError, match=r"adjustment_mean/0.0.0.0: holds something else"):
        asm.open_results(tmp_path / "store", verify=True)
    run(path, tmp_path / "store", mode=Mode.VERIFY)
    assert contents(tmp_path / "store") == before


def test_what_the_file_says_of_itself_is_kept_up_to_date(
    sweep_file: MakeSweep, tmp_path: Path
) -> None:
    path = sweep_file(draws=5)
    run(path, tmp_path / "store")
    path.write_text(
        path.read_text().replace("redistribution_share: 0.85}", "redistribution_share: 1.0}")
    )
    assert run(path, tmp_path / "store").blocks_run == 0
    said = asm.open_results(tmp_path / "store").attrs["compare_to"]
    assert said == "steepness=0.1, redistribution_share=1.0"


def test_overwrite_starts_anew(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file(draws=5)
    run(path, tmp_path / "store")
    assert run(path, tmp_path / "store", mode=Mode.ANEW).blocks_run == 4
    assert run(path, tmp_path / "store", draws=3, mode=Mode.ANEW).draws == 3


def test_verify_runs_nothing_that_is_missing(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file(draws=60)
    with pytest.raises(InputError, match="no block of this sweep to verify"):
        run(path, tmp_path / "store", mode=Mode.VERIFY)
    stopped = run(path, tmp_path / "store", limits=[parse_limit("share_negative<0.03")])
    assert stopped.draws < 60
    report = run(path, tmp_path / "store", mode=Mode.VERIFY)
    assert report.blocks_run == 0
    assert report.finished
    assert report.blocks_left == 4 * (60 - stopped.draws) // BLOCK
    assert asm.open_results(tmp_path / "store").sizes["draw"] == stopped.draws


def test_until_needs_room_for_a_round_only(
    sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, limits = sweep_file(draws=10_000), [parse_limit("share_negative<0.03")]
    monkeypatch.setattr(LocalFolder, "free_bytes", lambda _: 200_000_000)
    with pytest.raises(InputError, match="free"):
        run(path, tmp_path / "store")
    assert not (tmp_path / "store").exists()  # checked before anything is written
    assert run(path, tmp_path / "store", limits=limits).limits_hold


def test_every_scenario_of_a_store_can_be_run_again(sweep_file: MakeSweep, tmp_path: Path) -> None:
    """From what the store says of it, beside its roster."""
    from asm_sim.results.scenarios import scenario_of

    path = sweep_file(draws=5)
    run(path, tmp_path / "store")
    ds = asm.open_results(tmp_path / "store")
    for index in range(4):
        one = scenario_of(ds, index)
        again = path.with_name(f"again{index}.yaml")
        again.write_text(one.attrs["scenario_yaml"])
        repeated = asm.simulate(again)
        assert repeated.attrs["scenario_hash"] == one.attrs["scenario_hash"]
        assert repeated.attrs["parameters"] == one.attrs["parameters"]
        assert repeated.adjustment_sd.values.tobytes() == one.adjustment_sd.values.tobytes()
    assert STEEPNESS in one.attrs["scenario_yaml"]
