"""The folder of a run: never touched, replaced when asked, and its files whole or absent."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from asm_sim.engine.execute import run_block
from asm_sim.errors import InputError
from asm_sim.results.open import BLOCKS, INPUTS, RESULTS, open_results
from asm_sim.scenario.schema import Scenario
from asm_sim.store import blocks as store
from asm_sim.store.carry_out import Mode, carry_out
from asm_sim.store.files import LocalFolder, open_folder
from asm_sim.store.here import run_here
from asm_sim.store.work import Work, work_of


@pytest.fixture
def work(small_scenario: Scenario) -> Work:
    """Four draws in blocks of two."""
    return work_of(small_scenario.with_draws(4, None), block_draws=2, open_draws=0)


@pytest.fixture
def other_work(small_scenario: Scenario) -> Work:
    return work_of(small_scenario.with_draws(4, 99), block_draws=2, open_draws=0)


def run(work: Work, path: Path, overwrite: bool = False) -> xr.Dataset:
    """Run into a folder as `asm-sim run` does; the results in memory."""
    carry_out(LocalFolder(path), work, mode=Mode.ANEW if overwrite else Mode.GO_ON)
    with xr.open_zarr(path / RESULTS) as dataset:
        return dataset.load()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_anything_else_is_never_touched(
    work: Work, tmp_path: Path, overwrite: bool
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "000000-2.npz").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="not empty and holds no run") as caught:
        store.check(LocalFolder(tmp_path), work, overwrite=overwrite)
    assert str(tmp_path) in str(caught.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("mark", ["", "{", "[]", '{"format": "something else"}', "\xff"])
def test_a_mark_that_is_not_ours_is_no_run(work: Work, tmp_path: Path, mark: str) -> None:
    (tmp_path / store.MARK).write_bytes(mark.encode("latin-1"))
    with pytest.raises(InputError, match="holds no run"):
        store.check(LocalFolder(tmp_path), work, overwrite=True)
    assert (tmp_path / store.MARK).read_bytes() == mark.encode("latin-1")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("draws", "4"),
        ("draws", True),
        ("draws", -1),
        ("draws", 1e300),
        ("draws", None),
        ("scenarios", ["a"]),
        ("scenarios", {"a": 1}),
        ("scenarios", None),
        ("parameters", "x" * 1000),
        ("parameters", None),
    ],
)
def test_a_mark_of_other_types_is_refused(
    work: Work, tmp_path: Path, key: str, value: object
) -> None:
    folder = LocalFolder(tmp_path)
    store.claim(folder, work)
    mark = json.loads((tmp_path / store.MARK).read_text())
    for other in (mark | {key: value}, {name: mark[name] for name in mark if name != key}):
        (tmp_path / store.MARK).write_text(json.dumps(other))
        before = contents(tmp_path)
        for mode in (Mode.GO_ON, Mode.ANEW):
            with pytest.raises(InputError, match=r"run.json is not what asm-sim writes") as caught:
                carry_out(folder, work, mode=mode)
            shown = json.dumps(other.get(key))[:20]  # a text in quotes
            assert f"  - {key}: {shown}" in str(caught.value)
            assert len(str(caught.value)) < 500
        assert contents(tmp_path) == before


@given(
    st.dictionaries(
        st.sampled_from([*store._WORDS, "draws", "scenarios", "parameters", "name"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_any_mark_is_one_message(mark: dict[str, object]) -> None:
    """A mark is the same work, other work, no mark, or not what asm-sim writes."""
    content = json.dumps({"format": "asm_sim run", "draws": 1} | mark).encode()
    folder = open_folder("memory://any-mark")
    folder.write(store.MARK, content)
    with suppress(InputError):
        known = store.read_mark(folder)
        if known is not None:
            here = {"scenarios": {"a": "b"}, "parameters": {}, "draws": 2}
            here |= {"format": "asm_sim run"}
            differing = store.differing(known, dict.fromkeys(store._WORDS, "x") | here)
            assert all(len(line) < 500 for line in differing)


def test_other_work_is_replaced_only_when_asked(
    work: Work, other_work: Work, tmp_path: Path
) -> None:
    run(work, tmp_path)
    (tmp_path / "notes.txt").write_text("beside the run")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="--overwrite") as caught:
        store.check(LocalFolder(tmp_path), other_work)
    assert "seed: 7 there, 99 here" in str(caught.value)
    assert contents(tmp_path) == before
    assert run(other_work, tmp_path, overwrite=True).attrs["seed"] == "99"
    assert (tmp_path / "notes.txt").read_text() == "beside the run"


def test_more_draws_of_a_run_are_other_work(work: Work, tmp_path: Path) -> None:
    """Its blocks are not kept, so there is nothing to add to."""
    folder = LocalFolder(tmp_path)
    store.claim(folder, work)
    with pytest.raises(InputError, match="draws: 4 there, 6 here"):
        store.check(folder, work.with_draws(6))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("mine")
    with pytest.raises(InputError, match="this is a file"):
        open_folder(file)
    assert file.read_text() == "mine"


def test_an_empty_or_missing_folder_will_do(work: Work, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "a" / "b"):
        assert store.check(LocalFolder(path), work) is None
        store.claim(LocalFolder(path), work)
        mark = json.loads((path / store.MARK).read_text())
        assert list(mark["scenarios"]) == [work.members[0].fingerprint]
        assert store.missing_jobs(LocalFolder(path), work) == list(work.jobs())


def test_the_same_work_goes_on(work: Work, tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    store.claim(folder, work)
    first, second = work.jobs()
    assert list(run_here(folder, work, [first])) == [first]
    assert store.check(folder, work) is not None
    assert store.missing_jobs(folder, work) == [second]


def test_a_finished_run_can_be_run_again(work: Work, tmp_path: Path) -> None:
    first = run(work, tmp_path)
    written = contents(tmp_path)
    xr.testing.assert_identical(run(work, tmp_path), first)
    assert contents(tmp_path) == written
    assert {path.name for path in tmp_path.iterdir()} == {store.MARK, RESULTS, INPUTS}


def write(path: Path, content: bytes) -> None:
    LocalFolder(path.parent).write(path.name, content)


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


def test_a_block_is_read_as_it_was_written(work: Work, tmp_path: Path) -> None:
    folder, job = LocalFolder(tmp_path), next(work.jobs())
    arrays = run_block(work.plan(0), job.block)
    name = store.write_block(folder, work, job, arrays)
    with np.load(tmp_path / BLOCKS / name, allow_pickle=False) as stored:
        assert stored.files == ["_head", *arrays]
    again = store.read_block(folder, work, job)
    assert again.keys() == arrays.keys()
    for name, values in arrays.items():
        assert again[name].dtype == values.dtype
        assert again[name].tobytes() == values.tobytes()
    one = store.read_block(folder, work, job, ["scaling_factor"])
    assert list(one) == ["scaling_factor"]
    with pytest.raises(store.CorruptBlockError, match="checksum"):
        store.read_block(folder, work, job, ["no such variable"])


def test_a_block_that_is_not_what_it_should_be_is_refused(
    work: Work, other_work: Work, tmp_path: Path
) -> None:
    """Absent, cut, flipped in any of its bytes, of another run, or under another number."""
    folder = LocalFolder(tmp_path)
    first, second = work.jobs()
    arrays = run_block(work.plan(0), first.block)
    arrays = {name: arrays[name] for name in ("adjustment_mean", "scaling_factor")}
    store.write_block(folder, work, first, arrays)
    path = tmp_path / BLOCKS / work.block_name(first)
    whole = path.read_bytes()

    def refused(why: str = "not a|checksum") -> None:
        with pytest.raises(store.CorruptBlockError, match=why) as caught:
            store.read_block(folder, work, first)
        assert caught.value.job == first

    of_other = tmp_path / BLOCKS / other_work.block_name(first)
    of_other.parent.mkdir()
    of_other.write_bytes(whole)
    with pytest.raises(store.CorruptBlockError, match="belongs to another run"):
        store.read_block(folder, other_work, first)
    path.rename(tmp_path / BLOCKS / work.block_name(second))
    refused("not a readable block")
    with pytest.raises(store.CorruptBlockError, match="belongs to another run"):
        store.read_block(folder, work, second)
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused()
    harmless = 0
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at % 8)
        path.write_bytes(bytes(flipped))
        try:  # a time stamp of the archive may differ, the numbers may not
            again = store.read_block(folder, work, first)
        except store.CorruptBlockError:
            continue
        harmless += 1
        for name, values in arrays.items():
            np.testing.assert_array_equal(again[name], values)
    assert harmless < len(whole) / 4
    path.write_bytes(whole)
    assert store.read_block(folder, work, first).keys() == arrays.keys()


@pytest.mark.parametrize(
    "head",
    [b"", b"[]", b"{}", b'{"plan": 1}', b'{"sha256": 3, "plan": "a", "number": 0}', b"[" * 100_000],
)
def test_a_block_with_another_head(work: Work, tmp_path: Path, head: bytes) -> None:
    first = next(work.jobs())
    path = tmp_path / BLOCKS / work.block_name(first)
    path.parent.mkdir(parents=True)
    np.savez(path, _head=np.frombuffer(head, np.uint8))
    with pytest.raises(store.CorruptBlockError, match=r"not a readable block|another run"):
        store.read_block(LocalFolder(tmp_path), work, first)


def test_files_among_the_blocks_that_are_no_blocks(work: Work, tmp_path: Path) -> None:
    """Names with superscript or thousands of digits, or of somebody else, are left alone."""
    folder = LocalFolder(tmp_path)
    names = [
        "a/000000-\u00b2.npz",
        "a/000000-5.npz.bak",
        f"a/000000-{'9' * 200}.npz",
        "notes-3.npz",
    ]
    for name in (*names, "a/000000-3.npz", "a/000000-4.npz"):
        folder.write(f"{BLOCKS}/{name}", b"")
    store.retire_short_blocks(folder)
    assert folder.files_below(BLOCKS) == {*names, "a/000000-4.npz"}
    assert store.missing_jobs(folder, work) == list(work.jobs())


def test_a_damaged_run_is_run_again(work: Work, tmp_path: Path) -> None:
    """Its blocks are not kept: it is computed again, to the same bytes."""
    run(work, tmp_path)
    before = contents(tmp_path)
    chunk = tmp_path / RESULTS / "final_score_mean" / "0.0.0"
    for spoil in (chunk.unlink, lambda: chunk.write_bytes(b"")):
        spoil()
        run(work, tmp_path)
        assert contents(tmp_path) == before
    chunk.write_bytes(chunk.read_bytes()[::-1])
    run(work, tmp_path, overwrite=True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["precious::x", "s3:", "a b://c", "*"])
def test_no_other_folder_is_touched(
    work: Work, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is written to as it is, also relative to where the process runs."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data.txt").write_text("important")
    monkeypatch.chdir(tmp_path)
    carry_out(open_folder(name), work)
    assert (tmp_path / name / RESULTS / ".zmetadata").is_file()
    assert open_results(name).sizes["draw"] == open_results(tmp_path / name).sizes["draw"] == 4
    assert (tmp_path / "precious" / "data.txt").read_text() == "important"
    assert len(list(tmp_path.iterdir())) == 2


def test_leftovers_of_a_killed_process_do_no_harm(work: Work, tmp_path: Path) -> None:
    """Half a temporary file, half a consolidated store, old and young."""
    store.claim(LocalFolder(tmp_path / "run"), work)
    leftover = tmp_path / "run" / "blocks" / work.block_name(next(work.jobs()))
    leftover.parent.mkdir(parents=True)
    leftover.with_name(f".asm-sim.{'c' * 32}").write_bytes(b"half")
    names = (f".asm-sim.{digit * 32}" for digit in "ab")
    partials = [tmp_path / "run" / name for name in names]  # an old one and a young one
    for partial in partials:
        partial.mkdir()
        (partial / "junk").write_text("half")
    os.utime(partials[0], (0, 0))
    dataset = run(work, tmp_path / "run")
    assert dataset.sizes["draw"] == 4
    assert np.isfinite(dataset.adjustment_mean).all()
    assert not partials[0].exists()
    assert partials[1].exists()  # perhaps of a process that still writes
