"""Made-up runs of clinicians under ASM and under MIPS: three by hand, and many at random."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

GROUPS = ["all", "practice_size: solo", "practice_size: 2-15", "place: rural", "place: not rural"]
GROUPINGS = ["all", "practice_size", "practice_size", "place", "place"]
PARAMETERS = {
    "rules.payment.risk_level": {"2027": 0.09, "2028": 0.12},
    "rules.payment.redistribution_share": 0.85,
    "rules.payment.exchange.form": "logistic",
    "rules.payment.exchange.midpoint": "median",
    "rules.payment.exchange.steepness": 0.1,
    "rules.payment.cap": "none",
    "mips.payment.performance_threshold": 75.0,
    "mips.payment.lowest_quarter": 18.75,
    "mips.payment.applicable_percent": 0.09,
    "mips.payment.scale": 0.1,
    "mips.final_score.maximum": 100.0,
    "mips.levels.group_share": 0.5,
    "mips.levels.group_score": 90.0,
}
GRID = np.arange(0.0, 101.0, 5.0)
MEDIAN, SCALING = 72.0, 1.7
# Two draws of three clinicians in two years; the third has left by the payment year.
ASM_BY_HAND = [[[-0.05, 0.02], [0.03, -0.01], [-0.09, -0.09]]] * 2
MIPS_BY_HAND = [
    [[0.01, 0.01], [0.01, -0.02], [-0.09, 0.0]],
    [[0.01, 0.01], [-0.03, -0.02], [-0.09, 0.0]],
]
PART_B_BY_HAND = [[100_000.0, 200_000.0, 0.0]] * 2


def panel(
    asm: npt.ArrayLike,
    traditional: npt.ArrayLike,
    pathway: npt.ArrayLike | None = None,
    part_b: npt.ArrayLike = 1e5,
    scores: tuple[npt.ArrayLike, npt.ArrayLike] = (70.0, 80.0),
    cohorts: list[str] | None = None,
    groups: npt.ArrayLike | None = None,
) -> xr.Dataset:
    """A run with these adjustments [draw, clinician, year]; scores, part_b and groups [.., 2]."""
    adjustment = np.asarray(asm, dtype=np.float64)
    draws, clinicians, years = adjustment.shape
    members = np.array([1, 4]) if groups is None else np.asarray(groups)
    payments = np.asarray(part_b, dtype=np.float64)
    payments = payments[..., np.newaxis] if payments.ndim == 2 else payments
    cohort_of = cohorts or ["HF"] * clinicians
    values = {
        "adjustment": adjustment,
        "mips_adjustment": traditional,
        "mips_pathway_adjustment": traditional if pathway is None else pathway,
        "final_score": scores[0],
        "mips_final_score": scores[1],
        "mips_pathway_final_score": scores[1],
        "part_b": payments,
    }
    dims = ("draw_sample", "clinician", "performance_year")
    data: dict[str, Any] = {
        f"panel_{name}": (dims, np.broadcast_to(value, adjustment.shape).astype(np.float64))
        for name, value in values.items()
    }
    data["panel_group"] = (
        ("draw_sample", "clinician", "membership"),
        np.broadcast_to(members, (draws, clinicians, 2)).astype(np.int16),
    )
    known = sorted(set(cohort_of))
    risk = np.array([0.09, 0.12])[:years]
    transformed = 1 / (1 + np.exp(-0.1 * (GRID - MEDIAN)))
    curve = risk[:, np.newaxis] * (transformed * SCALING - 1.0)
    shape = (draws, len(known), years)
    yearly = ("draw", "cohort", "performance_year")
    even = MEDIAN - math.log(SCALING - 1.0) / 0.1
    for name, value in (
        ("break_even_score", even + np.arange(years)),
        ("median_final_score", MEDIAN),
        ("scaling_factor", SCALING),
    ):
        data[name] = (yearly, np.broadcast_to(value, shape).astype(np.float64))
    data["adjustment_at_score"] = ((*yearly, "score"), np.broadcast_to(curve, (*shape, 21)))
    first = 2027
    return xr.Dataset(
        data,
        coords={
            "draw": np.arange(draws),
            "draw_sample": np.arange(draws),
            "cohort": known,
            "performance_year": first + np.arange(years),
            "payment_year": ("performance_year", first + 2 + np.arange(years)),
            "score": GRID,
            "group": GROUPS,
            "grouping": ("group", GROUPINGS),
            "membership": ["practice_size", "place"],
            "clinician": np.arange(clinicians),
            "clinician_cohort": ("clinician", cohort_of),
        },
        attrs={
            "scenario": "toy",
            "seed": "1",
            "draws": draws,
            "parameters": json.dumps(PARAMETERS),
        },
    )


def by_hand() -> xr.Dataset:
    return panel(ASM_BY_HAND, MIPS_BY_HAND, part_b=PART_B_BY_HAND)


def random_panel(draws: int = 6, clinicians: int = 60) -> xr.Dataset:
    generator = np.random.default_rng(3)
    shape = (draws, clinicians, 2)
    scores = (
        generator.normal(70, 15, shape).clip(0, 100),
        generator.normal(80, 9, shape).clip(0, 100),
    )
    groups = np.stack(
        [generator.integers(1, 3, shape[:2]), generator.integers(3, 5, shape[:2])], axis=2
    )
    return panel(
        generator.normal(-0.013, 0.05, shape),
        generator.normal(0.002, 0.02, shape),
        generator.normal(0.003, 0.02, shape),
        generator.lognormal(12, 0.8, shape),
        scores,
        ["HF"] * (clinicians // 3) + ["LBP"] * (clinicians - clinicians // 3),
        groups,
    )


def at(values: xr.DataArray, **where: Any) -> npt.NDArray[np.float64]:
    usual = {"cohort": "HF", "group": "all", "mips_form": "traditional"}
    return np.asarray(values.sel({k: v for k, v in (usual | where).items() if k in values.dims}))
