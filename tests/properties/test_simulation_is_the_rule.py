"""A draw written out as a table and sent through ``asm.score`` is paid what the simulation paid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.simulate import simulate
from asm_sim.scenario.schema import Scenario
from tests.conftest import MakeScenario
from tests.properties.draw_as_table import check, scored

LAYERS = {
    "both layers on": '{population: "on", measurement: "on"}',
    "population held, measurement off": '{population: "off", measurement: "off"}',
    "population held": '{population: "off", measurement: "on"}',
}
SETTINGS: dict[str, dict[str, Any]] = {
    "as it stands": {},
    "many without a score": {
        "rules.final_score.missing_category": "neutral",
        "rules.cost.case_minimum": {2027: 20, 2028: 45, 2029: 20, 2030: 30, 2031: 1},
        "population.reporting.non_reporting_share": 0.2,
        "population.episodes.minimum": 5.0,
    },
    "other patients every year": {
        "population.patient_selection.share": 0.6,
        "population.patient_selection.yearly_change": -0.5,
        "population.group_effects.quality.dual_share": -0.3,
        "population.group_effects.cost.hcc": 0.05,
    },
}
SETTINGS["levers after the category scores"] = SETTINGS["many without a score"] | {
    "rules.final_score.averaging_years": 3,
    "rules.final_score.rounding": "tenth",
    "rules.payment.rounding": "hundredth_percent",
    "rules.payment.neutral_band": 6,
    "rules.payment.neutral_band_form": "by_volume",
    "rules.improvement_activities.rural_scale": 0.5,
    "rules.promoting_interoperability.rural_scale": 0.5,
    "rules.complex_patient.form": "without_median",
}
# A year in which not everybody has a score, after one in which all had, is scored twice.
SETTINGS["benchmarks of other years, shrunk"] = SETTINGS["many without a score"] | {
    "rules.quality.benchmark_reference": "previous_year",
    "rules.quality.topped_out.treatment": "dropped",
    "rules.quality.shrinkage": "estimated",
    "rules.cost.benchmark_reference": "baseline_year",
    "rules.cost.shrinkage": "estimated",
}
TOGETHER = {"rules.scoring_level.quality": "practice", "rules.scoring_level.cost": "practice"}
SETTINGS["practices as a whole"] = SETTINGS["many without a score"] | TOGETHER
SETTINGS["small practices together, some struck, by last year's benchmarks"] = {
    "rules.final_score.extreme_circumstances": "neutral",
    "population.shocks.circumstances.clinician_share": 0.3,
    "rules.final_score.maximum": 90,
    "rules.scoring_level.quality": "small_practices",
    "rules.scoring_level.cost": "practice",
    "rules.cost.benchmark_reference": "previous_year",
    "rules.final_score.averaging_years": 2,
}
SETTINGS["peers by practice size"] = SETTINGS["many without a score"] | {
    "rules.peers.basis": "practice_size",
    "rules.final_score.averaging_years": 3,
    "rules.payment.neutral_band": 4,
    "rules.scoring_level.cost": "practice",
}
SETTINGS["peers by specialty"] = {
    "rules.peers.basis": "specialty",
    "rules.payment.exchange.form": "rank",
    "rules.quality.benchmark_minimum_clinicians": 5,
}
# Everybody has a score, so that only the groups decide whether a group's moments are made anew.
SETTINGS["peers by practice size, practices bought up"] = {
    "rules.peers.basis": "practice_size",
    "population.practice.consolidation.yearly_share": 0.2,
}
SETTINGS["peers by specialty, shrunk"] = SETTINGS["peers by specialty"] | {
    "rules.quality.shrinkage": "estimated",
    "rules.cost.shrinkage": "estimated",
}
NOT_SHRUNK = {"rules.quality.shrinkage": "none", "rules.cost.shrinkage": "none"}


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_draw_as_a_table_gives_its_adjustments(
    layers: str, settings: str, make_scenario: MakeScenario
) -> None:
    scenario = make_scenario(settings=SETTINGS[settings], layers=LAYERS[layers], draws=3)
    dataset = simulate(scenario)
    if settings == "many without a score":
        unscored = dataset.share_unscored.values
        assert unscored.max() > 0.15
        assert unscored.min() == 0.0  # a year without, after a year with
    for draw in (0, 2):
        table = cohort_table(scenario, draw=draw)
        assert len(table) == 150 * 5
        check(dataset, scored(table, scenario), draw)


@pytest.mark.parametrize(
    "settings",
    [
        "practices as a whole",
        "peers by practice size",
        "peers by practice size, practices bought up",
        "peers by specialty",
    ],
)
def test_the_noise_free_lens_of_practices_and_peers(
    settings: str, make_scenario: MakeScenario
) -> None:
    scenario = make_scenario(settings=SETTINGS[settings], draws=2)
    table = cohort_table(scenario, draw=1, truth=True)
    check(simulate(scenario), scored(table, scenario), 1, truth=True)


def test_who_is_absent_is_not_pooled(make_scenario: MakeScenario) -> None:
    """Participants determined anew, who move, in practices that are scored as a whole."""
    settings = TOGETHER | {
        "population.eligibility.redetermined": True,
        "population.churn.move_share": 0.3,
        "population.practice.consolidation.yearly_share": 0.2,
    }
    scenario = make_scenario(settings=settings, draws=2)
    dataset, table = simulate(scenario), cohort_table(scenario, draw=1)
    assert len(table) < 150 * 5
    check(dataset, scored(table, scenario), 1, absent=True)
    present = table.groupby("performance_year").size()
    counted = dataset.panel_final_score.isel(draw_sample=1).notnull().sum("clinician")
    assert (counted.values <= present.loc[counted.performance_year.values].values).all()


@pytest.mark.parametrize(
    "settings",
    [
        {
            "population.geography.frame": "synthetic",
            "population.geography.areas": 12,
            "population.geography.division_areas": 2,
        },
        {
            "population.geography.frame": "synthetic",
            "population.geography.areas": 12,
            "population.geography.division_areas": 2,
            "population.eligibility.redetermined": True,
            "population.churn.move_share": 0.3,
        },
        {"population.practice.consolidation.response_to_loss": 0.3},
    ],
    ids=["areas", "areas, anew every year", "practices that answer to losses"],
)
def test_who_is_drawn_and_who_is_bought(
    settings: dict[str, Any], make_scenario: MakeScenario
) -> None:
    scenario = make_scenario(settings=settings, draws=2)
    dataset, table = simulate(scenario), cohort_table(scenario, draw=1)
    check(dataset, scored(table, scenario), 1, absent=True)
    present = table.groupby(["cohort", "performance_year"]).size()
    counted = dataset["clinicians_by_group"].sel(group="all").isel(draw=1).to_series()
    np.testing.assert_array_equal(counted, present.loc[counted.index])
    if "population.geography.frame" in settings:
        assert len(table) < 0.6 * 4 * 150 * 5


def test_no_median_is_told_where_every_group_of_peers_has_its_own(
    make_scenario: MakeScenario,
) -> None:
    dataset = simulate(make_scenario(settings=SETTINGS["peers by specialty"], draws=2))
    for name in ("median_final_score", "scaling_factor", "break_even_score"):
        assert dataset[name].isnull().all()
    kept = dataset.retained_by_medicare / dataset.amount_at_risk
    np.testing.assert_allclose(kept, 0.15, rtol=1e-9)
    np.testing.assert_allclose(dataset.incentive_pool, 0.85 * dataset.amount_at_risk, rtol=1e-9)
    wanted = dataset.panel_adjustment.isel(clinician=(dataset.clinician_cohort == "LBP").values)
    scores = dataset.panel_final_score.isel(clinician=(dataset.clinician_cohort == "LBP").values)
    wanted = wanted.where(scores.notnull()).quantile(dataset["quantile"].values, "clinician")
    np.testing.assert_allclose(
        dataset.adjustment_quantile.sel(cohort="LBP").transpose(
            "quantile", "draw", "performance_year"
        ),
        wanted.transpose("quantile", "draw_sample", "performance_year"),
        atol=1e-6,
    )


def test_the_noise_free_lens_averages_true_scores(make_scenario: MakeScenario) -> None:
    settings = SETTINGS["levers after the category scores"]
    scenario = make_scenario(settings=settings, draws=2)
    table = cohort_table(scenario, draw=1, truth=True)
    check(simulate(scenario), scored(table, scenario), 1, truth=True)


def test_the_noise_free_lens(small_scenario: Scenario, small_run: xr.Dataset) -> None:
    """True rates and costs in place of the observed ones, the rest as it was."""
    table = cohort_table(small_scenario, draw=4, truth=True)
    check(small_run, scored(table, small_scenario), 4, truth=True)


@pytest.mark.parametrize("of", ["benchmarks of other years", "peers by specialty"])
def test_the_noise_free_lens_is_not_shrunk(of: str, make_scenario: MakeScenario) -> None:
    """And has its own benchmarks of earlier years."""
    settings = SETTINGS[f"{of}, shrunk"]
    scenario = make_scenario(settings=settings, draws=3)
    table = cohort_table(scenario, draw=1, truth=True)
    unshrunk = make_scenario(settings=settings | NOT_SHRUNK, draws=3)
    check(simulate(scenario), scored(table, unshrunk), 1, truth=True)


def test_totals_of_the_table(small_scenario: Scenario, small_run: xr.Dataset) -> None:
    table = cohort_table(small_scenario, draw=1)
    result = scored(table, small_scenario)
    result["part_b_payments"] = table["part_b_payments"]
    sums = result[result["final_score"].notna()].groupby(["cohort", "performance_year"])
    for (cohort, year), rows in sums:
        here = small_run.isel(draw=1).sel(cohort=cohort, performance_year=year)
        net = (rows["payment_adjustment_factor"] * rows["part_b_payments"]).sum()
        assert float(here.retained_by_medicare) == pytest.approx(-net, rel=1e-9)
        assert float(here.scaling_factor) == pytest.approx(rows["scaling_factor"].iloc[0], rel=1e-9)
        assert float(here.adjustment_sd) == pytest.approx(
            rows["payment_adjustment_factor"].std(), rel=1e-9
        )


@pytest.mark.stress
def test_the_shipped_roster_as_a_table() -> None:
    dataset = simulate("baseline", draws=2)
    scenario = asm.load_scenario("baseline")
    for draw in (0, 1):
        check(dataset, scored(cohort_table(scenario, draw=draw), scenario), draw)
