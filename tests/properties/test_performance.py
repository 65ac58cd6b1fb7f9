"""True and observed performance: published distributions, reliability, closed forms."""

from __future__ import annotations

import csv
import itertools
import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from asm_sim.population.load import DATA, load_population
from tests.properties.sample import Sample, cohort_of, draw_sample, plan_with, sample

POPULATION, _ = load_population()
KINDS = {"ecqm": "eCQM", "cqm": "MIPS CQM"}
PERCENTILES = ("p1", "p10", "p20", "p30", "p40", "p50", "p60", "p70", "p80", "p90", "p99")
MEASURES = {
    "HF": ["Q492", "Q008", "Q005", "Q236", "Q377"],
    "LBP": ["Q238", "Q134", "Q128", "Q220"],
}
COST = {"HF": (14803.41, 3879.43, 0.5, 0.058), "LBP": (2033.37, 618.48, 0.55, 0.043)}


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    with (DATA / name).open() as file:
        return tuple(csv.DictReader(file))


def benchmark(measure: str, kind: str) -> dict[str, str]:
    """CMS's row of 2026; 2025 where 2026 is missing."""
    rows = {
        int(row["year"]): row
        for row in table("mips_benchmarks_asm_measures.csv")
        if row["measure_id"] == measure[1:] and row["collection_type"] == KINDS[kind]
    }
    return rows[2026] if 2026 in rows else rows[2025]


DISTRIBUTIONS = [
    (cohort, measure, kind)
    for cohort, measures in MEASURES.items()
    for measure in measures
    for kind in (POPULATION.quality.measures[measure].distributions or {})
]


# The numbers in the YAML are those of the data


@pytest.mark.parametrize(("_cohort", "measure", "kind"), DISTRIBUTIONS)
def test_distributions_are_those_of_the_benchmark_file(
    _cohort: str, measure: str, kind: str
) -> None:
    entry = (POPULATION.quality.measures[measure].distributions or {})[kind]
    row = benchmark(measure, kind)
    if entry.percentiles is not None:
        assert row["cutpoint_basis"] == "percentile"
        assert entry.percentiles.value == [float(row[name]) for name in PERCENTILES]
    else:  # flat cut points say nothing of the distribution
        assert row["cutpoint_basis"] == "flat"
        assert entry.mean is not None
        assert entry.sd is not None
        assert entry.mean.value == pytest.approx(float(row["average"]), abs=0.1)
        assert entry.sd.value == pytest.approx(float(row["standard_deviation"]), abs=0.1)


def test_every_distribution_in_the_benchmark_file_is_used() -> None:
    in_file = {
        (f"Q{row['measure_id']}", kind)
        for row in table("mips_benchmarks_asm_measures.csv")
        for kind, name in KINDS.items()
        if row["collection_type"] == name and row["year"] in {"2025", "2026"}
    }
    assert in_file == {(measure, kind) for _, measure, kind in DISTRIBUTIONS}


def test_percentiles_are_taken_where_the_file_has_them() -> None:
    wanted = [float(name[1:]) for name in PERCENTILES]
    assert POPULATION.quality.percentile_probabilities.value == wanted


@pytest.mark.parametrize("cohort", ["HF", "LBP"])
def test_costs_are_those_of_the_data(cohort: str) -> None:
    row = next(
        row
        for row in table("cost_measure_distribution.csv")
        if row["measure_id"] == f"COST_{cohort}_1"
        and row["performance_year"] == str(POPULATION.cost.base_year.value)
    )
    assert POPULATION.cost.mean[cohort].value == float(row["mean_of_entity_scores"])
    assert POPULATION.cost.sd[cohort].value == float(row["sd_derived"])
    assert POPULATION.cost.sd[cohort].high == pytest.approx(1.3 * float(row["sd_derived"]), abs=0.1)
    before = next(
        row
        for row in table("cost_measure_distribution.csv")
        if row["measure_id"] == f"COST_{cohort}_1" and row["performance_year"] == "2024"
    )
    change = float(row["median_derived"]) / float(before["median_derived"]) - 1
    assert POPULATION.cost.trend[cohort].value == pytest.approx(change, abs=0.0006)


