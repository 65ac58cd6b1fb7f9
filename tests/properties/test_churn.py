"""Who takes part in which year, and in which practice; the rule on those who do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.engine.draw_table import cohort_table, observed_years
from asm_sim.engine.plan import make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import load_sweep
from asm_sim.store.work import work_of
from tests.conftest import MakeScenario, roster_rows
from tests.properties.sample import Sample, cohort_of, draw_sample, plan_with, sample, stacked

COHORTS = ("HF", "LBP")
ANEW = {"population.eligibility.redetermined": True}
NOBODY_LEAVES = {"population.departure.exit_share": 0.0}
EVERYBODY_HAS_EPISODES = {"population.episodes.minimum": 400.0, "population.episodes.mean": 500.0}
CHURN = ANEW | {
    "population.churn.entry_share": 0.05,
    "population.churn.waiting_share": 0.1,
    "population.churn.move_share": 0.1,
    "population.practice.consolidation.yearly_share": 0.1,
}
YEARS = 5
MINIMUM = 20
TRAITS = ("hcc_risk_score", "dual_share", "part_b_later", "specialty", "true_cost", "collection")


def settings(*parts: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((path, value) for part in parts for path, value in part.items())


def drawn(scenario: Scenario, cohort: str, draw: int = 0) -> Sample:
    """One draw of a scenario of the small roster, [1, year, ...]."""
    plan = make_plan(scenario)
    years = stacked(observed_years(plan, cohort_of(plan, cohort), draw))
    return Sample(**{name: values[np.newaxis] for name, values in years.items()})


def on_roster(cohort: str, *parts: dict[str, Any]) -> np.ndarray:
    """Which clinicians of a plan stand on the roster itself."""
    roster = plan_with(settings(*parts)).roster
    return roster.entry[roster.slice_of(cohort)] == 0


# Eligibility


@pytest.mark.parametrize("cohort", COHORTS)
def test_episodes_two_years_before_decide(cohort: str) -> None:
    """From the third year on recomputed from the episodes of the list that is held."""
    held = sample(cohort, 3, settings(NOBODY_LEAVES))
    anew = sample(cohort, 3, settings(NOBODY_LEAVES, ANEW))
    assert held.present.all()
    assert anew.present[:, 0].all()
    np.testing.assert_array_equal(anew.present[:, 2:], held.episodes[:, :-2] >= MINIMUM)
    assert 0.005 < 1 - anew.present[:, 2:].mean() < 0.2


@pytest.mark.parametrize("cohort", COHORTS)
def test_the_year_before_the_first_decides_the_second(cohort: str) -> None:
    """As often as the episodes of the first year would, which have the same mean; a count apart.

    Who is in doubt is so for both, so that they differ less often than if they were unrelated.
    """
    held = sample(cohort, 8, settings(NOBODY_LEAVES))
    anew = sample(cohort, 8, settings(NOBODY_LEAVES, ANEW))
    second, of_first = anew.present[:, 1], held.episodes[:, 0] >= MINIMUM
    p = of_first.mean()
    error = np.sqrt(2 * p * (1 - p) / second.size)
    assert second.mean() == pytest.approx(p, abs=4 * error)
    unrelated = 2 * p * (1 - p)
    assert 0.4 * unrelated < (second != of_first).mean() < unrelated


@pytest.mark.parametrize("cohort", COHORTS)
def test_who_is_there_is_observed_as_ever_and_who_is_not_as_nothing(cohort: str) -> None:
    held, anew = sample(cohort, 3), sample(cohort, 3, settings(ANEW))
    there = anew.present
    assert 0.05 < 1 - there[:, 1:].mean() < 0.4
    for name in Sample._fields:
        one, other = getattr(held, name), getattr(anew, name)
        if one.ndim == there.ndim + 1:  # measures or groupings before the clinicians
            one, other = np.moveaxis(one, 2, -1), np.moveaxis(other, 2, -1)
        if name != "present":
            np.testing.assert_array_equal(one[there], other[there], err_msg=name)
    for name in ("episodes", "part_b_payments", "paid"):
        assert (getattr(anew, name)[~there] == 0).all()
    assert np.isnan(anew.episode_cost[~there]).all()
    for name, wanted in (("rate", np.nan), ("completeness", np.nan), ("cases", 0.0)):
        nothing = np.moveaxis(getattr(anew, name), 2, -1)[~there]
        np.testing.assert_array_equal(nothing, np.full_like(nothing, wanted), err_msg=name)


def test_who_stops_practising_is_gone_for_good() -> None:
    """As many as survive so many years; everyone at an exit share of one."""
    seen = sample("LBP", 8, settings(ANEW, EVERYBODY_HAS_EPISODES))
    assert (np.diff(seen.present.astype(int), axis=1) <= 0).all()
    for y in range(YEARS):
        p = 0.969**y
        error = np.sqrt(p * (1 - p) / seen.present[:, y].size)
        assert seen.present[:, y].mean() == pytest.approx(p, abs=4 * error + 1e-12)
    # Whoever is there and paid nothing is gone in or before the payment year.
    unpaid = seen.present & (seen.paid == 0)
    assert not seen.present[:, 2:][unpaid[:, :-2]].any()
    gone = sample("LBP", 1, settings(ANEW, {"population.departure.exit_share": 1.0}))
    assert gone.present[:, 0].all()
    assert not gone.present[:, 1:].any()
    assert (gone.paid == 0).all()


def test_the_minimum_is_the_rules(make_scenario: MakeScenario) -> None:
    high = ANEW | {"rules.participation.episode_minimum": {2027: 10000, 2029: 10000}}
    seen = drawn(make_scenario(settings=NOBODY_LEAVES | high), "HF")
    some = seen.present.any(axis=(0, 2)), seen.present.all(axis=(0, 2))
    assert some[0].tolist() == [True, True, False, True, True]
    assert some[1].tolist() == [True, False, False, False, False]


# The rule on those who are there


def results(scenario: Scenario, draw: int) -> pd.DataFrame:
    table = cohort_table(scenario, draw=draw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        paid = asm.score(table, rules=scenario.rules)
    paid["part_b_payments"] = table["part_b_payments"].to_numpy()
    return paid


@pytest.fixture(scope="module")
def churned(make_scenario: MakeScenario) -> tuple[Scenario, xr.Dataset]:
    """Everything at once, with a price on lacking a final score that the absent do not pay."""
    unscored = {
        "rules.payment.unscored_adjustment": -0.02,
        "rules.final_score.missing_category": "neutral",
    }
    scenario = make_scenario(settings=CHURN | unscored, draws=3)
    return scenario, simulate(scenario)


@pytest.mark.parametrize("draw", [0, 2])
def test_a_draw_with_churn_is_paid_by_the_rule(
    draw: int, churned: tuple[Scenario, xr.Dataset]
) -> None:
    """The table of those who take part through ``asm.score``; the others get nothing at all."""
    scenario, run = churned
    paid = results(scenario, draw)
    absences = unscored = 0
    for (cohort, year), rows in paid.groupby(["cohort", "performance_year"]):
        of_cohort = (run.clinician_cohort == cohort).values
        here = run.isel(draw=draw, draw_sample=draw, clinician=of_cohort)
        here = here.sel(cohort=cohort, performance_year=year)
        there = np.isin(here.clinician_id, rows["clinician_id"])
        absences += (~there).sum()
        panel = here.isel(clinician=there)
        rows = rows.set_index("clinician_id").loc[panel.clinician_id.values]
        for name, column, atol in (
            ("final_score", "final_score", 1e-9),
            ("adjustment", "payment_adjustment_factor", 1e-9),
            ("dollars", "payment_change_usd", 1e-3),
        ):
            np.testing.assert_allclose(
                panel[f"panel_{name}"], rows[column], rtol=1e-6, atol=atol, err_msg=name
            )
        missing = here.isel(clinician=~there)
        assert np.isnan(missing.panel_final_score).all()
        for name in ("adjustment", "dollars", "part_b", "true_adjustment"):
            assert (missing[f"panel_{name}"] == 0).all()
        scored = rows["final_score"].notna()
        unscored += (~scored).sum()
        assert (rows["payment_adjustment_factor"][~scored] == -0.02).all()
        everyone = here.sel(group="all")
        assert float(everyone.clinicians_by_group) == len(rows)
        assert float(here.share_unscored) == pytest.approx((~scored).mean())
        assert float(everyone.share_unscored_by_group) == pytest.approx((~scored).mean())
        risk = scenario.rules.payment.risk_level.at(year)
        at_risk = risk * rows["part_b_payments"][scored].sum()
        assert float(here.amount_at_risk) == pytest.approx(at_risk, rel=1e-9)
        assert float(here.retained_by_medicare) == pytest.approx(0.15 * at_risk, rel=1e-9)
        assert float(here.incentive_pool) == pytest.approx(0.85 * at_risk, rel=1e-9)
        total = rows["part_b_payments"].sum()
        assert float(everyone.part_b_payments_by_group) == pytest.approx(total, rel=1e-9)
    assert absences > 50
    assert unscored > 10


def test_groups_and_histograms_count_those_who_take_part(
    churned: tuple[Scenario, xr.Dataset],
) -> None:
    scenario, run = churned
    counts = run.clinicians_by_group
    for grouping in dict.fromkeys(run.grouping.values[1:]):
        inside = counts.isel(group=(run.grouping == grouping).values).sum("group")
        np.testing.assert_array_equal(inside, counts.sel(group="all", drop=True))
    wanted = np.zeros((2, YEARS))
    for c, cohort in enumerate(COHORTS):
        for d in range(3):
            taken = np.logical_or.accumulate(drawn(scenario, cohort, d).present[0], axis=0)
            wanted[c] += taken.sum(axis=1)
            shares = run.penalty_years.isel(draw=d).sel(cohort=cohort, group="all")
            years = shares * taken[-1].sum()
            np.testing.assert_allclose(years, np.rint(years), atol=1e-9)
            assert float(years.sum()) == pytest.approx(taken[-1].sum())
    found = run.cumulative_dollars_histogram.sel(group="all").sum("dollars_bin")
    np.testing.assert_array_equal(found.transpose("cohort", "performance_year"), wanted)


def test_the_closer_look_with_churn(make_scenario: MakeScenario) -> None:
    """All factors together are the rule; without any, nothing moves but for who comes."""
    scenario = make_scenario(settings=CHURN, draws=2)
    run = simulate(scenario)
    everything = run.factors.values[-1]
    for c, cohort in enumerate(COHORTS):
        here = run.isel(clinician=(run.clinician_cohort == cohort).values, cohort=c)
        for d in range(2):
            taken = np.logical_or.accumulate(drawn(scenario, cohort, d).present[0], axis=0)
            panel = here.panel_adjustment.isel(draw_sample=d).values.astype(np.float64)
            lens = here.isel(lens_draw=d).sel(group="all", factors=everything)
            within = panel.var(axis=1, ddof=1)[taken[-1]].mean()
            assert float(lens.within_clinician_variance) == pytest.approx(within, rel=1e-5)
            change = np.diff(panel, axis=1)
            each = [change[taken[y], y - 1].var(ddof=1) for y in range(1, YEARS)]
            assert float(lens.year_to_year_variance) == pytest.approx(np.mean(each), rel=1e-5)
    none = run.sel(factors="none", group="all")
    assert (none.within_clinician_variance < 1e-16).all()
    assert (none.year_to_year_variance < 1e-16).all()


# Entry


@pytest.mark.parametrize("cohort", COHORTS)
def test_reserves_change_nothing_of_the_roster(cohort: str) -> None:
    more = {"population.churn.entry_share": 0.031, "population.churn.waiting_share": 0.1}
    without, with_them = (sample(cohort, 2, settings(ANEW, part)) for part in ({}, more))
    listed = on_roster(cohort, ANEW, more)
    n = len(listed) - (~listed).sum()
    assert (~listed).sum() == round(0.1 * n) + round(4 * 0.031 * n)
    for name in Sample._fields:
        of_listed = getattr(with_them, name)[..., listed]
        np.testing.assert_array_equal(getattr(without, name), of_listed, err_msg=name)
    assert not with_them.present[:, 0][:, ~listed].any()
    years = range(1, YEARS)
    assert all(with_them.present[:, y][:, ~listed].any() for y in years)


def test_entrants_come_in_each_year_alike() -> None:
    """Who leaves at once is there in one year, and the years share the entrants evenly."""
    parts = {"population.churn.entry_share": 0.5, "population.departure.exit_share": 1.0}
    chosen = (ANEW, EVERYBODY_HAS_EPISODES, parts)
    seen = sample("HF", 2, settings(*chosen)).present[..., ~on_roster("HF", *chosen)]
    assert (seen.sum(axis=1) == 1).all()
    error = np.sqrt(0.25 * 0.75 / seen[:, 0].size)
    for y in range(YEARS):
        assert seen[:, y].mean() == pytest.approx(0.25 if y else 0, abs=4 * error if y else 0)


def test_those_who_wait_come_when_they_have_the_episodes() -> None:
    parts = {"population.churn.waiting_share": 0.5}
    enough = (ANEW, NOBODY_LEAVES, EVERYBODY_HAS_EPISODES, parts)
    waiting = ~on_roster("HF", *enough)
    assert sample("HF", 1, settings(*enough)).present[:, 1:][..., waiting].all()
    seen = sample("HF", 2, settings(ANEW, NOBODY_LEAVES, parts)).present[..., waiting]
    assert 0.7 < seen[:, 1:].mean() < 0.97


@pytest.mark.parametrize("cohort", COHORTS)
def test_as_many_come_as_leave(cohort: str) -> None:
    """Entry and exit shares alike keep the number: n (1 - e)^y + n e sum of (1 - e)^k = n."""
    parts = {"population.churn.entry_share": 0.031}
    seen = sample(cohort, 8, settings(ANEW, EVERYBODY_HAS_EPISODES, parts)).present
    n = on_roster(cohort, ANEW, EVERYBODY_HAS_EPISODES, parts).sum()
    for y in range(1, YEARS):
        error = np.sqrt(2 * n * y * 0.031 / len(seen))
        assert seen[:, y].sum(axis=1).mean() == pytest.approx(n, abs=4 * error + 1)


def test_the_shipped_scenario_keeps_the_cohorts_size() -> None:
    scenario = load_scenario("movers-and-entrants")
    for cohort in COHORTS:
        part = cohort_of(make_plan(scenario), cohort)
        count = draw_sample(part, 3).present.sum(axis=2).mean(axis=0)
        np.testing.assert_allclose(count, count[0], rtol=0.04)


# Moves


def test_at_a_share_of_one_everybody_moves_every_year() -> None:
    """To another practice, as likely as it has clinicians listed, whose traits one gets."""
    stay, move = sample("HF", 3), sample("HF", 3, (("population.churn.move_share", 1.0),))
    np.testing.assert_array_equal(move.practice[:, 0], stay.practice[:, 0])
    assert (move.practice[:, 1:] != move.practice[:, :-1]).all()
    n = move.practice.shape[-1]
    home = np.bincount(stay.practice[0, 0])
    largest = home.argmax()
    arrived = (move.practice[:, 1:] == largest).mean()
    p = home[largest] / n
    assert arrived == pytest.approx(p, abs=5 * np.sqrt(p / move.practice[:, 1:].size))
    for name in ("hcc_risk_score", "dual_share", "part_b_payments", "episodes", "specialty"):
        np.testing.assert_array_equal(getattr(move, name), getattr(stay, name), err_msg=name)
    for d in range(3):
        for y in range(YEARS):
            for name in ("practice_size", "improvement_activities", "pi_score"):
                of_practice = np.full(len(home), np.nan)
                of_practice[stay.practice[d, y]] = getattr(stay, name)[d, y]
                found = getattr(move, name)[d, y]
                np.testing.assert_array_equal(found, of_practice[move.practice[d, y]], name)
            first = move.collection[d, y, 1], move.group[d, y, :2]
            kind = np.zeros(len(home), int)
            kind[stay.practice[d, y]] = stay.collection[d, y, 1]
            np.testing.assert_array_equal(first[0], kind[move.practice[d, y]])
            groups = np.zeros((2, len(home)), int)
            groups[:, stay.practice[d, y]] = stay.group[d, y, :2]
            np.testing.assert_array_equal(first[1], groups[:, move.practice[d, y]])
            silent = np.zeros(len(home), bool)
            silent[stay.practice[d, y]] = np.isnan(stay.completeness[d, y, 1])
            found = np.isnan(move.completeness[d, y, 1])
            np.testing.assert_array_equal(found, silent[move.practice[d, y]])


def test_the_published_share_moves() -> None:
    seen = sample("LBP", 3, (("population.churn.move_share", 0.042),)).practice
    moved = seen[:, 1:] != seen[:, :-1]
    assert moved.mean() == pytest.approx(0.042, abs=4 * np.sqrt(0.042 / moved.size))


def test_quality_follows_the_practice_only_where_it_is_shared() -> None:
    """Who moves has another true quality; not where practices have nothing in common."""
    alone = {"population.quality.practice_share": 0.0, "population.practice.ecqm_share": 0.0}
    moves = {"population.churn.move_share": 1.0}
    for part, same in ((alone, True), ({"population.practice.ecqm_share": 0.0}, False)):
        stay, move = (sample("HF", 1, settings(part, other)) for other in ({}, moves))
        one, other = stay.true_rate[0, 1:, 0], move.true_rate[0, 1:, 0]  # from claims
        assert np.allclose(one, other, equal_nan=True) == same
        np.testing.assert_array_equal(stay.true_cost, move.true_cost)


def test_nobody_moves_where_there_is_one_practice(make_scenario: MakeScenario) -> None:
    rows = [{**row, "practice_id": "P", "small_practice": "0"} for row in roster_rows()]
    runs = [
        drawn(make_scenario(rows=rows, settings={"population.churn.move_share": share}), "HF")
        for share in (0.0, 1.0)
    ]
    for name in Sample._fields:
        np.testing.assert_array_equal(getattr(runs[0], name), getattr(runs[1], name), err_msg=name)


# Consolidation

JOIN = "population.practice.consolidation.yearly_share"


def test_at_a_share_of_one_nobody_is_small_from_the_second_year_on() -> None:
    """Who joins a large practice reports and attests as it does; all else stays."""
    of_small = {
        f"population.{name}.{size}": value
        for name, value in (
            ("reporting.non_reporting_share", 1.0),
            ("attestation.full_credit_share", 0.0),
        )
        for size in ("solo", "small")
    }
    of_large = {
        f"population.{name}.{size}": value
        for name, value in (
            ("reporting.non_reporting_share", 0.0),
            ("attestation.full_credit_share", 1.0),
        )
        for size in ("medium", "large")
    }
    whole = {"population.attestation.full_score_share": 1.0}
    parts = (of_small, of_large, whole)
    apart, joined = (sample("LBP", 2, settings(*parts, {JOIN: share})) for share in (0.0, 1.0))
    small = apart.practice_size[:, 0] <= 15
    assert 0.2 < small.mean() < 0.6
    for name in Sample._fields:
        one, other = getattr(apart, name), getattr(joined, name)
        np.testing.assert_array_equal(one[:, 0], other[:, 0], err_msg=name)
        for d in range(2):  # who was large has nothing else than before
            unlike = one[d][..., ~small[d]], other[d][..., ~small[d]]
            np.testing.assert_array_equal(*unlike, err_msg=name)
    assert (joined.practice_size[:, 1:] > 15).all()
    assert (joined.practice_size[:, 1:].transpose(0, 2, 1)[small] >= 100).all()
    assert (joined.group[:, 1:, 0].transpose(0, 2, 1)[small] == 4).all()
    silent = np.isnan(joined.completeness[:, :, 1])
    assert (silent[:, 0] == small).all()
    assert not silent[:, 1:].any()
    assert (joined.pi_score[:, 1:] == 100).all()
    for name in TRAITS:
        np.testing.assert_array_equal(getattr(apart, name), getattr(joined, name), err_msg=name)
    common = {"population.quality.practice_share": 1.0}
    shared = [
        sample("HF", 1, settings(common, {JOIN: share})).true_rate[:, :, 0] for share in (0.0, 1.0)
    ]  # from claims, of the practice alone
    np.testing.assert_array_equal(*shared)


def test_practices_join_at_the_yearly_share_and_stay() -> None:
    seen = sample("LBP", 8, ((JOIN, 0.2),))
    practice = seen.practice[0, 0]
    _, first = np.unique(practice, return_index=True)
    small = seen.practice_size[..., first] <= 15
    assert (small[:, 1:] <= small[:, :-1]).all()
    began = small[:, 0].sum()
    for y in range(YEARS):
        p = 0.8**y
        error = np.sqrt(p * (1 - p) / began)
        assert small[:, y].sum() / began == pytest.approx(p, abs=4 * error + 1e-12)


def test_a_practice_with_both_cohorts_joins_in_one_year(make_scenario: MakeScenario) -> None:
    scenario = make_scenario(settings={JOIN: 0.3})
    plan = make_plan(scenario)
    sizes = []
    for cohort in COHORTS:
        part = plan.roster.practice[plan.roster.slice_of(cohort)]
        sizes.append(dict(zip(part, drawn(scenario, cohort).practice_size[0].T, strict=True)))
    both = sizes[0].keys() & sizes[1].keys()
    assert len(both) > 10
    assert any((sizes[0][p] != sizes[0][p][0]).any() for p in both)
    for p in both:
        np.testing.assert_array_equal(sizes[0][p], sizes[1][p])


def test_no_small_practice_bonus_is_left(make_scenario: MakeScenario) -> None:
    run = simulate(make_scenario(settings={JOIN: 1.0}, draws=3))
    small = run.clinicians_by_group.sel(group=["practice_size: solo", "practice_size: 2-15"])
    assert (small.sum("group").isel(performance_year=0) > 0).all()
    assert (small.isel(performance_year=slice(1, None)) == 0).all()


# Together


def test_draws_do_not_depend_on_the_draws_before(make_scenario: MakeScenario) -> None:
    """What a draw leaves behind in the thread's arrays does not reach the next."""
    scenario = make_scenario(settings=CHURN, draws=3)
    run = simulate(scenario)
    for cohort in COHORTS:
        of_cohort = (run.clinician_cohort == cohort).values
        for d in (0, 2):
            paid = drawn(scenario, cohort, d).paid[0].T.astype(np.float32)
            panel = run.panel_part_b.isel(draw_sample=d, clinician=of_cohort)
            np.testing.assert_array_equal(panel, paid)


