"""A practice's few clinicians among simulated cohorts: scored as probes, in every draw and year."""

from __future__ import annotations

import json
import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

import asm_sim as asm
from asm_sim.against.cohort_draws import PARTS, cohort_years
from asm_sim.against.known import known_of
from asm_sim.against.source import plan_against
from asm_sim.against.standing import Standing, stand_against
from asm_sim.cli.main import app
from asm_sim.engine.draw_table import cohort_table, tables
from asm_sim.engine.plan import make_plan
from asm_sim.errors import InputError
from asm_sim.results.spread import percentile_of
from asm_sim.scenario.schema import Scenario
from asm_sim.score.check import check_table
from asm_sim.score.example import example_rows
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import open_folder
from asm_sim.store.work import work_of
from asm_sim.tables.read import read_table
from tests.conftest import MakeScenario, write_roster

OTHERS = ("q238", "q134", "q128", "q220")  # measures of the other cohort


def seven() -> pd.DataFrame:
    """Seven cardiologists of the example in the first year."""
    rows = pd.DataFrame(example_rows(), dtype=object)
    of_hf = rows[(rows["cohort"] == "HF") & (rows["performance_year"] == 2027)].iloc[12:19]
    return of_hf.drop(columns=[name for name in rows if name[:4] in OTHERS]).reset_index(drop=True)


@pytest.fixture(scope="module")
def small(small_scenario: Scenario) -> Scenario:
    return small_scenario.with_draws(4, None)


def standing(table: pd.DataFrame, scenario: Scenario, open_draws: int = 0) -> Standing:
    (found,) = stand_against(table, scenario, open_draws=open_draws).cohorts
    return found


