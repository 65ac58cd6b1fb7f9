"""The readings layer: what is open of the rule, drawn by weight and range, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

import asm_sim as asm
from asm_sim.drawn import BY_YEAR, NO_READING, SET, chosen_reading
from asm_sim.engine import execute
from asm_sim.engine import frame as frame_module
from asm_sim.engine import plan as plan_module
from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.plan import make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.parameters import Choice, Number, Switch, YearlyNumber, leaves, with_values
from asm_sim.results.describe import drawn_parameters, source_line
from asm_sim.results.open import open_results
from asm_sim.rules.leaves import Cap
from asm_sim.rules.load import load_rules
from asm_sim.rules.readings import ReadingsLayer, open_leaves, readings_of
from asm_sim.rules.schema import RuleSet
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import duplicates, load_sweep
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import LocalFolder
from asm_sim.store.work import work_of
from tests.conftest import POPULATION, MakeScenario, roster_rows, write_roster
from tests.engine.same import assert_same_bits

ON = '{readings: "on"}'
BOTH = '{readings: "on", parameters: "on"}'
DRAWS, MANY = 8, 4000
SEED = np.array([7, 0], np.uint64)
RULES = load_rules()
STEEPNESS = "rules.payment.exchange.steepness"
ZERO_SCORERS = "rules.payment.zero_scorers_in_pool_base"
MISSING = "rules.final_score.missing_category"
# Of the shipped rule set: numbers between low and high, and choices by weight.
NUMBERS = (
    STEEPNESS,
    "rules.cost.standard_deviation_curve.anchor",
    "rules.quality.standard_deviation_curve.anchor",
    "rules.quality.benchmark_minimum_clinicians",
)
CHOICES = (
    ZERO_SCORERS,
    MISSING,
    "rules.complex_patient.form",
    "rules.complex_patient.component_maximum",
)


def changed(**leaves_of: dict[str, Any]) -> RuleSet:
    """The shipped rule set with other entries of parameters, by dotted path with ``__``."""
    data = RULES.model_dump()
    for path, change in leaves_of.items():
        node: Any = data
        for part in path.split("__"):
            node = node[part]
        node |= change
    return RuleSet.model_validate(data)


def settings_of(run: xr.Dataset, draw: int) -> dict[str, Any]:
    """What sets the parameters that a draw has, readings by their names."""
    values = run.parameter_value.isel(draw=draw)
    settings: dict[str, Any] = {}
    leaves_of = load_scenario("baseline").leaves()
    for path, value, names in zip(
        run.parameter.values, values.values, run.parameter_readings.values, strict=True
    ):
        if np.isfinite(value):
            settings[str(path)] = float(value)
            if names:
                name = str(names).split("|")[int(value)]
                settings[str(path)] = leaves_of[str(path)].reading(name)
    return settings


def alone(scenario: Scenario) -> xr.Dataset:
    """A run without open draws beside its own."""
    return simulate(scenario, open_draws=0)


@pytest.fixture(scope="module")
def drawn_scenario(make_scenario: MakeScenario) -> Scenario:
    return make_scenario(layers=ON, draws=DRAWS)


@pytest.fixture(scope="module")
def drawn_run(drawn_scenario: Scenario) -> xr.Dataset:
    return alone(drawn_scenario)


# What is drawn


def test_what_is_open_of_the_shipped_rule_set() -> None:
    assert {*NUMBERS, *CHOICES} <= set(open_leaves(RULES))
    items = {item.path: item for item in readings_of(RULES, ())}
    for path, leaf in leaves(RULES, "rules"):
        drawn = leaf.is_open and (leaf.readings is not None or leaf.low is not None)
        assert (path in items) == drawn, path
    assert not any(item.held for item in items.values())


def test_readings_are_drawn_by_their_weights_and_numbers_around_their_values() -> None:
    """Each share within the bounds that the binomial distribution puts on it."""
    layer = ReadingsLayer(readings_of(RULES, ()), RULES)
    values = np.array([layer.values(SEED, draw) for draw in range(MANY)])
    for k, item in enumerate(layer.ranges):
        own = values[:, k]
        shares = dict(enumerate(item.weights))
        if not item.readings:
            assert item.low <= own.min() < own.max() <= item.high, item.path
            own = np.where(own < item.value, 0, np.where(own > item.value, 2, 1))
            below, above = item.low < item.value, item.value < item.high
            shares = {0: 0.5 * below, 1: 0.5 * (2 - below - above), 2: 0.5 * above}
        for position, share in shares.items():
            lowest, highest = binom.interval(1 - 1e-6, MANY, share)
            assert lowest <= (own == position).sum() <= highest, (item.path, position)
    correlation = np.corrcoef(values.T) - np.eye(len(layer.ranges))
    assert abs(correlation).max() < 5 / MANY**0.5


def test_weights_are_relative_and_a_reading_has_its_part_of_the_line() -> None:
    one, other = (
        readings_of(changed(payment__zero_scorers_in_pool_base={"readings": weights}), ())
        for weights in ({"true": 0.7, "false": 0.3}, {"true": 14.0, "false": 6.0})
    )
    by_path = {item.path: item for item in one}
    assert by_path[ZERO_SCORERS].weights == pytest.approx((0.7, 0.3))
    assert {item.path: item for item in other}[ZERO_SCORERS].weights == pytest.approx((0.7, 0.3))
    at = [chosen_reading(u, (0.6, 0.2, 0.2)) for u in (0.0, 0.59, 0.61, 0.79, 0.81, 1.0)]
    assert at == [0, 0, 1, 1, 2, 2]


def test_a_parameter_is_drawn_alike_whatever_else_is() -> None:
    """Held or not, and with the layer of the population on or off; another seed draws another."""
    layer = ReadingsLayer(readings_of(RULES, ()), RULES)
    some = ReadingsLayer(readings_of(RULES, [(STEEPNESS, 0.1), (MISSING, "zero")]), RULES)
    for draw in range(20):
        one, other = layer.values(SEED, draw), some.values(SEED, draw)
        for k, item in enumerate(layer.ranges):
            if item.path in {STEEPNESS, MISSING}:
                assert np.isnan(other[k])
            else:
                assert one[k] == other[k], item.path
    assert layer.values(SEED, 0).tolist() != layer.values(SEED + np.uint64(1), 0).tolist()


def test_one_value_for_all_years_and_every_drawn_rule_set_is_one_that_the_schema_takes() -> None:
    layer = ReadingsLayer(readings_of(RULES, ()), RULES)
    drawn = {item.path for item in layer.ranges}
    for draw in range(30):
        rules = layer.at(SEED, draw)
        assert RuleSet.model_validate(rules.model_dump()) == rules
        pairs = zip(leaves(rules, "rules"), leaves(RULES, "rules"), strict=True)
        assert {path for (path, leaf), (_, own) in pairs if leaf != own} <= drawn
        steepness = rules.payment.exchange.steepness
        assert len({steepness.at(year) for year in rules.years}) == 1


# Nothing but other values


@pytest.mark.parametrize("layers", [ON, BOTH])
def test_a_draw_is_the_run_in_which_its_values_are_set(
    make_scenario: MakeScenario, layers: str
) -> None:
    """With the layers off, bit for bit, MIPS with it: the strongest thing to be said of a draw."""
    drawn_run = alone(make_scenario(layers=layers, draws=DRAWS))
    for draw in (1, DRAWS - 1):
        run = alone(make_scenario(settings=settings_of(drawn_run, draw), draws=draw + 1))
        for name in run.data_vars:
            first = run[name].dims[0]
            if first in {"draw", "draw_sample", "lens_draw"}:
                np.testing.assert_array_equal(
                    run[name].isel({first: draw}),
                    drawn_run[name].isel({first: draw}),
                    err_msg=str(name),
                )
    other = alone(make_scenario(draws=DRAWS))
    assert (other.share_negative != drawn_run.share_negative).any(
        ["cohort", "performance_year"]
    ).sum() > DRAWS / 2


def test_the_table_of_a_draw_scores_as_the_draw_is_scored(
    make_scenario: MakeScenario, drawn_scenario: Scenario, drawn_run: xr.Dataset
) -> None:
    assert cohort_table(drawn_scenario, draw=1).equals(cohort_table(make_scenario(), draw=1))
    settings = settings_of(drawn_run, 1) | {"rules.quality.benchmark_minimum_clinicians": 8}
    scored = asm.score(
        cohort_table(drawn_scenario, draw=1),
        settings={path.removeprefix("rules."): value for path, value in settings.items()},
    )
    factor = scored.groupby(["cohort", "performance_year"]).payment_adjustment_factor
    expected = drawn_run.share_negative.isel(draw=1).to_series()
    np.testing.assert_allclose(factor.apply(lambda x: (x < 0).mean()), expected, atol=1e-12)


def test_the_same_bits_for_any_threads_blocks_and_draws(
    drawn_scenario: Scenario, drawn_run: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = alone(drawn_scenario.with_draws(4, None))
    for name in ("share_negative", "parameter_value", "panel_adjustment"):
        first = drawn_run[name].dims[0]
        np.testing.assert_array_equal(short[name], drawn_run[name].isel({first: slice(0, 4)}))
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    monkeypatch.setattr(execute, "DRAWS_PER_TASK", 2)
    monkeypatch.setattr(frame_module, "BLOCK_DRAWS", 4)
    assert_same_bits(alone(drawn_scenario), drawn_run)


def test_off_there_is_nothing_of_it(small_run: xr.Dataset, make_scenario: MakeScenario) -> None:
    """Nor in the hash, where the key says so or says nothing."""
    assert "parameter_readings" not in small_run.coords
    off, silent = make_scenario(layers='{readings: "off"}'), make_scenario()
    assert off.readings == ()
    assert off.hash("r") == silent.hash("r") != make_scenario(layers=ON).hash("r")
    assert make_plan(off).readings is None
    with_parameters = alone(make_scenario(layers='{parameters: "on"}', draws=2))
    assert "parameter_readings" not in with_parameters.coords


def test_what_medicare_keeps_of_the_amount_at_risk(
    drawn_scenario: Scenario, drawn_run: xr.Dataset
) -> None:
    """15 % where zero scorers are in the pool base. Else 1 - 0.85 x the share of payments that is
    not of zero scorers: the pool pays 85 % of what those have at risk, and zero scorers lose all.
    """
    kept = drawn_run.retained_by_medicare / drawn_run.amount_at_risk
    inside = drawn_run.parameter_value.sel(parameter=ZERO_SCORERS) == 0
    assert inside.any()
    assert not inside.all()
    np.testing.assert_allclose(kept.sel(draw=inside), 0.15, rtol=1e-9)
    for draw in drawn_run.draw.values[~inside.values][:2]:
        settings = settings_of(drawn_run, draw) | {"rules.quality.benchmark_minimum_clinicians": 8}
        table = cohort_table(drawn_scenario, draw=int(draw))
        scored = asm.score(
            table, settings={path.removeprefix("rules."): v for path, v in settings.items()}
        )
        assert (scored.final_score == 0).any()
        paid = table.assign(final_score=scored.final_score.to_numpy()).dropna(
            subset=["final_score"]
        )
        keys = ["cohort", "performance_year"]
        everyone = paid.groupby(keys).part_b_payments.sum()
        not_zero = paid[paid.final_score > 0].groupby(keys).part_b_payments.sum()
        expected = 1 - 0.85 * not_zero / everyone
        np.testing.assert_allclose(kept.sel(draw=draw).to_series(), expected, rtol=1e-9)
    assert (kept.sel(draw=~inside) > 0.15).any()


def test_a_lever_is_solved_over_the_draws_of_the_readings(
    drawn_scenario: Scenario, drawn_run: xr.Dataset
) -> None:
    """What Medicare keeps is what is at risk less the share of what each draw's reading pays on."""
    every = ("cohort", "performance_year")
    at_risk = float(drawn_run.amount_at_risk.sum(every).mean())
    base = float(drawn_run.incentive_pool.sum(every).mean()) / 0.85
    assert base < 0.999 * at_risk
    share = "rules.payment.redistribution_share"
    found = asm.solve(drawn_scenario, share, f"retained_by_medicare={0.3 * at_risk}")
    assert found.status == "met"
    assert found.value == pytest.approx(0.7 * at_risk / base, rel=1e-5)