@pytest.mark.parametrize("name", ["entry_share", "waiting_share"])
def test_a_list_that_is_held_has_no_entrants(name: str) -> None:
    with pytest.raises(InputError, match=r"list that is held.*redetermined"):
        load_scenario("baseline", [(f"population.churn.{name}", 0.1)])


def test_scenarios_with_other_reserves_do_not_stand_side_by_side(
    make_scenario: MakeScenario,
) -> None:
    folder = make_scenario(settings=ANEW).folder
    (folder / "entry.yaml").write_text(
        "title: Entry\nextends: scenario\nset: {population.eligibility.redetermined: true}\n"
        "sweep: {grid: {population.churn.entry_share: [0, 0.1]}}\n"
    )
    with pytest.raises(InputError, match="other reserves than the first"):
        work_of(load_sweep(folder / "entry.yaml"))


# Consolidation that answers to losses


def test_practices_join_more_often_after_a_loss(make_scenario: MakeScenario) -> None:
    """Nobody joins before a loss is known; then every small practice that lost, at this response.

    A loss of a tenth of a percent is enough at a response of 10 a percentage point.
    """
    given = {"population.practice.consolidation.response_to_loss": 1.0,
             "rules.payment.exchange.form": "threshold", "rules.payment.exchange.threshold": 99.9,
             "population.departure.exit_share": 0.0}  # fmt: skip
    scenario = make_scenario(settings=given, draws=1)
    dataset = simulate(scenario)
    table = cohort_table(scenario)
    small = table["practice_size"] <= 15
    share = small.groupby(table["performance_year"]).mean()
    assert share[2027] == share[2028] > 0.3
    assert share[2029] < 0.1  # who lost 1 % or more of 2027 joins for sure
    never = simulate(make_scenario(settings=given | {JOIN: 0.0} | {
        "population.practice.consolidation.response_to_loss": 0.0}, draws=1))  # fmt: skip
    early = {"performance_year": [2027, 2028]}
    for name in ("adjustment_mean", "share_negative", "final_score_mean"):
        np.testing.assert_array_equal(dataset[name].sel(early), never[name].sel(early))
    late = {"performance_year": [2029, 2030, 2031]}
    assert (dataset["final_score_mean"].sel(late) != never["final_score_mean"].sel(late)).all()