def asm_sim_score(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


# What a probe gets


def test_a_simulated_clinician_gets_what_the_simulation_gave(small: Scenario) -> None:
    """Whom a cohort's fit already holds is paid by it as the cohort was, in every year."""
    for draw in (0, 3):
        table = cohort_table(small, draw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            paid = asm.score(table, rules=small.rules)
        chosen = table["cohort"].eq("HF") & table["clinician_id"].isin(["C3", "C17", "C60"])
        found = standing(table[chosen], small)
        assert found.drawn == {}
        for y, year in enumerate(found.years):
            expected = paid[chosen & paid["performance_year"].eq(year)]
            assert list(expected["clinician_id"]) == found.known.ids
            for values, name in (
                (found.values.final_score, "final_score"),
                (found.values.adjustment, "payment_adjustment_factor"),
                (found.values.dollars, "payment_change_usd"),
            ):
                np.testing.assert_allclose(values[draw, y], expected[name], rtol=1e-12)


def test_nobody_changes_what_another_gets_and_more_draws_keep_the_first(small: Scenario) -> None:
    table = seven().drop(columns=["pi_score", "hcc_risk_score"])
    all_seven = standing(table, small)
    turned = standing(table.iloc[::-1].iloc[:3], small.with_draws(2, None))
    np.testing.assert_array_equal(
        turned.values.final_score, all_seven.values.final_score[:2, :, [6, 5, 4]]
    )
    np.testing.assert_array_equal(turned.values.dollars, all_seven.values.dollars[:2, :, [6, 5, 4]])


def test_alone_they_are_paid_for_one_another_and_among_others_for_what_they_do() -> None:
    """Seven good ones without benchmarks of their own lose; among a simulated cohort they gain."""
    table = seven()
    table["q492_rate"] -= 10
    table["q377_rate"] += 20
    with pytest.warns(UserWarning, match="too few for benchmarks of their own") as warned:
        alone = asm.score(table)
    assert "HF 2027 (7 clinicians, 20 are needed)" in str(warned[0].message)
    assert "--against baseline --draws 100" in str(warned[0].message)
    assert alone["quality_score"].isna().all()
    among = asm.score_against(table, draws=6, open_draws=0)
    first = among[among["performance_year"] == 2027]
    assert (first["share_penalty"] * first["draws"] % 1 == 0).all()
    total, error = first["payment_change_usd"].sum(), first["payment_change_usd_mcse"].sum()
    assert alone["payment_change_usd"].sum() < -10_000
    assert total - 4 * error > 0


def test_what_drives_it_adds_up(small: Scenario) -> None:
    table = asm.score_against(seven(), small, open_draws=2)
    differences = table[[f"{part}_difference" for part in PARTS]].sum(axis=1)
    for _, of_year in table.groupby("performance_year"):
        middle = of_year["final_score"] - differences[of_year.index]
        assert np.ptp(middle) < 1e-9  # the final score of the median clinician, the same for all
        assert abs(middle.iloc[0] - of_year["median_final_score"].iloc[0]) < 1.5
    assert (table["final_score_p5"] <= table["final_score_p95"]).all()
    assert (table["open_draws"] == 2).all()
    assert table["payment_change_usd_open_p95"].notna().all()
    assert list(table["clinician_id"].unique()) == list(seven()["clinician_id"])


def test_a_score_that_is_clipped_is_told_by_its_limits(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(settings={"rules.final_score.maximum": 60}, draws=2)
    found = standing(seven(), scenario)
    assert found.values.final_score.max() == 60
    limits = found.averages.parts.mean[:, PARTS.index("limits")]
    assert limits.min() < -5


# What is not known


def test_what_is_not_known_is_that_of_one_simulated_clinician(small: Scenario) -> None:
    table = pd.DataFrame({"clinician_id": ["a", "b"], "cohort": "HF"})
    plan = make_plan(small)
    (cohort,) = (cohort for cohort in plan.cohorts if cohort.name == "HF")
    known = known_of(
        check_table(read_table(table), small.rules, in_part=True).frame, small.rules, "HF", []
    )
    compared = cohort_years(plan, cohort, 1)[2]
    u = known.uniforms(small.seed, 1)
    seen, _, _, paid = known.filled(compared, u)
    donors = (u.clinician * 70).astype(int)
    assert len(set(donors)) == 2
    for name, values in seen._asdict().items():
        of_donors = getattr(compared.seen.observed, name)
        np.testing.assert_array_equal(values, of_donors[..., donors], err_msg=name)
    np.testing.assert_array_equal(paid, compared.seen.paid[donors])
    drawn = known.drawn(cohort.rules)
    assert {"practice_size", "pi_score", "episode_cost", "Q008"} <= set(drawn)
    assert "extreme_circumstances" not in drawn  # which this rule does not read
    assert set(drawn.values()) == {2}


def test_parts_that_are_known_stay_and_cases_without_a_rate_are_not_reported(
    small: Scenario,
) -> None:
    table = seven().assign(q008_cases="", q008_collection_type=None)
    table["episodes"] = pd.Series([""] * 7, dtype=object)
    table.loc[0, ["q005_rate", "q005_completeness", "q005_collection_type"]] = ""
    table.loc[1, ["episodes", "episode_cost"]] = [8, ""]
    found = standing(table, small)
    assert found.drawn == {"episodes": 6, "q008_cases": 7, "q008_collection_type": 7}
    plan = make_plan(small)
    cohort = plan.cohorts[0]
    compared = cohort_years(plan, cohort, 0)[0]
    seen, *_ = found.known.filled(compared, found.known.uniforms(small.seed, 0))
    np.testing.assert_array_equal(seen.rate[1], table["q008_rate"].astype(float))
    assert (seen.collection[1] >= 0).all()
    assert np.isnan(seen.rate[2, 0])
    assert (seen.episodes[[0, 2, 3, 4, 5, 6]] >= 20).all()
    assert seen.episodes[1] == 8
    assert np.isnan(seen.episode_cost[1])
    points = found.averages.points.mean[0, 2, 0]
    assert points == small.rules.quality.points_not_reported.at(2027)


def test_a_year_without_a_row_has_that_of_the_nearest_before(small: Scenario) -> None:
    table = pd.concat([seven().iloc[:2].assign(performance_year=y) for y in (2028, 2030)])
    table = pd.concat([table, seven().iloc[2:3].assign(performance_year="")])
    table["episode_cost"] = [10_000 + i for i in range(5)]
    found = standing(table, small)
    assert found.known.of_year.tolist() == [
        [2028, 2028, 0],
        [2028, 2028, 0],
        [2028, 2028, 0],
        [2030, 2030, 0],
        [2030, 2030, 0],
    ]
    assert found.known.seen[4].episode_cost.tolist() == [10_002, 10_003, 10_004]
    with pytest.raises(InputError, match=r"'00115' has two rows of cohort HF without a perf"):
        standing(pd.concat([table, table.iloc[4:]]), small)


# Whom they are set against


def test_a_run_is_drawn_again_from_its_folder(tmp_path: Path) -> None:
    chosen = ["rules.payment.exchange.steepness=0.2"]
    scenario = asm.load_scenario("baseline", chosen).with_draws(2, 9)
    carry_out(open_folder(tmp_path / "run"), work_of(scenario, panel=0, lens=0, open_draws=0))
    of_run = asm.score_against(seven(), tmp_path / "run", open_draws=0)
    by_name = asm.score_against(seven(), "baseline", draws=2, seed=9, settings=chosen, open_draws=0)
    pd.testing.assert_frame_equal(of_run, by_name, check_exact=True)
    with pytest.raises(InputError, match="is a run, with a seed and settings of its own"):
        asm.score_against(seven(), tmp_path / "run", seed=3)


ROSTER_OF_OURS = """\
title: Ours among the list
extends: baseline
draws: 2
set: {population.roster: ours.csv, population.roster_among: shipped}
"""


def test_a_run_keeps_the_files_of_ones_own_that_it_was_made_from(
    tmp_path: Path, make_scenario: MakeScenario
) -> None:
    """So its draws can be made again when the run is elsewhere, and the files have changed."""
    scenario = make_scenario(draws=2, settings={"rules.payment.risk_level": 0.05})
    run = tmp_path / "run"
    carry_out(open_folder(run), work_of(scenario, panel=0, lens=0, open_draws=0))
    assert {path.name for path in (run / "inputs").iterdir()} == {"small.yaml", "small.csv"}
    of_files = asm.score_against(seven(), scenario, open_draws=0)
    (scenario.folder / "small.csv").write_text("changed")
    for place in (run.rename(tmp_path / "moved"), tmp_path / "moved" / "results.zarr"):
        of_run = asm.score_against(seven(), place, open_draws=0)
        pd.testing.assert_frame_equal(of_run, of_files, check_exact=True)


def test_a_run_of_clinicians_of_ones_own_among_the_list_can_be_set_against(
    tmp_path: Path,
) -> None:
    """Whoever is one of its simulated clinicians is paid as the run pays."""
    rows = [
        {"clinician_id": f"O{i}", "cohort": "HF", "state": "TX", "practice_id": "P",
         "small_practice": "1", "episodes": f"{40 + i}"}
        for i in range(3)
    ]  # fmt: skip
    write_roster(tmp_path / "ours.csv", rows)
    (tmp_path / "mine.yaml").write_text(ROSTER_OF_OURS)
    scenario = asm.load_scenario(tmp_path / "mine.yaml")
    run = tmp_path / "run"
    carry_out(open_folder(run), work_of(scenario, panel=2, lens=0, open_draws=0))
    for path in ("ours.csv", "mine.yaml"):
        (tmp_path / path).unlink()
    plan = plan_against(run, open_draws=0)
    own = plan.cohorts[0]
    frames = [frame for draw in (0, 1) for frame in tables(plan, own, draw, False)]
    kept = asm.open_results(run)["panel_final_score"]
    mine = np.flatnonzero(kept["clinician_id"].isin(["O0", "O1", "O2"]))
    for draw in (0, 1):
        of_draw = pd.concat(frames[5 * draw : 5 * draw + 5])
        table = of_draw[of_draw["clinician_id"].isin(["O0", "O1", "O2"])]
        found = stand_against(table, run, open_draws=0).cohorts[0]
        panel = kept.transpose("draw_sample", "performance_year", "clinician").values[draw][:, mine]
        np.testing.assert_allclose(found.values.final_score[draw], panel, rtol=1e-6)


def test_a_run_without_its_files_says_to_name_them(tmp_path: Path, small: Scenario) -> None:
    carry_out(open_folder(tmp_path / "run"), work_of(small, panel=0, lens=0, open_draws=0))
    (tmp_path / "run" / "inputs" / "small.csv").unlink()
    with pytest.raises(InputError, match=r"cannot be made again .* name its scenario's file"):
        asm.score_against(seven(), tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "settings", "expected"),
    [
        ({"cohort": "COPD"}, {}, "'COPD' is no cohort; one of: HF, LBP"),
        (
            {"final_score": 50},
            {},
            "column final_score: leave it out; scores are made of hcc_risk_s",
        ),
    ],
)
def test_what_cannot_be_set_against_a_cohort_is_refused(
    change: dict[str, Any], settings: dict[str, Any], expected: str, make_scenario: MakeScenario
) -> None:
    with pytest.raises(InputError, match=expected):
        asm.score_against(seven().assign(**change), make_scenario(settings=settings, draws=1))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"against": xr.Dataset()}, "a Dataset is neither a run nor a scenario: name the folder"),
        ({"draws": "3"}, "draws is '3'; give a whole number, 1 or more"),
        ({"draws": 2.5}, "draws is 2.5; give a whole number, 1 or more"),
        ({"settings": "rules.payment.risk_level=7"}, "7 is out of range: 0 to 1"),
    ],
)
def test_what_code_gives_amiss_is_told(given: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as told:
        asm.score_against(seven(), **given)
    assert expected in str(told.value)


def test_what_must_be_there_is_not_said_to_be_left_out(small: Scenario) -> None:
    with pytest.raises(InputError, match="column clinician_id is missing") as told:
        asm.score_against(pd.DataFrame({"name": ["a"], "x": [1]}), small)
    assert "--against" not in str(told.value)


def test_final_scores_alone_are_refused(small: Scenario) -> None:
    table = pd.DataFrame({"clinician_id": ["a"], "cohort": "HF", "final_score": [50]})
    with pytest.raises(InputError, match="give what they are made of"):
        asm.score_against(table, small)


def test_percentiles_are_of_the_draws_that_have_a_value() -> None:
    values = np.random.default_rng(3).normal(size=(9, 2, 4))
    values[:3, 0, 1] = values[:, 1, 2] = np.nan
    found = percentile_of(values, 25)
    np.testing.assert_array_equal(found[0, 0], np.percentile(values[:, 0, 0], 25))
    np.testing.assert_array_equal(found[0, 1], np.percentile(values[3:, 0, 1], 25))
    assert np.isnan(found).sum() == np.isnan(found[1, 2]) == 1


# As a user meets it


@pytest.fixture
def table(tmp_path: Path) -> Path:
    seven().drop(columns=["pi_score"]).to_csv(tmp_path / "seven.csv", index=False)
    return tmp_path / "seven.csv"


def test_a_table_too_small_is_answered_with_a_warning_first_that_names_the_way(
    tmp_path: Path,
) -> None:
    seven().assign(note="x").to_csv(tmp_path / "seven.csv", index=False)
    result = asm_sim_score(tmp_path / "seven.csv", "-o", tmp_path / "out.csv")
    assert result.exit_code == 0
    first, second = result.stderr.splitlines()[:2]
    assert first.startswith("Warning: too few for benchmarks of their own: HF 2027 (7 clinicians")
    assert "--against baseline --draws 100" in first
    assert "'note' is not known" in second


def test_missing_columns_name_the_way_without_them(table: Path) -> None:
    result = asm_sim_score(table)
    assert result.exit_code == 2
    assert "with --against baseline what is not known may be left out" in result.stderr


def test_the_answer_in_words_fits_a_terminal(table: Path, tmp_path: Path) -> None:
    given = ("--against", "baseline", "--draws", "3", "-o", tmp_path / "out.xlsx")
    result = asm_sim_score(table, *given)
    assert result.exit_code == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    words = " ".join(result.stdout.split())
    assert "7 clinicians of HF among 2,607 simulated ones" in words
    assert "in each draw taken from a simulated clinician: pi_score." in words
    assert "Performance year 2027, paid in 2029; median final score" in words
    assert "What drives it, in points of the final score against the median clinician" in words
    assert "2028, 2029, 2030, 2031: as in the nearest year that the table has" in words
    assert "the middle 90 % of 3 open draws" in words
    assert "Monte Carlo errors of the means" in words
    for clinician in seven()["clinician_id"]:
        assert result.stdout.count(f"{clinician} ") == 2
    written = pd.read_excel(tmp_path / "out.xlsx", dtype={"clinician_id": str})
    assert len(written) == 7 * 5
    assert list(written["performance_year"][:5]) == [2027, 2028, 2029, 2030, 2031]


def test_the_answer_for_a_program(table: Path) -> None:
    given = ("--against", "baseline", "--draws", "1", "--seed", "5", "--json")
    result = asm_sim_score(table, *given)
    told = json.loads(result.stdout)
    assert told["against"]["scenario"] == "baseline"
    assert (told["against"]["seed"], told["against"]["draws"]) == ("5", 1)
    assert told["drawn"] == {"HF": {"pi_score": 7}}
    assert len(told["clinicians"]) == 35
    assert told["clinicians"][0]["final_score_mcse"] is None  # of one draw
    in_all = {year["performance_year"]: year["payment_change_usd"] for year in told["together"]}
    for year, dollars in in_all.items():
        of_year = [
            row["payment_change_usd"]
            for row in told["clinicians"]
            if row["performance_year"] == year
        ]
        assert abs(sum(of_year) - dollars) < 1e-6


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--draws", "5"], "go with --against"),
        (["--json"], "go with --against"),
        (["--against", "baseline", "--rules", "mips-2026"], "--rules does not go with --against"),
        (["--against", "baselin"], "did you mean 'baseline'?"),
        (["--against", "baseline", "-o", "seven.csv"], "would replace the input"),
        (["--against", "."], "holds no run"),
    ],
)
def test_bad_arguments(
    table: Path, arguments: list[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(table.parent)
    result = asm_sim_score("seven.csv", *arguments)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_the_package_is_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr("asm_sim.cli.main.main", lambda: called.append("asm-sim"))
    runpy.run_module("asm_sim", run_name="__main__")
    assert called == ["asm-sim"]
