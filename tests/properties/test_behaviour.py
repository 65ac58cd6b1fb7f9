"""What clinicians do about the model: each lever's answer recomputed from outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.engine.draw_table import observed_years
from asm_sim.engine.plan import CohortPlan, make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.kernels.draws.draw import ObservedYear
from asm_sim.kernels.numeric.counts import poisson_quantiles
from asm_sim.kernels.numeric.variates import normals_at, uniforms_at
from asm_sim.kernels.rule.cohort import fit_and_score
from asm_sim.kernels.world.streams import AVOIDANCE, CLINICIAN_TRAITS, EPISODES, PROGRAMMES
from asm_sim.scenario.schema import Scenario
from tests.conftest import MakeScenario
from tests.properties.draw_as_table import check, scored
from tests.properties.sample import flat

ROOT = "population.behaviour"
COHORTS = ("HF", "LBP")
YEARS = range(5)
WITHOUT_DRIFT = {"population.episodes.yearly_drift_sd": 0.0}

Seen = list[ObservedYear]


def part_of(scenario: Scenario, cohort: str) -> CohortPlan:
    return next(part for part in make_plan(scenario).cohorts if part.name == cohort)


def seen(scenario: Scenario, cohort: str, draw: int = 0) -> Seen:
    return observed_years(make_plan(scenario), part_of(scenario, cohort), draw)


def cost_ratio(there: Seen, here: Seen) -> np.ndarray:
    return np.array([a.true_cost / b.true_cost for a, b in zip(there, here, strict=True)])


def assert_same(one: Seen, other: Seen, but: set[str] | None = None) -> None:
    """Year by year the same bits in all that is observed and true, but for what is named."""
    for a, b in zip(one, other, strict=True):
        others = flat(b)
        for name, values in flat(a).items():
            if name not in (but or set()):
                np.testing.assert_array_equal(values, others[name], err_msg=name)


def uniforms(scenario: Scenario, cohort: str, stream: int, draw: int = 0) -> np.ndarray:
    """The first block of a stream of the clinicians, [4, n]."""
    plan, model = make_plan(scenario), part_of(scenario, cohort).model
    words: np.ndarray = uniforms_at(plan.seed_words(), model.address, draw, stream, 0, 0)
    return words


def adjustments(scenario: Scenario, cohort: str, years: Seen) -> np.ndarray:
    """[Y, n] by the rule, from the years as they were observed."""
    rules = part_of(scenario, cohort).rules
    return np.array(
        [
            fit_and_score(year[0], rules, y)[0].payment_adjustment_factor
            for y, year in enumerate(years)
        ]
    )


def programme(name: str = "care_redesign", **values: float) -> dict[str, Any]:
    return {f"{ROOT}.programmes.{name}.{key}": value for key, value in values.items()}


# Off


@pytest.mark.parametrize("cohort", COHORTS)
def test_what_belongs_to_a_lever_that_is_off_changes_nothing(
    cohort: str, make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    settings = programme(
        first_year=2, effect_on_quality=1.0, effect_on_cost=-0.5, usd_per_clinician_year=1e5
    )
    settings |= {f"{ROOT}.feedback_lag": 1, f"{ROOT}.volume.avoidance_target": 3.0}
    assert_same(seen(make_scenario(settings=settings), cohort), seen(small_scenario, cohort))


# Programmes


@pytest.mark.parametrize("cohort", COHORTS)
def test_a_programme_of_all_moves_every_true_cost_by_its_effect(
    cohort: str, make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    effect = {"share": 1.0, "first_year": 3, "effect_on_cost": -0.05}
    here = seen(small_scenario, cohort)
    there = seen(make_scenario(settings=programme("telehealth", **effect)), cohort)
    assert_same(there, here, {"true_cost", "episode_cost"})
    assert_same(there[:2], here[:2])
    np.testing.assert_allclose(cost_ratio(there, here)[2:], np.exp(-0.05), rtol=1e-12)
    observed = np.array(
        [a[0].episode_cost / b[0].episode_cost for a, b in zip(there, here, strict=True)]
    )
    np.testing.assert_allclose(observed[2:], np.exp(-0.05), rtol=1e-12)


def test_a_programme_of_all_moves_true_quality_by_its_effect(
    make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    """Q492 is linear in the latent: everybody's rate falls by the same; no other gets worse."""
    settings = programme(share=1.0, effect_on_quality=0.5)
    here, there = (seen(s, "HF") for s in (small_scenario, make_scenario(settings=settings)))
    assert_same(there, here, {"rate", "true_rate"})
    part = part_of(small_scenario, "HF")
    model, better = part.model, np.where(part.rules.measure_inverse, -1, 1)
    assert model.quality.normal_signal[0] < 0
    for a, b in zip(there, here, strict=True):
        change = a[1] - b[1]
        np.testing.assert_allclose(change[0], 0.5 * model.quality.normal_signal[0], rtol=1e-9)
        for sign, of_measure in zip(better, change, strict=True):
            known = of_measure[~np.isnan(of_measure)]
            assert (sign * known >= 0).all()
            assert (sign * known > 0).any()


