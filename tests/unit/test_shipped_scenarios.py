"""The shipped scenarios: each names its origin and its source, and does what it says."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from ruamel.yaml import YAML
from typer.testing import CliRunner

import asm_sim
from asm_sim.cli.main import app
from asm_sim.engine.simulate import simulate
from asm_sim.parameters import Number, leaves
from asm_sim.scenario.load import load_scenario, shipped
from asm_sim.scenario.schema import ROOTS, Scenario
from asm_sim.scenario.sweep import load_sweep

PACKAGE = Path(asm_sim.__file__).parent
EVIDENCE = {
    "calibration.md": PACKAGE / "population" / "data" / "calibration.md",
    "rule-sources.md": PACKAGE / "rules" / "rule-sources.md",
}
ENTRIES = {entry.name: entry for entry in shipped()}
NAMES = [name for name, entry in ENTRIES.items() if entry.verb == "run" and name != "baseline"]
OTHER_LAYERS = ["parameter-uncertainty", "open-readings", "areas-redrawn"]
OTHER_BASES = ["third-condition"]  # nor do these; test_shipped_condition.py is about them
SETTING = [name for name in NAMES if name not in [*OTHER_LAYERS, *OTHER_BASES]]
KINDS = ("Proposal of ", "Nobody is known to propose it; it is here because ", "Not known: ")
LONGEST_TITLE = 90
DRAWS = 12
RISK = {2027: 0.09, 2028: 0.09, 2029: 0.10, 2030: 0.11, 2031: 0.12}
FIRST = {"performance_year": 2027}
LATER = {"performance_year": slice(2028, 2031)}

Run = Callable[[str], xr.Dataset]

# Scenarios of these tests: a shipped one and what is set on top of it.
EVERYTHING = {"rules.payment.redistribution_share": 1.0}
NEUTRAL = {"rules.final_score.missing_category": "neutral"}
RELIABLE = {"population.cost.reliability_at_20": 0.9}
NARROW = {"population.quality.spread": 0.8}
FURTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "all paid out": ("baseline", EVERYTHING),
    "all paid out, capped": ("cap-at-risk-level", EVERYTHING),
    "no points for complex patients": ("baseline", {"rules.complex_patient.maximum": 0}),
    "quality": ("quality-only", NEUTRAL),
    "quality, reliable cost": ("quality-only", NEUTRAL | RELIABLE),
    "cost": ("cost-only", NEUTRAL),
    "cost, narrow quality": ("cost-only", NEUTRAL | NARROW),
    "both": ("baseline", NEUTRAL),
    "costs shrunk, kappa known": ("baseline", {"rules.cost.shrinkage": "known"}),
    "both, reliable cost": ("baseline", NEUTRAL | RELIABLE),
    "both, narrow quality": ("baseline", NEUTRAL | NARROW),
}


def parameters(scenario: Scenario) -> dict[str, Any]:
    return {
        path: parameter.value  # type: ignore[attr-defined]
        for root in ROOTS
        for path, parameter in leaves(getattr(scenario, root), root)
    }


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scenario]:
    """The shipped scenarios; as members of a sweep they are read in a moment."""
    path = tmp_path_factory.mktemp("all") / "all.yaml"
    path.write_text(f"title: All\nsweep: {{scenarios: [{', '.join(['baseline', *SETTING])}]}}\n")
    sweep = load_sweep(path)
    return {case.name: sweep.scenario(k) for k, case in enumerate(sweep.cases)}


@pytest.fixture(scope="module")
def run(scenarios: dict[str, Scenario], small_scenario: Scenario) -> Run:
    """What a shipped scenario, or one of ``FURTHER``, makes of the small roster."""
    settings = {name: dict(scenario.settings) for name, scenario in scenarios.items()}
    for name, (base, more) in FURTHER.items():
        settings[name] = settings[base] | more
    path = small_scenario.folder / "shipped.yaml"
    with path.open("w") as file:
        sweep = {"title": "All", "extends": "scenario", "draws": DRAWS, "sweep": {"list": settings}}
        YAML(typ="safe", pure=True).dump(sweep, file)
    sweep = load_sweep(path)
    names = [case.name for case in sweep.cases]

    @functools.cache
    def of(name: str) -> xr.Dataset:
        return simulate(sweep.scenario(names.index(name)))

    return of


def assert_same(
    one: xr.Dataset, other: xr.Dataset, years: dict[str, Any] | None = None, but: str = "^$"
) -> None:
    """All yearly numbers of each draw are equal, but for names that match ``but``."""
    dims = ("draw", "cohort", "performance_year")
    names = [name for name in one if one[name].dims[:3] == dims and not re.search(but, str(name))]
    assert len(names) > 30
    for name in names:
        pair = [ds[name].sel(years or {}) for ds in (one, other)]
        np.testing.assert_array_equal(pair[0], pair[1], err_msg=str(name))


# What a file says


def test_there_are_scenarios_of_every_kind() -> None:
    assert all(any(ENTRIES[name].description.startswith(kind) for name in NAMES) for kind in KINDS)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_says_whose_idea_it_is_and_its_source(name: str) -> None:
    title, description = ENTRIES[name].title, ENTRIES[name].description
    assert len(title) < LONGEST_TITLE
    assert not title.endswith(".")
    assert description.startswith(KINDS)
    said, source = description.split(" Source: ")
    assert said.endswith(".")
    assert source.endswith(".")
    assert len(source) > len("calibration.md 1")


@pytest.mark.parametrize("name", NAMES)
def test_the_evidence_that_a_scenario_points_to_is_there(name: str) -> None:
    description = ENTRIES[name].description
    pointers = re.findall(r"(\S+?\.md) ((?:\d[\d.]*(?:, | and )?)+)", description)
    assert pointers
    for file, sections in pointers:
        text = EVIDENCE[file.lstrip("(")].read_text()
        for section in re.findall(r"\d+(?:\.\d+)?", sections):
            assert re.search(rf"^##+ {re.escape(section)}\.? ", text, re.MULTILINE), section
    for other in re.findall(r"sweep ([a-z-]+)", description):
        assert ENTRIES[other].verb == "sweep"


@pytest.mark.parametrize("name", SETTING)
def test_every_setting_changes_the_baseline(name: str, scenarios: dict[str, Scenario]) -> None:
    ours, baseline = parameters(scenarios[name]), parameters(scenarios["baseline"])
    changed = {path for path, value in ours.items() if value != baseline[path]}
    assert changed
    for path, _ in scenarios[name].settings:
        assert any(leaf == path or leaf.startswith(f"{path}.") for leaf in changed), path


def test_no_two_scenarios_are_the_same(scenarios: dict[str, Scenario]) -> None:
    hashes = {scenario.hash("roster") for scenario in scenarios.values()}
    hashes |= {load_scenario(name).hash("roster") for name in [*OTHER_LAYERS, *OTHER_BASES]}
    assert len(hashes) == len(NAMES) + 1


def test_parameter_uncertainty_draws_what_has_low_and_high_and_sets_nothing(
    scenarios: dict[str, Scenario],
) -> None:
    drawn, baseline = load_scenario("parameter-uncertainty"), scenarios["baseline"]
    assert parameters(drawn) == parameters(baseline)
    assert drawn.layers == baseline.layers.model_copy(update={"parameters": "on"})
    with_range = {
        path
        for path, leaf in leaves(drawn.population, "population")
        if isinstance(leaf, Number) and leaf.low is not None and leaf.high is not None
        if leaf.low <= leaf.value <= leaf.high  # a lever that is off may lie outside
    }
    assert {item.path for item in drawn.ranges if not item.held} == with_range
    assert len(with_range) > 40


def test_open_readings_draws_what_is_open_of_the_rule_and_sets_nothing(
    scenarios: dict[str, Scenario],
) -> None:
    drawn, baseline = load_scenario("open-readings"), scenarios["baseline"]
    assert parameters(drawn) == parameters(baseline)
    assert drawn.layers == baseline.layers.model_copy(update={"readings": "on"})
    assert [item.path for item in drawn.readings if not item.held] == [
        path
        for path, leaf in leaves(drawn.rules, "rules")
        if leaf.is_open and (leaf.readings or leaf.low is not None)
    ]


# What a scenario does, on the small roster


def test_full_redistribution_leaves_medicare_nothing(run: Run) -> None:
    full = run("full-redistribution")
    assert (abs(full.retained_by_medicare) < 1e-9 * full.amount_at_risk).all()
    assert (full.share_negative <= run("baseline").share_negative).all()


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("risk-2-percent", [0.02] * 5),
        ("risk-9-percent", [0.09] * 5),
        ("risk-12-percent", [0.12] * 5),
        ("test-year", [0, *list(RISK.values())[1:]]),
        ("test-year-then-2-percent", [0, 0.02, 0.02, 0.02, 0.02]),
    ],
)
def test_adjustments_follow_the_risk_level(name: str, levels: list[float], run: Run) -> None:
    """Scores stay; every adjustment and what Medicare keeps go with the level, to 0 in a year."""
    other, baseline = run(name), run("baseline")
    years = baseline.performance_year
    ratio = xr.DataArray(levels, coords={"performance_year": years}) / list(RISK.values())
    for variable in (
        "adjustment_quantile",
        "retained_by_medicare",
        "penalties",
        "panel_adjustment",
    ):
        xr.testing.assert_allclose(
            other[variable], baseline[variable] * ratio, rtol=1e-5, atol=1e-6
        )
    xr.testing.assert_identical(other.final_score_mean, baseline.final_score_mean)
    without = other.sel(performance_year=years[np.array(levels) == 0])
    for variable in ("share_negative", "share_maximum_penalty", "bonuses", "penalties"):
        assert (without[variable] == 0).all()


def test_a_test_year_changes_no_other_year(run: Run) -> None:
    across = "correlation|change|payment_year"  # of a year with the one before; none in 2027
    assert_same(run("test-year"), run("baseline"), LATER, across)


def test_no_bonus_passes_the_cap(run: Run) -> None:
    levels = xr.DataArray(list(RISK.values()), dims="performance_year")
    free, capped = run("all paid out"), run("all paid out, capped")
    assert (free.panel_adjustment > levels + 1e-6).any()
    assert (capped.panel_adjustment <= levels + 1e-6).all()
    assert (run("cap-at-risk-level").panel_adjustment <= levels + 1e-6).all()
    assert (capped.bonuses <= free.bonuses).all()


def test_medicare_keeps_what_zero_scorers_outside_the_pool_pay(run: Run) -> None:
    outside, baseline = run("zero-scorers-outside-pool"), run("baseline")
    zero = baseline.share_zero_score > 0
    assert zero.any()
    assert (outside.incentive_pool < baseline.incentive_pool).where(zero, True).all()
    kept = outside.amount_at_risk - outside.incentive_pool
    xr.testing.assert_allclose(outside.retained_by_medicare, kept)
    assert (outside.retained_by_medicare > baseline.retained_by_medicare).where(zero, True).all()


def test_steepness_spreads_adjustments_and_keeps_what_medicare_keeps(run: Run) -> None:
    low, baseline, high = (run(name) for name in ("steepness-low", "baseline", "steepness-high"))
    assert (low.adjustment_sd < baseline.adjustment_sd).all()
    assert (baseline.adjustment_sd < high.adjustment_sd).all()
    for other in (low, high):
        xr.testing.assert_allclose(other.retained_by_medicare, baseline.retained_by_medicare)


@pytest.mark.parametrize(
    ("name", "lever"), [("quality", "reliable cost"), ("cost", "narrow quality")]
)
def test_a_category_without_weight_does_not_count(name: str, lever: str, run: Run) -> None:
    """Where nobody is scored on the other category for want of the one that counts."""
    assert_same(run(name), run(f"{name}, {lever}"))
    scores = [run(other).final_score_mean for other in ("both", f"both, {lever}")]
    assert (scores[0] != scores[1]).all()


def test_cost_with_less_weight_lies_between(run: Run) -> None:
    """More of the score's chance comes from cost than from quality."""
    names = ("quality-only", "cost-weight-30", "baseline", "cost-only")
    chance = [float(run(name).chance_variance_share.mean()) for name in names]
    assert chance == sorted(chance)


