"""What a roster states arrives as it stands, and changes nothing else that is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from asm_sim.engine.draw_table import cohort_table, observed_years
from asm_sim.engine.plan import make_plan
from tests.conftest import MakeScenario, roster_rows
from tests.engine.variates import changed, ids, variates

COLUMNS = (
    "specialty",
    "episodes",
    "part_b_payments",
    "hcc_risk_score",
    "dual_share",
    "special_status",
    "practice_size",
    "rural",
    "collection_type",
)
STATED = {
    "specialty": (["neurosurgery", "anesthesiology"], {"specialty", "hcc_risk_score", "group"}),
    "episodes": (["12.5"], {"episodes", "episode_cost", "group"}),
    "part_b_payments": (["123456.78"], {"part_b_payments", "part_b_later", "paid"}),
    "hcc_risk_score": (["0.25"], {"hcc_risk_score"}),
    "dual_share": (["0.985"], {"dual_share", "group"}),
    "special_status": (["1", "0"], {"special_status"}),
    "practice_size": (
        ["1", "16"],
        {"practice_size", "group", "rate", "true_rate", "completeness"}
        | {"improvement_activities", "pi_score"},
    ),
    "rural": (["1"], {"group", "rural"}),
    "collection_type": (["ecqm", "cqm"], {"collection", "rate", "true_rate"}),
}
COHORT = "LBP"


def alone(rows: list[dict[str, str]]) -> dict[str, str]:
    """A row of the cohort whose practice lists nobody else."""
    listed = [row["practice_id"] for row in rows]
    return next(
        row for row in rows if row["cohort"] == COHORT and listed.count(row["practice_id"]) == 1
    )


@pytest.mark.parametrize("column", STATED)
def test_a_stated_trait_changes_what_it_is_about_for_one_clinician(
    column: str, make_scenario: MakeScenario
) -> None:
    """For everybody else, and in everything else, not a bit."""
    choices, may_change = STATED[column]
    different, seen = set(), []
    for choice in choices:
        rows = [row | dict.fromkeys(COLUMNS, "") for row in roster_rows()]
        one = alone(rows)
        flag = {"small_practice": "01"[choice == "1"]} if column == "practice_size" else {}
        one |= flag
        before = make_scenario(rows=[{**row} for row in rows])
        one[column] = choice
        after = make_scenario(rows=rows)
        a, b = variates(before, COHORT, 3), variates(after, COHORT, 3)
        at = ids(after, COHORT).index(one["clinician_id"])
        others = [i for i in range(len(ids(after, COHORT))) if i != at]
        assert changed(a, b, (others, others)) == set()
        here = changed(a, b, ([at], [at]))
        assert here <= may_change
        different |= here
        seen.append({name: values[..., at] for name, values in b.items()})
    assert different
    of_numbers = {"part_b_payments", "hcc_risk_score", "dual_share", "special_status"}
    if column in of_numbers | {"practice_size"}:
        assert [values[column][0] for values in seen] == [float(choice) for choice in choices]
    if column == "practice_size":  # class solo and medium
        assert [values["group"][0, 0] for values in seen] == [1, 3]
    if column == "rural":
        assert seen[0]["group"][0, 1] == 6
    if column == "specialty":
        assert [set(values["specialty"]) for values in seen] == [{2}, {4}]
    if column == "collection_type":
        assert [values["collection"][0, 0] for values in seen] == [0, 1]
    if column == "part_b_payments":  # the same changes from year to year
        path = [values["part_b_payments"][:, at] for values in (a, b)]
        np.testing.assert_allclose(path[1] / path[1][0], path[0] / path[0][0], rtol=1e-12)
    if column == "dual_share":
        assert seen[0]["group"][0, 4] - a["group"][0, 4].min() == 4  # the highest fifth


def test_blank_columns_are_no_columns(make_scenario: MakeScenario) -> None:
    rows = [row | dict.fromkeys(COLUMNS, "") for row in roster_rows()]
    for cohort in ("HF", "LBP"):
        with_columns = variates(make_scenario(rows=rows), cohort)
        assert changed(variates(make_scenario(), cohort), with_columns) == set()


def test_every_cell_of_a_roster_comes_out_in_the_table(make_scenario: MakeScenario) -> None:
    """Some of all traits, blanks among them, as the exported table has them."""
    rng = np.random.default_rng(5)
    mix = make_plan(make_scenario()).scenario.population.specialty_mix
    rows = roster_rows()
    sizes = {}
    for row in rows:
        large = row["small_practice"] == "0"
        lowest, highest = (25, 200) if large else (5, 15)
        sizes.setdefault(row["practice_id"], str(rng.integers(lowest, highest + 1)))
        cells = {
            "specialty": rng.choice(list(mix[row["cohort"]])),
            "part_b_payments": repr(round(float(rng.uniform(1e4, 1e6)), 2)),
            "hcc_risk_score": repr(float(rng.uniform(0.1, 4))),
            "dual_share": repr(float(rng.uniform(0, 1))),
            "special_status": rng.choice(["0", "1"]),
        }
        row |= {name: str(cell) if rng.random() < 0.6 else "" for name, cell in cells.items()}
        row["practice_size"] = sizes[row["practice_id"]]
    scenario = make_scenario(rows=rows)
    for draw in (0, 7):
        table = cohort_table(scenario, draw=draw)
        first = table[table["performance_year"] == 2027].set_index("clinician_id")
        compared = 0
        for row in rows:
            out = first.loc[row["clinician_id"]]
            assert out["practice_size"] == float(row["practice_size"])
            if row["specialty"]:
                assert out["specialty"] == row["specialty"]
            for name in ("part_b_payments", "hcc_risk_score", "dual_share", "special_status"):
                if row[name]:
                    assert out[name] == float(row[name])
                    compared += 1
        assert compared > 200


def test_episodes_are_poisson_about_the_stated_mean(make_scenario: MakeScenario) -> None:
    """In the first year, before volume drifts; a mean below 20 is in the lowest band."""
    rows = [row | {"episodes": "12" if i % 2 else "250"} for i, row in enumerate(roster_rows())]
    plan = make_plan(make_scenario(rows=rows))
    cohort = plan.cohorts[0]
    draws = [observed_years(plan, cohort, d)[0] for d in range(60)]
    counts = np.stack([first.observed.episodes for first in draws])
    few = np.array([int(name[1:]) % 2 == 1 for name in ids(plan.scenario, "HF")])
    for mean, values in ((12, counts[:, few]), (250, counts[:, ~few])):
        assert values.size > 1500
        error = np.sqrt(mean / values.size)
        assert values.mean() == pytest.approx(mean, abs=4 * error)
        assert values.var() == pytest.approx(mean, rel=4 * np.sqrt(2 / values.size) + 0.02)
    bands = draws[0].group[3]
    assert len(set(bands[few])) == len(set(bands[~few])) == 1
    assert bands[~few][0] - bands[few][0] == 3
