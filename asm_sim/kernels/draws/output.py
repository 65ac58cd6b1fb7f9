"""What a call of the draw kernel fills, and the panel of its first draws.

Records have the fields of results/registry.py, so that a statistic has one name and no position.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.world.groups import GROUPINGS

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Counts = NDArray[np.int64]


class Grids(NamedTuple):
    """Where quantiles, curve and histograms are taken; outer bins are under- and overflow."""

    percents: Floats  # [Q]
    scores: Floats  # [S]
    adjustment_lowest: float
    adjustment_width: float
    adjustment_bins: int  # with under- and overflow, like the two below
    score_lowest: float
    score_width: float
    score_bins: int
    dollars_lowest: float
    dollars_width: float
    dollars_bins: int


class Panel(NamedTuple):
    """The first L <= D draws clinician by clinician; fields of results/registry.py: PANEL."""

    final_score: Singles  # [L, Y, n], as are all but the groups
    adjustment: Singles
    dollars: Singles
    true_final_score: Singles
    true_adjustment: Singles
    part_b: Singles
    mips_final_score: Singles
    mips_adjustment: Singles
    mips_pathway_final_score: Singles
    mips_pathway_adjustment: Singles
    group: NDArray[np.int16]  # [L, n, GROUPINGS]
    practice: NDArray[np.int32]


class ProbePanel(NamedTuple):
    """Probe clinicians in L draws, each [L, Y, probes, replicates]; as in the registry's PROBE."""

    final_score: Singles
    adjustment: Singles
    true_adjustment: Singles


class Lens(NamedTuple):
    """What the first L <= D draws are looked at closely for (decomposition.py, probes.py)."""

    within_clinician_variance: Floats  # [L, groups, factor sets]
    year_to_year_variance: Floats  # [L, groups, factor sets]
    fixed_standard: NDArray[np.void]  # [L, Y, groups] records of the registry's FIXED_STANDARD
    probe: ProbePanel


class ClinicianSums(NamedTuple):
    """Sums over draws of each clinician in fixed point, int64 [n or 0, Y]."""

    scored: Counts  # draws
    negative: Counts
    adjustment: Counts
    adjustment_squared: Counts
    score: Counts
    score_squared: Counts
    rank: Counts  # twice the midrank
    rank_squared: Counts


class Output(NamedTuple):
    """What a call of the draw kernel fills, for D draws of one cohort.

    All but the counts and the sums have the draws along their first axis.
    """

    yearly: NDArray[np.void]  # [D, Y] records of the registry's YEARLY
    by_group: NDArray[np.void]  # [D, Y, groups] records of its BY_GROUP
    quantile: Floats  # [D, Y, Q]
    curve: Floats  # [D, Y, S]
    transition: Floats  # [D, 5, 5]
    penalty_years: Floats  # [D, groups, Y + 1]
    panel: Panel
    lens: Lens
    adjustment_histogram: Counts  # [Y, groups, bins]
    score_histogram: Counts
    dollars_histogram: Counts
    clinician: ClinicianSums


class Comparison(NamedTuple):
    """What MIPS makes of n clinicians in one of its forms."""

    final_score: Floats  # [n] points
    adjustment: Floats  # [n] fraction


@kernel
def new_comparison(n):
    return Comparison(final_score=np.empty(n), adjustment=np.empty(n))


@kernel
def keep_panel(y, outcome, truth, with_truth, paid, mips, pathway, group, practice, d, panel):
    """Clinician by clinician; ``mips`` and ``pathway`` are :class:`Comparison`."""
    factor, true_factor = outcome.payment_adjustment_factor, truth.payment_adjustment_factor
    _keep(outcome.final_score, panel.final_score[d, y])
    _keep(factor, panel.adjustment[d, y])
    _keep(paid, panel.part_b[d, y])
    dollars = panel.dollars[d, y]
    for i in range(len(paid)):
        dollars[i] = factor[i] * paid[i]
    if with_truth:
        _keep(truth.final_score, panel.true_final_score[d, y])
        _keep(true_factor, panel.true_adjustment[d, y])
    else:
        panel.true_final_score[d, y] = np.nan
        panel.true_adjustment[d, y] = np.nan
    _keep(mips.final_score, panel.mips_final_score[d, y])
    _keep(mips.adjustment, panel.mips_adjustment[d, y])
    _keep(pathway.final_score, panel.mips_pathway_final_score[d, y])
    _keep(pathway.adjustment, panel.mips_pathway_adjustment[d, y])
    _keep(practice, panel.practice[d, y])
    for i in range(len(paid) if y == 0 else 0):  # the groups are those of the draw
        for k in range(GROUPINGS):
            panel.group[d, i, k] = group[k, i]


@kernel
def _keep(values, row):
    for i in range(len(row)):
        row[i] = values[i]
