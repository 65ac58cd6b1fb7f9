"""The Dataset of a run: complete, labelled, and every statistic right when done again in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr

import asm_sim as asm
from asm_sim.engine.dataset import coordinates
from asm_sim.engine.draw_table import observed_years
from asm_sim.engine.plan import make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.population.stated import TRAITS
from asm_sim.results.registry import CLINICIAN, COORDINATES, PARAMETER, STATED, VARIABLES
from asm_sim.scenario.schema import Scenario
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import LocalFolder
from asm_sim.store.work import work_of
from tests.conftest import MakeScenario, roster_rows
from tests.engine import recompute
from tests.engine.same import assert_same_bits

COHORTS = ("HF", "LBP")
# Many without a final score, many at zero, nobody silent about it.
BLANKS = {
    "rules.final_score.missing_category": "neutral",
    "rules.cost.case_minimum": 35,
    "rules.quality.case_minimum": {2028: 60},
    "population.reporting.non_reporting_share": 0.3,
}


@pytest.fixture(scope="module", params=["ordinary", "many blanks"])
def run(
    request: pytest.FixtureRequest,
    small_scenario: Scenario,
    small_run: xr.Dataset,
    make_scenario: MakeScenario,
) -> tuple[Scenario, xr.Dataset]:
    if request.param == "ordinary":
        return small_scenario, small_run
    scenario = make_scenario(settings=BLANKS, draws=10)
    return scenario, simulate(scenario)


def groups_of(scenario: Scenario, cohort: str, draw: int) -> np.ndarray:
    """Group numbers of a draw's clinicians, [groupings, n]."""
    return seen_by_cms(scenario, cohort, draw)[0].group


def seen_by_cms(scenario: Scenario, cohort: str, draw: int) -> list[Any]:
    plan = make_plan(scenario)
    part = next(part for part in plan.cohorts if part.name == cohort)
    return observed_years(plan, part, draw)


# Shape


def test_every_variable_of_the_registry_is_there(small_run: xr.Dataset) -> None:
    by_clinician = {variable.name for variable in CLINICIAN}
    assert set(small_run.data_vars) == set(VARIABLES) - by_clinician - {PARAMETER.name}


def test_clinician_variables_where_the_population_is_held(held_run: xr.Dataset) -> None:
    assert set(held_run.data_vars) == set(VARIABLES) - {PARAMETER.name}


def test_dims_types_and_metadata(held_run: xr.Dataset) -> None:
    for name in held_run.data_vars:
        array, variable = held_run[name], VARIABLES[name]
        assert array.dims == variable.dims, name
        assert array.dtype == variable.dtype, name
        assert array.attrs["units"] == variable.units, name
        assert array.attrs["long_name"] == variable.long_name, name
        assert array.attrs.get("citation", "") == variable.citation, name
    for name in held_run.coords:
        assert held_run[name].attrs["units"], name
        assert held_run[name].attrs["long_name"], name
    of_own_rosters = {"clinician_own", *(f"clinician_stated_{name}" for name, *_ in STATED)}
    drawn = {"parameter", "parameter_unit", "parameter_readings"}
    assert set(held_run.coords) == set(COORDINATES) - drawn - of_own_rosters
    assert [name for name, *_ in STATED] == list(TRAITS)


def test_what_a_roster_says_stands_on_its_clinicians(make_scenario: MakeScenario) -> None:
    """Every column of it: those that all have, and those that one's own may state."""
    rows = [row | {"specialty": "", "rural": "", "episodes": ""} for row in roster_rows()]
    rows[3] |= {"specialty": "cardiology", "rural": "1", "episodes": "44"}
    found = coordinates(make_plan(make_scenario(rows), panel=1, lens=1))
    for name in ("clinician_id", "state", "practice_id"):
        column = found[f"clinician_{name.removeprefix('clinician_')}"][1]
        assert column.tolist() == [row[name] for row in rows]
    assert found["clinician_small_practice"][1].tolist() == [
        row["small_practice"] == "1" for row in rows
    ]
    assert found["clinician_stated_specialty"][1].tolist() == [row["specialty"] for row in rows]
    assert np.flatnonzero(found["clinician_stated_episodes"][1] == 44).tolist() == [3]
    same = [row["practice_id"] == rows[3]["practice_id"] for row in rows]
    assert (found["clinician_stated_rural"][1] == 1).tolist() == same
    assert "clinician_stated_dual_share" not in found


