"""The draws that are looked at closely: sets of factors, a fixed standard, probes, the comparator.

Known answers where a factor cannot move; the rest is done again with ``fit_and_score`` and
``score`` on the exported cohorts, which know nothing of factors and probes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.engine.plan import CohortPlan, Plan, make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.kernels.draws.draw import observe_cohort
from asm_sim.kernels.numeric.counts import binomial_quantiles
from asm_sim.kernels.numeric.variates import normals_at
from asm_sim.kernels.rule.cohort import score
from asm_sim.kernels.rule.observed import Observed
from asm_sim.kernels.world.model import CohortModel
from asm_sim.kernels.world.streams import EPISODES, MEASURE
from asm_sim.population.probes import PROBES, REPLICATES
from asm_sim.reference import mips as reference
from asm_sim.results.registry import FACTORS, factor_sets
from asm_sim.scenario.schema import Scenario
from asm_sim.store.work import work_of
from tests.conftest import MakeScenario
from tests.engine.lens import (
    COHORTS,
    DRAW,
    FLAT_RISK,
    NO_TREND,
    Years,
    cohort_plan,
    label,
    names_of_sets,
)

EVERYTHING = "+".join(FACTORS)
# Benchmarks of the first year and a threshold: nobody else's performance counts later on.
NOTHING_FROM_PEERS = {
    "rules.quality.benchmark_reference": "baseline_year",
    "rules.cost.benchmark_reference": "baseline_year",
    "rules.payment.exchange.form": "threshold",
    "rules.complex_patient.maximum": 0.0,
}


@pytest.fixture(scope="module")
def untrended(make_scenario: MakeScenario) -> Scenario:
    """Without common trends the first year's level is every year's."""
    return make_scenario(settings=NO_TREND | FLAT_RISK, draws=4)


@pytest.fixture(scope="module")
def untrended_run(untrended: Scenario) -> xr.Dataset:
    return simulate(untrended)


def moved_by(run: xr.Dataset, factor: str) -> xr.DataArray:
    """How much each set's variances change when the factor joins it: [..., set without it]."""
    rest = [members for members in names_of_sets() if factor not in members]
    both = run[["within_clinician_variance", "year_to_year_variance"]].to_dataarray()
    with_it = both.sel(factors=[label(*members, factor) for members in rest])
    without = both.sel(factors=[label(*members) for members in rest])
    return with_it.drop_vars("factors") - without.drop_vars("factors")


# What cannot move does not


def test_without_any_factor_nothing_moves(small_run: xr.Dataset) -> None:
    none = small_run.sel(factors="none", group="all")
    assert (none.within_clinician_variance < 1e-16).all()
    assert (none.year_to_year_variance == 0).all()
    assert (small_run.within_clinician_variance.sel(factors=EVERYTHING, group="all") > 1e-5).all()


def test_patients_who_change_move_participation_and_performance(
    make_scenario: MakeScenario, small_run: xr.Dataset
) -> None:
    """Their traits count with participation and, by a group effect, with true performance."""
    selection = {
        "population.patient_selection.share": 0.5,
        "population.patient_selection.yearly_change": -0.5,
    }
    effect = {"population.group_effects.quality.dual_share": -0.5}
    runs = [simulate(make_scenario(settings=s, draws=4)) for s in (selection, selection | effect)]
    for run in runs:
        none = run.sel(factors="none", group="all")
        assert (none.within_clinician_variance < 1e-16).all()
    start = {"draw": slice(4), "lens_draw": slice(4)}
    before = small_run.isel({k: v for k, v in start.items() if k in small_run.dims})
    moved = [run.within_clinician_variance.sel(group="all") for run in (before, *runs)]
    alone = [variance.sel(factors=label("participation")) for variance in moved]
    assert (alone[1] != alone[0]).all()
    own = [variance.sel(factors=label("performance")) for variance in moved]
    np.testing.assert_array_equal(own[1], own[0])
    assert (own[2] != own[1]).all()


@pytest.mark.parametrize(
    ("factor", "settings", "layers"),
    [
        ("measurement", {}, '{population: "on", measurement: "off"}'),
        ("risk_level", FLAT_RISK, ""),
        (
            "performance",
            {"population.quality.permanent_share": 1.0, "population.cost.permanent_share": 1.0},
            "",
        ),
        ("peers", NO_TREND | NOTHING_FROM_PEERS, ""),
    ],
)
def test_a_factor_that_cannot_move_adds_nothing(
    factor: str, settings: dict[str, Any], layers: str, make_scenario: MakeScenario
) -> None:
    run = simulate(make_scenario(settings=settings, layers=layers, draws=4))
    for other in FACTORS:
        change = abs(moved_by(run, other).sel(group="all")).max()
        assert (change == 0) if other == factor else (change > 1e-7), other


