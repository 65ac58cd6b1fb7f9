"""A made-up clinician table to start from, with the odd cases that a real one has.

Two cohorts in two performance years. The numbers are invented and deterministic, on levels near
those that MIPS published, so that the table can be set against a simulated cohort. The first
clinicians of each cohort are ordinary except for one thing each.
"""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path
from typing import Any

from asm_sim.errors import InputError

FILE_NAME = "clinicians.csv"
SEED = 512_750  # the section of 42 CFR on payment adjustments
YEARS = (2027, 2028)
CLINICIANS = 32  # per cohort
OTHER_COLLECTION_TYPE = 6  # too few for a benchmark of their own: their measures are excluded

# By measure: mean and spread of the rate, and whether a tenth of the clinicians is at the top.
HEART_FAILURE = {
    "q492": (67.0, 4.3, False),
    "q008": (91.5, 8.0, False),
    "q005": (81.0, 10.0, False),
    "q236": (66.0, 17.0, False),
    "q377": (4.0, 5.0, False),
}
LOW_BACK_PAIN = {
    "q238": (5.0, 7.5, False),
    "q134": (80.0, 25.0, False),
    "q128": (70.0, 28.0, True),
    "q220": (79.0, 20.0, False),
}
ONLY_COLLECTION_TYPE = {"q377": "ecqm", "q220": "cqm"}
FROM_CLAIMS = "q492"

Row = dict[str, Any]


def write_example(folder: Path) -> Path:
    """Write the example as ``clinicians.csv`` into a folder and return its path.

    Raises :class:`InputError` where a file of that name is there already; it is never replaced.
    """
    path = folder / FILE_NAME
    rows = example_rows()
    try:
        file = path.open("x", encoding="utf-8", newline="")
    except FileExistsError as error:
        raise InputError(f"{path}: this is there already; it is not replaced") from error
    try:
        with file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def example_rows() -> list[Row]:
    """The example's rows, by column name; ``""`` is blank."""
    draw = random.Random(SEED)
    rows: list[Row] = []
    for year in YEARS:
        rows += [_clinician(draw, "HF", HEART_FAILURE, year, i) for i in range(CLINICIANS)]
        rows += [_clinician(draw, "LBP", LOW_BACK_PAIN, year, i) for i in range(CLINICIANS)]
    return rows


def _clinician(
    draw: random.Random,
    cohort: str,
    measures: dict[str, tuple[float, float, bool]],
    year: int,
    i: int,
) -> Row:
    """The i-th clinician of a cohort: an ordinary one, then the oddity of its number."""
    specialties = {"HF": "cardiology", "LBP": "pain_management"}
    first = {"HF": 101, "LBP": 201}[cohort]
    pair = i // 2
    size = (1, 4, 9, 15, 16, 40, 250)[pair % 7]
    part_b = _money(draw, 180_000, 0.6)
    row: Row = {
        "clinician_id": f"{first + i:05d}",
        "cohort": cohort,
        "performance_year": year,
        "practice_id": f"P{first + i}" if size == 1 else f"P{first + 2 * pair}",
        "specialty": specialties[cohort],
        "practice_size": size,
        "hcc_risk_score": round(_positive(draw, 1.6, 0.4), 3),
        "dual_share": round(min(_positive(draw, 0.2, 0.12), 1.0), 3),
        "part_b_payments": part_b,
        "payment_year_part_b": round(part_b * 1.06, 2) if i % 3 == 0 else "",
        "improvement_activities": (2, 2, 2, 1)[i % 4],
        "pi_score": round(min(_positive(draw, 85, 12), 100.0), 1),
        "episodes": 20 + int(draw.random() * 90),
        "episode_cost": _money(draw, {"HF": 15_500, "LBP": 2_100}[cohort], 0.25),
    }
    usual, other = ("ecqm", "cqm") if cohort == "HF" else ("cqm", "ecqm")
    reports_as = other if i >= CLINICIANS - OTHER_COLLECTION_TYPE else usual
    for measure in (*HEART_FAILURE, *LOW_BACK_PAIN):
        if measure in measures:
            row |= _measure(draw, measure, *measures[measure], reports_as)
        else:
            row |= _blank(measure)
    _make_odd(row, list(measures), i)
    return row


def _measure(
    draw: random.Random, measure: str, mean: float, spread: float, tops_out: bool, reports_as: str
) -> Row:
    rate = max(mean + spread * _normal(draw), 0.0)
    if measure != FROM_CLAIMS:
        rate = min(rate, 100.0)
    if tops_out and draw.random() < 0.35:
        rate = 100.0
    result: Row = {
        f"{measure}_rate": round(rate, 2),
        f"{measure}_cases": 20 + int(draw.random() * 180),
    }
    if measure != FROM_CLAIMS:
        result[f"{measure}_completeness"] = round(0.80 + 0.20 * draw.random(), 3)
        result[f"{measure}_collection_type"] = ONLY_COLLECTION_TYPE.get(measure, reports_as)
    return result


def _blank(measure: str) -> Row:
    parts = ["rate", "cases"]
    if measure != FROM_CLAIMS:
        parts += ["completeness", "collection_type"]
    return {f"{measure}_{part}": "" for part in parts}


def _make_odd(row: Row, measures: list[str], i: int) -> None:
    """What is special about the first clinicians of each cohort, by their number."""
    reported = [measure for measure in measures if measure != FROM_CLAIMS]
    match i:
        case 0:  # too few cases for one measure: it is excluded
            row[f"{reported[0]}_cases"] = 12
        case 1:  # reports only part of the cases: no points for that measure
            row[f"{reported[1]}_completeness"] = 0.6
        case 2:  # leaves one measure out: no points for it
            row |= {f"{reported[0]}_rate": "", f"{reported[0]}_completeness": ""}
            row[f"{reported[0]}_collection_type"] = ""
        case 3:  # too few episodes: quality carries the whole final score
            row |= {"episodes": 8, "episode_cost": ""}
        case 4:  # reports nothing: the final score is zero
            for measure in reported:
                row |= _blank(measure) | {f"{measure}_cases": row[f"{measure}_cases"]}
        case 5:  # a handful of patients: neither category can be scored, no final score
            row |= {f"{measure}_cases": 5 for measure in measures}
            row |= {"episodes": 3, "episode_cost": ""}
        case 6:  # no improvement activities and no interoperability score
            row |= {"improvement_activities": 0, "pi_score": ""}
        case 7:  # patients' risk and dual share unknown: no complex-patient adjustment
            row |= {"hcc_risk_score": "", "dual_share": ""}
        case 8:  # improvement activities not stated: counted as none
            row["improvement_activities"] = ""
        case 9:  # very costly episodes
            row["episode_cost"] = round(row["episode_cost"] * 2.2, 2)
        case 10:  # no Part B payments: an adjustment, but no dollars
            row |= {"part_b_payments": 0, "payment_year_part_b": ""}
        case 11:  # one clinician in both cohorts
            row["clinician_id"] = "00042"


def _normal(draw: random.Random) -> float:
    """A standard normal number by Box and Muller, so that it never changes with Python."""
    return math.sqrt(-2 * math.log(1 - draw.random())) * math.cos(2 * math.pi * draw.random())


def _positive(draw: random.Random, mean: float, spread: float) -> float:
    return max(mean + spread * _normal(draw), 0.0)


def _money(draw: random.Random, median: float, spread: float) -> float:
    return round(median * math.exp(spread * _normal(draw)), 2)