def test_admissions_are_those_of_the_data() -> None:
    row = next(r for r in table("cost_measure_distribution.csv") if "492" in r["measure_id"])
    normal = POPULATION.quality.measures["Q492"].normal
    assert normal is not None
    assert normal.location.value == float(row["median_derived"])
    assert normal.sd.value == float(row["sd_derived"])


# Quality


@pytest.mark.parametrize(("cohort", "measure", "kind"), DISTRIBUTIONS)
def test_true_rates_have_cms_percentiles(cohort: str, measure: str, kind: str) -> None:
    """In the first year, per collection type; percentiles that coincide hold their whole mass."""
    seen = sample(cohort)
    m = MEASURES[cohort].index(measure)
    of_kind = seen.collection[:, 0, m] == list(KINDS).index(kind)
    rates = seen.true_rate[:, 0, m][of_kind]
    rates = rates[~np.isnan(rates)]
    assert len(rates) > 5000
    entry = (POPULATION.quality.measures[measure].distributions or {})[kind]
    probabilities = np.array([float(name[1:]) for name in PERCENTILES]) / 100
    if entry.percentiles is not None:
        published = np.array(entry.percentiles.value)
    else:
        published = 100 * stats.beta(*beta_of(68.7, 20.2)).ppf(probabilities)
    for rate, probability in zip(published, probabilities, strict=True):
        assert (rates < rate - 1e-9).mean() <= probability + 0.02
        assert (rates <= rate + 1e-9).mean() >= probability - 0.02
    assert rates.min() >= published[0] - 1e-9
    assert rates.max() <= published[-1] + 1e-9


def beta_of(mean: float, sd: float) -> tuple[float, float]:
    """Parameters of a beta distribution in percent; checked by its moments."""
    share, size = mean / 100, (mean / 100) * (1 - mean / 100) / (sd / 100) ** 2 - 1
    a, b = share * size, (1 - share) * size
    assert stats.beta(a, b).mean() == pytest.approx(mean / 100)
    assert stats.beta(a, b).std() == pytest.approx(sd / 100)
    return a, b


def test_better_quality_is_a_lower_rate_of_an_inverse_measure() -> None:
    """Measures share the clinician's quality: Q238 (inverse) goes down where Q134 goes up."""
    seen = sample("LBP").true_rate[:, 0]
    both = ~np.isnan(seen[:, 0]) & ~np.isnan(seen[:, 1])
    assert stats.spearmanr(seen[:, 0][both], seen[:, 1][both]).statistic < -0.15
    both = ~np.isnan(seen[:, 2]) & ~np.isnan(seen[:, 1])
    assert stats.spearmanr(seen[:, 2][both], seen[:, 1][both]).statistic > 0.15


def test_rates_drift_toward_better() -> None:
    """By .05 SDs of latent quality a year, everybody: seen where nothing else changes."""
    lasting = (("population.quality.permanent_share", 1.0),)
    seen, quality = sample("HF", 2, lasting), cohort_of(plan_with(lasting), "HF").model.quality
    years = np.arange(5)[:, None]
    admissions = seen.true_rate[:, :, 0]
    gain = admissions - admissions[:, :1] - 0.05 * quality.normal_signal[0] * years
    assert np.isfinite(gain).mean() > 0.9
    np.testing.assert_allclose(gain[np.isfinite(gain)], 0.0, atol=1e-9)
    assert quality.normal_signal[0] < 0
    pressure, by_ecqm = seen.true_rate[:, :, 3], seen.collection[:, :, 3] == 0
    table = quality.knot_rate[3, : len(quality.knot_z)]
    inside = by_ecqm & (pressure > table[0]) & (pressure < table[-1])
    level = np.where(inside, np.interp(pressure, table, quality.knot_z), np.nan)
    gain = level - level[:, :1] - 0.05 * years
    assert np.isfinite(gain).mean() > 0.4
    np.testing.assert_allclose(gain[np.isfinite(gain)], 0.0, atol=1e-9)
    assert np.nanmax(sample("HF").true_rate[:, :, 1:]) == 100
    assert np.nanmin(sample("LBP").true_rate) == 0


