"""Sweeps: nothing is lost, nothing is computed twice, and the store is the same whoever made it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError, RunError
from asm_sim.results.statistics import mcse, mean_over_draws
from asm_sim.scenario.sweep import load_sweep
from asm_sim.store import blocks as store
from asm_sim.store.blocks import missing_jobs
from asm_sim.store.carry_out import Mode, carry_out
from asm_sim.store.files import LocalFolder
from asm_sim.store.here import run_here
from asm_sim.store.until import parse_limit
from asm_sim.store.work import Work, work_of
from tests.conftest import MakeSweep
from tests.engine.small_sweep import BLOCK, SHARE, STEEPNESS, contents, run, sweep_maker, work


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole sweep in one process, 12 draws of 4 scenarios. Do not change it."""
    folder = tmp_path_factory.mktemp("finished")
    make = sweep_maker(folder)
    run(make(), folder / "store")
    return folder


# What a finished sweep is


def test_every_scenario_is_its_own_simulation(finished: Path) -> None:
    """Bit for bit, also where the population is held and sums by clinician are kept."""
    sweep = load_sweep(finished / "scenarios" / "small_sweep.yaml")
    ds = asm.open_results(finished / "store")
    for index, name in enumerate(ds.scenario.values):
        alone = simulate(sweep.scenario(index))
        for variable in set(alone.data_vars) & set(ds.data_vars):
            here = ds[variable].sel(scenario=name).values
            assert here.tobytes() == alone[variable].values.tobytes(), variable
    beside = {"draw_sample", "lens_draw", "open_draw"}  # of a sweep only where its file says so
    assert {name for name in alone.data_vars if not beside & set(alone[name].dims)} == set(
        ds.data_vars
    )