def test_sizes_and_years(small_run: xr.Dataset) -> None:
    assert small_run.sizes["draw"] == small_run.sizes["draw_sample"] == 24
    assert small_run.sizes["clinician"] == 150
    assert small_run.cohort.values.tolist() == list(COHORTS)
    years = small_run.performance_year
    assert years.values.tolist() == [2027, 2028, 2029, 2030, 2031]
    assert (small_run.payment_year - years == 2).all()
    assert small_run.payment_year.dims == ("performance_year",)
    assert "year" not in small_run.variables


def test_what_is_recorded(small_run: xr.Dataset, small_scenario: Scenario) -> None:
    attributes = small_run.attrs
    assert attributes["seed"] == "7"
    assert attributes["draws"] == 24
    assert "Philox" in attributes["rng"]
    assert attributes["asm_sim_version"] == asm.__version__
    for name in ("numpy_version", "numba_version"):
        assert attributes[name]
    for name in ("scenario_hash", "rules_hash", "population_hash", "roster_hash"):
        assert len(attributes[name]) == 64
    resolved = json.loads(attributes["scenario_yaml"])
    assert resolved["set"] == {"rules.quality.benchmark_minimum_clinicians": 8}
    assert "rules.payment.exchange.steepness" in json.loads(attributes["assumptions"])
    assert attributes["rules_hash"] == small_scenario.rules_hash


def test_in_memory_and_on_disk_are_the_same(
    held_scenario: Scenario, held_run: xr.Dataset, tmp_path: Path
) -> None:
    carry_out(LocalFolder(tmp_path / "run"), work_of(held_scenario))
    with asm.open_results(tmp_path / "run") as results:
        loaded = results.load()
    assert len(loaded.attrs.pop("stamp")) == 64
    xr.testing.assert_identical(loaded, held_run)
    assert_same_bits(loaded, held_run)


# Sums and identities


def test_groups_add_up_to_all(run: tuple[Scenario, xr.Dataset]) -> None:
    _, dataset = run
    counts = dataset.clinicians_by_group
    everyone = counts.sel(group="all")
    assert everyone.sel(cohort="HF").values.min() == everyone.sel(cohort="HF").values.max() == 70
    assert (everyone.sel(cohort="LBP") == 80).all()
    for name in ("practice_size", "place", "specialty", "episodes"):
        members = counts.isel(group=(dataset.grouping == name).values)
        np.testing.assert_array_equal(members.sum("group"), everyone)
    scored = counts * (1 - dataset.share_unscored_by_group)
    for statistic in ("final_score_mean", "adjustment_mean", "share_negative"):
        by_group = dataset[f"{statistic}_by_group"]
        for name in ("practice_size", "place", "specialty", "episodes"):
            inside = (dataset.grouping == name).values
            weight = scored.isel(group=inside)
            total = (by_group.isel(group=inside).fillna(0) * weight).sum("group")
            np.testing.assert_allclose(
                total, dataset[statistic] * weight.sum("group"), rtol=1e-9, atol=1e-9
            )


def test_the_group_of_all_is_the_cohort(run: tuple[Scenario, xr.Dataset]) -> None:
    _, dataset = run
    for name in ("final_score_mean", "final_score_sd", "final_score_median", "adjustment_mean"):
        np.testing.assert_array_equal(dataset[f"{name}_by_group"].sel(group="all"), dataset[name])


def test_histograms_count_everyone_once(run: tuple[Scenario, xr.Dataset]) -> None:
    _, dataset = run
    counts = dataset.clinicians_by_group
    scored = (counts * (1 - dataset.share_unscored_by_group)).fillna(0).sum("draw").round()
    wanted = scored.transpose("cohort", "performance_year", "group")
    for name in ("adjustment_histogram", "final_score_histogram"):
        np.testing.assert_array_equal(dataset[name].sum(dataset[name].dims[-1]), wanted)
    dollars = dataset.cumulative_dollars_histogram.sum("dollars_bin")
    everyone = counts.sum("draw").transpose("cohort", "performance_year", "group")
    np.testing.assert_array_equal(dollars, everyone)


