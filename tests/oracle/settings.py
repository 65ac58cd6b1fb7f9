"""Random settings of the rule: any that a scenario might have, with the extremes of each."""

from __future__ import annotations

import random
from typing import Any

from tests.oracle.tables import EXCHANGES


def random_settings(rng: random.Random) -> dict[str, Any]:
    """A rule set as a scenario might have it, with the extremes of every lever."""
    weight = rng.choice([0.0, 0.3, 0.5, 1.0])
    form, midpoint = rng.choice(EXCHANGES)
    choices: dict[str, Any] = {
        "final_score.missing_category": rng.choice(["reweight", "neutral", "zero"]),
        "final_score.weight_quality": weight,
        "final_score.weight_cost": 1 - weight,
        "final_score.without_minimum_submission": rng.choice([0.0, 25.0]),
        "final_score.scale": rng.choice([40.0, 110.0]),
        "final_score.maximum": rng.choice([70.0, 130.0]),
        "payment.zero_scorers_in_pool_base": rng.random() < 0.5,
        "payment.zero_score_adjustment": rng.choice([-1.0, -0.25, 0.0]),
        "payment.unscored_adjustment": rng.choice([0.0, -0.01]),
        "payment.cap": rng.choice(["none", 0.0, 0.3, 1.0, {2029: 0.1}]),
        "payment.exchange.form": form,
        "payment.exchange.midpoint": midpoint,
        "payment.exchange.fixed_midpoint": rng.choice([0.0, 50.0, 80.0, {2028: 20.0}]),
        "payment.exchange.threshold": rng.choice([1.0, 50.0, 99.5, {2029: 90.0}]),
        "payment.exchange.steepness": rng.choice([0.0, 0.01, 0.3, 5.0, 100.0, {2031: 0.05}]),
        "payment.risk_level": rng.choice([0.0, 0.09, 1.0, {2027: 0.01, 2028: 0.5}]),
        "payment.redistribution_share": rng.choice([0.0, 0.5, 1.0]),
        "cost.standard_deviation_curve.anchor": rng.uniform(1, 10),
        "quality.standard_deviation_curve.anchor": rng.uniform(1, 10),
        "quality.benchmark_minimum_clinicians": rng.choice([1, 2, 5, 20]),
        "quality.points_not_reported": rng.choice([0.0, 3.0]),
        "promoting_interoperability.small_practice_scale": rng.random(),
        "promoting_interoperability.exempt": rng.choice(["nobody", "special_status"]),
        "improvement_activities.adjustment_by_completed": rng.choice([[-20, -10, 0], [-7, -7, -1]]),
        "complex_patient.slope": rng.choice([0.0, 4.0, 40.0]),
        "complex_patient.intercept": rng.choice([-3.0, 1.5]),
        "complex_patient.component_maximum": rng.choice(["none", 0.0, 2.5, 5.0, {2030: 1.0}]),
    }
    kept = rng.sample(sorted(choices), rng.randint(1, len(choices)))
    for together in (
        {"final_score.weight_quality", "final_score.weight_cost"},
        {"payment.exchange.form", "payment.exchange.midpoint"},
    ):
        if together & set(kept):
            kept = sorted({*kept, *together})
    return {name: choices[name] for name in kept if not is_refused(name, choices, kept)}


def is_refused(name: str, choices: dict[str, Any], kept: list[str]) -> bool:
    """Whether a setting goes with a pool alone, and the others have a standard set in advance."""
    against_threshold = (
        "payment.exchange.form" in kept and choices["payment.exchange.form"] == "threshold"
    )
    return against_threshold and name in {
        "payment.redistribution_share",
        "payment.exchange.steepness",
        "final_score.maximum",  # which may lie below the threshold
    }