@pytest.mark.parametrize("cohort", COHORTS)
def test_who_takes_part_is_drawn_for_each_programme(
    cohort: str, make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    """Each has its own lane of a block, so that effects add up in those who take part in two."""
    settings = programme("care_redesign", share=0.4, effect_on_cost=-0.1)
    settings |= programme("telehealth", share=0.6, effect_on_cost=0.03)
    there, here = seen(make_scenario(settings=settings), cohort), seen(small_scenario, cohort)
    words = uniforms(small_scenario, cohort, PROGRAMMES)
    expected = -0.1 * (words[0] < 0.4) + 0.03 * (words[3] < 0.6)
    assert len(np.unique(expected)) == 4
    for ratio in cost_ratio(there, here):
        np.testing.assert_allclose(np.log(ratio), expected, rtol=0, atol=1e-12)


def test_spending_is_counted_for_those_who_take_part(make_scenario: MakeScenario) -> None:
    settings = programme(
        "patient_incentives", share=0.5, first_year=2, usd_per_clinician_year=700.0,
        usd_per_patient_year=40.0,
    )  # fmt: skip
    settings |= programme("care_redesign", share=0.3, usd_per_clinician_year=20_000.0)
    scenario = make_scenario(settings=settings, draws=3)
    run = simulate(scenario)
    for draw in range(3):
        for cohort in COHORTS:
            words = uniforms(scenario, cohort, PROGRAMMES, draw)
            redesign, incentives = words[0] < 0.3, words[1] < 0.5
            for y, year in enumerate(seen(scenario, cohort, draw)):
                per_clinician = 700.0 + 40.0 * year[0].episodes
                spent = 20_000.0 * redesign.sum() + (y >= 1) * per_clinician[incentives].sum()
                found = run.programme_spending.sel(draw=draw, cohort=cohort).values[y]
                assert found == pytest.approx(spent, rel=1e-12)
    expected = xr.DataArray([0.3 * 20_000.0 * n for n in (70, 80)], dims="cohort")
    first = run.programme_spending.isel(performance_year=0).mean("draw")
    assert (abs(first / expected - 1) < 4 * np.sqrt(0.7 / 0.3 / 70 / 3)).all()


def test_without_programmes_nothing_is_spent(small_run: xr.Dataset) -> None:
    assert (small_run.programme_spending == 0).all()


def test_if_all_invest_the_clinicians_share_out_what_they_did(make_scenario: MakeScenario) -> None:
    """All of 85 % of what is at risk: the same Part B, so the same sum, whoever performs how."""
    settings = programme(share=1.0, effect_on_quality=0.5, effect_on_cost=-0.1)
    all_invest, nobody = (simulate(make_scenario(settings=s, draws=3)) for s in (settings, {}))
    np.testing.assert_allclose(
        all_invest.retained_by_medicare, nobody.retained_by_medicare, rtol=1e-9
    )
    assert (abs(all_invest.final_score_mean - nobody.final_score_mean) > 1e-6).any()


# Effort


EFFORT = {f"{ROOT}.effort.response_to_loss": 0.03, f"{ROOT}.effort.response_to_gain": -0.01}


@pytest.mark.parametrize("cohort", COHORTS)
@pytest.mark.parametrize("lag", [1, 2, 4])
def test_effort_is_what_earlier_adjustments_make_of_it(
    cohort: str, lag: int, make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    """SDs gained: the sum over known years of 0.03 a point lost less 0.01 a point gained."""
    scenario = make_scenario(settings=EFFORT | {f"{ROOT}.feedback_lag": lag})
    there, here = seen(scenario, cohort), seen(small_scenario, cohort)
    assert_same(there[:lag], here[:lag])
    points = 100 * adjustments(scenario, cohort, there)
    response = 0.03 * np.maximum(-points, 0) - 0.01 * np.maximum(points, 0)
    gain = np.array([response[: max(0, y - lag + 1)].sum(axis=0) for y in YEARS])
    assert gain.min() < 0 < gain.max()
    sigma = part_of(scenario, cohort).model.cost.sigma
    np.testing.assert_allclose(np.log(cost_ratio(there, here)), -sigma * gain, rtol=0, atol=1e-9)
    assert_same(there, here, {"rate", "true_rate", "episode_cost", "true_cost"})
    if cohort == "HF":
        signal = part_of(scenario, cohort).model.quality.normal_signal[0]
        for y in YEARS:
            change = there[y][1][0] - here[y][1][0]
            np.testing.assert_allclose(change, signal * gain[y], rtol=0, atol=1e-9)


def test_who_responds_is_paid_as_the_table_says(make_scenario: MakeScenario) -> None:
    """The export makes the same years as the simulation, one after the other."""
    settings = EFFORT | {
        f"{ROOT}.volume.steering_after_loss": -0.3,
        f"{ROOT}.collection_choice.share": 0.5,
        "rules.cost.case_minimum": {2028: 45},  # some have no score in a year
        "rules.final_score.missing_category": "neutral",
    }
    scenario = make_scenario(settings=settings, draws=3)
    dataset = simulate(scenario)
    assert float(dataset.share_unscored.sel(performance_year=2028).min()) > 0.1
    for draw in (0, 2):
        check(dataset, scored(asm.cohort_table(scenario, draw=draw), scenario), draw)


def test_a_set_in_which_nothing_moves_does_not_vary(make_scenario: MakeScenario) -> None:
    """Effort belongs to performance, the collection type to participation."""
    settings = EFFORT | {f"{ROOT}.collection_choice.share": 1.0}
    run = simulate(make_scenario(settings=settings, draws=2))
    for name in ("within_clinician_variance", "year_to_year_variance"):
        everyone = run[name].sel(group="all")
        assert (everyone.sel(factors="none") < 1e-16).all()  # rounding
        for factor in ("performance", "participation"):
            assert (everyone.sel(factors=factor) > 1e-8).all()


# Volume


def episodes_by_hand(scenario: Scenario, cohort: str, mean: np.ndarray, y: int) -> np.ndarray:
    plan, model = make_plan(scenario), part_of(scenario, cohort).model
    normal = normals_at(plan.seed_words(), model.address, 0, EPISODES, y + 1, 0)[0]
    counts: np.ndarray = poisson_quantiles(normal, mean)
    return counts


def means_by_hand(scenario: Scenario, cohort: str) -> np.ndarray:
    plan, model = make_plan(scenario), part_of(scenario, cohort).model
    rows = normals_at(plan.seed_words(), model.address, 0, CLINICIAN_TRAITS, 0, 0)
    return 20 + np.exp(model.volume.episodes_log_mean + model.volume.episodes_sigma * rows[0])


@pytest.mark.parametrize("cohort", COHORTS)
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_who_avoids_keeps_under_the_line(
    share: float, cohort: str, make_scenario: MakeScenario
) -> None:
    """Of those with a mean of 20 to 30; with a share of 1 nobody's mean stays in the band."""
    settings = {f"{ROOT}.volume.avoidance_share": share, f"{ROOT}.volume.avoidance_band": 10.0}
    scenario = make_scenario(settings=WITHOUT_DRIFT | settings)
    before = means_by_hand(scenario, cohort)
    avoids = (before < 30) & (uniforms(scenario, cohort, AVOIDANCE)[0] < share)
    after = np.where(avoids, 15.0, before)
    assert 0 < avoids.sum() < len(avoids)
    assert ((after >= 20) & (after < 30)).any() == (share < 1)
    there, here = seen(scenario, cohort), seen(make_scenario(settings=WITHOUT_DRIFT), cohort)
    assert_same(there, here, {"episodes", "episode_cost"})
    for y in YEARS:
        np.testing.assert_array_equal(
            there[y][0].episodes, episodes_by_hand(scenario, cohort, after, y)
        )


@pytest.mark.parametrize("cohort", COHORTS)
def test_patients_are_steered_by_the_last_known_adjustment(
    cohort: str, make_scenario: MakeScenario
) -> None:
    settings = WITHOUT_DRIFT | {
        f"{ROOT}.volume.steering_after_loss": -0.5,
        f"{ROOT}.volume.steering_after_gain": 0.2,
        f"{ROOT}.feedback_lag": 1,
    }
    scenario = make_scenario(settings=settings)
    there, here = seen(scenario, cohort), seen(make_scenario(settings=WITHOUT_DRIFT), cohort)
    assert_same(there[:1], here[:1])
    assert_same(there, here, {"episodes", "episode_cost"})
    mean, known = means_by_hand(scenario, cohort), adjustments(scenario, cohort, there)
    for y in YEARS[1:]:
        change = np.where(known[y - 1] < 0, np.exp(-0.5), np.exp(0.2))
        assert len(np.unique(change)) == 2
        wanted = episodes_by_hand(scenario, cohort, mean * change, y)
        np.testing.assert_array_equal(there[y][0].episodes, wanted)


# Collection type


@pytest.mark.parametrize("cohort", COHORTS)
def test_practices_choose_the_type_that_would_have_earned_more(
    cohort: str, make_scenario: MakeScenario
) -> None:
    """Mean true rates by either type, from scenarios in which all report by it."""
    reports = {"population.reporting.non_reporting_share": 0.0}
    scenario = make_scenario(settings=reports | {f"{ROOT}.collection_choice.share": 1.0})
    there = seen(scenario, cohort)
    by_type = [
        seen(make_scenario(settings=reports | {"population.practice.ecqm_share": share}), cohort)
        for share in (1.0, 0.0)
    ]
    part = part_of(scenario, cohort)
    practice, rules = part.model.practice, part.rules
    count = np.bincount(practice)
    kind = np.zeros(len(count), np.int8)
    first = next(
        m for m, kinds in enumerate(part.model.quality.collection_of) if kinds[0] != kinds[1]
    )
    kind[practice] = there[0][0].collection[first]
    assert 0 < kind.mean() < 1
    changes = 0
    for y in YEARS[1:]:
        fit = fit_and_score(there[y - 1][0], rules, y - 1)[1]
        advantage = np.zeros(len(count))
        for m, kinds in enumerate(part.model.quality.collection_of):
            if kinds[0] == kinds[1] or not fit.has_benchmark[m].take(kinds).all():
                continue
            assert rules.measure_by_deciles[m]
            sign = -1 if rules.measure_inverse[m] else 1
            for side, years in enumerate(by_type):
                rates = np.bincount(practice, years[y - 1][1][m]) / count
                earned = points(sign * rates, fit.cut_points[m, kinds[side]])
                advantage += earned if side else -earned
        chosen = np.where(advantage > 0, 1, np.where(advantage < 0, 0, kind))
        clear = abs(advantage) > 1e-9
        changes += int((chosen != kind)[clear].sum())
        collection = there[y][0].collection[first]
        np.testing.assert_array_equal(
            collection[clear[practice]], chosen[practice][clear[practice]]
        )
        kind[practice] = collection
    assert changes > 0


def points(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Deciles: k + the share of the way to the next cut; 1 below the first, 10 above the last."""
    result = np.empty(len(values))
    for i, value in enumerate(values):
        k = int((value >= cuts).sum())
        inside = 0 < k < len(cuts)
        result[i] = max(k, 1) + ((value - cuts[k - 1]) / (cuts[k] - cuts[k - 1]) if inside else 0)
    return result


@pytest.mark.parametrize("cohort", COHORTS)
def test_practices_that_do_not_choose_report_as_ever(
    cohort: str, make_scenario: MakeScenario, small_scenario: Scenario
) -> None:
    here = seen(small_scenario, cohort)
    there = seen(make_scenario(settings={f"{ROOT}.collection_choice.share": 0.5}), cohort)
    assert_same(there[:1], here[:1])
    assert_same(there, here, {"rate", "true_rate", "collection"})
    moved = np.array([a[0].collection != b[0].collection for a, b in zip(there, here, strict=True)])
    practice = part_of(small_scenario, cohort).model.practice
    shares = np.bincount(practice, moved.any(axis=(0, 1))) / np.bincount(practice)
    assert set(np.unique(shares)) == {0.0, 1.0}  # a practice as a whole
    assert 0 < shares.mean() < 0.65


# Refused


INVESTS = programme(share=0.5)
INCENTIVES = f"{ROOT}.programmes.patient_incentives.usd_per_patient_year"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (EFFORT | {f"{ROOT}.feedback_lag": 5}, f"{ROOT}.feedback_lag: 5 years"),
        (
            {f"{ROOT}.volume.avoidance_share": 0.1, f"{ROOT}.volume.avoidance_target": 20.0},
            "not below rules.cost.case_minimum, 20",
        ),
        (INVESTS | programme(first_year=6), "care_redesign.first_year: 6"),
        (
            INVESTS | programme(effect_on_cost=-0.1) | {"population.cost.sd.HF": 0.0},
            "no spread in cohort 'HF'",
        ),
        ({INCENTIVES: 1001.0}, "rules.beneficiary_incentives.limit_per_patient_year allows, 1000"),
        (
            {
                "population.behaviour.collection_choice.share": 0.5,
                "rules.quality.pool_collection_types": True,
            },
            "under rules.quality.pool_collection_types there are none",
        ),
        (
            {
                "population.behaviour.collection_choice.share": 0.5,
                "rules.peers.basis": "practice_size",
            },
            "under rules.peers.basis there are none",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    settings: dict[str, Any], words: str, make_scenario: MakeScenario
) -> None:
    with pytest.raises(InputError) as error:
        make_scenario(settings=settings)
    assert words in str(error.value)


def test_what_is_off_is_not_refused(make_scenario: MakeScenario) -> None:
    make_plan(make_scenario(settings={f"{ROOT}.feedback_lag": 5} | programme(first_year=6)))
    make_plan(make_scenario(settings={INCENTIVES: 1000.0}))