# The same again by other means


def test_all_factors_together_are_the_rule(small_run: xr.Dataset) -> None:
    run = small_run.sel(factors=EVERYTHING, group="all")
    panel = small_run.panel_adjustment.astype(np.float64)
    for cohort in COHORTS:
        of_cohort = panel.isel(clinician=(small_run.clinician_cohort == cohort).values)
        within = of_cohort.var("performance_year", ddof=1).mean("clinician")
        here = run.sel(cohort=cohort)
        np.testing.assert_allclose(here.within_clinician_variance, within, rtol=1e-5)
        change = of_cohort.diff("performance_year").var("clinician", ddof=1)
        np.testing.assert_allclose(
            here.year_to_year_variance, change.mean("performance_year"), rtol=1e-5
        )


def test_groups_of_a_grouping_make_up_everyone(small_run: xr.Dataset) -> None:
    counts = small_run.clinicians_by_group.isel(performance_year=0).rename(draw="lens_draw")
    values = small_run.within_clinician_variance.fillna(0.0)
    for grouping in ("practice_size", "place", "specialty", "episodes", "dual_share"):
        inside = (small_run.grouping == grouping).values
        weights = counts.isel(group=inside)
        mean = (values.isel(group=inside) * weights).sum("group") / weights.sum("group")
        np.testing.assert_allclose(mean, values.sel(group="all"), rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize("cohort", COHORTS)
@pytest.mark.parametrize(
    ("factors", "chance", "moving_fit"),
    [
        (("participation", "performance"), False, False),
        (("participation", "performance", "peers"), False, True),
        (("measurement", "participation", "performance"), True, False),
        (("measurement", "participation", "performance", "peers"), True, True),
    ],
)
def test_sets_are_the_cohort_scored_against_that_fit(
    cohort: str,
    factors: tuple[str, ...],
    chance: bool,
    moving_fit: bool,
    untrended: Scenario,
    untrended_run: xr.Dataset,
) -> None:
    years = Years(untrended, cohort)
    seen = years.observed if chance else years.true
    fits = years.fit if moving_fit else [years.fit[0]] * len(years.fit)
    adjustments = years.adjustments(seen, fits)
    here = untrended_run.sel(cohort=cohort, group="all", factors=label(*factors))
    here = here.isel(lens_draw=DRAW)
    within = adjustments.var(axis=1, ddof=1).mean()
    assert float(here.within_clinician_variance) == pytest.approx(within, rel=1e-9)
    change = np.diff(adjustments, axis=1).var(axis=0, ddof=1).mean()
    assert float(here.year_to_year_variance) == pytest.approx(change, rel=1e-9)


def at_level(model: CohortModel, y: int) -> CohortModel:
    """A model that has the level of performance year y in all years."""
    quality, median = model.quality, model.cost.median
    drift = quality.spread * quality.drift * y
    return model._replace(
        quality=quality._replace(
            drift=0.0,
            knot_z=quality.knot_z - drift,
            normal_location=quality.normal_location + quality.normal_signal * drift,
        ),
        cost=model.cost._replace(median=np.full_like(median, median[y])),
    )


def sampled(cohort: CohortPlan, seen: Observed, true: Observed, y: int, plan: Plan) -> Observed:
    """True rates and costs as ``seen`` cases and episodes of the year show them."""
    model, seed, measurement = cohort.model, plan.seed_words(), int(plan.indices(DRAW, 1)[1][0])
    rate = true.rate.copy()
    for m in range(len(rate)):
        noise = normals_at(
            seed, model.address, measurement, MEASURE, y + 1, int(model.quality.slot[m])
        )[0]
        cases = seen.cases[m]
        if model.quality.proportion[m]:
            rate[m] = 100 * binomial_quantiles(noise, cases, true.rate[m] / 100) / cases
        else:
            sd = model.quality.normal_noise[m] / np.sqrt(np.maximum(cases, 1))
            rate[m] = np.maximum(0, true.rate[m] + sd * noise)
    noise = normals_at(seed, model.address, measurement, EPISODES, y + 1, 0)[1]
    variance = np.log1p(model.cost.cv**2 / np.maximum(seen.episodes, 1))
    cost = true.episode_cost * np.exp(np.sqrt(variance) * noise - variance / 2)
    return seen._replace(rate=rate, episode_cost=cost)


@pytest.mark.parametrize("cohort", COHORTS)
@pytest.mark.parametrize(
    "exchange",
    [
        {"steepness": {2029: 0.2}},
        {"midpoint": "mean"},
        {"midpoint": "fixed", "fixed_midpoint": {2030: 70}},
        {"form": "linear"},
        {"form": "rank"},
        {"form": "threshold", "threshold": {2029: 60}},
        {
            "payment.neutral_band": {2029: 9},
            "payment.neutral_band_form": "by_volume",
            "payment.rounding": "hundredth_percent",
            "final_score.rounding": "tenth",
            "promoting_interoperability.rural_scale": 0.5,
            "improvement_activities.small_practice_scale": 0.5,
        },
    ],
    ids=lambda exchange: "-".join(map(str, exchange.values())),
)
def test_every_set_done_again_from_outside(
    exchange: dict[str, Any], cohort: str, make_scenario: MakeScenario
) -> None:
    """With trends, a rising risk level and a rule of the year, which goes with the peers."""
    settings = {
        "population.reporting.non_reporting_share": 0.0,  # or true rates would not be exported
        "population.cases.sigma": 0.3,
        "rules.payment.unscored_adjustment": -0.03,
        "rules.cost.case_minimum": 35,
        "rules.final_score.missing_category": "neutral",
    }
    settings |= {
        f"rules.{name if '.' in name else 'payment.exchange.' + name}": value
        for name, value in exchange.items()
    }
    scenario = make_scenario(settings=settings, draws=DRAW + 1)
    run = simulate(scenario).sel(cohort=cohort).isel(lens_draw=DRAW)
    years, (plan, part) = Years(scenario, cohort), cohort_plan(scenario, cohort)
    model, count = part.model, len(plan.years)
    population, measurement, selection = plan.indices(DRAW, 1)
    at_levels = [
        observe_cohort(
            part.rules, part.practices, at_level(model, y), plan.seed_words(), population[0],
            measurement[0], selection[0], False,
        )
        for y in range(count)
    ]  # fmt: skip
    unscored = 0
    for label_of_set in factor_sets():
        moving = set(label_of_set.split("+"))
        adjustments = []
        for y in range(count):
            of_rule = y if "peers" in moving else 0
            own = y if "performance" in moving else 0
            seen = years.observed[y if "participation" in moving else 0]
            at = at_levels[of_rule][own]
            true = seen._replace(rate=at.true_rate, episode_cost=at.true_cost)
            shown = sampled(part, seen, true, y, plan) if "measurement" in moving else true
            of_year = part.rules.year.copy()
            of_year["risk_level"] = of_year["risk_level"][y if "risk_level" in moving else 0]
            rules = part.rules._replace(year=of_year)
            outcome = score(shown, rules, of_rule, years.fit[of_rule])
            unscored += np.isnan(outcome.final_score).sum()
            adjustments.append(outcome.payment_adjustment_factor)
        table = np.stack(adjustments, axis=1)
        here = run.sel(factors=label_of_set, group="all")
        within = table.var(axis=1, ddof=1).mean()
        assert float(here.within_clinician_variance) == pytest.approx(within, abs=1e-15)
        change = np.diff(table, axis=1).var(axis=0, ddof=1).mean()
        assert float(here.year_to_year_variance) == pytest.approx(change, abs=1e-15)
    assert unscored > 0


@pytest.mark.parametrize("cohort", COHORTS)
def test_the_fixed_standard_is_the_first_years_fit(
    cohort: str, untrended: Scenario, untrended_run: xr.Dataset
) -> None:
    years = Years(untrended, cohort)
    adjustments = years.adjustments(years.observed, [years.fit[0]] * len(years.fit))
    here = untrended_run.sel(cohort=cohort, group="all").isel(lens_draw=DRAW)
    for y, (outcome, observed) in enumerate(zip(years.outcome, years.observed, strict=True)):
        known = np.isfinite(outcome.final_score)
        mine, rule = adjustments[known, y], outcome.payment_adjustment_factor[known]
        money = mine * observed.part_b_payments[known]
        wanted = {
            "adjustment_mean": mine.mean(),
            "share_negative": (mine < -1e-12).mean(),
            "bonuses": money[money > 0].sum(),
            "penalties": -money[money < 0].sum(),
            "sign_differs_share": ((mine < -1e-12) != (rule < -1e-12)).mean(),
        }
        for name, value in wanted.items():
            got = float(here[f"fixed_standard_{name}"].isel(performance_year=y))
            assert got == pytest.approx(value, rel=1e-9, abs=1e-12), (name, y)


def test_the_first_year_is_its_own_standard(small_run: xr.Dataset) -> None:
    first = small_run.isel(performance_year=0)
    for name, of_rule in {
        "adjustment_mean": "adjustment_mean_by_group",
        "share_negative": "share_negative_by_group",
        "bonuses": "bonuses_by_group",
        "penalties": "penalties_by_group",
    }.items():
        np.testing.assert_allclose(
            first[f"fixed_standard_{name}"].values, first[of_rule].values, rtol=1e-9, atol=1e-9
        )
    assert (first.fixed_standard_sign_differs_share.sel(group="all") == 0).all()


def test_averages_over_years_cannot_be_looked_at_closely(make_scenario: MakeScenario) -> None:
    """By themselves nothing is; what asks for it is told why."""
    averaged = make_scenario(settings={"rules.final_score.averaging_years": 2}, draws=2)
    assert make_plan(averaged).lens_draws == 0
    assert make_plan(averaged, lens=0).lens_draws == 0
    assert make_plan(make_scenario(settings={}, draws=2)).lens_draws == 2
    reason = "rules.final_score.averaging_years is 2"
    with pytest.raises(InputError, match=reason):
        make_plan(averaged, lens=1)
    asks = replace(averaged, file=averaged.file.model_copy(update={"lens_draws": 1}))
    for plan_or_work in (make_plan, work_of):
        with pytest.raises(InputError, match=reason):
            plan_or_work(asks)
    run = simulate(averaged)
    assert run.sizes["lens_draw"] == 0
    with pytest.raises(InputError, match=reason):
        asm.studies.decomposition.shares(run)


# Probes


def probe_rows(cohort: CohortPlan, y: int) -> Observed:
    """The probes' true performance, written down from the population's tables."""
    model, probes = cohort.model, cohort.probes
    z = probes.level + probes.gain * y
    rate = np.empty(probes.cases.shape)
    knots = len(model.quality.knot_z)
    level = model.quality.spread * (z + model.quality.drift * y)
    for m in range(len(rate)):
        for i, kind in enumerate(probes.collection[m]):
            if model.quality.proportion[m]:
                table = model.quality.knot_rate[m, kind * knots : (kind + 1) * knots]
                value = np.interp(level[i], model.quality.knot_z, table)
            else:
                value = model.quality.normal_location[m] + model.quality.normal_signal[m] * level[i]
            rate[m, i] = np.clip(value, 0.0, model.quality.rate_maximum[m])
    n = len(z)
    return Observed(
        rate=rate,
        cases=probes.cases,
        completeness=np.ones_like(rate),
        collection=probes.collection,
        episodes=probes.episodes,
        episode_cost=model.cost.median[y] * np.exp(-model.cost.sigma * z),
        improvement_activities=np.full(n, 2.0),
        pi_score=np.full(n, 100.0),
        practice_size=np.full(n, 50.0),
        hcc_risk_score=np.full(n, np.nan),
        dual_share=np.full(n, np.nan),
        part_b_payments=np.ones(n),
        rural=np.zeros(n),
        extreme_circumstances=np.zeros(n),
        special_status=np.zeros(n),
    )


@pytest.mark.parametrize("cohort", COHORTS)
def test_the_noise_free_probe_is_scored_like_a_clinician(
    cohort: str, small_scenario: Scenario, small_run: xr.Dataset
) -> None:
    years = Years(small_scenario, cohort)
    rules = years.cohort.rules
    got = small_run.probe_true_adjustment.sel(cohort=cohort).isel(lens_draw=DRAW)
    modifiers = np.nan
    for y, fit in enumerate(years.true_fit):
        # The lens keeps the complex-patient moments of the observed cohort.
        plain = score(probe_rows(years.cohort, y), rules, y, fit).final_score
        if y == 0:
            modifiers = np.tile(fit.median_final_score - plain[:REPLICATES], len(PROBES))
        final = np.clip(plain + modifiers, 0.0, 100.0)
        transformed = 1.0 / (
            1.0 + np.exp(-rules.year["steepness"][y] * (final - fit.median_final_score))
        )
        wanted = rules.year["risk_level"][y] * (transformed * fit.scaling_factor - 1.0)
        mine = got.isel(performance_year=y).values.ravel()
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-7)
        if y == 0:  # truly the median
            median = rules.year["risk_level"][0] * (0.5 * fit.scaling_factor - 1.0)
            np.testing.assert_allclose(mine[:REPLICATES], median, rtol=1e-5)


