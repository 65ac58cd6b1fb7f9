"""Whether it pays to invest: made-up runs whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from asm_sim.errors import InputError
from asm_sim.studies import redesign
from tests.unit.investment import PER_PATIENT, SHARE, invested
from tests.unit.probe_run import DRAWS, EPISODES, LEVEL, NOISE, YEARS, probe_run
from tests.unit.refusal import refused


def test_the_first_who_invests() -> None:
    """Each SD is worth 6 % above the average and 4 % below it, of 300,000 USD."""
    worth = np.where(LEVEL > 0, 0.06, 0.04) * LEVEL
    run = probe_run(worth[:, None] - 0.02 * (EPISODES[:, None] < 50) + NOISE, extra_draws=2)
    for effect, adjustment in ((0.75, 0.045), (0.5, 0.03), (0.1, 0.006), (-0.5, -0.02), (0, 0)):
        result = redesign.first_mover(run, effect, 5_000.0).sel(cohort="HF", group="all")
        assert result["adjustment"].dims == ("performance_year",)
        np.testing.assert_allclose(result["adjustment"], adjustment, rtol=0, atol=1e-8)
        np.testing.assert_allclose(result["dollars"], 3e5 * adjustment, rtol=0, atol=0.01)
        np.testing.assert_allclose(result["net"], 3e5 * adjustment - 5_000, rtol=0, atol=0.01)
        np.testing.assert_allclose(result["net_mcse"], 0.0, atol=0.01)  # the noise is the same


def test_if_all_invest_is_paired_by_draw() -> None:
    rng = np.random.default_rng(3)
    before, gain = rng.normal(0, 9_000, (DRAWS, 2)), rng.normal(100, 20, (DRAWS, 2))
    run = invested(before + gain, 700.0)
    result = redesign.if_all_invest(run, invested(before, 0.0, **{SHARE: 0}))
    per_group = np.stack([(3 * gain[:, 0] + gain[:, 1]) / 4, *gain.T])
    for y in range(len(YEARS)):
        at = result.isel(performance_year=y).sel(cohort="HF")
        np.testing.assert_allclose(at["dollars"], per_group.mean(axis=1), rtol=1e-9)
        error = per_group.std(axis=1, ddof=1) / math.sqrt(DRAWS)
        np.testing.assert_allclose(at["dollars_mcse"], error, rtol=1e-6)
        np.testing.assert_allclose(at["spending"], 700.0)
        np.testing.assert_allclose(at["net"], per_group.mean(axis=1) - 700.0, rtol=1e-9)
    by_size = redesign.if_all_invest(run, invested(before, 0.0, **{SHARE: 0}), groups="size")
    assert by_size["group"].values.tolist() == ["size: solo", "size: 2+"]


def test_what_cannot_be_studied_is_refused_and_says_why() -> None:
    run = probe_run(0.06 * LEVEL[:, None] + NOISE)
    assert "-1 to 1 SDs" in refused(redesign.first_mover, run, 1.5, 0.0)
    assert "USD, zero or more" in refused(redesign.first_mover, run, 0.5, -1.0)
    assert "probe_gain" in refused(redesign.first_mover, run.drop_vars("probe_gain"), 0.5, 0.0)
    nobody = invested(0.0, 0.0, **{SHARE: 0})
    some = invested(1.0, 5.0, **{SHARE: 0.2})
    assert "care-redesign-by-all" in refused(redesign.if_all_invest, some, nobody)
    everybody = invested(1.0, 5.0)
    assert "care-redesign-by-all" in refused(redesign.if_all_invest, everybody, some)
    other_rule = nobody.assign_attrs(
        invested(0.0, 0.0, **{SHARE: 0, "rules.payment.cap": 1.0}).attrs
    )
    assert "rules.payment.cap" in refused(redesign.if_all_invest, everybody, other_rule)
    reseeded = nobody.assign_attrs(seed="2")
    assert "seeds" in refused(redesign.if_all_invest, everybody, reseeded)


def test_spending_on_patients_is_known_for_whole_cohorts() -> None:
    run, nobody = invested(1.0, 5.0, **{PER_PATIENT: 10}), invested(0.0, 0.0, **{SHARE: 0})
    with pytest.raises(InputError, match='groups="all"'):
        redesign.if_all_invest(run, nobody)
    result = redesign.if_all_invest(run, nobody, groups="all")
    np.testing.assert_allclose(result["net"], 1.0 - 5.0)
