"""The parameter layer: drawn from its ranges, addressed, and nothing but other values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from asm_sim import drawn
from asm_sim.drawn import OUTSIDE, SET, two_piece_uniform
from asm_sim.engine import execute
from asm_sim.engine import frame as frame_module
from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.execute import _empty_output, _laid, _simulate
from asm_sim.engine.plan import Plan, make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.parameters import leaves, with_values
from asm_sim.population.parameter_layer import kept_to_sum
from asm_sim.population.ranges import NOTHING_TO_GIVE, ranges_of
from asm_sim.population.schema import Population
from asm_sim.results.open import open_results
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import load_sweep
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import LocalFolder
from asm_sim.store.work import work_of
from tests.conftest import POPULATION, MakeScenario, roster_rows, write_roster
from tests.engine.same import assert_same_bits

ON = '{parameters: "on"}'
MIX = "population.specialty_mix.LBP"
RELIABILITY = "population.cost.reliability_at_20"
DRAWS = 6


def settings_of(run: xr.Dataset, draw: int) -> dict[str, Any]:
    """What sets the parameters that a draw has."""
    values = run.parameter_value.isel(draw=draw)
    return {
        str(path): float(value)
        for path, value in zip(run.parameter.values, values.values, strict=True)
        if np.isfinite(value)
    }


def plain(run: xr.Dataset) -> xr.Dataset:
    """The run without what only the parameter layer adds."""
    added = {"parameter_value", "parameter", "parameter_unit"} & set(run.variables)
    return run.drop_vars(added)


def ranged(low: float, high: float, *paths: str) -> Callable[[Population], Population]:
    """A change of a population: another range of each parameter, from ``low`` to ``high`` times
    its value."""

    def change(population: Population) -> Population:
        data = population.model_dump()
        for path, leaf in leaves(population):
            if leaf.low is not None and leaf.high is not None and (not paths or path in paths):
                node: Any = data
                for part in path.split("."):
                    node = node[part]
                value = node["value"]
                node |= {"low": low * value, "high": high * value}
        return Population.model_validate(data)

    return change


@pytest.fixture(scope="module")
def drawn_scenario(make_scenario: MakeScenario) -> Scenario:
    return make_scenario(layers=ON, draws=DRAWS)


@pytest.fixture(scope="module")
def drawn_run(drawn_scenario: Scenario) -> xr.Dataset:
    return simulate(drawn_scenario)


def values_of(plan: Plan, draws: int) -> np.ndarray:
    return np.asarray(plan.parameter_values(0, draws))


# What is drawn


def test_draws_lie_between_low_and_high_with_the_value_as_median(drawn_scenario: Scenario) -> None:
    draws = 4000
    plan = make_plan(drawn_scenario)
    values = values_of(plan, draws)
    in_mix = np.array([item.path.startswith(MIX) for item in drawn_scenario.ranges])
    for k, item in enumerate(drawn_scenario.ranges):
        own = values[:, k]
        assert item.low <= own.min() < own.max() <= item.high, item.path
        if not in_mix[k]:  # shares of a mix give and take
            above = (own > item.value).mean() if item.high > item.value else 0.5
            assert abs(above - 0.5) < 4 * 0.5 / draws**0.5, item.path
            below = (own < item.value).mean() if item.value > item.low else 0.5
            assert abs(below - 0.5) < 4 * 0.5 / draws**0.5, item.path
    np.testing.assert_allclose(values[:, in_mix].sum(1), 1.0, atol=1e-9)
    correlation = np.corrcoef(values[:, ~in_mix].T) - np.eye((~in_mix).sum())
    assert abs(correlation).max() < 5 / draws**0.5


def test_both_pieces_are_uniform() -> None:
    uniform = (np.arange(1000) + 0.5) / 1000
    drawn = two_piece_uniform(uniform, *(np.full(1000, x) for x in (1.0, 2.0, 6.0)))
    np.testing.assert_allclose(np.quantile(drawn, [0.25, 0.5, 0.75]), [1.5, 2.0, 4.0], atol=0.01)
    np.testing.assert_allclose(drawn.mean(), (1.5 + 4.0) / 2)


def test_a_mix_keeps_its_sum_and_its_ranges() -> None:
    generator = np.random.default_rng(4)
    for _ in range(200):
        ends = np.sort(generator.uniform(0, 1, (3, 5)), axis=0)
        drawn = generator.uniform(ends[0], ends[2])
        kept = kept_to_sum(drawn, ends[0], ends[2], float(ends[1].sum()))
        assert kept.sum() == pytest.approx(ends[1].sum(), abs=1e-12)
        assert (kept >= ends[0]).all()
        assert (kept <= ends[2]).all()
    same = kept_to_sum(ends[1], ends[0], ends[2], float(ends[1].sum()))
    np.testing.assert_array_equal(same, ends[1])


def test_every_drawn_population_is_one_that_the_schema_takes(drawn_scenario: Scenario) -> None:
    plan = make_plan(drawn_scenario)
    assert plan.parameters is not None
    for draw in range(50):
        population = plan.parameters.at(plan.seed_words(), draw)
        assert Population.model_validate(population.model_dump()) == population
        changed = {
            path
            for (path, leaf), (_, own) in zip(
                leaves(population, "population"),
                leaves(drawn_scenario.population, "population"),
                strict=True,
            )
            if leaf != own
        }
        assert changed <= {item.path for item in drawn_scenario.ranges}


# An address


def test_a_parameter_is_drawn_alike_whatever_else_is(make_scenario: MakeScenario) -> None:
    """Held or not, in whatever population; another seed draws another."""
    base = make_plan(make_scenario(layers=ON))
    paths = [item.path for item in base.parameters.ranges] if base.parameters else []
    settings = {f"{RELIABILITY}.HF": 0.5, "population.episodes.sigma": 1.1}
    some = make_plan(make_scenario(layers=ON, settings=settings))
    one, other = values_of(base, 20), values_of(some, 20)
    for k, path in enumerate(paths):
        if path in settings:
            assert np.isnan(other[:, k]).all()
        else:
            np.testing.assert_array_equal(one[:, k], other[:, k])
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(values_of(base, 5), one[:5])
    assert (values_of(make_plan(make_scenario(layers=ON, seed=8)), 20) != one).mean() > 0.9


def test_the_same_bits_for_any_threads_blocks_and_draws(
    drawn_scenario: Scenario, drawn_run: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = simulate(drawn_scenario.with_draws(4, None))
    for name in drawn_run.data_vars:
        first = drawn_run[name].dims[0]
        if first in {"draw", "draw_sample", "lens_draw"}:
            np.testing.assert_array_equal(
                short[name], drawn_run[name].isel({first: slice(0, 4)}), err_msg=str(name)
            )
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    monkeypatch.setattr(execute, "DRAWS_PER_TASK", 2)
    monkeypatch.setattr(frame_module, "BLOCK_DRAWS", 4)
    assert_same_bits(simulate(drawn_scenario), drawn_run)


# Nothing but other values


def test_a_draw_is_the_run_in_which_its_values_are_set(
    make_scenario: MakeScenario, drawn_run: xr.Dataset
) -> None:
    """With the layer off, bit for bit: the strongest thing that can be said of a draw."""
    for draw in (0, DRAWS - 1):
        values = settings_of(drawn_run, draw)
        assert len(values) == drawn_run.sizes["parameter"]
        run = simulate(make_scenario(settings=values, draws=draw + 1))
        for name in run.data_vars:
            first = run[name].dims[0]
            if first in {"draw", "draw_sample", "lens_draw"}:
                np.testing.assert_array_equal(
                    run[name].isel({first: draw}),
                    drawn_run[name].isel({first: draw}),
                    err_msg=str(name),
                )
    other = simulate(make_scenario(draws=DRAWS))
    assert (other.final_score_mean != drawn_run.final_score_mean).all()


def test_the_table_of_a_draw_has_its_parameters(
    make_scenario: MakeScenario, drawn_scenario: Scenario, drawn_run: xr.Dataset
) -> None:
    values = settings_of(drawn_run, 1)
    set_here = cohort_table(make_scenario(settings=values), draw=1)
    drawn = cohort_table(drawn_scenario, draw=1)
    assert drawn.equals(set_here)
    assert not drawn.equals(cohort_table(make_scenario(), draw=1))


@pytest.mark.parametrize("held", [False, True])
def test_ranges_without_width_change_nothing(
    held: bool, make_scenario: MakeScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is the clinician's sums over draws that are kept."""
    population = f'population: "{"off" if held else "on"}"'
    off = make_scenario(layers=f"{{{population}}}", draws=DRAWS)
    on = make_scenario(layers=f'{{{population}, parameters: "on"}}', draws=DRAWS)
    on = replace(on, population=ranged(1.0, 1.0)(on.population))
    monkeypatch.setattr(execute, "DRAWS_PER_TASK", 4)
    run, base = simulate(on, open_draws=0), simulate(off, open_draws=0)
    assert ("clinician_rank_sd" in run) == held
    assert_same_bits(plain(run), base)
    expected = [item.value for item in on.ranges]
    np.testing.assert_array_equal(run.parameter_value, np.tile(expected, (DRAWS, 1)))


