"""A condition that the package has never heard of, in YAML alone, from a file to the answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import asm_sim as asm
from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.plan import make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.plots import quintile_transitions, score_to_adjustment
from asm_sim.results.compare import print_comparison
from asm_sim.results.describe import cohort_title
from asm_sim.results.summary import print_summary
from asm_sim.scenario.load import load_scenario
from asm_sim.store.work import work_of
from asm_sim.studies import volatility
from tests.conftest import roster_rows, write_roster
from tests.rules.third_condition import RULES

TITLES = ["Heart failure", "Low back pain", "Diabetes"]


def printed(what: Callable[[Console], None]) -> str:
    console = Console(file=StringIO(), width=100)
    what(console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def leaf(value: Any, unit: str = "share") -> str:
    return f"{{value: {value}, unit: {unit}, status: assumption, source: invented}}"


def measure_entry(slot: int, cases: int, body: str) -> str:
    return f"{{slot: {leaf(slot)}, cases_median: {leaf(cases)}, {body}}}"


def percentiles(values: list[float]) -> str:
    return f"{{percentiles: {leaf(values)}}}"


RISING = [5.0, 20, 30, 38, 45, 52, 60, 68, 77, 88, 99]
NORMAL = (
    f"normal: {{location: {leaf(60)}, sd: {leaf(9)}, reliability: {leaf(0.4)}, "
    f"reliability_cases: {leaf(30)}, minimum_cases: {leaf(10)}}}"
)
WITH_DIABETES = f"""\
extends: roster-2027-preliminary
id: third
title: With an invented third condition
roster: {{value: third.csv}}
practice: {{solo_share: {{DM: {leaf(0.2)}}}}}
specialty_mix: {{DM: {{endocrinology: {leaf(0.7)}, other: {leaf(0.3)}}}}}
episodes: {{mean: {{DM: {leaf(60)}}}}}
part_b: {{mean: {{DM: {leaf(90000)}}}, sigma: {{DM: {leaf(0.6)}}}}}
patients:
  hcc_mean: {{endocrinology: {leaf(1.5)}, other: {leaf(1.2)}}}
  hcc_sd: {{endocrinology: {leaf(0.4)}, other: {leaf(0.3)}}}
cost:
  mean: {{DM: {leaf(9000)}}}
  sd: {{DM: {leaf(2500)}}}
  trend: {{DM: {leaf(0.02)}}}
  reliability_at_20: {{DM: {leaf(0.5)}}}
quality:
  measures:
    X001: {
    measure_entry(
        0,
        50,
        f"distributions: {{ecqm: {percentiles(RISING)}, cqm: {percentiles(RISING)}}}",
    )
}
    X002: {measure_entry(3, 40, f"distributions: {{cqm: {percentiles(RISING)}}}")}
    X003: {measure_entry(6, 60, NORMAL)}
    X900: {measure_entry(1, 60, NORMAL)}
