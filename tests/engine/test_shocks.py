"""Shocks and overlap in a whole run: as a table, in the lens, and in the shipped scenarios."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.simulate import simulate
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from tests.conftest import MakeScenario, roster_rows
from tests.engine.lens import COHORTS, DRAW, FLAT_RISK, NO_TREND, Years, label
from tests.properties.draw_as_table import check, scored

OF_CLINICIANS = {
    "rules.final_score.extreme_circumstances": "neutral",
    "population.shocks.circumstances.state_probability": 0.5,
    "population.shocks.circumstances.clinician_share": 0.4,
    "population.shocks.circumstances.performance_loss": 0.5,
    "population.misattribution.share.HF": 0.4,
    "population.misattribution.share.LBP": 0.2,
    "population.aco.practice_share": 0.4,
    "population.aco.cost_effect": -0.1,
    "population.aco.quality_effect": 0.5,
}
OF_MEASURES = {
    "rules.measures.Q236.suspended": {2028: 1},
    "rules.measures.Q128.suspended": 1,
    "population.quality.measures.Q134.level_shift.cqm": {2029: -20},
}
DRAWS = 3


def in_two_states() -> list[dict[str, str]]:
    return [row | {"state": "FL" if i % 3 else "OH"} for i, row in enumerate(roster_rows())]


@pytest.fixture(scope="module")
def shocked(make_scenario: MakeScenario) -> Scenario:
    return make_scenario(in_two_states(), OF_CLINICIANS | OF_MEASURES, DRAWS)


@pytest.fixture(scope="module")
def shocked_run(shocked: Scenario) -> xr.Dataset:
    return simulate(shocked)


@pytest.mark.parametrize("truth", [False, True])
def test_a_draw_as_a_table_gives_its_adjustments(
    truth: bool, shocked: Scenario, shocked_run: xr.Dataset
) -> None:
    for draw in (0, 2):
        table = cohort_table(shocked, draw=draw, truth=truth)
        assert 0.05 < table["extreme_circumstances"].mean() < 0.6
        check(shocked_run, scored(table, shocked), draw, truth)


def test_who_is_struck_has_no_score_and_no_adjustment(
    shocked: Scenario, shocked_run: xr.Dataset
) -> None:
    table = cohort_table(shocked, draw=1)
    struck = table[table["extreme_circumstances"] == 1]
    panel = shocked_run.isel(draw_sample=1)
    for cohort in COHORTS:
        here = panel.isel(clinician=(panel.clinician_cohort == cohort).values)
        for year, rows in struck[struck["cohort"] == cohort].groupby("performance_year"):
            year_of = here.sel(performance_year=year)
            met = np.isin(year_of.clinician_id.values, rows["clinician_id"])
            assert np.isnan(year_of.panel_final_score.values[met]).all()
            assert (year_of.panel_adjustment.values[met] == 0).all()
            assert (year_of.panel_dollars.values[met] == 0).all()
            assert not np.isnan(year_of.panel_final_score.values[~met]).all()


@pytest.mark.parametrize("cohort", COHORTS)
def test_the_lens_knows_what_each_factor_is(cohort: str, make_scenario: MakeScenario) -> None:
    """Circumstances are participation, what they cost is performance, foreign patients are chance.

    Without common trends the sets are the cohort, as seen or as it truly is, against its own fits.
    """
    settings = NO_TREND | FLAT_RISK | OF_CLINICIANS
    scenario = make_scenario(in_two_states(), settings, DRAW + 1)
    run, years = simulate(scenario), Years(scenario, cohort)
    first = [years.fit[0]] * len(years.fit)
    own = ("participation", "performance")
    for seen, fits, factors in (
        (years.true, first, own),
        (years.true, years.fit, (*own, "peers")),
        (years.observed, first, ("measurement", *own)),
        (years.observed, years.fit, ("measurement", *own, "peers")),
    ):
        adjustments = years.adjustments(seen, fits)
        here = run.sel(cohort=cohort, group="all", factors=label(*factors)).isel(lens_draw=DRAW)
        within = adjustments.var(axis=1, ddof=1).mean()
        assert float(here.within_clinician_variance) == pytest.approx(within, rel=1e-9)
        change = np.diff(adjustments, axis=1).var(axis=0, ddof=1).mean()
        assert float(here.year_to_year_variance) == pytest.approx(change, rel=1e-9)


# The shipped scenarios, on the small roster in their states


def shipped(name: str, make_scenario: MakeScenario) -> xr.Dataset:
    settings: dict[str, Any] = dict(load_scenario(name).settings)
    rows = [row | {"state": ("FL", "LA", "OH")[i % 3]} for i, row in enumerate(roster_rows())]
    return simulate(make_scenario(rows, settings, 8))


def same(one: xr.Dataset, other: xr.Dataset, **where: Any) -> bool:
    names = ["final_score_mean", "adjustment_sd", "retained_by_medicare", "share_unscored"]
    return all(one[n].sel(where).equals(other[n].sel(where)) for n in names)


@pytest.fixture(scope="module")
def baseline(make_scenario: MakeScenario) -> xr.Dataset:
    return shipped("baseline", make_scenario)


def test_a_suspended_measure_changes_its_cohort_and_year(
    baseline: xr.Dataset, make_scenario: MakeScenario
) -> None:
    run = shipped("measure-suspended", make_scenario)
    assert same(run, baseline, cohort="HF")
    assert same(run, baseline, performance_year=slice(2028, 2031))
    first = {"cohort": "LBP", "performance_year": 2027}
    assert not same(run, baseline, **first)
    change = (run.panel_final_score - baseline.panel_final_score).sel(performance_year=2027)
    assert float(abs(change).max()) > 1


def test_a_broken_measure_changes_its_cohort_from_then_on(
    baseline: xr.Dataset, make_scenario: MakeScenario
) -> None:
    run = shipped("benchmark-break-q128", make_scenario)
    assert same(run, baseline, cohort="HF")
    assert same(run, baseline, performance_year=slice(2027, 2028))
    for year in (2029, 2030, 2031):
        assert not same(run, baseline, cohort="LBP", performance_year=year)


def test_a_disaster_by_what_the_rule_does(
    baseline: xr.Dataset, make_scenario: MakeScenario
) -> None:
    """Two of three clinicians are in the states struck: unscored that year, or scored as usual."""
    neutral = shipped("disaster-neutral", make_scenario)
    later = {"performance_year": [2027, 2029, 2030, 2031]}
    assert same(neutral, baseline, **later)
    unscored = neutral.share_unscored.sel(performance_year=2028)
    assert (unscored > 0.6).all()
    assert (unscored < 0.75).all()
    without = shipped("disaster-without-relief", make_scenario)
    assert same(without, baseline, **later)
    struck = np.array([i % 3 < 2 for i in range(len(baseline.clinician))])
    fall = (without.panel_true_final_score - baseline.panel_true_final_score).sel(
        performance_year=2028
    )
    assert float(fall.isel(clinician=struck).mean()) < -3
    assert float(fall.isel(clinician=~struck).mean()) > 1
    xr.testing.assert_identical(without.share_unscored, baseline.share_unscored)


def test_misattributed_cardiologists_add_chance(
    baseline: xr.Dataset, make_scenario: MakeScenario
) -> None:
    run = shipped("misattributed-cardiologists", make_scenario)
    assert same(run, baseline, cohort="LBP")
    xr.testing.assert_identical(run.panel_true_final_score, baseline.panel_true_final_score)
    chance = [d.chance_sd.sel(cohort="HF").mean() for d in (run, baseline)]
    assert chance[0] > chance[1]


def test_organizations_gain_what_the_others_lose(
    baseline: xr.Dataset, make_scenario: MakeScenario
) -> None:
    run = shipped("aco-overlap", make_scenario)
    assert not same(run, baseline, cohort="HF")
    for d in (run, baseline):
        kept = d.retained_by_medicare / d.amount_at_risk
        np.testing.assert_allclose(kept, 0.15, rtol=1e-9)
