"""What is paid twice for the same savings: made-up pairs of runs, known answers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.studies import overlap

SHARE, COST, QUALITY = (
    f"{overlap.ACO}.{name}" for name in ("practice_share", "cost_effect", "quality_effect")
)
DRAWS = 100


def run(
    inside: np.ndarray, everyone: float, savings: float, seed: str = "1", **given: Any
) -> xr.Dataset:
    """Net payments inside organizations [draws] and of everyone, half of the savings shared."""
    shape = (DRAWS, 1, 1)
    dims = ("draw", "cohort", "performance_year")

    def table(values: Any) -> tuple[tuple[str, ...], np.ndarray]:
        return dims, np.broadcast_to(np.asarray(values, dtype=float).reshape(-1, 1, 1), shape)

    parameters = {SHARE: 0.3, COST: -0.02, QUALITY: 0.0} | given
    return xr.Dataset(
        {
            "aco_bonuses": table(inside + 10.0),
            "aco_penalties": table(10.0),
            "aco_savings": table(savings),
            "aco_shared_savings": table(savings / 2),
            "bonuses_payment_year": table(everyone + 500.0),
            "penalties_payment_year": table(500.0),
        },
        coords={"draw": np.arange(DRAWS), "cohort": ["HF"], "performance_year": [2027]},
        attrs={"scenario": "toy", "seed": seed, "parameters": json.dumps(parameters)},
    )


def test_shared_savings_and_adjustments_for_the_same_dollars() -> None:
    base = np.random.default_rng(4).normal(1000.0, 300.0, DRAWS)
    noise = np.random.default_rng(5).normal(0.0, 5.0, DRAWS)
    pair = run(base + 200.0 + noise, 50.0, 400.0), run(base, 50.0, 0.0, **{COST: 0})
    result = overlap.double_incentive(*pair).squeeze()
    assert float(result["savings"]) == 400.0
    assert float(result["shared_savings"]) == 200.0
    assert float(result["adjustments"]) == pytest.approx(200.0 + noise.mean())
    assert float(result["adjustments_mcse"]) == pytest.approx(noise.std(ddof=1) / 10)  # paired
    assert float(result["others"]) == pytest.approx(-200.0 - noise.mean())  # the pool is fixed
    assert float(result["paid_per_dollar"]) == pytest.approx(1.0 + noise.mean() / 400)


def test_without_savings_nothing_is_paid_for_a_dollar() -> None:
    base = np.zeros(DRAWS)
    pair = run(base, 0.0, 0.0, **{COST: 0, QUALITY: 0.1}), run(base, 0.0, 0.0, **{COST: 0})
    result = overlap.double_incentive(*pair).squeeze()
    assert float(result["adjustments"]) == 0.0
    assert np.isnan(result["paid_per_dollar"])


def test_no_pair() -> None:
    base = np.zeros(DRAWS)
    one, other = run(base, 0.0, 1.0), run(base, 0.0, 0.0, **{COST: 0})
    for pair, words in (
        ((one, run(base, 0.0, 0.0, "2", **{COST: 0})), "differ in seed"),
        ((one, one), "aco-overlap"),
        ((run(base, 0.0, 0.0, **{SHARE: 0}), other), "aco-overlap"),
        ((one, run(base, 0.0, 0.0, **{COST: 0, "rules.payment.cap": 1})), "rules.payment.cap"),
        ((one, other.drop_vars("aco_savings")), "aco_savings"),
        ((one, other.assign_attrs(roster_hash="another")), "differ in roster_hash"),
        ((one, other.assign_attrs(scenario_yaml='{"layers": {"measurement": "off"}}')), "layers"),
    ):
        with pytest.raises(InputError, match=words):
            overlap.double_incentive(*pair)