@pytest.mark.parametrize(
    ("name", "panel", "bins"),
    [
        ("adjustment_histogram", "panel_adjustment", "adjustment_bin"),
        ("final_score_histogram", "panel_final_score", "score_bin"),
    ],
)
def test_histograms_are_those_of_the_panel(
    name: str, panel: str, bins: str, run: tuple[Scenario, xr.Dataset]
) -> None:
    """A value that float32 cannot tell from an edge may stand on either side of it, if alone."""
    _, dataset = run
    lower = dataset[bins].values
    edges = np.append(lower, np.inf)
    for cohort in COHORTS:
        inside = (dataset.clinician_cohort == cohort).values
        for year in dataset.performance_year.values:
            values = dataset[panel].sel(performance_year=year).isel(clinician=inside).values
            scored = ~np.isnan(
                dataset.panel_final_score.sel(performance_year=year).isel(clinician=inside).values
            )
            values = values[scored].astype(np.float64)
            nearest = np.abs(values[:, None] - lower[None, 1:]).argmin(axis=1) + 1
            on_edge = np.isclose(values, lower[nearest], rtol=3e-7, atol=0)
            alone = on_edge & (np.bincount(nearest[on_edge], minlength=len(lower))[nearest] == 1)
            above = np.where(on_edge, lower[nearest], values)
            below = np.where(alone, lower[nearest - 1], above)
            seen = dataset[name].sel(cohort=cohort, performance_year=year, group="all").values
            least, most = (np.histogram(of, edges)[0].cumsum() for of in (above, below))
            if bins == "score_bin":  # the highest score possible is no overflow
                least[-2], most[-2] = least[-1], most[-1]
            assert alone.sum() < 5
            assert (least <= seen.cumsum()).all()
            assert (seen.cumsum() <= most).all()


def test_dollars_histogram_is_that_of_the_panel(run: tuple[Scenario, xr.Dataset]) -> None:
    _, dataset = run
    edges = np.append(dataset.dollars_bin.values, np.inf)
    cumulated = dataset.panel_dollars.astype(np.float64).cumsum("performance_year")
    for cohort in COHORTS:
        inside = (dataset.clinician_cohort == cohort).values
        for year in dataset.performance_year.values:
            values = cumulated.sel(performance_year=year).isel(clinician=inside).values.ravel()
            # Exactly nothing is no rounding, and belongs to the bin that begins there.
            wanted = np.histogram(values, edges)[0]
            seen = dataset.cumulative_dollars_histogram.sel(
                cohort=cohort, performance_year=year, group="all"
            ).values
            assert np.abs(seen - wanted).sum() <= 4  # float32 next to an edge


def test_the_full_penalty_stands_in_the_bin_that_begins_with_it(small_run: xr.Dataset) -> None:
    """Nothing lies below -R, so the histogram must not show anything there."""
    risk = [0.09, 0.09, 0.10, 0.11, 0.12]
    for y, level in enumerate(risk):
        histogram = small_run.adjustment_histogram.isel(performance_year=y).sum("cohort")
        below = small_run.adjustment_bin.values + 0.0025 < -level + 1e-9
        assert histogram.sel(group="all").values[below].sum() == 0
        begins = np.isclose(small_run.adjustment_bin.values, -level)
        assert histogram.sel(group="all").values[begins].sum() > 0


def test_part_b_of_everyone(run: tuple[Scenario, xr.Dataset]) -> None:
    """Those without a final score included, as seen by CMS."""
    scenario, dataset = run
    for cohort in COHORTS:
        for y, seen in enumerate(seen_by_cms(scenario, cohort, 3)):
            everyone = dataset.part_b_payments.sel(cohort=cohort).isel(draw=3, performance_year=y)
            assert float(everyone) == pytest.approx(seen[0].part_b_payments.sum(), rel=1e-12)
    level = [scenario.rules.payment.risk_level.at(year) for year in scenario.rules.years]
    scored = dataset.amount_at_risk / xr.DataArray(level, dims="performance_year")
    some_unscored = dataset.share_unscored > 0
    assert (scored < dataset.part_b_payments).where(some_unscored, True).all()
    np.testing.assert_allclose(
        scored.where(~some_unscored), dataset.part_b_payments.where(~some_unscored), rtol=1e-12
    )