def test_without_losses_nobody_joins(make_scenario: MakeScenario) -> None:
    """At no risk there is no loss to answer to."""
    flat = {"rules.payment.risk_level": 0.0, "population.departure.exit_share": 0.0}
    response = {"population.practice.consolidation.response_to_loss": 1.0}
    still, answers = (cohort_table(make_scenario(settings=flat | more)) for more in ({}, response))
    pd.testing.assert_frame_equal(still, answers)


# Retirement

RETIRE = {
    "population.departure.retirement": True,
    "population.departure.exit_share": 0.0,
    "population.eligibility.redetermined": True,
}


def test_as_many_retire_each_year_as_a_career_has_years() -> None:
    """With careers of 40 years, all alike, one in forty leaves each year from the second on."""
    alike = {
        "population.departure.retirement_age": 73.0,
        "population.departure.retirement_age_sd": 0.0,
    }
    seen = sample("LBP", 8, settings(RETIRE, EVERYBODY_HAS_EPISODES, alike))
    there = seen.present.mean(axis=(0, 2))
    clinicians = seen.present.shape[0] * seen.present.shape[2]
    for year in range(YEARS):
        wanted = 1 - year / 40
        error = np.sqrt(wanted * (1 - wanted) / clinicians)
        assert there[year] == pytest.approx(wanted, abs=4 * error + 1e-12)
    gone = ~seen.present
    assert (gone[:, 1:] >= gone[:, :-1]).all()  # for good