def test_what_of_the_rule_reaches_population_and_mips_is_listed(small_scenario: Scenario) -> None:
    """Whatever else is drawn of the rule, they need not be compiled anew for it."""
    base = make_plan(small_scenario)
    kinds = (Number, YearlyNumber, Cap, Switch, Choice)

    def parts(rules: RuleSet) -> str:
        given = (small_scenario.population, rules, base.listed, base.roster)
        return repr([plan_module._of_population(*given, name) for name in rules.cohorts])

    def of_mips(rules: RuleSet) -> str:
        return repr([plan_module._of_mips(small_scenario.mips, rules, c) for c in rules.cohorts])

    central, mips = parts(RULES), of_mips(RULES)
    for path, leaf in leaves(RULES):
        if not isinstance(leaf, kinds):
            continue
        other: Any = [choice for choice in getattr(leaf, "choices", []) if choice != leaf.value]
        if isinstance(leaf, Switch):
            other = [not leaf.value]
        elif not isinstance(leaf, Choice):
            other = [0.123]
        for value in other[:1]:
            rules = with_values(RULES, {path: value})
            if not path.startswith(plan_module.READ_BY_POPULATIONS):
                assert parts(rules) == central, path
            if not path.startswith(plan_module.READ_BY_MIPS):
                assert of_mips(rules) == mips, path
    assert parts(with_values(RULES, {"participation.episode_minimum": 3.0})) != central