def test_observed_rates_are_binomial() -> None:
    """Unbiased, in whole cases, with the variance p (1 - p) / n."""
    seen = sample("HF")
    for m in range(1, 5):
        known = ~np.isnan(seen.rate[:, 0, m])
        rate, true, n = (a[:, 0, m][known] for a in (seen.rate, seen.true_rate, seen.cases))
        hits = rate / 100 * n
        np.testing.assert_allclose(hits, np.round(hits), atol=1e-9)
        p = true / 100
        inside = (p > 0) & (p < 1)
        z = (hits - n * p)[inside] / np.sqrt((n * p * (1 - p))[inside])
        assert abs(z.mean()) < 4 / np.sqrt(len(z))
        assert z.var() == pytest.approx(1, abs=0.12)
        np.testing.assert_array_equal(hits[~inside], (n * p)[~inside])


def test_admissions_have_their_published_spread_and_reliability() -> None:
    """Median 66.84, SD 4.28 with noise; reliability .3 at 30 patients, so n / (n + 70)."""
    seen = sample("HF", 16)
    rate, true, n = (a[:, 0, 0] for a in (seen.rate, seen.true_rate, seen.cases))
    measured = n >= 20
    assert np.median(rate[measured]) == pytest.approx(66.84, abs=0.1)
    assert rate[measured].std() == pytest.approx(4.28, rel=0.02)
    noise = (rate - true)[measured] * np.sqrt(n[measured])
    ratio = noise.var() / true[measured].var()
    assert ratio == pytest.approx(30 * 0.7 / 0.3, rel=0.05)


def quality_z(seen: Sample) -> np.ndarray:
    """Latent quality of the admissions measure, [draw, year, n]: its rate is linear in it."""
    rate = seen.true_rate[:, :, 0]
    centred = rate - np.nanmean(rate, axis=(0, 2), keepdims=True)
    return -centred / np.nanstd(centred)


def test_quality_over_the_years() -> None:
    """A permanent share and an AR(1)."""
    share = POPULATION.quality.permanent_share.value
    phi = POPULATION.quality.persistence.value
    z = quality_z(sample("HF"))
    for lag in (1, 2, 4):
        known = ~np.isnan(z[:, 0]) & ~np.isnan(z[:, lag])
        seen = np.corrcoef(z[:, 0][known], z[:, lag][known])[0, 1]
        assert seen == pytest.approx(share + (1 - share) * phi**lag, abs=0.02)


def test_quality_within_a_practice() -> None:
    """.4 of the variance is the clinician's, of that .3 the practice's: a correlation of .12."""
    plan = plan_with()
    practice = plan.roster.practice[plan.roster.slice_of("HF")]
    order = np.argsort(practice, kind="stable")
    pairs = [(a, b) for a, b in itertools.pairwise(order) if practice[a] == practice[b]][::2]
    a, b = np.array(pairs).T
    z = quality_z(sample("HF", 16))[:, 0]
    known = ~np.isnan(z[:, a]) & ~np.isnan(z[:, b])
    assert np.corrcoef(z[:, a][known], z[:, b][known])[0, 1] == pytest.approx(0.12, abs=0.04)


# Cost


@pytest.mark.parametrize("cohort", ["HF", "LBP"])
def test_cost_has_the_published_mean_and_spread(cohort: str) -> None:
    """Over clinicians with 20 or more episodes, in dollars of the base year.

    The noise of an episode is proportional to the true cost, which adds a little less than 1 % to
    the SD: E[true^2] is above mean^2.
    """
    mean, sd, _, trend = COST[cohort]
    seen = sample(cohort, 16)
    cost = seen.episode_cost[:, 0] / (1 + trend) ** (2027 - 2025)
    cost = cost[seen.episodes[:, 0] >= 20]
    assert cost.mean() == pytest.approx(mean, rel=0.005)
    assert cost.std() == pytest.approx(sd, rel=0.025)
    true = seen.true_cost.mean(axis=(0, 2))
    assert true[1:] / true[:-1] == pytest.approx([1 + trend] * 4, abs=0.004)