def test_medicare_keeps_15_percent_of_the_amount_at_risk(run: tuple[Scenario, xr.Dataset]) -> None:
    _, dataset = run
    np.testing.assert_allclose(
        dataset.retained_by_medicare, 0.15 * dataset.amount_at_risk, rtol=1e-9
    )
    np.testing.assert_allclose(dataset.incentive_pool, 0.85 * dataset.amount_at_risk, rtol=1e-12)
    np.testing.assert_allclose(
        dataset.penalties - dataset.bonuses, dataset.retained_by_medicare, rtol=1e-9
    )
    assert (dataset.bonuses > 0).all()
    assert (dataset.penalties > 0).all()


def test_money_of_the_performance_year(run: tuple[Scenario, xr.Dataset]) -> None:
    scenario, dataset = run
    for cohort in COHORTS:
        for y, (seen, *_) in enumerate(seen_by_cms(scenario, cohort, 3)):
            draw = recompute.Draw(dataset, 3, cohort)
            here = dataset.isel(draw=3, performance_year=y).sel(cohort=cohort)
            risk = scenario.rules.payment.risk_level.at(int(here.performance_year))
            base = seen.part_b_payments[draw.has_score[:, y]].sum()
            np.testing.assert_allclose(here.amount_at_risk, risk * base, rtol=1e-12)
            gains = (draw.adjustment[:, y] * seen.part_b_payments)[draw.has_score[:, y]]
            np.testing.assert_allclose(here.bonuses, gains[gains > 0].sum(), rtol=1e-5)
            np.testing.assert_allclose(here.penalties, -gains[gains < 0].sum(), rtol=1e-5)


def test_dollars_are_those_of_the_payment_year(run: tuple[Scenario, xr.Dataset]) -> None:
    """Performance of 2027 is paid in 2029, on what is 2029's performance-year Part B.

    Of those who have stopped practising by then nothing is paid.
    """
    scenario, dataset = run
    for cohort in COHORTS:
        draw = recompute.Draw(dataset, 5, cohort)
        years = seen_by_cms(scenario, cohort, 5)
        for y, (_, _, _, paid, *_, part_b_later) in enumerate(years):
            np.testing.assert_allclose(
                draw.dollars[:, y], draw.adjustment[:, y] * paid, rtol=1e-6, atol=1e-3
            )
            if y + 2 < len(years):
                np.testing.assert_array_equal(part_b_later, years[y + 2][0].part_b_payments)
            stays = paid > 0
            assert 0 < np.sum(~stays) < 0.3 * len(paid)
            np.testing.assert_array_equal(paid, np.where(stays, part_b_later, 0.0))
            here = dataset.isel(draw=5, performance_year=y).sel(cohort=cohort)
            kept = -np.nansum(draw.adjustment[:, y] * part_b_later)
            assert float(here.retained_by_medicare_before_exits) == pytest.approx(kept, rel=1e-4)


# Statistics once more


def compare(here: xr.Dataset, wanted: dict[str, float], where: str) -> None:
    for name, value in wanted.items():
        seen = float(here[name])
        assert seen == pytest.approx(value, rel=2e-5, abs=1e-7, nan_ok=True), f"{name} {where}"


def test_levels(run: tuple[Scenario, xr.Dataset]) -> None:
    scenario, dataset = run
    for d in range(dataset.sizes["draw"]):
        for cohort in COHORTS:
            draw = recompute.Draw(dataset, d, cohort)
            for y, year in enumerate(dataset.performance_year.values):
                here = dataset.isel(draw=d, performance_year=y).sel(cohort=cohort)
                risk = scenario.rules.payment.risk_level.at(int(year))
                compare(here, recompute.levels(draw, y, risk), f"{cohort} {year} draw {d}")
                compare(here, recompute.against_truth(draw, y), f"{cohort} {year} draw {d}")
                if y > 0:
                    compare(here, recompute.year_over_year(draw, y), f"{cohort} {year} draw {d}")
                else:
                    assert np.isnan(here.rank_correlation)
                    assert np.isnan(here.sign_change_share)
                    assert np.isnan(here.adjustment_change_sd)


