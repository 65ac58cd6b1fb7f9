"""The pool of MIPS without the participants: closed forms, errors over draws, what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.parameters import leaves
from asm_sim.studies import mips, mips_pool
from asm_sim.studies.published import published
from tests.unit.mips_run import PARAMETERS, panel

PERCENT, SCALE = 0.09, 0.1
POOL = 541_421 * 110_000 * PERCENT * (8.18 + 0.14 * 25) / 25  # bonuses at a scale of 1, USD
ENDINGS = ("scale", "largest_bonus", "mean_bonus")


def run(
    scores: npt.ArrayLike, part_b: npt.ArrayLike, parameters: dict[str, float] | None = None
) -> xr.Dataset:
    """Clinicians with these scores in MIPS and payments, [clinician] or [draw, clinician]."""
    scores, part_b = (np.atleast_2d(np.asarray(values, float)) for values in (scores, part_b))
    draws = max(len(scores), len(part_b), 2)
    shape = (draws, scores.shape[1], 2)
    ds = panel(
        np.zeros(shape),
        0.0,
        part_b=np.broadcast_to(part_b, shape[:2]),
        scores=(70.0, np.broadcast_to(scores[..., np.newaxis], shape)),
    )
    return ds.assign_attrs(parameters=json.dumps(PARAMETERS | (parameters or {})))


def found(ds: xr.Dataset, case: str = mips_pool.CENTRAL) -> dict[str, float]:
    """The first year by the traditional form."""
    result = mips_pool.without_participants(ds)
    one = result.sel(case=case, mips_form="traditional", performance_year=2027)
    return {str(name): float(value) for name, value in one.data_vars.items()}


def test_by_hand() -> None:
    """A penalty of half of 9 % on 2 million, two fifths of the largest bonus on 5 million."""
    of = found(run([37.5, 85.0], [2e6, 5e6]))
    penalties, bonuses = 0.045 * 2e6, 0.09 * 0.4 * 5e6
    assert of["participants_penalties"] == pytest.approx(penalties)
    assert of["participants_bonuses"] == pytest.approx(SCALE * bonuses)
    assert of["participants_net"] == pytest.approx(penalties - SCALE * bonuses)
    without = (SCALE * POOL - penalties) / (POOL - bonuses)
    assert of["scale_with"] == SCALE
    assert of["scale_without"] == pytest.approx(without, rel=1e-12)
    assert of["scale_change"] == pytest.approx(without - SCALE, rel=1e-6)
    assert of["largest_bonus_with"] == pytest.approx(0.009)
    assert of["largest_bonus_change"] == pytest.approx(PERCENT * (without - SCALE), rel=1e-6)
    staying = 541_421 - 2
    assert of["mean_bonus_without"] == pytest.approx(without * (POOL - bonuses) / staying)
    assert of["share_of_penalties"] == pytest.approx(penalties / (SCALE * POOL))
    assert {of[f"{name}_mcse"] for name in ("scale_with", "largest_bonus_with")} == {0.0}


def test_what_the_participants_leave_behind_is_what_they_paid_in() -> None:
    generator = np.random.default_rng(5)
    ds = run(generator.uniform(0, 100, (4, 50)), generator.lognormal(12, 1, (4, 50)))
    result = mips_pool.without_participants(ds)
    gained = result["mean_bonus_change"] * (541_421 - 50)
    np.testing.assert_allclose(gained, -result["participants_net"], rtol=1e-9)
    for name in ENDINGS:
        with_, without = result[f"{name}_with"], result[f"{name}_without"]
        np.testing.assert_allclose(result[f"{name}_change"], without - with_, atol=1e-9)
    assert (result["scale_without"] != result["scale_with"]).all()


def test_participants_like_the_others_change_nothing() -> None:
    """Their penalties are the bonuses at a scale of 1 times the scale, as in the whole pool."""
    of = found(run([10.0, 100.0, 75.0], [SCALE * 3e6, 3e6, 8e6]))
    for name in ENDINGS:
        assert of[f"{name}_change"] == pytest.approx(0, abs=1e-12)
    assert of["participants_net"] == pytest.approx(0, abs=1e-9)


def test_participants_at_the_threshold_change_nothing() -> None:
    result = mips_pool.without_participants(run([75.0, 75.0, np.nan], [1e6, 2e8, 1e6]))
    result = result.drop_sel(case=mips_pool.AS_PUBLISHED)
    for name in ENDINGS:
        np.testing.assert_allclose(result[f"{name}_change"], 0, atol=1e-12)
    for name in ("participants_penalties", "participants_bonuses"):
        np.testing.assert_array_equal(result[name], 0)


def test_without_the_only_ones_penalised_there_is_no_bonus() -> None:
    of = found(run([0.0, 75.0], [SCALE * POOL / PERCENT, 1e6]))
    assert of["share_of_penalties"] == pytest.approx(1)
    for name in ENDINGS:
        assert of[f"{name}_without"] == pytest.approx(0, abs=1e-9)
        assert of[f"{name}_with"] > 0


def test_no_scale_is_above_the_largest_one() -> None:
    """Two fifths of the bonuses are left, to be paid with all of the penalties."""
    ds = run([100.0, 75.0], [0.6 * POOL / PERCENT, 1e6], {"mips.payment.scale": 2.0})
    of = found(ds)
    assert of["scale_without"] == 3
    assert of["largest_bonus_without"] == pytest.approx(3 * PERCENT)


def test_errors_are_over_draws() -> None:
    """Two draws, in which the penalised have 1 and 3 million."""
    ds = run([[0.0, 80.0], [0.0, 80.0]], [[1e6, 1e6], [3e6, 1e6]])
    of = found(ds)
    paid = PERCENT * np.array([1e6, 3e6])
    error = paid.std(ddof=1) / math.sqrt(2)
    assert of["participants_penalties"] == pytest.approx(paid.mean())
    assert of["participants_penalties_mcse"] == pytest.approx(error)
    left = POOL - PERCENT * 0.2 * 1e6
    assert of["scale_without_mcse"] == pytest.approx(error / left)
    assert of["scale_change_mcse"] == pytest.approx(error / left, rel=1e-6)
    assert of["mean_bonus_change_mcse"] == pytest.approx(error / (541_421 - 2), rel=1e-6)


def test_what_is_assumed_at_its_ends() -> None:
    """A larger pool changes less; so does one with more points above the threshold."""
    ds = run([0.0, 80.0], [1e7, 1e6])
    central = found(ds)["scale_change"]
    pool = published().mips_pool
    for name, leaf in (
        ("part_b_payments", pool.part_b_payments),
        ("mean_score_below", pool.mean_score_below_threshold),
    ):
        low, high = (found(ds, f"{name} {end}")["scale_change"] for end in ("low", "high"))
        smaller, larger = (low, high) if name == "part_b_payments" else (high, low)
        assert smaller < central < larger < 0, leaf.description
    of_2023 = found(ds, "largest_bonus 2023")
    assert of_2023["largest_bonus_with"] == pytest.approx(0.0215)
    assert of_2023["participants_bonuses"] == pytest.approx(0.0215 * 0.2 * 1e6)


def test_as_many_at_the_full_penalty_as_of_all_mips() -> None:
    """0.024 of the payments, taken evenly from the others."""
    none = run([60.0, 90.0], [4e6, 6e6])
    of = found(none, mips_pool.AS_PUBLISHED)
    before = PERCENT * 0.2 * 4e6
    assert of["participants_penalties"] == pytest.approx(0.976 * before + 0.024 * PERCENT * 1e7)
    assert of["participants_bonuses"] == pytest.approx(0.976 * SCALE * PERCENT * 0.6 * 6e6)
    some = run([10.0, 90.0], [0.2e6, 9.8e6])  # 0.02 are there already
    full = PERCENT * 0.2e6 + PERCENT * 0.004 * 1e7
    of = found(some, mips_pool.AS_PUBLISHED)
    assert of["participants_penalties"] == pytest.approx(full)
    many = run([10.0, 90.0], [4e6, 6e6])
    assert found(many, mips_pool.AS_PUBLISHED) == pytest.approx(found(many), rel=1e-12)


def refused(ds: xr.Dataset, **named: Any) -> str:
    with pytest.raises(InputError) as error:
        mips_pool.without_participants(ds, **named)
    return str(error.value)


def test_refused() -> None:
    too_many = run([100.0, 75.0], [2 * POOL / PERCENT, 1e6])
    assert "more bonuses than the whole pool of MIPS" in refused(too_many)
    other = run([80.0], [1e6], {"mips.payment.performance_threshold": 82.0})
    assert "threshold of 75, and that of these results is 82" in refused(other)
    assert "did you mean 'traditional'?" in refused(run([80.0], [1e6]), form="traditionel")
    assert "panel_draws" in refused(run([80.0], [1e6]).isel(draw_sample=slice(0, 0)))


# Published figures


def test_every_figure_has_a_source_and_what_is_assumed_has_its_ends() -> None:
    found = dict(leaves(published()))
    assert len(found) > 10
    for path, leaf in found.items():
        assert leaf.source, path
        assert leaf.unit, path
        if leaf.status == "assumption":
            assert leaf.low is not None, path
            assert leaf.high is not None, path
            assert leaf.low < leaf.numbers()[0] < leaf.high, path


def test_published_scores_are_the_targets_of_the_levels() -> None:
    scores = published().mips_scores
    assert list(mips.targets()) == list(type(scores).model_fields)
    assert mips.targets()["mean"].value == 83.18
    assert published().mips_pool.performance_threshold.value < scores.mean.value
