"""The synthetic cohort against what is published: a table with source and gap.

Not a test of the model's truth. It says how near the simulated cohort is to the figures that it was
built on, and to a few that it was not.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from asm_sim.engine.draw_table import observed_years, tables
from asm_sim.engine.execute import run_block
from asm_sim.engine.plan import Plan, make_plan
from asm_sim.kernels.rule.cohort import fit_and_score
from asm_sim.population.load import DATA
from asm_sim.results.moments import mean_and_error
from asm_sim.scenario.load import load_scenario

DEFAULT_DRAWS = 20
_MILLION = 1_000_000
_TAIL_YEAR = "2023"
_QUARTILE_YEARS = 4
_QPP = "QPP Experience file 2024"
_SMALL_IN_MIPS = 0.14  # of its rows
_THREE_POINTS = 0.03
_SPIKE = 5.0


@dataclass(frozen=True)
class Comparison:
    """One published figure and the simulated one; ``low`` and ``high`` bound what is published.

    Without bounds (nan) the figure is told and nothing is asked of it.
    """

    what: str
    cohort: str
    simulated: float
    mcse: float  # over draws; nan where nothing is drawn
    published: float
    low: float
    high: float
    unit: str
    source: str

    @property
    def inside(self) -> bool | None:
        """Whether the simulated figure lies within the published range, up to three errors."""
        if np.isnan(self.low):
            return None
        slack = 3 * self.mcse if np.isfinite(self.mcse) else 0.0
        return self.low - slack <= self.simulated <= self.high + slack

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "gap": self.simulated - self.published, "inside": self.inside}


def face_validity(draws: int | None = None) -> list[Comparison]:
    """Compare ``draws`` draws of the shipped baseline (20 unless said) with published figures."""
    plan = make_plan(load_scenario().with_draws(draws or DEFAULT_DRAWS, None))
    frames = {
        cohort.name: [
            pd.concat(tables(plan, cohort, draw, truth=False), ignore_index=True)
            for draw in range(plan.scenario.draws)
        ]
        for cohort in plan.cohorts
    }
    result = [*_roster(plan)]
    for cohort, drawn in frames.items():
        first = [frame[frame["performance_year"] == plan.years[0]] for frame in drawn]
        result += [
            *_practices(plan, cohort, first),
            *_attested(plan, cohort, first),
            *_collection_types(plan, cohort, first),
            *_complex_patients(plan, cohort),
            *_volume(plan, cohort, first),
            *_part_b_tail(cohort, first),
            *_costs(plan, cohort, first),
            *_benchmarks(plan, cohort, first),
        ]
    return [*result, *_persistence(plan)]


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _roster(plan: Plan) -> Iterator[Comparison]:
    """What the list itself says."""
    counted = {
        row["cohort"]: float(row["value"])
        for row in _rows("calibration_parameters.csv")
        if row["parameter"] == "n_participants"
    }
    small = {
        row["cohort"]: row
        for row in _rows("calibration_parameters.csv")
        if row["parameter"] == "share_small_practice"
    }
    sizes = _rows("asm_organisation_size.csv")
    for cohort in plan.roster.cohorts:
        where = plan.roster.slice_of(cohort)
        practice = plan.roster.practice[where]
        n = len(practice)
        # The published count is of TIN/NPI pairs; 6,510 of the 6,637 pairs are distinct clinicians.
        yield Comparison(
            "participants", cohort, n, np.nan, counted[cohort], 0.95 * counted[cohort],
            counted[cohort], "clinicians", "VBCA, 7 Feb 2026: rows (TIN/NPI), a few NPIs twice",
        )  # fmt: skip
        row = small[cohort]
        yield Comparison(
            "in small practices", cohort, float(plan.roster.practice_small[practice].mean()),
            np.nan, float(row["value"]), float(row["low"]), float(row["high"]), "share",
            "preliminary participant list",
        )  # fmt: skip
        listed = np.bincount(np.unique(practice, return_counts=True)[1])
        for size in (1, 2, 3):
            published = next(
                float(row["organisations"])
                for row in sizes
                if row["cohort"] == cohort and row["participants_in_organisation"] == str(size)
            )
            yield Comparison(
                f"practices with {size} listed", cohort, float(listed[size]), np.nan, published,
                published, published, "practices", "asm_organisation_size.csv",
            )  # fmt: skip


def _practices(plan: Plan, cohort: str, first: list[pd.DataFrame]) -> Iterator[Comparison]:
    """Solo practice and reporting, both drawn."""
    population = plan.scenario.population
    solo = population.practice.solo_share[cohort]
    mean, error = mean_and_error([float((f["practice_size"] == 1).mean()) for f in first])
    yield _against("in solo practice", cohort, mean, error, solo)
    reported = [
        name.lower()
        for name in plan.scenario.rules.cohorts[cohort].quality_measures.value
        if plan.scenario.rules.measures[name].reported
    ]
    columns = [f"{name}_completeness" for name in reported]
    silent = [frame[columns].isna().all(axis=1) for frame in first]
    shares = population.reporting.non_reporting_share
    limits = [0.0, *population.practice.size_classes.value, np.inf]
    for k, name in enumerate(("solo", "small", "medium", "large")):
        drawn = [
            float(s[frame["practice_size"].between(limits[k], limits[k + 1], "right")].mean())
            for s, frame in zip(silent, first, strict=True)
        ]
        mean, error = mean_and_error(drawn)
        yield _against(
            f"report nothing: {name} practices", cohort, mean, error, getattr(shares, name)
        )
    mean, error = mean_and_error([float(s.mean()) for s in silent])
    yield Comparison(
        "report nothing: all", cohort, mean, error, 0.061, 0.024, 0.061, "share",
        f"{_QPP}, 6.1 % of the rows; .024-.04 of all in 2023",
    )  # fmt: skip


def _attested(plan: Plan, cohort: str, first: list[pd.DataFrame]) -> Iterator[Comparison]:
    """Interoperability and activities by level, on the cohort's mix of sizes and on MIPS's.

    The published shares are of MIPS, in which small practices are fewer; within three points.
    """
    best = plan.scenario.rules.promoting_interoperability.score_maximum.value
    every = len(plan.scenario.rules.improvement_activities.adjustment_by_completed.value) - 1
    small = plan.scenario.population.practice.size_classes.value[1]
    levels: list[tuple[str, float, Callable[[pd.DataFrame], Any]]] = [
        ("interoperability: whole score", 0.72, lambda f: f["pi_score"] == best),
        ("interoperability: 98 or more", 0.105, lambda f: f["pi_score"].between(98, best, "left")),
        ("interoperability: none", 0.022, lambda f: f["pi_score"] == 0),
        ("activities: all", 0.913, lambda f: f["improvement_activities"] == every),
        ("activities: none", 0.083, lambda f: f["improvement_activities"] == 0),
    ]
    for what, published, reached in levels:
        whole, mixed = [], []
        for frame in first:
            has, is_small = reached(frame), frame["practice_size"] <= small
            of_small, of_large = float(has[is_small].mean()), float(has[~is_small].mean())
            whole.append(float(has.mean()))
            mixed.append(_SMALL_IN_MIPS * of_small + (1 - _SMALL_IN_MIPS) * of_large)
        for mix, shares in (("ASM", whole), ("MIPS", mixed)):
            mean, error = mean_and_error(shares)
            yield Comparison(
                f"{what}, on {mix}'s mix of sizes", cohort, mean, error, published,
                max(0.0, published - _THREE_POINTS), published + _THREE_POINTS, "share",
                f"{_QPP}, rows in which it counts; within three points",
            )  # fmt: skip


def _collection_types(plan: Plan, cohort: str, first: list[pd.DataFrame]) -> Iterator[Comparison]:
    """Of those who report a measure that can be reported by either type."""
    rules = plan.scenario.rules
    either = [
        name.lower()
        for name in rules.cohorts[cohort].quality_measures.value
        if rules.measures[name].reported and len(rules.measures[name].collection_types.value) > 1
    ]
    if not either:
        return
    rate, kind = f"{either[0]}_rate", f"{either[0]}_collection_type"
    drawn = [float((f.loc[f[rate].notna(), kind] == "ecqm").mean()) for f in first]
    mean, error = mean_and_error(drawn)
    yield Comparison(
        "report by eCQM", cohort, mean, error, 0.71, 0.5, 0.75, "share",
        f"{_QPP}, of the rows with eCQM or MIPS CQM; fewer in small practices",
    )  # fmt: skip


def _complex_patients(plan: Plan, cohort: str) -> Iterator[Comparison]:
    """Complex patient points of the first performance year: told, and nothing is asked of them.

    In MIPS most are scored as groups, whose patients differ less than those of single clinicians,
    against clinicians of all specialties; and there is a spike at exactly 5, as if each of the two
    components were capped there, which the rule as it is read does not have.
    """
    part = next(one for one in plan.cohorts if one.name == cohort)
    points = []
    for draw in range(plan.scenario.draws):
        seen = observed_years(plan, plan.of_draw(part, draw), draw)[0].observed
        given = fit_and_score(seen, part.rules, 0)[0].complex_patient_adjustment
        points.append(given[~np.isnan(given)])
    highest = plan.scenario.rules.complex_patient.maximum.at(plan.years[0])
    shares = [
        ("none", 0.47, [(p <= 0).mean() for p in points]),
        ("the most", 0.032, [(p >= highest - 1e-9).mean() for p in points]),
        ("exactly 5.00", 0.032, [(np.round(p, 2) == _SPIKE).mean() for p in points]),
        ("mean", 2.48, [p.mean() for p in points]),
    ]
    for what, published, drawn in shares:
        mean, error = mean_and_error([float(value) for value in drawn])
        unit = "points" if what == "mean" else "share"
        yield Comparison(
            f"complex patient points: {what}", cohort, mean, error, published, np.nan, np.nan,
            unit, f"{_QPP}: groups, all specialties together; told, not asked",
        )  # fmt: skip


def _against(what: str, cohort: str, mean: float, error: float, parameter: Any) -> Comparison:
    """Against the parameter that the model was given, with the range that its source leaves."""
    low = parameter.low if parameter.low is not None else parameter.value
    high = parameter.high if parameter.high is not None else parameter.value
    return Comparison(
        what, cohort, mean, error, parameter.value, low, high, parameter.unit, parameter.source
    )


def _volume(plan: Plan, cohort: str, first: list[pd.DataFrame]) -> Iterator[Comparison]:
    mean, error = mean_and_error([float(frame["episodes"].mean()) for frame in first])
    parameter = plan.scenario.population.episodes.mean[cohort]
    yield _against("episodes a year", cohort, mean, error, parameter)
    mean, error = mean_and_error([float(frame["part_b_payments"].mean()) for frame in first])
    parameter = plan.scenario.population.part_b.mean[cohort]
    yield _against("Part B paid", cohort, mean, error, parameter)


def _part_b_tail(cohort: str, first: list[pd.DataFrame]) -> Iterator[Comparison]:
    """Shares above dollar thresholds; the range spans the published years."""
    rows = [row for row in _rows("asm_participant_part_b_tail.csv") if row["cohort"] == cohort]
    for threshold in (0.5, 0.6, 1.0, 1.5):
        same = [row for row in rows if float(row["threshold_usd"]) == threshold * _MILLION]
        shares = [float(row["share_above"]) for row in same]
        latest = next(float(r["share_above"]) for r in same if r["year"] == _TAIL_YEAR)
        drawn = [float((f["part_b_payments"] > threshold * _MILLION).mean()) for f in first]
        mean, error = mean_and_error(drawn)
        yield Comparison(
            f"Part B above {threshold:g} million", cohort, mean, error, latest, min(shares),
            max(shares), "share", "asm_participant_part_b_tail.csv, 2019-2023",
        )  # fmt: skip


def _costs(plan: Plan, cohort: str, first: list[pd.DataFrame]) -> Iterator[Comparison]:
    """Mean and SD of the observed cost of those with enough episodes, at the base year's level."""
    cost = plan.scenario.population.cost
    years = plan.years[0] - cost.base_year.value
    deflator = (1 + cost.trend[cohort].value) ** years
    minimum = plan.scenario.rules.cost.case_minimum.at(plan.years[0])
    scored = [f.loc[f["episodes"] >= minimum, "episode_cost"] / deflator for f in first]
    mean, error = mean_and_error([float(values.mean()) for values in scored])
    yield _against("mean cost of an episode", cohort, mean, error, cost.mean[cohort])
    mean, error = mean_and_error([float(values.std()) for values in scored])
    yield _against("SD of the cost of an episode", cohort, mean, error, cost.sd[cohort])