def test_a_category_that_cannot_be_scored(run: Run) -> None:
    zero, neutral = run("missing-category-zero"), run("missing-category-neutral")
    baseline = run("baseline")
    assert (neutral.share_unscored >= baseline.share_unscored).all()
    assert neutral.share_unscored.mean() > 2 * baseline.share_unscored.mean()
    xr.testing.assert_identical(zero.share_unscored, baseline.share_unscored)
    assert (zero.final_score_mean <= baseline.final_score_mean).all()
    assert (zero.final_score_mean < baseline.final_score_mean).any()


def test_a_higher_case_minimum_leaves_more_unscored(run: Run) -> None:
    names = ("baseline", "case-minimum-50", "case-minimum-100")
    unscored = [run(name).share_unscored for name in names]
    assert (unscored[0] <= unscored[1]).all()
    assert (unscored[1] <= unscored[2]).all()
    assert unscored[0].mean() < unscored[1].mean() < unscored[2].mean()


def test_what_is_not_deducted_is_gained(run: Run) -> None:
    without, baseline = run("no-deductions"), run("baseline")
    assert (without.final_score_mean > baseline.final_score_mean).all()
    small = run("interoperability-small-exempt").final_score_mean_by_group
    of_baseline = baseline.final_score_mean_by_group
    for group in ("practice_size: 16-99", "practice_size: 100+"):
        np.testing.assert_array_equal(small.sel(group=group), of_baseline.sel(group=group))
    gained = (small - of_baseline).sel(group=["practice_size: solo", "practice_size: 2-15"])
    assert (gained.fillna(0) >= 0).all()
    assert (gained.mean("draw") > 0).all()


