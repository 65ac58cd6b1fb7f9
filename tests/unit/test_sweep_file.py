"""Sweep files: what they expand to, what is refused and in which words."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asm_sim.documents import Document, canonical, compact
from asm_sim.errors import InputError
from asm_sim.scenario import load as load_module
from asm_sim.scenario.load import load_scenario, shipped
from asm_sim.scenario.schema import CHECKS
from asm_sim.scenario.sweep import Sweep, duplicates, load_sweep

STEEPNESS = "rules.payment.exchange.steepness"
SHARE = "rules.payment.redistribution_share"
RISK = "rules.payment.risk_level"
SPREAD = "population.quality.spread"
RELIABILITY = "population.cost.reliability_at_20"
CHOICE = "population.behaviour.collection_choice.share"
HEAD = "title: Mine\nextends: baseline\n"  # lines 1 and 2
GRID = f"""{HEAD}sweep:
  grid:
    {STEEPNESS}: [0.05, 0.1, 0.2]
    {SHARE}: [0.7, 0.85]
"""


def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def sweep_of(folder: Path, text: str, *assignments: str) -> Sweep:
    return load_sweep(write(folder, text), assignments)


def names(sweep: Sweep) -> list[str]:
    return [case.name for case in sweep.cases]


def same(sweep: Sweep, index: int, settings: list[tuple[str, Any]]) -> bool:
    """Whether a scenario is the baseline with these settings, also by the hashes kept."""
    one, other = sweep.scenario(index), load_scenario("baseline", settings)
    here, wanted = [(s.rules_hash, s.population_hash, s.mips_hash) for s in (one, other)]
    return here == wanted == sweep.hashes[index]


# A grid


def test_the_first_axis_of_a_grid_varies_slowest(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, GRID)
    assert (sweep.kind, sweep.name, len(sweep), sweep.axes) == (
        "grid",
        "mine",
        6,
        (STEEPNESS, SHARE),
    )
    assert names(sweep)[:3] == [
        "steepness=0.05, redistribution_share=0.7",
        "steepness=0.05, redistribution_share=0.85",
        "steepness=0.1, redistribution_share=0.7",
    ]
    assert [sweep.value(i, STEEPNESS) for i in range(6)] == [0.05, 0.05, 0.1, 0.1, 0.2, 0.2]
    assert [sweep.value(i, SHARE) for i in range(6)] == [0.7, 0.85] * 3
    assert sweep.value(0, RISK) is None
    assert sweep.design is None
    assert sweep.compare_to is None


def test_scenarios_of_a_grid_are_the_base_with_their_settings(tmp_path: Path) -> None:
    text = GRID.replace("sweep:", f"set: {{{RISK}: 0.3, {SPREAD}: 1.2}}\ndraws: 7\nseed: 3\nsweep:")
    sweep = sweep_of(tmp_path, text + f"    {SPREAD}: [0.9, 1.1]\n")
    assert len(sweep) == 12
    assert len({sweep.scenario(i).hash("") for i in range(12)}) == 12
    for i, case in enumerate(sweep.cases):
        assert same(sweep, i, [(RISK, 0.3), (SPREAD, 1.2), *case.settings])
        scenario = sweep.scenario(i)
        assert (scenario.name, scenario.draws, scenario.seed) == (case.name, 7, 3)
        assert scenario.settings == ((RISK, 0.3), (SPREAD, 1.2), *case.settings)
    assert sweep.value(0, RISK) == 0.3


def test_a_scenario_leaves_the_others_alone(tmp_path: Path) -> None:
    """Documents are copied before they are changed."""
    sweep = sweep_of(tmp_path, listed(f"    A: {{}}\n    B: {{{STEEPNESS}: {{2027: 0.3}}}}\n"))
    assert same(sweep, 1, [(STEEPNESS, {2027: 0.3})])
    assert same(sweep, 0, [])


def test_values_by_year_by_member_and_as_lists(tmp_path: Path) -> None:
    points = "rules.improvement_activities.adjustment_by_completed"
    text = f"""{HEAD}sweep:
  grid:
    {STEEPNESS}: [{{2027: 0.05}}, 0.2]
    {RELIABILITY}: [{{HF: 0.6}}, 0.5]
    {points}: [[-20, -10, 0], [-10, -5, 0]]
"""
    sweep = sweep_of(tmp_path, text)
    assert names(sweep)[0] == (
        "steepness={2027: 0.05}, reliability_at_20={HF: 0.6}, adjustment_by_completed=[-20, -10, 0]"
    )
    first, last = sweep.scenario(0), sweep.scenario(7)
    assert first.rules.payment.exchange.steepness.at(2027) == 0.05
    assert first.rules.payment.exchange.steepness.at(2028) == 0.1
    assert first.population.cost.reliability_at_20["LBP"].value == 0.55
    assert last.population.cost.reliability_at_20["HF"].value == 0.5
    assert last.rules.improvement_activities.adjustment_by_completed.value == [-10, -5, 0]
    assert sweep.value(0, STEEPNESS) == {2027: 0.05}


def test_axes_that_end_alike_are_told_apart(tmp_path: Path) -> None:
    text = f"""{HEAD}sweep:
  grid:
    population.episodes.sigma: [0.9]
    population.cases.sigma: [0.2]
    {STEEPNESS}: [0.1]
    population.episodes.mean.HF: [40]
    population.part_b.mean.HF: [250000]
