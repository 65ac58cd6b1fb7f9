"""Published results on measurement, simulated on the test bed (see ``bench``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from asm_sim.reproductions.bench import (
    COHORT,
    FORM,
    MEAN_COST,
    MEASURE,
    MIDDLE,
    RELIABILITY,
    SD_COST,
    SD_SCORE,
    SHARE_PAID_OUT,
    STATED_AT,
    Bench,
    Floats,
    scores,
)
from asm_sim.reproductions.published import Result
from asm_sim.results.moments import mean_and_error
from asm_sim.special_functions import ndtri
from asm_sim.studies import chance, closed_forms, normal, volatility

PERCENT = 100.0
Flags = npt.NDArray[np.bool_]
Numbers = list[tuple[float, float]]  # each with its Monte Carlo error, over draws


def over_draws(values: Floats | Flags) -> tuple[float, float]:
    """Mean over draws [draws, ...] and its error; what lies within a draw is averaged first."""
    return mean_and_error(values.reshape(len(values), -1).mean(axis=1))


# 3. A fixed standard: Hayward and others 2007


def _against_standards(
    bench: Bench, result: Result, share: Callable[[Flags, Flags], Flags]
) -> Numbers:
    """``share`` of observed and true adjustments, each true share with a standard of its own.

    The standard is the threshold of the exchange, one in each performance year; truth and
    observation are scored against the same national median and SD.
    """
    reliability, found = result.number("reliability"), []
    years = range(2027, 2032)
    for first in range(0, len(result.at), len(years)):
        some = result.at[first : first + len(years)]
        standards = [
            MIDDLE + SD_SCORE * np.sqrt(reliability) * float(ndtri(1 - true)) for true in some
        ]
        standards += [MIDDLE] * (len(years) - len(some))
        ds = bench.run(
            {
                RELIABILITY: reliability,
                "rules.cost.benchmark_reference": "national",
                f"rules.cost.national.{MEASURE}.median": MEAN_COST,
                f"rules.cost.national.{MEASURE}.standard_deviation": SD_COST,
                FORM: "threshold",
                "rules.payment.exchange.threshold": dict(zip(years, standards, strict=True)),
            }
        )
        observed, true = (
            ds[f"panel_{name}"].transpose("performance_year", "draw_sample", "clinician").values
            for name in ("adjustment", "true_adjustment")
        )
        found += [over_draws(share(observed[y] >= 0, true[y] >= 0)) for y in range(len(some))]
    return found


def hayward_estimated(bench: Bench, result: Result) -> Numbers:
    return _against_standards(bench, result, lambda seeming, _: seeming)


def hayward_true_positives(bench: Bench, result: Result) -> Numbers:
    return _against_standards(bench, result, lambda seeming, true: seeming & true)


def hayward_false_positives(bench: Bench, result: Result) -> Numbers:
    return _against_standards(bench, result, lambda seeming, true: seeming & ~true)


def hayward_estimated_form(result: Result) -> list[float]:
    return _floats(normal.above_standard(result.at, result.number("reliability"))[0])


def hayward_true_positives_form(result: Result) -> list[float]:
    return _floats(normal.above_standard(result.at, result.number("reliability"))[1])


def hayward_false_positives_form(result: Result) -> list[float]:
    seeming, true = normal.above_standard(result.at, result.number("reliability"))
    return _floats(seeming - true)


# 4. A label for the cheapest quarter: Adams and others 2010


def _labelled(bench: Bench, result: Result) -> xr.Dataset:
    """Ranks decide, and so much is paid out that exactly the best quarter gains."""
    share = 1.0 / (2.0 * (1.0 - result.number("label")))
    return bench.run(
        {RELIABILITY: result.number("reliability"), FORM: "rank", SHARE_PAID_OUT: share}
    )


def adams_labelled(bench: Bench, result: Result) -> Numbers:
    tiers = chance.tiers(_labelled(bench, result), [1.0 - result.number("label")])
    best = tiers.sel(tier=2, group="all", cohort=COHORT)
    return [_pooled(best, "false_discovery_rate")]


def adams_labelled_form(result: Result) -> list[float]:
    label = result.number("label")
    return [float(normal.wrong_tier(label, result.number("reliability"))) / (2.0 * label)]


def adams_misclassified(bench: Bench, result: Result) -> Numbers:
    wrong = _labelled(bench, result)["misclassified_share"].sel(cohort=COHORT)
    return [over_draws(wrong.transpose("draw", "performance_year").values)]


def adams_misclassified_form(result: Result) -> list[float]:
    return [float(normal.wrong_tier(result.number("label"), result.number("reliability")))]


# 5 to 7, 14. Reliability by the number of observations


def patients(bench: Bench, result: Result) -> Numbers:
    """Reliability at these numbers of episodes, where clinicians make so much of the variance."""
    found = []
    for share, number in zip(result.numbers("shares"), result.at, strict=True):
        settings = {RELIABILITY: share, STATED_AT: 1, "rules.cost.case_minimum": 1}
        found.append(_reliability(bench.run(settings, episodes=number)))
    return found


def patients_form(result: Result) -> list[float]:
    kappa = normal.kappa_of_share(result.numbers("shares"))
    return _floats(normal.reliability_at(kappa, result.at))


def beta_binomial(bench: Bench, result: Result) -> Numbers:
    """One measure that everybody reports in one way, scored by its distance from the median."""
    measure = "Q236"
    others = ("Q492", "Q008", "Q005", "Q377")
    found = []
    for mean, sd, cases in _rates(result):
        settings = {
            **{f"rules.measures.{name}.suspended": 1 for name in others},
            f"rules.measures.{measure}.scoring": "standard_deviation",
            "rules.final_score.weight_quality": 1.0,
            "rules.final_score.weight_cost": 0.0,
            "rules.quality.case_minimum": 1,
            "rules.quality.standard_deviation_curve.z": [-6.0, 6.0],
            "rules.quality.standard_deviation_curve.points": [10.0, 0.0],
            "rules.quality.standard_deviation_curve.anchor": 5.0,
            "population.practice.ecqm_share": 0.0,
            "population.cases.sigma": 0.0,
            "population.quality.drift": 0.0,
            f"population.quality.measures.{measure}.cases_median": cases,
            f"population.quality.measures.{measure}.distributions.cqm.mean": mean,
            f"population.quality.measures.{measure}.distributions.cqm.sd": sd,
        }
        found.append(_reliability(bench.run(settings)))
    return found


def beta_binomial_form(result: Result) -> list[float]:
    """n / (n + a + b): the beta distribution has a + b = m (1 - m) / SD^2 - 1."""
    found = []
    for mean, sd, cases in _rates(result):
        share = mean / PERCENT
        both = share * (1.0 - share) / (sd / PERCENT) ** 2 - 1.0
        found.append(cases / (cases + both))
    return found


def _rates(result: Result) -> list[tuple[float, float, float]]:
    """Mean and SD of true rates in percent, and the number of cases."""
    return list(zip(*(result.numbers(name) for name in ("means", "sds", "cases")), strict=True))


def _reliability(ds: xr.Dataset) -> tuple[float, float]:
    """Squared correlation over clinicians of observed and noise-free score, of draws and years."""
    observed, true = (of - of.mean(axis=1, keepdims=True) for of in scores(ds))
    squares = (observed**2).sum(axis=1) * (true**2).sum(axis=1)
    return over_draws((observed * true).sum(axis=1) ** 2 / squares)


# 8. Low for years


def lowest_quarter(bench: Bench, result: Result) -> Numbers:
    years, found = int(result.number("years")), []
    for alike in result.at:
        observed = scores(_by_rank(bench, alike))[0][..., :years]
        below = np.quantile(observed, result.number("quarter"), axis=1, keepdims=True)
        found.append(over_draws(np.asarray((observed <= below).all(axis=2))))
    return found


def lowest_quarter_form(result: Result) -> list[float]:
    cut, years = ndtri(result.number("quarter")), int(result.number("years"))
    return _floats(normal.years_below(cut, result.at, years)[:, -1])


def _by_rank(bench: Bench, reliability: float, share_paid_out: float = 0.85) -> xr.Dataset:
    settings = {RELIABILITY: reliability, FORM: "rank", SHARE_PAID_OUT: share_paid_out}
    return bench.run(settings)


# 11. Percentiles of truly median scores: Rogosa 1999


def rogosa(bench: Bench, result: Result) -> Numbers:
    """Of those truly within five percentiles of the middle, who are measured farther off."""
    points, found = result.number("points"), []
    for reliability in result.at:
        observed, true = (_percentiles(of) for of in scores(_by_rank(bench, reliability)))
        near = abs(true - 0.5) < 0.05
        off = near & (abs(observed - true) > points)
        found.append(over_draws(off.sum(axis=1) / near.sum(axis=1)))
    return found


def rogosa_form(result: Result) -> list[float]:
    return _floats(normal.off_by_more(result.number("points"), result.at))


def _percentiles(values: Floats) -> Floats:
    """The share below, among the clinicians of a draw and year (axis 1)."""
    ranks = values.argsort(axis=1).argsort(axis=1)
    return np.asarray((ranks + 0.5) / values.shape[1])


# 12. Two measurements, by the studies


def two_measurements(bench: Bench, result: Result) -> Numbers:
    ds = _by_rank(bench, result.number("reliability"), result.number("share_paid_out"))
    yearly = [
        over_draws(ds[name].sel(cohort=COHORT).transpose("draw", "performance_year").values)
        for name in ("misclassified_quintile_share", "rank_correlation_with_truth")
    ]
    of_years = volatility.year_to_year(ds).sel(cohort=COHORT)
    stay = volatility.transitions(ds).sel(cohort=COHORT, from_quintile=1, to_quintile=1)
    bad = volatility.penalty_years(ds).sel(cohort=COHORT, group="all")
    return [
        *yearly,
        _number(of_years, "rank_correlation_all_years"),
        _number(stay, "transition"),
        _number(of_years, "sign_change_share_all_years"),
        *(_number(bad.sel(n_years=number), "probability") for number in bad["n_years"].values),
    ]


def two_measurements_form(result: Result) -> list[float]:
    r, share = result.number("reliability"), result.number("share_paid_out")
    fifths = [0.2, 0.4, 0.6, 0.8]
    cut = float(ndtri(1.0 / (2.0 * share)))  # ranks break even where 2 rho times the share is 1
    return [
        1.0 - float(np.trace(normal.in_same_tiers(fifths, r))),
        float(normal.rank_correlation(np.sqrt(r))),
        float(normal.rank_correlation(r)),
        float(normal.in_same_tiers(fifths, r**2)[0, 0]) / 0.2,
        float(closed_forms.sign_change(cut, r)),
        *_floats(normal.years_below(cut, r, 5)),
    ]


# 13. A tournament of ranks, by probe clinicians


def rank_tournament(bench: Bench, result: Result) -> Numbers:
    episodes, kappa = result.number("episodes"), result.number("kappa")
    settings = {RELIABILITY: 0.5, STATED_AT: kappa, FORM: "rank"}
    settings |= {SHARE_PAID_OUT: result.number("share_paid_out")}
    ds = bench.run(settings, episodes=episodes, lens=True).sel(cohort=COHORT)
    found = []
    for level in result.at:
        probe = (ds["probe_level"] == level) & (ds["probe_gain"] == 0)
        probe &= ds["probe_episodes"] == episodes
        paid = ds["probe_adjustment"].isel(probe=int(probe.values.argmax()))
        values = paid.transpose("lens_draw", "performance_year", "replicate").values
        found.append(over_draws(PERCENT * values.astype(np.float64)))
    return found


def rank_tournament_form(result: Result) -> list[float]:
    n = result.number("episodes")
    prize = closed_forms.rank_prize(
        result.at,
        result.number("risk_level"),
        result.number("share_paid_out"),
        result.number("kappa"),
        n,
        n,
    )
    return _floats(PERCENT * prize)


def _number(found: xr.Dataset, name: str) -> tuple[float, float]:
    return float(found[name]), float(found[f"{name}_mcse"])


def _pooled(found: xr.Dataset, name: str) -> tuple[float, float]:
    """The mean of performance years, with the error of one year: they share their clinicians."""
    return float(found[name].mean()), float(found[f"{name}_mcse"].mean())


def _floats(values: Sequence[float] | Floats) -> list[float]:
    return [float(value) for value in np.atleast_1d(np.asarray(values, dtype=np.float64))]