def test_who_has_a_special_status_has_no_interoperability_deducted(run: Run) -> None:
    """Some score more, by 10 points at most, and nobody less."""
    change = run("interoperability-special-status-exempt").panel_final_score
    change = change - run("baseline").panel_final_score
    assert float(change.min()) > -1e-4
    assert 1.0 < float(change.max()) < 10.0 + 1e-4
    assert 0.005 < float((change > 1e-4).mean()) < 0.2


def test_capped_components_take_points_and_give_none(run: Run) -> None:
    """From those with much above the cohort's mean, before scores are cut at 100."""
    change = run("complex-patient-components-capped").panel_final_score
    change = change - run("baseline").panel_final_score
    assert float(change.max()) < 1e-4
    assert float(change.min()) > -10.0
    assert 0.02 < float((change < -1e-4).mean()) < 0.4


def test_the_higher_a_fixed_midpoint_the_more_is_paid_to_the_best(run: Run) -> None:
    """Most scores are above 50, where the logistic about it is flat."""
    fifty, sixty, median = (run(name) for name in ("midpoint-50", "midpoint-60", "baseline"))
    best = {"quantile": 0.99}
    assert (fifty.adjustment_quantile.sel(best) < sixty.adjustment_quantile.sel(best)).all()
    assert (sixty.adjustment_quantile.sel(best) < median.adjustment_quantile.sel(best)).all()
    xr.testing.assert_allclose(sixty.retained_by_medicare, median.retained_by_medicare)