def test_who_retires_before_the_payment_year_is_not_paid() -> None:
    alike = {
        "population.departure.retirement_age": 73.0,
        "population.departure.retirement_age_sd": 0.0,
    }
    seen = sample("LBP", 8, settings(RETIRE, EVERYBODY_HAS_EPISODES, alike))
    unpaid = (seen.paid == 0) & seen.present
    share = unpaid.sum() / seen.present.sum()
    assert share == pytest.approx(2 / 40, abs=0.01)
    np.testing.assert_array_equal(unpaid[:, 0], ~seen.present[:, 2])


def test_retirement_leaves_those_who_stay_as_they_were() -> None:
    base = {"population.departure.exit_share": 0.0, "population.eligibility.redetermined": True}
    still, retired = (sample("HF", 2, settings(part)) for part in (base, RETIRE))
    stay = retired.present
    assert 0.8 < stay.sum() / still.present.sum() < 1
    assert not (stay & ~still.present).any()
    for name in ("episodes", "episode_cost", "part_b_payments", "true_cost"):
        np.testing.assert_array_equal(getattr(still, name)[stay], getattr(retired, name)[stay])


# Practices in the panel


def test_the_panel_says_who_is_in_which_practice(make_scenario: MakeScenario) -> None:
    settings_of_movers = {"population.churn.move_share": 0.3}
    scenario = make_scenario(settings=settings_of_movers, draws=2)
    dataset, table = simulate(scenario), cohort_table(scenario, draw=1)
    names = np.array(make_plan(scenario).roster.practice_id)
    for year in dataset["performance_year"].values:
        rows = table[table["performance_year"] == year]
        kept = dataset["panel_practice"].isel(draw_sample=1).sel(performance_year=year)
        np.testing.assert_array_equal(names[kept.values], rows["practice_id"].to_numpy())
    first = dataset["panel_practice"].isel(performance_year=0)
    assert (first == dataset["clinician_practice"]).all()
    inherited = asm.studies.hires.inherited(dataset)
    assert (inherited["hires"].isel(performance_year=slice(1, None)) > 10).all()
    assert np.isfinite(inherited["dollars"].isel(performance_year=slice(1, None))).all()