def test_without_a_score_of_the_average_probe_nothing_is_said(make_scenario: MakeScenario) -> None:
    """60 episodes are needed and no category may be missing: the average probe has 50."""
    settings = {"rules.cost.case_minimum": 60, "rules.final_score.missing_category": "neutral"}
    run = simulate(make_scenario(settings=settings, draws=2))
    for name in ("probe_final_score", "probe_adjustment", "probe_true_adjustment"):
        assert run[name].isnull().all()


def test_measurement_off_shows_the_probe_as_it_is(make_scenario: MakeScenario) -> None:
    run = simulate(make_scenario(layers='{population: "on", measurement: "off"}', draws=3))
    np.testing.assert_array_equal(run.probe_adjustment, run.probe_true_adjustment)


def test_chance_shrinks_with_episodes_and_better_is_better(small_run: xr.Dataset) -> None:
    chance = (small_run.probe_adjustment - small_run.probe_true_adjustment).astype(np.float64)
    first = chance.isel(performance_year=0)
    by_episodes = {
        count: float(
            first.isel(
                probe=np.flatnonzero(
                    (small_run.probe_episodes == count)
                    & (small_run.probe_level == 0)
                    & (small_run.probe_gain == 0)
                )
            ).std()
        )
        for count in (20, 50, 200)
    }
    assert by_episodes[20] > 1.1 * by_episodes[50] > 1.1 * 1.1 * by_episodes[200]
    still = small_run.isel(probe=np.flatnonzero(small_run.probe_gain == 0))
    still = still.isel(probe=np.flatnonzero(still.probe_episodes == 50))
    by_level = still.sortby("probe_level").probe_adjustment.mean(
        ["lens_draw", "replicate", "performance_year"]
    )
    assert (by_level.diff("probe") > 0.001).all()


