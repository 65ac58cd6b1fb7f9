"""Group effects and patient selection, done again from outside with the published percentiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit

from asm_sim.errors import InputError
from asm_sim.population.load import load_population
from asm_sim.scenario.load import load_scenario
from tests.properties.sample import Sample, plan_with, sample

POPULATION, _ = load_population()
LEVEL = stats.norm.ppf(np.array(POPULATION.quality.percentile_probabilities.value) / 100)
SOLO, RURAL = 1, 6  # groups
EFFECTS = {"solo": -0.4, "small": -0.25, "rural": 0.15, "dual_share": -0.2, "hcc": 0.1}


def quality_of(effects: dict[str, float], kind: str = "quality") -> tuple[tuple[str, Any], ...]:
    return tuple((f"population.group_effects.{kind}.{k}", v) for k, v in effects.items())


def expected(seen: Sample, cohort: str, specialty: dict[str, float] | None = None) -> np.ndarray:
    """The sum of EFFECTS [draw, year, n] from the traits as they are exported."""
    patients = POPULATION.patients
    size, rural = seen.group[:, :, 0], seen.group[:, :, 1] == RURAL
    dual = (logit(seen.dual_share) - patients.dual_logit_mean.value) / patients.dual_logit_sd.value
    names = list(POPULATION.specialty_mix[cohort])
    mean, sd = (
        np.array([of[name].value for name in names])[seen.specialty]
        for of in (patients.hcc_mean, patients.hcc_sd)
    )
    own = np.array([(specialty or {}).get(name, 0.0) for name in names])[seen.specialty]
    return (
        EFFECTS["solo"] * (size == SOLO)
        + EFFECTS["small"] * (size == SOLO + 1)
        + EFFECTS["rural"] * rural
        + EFFECTS["dual_share"] * np.clip(dual, -4, 4)
        + EFFECTS["hcc"] * np.clip((seen.hcc_risk_score - mean) / sd, -4, 4)
        + own
    )


def level_of(rate: np.ndarray, percentiles: list[float], year: int) -> np.ndarray:
    """Latent quality that has this true rate in this year; nan at and beyond the outermost."""
    inside = (rate > percentiles[0] + 1e-6) & (rate < percentiles[-1] - 1e-6)
    drift = POPULATION.quality.drift.value * year
    return np.where(inside, np.interp(rate, percentiles, LEVEL) - drift, np.nan)


@pytest.mark.parametrize(
    ("cohort", "measure", "position", "specialty"),
    [("HF", "Q236", 3, {}), ("LBP", "Q134", 1, {"pain_management": 0.3, "neurosurgery": -0.1})],
)
def test_effects_move_latent_quality_by_their_sum(
    cohort: str, measure: str, position: int, specialty: dict[str, float]
) -> None:
    """True rates through the published percentiles of eCQM, one by one, in the first and fourth."""
    settings = quality_of(EFFECTS | {f"specialty.{k}": v for k, v in specialty.items()})
    before, after = sample(cohort, 3), sample(cohort, 3, settings)
    distributions = POPULATION.quality.measures[measure].distributions or {}
    percentiles = distributions["ecqm"].percentiles
    assert percentiles is not None
    wanted = expected(after, cohort, specialty)
    for year in (0, 3):
        by_ecqm = after.collection[:, year, position] == 0
        levels = [
            level_of(seen.true_rate[:, year, position], percentiles.value, year)
            for seen in (before, after)
        ]
        moved = np.where(by_ecqm, levels[1] - levels[0], np.nan)
        known = ~np.isnan(moved)
        assert known.sum() > 2000
        np.testing.assert_allclose(moved[known], wanted[:, year][known], rtol=0, atol=1e-6)
    for name in ("true_cost", "episode_cost", "episodes", "cases", "dual_share", "part_b_later"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_the_mean_true_rate_is_that_of_the_quantile_function() -> None:
    """Everyone half a standard deviation better: the integral over Phi, drawn from nothing."""
    shift = 0.5
    after = sample("HF", 4, quality_of({"specialty.cardiology": shift}))
    z = np.linspace(-8, 8, 200_001)
    weight = stats.norm.pdf(z - shift)
    for measure, position in (("Q005", 2), ("Q377", 4), ("Q008", 1)):
        distributions = POPULATION.quality.measures[measure].distributions or {}
        percentiles = distributions["ecqm"].percentiles
        assert percentiles is not None
        rate = np.interp(z, LEVEL, percentiles.value)  # flat beyond the outermost
        wanted = (rate * weight).sum() / weight.sum()
        mean_without = (rate * stats.norm.pdf(z)).sum() / stats.norm.pdf(z).sum()
        by_ecqm = after.collection[:, 0, position] == 0
        seen = after.true_rate[:, 0, position][by_ecqm]
        seen = seen[~np.isnan(seen)]
        error = seen.std() / np.sqrt(len(seen) / 4)  # practices have quality in common
        assert seen.mean() == pytest.approx(wanted, abs=4 * error)
        assert abs(wanted - mean_without) > 6 * error


def test_admissions_fall_by_the_effect_times_their_true_spread() -> None:
    """Of the normal measure: tau from the published SD 4.28 and the reliability .3 at 30 cases."""
    before, after = sample("HF", 3), sample("HF", 3, quality_of({"specialty.cardiology": 0.5}))
    change = (after.true_rate - before.true_rate)[:, :, 0]
    known = ~np.isnan(change)
    assert change[known].std() < 1e-9
    first = before.true_rate[:, 0, 0]
    assert change[known].mean() == pytest.approx(-0.5 * np.nanstd(first), rel=0.03)


@pytest.mark.parametrize("cohort", ["HF", "LBP"])
def test_effects_multiply_true_cost_by_their_exponential(cohort: str) -> None:
    """In every year; quality stays, also where the two go together."""
    together = (("population.cost.correlation_with_quality", 0.3),)
    before = sample(cohort, 3, together)
    after = sample(cohort, 3, together + quality_of(EFFECTS, "cost"))
    np.testing.assert_allclose(
        after.true_cost / before.true_cost, np.exp(expected(after, cohort)), rtol=1e-9
    )
    for name in ("true_rate", "rate", "episodes", "hcc_risk_score"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_an_effect_on_nobody_here_changes_no_bit() -> None:
    settings = quality_of({"specialty.neurosurgery": 1.0}) + quality_of(
        {"specialty.neurosurgery": 1.0}, "cost"
    )
    for one, other in zip(sample("HF", 2), sample("HF", 2, settings), strict=True):
        np.testing.assert_array_equal(one, other)


# Patient selection

SELECT = "population.patient_selection"


def test_patients_of_those_who_select_change_every_year() -> None:
    """By so many SDs within the specialty and of the logit; a score stops at its floor."""
    share, change = 0.4, -0.25
    settings = ((f"{SELECT}.share", share), (f"{SELECT}.yearly_change", change))
    before, after = sample("LBP", 3), sample("LBP", 3, settings)
    patients = POPULATION.patients
    sds = [patients.hcc_sd[name].value for name in POPULATION.specialty_mix["LBP"]]
    year = np.arange(5)[:, None]
    selects = after.dual_share[:, 1] != before.dual_share[:, 1]
    n = selects.size
    assert selects.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / n))
    step = change * year * selects[:, None]
    fallen = before.hcc_risk_score + step * np.array(sds)[after.specialty]
    np.testing.assert_allclose(
        after.hcc_risk_score, np.maximum(fallen, patients.hcc_floor.value), rtol=1e-12
    )
    np.testing.assert_allclose(
        logit(after.dual_share),
        logit(before.dual_share) + step * patients.dual_logit_sd.value,
        rtol=0,
        atol=1e-9,
    )
    stays = ~selects[:, None].repeat(5, axis=1)
    for name in ("hcc_risk_score", "dual_share"):
        np.testing.assert_array_equal(getattr(after, name)[stays], getattr(before, name)[stays])
    for name in set(Sample._fields) - {"hcc_risk_score", "dual_share"}:
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_with_group_effects_other_patients_are_another_performance() -> None:
    """The sum of the effects at this year's traits."""
    settings = ((f"{SELECT}.share", 0.5), (f"{SELECT}.yearly_change", -0.3))
    before, after = sample("HF", 2), sample("HF", 2, settings + quality_of(EFFECTS, "cost"))
    wanted = expected(after, "HF")
    assert (wanted[:, 4] != wanted[:, 0]).mean() == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(after.true_cost / before.true_cost, np.exp(wanted), rtol=1e-9)


