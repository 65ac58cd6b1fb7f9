"""Areas: who is drawn, who takes part then, and what an area does to cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from asm_sim.engine.plan import make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.population.geography import make_areas
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.sweep import load_sweep
from asm_sim.store.work import work_of
from tests.conftest import MakeScenario
from tests.properties.sample import Sample, cohort_of, plan_with, sample

FRAME = (("population.geography.frame", "synthetic"),)
NO_AREA_COST = (*FRAME, ("population.geography.cost_share", 0.0))
DRAWS = 6


def plan_and(cohort: str, settings: tuple[tuple[str, Any], ...] = FRAME) -> tuple[Any, Any, Sample]:
    plan = plan_with(settings)
    return plan, cohort_of(plan, cohort).model.areas, sample(cohort, DRAWS, settings)


def areas_of(plan: Any, cohort: str) -> np.ndarray:
    roster = plan.roster
    assert roster.areas is not None
    result: np.ndarray = roster.areas.of_practice[roster.practice[roster.slice_of(cohort)]]
    return result


def strata(areas: Any) -> list[slice]:
    ends = np.unique(areas.stratum_end)
    return [slice(int(a), int(b)) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def test_the_frame_has_the_roster_once_for_each_part_that_is_drawn() -> None:
    roster, frame = plan_with().roster, plan_with(FRAME).roster
    assert len(frame.clinician_id) == 4 * len(roster.clinician_id)
    assert len(frame.practice_id) == 4 * len(roster.practice_id)
    assert len(set(frame.clinician_id[frame.slice_of("HF")])) == 4 * len(
        roster.clinician_id[roster.slice_of("HF")]
    )
    for cohort in ("HF", "LBP"):
        of_one, of_all = roster.practice[roster.slice_of(cohort)], frame.slice_of(cohort)
        sizes = np.sort(np.bincount(of_one, minlength=len(roster.practice_id)))
        repeated = np.bincount(frame.practice[of_all], minlength=len(frame.practice_id))
        np.testing.assert_array_equal(np.sort(repeated), np.repeat(sizes, 4))
        assert frame.practice_small[frame.practice[of_all]].mean() == pytest.approx(
            roster.practice_small[of_one].mean()
        )


def test_each_stratum_gives_its_share_and_the_largest_areas_are_divisions() -> None:
    geography = load_scenario("baseline", FRAME).population.geography
    areas = make_areas(geography, ["a", "b"])
    assert len(areas.taken) == 940
    assert areas.division.sum() == 37
    assert areas.volume[areas.division].min() > areas.volume[~areas.division].max()
    drawn = 0
    for stratum in strata(areas):
        size, taken = stratum.stop - stratum.start, int(areas.taken[stratum.start])
        assert (areas.taken[stratum] == taken).all()
        assert abs(taken - size / 4) < 1
        assert len(set(areas.division[stratum])) == 1
        assert len(set(areas.spending[stratum] > 0)) == 1
        drawn += taken
    assert drawn == 235
    assert abs(np.corrcoef(areas.spending, np.log(areas.volume))[0, 1]) < 0.1
    again = make_areas(geography, ["b"])
    np.testing.assert_array_equal(areas.volume, again.volume)
    assert again.of_practice[0] == areas.of_practice[1]


@pytest.mark.parametrize("cohort", ["HF", "LBP"])
def test_participants_are_all_clinicians_of_the_areas_that_are_drawn(cohort: str) -> None:
    plan, areas, seen = plan_and(cohort)
    area = areas_of(plan, cohort)
    for present in seen.present:
        np.testing.assert_array_equal(present, np.broadcast_to(present[0], present.shape))
        members = np.bincount(area, minlength=len(areas.taken))
        inside = np.bincount(area, present[0], minlength=len(areas.taken))
        assert ((inside == members) | (inside == 0)).all()  # whole areas
        for stratum in strata(areas):
            some, full = members[stratum] > 0, inside[stratum] == members[stratum]
            least = (some & full).sum()
            assert least <= areas.taken[stratum.start] <= least + (~some).sum()
    sizes = seen.present[:, 0].sum(axis=1)
    assert len(set(sizes.tolist())) > 1
    assert np.isnan(seen.episode_cost[~seen.present]).all()
    assert (seen.part_b_payments[~seen.present] == 0).all()


def test_both_cohorts_are_of_the_same_areas() -> None:
    drawn = []
    for cohort in ("HF", "LBP"):
        plan, areas, seen = plan_and(cohort)
        found = np.full((DRAWS, len(areas.taken)), -1)
        for d in range(DRAWS):
            found[d, areas_of(plan, cohort)] = seen.present[d, 0]
        drawn.append(found)
    known = (drawn[0] >= 0) & (drawn[1] >= 0)
    assert known.mean() > 0.5
    np.testing.assert_array_equal(drawn[0][known], drawn[1][known])


def test_an_area_has_its_share_of_the_variance_of_cost() -> None:
    plan, _, with_areas = plan_and("HF")
    without = sample("HF", DRAWS, NO_AREA_COST)
    assert plan.roster.areas is not None
    area = areas_of(plan, "HF")
    spending = plan.roster.areas.spending[area]
    for seen, share in ((with_areas, 0.1), (without, 0.0)):
        logs = np.log(seen.true_cost[:, 0])
        correlation = [np.corrcoef(row, spending)[0, 1] for row in logs]
        assert np.mean(correlation) == pytest.approx(np.sqrt(share), abs=0.03)
    spread = [np.log(seen.true_cost[:, 0]).std() for seen in (with_areas, without)]
    # Clinicians of large areas weigh more, so that spending has not quite a variance of one.
    assert spread[0] == pytest.approx(spread[1], rel=0.05)


def test_everything_drawn_is_everybody(make_scenario: MakeScenario) -> None:
    """Of the copies that are all drawn nobody is absent, and nothing else differs but the cost."""
    every = {"population.geography.frame": "synthetic", "population.geography.selection_share": 1}
    plan = make_plan(make_scenario(settings=every))
    assert len(plan.roster.clinician_id) == 150
    run = simulate(make_scenario(settings=every, draws=3))
    assert (run["clinicians_by_group"].sel(group="all").sum("cohort") == 150).all()


def test_the_selection_alone_moves_who_is_in(make_scenario: MakeScenario) -> None:
    few = {"population.geography.frame": "synthetic", "population.geography.areas": 12,
           "population.geography.division_areas": 2}  # fmt: skip
    held = '{population: "off", measurement: "off"}'
    redrawn = simulate(make_scenario(settings=few, draws=6, layers=held))
    size = redrawn["clinicians_by_group"].sel(group="all", performance_year=2027)
    assert len(np.unique(size.sum("cohort"))) > 1
    nothing = '{population: "off", measurement: "off", selection: "off"}'
    same = simulate(make_scenario(settings=few, draws=6, layers=nothing))
    for name in ("clinicians_by_group", "adjustment_mean", "incentive_pool"):
        table = same[name]
        assert bool((table == table.isel(draw=0)).where(table.notnull(), True).all()), name
    first = redrawn.isel(draw=0)["adjustment_mean"]
    np.testing.assert_array_equal(first, same.isel(draw=0)["adjustment_mean"])
    everywhere = simulate(make_scenario(settings=few, draws=6))
    of_both = everywhere["clinicians_by_group"].sel(group="all", performance_year=2027)
    np.testing.assert_array_equal(of_both, size)  # the areas are not addressed by the other layers


@pytest.mark.parametrize(
    ("axis", "values", "joined"),
    [
        ("frame", "[roster, synthetic]", False),
        ("selection_share", "[0.5, 0.25]", False),
        ("volume_sigma", "[1.0, 1.5]", False),
        ("cost_share", "[0.0, 0.2]", True),
    ],
)
def test_scenarios_of_one_sweep_have_one_frame(
    axis: str, values: str, joined: bool, make_scenario: MakeScenario
) -> None:
    folder = make_scenario().folder
    frame = "" if axis == "frame" else "set: {population.geography.frame: synthetic}\n"
    (folder / "areas.yaml").write_text(
        f"title: Areas\nextends: scenario\n{frame}"
        f"sweep: {{grid: {{population.geography.{axis}: {values}}}}}\n"
    )
    sweep = load_sweep(folder / "areas.yaml")
    if joined:
        assert len(work_of(sweep)) == 2
    else:
        with pytest.raises(InputError, match="other areas than the first"):
            work_of(sweep)


def test_a_state_that_the_frame_has_not_is_refused_before_the_first_draw(
    make_scenario: MakeScenario,
) -> None:
    few = {"population.geography.frame": "synthetic", "population.geography.areas": 2,
           "population.geography.division_areas": 0, "population.geography.selection_share": 0.5,
           "population.shocks.circumstances.named": {2027: ["WY"]}}  # fmt: skip
    with pytest.raises(InputError, match="no clinician of the synthetic frame is in 'WY'"):
        work_of(make_scenario(settings=few))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"division_areas": 2000}, "more than there are areas"),
        ({"selection_share": 0.01, "areas": 20, "division_areas": 1}, "not a single area"),
        ({"volume_strata": [0.9, 0.5]}, "must ascend"),
        ({"volume_strata": [0.0, 0.5]}, "between 0 and 1"),
        ({"cost_share": 0.7}, "cost.permanent_share, 0.5"),
        ({"frame": "national"}, "synthetic"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_read(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_scenario(
            "baseline",
            [(f"population.geography.{name}", value) for name, value in settings.items()],
        )
