"""Open draws: the first draws again with everything drawn that nobody knows, beside the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from asm_sim.engine import execute
from asm_sim.engine import frame as frame_module
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.results.open import open_results
from asm_sim.results.registry import OPEN, YEARLY
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import OPEN_LAYERS, Scenario
from asm_sim.store import consolidate
from asm_sim.store.blocks import claim, missing_jobs, read_block
from asm_sim.store.carry_out import carry_out
from asm_sim.store.cluster import plan_here
from asm_sim.store.files import Folder, LocalFolder
from asm_sim.store.forecast import size_of
from asm_sim.store.here import run_here
from asm_sim.store.work import Job, Work, work_of
from tests.conftest import MakeScenario, MakeSweep
from tests.engine.same import assert_same_bits
from tests.engine.small_sweep import SHARE, STEEPNESS, contents, work

ON = "{" + ", ".join(f'{layer}: "on"' for layer in OPEN_LAYERS) + "}"
DRAWS, OPENED = 6, 4
SENSELESS = {"population.episodes.minimum": 38.0}  # above what the mean of episodes could be


@pytest.fixture(scope="module")
def scenario(make_scenario: MakeScenario) -> Scenario:
    return make_scenario(draws=DRAWS)


@pytest.fixture(scope="module")
def run(scenario: Scenario) -> xr.Dataset:
    return simulate(scenario, open_draws=OPENED)


def assert_opened(run: xr.Dataset, other: xr.Dataset) -> None:
    """The open draws of ``run`` are the first draws of ``other`` to the bit."""
    first = other.isel(draw=slice(0, run.sizes["open_draw"]))
    for variable in OPEN:
        one, two = run[variable.name], first[variable.field]
        assert one.dims == ("open_draw", *two.dims[1:])
        assert one.values.tobytes() == two.values.tobytes(), variable.name


# What they are


def test_they_are_the_draws_of_the_scenario_with_everything_open(
    run: xr.Dataset, make_scenario: MakeScenario
) -> None:
    assert_opened(run, simulate(make_scenario(layers=ON, draws=OPENED)))
    assert (run.open_final_score_mean != run.final_score_mean[:OPENED].values).all()


def test_where_nothing_is_open_they_are_the_draws(scenario: Scenario) -> None:
    """Paired: the clinicians and the luck of an open draw are those of the draw of its number."""
    opened = scenario.opened()
    settings = [(item.path, item.given(item.value)) for item in (*opened.ranges, *opened.readings)]
    held = replace(scenario, settings=(*scenario.settings, *settings))
    assert all(item.held for item in (*held.opened().ranges, *held.opened().readings))
    run = simulate(held, open_draws=OPENED)
    assert_opened(run, run)


def test_without_them_nothing_of_a_run_is_other(scenario: Scenario, run: xr.Dataset) -> None:
    without = simulate(scenario, open_draws=0)
    assert not [name for name in without.variables if str(name).startswith("open")]
    assert (run.attrs["open_draws"], without.attrs["open_draws"]) == (OPENED, 0)
    assert_same_bits(run.drop_dims("open_draw"), without)


def test_only_what_is_yearly_is_kept_and_said_in_words(run: xr.Dataset) -> None:
    names = {str(name) for name in run.variables if "open_draw" in run[name].dims}
    yearly = {variable.name for variable in YEARLY} | {"adjustment_quantile", "adjustment_at_score"}
    assert names == {f"open_{name}" for name in yearly} | {"open_draw"}
    for name in names:
        assert run[name].attrs["units"]
        assert "everything open drawn" in run[name].attrs["long_name"]
    assert run.open_draw.values.tolist() == list(range(OPENED))
    layer = json.loads(run.attrs["open_layer"])
    assert layer["drawn"]["population.cost.reliability_at_20.LBP"] == [0.35, 0.55, 0.75]


def test_a_scenario_that_draws_all_of_it_has_none_beside(make_scenario: MakeScenario) -> None:
    run = simulate(make_scenario(layers=ON, draws=2), open_draws=2)
    assert "open_draw" not in run.dims
    assert run.attrs["all_open"] == 1


def test_as_many_as_are_asked_for_and_there_are(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(draws=500)
    of_file = replace(scenario, file=scenario.file.model_copy(update={"open_draws": 30}))
    assert [work_of(one).open_draws for one in (scenario, of_file)] == [200, 30]
    assert work_of(of_file, open_draws=900).open_draws == 500
    assert work_of(scenario.with_draws(7, None)).open_draws == 7
    for wrong in (-1, 1.5, True, "many"):
        with pytest.raises(InputError, match=r"open_draws is .*give a whole number, 0 or more"):
            simulate(scenario, open_draws=wrong)  # type: ignore[arg-type]


# Where nothing can be drawn


def test_what_cannot_be_drawn_costs_the_ranges_and_not_the_run(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(settings=SENSELESS, draws=1)
    run = simulate(scenario)
    assert "open_draw" not in run.dims
    assert "above the minimum, 38" in run.attrs["no_open_draws"]
    words = r"5 open draws are asked for, and there can be none: .*minimum, 38.*or give 0"
    for ask in (simulate, work_of):
        with pytest.raises(InputError, match=words):
            ask(scenario, open_draws=5)  # type: ignore[operator]


# Whoever computes them


def test_the_same_bits_for_any_threads_and_blocks(
    scenario: Scenario, run: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    monkeypatch.setattr(execute, "DRAWS_PER_TASK", 1)
    monkeypatch.setattr(frame_module, "BLOCK_DRAWS", 3)
    assert_same_bits(simulate(scenario, open_draws=OPENED), run)


@pytest.fixture
def stored(scenario: Scenario) -> Work:
    """Draws in three blocks, open draws in two."""
    return work_of(scenario, block_draws=2, open_draws=OPENED)


def test_a_run_is_stopped_anywhere_and_goes_on(
    stored: Work, run: xr.Dataset, tmp_path: Path
) -> None:
    jobs = list(stored.jobs())
    assert [job.open for job in jobs] == [False] * 3 + [True] * 2
    assert stored.job_count == len(jobs)
    assert stored.draws_in_all == DRAWS + OPENED
    folder = LocalFolder(tmp_path)
    told: list[tuple[int, int]] = []

    def stopping(folder: Folder, work: Work, jobs: Iterable[Job]) -> Iterator[Job]:
        yield next(iter(run_here(folder, work, list(jobs)[:1])))
        raise KeyboardInterrupt

    for done in range(1, len(jobs) + 1):
        with pytest.raises(KeyboardInterrupt):
            carry_out(folder, stored, stopping, progress=lambda *now: told.append(now))
        assert missing_jobs(folder, stored) == jobs[done:]
    report = carry_out(folder, stored)
    assert report.blocks_run == 0
    assert_same_bits(open_results(tmp_path).load(), run)
    assert sorted(set(told)) == [(done, 10) for done in range(0, 11, 2)]


def test_more_of_them_are_another_run(stored: Work, scenario: Scenario, tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    carry_out(folder, stored)
    with pytest.raises(InputError, match="open draws: 4 there, 6 here"):
        carry_out(folder, work_of(scenario, block_draws=2, open_draws=DRAWS))


def test_a_damaged_block_of_them_is_made_again(
    stored: Work, run: xr.Dataset, tmp_path: Path
) -> None:
    folder = LocalFolder(tmp_path)
    claim(folder, stored)
    *_, last = run_here(folder, stored, stored.jobs())
    path = tmp_path / "blocks" / stored.block_name(last)
    path.write_bytes(path.read_bytes()[:-50])
    report = carry_out(folder, stored)
    assert len(report.damaged) == 1
    assert_same_bits(open_results(tmp_path).load(), run)


def test_a_run_is_put_together_as_it_goes(
    stored: Work, run: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[Job]()

    def noting(folder: Folder, work: Work, job: Job) -> Any:
        read.append(job)
        return read_block(folder, work, job)

    monkeypatch.setattr(consolidate, "read_block", noting)
    carry_out(LocalFolder(tmp_path / "fresh"), stored)
    assert not read
    first, second, *_ = stored.jobs()
    folder = LocalFolder(tmp_path / "begun")
    claim(folder, stored)
    list(run_here(folder, stored, [first, second]))
    report = carry_out(folder, stored)
    assert (read, report.blocks_run) == ([first, second], 3)
    damaged = LocalFolder(tmp_path / "damaged")
    claim(damaged, stored)
    list(run_here(damaged, stored, [second]))
    damaged.write(f"blocks/{stored.block_name(second)}", b"")
    assert carry_out(damaged, stored).blocks_run == 5  # what was run before it shows is kept
    for name in ("fresh", "begun", "damaged"):
        assert_same_bits(open_results(tmp_path / name).load(), run)


def test_a_worker_knows_whose_block_it_is(stored: Work) -> None:
    first, *_, last = stored.jobs()
    plan, of_open = plan_here(stored, first), plan_here(stored, last)
    assert plan_here(stored, last) is of_open
    assert (plan.is_open, of_open.is_open) == (False, True)
    assert (plan.parameters is None, of_open.parameters is None) == (True, False)
    assert plan.fingerprint() != of_open.fingerprint()
    assert of_open.cohorts is plan.cohorts  # compiled once; each draw has its own


def test_their_size_is_foreseen(stored: Work, tmp_path: Path) -> None:
    first, *_, last = run_here(LocalFolder(tmp_path), stored, stored.jobs())
    size = size_of(stored)
    written = (tmp_path / "blocks" / stored.block_name(last)).stat().st_size
    assert 0.5 < size.open / written < 1.1
    without = work_of(stored.scenario(0), block_draws=2, open_draws=0)
    assert size.of(stored) - size_of(without).of(without) == 2 * size.open
    assert first.block.draws == last.block.draws


# Of a sweep


def test_a_sweep_has_them_where_its_file_says_so(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file(draws=4)
    assert work(path).open_draws == 0
    path.write_text(path.read_text() + "open_draws: 3\n")
    carry_out(LocalFolder(tmp_path / "store"), work(path))
    ds = open_results(tmp_path / "store").load()
    assert ds.sizes["open_draw"] == 3
    assert "open_layer" not in ds.attrs
    for name in ds.scenario.values:
        one = ds.sel(scenario=name)
        settings = {STEEPNESS: float(one[STEEPNESS]), SHARE: float(one[SHARE])}
        alone = load_scenario(path.with_name("scenario.yaml"), list(settings.items()))
        run = simulate(alone.with_draws(4, None), open_draws=3)
        for variable in OPEN:
            np.testing.assert_array_equal(one[variable.name].values, run[variable.name].values)


def test_what_a_scenario_sets_is_held_also_at_its_own_value(
    sweep_file: MakeSweep, tmp_path: Path
) -> None:
    """The draws of both scenarios are computed once, their open draws twice."""
    path = sweep_file(draws=2)
    path.with_name("two.yaml").write_text(
        "title: Two\nextends: scenario\ndraws: 2\nopen_draws: 2\nsweep:\n"
        "  list: {as it is: {}, known: {population.cost.reliability_at_20.HF: 0.5}}\n"
    )
    both = work(path.with_name("two.yaml"))
    assert (both.distinct, both.distinct_open) == ((0,), (0, 1))
    carry_out(LocalFolder(tmp_path / "store"), both)
    ds = open_results(tmp_path / "store").load()
    hf = ds.sel(cohort="HF")
    np.testing.assert_array_equal(hf.final_score_mean[0], hf.final_score_mean[1])
    assert (hf.open_final_score_mean[0].values != hf.open_final_score_mean[1].values).all()


def test_more_of_them_join_the_store_of_a_sweep(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path, folder = sweep_file(draws=10), LocalFolder(tmp_path / "store")
    carry_out(folder, work(path))
    path.write_text(path.read_text() + "open_draws: 7\n")
    assert carry_out(folder, work(path)).blocks_run == 4 * 2
    seven = open_results(tmp_path / "store").load()
    assert (seven.sizes["draw"], seven.sizes["open_draw"]) == (10, 7)
    assert carry_out(folder, work(path, open_draws=9)).blocks_run == 4  # its last blocks anew
    assert carry_out(folder, work(path)).blocks_run == 0  # a store never shrinks
    nine = open_results(tmp_path / "store").load()
    assert nine.sizes["open_draw"] == 9
    assert nine.open_scaling_factor[:, :7].equals(seven.open_scaling_factor)


def test_shards_share_them(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file(draws=4)
    path.write_text(path.read_text() + "open_draws: 2\n")
    carry_out(LocalFolder(tmp_path / "whole"), work(path))
    folder = LocalFolder(tmp_path / "parts")
    ran = [carry_out(folder, work(path), shard=(k, 3)).blocks_run for k in (3, 1, 2)]
    assert sum(ran) == work(path).job_count == 8
    carry_out(folder, work(path))
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_draws_until_an_error_holds_have_theirs_beside(
    sweep_file: MakeSweep, tmp_path: Path
) -> None:
    from asm_sim.store.until import parse_limit

    path = sweep_file(draws=10)
    path.write_text(path.read_text() + "open_draws: 7\n")
    limits: Any = (parse_limit("share_negative<0.5"),)
    report = carry_out(LocalFolder(tmp_path / "store"), work(path), limits=limits)
    assert report.draws == 5
    ds = open_results(tmp_path / "store")
    assert (ds.sizes["draw"], ds.sizes["open_draw"]) == (5, 5)
