"""The explorer's arithmetic: a step is a run with that lever set, on the same draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from ruamel.yaml import YAML

import asm_sim as asm
from asm_sim.engine.plan import make_plan
from asm_sim.engine.scored import ScoredYear, scored_years
from asm_sim.errors import InputError
from asm_sim.explorer import answers
from asm_sim.explorer.curve import adjustments_at, break_even, exchange_curve
from asm_sim.explorer.export import UNTITLED, scenario_yaml
from asm_sim.explorer.levers import levers_of, settings_of
from asm_sim.explorer.page import steps_of
from asm_sim.explorer.steps import Steps, with_settings
from asm_sim.results.statistics import estimate, paired_difference
from asm_sim.scenario.schema import Scenario
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import open_folder
from asm_sim.store.work import work_of
from tests.conftest import MakeScenario
from tests.unit.test_against_rules import AVERAGED, BY_SIZE, COMING, LEVELS

DRAWS = 6
EXCHANGE = "rules.payment.exchange"
# By lever: a value that the small roster's rule has not.
MOVED: dict[str, dict[str, Any]] = {
    "risk": {"rules.payment.risk_level": 0.05},
    "share": {"rules.payment.redistribution_share": 0.6},
    "steepness": {f"{EXCHANGE}.steepness": 0.17},
    "mean": {f"{EXCHANGE}.midpoint": "mean"},
    "midpoint": {f"{EXCHANGE}.midpoint": "fixed", f"{EXCHANGE}.fixed_midpoint": 61.0},
    "cost_weight": {
        "rules.final_score.weight_cost": 0.3,
        "rules.final_score.weight_quality": 0.7,
    },
    "case_minimum": {"rules.cost.case_minimum": 60},
    "together": {"rules.payment.risk_level": 0.05, "rules.cost.case_minimum": 60},
}


@pytest.fixture(scope="module")
def scenario(make_scenario: MakeScenario) -> Scenario:
    return make_scenario(draws=DRAWS)


@pytest.fixture(scope="module")
def steps(scenario: Scenario) -> Steps:
    return Steps(make_plan(scenario, panel=0, lens=0))


def run_of(scenario: Scenario, settings: dict[str, Any]) -> xr.Dataset:
    return asm.simulate(with_settings(scenario, settings), open_draws=0)


def assert_same(steps: Steps, run: xr.Dataset, settings: dict[str, Any]) -> None:
    """Every number of every draw, the curve, and every clinician, is that of a run."""
    step = steps.step(settings)
    for name, of in step.cohorts.items():
        of_run = run.sel(cohort=name)
        for variable, values in of.by_draw.items():
            np.testing.assert_allclose(
                values, of_run[variable].values, rtol=1e-9, atol=1e-9, err_msg=variable
            )
        for year in range(0 if steps.peers_of(name) else len(steps.years)):  # a curve each
            of_year = of_run.isel(performance_year=year)
            np.testing.assert_allclose(
                adjustments_at(of, year, run["score"].values),
                of_year["adjustment_at_score"].transpose("draw", "score").values,
                atol=1e-9,
            )
            np.testing.assert_allclose(
                break_even(of, year), of_year["break_even_score"].values, atol=2e-9
            )
        mine = run["clinician_cohort"].values == name
        for variable, kept in (("adjustment", of.adjustment), ("final_score", of.final_score)):
            panel = run[f"panel_{variable}"].values[:, mine].transpose(0, 2, 1)
            np.testing.assert_allclose(kept, panel, rtol=1e-6)


@pytest.mark.parametrize("moved", MOVED.values(), ids=MOVED)
def test_a_step_is_a_run_with_that_lever_set(
    moved: dict[str, Any], steps: Steps, scenario: Scenario
) -> None:
    assert_same(steps, run_of(scenario, moved), moved)
    assert steps.step(moved).drawn_anew == ("rules.cost.case_minimum" in moved)
    base = steps.base.cohorts["HF"]
    assert not np.array_equal(steps.step(moved).cohorts["HF"].adjustment, base.adjustment)


@pytest.mark.parametrize(
    ("settings", "moved"),
    [
        ({f"{EXCHANGE}.form": "linear"}, MOVED["share"]),
        ({f"{EXCHANGE}.form": "rank"}, MOVED["cost_weight"]),
        ({f"{EXCHANGE}.form": "threshold"}, MOVED["risk"]),
        (
            {
                "rules.payment.neutral_band": 4,
                "rules.payment.cap": 0.5,
                "rules.payment.rounding": "tenth_percent",
            },
            MOVED["steepness"],
        ),
        (
            {
                "population.eligibility.redetermined": True,
                "population.churn.entry_share": 0.1,
                "population.churn.waiting_share.HF": 0.2,
                "population.churn.move_share": 0.1,
                "rules.final_score.rounding": "whole",
            },
            MOVED["risk"],
        ),
        ({"rules.final_score.averaging_years": 3}, MOVED["cost_weight"]),
        ({"rules.peers.basis": "specialty"}, MOVED["steepness"]),
        (BY_SIZE | {f"{EXCHANGE}.form": "rank"}, MOVED["share"]),
        (
            COMING | dict.fromkeys(LEVELS, "practice") | {"rules.payment.neutral_band": 4},
            MOVED["midpoint"],
        ),
        ({LEVELS[1]: "small_practices"}, MOVED["case_minimum"]),
        (AVERAGED | BY_SIZE | COMING | {LEVELS[0]: "practice"}, MOVED["mean"]),
    ],
    ids=[
        "linear", "rank", "threshold", "band", "come-and-go", "averaged", "specialty", "size",
        "practices", "small-practices", "averaged-practices-by-size",
    ],
)  # fmt: skip
def test_so_it_is_under_other_rules(
    settings: dict[str, Any], moved: dict[str, Any], make_scenario: MakeScenario
) -> None:
    scenario = make_scenario(settings=settings, draws=3)
    steps = Steps(make_plan(scenario, panel=0, lens=0))
    assert_same(steps, run_of(scenario, moved), moved)


def test_who_acts_on_payments_is_drawn_anew(make_scenario: MakeScenario) -> None:
    effort = {"population.behaviour.effort.response_to_loss": 0.1}
    scenario = make_scenario(settings=effort, draws=3)
    steps = Steps(make_plan(scenario, panel=0, lens=0))
    assert steps.step(MOVED["risk"]).drawn_anew
    assert_same(steps, run_of(scenario, MOVED["risk"]), MOVED["risk"])


def test_numbers_have_the_errors_of_paired_draws(steps: Steps, scenario: Scenario) -> None:
    step = steps.step(MOVED["steepness"])
    run, without = run_of(scenario, MOVED["steepness"]), run_of(scenario, {})
    where = {"cohort": "LBP", "performance_year": steps.years[1]}
    rows = {row.name: row for row in answers.numbers(step, steps.base, "LBP", 1)}
    for name, row in rows.items():
        if name == "retained_share":
            continue
        value, pinned = (estimate(one, name) for one in (run, without))
        difference = paired_difference(run, without, name)
        for found, known in ((row.now, value), (row.pinned, pinned), (row.difference, difference)):
            np.testing.assert_allclose(found.value, known.mean.sel(where), rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(found.error, known.mcse.sel(where), rtol=1e-6, atol=1e-9)
    kept, share, paid = answers.totals(step, steps.base)
    of_all = run.sum(["cohort", "performance_year"])
    assert kept.now.value == pytest.approx(float(of_all["retained_by_medicare"].mean()), rel=1e-9)
    by_draw = of_all["retained_by_medicare"] / of_all["amount_at_risk"]
    assert share.now.value == pytest.approx(float(by_draw.mean()), rel=1e-9)
    assert share.now.error == pytest.approx(float(by_draw.std(ddof=1)) / DRAWS**0.5, rel=1e-6)
    later = of_all["retained_by_medicare_payment_year"]
    assert paid.now.value == pytest.approx(float(later.mean()), rel=1e-9)
    by_year = [found.value for found in answers.retained_by_year(step)]
    assert sum(by_year) == pytest.approx(kept.now.value, rel=1e-9)


def test_who_loses_is_counted_clinician_by_clinician(steps: Steps, scenario: Scenario) -> None:
    step = steps.step(MOVED["risk"])  # half the stakes: whoever gained now gains less
    rows = answers.losers(step, steps.base, steps.plan.groups, "HF", 0)
    assert rows[0].label == "all"
    assert {row.label.partition(":")[0] for row in rows} == {"all", "practice_size", "place"}
    run, without = run_of(scenario, MOVED["risk"]), run_of(scenario, {})
    mine = run["clinician_cohort"].values == "HF"
    change = (run - without)["panel_dollars"].values[:, mine, 0]
    scored = np.isfinite(run["panel_final_score"].values[:, mine, 0])
    losing = (change < -answers.CENT) & scored
    assert rows[0].clinicians == pytest.approx(scored.sum(axis=1).mean())
    assert rows[0].share_losing.value == pytest.approx(losing.sum() / scored.sum())
    assert rows[0].loss_of_losers.value == pytest.approx(-change[losing].mean(), rel=1e-5)
    assert rows[0].change.value == pytest.approx(change[scored].mean(), rel=1e-4, abs=0.1)
    assert 0 < rows[0].share_losing.error < 0.1
    sizes = [row for row in rows if row.label.startswith("practice_size")]
    assert sum(row.clinicians for row in sizes) == pytest.approx(rows[0].clinicians)
    nobody = answers.losers(steps.base, steps.base, steps.plan.groups, "HF", 0)[0]
    assert nobody.share_losing.value == 0
    assert nobody.share_losing.error > 0  # a bound: six draws cannot show what is rare
    assert np.isnan(nobody.loss_of_losers.value)


def test_the_distribution_holds_everyone(steps: Steps) -> None:
    step = steps.step(MOVED["steepness"])
    edges = answers.edges_of([step, steps.base], "LBP", 4)
    assert np.abs(edges).min() == 0  # no bar has penalties and bonuses
    for one in (step, steps.base):
        found = answers.distribution(one, "LBP", 4, edges)
        assert found.share.sum() == pytest.approx(1)
        penalties = found.share[edges[1:] < 1e-9].sum()
        negative = one.cohorts["LBP"].by_draw["share_negative"][:, 4].mean()
        assert penalties == pytest.approx(negative)
        assert (found.error[found.share > 0] > 0).all()


def test_the_curve_has_its_break_even_score_and_its_median(steps: Steps) -> None:
    found = exchange_curve(steps.base, "HF", 0)
    assert found.breaks_even == DRAWS
    assert found.scores[0] == 0
    assert found.adjustment[0] == pytest.approx(-0.09)  # the largest penalty
    at = np.interp(found.break_even.value, found.scores, found.adjustment)
    assert at == pytest.approx(0, abs=0.002)
    assert found.median.value > found.break_even.value - 20
    assert 0 < found.break_even.error < 5


def test_every_group_of_peers_has_a_curve_of_its_own(make_scenario: MakeScenario) -> None:
    """It pays whoever is in it what the step pays, and breaks even at a score of its own."""
    scenario = make_scenario(settings=BY_SIZE, draws=3)
    steps = Steps(make_plan(scenario, panel=0, lens=0))
    assert steps.peers_of("HF") == ["practices up to 5", "practices above 5"]
    rows = {row.name: row for row in answers.numbers(steps.base, steps.base, "HF", 0)}
    assert "median_final_score" not in rows
    of = steps.base.cohorts["HF"]
    even = []
    for peers in (0, 1):
        found = exchange_curve(steps.base, "HF", 0, peers)
        even.append(found.break_even.value)
        assert found.median.value == pytest.approx(of.medians(peers)[:, 0].mean())
        for draw, years in enumerate(scored_years_of(steps, "HF")):
            mine = (years[0].group == peers) & (of.final_score[draw, 0] > 0)
            worth = adjustments_at(of, 0, of.final_score[draw, 0, mine], peers)[draw]
            np.testing.assert_allclose(worth, of.adjustment[draw, 0, mine], atol=1e-9)
    assert even[0] != even[1]
    nobody = exchange_curve(steps.base, "HF", 0, 7)
    assert nobody.breaks_even == 0
    assert np.isnan(nobody.adjustment).all()


def scored_years_of(steps: Steps, cohort: str) -> list[list[ScoredYear]]:
    rules = steps.base.cohorts[cohort].rules
    return [scored_years(*pair) for pair in zip(steps._seen[cohort], rules, strict=True)]


def test_a_run_of_files_of_ones_own_is_explored_without_them(
    tmp_path: Path, make_scenario: MakeScenario
) -> None:
    scenario = make_scenario(draws=3)
    run = tmp_path / "run"
    carry_out(open_folder(run), work_of(scenario, lens=0, open_draws=0))
    whole = run_of(scenario, MOVED["risk"])
    (scenario.folder / "small.csv").unlink()
    assert_same(steps_of(run, draws=3), whole, MOVED["risk"])


def test_levers_hold_the_values_of_the_scenario_exactly(make_scenario: MakeScenario) -> None:
    odd = {
        f"{EXCHANGE}.steepness": 0.1167,
        "rules.payment.risk_level": {
            year: 0.0371 + 0.01 * (year - 2027) for year in range(2027, 2032)
        },
        "rules.payment.redistribution_share": 0.85,
    }
    scenario = make_scenario(settings=odd)
    levers = {lever.name: lever for lever in levers_of(scenario)}
    own = {name: lever.positions[lever.own] for name, lever in levers.items()}
    assert all(position.settings == {} for position in own.values())
    assert own["steepness"].label == "0.1167 (as it is)"
    assert own["risk"].label == "3.71 % to 7.71 % (as it is)"
    assert own["share"].label == "85 % (as it is)"
    assert own["midpoint"].label == "median (as it is)"
    for lever in levers.values():
        labels = [position.label for position in lever.positions]
        assert len(set(labels)) == len(labels)
        assert [i for i, one in enumerate(lever.positions) if not one.settings] == [lever.own]
        for position in lever.positions:
            assert with_settings(scenario, position.settings)
    places = levers["steepness"].positions
    around = [places[levers["steepness"].own + k].settings for k in (-1, 1)]
    assert [one[f"{EXCHANGE}.steepness"] for one in around] == [0.11, 0.12]
    labels = {name: position.label for name, position in own.items()}
    assert settings_of(list(levers.values()), labels) == {}
    assert settings_of(list(levers.values()), labels | {"risk": "5 %", "cost_weight": "30 %"}) == {
        "rules.payment.risk_level": 0.05,
        **MOVED["cost_weight"],
    }


def test_levers_that_a_form_does_not_read_are_left_out(make_scenario: MakeScenario) -> None:
    threshold = make_scenario(settings={f"{EXCHANGE}.form": "threshold"})
    assert [lever.name for lever in levers_of(threshold)] == ["risk", "cost_weight", "case_minimum"]
    fixed = make_scenario(settings=MOVED["midpoint"])
    midpoint = {lever.name: lever for lever in levers_of(fixed)}["midpoint"]
    assert [one.label for one in midpoint.positions[:2]] == ["median", "mean"]
    assert midpoint.positions[midpoint.own].label == "61 points (as it is)"


def test_an_export_runs_and_gives_what_was_shown(steps: Steps, scenario: Scenario) -> None:
    title = "Less: at {stake}\n<script>alert('x')</script> # no comment"
    settings = MOVED["together"] | MOVED["cost_weight"]
    step = steps.step(settings)
    text = scenario_yaml(step, title)
    path = scenario.folder / "exported.yaml"
    path.write_text(text)
    run = asm.simulate(path)
    assert run.attrs["title"] == " ".join(title.split())
    assert run.attrs["draws"] == DRAWS
    for cohort, of in step.cohorts.items():
        kept = run["retained_by_medicare"].sel(cohort=cohort).values
        np.testing.assert_allclose(of.by_draw["retained_by_medicare"], kept, rtol=1e-9)
    assert "rules.payment.risk_level=0.05" in yaml_of(text)["description"]
    assert yaml_of(scenario_yaml(steps.base, " \u202e "))["title"] == "\\u202e"
    assert yaml_of(scenario_yaml(steps.base))["title"] == UNTITLED


def yaml_of(text: str) -> dict[str, Any]:
    return YAML(typ="safe").load(text)


def test_what_the_rule_cannot_be_set_to_is_refused(steps: Steps) -> None:
    with pytest.raises(InputError, match=r"weights of quality and cost sum to 1\.4"):
        steps.step({"rules.final_score.weight_cost": 0.9})
    with pytest.raises(InputError, match="risk_levle"):
        steps.step({"rules.payment.risk_levle": 0.1})
    assert steps.step({}) is steps.base


def test_draws_with_a_rule_of_their_own_are_drawn_anew(make_scenario: MakeScenario) -> None:
    """Where readings are drawn, what is set is no longer, and every draw keeps its others."""
    scenario = make_scenario(layers='{readings: "on", parameters: "on"}', draws=3)
    steps = Steps(make_plan(scenario, panel=0, lens=0))
    assert_same(steps, run_of(scenario, {}), {})
    assert steps.step(MOVED["steepness"]).drawn_anew
    assert_same(steps, run_of(scenario, MOVED["steepness"]), MOVED["steepness"])
