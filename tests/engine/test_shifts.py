"""Runs of one scenario that share some layers and differ in others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr

from asm_sim.engine.dataset import in_memory
from asm_sim.engine.execute import run_block
from asm_sim.engine.frame import LARGEST_SHIFT, make_frame
from asm_sim.engine.plan import make_plan
from asm_sim.scenario.schema import Layers, Scenario
from tests.conftest import MakeScenario
from tests.engine.same import assert_same_bits

DRAWS, BY = 3, 2
ALL = dict.fromkeys(Layers.model_fields, BY)


@pytest.fixture(scope="module")
def scenario(make_scenario: MakeScenario) -> Scenario:
    return make_scenario(layers='{parameters: "on"}', draws=DRAWS)


def run(scenario: Scenario, shifts: Mapping[str, int] | None = None) -> xr.Dataset:
    plan = make_plan(scenario, panel=scenario.draws, lens=1, shifts=shifts)
    return in_memory(plan, [run_block(plan, block) for block in plan.blocks()])


@pytest.fixture(scope="module")
def as_it_is(scenario: Scenario) -> xr.Dataset:
    return run(scenario)


def test_all_layers_shifted_are_the_draws_that_come_later(scenario: Scenario) -> None:
    """Bit for bit, with the parameters that those draws have."""
    later = run(scenario.with_draws(DRAWS + BY, None))
    shifted = run(scenario, ALL)
    for name in ("share_negative", "retained_by_medicare", "parameter_value", "panel_adjustment"):
        first = later[name].dims[0]
        expected = later[name].isel({first: slice(BY, BY + DRAWS)})
        np.testing.assert_array_equal(shifted[name], expected, err_msg=name)
    np.testing.assert_array_equal(shifted.draw, np.arange(DRAWS))


def test_no_shift_is_none(scenario: Scenario, as_it_is: xr.Dataset) -> None:
    assert_same_bits(run(scenario, dict.fromkeys(ALL, 0)), as_it_is)


@pytest.mark.parametrize("layer", ["population", "measurement", "parameters"])
def test_one_layer_alone_moves(scenario: Scenario, as_it_is: xr.Dataset, layer: str) -> None:
    shifted = run(scenario, {layer: LARGEST_SHIFT})
    same = {
        "parameter_value": layer != "parameters",
        "panel_group": layer == "measurement",
        "panel_true_final_score": layer == "nothing",
        "share_negative": layer == "nothing",
    }
    for name, expected in same.items():
        assert np.array_equal(shifted[name], as_it_is[name], equal_nan=True) == expected, name


def test_what_is_held_is_not_moved(make_scenario: MakeScenario) -> None:
    held = make_scenario(
        layers='{population: "off", measurement: "off", selection: "off"}', draws=DRAWS
    )
    assert_same_bits(run(held, ALL), run(held))


def test_a_shifted_block_is_another_block(scenario: Scenario) -> None:
    frames = [make_frame(scenario, shifts=s) for s in (None, {}, {"population": 1}, ALL)]
    none, empty, one, every = (frame.fingerprint() for frame in frames)
    assert none == empty
    assert len({none, one, every}) == 3


@pytest.mark.parametrize("shifts", [{"weather": 1}, {"population": -1}, {"population": 2**32}])
def test_no_shift_of_a_layer(scenario: Scenario, shifts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no shift of a layer"):
        make_frame(scenario, shifts=shifts)
