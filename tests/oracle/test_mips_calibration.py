"""The levels of MIPS give what was published of it: mean final score 83, 14 % below 75 (2023)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import asm_sim as asm
from asm_sim.kernels.rule.mips import mips_scores
from asm_sim.rules.compile_mips import compile_mips
from asm_sim.rules.load import load_mips, load_rules
from asm_sim.score.check import check_table
from asm_sim.score.scoring import groups, observed
from asm_sim.tables.read import read_table

DRAWS = 2
YEAR = 2027
# Between draws the mean has an SD of 0.17 points and the share one of 0.8 percentage points; three
# standard errors of two draws, and 1 point or 2 percentage points for what else may change.
MEAN_TOLERANCE = 1 + 3 * 0.17 / DRAWS**0.5
SHARE_TOLERANCE = 0.02 + 3 * 0.008 / DRAWS**0.5


class Scores(NamedTuple):
    final_score: NDArray[np.float64]
    practice_size: NDArray[np.float64]

    def below_threshold(self) -> NDArray[np.bool_]:
        return self.final_score < load_mips("mips-2026").payment.performance_threshold.value


@pytest.fixture(scope="module")
def scores() -> Scores:
    """Of all clinicians of the baseline in the first performance year, draw after draw."""
    rules, mips = load_rules(), load_mips("mips-2026")
    final_scores, sizes = [], []
    for draw in range(DRAWS):
        table = asm.cohort_table("baseline", draw=draw)
        table = table[table["performance_year"] == YEAR].reset_index(drop=True)
        frame = check_table(read_table(table), rules).frame
        for cohort, _, positions in groups(frame, rules):
            seen = observed(frame.iloc[positions], rules, cohort)
            compiled = compile_mips(mips, rules, cohort)
            final_scores.append(mips_scores(seen, compiled, rules.years.index(YEAR))[0])
            sizes.append(seen.practice_size)
    return Scores(np.concatenate(final_scores), np.concatenate(sizes))


def test_the_mean_and_the_share_below_the_threshold_are_the_published_ones(scores: Scores) -> None:
    assert scores.final_score.mean() == pytest.approx(83, abs=MEAN_TOLERANCE)
    assert scores.below_threshold().mean() == pytest.approx(0.14, abs=SHARE_TOLERANCE)


def test_what_the_calibration_did_not_aim_at(scores: Scores) -> None:
    """Median 85.49; below 75 49 % of solo clinicians and 29 % of those in small practices."""
    below, small = scores.below_threshold(), load_mips("mips-2026").small_maximum_clinicians.value
    assert np.median(scores.final_score) == pytest.approx(85.49, abs=1.5)
    assert below[scores.practice_size == 1].mean() == pytest.approx(0.49, abs=0.08)
    assert below[scores.practice_size <= small].mean() == pytest.approx(0.29, abs=0.08)