@pytest.mark.parametrize("settings", [{f"{SELECT}.share": 0.5}, {f"{SELECT}.yearly_change": -0.5}])
def test_half_a_selection_is_none(settings: dict[str, float]) -> None:
    for one, other in zip(sample("HF", 2), sample("HF", 2, tuple(settings.items())), strict=True):
        np.testing.assert_array_equal(one, other)


# The shipped scenario


def test_published_gaps_are_derived_as_the_readme_of_the_data_says() -> None:
    """Khullar 2020 and AMA on 2023, calibration.md 4."""
    weight = np.array([0.2, 0.6, 0.2])
    mean, sd = np.array([75.9, 75.4, 64.7]), np.array([33.7, 32.1, 38.0])
    overall = weight @ mean
    spread = np.sqrt(weight @ (sd**2 + (mean - overall) ** 2))
    outer = stats.norm.pdf(stats.norm.ppf(0.8)) / 0.2
    gap = {"dual_share": weight @ (np.array([-outer, 0, outer]) * (mean - overall)) / spread}
    penalised = {"all": (0.14, 0.024), "rural": (0.18, 0.024)}
    report = POPULATION.reporting.non_reporting_share
    penalised |= {"solo": (0.49, report.solo.value), "small": (0.29, report.small.value)}
    normal = {
        k: stats.norm.ppf((a - silent) / (1 - silent)) for k, (a, silent) in penalised.items()
    }
    gap |= {name: normal["all"] - normal[name] for name in ("solo", "small", "rural")}
    common = POPULATION.quality.clinician_share.value
    to_latent = np.sqrt(common + (1 - common) / 6)
    effects = load_scenario("published-gaps").population.group_effects
    for name, value in gap.items():
        assert getattr(effects.quality, name).value == pytest.approx(value * to_latent, abs=0.005)
    assert not any(effects.cost.values())