def test_twice_the_points_for_complex_patients(run: Run) -> None:
    doubled, single = run("complex-patient-points-doubled"), run("baseline")
    none = run("no points for complex patients")
    assert (single.final_score_mean > none.final_score_mean).all()
    gains = [ds.final_score_mean - none.final_score_mean for ds in (doubled, single)]
    assert (gains[0] > gains[1]).all()
    assert (gains[0] <= 2 * gains[1] + 1e-9).all()  # less where a score reaches 100


def test_how_reliable_cost_is_decides_chance(run: Run) -> None:
    names = ("cost-reliability-high", "baseline", "cost-reliability-low")
    chance = [run(name).chance_sd.mean(["draw", "performance_year"]) for name in names]
    assert (chance[0] < chance[1]).all()
    assert (chance[1] < chance[2]).all()


def test_lasting_attestation_moves_adjustments_less(run: Run) -> None:
    anew, baseline = run("attestation-anew"), run("baseline")
    assert_same(anew, baseline, FIRST)
    change = [ds.adjustment_change_sd.mean(["draw", "performance_year"]) for ds in (baseline, anew)]
    assert (change[0] < change[1]).all()


def test_who_reports_everything_scores_above_zero(run: Run) -> None:
    every, baseline = run("everybody-reports"), run("baseline")
    assert float(baseline.share_zero_score.mean()) > 0.01
    assert float(every.share_zero_score.mean()) < 0.1 * float(baseline.share_zero_score.mean())


def test_without_exits_the_payment_year_alone_changes(run: Run) -> None:
    stay, baseline = run("nobody-leaves"), run("baseline")
    assert_same(stay, baseline, but="payment_year")
    np.testing.assert_allclose(
        stay.retained_by_medicare_payment_year,
        baseline.retained_by_medicare_before_exits,
        rtol=1e-12,
    )
    assert (stay.penalties_payment_year >= baseline.penalties_payment_year).all()
    assert stay.penalties_payment_year.sum() > baseline.penalties_payment_year.sum()