def test_held_population(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file(held=True)
    run(path, tmp_path / "store")
    ds = asm.open_results(tmp_path / "store")
    alone = simulate(load_sweep(path).scenario(3))
    for variable in ("clinician_adjustment_sd", "clinician_rank_mean", "adjustment_histogram"):
        here = ds[variable].isel(scenario=3).values
        assert here.tobytes() == alone[variable].values.tobytes()


def test_dims_coordinates_and_what_is_recorded(finished: Path) -> None:
    with xr.open_zarr(finished / "store" / "results.zarr", chunks=None) as ds:
        assert not ds.adjustment_mean.variable._in_memory  # read when it is used
        assert all(array.dims[0] == "scenario" for array in ds.data_vars.values())
        assert dict(ds.sizes)["scenario"] == 4
        assert ds.sizes["draw"] == 12
        assert ds[STEEPNESS].values.tolist() == [0.05, 0.05, 0.1, 0.1]
        assert ds[SHARE].values.tolist() == [0.85, 1.0, 0.85, 1.0]
        assert ds[STEEPNESS].dims == ds.scenario_hash.dims == ("scenario",)
        assert len(set(ds.scenario_hash.values)) == 4
        listed = json.loads(ds.attrs["scenarios"])
        assert [entry["name"] for entry in listed] == ds.scenario.values.tolist()
        assert listed[0]["set"] == {}
        assert listed[3]["set"] == {STEEPNESS: 0.1, SHARE: 1.0}
        assert json.loads(ds.attrs["parameters"])[STEEPNESS] == 0.05
        assert ds.attrs["compare_to"] == ds.scenario.values[2]
        assert ds.attrs["scenario"] == "small_sweep"
        assert ds.attrs["seed"] == "7"
        assert ds.attrs["draws"] == 12
        assert np.isfinite(ds.adjustment_mean).all()


def test_the_panel_is_kept_when_asked(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file(draws=7)
    carry_out(LocalFolder(tmp_path / "store"), work(path, panel=6))
    ds = asm.open_results(tmp_path / "store")
    assert ds.panel_adjustment.dims[0] == "scenario"
    assert ds.sizes["draw_sample"] == 6
    alone = simulate(load_sweep(path).scenario(1))
    here = ds.panel_adjustment.isel(scenario=1).values
    assert here.tobytes() == alone.panel_adjustment.values[:6].tobytes()


# Going on, adding to it


def jobs_run(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """A list that gets every block written: scenario, first draw, draws."""
    from asm_sim.store import here

    written: list[tuple[str, int, int]] = []
    write = here.write_block

    def note(folder: Any, work: Work, job: Any, arrays: Any) -> str:
        written.append((work.members[job.scenario].name, job.block.first, job.block.draws))
        return write(folder, work, job, arrays)

    monkeypatch.setattr(here, "write_block", note)
    return written


def test_only_what_is_missing_is_run(
    finished: Path, sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = sweep_file(), LocalFolder(tmp_path / "store")
    some = work(path)
    store.claim(folder, some)
    all_jobs = list(some.jobs())
    assert len(all_jobs) == 12
    chosen = [all_jobs[i] for i in (0, 4, 5, 11)]
    assert list(run_here(folder, some, chosen)) == chosen
    written = jobs_run(monkeypatch)
    report = carry_out(folder, some)
    assert report.blocks_run == len(written) == 8
    assert contents(tmp_path / "store") == contents(finished / "store")
    assert carry_out(folder, some).blocks_run == 0


def test_without_resume_a_begun_sweep_is_left_alone(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path, folder = sweep_file(), LocalFolder(tmp_path / "store")
    some = work(path)
    store.claim(folder, some)
    list(run_here(folder, some, [next(some.jobs())]))
    with pytest.raises(InputError, match=r"1 of the 12 blocks.*--resume"):
        carry_out(folder, some, mode=Mode.START)
    assert len(missing_jobs(folder, some)) == 11
    (tmp_path / "store" / "blocks" / some.block_name(next(some.jobs()))).unlink()
    assert carry_out(folder, some, mode=Mode.START).blocks_run == 12  # no block: it simply starts


def test_more_draws_join(
    sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the short last blocks are run again; the bytes are those of a sweep begun so."""
    path = sweep_file()
    run(path, tmp_path / "grown")
    written = jobs_run(monkeypatch)
    assert run(path, tmp_path / "grown", draws=23).draws == 23
    assert len(written) == 4 * 3
    assert {first for _, first, _ in written} == {10, 15, 20}
    run(path, tmp_path / "at once", draws=23)
    assert contents(tmp_path / "grown") == contents(tmp_path / "at once")
    assert contents(tmp_path / "grown", "blocks") == contents(tmp_path / "at once", "blocks")
    written.clear()
    assert run(path, tmp_path / "grown", draws=12).draws == 23  # a store never shrinks
    assert not written


def test_more_scenarios_join(
    sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In front, in between and behind; the order is that of the file."""
    run(sweep_file(), tmp_path / "grown")
    written = jobs_run(monkeypatch)
    path = sweep_file(steepness="[0.02, 0.05, 0.07, 0.1, 0.2]")
    run(path, tmp_path / "grown")
    assert len(written) == 3 * 2 * 3
    assert not [name for name, *_ in written if "0.05" in name or "steepness=0.1," in name]
    run(path, tmp_path / "at once")
    assert contents(tmp_path / "grown") == contents(tmp_path / "at once")


def test_scenarios_with_the_same_parameters_share_their_blocks(
    sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sweep_file()
    text = path.read_text()
    listed = "list: {a: {}, b: {" + SHARE + ": 0.85}, c: {" + SHARE + ": 0.9}}"
    path.write_text(text[: text.index("  grid")] + "  " + listed + "\n")
    written = jobs_run(monkeypatch)
    run(path, tmp_path / "store")
    ds = asm.open_results(tmp_path / "store")
    assert ds.scenario.values.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(
        ds.adjustment_sd.sel(scenario="a"), ds.adjustment_sd.sel(scenario="b")
    )
    assert len(written) == 2 * 3


@pytest.mark.parametrize("shards", [1, 3, 5])
def test_shards_make_the_same_bytes(
    shards: int, finished: Path, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    path, folder = sweep_file(), tmp_path / "store"
    run_each = [run(path, folder, shard=(k, shards)) for k in range(shards, 0, -1)]
    assert sum(report.blocks_run for report in run_each) == 12
    assert [report.finished for report in run_each] == [False] * shards
    assert run_each[-1].blocks_left == 0
    assert not (folder / "results.zarr").exists()
    report = run(path, folder)
    assert report.finished
    assert report.blocks_run == 0
    assert contents(folder) == contents(finished / "store")


def test_a_lens_and_a_panel_of_their_own_lengths(sweep_file: MakeSweep, tmp_path: Path) -> None:
    """Each as long as it says, the same draws as in a scenario run alone; chunks are whole."""
    path = sweep_file()
    carry_out(LocalFolder(tmp_path / "store"), work(path, panel=3, lens=7))
    ds = asm.open_results(tmp_path / "store")
    assert (ds.sizes["draw_sample"], ds.sizes["lens_draw"], ds.sizes["draw"]) == (3, 7, 12)
    sweep = load_sweep(path)
    for index, name in enumerate(ds.scenario.values):
        alone = simulate(sweep.scenario(index))
        for variable, values in ds.sel(scenario=name).data_vars.items():
            first = {dim: slice(0, ds.sizes[dim]) for dim in ("draw_sample", "lens_draw")}
            wanted = alone[variable].isel(first, missing_dims="ignore").values
            assert values.values.tobytes() == wanted.tobytes(), variable


def test_a_sweep_over_mips_needs_a_panel(tmp_path: Path) -> None:
    path = tmp_path / "over_mips.yaml"
    path.write_text("title: MIPS\nsweep:\n  grid: {mips.payment.scale: [0.1, 0.2]}\n")
    with pytest.raises(InputError, match="panel_draws in the file or --panel"):
        work_of(load_sweep(path))
    assert len(work_of(load_sweep(path), panel=5)) == 2


# Another sweep's store


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda make: work(make(), seed=8), "seed: 7 there, 8 here"),
        (lambda make: work(make(), panel=3), "draws kept clinician by clinician: 0 there, 3 here"),
        (
            lambda make: work_of(load_sweep(make()), block_draws=6),
            "draws to a block: 5 there, 6 here",
        ),
        (lambda make: work(make(held=True)), "layers: .* there, .*off.* here"),
        (
            lambda make: work_of(
                load_sweep(make(), ["rules.payment.risk_level=0.2"]), block_draws=BLOCK
            ),
            r"rules.payment.risk_level: .*0.09.* there, .*0.2.* here",
        ),
        (
            lambda make: work_of(
                load_sweep(make(), ["population.cost.reliability_at_20.HF=0.6"]), block_draws=BLOCK
            ),
            "population.cost.reliability_at_20.HF: 0.5 there, 0.6 here",
        ),
        (
            lambda make: work(make(steepness="[0.1, 0.2]")),
            "not here: 'steepness=0.05, redistribution_share=0.85'",
        ),
    ],
)
def test_a_store_of_another_sweep_is_refused_with_what_differs(
    change: Callable[[MakeSweep], Work], said: str, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    folder = LocalFolder(tmp_path / "store")
    run(sweep_file(draws=3), tmp_path / "store")
    before = contents(tmp_path / "store", ".")
    with pytest.raises(InputError, match=said):
        carry_out(folder, change(sweep_file))
    assert contents(tmp_path / "store", ".") == before


@pytest.mark.parametrize(
    ("key", "said"), [("version", "version of asm_sim"), ("kernels", "kernels")]
)
def test_a_store_of_another_version_is_refused(
    key: str, said: str, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    path = sweep_file(draws=3)
    run(path, tmp_path / "store")
    mark = tmp_path / "store" / store.MARK
    entry = json.loads(mark.read_text())
    mark.write_text(json.dumps({**entry, key: "older"}))
    with pytest.raises(InputError, match=f"{said}.*older there"):
        run(path, tmp_path / "store", draws=4)


# Damage


def test_verify_finds_names_and_repairs(
    finished: Path, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    path = sweep_file()
    run(path, tmp_path / "store")
    assert run(path, tmp_path / "store", mode=Mode.VERIFY).damaged == []
    blocks = sorted((tmp_path / "store" / "blocks").rglob("*.npz"))
    blocks[2].write_bytes(blocks[2].read_bytes()[:1000])
    flipped = bytearray(blocks[7].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    blocks[7].write_bytes(bytes(flipped))
    report = run(path, tmp_path / "store", mode=Mode.VERIFY)
    assert report.blocks_run == 2
    assert all("not a readable block" in line for line in report.damaged)
    for block in (blocks[2], blocks[7]):
        assert any(f"{block.parent.name}/{block.name}" in line for line in report.damaged)
    assert contents(tmp_path / "store") == contents(finished / "store")


def test_a_disk_that_keeps_nothing_right_is_told(
    sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = LocalFolder.writing

    @contextmanager
    def spoil(self: LocalFolder, name: str) -> Iterator[BinaryIO]:
        with writing(self, name) as file:
            yield file
            file.truncate(file.tell() - 200 if name.endswith("-5.npz") else None)

    monkeypatch.setattr(LocalFolder, "writing", spoil)
    with pytest.raises(RunError, match="second time"):
        run(sweep_file(draws=5), tmp_path / "store")


def test_a_disk_without_room_is_told_before_the_first_draw(
    sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalFolder, "free_bytes", lambda _: 1_000_000)
    written = jobs_run(monkeypatch)
    with pytest.raises(InputError, match=r"need about .* free"):
        run(sweep_file(), tmp_path / "store")
    assert not written


def test_a_disk_that_fills_up_loses_nothing(
    finished: Path, sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, written = sweep_file(), []
    writing = LocalFolder.writing

    @contextmanager
    def full(self: LocalFolder, name: str) -> Iterator[BinaryIO]:
        with writing(self, name) as file:
            yield file
            if len(written) == 6:
                raise OSError(28, "No space left on device")
        written.append(name)

    with monkeypatch.context() as patched:
        patched.setattr(LocalFolder, "writing", full)
        with pytest.raises(OSError, match="No space"):
            run(path, tmp_path / "store")
    assert run(path, tmp_path / "store").blocks_run == 6
    assert contents(tmp_path / "store") == contents(finished / "store")


def test_a_place_that_cannot_be_written_to(
    sweep_file: MakeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalFolder, "free_bytes", lambda _: None)
    with pytest.raises(InputError, match=r"/proc/asm_sim.*cannot be written to"):
        run(sweep_file(), Path("/proc/asm_sim"))


# Enough draws


def needed(ds: xr.Dataset, limits: Sequence[tuple[str, float, bool]]) -> int | None:
    """The least number of blocks that will do, looked up in all draws once more."""
    for blocks in range(1, ds.sizes["draw"] // BLOCK + 1):
        head = ds.isel(draw=slice(blocks * BLOCK))
        holds = []
        for name, largest, relative in limits:
            error, mean = mcse(head[name]), mean_over_draws(head[name])
            allowed = largest * abs(mean) if relative else largest
            holds.append(bool(((error <= allowed) | error.isnull()).all()))
        if all(holds):
            return blocks
    return None


@pytest.mark.parametrize(
    ("texts", "limits"),
    [
        (["final_score_mean<0.8%"], [("final_score_mean", 0.008, True)]),
        (["share_negative<0.012"], [("share_negative", 0.012, False)]),
        (
            ["adjustment_sd < 3 %", "final_score_mean<0.5"],
            [("adjustment_sd", 0.03, True), ("final_score_mean", 0.5, False)],
        ),
        (["rank_correlation<0.03"], [("rank_correlation", 0.03, False)]),
    ],
)
def test_until_stops_at_the_first_block_that_will_do(
    texts: list[str],
    limits: list[tuple[str, float, bool]],
    sweep_file: MakeSweep,
    tmp_path: Path,
) -> None:
    path = sweep_file(draws=100)
    report = run(path, tmp_path / "store", limits=[parse_limit(text) for text in texts])
    assert report.limits_hold
    assert 5 < report.draws < 100
    ds = asm.open_results(tmp_path / "store")
    assert ds.sizes["draw"] == report.draws
    assert needed(ds, limits) == report.draws // BLOCK
    run(path, tmp_path / "at once", draws=report.draws)
    assert contents(tmp_path / "store") == contents(tmp_path / "at once")


def test_an_amount_that_is_zero_by_the_rule_is_known(sweep_file: MakeSweep, tmp_path: Path) -> None:
    """With all of the pool returned, Medicare keeps nothing: no relative error can hold of it."""
    path = sweep_file(draws=10)
    path.write_text(path.read_text().replace("[0.85, 1.0]", "[1.0]").replace("0.85}", "1.0}"))
    report = run(path, tmp_path / "store", limits=[parse_limit("retained_by_medicare<1%")])
    assert report.limits_hold
    assert report.draws == 5


def test_until_has_a_most(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path, limits = sweep_file(draws=12), [parse_limit("share_negative<0.0001")]
    report = run(path, tmp_path / "store", limits=limits)
    assert not report.limits_hold
    assert report.draws == 12
    assert asm.open_results(tmp_path / "store").sizes["draw"] == 12


def test_until_goes_on_and_draws_that_are_there_stay(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path, limits = sweep_file(draws=60), [parse_limit("share_negative<0.02")]
    first = run(path, tmp_path / "store", limits=limits)
    again = run(path, tmp_path / "store", limits=limits)
    assert again.blocks_run == 0
    assert again.draws == first.draws < 60
    assert run(path, tmp_path / "store").draws == 60
    assert run(path, tmp_path / "store", limits=limits).draws == 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retained_by_medicare", "write a variable"),
        ("retained_by_medicare<", "write a variable"),
        ("retained_by_medicare>1%", "write a variable"),
        ("retaned_by_medicare<1%", "did you mean 'retained_by_medicare'"),
        ("adjustment_histogram<1%", "no variable by draw"),
        ("share_negative<0%", "above 0"),
        ("share_negative<1e", "not a number"),
    ],
)
def test_a_limit_that_makes_no_sense(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_limit(text)


# Python


def test_sweep_as_a_function(finished: Path, sweep_file: MakeSweep, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    ds = asm.sweep(
        sweep_file(),
        tmp_path / "store",
        block_draws=BLOCK,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert contents(tmp_path / "store") == contents(finished / "store")
    xr.testing.assert_identical(ds.load(), asm.open_results(finished / "store").load())
    assert seen[0] == (0, 48)
    assert seen[-1] == (48, 48)
    assert sorted(done for done, _ in seen) == [done for done, _ in seen]
    assert (
        asm.sweep(sweep_file(), tmp_path / "store", draws=14, block_draws=BLOCK).sizes["draw"] == 14
    )


def test_a_sweep_of_one_scenario(
    small_run: xr.Dataset, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    ds = asm.sweep(sweep_file().with_name("scenario.yaml"), tmp_path / "store", draws=12)
    assert ds.sizes["scenario"] == 1
    here = ds.adjustment_sd.isel(scenario=0).values
    np.testing.assert_array_equal(here, small_run.adjustment_sd.values[:12])


def test_scenarios_that_cannot_stand_side_by_side(sweep_file: MakeSweep) -> None:
    path = sweep_file()
    text = path.read_text()
    axis = "  grid: {population.groups.episode_bands: [[30, 50, 100], [30, 60, 100]]}\n"
    path.write_text(text[: text.index("  grid")] + axis)
    with pytest.raises(InputError, match="other groups than the first"):
        work(path)
