"""Rosters of the user's own: what may stand in them; CMS's participant file without its names."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asm_sim.engine.export import cohort_table
from asm_sim.engine.local import simulate
from asm_sim.engine.plan import make_plan
from asm_sim.errors import InputError
from asm_sim.population.roster import Roster
from asm_sim.scenario.load import load_scenario
from tests.conftest import roster_rows, write_roster

TRAITS = (
    "specialty",
    "episodes",
    "part_b_payments",
    "hcc_risk_score",
    "dual_share",
    "practice_size",
    "rural",
    "collection_type",
)
Rows = list[dict[str, str]]


def scenario_beside(folder: Path, settings: str = "") -> Path:
    path = folder / "mine.yaml"
    path.write_text(f"title: Mine\nset: {{population.roster: mine.csv{settings}}}\ndraws: 4\n")
    return path


def read(folder: Path) -> Roster:
    return make_plan(load_scenario(scenario_beside(folder))).roster


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(folder)
    return str(caught.value)


def with_blanks() -> Rows:
    """The small roster with all columns of traits, and nothing in them."""
    return [row | dict.fromkeys(TRAITS, "") for row in roster_rows()]


# What is stated


def test_what_is_stated_is_kept_and_the_rest_is_not_a_number(tmp_path: Path) -> None:
    rows = with_blanks()
    line = next(i for i, row in enumerate(rows) if row["cohort"] == "LBP")
    rows[line] |= {"specialty": "Neurosurgery", "hcc_risk_score": " 2.5 ", "part_b_payments": "0"}
    rows[line] |= {"practice_size": "8.0", "small_practice": "1", "practice_id": "new"}
    rows[line] |= {"collection_type": "CQM", "rural": "yes"}
    write_roster(tmp_path / "mine.csv", rows)
    roster = read(tmp_path)
    at = roster.clinician_id.index(rows[line]["clinician_id"])
    assert roster.stated[:, at] == pytest.approx([2, np.nan, 0, 2.5, np.nan], nan_ok=True)
    assert np.isnan(np.delete(roster.stated, at, axis=1)).all()
    practice = roster.practice_id.index("new")
    assert roster.practice[at] == practice
    assert roster.practice_stated[:, practice].tolist() == [8, 1, 1]
    assert np.isnan(np.delete(roster.practice_stated, practice, axis=1)).all()


@pytest.mark.parametrize("rows", [roster_rows(), with_blanks()])
def test_a_roster_that_states_nothing_costs_nothing(rows: Rows, tmp_path: Path) -> None:
    write_roster(tmp_path / "mine.csv", rows)
    plan = make_plan(load_scenario(scenario_beside(tmp_path)))
    assert plan.roster.stated.shape == (5, 0)
    assert plan.roster.practice_stated.shape == (3, 0)
    for cohort in plan.cohorts:
        assert cohort.model.stated.shape == (5, 0)
        assert cohort.practices.stated.shape == (3, 0)
        assert cohort.model.group_effects.shape == (2, 0)


def test_a_value_of_a_practice_may_stand_in_any_of_its_rows(tmp_path: Path) -> None:
    rows = with_blanks()
    large = [i for i, row in enumerate(rows) if row["practice_id"] == "P-large"]
    rows[large[7]]["practice_size"] = "40"
    write_roster(tmp_path / "mine.csv", rows)
    roster = read(tmp_path)
    assert roster.practice_stated[0, roster.practice_id.index("P-large")] == 40


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"specialty": "cardiologie"}, "specialty: 'cardiologie' is not one of: cardiology (did"),
        ({"specialty": "neurosurgery"}, "specialty: 'neurosurgery' is not one of: cardiology"),
        ({"episodes": "many"}, "episodes: 'many' is not a number from 0.1 to 100000"),
        ({"episodes": "0"}, "episodes: '0' is not a number"),
        ({"part_b_payments": "-1"}, "part_b_payments: '-1' is not a number from 0 to 1e+09 (USD"),
        ({"hcc_risk_score": "nan"}, "hcc_risk_score: 'nan' is not a number"),
        ({"dual_share": "35"}, "dual_share: '35' is not a number from 0 to 1 (a fraction, not"),
        ({"practice_size": "7.5"}, "practice_size: '7.5' is not a whole number"),
        ({"practice_size": "16"}, "practice_size: 16 clinicians, but small_practice is 1 (1: 15"),
        ({"rural": "2"}, "rural: '2' is not 0 or 1"),
        ({"collection_type": "claims"}, "collection_type: 'claims' is not one of: ecqm, cqm"),
    ],
)
def test_a_mistake_in_a_trait(change: dict[str, str], words: str, tmp_path: Path) -> None:
    rows = with_blanks()
    rows[5] |= {"practice_id": "new", "small_practice": "1"} | change
    write_roster(tmp_path / "mine.csv", rows)
    assert f"line 7, {words}" in refused(tmp_path)


def test_practices_that_contradict_themselves(tmp_path: Path) -> None:
    rows = with_blanks()
    for i, size in enumerate(("2", "", "3")):
        rows[i] |= {"practice_id": "new", "small_practice": "1", "practice_size": size}
    write_roster(tmp_path / "mine.csv", rows)
    message = refused(tmp_path)
    assert "line 4, practice_size: practice 'new' has another value in line 2" in message
    assert "line 2, practice_size: 2 clinicians, but 3 are listed in practice 'new'" in message


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("hcc_risk_scor", "column 'hcc_risk_scor' (did you mean 'hcc_risk_score'?)"),
        ("favourite_colour", "there may be specialty, episodes, part_b_payments"),
    ],
)
def test_a_column_that_means_nothing_is_refused(column: str, words: str, tmp_path: Path) -> None:
    write_roster(tmp_path / "mine.csv", [row | {column: ""} for row in roster_rows()])
    assert words in refused(tmp_path)


def test_a_column_that_stands_twice(tmp_path: Path) -> None:
    write_roster(tmp_path / "mine.csv", roster_rows())
    text = (tmp_path / "mine.csv").read_text().replace("state", "cohort")
    (tmp_path / "mine.csv").write_text(text)
    assert "no column state" in refused(tmp_path)
    (tmp_path / "mine.csv").write_text(text.replace("cohort,cohort", "cohort,state,state"))
    assert "two columns of the same name: 'state'" in refused(tmp_path)


# CMS's participant file

SECRETS = ("Zephyrine", "Quockerwodger", "1992799990", "Müller")
HEADER = [
    "NPI",
    "First Name",
    "Last Name",
    "Practice State",
    "ASM_Cohort",
    "Organization_Legal_Name",
    *(f"ASM_CY{y}_{what}" for y in range(27, 32) for what in ("Participant", "SmallPractice")),
]


def listed(
    cohort: str = "Heart Failure",
    organisation: str = "Quockerwodger, Zephyrine MD",
    participant: str = "Y",
    small: str = "Y",
    later: str = "N",
    state: str = "OH",
) -> list[str]:
    who = ["1992799990", "Zephyrine", "Quockerwodger", state, cohort, organisation]
    return [*who, participant, small, *[later] * 8]


def write_cms(folder: Path, rows: list[list[str]], encoding: str = "utf-8") -> None:
    lines = [",".join(f'"{cell}"' for cell in row) for row in [HEADER, *rows]]
    (folder / "mine.csv").write_bytes("\r\n".join(lines).encode(encoding))


def test_participants_of_the_first_year_under_numbers(tmp_path: Path) -> None:
    rows = [
        listed("LBP", "Spine Group", small="N"),
        listed("hf"),
        listed(participant="N", organisation="Elsewhere", later="Y"),
        listed("LOW BACK PAIN", "SPINE  group", small="0"),
        listed("Low_Back_Pain", "Spine Group", small="1"),
        listed("HF", "Müller Heart", small="", state="Zephyrine"),
    ]
    write_cms(tmp_path, rows, "latin-1")
    roster = read(tmp_path)
    assert roster.cohorts == ("HF", "LBP")
    assert roster.clinician_id == ("2", "6", "1", "4", "5")  # rows of the file, by cohort
    assert roster.state == ("OH", "", "OH", "OH", "OH")
    practices = [roster.practice_id[p] for p in roster.practice]
    assert practices == ["2", "4", "1", "1", "1b"]  # the other flag is another practice
    assert roster.practice_small[roster.practice].tolist() == [True, False, False, False, True]
    assert roster.practice_listed[roster.practice].tolist() == [1, 1, 2, 2, 1]
    shown = repr(roster) + str(pickle.dumps(roster))
    assert not [word for word in SECRETS if word in shown]


def test_no_name_and_no_npi_is_in_the_results(tmp_path: Path) -> None:
    """A file of 40: it runs, and nothing that came out of it names anybody."""
    rows = [listed("HF" if i % 2 else "LBP", f"Quockerwodger {i // 3}") for i in range(40)]
    write_cms(tmp_path, rows)
    dataset = simulate(scenario_beside(tmp_path))
    assert dataset.sizes["clinician"] == 40
    scored = dataset.panel_final_score.notnull().mean(["draw_sample", "clinician"])
    assert (scored > 0.8).all()
    shown = repr(dataset.attrs) + "".join(
        repr(values.tolist())
        for values in (coordinate.values for coordinate in dataset.coords.values())
    )
    table = cohort_table(scenario_beside(tmp_path)).to_csv()
    assert not [word for word in SECRETS if word in shown or word in table]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (listed("Zephyrine"), "line 3, ASM_COHORT: not one of: HF (Heart failure), LBP (Low back"),
        (listed(participant="Zephyrine"), "line 3, ASM_CY27_PARTICIPANT: not a flag"),
        (listed(small="1992799990"), "line 3, ASM_CY27_SMALLPRACTICE: not a flag"),
        (listed(organisation=" "), "line 3, ORGANIZATION_LEGAL_NAME: blank"),
        (listed()[:-1], "line 3: another number of fields than the header"),
        ([*listed(), "Zephyrine"], "line 3: another number of fields than the header"),
    ],
)
def test_a_mistake_in_the_participant_file_shows_no_cell(
    row: list[str], words: str, tmp_path: Path
) -> None:
    write_cms(tmp_path, [listed(), row])
    message = refused(tmp_path)
    assert words in message
    assert not [word for word in SECRETS if word in message]


def test_a_participant_file_of_nobody(tmp_path: Path) -> None:
    write_cms(tmp_path, [listed(participant="N", later="Y")])
    assert "nobody is flagged in ASM_CY27_PARTICIPANT" in refused(tmp_path)
    write_cms(tmp_path, [listed(small="")])
    assert "ASM_CY27_SMALLPRACTICE is blank in every line" in refused(tmp_path)


def test_a_participant_file_of_other_years(tmp_path: Path) -> None:
    write_cms(tmp_path, [listed()])
    text = (tmp_path / "mine.csv").read_text().replace("CY27", "CY32")
    (tmp_path / "mine.csv").write_text(text)
    message = refused(tmp_path)
    assert "no column ASM_CY27_PARTICIPANT" in message
    assert "participants of 2028, 2029, 2030, 2031, 2032" in message


def test_a_file_without_header_is_not_shown(tmp_path: Path) -> None:
    write_cms(tmp_path, [listed(), listed()])
    lines = (tmp_path / "mine.csv").read_text().splitlines()
    (tmp_path / "mine.csv").write_text("\n".join(lines[1:]))
    message = refused(tmp_path)
    assert "no column clinician_id" in message
    assert not [word for word in SECRETS if word in message]


def test_a_small_roster_with_traits_runs(tmp_path: Path) -> None:
    """40 clinicians who state what they know."""
    rows: list[dict[str, Any]] = [
        {
            "clinician_id": f"c{i}",
            "cohort": "HF" if i % 2 else "LBP",
            "state": "OH",
            "practice_id": f"p{i // 2}",
            "small_practice": "1",
            "episodes": "12" if i == 3 else "60",
            "hcc_risk_score": "" if i % 3 else "1.9",
        }
        for i in range(40)
    ]
    write_roster(tmp_path / "mine.csv", rows)
    dataset = simulate(scenario_beside(tmp_path))
    assert dataset.sizes["clinician"] == 40
    assert (dataset.panel_final_score.notnull().mean(["draw_sample", "clinician"]) > 0.8).all()