@pytest.mark.parametrize("name", ["eligibility-redetermined", "movers-and-entrants"])
def test_who_takes_part_is_determined_from_the_second_year_on(name: str, run: Run) -> None:
    anew, baseline = run(name), run("baseline")
    assert_same(anew, baseline, FIRST)
    count = anew.clinicians_by_group.sel(group="all").mean("draw")
    assert (count.sel(FIRST) == baseline.clinicians_by_group.sel(FIRST).sel(group="all")).all()
    later = count.sel(LATER).mean("performance_year") / count.sel(FIRST)
    shrinks = name == "eligibility-redetermined"
    assert (later < 0.95).all() if shrinks else (later > 0.95).all()


def test_consolidation_leaves_fewer_small_practices_every_year(run: Run) -> None:
    joined, baseline = run("consolidation"), run("baseline")
    assert_same(joined, baseline, FIRST)
    small = [
        ds.clinicians_by_group.sel(group=["practice_size: solo", "practice_size: 2-15"]).sum(
            ["draw", "cohort", "group"]
        )
        for ds in (joined, baseline)
    ]
    left = small[0] / small[1]
    assert (left.diff("performance_year") < 0).all()
    assert float(left[-1]) == pytest.approx(0.95**4, abs=0.03)


@pytest.mark.parametrize(
    "name", ["two-thirds-improve", "quality-drift-fivefold", "fewer-complex-patients"]
)
def test_what_grows_starts_as_in_the_baseline(name: str, run: Run) -> None:
    assert_same(run(name), run("baseline"), FIRST)
    later = [ds.final_score_mean.sel(LATER) for ds in (run(name), run("baseline"))]
    assert (later[0] != later[1]).all()


def test_fewer_complex_patients_are_fewer_points_for_those_who_have_them(run: Run) -> None:
    """What half of them lose of the points, the others gain: their patients seem more complex."""
    change = run("fewer-complex-patients").panel_final_score - run("baseline").panel_final_score
    later = change.sel(LATER)
    assert (later < -1e-4).any()
    assert (later > 1e-4).any()
    assert float(abs(later).max()) <= 10 + 1e-4  # all that there is to gain


def test_published_gaps_lower_small_practices_and_raise_the_others(run: Run) -> None:
    """Benchmarks are of peers: who stays where they are gains."""
    gaps, baseline = (
        run(name).final_score_mean_by_group.mean(["draw", "performance_year"])
        for name in ("published-gaps", "baseline")
    )
    change = gaps - baseline
    large = change.sel(group=["practice_size: 16-99", "practice_size: 100+"])
    small = change.sel(group=["practice_size: solo", "practice_size: 2-15"])
    assert (small < large.min("group")).all()
    assert (change.sel(group="practice_size: solo") < 0).all()
    assert (large.max("group") > 0).all()


@pytest.mark.parametrize(
    ("name", "year"), [("effort-response", 2029), ("effort-response-fast-feedback", 2028)]
)
def test_effort_waits_for_what_is_known(name: str, year: int, run: Run) -> None:
    """Until the first adjustment is known all is as in the baseline."""
    assert_same(run(name), run("baseline"), {"performance_year": slice(2027, year - 1)})
    later = [ds.final_score_mean.sel(performance_year=year) for ds in (run(name), run("baseline"))]
    assert (later[0] != later[1]).all()


def test_redesign_by_all_is_paid_by_all(run: Run) -> None:
    """70 and 80 clinicians at 20,000 USD; what is shared out is what was shared out before."""
    by_all, some, baseline = (run(n) for n in ("care-redesign-by-all", "care-redesign", "baseline"))
    np.testing.assert_array_equal(by_all.programme_spending.sel(cohort="HF"), 70 * 20_000)
    np.testing.assert_array_equal(by_all.programme_spending.sel(cohort="LBP"), 80 * 20_000)
    assert (some.programme_spending < by_all.programme_spending).all()
    for other in (by_all, some):
        np.testing.assert_allclose(
            other.retained_by_medicare, baseline.retained_by_medicare, rtol=1e-9
        )
    of_all = asm_sim.studies.redesign.if_all_invest(by_all, baseline).sel(group="all")
    np.testing.assert_allclose(of_all.dollars, 0, atol=1e-6)
    np.testing.assert_allclose(of_all.net, -20_000, rtol=1e-9)


