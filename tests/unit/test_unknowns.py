"""What is open in a scenario, at which points it is run, and what is refused before anything is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from asm_sim import memory
from asm_sim.errors import InputError
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import sweep_of_points
from asm_sim.unknowns.axes import Axis, open_axes, settled, with_levers
from asm_sim.unknowns.outcome import Outcome, parse_outcome
from asm_sim.unknowns.points import CENTRAL, one_at_a_time, sampled
from asm_sim.unknowns.question import ask
from tests.unit.refusal import refused

STEEPNESS = "rules.payment.exchange.steepness"
MISSING = "rules.final_score.missing_category"
MIX = "population.specialty_mix.LBP"


@pytest.fixture(scope="module")
def baseline() -> Scenario:
    return load_scenario("baseline")


@pytest.fixture(scope="module")
def axes(baseline: Scenario) -> list[Axis]:
    return open_axes(baseline)


def axis_of(axes: list[Axis], path: str) -> Axis:
    return next(axis for axis in axes if axis.path == path)


def test_open_are_numbers_with_low_and_high_and_readings(
    baseline: Scenario, axes: list[Axis]
) -> None:
    leaves = baseline.leaves()
    for axis in axes:
        leaf = leaves[axis.path]
        assert leaf.readings or (leaf.low, leaf.high) == (axis.low, axis.high)
        assert not axis.path.startswith("rules.") or leaf.is_open
    steepness = axis_of(axes, STEEPNESS)
    assert steepness.alternatives() == [("low", 0.05), ("high", 0.2)]
    assert [steepness.at(u) for u in (0.0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx(
        [0.05, 0.075, 0.1, 0.15, 0.2]
    )
    anchor = axis_of(axes, "rules.cost.standard_deviation_curve.anchor")
    assert anchor.alternatives() == [("low", 5.5)]  # its central value is its high
    assert anchor.at(0.7) == anchor.at(1.0) == 7.5


def test_readings_are_cut_by_their_weights(axes: list[Axis]) -> None:
    missing = axis_of(axes, MISSING)
    assert missing.readings == (("reweight", 0.6), ("neutral", 0.2), ("zero", 0.2))
    assert [missing.at(u) for u in (0.0, 0.59, 0.61, 0.79, 0.81, 1.0)] == [
        "reweight", "reweight", "neutral", "neutral", "zero", "zero",
    ]  # fmt: skip
    assert missing.alternatives() == [("neutral", "neutral"), ("zero", "zero")]


def test_what_the_scenario_sets_is_not_open() -> None:
    decided = load_scenario("baseline", [(STEEPNESS, 0.15), (MISSING, "zero")])
    known = {axis.path for axis in open_axes(decided)}
    assert not known & {STEEPNESS, MISSING}
    asked = {axis.path for axis in with_levers([], decided, [STEEPNESS, MISSING])}
    assert asked == {STEEPNESS, MISSING}


def test_levers_move_as_they_are_asked_to(baseline: Scenario, axes: list[Axis]) -> None:
    share = "rules.payment.redistribution_share"
    found = with_levers(axes, baseline, [f"{share}=0.7, 1", STEEPNESS, "rules.cost.shrinkage"])
    assert (axis_of(found, share).low, axis_of(found, share).high) == (0.7, 1.0)
    assert axis_of(found, STEEPNESS) == axis_of(axes, STEEPNESS)
    assert [w for _, w in axis_of(found, "rules.cost.shrinkage").readings] == [1 / 3] * 3
    narrow = with_levers(axes, baseline, [f"{STEEPNESS}=0.09,0.11"])
    assert axis_of(narrow, STEEPNESS).alternatives() == [("low", 0.09), ("high", 0.11)]
    assert len(narrow) == len(axes)
    cap = axis_of(with_levers([], baseline, ["rules.payment.cap=1,2"]), "rules.payment.cap")
    assert [value for value, _ in cap.readings] == ["none", 1, 2]


@pytest.mark.parametrize(
    ("lever", "told"),
    [
        ("rules.payment.steepness", "no parameter is called so"),
        ("steepness", "did you mean 'rules.payment.exchange.steepness'?"),
        ("rules.payment.exchange", "it is a group; name one of: rules.payment.exchange.form"),
        (f"{STEEPNESS}=0.2,0.3", "the scenario has 0.1, which must lie between low and high"),
        ("population.practice.large_share", "no parameter is called so"),
        ("mips.levels.non_reporting", "MIPS is scored beside ASM"),
        ("rules.peers.size_limits", "nothing says between what it may move"),
    ],
)
def test_what_cannot_be_moved_is_told(baseline: Scenario, lever: str, told: str) -> None:
    assert told in refused(with_levers, [], baseline, [lever])


def test_only_some_are_looked_at() -> None:
    asked = ask("baseline", only=["rules.payment", "population.cost.sd.HF"])
    paths = [axis.path for axis in asked.axes]
    assert "population.cost.sd.HF" in paths
    assert STEEPNESS in paths
    assert all(path.startswith(("rules.payment.", "population.cost.sd.HF")) for path in paths)


def test_shares_of_a_mix_keep_their_sum(axes: list[Axis]) -> None:
    mix = [axis for axis in axes if axis.mix == MIX]
    assert len(mix) == 6
    total = sum(axis.central for axis in mix)
    for axis in mix:
        for _, end in axis.alternatives():
            shares = settled(axes, {axis.path: end})
            assert shares[axis.path] == pytest.approx(end)
            assert sum(shares.values()) == pytest.approx(total)
            for other in mix:
                assert other.low - 1e-9 <= shares[other.path] <= other.high + 1e-9
    every = settled(axes, {axis.path: axis.high for axis in mix})
    assert sum(every.values()) == pytest.approx(total)
    several = settled(axes, {axis.path: axis.high for axis in mix[:4]})  # the rest cannot make up
    assert sum(several.values()) == pytest.approx(total)
    assert len(several) == 6


def test_points_are_scenarios_with_one_thing_moved(baseline: Scenario, axes: list[Axis]) -> None:
    points = one_at_a_time(axes)
    assert next(iter(points.settings)) == CENTRAL
    assert len(points.settings) == len(points.alternatives) + 1
    sweep = sweep_of_points(baseline, points.settings)
    assert len(sweep) == len(points.settings)
    assert sweep.hashes[0] == (baseline.rules_hash, baseline.population_hash, baseline.mips_hash)
    assert len(set(sweep.hashes)) == len(sweep)
    moved = sweep.scenario(list(points.settings).index(f"{STEEPNESS}=0.05"))
    assert moved.rules.payment.exchange.steepness.value == 0.05
    assert moved.layers.parameters == "off"


def test_points_of_a_design_are_its_quantiles(baseline: Scenario, axes: list[Axis]) -> None:
    points = sampled(axes, "morris", 3, 1)
    assert points.quantiles is not None
    assert points.quantiles.shape == (3, len(axes) + 1, len(axes))
    sweep = sweep_of_points(baseline, points.settings)
    flat = points.quantiles.reshape(-1, len(axes))
    for k, axis in enumerate(axes):
        if not axis.mix:
            assert sweep.value(5, axis.path) == axis.at(flat[5, k])
    pairs = sampled(axes[:4], "sobol", 8, 1).quantiles
    assert pairs is not None
    assert pairs.shape == (8, 6, 4)
    for k in range(4):  # column k + 1 is the first sample with input k of the second
        of_second = [i == k for i in range(4)]
        np.testing.assert_array_equal(
            pairs[:, k + 1], np.where(of_second, pairs[:, 5], pairs[:, 0])
        )


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"outcome": "share_negativ"}, "did you mean 'share_negative'?"),
        ({"outcome": "adjustment_at_score"}, "write adjustment_at_score(60)"),
        ({"outcome": "share_negative(5)"}, "write share_negative"),
        ({"method": "sobl"}, "did you mean 'sobol'?"),
        ({"method": "sobol", "rows": 100}, "power of two"),
        ({"method": "effects", "rows": 100}, "rows belong to morris and sobol"),
        ({"method": "morris", "rows": 1}, "give 2 or more"),
        ({"method": "morris", "rows": 1_000_000}, "at most 100,000: give fewer"),
        ({"draws": 1}, "cannot tell luck from sensitivity"),
        ({"only": ["rules.paiment"]}, "nothing open is called so"),
        ({"only": ["rules.payment.exchang"]}, "did you mean 'rules.payment.exchange.steepness'"),
        ({"year": 2026}, "2026 is no performance year"),
    ],
)
def test_what_cannot_be_asked_is_one_message(asked: dict[str, Any], told: str) -> None:
    assert told in refused(ask, "baseline", **asked)


def test_a_design_larger_than_memory_is_refused(
    axes: list[Axis], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 10_000_000)
    sampled(axes[:20], "morris", 2, 1)
    with pytest.raises(InputError) as error:
        sampled(axes[:20], "morris", 400, 1)
    assert "runs over" in str(error.value)
    assert "10 MB are free: give fewer rows" in str(error.value)
    assert "\n" not in str(error.value)


def test_available_memory_is_that_of_this_machine() -> None:
    there = memory.available_memory()
    assert there is None or 1e7 < there < 1e14


def test_outcomes_have_a_name_and_words() -> None:
    assert parse_outcome(" adjustment_at_score( 60 ) ") == Outcome("adjustment_at_score", 60.0)
    outcome = parse_outcome("adjustment_quantile(.05)")
    assert outcome.name == "adjustment_quantile(0.05)"
    assert outcome.words == "Quantile over clinicians of the adjustment factor (quantile 0.05)"
    assert outcome.units == "fraction"