@pytest.mark.parametrize("cohort", ["HF", "LBP"])
def test_cost_over_the_years(cohort: str) -> None:
    """Half permanent, half AR(1) with .6: .80 from one year to the next."""
    logs = np.log(sample(cohort).true_cost)
    for lag in (1, 2, 4):
        seen = np.corrcoef(logs[:, 0].ravel(), logs[:, lag].ravel())[0, 1]
        assert seen == pytest.approx(0.5 + 0.5 * 0.6**lag, abs=0.015)


@cache
def at_mean_episodes(cohort: str, episodes: float) -> tuple[Sample, Any]:
    """Everyone with the same expected number of episodes."""
    part = cohort_of(plan_with(), cohort)
    volume = part.model.volume._replace(
        episodes_minimum=episodes,
        episodes_log_mean=-40.0,
        episodes_sigma=0.0,
        episodes_drift_sd=0.0,
    )
    model = part.model._replace(volume=volume)
    changed = replace(part, model=model)
    return draw_sample(changed, 5), model


@pytest.mark.parametrize("cohort", ["HF", "LBP"])
@pytest.mark.parametrize("episodes", [10, 20, 60])
def test_reliability_is_n_over_n_plus_kappa(cohort: str, episodes: int) -> None:
    """Squared correlation of observed and true cost among those with exactly n episodes.

    On the log scale both are normal and it is sigma^2 / (sigma^2 + ln(1 + cv^2 / n)); in dollars
    n / (n + kappa), within the small share of the lognormal's skew.
    """
    seen, model = at_mean_episodes(cohort, float(episodes))
    exactly = seen.episodes == episodes
    observed, true = seen.episode_cost[exactly], seen.true_cost[exactly]
    # Years have different medians: take them out.
    year = np.broadcast_to(np.arange(5)[None, :, None], seen.episodes.shape)[exactly]
    observed, true = observed / model.cost.median[year], true / model.cost.median[year]
    logs = np.corrcoef(np.log(observed), np.log(true))[0, 1] ** 2
    signal, noise = model.cost.sigma**2, math.log1p(model.cost.cv**2 / episodes)
    error = 4 * 2 * math.sqrt(logs) * (1 - logs) / math.sqrt(exactly.sum())
    assert logs == pytest.approx(signal / (signal + noise), abs=error)
    at_20 = COST[cohort][2]
    kappa = 20 * (1 - at_20) / at_20
    levels = np.corrcoef(observed, true)[0, 1] ** 2
    assert levels == pytest.approx(episodes / (episodes + kappa), abs=error + 0.02)


@pytest.mark.parametrize("cohort", ["HF", "LBP"])
@pytest.mark.parametrize("episodes", [20, 60])
def test_two_tiers_are_misclassified_as_often_as_theory_says(cohort: str, episodes: int) -> None:
    """Normal signal and noise with reliability r: on the wrong side with arccos(sqrt r) / pi."""
    seen, model = at_mean_episodes(cohort, float(episodes))
    exactly = seen.episodes == episodes
    year = np.broadcast_to(np.arange(5)[None, :, None], seen.episodes.shape)[exactly]
    true = np.log(seen.true_cost[exactly] / model.cost.median[year])
    observed = np.log(seen.episode_cost[exactly] / model.cost.median[year])
    noise = math.log1p(model.cost.cv**2 / episodes)
    wrong = ((true > 0) != (observed > -noise / 2)).mean()
    reliability = model.cost.sigma**2 / (model.cost.sigma**2 + noise)
    expected = math.acos(math.sqrt(reliability)) / math.pi
    error = 4 * math.sqrt(expected * (1 - expected) / exactly.sum())
    assert wrong == pytest.approx(expected, abs=error)


def test_cost_can_go_with_quality() -> None:
    settings = (("population.cost.correlation_with_quality", -0.3),)
    seen = sample("HF", 4, settings)
    z = quality_z(seen)[:, 0]
    known = ~np.isnan(z)
    # The clinician's common factor is .4 of the variance of a measure's latent quality.
    expected = -0.3 * math.sqrt(0.4)
    logs = np.log(seen.true_cost[:, 0])
    assert np.corrcoef(logs[known], z[known])[0, 1] == pytest.approx(expected, abs=0.035)
