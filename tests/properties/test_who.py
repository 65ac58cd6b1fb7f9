"""Who the clinicians are: shares, spreads and correlations come out as the population says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from asm_sim.engine.plan import make_plan
from asm_sim.errors import InputError
from asm_sim.population import performance
from asm_sim.scenario.load import load_scenario
from tests.properties.sample import cohort_of, plan_with, sample

COHORTS = ("HF", "LBP")


def test_the_shipped_roster() -> None:
    """The CY 2027 preliminary list: 2,607 and 3,903 clinicians in 2,578 practices."""
    roster = plan_with().roster
    assert roster.cohorts == COHORTS
    assert [(roster.cohort == c).sum() for c in range(2)] == [2607, 3903]
    assert len(roster.practice_id) == 2578
    small = roster.practice_small[roster.practice]
    assert small[roster.cohort == 0].sum() == 730  # calibration_parameters.csv
    assert len(set(zip(roster.cohort, roster.clinician_id, strict=True))) == 6510


@pytest.mark.parametrize(("cohort", "share"), [("HF", 0.10), ("LBP", 0.15)])
def test_share_that_practises_alone(cohort: str, share: float) -> None:
    seen = sample(cohort).practice_size[:, 0] == 1
    assert seen.mean() == pytest.approx(share, abs=0.006)


@pytest.mark.parametrize(("cohort", "share"), [("HF", 0.15), ("LBP", 0.08)])
def test_share_with_a_special_status(cohort: str, share: float) -> None:
    seen = sample(cohort).special_status
    assert seen[:, 0].mean() == pytest.approx(share, abs=0.006)
    assert (seen == seen[:, :1]).all()  # the same in all years
    nobody = (("population.special_status.share", 0),)
    assert sample(cohort, 2, nobody).special_status.max() == 0


@pytest.mark.parametrize("cohort", COHORTS)
def test_practice_sizes_fit_flag_and_list(cohort: str) -> None:
    roster = plan_with().roster
    practice = roster.practice[roster.slice_of(cohort)]
    small, listed = roster.practice_small[practice], roster.practice_listed[practice]
    size = sample(cohort).practice_size[:, 0]
    assert (size[:, small] <= 15).all()
    assert (size[:, ~small] > 15).all()
    assert (size[:, small & (listed > 1)] > 1).all()
    fits = np.where(small, np.minimum(listed, 15), listed)
    assert (size >= fits).all()


@pytest.mark.parametrize("cohort", COHORTS)
def test_dual_share_has_the_published_quintile_means(cohort: str) -> None:
    """.066, .218 (middle three) and .520: Khullar, JAMA 2020; the fit gives .065, .219 and .520."""
    share = np.sort(sample(cohort).dual_share[:, 0].ravel())
    fifth = len(share) // 5
    assert share[:fifth].mean() == pytest.approx(0.066, abs=0.003)
    assert share[fifth:-fifth].mean() == pytest.approx(0.218, abs=0.004)
    assert share[-fifth:].mean() == pytest.approx(0.520, abs=0.008)


def test_hcc_scores_by_specialty() -> None:
    seen = sample("LBP")
    patients = plan_with().scenario.population.patients
    for s, name in enumerate(plan_with().scenario.population.specialty_mix["LBP"]):
        score = seen.hcc_risk_score[:, 0][seen.specialty[:, 0] == s]
        mean, sd = patients.hcc_mean[name].value, patients.hcc_sd[name].value
        floor = (0.5 - mean) / sd  # censored there
        expected = mean + sd * (stats.norm.pdf(floor) + floor * stats.norm.cdf(floor))
        assert score.mean() == pytest.approx(expected, abs=0.03)
        assert score.min() >= 0.5


def test_specialties_come_in_their_shares() -> None:
    """Drawn by practice, so clinicians vary more than a multinomial would."""
    mix = plan_with().scenario.population.specialty_mix["LBP"]
    seen = sample("LBP").specialty[:, 0]
    for s, share in enumerate(mix.values()):
        assert (seen == s).mean() == pytest.approx(share.value, abs=0.025)


@pytest.mark.parametrize(("cohort", "mean", "sigma"), [("HF", 270_000, 0.9), ("LBP", 175_000, 0.7)])
def test_part_b(cohort: str, mean: float, sigma: float) -> None:
    seen = sample(cohort).part_b_payments
    assert seen[:, 0].mean() == pytest.approx(mean, rel=0.03)
    assert np.log(seen[:, 0]).std() == pytest.approx(sigma, rel=0.02)
    change = np.diff(np.log(seen), axis=1)
    assert change.std() == pytest.approx(0.20, rel=0.01)
    assert np.exp(change).mean() == pytest.approx(0.98, abs=0.002)
    independent = np.corrcoef(change[:, 0].ravel(), change[:, 1].ravel())[0, 1]
    assert abs(independent) < 0.03


@pytest.mark.parametrize("cohort", COHORTS)
def test_payment_years_go_on_where_performance_years_end(cohort: str) -> None:
    seen = sample(cohort)
    np.testing.assert_array_equal(seen.part_b_later[:, :3], seen.part_b_payments[:, 2:])
    change = np.log(seen.part_b_later[:, 3:] / seen.part_b_later[:, 2:-1])
    assert change.std() == pytest.approx(0.20, rel=0.01)


@pytest.mark.parametrize("cohort", COHORTS)
def test_who_stops_practising_is_paid_nothing_two_years_later(cohort: str) -> None:
    """3.1 % a year; one who leaves in a year is missing in the payment years from then on."""
    seen = sample(cohort)
    left = seen.paid == 0
    np.testing.assert_array_equal(seen.paid[~left], seen.part_b_later[~left])
    wanted = 1 - (1 - 0.031) ** 2
    error = np.sqrt(wanted * (1 - wanted) / left[:, 0].size)
    for y in range(left.shape[1]):
        assert left[:, y].mean() == pytest.approx(wanted, abs=4 * error)
    # Performance years that share a calendar year on the way share its departures.
    both = (left[:, 0] & left[:, 1]).mean()
    apart = (left[:, 0] & left[:, 2]).mean()
    assert both == pytest.approx(0.031 + (1 - 0.031) * 0.031**2, abs=4 * error)
    assert apart == pytest.approx(wanted**2, abs=4 * error)
    nobody = sample(cohort, 2, (("population.departure.exit_share", 0.0),))
    np.testing.assert_array_equal(nobody.paid, nobody.part_b_later)


@pytest.mark.parametrize("cohort", COHORTS)
def test_attestation_may_last(cohort: str) -> None:
    """The share of a practice's years that are like the one before; the shares stay the same."""
    anew, lasting, same = (
        sample(cohort, 8, (("population.attestation.persistence", value),))
        for value in (0.0, 0.6, 1.0)
    )
    for name in ("improvement_activities", "pi_score"):
        values = {key: getattr(seen, name) for key, seen in (("a", anew), ("l", lasting))}
        assert values["l"].mean() == pytest.approx(values["a"].mean(), rel=0.02)
        np.testing.assert_array_equal(values["l"][:, 0], values["a"][:, 0])
        constant = getattr(same, name)
        assert (constant == constant[:, :1]).all()
    score = anew.pi_score, lasting.pi_score
    correlations = [np.corrcoef(s[:, 1:].ravel(), s[:, :-1].ravel())[0, 1] for s in score]
    # Practices of a size have their share in common, which correlates years a little by itself.
    assert correlations[1] - correlations[0] == pytest.approx(0.6 * (1 - correlations[0]), abs=0.05)