def test_replicates_share_their_random_numbers(small_run: xr.Dataset) -> None:
    """Probes of equal true performance in the first year are measured alike."""
    first = small_run.isel(performance_year=0)
    same = first.isel(probe=np.flatnonzero((first.probe_level == 0) & (first.probe_episodes == 50)))
    assert same.sizes["probe"] > 2
    for name in ("probe_final_score", "probe_adjustment"):
        assert (same[name] == same[name].isel(probe=0)).all()


# Levers that are off by default


def test_improvement_moves_those_who_improve(make_scenario: MakeScenario) -> None:
    settings = {"population.improvement.share": 0.5, "population.improvement.per_year": 0.2}
    ordinary = asm.cohort_table(make_scenario(), draw=0, truth=True)
    improved = asm.cohort_table(make_scenario(settings=settings), draw=0, truth=True)
    lower = improved.episode_cost / ordinary.episode_cost
    by_year = lower.groupby(ordinary.performance_year)
    assert (by_year.get_group(2027) == 1).all()
    shares = by_year.apply(lambda ratio: (ratio < 1).mean())
    assert 0.3 < shares[2031] < 0.7
    assert shares[2028] == shares[2031]
    assert (lower <= 1).all()
    assert by_year.min().is_monotonic_decreasing
    changed = improved.q008_rate - ordinary.q008_rate
    assert changed[lower == 1].fillna(0).eq(0).all()
    assert changed[lower < 1].min() >= 0 < changed[lower < 1].max()