"""


@pytest.fixture
def third(tmp_path: Path) -> Path:
    (tmp_path / "with-diabetes.yaml").write_text(RULES)
    (tmp_path / "third.yaml").write_text(WITH_DIABETES)
    rows = roster_rows()
    for i, row in enumerate(rows):
        if i % 3 == 2:
            row["cohort"] = "DM"
    write_roster(tmp_path / "third.csv", rows)
    text = "title: A third condition\nextends: baseline\nrules: with-diabetes\npopulation: third\n"
    settings = "set: {rules.quality.benchmark_minimum_clinicians: 5}\n"
    path = tmp_path / "mine.yaml"
    path.write_text(f"{text}draws: 3\n{settings}")
    return path


def test_a_third_condition_from_end_to_end(third: Path) -> None:
    dataset = simulate(third)
    assert dataset.cohort.values.tolist() == ["HF", "LBP", "DM"]
    here = dataset.sel(cohort="DM")
    assert (here.clinicians_by_group.sel(group="all") == 50).all()
    assert {"specialty: endocrinology", "specialty: other"} <= set(dataset.group.values)
    specialties = here.clinicians_by_group.sel(
        group=["specialty: endocrinology", "specialty: other"]
    )
    assert (specialties.sum("group") == 50).all()
    assert (here.clinicians_by_group.sel(group="specialty: cardiology") == 0).all()
    assert float(here.final_score_mean.mean()) == pytest.approx(70, abs=15)
    np.testing.assert_allclose(here.retained_by_medicare, 0.15 * here.amount_at_risk, rtol=1e-9)
    assert (here.reliability > 0).all()
    assert np.isfinite(here.adjustment_sd).all()


def test_a_third_condition_through_the_table(third: Path) -> None:
    """The draw as a table, scored by the same rules, pays the same."""
    dataset, scenario = simulate(third), load_scenario(third)
    table = cohort_table(scenario, draw=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = asm.score(table, rules=scenario.rules)
    chosen = (result["cohort"] == "DM") & (result["performance_year"] == 2030)
    wanted = result[chosen].set_index("clinician_id")["payment_adjustment_factor"]
    panel = dataset.panel_adjustment.sel(performance_year=2030).isel(draw_sample=1)
    panel = panel.isel(clinician=(dataset.clinician_cohort == "DM").values)
    np.testing.assert_allclose(panel, wanted.loc[panel.clinician_id.values], rtol=1e-6, atol=1e-9)
    assert result.loc[chosen, "x003_points"].notna().any()


def test_a_third_condition_leaves_the_others_alone(third: Path) -> None:
    """The same clinicians without the new cohort are paid the same."""
    both = simulate(third)
    path = third.parent / "third.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if ",DM," not in line) + "\n")
    alone = simulate(third)
    assert alone.cohort.values.tolist() == ["HF", "LBP"]
    # Practices that also had the new cohort list fewer, so what depends on size may differ: scores.
    # Costs and payments do not.
    base = [d.amount_at_risk.sel(cohort="HF", performance_year=2027) for d in (both, alone)]
    scored = [1 - d.share_unscored.sel(cohort="HF", performance_year=2027) for d in (both, alone)]
    assert (scored[0] == scored[1]).all()
    np.testing.assert_array_equal(*base)


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        ("episodes: {mean: {DM:", "population.episodes.mean: no entry for cohort 'DM'"),
        ("    X900:", "population.quality.measures: no entry for 'X900' (DM)"),
    ],
)
def test_a_third_condition_that_is_not_complete(third: Path, cut: str, words: str) -> None:
    path = third.parent / "third.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith(cut)]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as caught:
        load_scenario(third)
    assert words in str(caught.value)
    assert f"{third.parent}" in str(caught.value)


def test_a_cohort_of_the_roster_that_the_population_does_not_know(third: Path) -> None:
    """The rule set may have it; that somebody is in it is known once the roster is read."""
    path = third.parent / "third.yaml"
    text = path.read_text()
    path.write_text(text[: text.index("practice:")] + text[text.index("quality:") :])
    scenario = load_scenario(third)
    with pytest.raises(InputError, match=r"population\.specialty_mix: no entry for cohort 'DM'"):
        make_plan(scenario)
    with pytest.raises(InputError, match=r"population\.specialty_mix: no entry for cohort 'DM'"):
        work_of(scenario)


def test_two_measures_of_a_cohort_in_one_slot(third: Path) -> None:
    path = third.parent / "third.yaml"
    path.write_text(path.read_text().replace("slot: {value: 3,", "slot: {value: 6,"))
    with pytest.raises(InputError, match=r"third\.yaml, line \d+: .*slot: X002 has it already"):
        load_scenario(third)


def test_its_title_is_that_of_its_rule_wherever_it_is_printed_or_drawn(third: Path) -> None:
    dataset = simulate(third)
    study = volatility.transitions(dataset)
    figures = [plot(dataset) for plot in (score_to_adjustment.plot, quintile_transitions.plot)]
    for ds in (dataset, study):
        assert [cohort_title(ds, cohort) for cohort in ds.cohort.values] == TITLES
    for texts in [
        printed(lambda console: print_summary(dataset, console)),
        printed(lambda console: print_comparison(asm.compare(dataset, dataset), console)),
        *("\n".join(ax.get_title("left") for ax in figure.axes) for figure in figures),
    ]:
        assert all(title in texts for title in TITLES)


def test_results_that_do_not_say_the_titles_are_told_by_id(third: Path) -> None:
    older = simulate(third)
    del older.attrs["cohort_titles"]
    assert [cohort_title(older, cohort) for cohort in older.cohort.values] == ["HF", "LBP", "DM"]
    assert "\nDM (DM)" in printed(lambda console: print_summary(older, console))