def test_rank_correlations_are_spearmans(small_run: xr.Dataset) -> None:
    """Where the same clinicians are scored in both years (here all but a few)."""
    compared = 0
    for d in range(small_run.sizes["draw"]):
        for cohort in COHORTS:
            draw = recompute.Draw(small_run, d, cohort)
            for y in range(1, 5):
                if not draw.has_score[:, y - 1 : y + 1].all():
                    continue
                here = small_run.isel(draw=d, performance_year=y).sel(cohort=cohort)
                wanted = spearmanr(draw.score[:, y], draw.score[:, y - 1]).statistic
                assert float(here.rank_correlation) == pytest.approx(wanted, abs=1e-6)
                truth = spearmanr(draw.score[:, y], draw.true_score[:, y]).statistic
                assert float(here.rank_correlation_with_truth) == pytest.approx(truth, abs=1e-6)
                compared += 1
    assert compared > 150


def test_quantiles(run: tuple[Scenario, xr.Dataset]) -> None:
    _, dataset = run
    for d in range(dataset.sizes["draw"]):
        for cohort in COHORTS:
            draw = recompute.Draw(dataset, d, cohort)
            for y in range(5):
                values = draw.adjustment[draw.has_score[:, y], y]
                wanted = np.quantile(values, dataset["quantile"].values)
                seen = dataset.adjustment_quantile.isel(draw=d, performance_year=y)
                np.testing.assert_allclose(seen.sel(cohort=cohort), wanted, rtol=1e-5, atol=1e-8)


def test_by_group(run: tuple[Scenario, xr.Dataset]) -> None:
    scenario, dataset = run
    for d in (0, 7):
        for cohort in COHORTS:
            draw = recompute.Draw(dataset, d, cohort)
            member = groups_of(scenario, cohort, d)
            here = dataset.isel(draw=d).sel(cohort=cohort)
            for g in range(1, dataset.sizes["group"]):
                inside = (member == g).any(axis=0)
                assert (
                    int(here.clinicians_by_group.isel(group=g, performance_year=0)) == inside.sum()
                )
                if not inside.any():
                    assert np.isnan(here.penalty_years.isel(group=g)).all()
                    continue
                np.testing.assert_allclose(
                    here.penalty_years.isel(group=g),
                    recompute.penalty_years(draw, inside),
                    atol=1e-12,
                )
                for y in range(5):
                    score = draw.score[inside & draw.has_score[:, y], y]
                    factor = draw.adjustment[inside & draw.has_score[:, y], y]
                    row = here.isel(group=g, performance_year=y)
                    unscored = 1 - len(score) / inside.sum()
                    assert float(row.share_unscored_by_group) == pytest.approx(unscored, abs=1e-12)
                    if not len(score):
                        assert np.isnan(row.final_score_mean_by_group)
                        continue
                    wanted = {
                        "final_score_mean_by_group": score.mean(),
                        "final_score_median_by_group": float(np.median(score)),
                        "adjustment_mean_by_group": factor.mean(),
                        "share_negative_by_group": recompute.penalised(factor).mean(),
                    }
                    if len(score) > 1:
                        wanted["final_score_sd_by_group"] = score.std(ddof=1)
                        wanted["adjustment_sd_by_group"] = factor.std(ddof=1)
                    compare(row, wanted, f"group {g}")


def test_transitions_and_penalty_years(run: tuple[Scenario, xr.Dataset]) -> None:
    _, dataset = run
    for d in range(dataset.sizes["draw"]):
        for cohort in COHORTS:
            draw = recompute.Draw(dataset, d, cohort)
            here = dataset.isel(draw=d).sel(cohort=cohort)
            np.testing.assert_allclose(here.quintile_transition, recompute.transition(draw))
            np.testing.assert_allclose(
                here.penalty_years.sel(group="all"), recompute.penalty_years(draw)
            )