def test_off_there_is_nothing_of_it(small_run: xr.Dataset, small_scenario: Scenario) -> None:
    assert "parameter_value" not in small_run
    assert "parameter" not in small_run.coords
    assert "parameter_layer" not in small_run.attrs
    assert small_scenario.ranges == ()
    assert make_plan(small_scenario).parameters is None


def test_draws_by_themselves_fill_what_they_fill_together(small_scenario: Scenario) -> None:
    """Beside counts and sums, in which draws are added up, each has a room of its own."""

    def arrays(part: Any) -> Iterator[np.ndarray]:
        for item in part:
            if isinstance(item, tuple):
                yield from arrays(item)
            else:
                yield from [item[name] for name in item.dtype.names or ()] or [item]

    plan = make_plan(small_scenario, panel=2, lens=1)
    cohort = plan.cohorts[0]
    together, alone = (_empty_output(plan, cohort, 0, 3) for _ in range(2))
    laid = _laid(cohort)
    _simulate(plan, laid, 0, 3, together)
    for position in range(3):
        _simulate(plan, laid, position, 1, alone, position)
    for one, other in zip(arrays(together), arrays(alone), strict=True):
        np.testing.assert_array_equal(one, other)


def test_groups_are_the_same_in_every_draw(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(layers=ON)
    population = scenario.population
    mean = population.patients.dual_logit_mean
    uncertain = mean.model_copy(update={"low": mean.value - 1, "high": mean.value + 1})
    patients = population.patients.model_copy(update={"dual_logit_mean": uncertain})
    plan = make_plan(
        replace(scenario, population=population.model_copy(update={"patients": patients}))
    )
    central = plan.cohorts[0].model
    drawn = [plan.of_draw(plan.cohorts[0], draw).model for draw in range(3)]
    assert len({model.patients.dual_logit_mean for model in drawn}) == 3
    for model in drawn:
        np.testing.assert_array_equal(model.groups.dual_limits, central.groups.dual_limits)


# What is held


def test_what_is_set_is_held_also_at_its_own_value(make_scenario: MakeScenario) -> None:
    settings = {
        RELIABILITY: {"HF": 0.5},
        "population.reporting.non_reporting_share": 0.1,
        "population.episodes": {"mean": {"LBP": 70.0}},
    }
    scenario = make_scenario(layers=ON, settings=settings)
    held = {item.path: item.held for item in scenario.ranges if item.held}
    expected = [
        f"{RELIABILITY}.HF",
        "population.reporting.non_reporting_share.solo",
        "population.reporting.non_reporting_share.small",
        "population.reporting.non_reporting_share.medium",
        "population.reporting.non_reporting_share.large",
        "population.episodes.mean.LBP",
    ]
    assert held == dict.fromkeys(expected, SET)
    without = make_scenario(layers=ON, settings={f"{RELIABILITY}.HF": 0.5})
    assert without.hash("r") != make_scenario(layers=ON).hash("r")
    assert without.population_hash == make_scenario(layers=ON).population_hash


def test_a_mix_of_which_shares_are_set(make_scenario: MakeScenario) -> None:
    """The others give and take among themselves; a last one has nothing to give."""
    two = {f"{MIX}.neurosurgery": 0.2, f"{MIX}.anesthesiology": 0.08}
    scenario = make_scenario(layers=ON, settings=two)
    plan = make_plan(scenario)
    in_mix = [k for k, item in enumerate(scenario.ranges) if item.path.startswith(MIX)]
    values = values_of(plan, 50)[:, in_mix]
    np.testing.assert_allclose(np.nansum(values, axis=1), 1 - 0.28)
    assert np.isnan(values).sum() == 2 * 50
    names = list(scenario.population.specialty_mix["LBP"])
    shares = {name: leaf.value for name, leaf in scenario.population.specialty_mix["LBP"].items()}
    all_but_one = {f"{MIX}.{name}": shares[name] for name in names[1:]}
    last = make_scenario(layers=ON, settings={**all_but_one})
    held = {item.path: item.held for item in last.ranges}
    assert held[f"{MIX}.{names[0]}"] == NOTHING_TO_GIVE


def test_a_value_outside_its_range_is_held(drawn_scenario: Scenario) -> None:
    population = with_values(drawn_scenario.population, {"episodes.sigma": 2.0})
    held = {item.path: item.held for item in ranges_of(population, ()) if item.held}
    assert held == {"population.episodes.sigma": OUTSIDE}


def test_the_result_says_what_is_drawn_held_and_fixed(make_scenario: MakeScenario) -> None:
    import json

    run = simulate(make_scenario(layers=ON, settings={f"{RELIABILITY}.HF": 0.6}, draws=2))
    layer = json.loads(run.attrs["parameter_layer"])
    assert layer["held"] == {f"{RELIABILITY}.HF": SET}
    assert layer["drawn"][f"{RELIABILITY}.LBP"] == [0.35, 0.55, 0.75]
    assert set(layer["drawn"]) | set(layer["held"]) == set(run.parameter.values)
    assert "population.patients.hcc_floor" in layer["without_range"]
    finite = np.isfinite(run.parameter_value).all("draw")
    assert {str(path) for path in run.parameter.values[~finite]} == set(layer["held"])
    for name in ("parameter", "parameter_unit", "parameter_value"):
        assert run[name].attrs["units"]
        assert run[name].attrs["long_name"]
    assert run.parameter_unit.sel(parameter=f"{RELIABILITY}.HF") == "reliability"


# On disk, and in a sweep


def files(folder: Path, layers: str = ON) -> None:
    write_roster(folder / "small.csv", roster_rows())
    (folder / "small.yaml").write_text(POPULATION)
    (folder / "base.yaml").write_text(
        "title: B\npopulation: small\nextends: baseline\ndraws: 5\nseed: 7\n"
        f"panel_draws: 2\nlens_draws: 2\nlayers: {layers}\n"
        "set: {rules.quality.benchmark_minimum_clinicians: 8}\n"
    )


def test_a_stored_run_is_the_run_in_memory_and_layers_do_not_mix(tmp_path: Path) -> None:
    files(tmp_path)
    scenario = load_scenario(tmp_path / "base.yaml")
    carry_out(LocalFolder(tmp_path / "run"), work_of(scenario, 2))
    assert_same_bits(open_results(tmp_path / "run").load(), simulate(scenario))
    files(tmp_path, '{parameters: "off"}')
    off = work_of(load_scenario(tmp_path / "base.yaml"), 2)
    assert off.hash != work_of(scenario, 2).hash
    with pytest.raises(InputError, match="layers"):
        carry_out(LocalFolder(tmp_path / "run"), off)


def test_a_sweep_holds_what_each_scenario_sets(tmp_path: Path) -> None:
    files(tmp_path)
    (tmp_path / "sweep.yaml").write_text(
        "title: S\nextends: base\ndraws: 3\nsweep:\n"
        f"  list: {{as it is: {{}}, reliable: {{{RELIABILITY}.HF: 0.65}}}}\n"
    )
    carry_out(LocalFolder(tmp_path / "sweep"), work_of(load_sweep(tmp_path / "sweep.yaml")))
    ds = open_results(tmp_path / "sweep").load()
    as_it_is, reliable = (ds.parameter_value.sel(scenario=name) for name in ds.scenario.values)
    assert np.isfinite(as_it_is).all()
    here = ds.parameter == f"{RELIABILITY}.HF"
    assert reliable.sel(parameter=here).isnull().all()
    np.testing.assert_array_equal(
        reliable.sel(parameter=~here).values, as_it_is.sel(parameter=~here).values
    )
    assert "parameter_layer" not in ds.attrs


# What is refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"episodes.minimum": {"value": 38.0}}, r"episodes: .*mean.HF.*above the minimum, 38"),
        ({"quality.spread": {"high": 99.0}}, "quality.spread: 99 is out of range: 0 to 10"),
        (
            {"quality.measures.Q236.distributions.cqm.sd": {"low": 10.0, "high": 49.0}},
            "Q236.distributions.cqm: with sd 49: no beta distribution",
        ),
    ],
)
def test_ranges_that_do_not_fit_are_refused(
    changes: dict[str, dict[str, float]], words: str, drawn_scenario: Scenario
) -> None:
    data = drawn_scenario.population.model_dump()
    for path, change in changes.items():
        node: Any = data
        for part in path.split("."):
            node = node[part]
        node |= change
    with pytest.raises(InputError, match=words):
        ranges_of(Population.model_validate(data), ())


