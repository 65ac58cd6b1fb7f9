"""Stages are compiled apart, kept apart and found again; what is missing is made anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import typeof, types

from asm_sim.kernels import _cache, _stages
from asm_sim.kernels._jit import direct_entry, entry, kernel, stage
from asm_sim.kernels._reference import Reference, by_reference, keep


class Work(NamedTuple):
    values: Any
    step: float


@kernel
def _add(work: Any, times: Any) -> None:
    for i in range(len(work.values)):
        work.values[i] += times * work.step


@stage
def _once(work: Any) -> None:
    _add(work, 1)


@stage
def _often(work: Any, times: Any) -> None:
    _add(work, times)
    _once(work)  # a stage may call another


def _whole(work: Any, times: Any) -> Any:
    at = by_reference(work)
    _once(at)
    _often(at, times)
    keep(work)
    return work.values.sum()


def _directly(work: Any, times: Any) -> None:
    _once(work)
    _often(work, times.often)


class Times(NamedTuple):
    often: int


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASM_SIM_CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setattr(_stages, "_libraries", {})
    return tmp_path / "kept"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages that are compiled in this process, as they are."""
    names: list[str] = []
    compile_it: Callable[..., None] = _stages.Stage.compile

    def noted(self: Any, symbol: str, arguments: Any) -> None:
        names.append(self.at[1])
        compile_it(self, symbol, arguments)

    monkeypatch.setattr(_stages.Stage, "compile", noted)
    monkeypatch.setattr(_stages, "_another_process", lambda _missing: None)
    return names


def _result() -> float:
    """Of an entry that is new to this process: 3 x (1 + 1 + 4 + 1) steps of a half."""
    return float(entry(_whole)(Work(np.ones(3), 0.5), 4))


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stages, "_libraries", {})


def test_each_is_compiled_once_and_found_on_the_disk(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _result() == 12.0
    assert sorted(compiled) == ["_often", "_once"]
    assert len(list(folder.glob("*.nbc"))) == 3
    _forget(monkeypatch)
    assert _result() == 12.0
    assert len(compiled) == 2


@pytest.mark.parametrize("name", ["_once", "_often"])
def test_what_is_missing_or_damaged_is_compiled_anew(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _result()
    (file,) = folder.glob(f"*.{name}-*.nbc")
    for spoil in (file.unlink, lambda: file.write_bytes(file.read_bytes()[:-1])):
        _forget(monkeypatch)
        compiled.clear()
        spoil()
        assert _result() == 12.0
        assert compiled == [name]
        assert file.exists()


def test_an_entry_that_takes_references_is_found_with_its_stages(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(np.ones(3), 0.5)
    direct_entry(_directly)(work, Times(4))
    assert work.values.sum() == 12.0
    assert sorted(compiled) == ["_directly", "_often", "_once"]
    assert len(list(folder.glob("*.nbc"))) == 3
    _forget(monkeypatch)
    direct_entry(_directly)(work, Times(4))
    assert work.values.sum() == 21.0
    assert len(compiled) == 3
    (file,) = folder.glob("*._directly-*.nbc")
    file.write_bytes(file.read_bytes()[:-1])
    _forget(monkeypatch)
    direct_entry(_directly)(work, Times(4))
    assert work.values.sum() == 30.0
    assert compiled[3:] == ["_directly"]


@pytest.mark.parametrize("name", ["_once", "_often"])
def test_where_a_stage_fails_the_next_call_compiles_it(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It must not call what has been made already: that calls the stage where nothing is."""
    compile_it: Callable[..., None] = _stages.Stage.compile  # one that notes what it compiles

    def fail(self: Any, symbol: str, arguments: Any) -> None:
        if self.at[1] == name:
            raise MemoryError
        compile_it(self, symbol, arguments)

    whole, directly = entry(_whole), direct_entry(_directly)
    work = Work(np.ones(3), 0.5)
    with monkeypatch.context() as broken:
        broken.setattr(_stages.Stage, "compile", fail)
        for _ in range(2):
            with pytest.raises(MemoryError):
                whole(work, 4)
            with pytest.raises(MemoryError):
                directly(work, Times(4))
    assert whole(work, 4) == 12.0
    directly(work, Times(4))
    assert work.values.sum() == 21.0
    assert name in compiled
    assert list(folder.glob(f"*.{name}-*.nbc"))


def test_no_other_thread_calls_an_entry_before_its_stages_are_there(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder
    whole, compile_it, found = entry(_whole), _stages.Stage.compile, []

    def call() -> None:
        found.append(whole(Work(np.ones(3), 0.5), 4))

    def call_meanwhile(self: Any, symbol: str, arguments: Any) -> None:
        if not compiled:
            threads.append(Thread(target=call))
            threads[0].start()
            threads[0].join(0.5)
            assert not found
        compile_it(self, symbol, arguments)

    threads: list[Thread] = []
    monkeypatch.setattr(_stages.Stage, "compile", call_meanwhile)
    call()
    threads[0].join()
    assert found == [12.0, 12.0]


def test_another_process_compiles_the_same(folder: Path) -> None:
    work = Reference(typeof(Work(np.ones(3), 0.5)))
    missing = [((__name__, "_once"), (work,)), ((__name__, "_often"), (work, types.int64))]
    child = _stages._another_process(missing)
    if child is None:
        pytest.skip("one processor alone")
    assert child.wait(120) == 0
    assert len(list(folder.glob("*.nbc"))) == 2


def test_what_takes_long_is_for_the_other_process(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(_stages, "_another_process", told.extend)
    monkeypatch.setitem(_cache.TYPICAL_SECONDS, "test_kernel_stages._once", 9)
    entry(_whole)(Work(np.ones(3, np.float32), 0.5), 4)  # types that are new to this process
    assert [name for (_, name), _ in told] == ["_often", "_once"]  # the other begins with the last
    assert compiled == ["_often", "_once"]
    assert len(list(folder.glob("*.nbc"))) == 3
