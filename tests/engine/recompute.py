"""The statistics of one draw, cohort and year once more, in NumPy from the clinicians."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from asm_sim.kernels.rule.exchange import SIGN_TOLERANCE


class Draw:
    """The panel of one draw and cohort: scores and adjustments [n, years], float64."""

    def __init__(self, dataset: xr.Dataset, draw: int, cohort: str) -> None:
        panel = dataset.isel(draw_sample=draw)
        panel = panel.isel(clinician=(panel.clinician_cohort == cohort).values)

        def values(name: str) -> np.ndarray:
            return panel[f"panel_{name}"].values.astype(np.float64)

        self.score, self.adjustment = values("final_score"), values("adjustment")
        self.dollars = values("dollars")
        self.true_score, self.true_adjustment = (
            values("true_final_score"),
            values("true_adjustment"),
        )
        self.has_score = ~np.isnan(self.score)
        self.years = self.score.shape[1]

    def ranks(self, y: int, truth: bool = False) -> np.ndarray:
        """Midranks among those with a score; nan for the others."""
        score = (self.true_score if truth else self.score)[:, y]
        result = np.full(len(score), np.nan)
        known = ~np.isnan(score)
        result[known] = rankdata(score[known])
        return result

    def quintiles(self, y: int, truth: bool = False) -> np.ndarray:
        """0 to 4; nan without a score."""
        rank = self.ranks(y, truth)
        return np.minimum(4, np.floor(5 * (rank - 0.5) / (~np.isnan(rank)).sum()))


def penalised(adjustment: np.ndarray) -> np.ndarray:
    return adjustment < -SIGN_TOLERANCE


def levels(draw: Draw, y: int, risk_level: float) -> dict[str, float]:
    """Statistics over the clinicians with a final score."""
    scored = draw.has_score[:, y]
    score, adjustment = draw.score[scored, y], draw.adjustment[scored, y]
    return {
        "final_score_mean": score.mean(),
        "final_score_sd": score.std(ddof=1),
        "final_score_median": float(np.median(score)),
        "adjustment_mean": adjustment.mean(),
        "adjustment_sd": adjustment.std(ddof=1),
        "share_negative": penalised(adjustment).mean(),
        "share_maximum_penalty": (adjustment <= -risk_level * (1 - 1e-7)).mean(),
        "share_zero_score": (score == 0).mean(),
        "share_unscored": 1 - scored.mean(),
        "median_final_score": float(np.median(score[score > 0])),
        "bonuses_payment_year": np.clip(draw.dollars[scored, y], 0, None).sum(),
        "penalties_payment_year": np.clip(-draw.dollars[scored, y], 0, None).sum(),
        "retained_by_medicare_payment_year": -draw.dollars[scored, y].sum(),
    }


def year_over_year(draw: Draw, y: int) -> dict[str, float]:
    both = draw.has_score[:, y] & draw.has_score[:, y - 1]
    now, before = draw.adjustment[both, y], draw.adjustment[both, y - 1]
    ranks = np.corrcoef(draw.ranks(y)[both], draw.ranks(y - 1)[both])
    return {
        "rank_correlation": ranks[0, 1],
        "sign_change_share": (penalised(now) != penalised(before)).mean(),
        "adjustment_change_sd": (now - before).std(ddof=1),
    }


def against_truth(draw: Draw, y: int) -> dict[str, float]:
    both = draw.has_score[:, y] & ~np.isnan(draw.true_score[:, y])
    seen, true = draw.adjustment[both, y], draw.true_adjustment[both, y]
    chance = seen - true
    quintile, true_quintile = draw.quintiles(y)[both], draw.quintiles(y, truth=True)[both]
    return {
        "rank_correlation_with_truth": np.corrcoef(
            draw.ranks(y)[both], draw.ranks(y, truth=True)[both]
        )[0, 1],
        "misclassified_share": (penalised(seen) != penalised(true)).mean(),
        "misclassified_quintile_share": (quintile != true_quintile).mean(),
        "chance_sd": chance.std(ddof=1),
        "chance_variance_share": chance.var() / seen.var(),
        "reliability": np.corrcoef(seen, true)[0, 1] ** 2,
    }


def transition(draw: Draw) -> np.ndarray:
    """Shares [from, to] over all pairs of years."""
    counts = np.zeros((5, 5))
    for y in range(1, draw.years):
        both = draw.has_score[:, y] & draw.has_score[:, y - 1]
        was, now = draw.quintiles(y - 1)[both].astype(int), draw.quintiles(y)[both].astype(int)
        np.add.at(counts, (was, now), 1)
    return counts / counts.sum(axis=1, keepdims=True)


def penalty_years(draw: Draw, members: Any = slice(None)) -> np.ndarray:
    """Share of clinicians by their number of years with a penalty."""
    years = (penalised(draw.adjustment) & draw.has_score)[members].sum(axis=1)
    return np.bincount(years, minlength=draw.years + 1) / len(years)
