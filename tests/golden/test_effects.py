"""The shipped effects are those of the baseline as it is now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asm_sim.results.effects import BELONGS_TO, shipped_effects
from asm_sim.unknowns.axes import written
from tests.golden.effects import computed, question

MADE_ANEW = "python -m tests.golden.effects makes the table anew"
AGAIN = ("rules.payment.exchange.steepness", "rules.final_score.missing_category")


def test_they_belong_to_this_baseline_and_name_all_that_is_open_in_it() -> None:
    shipped, asked = shipped_effects(), question()
    here = asked.about()
    assert {name: shipped.about[name] for name in BELONGS_TO} == {
        name: here[name] for name in BELONGS_TO
    }, MADE_ANEW
    there = [(row.path, row.end, row.value) for row in shipped.rows if row.cohort == "HF"]
    assert there == [
        (axis.path, end, written(value))
        for axis in asked.axes
        for end, value in axis.alternatives()
    ], MADE_ANEW


def test_four_of_them_come_out_again() -> None:
    asked = question()
    axes = tuple(axis for axis in asked.axes if axis.path in AGAIN)
    anew = computed(replace(asked, axes=axes))
    assert len(anew.rows) == 8  # of two cohorts
    shipped = {row[:-2]: row for row in shipped_effects().rows}
    for row in anew.rows:
        known = shipped[row[:-2]]
        assert known.change == pytest.approx(row.change, abs=max(row.mcse, 1e-6) / 50), MADE_ANEW
        assert known.mcse == pytest.approx(row.mcse, rel=0.02), MADE_ANEW
