"""The shipped populations: what is open says between what it lies, or why it is held."""

from __future__ import annotations

import pytest

from asm_sim.drawn import Drawable
from asm_sim.errors import InputError
from asm_sim.parameters import Number, leaves
from asm_sim.population.load import SHELF, load_population
from asm_sim.population.ranges import ranges_of
from asm_sim.scenario.load import load_scenario


@pytest.mark.parametrize("name", SHELF.names())
def test_what_is_open_has_a_range_or_a_reason(name: str) -> None:
    population, _ = load_population(name)
    held = {}
    for path, leaf in leaves(population, "population"):
        ranged = leaf.low is not None and leaf.high is not None
        if leaf.is_open:
            assert ranged != bool(leaf.held), path
            held[path] = leaf.held
        if leaf.status == "lever":
            assert not ranged, path
            assert not leaf.held, path
        if ranged and isinstance(leaf, Number):
            assert leaf.low <= leaf.value <= leaf.high, path  # type: ignore[operator]
    assert len({reason for reason in held.values() if reason}) >= 8


def test_shares_of_the_same_practices_sum_to_one_at_most() -> None:
    path = "population.attestation"
    both = [(f"{path}.two_activities_share", 0.6), (f"{path}.one_activity_share", 0.4)]
    load_scenario("baseline", both)
    both[1] = (f"{path}.one_activity_share", 0.41)
    with pytest.raises(InputError) as refused:
        load_scenario("baseline", both)
    assert "one_activity_share: 0.41 and two_activities_share, 0.6, are shares" in str(
        refused.value
    )


def test_an_area_cannot_have_more_in_common_than_lasts_in_any_draw() -> None:
    """The share that lasts is drawn from .3 on; what areas have in common is held."""
    path = "population.geography.cost_share"

    def drawn(share: float) -> tuple[Drawable, ...]:
        settings = [(path, share)]
        return ranges_of(load_scenario("synthetic-frame", settings).population, settings)

    assert "population.cost.permanent_share" in {item.path for item in drawn(0.3)}
    with pytest.raises(InputError, match=r"permanent_share 0\.3: geography\.cost_share: 0\.35 is"):
        drawn(0.35)