# What is kept of it


def test_the_result_says_what_is_drawn_held_and_fixed(
    make_scenario: MakeScenario, drawn_run: xr.Dataset
) -> None:
    readings = dict(
        zip(drawn_run.parameter.values, drawn_run.parameter_readings.values, strict=True)
    )
    assert readings[MISSING] == "reweight|neutral|zero"
    assert readings[STEEPNESS] == ""
    run = alone(make_scenario(layers=BOTH, settings={MISSING: "zero"}, draws=2))
    layer = json.loads(run.attrs["parameter_layer"])
    assert layer["held"] == {MISSING: SET, "rules.quality.benchmark_minimum_clinicians": SET}
    assert layer["drawn"][STEEPNESS] == [0.05, 0.1, 0.2]
    assert layer["drawn"][ZERO_SCORERS] == {"true": 0.7, "false": 0.3}
    assert set(layer["drawn"]) | set(layer["held"]) == set(run.parameter.values)
    assert "rules.payment.cap" in layer["without_range"]
    assert "population.cost.persistence" in layer["drawn"] | dict.fromkeys(layer["without_range"])
    assert run.parameter_value.sel(parameter=MISSING).isnull().all()
    assert f"{len(layer['drawn'])} parameters drawn" in source_line(run)
    assert drawn_parameters(run) == list(layer["drawn"])


