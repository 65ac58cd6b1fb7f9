"""Who is put into the wrong place by measurement, as published studies have it."""

from __future__ import annotations

from collections.abc import Callable

from asm_sim.reproductions.table import Row
from tests.external.rows import check, every_number


@every_number("hayward-estimated", "hayward-true-positives", "hayward-false-positives")
def test_a_fixed_standard(compute: Callable[[], Row]) -> None:
    check(compute())


@every_number("adams-labelled", "adams-misclassified", "adams-twice-the-episodes")
def test_a_label_for_the_cheapest_quarter(compute: Callable[[], Row]) -> None:
    check(compute())


@every_number("lowest-quarter-four-years", "rogosa-percentiles", "two-measurements")
def test_years_percentiles_and_tiers(compute: Callable[[], Row]) -> None:
    check(compute())


@every_number("rank-tournament")
def test_a_tournament_of_ranks(compute: Callable[[], Row]) -> None:
    check(compute())