def test_an_anchor_two_points_lower(run: Run) -> None:
    """It takes up to 20 points of the cost score, half of them of a final score of both."""
    low, baseline = run("cost-anchor-low"), run("baseline")
    fall = baseline.panel_final_score - low.panel_final_score
    assert (fall.fillna(0) > -1e-4).all()
    assert (fall.fillna(0) < 20 + 1e-4).all()
    assert ((fall > 10 + 1e-4).mean() < 0.1).all()  # of whom only cost is scored
    assert (baseline.median_final_score - low.median_final_score > 5).all()


def test_reporting_by_cqm_alone(run: Run) -> None:
    """Most have the full rates of a topped-out measure, and so its 10 points."""
    scores = [run(name).final_score_mean for name in ("all-cqm", "baseline")]
    assert (
        scores[0].mean(["draw", "performance_year"]) > scores[1].mean(["draw", "performance_year"])
    ).all()


def test_averages_over_years(run: Run) -> None:
    """The first year stands alone; then scores spread less and chance decides less."""
    names = ("baseline", "averaging-2-years", "averaging-3-years")
    one, two, three = (run(name) for name in names)
    across = "correlation|change|payment_year"
    assert_same(two, one, FIRST, across)
    assert_same(three, two, {"performance_year": slice(2027, 2028)}, across)
    assert two.sizes["lens_draw"] == three.sizes["lens_draw"] == 0
    own = one.panel_final_score
    for year in (2028, 2029, 2030, 2031):
        expected = 0.5 * (own.sel(performance_year=year) + own.sel(performance_year=year - 1))
        scored = expected.notnull()
        found = two.panel_final_score.sel(performance_year=year)
        np.testing.assert_allclose(found.where(scored), expected, rtol=1e-5)
    last = {"performance_year": 2031}
    for variable in ("final_score_sd", "chance_sd"):
        falling = [ds[variable].sel(last).mean("draw") for ds in (one, two, three)]
        assert (falling[0] > falling[1]).all()
        assert (falling[1] > falling[2]).all()


@pytest.mark.parametrize("name", ["neutral-band", "neutral-band-by-volume"])
def test_nothing_is_paid_or_taken_near_the_median(name: str, run: Run) -> None:
    band, baseline = run(name), run("baseline")
    np.testing.assert_array_equal(band.panel_final_score, baseline.panel_final_score)
    median = band.median_final_score.isel(draw=band.draw_sample.values)
    median = median.rename(draw="draw_sample").sel(cohort=band.clinician_cohort)
    score, adjustment = band.panel_final_score, band.panel_adjustment
    distance = abs(score - median).where(score > 0)
    width = 5 if name == "neutral-band" else 10
    assert (adjustment.where(distance > width + 1e-3).fillna(1) != 0).all()
    inside = adjustment.where(distance < width - 1e-3)
    neutral = float((inside == 0).sum() / inside.notnull().sum())
    assert neutral == 1 if name == "neutral-band" else 0.1 < neutral < 0.9
    assert (band.share_negative < baseline.share_negative).all()
    assert (band.retained_by_medicare < baseline.retained_by_medicare).all()
    quantiles = band.adjustment_quantile
    assert (quantiles.diff("quantile") >= 0).all()
    near = abs(band.score - band.median_final_score) <= width - 1e-3
    assert near.any()
    assert (band.adjustment_at_score.where(near & (band.score > 0), 0) == 0).all()


def test_quantiles_are_of_the_sorted_adjustments(run: Run) -> None:
    """In a neutral band adjustments do not ascend with the score."""
    band = run("neutral-band")
    for cohort in band.cohort.values:
        of = band.panel_adjustment.isel(clinician=(band.clinician_cohort == cohort).values)
        scored = band.panel_final_score.isel(clinician=(band.clinician_cohort == cohort).values)
        wanted = of.where(scored.notnull()).quantile(band["quantile"].values, "clinician")
        found = band.adjustment_quantile.sel(cohort=cohort).isel(draw=of.draw_sample.values)
        np.testing.assert_allclose(
            found.transpose("quantile", "draw", "performance_year"),
            wanted.transpose("quantile", "draw_sample", "performance_year"),
            atol=1e-6,
        )