"""
    assert names(sweep_of(tmp_path, text)) == [
        "episodes.sigma=0.9, cases.sigma=0.2, steepness=0.1, episodes.mean.HF=40, "
        "part_b.mean.HF=250000"
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.05, "0.05"),
        (3, "3"),
        (True, "true"),
        (None, "null"),
        ("none", "none"),
        ("a\nb", '"a\\nb"'),
        ("", '""'),
        ({2027: 0.05, 2028: [1, "x"]}, "{2027: 0.05, 2028: [1, x]}"),
    ],
)
def test_values_in_names(value: Any, text: str) -> None:
    assert compact(value) == text


def test_what_is_the_same_value() -> None:
    assert canonical(1) == canonical(1.0)
    assert canonical({2027: 1, 2028: [2]}) == canonical({2028: [2.0], 2027: 1.0})
    apart = [1, True, "1", None, [1], {1: 1}, "none", 2, [1, 2], [2, 1]]
    assert len({canonical(value) for value in apart}) == len(apart)


# The other kinds


def test_a_list_of_scenarios(tmp_path: Path) -> None:
    text = f"""{HEAD}set: {{{RISK}: 0.3}}
sweep:
  list:
    As it is: {{}}
    Steep, and 100 % returned: {{{STEEPNESS}: 0.2, {SHARE}: 1.0}}
    2027: {{{SPREAD}: 1.2, {RISK}: {{2027: 0.05}}}}
compare_to: As it is
"""
    sweep = sweep_of(tmp_path, text)
    assert (sweep.kind, sweep.compare_to) == ("list", 0)
    assert names(sweep) == ["As it is", "Steep, and 100 % returned", "2027"]
    assert sweep.axes == (STEEPNESS, SHARE, SPREAD, RISK)
    assert [sweep.value(i, SPREAD) for i in range(3)] == [None, None, 1.2]
    assert [sweep.value(i, RISK) for i in range(3)] == [0.3, 0.3, {2027: 0.05}]
    for i, case in enumerate(sweep.cases):
        assert same(sweep, i, [(RISK, 0.3), *case.settings])


def test_scenario_files(tmp_path: Path) -> None:
    """Each with its own bases; the sweep's settings on top, its draws and seed in all."""
    write(tmp_path, f"title: A\nset: {{{STEEPNESS}: 0.2}}\ndraws: 9\npanel_draws: 4\n", "a.yaml")
    write(tmp_path, f"title: B\nextends: a\nset: {{{SPREAD}: 1.2, {RISK}: 0.2}}\n", "b.yaml")
    text = f"""title: Files
draws: 5
seed: 6
set: {{{RISK}: 0.3}}
sweep: {{scenarios: [baseline, a, b.yaml]}}
compare_to: a
"""
    sweep = sweep_of(tmp_path, text)
    assert (sweep.kind, names(sweep), sweep.compare_to) == ("scenarios", ["baseline", "a", "b"], 1)
    assert same(sweep, 0, [(RISK, 0.3)])
    assert same(sweep, 1, [(STEEPNESS, 0.2), (RISK, 0.3)])
    assert same(sweep, 2, [(STEEPNESS, 0.2), (SPREAD, 1.2), (RISK, 0.3)])
    scenarios = [sweep.scenario(i) for i in range(3)]
    assert [(s.draws, s.seed, s.file.panel_draws) for s in scenarios] == [(5, 6, None)] * 3
    assert [s.title for s in scenarios[1:]] == ["A", "B"]
    assert sweep.axes == (STEEPNESS, SPREAD)
    assert [sweep.value(i, STEEPNESS) for i in range(3)] == [None, 0.2, 0.2]
    assert [s.draws for s in (sweep.with_draws(3, None).scenario(i) for i in range(3))] == [3] * 3


def test_a_file_beside_comes_before_a_shipped_one(tmp_path: Path) -> None:
    """With rules of its own."""
    rules = "extends: asm-2026-final\nid: mine\ntitle: Mine\nquality: {case_minimum: {value: 30}}\n"
    write(tmp_path, rules, "my-rules.yaml")
    text = "title: B\nrules: my-rules\npopulation: roster-2027-preliminary\ndraws: 1\nseed: 1\n"
    write(tmp_path, text, "other.yaml")
    sweep = sweep_of(tmp_path, "title: S\nsweep: {scenarios: [other, baseline]}\n")
    minima = [sweep.scenario(i).rules.quality.case_minimum.value for i in range(2)]
    assert (sweep.scenario(0).rules.id, minima) == ("mine", [30, 20])
    assert sweep.scenario(0).resolved()["rules"] == "my-rules"


def test_a_file_without_a_sweep_is_one_scenario(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEAD}set: {{{STEEPNESS}: 0.2}}\npanel_draws: 3\n")
    sweep = load_sweep(path, [f"{SHARE}=1.0"])
    assert (sweep.kind, names(sweep), sweep.axes) == ("one", ["mine"], ())
    assert sweep.scenario(0) == load_scenario(path, [f"{SHARE}=1.0"])
    assert same(sweep, 0, [(STEEPNESS, 0.2), (SHARE, 1.0)])
    assert len(load_sweep("baseline")) == 1


# Designs