# The comparator


@pytest.mark.parametrize(("form", "name"), [("traditional", "mips"), ("value_pathway", "pathway")])
def test_mips_is_the_reference_on_the_same_rows(
    form: str, name: str, small_scenario: Scenario, small_run: xr.Dataset
) -> None:
    variable = {"mips": "panel_mips", "pathway": "panel_mips_pathway"}[name]
    rules = asm.rules("mips-2026", {"form": form})
    table = asm.cohort_table(small_scenario, draw=DRAW)
    panel = small_run.isel(draw_sample=DRAW)
    position = {
        (str(cohort), str(clinician)): i
        for i, (cohort, clinician) in enumerate(
            zip(panel.clinician_cohort.values, panel.clinician_id.values, strict=True)
        )
    }
    rows = table[table.performance_year.isin([2027, 2031])].to_dict("records")
    for row in rows[::3]:
        blank = {key: None if value != value else value for key, value in row.items()}
        wanted = reference.score(blank, rules, small_scenario.rules, row["performance_year"])
        at = panel.isel(clinician=position[row["cohort"], row["clinician_id"]])
        at = at.sel(performance_year=row["performance_year"])
        assert float(at[f"{variable}_final_score"]) == pytest.approx(wanted.final_score, rel=1e-6)
        got = float(at[f"{variable}_adjustment"])
        assert got == pytest.approx(wanted.adjustment_factor, rel=1e-5, abs=1e-7)
