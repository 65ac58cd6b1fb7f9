"""Made-up runs in which a share of the clinicians invests, and what each gets is known."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from asm_sim.studies import redesign
from tests.unit.probe_run import DRAWS, YEARS

SHARE = f"{redesign.PROGRAMMES}.care_redesign.share"
PER_PATIENT = f"{redesign.PROGRAMMES}.care_redesign.usd_per_patient_year"
OTHER = f"{redesign.PROGRAMMES}.telehealth.share"


def invested(dollars: Any, spending: float, **given: Any) -> xr.Dataset:
    """Two groups of 3 and 1 clinicians in one cohort: what a clinician gets [draws, 2]."""
    clinicians = np.array([4.0, 3.0, 1.0])
    each = np.broadcast_to(np.asarray(dollars, dtype=np.float64), (DRAWS, 2))
    total = np.stack([each @ clinicians[1:], 3 * each[:, 0], each[:, 1]], axis=1)
    shape = (DRAWS, 1, len(YEARS), 3)
    by_group = ("draw", "cohort", "performance_year", "group")
    parameters = {SHARE: 1, OTHER: 0, PER_PATIENT: 0, "rules.payment.cap": "none"} | given
    return xr.Dataset(
        {
            "bonuses_by_group": (by_group, np.broadcast_to(total[:, None, None] + 50.0, shape)),
            "penalties_by_group": (by_group, np.full(shape, 50.0)),
            "clinicians_by_group": (by_group, np.broadcast_to(clinicians, shape)),
            "programme_spending": (by_group[:3], np.full(shape[:3], 4 * spending)),
        },
        coords={
            "draw": np.arange(DRAWS),
            "cohort": ["HF"],
            "performance_year": YEARS,
            "group": ["all", "size: solo", "size: 2+"],
            "grouping": ("group", ["all", "size", "size"]),
        },
        attrs={"scenario": "toy", "seed": "1", "parameters": json.dumps(parameters)},
    )
