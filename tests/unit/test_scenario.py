"""Scenario files: what is refused, with one message that names file and line, and what works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import asm_sim as asm
from asm_sim.engine.plan import make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.scenario.load import load_scenario, shipped
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import load_sweep
from asm_sim.store.work import work_of
from tests.conftest import POPULATION, roster_rows, write_roster

HEAD = "title: Mine\nextends: baseline\n"  # lines 1 and 2
YEARS = (2027, 2028, 2029, 2030, 2031)
STEEPNESS = "rules.payment.exchange.steepness"
FORM, MIDPOINT = "rules.payment.exchange.form", "rules.payment.exchange.midpoint"
TWO_YEARS = "  rules.performance_years: [2027, 2028]\n  rules.payment.risk_level: 0.09\n"
AVERAGING = "rules.final_score.averaging_years"
REFERENCE = "rules.cost.benchmark_reference"
STRUCK = "population.shocks.circumstances"
BEHAVIOUR = "population.behaviour"
EFFORT = f"{BEHAVIOUR}.effort.response_to_loss"
TELEHEALTH = f"{BEHAVIOUR}.programmes.telehealth"
INCENTIVES = f"{BEHAVIOUR}.programmes.patient_incentives.usd_per_patient_year"
VOLUME = f"{BEHAVIOUR}.volume"
CHOICE = f"{BEHAVIOUR}.collection_choice.share"
SLOT = "population.quality.measures.Q238.slot"

# The file; the line of the complaint (None: of the file as a whole); words in it.
REFUSED: dict[str, tuple[str, int | None, str]] = {
    "empty file": ("", None, "the file is empty"),
    "only a comment": ("# nothing\n", None, "the file is empty"),
    "a list": ("- title: Mine\n", 1, "expected a mapping"),
    "a word": ("baseline\n", 1, "expected a mapping"),
    "a tag": (f"{HEAD}draws: !!python/object:os.system 5\n", 3, "tags"),
    "a tag on a key": (f"{HEAD}!x draws: 5\n", 3, "tags"),
    "an anchor": (f"{HEAD}draws: &n 5\nseed: *n\n", 3, "anchors"),
    "not YAML": (f"{HEAD}set: {{a: 1\n", 4, "not valid YAML"),
    "two documents": (f"{HEAD}---\ntitle: Other\n", 3, "not valid YAML"),
    "duplicate key": (f"{HEAD}draws: 5\ndraws: 6\n", 4, "'draws' is given twice"),
    "duplicate setting": (
        f"{HEAD}set:\n  {STEEPNESS}: 0.1\n  {STEEPNESS}: 0.2\n",
        5,
        f"'{STEEPNESS}' is given twice",
    ),
    "unknown key": (f"{HEAD}drawz: 5\n", 3, "unknown key 'drawz' (did you mean 'draws'?)"),
    "unknown layer": (
        f"{HEAD}layers:\n  measurment: 'on'\n",
        4,
        "'layers.measurment' (did you mean 'measurement'?)",
    ),
    "NaN": (f"{HEAD}set:\n  {STEEPNESS}: .nan\n", 4, "not a finite number"),
    "infinity": (f"{HEAD}set:\n  {STEEPNESS}: -.inf\n", 4, "not a finite number"),
    "out of range": (f"{HEAD}set:\n  {STEEPNESS}: 101\n", 4, "101 is out of range: 0 to 100"),
    "negative": (f"{HEAD}set:\n  rules.payment.risk_level: -0.1\n", 4, "-0.1 is out of range"),
    "out of range in a year": (
        f"{HEAD}set:\n  rules.payment.risk_level:\n    2027: 0.1\n    2028: 1.5\n",
        4,
        "1.5 is out of range",
    ),
    "population out of range": (
        f"{HEAD}set:\n  population.reporting.non_reporting_share.solo: 1.2\n",
        4,
        "1.2 is out of range",
    ),
    "a word for a number": (f"{HEAD}set:\n  {STEEPNESS}: steep\n", 4, "got 'steep'"),
    "a quoted number": (f"{HEAD}set:\n  {STEEPNESS}: '0.1'\n", 4, "got '0.1'"),
    "a flag for a number": (f"{HEAD}set:\n  {STEEPNESS}: true\n", 4, "got True"),
    "nothing for a number": (f"{HEAD}set:\n  {STEEPNESS}:\n", 4, "got None"),
    "a list for a number": (f"{HEAD}set:\n  {STEEPNESS}: [0.1]\n", 4, "got [0.1]"),
    "a word in a list": (
        f"{HEAD}set:\n  rules.quality.decile_percentiles: [10, some]\n",
        4,
        "got 'some'",
    ),
    "a word for a year": (
        f"{HEAD}set:\n  rules.payment.risk_level: {{2027: some}}\n",
        4,
        "got 'some'",
    ),
    "a number for a flag": (
        f"{HEAD}set:\n  rules.payment.zero_scorers_in_pool_base: 1\n",
        4,
        "got 1",
    ),
    "an unknown choice": (
        f"{HEAD}set:\n  rules.final_score.missing_category: reweigh\n",
        4,
        "did you mean 'reweight'?",
    ),
    "a year that is none": (
        f"{HEAD}set:\n  rules.payment.risk_level: {{2026: 0.1}}\n",
        4,
        "2026 is not a performance year; the years are 2027 to 2031",
    ),
    "a year that is a word": (
        f"{HEAD}set:\n  rules.payment.risk_level: {{first: 0.1}}\n",
        4,
        "'first' is not a performance year",
    ),
    "years for what has none": (
        f"{HEAD}set:\n  rules.small_practice.small_maximum_clinicians: {{2027: 9}}\n",
        4,
        "'small_practice.small_maximum_clinicians' has no values by year; give one for all years",
    ),
    "years for what a population has once": (
        f"{HEAD}set:\n  population.cost.reliability_at_20.HF: {{2027: 0.5}}\n",
        4,
        "'cost.reliability_at_20.HF' has no values by year; give one for all years",
    ),
    "no years for what has some": (
        f"{HEAD}set:\n  {STRUCK}.named: [FL]\n",
        4,
        "named' has values by year; write a mapping of years to values",
    ),
    "unknown parameter": (
        f"{HEAD}set:\n  rules.payment.exchange.steepnes: 0.2\n",
        4,
        "did you mean 'steepness'?",
    ),
    "unknown root": (f"{HEAD}set:\n  rule.payment.cap: 1\n", 4, "did you mean 'rules'?"),
    "root alone": (
        f"{HEAD}set:\n  rules: 1\n",
        4,
        "'rules' is no parameter; it must begin with 'rules.', 'population.' or 'mips.' and name "
        "one, such as rules.payment.exchange.steepness",
    ),
    "root with years": (f"{HEAD}set:\n  rules: {{2027: 1}}\n", 4, "'rules' is no parameter"),
    "nothing below a root": (f"{HEAD}set:\n  rules: {{}}\n", 4, "'rules' is no parameter"),
    "a tree with a mistake": (
        f"{HEAD}set:\n  rules:\n    payment:\n      exchange: {{steepnes: 0.2}}\n",
        6,
        "no 'steepnes' in 'payment.exchange' (did you mean 'steepness'?)",
    ),
    "a tree out of range": (
        f"{HEAD}set:\n  rules:\n    payment:\n      exchange: {{steepness: 101}}\n",
        6,
        "101 is out of range",
    ),
    "a superscript digit": (
        f"{HEAD}set:\n  rules.cohorts.²: 1\n",
        4,
        "unknown parameter 'cohorts.²'",
    ),
    "years as a mapping": (
        f"{HEAD}set:\n  rules.performance_years: {{2027: 1}}\n  rules.payment.risk_level: "
        "{2027: 0.1}\n",
        4,
        "performance_years",
    ),
    "years as a text": (
        f"{HEAD}set:\n  rules.performance_years: soon\n  rules.payment.risk_level: {{2027: 0.1}}\n",
        4,
        "performance_years",
    ),
    "years that are lists": (
        f"{HEAD}set:\n  rules.performance_years: [[2027]]\n  {STEEPNESS}: {{2027: 1}}\n",
        4,
        "performance_years",
    ),
    "a bracket in a key": (f"{HEAD}draws[0]: 5\n", 3, "'draws[0]' (did you mean 'draws'?)"),
    "a key called int": (f"{HEAD}int: 5\n", 3, "unknown key 'int'"),
    "a key called [key]": (f'{HEAD}"[key]": 5\n', 3, "unknown key '[key]'"),
    "a layer called float": (f"{HEAD}layers: {{float: 'on'}}\n", 3, "unknown key 'layers.float'"),
    "a name of 300 letters to extend": (f"title: x\nextends: {'a' * 300}\n", 2, "is called 'aaa"),
    "rules of 300 letters": (f"{HEAD}rules: {'a' * 300}\n", 3, "no rule set is called 'aaa"),
    "a population of 300 letters": (f"{HEAD}population: {'a' * 300}\n", 3, "is called 'aaa"),
    "below a parameter": (f"{HEAD}set:\n  {STEEPNESS}.value: 1\n", 4, "steepness.value"),
    "a group": (f"{HEAD}set:\n  rules.payment: 1\n", 4, "a group, not a parameter"),
    "nothing set": (f"{HEAD}set:\n  {STEEPNESS}: {{}}\n", 4, "nothing is set"),
    "settings as a list": (f"{HEAD}set: [a, b]\n", 3, "'set' must be a mapping"),
    "a cohort that is none": (
        f"{HEAD}set:\n  population.episodes.mean: {{HX: 50}}\n",
        4,
        "unknown parameter episodes.mean.HX",
    ),
    "weights that do not sum to 1": (
        f"{HEAD}set:\n  rules.final_score.weight_cost: 0.6\n",
        4,
        "sum to 1.1 in 2027, not 1",
    ),
    "an unknown base": (
        "title: Mine\nextends: baselin\n",
        2,
        "no scenario is called 'baselin' (did you mean 'baseline'?)",
    ),
    "a base by path": ("title: Mine\nextends: ../baseline.yaml\n", 2, "not a path"),
    "a base in a folder": ("title: Mine\nextends: /etc/passwd\n", 2, "not a path"),
    "a base that is a list": ("title: Mine\nextends: [baseline]\n", 2, "must be the name"),
    "itself as base": ("title: Mine\nextends: mine\n", 2, "circular"),
    "unknown rules": (f"{HEAD}rules: asm-2026\n", 3, "no rule set is called 'asm-2026'"),
    "rules by path": (f"{HEAD}rules: ../rules\n", 3, "not a path"),
    "unknown population": (f"{HEAD}population: everybody\n", 3, "no population is called"),
    "no draws": (f"{HEAD}draws: 0\n", 3, "greater than or equal to 1"),
    "draws below 0": (f"{HEAD}draws: -5\n", 3, "greater than or equal to 1"),
    "half a draw": (f"{HEAD}draws: 2.5\n", 3, "got 2.5"),
    "draws as a word": (f"{HEAD}draws: many\n", 3, "got 'many'"),
    "too many draws": (f"{HEAD}draws: 3000000000\n", 3, "less than or equal to"),
    "a seed below 0": (f"{HEAD}seed: -1\n", 3, "greater than or equal to 0"),
    "a seed of 65 bits": (f"{HEAD}seed: 18446744073709551616\n", 3, "less than"),
    "a layer that is neither": (f"{HEAD}layers: {{population: maybe}}\n", 3, "layers.population"),
    "no title": ("extends: baseline\n", None, "has no 'title'"),
    "an empty title": ("title: ''\nextends: baseline\n", 1, "title"),
    "a sweep": (f"{HEAD}sweep: {{grid: {{}}}}\n", 3, "this file describes a sweep"),
    # What may each be, but not together.
    "averages over more years than there are": (
        f"{HEAD}set:\n{TWO_YEARS}  {AVERAGING}: 3\n",
        6,
        "averaging_years: 3 is more than the number of performance years, 2",
    ),
    "a midpoint of ranks": (
        f"{HEAD}set:\n  {FORM}: rank\n  {MIDPOINT}: mean\n",
        5,
        "midpoint: 'mean' would do nothing, since the form 'rank' has no midpoint",
    ),
    "a pool beside a standard set in advance": (
        f"{HEAD}set:\n  {FORM}: threshold\n  rules.payment.redistribution_share: 1.0\n",
        5,
        "redistribution_share: 1 would do nothing, since the form 'threshold' has no pool; leave "
        "it at 0.85",
    ),
    "a steepness of a standard set in advance": (
        f"{HEAD}set:\n  {STEEPNESS}: {{2028: 0.2}}\n  {FORM}: threshold\n",
        4,
        "exchange.steepness: 0.1, 0.2 would do nothing, since the form 'threshold' has no slope of "
        "its own; leave it at 0.1",
    ),
    "a standard that everybody meets": (
        f"{HEAD}set:\n  {FORM}: threshold\n  rules.payment.exchange.threshold: 0\n",
        5,
        "threshold: 0 in 2027 is not between 0 and the highest final score, 100",
    ),
    "specialties within practices": (
        f"{HEAD}set:\n  rules.scoring_level.cost: practice\n  rules.peers.basis: specialty\n",
        5,
        "does not go with scoring practices as a whole",
    ),
    "last year's benchmarks of a group": (
        f"{HEAD}set:\n  rules.peers.basis: practice_size\n  {REFERENCE}: previous_year\n",
        5,
        "'previous_year' goes with peers.basis 'condition' alone",
    ),
    "a state that is none": (
        f"{HEAD}set:\n  {STRUCK}.named: {{2028: [FL, FX]}}\n",
        4,
        "named: 'FX' in 2028 is not the postal code of a state",
    ),
    "a disaster in a year that is none": (
        f"{HEAD}set:\n  {STRUCK}.named: {{2032: [FL]}}\n",
        4,
        "named: 2032 is not a performance year; the years are 2027 to 2031",
    ),
    "an adjustment that is never known": (
        f"{HEAD}set:\n  {EFFORT}: 0.1\n  {BEHAVIOUR}.feedback_lag: 5\n",
        5,
        f"{BEHAVIOUR}.feedback_lag: 5 years, so that no adjustment is known",
    ),
    "an adjustment that is known too late for the years": (
        f"{HEAD}set:\n{TWO_YEARS}  {EFFORT}: 0.1\n",
        4,
        f"{BEHAVIOUR}.feedback_lag: 2 years, so that no adjustment is known",
    ),
    "a programme that never begins": (
        f"{HEAD}set:\n  {TELEHEALTH}.share: 0.5\n  {TELEHEALTH}.first_year: 6\n",
        5,
        f"{TELEHEALTH}.first_year: 6, but there are 5 rules.performance_years",
    ),
    "a cheaper programme where costs are all the same": (
        f"{HEAD}set:\n  {TELEHEALTH}: {{share: 0.5, effect_on_cost: -0.1}}\n"
        "  population.cost.sd.HF: 0.0\n",
        4,
        "true cost has no spread in cohort 'HF'",
    ),
    "avoidance of nothing, by the target": (
        f"{HEAD}set:\n  {VOLUME}.avoidance_share: 0.1\n  {VOLUME}.avoidance_target: 20\n",
        5,
        "20 episodes are not below rules.cost.case_minimum, 20: nothing would be avoided",
    ),
    "avoidance of nothing, by the rule": (
        f"{HEAD}set:\n  {VOLUME}.avoidance_share: 0.1\n  rules.cost.case_minimum: 10\n",
        5,
        "episodes are not below rules.cost.case_minimum, 10: nothing would be avoided",
    ),
    "a choice between benchmarks that are one": (
        f"{HEAD}set:\n  {CHOICE}: 0.5\n  rules.quality.pool_collection_types: true\n",
        4,
        f"{CHOICE}: the choice is made by the cohort's benchmark",
    ),
    "more given to patients than is allowed": (
        f"{HEAD}set:\n  {INCENTIVES}: 1001\n",
        4,
        f"{INCENTIVES}: 1001 USD are more than",
    ),
    "a measure that nobody knows how clinicians do in": (
        f"{HEAD}set:\n  rules.cohorts.LBP.quality_measures: [Q238, Q134, Q001]\n",
        4,
        "no entry for measure 'Q001'",
    ),
    "measures that would share a stream": (
        f"{HEAD}set:\n  {SLOT}: 0\n  population.quality.measures.Q134.slot: 0\n",
        5,
        "has it already",
    ),
    "years with a gap": (
        f"{HEAD}set:\n{TWO_YEARS.replace('2028', '2029')}",
        4,
        "rules.performance_years: a simulation needs years without a gap",
    ),
}


def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_file_and_line(case: str, tmp_path: Path) -> None:
    text, line, words = REFUSED[case]
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    message = str(caught.value)
    assert words in message
    assert str(path) in message
    if line is not None:
        assert f"{path}, line {line}:" in message
    assert message.count(words) == 1
    assert "Traceback" not in message
    assert "pydantic" not in message


def test_several_problems_are_listed_together(tmp_path: Path) -> None:
    settings = f"set:\n  {STEEPNESS}: 101\n  rules.payment.risk_level: 2\n"
    with pytest.raises(InputError) as caught:
        load_scenario(write(tmp_path, HEAD + settings))
    assert "line 4" in str(caught.value)
    assert "line 5" in str(caught.value)


def test_a_circle_of_bases(tmp_path: Path) -> None:
    write(tmp_path, "title: A\nextends: b\n", "a.yaml")
    write(tmp_path, "title: B\nextends: a\n", "b.yaml")
    with pytest.raises(InputError, match="circular"):
        load_scenario(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("baselin", "did you mean 'baseline'?"),
        ("nowhere.yaml", "there is no such file"),
        ("folder/nowhere", "there is no such file"),
    ],
)
def test_a_scenario_that_is_not_there(name: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario(name)
    assert words in str(caught.value)


def test_a_folder_and_a_binary_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        load_scenario(tmp_path)
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00title")
    with pytest.raises(InputError, match="UTF-8"):
        load_scenario(path)


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("rules.payment.cap", "write it as path=value"),
        ("=3", "write it as path=value"),
        (f"{STEEPNESS}=", "got None"),
        (f"{STEEPNESS}=1e9", "out of range"),
        (f"{STEEPNESS}=.nan", "not a finite number"),
        (f"{STEEPNESS}=!!float 1", "tags"),
        (f"{STEEPNESS}=[", "not valid YAML"),
        ("payment.cap=1", "must begin with 'rules.', 'population.' or 'mips.'"),
        ("rules.payment.capp=1", "did you mean 'cap'?"),
        ("rules.payment.risk_level={2040: 0.1}", "2040 is not a performance year"),
    ],
)
def test_settings_from_the_command_line_are_refused_alike(assignment: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario("baseline", [assignment])
    assert words in str(caught.value)
    assert f"--set {assignment.partition('=')[0]}" in str(caught.value).replace("'", "")


@pytest.mark.parametrize(("draws", "seed"), [(0, None), (-1, None), (None, -1), (None, 2**64)])
def test_draws_and_seed_of_the_call_are_checked(draws: int | None, seed: int | None) -> None:
    with pytest.raises(InputError, match="--draws and --seed"):
        load_scenario("baseline").with_draws(draws, seed)


# What works


def steepness(scenario: Scenario) -> Any:
    return scenario.rules.payment.exchange.steepness.value


def test_shipped_scenarios_load() -> None:
    """The other single ones are read, and run, in ``test_shipped_scenarios.py``."""
    verbs = {entry.name: entry.verb for entry in shipped()}
    assert verbs["steepness-by-redistribution"] == "sweep"
    for name in ("baseline", "test-year"):
        assert verbs[name] == "run"
        assert make_plan(load_scenario(name)).clinicians > 0
    for name in (name for name, verb in verbs.items() if verb == "sweep"):
        assert len(work_of(load_sweep(name))) > 1


def test_a_file_without_a_base_extends_the_baseline(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, f"title: Steep\nset: {{{STEEPNESS}: 0.2}}\n"))
    baseline = load_scenario("baseline")
    assert (scenario.title, scenario.name) == ("Steep", "mine")
    assert scenario.draws == baseline.draws
    assert scenario.seed == baseline.seed
    assert steepness(scenario) == 0.2
    assert scenario.population_hash == baseline.population_hash
    assert scenario.rules_hash != baseline.rules_hash


def test_settings_from_the_command_line() -> None:
    scenario = load_scenario(
        "baseline",
        [
            f"{STEEPNESS}=0.2",
            "rules.payment.risk_level={2027: 0.02, 2028: 0.03}",
            "rules.payment.cap=none",
            "rules.payment.zero_scorers_in_pool_base=false",
            "population.episodes.mean.HF=50",
            ("population.quality.spread", 1.2),
        ],
    )
    assert steepness(scenario) == 0.2
    assert scenario.rules.payment.risk_level.value == {
        2027: 0.02,
        2028: 0.03,
        2029: 0.10,
        2030: 0.11,
        2031: 0.12,
    }
    assert scenario.rules.payment.cap.at(2027) == float("inf")
    assert scenario.rules.payment.zero_scorers_in_pool_base.value is False
    assert scenario.population.episodes.mean["HF"].value == 50
    assert scenario.population.episodes.mean["LBP"].value == 89
    assert scenario.population.quality.spread.value == 1.2


def test_settings_as_a_mapping() -> None:
    by_mapping = asm.simulate("baseline", draws=1, settings={STEEPNESS: 0.2})
    by_text = asm.simulate("baseline", draws=1, settings=[f"{STEEPNESS}=0.2"])
    assert (by_mapping.adjustment_mean == by_text.adjustment_mean).all()
    assert by_mapping.attrs["scenario_hash"] == by_text.attrs["scenario_hash"]
    assert json.loads(by_mapping.attrs["parameters"])[STEEPNESS] == 0.2


def test_one_year_of_what_had_one_value() -> None:
    scenario = load_scenario("baseline", [(STEEPNESS, {2029: 0.3})])
    assert [scenario.rules.payment.exchange.steepness.at(year) for year in (2028, 2029)] == [
        0.1,
        0.3,
    ]


def test_values_by_cohort() -> None:
    """One value for each, or some by name."""
    both = load_scenario("baseline", [("population.cost.reliability_at_20", 0.6)])
    assert [p.value for p in both.population.cost.reliability_at_20.values()] == [0.6, 0.6]
    one = load_scenario("baseline", [("population.cost.reliability_at_20", {"HF": 0.6})])
    assert [p.value for p in one.population.cost.reliability_at_20.values()] == [0.6, 0.55]
    sizes = load_scenario("baseline", [("population.reporting.non_reporting_share", 0.0)])
    assert sizes.population.reporting.non_reporting_share.values() == [0, 0, 0, 0]


def test_a_chain_of_bases_that_set_the_same_yearly_parameter(tmp_path: Path) -> None:
    """Settings follow one another: the later changes the years that it names."""
    risk = "rules.payment.risk_level"
    write(tmp_path, f"title: A\nset: {{{risk}: {{2027: 0.01, 2028: 0.02}}}}\n", "a.yaml")
    write(tmp_path, f"title: B\nextends: a\nset: {{{risk}: {{2028: 0.05}}}}\n", "b.yaml")
    write(tmp_path, f"title: C\nextends: b\nset: {{{risk}: 0.3, {STEEPNESS}: 0.2}}\n", "c.yaml")
    write(tmp_path, f"title: D\nextends: c\ndraws: 3\nset: {{{risk}: {{2031: 0.4}}}}\n", "d.yaml")
    loaded = {name: load_scenario(tmp_path / f"{name}.yaml") for name in "abcd"}
    levels = {
        name: [scenario.rules.payment.risk_level.at(year) for year in YEARS]
        for name, scenario in loaded.items()
    }
    assert levels == {
        "a": [0.01, 0.02, 0.10, 0.11, 0.12],
        "b": [0.01, 0.05, 0.10, 0.11, 0.12],
        "c": [0.3] * 5,
        "d": [0.3, 0.3, 0.3, 0.3, 0.4],
    }
    last = load_scenario(tmp_path / "d.yaml", [(STEEPNESS, 0.05)])
    assert (last.title, last.draws, steepness(last)) == ("D", 3, 0.05)


def test_a_mistake_in_a_base_is_told_where_it_stands(tmp_path: Path) -> None:
    write(tmp_path, f"title: A\ndraws: 5\nset:\n  {STEEPNESS}: 1000\n", "a.yaml")
    write(tmp_path, "title: B\nextends: a\n", "b.yaml")
    with pytest.raises(InputError) as caught:
        load_scenario(tmp_path / "b.yaml")
    assert f"{tmp_path / 'a.yaml'}, line 4" in str(caught.value)


def test_the_shipped_baseline_by_its_path() -> None:
    path = Path(__file__).parents[2] / "scenarios" / "baseline.yaml"
    assert load_scenario(path).rules_hash == load_scenario("baseline").rules_hash


def test_a_setting_of_a_base_that_is_replaced_does_no_harm(tmp_path: Path) -> None:
    write(tmp_path, f"title: A\nset: {{{STEEPNESS}: 0.5}}\n", "a.yaml")
    path = write(tmp_path, f"title: B\nextends: a\nset: {{{STEEPNESS}: 0.1}}\n", "b.yaml")
    assert load_scenario(path).rules_hash == load_scenario("baseline").rules_hash


def test_rules_and_population_beside_the_scenario(tmp_path: Path) -> None:
    """Files of the user's own, also where they have a shipped one's name."""
    write(
        tmp_path,
        "extends: asm-2026-final\nid: mine\ntitle: Mine\nquality: {case_minimum: {value: 30}}\n",
        "my-rules.yaml",
    )
    write(tmp_path, POPULATION, "small.yaml")
    write_roster(tmp_path / "small.csv", roster_rows())
    path = write(
        tmp_path, "title: Mine\nextends: baseline\nrules: my-rules\npopulation: small\ndraws: 1\n"
    )
    scenario = load_scenario(path)
    assert scenario.rules.quality.case_minimum.value == 30
    assert scenario.population.id == "small"
    assert make_plan(scenario).clinicians == 150


def test_a_roster_beside_the_scenario_for_a_shipped_population(tmp_path: Path) -> None:
    write_roster(tmp_path / "mine.csv", roster_rows())
    text = "title: Mine\nextends: baseline\nset: {population.roster: mine.csv}\n"
    assert make_plan(load_scenario(write(tmp_path, text))).clinicians == 150


@pytest.mark.parametrize("roster", ["../small.csv", "/etc/passwd", "nothing.csv"])
def test_a_roster_that_cannot_be_used(roster: str, tmp_path: Path) -> None:
    text = f"title: Mine\nextends: baseline\nset: {{population.roster: {roster}}}\n"
    with pytest.raises(InputError, match=r"population\.roster"):
        make_plan(load_scenario(write(tmp_path, text)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cohort": "HX"}, "'HX' is not in the rule set"),
        ({"small_practice": "maybe"}, "'maybe' is not 0 or 1"),
        ({"clinician_id": " "}, "clinician_id: blank"),
        ({"clinician_id": "C0", "cohort": "HF"}, "'C0' stands in line 2 too"),
    ],
)
def test_a_mistake_in_a_roster(change: dict[str, str], words: str, tmp_path: Path) -> None:
    rows = roster_rows()
    rows[5] |= change
    write_roster(tmp_path / "mine.csv", rows)
    text = "title: Mine\nextends: baseline\nset: {population.roster: mine.csv}\n"
    with pytest.raises(InputError) as caught:
        make_plan(load_scenario(write(tmp_path, text)))
    assert words in str(caught.value)
    assert "line 7" in str(caught.value)


def test_the_hash_is_of_what_is_computed(tmp_path: Path) -> None:
    """Not of titles, draws or the way in which a value is written."""
    base = load_scenario("baseline")
    words = write(tmp_path, f"title: Other words\ndraws: 7\nseed: 9\nset: {{{STEEPNESS}: 0.10}}\n")
    assert load_scenario(words).hash("r") == base.hash("r")
    held = write(tmp_path, "title: Held\nlayers: {population: 'off'}\n", "held.yaml")
    assert load_scenario(held).hash("r") != base.hash("r")
    assert load_scenario("baseline", [(STEEPNESS, 0.11)]).hash("r") != base.hash("r")
    assert base.hash("r") != base.hash("other roster")


def test_what_is_recorded_makes_the_same_run_again(
    tmp_path: Path, small_scenario: Scenario
) -> None:
    """The resolved scenario of a Dataset is a scenario file."""
    dataset = simulate(small_scenario.with_draws(2, None))
    folder = small_scenario.folder
    again = write(folder, dataset.attrs["scenario_yaml"], f"{tmp_path.name}.yaml")
    assert (simulate(again).adjustment_mean == dataset.adjustment_mean).all()


def test_settings_may_be_a_tree(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_text(
        """\
title: Mine
set:
  rules:
    payment:
      exchange: {steepness: 0.2}
      risk_level: {2029: 0.08}
  population: {cost.reliability_at_20: {HF: 0.7}}
"""
    )
    scenario = load_scenario(tmp_path / "tree.yaml")
    assert dict(scenario.settings) == {
        STEEPNESS: 0.2,
        "rules.payment.risk_level": {2029: 0.08},
        "population.cost.reliability_at_20.HF": 0.7,
    }
    assert scenario.rules.payment.exchange.steepness.at(2028) == 0.2
    assert scenario.rules.payment.risk_level.at(2029) == 0.08
    assert scenario.population.cost.reliability_at_20["HF"].value == 0.7
    assert load_scenario(
        "baseline", ["rules={payment: {exchange: {steepness: 0.2}}}"]
    ).settings == ((STEEPNESS, 0.2),)