def _benchmarks(plan: Plan, cohort: str, first: list[pd.DataFrame]) -> Iterator[Comparison]:
    """Percentiles of the observed rates of those with enough cases, by collection type."""
    scenario = plan.scenario
    quality = scenario.population.quality
    minimum = scenario.rules.quality.case_minimum.at(plan.years[0])
    percents = quality.percentile_probabilities.value
    for name in scenario.rules.cohorts[cohort].quality_measures.value:
        entry, column = quality.measures[name], name.lower()
        valid = [f[(f[f"{column}_cases"] >= minimum) & f[f"{column}_rate"].notna()] for f in first]
        if entry.normal is not None:
            for what, of, parameter in (
                ("median", pd.Series.median, entry.normal.location),
                ("SD", pd.Series.std, entry.normal.sd),
            ):
                mean, error = mean_and_error([float(of(f[f"{column}_rate"])) for f in valid])
                yield _against(f"{name} {what}", cohort, mean, error, parameter)
        for kind, distribution in (entry.distributions or {}).items():
            if distribution.percentiles is None:
                continue
            for percent in (10, 50, 90):
                published = distribution.percentiles.value[percents.index(percent)]
                drawn = [
                    float(np.percentile(group, percent))
                    for f in valid
                    if len(group := f.loc[f[f"{column}_collection_type"] == kind, f"{column}_rate"])
                ]
                mean, error = mean_and_error(drawn)
                yield Comparison(
                    f"{name} {kind} percentile {percent}", cohort, mean, error, published,
                    published - 5, published + 5, "percent",
                    f"{distribution.percentiles.source}; within 5 points (sampling noise is added)",
                )  # fmt: skip


def _persistence(plan: Plan) -> Iterator[Comparison]:
    """In the lowest quarter of the final score four years running."""
    scores = run_block(plan, plan.blocks()[0])["panel_final_score"][..., :_QUARTILE_YEARS]
    for cohort in plan.roster.cohorts:
        of_cohort = scores[:, plan.roster.slice_of(cohort)]
        quarter = np.nanpercentile(of_cohort, 25, axis=1, keepdims=True)
        always = (of_cohort <= quarter).all(axis=2).mean(axis=1)
        mean, error = mean_and_error([float(share) for share in always])
        yield Comparison(
            "lowest quarter four years running", cohort, mean, error, 0.075, 0.04, 0.11, "share",
            "JAMA Netw Open 2021, 4-11 % for most measures (groups)",
        )  # fmt: skip
