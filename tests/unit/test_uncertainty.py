"""What parameter uncertainty adds: variances known beforehand, and errors by leaving draws out."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.describe import drawn_parameters, source_line
from asm_sim.results.in_words import sentences
from asm_sim.studies import uncertainty
from tests.unit.drawn_parameters import COEFFICIENTS, NOISE, PATHS, linear, run
from tests.unit.synthetic_run import synthetic_dataset


def assert_close(found: xr.Dataset, name: str, expected: float, **where: str) -> None:
    """Within four of its own errors, which are not so large that anything would do."""
    value, error = (float(found[part].sel(where)) for part in (name, f"{name}_mcse"))
    assert abs(value - expected) < 4 * error
    assert error < 0.2 * max(1.0, abs(expected))


def test_the_variance_splits_as_it_was_made() -> None:
    found = uncertainty.intervals(*linear(4000), "outcome")
    own = float((COEFFICIENTS**2).sum())
    assert_close(found, "variance_of_parameters", own, cohort="HF")
    assert_close(found, "share_of_parameters", own / (own + NOISE**2), cohort="HF")
    assert_close(found, "moved", own**0.5, cohort="HF")
    assert_close(found, "shift", 0.0, cohort="HF")
    for which, variance in (("without", NOISE**2), ("with", own + NOISE**2)):
        where = {"cohort": "HF", "parameters": which}
        assert_close(found, "sd", variance**0.5, **where)
    width = found.interval.sel(quantile=0.95) - found.interval.sel(quantile=0.05)
    np.testing.assert_allclose(
        width.sel(cohort="HF", parameters="without"), 2 * 1.645 * NOISE, rtol=0.05
    )
    assert float(width.sel(cohort="HF", parameters="with")) > 1.5 * 2 * 1.645 * NOISE
    assert found.variance_of_parameters.attrs["units"] == "(USD)^2"
    assert found.attrs["parameters_drawn"] == 2


def test_what_parameters_do_not_touch_is_exactly_the_same() -> None:
    found = uncertainty.intervals(*linear(50), "outcome").sel(cohort="LBP")
    for name in ("variance_of_parameters", "share_of_parameters", "shift", "moved"):
        assert float(found[name]) == 0.0
        assert float(found[f"{name}_mcse"]) == 0.0
    np.testing.assert_array_equal(*found.interval.transpose("parameters", ...).values)


def test_parameters_that_calm_an_outcome_take_variance_away() -> None:
    """Var(noise / 2) - Var(noise) = -3/4 Var(noise): a share of -3."""
    _, off = linear(4000)
    drawn = np.random.default_rng(8).uniform(size=(4000, 2))
    found = uncertainty.intervals(run(off.outcome.values / 2, drawn), off, "outcome")
    np.testing.assert_allclose(found.share_of_parameters, -3.0, rtol=1e-9)
    assert (found.variance_of_parameters < 0).all()


def test_errors_are_those_of_leaving_out_each_draw() -> None:
    on, off = linear(8)
    found, effects = (
        uncertainty.intervals(on, off, "outcome"),
        uncertainty.effects(on, "outcome", off),
    )
    names = ("variance_of_parameters", "share_of_parameters", "moved")
    parts: dict[str, list[xr.DataArray]] = {name: [] for name in (*names, "effect")}
    for draw in range(8):
        left = [ds.drop_sel(draw=draw) for ds in (on, off)]
        again = uncertainty.intervals(*left, "outcome")
        for name in names:
            parts[name].append(again[name])
        parts["effect"].append(uncertainty.effects(left[0], "outcome", left[1]).effect)
    for name, values in parts.items():
        stacked = xr.concat(values, "left")
        error = (7 / 8 * ((stacked - stacked.mean("left")) ** 2).sum("left")) ** 0.5
        xr.testing.assert_allclose(
            error, (effects if name == "effect" else found)[f"{name}_mcse"], atol=1e-12
        )


def test_effects_are_the_coefficients_over_the_sd() -> None:
    on, off = linear(4000)
    alone, paired = uncertainty.effects(on, "outcome"), uncertainty.effects(on, "outcome", off)
    sd = float((COEFFICIENTS @ COEFFICIENTS + NOISE**2) ** 0.5)
    assert list(alone.parameter.values) == PATHS[:2]
    for path, coefficient in zip(PATHS, COEFFICIENTS, strict=False):
        for found in (alone, paired):
            assert_close(found, "effect", coefficient / sd, cohort="HF", parameter=path)
    weak = {"cohort": "HF", "parameter": PATHS[1]}
    assert float(paired.effect_mcse.sel(weak)) < 0.9 * float(alone.effect_mcse.sel(weak))
    assert (paired.effect.sel(cohort="LBP") == 0).all()
    assert (abs(alone.effect.sel(cohort="LBP")) < 4 * alone.effect_mcse.sel(cohort="LBP")).all()


def test_draws_without_a_value_count_in_neither() -> None:
    on, off = linear(30)
    with_gaps = on.copy(deep=True)
    with_gaps.outcome.values[:10] = np.nan
    rest = slice(10, None)
    xr.testing.assert_allclose(
        uncertainty.intervals(with_gaps, off, "outcome"),
        uncertainty.intervals(on.isel(draw=rest), off.isel(draw=rest), "outcome"),
    )
    xr.testing.assert_allclose(
        uncertainty.effects(with_gaps, "outcome", off),
        uncertainty.effects(on.isel(draw=rest), "outcome", off.isel(draw=rest)),
    )


def test_what_is_never_known_is_nan() -> None:
    on, off = linear(10)
    on.outcome.values[:, 1] = np.nan
    found = uncertainty.intervals(on, off, "outcome").sel(cohort="LBP")
    assert all(np.isnan(found[name]).all() for name in found.data_vars)


def test_runs_that_are_no_pair_are_refused() -> None:
    on, off = linear(10)
    drawn = np.zeros((10, 2))
    for first, second, words in (
        (off, off, "parameter_value"),
        (on, on, "both runs draw parameters"),
        (on, off.assign_attrs(seed="2"), "differ in seed"),
        (on, off.assign_attrs(rules_hash="s"), "differ in rules_hash"),
        (run(on.outcome.values, drawn, "off"), off, "differ in layers"),
        (on, off.isel(draw=slice(0, 2)), "share 2 draws"),
        (run(on.outcome.values, drawn * np.nan), off, "all are held"),
        (on, off.isel(cohort=[0]), "cannot be compared"),
    ):
        with pytest.raises(InputError, match=words):
            uncertainty.intervals(first, second, "outcome")
    with pytest.raises(InputError, match="not a value per draw"):
        uncertainty.effects(on.assign(outcome=on.outcome.mean("draw")), "outcome")


def test_a_run_says_that_it_draws_parameters() -> None:
    ds = synthetic_dataset(6)
    assert drawn_parameters(ds) == []
    values = np.tile([1.0, 2.0, np.nan], (6, 1))
    drawn = ds.assign(parameter_value=(("draw", "parameter"), values)).assign_coords(
        parameter=PATHS
    )
    assert drawn_parameters(drawn) == PATHS[:2]
    assert source_line(drawn) == f"{source_line(ds)}, 2 parameters drawn"
    (more,) = set(sentences(drawn)) - set(sentences(ds))
    assert more.startswith("Each draw has its own values of 2 parameters of the population")
    assert more not in sentences(drawn.assign_attrs(all_open=1))


def test_each_reading_of_a_choice_but_the_first_has_an_effect_of_its_own() -> None:
    """The outcome is 2 where the third of three readings is drawn, and noise."""
    generator = np.random.default_rng(5)
    drawn = generator.choice(3, size=(4000, 1), p=[0.6, 0.2, 0.2]).astype(float)
    noise = generator.normal(0.0, 1.0, (4000, 2))
    on = xr.Dataset(
        {
            "outcome": (("draw", "cohort"), noise + 2.0 * (drawn == 2.0)),
            "parameter_value": (("draw", "parameter"), drawn),
        },
        coords={
            "draw": np.arange(4000),
            "cohort": ["HF", "LBP"],
            "parameter": ["rules.a"],
            "parameter_readings": ("parameter", ["one|two|three"]),
        },
        attrs={"seed": "1"},
    )
    found = uncertainty.effects(on, "outcome")
    assert list(found.parameter.values) == ["rules.a=two", "rules.a=three"]
    spread = 0.4  # of whether the third is drawn: the root of .2 x .8
    whole = (1.0 + (2.0 * spread) ** 2) ** 0.5
    slope = -0.2 * 0.2 * 2.0 / 0.4  # of the second: covariance of the two over its SD
    assert_close(found, "effect", 2.0 * spread / whole, cohort="HF", parameter="rules.a=three")
    assert_close(found, "effect", slope / whole, cohort="HF", parameter="rules.a=two")