OVER = f"over: {{{STEEPNESS}: {{}}, {SPREAD}: {{low: 0.5, high: 1.5}}, {RELIABILITY}.HF: {{}}}}"


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ("method: sobol, n: 8", 8 * 5),
        ("method: sobol, n: 8, second_order: true", 8 * 8),
        ("method: morris, n: 5", 5 * 4),
        ("method: morris, n: 5, levels: 6", 5 * 4),
        ("method: latin_hypercube, n: 11", 11),
    ],
)
def test_designs(options: str, count: int, tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, f"{HEAD}sweep: {{design: {{{options}, {OVER}}}}}\n")
    axes = [STEEPNESS, SPREAD, f"{RELIABILITY}.HF"]
    assert (sweep.kind, list(sweep.axes), len(sweep)) == ("design", axes, count)
    assert names(sweep) == [f"{i:04d}" for i in range(count)]
    bounds = [[0.05, 0.2], [0.5, 1.5], [0.35, 0.7]]  # the first and last are the parameters' own
    assert sweep.design is not None
    assert sweep.design["problem"] == {"num_vars": 3, "names": axes, "bounds": bounds}
    assert sweep.design["seed"] == 0
    assert json.loads(json.dumps(sweep.design)) == sweep.design
    for axis, (low, high) in zip(axes, bounds, strict=True):
        values = [sweep.value(i, axis) for i in range(count)]
        assert all(low <= value <= high for value in values)
        assert max(values) - min(values) > 0.5 * (high - low)
    assert same(sweep, count - 1, list(sweep.cases[-1].settings))
    again = load_sweep(tmp_path / "mine.yaml")
    assert again.cases == sweep.cases
    other = sweep_of(tmp_path, f"{HEAD}sweep: {{design: {{seed: 1, {options}, {OVER}}}}}\n")
    assert other.cases != sweep.cases


@pytest.mark.parametrize("method", ["sobol", "morris"])
def test_a_design_is_what_salib_analyses(method: str, tmp_path: Path) -> None:
    """In SALib's order: it finds out that only one of the parameters matters."""
    import numpy as np
    from SALib.analyze import morris, sobol

    text = f"{HEAD}sweep: {{design: {{method: {method}, n: 64, {OVER}}}}}\n"
    sweep = sweep_of(tmp_path, text)
    assert sweep.design is not None
    problem = sweep.design["problem"]
    rows = np.array([[value for _, value in case.settings] for case in sweep.cases])
    if method == "sobol":
        found = sobol.analyze(problem, rows[:, 1], calc_second_order=False, seed=1)["ST"]
        np.testing.assert_allclose(found, [0, 1, 0], atol=0.05)
    else:
        found = morris.analyze(problem, rows, rows[:, 1], seed=1)["mu_star"]
        np.testing.assert_allclose(np.asarray(found, dtype=float), [0, 1, 0], atol=1e-9)


def test_a_design_sets_all_of_a_group(tmp_path: Path) -> None:
    """As the parameters of a group may be set with one value."""
    span = f"{{{RELIABILITY}: {{low: 0.4, high: 0.5}}}}"
    sweep = sweep_of(tmp_path, design("method: latin_hypercube\n    n: 3", span))
    for index in range(3):
        values = sweep.scenario(index).population.cost.reliability_at_20
        assert 0.4 <= values["HF"].value == values["LBP"].value <= 0.5
        assert sweep.value(index, RELIABILITY) == values["HF"].value


@pytest.mark.parametrize("method", ["sobol", "morris", "latin_hypercube"])
def test_one_axis_is_enough(method: str, tmp_path: Path) -> None:
    text = f"{HEAD}sweep: {{design: {{method: {method}, n: 4, over: {{{STEEPNESS}: {{}}}}}}}}\n"
    assert len(sweep_of(tmp_path, text)) == {"sobol": 12, "morris": 8, "latin_hypercube": 4}[method]


def test_whole_numbers_of_a_design_are_rounded(tmp_path: Path) -> None:
    clinicians = "rules.small_practice.small_maximum_clinicians"
    over = f"{{{clinicians}: {{low: 5, high: 20}}, {SPREAD}: {{low: 1, high: 2}}}}"
    text = f"{HEAD}sweep: {{design: {{method: latin_hypercube, n: 30, over: {over}}}}}\n"
    sweep = sweep_of(tmp_path, text)
    values = [sweep.value(i, clinicians) for i in range(30)]
    assert all(type(value) is int for value in values)
    assert set(values) == set(range(5, 21))
    assert all(type(sweep.value(i, SPREAD)) is float for i in range(30))


def test_morris_reaches_both_ends_and_not_beyond(tmp_path: Path) -> None:
    """0.03 + (0.3 - 0.03) is more than 0.3; a value past its end could be out of range."""
    axes = ["reporting.persistence", "practice.rural_share", "practice.ecqm_share"]
    over = ", ".join(f"population.{axis}: {{low: 0.03, high: 0.3}}" for axis in axes)
    text = f"{HEAD}sweep: {{design: {{method: morris, n: 20, over: {{{over}}}}}}}\n"
    sweep = sweep_of(tmp_path, text)
    values = {sweep.value(i, axis) for i in range(len(sweep)) for axis in sweep.axes}
    assert (min(values), max(values)) == (0.03, 0.3)


# compare_to