@pytest.mark.parametrize("cohort", COHORTS)
def test_rank_correlation_of_part_b_with_episodes(cohort: str) -> None:
    """.5, seen where there are so many episodes that their sampling does not blur it."""
    many = (("population.episodes.mean", 50_000.0), ("population.episodes.minimum", 0.0))
    seen = sample(cohort, 3, many)
    rank = [
        stats.spearmanr(seen.part_b_payments[d, 0], seen.episodes[d, 0]).statistic for d in range(3)
    ]
    assert np.mean(rank) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("cohort", "mean"), [("HF", 41), ("LBP", 89)])
def test_episodes(cohort: str, mean: float) -> None:
    seen = sample(cohort).episodes
    for y in range(5):  # the drift keeps the mean
        assert seen[:, y].mean() == pytest.approx(mean, rel=0.03)
    assert (seen == np.floor(seen)).all()


def test_cases_share_half_their_variance_with_the_volume() -> None:
    """Log cases of two measures: sigma .8, of which half is common, so a correlation of .5."""
    seen = sample("LBP").cases[:, 0]
    logs = np.log(seen[:, [1, 2]] + 0.5).reshape(8, 2, -1)
    assert logs.std(axis=2).mean() == pytest.approx(0.8, rel=0.03)
    correlation = np.mean([np.corrcoef(both)[0, 1] for both in logs])
    assert correlation == pytest.approx(0.5, abs=0.03)
    assert np.median(seen[:, 1]) == pytest.approx(200, rel=0.05)


