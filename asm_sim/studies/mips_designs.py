"""The designs of ASM and MIPS side by side: each rule in words with a simulated number beside it.

The numbers of the rules are read from the run's parameters. What is simulated is of all clinicians
of the run together; what is said of MIPS rests on its calibration of levels and on its rule staying
that of 2026 (see :mod:`asm_sim.studies.mips`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import rankdata

from asm_sim.errors import InputError
from asm_sim.results.clinicians import EVERYBODY
from asm_sim.results.describe import one_scenario
from asm_sim.results.statistics import WithError, round_to_error, with_error
from asm_sim.studies.estimates import (
    PANEL,
    PER_POINT,
    Floats,
    Linear,
    by_year,
    check_logistic,
    mean,
    mean_share,
    named,
    needed,
    parameter,
    ratio,
)
from asm_sim.studies.mips_levels import HIGHEST, LOWEST, PERCENT, SCALE, THRESHOLD
from asm_sim.studies.mips_panel import ASM, PROGRAMS, adjustments, final_scores, open_panel
from asm_sim.studies.panel import Measured, View

TRADITIONAL, PATHWAY = (program for program in PROGRAMS if program != ASM)
PAYMENT = "rules.payment"


class Feature(NamedTuple):
    """A row of the table: what is compared, and the number that stands for it."""

    title: str
    number: str
    units: str


FEATURES = {
    "standard": Feature("The standard", "score with an adjustment of zero", "points"),
    "peers": Feature(
        "Who is compared", "change of that score, first to last performance year", "points"
    ),
    "money": Feature(
        "What happens to the money", "net to Medicare, of payment-year Part B", "fraction"
    ),
    "measures": Feature("Measures", "mean final score", "points"),
    "range": Feature("Payment range", "adjustment at the highest score", "fraction"),
    "penalty_share": Feature("How many lose", "share with a penalty", "fraction"),
    "mean": Feature("Mean adjustment", "mean over clinicians", "fraction"),
    "sd": Feature("Spread", "SD over clinicians", "fraction"),
    "largest_penalty": Feature("Largest penalties paid", "5 % quantile", "fraction"),
    "largest_bonus": Feature("Largest bonuses paid", "95 % quantile", "fraction"),
    "rank_correlation": Feature(
        "Persistence", "rank correlation with the year before, mean of years", "1"
    ),
    "penalty_here_only": Feature(
        "A penalty here, none there", "share of those with a penalty", "fraction"
    ),
    "value_of_a_point": Feature(
        "What effort earns", "value of one point at the median final score", PER_POINT
    ),
}


def designs(ds: xr.Dataset, performance_year: int | None = None) -> xr.Dataset:
    """Each feature of ASM and of both forms of MIPS: the rule, and a number from the simulation.

    Dims (feature, program): ``rule`` (text), ``simulated`` (float64, in the units that the
    coordinate ``units`` names, fraction or points) and ``simulated_mcse``; ``feature_title`` and
    ``number`` say in words what is compared and what the number is. Of ``performance_year`` (by
    default the first), but for the change of the standard (nan with a single year) and the
    persistence (mean of years). ``penalty_here_only`` is against traditional MIPS for ASM, against
    ASM for MIPS. Scores at which the adjustment of ASM is zero, its adjustment at the highest score
    and its value of a point are means over cohorts weighted by clinicians. Raises
    :class:`InputError` for several scenarios, results without a panel, an unknown year, or an
    exchange function that is no logistic.
    """
    panel, programs = open_panel(ds, EVERYBODY, scores=True, pooled=True)
    run = one_scenario(ds)
    check_logistic(run)
    years = [int(year) for year in run["performance_year"].values]
    year = years[0] if performance_year is None else performance_year
    if year not in years:
        raise InputError(f"there is no performance year {year}; there are {years}")
    y = years.index(year)
    by_draw = panel.collect(lambda view: _outcomes(view, programs, y))
    by_draw = by_draw.isel(cohort=0, drop=True).assign_coords(program=list(PROGRAMS))
    median = by_draw["median"].sel(program=[TRADITIONAL, PATHWAY])
    found = {
        "money": ratio(by_draw["net"], by_draw["part_b"], PANEL),
        "measures": mean(by_draw["mean_score"], PANEL),
        "penalty_share": mean_share(by_draw["penalty"], PANEL),
        "mean": mean(by_draw["mean"], PANEL),
        "sd": mean(by_draw["sd"], PANEL),
        "largest_penalty": mean(by_draw["low"], PANEL),
        "largest_bonus": mean(by_draw["high"], PANEL),
        "rank_correlation": mean(by_draw["rank_correlation"], PANEL),
        "penalty_here_only": ratio(by_draw["here_only"], by_draw["penalty"], PANEL),
    }
    of_rules = _of_asm_rule(run, years, y)
    of_mips = _of_mips_rule(run, median)
    rows = []
    for feature in FEATURES:
        if feature in found:
            row = xr.Dataset(named("simulated", found[feature], "see units", "Simulated"))
        else:
            of_program = [
                xr.Dataset(named("simulated", one, "see units", "Simulated"))
                for one in (of_rules[feature], *of_mips[feature])
            ]
            row = xr.concat(
                of_program,
                xr.DataArray(list(PROGRAMS), dims="program", name="program"),
                coords="minimal", compat="override",
            )  # fmt: skip
        rows.append(row.drop_vars([name for name in row.coords if name != "program"]))
    result = xr.concat(rows, xr.DataArray(list(FEATURES), dims="feature", name="feature"))
    words = _words(run, year)
    result["rule"] = (("feature", "program"), [words[feature] for feature in FEATURES])
    columns = {name: [getattr(row, name) for row in FEATURES.values()] for name in Feature._fields}
    return result.assign_coords(
        feature_title=("feature", columns["title"]),
        number=("feature", columns["number"]),
        units=("feature", columns["units"]),
        program_title=("program", list(PROGRAMS.values())),
    ).assign_attrs(panel.attrs | {"performance_year": year})


def designs_table(result: xr.Dataset) -> pd.DataFrame:
    """What :func:`designs` returned, for reading: a row per feature, rule and number per program.

    Numbers are written with their errors, fractions in percent, and are numbers all the same.
    """
    columns: dict[tuple[str, str], list[str] | list[WithError]] = {}
    for program in result["program"].values:
        of = result.sel(program=program)
        title = str(of["program_title"].item())
        columns[title, "rule"] = [str(rule) for rule in of["rule"].values]
        columns[title, "simulated"] = [
            _written(float(value), float(error), str(units))
            for value, error, units in zip(
                of["simulated"].values, of["simulated_mcse"].values, of["units"].values, strict=True
            )
        ]
    names = [
        f"{title}: {number}"
        for title, number in zip(
            result["feature_title"].values, result["number"].values, strict=True
        )
    ]
    return pd.DataFrame(columns, index=pd.Index(names, name="feature"))


def _written(value: float, error: float, units: str) -> WithError:
    if units in {"fraction", PER_POINT}:
        return with_error(value, error, "percent")
    unit = " points" if units == "points" else ""
    return with_error(value, error, lambda *pair: round_to_error(*pair) + unit)


# Numbers


def _outcomes(view: View, programs: list[str], y: int) -> Measured:
    """Of everybody in one draw and year y, by program."""
    every = adjustments(view, programs)
    adjustment = every[:, :, y]
    score = final_scores(view, programs)[:, :, y]
    other = np.stack([adjustment[1], *[adjustment[0]] * (len(programs) - 1)])
    part_b = view["part_b"][:, y]
    low, high = np.quantile(adjustment, [0.05, 0.95], axis=1)
    values = {
        "net": -(adjustment * part_b).sum(axis=1),
        "part_b": np.full(len(programs), part_b.sum()),
        "mean_score": np.nanmean(score, axis=1),
        "median": np.nanmedian(score, axis=1),
        "penalty": (adjustment < 0).mean(axis=1),
        "mean": adjustment.mean(axis=1),
        "sd": adjustment.std(axis=1, ddof=1),
        "low": low,
        "high": high,
        "rank_correlation": np.array([_persistence(of_program) for of_program in every]),
        "here_only": ((adjustment < 0) & (other >= 0)).mean(axis=1),
    }
    return {name: (("program",), value) for name, value in values.items()}


def _persistence(adjustment: Floats) -> float:
    """Spearman's correlation with the year before, mean of years."""
    rank = rankdata(adjustment, axis=0)
    rank = rank - rank.mean(axis=0)
    spread = np.sqrt((rank**2).mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        pairs = (rank[:, 1:] * rank[:, :-1]).mean(axis=0) / (spread[1:] * spread[:-1])
    return float(pairs.mean()) if len(pairs) else float("nan")


def _of_asm_rule(run: xr.Dataset, years: list[int], y: int) -> dict[str, Linear]:
    """What the curve of ASM is in each draw; means over cohorts weighted by clinicians."""
    names = ["break_even_score", "adjustment_at_score", "median_final_score", "scaling_factor"]
    curve = needed(run, names)[names].load()
    members = run["clinician_cohort"].values.astype(str)
    sizes = np.array([(members == str(cohort)).sum() for cohort in run["cohort"].values])
    weights = xr.DataArray(sizes / sizes.sum(), {"cohort": run["cohort"].values}, "cohort")

    def of_all(values: xr.DataArray) -> Linear:
        values = values.drop_vars([name for name in values.coords if name not in values.dims])
        return mean((values * weights).sum("cohort", skipna=False))

    even = curve["break_even_score"]
    moved = even.isel(performance_year=-1) - even.isel(performance_year=0)
    at_highest = curve["adjustment_at_score"].isel(score=-1, performance_year=y)
    return {
        "standard": of_all(even.isel(performance_year=y)),
        "peers": of_all(moved if len(years) > 1 else moved * np.nan),
        "range": of_all(at_highest),
        "value_of_a_point": of_all(_slope_at_median(run, curve).isel(performance_year=y)),
    }


def _slope_at_median(run: xr.Dataset, curve: xr.Dataset) -> xr.DataArray:
    """Fraction per point: R S T (1 - T) times the slope of the log-odds of T; T = (A / R + 1) / S.

    The log-odds are taken to be linear between the scores of the grid, as they are for a logistic.
    """
    risk = by_year(run, f"{PAYMENT}.risk_level")
    transformed = (curve["adjustment_at_score"] / risk + 1.0) / curve["scaling_factor"]
    dims = ("draw", "cohort", "performance_year")
    share = transformed.transpose(*dims, "score").values.clip(1e-12, 1.0 - 1e-12)
    log_odds = np.log(share) - np.log1p(-share)
    grid = run["score"].values.astype(np.float64)
    median = curve["median_final_score"].transpose(*dims)
    points = median.values[..., np.newaxis]
    below = np.clip(np.searchsorted(grid, points, side="right") - 1, 0, len(grid) - 2)
    low, high = (np.take_along_axis(log_odds, below + i, axis=-1) for i in (0, 1))
    slope = ((high - low) / (grid[below + 1] - grid[below]))[..., 0]
    at = (low + slope[..., np.newaxis] * (points - grid[below]))[..., 0]
    there = 1.0 / (1.0 + np.exp(-at))
    return median.copy(data=there * (1.0 - there) * slope) * risk * curve["scaling_factor"]


def _of_mips_rule(run: xr.Dataset, median: xr.DataArray) -> dict[str, list[Linear]]:
    """What a point at the median is worth under MIPS, by form: fixed but for where that lies."""
    threshold, highest = parameter(run, THRESHOLD), parameter(run, HIGHEST)
    up = parameter(run, PERCENT) * parameter(run, SCALE) / (highest - threshold)
    down = np.where(
        median.values > parameter(run, LOWEST), parameter(run, PERCENT) / threshold, 0.0
    )
    slope = median.copy(data=np.where(median.values >= threshold, up, down))
    forms = [str(program) for program in median["program"].values]

    def fixed(value: float) -> list[Linear]:
        return [mean(0.0 * median.sel(program=form, drop=True) + value, PANEL) for form in forms]

    return {
        "standard": fixed(threshold),
        "peers": fixed(0.0),
        "range": fixed(up * (highest - threshold)),
        "value_of_a_point": [mean(slope.sel(program=form, drop=True), PANEL) for form in forms],
    }


# Words


def _words(run: xr.Dataset, year: int) -> dict[str, list[str]]:
    """The rule of each feature: ASM, traditional MIPS, value pathway."""
    risks = by_year(run, f"{PAYMENT}.risk_level")
    risk = 100.0 * float(risks.sel(performance_year=year))
    last = 100.0 * float(risks.isel(performance_year=-1))
    share = parameter(run, f"{PAYMENT}.redistribution_share")
    paid_out = 100.0 * float(share[str(year)] if isinstance(share, dict) else share)
    curve = {
        part: parameter(run, f"{PAYMENT}.exchange.{part}")
        for part in ("form", "midpoint", "steepness")
    }
    around, standard = f"the cohort's {curve['midpoint']}", f"the {curve['midpoint']} of the peers'"
    if curve["midpoint"] == "fixed":
        at = by_year(run, f"{PAYMENT}.exchange.fixed_midpoint").sel(performance_year=year)
        around, standard = f"{float(at):g} points", "what the pool can pay on the peers'"
    cap: Any = parameter(run, f"{PAYMENT}.cap")
    threshold, lowest = parameter(run, THRESHOLD), parameter(run, LOWEST)
    highest, scale = parameter(run, HIGHEST), parameter(run, SCALE)
    down = 100.0 * parameter(run, PERCENT)
    damped, group_score = (
        parameter(run, f"mips.levels.{name}") for name in ("group_share", "group_score")
    )
    fixed = f"fixed in advance: {threshold:g} points"
    top = "no cap" if cap == "none" else f"cap {cap}"
    same = "as in traditional MIPS"
    neutral = f"budget neutral over all of MIPS: bonuses times {scale:.3g}, an input here"
    ends = f"at most {down * scale:.3g} %, at {highest:g} points"
    slopes = f"{down:g} % over the {threshold:g} points below the threshold, "
    slopes += f"{down * scale:.3g} % over the {highest - threshold:g} above it"
    own_change = f"benchmarks fixed; below {group_score:g} points a clinician's own change counts "
    own_change += f"{100 * (1 - damped):.3g} % in a practice that can report as a group"
    logistic = f"{curve['form']} around {around}, "
    logistic += f"steepness {curve['steepness']:g} a point"
    return {
        "standard": [f"not fixed: {standard} scores", fixed, fixed],
        "peers": [
            "the cohort's clinicians with each other, benchmarks of the same year",
            "each alone with national benchmarks fixed in advance",
            same,
        ],
        "money": [
            f"{paid_out:g} % of what is at risk is paid out, {100 - paid_out:.3g} % kept",
            neutral,
            same,
        ],
        "measures": [
            "all of a fixed set; one that is not reported earns nothing",
            "chosen: one that is not reported does not count while another is",
            "a fixed set; one that is not reported earns nothing",
        ],
        "range": [
            f"-{risk:g} % ({year}; {last:g} % in the last year) upward, {top}",
            f"-{down:g} % to +{down * scale:.3g} % ({down:g} % times the scale)",
            same,
        ],
        "penalty_share": [
            "below the score at which the pool breaks even",
            f"below {threshold:g} points",
            same,
        ],
        "mean": [
            f"weighted by payments, -{(100 - paid_out) * risk / 100:.3g} %, whatever the scores",
            "what the scores make it",
            same,
        ],
        "sd": [f"{logistic}, times {risk:g} %", slopes, same],
        "largest_penalty": [
            f"at most {risk:g} %, at a score of zero",
            f"at most {down:g} %, at {lowest:g} points or less",
            same,
        ],
        "largest_bonus": [f"what the pool affords: {top}", ends, same],
        "rank_correlation": ["benchmarks and peers of each year", own_change, same],
        "penalty_here_only": [
            "none in traditional MIPS",
            "none in ASM",
            "none in ASM",
        ],
        "value_of_a_point": [logistic, slopes, same],
    }