@pytest.mark.parametrize(
    ("given", "position"),
    [
        (f"{{{STEEPNESS}: 0.1, {SHARE}: 0.85}}", 3),
        (f"{{{SHARE}: 0.7, {STEEPNESS}: 0.20}}", 4),
        ("'steepness=0.2, redistribution_share=0.7'", 4),
    ],
)
def test_the_scenario_to_compare_to(given: str, position: int, tmp_path: Path) -> None:
    assert sweep_of(tmp_path, f"{GRID}compare_to: {given}\n").compare_to == position


def test_axes_with_one_value_need_not_be_named(tmp_path: Path) -> None:
    text = f"{GRID}    {RISK}: [{{2027: 0.1, 2028: 1}}]\n"
    given = f"compare_to: {{{STEEPNESS}: 0.05, {SHARE}: 0.85}}\n"
    assert sweep_of(tmp_path, text + given).compare_to == 1
    given = f"compare_to: {{{STEEPNESS}: 0.05, {SHARE}: 0.85, {RISK}: {{2028: 1.0, 2027: 0.1}}}}\n"
    assert sweep_of(tmp_path, text + given).compare_to == 1


# What is refused: the file, the line of the complaint, words in it.


def grid(axes: str) -> str:
    return f"{HEAD}sweep:\n  grid:\n{axes}"


def listed(entries: str) -> str:
    return f"{HEAD}sweep:\n  list:\n{entries}"


def design(options: str, over: str = f"{{{STEEPNESS}: {{}}}}") -> str:
    return f"{HEAD}sweep:\n  design:\n    over: {over}\n    {options}\n"


