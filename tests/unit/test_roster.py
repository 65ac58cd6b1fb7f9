"""Rosters of the user's own: what may stand in them; CMS's participant file without its names."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from asm_sim.engine.draw_table import cohort_table
from asm_sim.engine.plan import make_plan
from asm_sim.engine.simulate import simulate
from asm_sim.errors import InputError
from asm_sim.population.roster import Roster
from asm_sim.scenario.load import load_scenario
from tests.conftest import roster_rows, write_roster
from tests.unit.participant_file import HEADER, listed

TRAITS = (
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
    rows[line] |= {"collection_type": "CQM", "rural": "yes", "special_status": "TRUE"}
    write_roster(tmp_path / "mine.csv", rows)
    roster = read(tmp_path)
    at = roster.clinician_id.index(rows[line]["clinician_id"])
    assert roster.stated[:, at] == pytest.approx([2, np.nan, 0, 2.5, np.nan, 1], nan_ok=True)
    assert np.isnan(np.delete(roster.stated, at, axis=1)).all()
    practice = roster.practice_id.index("new")
    assert roster.practice[at] == practice
    assert roster.practice_stated[:, practice].tolist() == [8, 1, 1]
    assert np.isnan(np.delete(roster.practice_stated, practice, axis=1)).all()


@pytest.mark.parametrize("rows", [roster_rows(), with_blanks()])
def test_a_roster_that_states_nothing_costs_nothing(rows: Rows, tmp_path: Path) -> None:
    write_roster(tmp_path / "mine.csv", rows)
    plan = make_plan(load_scenario(scenario_beside(tmp_path)))
    assert plan.roster.stated.shape == (6, 0)
    assert plan.roster.practice_stated.shape == (3, 0)
    for cohort in plan.cohorts:
        assert cohort.model.stated.shape == (6, 0)
        assert cohort.practices.stated.shape == (3, 0)
        assert cohort.model.effects.table.shape == (2, 0)


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
        ({"hcc_risk_score": "n/a"}, "hcc_risk_score: 'n/a' is not a number"),
        ({"dual_share": "35"}, "dual_share: '35' is not a number from 0 to 1 (a fraction, not"),
        ({"practice_size": "7.5"}, "practice_size: '7.5' is not a whole number"),
        ({"practice_size": "16"}, "practice_size: 16 clinicians, but small_practice is 1 (1: 15"),
        ({"special_status": "hospital"}, "special_status: 'hospital' is not 0 or 1"),
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


# What differs without meaning anything, and what has lost its meaning


def by_practice(roster: Roster) -> dict[str, list[str]]:
    """The clinicians of each practice."""
    return {
        name: sorted(np.array(roster.clinician_id)[roster.practice == p].tolist())
        for p, name in enumerate(roster.practice_id)
    }


def test_blanks_around_and_capitals_change_nothing(tmp_path: Path) -> None:
    rows = roster_rows()
    write_roster(tmp_path / "mine.csv", rows)
    plain = read(tmp_path)
    words = {"1": ("TRUE", "Yes", "1.0"), "0": ("no", "F", "0.0")}
    around = (" {}\xa0", "\u200b{}", "{}")
    for i, row in enumerate(rows):
        row["small_practice"] = words[row["small_practice"]][i % 3]
        row |= {name: around[i % 3].format(cell) for name, cell in row.items()}
        row |= {name: row[name].lower() for name in ("cohort", "state")}
    large = next(row for row in rows if "P-large" in row["practice_id"])
    large["practice_id"] = "p-Large"
    write_roster(tmp_path / "mine.csv", rows)
    roster = read(tmp_path)
    assert roster.state == plain.state
    assert by_practice(roster) == by_practice(plain)
    assert (roster.practice_address == plain.practice_address).all()
    assert (roster.clinician_address == plain.clinician_address).all()
    assert roster.notes == ("1 practice id differing from another by capitals alone",)


@pytest.mark.parametrize("again", ["C0 ", "c0", "\xa0C0"])
def test_an_id_that_differs_by_blanks_or_capitals_is_the_same(again: str, tmp_path: Path) -> None:
    rows = roster_rows()
    rows[1]["clinician_id"] = again
    write_roster(tmp_path / "mine.csv", rows)
    assert f"line 3, clinician_id: '{again.strip()}' stands in line 2 too" in refused(tmp_path)


def test_what_r_writes_for_no_value_is_drawn(tmp_path: Path) -> None:
    rows = with_blanks()
    rows[3] |= {"episodes": "NA", "rural": "NA", "specialty": "NaN", "hcc_risk_score": "1.5"}
    rows[4] |= {"rural": "FALSE", "practice_id": "new", "small_practice": "TRUE"}
    write_roster(tmp_path / "mine.csv", rows)
    roster = read(tmp_path)
    assert np.isnan(roster.stated[:, 3]).tolist() == [True, True, True, False, True, True]
    assert roster.practice_stated[1, roster.practice_id.index("new")] == 0


def test_ids_in_scientific_notation_are_refused_with_the_way_out(tmp_path: Path) -> None:
    rows = roster_rows()
    for row in rows[10:30]:
        row |= {"practice_id": "2.00000E+11", "small_practice": "1"}
    rows[40]["clinician_id"] = rows[50]["clinician_id"] = "1.99280E+09"
    write_roster(tmp_path / "mine.csv", rows)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    practice, clinician, again = caught.value.problems
    assert practice.startswith("line 12, practice_id: '2.00000E+11' is a long number in scientific")
    assert practice.endswith(
        "format the column as text and save it anew (and so in 19 more rows: line 13, "
        "line 14, line 15, line 16, line 17, ...)"
    )
    assert clinician.startswith("line 42, clinician_id: '1.99280E+09' is a long number")
    assert again.startswith("line 52, clinician_id: '1.99280E+09' is a long number")


def test_more_clinicians_than_a_small_practice_has(tmp_path: Path) -> None:
    rows = roster_rows()
    for i, row in enumerate(rows):
        if i % 9 == 0:
            row |= {"practice_id": "1993", "small_practice": "1"}
    write_roster(tmp_path / "mine.csv", rows)
    assert (
        "line 2, small_practice: 1 (15 clinicians or fewer), but 17 are listed in practice '1993'"
    ) in refused(tmp_path)
    write_roster(tmp_path / "mine.csv", rows[18:])  # 15 are small
    assert read(tmp_path).practice_listed.max() == 15


def test_one_who_is_in_both_cohorts_is_one_of_the_practice(tmp_path: Path) -> None:
    rows = [
        {
            "clinician_id": f"c{i % 10}",
            "cohort": ("HF", "LBP")[i // 10],
            "state": "OH",
            "practice_id": "p",
            "small_practice": "1",
        }
        for i in range(20)
    ]
    write_roster(tmp_path / "mine.csv", rows)
    assert len(read(tmp_path).clinician_id) == 20


def test_a_title_above_the_header_is_left_out_and_told(tmp_path: Path) -> None:
    write_roster(tmp_path / "mine.csv", roster_rows())
    text = (tmp_path / "mine.csv").read_text()
    (tmp_path / "mine.csv").write_text(f"sep=,\nOur clinicians,,,,\n{text},,,,\n")
    roster = read(tmp_path)
    assert len(roster.clinician_id) == 150
    assert roster.notes == (
        "lines 1 to 2, before the header, left out",
        "line 154, without anything in it, left out",
    )


def test_a_parquet_roster_is_what_the_csv_is(tmp_path: Path) -> None:
    rows = roster_rows()
    write_roster(tmp_path / "mine.csv", rows)
    frame = pd.DataFrame(rows).assign(small_practice=[row["small_practice"] == "1" for row in rows])
    frame.to_parquet(tmp_path / "mine.parquet")
    scenario = scenario_beside(tmp_path)
    csv = make_plan(load_scenario(scenario)).roster
    scenario.write_text(scenario.read_text().replace("mine.csv", "mine.parquet"))
    parquet = make_plan(load_scenario(scenario)).roster
    assert by_practice(csv) == by_practice(parquet)
    assert (csv.practice_small == parquet.practice_small).all()
    frame.loc[3, "cohort"] = "HX"
    frame.to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(InputError, match=r"row 3, cohort: 'HX' is not in the rule set"):
        make_plan(load_scenario(scenario))


# CMS's participant file

SECRETS = ("Zephyrine", "Quockerwodger", "19927999", "Müller")


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
        (listed(npi="1.99280E+09"), "line 3, NPI: is a long number in scientific notation"),
        (listed()[:-1], "line 3: 15 cells where the header has 16"),
        ([*listed(), "Zephyrine"], "line 3: 17 cells where the header has 16"),
    ],
)
def test_a_mistake_in_the_participant_file_shows_no_cell(
    row: list[str], words: str, tmp_path: Path
) -> None:
    write_cms(tmp_path, [listed(), row])
    message = refused(tmp_path)
    assert words in message
    assert not [word for word in SECRETS if word in message]


def test_participants_without_an_organisation_are_practices_of_their_own(tmp_path: Path) -> None:
    names = ["Heart Group", "", "NULL", "Heart Group", "\xa0", "NA", "N/A"]
    write_cms(tmp_path, [listed(organisation=name) for name in names])
    roster = read(tmp_path)
    practices = [roster.practice_id[p] for p in roster.practice]
    assert len(set(practices)) == 6
    assert practices[0] == practices[3]
    assert roster.notes[0] == (
        "CMS's participant file: of 7 rows 7 clinicians (7 HF, 0 LBP) in 6 practices take part in "
        "2027; without an organisation, each a practice of its own: 5"
    )


def test_an_npi_that_is_there_twice_in_a_cohort_is_one_clinician(tmp_path: Path) -> None:
    rows = [
        listed(npi="1992799901", organisation="First", participant="N"),
        listed(npi="1992799901", organisation="Second"),
        listed(npi="1992799901\xa0", organisation="Third"),
        listed(npi="1992799901.0", organisation="Fourth", cohort="Low Back Pain"),
        listed(npi="1992799902", organisation="Third"),
    ]
    write_cms(tmp_path, rows)
    roster = read(tmp_path)
    assert roster.clinician_id == ("2", "5", "4")
    assert [roster.practice_id[p] for p in roster.practice] == ["2", "3", "4"]
    assert roster.notes[0].endswith("; left out, since their NPI was there before in the cohort: 1")
    assert not [word for word in SECRETS if word in repr(roster)]


def test_a_list_appended_to_itself(tmp_path: Path) -> None:
    rows = [
        listed(("HF", "LBP")[i % 2], "" if i % 5 == 0 else f"Group {i // 3}", state=" oh\xa0")
        for i in range(40)
    ]
    write_cms(tmp_path, rows)
    once = read(tmp_path)
    write_cms(tmp_path, [*rows, HEADER, [], *rows])
    twice = read(tmp_path)
    assert twice.clinician_id == once.clinician_id
    assert twice.practice_id == once.practice_id
    assert twice.state == ("OH",) * 40
    assert twice.notes[0] == "line 42, that repeats the header, left out"
    assert "of 80 rows 40 clinicians (20 HF, 20 LBP)" in twice.notes[1]
    assert "; left out, since their NPI was there before in the cohort: 40; " in twice.notes[1]


def test_flags_as_cms_writes_them(tmp_path: Path) -> None:
    rows = [listed(participant=" YES\xa0", small="Null", later="Null"), listed(participant="NULL")]
    write_cms(tmp_path, [*rows, listed(small="y"), listed(participant="x", small="1.0")])
    roster = read(tmp_path)
    assert roster.clinician_id == ("1", "3", "4")
    assert roster.practice_small.tolist() == [False, True]  # one organisation, flagged both ways
    assert "; organisations flagged both as small and not, each two practices: 1" in roster.notes[0]


def test_a_participant_file_without_npis_says_that_nobody_was_looked_for(tmp_path: Path) -> None:
    write_cms(tmp_path, [listed(npi="***"), listed(npi="***")])
    roster = read(tmp_path)
    assert len(roster.clinician_id) == 2
    assert roster.notes[0].endswith("; without an NPI of ten digits, who may be there twice: 2")


def test_a_small_organisation_of_many_is_told(tmp_path: Path) -> None:
    write_cms(tmp_path, [listed(organisation="Large") for _ in range(16)])
    assert read(tmp_path).notes[1] == "1 practice flagged as small with over 15 listed"


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