# What is refused


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"group_effects.cost.solo": 0.1, "cost.sd.LBP": 0.0}, r"cost\.sd is 0 \(LBP\)"),
        ({"group_effects.quality.solo": 6.0}, "6 is out of range: -5 to 5"),
        ({"group_effects.quality.speciality": 0.5}, "did you mean 'specialty'"),
        ({"patient_selection.share": 1.5}, "1.5 is out of range: 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_scenario("baseline", [(f"population.{k}", v) for k, v in settings.items()])


def test_an_effect_on_an_unknown_specialty_is_refused(tmp_path: Path) -> None:
    leaf = "{value: 0.1, unit: SD of latent quality, status: assumption, source: Ours}"
    (tmp_path / "mine.yaml").write_text(
        "extends: roster-2027-preliminary\nid: mine\ntitle: Mine\n"
        f"group_effects: {{quality: {{specialty: {{neurosurgry: {leaf}}}}}}}\n"
    )
    (tmp_path / "scenario.yaml").write_text("title: Mine\npopulation: mine\n")
    with pytest.raises(InputError, match=r"'neurosurgry' is in no mix .did you mean"):
        load_scenario(tmp_path / "scenario.yaml")


def test_off_there_is_no_table() -> None:
    for cohort in plan_with().cohorts:
        assert cohort.model.effects.table.shape == (2, 0)