REFUSED: dict[str, tuple[str, int | None, str]] = {
    "a word": (f"{HEAD}sweep: all\n", 3, "must be a mapping with one of: grid, list, scenarios"),
    "nothing": (f"{HEAD}sweep: {{}}\n", 3, "exactly one of: grid, list, scenarios, design; got 0"),
    "two kinds": (f"{HEAD}sweep: {{grid: {{}}, list: {{}}}}\n", 3, "exactly one of"),
    "unknown kind": (f"{HEAD}sweep:\n  gird: 1\n", 4, "'sweep.gird' (did you mean 'grid'?)"),
    "compare_to alone": (f"{HEAD}compare_to: mine\n", 3, "'compare_to' needs a 'sweep'"),
    "unknown key": (f"{GRID}drawz: 5\n", 7, "unknown key 'drawz' (did you mean 'draws'?)"),
    "no title": ("sweep: {grid: {}}\n", None, "has no 'title'"),
    "half a draw kept": (f"{GRID}panel_draws: 0.5\n", 7, "panel_draws"),
    "a form of MIPS": (
        f"{HEAD}sweep:\n  grid:\n    mips.form: [traditional, value_pathway]\n",
        5,
        "both forms of MIPS are always scored",
    ),
    # grid
    "empty grid": (f"{HEAD}sweep: {{grid: {{}}}}\n", 3, "a mapping of parameters to lists"),
    "grid as a list": (f"{HEAD}sweep: {{grid: [1]}}\n", 3, "a mapping of parameters to lists"),
    "empty axis": (grid(f"    {STEEPNESS}: []\n"), 5, f"axis '{STEEPNESS}' must be a list"),
    "axis as a number": (grid(f"    {STEEPNESS}: 0.1\n"), 5, "must be a list of values"),
    "axis as a mapping": (grid(f"    {STEEPNESS}: {{2027: 1}}\n"), 5, "must be a list of values"),
    "a value twice": (
        grid(f"    {STEEPNESS}:\n    - 1\n    - 2\n    - 1.0\n"),
        8,
        f"axis '{STEEPNESS}': 1.0 is given twice",
    ),
    "a mapping twice": (
        grid(f"    {RISK}: [{{2027: 1, 2028: 0.1}}, {{2028: 0.1, 2027: 1.0}}]\n"),
        5,
        "{2028: 0.1, 2027: 1.0} is given twice",
    ),
    "an axis twice": (
        grid(f"    {RISK}: [1]\n    {RISK}: [1]\n"),
        6,
        f"'{RISK}' is given twice",
    ),
    "unknown axis": (
        grid("    rules.payment.exchange.steepnes: [0.1, 0.2]\n"),
        5,
        "no 'steepnes' in 'payment.exchange' (did you mean 'steepness'?)",
    ),
    "unknown root": (grid("    payment.cap: [1, 2]\n"), 5, "must begin with 'rules.'"),
    "a group as axis": (grid("    rules.payment: [1]\n"), 5, "a group, not a parameter"),
    "an empty value": (grid(f"    {RISK}: [{{}}, 0.1]\n"), 5, "nothing is set"),
    "a bad value": (
        grid(f"    {SHARE}: [0.5, 0.6]\n    {STEEPNESS}:\n    - 0.1\n    - 101\n"),
        8,
        f"'{STEEPNESS}' set to 101: payment.exchange.steepness: 101 is out of range: 0 to 100 "
        "(scenario 'redistribution_share=0.5, steepness=101' and 1 more)",
    ),
    "a word for a number": (grid(f"    {STEEPNESS}: [0.1, steep]\n"), 5, "set to steep: "),
    "a bad year": (
        grid(f"    {RISK}: [{{2026: 0.1}}, 0.1]\n"),
        5,
        "2026 is not a performance year",
    ),
    "a word in a list": (
        grid("    rules.quality.decile_percentiles: [[10, 20], [10, some]]\n"),
        5,
        "got 'some'",
    ),
    "a word in a year": (grid(f"    {RISK}: [{{2028: some}}]\n"), 5, "got 'some'"),
    "a bad combination": (
        grid(
            "    rules.final_score.weight_cost: [0.4, 0.5]\n"
            "    rules.final_score.weight_quality: [0.5, 0.6]\n"
        ),
        6,
        "sum to 0.9 in 2027, not 1",
    ),
    "rules and a population that do not fit, in one combination": (
        grid(f"    {CHOICE}: [0, 0.5]\n    rules.peers.basis: [condition, practice_size]\n"),
        5,
        f"{CHOICE}: the choice is made by the cohort's benchmark of each collection type, and "
        "under rules.peers.basis there are none (scenario 'share=0.5, basis=practice_size')",
    ),
    "a value that the rules do not fit": (
        grid(f"    {SPREAD}: [1.0, 1.1]\n    {CHOICE}: [0, 0.5]\n").replace(
            "sweep:", "set: {rules.peers.basis: practice_size}\nsweep:"
        ),
        7,
        f"'{CHOICE}' set to 0.5: {CHOICE}: the choice is made by the cohort's benchmark of each "
        "collection type, and under rules.peers.basis there are none "
        "(scenario 'spread=1.0, share=0.5' and 1 more)",
    ),
    "a base that the rules do not fit": (
        GRID.replace("sweep:", f"set: {{{CHOICE}: 0.5, rules.peers.basis: specialty}}\nsweep:"),
        3,
        "under rules.peers.basis there are none (in every scenario)",
    ),
    "too many": (
        grid(f"    {STEEPNESS}: {list(range(1, 101))}\n    {SPREAD}: {list(range(1, 1002))}\n"),
        4,
        "100,100 scenarios are too many; at most 100,000",
    ),
    "written alike": (
        grid("    population.roster: ['1', 1]\n"),
        None,
        "two scenarios of this sweep are called 'roster=1'",
    ),
    "bad setting of all": (
        GRID.replace("sweep:", f"set: {{{RISK}: 2}}\nsweep:"),
        3,
        "payment.risk_level: 2 is out of range: 0 to 1 (in every scenario)",
    ),
    # list
    "empty list": (f"{HEAD}sweep: {{list: {{}}}}\n", 3, "a mapping of names to settings"),
    "list as a list": (f"{HEAD}sweep: {{list: [a]}}\n", 3, "a mapping of names to settings"),
    "no settings": (listed("    A: {}\n    B:\n"), 6, "scenario 'B' must be a mapping"),
    "blank name": (listed("    ' ': {}\n"), 5, "must be one line of 1 to 120 characters"),
    "two lines": (listed('    "a\\nb": {}\n'), 5, "must be one line"),
    "long name": (listed(f"    {'a' * 121}: {{}}\n"), 5, "must be one line of 1 to 120"),
    "a name twice": (
        listed("    2027: {}\n    '2027': {}\n"),
        6,
        "two scenarios are called '2027'",
    ),
    "bad in a list": (
        listed(f"    A: {{}}\n    B:\n      {STEEPNESS}: 101\n"),
        7,
        f"'{STEEPNESS}' set to 101: payment.exchange.steepness: 101 is out of range: 0 to 100 "
        "(scenario 'B')",
    ),
    "unknown in a list": (listed("    A: {rules.payment.capp: 1}\n"), 5, "did you mean 'cap'?"),
    "no root in a list": (listed("    A: {rule.payment.cap: 1}\n"), 5, "did you mean 'rules'?"),
    "nothing in a list": (listed(f"    A: {{{RISK}: {{}}}}\n"), 5, "nothing is set"),
    # scenario files
    "no names": (f"{HEAD}sweep: {{scenarios: []}}\n", 3, "a list of names of scenario files"),
    "one name": (f"{HEAD}sweep: {{scenarios: a}}\n", 3, "a list of names of scenario files"),
    "a number as name": (f"{HEAD}sweep:\n  scenarios: [1]\n", 4, "1 must be the name"),
    "a path": (f"{HEAD}sweep:\n  scenarios: [../baseline]\n", 4, "not a path"),
    "no such file": (f"{HEAD}sweep:\n  scenarios: [baselin]\n", 4, "did you mean 'baseline'?"),
    "a file twice": (
        f"{HEAD}sweep:\n  scenarios:\n  - baseline\n  - baseline.yaml\n",
        6,
        "'baseline' is named twice",
    ),
    "itself": (f"{HEAD}sweep:\n  scenarios: [mine]\n", 4, "'mine' is a sweep itself"),
    "other layers": (
        f"{HEAD}layers: {{measurement: 'off'}}\nsweep:\n  scenarios: [baseline]\n",
        5,
        "'baseline' has other layers than the sweep",
    ),
    "rules for files": (
        f"{HEAD}rules: asm-2026-final\nsweep: {{scenarios: [baseline]}}\n",
        3,
        "'rules': the scenarios of this sweep have bases of their own",
    ),
    # design
    "no design": (f"{HEAD}sweep:\n  design: sobol\n", 4, "'sweep.design'"),
    "no method": (design("n: 8"), 4, "'sweep.design.method' is missing"),
    "unknown method": (design("method: soboll\n    n: 8"), 6, "'sobol', 'morris' or"),
    "no n": (design("method: sobol"), 4, "'sweep.design.n' is missing"),
    "n below 1": (design("method: morris\n    n: 0"), 7, "greater than or equal to 1"),
    "n no power": (
        design("method: sobol\n    n: 100"),
        7,
        "n must be a power of two for sobol, got 100 (the nearest are 64 and 128)",
    ),
    "odd levels": (design("method: morris\n    n: 4\n    levels: 5"), 8, "an even number, got 5"),
    "levels for sobol": (design("method: sobol\n    n: 4\n    levels: 4"), 8, "belongs to morris"),
    "second order": (
        design("method: morris\n    n: 4\n    second_order: true"),
        8,
        "second_order belongs to sobol, not to morris",
    ),
    "unknown option": (
        design("method: sobol\n    n: 4\n    sed: 1"),
        8,
        "'sweep.design.sed' (did you mean 'seed'?)",
    ),
    "no axis": (design("method: sobol\n    n: 4", "{}"), 5, "sweep.design.over"),
    "unknown in a design": (
        design("method: sobol\n    n: 4", "{rules.payment.capp: {low: 1, high: 2}}"),
        5,
        "did you mean 'cap'?",
    ),
    "root in a design": (
        design("method: sobol\n    n: 4", "{payment.cap: {low: 1, high: 2}}"),
        5,
        "must begin with 'rules.'",
    ),
    "a group in a design": (
        design("method: sobol\n    n: 4", f"{{{RELIABILITY}: {{}}}}"),
        5,
        "is a group: give low and high for all of it",
    ),
    "a group of different things in a design": (
        design("method: sobol\n    n: 4", "{population.cost: {low: 0.4, high: 0.5}}"),
        5,
        "is a group, not a parameter; name one of: population.cost",
    ),
    "no number": (
        design("method: sobol\n    n: 4", "{rules.payment.zero_scorers_in_pool_base: {}}"),
        5,
        "is not a number",
    ),
    "a list in a design": (
        design("method: sobol\n    n: 4", "{rules.quality.decile_percentiles: {}}"),
        5,
        "is not a number",
    ),
    "no span": (
        design("method: sobol\n    n: 4", "{rules.small_practice.small_maximum_clinicians: {}}"),
        5,
        "has no low and high of its own",
    ),
    "half a span": (
        design("method: sobol\n    n: 4", f"{{{STEEPNESS}: {{low: 0.1}}}}"),
        5,
        "give both low and high",
    ),
    "upside down": (
        design("method: sobol\n    n: 4", f"{{{STEEPNESS}: {{low: 0.2, high: 0.2}}}}"),
        5,
        "low 0.2 is not below high 0.2",
    ),
    "span as words": (
        design("method: sobol\n    n: 4", f"{{{STEEPNESS}: {{low: little, high: 0.2}}}}"),
        5,
        "got 'little'",
    ),
    "span out of range": (
        design("method: sobol\n    n: 4", f"{{{STEEPNESS}: {{low: 0.2, high: 101}}}}"),
        5,
        "101 is out of range: 0 to 100",
    ),
    "design too large": (
        design("method: sobol\n    n: 65536"),
        7,
        "196,608 scenarios are too many; at most 100,000",
    ),
    "design far too large": (
        design(f"method: morris\n    n: {10**30}"),
        7,
        "scenarios are too many; at most 100,000",
    ),
    # compare_to
    "no such value": (
        f"{GRID}compare_to:\n  {SHARE}: 0.7\n  {STEEPNESS}: 0.15\n",
        9,
        f"'{STEEPNESS}' has no value 0.15; it has 0.05, 0.1, 0.2",
    ),
    "no such axis": (
        f"{GRID}compare_to: {{rules.payment.redistribution_shar: 0.7}}\n",
        7,
        f"no axis 'rules.payment.redistribution_shar' (did you mean '{SHARE}'?)",
    ),
    "several match": (
        f"{GRID}compare_to: {{{STEEPNESS}: 0.1}}\n",
        7,
        f"2 scenarios match; give a value for {SHARE} too",
    ),
    "no such name": (
        listed("    As it is: {}\n    Steeper: {}\ncompare_to: Steper\n"),
        7,
        "no scenario is called 'Steper' (did you mean 'Steeper'?): 'As it is', 'Steeper'",
    ),
    "a mapping for a list": (
        listed(f"    A: {{{STEEPNESS}: 0.1}}\ncompare_to: {{{STEEPNESS}: 0.1}}\n"),
        6,
        "must be the name of a scenario",
    ),
    "nothing to compare to": (f"{GRID}compare_to:\n", 7, "must be the name of a scenario"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_file_and_line(case: str, tmp_path: Path) -> None:
    text, line, words = REFUSED[case]
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_sweep(path)
    message = str(caught.value)
    assert words in message
    assert message.count(words) == 1
    if line is not None:
        assert f"{path}, line {line}:" in message
    assert "pydantic" not in message


def test_each_problem_once_and_all_of_them(tmp_path: Path) -> None:
    text = f"{grid(f'    {STEEPNESS}: [0.1, 101, -1]')}\n    {SPREAD}: [1, 900, 1.1]\n"
    with pytest.raises(InputError) as caught:
        sweep_of(tmp_path, text)
    problems = caught.value.problems
    assert len(problems) == 3
    for value, line in ((101, 5), (-1, 5), (900, 6)):
        assert sum(f"line {line}: " in p and f"set to {value}:" in p for p in problems) == 1
        assert sum("and 2 more" in p for p in problems) == 3


def test_a_bad_value_late_in_a_long_list(tmp_path: Path) -> None:
    entries = [
        f"    S{i}: {{{STEEPNESS}: {101 if i == 900 else 0.1 + i / 100}}}" for i in range(950)
    ]
    with pytest.raises(InputError) as caught:
        sweep_of(tmp_path, listed("\n".join(entries)))
    (problem,) = caught.value.problems
    assert f"line 905: '{STEEPNESS}' set to 101" in problem
    assert "(scenario 'S900')" in problem


def test_problems_without_end_are_cut(tmp_path: Path) -> None:
    entries = "\n".join(f"    S{i}: {{{STEEPNESS}: {i}}}" for i in range(150, 500))
    with pytest.raises(InputError) as caught:
        sweep_of(tmp_path, listed(entries))
    assert len(caught.value.problems) == 102
    assert "checking stopped after 101 of 350 scenarios" in caught.value.problems[-1]


def test_a_base_that_is_bad_only_where_nothing_replaces_it(tmp_path: Path) -> None:
    text = listed(f"    A: {{{STEEPNESS}: 0.1}}\n    B: {{{SHARE}: 0.7}}\n")
    with pytest.raises(InputError) as caught:
        sweep_of(tmp_path, text.replace("sweep:", f"set: {{{STEEPNESS}: 101}}\nsweep:"))
    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path / 'mine.yaml'}, line 3: payment.exchange.steepness: 101")
    assert problem.endswith("(scenario 'B')")


def test_a_base_that_every_scenario_completes(tmp_path: Path) -> None:
    """What the sweep sets need not make sense alone."""
    cost, quality = "rules.final_score.weight_cost", "rules.final_score.weight_quality"
    text = listed(f"    A: {{{quality}: 0.4}}\n").replace("sweep:", f"set: {{{cost}: 0.6}}\nsweep:")
    assert same(sweep_of(tmp_path, text), 0, [(cost, 0.6), (quality, 0.4)])


def test_a_sweep_cannot_be_extended(tmp_path: Path) -> None:
    write(tmp_path, GRID, "base.yaml")
    path = write(tmp_path, "title: Mine\nextends: base\n")
    for load in (load_sweep, load_scenario):
        with pytest.raises(InputError, match="line 2: a sweep cannot be extended"):
            load(path)


def test_bases_of_a_sweep_of_files_set_nothing(tmp_path: Path) -> None:
    """It would be unclear whether they go under or on top of the scenarios' own."""
    write(tmp_path, f"title: A\nset: {{{STEEPNESS}: 0.2}}\n", "a.yaml")
    text = "title: Mine\nextends: a\nsweep: {scenarios: [baseline]}\n"
    with pytest.raises(InputError, match="bases of their own") as caught:
        sweep_of(tmp_path, text)
    assert f"{tmp_path / 'a.yaml'}, line 2: '{STEEPNESS}'" in str(caught.value)


def test_one_scenario_is_told_how_to_run_a_sweep(tmp_path: Path) -> None:
    path = write(tmp_path, GRID)
    with pytest.raises(InputError, match="this file describes a sweep") as caught:
        load_scenario(path)
    assert f"asm-sim sweep {path}" in str(caught.value)


# Settings of the command line, draws, and what is recorded


def test_assignments_hold_in_every_scenario(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, GRID, f"{RISK}=0.3")
    assert all(same(sweep, i, [(RISK, 0.3), *sweep.cases[i].settings]) for i in range(6))
    assert sweep.settings == ((RISK, 0.3),)


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        (f"{STEEPNESS}=0.2", f"the scenarios of this sweep set '{STEEPNESS}' themselves"),
        (f"{RISK}=2", "2 is out of range: 0 to 1 (in every scenario)"),
        ("rules.payment.capp=1", "did you mean 'cap'?"),
    ],
)
def test_assignments_that_are_refused(assignment: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        sweep_of(tmp_path, GRID, assignment)
    assert words in str(caught.value)
    assert f"--set {assignment.partition('=')[0]}" in str(caught.value)


def test_an_assignment_below_values_by_year_is_not_lost(tmp_path: Path) -> None:
    sweep = sweep_of(
        tmp_path, grid(f"    {RISK}: [{{2027: 0.01}}, {{2027: 0.02}}]\n"), f"{RISK}=0.3"
    )
    levels = [sweep.scenario(i).rules.payment.risk_level for i in range(2)]
    assert [(level.at(2027), level.at(2028)) for level in levels] == [(0.01, 0.3), (0.02, 0.3)]


def test_other_draws_and_seed(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, GRID)
    other = sweep.with_draws(5, 9)
    assert [(s.file.draws, s.file.seed) for s in (sweep, other)] == [(2000, 1), (5, 9)]
    assert (other.scenario(3).draws, other.scenario(3).seed) == (5, 9)
    assert sweep.with_draws(None, None) == sweep
    assert other.hashes == sweep.hashes
    with pytest.raises(InputError, match="--draws and --seed"):
        sweep.with_draws(0, None)


def test_draws_kept_clinician_by_clinician(tmp_path: Path) -> None:
    """They decide nothing of what a draw is, and are recorded only where they are given."""
    plain = load_scenario(write(tmp_path, HEAD))
    kept = load_scenario(write(tmp_path, f"{HEAD}panel_draws: 30\n"))
    assert (plain.file.panel_draws, kept.file.panel_draws) == (None, 30)
    assert kept.hash("r") == plain.hash("r")
    assert kept.resolved()["panel_draws"] == 30
    assert "panel_draws" not in plain.resolved()
    assert kept.with_draws(3, None).file.panel_draws == 30
    assert sweep_of(tmp_path, f"{GRID}panel_draws: 0\n").scenario(1).file.panel_draws == 0
    with pytest.raises(InputError, match="line 3: 'panel_draws': input should be greater"):
        load_scenario(write(tmp_path, f"{HEAD}panel_draws: -1\n"))


@pytest.mark.parametrize(
    "text",
    [
        f"{GRID}    {RISK}: [{{2027: 0.1}}, 0.2]\ncompare_to: {{{STEEPNESS}: 0.1, {SHARE}: 0.7, "
        f"{RISK}: {{2027: 0.1}}}}\n",
        listed(
            f"    A: {{}}\n    B: {{{STEEPNESS}: {{2028: 0.3}}}}\ncompare_to: A\npanel_draws: 2\n"
        ),
        f"title: S\nset: {{{STEEPNESS}: 0.2}}\nsweep: {{scenarios: [baseline]}}\n",
        f"{HEAD}sweep: {{design: {{method: morris, n: 2, {OVER}}}}}\n",
        f"{HEAD}set: {{{RISK}: {{2027: 0.1}}}}\n",
    ],
)
def test_what_is_recorded_is_the_sweep_again(text: str, tmp_path: Path) -> None:
    """As JSON, in which years are texts."""
    sweep = sweep_of(tmp_path, text, "population.episodes.sigma=1.1")
    again = load_sweep(write(tmp_path, json.dumps(sweep.resolved(), indent=1)))
    assert again.hashes == sweep.hashes
    assert names(again) == names(sweep)
    assert (again.compare_to, again.axes, again.design) == (
        sweep.compare_to,
        sweep.axes,
        sweep.design,
    )
    assert again.file.panel_draws == sweep.file.panel_draws


def test_duplicates(tmp_path: Path) -> None:
    text = listed(
        f"    A: {{}}\n    B: {{{STEEPNESS}: 0.1}}\n    C: {{{STEEPNESS}: 0.2}}\n"
        f"    D: {{{STEEPNESS}: 0.2, {SPREAD}: 1}}\n"
        f"    E: {{{SPREAD}: 1.2}}\n    F: {{{SHARE}: 0.85}}\n"
    )
    sweep = sweep_of(tmp_path, text)
    base = load_scenario("baseline")
    spread, share = base.population.quality.spread.value, base.rules.payment.redistribution_share
    assert (spread, share.at(2027)) == (1, 0.85)  # else the file above means something else
    assert duplicates(sweep) == [("B", "A"), ("D", "C"), ("F", "A")]
    assert duplicates(sweep_of(tmp_path, GRID)) == []


def test_a_sweep_travels(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, GRID + f"compare_to: {{{STEEPNESS}: 0.1, {SHARE}: 0.7}}\n")
    data = pickle.dumps(sweep)
    assert len(data) < 500_000
    copy = pickle.loads(data)
    assert copy == sweep
    assert copy.scenario(4) == sweep.scenario(4)


def test_nothing_is_checked_more_often_than_there_are_scenarios(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules and population apart; and a design, of which no two parts are alike."""
    counts: Counter[str] = Counter()

    def counted(root: str, check: Callable[[Document], Any]) -> Callable[[Document], Any]:
        def count(document: Document) -> Any:
            counts[root] += 1
            return check(document)

        return count

    for root, check in CHECKS.items():
        monkeypatch.setitem(CHECKS, root, counted(root, check))
    values = [round(0.05 + 0.01 * i, 2) for i in range(20)]
    spreads = [round(1 + 0.1 * i, 1) for i in range(5)]
    sweep = sweep_of(tmp_path, grid(f"    {STEEPNESS}: {values}\n    {SPREAD}: {spreads}\n"))
    assert len(sweep) == len(set(sweep.hashes)) == 100
    assert (counts["rules"], counts["mips"]) == (20, 1)
    assert counts["population"] <= 100
    counts.clear()
    over = f"{{{STEEPNESS}: {{}}, {SPREAD}: {{low: 0.5, high: 1.5}}}}"
    sampled = sweep_of(tmp_path, design("method: latin_hypercube\n    n: 100", over))
    assert len(sampled) == len(set(sampled.hashes)) == 100
    assert counts["rules"] == counts["population"] == 101  # the base too, for its ranges


def test_a_shipped_sweep_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    write(tmp_path, (load_module.SHELF.folder / "baseline.yaml").read_text(), "baseline.yaml")
    write(tmp_path, GRID.replace("sweep:", "description: Words\nsweep:"), "steep.yaml")
    shelf = replace(load_module.SHELF, folder=tmp_path)
    monkeypatch.setattr(load_module, "SHELF", shelf)
    assert shipped()[1] == ("steep", "sweep", "Mine", "Words")
    assert len(load_sweep("steep")) == 6
