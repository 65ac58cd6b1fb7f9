"""The shipped scenario with an invented third condition: what is in it; the rest stays as it is."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.engine.simulate import simulate
from asm_sim.parameters import Parameter
from asm_sim.population.load import DATA
from asm_sim.results.in_words import sentences
from asm_sim.rules.historical import FOLDER, read_benchmarks
from asm_sim.scenario.load import load_scenario, shipped

NAME, COHORT = "third-condition", "COPD"
DRAWS = 3
NAMED_ANEW = {
    "population.roster",
    "rules.quality.national.benchmarks",
    "mips.quality.benchmarks",
}
MEASURES = ("Q052", "Q398", "Q226", "Q047")


@pytest.fixture(scope="module")
def added() -> dict[str, Parameter]:
    """Parameters that the baseline does not have."""
    ours, baseline = (load_scenario(name).leaves() for name in (NAME, "baseline"))
    return {path: leaf for path, leaf in ours.items() if path not in baseline}


def test_the_description_says_what_it_is() -> None:
    entry = next(entry for entry in shipped() if entry.name == NAME)
    assert entry.verb == "run"
    assert "It illustrates and predicts nothing" in entry.description
    assert "invented" in entry.title


def test_what_the_baseline_has_is_as_it_was() -> None:
    ours, baseline = (load_scenario(name).leaves() for name in (NAME, "baseline"))
    assert set(baseline) <= set(ours)
    changed = {path for path, leaf in baseline.items() if ours[path].value != leaf.value}  # type: ignore[attr-defined]
    assert changed == NAMED_ANEW


def test_what_is_added_belongs_to_the_new_cohort(added: dict[str, Parameter]) -> None:
    own = (COHORT, "pulmonary_disease", "COST_ACOPD_1", *MEASURES)
    assert all(set(path.split(".")) & set(own) for path in added)


def test_what_no_source_gives_is_an_assumption(added: dict[str, Parameter]) -> None:
    assert {leaf.status for leaf in added.values()} <= {
        "assumption",
        "published",
        "derived",
        "inferred",
        "lever",
    }
    for path, leaf in added.items():
        if leaf.status not in {"assumption", "lever"}:
            assert "CMSgov/qpp-measures-data@" in leaf.source, path
    invented = ("specialties", "episodes", "part_b", "hcc", "reliability", "cases_median", "solo")
    for word in invented:
        found = [leaf for path, leaf in added.items() if word in path]
        assert found, word
        assert {leaf.status for leaf in found} == {"assumption"}, word


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATA / name).open() as file:
        return list(csv.DictReader(file))


def test_the_roster_is_made_by_its_rule() -> None:
    """One invented clinician for each of HF, in practices of the same make under other ids."""
    listed = rows_of("participant_roster_2027_preliminary.csv")
    heart_failure = [row for row in listed if row["cohort"] == "HF"]
    practices = {
        practice: f"copd-{number}"
        for number, practice in enumerate(
            dict.fromkeys(row["practice_id"] for row in heart_failure), start=1
        )
    }
    invented = [
        row
        | {
            "clinician_id": f"copd-{number}",
            "cohort": COHORT,
            "practice_id": practices[row["practice_id"]],
        }
        for number, row in enumerate(heart_failure, start=1)
    ]
    assert rows_of("participant_roster_2027_with_copd.csv") == [*listed, *invented]


def test_its_table_of_benchmarks_adds_to_the_shipped_one() -> None:
    table, shipped_table = (
        read_benchmarks(FOLDER / f"{name}.csv")
        for name in ("mips-benchmarks-with-copd", "mips-benchmarks")
    )
    of_2026 = {key: row for key, row in shipped_table.items() if key[2] == 2026}
    assert {key: row for key, row in table.items() if key[0] not in MEASURES} == of_2026
    population = load_scenario(NAME).population
    found = {
        (name, kind, 2026): tuple(distribution.percentiles.value[:10])
        for name in MEASURES
        for kind, distribution in (population.quality.measures[name].distributions or {}).items()
        if distribution.percentiles is not None
    }
    own = {key: row.cut_points for key, row in table.items() if key[0] in MEASURES}
    assert own == found


def test_median_and_sd_of_cost_make_the_published_cut_points() -> None:
    national = load_scenario(NAME).rules.cost.national["COST_ACOPD_1"]
    z = np.array([-1.5, -1, -0.5, 0.5, 1, 1.5, 2, 2.25, 2.5, 2.75])
    published = [2686.23, 3365.11, 4044, 5401.76, 6080.65]
    published += [6759.53, 7438.42, 7777.86, 8117.3, 8456.74]
    found = national.median.value + z * national.standard_deviation.value
    np.testing.assert_allclose(found, published, atol=0.03)


@pytest.fixture(scope="module")
def runs() -> tuple[xr.Dataset, xr.Dataset]:
    """With the third cohort and without it, on the whole list."""
    ours, baseline = (
        simulate(load_scenario(name).with_draws(DRAWS, None)) for name in (NAME, "baseline")
    )
    return ours, baseline


def test_there_is_an_answer_for_the_new_cohort(runs: tuple[xr.Dataset, xr.Dataset]) -> None:
    ours, _ = runs
    assert ours.cohort.values.tolist() == ["HF", "LBP", COHORT]
    here = ours.sel(cohort=COHORT)
    assert (here.clinicians_by_group.sel(group="all") == 2607).all()
    assert (here.clinicians_by_group.sel(group="specialty: pulmonary_disease") == 2607).all()
    assert float(here.final_score_mean.mean()) == pytest.approx(70, abs=10)
    np.testing.assert_allclose(here.retained_by_medicare, 0.15 * here.amount_at_risk, rtol=1e-9)
    for name in ("share_negative", "chance_sd", "adjustment_sd"):
        assert (here[name] > 0).all()
    beside = asm.studies.mips.difference(ours, "all").sel(cohort=COHORT)
    assert np.isfinite(beside.asm_minus_mips_dollars).all()
    sentence = " ".join(sentences(ours))
    assert re.search(r"% \(HF\), \S+ ±\S+ % \(LBP\) and \S+ ±\S+ % \(COPD\)", sentence)
    assert float(beside.mips_adjustment_mean.mean()) > -0.02


def test_the_other_cohorts_are_those_of_the_baseline_to_the_bit(
    runs: tuple[xr.Dataset, xr.Dataset],
) -> None:
    ours, baseline = runs
    compared = 0
    for name, values in baseline.data_vars.items():
        other = ours[name]
        for dim in {"cohort", "group"} & set(values.dims):
            other = other.sel({dim: values[dim]})
        if "clinician" in values.dims:  # the new ones come last
            other = other.isel(clinician=slice(0, baseline.sizes["clinician"]))
        pair = [values.values, other.transpose(*values.dims).values]
        if name == "panel_group":  # positions along the labels, of which there is one more
            pair = [ds.group.values[of] for ds, of in zip((baseline, ours), pair, strict=True)]
        np.testing.assert_array_equal(*pair, err_msg=str(name))
        compared += 1
    assert compared > 60


def test_a_third_condition_is_on_the_shelves(tmp_path: Path) -> None:
    """Rule set, MIPS and population by name, also for a scenario of one's own."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "title: Mine\nextends: third-condition\n"
        f"set: {{population.cost.reliability_at_20.{COHORT}: 0.7}}\n"
    )
    scenario = load_scenario(path)
    assert scenario.rules.id == "asm-2026-with-copd"
    assert scenario.population.cost.reliability_at_20[COHORT].value == 0.7
    assert asm.rules("mips-2026-with-copd").id == "mips-2026-with-copd"