def test_a_layer_with_nothing_to_draw_is_refused(drawn_scenario: Scenario) -> None:
    data = drawn_scenario.population.model_dump()

    def bare(node: Any) -> None:
        for item in node.values() if isinstance(node, dict) else ():
            if isinstance(item, dict) and "status" in item:
                item |= {"low": None, "high": None}
            bare(item)

    bare(data)
    with pytest.raises(InputError, match="no number of the population has low and high"):
        ranges_of(Population.model_validate(data), ())


def test_refused_where_the_scenario_is_read(tmp_path: Path) -> None:
    files(tmp_path)
    with pytest.raises(InputError, match=r"base\.yaml, line 8: .*layers\.parameters is on"):
        load_scenario(tmp_path / "base.yaml", [("population.episodes.minimum", 38.0)])
    with pytest.raises(InputError, match=r'layers: \{parameters: "on"\}'):
        load_scenario("baseline", ["population.uncertainty=on"])


def test_the_middle_of_every_range_is_the_central_value(
    make_scenario: MakeScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the median of all parameters a draw is that of the layer off."""

    def median(_seed: Any, entity: np.ndarray, *_: Any) -> np.ndarray:
        return np.full((4, entity.shape[1]), 0.5)

    monkeypatch.setattr(drawn, "uniforms_at", median)
    run = simulate(make_scenario(layers=ON, draws=2))
    assert_same_bits(plain(run), simulate(make_scenario(draws=2)))
