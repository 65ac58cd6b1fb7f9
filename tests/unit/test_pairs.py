"""What two runs must have in common to be compared draw by draw."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.pairs import paired
from asm_sim.studies import redesign, uncertainty
from tests.unit.drawn_parameters import linear
from tests.unit.investment import SHARE, invested

WANTED = "`asm-sim run this` and `asm-sim run that`"
LAYERS = {"population": "on", "measurement": "on", "parameters": "off"}
PARAMETERS = {"rules.payment.cap": 1, "population.effect.low": 0.1, "population.effect.high": 0.2}


def run(seed: int = 1, draws: int = 4, **changed: str) -> xr.Dataset:
    """A run without results; attributes are those given, the seed that of its draws."""
    attrs = {
        "scenario_yaml": json.dumps({"layers": LAYERS}),
        "parameters": json.dumps(PARAMETERS),
        "roster_hash": "a" * 64,
    } | changed
    numbers = {"draw": np.arange(draws), "seed": ("draw", np.full(draws, seed))}
    return xr.Dataset(coords=numbers, attrs=attrs)


def without_measurement() -> str:
    return json.dumps({"layers": LAYERS | {"measurement": "off"}})


def refusal(*pair: xr.Dataset, but: tuple[str, ...] = ("population.effect",)) -> str:
    with pytest.raises(InputError) as error:
        paired(*pair, but, WANTED)
    return str(error.value)


def test_a_pair_is_cut_to_the_draws_that_both_have() -> None:
    other = run(draws=3, parameters=json.dumps(PARAMETERS | {"population.effect.low": 0}))
    for part in paired(run(), other, ("population.effect",), WANTED):
        assert part["draw"].values.tolist() == [0, 1, 2]
    as_written = run(parameters=json.dumps(PARAMETERS | {"rules.payment.cap": 1.0}))
    assert len(paired(run(), as_written, ("nothing",), WANTED)) == 2


def test_a_refusal_says_what_differs_and_what_to_run() -> None:
    capped = run(parameters=json.dumps(PARAMETERS | {"rules.payment.cap": "none"}))
    assert refusal(run(), capped) == (
        "the runs differ in rules.payment.cap (1 and none), so that their draws are no pairs; make "
        f"two that are alike in all but population.effect: {WANTED}"
    )
    held = run(scenario_yaml=without_measurement(), roster_hash="b" * 64)
    assert (
        "differ in layers.measurement (on and off), roster_hash (what their rosters hold), so"
        in refusal(run(), held)
    )
    assert "in layers.measurement (on and off), so" in refusal(run(), held, but=("roster_hash",))
    assert "--seed" in refusal(run(), run(seed=2))
    long = run(parameters=json.dumps({f"rules.a{i}": "x" * 1000 for i in range(50)}))
    said = refusal(run(parameters='{"rules.b": 1}'), long)
    assert "rules.a0 (not said and xxx" in said
    assert "and 46 more" in said
    assert len(said) < 1000


def test_runs_that_say_no_parameters_are_told_apart_by_hashes() -> None:
    one, other = (run(parameters="{}", rules_hash=letter) for letter in "rs")
    assert "differ in rules_hash (r and s)" in refusal(one, other)
    assert "rules.payment.cap (1 and not said)" in refusal(run(), one)


def test_an_investment_of_all_is_of_the_same_clinicians_with_the_same_luck() -> None:
    everybody, nobody = invested(1.0, 5.0), invested(0.0, 0.0, **{SHARE: 0})
    same = {"scenario_yaml": json.dumps({"layers": LAYERS}), "roster_hash": "a"}
    pair = [part.assign_attrs(same) for part in (everybody, nobody)]
    np.testing.assert_allclose(redesign.if_all_invest(*pair)["net"], 1.0 - 5.0)
    for change, words in (
        ({"scenario_yaml": without_measurement()}, "layers.measurement (on and off)"),
        ({"roster_hash": "b"}, "roster_hash (what their rosters hold)"),
    ):
        with pytest.raises(InputError) as error:
            redesign.if_all_invest(pair[0], pair[1].assign_attrs(change))
        assert f"the runs differ in {words}" in str(error.value)
        assert "`asm-sim run care-redesign-by-all` and `asm-sim run baseline`" in str(error.value)


def test_scenarios_of_sweeps_have_no_hash_of_what_they_set_and_are_no_pair_for_that() -> None:
    on, off = (part.drop_attrs(deep=False).assign_attrs(part.attrs) for part in linear(10))
    for part, cap in ((on, 1), (off, 2)):
        del part.attrs["rules_hash"]
        part.attrs["parameters"] = json.dumps({"rules.payment.cap": cap})
    with pytest.raises(InputError, match=r"rules\.payment\.cap \(1 and 2\)"):
        uncertainty.intervals(on, off, "outcome")
