"""A few clinicians of one's own, alone or set among the shipped roster, and told one by one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from asm_sim.cli.main import app
from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.frame import make_frame, roster_of
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.parameters import fingerprint
from asm_sim.population.reserves import with_reserves
from asm_sim.results.own import own_clinicians, print_own
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario

OURS = """\
clinician_id,cohort,state,practice_id,small_practice,episodes,dual_share_percent
1,HF,OH,1,1,60,25
2,HF,OH,1,1,30,
Jo,LBP,OH,1,1,,
"""
SHIPPED = {"population.roster_among": "shipped"}


def ours(folder: Path, **settings: object) -> Scenario:
    (folder / "ours.csv").write_text(OURS)
    (folder / "ours.yaml").write_text("title: Ours\nset: {population.roster: ours.csv}\n")
    return load_scenario(folder / "ours.yaml", list(settings.items()))


@pytest.fixture(scope="module")
def among(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return ours(tmp_path_factory.mktemp("among"), **SHIPPED)


def test_a_small_roster_is_told_to_stand_alone_with_the_way_among_others(tmp_path: Path) -> None:
    hf, lbp = roster_of(ours(tmp_path)).notes
    assert hf.startswith("the 2 clinicians of HF stand alone, compared with each other, where a")
    assert "the 1 clinician of LBP" in lbp
    assert "population.roster_among: shipped (under set, or --set" in hf
    assert roster_of(load_scenario("baseline")).notes == ()


def test_ones_own_are_a_few_more_and_the_listed_keep_their_addresses(among: Scenario) -> None:
    together, listed = roster_of(among), roster_of(load_scenario("baseline"))
    assert together.own is not None
    assert together.cohorts == listed.cohorts
    mine = np.flatnonzero(together.own)
    assert [together.clinician_id[i] for i in mine] == ["1", "2", "Jo"]
    assert [together.cohort[i] for i in mine] == [0, 0, 1]
    assert [together.practice_id[together.practice[i]] for i in mine] == ["1", "1", "1"]
    assert together.stated[1, mine[:2]].tolist() == [60, 30]
    assert together.stated[4, mine[0]] == 0.25
    others = ~together.own
    assert np.isnan(together.stated[:, others]).all()
    np.testing.assert_array_equal(together.clinician_address[others], listed.clinician_address)
    assert [name for i, name in enumerate(together.clinician_id) if others[i]] == [
        f"list {name}" for name in listed.clinician_id
    ]
    practice = together.practice[others]
    np.testing.assert_array_equal(
        together.practice_address[practice], listed.practice_address[listed.practice]
    )
    np.testing.assert_array_equal(
        together.practice_listed[practice], listed.practice_listed[listed.practice]
    )
    assert together.sha256 != listed.sha256
    assert together.notes == (
        "3 clinicians of ours.csv among the 6,510 of CMS's CY 2027 preliminary list",
    )


def test_the_listed_keep_their_luck(among: Scenario) -> None:
    together, listed = cohort_table(among, 1), cohort_table("baseline", 1)
    first = together[together["performance_year"] == 2027]
    assert list(first["clinician_id"][:3]) == ["1", "2", "list 1"]
    theirs = together[together["clinician_id"].str.startswith("list ")]
    for name in ("q492_rate", "episodes", "episode_cost", "hcc_risk_score"):
        np.testing.assert_array_equal(theirs[name], listed[name])


def test_reserves_are_nobodys_own(among: Scenario, tmp_path: Path) -> None:
    scenario = ours(
        tmp_path,
        **SHIPPED,
        **{"population.eligibility.redetermined": True, "population.churn.entry_share": 0.01},
    )
    roster = roster_of(scenario)
    everyone = with_reserves(roster, scenario.population, scenario.rules)
    assert len(everyone.clinician_id) > len(roster.clinician_id)
    assert everyone.own is not None
    assert everyone.own.sum() == 3
    assert roster_of(among).own is not None


def test_a_lever_that_is_off_leaves_every_hash_as_it_was(tmp_path: Path) -> None:
    """What was computed before there was such a lever is called as it was."""
    alone, together = ours(tmp_path), ours(tmp_path, **SHIPPED)
    leaf = alone.population.roster_among
    assert leaf.value == leaf.neutral == "nobody"
    other = leaf.model_copy(update={"neutral": ""})
    with_leaf = alone.population.model_copy(update={"roster_among": other})
    hashes = {fingerprint(p) for p in (alone.population, with_leaf, together.population)}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"population.roster": "participant_roster_2027_preliminary.csv"}, "is the shipped one"),
        ({"population.geography.frame": "synthetic"}, "a synthetic frame has copies"),
        ({"population.roster_among": "shiped"}, "did you mean 'shipped'"),
    ],
)
def test_what_cannot_go_together(tmp_path: Path, settings: dict[str, str], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        make_frame(ours(tmp_path, **(SHIPPED | settings)))


def test_a_run_tells_ones_own_one_by_one(among: Scenario) -> None:
    ds = simulate(among, 4, open_draws=0)
    table = own_clinicians(ds)
    assert table is not None
    assert list(table["clinician_id"].unique()) == ["1", "2", "Jo"]
    assert len(table) == 3 * 5
    panel = ds.panel_dollars.isel(clinician=np.flatnonzero(ds.clinician_own.values))
    of_jo = table[table["clinician_id"] == "Jo"]
    expected = panel.isel(clinician=2).mean("draw_sample")
    np.testing.assert_allclose(of_jo["payment_change_usd"], expected, rtol=1e-6)
    assert (of_jo["payment_change_usd_p5"] < of_jo["payment_change_usd_p95"]).all()
    page = Console(record=True, width=80, file=None, force_terminal=False)
    with page.capture() as captured:
        print_own(table, page)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    assert "Your own clinicians among CMS's list, performance year 2027, paid in 2029" in lines[0]
    assert [line.split()[0] for line in lines[2:5]] == ["1", "2", "Jo"]
    assert "of 4" in lines[2]
    assert own_clinicians(simulate("baseline", 1, open_draws=0)) is None


def test_the_verb_prints_and_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("asm_sim.cli.run.draw_figures", lambda *_: [])
    given = ["--set", "population.roster_among=shipped", "--draws", "2", "--open-draws", "0"]
    result = CliRunner().invoke(app, ["run", "ours.yaml", *given, "--out", "out", "--json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)["own_clinicians"]
    assert [row["clinician_id"] for row in told[::5]] == ["1", "2", "Jo"]
    assert len(Path("out/own_clinicians.csv").read_text().splitlines()) == 16
    assert "Roster: 3 clinicians of ours.csv among the 6,510" in result.stderr
