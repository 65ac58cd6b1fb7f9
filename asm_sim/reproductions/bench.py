"""The test bed: shipped parameters under which the reliability of the final score is known.

One cohort whose final score is cost alone, on a straight line, with nothing added: normal, mean 50
and SD 100 / 12 points. True cost is permanent, so that scores of two years correlate by the
reliability. Numbers of episodes and cases are exact: everyone has 10,000 episodes unless said, at
which the reliability is stated.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from asm_sim.engine.simulate import simulate

COHORT, MEASURE = "HF", "COST_HF_1"
EPISODES = 10_000.0
MEAN_COST, SD_COST = 100_000.0, 500.0
MIDDLE, SDS = 50.0, 6.0  # points at the median cost, and SDs from there to 0 and 100 points
SD_SCORE = MIDDLE / SDS
RELIABILITY = f"population.cost.reliability_at_20.{COHORT}"
STATED_AT = "population.cost.reliability_episodes"
FORM = "rules.payment.exchange.form"
SHARE_PAID_OUT = "rules.payment.redistribution_share"
SIZES = ("solo", "small", "medium", "large")
COLUMNS = (
    *("clinician_id", "cohort", "state", "practice_id", "small_practice"),
    *("practice_size", "episodes", "part_b_payments"),
)
PROBES = "{levels: [-1.5, -1, -0.5, 0, 0.5, 1, 1.5], episodes: [20, 50, 200]}"
_SCENARIO = "bed.yaml"

Settings = Mapping[str, Any]
Floats = np.ndarray[Any, np.dtype[np.float64]]

BED: dict[str, Any] = {
    "rules.final_score.weight_quality": 0.0,
    "rules.final_score.weight_cost": 1.0,
    "rules.cost.standard_deviation_curve.z": [-SDS, SDS],
    "rules.cost.standard_deviation_curve.points": [10.0, 0.0],
    "rules.cost.standard_deviation_curve.anchor": 5.0,
    "rules.complex_patient.maximum": 0.0,
    "rules.payment.risk_level": 0.09,
    "population.reporting.low_completeness_share": 0.0,
    "population.reporting.completeness_lowest": 1.0,
    **{f"population.reporting.non_reporting_share.{size}": 0.0 for size in SIZES},
    **{f"population.attestation.full_credit_share.{size}": 1.0 for size in SIZES},
    "population.attestation.full_score_share": 1.0,
    "population.departure.exit_share": 0.0,
    "population.part_b.yearly_change_sd": 0.0,
    "population.part_b.trend": 0.0,
    "population.episodes.yearly_drift_sd": 0.0,
    "population.episodes.counts": "exact",
    "population.cases.counts": "exact",
    "population.episodes.minimum": EPISODES - 1,
    **{f"population.episodes.mean.{cohort}": EPISODES for cohort in ("HF", "LBP")},
    "population.geography.cost_share": 0.0,
    f"population.cost.mean.{COHORT}": MEAN_COST,
    f"population.cost.sd.{COHORT}": SD_COST,
    f"population.cost.trend.{COHORT}": 0.0,
    "population.cost.permanent_share": 1.0,
    STATED_AT: EPISODES,
}


@dataclass(frozen=True)
class Size:
    """How many clinicians in how many draws a result is simulated with."""

    clinicians: int
    draws: int

    @property
    def slack(self) -> float:
        """What tolerances are multiplied by: Monte Carlo errors grow as the size falls."""
        return max(1.0, sqrt(FULL.clinicians * FULL.draws / (self.clinicians * self.draws)))


FULL = Size(4000, 10)
SMALL = Size(1000, 10)


@dataclass
class Bench:
    """Runs of the test bed in a folder of their own; each is made once.

    ``folder`` takes the roster and the scenario, which are files like those of any user.
    """

    folder: Path
    size: Size
    _runs: dict[str, xr.Dataset] = field(default_factory=dict)

    def run(self, settings: Settings, episodes: float = EPISODES, lens: bool = False) -> xr.Dataset:
        """The test bed with these settings on top, everyone with so many episodes a year.

        ``lens`` looks closely at every draw, with a grid of probes.
        """
        key = repr((sorted(settings.items()), episodes, lens))
        if key not in self._runs:
            self._write(episodes, lens)
            self._runs[key] = simulate(self.folder / _SCENARIO, settings=dict(settings))
        return self._runs[key]

    def with_reliability(self, reliability: float, **settings: Any) -> xr.Dataset:
        """The test bed where scores have this reliability."""
        return self.run({RELIABILITY: reliability, **settings})

    def _write(self, episodes: float, lens: bool) -> None:
        roster = self.folder / "bed.csv"
        with roster.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for i in range(self.size.clinicians):
                rows.writerow([f"C{i}", COHORT, "OH", f"P{i}", 0, 500, episodes, 100_000])
        kept = self.size.draws
        lines = ["title: The test bed", f"draws: {kept}", "seed: 1", f"panel_draws: {kept}"]
        lines += [
            f"lens_draws: {kept if lens else 0}",
            "open_draws: 0",
            *([f"probes: {PROBES}"] if lens else []),
            "set:",
            f"  population.roster: {roster.name}",
        ]
        lines += [f"  {path}: {value}" for path, value in BED.items()]
        (self.folder / _SCENARIO).write_text("\n".join(lines) + "\n", encoding="utf-8")


def scores(ds: xr.Dataset) -> tuple[Floats, Floats]:
    """Observed and noise-free final scores of a run, each [draws, clinicians, years]."""
    names = ("panel_final_score", "panel_true_final_score")
    dims = ("draw_sample", "clinician", "performance_year")
    found = [ds[name].transpose(*dims).values.astype(np.float64) for name in names]
    return found[0], found[1]
