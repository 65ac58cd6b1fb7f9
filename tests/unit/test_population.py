"""The shipped populations: what is open says between what it lies, or why it is held."""

from __future__ import annotations

import pytest

from asm_sim.drawn import Drawable
from asm_sim.errors import InputError
from asm_sim.parameters import Number, leaves, with_values
from asm_sim.population import performance
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


@pytest.mark.parametrize("minimum", [0.0, 20.0, 150.0, 650.0])
@pytest.mark.parametrize("log_mean", [1.0, 3.0, 5.5])
def test_inverse_counts_by_series_are_those_that_are_added_up(
    log_mean: float, minimum: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> float | str:
        try:
            return performance.mean_inverse_count(5.0, log_mean, 0.7, minimum)
        except ValueError as error:
            return str(error)

    by_series = found()
    monkeypatch.setattr(performance, "_poisson_sums", performance._rare_sums)
    added_up = found()
    assert by_series == (
        added_up if isinstance(added_up, str) else pytest.approx(added_up, rel=1e-12)
    )


def test_what_is_set_stands_in_a_copy_and_nothing_else() -> None:
    population, _ = load_population()
    values = {"episodes.sigma": 0.25, "patients.dual_logit_mean": 0.5, "episodes.mean.HF": 60.0}
    before = dict(leaves(population))
    other = with_values(population, values)
    assert dict(leaves(population)) == before
    for path, leaf in leaves(other):
        assert leaf == before[path].model_copy(update={"value": values.get(path, leaf.value)})  # type: ignore[attr-defined]
        assert (leaf is before[path]) == (path not in values)
    assert type(other) is type(population)
    assert other.model_dump() != population.model_dump()
    assert type(other).model_validate(other.model_dump()) == other
