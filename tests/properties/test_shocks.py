"""Shocks and overlap: whom they touch, by how much, and that they touch nothing else."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from asm_sim.documents import compact
from asm_sim.engine.plan import make_plan
from asm_sim.errors import InputError
from asm_sim.kernels.draws.draw import observe_cohort
from asm_sim.scenario.load import load_scenario
from tests.properties.sample import Sample, cohort_of, draw_sample, plan_with

COHORTS = ("HF", "LBP")
DRAWS = 4
ADMISSIONS, BODY_MASS = 0, 2  # Q492 in HF, Q128 in LBP
Settings = tuple[tuple[str, Any], ...]
STRUCK = "population.shocks.circumstances"
ORGANISATION: Settings = (
    ("population.aco.practice_share", 0.3),
    ("population.aco.cost_effect", -0.05),
    ("population.aco.quality_effect", 0.4),
)


def of(cohort: str, settings: Settings = ()) -> Sample:
    return _of(cohort, tuple(f"{path}={compact(value)}" for path, value in settings))


@cache
def _of(cohort: str, assignments: tuple[str, ...]) -> Sample:
    plan = make_plan(load_scenario("baseline", assignments))
    return draw_sample(cohort_of(plan, cohort), DRAWS)


def states(cohort: str) -> np.ndarray:
    roster = plan_with().roster
    return np.array(roster.state[roster.slice_of(cohort)])


def assert_same(one: Sample, other: Sample, *but: str) -> None:
    """Bit by bit, apart from the fields that are named."""
    for name in Sample._fields:
        if name not in but:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


# A level that shifts


@pytest.mark.parametrize(("kind", "shift"), [("ecqm", -24.6), ("cqm", 28.8)])
def test_a_level_shifts_in_the_years_named_for_one_collection_type(kind: str, shift: float) -> None:
    path = f"population.quality.measures.Q128.level_shift.{kind}"
    shifted = of("LBP", ((path, {2027: shift, 2029: -5.0}),))
    before = of("LBP")
    of_kind = before.collection[:, 0, BODY_MASS] == ["ecqm", "cqm"].index(kind)
    was, now = before.true_rate[:, 0, BODY_MASS], shifted.true_rate[:, 0, BODY_MASS]
    wanted = np.where(of_kind, np.clip(was + shift, 0, 100), was)
    np.testing.assert_allclose(now, wanted, rtol=0, atol=1e-9)
    assert (now != was)[of_kind & ~np.isnan(was)].mean() > 0.5
    later = before.true_rate[:, 2, BODY_MASS]
    inside = of_kind & (later > 6) & (later < 99)
    fall = (shifted.true_rate - before.true_rate)[:, 2, BODY_MASS][inside]
    np.testing.assert_allclose(fall, -5.0, atol=1e-9)
    assert inside.sum() > 500
    np.testing.assert_array_equal(shifted.true_rate[:, [1, 3, 4]], before.true_rate[:, [1, 3, 4]])
    others = [0, 1, 3]
    np.testing.assert_array_equal(shifted.rate[:, :, others], before.rate[:, :, others])
    assert_same(shifted, before, "true_rate", "rate")


def test_admissions_may_shift_too() -> None:
    path = "population.quality.measures.Q492.level_shift.administrative_claims"
    shifted, before = of("HF", ((path, {2028: 3.0}),)), of("HF")
    change = (shifted.rate - before.rate)[:, :, ADMISSIONS]
    np.testing.assert_allclose(change[:, 1][~np.isnan(change[:, 1])], 3.0, atol=1e-9)
    assert (np.nan_to_num(change[:, [0, 2, 3, 4]]) == 0).all()


# Extreme circumstances


def test_named_states_are_struck_in_their_years_alone() -> None:
    struck = of("HF", ((f"{STRUCK}.named", {2028: ["FL", "LA"], 2030: ["TX"]}),))
    state = states("HF")
    wanted = np.zeros(struck.extreme_circumstances.shape, bool)
    wanted[:, 1] = np.isin(state, ["FL", "LA"])
    wanted[:, 3] = state == "TX"
    np.testing.assert_array_equal(struck.extreme_circumstances, wanted)
    assert_same(struck, of("HF"), "extreme_circumstances")
    assert (of("HF").extreme_circumstances == 0).all()


def test_a_state_is_struck_as_a_whole_and_in_both_cohorts() -> None:
    """Each state, year and draw by itself, with the chance given."""
    chance: Settings = ((f"{STRUCK}.state_probability", 0.2),)
    by_cohort = {}
    for cohort in COHORTS:
        met, state = of(cohort, chance).extreme_circumstances, states(cohort)
        by_state = {s: met[..., state == s] for s in sorted(set(state))}
        for values in by_state.values():
            assert (values == values[..., :1]).all()
        by_cohort[cohort] = {s: values[..., 0] for s, values in by_state.items()}
    common = sorted(set(by_cohort["HF"]) & set(by_cohort["LBP"]))
    hf, lbp = (np.stack([by_cohort[c][s] for s in common]) for c in COHORTS)
    np.testing.assert_array_equal(hf, lbp)
    assert hf.mean() == pytest.approx(0.2, abs=4 * math.sqrt(0.16 / hf.size))
    assert (hf[:, :, 1:] != hf[:, :, :1]).any()
    assert (hf[:, 1:] != hf[:, :1]).any()


def test_a_share_of_the_clinicians_of_a_struck_state_is_affected() -> None:
    always: Settings = ((f"{STRUCK}.state_probability", 1.0), (f"{STRUCK}.clinician_share", 0.3))
    met = of("LBP", always).extreme_circumstances
    assert met.mean() == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / met.size))
    both = (met[:, 0] * met[:, 1]).mean()  # another draw every year
    assert both == pytest.approx(0.09, abs=4 * math.sqrt(0.09 * 0.91 / met[:, 0].size))
    nobody = (*always[:1], (f"{STRUCK}.clinician_share", 0.0))
    assert (of("LBP", nobody).extreme_circumstances == 0).all()
    alone = of("LBP", ((f"{STRUCK}.named", {2028: ["TX"]}), always[1])).extreme_circumstances
    in_texas = states("LBP") == "TX"
    np.testing.assert_array_equal(alone[:, 1], np.where(in_texas, met[:, 1], 0))


def test_what_is_lost_is_lost_that_year() -> None:
    """Latent SDs: a factor on cost, and on the normal rate a constant."""
    named: Settings = ((f"{STRUCK}.named", {2028: ["TX"]}),)
    lost, before = of("HF", (*named, (f"{STRUCK}.performance_loss", 0.5))), of("HF")
    model = cohort_of(plan_with(), "HF").model
    struck = lost.extreme_circumstances == 1
    assert struck.any()
    ratio = lost.true_cost / before.true_cost
    np.testing.assert_allclose(ratio[struck], math.exp(0.5 * model.cost.sigma), rtol=1e-12)
    assert (ratio[~struck] == 1).all()
    change = (lost.true_rate - before.true_rate)[:, :, ADMISSIONS]
    worse = -0.5 * model.quality.normal_signal[ADMISSIONS]
    assert worse > 0
    np.testing.assert_allclose(change[struck & ~np.isnan(change)], worse, atol=1e-9)
    assert (np.nan_to_num(change[~struck]) == 0).all()
    fall = np.nan_to_num(lost.true_rate - before.true_rate)[:, :, 1:]
    assert (np.moveaxis(fall, 2, 0)[:, struck] <= 0).all()
    assert fall.mean() < 0
    touched = ("true_cost", "episode_cost", "true_rate", "rate", "extreme_circumstances")
    assert_same(lost, before, *touched)


# Patients of others


@pytest.mark.parametrize("cohort", COHORTS)
def test_foreign_patients_say_nothing_of_a_clinicians_own_performance(cohort: str) -> None:
    """Everyone misattributed: no correlation with the truth or with the year before, equal spread.

    Own performance, what is reported and everything else is as before.
    """
    foreign = of(cohort, ((f"population.misattribution.share.{cohort}", 1.0),))
    own, model = of(cohort), cohort_of(plan_with(), cohort).model
    touched = ("episode_cost", "rate")
    assert_same(foreign, own, *touched)
    reported = np.flatnonzero(model.quality.reported)
    np.testing.assert_array_equal(foreign.rate[:, :, reported], own.rate[:, :, reported])
    true, seen = np.log(own.true_cost), np.log(foreign.episode_cost)
    error = 4 / math.sqrt(true[:, 0].size)
    for y in range(5):
        assert abs(np.corrcoef(true[:, y].ravel(), seen[:, y].ravel())[0, 1]) < error
        assert seen[:, y].std() == pytest.approx(np.log(own.episode_cost[:, y]).std(), rel=0.03)
        assert seen[:, y].mean() == pytest.approx(np.log(own.episode_cost[:, y]).mean(), abs=0.01)
    assert abs(np.corrcoef(seen[:, 0].ravel(), seen[:, 1].ravel())[0, 1]) < error


def test_foreign_admissions() -> None:
    foreign, own = of("HF", (("population.misattribution.share.HF", 1.0),)), of("HF")
    rates = [s.rate[:, 0, ADMISSIONS] for s in (foreign, own)] + [own.true_rate[:, 0, ADMISSIONS]]
    known = ~np.isnan(rates[0] + rates[1] + rates[2])
    seen, before, true = (values[known] for values in rates)
    error = 4 / math.sqrt(known.sum())
    assert abs(np.corrcoef(seen, true)[0, 1]) < error
    assert np.corrcoef(before, true)[0, 1] > 0.3
    assert seen.std() == pytest.approx(before.std(), rel=0.03)
    np.testing.assert_array_equal(np.isnan(rates[0]), np.isnan(rates[1]))
    cost = np.log(foreign.episode_cost[:, 0][known])  # by other patients again
    assert abs(np.corrcoef(seen, cost)[0, 1]) < error


def test_misattribution_is_for_life_and_of_one_cohort() -> None:
    settings: Settings = (("population.misattribution.share.HF", 0.19),)
    some, own = of("HF", settings), of("HF")
    touched = (some.episode_cost != own.episode_cost).any(axis=1)
    always = (some.episode_cost != own.episode_cost).all(axis=1)
    np.testing.assert_array_equal(touched, always)
    error = 4 * math.sqrt(0.19 * 0.81 / touched.size)
    assert touched.mean() == pytest.approx(0.19, abs=error)
    everyone = of("HF", (("population.misattribution.share.HF", 1.0),))
    mine = np.broadcast_to(touched[:, None], some.episode_cost.shape)
    np.testing.assert_array_equal(
        some.episode_cost, np.where(mine, everyone.episode_cost, own.episode_cost)
    )
    assert_same(of("LBP", settings), of("LBP"))


def test_without_measurement_the_truth_is_shown() -> None:
    settings: Settings = (("population.misattribution.share.HF", 1.0),)
    part = cohort_of(plan_with(settings), "HF")
    words = np.array([20, 0], np.uint64)
    years = observe_cohort(part.rules, part.practices, part.model, words, 0, 0, 0, False)
    for year in years:
        seen, rate = year.observed, year.true_rate
        np.testing.assert_array_equal(seen.episode_cost, year.true_cost)
        np.testing.assert_array_equal(seen.rate[~np.isnan(seen.rate)], rate[~np.isnan(rate)])


# Accountable care organizations


def inside(cohort: str) -> np.ndarray:
    """Whose true cost the organization changes, [draw, n]; the effect is exact and lasts."""
    ratio = of(cohort, ORGANISATION).true_cost / of(cohort).true_cost
    changed = ratio != 1
    np.testing.assert_allclose(ratio[changed], math.exp(-0.05), rtol=1e-12)
    np.testing.assert_array_equal(changed, np.broadcast_to(changed[:, :1], changed.shape))
    return changed[:, 0]


def test_practices_join_as_a_whole_and_in_both_cohorts() -> None:
    roster = plan_with().roster
    joined: dict[tuple[int, int], bool] = {}
    for cohort in COHORTS:
        members = inside(cohort)
        practice = roster.practice[roster.slice_of(cohort)]
        for d in range(DRAWS):
            for p, member in zip(practice.tolist(), members[d].tolist(), strict=True):
                assert joined.setdefault((d, p), member) == member
    share = np.mean(list(joined.values()))
    assert share == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / len(joined)))


def test_what_an_organization_does_to_quality() -> None:
    better, before = of("HF", ORGANISATION), of("HF")
    members = np.broadcast_to(inside("HF")[:, None], better.true_cost.shape)
    change = (better.true_rate - before.true_rate)[:, :, ADMISSIONS]
    signal = cohort_of(plan_with(), "HF").model.quality.normal_signal[ADMISSIONS]
    np.testing.assert_allclose(change[members & ~np.isnan(change)], 0.4 * signal, atol=1e-9)
    assert (np.nan_to_num(change[~members]) == 0).all()
    rise = np.nan_to_num(better.true_rate - before.true_rate)[:, :, 1:]
    assert (rise >= -1e-12).all()
    assert rise.mean() > 0
    assert_same(better, before, "true_cost", "episode_cost", "true_rate", "rate")
    assert_same(of("HF", ORGANISATION[:1]), before)


# What is refused


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({f"{STRUCK}.named": {2028: ["FX"]}}, "'FX' in 2028 is not the postal code of a state"),
        ({f"{STRUCK}.named": {2028: ["FL", "FL"]}}, "a state is named twice in 2028"),
        ({f"{STRUCK}.named": {2032: ["FL"]}}, "named: 2032 is not a performance year; the years"),
        ({f"{STRUCK}.performance_loss": 1}, "performance_loss: would do nothing"),
        ({f"{STRUCK}.named": 3}, "'shocks.circumstances.named' has values by year; write"),
        (
            {"population.quality.measures.Q128.level_shift.cqm": {2026: 3}},
            "population.quality.measures.Q128.level_shift.cqm: 2026 is not a performance year",
        ),
        (
            {"population.quality.measures.Q128.level_shift.cqm": {2028: 101}},
            "level_shift.cqm: 101 is out of range: -100 to 100",
        ),
        ({"population.quality.measures.Q220.level_shift.ecqm": {2028: 1}}, "no 'ecqm' in"),
        ({"population.part_b.trend": {2028: 0.1}}, "'part_b.trend' has no values by year"),
        ({"population.aco.cost_effect": 0.1}, "cost_effect: would do nothing, since the practice"),
        ({"rules.measures.Q128.suspended": {2028: 0.5}}, "suspended: 0.5 is neither 0"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario("baseline", settings.items())
    assert said in str(caught.value)


def test_a_state_without_clinicians_cannot_be_struck() -> None:
    scenario = load_scenario("baseline", [(f"{STRUCK}.named", {2028: ["ME", "TX"]})])
    with pytest.raises(InputError, match="no clinician of the roster is in 'ME', named in 2028"):
        make_plan(scenario)