def test_rounded_scores_and_adjustments(run: Run) -> None:
    rounded, baseline = run("rounded-scores"), run("baseline")
    score, adjustment = rounded.panel_final_score, rounded.panel_adjustment
    assert (score.fillna(0) % 1 == 0).all()
    assert (abs(score - baseline.panel_final_score).fillna(0) <= 0.5 + 1e-4).all()
    np.testing.assert_allclose(adjustment * 1e4, (adjustment * 1e4).round(), atol=1e-3)
    apart = abs(rounded.retained_by_medicare - baseline.retained_by_medicare)
    assert (apart <= 0.5e-4 * rounded.part_b_payments).all()
    assert (apart > 0).any()


def test_small_and_rural_practices_gain_what_is_not_deducted(run: Run) -> None:
    gained = (
        run("small-and-rural-in-proportion").panel_final_score - run("baseline").panel_final_score
    )
    assert (gained.fillna(0) >= 0).all()
    assert (gained.fillna(0) <= 5 + 1e-4).all()
    by_group = run("small-and-rural-in-proportion").final_score_mean_by_group
    change = (by_group - run("baseline").final_score_mean_by_group).mean("draw")
    for group in ("place: rural", "practice_size: solo"):
        assert (change.sel(group=group) > 0).all()
    assert (change.sel(group="practice_size: 100+") <= change.sel(group="place: rural")).all()


def test_benchmarks_of_earlier_years(run: Run) -> None:
    """The first year is the baseline's; the second has the same standard in both scenarios."""
    previous, fixed = run("previous-year-benchmarks"), run("fixed-benchmarks")
    assert_same(previous, run("baseline"), FIRST)
    assert_same(fixed, previous, {"performance_year": slice(2027, 2028)})
    means = [ds.final_score_mean.sel(LATER) for ds in (previous, fixed, run("baseline"))]
    assert (means[0] != means[2]).all()
    assert (means[0] != means[1]).sel(performance_year=slice(2029, None)).all()


@pytest.mark.parametrize(
    "name", ["national-benchmarks", "pooled-benchmarks", "quality-by-deviation"]
)
def test_another_benchmark_changes_scores_from_the_first_year(name: str, run: Run) -> None:
    assert (run(name).final_score_mean != run("baseline").final_score_mean).all()


def test_a_cap_on_topped_out_measures_raises_nobody(run: Run) -> None:
    capped, baseline = run("topped-out-capped"), run("baseline")
    lost = baseline.panel_final_score - capped.panel_final_score
    assert (lost.fillna(0) > -1e-4).all()
    assert (lost > 1).any()
    dropped = run("topped-out-dropped")
    scores = [ds.final_score_mean.mean("draw") for ds in (dropped, baseline)]
    assert (scores[0] < scores[1]).all()


def test_shrunk_costs_leave_less_to_chance(run: Run) -> None:
    """By a kappa that is known; 75 clinicians are too few to estimate it well."""
    shrunk, baseline = run("costs shrunk, kappa known"), run("baseline")
    assert float(shrunk.chance_sd.mean()) < float(baseline.chance_sd.mean())
    assert (run("cost-shrinkage").final_score_mean != baseline.final_score_mean).any()


def test_the_list_is_of_titles_and_one_is_told_in_full() -> None:
    listed = CliRunner().invoke(app, ["scenarios"], env={"COLUMNS": "80"}).stdout
    assert all(name in listed for name in ENTRIES)
    assert len(listed.splitlines()) < 2 * len(ENTRIES)
    assert "Source: " not in listed
    told = CliRunner().invoke(app, ["scenarios", "test-year"], env={"COLUMNS": "80"}).stdout
    assert ENTRIES["test-year"].title in told
    assert " ".join(ENTRIES["test-year"].description.split()) in " ".join(told.split())
    assert told.rstrip().endswith("asm-sim run test-year")
    as_json = CliRunner().invoke(app, ["scenarios", "test-year", "--json"]).stdout
    assert [entry["name"] for entry in json.loads(as_json)] == ["test-year"]
    unknown = subprocess.run(
        [sys.executable, "-m", "asm_sim.cli.main", "scenarios", "test-yeer"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert unknown.returncode == 2
    assert "did you mean 'test-year'?" in unknown.stderr