def test_what_is_set_is_held_and_so_is_what_has_no_middle(make_scenario: MakeScenario) -> None:
    by_year = {year: 0.1 + 0.01 * k for k, year in enumerate(RULES.years)}
    rules = changed(
        payment__exchange__steepness={"value": by_year},
        complex_patient__component_maximum={"value": 7.0},
    )
    held = {item.path: item.held for item in readings_of(rules, ()) if item.held}
    assert held == {STEEPNESS: BY_YEAR, "rules.complex_patient.component_maximum": NO_READING}
    alike = changed(payment__exchange__steepness={"value": dict.fromkeys(RULES.years, 0.15)})
    (steepness,) = (item for item in readings_of(alike, ()) if item.path == STEEPNESS)
    assert (steepness.value, steepness.held) == (0.15, "")
    scenario = make_scenario(layers=ON, settings={"rules.payment.exchange": {"steepness": 0.1}})
    assert {item.path for item in scenario.readings if item.held == SET} == {
        STEEPNESS,
        "rules.quality.benchmark_minimum_clinicians",
    }
    assert scenario.hash("r") != make_scenario(layers=ON).hash("r")


def test_with_everything_open_draws_stay_pairs(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(layers='{population: "off"}', draws=3)
    opened = scenario.opened()
    assert opened.layers.model_dump() == {
        **scenario.layers.model_dump(),
        "parameters": "on",
        "readings": "on",
    }
    assert (opened.draws, opened.seed) == (scenario.draws, scenario.seed)
    assert make_plan(opened).drawables
    settled = replace(scenario, rules=with_values(scenario.rules, {}))
    for path in open_leaves(settled.rules):
        data = settled.rules.model_dump()
        node: Any = data
        for part in path.split(".")[1:]:
            node = node[part]
        node["status"] = "regulation"
        settled = replace(settled, rules=RuleSet.model_validate(data))
    assert settled.opened().layers.readings == "off"
    assert settled.opened().readings == ()


# On disk, and in a sweep


def files(folder: Path, more: str = "") -> None:
    write_roster(folder / "small.csv", roster_rows())
    (folder / "small.yaml").write_text(POPULATION)
    (folder / "base.yaml").write_text(
        "title: B\npopulation: small\nextends: baseline\ndraws: 5\nseed: 7\n"
        f'panel_draws: 2\nlens_draws: 2\nlayers: {{readings: "on"}}\n{more}'
    )


def test_a_stored_run_is_the_run_in_memory(tmp_path: Path) -> None:
    files(tmp_path)
    scenario = load_scenario(tmp_path / "base.yaml")
    carry_out(LocalFolder(tmp_path / "run"), work_of(scenario, 2))
    assert_same_bits(open_results(tmp_path / "run").load(), simulate(scenario))


def test_a_sweep_holds_what_each_scenario_sets(tmp_path: Path) -> None:
    files(tmp_path)
    (tmp_path / "sweep.yaml").write_text(
        "title: S\nextends: base\ndraws: 3\nsweep:\n"
        f"  list: {{as it is: {{}}, steep: {{{STEEPNESS}: 0.2}}, held: {{{STEEPNESS}: 0.1}}}}\n"
    )
    sweep = load_sweep(tmp_path / "sweep.yaml")
    assert duplicates(sweep) == []
    carry_out(LocalFolder(tmp_path / "sweep"), work_of(sweep))
    ds = open_results(tmp_path / "sweep").load()
    as_it_is, steep, held = (ds.parameter_value.sel(scenario=name) for name in ds.scenario.values)
    assert np.isfinite(as_it_is).all()
    here = ds.parameter == STEEPNESS
    assert steep.sel(parameter=here).isnull().all()
    np.testing.assert_array_equal(steep, held)
    np.testing.assert_array_equal(
        steep.sel(parameter=~here).values, as_it_is.sel(parameter=~here).values
    )


# What is refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"payment__exchange__steepness": {"high": 200.0}},
            "rules.payment.exchange.steepness: 200 is out of range: 0 to 100",
        ),
        (
            {"final_score__weight_cost": {"status": "assumption", "low": 0.4, "high": 0.6}},
            "with rules.final_score.weight_cost 0.4: .* sum to 0.9 in 2027, not 1",
        ),
        (
            {"measures__Q236__suspended": {"status": "assumption", "low": 0.0, "high": 1.0}},
            r"Q236.suspended 0\.70.*is neither 0 \(in use\) nor 1",
        ),
        (
            {
                "payment__exchange__form": {
                    "status": "assumption",
                    "readings": {"logistic": 1.0, "threshold": 1.0},
                },
                "payment__neutral_band": {"status": "assumption", "low": 0.0, "high": 2.0},
            },
            "with rules.payment.exchange.form threshold and rules.payment.neutral_band 1.4.*"
            "leave it at 0",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        readings_of(changed(**changes), ())


def test_refused_where_the_scenario_is_read(tmp_path: Path) -> None:
    """Where nothing is open, and where the population does not fit what is drawn."""
    files(tmp_path, "rules: mine\n")
    text = "extends: asm-2026-final\nid: mine\ntitle: Mine\n"
    closed = [path.split(".")[1:] for path in open_leaves(RULES)]
    (tmp_path / "mine.yaml").write_text(text + nested(closed, "{status: regulation}"))
    with pytest.raises(InputError, match=r"base\.yaml, line 8: layers\.readings is on, but no par"):
        load_scenario(tmp_path / "base.yaml")
    case_minimum = "cost: {case_minimum: {status: assumption, low: 10, high: 30}}\n"
    (tmp_path / "mine.yaml").write_text(text + case_minimum)
    load_scenario(tmp_path / "base.yaml")
    with pytest.raises(InputError, match="the population does not fit everything that is drawn"):
        load_scenario(tmp_path / "base.yaml", ["population.behaviour.volume.avoidance_share=0.5"])


def nested(paths: list[list[str]], leaf: str) -> str:
    """A YAML document with the same leaf at each path."""
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for part in path:
            node = node.setdefault(part, {})
    return "".join(_lines(tree, leaf, ""))


def _lines(tree: dict[str, Any], leaf: str, indent: str) -> list[str]:
    lines = []
    for name, inside in tree.items():
        lines += (
            [f"{indent}{name}:\n", *_lines(inside, leaf, f"{indent}  ")]
            if inside
            else [f"{indent}{name}: {leaf}\n"]
        )
    return lines


def test_no_lens_where_a_reading_allows_none(make_scenario: MakeScenario) -> None:
    rules = changed(
        peers__basis={
            "status": "assumption",
            "readings": {"condition": 1.0, "practice_size": 1.0},
        }
    )
    scenario = replace(make_scenario(layers=ON, draws=2), rules=rules)
    assert make_plan(scenario).lens_draws == 0
    with pytest.raises(InputError, match=r"rules\.peers\.basis is practice_size"):
        make_plan(scenario, lens=1)