def test_adjustment_at_score_is_the_exchange_function(small_run: xr.Dataset) -> None:
    """And it is zero at the break-even score."""
    risk = xr.DataArray([0.09, 0.09, 0.10, 0.11, 0.12], dims="performance_year")
    score = small_run.score
    transformed = 1 / (1 + np.exp(-0.1 * (score - small_run.median_final_score)))
    wanted = risk * (transformed * small_run.scaling_factor - 1)
    wanted = wanted.where(score > 0, -risk).transpose(*small_run.adjustment_at_score.dims)
    np.testing.assert_allclose(small_run.adjustment_at_score, wanted, rtol=1e-9, atol=1e-12)
    even = small_run.break_even_score
    at_even = small_run.scaling_factor / (1 + np.exp(-0.1 * (even - small_run.median_final_score)))
    np.testing.assert_allclose(at_even, 1, rtol=1e-12)


def test_zero_scorers_need_not_be_the_lowest(make_scenario: MakeScenario) -> None:
    """With a mild penalty for them, quantiles are still those of the adjustments."""
    scenario = make_scenario(settings={"rules.payment.zero_score_adjustment": -0.2}, draws=3)
    dataset = simulate(scenario)
    for d in range(3):
        for cohort in COHORTS:
            draw = recompute.Draw(dataset, d, cohort)
            for y in range(5):
                here = dataset.isel(draw=d, performance_year=y).sel(cohort=cohort)
                values = draw.adjustment[draw.has_score[:, y], y]
                wanted = np.quantile(values, dataset["quantile"].values)
                np.testing.assert_allclose(here.adjustment_quantile, wanted, rtol=1e-5, atol=1e-8)


# Clinician by clinician


def test_clinician_accumulators(held_run: xr.Dataset) -> None:
    """Means and spreads over draws of each clinician, against the panel."""
    score = held_run.panel_final_score.values.astype(np.float64)
    adjustment = np.where(np.isnan(score), np.nan, held_run.panel_adjustment.values)
    draws = (~np.isnan(score)).sum(axis=0)
    np.testing.assert_array_equal(held_run.clinician_draws_scored, draws)
    assert draws.min() > 10
    for name, values in (("final_score", score), ("adjustment", adjustment)):
        mean, sd = np.nanmean(values, axis=0), np.nanstd(values, axis=0, ddof=1)
        np.testing.assert_allclose(held_run[f"clinician_{name}_mean"], mean, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(held_run[f"clinician_{name}_sd"], sd, rtol=2e-4, atol=2e-6)
    negative = (adjustment < 0).sum(axis=0) / draws
    np.testing.assert_allclose(held_run.clinician_probability_negative, negative, rtol=1e-12)
    ranks = np.full(score.shape, np.nan)
    for cohort in COHORTS:
        inside = np.flatnonzero(held_run.clinician_cohort == cohort)
        for d in range(len(score)):
            draw = recompute.Draw(held_run, d, cohort)
            for y in range(5):
                ranks[d, inside, y] = draw.ranks(y)
    np.testing.assert_allclose(held_run.clinician_rank_mean, np.nanmean(ranks, axis=0), rtol=1e-9)
    np.testing.assert_allclose(
        held_run.clinician_rank_sd, np.nanstd(ranks, axis=0, ddof=1), rtol=1e-9
    )


def test_the_panel_may_be_shorter_than_the_run(
    held_scenario: Scenario, held_run: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first draws are kept clinician by clinician; nothing else depends on that."""
    from asm_sim.engine import frame

    monkeypatch.setattr(frame, "PANEL_DRAWS", 13)
    dataset = simulate(held_scenario)
    assert dataset.sizes["draw_sample"] == 13
    for name in held_run.data_vars:
        wanted = held_run[name]
        if name.startswith("panel_"):
            wanted = wanted.isel(draw_sample=slice(13))
        np.testing.assert_array_equal(dataset[name], wanted)


def test_an_adjustment_too_large_for_fixed_point_is_an_error(make_scenario: MakeScenario) -> None:
    """Never a wrap: all of Part B at risk, and most of it with somebody who is below the median."""
    scenario = make_scenario(
        settings={
            "rules.payment.risk_level": 1.0,
            "rules.payment.exchange.steepness": 50.0,
            "population.part_b.sigma": 5.0,
        },
        draws=20,
        layers='{population: "off", measurement: "on"}',
    )
    with pytest.raises(InputError, match="800 %"):
        simulate(scenario)
