"""The golden numbers: ``python -m tests.golden.make`` writes them anew.

Do so only where results were meant to change, and say in the commit why they did. Results on one
machine are the same to the bit; between machines the last digits of sums may differ, so the test
compares to 1e-10.
"""

from __future__ import annotations

import json
from pathlib import Path

from asm_sim.engine.simulate import simulate

FILE = Path(__file__).parent / "baseline-3-draws.json"
VARIABLES = (
    "final_score_mean",
    "final_score_sd",
    "adjustment_mean",
    "adjustment_sd",
    "share_negative",
    "share_zero_score",
    "scaling_factor",
    "retained_by_medicare_payment_year",
    "rank_correlation",
    "misclassified_quintile_share",
    "reliability",
)
DRAWS = (0, 2)
YEARS = (2028, 2031)


def numbers() -> dict[str, float]:
    """A few dozen results of three draws of the shipped baseline, by a name that says which."""
    dataset = simulate("baseline", draws=3, open_draws=0)
    result = {
        f"{name} {cohort} {year} draw {draw}": float(
            dataset[name].sel(cohort=cohort, performance_year=year, draw=draw)
        )
        for name in VARIABLES
        for cohort in ("HF", "LBP")
        for year in YEARS
        for draw in DRAWS
    }
    for cohort in ("HF", "LBP"):
        histogram = dataset.adjustment_histogram.sel(cohort=cohort, performance_year=2027)
        for group in ("practice_size: solo", "episodes: 30-49"):
            counts = histogram.sel(group=group).values
            weighted = sum(int(n) * (i + 1) for i, n in enumerate(counts))
            result[f"adjustment_histogram {cohort} {group}, by position"] = float(weighted)
    return result


if __name__ == "__main__":
    FILE.write_text(json.dumps(numbers(), indent=1) + "\n")
    print(f"wrote {FILE}")
