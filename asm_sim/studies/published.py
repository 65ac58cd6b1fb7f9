"""Published figures that studies set beside simulated ones, as data: ``data/published.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from asm_sim.documents import read_document
from asm_sim.parameters import Count, Number, Strict, check

FILE = Path(__file__).parent / "data" / "published.yaml"


class MipsScores(Strict):
    """Final scores of all of MIPS."""

    mean: Number
    below_threshold: Number
    median: Number
    below_threshold_solo: Number
    below_threshold_small: Number
    lowest_quarter: Number


class MipsPool(Strict):
    """What MIPS is budget neutral over; ``largest_bonus`` by performance year."""

    performance_threshold: Number
    largest_scale: Number
    clinicians: Count
    largest_bonus: dict[int, Number]
    part_b_payments: Number
    mean_score_below_threshold: Number


class Published(Strict):
    asm_participants: Count
    mips_scores: MipsScores
    mips_pool: MipsPool


@cache
def published() -> Published:
    """The figures, each with unit, status and source; what is assumed has low and high."""
    return check(Published, read_document(FILE, shown_as=FILE.name), "table of published figures")
