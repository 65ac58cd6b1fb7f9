"""Randomness is an address: one test for each thing that follows from it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from asm_sim.engine import execute
from asm_sim.engine import frame as frame_module
from asm_sim.engine.plan import Plan, make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.engine.threads import thread_count
from asm_sim.scenario.schema import Scenario
from asm_sim.store.blocks import claim, damaged_jobs
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import LocalFolder
from asm_sim.store.here import run_here
from asm_sim.store.work import work_of
from tests.conftest import MakeScenario, roster_rows
from tests.engine import run_small
from tests.engine.same import assert_same_bits
from tests.engine.variates import Variates, changed, ids, variates

Rows = list[dict[str, str]]


# Threads, blocks, number of draws


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_any_number_of_threads(
    threads: str, held_scenario: Scenario, held_run: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    monkeypatch.setattr(execute, "DRAWS_PER_TASK", 2)
    assert thread_count() == int(threads)
    assert_same_bits(simulate(held_scenario), held_run)


@pytest.mark.parametrize(("block", "task"), [(1, 10), (5, 2), (7, 3), (24, 24), (100, 1)])
def test_any_size_of_block_and_task(
    block: int,
    task: int,
    held_scenario: Scenario,
    held_run: xr.Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also histograms and the sums by clinician, which are added over blocks."""
    monkeypatch.setattr(frame_module, "BLOCK_DRAWS", block)
    monkeypatch.setattr(execute, "DRAWS_PER_TASK", task)
    assert len(make_plan(held_scenario).blocks()) == -(-24 // block)
    assert_same_bits(simulate(held_scenario), held_run)


def test_the_draws_of_a_longer_run(small_scenario: Scenario, small_run: xr.Dataset) -> None:
    short = simulate(small_scenario.with_draws(9, None))
    compared = 0
    for name, variable in small_run.data_vars.items():
        for dim in {"draw", "draw_sample"} & set(variable.dims):
            first = np.ascontiguousarray(variable.isel({dim: slice(9)}).values)
            assert short[name].values.tobytes() == first.tobytes(), name
            compared += 1
    assert compared > 40


# Kill and resume


def start(scenario: Path, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.engine.run_small", str(scenario), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"NUMBA_NUM_THREADS": "2"},
    )


def steps(process: subprocess.Popen[str]) -> Iterator[int]:
    """The draws that are done, again and again; the process waits meanwhile."""
    assert process.stdin is not None
    assert process.stdout is not None
    for line in process.stdout:
        yield int(line.split()[0])
        process.stdin.write("\n")
        process.stdin.flush()


def times(folder: Path) -> dict[str, int]:
    files = (folder / "blocks").rglob("*.npz")
    return {f"{path.parent.name}/{path.name}": path.stat().st_mtime_ns for path in files}


def opened(store: Path) -> xr.Dataset:
    with xr.open_zarr(store) as dataset:
        return dataset.load()


def test_kill_and_resume(held_scenario: Scenario, held_run: xr.Dataset, tmp_path: Path) -> None:
    """A process killed among its open draws, started again: as if nothing had happened."""
    scenario, folder = held_scenario.folder / "scenario.yaml", tmp_path / "run"
    with start(scenario, folder) as process:
        for done in steps(process):
            if done == 30:
                process.kill()
                break
    assert process.returncode == -9
    assert not (folder / "results.zarr").exists()
    before, after, seen = times(folder), {}, []
    assert len(before) == 15
    with start(scenario, folder) as process:
        for done in steps(process):
            seen.append(done)
            after = times(folder)
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert sorted(set(seen)) == list(range(30, 49, run_small.BLOCK_DRAWS))  # taken up where it was
    assert len(after) == 24
    assert before.items() <= after.items()  # and not done again
    assert_same_bits(opened(folder / "results.zarr"), held_run)


def damage(folder: Path) -> None:
    blocks = sorted((folder / "blocks").rglob("*.npz"))
    cut = blocks[1].read_bytes()
    blocks[1].write_bytes(cut[: len(cut) // 2])
    flipped = bytearray(blocks[2].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    blocks[2].write_bytes(bytes(flipped))
    blocks[3].write_bytes(b"")
    blocks[4].unlink()


def test_a_damaged_block_is_found_and_done_again(
    held_scenario: Scenario, held_run: xr.Dataset, tmp_path: Path
) -> None:
    folder, work = LocalFolder(tmp_path), work_of(held_scenario, block_draws=4)
    claim(folder, work)
    assert list(run_here(folder, work, work.jobs())) == list(work.jobs())
    assert not damaged_jobs(folder, work, work.jobs())
    damage(tmp_path)
    found = damaged_jobs(folder, work, work.jobs())
    assert [job.block.number for job in found] == [1, 2, 3, 4]
    report = carry_out(folder, work)
    assert report.blocks_run == 4  # one was not there, three are found on putting together
    assert len(report.damaged) == 3
    assert_same_bits(opened(tmp_path / "results.zarr"), held_run)


# What is not in the address


@pytest.mark.parametrize(
    "settings",
    [
        {"rules.payment.risk_level": 0.2, "rules.payment.exchange.steepness": 0.5},
        {"rules.quality.case_minimum": 40, "rules.cost.case_minimum": 30},
        {"rules.final_score.missing_category": "neutral"},
    ],
)
def test_a_rule_changes_nothing_that_is_drawn(
    settings: dict[str, Any], make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    other = make_scenario(settings=settings)
    for cohort in ("HF", "LBP"):
        assert changed(variates(small_scenario, cohort), variates(other, cohort)) == set()


def test_a_rule_makes_a_paired_difference(
    make_scenario: MakeScenario, small_run: xr.Dataset
) -> None:
    """Twice the risk is twice the adjustment in each draw, for these are the same clinicians."""
    risk = {2027: 0.18, 2028: 0.18, 2029: 0.2, 2030: 0.22, 2031: 0.24}
    doubled = simulate(make_scenario(settings={"rules.payment.risk_level": risk}))
    np.testing.assert_array_equal(doubled.final_score_mean, small_run.final_score_mean)
    np.testing.assert_allclose(doubled.adjustment_sd, 2 * small_run.adjustment_sd, rtol=1e-9)


# Without a share of solo practices to be met, nobody's thresholds depend on the others.
APART = {"population.practice.solo_share": 0.0}


def alone(rows: Rows) -> str:
    """A clinician of HF whose practice lists nobody else."""
    listed = [row["practice_id"] for row in rows]
    return next(
        row["clinician_id"]
        for row in rows
        if row["cohort"] == "HF" and listed.count(row["practice_id"]) == 1
    )


def compare_rosters(
    make: MakeScenario,
    edit: Callable[[Rows, str], Rows],
    settings: dict[str, Any],
) -> tuple[str, list[str], list[str], Variates, Variates]:
    rows = roster_rows()
    one = alone(rows)
    before, after = make(settings=settings), make(rows=edit(rows, one), settings=settings)
    return one, ids(before, "HF"), ids(after, "HF"), variates(before, "HF"), variates(after, "HF")


def common(here: list[str], there: list[str], but: str) -> tuple[list[int], list[int]]:
    both = [name for name in here if name in there and name != but]
    assert len(both) > 60
    return [here.index(name) for name in both], [there.index(name) for name in both]


def removed(rows: Rows, one: str) -> Rows:
    return [row for row in rows if row["clinician_id"] != one]


def reordered(rows: Rows, _: str) -> Rows:
    return list(reversed(rows))


def other_size(rows: Rows, one: str) -> Rows:
    return [
        row | {"small_practice": "10"[int(row["small_practice"])]}
        if row["clinician_id"] == one
        else row
        for row in rows
    ]


def other_practice(rows: Rows, one: str) -> Rows:
    return [
        row | {"practice_id": "elsewhere"} if row["clinician_id"] == one else row for row in rows
    ]


def one_more(rows: Rows, _: str) -> Rows:
    return [{**rows[0], "clinician_id": "new", "practice_id": "new"}, *rows]


@pytest.mark.parametrize("edit", [removed, reordered, other_size, other_practice, one_more])
def test_only_the_clinician_who_changes_changes(edit: Any, make_scenario: MakeScenario) -> None:
    one, here, there, before, after = compare_rosters(make_scenario, edit, APART)
    assert changed(before, after, common(here, there, one)) == set()


def test_a_clinician_takes_its_own_variates_to_another_practice(
    make_scenario: MakeScenario,
) -> None:
    one, here, there, before, after = compare_rosters(make_scenario, other_practice, APART)
    column = ([here.index(one)], [there.index(one)])
    different = changed(before, after, column)
    own = {"hcc_risk_score", "dual_share", "part_b_payments", "episodes", "episode_cost", "cases"}
    assert own.isdisjoint(different)
    assert "true_rate" in different  # quality is in part the practice's


def test_true_performance_of_others_stays_with_the_default_solo_shares(
    make_scenario: MakeScenario,
) -> None:
    one, here, there, before, after = compare_rosters(make_scenario, removed, {})
    different = changed(before, after, common(here, there, one))
    assert different <= {"practice_size", "group", "rate", "completeness", "true_rate"} | {
        "improvement_activities",
        "pi_score",
    }
    columns = common(here, there, one)
    a, b = before["true_rate"][..., columns[0]], after["true_rate"][..., columns[1]]
    both = ~np.isnan(a) & ~np.isnan(b)  # who reports may depend on the class of practice size
    np.testing.assert_array_equal(a[both], b[both])


@pytest.mark.parametrize(
    ("settings", "may_change"),
    [
        (
            {"population.reporting.non_reporting_share": 0.5},
            {"rate", "completeness", "true_rate"},
        ),
        ({"population.cost.reliability_at_20": 0.3}, {"episode_cost", "true_cost"}),
        ({"population.quality.drift": 0.0}, {"rate", "true_rate"}),
        ({"population.quality.spread": 0.8}, {"rate", "true_rate"}),
        ({"population.part_b.trend": 0.0}, {"part_b_payments", "part_b_later", "paid"}),
        ({"population.departure.exit_share": 0.2}, {"paid"}),
        (
            {"population.improvement.share": 0.5, "population.improvement.per_year": 0.1},
            {"rate", "true_rate", "episode_cost", "true_cost"},
        ),
        (
            {
                "population.patient_selection.share": 0.5,
                "population.patient_selection.yearly_change": -0.2,
            },
            {"hcc_risk_score", "dual_share"},
        ),
        ({"population.group_effects.quality.dual_share": -0.2}, {"rate", "true_rate"}),
        ({"population.group_effects.cost.hcc": 0.1}, {"episode_cost", "true_cost"}),
        (
            {
                "population.behaviour.programmes.telehealth.share": 0.5,
                "population.behaviour.programmes.telehealth.effect_on_cost": -0.1,
            },
            {"episode_cost", "true_cost"},
        ),
        ({"population.behaviour.volume.avoidance_share": 0.5}, {"episodes", "episode_cost"}),
        ({"population.episodes.counts": "exact"}, {"episodes", "episode_cost", "true_cost"}),
        ({"population.cases.counts": "exact"}, {"cases", "rate", "true_rate"}),
        ({"population.attestation.persistence": 0.5}, {"improvement_activities", "pi_score"}),
        ({"population.attestation.full_score_share": 0.5}, {"pi_score"}),
        ({"population.attestation.full_credit_share": 0.1}, {"improvement_activities", "pi_score"}),
        (
            {"population.episodes.yearly_drift_sd": 0.3},
            {"episodes", "episode_cost"},
        ),
        ({"population.patients.hcc_floor": 1.5}, {"hcc_risk_score"}),
        (
            {"population.quality.measures.Q008.cases_median": 20},
            {"cases", "rate", "true_rate"},
        ),
    ],
)
def test_a_setting_of_the_population_changes_what_it_is_about(
    settings: dict[str, Any],
    may_change: set[str],
    make_scenario: MakeScenario,
    small_scenario: Scenario,
) -> None:
    before, after = (variates(s, "HF") for s in (small_scenario, make_scenario(settings=settings)))
    different = changed(before, after)
    assert different
    assert different <= may_change


def test_non_reporting_leaves_the_rates_of_those_who_still_report(
    make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    more = make_scenario(settings={"population.reporting.non_reporting_share": 0.5})
    before, after = variates(small_scenario, "HF"), variates(more, "HF")
    still = ~np.isnan(after["rate"])
    assert (~np.isnan(before["rate"]) | ~still).all()  # nobody starts to report
    np.testing.assert_array_equal(after["rate"][still], before["rate"][still])


def test_one_measure_leaves_the_others(
    make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    """Measures have slots of their own: another one's cases touch nothing of theirs."""
    other = make_scenario(settings={"population.quality.measures.Q008.cases_median": 20})
    before, after = variates(small_scenario, "HF"), variates(other, "HF")
    for name in ("rate", "cases"):
        same = [
            np.array_equal(before[name][:, m], after[name][:, m], equal_nan=True) for m in range(5)
        ]
        assert same == [True, False, True, True, True], name


@pytest.mark.parametrize("seed", [8, 7 + 2**32, 2**64 - 1])
def test_another_seed_changes_everything(
    seed: int, small_scenario: Scenario, small_run: xr.Dataset
) -> None:
    other = small_scenario.with_draws(None, seed)
    before, after = variates(small_scenario, "HF"), variates(other, "HF")
    for name in ("hcc_risk_score", "dual_share", "part_b_payments", "episode_cost", "true_cost"):
        equal = before[name] == after[name]
        assert equal.mean() < 0.01, name  # (HCC scores at the floor are equal)
    assert not (simulate(other).adjustment_mean == small_run.adjustment_mean).any()


def test_draws_differ_from_each_other(small_run: xr.Dataset) -> None:
    values = small_run.adjustment_mean.values
    for c in range(2):
        for y in range(5):
            assert len(np.unique(values[:, c, y])) == len(values)


# Layers

POPULATION = {"hcc_risk_score", "dual_share", "part_b_payments", "practice_size", "collection"}
POPULATION |= {"true_cost", "paid", "part_b_later", "specialty", "group"}


def test_population_off_holds_who_the_clinicians_are(held_scenario: Scenario) -> None:
    first, later = variates(held_scenario, "LBP", 0), variates(held_scenario, "LBP", 17)
    different = changed(first, later)
    assert POPULATION.isdisjoint(different)
    measured = {"episodes", "episode_cost", "rate", "cases", "completeness", "pi_score"}
    assert measured <= different
    both = ~np.isnan(first["true_rate"]) & ~np.isnan(later["true_rate"])
    np.testing.assert_array_equal(first["true_rate"][both], later["true_rate"][both])


def test_the_population_that_is_held_is_that_of_draw_0(
    held_scenario: Scenario, small_scenario: Scenario
) -> None:
    assert changed(variates(held_scenario, "HF", 0), variates(small_scenario, "HF", 0)) == set()


def test_measurement_off_observes_the_truth_with_reporting_as_realised(
    make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    """What is observed of draw 0 without sampling, against draw 0 as sampled."""
    exact = make_scenario(layers='{population: "on", measurement: "off"}')
    for cohort in ("HF", "LBP"):
        without, sampled = variates(exact, cohort), variates(small_scenario, cohort)
        np.testing.assert_array_equal(without["rate"], without["true_rate"])
        np.testing.assert_array_equal(without["episode_cost"], without["true_cost"])
        assert changed(without, sampled) == {"rate", "episode_cost"}
        np.testing.assert_array_equal(np.isnan(without["rate"]), np.isnan(sampled["rate"]))


def test_measurement_off_leaves_no_chance(make_scenario: MakeScenario) -> None:
    dataset = simulate(make_scenario(layers='{population: "on", measurement: "off"}', draws=4))
    assert (dataset.misclassified_share == 0).all()
    assert (dataset.chance_sd == 0).all()
    np.testing.assert_allclose(dataset.rank_correlation_with_truth, 1, rtol=1e-12)
    np.testing.assert_array_equal(dataset.panel_adjustment, dataset.panel_true_adjustment)


def test_both_layers_off_repeat_one_draw(make_scenario: MakeScenario) -> None:
    dataset = simulate(make_scenario(layers='{population: "off", measurement: "off"}', draws=3))
    for name in ("adjustment_mean", "final_score_sd", "retained_by_medicare"):
        assert (dataset[name] == dataset[name].isel(draw=0)).all()
    assert (dataset.clinician_adjustment_sd == 0).all()


def test_a_practice_with_both_cohorts_is_the_same_in_both(small_scenario: Scenario) -> None:
    plan: Plan = make_plan(small_scenario)
    hf, lbp = variates(small_scenario, "HF"), variates(small_scenario, "LBP")
    roster = plan.roster
    in_hf = roster.practice[roster.slice_of("HF")]
    in_lbp = roster.practice[roster.slice_of("LBP")]
    shared = sorted(set(in_hf) & set(in_lbp))
    assert len(shared) > 5
    for practice in shared:
        i, j = list(in_hf).index(practice), list(in_lbp).index(practice)
        for name in ("practice_size", "improvement_activities", "pi_score"):
            np.testing.assert_array_equal(hf[name][..., i], lbp[name][..., j])
