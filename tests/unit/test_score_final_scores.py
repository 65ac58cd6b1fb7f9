"""Final scores that are given go through the payment step alone, as if they had been made."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.errors import InputError
from asm_sim.rules.load import load_rules
from asm_sim.score.example import example_rows
from tests.oracle.settings import random_settings
from tests.oracle.tables import KINDS, random_table

OUT = ["final_score", "transformed_score", "scaling_factor", "payment_adjustment_factor"]
KEPT = ["clinician_id", "cohort", "performance_year", "part_b_payments", "practice_size"]


def programme(scores: list[Any], **more: Any) -> pd.DataFrame:
    """A table of scores and nothing else that is needed."""
    rows = {"clinician_id": range(len(scores)), "cohort": "HF", "performance_year": 2027}
    return pd.DataFrame({**rows, "part_b_payments": 1000.0, "final_score": scores, **more})


def problems(frame: pd.DataFrame, **settings: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        asm.score(frame, settings=settings)
    return error.value.problems


def given_back(measures: pd.DataFrame, settings: dict[str, Any]) -> tuple[Any, Any]:
    """What the measures earn, and what their final scores earn when they are given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        made = asm.score(measures, settings=settings)
        kept = [name for name in (*KEPT, "specialty", "episodes") if name in measures]
        given = asm.score(measures[kept].assign(final_score=made["final_score"]), settings=settings)
    return made[OUT], given[OUT]


@pytest.mark.parametrize("seed", range(10))
def test_given_scores_earn_what_the_measures_of_which_they_are_made_earn(seed: int) -> None:
    """To the bit, under any rule: pools of practices, peers, bands, ranks, thresholds, rounding."""
    rng = random.Random(f"given {seed}")
    bands = {"payment.neutral_band": 6, "payment.neutral_band_form": "by_volume"}
    settings = random_settings(rng) | {"final_score.averaging_years": 1}
    if seed % 2 and settings.get("payment.exchange.form") != "threshold":
        settings |= bands
    rules = load_rules(settings=settings)
    rows = random_table(rng, rules, "LBP", 40, KINDS[seed % len(KINDS)])
    measures = pd.DataFrame(rows, dtype=object).assign(cohort="LBP", performance_year=2028)
    made, given = given_back(measures, settings)
    pd.testing.assert_frame_equal(made, given, check_exact=True)


def test_the_example_too_and_its_columns() -> None:
    made, given = given_back(pd.DataFrame(example_rows(), dtype=object), {})
    pd.testing.assert_frame_equal(made, given, check_exact=True)
    out = asm.score(programme([40.0, 60.0], practice_size=["", "x"]).drop(columns="practice_size"))
    assert list(out) == [*KEPT[:3], *OUT, "payment_multiplier", "payment_change_usd"]


def test_a_score_is_averaged_and_rounded_where_the_rule_does_so() -> None:
    table = pd.concat(
        [programme([40.0, 60.0]), programme([60.25, 60.0]).assign(performance_year=2028)]
    )
    settings = {"final_score.averaging_years": 2, "final_score.rounding": "tenth"}
    assert list(asm.score(table, settings=settings)["final_score"]) == [40.0, 60.0, 50.1, 60.0]


def test_blank_and_zero_scores() -> None:
    out = asm.score(programme([0.0, None, 50.0, 70.0]))
    assert list(out["payment_adjustment_factor"][:2]) == [-0.09, 0.0]
    assert np.isnan(out["final_score"][1])


def test_a_score_out_of_range_or_no_number_is_named_by_row_and_column() -> None:
    found = problems(programme([50, 101, -1, "x", "*"]))
    assert found[:3] == (
        "row 1, column final_score: 101 is out of range; give a number from 0 to 100 (points)",
        "row 2, column final_score: -1 is out of range; give a number from 0 to 100 (points)",
        "row 3, column final_score: 'x' is not a number; give a number from 0 to 100 (points)",
    )
    assert "'*' stands for a suppressed number" in found[3]
    narrower = problems(programme([81.0]), **{"final_score.maximum": 80})
    assert "81.0 is out of range; give a number from 0 to 80" in narrower[0]


def test_scores_and_what_they_are_made_of_are_refused_together() -> None:
    measures = pd.DataFrame(example_rows(), dtype=object).assign(final_score=50)
    (found,) = problems(measures)
    assert found.startswith("column final_score stands beside hcc_risk_score and ")
    (found,) = problems(programme([50.0, 60.0], q008_rate=80))
    assert found.startswith("column final_score stands beside q008_rate that final scores are")


def test_only_what_payment_needs_is_needed() -> None:
    specialty = {"peers.basis": "specialty"}
    assert problems(programme([50.0]), **specialty) == ("column specialty is missing",)
    by_size = {"peers.basis": "practice_size"}
    assert problems(programme([50.0]), **by_size) == ("column practice_size is missing",)
    by_volume = {"payment.neutral_band": 5, "payment.neutral_band_form": "by_volume"}
    assert problems(programme([50.0]), **by_volume) == ("column episodes is missing",)
    # Four points from the median: within the band at 20 episodes, not at 80, where it is half as
    # wide; a blank counts as the minimum.
    episodes = [20, 20, 20, 20, 80, None]
    scores = [30.0, 50.0, 50.0, 54.0, 54.0, 46.0]
    out = asm.score(programme(scores, episodes=episodes), settings=by_volume)
    neutral = (out["payment_adjustment_factor"] == 0).tolist()
    assert neutral == [False, True, True, True, False, True]


def test_the_summary_says_what_was_done(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    programme([0.0, None, 50.0]).to_csv(path, index=False)
    result = CliRunner().invoke(app, ["score", str(path), "-o", str(tmp_path / "out.csv")])
    assert result.exit_code == 0, result.output
    assert "final scores are those of column final_score: no measure was scored" in result.output
    assert "without a final score: 1 (1 blank)" in result.output
    assert "final score of zero: 1 (1 as given)" in result.output
    assert "excluded" not in result.output
    path.write_text("final_score,clinician_id\n" + path.read_text().partition("\n")[2])
    assert CliRunner().invoke(app, ["score", str(path)]).exit_code == 2