SILENT = {"solo": 0.20, "2-15": 0.08, "16-99": 0.01, "100+": 0.01}


def practices(cohort: str, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """By practice: size group [draw, p] and whether it is silent [draw, year, p]."""
    roster = plan_with().roster
    _, first = np.unique(roster.practice[roster.slice_of(cohort)], return_index=True)
    seen = sample(cohort, draws)
    silent = np.isnan(seen.completeness[:, :, 1][..., first])
    return seen.group[:, 0, 0][:, first], silent


@pytest.mark.parametrize("cohort", COHORTS)
def test_who_reports_nothing_by_size(cohort: str) -> None:
    size, silent = practices(cohort, 8)
    for number, share in enumerate(SILENT.values(), start=1):
        chosen = np.moveaxis(silent, 1, -1)[size == number]
        assert chosen.mean() == pytest.approx(share, abs=3.5 * np.sqrt(share / chosen.size) + 0.003)


def test_silence_lasts() -> None:
    """A latent AR(1) with .7: two years running as often as a bivariate normal says."""
    size, silent = practices("LBP", 8)
    chosen = np.moveaxis(silent, 1, -1)[size == 2]
    threshold = stats.norm.ppf(0.08)
    for lag in (1, 2, 3):
        rho = 0.7**lag
        both = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([threshold, threshold])
        seen = (chosen[:, :-lag] & chosen[:, lag:]).mean()
        assert seen == pytest.approx(both, abs=4 * np.sqrt(both / len(chosen)))
        assert seen > 1.5 * 0.08**2


def test_all_measures_of_a_silent_practice_are_blank() -> None:
    seen = sample("HF")
    reported = seen.completeness[:, :, 1:]  # the first is computed from claims
    silent = np.isnan(reported)
    assert (silent.all(axis=2) == silent.any(axis=2)).all()
    assert np.isnan(seen.rate[:, :, 1:][silent]).all()
    assert np.isnan(seen.rate[:, :, 0]).mean() < 0.01


def test_completeness_and_attestation() -> None:
    seen = sample("LBP")
    known = seen.completeness[~np.isnan(seen.completeness)]
    assert (known < 0.75).mean() == pytest.approx(0.03, abs=0.002)
    assert known[known >= 0.75].min() >= 0.8
    full = seen.pi_score >= 98
    assert (seen.improvement_activities[full] == 2).all()
    size = seen.group[:, :, 0]
    for number, share in ((1, 0.60), (2, 0.75), (3, 0.90), (4, 0.90)):
        assert full[size == number].mean() == pytest.approx(share, abs=0.03)
    best = seen.pi_score[full]
    assert (best == 100).mean() == pytest.approx(0.87, abs=0.01)
    assert best[best < 100].mean() == pytest.approx(99, abs=0.05)
    rest = ~full
    for done, share in ((2, 0.55), (1, 0.15), (0, 0.30)):
        of_rest = (seen.improvement_activities[rest] == done).mean()
        assert of_rest == pytest.approx(share, abs=0.03)
    zero = seen.pi_score[rest] == 0
    assert zero.mean() == pytest.approx(0.15, abs=0.03)
    scores = seen.pi_score[rest][~zero]
    assert 20 <= scores.min() < 21
    assert 97 < scores.max() <= 98
    assert scores.mean() == pytest.approx(59, abs=1.5)


def test_a_test_bed_has_the_whole_score_for_full_credit() -> None:
    seen = sample("LBP", 2, (("population.attestation.full_score_share", 1.0),))
    assert set(seen.pi_score[seen.pi_score > 98]) == {100.0}


@pytest.mark.parametrize("cohort", COHORTS)
def test_exact_counts_are_the_mean_rounded(cohort: str) -> None:
    """In the first year, before volume drifts; everything that is not counted stays."""
    exactly = (("population.episodes.counts", "exact"), ("population.cases.counts", "exact"))
    many = (*exactly, ("population.episodes.yearly_drift_sd", 0.0))
    exact, usual = sample(cohort, 2, many), sample(cohort, 2)
    assert (exact.episodes == exact.episodes[:, :1]).all()
    assert (exact.cases == exact.cases[:, :1]).all()
    for name in ("episodes", "cases"):
        means, counts = getattr(exact, name)[:, 0], getattr(usual, name)[:, 0]
        z = (counts - means) / np.sqrt(np.maximum(means, 1))
        assert z[means > 20].std() == pytest.approx(1, abs=0.03)
        assert means.mean() == pytest.approx(counts.mean(), rel=0.01)
    np.testing.assert_array_equal(exact.pi_score, usual.pi_score)


def test_collection_types() -> None:
    """By practice, .65 by eCQM; Q377 by eCQM only, Q220 by CQM only."""
    hf, lbp = sample("HF").collection[:, 0], sample("LBP").collection[:, 0]
    assert (hf[:, 1] == 0).mean() == pytest.approx(0.65, abs=0.03)
    np.testing.assert_array_equal(hf[:, 1], hf[:, 2])
    assert (hf[:, 4] == 0).all()
    assert (lbp[:, 3] == 1).all()


def test_mean_inverse_count() -> None:
    """E[1/n | n >= 20] against a plain simulation."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(20 + np.exp(rng.normal(2.5, 1.0, 2_000_000)))
    wanted = (1 / counts[counts >= 20]).mean()
    assert performance.mean_inverse_count(20.0, 2.5, 1.0, 20.0) == pytest.approx(wanted, rel=1e-3)
    wanted = (1 / counts[counts >= 100]).mean()
    assert performance.mean_inverse_count(20.0, 2.5, 1.0, 100) == pytest.approx(wanted, rel=2e-2)
    many = np.exp(rng.normal(6, 0.5, 2_000_000))
    counts = rng.poisson(many)
    wanted = (1 / counts[counts >= 700]).mean()
    assert performance.mean_inverse_count(0.0, 6, 0.5, 700) == pytest.approx(wanted, rel=1e-2)
    rounded = np.floor(many + 0.5)
    wanted = (1 / rounded[rounded >= 700]).mean()
    exact = performance.mean_inverse_count(0.0, 6, 0.5, 700, exact=True)
    assert exact == pytest.approx(wanted, rel=1e-2)


def test_where_cost_is_known_of_nobody() -> None:
    for counts in ("poisson", "exact"):
        path = "population.cost.minimum_cases"
        with pytest.raises(InputError, match=rf"{path}: nobody in cohort 'HF' has 10000 episodes"):
            plan_with(((path, 10_000), ("population.episodes.counts", counts)))
    path = "population.quality.measures.Q492.normal.minimum_cases"
    with pytest.raises(InputError, match=f"{path}: nobody has 10000 cases"):
        plan_with(((path, 10_000),))


def test_a_reliability_may_be_stated_at_any_number_of_episodes() -> None:
    """The same measure, told at 20, 100 or 10,000 episodes: reliability n / (n + 20)."""
    told = [
        (
            ("population.cost.reliability_episodes", n),
            ("population.cost.reliability_at_20", n / (n + 20)),
        )
        for n in (20, 100, 10_000)
    ]
    costs = [cohort_of(plan_with(settings), "HF").model.cost for settings in told]
    assert [cost.sigma for cost in costs] == pytest.approx([costs[0].sigma] * 3, rel=1e-12)
    assert [cost.cv for cost in costs] == pytest.approx([costs[0].cv] * 3, rel=1e-12)


def test_the_shipped_scenario_is_the_design() -> None:
    scenario = load_scenario("baseline")
    assert make_plan(scenario).holds_population is False
    assert make_plan(scenario).measures is True
