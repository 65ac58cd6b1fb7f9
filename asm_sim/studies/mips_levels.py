"""Where MIPS scores stand: the rule's curve, their levels, and how far these meet the published."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.parameters import Number
from asm_sim.results.clinicians import EVERYBODY
from asm_sim.results.describe import one_scenario
from asm_sim.studies.estimates import PANEL, Linear, Names, mean, named, parameter, ratio, share_of
from asm_sim.studies.mips_panel import final_scores, forms_of, open_panel
from asm_sim.studies.panel import Measured, View
from asm_sim.studies.published import published

THRESHOLD, LOWEST = "mips.payment.performance_threshold", "mips.payment.lowest_quarter"
PERCENT, SCALE = "mips.payment.applicable_percent", "mips.payment.scale"
HIGHEST = "mips.final_score.maximum"


# What the levels of the rule set of MIPS were set to meet, rounded: a mean of 83, and 14 %.
AIMED = ("mean", "below_threshold")
SOLO, SMALL = ("practice_size: solo",), ("practice_size: solo", "practice_size: 2-15")


def targets() -> dict[str, Number]:
    """Published final scores of all of MIPS, in the order in which :func:`calibration` has them."""
    scores = published().mips_scores
    return {name: getattr(scores, name) for name in type(scores).model_fields}


def adjustment_at_score(ds: xr.Dataset, score: npt.ArrayLike) -> xr.DataArray:
    """The MIPS adjustment (fraction) of final scores (points) by the run's parameters: dim score.

    42 CFR 414.1405: from minus the applicable percent at a score of zero (and the whole of it in
    the lowest quarter) to 0 at the threshold, then to the applicable percent times the scale at the
    highest score. Raises :class:`InputError` for several scenarios and where a parameter is not
    known.
    """
    run = one_scenario(ds)
    threshold, lowest = parameter(run, THRESHOLD), parameter(run, LOWEST)
    percent, scale = parameter(run, PERCENT), parameter(run, SCALE)
    points = np.atleast_1d(np.asarray(score, dtype=np.float64))
    above = percent * scale * (points - threshold) / (parameter(run, HIGHEST) - threshold)
    below = -percent * (threshold - points) / threshold
    values = np.where(points >= threshold, above, np.where(points > lowest, below, -percent))
    return xr.DataArray(
        values, {"score": points}, "score",
        attrs={"units": "fraction", "long_name": "Adjustment factor of MIPS at a final score"},
    )  # fmt: skip


def levels(ds: xr.Dataset, groups: Names = None, form: Names = None) -> xr.Dataset:
    """The level of MIPS scores, by MIPS form, cohort, performance year and group.

    ``mips_final_score_mean`` (points) and ``share_below_threshold`` (fraction of clinicians), dims
    (mips_form, cohort, performance_year, group), each with ``*_mcse``. They are calibrated in one
    year and form only (:func:`calibration`). Arguments and errors as
    :func:`asm_sim.studies.mips.difference`.
    """
    panel, programs = open_panel(ds, groups, form, scores=True)
    threshold = parameter(one_scenario(ds), THRESHOLD)

    def measure(view: View) -> Measured:
        score = final_scores(view, programs[1:])
        dims = ("mips_form", "group", "performance_year")
        return {
            "clinicians": (("group",), view.count),
            "score": (dims, view.total(score, 1)),
            "below": (dims, view.total(score < threshold, 1)),
        }

    by_draw = panel.collect(measure).assign_coords(mips_form=forms_of(programs))
    average = ratio(by_draw["score"], by_draw["clinicians"], PANEL)
    below = share_of(by_draw["below"], by_draw["clinicians"], PANEL)
    parts = named("mips_final_score_mean", average, "points", "Mean final score of MIPS")
    parts |= named("share_below_threshold", below, "fraction", "Share below the threshold of MIPS")
    result = xr.Dataset(parts, attrs=panel.attrs)
    return result.transpose("mips_form", "cohort", "performance_year", "group")


def calibration(ds: xr.Dataset, form: Names = None) -> xr.Dataset:
    """How far simulated MIPS scores meet the published ones (:func:`targets`).

    The levels were set by the first two (coordinate ``aimed``) in the traditional form and the
    first performance year of the baseline; everything else is a check. Dims (target, mips_form,
    performance_year): ``simulated`` over the clinicians of all cohorts, ``gap`` = simulated minus
    ``published`` (target), each with ``*_mcse``; in the units that the coordinate ``target_units``
    names. Published figures are those of all MIPS, not of participants of ASM. Nan where the run
    has no groups by practice size. Raises as
    :func:`asm_sim.studies.mips.difference`.
    """
    run, known_scores = one_scenario(ds), targets()
    known = [group for group in SMALL if group in run.get("group", xr.DataArray([])).values]
    panel, programs = open_panel(run, [EVERYBODY, *known], form, scores=True, pooled=True)
    at = parameter(run, THRESHOLD), parameter(run, LOWEST)
    by_draw = panel.collect(lambda view: _shares(view, programs, *at))
    by_draw = by_draw.assign_coords(mips_form=forms_of(programs))

    def over(name: str, groups: tuple[str, ...]) -> Linear:
        inside = [group for group in groups if group in panel.groups]
        of_all = by_draw.sel(group=inside).sum("group")
        return ratio(of_all[name], of_all["clinicians"], PANEL)

    found = {
        "mean": over("score", (EVERYBODY,)),
        "below_threshold": over("below", (EVERYBODY,)),
        "median": mean(by_draw["median"], PANEL),
        "below_threshold_solo": over("below", SOLO),
        "below_threshold_small": over("below", SMALL),
        "lowest_quarter": over("lowest", (EVERYBODY,)),
    }
    by_target = [
        named("simulated", found[name], "see target_units", "Simulated") for name in known_scores
    ]
    whole = {
        part: xr.concat([one[part] for one in by_target], "target", coords="minimal")
        for part in ("simulated", "simulated_mcse")
    }
    of_all_mips = xr.DataArray(
        [leaf.value for leaf in known_scores.values()], dims="target",
        attrs={"units": "see target_units", "long_name": "Published for all of MIPS"},
    )  # fmt: skip
    gap = (whole["simulated"] - of_all_mips).assign_attrs(
        units="see target_units", long_name="Simulated minus published"
    )
    parts = whole | {"published": of_all_mips, "gap": gap, "gap_mcse": whole["simulated_mcse"]}
    result = xr.Dataset(parts, attrs=panel.attrs).isel(cohort=0, drop=True)
    result = result.assign_coords(
        target=list(known_scores),
        target_title=("target", [leaf.description for leaf in known_scores.values()]),
        target_units=("target", [leaf.unit for leaf in known_scores.values()]),
        target_source=("target", [leaf.source for leaf in known_scores.values()]),
        aimed=("target", [name in AIMED for name in known_scores]),
    )
    return result.drop_vars("group", errors="ignore").transpose(
        "target", "mips_form", "performance_year"
    )


def _shares(view: View, programs: list[str], threshold: float, lowest: float) -> Measured:
    """What the calibration looks at: totals by group, and the median of everybody."""
    score = final_scores(view, programs[1:])
    dims = ("mips_form", "group", "performance_year")
    return {
        "clinicians": (("group",), view.count),
        "score": (dims, view.total(score, 1)),
        "below": (dims, view.total(score < threshold, 1)),
        "lowest": (dims, view.total(score <= lowest, 1)),
        "median": (("mips_form", "performance_year"), np.median(score, axis=1)),
    }
